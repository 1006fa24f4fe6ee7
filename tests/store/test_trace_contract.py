"""What every trace store must do: the same tests for SQLite and PostgreSQL."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from railtrace.errors import BadOperation, IdTaken, NotFound, ProofFailed
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.ledger import (
    Receipt,
    Row,
    Submission,
    entry_of,
    prove,
    prove_growth,
    record,
    root_then,
    sign_head,
)
from railtrace.trace.merkle import check_consistency, check_inclusion, leaf_hash, root_of
from railtrace.trace.operation import Operation
from tests.store.conftest import Opener
from tests.trace.operations import measured

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def sent(operations: Sequence[Operation], who: str = "worker-1") -> list[Submission]:
    return [Submission(operation, who, "test") for operation in operations]


def fill(store: DatabaseTraceStore, log: str, count: int, name: str = "op") -> None:
    store.open_log(log, f"tests/{log}")
    record(store, log, sent([measured(f"{name}-{i}") for i in range(count)]), NOW)


def test_an_empty_log_has_size_nothing_and_the_empty_root(store: DatabaseTraceStore) -> None:
    head = store.open_log("a", "tests/a")
    assert (head.size, head.frontier.root()) == (0, root_of([]))
    assert store.open_log("a", "tests/a") == head
    assert store.heads() == [head]


def test_receipts_name_the_place_and_the_hash_of_what_is_stored(store: DatabaseTraceStore) -> None:
    fill(store, "a", 3)
    [receipt] = record(store, "a", sent([measured("op-3", note="Ҷӯра 😀 \u2028")]), NOW)
    assert isinstance(receipt, Receipt)
    [(position, leaf)] = store.leaves("a", 3, 4)
    assert (receipt.position, receipt.log, receipt.recorded_at) == (position, "a", NOW)
    assert receipt.leaf_hash == leaf_hash(leaf).hex() == store.hashes("a", 3, 4)[0].hex()
    assert not receipt.duplicate


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_the_head_is_the_tree_over_the_stored_leaves(store: DatabaseTraceStore, size: int) -> None:
    fill(store, "a", size)
    hashes = [leaf_hash(leaf) for _, leaf in store.leaves("a", 0, size)]
    assert store.head("a").frontier.root() == root_of(hashes) == root_then(store, "a", size)
    assert store.subtrees("a", 8, 0, 9) == [
        root_of(hashes[i : i + 256]) for i in range(0, size - 255, 256)
    ]


def test_a_repeated_id_returns_the_first_receipt(store: DatabaseTraceStore) -> None:
    fill(store, "a", 2)
    store.open_log("b", "tests/b")
    again = measured("op-1", happened_at="2026-01-01T05:00:00+05:00")
    later = NOW + timedelta(days=1)
    for log in ("a", "b"):
        [receipt] = record(store, log, sent([again], "somebody-else"), later)
        assert isinstance(receipt, Receipt)
        assert (receipt.duplicate, receipt.log, receipt.position) == (True, "a", 1)
        assert receipt.recorded_at == NOW
    assert [head.size for head in store.heads()] == [2, 0]


def test_the_same_id_with_other_content_is_refused_by_name(store: DatabaseTraceStore) -> None:
    fill(store, "a", 1)
    [refused] = record(store, "a", sent([measured("op-0", note="other")]), NOW)
    assert isinstance(refused, IdTaken)
    assert "op-0" in str(refused)
    assert "a 0" in str(refused)


def test_a_batch_keeps_its_order_and_answers_for_each(store: DatabaseTraceStore) -> None:
    fill(store, "a", 1)
    future = measured("op-9", happened_at="2027-01-01T00:00:00Z")
    batch = [measured("op-1"), measured("op-0"), future, measured("op-1"), measured("op-2")]
    results = record(store, "a", sent([*batch, measured("op-2", note="x")]), NOW)
    kinds = [(r.duplicate, r.position) if isinstance(r, Receipt) else type(r) for r in results]
    assert kinds == [(False, 1), (True, 0), BadOperation, (True, 1), (False, 2), IdTaken]
    assert store.head("a").size == 3


def test_recorded_at_never_goes_back(store: DatabaseTraceStore) -> None:
    fill(store, "a", 1)
    [receipt] = record(store, "a", sent([measured("op-1")]), NOW - timedelta(hours=3))
    assert isinstance(receipt, Receipt)
    assert receipt.recorded_at == NOW


def test_an_error_in_the_middle_leaves_nothing(store: DatabaseTraceStore) -> None:
    fill(store, "a", 2)
    before = store.head("a")
    with pytest.raises(RuntimeError):
        _fail_while_writing(store)
    assert store.head("a") == before
    assert store.subtrees("a", 8, 0, 1) == []


def _fail_while_writing(store: DatabaseTraceStore) -> None:
    with store.writing("a") as writer:
        writer.append([], writer.head, {(8, 0): bytes(32)})
        raise RuntimeError


def test_a_commit_does_not_wait_for_an_open_stream(open_store: Opener) -> None:
    store, other = open_store(), open_store()
    fill(store, "a", 30)
    stream = store.leaves("a", 0, 30)
    next(stream)
    record(store, "a", sent([measured("during")]), NOW)
    assert other.head("a").size == 31
    del stream
    store.close()
    other.close()


def test_unknown_logs_and_ids_are_not_found(store: DatabaseTraceStore) -> None:
    fill(store, "a", 1)
    for call in (
        lambda: store.head("b"),
        lambda: record(store, "b", sent([measured("x")]), NOW),
        lambda: entry_of(store, "nobody"),
        lambda: list(store.leaves("b", 0, 1)),
    ):
        with pytest.raises(NotFound):
            call()


def test_every_entry_and_every_growth_is_proven_from_the_store(store: DatabaseTraceStore) -> None:
    fill(store, "a", 600)
    for size in (1, 2, 3, 256, 257, 511, 600):
        root = root_then(store, "a", size)
        for position in {0, size // 2, size - 1}:
            [(_, leaf)] = store.leaves("a", position, position + 1)
            path = prove(store, "a", position, size)
            check_inclusion(leaf_hash(leaf), position, size, path, root)
            with pytest.raises(ProofFailed):
                check_inclusion(leaf_hash(leaf + b" "), position, size, path, root)
        growth = prove_growth(store, "a", size, 600)
        check_consistency(size, 600, root, root_then(store, "a", 600), growth)


def test_leaves_are_read_by_kind_by_place_and_by_id(store: DatabaseTraceStore) -> None:
    fill(store, "a", 5)
    fill(store, "b", 5, "other")
    washed = measured("wash-1", kind="Washed", readings=[])
    record(store, "a", sent([washed]), NOW)
    assert [p for p, _ in store.leaves("a", 0, 99, ["Washed", "Ran"])] == [5]
    found = store.leaves_at([("a", 5), ("b", 0), ("b", 77)])
    assert set(found) == {("a", 5), ("b", 0)}
    assert leaves.read(found["b", 0], "b", 0).operation == measured("other-0")
    assert store.find(["wash-1", "nobody"]) == {"wash-1": ("a", 5, found["a", 5])}


def test_two_streams_of_one_thread_do_not_disturb_each_other(store: DatabaseTraceStore) -> None:
    fill(store, "a", 30)
    pairs = zip(store.leaves("a", 0, 30), store.leaves("a", 0, 30), strict=True)
    assert all(one == other for one, other in pairs)


def test_a_log_is_named_by_no_other_logs_entries(store: DatabaseTraceStore) -> None:
    for log in ("a", "b", "c"):
        fill(store, log, 4, log)
    read = [leaves.read(leaf, "b", p).operation.id for p, leaf in store.leaves("b", 0, 1 << 39)]
    assert read == ["b-0", "b-1", "b-2", "b-3"]


def test_a_head_is_signed_once_and_kept(store: DatabaseTraceStore) -> None:
    signer = Signer.generate("tests")
    fill(store, "a", 2)
    first = sign_head(store, "a", signer, NOW)
    assert sign_head(store, "a", signer, NOW + timedelta(seconds=1)) == first
    record(store, "a", sent([measured("op-2")]), NOW)
    second = sign_head(store, "a", signer, NOW + timedelta(seconds=2))
    assert store.checkpoints("a") == [(2, str(first)), (3, str(second))]
    assert store.last_checkpoint("a") == (3, str(second))
    key = signer.named("tests/a").verifier
    assert Checkpoint.parse(str(second)).require([key]).root == store.head("a").frontier.root()


# --- several writers ----------------------------------------------------------------------


def record_in_process(open_store: Opener, log: str, name: str, batches: int, reverse: bool) -> None:
    store = open_store()
    store.open_log(log, f"tests/{log}")
    for batch in range(batches):
        ids = [f"{name}-{batch}-{i}" for i in range(25)]
        operations = [measured(id_) for id_ in (reversed(ids) if reverse else ids)]
        for result in record(store, log, sent(operations), NOW):
            assert isinstance(result, Receipt), result
    store.close()


def run_together(*arguments: tuple[object, ...]) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=record_in_process, args=args) for args in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def whole(store: DatabaseTraceStore, log: str) -> list[str]:
    """Return the ids of a log whose tree is right."""
    head = store.head(log)
    rows = list(store.rows(log, 0))
    assert [row[0] for row in rows] == list(range(head.size))
    assert head.frontier.root() == root_of([leaf_hash(row[3]) for row in rows])
    return [row[1] for row in rows]


def test_two_processes_write_to_one_log(open_store: Opener) -> None:
    run_together((open_store, "a", "x", 20, False), (open_store, "a", "y", 20, False))
    store = open_store()
    ids = whole(store, "a")
    store.close()
    assert len(ids) == len(set(ids)) == 1000


def test_two_processes_send_the_same_ids_to_two_logs_and_each_stands_once(
    open_store: Opener,
) -> None:
    run_together((open_store, "a", "x", 20, False), (open_store, "b", "x", 20, True))
    store = open_store()
    ids = whole(store, "a") + whole(store, "b")
    store.close()
    assert len(ids) == len(set(ids)) == 500


def test_an_id_under_way_in_another_log_is_waited_for(open_store: Opener) -> None:
    """The first writer has written and not committed when the second one comes."""
    store = open_store()
    fill(store, "a", 1)
    store.open_log("b", "tests/b")
    results: list[object] = []
    second = Thread(
        target=lambda: results.extend(record(store, "b", sent([measured("same")]), NOW))
    )
    leaf = leaves.encode(measured("same"), NOW, "w", "t")
    with store.writing("a") as writer:
        row = Row(1, "same", "Measured", leaf, leaf_hash(leaf))
        frontier, kept = writer.head.frontier.append([row.hash])
        writer.append([row], replace(writer.head, frontier=frontier), kept)
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(30)
    [receipt] = results
    assert isinstance(receipt, Receipt)
    assert (receipt.duplicate, receipt.log, receipt.position) == (True, "a", 1)
    store.close()


def test_threads_share_a_store(open_store: Opener) -> None:
    store = open_store()
    store.open_log("a", "tests/a")
    jobs = [
        Thread(
            target=lambda name=name: [
                record(store, "a", sent([measured(f"{name}-{i}")]), NOW) for i in range(15)
            ]
        )
        for name in "pqrs"
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(whole(store, "a")) == 60
    store.close()
