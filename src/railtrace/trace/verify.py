"""Re-checking a store: are the entries still those that were recorded and signed?

Every leaf is read and hashed again, the tree is built anew and compared with what the store
keeps (leaf hashes, subtree roots, head) and with every signed checkpoint. docs/trace-format.md,
"What a re-check proves", says what each start and each finding means.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from multiprocessing.queues import SimpleQueue
from operator import attrgetter, itemgetter, le
from typing import Literal

import msgspec
from msgspec import Struct

from railtrace.errors import NotFound, ProofFailed
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.epochs import OPENING, Epoch, epochs_of, inherit, installation_of
from railtrace.trace.evidence import named_evidence
from railtrace.trace.findings import Finding
from railtrace.trace.ledger import LogHead, TraceStore, nodes_of, root_then
from railtrace.trace.merkle import Frontier
from railtrace.trace.trust import KEY_KINDS, Trust, derive, in_window, mark_compromised

CHUNK = 1024
SMALL = 200_000
"""Below this many entries a process of its own costs more than it saves."""

FileState = Literal["kept", "missing", "changed", "expired"]
Progress = Callable[[str, int, int], None]
"""(log, entries done, entries in all)."""

StoredRow = tuple[int, str, str, bytes, bytes]


@dataclass(frozen=True)
class Plan:
    """What to re-check against.

    `earlier` are checkpoints, by log, that somebody kept elsewhere; `since` are trusted
    checkpoints to begin from; `file_state` tells whether a file of evidence is as named.
    """

    trust: Trust
    earlier: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)
    file_state: Callable[[str], FileState] | None = None


@dataclass(frozen=True)
class Report:
    """What was found, and how many entries of each log were read."""

    findings: tuple[Finding, ...]
    entries: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(finding.is_fault for finding in self.findings)


class _Operation(Struct, gc=False):
    id: str
    kind: str


class _Head(Struct, gc=False):
    operation: _Operation
    recorded_at: datetime


_read_head = msgspec.json.Decoder(_Head).decode
_recorded_at = attrgetter("recorded_at")
_EVIDENCE_KEY = b'"sha256":'
_CATALOGUE_KEY = b'"catalogue":'
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def trust_of(store: TraceStore, trust: Trust) -> tuple[Trust, list[Finding]]:
    """Return the trust with every key replacement and every compromise the ledger tells of."""
    entries = {
        head.log: [
            leaves.read(leaf, head.log, position)
            for position, leaf in store.leaves(head.log, 0, head.size, (*KEY_KINDS, OPENING))
        ]
        for head in store.heads()
    }
    findings: list[Finding] = []
    every = [entry for log in entries.values() for entry in log]
    trust = mark_compromised(trust, every)
    for head in store.heads():
        mine = entries.get(head.log, [])
        epochs = epochs_of(head.origin, mine)
        for epoch in epochs:
            if trust.knows(epoch.origin):
                trust, bad = derive(trust, epoch.origin, mine)
                findings += [
                    Finding("key-replacement", head.log, b.position, {"reason": b.reason})
                    for b in bad
                ]
            trust = inherit(trust, epochs)
    return mark_compromised(trust, every), findings


def verify_store(
    open_store: Callable[[], TraceStore],
    plan: Plan,
    workers: int = 1,
    progress: Progress = lambda log, done, total: None,
) -> Report:
    """Re-check every log, several at once when there are several large ones.

    `open_store` is called once here and once in each process, so it must be picklable.
    """
    store = open_store()
    try:
        trust, findings = trust_of(store, plan.trust)
        plan = Plan(trust, plan.earlier, plan.since, plan.file_state)
        heads = store.heads()
        findings += _lost_logs(plan, {head.log for head in heads})
        if workers > 1 and len(heads) > 1 and sum(head.size for head in heads) > SMALL:
            found = _in_processes(open_store, plan, heads, workers, progress)
        else:
            found = {head.log: verify_log(store, head.log, plan, progress) for head in heads}
        findings += [finding for head in heads for finding in found[head.log]]
        findings += _repeated(store)
        return Report(tuple(findings), {head.log: head.size for head in heads})
    finally:
        store.close()


def _lost_logs(plan: Plan, logs: set[str]) -> Iterator[Finding]:
    """A checkpoint of a log that is no longer there at all."""
    for log, notes in plan.earlier.items():
        if log not in logs and notes:
            size = max(Checkpoint.parse(note).size for note in notes)
            yield Finding("cut-off", log, 0, {"size": size})


def _repeated(store: TraceStore) -> Iterator[Finding]:
    """No installation records an id twice; two that are cut off from each other may."""
    writers = {head.log: installation_of(head.origin) for head in store.heads()}
    for id_, places in store.repeated_ids():
        (log, position), *others = places
        for other_log, other in others:
            alone = writers.get(log) == writers.get(other_log)
            name = "id-twice" if alone else "id-elsewhere"
            yield Finding(name, other_log, other, {"id": id_, "other": f"{log} {position}"})


_reports: "SimpleQueue[tuple[str, int, int]]"


def _begin_process(reports: "SimpleQueue[tuple[str, int, int]]") -> None:
    global _reports
    _reports = reports


def _verify_in_process(open_store: Callable[[], TraceStore], log: str, plan: Plan) -> list[Finding]:
    store = open_store()
    try:
        return verify_log(store, log, plan, lambda *told: _reports.put(told))
    finally:
        store.close()


def _in_processes(
    open_store: Callable[[], TraceStore],
    plan: Plan,
    heads: Sequence[LogHead],
    workers: int,
    progress: Progress,
) -> dict[str, list[Finding]]:
    context = multiprocessing.get_context("spawn")
    reports: SimpleQueue[tuple[str, int, int]] = context.SimpleQueue()
    with ProcessPoolExecutor(workers, context, _begin_process, (reports,)) as pool:
        running: dict[Future[list[Finding]], str] = {
            pool.submit(_verify_in_process, open_store, head.log, plan): head.log
            for head in sorted(heads, key=lambda head: -head.size)
        }
        waiting = set(running)
        while waiting:
            _, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            while not reports.empty():
                progress(*reports.get())
        return {log: future.result() for future, log in running.items()}


def verify_log(
    store: TraceStore,
    log: str,
    plan: Plan,
    progress: Progress = lambda log, done, total: None,
) -> list[Finding]:
    """Re-check one log; `plan.trust` is taken as it is (see `trust_of`)."""
    return _Walk(store, log, plan, progress).findings


class _Walk:
    """One pass over one log.

    `tree` is built from the leaves as they are. From the first leaf that differs from its
    stored hash, `told` is built beside it from the stored hashes: whichever of the two gives the
    next checkpoint tells whether the leaf or the hash was changed.
    """

    def __init__(self, store: TraceStore, log: str, plan: Plan, progress: Progress) -> None:
        self.store, self.log, self.plan, self.progress = store, log, plan, progress
        self.findings: list[Finding] = []
        self.tree, self.told = Frontier(), None  # type: Frontier, Frontier | None
        self.gap = False
        self.last_recorded_at = _LONG_AGO
        self.differing: list[tuple[StoredRow, bytes]] = []
        self.proven_size = 0
        self.wrong_subtrees: list[tuple[int, int]] = []
        self.rewritten = False
        self.vouched_size = 0
        self.files: dict[str, int] = {}
        self.lost: list[tuple[Epoch, Checkpoint]] = []
        notes = store.checkpoints(log)
        self.head = store.head(log)
        self.epochs = {epoch.origin: epoch for epoch in self._epochs()}
        self.checkpoints = self._trusted([*(note for _, note in notes), *plan.earlier.get(log, ())])
        self._walk()

    def _say(self, name: str, position: int | None = None, **values: object) -> None:
        self.findings.append(Finding(name, self.log, position, values))

    # --- checkpoints ----------------------------------------------------------------------

    def _epochs(self) -> list[Epoch]:
        openings = self.store.leaves(self.log, 0, self.head.size, (OPENING,))
        return epochs_of(
            self.head.origin,
            [leaves.read(leaf, self.log, position) for position, leaf in openings],
        )

    def _trusted(self, notes: Sequence[str]) -> dict[int, list[Checkpoint]]:
        """Return the checkpoints to compare with, by size; the others become findings."""
        knows = self.plan.trust.knows(self.head.origin)
        if not knows:
            self._say("no-key", origin=self.head.origin)
        found: dict[int, list[Checkpoint]] = {}
        for note in dict.fromkeys(notes):
            checkpoint = self._parse(note)
            if (
                checkpoint
                and (not knows or self._signed(checkpoint))
                and self._is_of_its_epoch(checkpoint)
            ):
                found.setdefault(checkpoint.size, []).append(checkpoint)
        return dict(sorted(found.items()))

    def _parse(self, note: str) -> Checkpoint | None:
        try:
            checkpoint = Checkpoint.parse(note)
        except ProofFailed:
            self._say("checkpoint-unreadable", start=repr(note[:40]))
            return None
        epoch = self.epochs.get(checkpoint.origin)
        if epoch is None or checkpoint.size < epoch.smallest:
            self._say("checkpoint-foreign", size=checkpoint.size, origin=checkpoint.origin)
            return None
        return checkpoint

    def _signed(self, checkpoint: Checkpoint) -> bool:
        keys = self.plan.trust.keys_at(checkpoint.origin, checkpoint.size)
        if checkpoint.signed_by(keys):
            return True
        self._say("signature", size=checkpoint.size)
        return False

    def _is_of_its_epoch(self, checkpoint: Checkpoint) -> bool:
        """A checkpoint beyond what a restore kept names what was lost; it fits no entry here."""
        epoch = self.epochs[checkpoint.origin]
        if epoch.may_sign(checkpoint.size):
            return True
        self.lost.append((epoch, checkpoint))
        return False

    def _name_lost(self) -> None:
        """An opening excuses a loss only under a trusted checkpoint: anybody can append one."""
        knows = self.plan.trust.knows(self.head.origin)
        for epoch, checkpoint in self.lost:
            first = epoch.largest or 0
            if knows and self.vouched_size <= first:
                self._say("cut-off", first, size=checkpoint.size)
                continue
            name = "lost" if epoch.has_lost(checkpoint.size) else "lost-unnamed"
            self._say(name, first, last=checkpoint.size - 1, origin=checkpoint.origin)

    # --- the walk -------------------------------------------------------------------------

    def _walk(self) -> None:
        start = self._start()
        self._meet(start)
        sizes = [size for size in self.checkpoints if start < size <= self.head.size]
        rows = self.store.rows(self.log, start)
        added: list[int] = []
        done = start
        for stop in [*sizes, self.head.size]:
            while done < stop:
                chunk = list(islice(rows, min(CHUNK, stop - done)))
                if not chunk:
                    break
                done = self._take(chunk, done, added)
                self.progress(self.log, done, self.head.size)
            self._meet(stop)
        added += [row[0] for row in rows]
        self._end(done, added)

    def _start(self) -> int:
        """Begin at the trusted checkpoint when the stored hashes give its root, else at 0."""
        note = self.plan.since.get(self.log)
        if note is None:
            return 0
        checkpoint = Checkpoint.parse(note)
        checkpoint.require(self.plan.trust.keys_at(checkpoint.origin, checkpoint.size))
        self.checkpoints.setdefault(checkpoint.size, []).append(checkpoint)
        self.checkpoints = dict(sorted(self.checkpoints.items()))
        size = checkpoint.size
        if not 0 < size <= self.head.size or self._root_kept(size) != checkpoint.root:
            return 0
        self.tree = _frontier_at(self.store, self.log, size)
        [(_, last)] = self.store.leaves(self.log, size - 1, size)
        self.last_recorded_at = _read_head(last).recorded_at
        self._say("not-read-again", size)
        return size

    def _root_kept(self, size: int) -> bytes:
        try:
            return root_then(self.store, self.log, size)
        except NotFound:
            return b""

    def _take(self, chunk: list[StoredRow], done: int, added: list[int]) -> int:
        """Check one run of rows; return the position after it."""
        if chunk[-1][0] - chunk[0][0] != len(chunk) - 1 or chunk[0][0] != done:
            chunk = self._fill(chunk, done, added)
        if not chunk:
            return done
        try:
            hashes = [sha256(b"\x00" + row[3]).digest() for row in chunk]
        except TypeError:
            chunk = [_of_bytes(row) for row in chunk]
            hashes = [sha256(b"\x00" + row[3]).digest() for row in chunk]
        stored = list(map(itemgetter(4), chunk))
        if hashes != stored:
            self._differ(chunk, hashes)
        self._check_columns(chunk)
        if self.plan.file_state is not None:
            self._collect_files(chunk)
        if not self.gap:
            self._grow(chunk[0][0], hashes, stored)
        return chunk[-1][0] + 1

    def _fill(self, chunk: list[StoredRow], done: int, added: list[int]) -> list[StoredRow]:
        """Name the positions that are not there; the tree ends where the first one is."""
        for row in chunk:
            if row[0] >= self.head.size:
                break
            if done < row[0]:
                self._say("entry-removed", done, count=row[0] - done)
                self.gap = True
            done = row[0] + 1
        added += [row[0] for row in chunk if row[0] >= self.head.size]
        return [row for row in chunk if row[0] < self.head.size]

    def _differ(self, chunk: list[StoredRow], hashes: list[bytes]) -> None:
        if self.told is None:
            self.told = self.tree
        self.differing += [
            (row, hashed) for row, hashed in zip(chunk, hashes, strict=True) if hashed != row[4]
        ]

    def _check_columns(self, chunk: list[StoredRow]) -> None:
        try:
            heads = [_read_head(row[3]) for row in chunk]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._check_one_by_one(chunk, self._read_slowly(chunk))
        times = list(map(_recorded_at, heads))
        rising = all(map(le, [self.last_recorded_at, *times], times))
        if rising and _columns_hold(chunk, [head.operation for head in heads]):
            self.last_recorded_at = times[-1]
            return None
        return self._check_one_by_one(chunk, heads)

    def _check_one_by_one(self, chunk: list[StoredRow], heads: Sequence[_Head | None]) -> None:
        damaged = {row[0] for row, _ in self.differing}
        for row, head in zip(chunk, heads, strict=True):
            if head is None or row[0] in damaged:
                continue
            operation, recorded_at = head.operation, head.recorded_at
            if row[1] != operation.id or row[2] != operation.kind:
                self._name_column(row, operation)
            if recorded_at < self.last_recorded_at:
                self._say("time-backwards", row[0], id=row[1], recorded_at=recorded_at.isoformat())
            else:
                self.last_recorded_at = recorded_at

    def _read_slowly(self, chunk: list[StoredRow]) -> list[_Head | None]:
        heads: list[_Head | None] = []
        for row in chunk:
            try:
                heads.append(_read_head(row[3]))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                # A leaf that was damaged is named by its hash; only a proven one is unreadable.
                if sha256(b"\x00" + row[3]).digest() == row[4]:
                    self._say("entry-unreadable", row[0])
                heads.append(None)
        return heads

    def _name_column(self, row: StoredRow, operation: _Operation) -> None:
        for column, stored, wanted in (
            ("id", row[1], operation.id),
            ("kind", row[2], operation.kind),
        ):
            if stored != wanted:
                self._say("column-changed", row[0], column=column, stored=stored, wanted=wanted)

    def _collect_files(self, chunk: list[StoredRow]) -> None:
        for position, _, _, leaf, _ in chunk:
            if _EVIDENCE_KEY in leaf or _CATALOGUE_KEY in leaf:
                try:
                    entry = leaves.read(leaf, self.log, position)
                except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
                    continue
                for name, _ in named_evidence(entry):
                    self.files.setdefault(name, position)

    def _grow(self, first: int, hashes: list[bytes], stored: list[bytes]) -> None:
        self.tree, kept = self.tree.append(hashes)
        told = kept
        if self.told is not None:
            self.told, told = self.told.append(stored)
        for height in sorted({height for height, _ in kept}):
            indexes = sorted(index for level, index in kept if level == height)
            found = self.store.subtrees(self.log, height, indexes[0], indexes[-1] + 1)
            if len(found) != len(indexes):
                self._say(
                    "subtree-missing",
                    indexes[0] << height,
                    count=len(indexes) - len(found),
                    height=height,
                )
                continue
            self.wrong_subtrees += [
                (height, index)
                for index, root in zip(indexes, found, strict=True)
                if root not in (kept[height, index], told[height, index])
            ]

    # --- comparing ------------------------------------------------------------------------

    def _meet(self, size: int) -> None:
        """Compare the tree with the checkpoints of this size."""
        for checkpoint in self.checkpoints.get(size, ()):
            if self.gap or self.rewritten or self.tree.size != size:
                return
            root, told = self.tree.root(), self.told.root() if self.told else None
            if checkpoint.root not in (root, told):
                self._name_rewritten(size)
                return
            self._settle("hash-changed" if checkpoint.root == root else "entry-changed")
            self.proven_size = size
            if in_window(self.plan.trust, checkpoint, self.last_recorded_at):
                self._say("compromised", size=size)
            elif self.plan.trust.knows(self.head.origin):
                self.vouched_size = size

    def _settle(self, name: str) -> None:
        """Name the leaves that differ, and go on from the tree that was proven."""
        proper = {row[4]: row[0] for row, _ in self.differing}
        for row, hashed in self.differing:
            if name == "entry-changed" and hashed in proper:
                self._say("entry-moved", row[0], id=_id_in(row[3]), proper=proper[hashed])
            else:
                self._say(name, row[0], id=row[1])
        self.differing.clear()
        if name == "entry-changed" and self.told is not None:
            self.tree = self.told
        self.told = None

    def _name_rewritten(self, size: int) -> None:
        """Name the narrowest run: since the last proven checkpoint, by the kept hashes."""
        self.rewritten = True
        first, last = self.proven_size, size - 1
        blocks = [
            (index << height, ((index + 1) << height) - 1)
            for height, index in self.wrong_subtrees
            if (index << height) <= last and ((index + 1) << height) > first
        ]
        if blocks:
            first = max(first, min(begin for begin, _ in blocks))
            ends = [end for begin, end in blocks if begin <= first]
            last = min(last, min(ends))
        self._say("rewritten", first, last=last, size=size)

    def _end(self, done: int, added: list[int]) -> None:
        self._end_of_rows(done, added)
        whole = not (self.gap or self.rewritten) and self.tree.size == self.head.size
        if whole:
            self._compare_head()
        self._settle("entry-changed")
        if not self.gap and not self.rewritten:
            self._name_subtrees()
        self._name_lost()
        if self.plan.trust.knows(self.head.origin) and self.vouched_size < self.head.size:
            self._say("unsigned", self.vouched_size)
        self._check_files()

    def _end_of_rows(self, done: int, added: list[int]) -> None:
        signed = max([*self.checkpoints, self.head.size])
        if min(done, self.head.size) < signed:
            self._say("cut-off", min(done, self.head.size), size=signed)
        # Entries recorded while this ran are no fault: the head is read again.
        size_now = self.store.head(self.log).size
        for position in added:
            if position >= size_now:
                self._say("entry-added", position)

    def _compare_head(self) -> None:
        if self.tree == self.head.frontier:
            self._settle("hash-changed")
        elif self.told != self.head.frontier and not self._subtree_faults():
            self._say("head-changed", self.head.size)

    def _subtree_faults(self) -> list[tuple[int, int]]:
        """Return the lowest kept hashes that are wrong, without those above them."""
        lowest: list[tuple[int, int]] = []
        for height, index in sorted(self.wrong_subtrees):
            if not any(low >> (height - level) == index for level, low in lowest):
                lowest.append((height, index))
        return lowest

    def _name_subtrees(self) -> None:
        for height, index in self._subtree_faults():
            first, last = index << height, ((index + 1) << height) - 1
            self._say("subtree-changed", first, last=last)

    def _check_files(self) -> None:
        if self.plan.file_state is None:
            return
        for name, position in self.files.items():
            state = self.plan.file_state(name)
            if state == "missing" and self.store.awaits(name):
                self._say("evidence-awaited", position, sha256=name)
            elif state != "kept":
                self._say(f"evidence-{state}", position, sha256=name)


def _columns_hold(chunk: list[StoredRow], operations: list[_Operation]) -> bool:
    return [operation.id for operation in operations] == [row[1] for row in chunk] and [
        operation.kind for operation in operations
    ] == [row[2] for row in chunk]


def _id_in(leaf: bytes) -> str:
    try:
        return _read_head(leaf).operation.id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _of_bytes(row: StoredRow) -> StoredRow:
    """SQLite takes text where bytes were; whoever alters a row by hand leaves it so."""
    values: list[object] = list(row[3:])
    leaf, hashed = (v if isinstance(v, bytes) else str(v).encode() for v in values)
    return *row[:3], leaf, hashed


def _frontier_at(store: TraceStore, log: str, size: int) -> Frontier:
    """Return the tree of the first `size` entries from kept hashes."""
    nodes = nodes_of(store, log)
    roots: list[bytes] = []
    start = 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            roots.append(nodes(height, start >> height))
            start += 1 << height
    return Frontier(size, tuple(roots))
