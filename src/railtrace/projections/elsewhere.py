"""Whose hands a unit was in: logs of other installations that may know more of it than is here.

A depot that wrote of a unit had it until another log shows the unit somewhere else. What the depot
wrote in that time is here only if it was heard of since; else the data are elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from railtrace.projections.maintenance import HOUR_US

SHOWS_A_UNIT = frozenset({
    "Commissioned", "Installed", "Removed", "MeterRead", "Washed", "Inspected", "Measured",
    "Tested", "Diagnosed", "Reprofiled", "EnteredRepair", "LeftRepair", "Repaired", "DefectFound",
    "DefectClosed", "TornDown", "FluidSampled", "FluidChanged", "Retyred", "PartStored",
    "PartIssued", "PartAccepted", "Formed", "Disbanded", "GuestSeen", "StepDone", "StepAccepted",
    "Placed", "TrackLeft", "ProofLoaded", "AcceptedFromRepair", "Serviced",
})  # fmt: skip
"""Kinds that nobody writes of a unit that is not before them; plans and papers are none."""


class Member(NamedTuple):
    """A vehicle, or a part and since when it is on the vehicle with everything between them."""

    unit: str
    since_us: int = 0


class Told(NamedTuple):
    """One entry about a unit, as the index of entries has it."""

    happened_us: int
    recorded_us: int
    log: str
    position: int
    kind: str
    operation: str


class Holding(Struct, frozen=True):
    """A log that had a unit, and how far it is known here.

    `until_us` is when another log first shows the unit again, None: nothing shows it yet.
    """

    unit: str
    log: str
    operation: str
    position: int
    happened_us: int
    heard_us: int
    until_us: int | None = None

    def end_us(self, now_us: int) -> int:
        """Return up to when the log may have written of the unit."""
        return now_us if self.until_us is None else min(self.until_us, now_us)

    def unheard_us(self, now_us: int) -> int:
        """Return for how long the log had the unit unheard [µs]; not over 0: all of it is here."""
        return self.end_us(now_us) - self.heard_us


def holdings(
    body: Sequence[Member], told: Mapping[str, Iterable[Told]], heard: Mapping[str, int]
) -> list[Holding]:
    """Return the logs that had a vehicle or a part on it, each where it had it longest unheard.

    `told` are entries about the members, `heard` when each log in question was last heard of.
    """
    longest: dict[str, Holding] = {}
    shown = [(entry, member) for member in body for entry in told.get(member.unit, ())
             if entry.kind in SHOWS_A_UNIT]  # fmt: skip
    for member in body:
        for log, last in _last_of(told.get(member.unit, ()), heard).items():
            until = _shown_after(last, member, shown)
            now = Holding(member.unit, log, last.operation, last.position, last.happened_us,
                          heard[log], until)  # fmt: skip
            longest[log] = max(longest.get(log, now), now, key=_length)
    return [longest[log] for log in sorted(longest)]


def _length(one: Holding) -> float:
    return float("inf") if one.until_us is None else one.until_us


def _last_of(entries: Iterable[Told], logs: Mapping[str, int]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for entry in sorted(entries):
        if entry.log in logs:
            found[entry.log] = entry
    return found


def _shown_after(last: Told, of: Member, shown: Iterable[tuple[Told, Member]]) -> int | None:
    """Return when another log first shows a member, or one it was on the vehicle with."""
    return min(
        (entry.happened_us for entry, member in shown
         if entry.log != last.log and entry.happened_us > last.happened_us
         and (member is of or entry.happened_us >= max(of.since_us, member.since_us))),
        default=None,
    )  # fmt: skip


def is_elsewhere(one: Holding, hours: float, now_us: int) -> bool:
    """Tell whether a log had a unit unheard for longer than some hours."""
    return one.unheard_us(now_us) > round(hours * HOUR_US)
