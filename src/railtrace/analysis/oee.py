"""How well a machine of the depot is used: OEE by ISO 22400-2, in the terms of a test stand.

Availability = APT / PBT, effectiveness = PRI · PQ / APT, quality = GQ / PQ. For a test stand the
good quantity is *valid tests*, not accepted parts: a strict stand is not a bad one. Time without a
valid proof counts as planned but unavailable, a loss of its own (own proposal, no standard).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cycle:
    """One cycle: begin and end [s], whether its result is valid, whether the proof held."""

    start_s: float
    end_s: float
    valid: bool
    proved: bool = True


@dataclass(frozen=True)
class Oee:
    """The three factors with what they were made of; None where nothing can be said."""

    cycles: int
    valid: int
    produced_s: float
    planned_s: float
    unproved_s: float
    unplanned_s: float
    availability: float | None
    effectiveness: float | None
    quality: float | None

    @property
    def oee(self) -> float | None:
        """The product of the three, None while one is unknown."""
        if self.availability is None or self.effectiveness is None or self.quality is None:
            return None
        return self.availability * self.effectiveness * self.quality


def oee(
    cycles: Sequence[Cycle], planned: Sequence[tuple[float, float]], ideal_s: float | None
) -> Oee:
    """Return the use of a machine over its planned busy time.

    Parameters
    ----------
    planned : when it was to work [s], spans that do not overlap; their sum is PBT. What ran
        outside them is told apart and makes nothing available.
    ideal_s : planned run time per item PRI [s]; None when no recipe names it.
    """
    within = [part for cycle in cycles for part in _within(cycle, planned)]
    whole = _covered(cycles)
    proved = [cycle for cycle in cycles if cycle.proved and _within(cycle, planned)]
    produced = _covered([part for part in within if part.proved])
    unproved = _covered([part for part in within if not part.proved])
    planned_s = sum(end - start for start, end in planned)
    good = sum(cycle.valid for cycle in proved)
    counted = [cycle for cycle in cycles if _within(cycle, planned)]
    return Oee(
        cycles=len(counted),
        valid=good,
        produced_s=produced,
        planned_s=planned_s,
        unproved_s=unproved,
        unplanned_s=whole - _covered(within),
        availability=produced / planned_s if planned_s > 0 else None,
        effectiveness=ideal_s * _items(proved, planned) / produced
        if ideal_s and produced > 0 else None,
        quality=good / len(counted) if counted else None,
    )


def _within(cycle: Cycle, planned: Sequence[tuple[float, float]]) -> list[Cycle]:
    """Return the parts of a cycle that lie in planned time; a cycle of no length stays whole."""
    return [
        replace(cycle, start_s=max(cycle.start_s, start), end_s=min(cycle.end_s, end))
        for start, end in planned
        if cycle.start_s <= end and cycle.end_s >= start
    ]


def _items(cycles: Sequence[Cycle], planned: Sequence[tuple[float, float]]) -> float:
    """Return how many items were made in planned time: a cycle half outside is half an item."""
    total = 0.0
    for cycle in cycles:
        inside = sum(part.end_s - part.start_s for part in _within(cycle, planned))
        whole = cycle.end_s - cycle.start_s
        total += inside / whole if whole > 0 else 1.0
    return total


def _covered(cycles: Sequence[Cycle]) -> float:
    """Return how long some cycle ran; what runs at the same time counts once."""
    total, until = 0.0, float("-inf")
    for cycle in sorted(cycles, key=lambda c: c.start_s):
        total += max(0.0, cycle.end_s - max(cycle.start_s, until))
        until = max(until, cycle.end_s)
    return total
