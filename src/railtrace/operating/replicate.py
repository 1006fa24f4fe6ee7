"""Carrying logs, files and checkpoints between a depot and headquarters over a weak line.

The depot calls: its own logs go up, everybody else's come down. After any cut the two go on from
where the receiver is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from railtrace.app import App
from railtrace.errors import ConfigError
from railtrace.operating.line import Line
from railtrace.operating.side import Side, kept_trust
from railtrace.operating.trust import FILE as TRUST_FILE
from railtrace.store.keys import load_trust, save_trust
from railtrace.store.replicas import Heard, Replicas
from railtrace.store.sqlite import Sqlite
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, VerifierKey
from railtrace.trace.cosignature import cosigned_by
from railtrace.trace.epochs import first_origin, installation_of
from railtrace.trace.ledger import LogHead
from railtrace.trace.replicate import (
    PROTOCOL,
    Answer,
    Awaited,
    Greeting,
    Known,
    Parcel,
    Piece,
    Received,
    Wanted,
    held,
    unpack,
)
from railtrace.trace.trust import TrustedKey


@dataclass(slots=True)
class Carried:
    """What became of one log in a call."""

    origin: str
    direction: str
    entries: int = 0
    size: int = 0
    cosigned_by: tuple[str, ...] = ()
    refused: str = ""


@dataclass(slots=True)
class Call:
    """What became of a call."""

    peer: str
    logs: list[Carried]
    files_sent: int = 0
    files_received: int = 0
    files_awaited: int = 0
    cuts: int = 0

    @property
    def is_good(self) -> bool:
        """Tell whether no log was refused."""
        return not any(log.refused for log in self.logs)


Tell = Callable[[str, int, int], None]


def replicate(app: App, line: Line, tell: Tell = lambda what, done, total: None) -> Call:
    """Carry everything both ways. Raises RailtraceError when the line stays cut."""
    side = Side(app)
    greeting = line.ask("greeting", _always(None), Greeting)
    _require_fit(app, greeting)
    theirs = {known.origin: known for known in greeting.logs}
    call = Call(greeting.installation, [])
    for head in side.own():
        there = theirs.pop(first_origin(head.origin), None)
        call.logs.append(_send_log(side, line, head, there.size if there else 0, tell))
    for _, known in sorted(theirs.items()):
        if known.signed_size:
            call.logs.append(_fetch_log(side, line, known, call.peer, tell))
    call.files_sent = _send_files(side, line, tell)
    call.files_received = _fetch_files(side, line, tell)
    call.files_awaited = len(side.awaited(""))
    call.cuts = line.cuts
    return call


def _require_fit(app: App, greeting: Greeting) -> None:
    if greeting.protocol != PROTOCOL:
        raise ConfigError(
            "{peer} speaks replication {theirs}, this program {ours}: install the same release",
            peer=greeting.installation, theirs=greeting.protocol, ours=PROTOCOL,
        )  # fmt: skip
    if greeting.installation == app.config.name:
        raise ConfigError(
            "both installations are named {name}: set `name` in the settings of the one that has "
            "no entries yet",
            name=app.config.name,
        )


def _send_log(side: Side, line: Line, head: LogHead, at: int, tell: Tell) -> Carried:
    """Send a log of our own from where the other side is; it answers with where it is then."""
    checkpoint = side.app.checkpoint(head.log)
    carried = Carried(first_origin(head.origin), "sent", size=at)

    def parcel(most_bytes: int) -> Parcel:
        return side.parcel_under(checkpoint, head, Wanted(head.origin, carried.size, most_bytes))

    first = at
    while True:
        at = carried.size
        told = line.ask("take", parcel, Answer)
        carried.size, carried.refused = told.size, told.refused
        carried.entries = told.size - first
        tell(carried.origin, told.size, checkpoint.size)
        if told.note:
            carried.cosigned_by = tuple(side.take_marks(told.note))
        elif not told.refused and first > checkpoint.size:
            carried.refused = (
                f"{carried.origin}: {told.size} entries are held there, {checkpoint.size} here: "
                "this installation has lost its newest entries; restore it before more is recorded"
            )
        elif not told.refused and at < told.size <= checkpoint.size:
            continue
        return carried


def _fetch_log(side: Side, line: Line, known: Known, peer: str, tell: Tell) -> Carried:
    """Fetch another installation's log from where we are until nothing new comes."""
    head = held(side.app.trace.heads(), known.origin)
    carried = Carried(known.origin, "received", size=head.size if head else 0)

    def wanted(most_bytes: int) -> Wanted:
        return Wanted(known.origin, carried.size, most_bytes)

    first = carried.size
    while True:
        at = carried.size
        told = side.take(line.ask("parcel", wanted, Parcel), peer)
        carried.size, carried.refused = told.size, told.refused
        carried.entries = told.size - first
        tell(carried.origin, told.size, max(known.size, told.size))
        if told.note:
            carried.cosigned_by = tuple(line.ask("marks", _always(told.note), list[str]))
        if told.refused or told.size == at or told.size >= known.signed_size:
            return carried


