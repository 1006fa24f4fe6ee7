"""The wiring: the only file that knows trace, stores, views and catalogue together."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic

from msgspec.structs import replace

from railtrace.catalogue import load as catalogue_files
from railtrace.catalogue.rows import Catalogue
from railtrace.config import Config
from railtrace.errors import (
    BadOperation,
    Behind,
    ConfigError,
    NotFound,
    ProofFailed,
    Refused,
    StoreFull,
)
from railtrace.projections.all import VIEWS
from railtrace.projections.twins import Finding
from railtrace.recorder import Recorder
from railtrace.store.database import Database
from railtrace.store.evidence import EvidenceStore
from railtrace.store.folder import require_format
from railtrace.store.keys import load_key, log_key
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.store.postgres import Postgres
from railtrace.store.replicas import Replicas
from railtrace.store.sqlite import Sqlite
from railtrace.store.stockroom import Stockroom
from railtrace.store.trace import DatabaseTraceStore
from railtrace.store.twins import Twins
from railtrace.store.views import ViewStore
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.leaf import Entry
from railtrace.trace.ledger import LogHead, Receipt, Submission, entry_of, record, sign_head
from railtrace.trace.operation import (
    CatalogueAdopted,
    Evidence,
    LogOpened,
    Manufactured,
    MarkingChanged,
    Operation,
    Registered,
)

Result = Receipt | Refused
EMPTY_CATALOGUE = Catalogue(**{name: {} for name in Catalogue.__struct_fields__})
SYSTEM = "railtrace"
NEXT_KEY = "next"
"""In the keys' folder while the log key is being replaced."""


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class App:
    """Railtrace over one data folder or PostgreSQL database.

    `start()` runs the recording thread and the follower that keeps the views up; without it
    everything is done in the caller's thread, as the command line does.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime] = utc_now) -> None:
        self.config, self.clock = config, clock
        require_format(config.data_folder)
        trace, views = databases(config)
        self.evidence = EvidenceStore(
            config.data_folder / "evidence",
            max_bytes=config.evidence_limit_mb << 20,
            retention_days={str(kind): days for kind, days in config.retention_days.items()},
        )
        self.trace = DatabaseTraceStore(trace)
        self._catalogue_of = lru_cache(maxsize=8)(self._read_catalogue)
        self.views = ViewStore(views, self.trace, VIEWS, self._catalogue_of)
        self.lookup = Lookup(views)
        self.stockroom = Stockroom(views)
        self.twins = Twins(views)
        self._recorder: Recorder | None = None
        self._follower: Follower | None = None
        self._signer: Signer | None = None

    # --- life ---------------------------------------------------------------------------------

    @property
    def signer(self) -> Signer:
        """The log key, made at first start."""
        if self._signer is None:
            folder = self.config.keys_folder
            started = any(head.size for head in self.trace.heads())
            # A new key for old logs would sign what nobody trusts: the lost one is to be restored.
            self._signer = load_key(folder) if started else log_key(folder, self.config.name)
        return self._signer

    def forget_key(self) -> None:
        """Read the log key anew at its next use."""
        self._signer = None

    def prepare(self) -> None:
        """Open the logs of this installation and adopt the catalogue when it has changed."""
        if changed := self.views.outdated():
            raise ConfigError(
                "the views {views} were built by another version: run `railtrace upgrade`",
                views=", ".join(changed),
            )
        if (self.config.keys_folder / NEXT_KEY).exists():
            raise ConfigError(
                "a replacement of the log key was interrupted: run `railtrace key replace` again"
            )
        self.signer  # noqa: B018 - made before the first entry, so that a lost one is noticed
        for log in self.config.logs:
            head = self.trace.open_log(log, self.config.origin_of(log))
            if head.foreign:
                raise ConfigError(
                    "{log} is the log of {origin}, which another installation writes: give the "
                    "site of that name a log of this installation in the settings (log = ...)",
                    log=log, origin=head.origin,
                )  # fmt: skip
            if head.size == 0:
                self.record([self._log_opened(head)], SYSTEM, "system", log)
        # On a full disk what is there is still read; `/health` tells what stands still.
        with suppress(StoreFull):
            self.catch_up()
            self.adopt_catalogue()

    def _log_opened(self, head: LogHead) -> Operation:
        return LogOpened(
            id=f"log:{head.origin}:1", happened_at=self.clock(), origin=head.origin, epoch=1
        )

    def adopt_catalogue(self, who: str = SYSTEM) -> str:
        """Adopt the shipped rows with the site's own over them; return the catalogue's hash."""
        site = self.config.data_folder / "catalogue"
        catalogue = catalogue_files.load(*([site] if site.exists() else []))
        if self.views.adopted() == catalogue.hash:
            return catalogue.hash
        content = catalogue.canonical_bytes()
        self.evidence.put(content)
        now = self.clock()
        evidence = Evidence(
            sha256=catalogue.hash, name="catalogue.json", media_type="application/json",
            size=len(content), evidence_class="catalogue",
        )  # fmt: skip
        adopted = CatalogueAdopted(
            id=f"catalogue:{catalogue.hash[:16]}:{leaves.microseconds(now)}",
            happened_at=now, catalogue=catalogue.hash, valid_from=now, evidence=(evidence,),
        )  # fmt: skip
        self.record([adopted], who, "system", self.config.default_log)
        self.catch_up()
        return catalogue.hash

    def start(self, catch_up: Callable[[int], int] | None = None) -> None:
        """Run the recording thread and the follower; `catch_up` takes one batch elsewhere."""
        if self._recorder is None:
            self._follower = Follower(catch_up or self._catch_up_a_batch)
            self._recorder = Recorder(self.trace, self.clock, self._follower.wake)

    def stop(self) -> None:
        """End the threads, what was handed in first, and close the databases."""
        if self._recorder is not None and self._follower is not None:
            self._recorder.stop()
            self._follower.stop()
        self._recorder = self._follower = None
        self.trace.close()
        self.views.close()

    def _catch_up_a_batch(self, batch: int) -> int:
        return self.views.catch_up(most=1, batch=batch)

    # --- recording ------------------------------------------------------------------------------

    def record(
        self,
        operations: Iterable[Operation | BadOperation],
        submitter: str,
        channel: str,
        log: str | None = None,
    ) -> list[Result]:
        """Record operations, each into its site's log unless one is named; results in order.

        A unit may be left unnamed when its number is given in `marks`: it is looked up here.
        """
        items = self._resolved(list(operations))
        accepted = [item for item in items if isinstance(item, Operation)]
        logs = {log or self.config.log_of(site) for site in {item.site for item in accepted}}
        if len(logs) == 1 and len(accepted) == len(items):
            batch = [Submission(item, submitter, channel) for item in accepted]
            return self._write(logs.pop(), batch)
        by_log: dict[str, list[int]] = {}
        results: list[Result | None] = [None] * len(items)
        for index, item in enumerate(items):
            if isinstance(item, Refused):
                results[index] = item
            else:
                by_log.setdefault(log or self.config.log_of(item.site), []).append(index)
        for name, indexes in by_log.items():
            batch = [
                Submission(item, submitter, channel)
                for index in indexes
                if not isinstance(item := items[index], Refused)
            ]
            for index, result in zip(indexes, self._write(name, batch), strict=True):
                results[index] = result
        return [result for result in results if result is not None]

    def _write(self, log: str, batch: Sequence[Submission]) -> list[Result]:
        if self._recorder is not None:
            return self._recorder.submit(log, batch).result()
        return record(self.trace, log, batch, self.clock())

    def _resolved(self, operations: list[Operation | BadOperation]) -> list[Operation | Refused]:
        """Name the units of operations that come with numbers only.

        A number counts as soon as an operation before it, in this batch or recorded, gives it.
        """
        unnamed = [
            op.id for op in operations if isinstance(op, Operation) and op.marks and not op.units
        ]
        if not unnamed:
            return list(operations)
        self.wait_caught_up()
        known = self.trace.find(unnamed)
        given: dict[str, set[str]] = {}
        resolved: list[Operation | Refused] = []
        for operation in operations:
            if isinstance(operation, Manufactured | Registered | MarkingChanged):
                _note_numbers(given, operation)
            if isinstance(operation, Operation) and _is_unnamed(operation):
                resolved.append(self._by_marks(operation, known, given))
            else:
                resolved.append(operation)
        return resolved

    def _by_marks(
        self,
        operation: Operation,
        known: dict[str, tuple[str, int, bytes]],
        given: dict[str, set[str]],
    ) -> Operation | Refused:
        if operation.id in known:
            first = leaves.read(known[operation.id][2], "", 0).operation
            if isinstance(first, Operation) and first.marks == operation.marks:
                return replace(operation, units=first.units)
        try:
            units = tuple(self.bearer(mark, given.get(mark, ())) for mark in operation.marks)
        except BadOperation as refusal:
            return refusal
        return replace(operation, units=units)

    def bearer(self, number: str, given: Iterable[str] = ()) -> str:
        """Return the one unit that bears a number now. Raises BadOperation for none or several.

        `given` are units that an operation on its way in gives the number to.
        """
        units = sorted({*self.lookup.bearers(number), *given})
        if not units:
            raise BadOperation("no unit bears the number {number}", field="marks", number=number)
        if len(units) > 1:
            raise BadOperation(
                "the number {number} is borne by {count} units: name one by its id: {units}",
                field="marks", number=number, count=len(units), units=", ".join(units),
            )  # fmt: skip
        return units[0]

    # --- views ----------------------------------------------------------------------------------

    def catch_up(self) -> int:
        """Take everything recorded into the views; return how many entries that was."""
        return self.views.catch_up()

    @property
    def follower_error(self) -> Exception | None:
        """Why the views do not follow, when they do not."""
        return None if self._follower is None else self._follower.error

    def wait_caught_up(self, seconds: float = 2.0) -> bool:
        """Let the views take what is recorded, for a while; tell whether they have."""
        if self._follower is None:
            self.catch_up()
        else:
            self._follower.wait(seconds)
        return self.views.lag() == 0

    def catalogue(self) -> Catalogue:
        """Return the catalogue adopted last."""
        return self._catalogue_of(self.views.adopted())

    def _read_catalogue(self, sha256: str | None) -> Catalogue:
        if sha256 is None:
            return EMPTY_CATALOGUE
        return catalogue_files.from_bytes(self.evidence.read(sha256))

    def knowledge(
        self, state_at: datetime | None = None, known_at: datetime | None = None
    ) -> Knowledge:
        """Return the reader of what was known at one date of the state at another."""
        known_us = None if known_at is None else leaves.microseconds(known_at)
        state_us = None if state_at is None else leaves.microseconds(state_at)
        catalogue = self.catalogue() if known_us is None else self._catalogue_known(known_us)
        now_us = leaves.microseconds(self.clock())
        return Knowledge(
            self.views, self.lookup, catalogue, state_us, known_us, now_us, self.file_if_here,
            self.heard,
        )  # fmt: skip

    def heard(self, known_us: int | None = None) -> dict[str, int]:
        """Return when each log that another installation writes was last heard of [µs].

        By an earlier moment: what had been heard by then; logs of which that is not kept are out.
        """
        others = [head for head in self.trace.heads() if head.foreign and head.size]
        if known_us is not None:
            return Replicas(self.trace).heard_by(known_us) if others else {}
        heard = Replicas(self.trace).heard() if others else {}
        return {head.log: heard[head.log].as_of_us if head.log in heard else head.recorded_us
                for head in others}  # fmt: skip

    def file_if_here(self, sha256: str) -> bytes | None:
        """Return a file of the evidence, None when it has not come, was deleted, or is changed."""
        try:
            return self.evidence.read(sha256)
        except (NotFound, ProofFailed):
            return None

    def about(
        self, unit: str, state_at: datetime | None = None, known_at: datetime | None = None
    ) -> Knowledge:
        """Return the reader of a unit that operations speak of; one just recorded is waited for.

        Raises NotFound, and Behind while the views may not have come to the unit yet.
        """
        knowledge = self.knowledge(state_at, known_at)
        if knowledge.known(unit):
            return knowledge
        caught_up = self.wait_caught_up()
        knowledge = self.knowledge(state_at, known_at)
        if knowledge.known(unit):
            return knowledge
        if not caught_up:
            raise Behind("the pages are {entries} entries behind the trace: try later",
                         entries=self.views.lag())  # fmt: skip
        raise NotFound("there is no unit {unit} in the trace", unit=unit)

    def _catalogue_known(self, known_us: int) -> Catalogue:
        return self._catalogue_of(self.views.adopted(known_us))

    def look_for_twins(
        self, tell: Callable[[str, int], None] = lambda what, done: None
    ) -> list[Finding]:
        """Look through everything for ghosts and twins, and keep what was found."""
        started = time.perf_counter()
        now_us = leaves.microseconds(self.clock())
        findings = self.twins.look(self.catalogue(), now_us, tell)
        took_ms = int(1000 * (time.perf_counter() - started))
        self.twins.keep(findings, now_us, took_ms, len(self.twins.numbers()))
        return findings

    # --- proof ----------------------------------------------------------------------------------

    def entry(self, id_: str) -> Entry:
        """Return the recorded entry of an operation. Raises NotFound."""
        return entry_of(self.trace, id_)

    def entries_of(self, id_: str) -> list[Entry]:
        """Return every entry that bears an operation's id, what is not here yet left out."""
        places = self.trace.places([id_]).get(id_, [])
        return [leaves.read(leaf, log, position) for log, position, leaf in places]

    def entry_at(self, log: str, position: int) -> Entry:
        """Return the entry at a place. Raises NotFound."""
        [entry] = self.entries_at([(log, position)])
        return entry

    def entries_at(self, places: Iterable[tuple[str, int]]) -> list[Entry]:
        """Return the entries at places in their order, each once, by one read. Raises NotFound."""
        wanted = list(dict.fromkeys(places))
        found = self.trace.leaves_at(wanted)
        for log, position in wanted:
            if (log, position) not in found:
                raise NotFound("{log} has no entry {position}", log=log, position=position)
        return [leaves.read(found[place], *place) for place in wanted]

    def corrections_of(self, id_: str) -> list[Entry]:
        """Return the corrections that name an operation, oldest first."""
        rows = self.views.database.query(
            "SELECT log, position FROM corrections WHERE target = ?", (id_,)
        )
        found = self.trace.leaves_at([(log, position) for log, position in rows])
        entries = [leaves.read(leaf, log, position) for (log, position), leaf in found.items()]
        return sorted(entries, key=lambda entry: (entry.recorded_us, entry.log, entry.position))

    def checkpoint(self, log: str) -> Checkpoint:
        """Return the signed head of a log; of another installation's, the last that came."""
        if self.trace.head(log).foreign:
            kept = self.trace.last_checkpoint(log)
            if kept is None:
                raise NotFound("no checkpoint of {log} is here yet", log=log)
            return Checkpoint.parse(kept[1])
        return sign_head(self.trace, log, self.signer, self.clock())

    def sign_heads(self) -> list[Checkpoint]:
        """Sign the head of every log written here; one that has not moved keeps its checkpoint."""
        return [self.checkpoint(head.log) for head in self.trace.heads() if not head.foreign]


