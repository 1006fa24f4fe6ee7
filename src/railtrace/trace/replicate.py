"""What is asked and what is accepted when logs travel between installations.

A **parcel** is a run of leaves, byte for byte, with the writer's signed checkpoint and two
consistency proofs: that what the receiver holds is the beginning of that checkpoint's tree, and
that it still is with the leaves of the parcel. So every parcel is proven by itself before one
byte of it is kept, however far the checkpoint is.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from railtrace.errors import LogRewritten, ProofFailed, RailtraceError
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.epochs import epochs_of, first_origin, inherit
from railtrace.trace.evidence import named_evidence
from railtrace.trace.leaf import Entry
from railtrace.trace.ledger import LogHead, Row, TraceStore, prove_growth
from railtrace.trace.merkle import Frontier, check_consistency, leaf_hash
from railtrace.trace.trust import Trust, derive, in_window, mark_compromised
from railtrace.trace.verify import FileState

PROTOCOL = 1
MOST_ENTRIES = 4_000
MOST_BYTES = 1 << 20
"""Of leaves in one parcel; a longer leaf travels alone."""
MOST_UNPACKED = 8 << 20


class UnknownKey(ProofFailed):
    """Nobody here has confirmed the key of a log; `verifier_key` is what the sender shows."""

    def __init__(self, origin: str, verifier_key: str) -> None:
        super().__init__(
            "no key of {origin} is trusted by the side that is to take it. The other side shows "
            "{key}: compare it with what its owner says another way, then run there "
            "`railtrace replicate --trust {key}`",
            origin=origin, key=verifier_key,
        )  # fmt: skip
        self.verifier_key = verifier_key


class Known(Struct, frozen=True):
    """A log as one side holds it, by the origin of its first epoch; it gives what is signed."""

    origin: str
    size: int
    signed_size: int


class Greeting(Struct, frozen=True):
    """What a side says of itself first."""

    installation: str
    logs: tuple[Known, ...]
    protocol: int = PROTOCOL


class Wanted(Struct, frozen=True):
    """A question for leaves of a log from `start`."""

    origin: str
    start: int
    most_bytes: int = MOST_BYTES


class Parcel(Struct, frozen=True):
    """A run of leaves from `start`, under the checkpoint `note`.

    `verifier_key` is shown to whom the log is new; `as_of_us` is when its writer was last heard,
    at any remove: a claim, for people to see how old their knowledge is.
    """

    start: int
    note: str
    verifier_key: str = ""
    as_of_us: int = 0
    leaves: tuple[bytes, ...] = ()
    growth: tuple[bytes, ...] = ()
    rest: tuple[bytes, ...] = ()
    hints: tuple[tuple[int, bytes], ...] = ()

    @property
    def stop(self) -> int:
        """The position after the last leaf."""
        return self.start + len(self.leaves)


class Answer(Struct, frozen=True):
    """What became of a parcel: how many entries the receiver has now, or why it took none.

    `note` is the checkpoint with the receiver's cosignature, once it has all it covers.
    """

    size: int
    note: str = ""
    refused: str = ""


class Awaited(Struct, frozen=True):
    """A file somebody waits for, and how many of its bytes have come."""

    sha256: str
    received: int = 0
    most_bytes: int = MOST_BYTES


class Received(Struct, frozen=True):
    """How many bytes of a file have come; `state` is settled when nobody waits for it any more."""

    received: int
    state: Literal["more", "settled", "refused"] = "more"


class Piece(Struct, frozen=True):
    """Bytes of a file from `start`; of an expired or missing file there are none."""

    sha256: str
    start: int = 0
    size: int = 0
    content: bytes = b""
    state: FileState = "kept"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a parcel adds to a log: rows, the new head, kept subtree roots, files it names."""

    head: LogHead
    rows: tuple[Row, ...]
    kept: dict[tuple[int, int], bytes]
    files: tuple[str, ...]
    checkpoint: Checkpoint

    @property
    def is_whole(self) -> bool:
        """Tell whether the log now has all that the checkpoint covers."""
        return self.head.size == self.checkpoint.size


_S = TypeVar("_S")


def pack(message: object) -> bytes:
    """Write a message for the line: MessagePack, compressed."""
    return zlib.compress(msgspec.msgpack.encode(message), 6)


def unpack(packed: bytes, shape: type[_S]) -> _S:
    """Read a message. Raises ProofFailed when it was cut, damaged or is too large."""
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(packed, MOST_UNPACKED)
        if not reader.eof:
            raise ProofFailed("the message was cut, or is longer than any this program sends")
        return msgspec.msgpack.decode(plain, type=shape)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProofFailed("the message cannot be read: {error}", error=error) from error


# --- sending --------------------------------------------------------------------------------


def fill(
    store: TraceStore,
    log: str,
    start: int,
    checkpoint: Checkpoint,
    hints: Iterable[Entry] = (),
    most_bytes: int = MOST_BYTES,
) -> Parcel:
    """Return the parcel of a log from a position on; `hints` are the log's key entries."""
    size = checkpoint.size
    taken: list[bytes] = []
    room = most_bytes
    for _, leaf in store.leaves(log, start, min(size, start + MOST_ENTRIES)):
        room -= len(leaf)
        if taken and room < 0:
            break
        taken.append(leaf)
    stop = start + len(taken)
    return Parcel(
        start=start, note=str(checkpoint), leaves=tuple(taken),
        growth=tuple(prove_growth(store, log, start, size)) if 0 < start < size else (),
        rest=tuple(prove_growth(store, log, stop, size)) if 0 < stop < size else (),
        hints=tuple(_hint(store, entry) for entry in hints if entry.position < size),
    )  # fmt: skip