def _always(message: object) -> Callable[[int], object]:
    return lambda most_bytes: message


def _send_files(side: Side, line: Line, tell: Tell) -> int:
    sent, after = 0, ""
    while page := line.ask("awaited", _always(after), list[Awaited]):
        for wanted in page:
            sent += _send_file(side, line, wanted)
            tell("files sent", sent, 0)
        after = page[-1].sha256
    return sent


def _send_file(side: Side, line: Line, wanted: Awaited) -> bool:
    if side.app.evidence.state(wanted.sha256) not in ("kept", "expired"):
        return False
    there = Received(wanted.received)

    def piece(most_bytes: int) -> Piece:
        return side.piece(Awaited(wanted.sha256, there.received, most_bytes))

    while there.state == "more":
        there = line.ask("take-piece", piece, Received)
    return there.state == "settled"


def _fetch_files(side: Side, line: Line, tell: Tell) -> int:
    received, after = 0, ""
    while page := side.awaited(after):
        for wanted in page:
            received += _fetch_file(side, line, wanted)
            tell("files received", received, 0)
        after = page[-1].sha256
    return received


def _fetch_file(side: Side, line: Line, wanted: Awaited) -> bool:
    here = Received(wanted.received)

    def more(most_bytes: int) -> Awaited:
        return Awaited(wanted.sha256, here.received, most_bytes)

    while here.state == "more":
        here = side.take_piece(line.ask("piece", more, Piece))
    return here.state == "settled"


# --- trust and what is known --------------------------------------------------------------------


def trust_keys(app: App, keys: list[str], files: list[Path]) -> list[str]:
    """Trust other installations' keys from here on; return the origins. Raises ConfigError."""
    kept = kept_trust(app)
    own = {first_origin(head.origin) for head in app.trace.heads() if not head.foreign}
    there = {key.verifier_key for key in kept.keys}
    rows = [TrustedKey(origin=VerifierKey.parse(k).name, verifier_key=k.strip()) for k in keys]
    for row in rows:
        if kept.knows(row.origin) and row.verifier_key not in there:
            raise ConfigError(
                "{origin} has a trusted key already: a log tells itself of a replacement; "
                "another key for it is to be looked into, not trusted",
                origin=row.origin,
            )
    rows += [r for file in files for r in load_trust(file).keys if not kept.knows(r.origin)]
    new = [row for row in rows if first_origin(row.origin) not in own]
    fresh = {row.verifier_key: row for row in new if row.verifier_key not in there}
    app.config.keys_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_trust(
        app.config.keys_folder / TRUST_FILE,
        msgspec.structs.replace(kept, keys=(*kept.keys, *fresh.values())),
    )
    return [row.origin for row in fresh.values()]


@dataclass(frozen=True, slots=True)
class HeadKnown:
    """How far a log is known here and how old that knowledge is.

    `as_of` is when the log's writer was last heard, directly or through others; None when never.
    """

    log: str
    origin: str
    installation: str
    own: bool
    size: int
    signed_size: int
    recorded_at: datetime | None
    received_at: datetime | None
    as_of: datetime | None
    sender: str
    cosigned_by: tuple[str, ...]
    refused: str


