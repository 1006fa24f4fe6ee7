"""How a fleet was driven and how it failed, by units and weeks, as the trace tells it.

Sections coupled in one locomotive are driven together and stand in one row; what failed on a part
counts for the vehicle that carried it then.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.driving_effect import (
    Effect,
    driving_effect,
    read_quality,
    rule_effects,
)
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadData
from railtrace.projections.maintenance import DAY_US
from railtrace.store.lookup import Lookup, Maintained

WEEK_US = 7 * DAY_US
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FleetWeeks:
    """Thousands of kilometres, failures and violations of each rule, shape (rows, weeks)."""

    rows: Mapping[str, int]
    first_us: int
    exposure: Floats
    failures: Floats
    violated: Mapping[str, Floats]

    @property
    def violations(self) -> Floats:
        """Violations of all rules together."""
        return np.asarray(sum(self.violated.values(), np.zeros_like(self.exposure)))


@dataclass(frozen=True)
class Weight:
    """How much a violation of a rule weighs, and why; `effect` None where it is only stated."""

    value: float
    effect: Effect | None
    stated: float
    source: str
    confirmed: bool

    @property
    def estimated(self) -> bool:
        """Whether the railway's own failures show it."""
        return self.effect is not None and self.effect.estimated

    @property
    def error(self) -> float:
        """Standard deviation of the weight, nought where it is stated."""
        return self.value * self.effect.error if self.effect and self.estimated else 0.0


@dataclass(frozen=True)
class Weights:
    """Weights of the rules, and the hazard ratio of a standard deviation of worse driving."""

    by_rule: Mapping[str, Weight]
    driving: Effect | None
    why_not: str
    failures: int
    weeks: int

    @property
    def values(self) -> dict[str, float]:
        """The weights alone."""
        return {key: weight.value for key, weight in self.by_rule.items()}

    @property
    def errors(self) -> dict[str, float]:
        """Their standard deviations."""
        return {key: weight.error for key, weight in self.by_rule.items()}


def fleet_weeks(
    lookup: Lookup, vehicles: Sequence[Maintained], since_us: int, until_us: int
) -> FleetWeeks:
    """Return the weeks of some vehicles between two moments."""
    units = [vehicle.unit for vehicle in vehicles]
    coupled = lookup.coupled_in(units)
    rows: dict[str, int] = {}
    of_head: dict[str, int] = {}
    for unit in units:
        rows[unit] = of_head.setdefault(coupled.get(unit, unit), len(of_head))
    size = (len(of_head), max(1, -(-(until_us - since_us) // WEEK_US)))
    weeks = FleetWeeks(rows, since_us, np.zeros(size), np.zeros(size), {})
    _runs(lookup, vehicles, weeks, np.bincount(list(rows.values()), minlength=size[0]))
    _failures(lookup, units, weeks)
    violated: dict[str, Floats] = {}
    for row in lookup.violations(units, since_us):
        week = (row["at_us"] - since_us) // WEEK_US
        if week < size[1]:
            counts = violated.setdefault(row["rule"], np.zeros(size))
            counts[rows[row["unit"]], week] += 1
    return FleetWeeks(rows, since_us, weeks.exposure, weeks.failures, violated)


def _runs(
    lookup: Lookup, vehicles: Sequence[Maintained], weeks: FleetWeeks, sections: NDArray[np.int64]
) -> None:
    """Add thousands of kilometres; sections that run together run them once."""
    runs, _ = lookup.all_counter_rows(sorted({v.type for v in vehicles}), "km")
    for unit, at_us, length in runs:
        week = (at_us - weeks.first_us) // WEEK_US
        if unit in weeks.rows and 0 <= week < weeks.exposure.shape[1]:
            row = weeks.rows[unit]
            weeks.exposure[row, week] += length / 1e6 / sections[row]


def _failures(lookup: Lookup, units: Sequence[str], weeks: FleetWeeks) -> None:
    stays = lookup.installations_on(tuple(units))
    by_part: dict[str, list[tuple[int, int, str]]] = {}
    for stay in stays:
        if stay.from_us is not None:
            end = 2**62 if stay.to_us is None else stay.to_us
            by_part.setdefault(stay.part, []).append((stay.from_us, end, stay.carrier))
    failed, _ = lookup.failures_of([*units, *by_part])
    for unit, some in failed.items():
        for at_us, *_rest in some:
            vehicle = unit if unit in weeks.rows else _carrier(by_part.get(unit, []), at_us)
            week = (at_us - weeks.first_us) // WEEK_US
            if vehicle in weeks.rows and 0 <= week < weeks.failures.shape[1]:
                weeks.failures[weeks.rows[vehicle], week] += 1


def _carrier(stays: list[tuple[int, int, str]], at_us: int) -> str:
    ordered = sorted(stays)
    index = bisect_right(ordered, (at_us, 2**62, "")) - 1
    if index < 0 or at_us > ordered[index][1]:
        return ""
    return ordered[index][2]


def weights(catalogue: Catalogue, weeks: FleetWeeks) -> Weights:
    """Return the weight of each rule: the hazard ratio its violations show, else the stated one.

    A ratio counts as shown where its 90 % interval is narrower than `driving_effect.WIDEST`;
    whether it lies above one has no say, so that chance does not pick the weights.
    """
    rules = sorted(weeks.violated)
    ran = weeks.exposure > 0
    failures = np.where(ran, weeks.failures, 0.0)
    driving, effects, why = None, dict[str, Effect](), ""
    try:
        effects = dict(zip(rules, rule_effects(
            failures, weeks.exposure, [weeks.violated[rule] for rule in rules]
        ), strict=True))  # fmt: skip
        driving = driving_effect(
            failures, weeks.exposure, read_quality(np.where(ran, weeks.violations, 0.0),
                                                   weeks.exposure))  # fmt: skip
    except BadData as problem:
        why = str(problem)
    by_rule = {
        key: _weight(row.weight, row.weight_source, row.confirmed, effects.get(key))
        for key, row in catalogue.mode_rules.items()
    }
    by_rule |= {
        key: _weight(1.0, "", False, effects.get(key)) for key in rules if key not in by_rule
    }
    return Weights(by_rule, driving, why, int(failures.sum()), weeks.exposure.shape[1])


def _weight(stated: float, source: str, confirmed: bool, effect: Effect | None) -> Weight:
    shown = effect is not None and effect.estimated
    value = effect.ratio if effect is not None and shown else stated
    return Weight(value, effect, stated, source, confirmed)
