"""Recording: the one way an operation gets into a log, and the proofs that it is there.

The ledger is the set of logs in one store. Everything here is a function of the store it is
given; time is passed in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec import Struct

from railtrace.errors import Contended, IdTaken, NotFound, Refused
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.checks import check
from railtrace.trace.forms import envelopes_hold
from railtrace.trace.leaf import Entry
from railtrace.trace.merkle import (
    KEPT_EVERY,
    Frontier,
    Nodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    root_of,
)
from railtrace.trace.operation import Operation, kind_of

TRIES = 10
"""How often a batch is tried when another log records the same ids at the same moment."""


class Submission(Struct, frozen=True, gc=False):
    """An operation on its way in: who sends it and through which door."""

    operation: Operation
    submitter: str
    channel: str


class Receipt(Struct, frozen=True, gc=False):
    """Proof of recording: where the operation stands; `duplicate` when it stood there before."""

    id: str
    log: str
    position: int
    recorded_at: datetime
    leaf_hash: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log as the store has it now."""

    log: str
    origin: str
    frontier: Frontier
    recorded_us: int
    foreign: bool = False
    """Another installation writes it; here it is only held."""

    @property
    def size(self) -> int:
        """How many entries the log has; the next entry's position."""
        return self.frontier.size


class Row(NamedTuple):
    """One stored entry."""

    position: int
    id: str
    kind: str
    leaf: bytes
    hash: bytes


_row = tuple.__new__
"""Half as long as `Row(...)`, which counts where there is one for every operation."""


