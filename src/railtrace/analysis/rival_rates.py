"""Rates that any model of a fleet must beat, from the same table of exposure.

The fleet's one rate; a rate for each series and component; Kaplan–Meier by component (failures
over kilometres in each age bin); Cox (age as the baseline of each component, series, depot and
driving as covariates); empirical Bayes by vehicle. Each is told per vehicle and kilometre, for the
places that the vehicle has now.
"""

from dataclasses import dataclass

import numpy as np

from railtrace.analysis.exposure import Exposure, Ints, sum_by
from railtrace.analysis.life_data import Floats
from railtrace.analysis.repeats import shrunken_rates

RIVALS = ("fleet", "series_component", "kaplan_meier", "cox", "vehicle_bayes")
_RIDGE = 4.0
"""Of the Cox effects: a normal prior of standard deviation a half."""
_ROUNDS = 30
_WORTH = 1.0
"""Failures of the wider group that a cell is mixed with: no cell may say never."""


@dataclass(frozen=True, eq=False)
class Fleet:
    """What rivals may know: the table, the places now, and what groups vehicles.

    Attributes
    ----------
    table : exposure until now
    stops : shape (k,), chance that a failure of a component stops a run
    place_vehicle, place_component : shape (n,)
    place_age_km : shape (n,), NaN where unknown
    series, depot : shape (v,), indexes of each vehicle
    vehicle_km : shape (v,), run until now
    """

    table: Exposure
    stops: Floats
    place_vehicle: Ints
    place_component: Ints
    place_age_km: Floats
    series: Ints
    depot: Ints
    vehicle_km: Floats


def rival_rates(fleet: Fleet) -> dict[str, Floats]:
    """Return the stopping failures per kilometre of each vehicle by each rival, shape (v,)."""
    return {
        "fleet": _fleet(fleet), "series_component": _by_series(fleet),
        "kaplan_meier": _by_age(fleet), "cox": _cox(fleet), "vehicle_bayes": _by_vehicle(fleet),
    }  # fmt: skip


def _stopping(fleet: Fleet) -> Floats:
    return fleet.table.failures * fleet.stops[fleet.table.component]


def _fleet(fleet: Fleet) -> Floats:
    rate = float(_stopping(fleet).sum()) / max(float(fleet.vehicle_km.sum()), 1.0)
    return np.full(len(fleet.series), rate)


def _by_vehicle(fleet: Fleet) -> Floats:
    met = sum_by(fleet.table.vehicle, fleet.table.failures, len(fleet.series))
    rates = shrunken_rates(met, fleet.vehicle_km).rate
    # Of whatever failed, as much as in the fleet stops a run.
    return np.asarray(rates * _stopping(fleet).sum() / max(fleet.table.failures.sum(), 1e-300))


def _mixed(met: Floats, km: Floats, wider: Floats) -> Floats:
    """Return rates of cells, each with a failure's worth of the wider group's rate."""
    worth = _WORTH / np.maximum(wider, 1e-12)
    return np.asarray((met + _WORTH) / (km + worth))


def _component_rate(table: Exposure) -> Floats:
    met = sum_by(table.component, table.failures, table.components)
    km = sum_by(table.component, table.span_km, table.components)
    overall = float(table.failures.sum()) / max(float(table.span_km.sum()), 1.0)
    return _mixed(met, km, np.full(table.components, overall))


def _on_places(fleet: Fleet, rate: Floats) -> Floats:
    """Add up the rates of the places of each vehicle."""
    stopping = rate * fleet.stops[fleet.place_component]
    return sum_by(fleet.place_vehicle, stopping, len(fleet.series))


def _by_series(fleet: Fleet) -> Floats:
    table, groups = fleet.table, int(fleet.series.max(initial=0)) + 1
    cell = fleet.series[table.vehicle] * table.components + table.component
    size = groups * table.components
    wider = np.tile(_component_rate(table), groups)
    rate = _mixed(sum_by(cell, table.failures, size), sum_by(cell, table.span_km, size), wider)
    return _on_places(
        fleet, rate[fleet.series[fleet.place_vehicle] * table.components + fleet.place_component]
    )


def _bins(fleet: Fleet) -> tuple[Ints, Ints, int]:
    """Return the age bin of each row of the table and of each place; unknown ages take the mean.

    The table's ages are the middles of its bins, so each distinct age is one bin.
    """
    middles, of_row = np.unique(fleet.table.age_km, return_inverse=True)
    ages = np.where(np.isnan(fleet.place_age_km), 0.0, fleet.place_age_km)
    nearest = np.abs(np.log(np.maximum(ages, 1.0))[:, None] - np.log(middles)).argmin(axis=1)
    return of_row, nearest, len(middles)


def _by_age(fleet: Fleet) -> Floats:
    table = fleet.table
    of_row, of_place, bins = _bins(fleet)
    cell, size = table.component * bins + of_row, table.components * bins
    component = _component_rate(table)
    rate = _mixed(sum_by(cell, table.failures, size), sum_by(cell, table.span_km, size),
                  np.repeat(component, bins))  # fmt: skip
    told = rate[fleet.place_component * bins + of_place]
    unknown = np.isnan(fleet.place_age_km)
    return _on_places(fleet, np.where(unknown, component[fleet.place_component], told))


def _cox(fleet: Fleet) -> Floats:
    """Return rates by a grouped Cox model: its baseline is one rate a component and age bin.

    Source: Breslow 1974, Biometrics 30, 89–99, for ties grouped into bins; effects have a normal
    prior, so a series without failures is not sent to minus infinity.
    """
    table = fleet.table
    of_row, of_place, bins = _bins(fleet)
    cell, size = table.component * bins + of_row, table.components * bins
    design = _design(fleet)
    x = np.column_stack([design[table.vehicle], table.driving])
    met = sum_by(cell, table.failures, size)
    effect = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        weight = table.span_km * np.exp(np.clip(x @ effect, -5, 5))
        base = met / np.maximum(sum_by(cell, weight, size), 1e-300)
        expected = weight * base[cell]
        slope = x.T @ (table.failures - expected) - _RIDGE * effect
        bend = (x * expected[:, None]).T @ x + _RIDGE * np.eye(len(effect))
        step = np.linalg.solve(bend, slope)
        effect = effect + np.clip(step, -0.5, 0.5)
        if np.max(np.abs(step), initial=0.0) < 1e-6:
            break
    weight = table.span_km * np.exp(np.clip(x @ effect, -5, 5))
    component = _component_rate(table)
    rate = _mixed(met, sum_by(cell, weight, size), np.repeat(component, bins))
    told = rate[fleet.place_component * bins + of_place]
    told = np.where(np.isnan(fleet.place_age_km), component[fleet.place_component], told)
    factor = np.exp(np.clip(design @ effect[:-1], -5, 5))
    return _on_places(fleet, told * factor[fleet.place_vehicle])


def _design(fleet: Fleet) -> Floats:
    """Return indicators of series and depot, the first of each left out, shape (v, q)."""
    groups = (fleet.series, fleet.depot)
    columns = [group == key for group in groups for key in np.unique(group)[1:]]
    if not columns:
        return np.zeros((len(fleet.series), 0))
    return np.column_stack(columns).astype(np.float64)