def heads_known(app: App) -> list[HeadKnown]:
    """Return every log with the age of what is known of it, own ones first."""
    side = Side(app)
    heard = side.replicas.heard()
    forks = {fork.log: fork.why for fork in side.replicas.forks()}
    known = [_known(side, head, heard.get(head.log), forks) for head in app.trace.heads()]
    return sorted(known, key=lambda head: (not head.own, head.log))


def _known(side: Side, head: LogHead, heard: Heard | None, forks: dict[str, str]) -> HeadKnown:
    kept = side.app.trace.last_checkpoint(head.log)
    checkpoint = Checkpoint.parse(kept[1]) if kept else None
    trust = side.trust(head.origin)
    as_of_us = heard.as_of_us if heard else 0
    return HeadKnown(
        log=head.log,
        origin=head.origin,
        installation=installation_of(head.origin),
        own=not head.foreign,
        size=head.size,
        signed_size=checkpoint.size if checkpoint else 0,
        recorded_at=leaves.moment(head.recorded_us) if head.size else None,
        received_at=leaves.moment(heard.received_us) if heard else None,
        as_of=_moment(as_of_us) if head.foreign else side.app.clock(),
        sender=heard.sender if heard else "",
        cosigned_by=tuple(cosigned_by(checkpoint, trust)) if checkpoint else (),
        refused=forks.get(head.log, ""),
    )


def in_words(head: HeadKnown, now: datetime) -> str:
    """Return a line that tells how far a log is known and how old that is."""
    age = "" if head.own else f", {_age(head.as_of, now)}"
    marks = f", cosigned by {', '.join(head.cosigned_by)}" if head.cosigned_by else ""
    refused = f"\n  REFUSED: {head.refused}" if head.refused else ""
    whose = "written here" if head.own else f"of {head.installation}"
    return f"{head.log} ({whose}): {head.size} entries{age}{marks}{refused}"


def _age(as_of: datetime | None, now: datetime) -> str:
    if as_of is None:
        return "never heard of"
    minutes = max(0, int((now - as_of).total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60
    return f"{days} days old" if days > 1 else f"{hours} h old" if hours else f"{minutes} min old"


def told_of(call: Call) -> str:
    """Return what became of a call, a line for every log."""
    lines = [
        f"REFUSED {log.refused}"
        if log.refused
        else f"{log.origin}: {log.direction} {log.entries}, {log.size} in all"
        + (f", cosigned by {', '.join(log.cosigned_by)}" if log.cosigned_by else "")
        for log in call.logs
    ]
    lines.append(
        f"files: {call.files_sent} sent, {call.files_received} received, "
        f"{call.files_awaited} still to come; the line was cut {call.cuts} times"
    )
    return "\n".join(lines)


def _moment(us: int) -> datetime | None:
    return leaves.moment(us) if us else None


def stay_small(app: App) -> None:
    """Let SQLite hold little of the trace in memory: this program reads it once, in order."""
    if isinstance(app.trace.database, Sqlite):
        app.trace.database.query("PRAGMA mmap_size=0")
        app.trace.database.query("PRAGMA cache_size=-8192")


def write_aside(app: App, folder: Path) -> Iterator[Path]:
    """Write what was refused as files that an auditor reads without this program."""
    for number, fork in enumerate(Replicas(app.trace).forks(), 1):
        target = folder / f"{number:03}-{fork.log}"
        target.mkdir(parents=True)
        (target / "why.txt").write_text(f"{leaves.moment(fork.received_us)}: {fork.why}\n", "utf-8")
        (target / "ours.checkpoint").write_text(fork.ours, "utf-8")
        (target / "theirs.checkpoint").write_text(fork.theirs, "utf-8")
        parcel = unpack(fork.parcel, Parcel)
        (target / "leaves.jsonl").write_bytes(b"".join(leaf + b"\n" for leaf in parcel.leaves))
        yield target