class Follower:
    """Keeps the views up with the trace: woken by the recorder, else every second.

    While a burst is recorded, recording goes first: the views take a tenth of the time, for at
    most `_PATIENCE_S`, in small batches; then, and in every pause, they take what is there at full
    speed. `catch_up` takes so many entries at most and returns how many it took.
    """

    _PAUSE_S, _PATIENCE_S, _REST = 0.2, 10.0, 9
    _FEW, _MANY = 500, 2000

    def __init__(self, catch_up: Callable[[int], int]) -> None:
        self._catch_up = catch_up
        self._work, self._idle = threading.Event(), threading.Event()
        self._hurry, self._guard = threading.Event(), threading.Lock()
        self._woken_at = monotonic()
        self._stopped = False
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that something was recorded."""
        self._woken_at = monotonic()
        self._idle.clear()
        self._work.set()

    def wait(self, seconds: float) -> None:
        """Wait until the views have taken what was recorded before."""
        with self._guard:
            self._hurry.set()
            self.wake()
        self._idle.wait(seconds)

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopped = True
        self._hurry.set()
        self._work.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._work.wait(1.0)
            self._work.clear()
            try:
                self._follow()
                self.error = None
            except Exception as error:
                self.error = error
                self._work.wait(1.0)
            with self._guard:
                if not self._work.is_set():
                    self._hurry.clear()
                    self._idle.set()

    def _follow(self) -> None:
        began = before = monotonic()
        while not self._stopped and self._catch_up(self._batch(before - began)):
            now = monotonic()
            if now - began < self._PATIENCE_S:
                self._rest(now, self._REST * (now - before))
            before = monotonic()

    def _batch(self, waited_s: float) -> int:
        """In a burst a large batch would hold up recording for the third of a second."""
        bursts = monotonic() < self._woken_at + self._PAUSE_S and waited_s < self._PATIENCE_S
        return self._FEW if bursts and not self._hurry.is_set() else self._MANY

    def _rest(self, now: float, seconds: float) -> None:
        """Leave the processor to recording until it pauses or somebody waits for the views."""
        end = now + seconds
        while (left := min(end, self._woken_at + self._PAUSE_S) - now) > 0:
            if self._hurry.wait(left):
                return
            now = monotonic()


def _is_unnamed(operation: Operation) -> bool:
    return bool(operation.marks) and not operation.units


def _note_numbers(
    given: dict[str, set[str]], operation: Manufactured | Registered | MarkingChanged
) -> None:
    numbers = operation.given if isinstance(operation, MarkingChanged) else operation.numbers
    for number in numbers:
        given.setdefault(number.value, set()).update(operation.units)


def databases(config: Config) -> tuple[Database, Database]:
    """Return the databases of the trace and of the views."""
    if config.database:
        return Postgres(config.database), Postgres(config.database)
    folder = config.data_folder
    return Sqlite(folder / "trace.db"), Sqlite(folder / "views.db", durable=False)
