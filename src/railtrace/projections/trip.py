"""What came of a trip, held against what was promised at its departure.

A promise is about the train: arriving without a delay by rolling stock of so many minutes, and
without a unit uncoupled or a rescue. What nobody said is not counted as kept.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from scipy.stats import binom

from railtrace.projections.consist import Consist

DELAY, RESCUE = "delay", "rescue"
_LEAST = 1e-9
"""A chance of nothing or of certainty has no score: it is told as one in a thousand million."""


@dataclass(frozen=True)
class Held:
    """One promise of a train and whether it was kept; None while nobody said."""

    consist: str
    name: str
    chance: float
    low: float
    high: float
    minutes: float | None
    kept: bool | None

    @property
    def loss(self) -> float | None:
        """How surprising what came was: -ln of the chance that was given to it."""
        if self.kept is None:
            return None
        told = self.chance if self.kept else 1 - self.chance
        return -math.log(min(max(told, _LEAST), 1 - _LEAST))


def came(state: Consist, name: str, minutes: float | None) -> bool | None:
    """Tell whether a promise was kept; None while the trip goes on or nobody said of the delay."""
    if name == RESCUE:
        if state.rescued or any(one.cause == "fault" for one in state.detached):
            return False
        return True if _arrived(state) else None
    if not _arrived(state) or not state.stock_delay_min:
        return None
    return Decimal(state.stock_delay_min) < Decimal(str(minutes or 0))


def _arrived(state: Consist) -> bool:
    return state.closed_us is not None and state.outcome == "arrived"


def held(state: Consist, promise: Mapping[str, Any]) -> list[Held]:
    """Hold a trip against the chances of a frozen promise (`railtrace-consist-promise/1`)."""
    if state.closed_us is not None and state.outcome == "cancelled":
        return []
    rows = [row for row in promise.get("chances", ()) if row.get("name") in (DELAY, RESCUE)]
    return [
        Held(state.consist, row["name"], float(row["chance"]), float(row["low"]),
             float(row["high"]), row.get("minutes"), came(state, row["name"], row.get("minutes")))
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class Tenth:
    """Promises of about one chance: how many should have been broken, how many were."""

    label: str
    promises: int
    expected: float
    observed: int
    low: int
    high: int
    """Between these the count of broken ones lies nine times in ten if the chances are true."""

    @property
    def inside(self) -> bool:
        """Whether what came agrees with what was promised."""
        return self.low <= self.observed <= self.high


def tally(label: str, some: Sequence[Held]) -> Tenth:
    """Count promises against what came; the interval is of the binomial with their mean chance."""
    known = [one for one in some if one.kept is not None]
    expected = sum(1 - one.chance for one in known)
    mean = expected / len(known) if known else 0.0
    low, high = (int(binom.ppf(q, len(known), mean)) if known else 0 for q in (0.05, 0.95))
    return Tenth(label, len(known), expected, sum(not one.kept for one in known), low, high)


def by_decile(some: Iterable[Held]) -> list[Tenth]:
    """Cut promises into at most ten groups of equal size by their chance, the surest last."""
    ranked = sorted((one for one in some if one.kept is not None), key=lambda one: one.chance)
    count = min(10, len(ranked))
    cuts = [round(n * len(ranked) / count) for n in range(count + 1)] if count else []
    groups = [ranked[a:b] for a, b in pairwise(cuts)]
    return [
        tally(f"{group[0].chance * 100:.1f}–{group[-1].chance * 100:.1f} %", group)
        for group in groups
    ]  # fmt: skip
