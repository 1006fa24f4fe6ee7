"""Epochs: how a log goes on after a restore that may have lost records.

The entries kept stay where they are. A `LogOpened` with the next epoch's number follows them;
from there on the log signs under a new origin, so that nobody can take the two ways it went for
one. docs/trace-format.md, "Epochs".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import msgspec

from railtrace.errors import ProofFailed
from railtrace.trace.checkpoint import Checkpoint, VerifierKey
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import LogOpened
from railtrace.trace.trust import Trust, TrustedKey

OPENING = "LogOpened"
_MARK = "/epoch-"


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of a log under one origin; it may sign sizes `smallest` to `largest`."""

    number: int
    origin: str
    smallest: int
    largest: int | None = None
    lost_to: int | None = None
    """The last position this epoch is known to have held that the log holds no more."""

    def may_sign(self, size: int) -> bool:
        """Tell whether a checkpoint of this size can be this epoch's."""
        return self.smallest <= size and (self.largest is None or size <= self.largest)

    def has_lost(self, size: int) -> bool:
        """Tell whether a checkpoint of this size covers entries that a restore declared lost."""
        return (
            self.largest is not None and self.lost_to is not None
            and self.largest < size <= self.lost_to + 1
        )  # fmt: skip


def first_origin(origin: str) -> str:
    """Return the origin that a log had in its first epoch: its name in the world."""
    return origin.partition(_MARK)[0]


def installation_of(origin: str) -> str:
    """Return the name of the installation that writes a log."""
    return first_origin(origin).rpartition("/")[0]


def next_origin(origin: str, epoch: int, now: datetime) -> str:
    """Return the origin of a new epoch; its time keeps two restores of one backup apart."""
    return f"{first_origin(origin)}{_MARK}{epoch}-{now:%Y%m%dT%H%M%SZ}"


def epochs_of(origin: str, openings: Iterable[Entry]) -> list[Epoch]:
    """Return a log's epochs from its `LogOpened` entries; a log without any has its one origin."""
    found: list[Epoch] = []
    for entry in sorted(openings, key=lambda entry: entry.position):
        told = entry.operation
        if not isinstance(told, LogOpened) or (found and told.epoch <= found[-1].number):
            continue
        if found:
            found[-1] = _closed(found[-1], entry.position, told.lost_to)
        first = entry.position + 1 if found else 0
        found.append(Epoch(told.epoch, told.origin, first))
    return found or [Epoch(1, origin, 0)]


def _closed(epoch: Epoch, largest: int, lost_to: int | None) -> Epoch:
    return Epoch(epoch.number, epoch.origin, epoch.smallest, largest, lost_to)


def inherit(trust: Trust, epochs: Sequence[Epoch]) -> Trust:
    """Trust, for each epoch, the keys that the epoch before it ended with.

    A key is named by its origin, so the same key has another name in each epoch.
    """
    for before, after in pairwise(epochs):
        if trust.knows(after.origin) or after.smallest == 0:
            continue
        size = before.largest or 0
        added = tuple(
            _under(key, after)
            for key in trust.keys
            if key.origin == before.origin and key.valid_at(size)
        )
        trust = msgspec.structs.replace(trust, keys=(*trust.keys, *added))
    return trust


def _under(key: TrustedKey, epoch: Epoch) -> TrustedKey:
    renamed = VerifierKey(epoch.origin, VerifierKey.parse(key.verifier_key).public)
    return TrustedKey(
        origin=epoch.origin,
        verifier_key=str(renamed),
        valid_from=epoch.smallest,
        compromised=key.compromised,
    )


def opening(origin: str, epoch: int, kept: int, last: Checkpoint, now: datetime) -> LogOpened:
    """Return the entry that opens an epoch after `kept` entries; `last` is the newest seen."""
    if last.size < kept:
        raise ProofFailed(
            "the last checkpoint of {origin} has {size} entries, the restored log has {kept}",
            origin=last.origin, size=last.size, kept=kept,
        )  # fmt: skip
    lost = last.size > kept
    return LogOpened(
        id=f"log:{origin}:{epoch}",
        happened_at=now,
        origin=origin,
        epoch=epoch,
        previous_checkpoint=str(last),
        lost_from=kept if lost else None,
        lost_to=last.size - 1 if lost else None,
    )
