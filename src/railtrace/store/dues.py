"""What is due over the whole fleet, with the dates at which it will be, read in a few queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import cast

import numpy as np

from railtrace.analysis.run_rate import PERIOD_DAYS, Floats, RunRates, reach, run_rates
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.maintenance import (
    DAY_US,
    Due,
    Maintenance,
    Plan,
    credited,
    dues,
    plan_of,
    stops_of,
)
from railtrace.projections.mileage import Counter
from railtrace.store.lookup import Lookup
from railtrace.store.part_dues import METERS, Meter, PartDues, counters_of
from railtrace.store.views import ViewStore
from railtrace.trace.leaf import moment

PERIOD_US = round(PERIOD_DAYS * DAY_US)
PERIODS_KEPT = 48
GONE = ("written_off", "condemned")


@dataclass(frozen=True)
class Forecast:
    """How a kind stands and when it will be due: 5 %, 50 % and 95 % quantiles [µs].

    None is later than anybody forecasts. `daily` is the run of an average day in this season by
    the meter that is forecast, `meter` "" when only the calendar counts. `vehicle` is what the
    unit runs with now, "" of a vehicle itself.
    """

    due: Due
    early_us: int | None = None
    median_us: int | None = None
    late_us: int | None = None
    meter: str = ""
    daily: float = 0.0
    daily_sd: float = 0.0
    vehicle: str = ""


@dataclass(frozen=True)
class _Vehicle:
    unit: str
    type: str
    state: Maintenance
    counters: dict[str, Counter]


class FleetDues:
    """Reads the maintenance, the counters and the run rates of many units at once."""

    def __init__(self, views: ViewStore, lookup: Lookup, catalogue: Catalogue, now_us: int) -> None:
        self._views, self._lookup = views, lookup
        self.catalogue, self.now_us = catalogue, now_us
        self._day = moment(now_us).date()
        self._stops = stops_of(catalogue, self._day)
        self._plans: dict[tuple[str, str], Plan] = {}

    def of(
        self, units: Sequence[str] | None = None, types: Sequence[str] = (), parts: bool = False
    ) -> list[Forecast]:
        """Return every due of the vehicles (or only of `units`), rates drawn from their types.

        With `parts` also what is due on the parts they carry.
        """
        listed = [v for v in self._lookup.maintained(types) if v.status not in GONE]
        vehicles = self._vehicles([(v.unit, v.type) for v in listed])
        wanted = None if units is None else set(units)
        on = self._parts(vehicles, wanted) if parts else {}
        found: list[Forecast] = []
        for _, group in groupby(sorted(vehicles, key=lambda v: (v.type, v.unit)), lambda v: v.type):
            found += self._group(list(group), wanted, on)
        return found

    def _parts(
        self, vehicles: Sequence[_Vehicle], wanted: set[str] | None
    ) -> Mapping[str, list[Due]]:
        reader = PartDues(
            self._views, self._lookup, self.catalogue, self.now_us, self._plan, self._stops
        )
        return reader.on({
            v.unit: v.counters for v in vehicles if wanted is None or v.unit in wanted
        })  # fmt: skip

    def _vehicles(self, listed: Sequence[tuple[str, str]]) -> list[_Vehicle]:
        states = self._views.states_of("maintenance", [unit for unit, _ in listed])
        of_locomotives = self._lookup.services_of_sections()
        types = sorted({type_ for _, type_ in listed})
        asked = [meter for meter in METERS if self._asks(meter)]
        counters = {meter: counters_of(self._lookup, types, meter) for meter in asked}
        return [
            _Vehicle(unit, type_, credited(
                         cast(Maintenance, states.get(unit) or Maintenance(unit=unit)),
                         of_locomotives.get(unit, ())),
                     {m: some[unit] for m, some in counters.items() if unit in some})
            for unit, type_ in listed
        ]  # fmt: skip

    def _asks(self, meter: str) -> bool:
        """Kilometres are always read; engine-hours when any interval counts them."""
        return meter == "km" or any(s.engine_hours for s in self.catalogue.services.values())

    def _group(
        self, vehicles: list[_Vehicle], wanted: set[str] | None, on: Mapping[str, list[Due]]
    ) -> list[Forecast]:
        rates = {meter: self._rates(vehicles, meter) for meter in METERS if self._asks(meter)}
        asked = [
            (row, due)
            for row, vehicle in enumerate(vehicles)
            if wanted is None or vehicle.unit in wanted
            for due in (*self._dues(vehicle), *on.get(vehicle.unit, ()))
        ]
        reached = {meter: self._reached(asked, rates[meter], meter) for meter in rates}
        return [
            self._forecast(row, due, {m: reached[m].get(index) for m in rates}, rates,
                           "" if due.unit == vehicles[row].unit else vehicles[row].unit)
            for index, (row, due) in enumerate(asked)
        ]  # fmt: skip

    def _plan(self, state: Maintenance) -> Plan:
        """What becomes due by itself: kinds by need, before a trip and by campaign are left out."""
        key = state.type, state.programme
        if key not in self._plans:
            plan = plan_of(self.catalogue, state.type, self._day, state.programme)
            self._plans[key] = tuple(p for p in plan if p[0][0].when == "interval")
        return self._plans[key]

    def _dues(self, vehicle: _Vehicle) -> list[Due]:
        none = Counter()

        def since(meter: str, since_us: int, then_milli: int | None) -> tuple[float, bool]:
            counter = vehicle.counters.get(meter, none)
            if then_milli is not None:
                return (counter.at(self.now_us) - then_milli) / 1000, False
            first_us = None if vehicle.state.made_us is not None else counter.first_us
            start = since_us if first_us is None else max(since_us, first_us)
            return (counter.at(self.now_us) - counter.at(start)) / 1000, start > since_us

        return dues(vehicle.state, self._plan(vehicle.state), self.now_us, since, self._stops)

    def _rates(self, vehicles: list[_Vehicle], meter: Meter) -> RunRates:
        first = self.now_us // PERIOD_US - PERIODS_KEPT
        runs = np.full((len(vehicles), PERIODS_KEPT), np.nan)
        for row, vehicle in enumerate(vehicles):
            counter = vehicle.counters.get(meter)
            if counter is not None and counter.first_us is not None:
                runs[row] = periods(counter, first, PERIODS_KEPT)
        known = np.flatnonzero(np.isfinite(runs).any(axis=0))
        start = int(known[0]) if len(known) else PERIODS_KEPT
        return run_rates(runs[:, start:], first + start)

    def _reached(
        self, asked: list[tuple[int, Due]], rates: RunRates, meter: str
    ) -> dict[int, list[float]]:
        """Days from now to the end of each remainder, by the index of what is asked."""
        counted = [
            (index, row, criterion.remaining)
            for index, (row, due) in enumerate(asked)
            for criterion in due.criteria
            if criterion.meter == meter
        ]
        if not counted:
            return {}
        indexes, rows, remaining = zip(*counted, strict=True)
        days = reach(np.array(remaining), rates, np.array(rows), self.now_us / DAY_US)
        return dict(zip(indexes, days.tolist(), strict=True))

    def _forecast(
        self, row: int, due: Due, reached: Mapping[Meter, list[float] | None],
        rates: Mapping[Meter, RunRates], vehicle: str,
    ) -> Forecast:  # fmt: skip
        if not due.criteria:
            return Forecast(due, vehicle=vehicle)
        best: list[int | None] = [due.calendar_us] * 3
        meter = next((name for name, days in reached.items() if days is not None), None)
        for days in reached.values():
            if days is not None:
                best = [self._sooner(us, day) for us, day in zip(best, days, strict=True)]
        early_us, median_us, late_us = best
        if meter is None:
            return Forecast(due, early_us, median_us, late_us, vehicle=vehicle)
        rate, slot = rates[meter], int(self.now_us // PERIOD_US)
        daily, doubt = float(rate.daily(slot, row)), float(rate.daily_sd(slot, row))
        return Forecast(due, early_us, median_us, late_us, meter, daily, doubt, vehicle)

    def _sooner(self, us: int | None, day: float) -> int | None:
        if day == inf:
            return us
        at_us = self.now_us + round(day * DAY_US)
        return at_us if us is None else min(us, at_us)


def periods(counter: Counter, first: int, count: int) -> Floats:
    """What was run in each whole period [km or h]; NaN until the first whole one that is known."""
    assert counter.first_us is not None
    edges = np.array(counter.at_each(range(first * PERIOD_US, (first + count + 1) * PERIOD_US,
                                           PERIOD_US)))  # fmt: skip
    found: Floats = np.maximum(np.diff(edges), 0) / 1000
    found[: max(min(counter.first_us // PERIOD_US + 1 - first, count), 0)] = np.nan
    return found


def by_unit(forecasts: Iterable[Forecast]) -> dict[str, list[Forecast]]:
    """Return the forecasts of each unit."""
    found: dict[str, list[Forecast]] = {}
    for forecast in forecasts:
        found.setdefault(forecast.due.unit, []).append(forecast)
    return found