def _hint(store: TraceStore, entry: Entry) -> tuple[int, bytes]:
    [(position, leaf)] = store.leaves(entry.log, entry.position, entry.position + 1)
    return position, leaf


# --- receiving ------------------------------------------------------------------------------


def held(heads: Iterable[LogHead], origin: str) -> LogHead | None:
    """Return the log of an origin, in whatever epoch."""
    first = first_origin(origin)
    return next((head for head in heads if first_origin(head.origin) == first), None)


def new_head(heads: Sequence[LogHead], origin: str) -> LogHead:
    """Return the empty head of another installation's log: its own name, unless that is taken."""
    first = first_origin(origin)
    installation, _, log = first.rpartition("/")
    taken = log in {head.log for head in heads}
    return LogHead(f"{log}@{installation}" if taken else log, first, Frontier(), 0, True)


def trust_for(trust: Trust, origin: str, entries: Sequence[Entry]) -> Trust:
    """Return the trust with what a log's own entries say of its keys and epochs.

    A hint that was not in the log could only add a key that a trusted key has signed for.
    """
    trust = mark_compromised(trust, entries)
    epochs = epochs_of(first_origin(origin), entries)
    for epoch in epochs:
        if trust.knows(epoch.origin):
            trust, _ = derive(trust, epoch.origin, entries)
        trust = inherit(trust, epochs)
    return mark_compromised(trust, entries)


def read_hints(parcel: Parcel, log: str) -> list[Entry]:
    """Return the entries that travel ahead of their place."""
    return [_read(leaf, log, position) for position, leaf in parcel.hints]


def signed_checkpoint(parcel: Parcel, trust: Trust) -> Checkpoint:
    """Return the parcel's checkpoint when a trusted key signed it. Raises UnknownKey."""
    checkpoint = Checkpoint.parse(parcel.note)
    if not trust.knows(checkpoint.origin):
        raise UnknownKey(checkpoint.origin, parcel.verifier_key)
    return checkpoint.require(trust.keys_at(checkpoint.origin, checkpoint.size))


def accept(head: LogHead, parcel: Parcel, checkpoint: Checkpoint, trust: Trust) -> Accepted:
    """Return what a parcel adds. Raises LogRewritten or ProofFailed; the checkpoint is trusted."""
    if parcel.start != head.size or parcel.stop > checkpoint.size:
        raise ProofFailed("the parcel does not begin where the log ends")
    require_growth(head, checkpoint, parcel.growth)
    hashes = [leaf_hash(leaf) for leaf in parcel.leaves]
    frontier, kept = head.frontier.append(hashes)
    _require_same_tree(frontier, checkpoint, parcel.rest)
    entries = [_read(leaf, head.log, parcel.start + i) for i, leaf in enumerate(parcel.leaves)]
    rows = tuple(
        Row(entry.position, entry.operation.id, entry.kind, leaf, hashed)
        for entry, leaf, hashed in zip(entries, parcel.leaves, hashes, strict=True)
    )
    recorded_us = max([head.recorded_us, *(entry.recorded_us for entry in entries)])
    if entries and in_window(trust, checkpoint, leaves.moment(recorded_us)):
        raise ProofFailed(
            "{origin}: the checkpoint of {size} entries was signed while its key was "
            "compromised: by itself it proves nothing",
            origin=checkpoint.origin, size=checkpoint.size,
        )  # fmt: skip
    whole = frontier.size == checkpoint.size
    origin = checkpoint.origin if whole else head.origin
    files = dict.fromkeys(name for entry in entries for name, _ in named_evidence(entry))
    grown = replace(head, frontier=frontier, recorded_us=recorded_us, origin=origin)
    return Accepted(grown, rows, kept, tuple(files), checkpoint)


def require_growth(head: LogHead, checkpoint: Checkpoint, growth: Sequence[bytes]) -> None:
    """Raise LogRewritten unless what is held is the beginning of the checkpoint's tree."""
    if head.size == 0:
        return
    have = head.frontier
    try:
        check_consistency(have.size, checkpoint.size, have.root(), checkpoint.root, growth)
    except ProofFailed as error:
        raise rewritten(head, checkpoint) from error


def rewritten(head: LogHead, checkpoint: Checkpoint) -> LogRewritten:
    """Return the error that names a log whose signed head contradicts what is held of it."""
    if checkpoint.origin != head.origin:
        return LogRewritten(
            "{log} went back in a restore and goes on as {origin}: the {have} entries held here "
            "are not the beginning of its {size}; it is refused and kept aside for the auditor",
            log=head.log, origin=checkpoint.origin, have=head.size, size=checkpoint.size,
        )  # fmt: skip
    return LogRewritten(
        "{log} was rewritten: the {have} entries held here are not the beginning of the {size} "
        "that {origin} signed; it is refused and kept aside for the auditor",
        log=head.log, origin=checkpoint.origin, have=head.size, size=checkpoint.size,
    )  # fmt: skip


def _require_same_tree(frontier: Frontier, checkpoint: Checkpoint, rest: Sequence[bytes]) -> None:
    if frontier.size == 0:
        return
    try:
        check_consistency(frontier.size, checkpoint.size, frontier.root(), checkpoint.root, rest)
    except ProofFailed as error:
        raise ProofFailed(
            "{origin}: the entries sent do not give the root signed for {size}: the sender's "
            "copy is damaged, run `railtrace verify` there",
            origin=checkpoint.origin, size=checkpoint.size,
        ) from error  # fmt: skip


def _read(leaf: bytes, log: str, position: int) -> Entry:
    try:
        return leaves.read(leaf, log, position)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise RailtraceError(
            "{log} {position} is no entry this program can hold: install the release that the "
            "sender runs",
            log=log, position=position,
        ) from error  # fmt: skip
