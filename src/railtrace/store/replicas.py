"""What is kept of other installations' logs beside their entries: freshness, forks, files to come.

A fork is a log whose signed head contradicts what is held of it: both checkpoints and the parcel
that came are kept aside, in the same database, so that a backup carries them to the auditor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from railtrace.errors import Contended
from railtrace.store.database import Writer
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.replicate import Accepted

KEPT_EVERY_US = 15 * 60 * 1_000_000
"""How much later a log must have been heard of, than was kept for good, to be kept again."""
MOST_FORKS = 100
"""Kept aside of one log: a fork that goes on being signed is proven by its first ones."""


class Heard(NamedTuple):
    """From whom a log came last, when, and when its writer was last heard by then."""

    sender: str
    received_us: int
    as_of_us: int


@dataclass(frozen=True, slots=True)
class Fork:
    """A log that was refused: what was held, what came, and why the two cannot both be true."""

    log: str
    received_us: int
    why: str
    ours: str
    theirs: str
    parcel: bytes


class Replicas:
    """The tables beside a trace store that replication fills."""

    def __init__(self, trace: DatabaseTraceStore) -> None:
        self._trace = trace
        self._database = trace.database

    def add(self, accepted: Accepted, awaited: Sequence[str], heard: Heard) -> None:
        """Keep a parcel's entries and what goes with them in one transaction. Raises Contended."""
        head = accepted.head
        self._trace.open_log(head.log, head.origin, foreign=True)
        with self._trace.writing(head.log) as writer:
            if writer.head.size != head.size - len(accepted.rows):
                raise Contended("the same entries of {log} came twice at once", log=head.log)
            if accepted.rows or writer.head.origin != head.origin:
                writer.append(accepted.rows, head, accepted.kept)
            writer.transaction.many(
                "INSERT INTO awaited (sha256, log) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(sha, head.log) for sha in awaited],
            )
            _hear(writer.transaction, head.log, heard)
            if accepted.is_whole:
                _keep_note(writer.transaction, head.log, accepted.checkpoint, heard.received_us)

    def hear(self, log: str, heard: Heard) -> None:
        """Note that a log was heard of; nothing new came."""
        with self._database.write() as writer:
            _hear(writer, log, heard)

    def keep_note(self, log: str, checkpoint: Checkpoint, received_us: int) -> None:
        """Keep a checkpoint; of one that is here already, the signatures that are new."""
        with self._database.write() as writer:
            _keep_note(writer, log, checkpoint, received_us)

    def note_at(self, log: str, size: int) -> Checkpoint | None:
        """Return the kept checkpoint of a size."""
        rows = self._database.query(
            "SELECT note FROM checkpoints WHERE log = ? AND size = ? ORDER BY signed_us DESC"
            " LIMIT 1",
            (log, size),
        )
        return Checkpoint.parse(rows[0][0]) if rows else None

    def heard(self) -> dict[str, Heard]:
        """Return by log when each was heard of."""
        rows = self._database.query("SELECT log, sender, received_us, as_of_us FROM heard")
        return {log: Heard(*rest) for log, *rest in rows}

    def heard_by(self, known_us: int) -> dict[str, int]:
        """Return by log up to when each had been heard of by a moment: up to 15 min too little.

        Of a log that was not heard of by then, or before this was kept, nothing is told.
        """
        rows = self._database.query(
            "SELECT log, MAX(as_of_us) FROM heard_then WHERE received_us <= ? GROUP BY log",
            (known_us,),
        )
        return dict(rows)

    # --- files to come ----------------------------------------------------------------------

    def awaited(self, after: str = "", most: int = 500) -> list[str]:
        """Return files that have not come yet, by name, a page at a time."""
        rows = self._database.query(
            f"SELECT sha256 FROM awaited WHERE sha256 > ? ORDER BY sha256 LIMIT {most:d}", (after,)
        )
        return [sha for (sha,) in rows]

    def settle(self, sha256: str) -> None:
        """Wait no longer for a file."""
        with self._database.write() as writer:
            writer.query("DELETE FROM awaited WHERE sha256 = ?", (sha256,))

    # --- forks ------------------------------------------------------------------------------

    def keep_aside(self, fork: Fork) -> None:
        """Keep a refused log's proof for the auditor, each signed head once."""
        with self._database.write() as writer:
            there = writer.query("SELECT theirs FROM forks WHERE log = ?", (fork.log,))
            if (fork.theirs,) in there or len(there) >= MOST_FORKS:
                return
            writer.insert(
                "forks",
                ("log", "received_us", "why", "ours", "theirs", "parcel"),
                [(fork.log, fork.received_us, fork.why, fork.ours, fork.theirs, fork.parcel)],
            )

    def forks(self) -> list[Fork]:
        """Return what was refused, oldest first."""
        rows = self._database.query(
            "SELECT log, received_us, why, ours, theirs, parcel FROM forks"
            " ORDER BY received_us, log"
        )
        return [
            Fork(log, received_us, why, ours, theirs, bytes(parcel))
            for log, received_us, why, ours, theirs, parcel in rows
        ]


def _hear(writer: Writer, log: str, heard: Heard) -> None:
    [(before,)] = writer.query("SELECT COALESCE(MAX(as_of_us), 0) FROM heard WHERE log = ?", (log,))
    writer.query("DELETE FROM heard WHERE log = ?", (log,))
    writer.insert(
        "heard",
        ("log", "sender", "received_us", "as_of_us"),
        [(log, heard.sender, heard.received_us, max(before, heard.as_of_us))],
    )
    [(kept,)] = writer.query(
        "SELECT COALESCE(MAX(as_of_us), 0) FROM heard_then WHERE log = ?", (log,)
    )
    if heard.as_of_us >= kept + KEPT_EVERY_US:
        row = (log, heard.received_us, heard.as_of_us)
        writer.insert("heard_then", ("log", "received_us", "as_of_us"), [row])


def _keep_note(writer: Writer, log: str, checkpoint: Checkpoint, received_us: int) -> None:
    """One row for one signed head, with every signature that has come for it."""
    rows = writer.query(
        "SELECT note, signed_us FROM checkpoints WHERE log = ? AND size = ?",
        (log, checkpoint.size),
    )
    for note, signed_us in rows:
        kept = Checkpoint.parse(note)
        if kept.body == checkpoint.body:
            new = tuple(mark for mark in checkpoint.signatures if mark not in kept.signatures)
            whole = replace(kept, signatures=(*kept.signatures, *new))
            writer.query(
                "UPDATE checkpoints SET note = ? WHERE log = ? AND size = ? AND signed_us = ?",
                (str(whole), log, kept.size, signed_us),
            )
            return
    writer.insert(
        "checkpoints",
        ("log", "size", "signed_us", "note"),
        [(log, checkpoint.size, received_us, str(checkpoint))],
    )
