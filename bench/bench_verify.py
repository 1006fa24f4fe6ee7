"""Re-checking a whole store beside a bare loop of the same SHA-256 calls over the same bytes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from bench.table import Row, at_most, in_turn
from railtrace import check
from railtrace.store.export import export
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.checkpoint import Signer
from railtrace.trace.ledger import Submission, record, sign_head
from railtrace.trace.operation import Measured, Reading
from railtrace.trace.trust import Trust, TrustedKey
from railtrace.trace.verify import Plan, verify_store

LOGS, ENTRIES, BATCH = ("east", "west"), 250_000, 500
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIGNER = Signer("bench", bytes(32))


def rows() -> list[Row]:
    """Measure the store check with one process and with two, and the exported checker."""
    with _ledger() as (folder, leaves, trust):
        open_store = partial(_open, folder / "trace.db")
        plan = Plan(trust)
        measured = [
            _row("one process", lambda: _whole(open_store, plan, 1), leaves, 5),
            _row("two processes", lambda: _whole(open_store, plan, 2), leaves, 5),
        ]
        store = open_store()
        export(store, folder / "out", trust)
        store.close()
        exported = check.Export(folder / "out")
        return [*measured, _row("check.py of an export", lambda: _checked(exported), leaves, 20)]


def _row(how: str, ours: Callable[[], None], leaves: list[bytes], bar: float) -> Row:
    took, floor, ratio = in_turn(ours, lambda: _bare(leaves), runs=5)
    name = f"Verify {len(leaves):,} entries, {how}"
    return at_most(name, f"{took:.2f} s", f"{floor:.2f} s, bare SHA-256", ratio, bar)


def _open(path: Path) -> DatabaseTraceStore:
    return DatabaseTraceStore(Sqlite(path))


def _whole(open_store: "partial[DatabaseTraceStore]", plan: Plan, workers: int) -> None:
    report = verify_store(open_store, plan, workers)
    assert not report.findings, report.findings[:3]


def _checked(exported: check.Export) -> None:
    logs, others = check.check_export(exported, None, [])
    assert not others
    assert not any(log.findings for log in logs)


def _bare(leaves: list[bytes]) -> None:
    for leaf in leaves:
        sha256(b"\x00" + leaf).digest()
    left = right = bytes(32)
    for _ in range(len(leaves) - len(LOGS)):
        sha256(b"\x01" + left + right).digest()


@contextmanager
def _ledger() -> Iterator[tuple[Path, list[bytes], Trust]]:
    with tempfile.TemporaryDirectory(prefix="railtrace-bench-") as name:
        store = _open(Path(name) / "trace.db")
        for log in LOGS:
            store.open_log(log, f"bench/{log}")
            for start in range(0, ENTRIES, BATCH):
                at = NOW + timedelta(seconds=start)
                record(store, log, [_measured(log, i, at) for i in range(start, start + BATCH)], at)
                if start % 10_000 == 0:
                    sign_head(store, log, SIGNER, at)
            sign_head(store, log, SIGNER, NOW + timedelta(days=9))
        leaves = [leaf for log in LOGS for _, leaf in store.leaves(log, 0, ENTRIES)]
        keys = [
            TrustedKey(
                origin=f"bench/{log}", verifier_key=str(SIGNER.named(f"bench/{log}").verifier)
            )
            for log in LOGS
        ]
        store.close()
        yield Path(name), leaves, Trust(keys=tuple(keys))


def _measured(log: str, number: int, at: datetime) -> Submission:
    readings = tuple(
        Reading(
            quantity="flange_thickness",
            value=f"3{number % 3}.{place}",
            unit="mm",
            place=f"{place}L",
        )
        for place in range(3)
    )
    operation = Measured(
        id=f"{log}-{number}", happened_at=at, units=(f"u-{number % 3000}",), readings=readings,
        site="Dushanbe", performed_by=("p-17",), device="gauge-4",
    )  # fmt: skip
    return Submission(operation, "worker-1", "bench")
