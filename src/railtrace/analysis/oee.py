"""How well a machine of the depot is used: OEE by ISO 22400-2, in the terms of a test stand.

Availability = APT / PBT, effectiveness = PRI · PQ / APT, quality = GQ / PQ. For a test stand the
good quantity is *valid tests*, not accepted parts: a strict stand is not a bad one. Time without a
valid proof counts as planned but unavailable, a loss of its own (own proposal, no standard).
"""

from collections.abc import Sequence
from dataclasses import dataclass


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
    availability: float | None
    effectiveness: float | None
    quality: float | None

    @property
    def oee(self) -> float | None:
        """The product of the three, None while one is unknown."""
        if self.availability is None or self.effectiveness is None or self.quality is None:
            return None
        return self.availability * self.effectiveness * self.quality


def oee(cycles: Sequence[Cycle], planned_s: float, ideal_s: float | None) -> Oee:
    """Return the use of a machine over some planned busy time.

    Parameters
    ----------
    planned_s : planned busy time PBT [s].
    ideal_s : planned run time per item PRI [s]; None when no recipe names it.
    """
    proved = [cycle for cycle in cycles if cycle.proved]
    produced = _covered(proved)
    unproved = _covered([cycle for cycle in cycles if not cycle.proved])
    good = sum(cycle.valid for cycle in proved)
    return Oee(
        cycles=len(cycles),
        valid=good,
        produced_s=produced,
        planned_s=planned_s,
        unproved_s=unproved,
        availability=produced / planned_s if planned_s > 0 else None,
        effectiveness=ideal_s * len(proved) / produced if ideal_s and produced > 0 else None,
        quality=good / len(cycles) if cycles else None,
    )


def _covered(cycles: Sequence[Cycle]) -> float:
    """Return how long some cycle ran; what runs at the same time counts once."""
    total, until = 0.0, float("-inf")
    for cycle in sorted(cycles, key=lambda c: c.start_s):
        total += max(0.0, cycle.end_s - max(cycle.start_s, until))
        until = max(until, cycle.end_s)
    return total