class LogWriter(Protocol):
    """One open transaction on one log, holding its lock."""

    head: LogHead
    refuses_repeats: bool
    """Whether `append` raises Contended for every id that stands in the ledger already."""

    def find(self, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
        """Return (log, position, leaf) of the ids that are in the ledger."""

    def append(
        self, rows: Sequence[Row], head: LogHead, kept: dict[tuple[int, int], bytes]
    ) -> None:
        """Write entries, the new head and the kept subtree roots."""


class TraceStore(Protocol):
    """Where logs live; one contract suite runs for every store."""

    def open_log(self, log: str, origin: str) -> LogHead:
        """Return the log's head, making the log when it is not there."""

    def heads(self) -> list[LogHead]:
        """Return the heads of all logs by name."""

    def head(self, log: str) -> LogHead:
        """Return one head. Raises NotFound."""

    def writing(self, log: str) -> AbstractContextManager[LogWriter]:
        """Lock a log and write to it in one transaction."""

    def find(self, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
        """Return (log, position, leaf) of the ids that are in the ledger."""

    def places(self, ids: Sequence[str]) -> dict[str, list[tuple[str, int, bytes]]]:
        """Return every place where ids stand, in the order of recording."""

    def leaves(
        self, log: str, start: int, stop: int, kinds: Sequence[str] = ()
    ) -> Iterator[tuple[int, bytes]]:
        """Stream (position, leaf) of [start, stop), of some kinds only when they are named."""

    def leaves_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """Return the leaves at (log, position) places."""

    def hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes of [start, stop)."""

    def subtrees(self, log: str, height: int, start: int, stop: int) -> list[bytes]:
        """Return the kept subtree roots of one height, indexes [start, stop)."""

    def rows(self, log: str, start: int) -> Iterator[tuple[int, str, str, bytes, bytes]]:
        """Stream (position, id, kind, leaf, hash) as they stand, from a position to the end."""

    def repeated_ids(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return the ids that stand more than once, whatever the index says, and where."""

    def add_checkpoint(self, log: str, size: int, note: str, signed_us: int) -> None:
        """Keep a signed checkpoint."""

    def checkpoints(self, log: str) -> list[tuple[int, str]]:
        """Return (size, note) of the kept checkpoints, oldest first."""

    def last_checkpoint(self, log: str) -> tuple[int, str] | None:
        """Return (size, note) of the newest kept checkpoint."""

    def awaits(self, sha256: str) -> bool:
        """Tell whether a file is named by replicated entries and has not come yet."""

    def close(self) -> None:
        """Let go of files and connections."""


Checked = list[bytes | Refused]
"""What a check makes of a batch: each operation's encoding, or why it is refused."""


def check_all(batch: Sequence[Submission], now: datetime) -> Checked:
    """Check each operation by itself; this needs no store and no lock."""
    operations = [item.operation for item in batch]
    held = envelopes_hold(operations)
    return [_checked(operation, now, held) for operation in operations]


def record(
    store: TraceStore, log: str, batch: Sequence[Submission], now: datetime
) -> list[Receipt | Refused]:
    """Record a batch in one transaction; each operation is accepted, known already or refused.

    The whole of what is accepted is durable when this returns, or none of it is.
    """
    return record_checked(store, log, batch, check_all(batch, now), now)


def record_checked(
    store: TraceStore, log: str, batch: Sequence[Submission], checked: Checked, now: datetime
) -> list[Receipt | Refused]:
    """Record a batch that is checked already."""
    results: list[Receipt | Refused | None] = [
        item if isinstance(item, Refused) else None for item in checked
    ]
    fresh = {index: text for index, text in enumerate(checked) if isinstance(text, bytes)}
    if fresh:
        _record_fresh(store, log, batch, fresh, results, now)
    return [result for result in results if result is not None]


def _record_fresh(
    store: TraceStore,
    log: str,
    batch: Sequence[Submission],
    fresh: Mapping[int, bytes],
    results: list[Receipt | Refused | None],
    now: datetime,
) -> None:
    for tries_left in reversed(range(TRIES)):
        # At first as if every id were new, which the store would refuse to write twice.
        look_up = tries_left < TRIES - 1
        try:
            with store.writing(log) as writer:
                _append(writer, batch, fresh, results, now, look_up)
            return
        except Contended:
            if not tries_left:
                raise


def _checked(operation: Operation, now: datetime, envelope_holds: bool) -> bytes | Refused:
    try:
        return check(operation, now, envelope_holds)
    except Refused as refusal:
        return refusal


def _append(
    writer: LogWriter,
    batch: Sequence[Submission],
    fresh: Mapping[int, bytes],
    results: list[Receipt | Refused | None],
    now: datetime,
    look_up: bool,
) -> None:
    head = writer.head
    if head.foreign:
        raise Refused(
            "{log} is the log of {origin}: only the installation that writes it may record in it",
            log=head.log, origin=head.origin,
        )  # fmt: skip
    recorded_us = max(leaves.microseconds(now), head.recorded_us)
    recorded_at = leaves.moment(recorded_us)
    taken: dict[str, tuple[str, int, bytes]] = {}
    if look_up or not writer.refuses_repeats:
        taken |= writer.find([batch[index].operation.id for index in fresh])
    log, position = head.log, head.size
    rows: list[Row] = []
    covers: dict[tuple[str, str], tuple[bytes, bytes]] = {}
    for index, encoded in fresh.items():
        item = batch[index]
        operation = item.operation
        id_ = operation.id
        if id_ in taken:
            results[index] = _seen_before(operation, *taken[id_])
            continue
        sender = (item.submitter, item.channel)
        if sender not in covers:
            covers[sender] = leaves.cover(recorded_at, *sender)
        begin, end = covers[sender]
        text = begin + encoded + end
        hashed = leaf_hash(text)
        rows.append(_row(Row, (position, id_, kind_of(operation), text, hashed)))
        taken[id_] = (log, position, text)
        results[index] = Receipt(id_, log, position, recorded_at, hashed.hex())
        position += 1
    if rows:
        frontier, kept = head.frontier.append([row.hash for row in rows])
        writer.append(rows, replace(head, frontier=frontier, recorded_us=recorded_us), kept)


def _seen_before(operation: Operation, log: str, position: int, leaf: bytes) -> Receipt | Refused:
    """A repeat returns the first receipt; the same id with other content is refused by name."""
    entry = leaves.read(leaf, log, position)
    if entry.operation != operation:
        return IdTaken(
            "id {id} is in the ledger already with other content ({log} {position}): "
            "send a new operation under a new id, or a correction",
            id=operation.id,
            log=log,
            position=position,
        )
    recorded_at = leaves.moment(entry.recorded_us)
    return Receipt(operation.id, log, position, recorded_at, leaf_hash(leaf).hex(), True)


def nodes_of(store: TraceStore, log: str) -> Nodes:
    """Return the reader of a log's perfect subtrees, from kept roots and leaf hashes."""

    def nodes(height: int, index: int) -> bytes:
        level = height - height % KEPT_EVERY
        start, stop = index << (height - level), (index + 1) << (height - level)
        rows = store.subtrees(log, level, start, stop) if level else store.hashes(log, start, stop)
        if len(rows) != stop - start:
            raise NotFound("{log}: entries {start} to {stop} are missing", log=log,
                           start=start << level, stop=stop << level)  # fmt: skip
        return root_of(rows)

    return nodes


def entry_of(store: TraceStore, id_: str) -> Entry:
    """Return the recorded entry of an operation id. Raises NotFound."""
    found = store.find([id_])
    if id_ not in found:
        raise NotFound("operation {id} is not in this ledger", id=id_)
    log, position, leaf = found[id_]
    return leaves.read(leaf, log, position)


def prove(store: TraceStore, log: str, position: int, size: int) -> list[bytes]:
    """Return the inclusion proof of a position in the first `size` entries."""
    return inclusion_proof(position, size, nodes_of(store, log))


def prove_growth(store: TraceStore, log: str, old: int, new: int) -> list[bytes]:
    """Return the proof that the log of `new` entries continues the log of `old`."""
    return consistency_proof(old, new, nodes_of(store, log))


def root_then(store: TraceStore, log: str, size: int) -> bytes:
    """Return the root the log had at an earlier size."""
    return root_at(size, nodes_of(store, log))


def sign_head(store: TraceStore, log: str, signer: Signer, now: datetime) -> Checkpoint:
    """Sign the log's head and keep the checkpoint; the last one serves while nothing is added."""
    head = store.head(log)
    key = signer.named(head.origin)
    kept = store.last_checkpoint(log)
    if kept and kept[0] == head.size:
        last = Checkpoint.parse(kept[1])
        if last.signed_by([key.verifier]):
            return last
    checkpoint = Checkpoint(head.origin, head.size, head.frontier.root()).signed(key)
    store.add_checkpoint(log, head.size, str(checkpoint), leaves.microseconds(now))
    return checkpoint
