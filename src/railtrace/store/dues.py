"""What is due over the whole fleet, with the dates at which it will be, read in a few queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import cast

import numpy as np

from railtrace.analysis.run_rate import Floats
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.maintenance import (
    DAY_US,
    Due,
    Maintenance,
    Plan,
    credited,
    dues,
    ended_by,
    plan_of,
    stops_of,
)
from railtrace.projections.mileage import Counter
from railtrace.store.lookup import Lookup
from railtrace.store.paces import PERIOD_US, PERIODS_KEPT, Paces
from railtrace.store.part_dues import METERS, Meter, PartDues, counters_of
from railtrace.store.views import ViewStore
from railtrace.trace.leaf import moment

GONE = ("written_off", "condemned")
_NONE = frozenset[str]()


@dataclass(frozen=True)
class Forecast:
    """How a kind stands and when it will be due: 5 %, 50 % and 95 % quantiles [µs].

    None is later than anybody forecasts. `daily` is the run of an average day in this season by
    the meter that is forecast, outside the repairs that end the interval; `meter` "" when only the
    calendar counts. `vehicle` is what the
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


_Asked = tuple[int, Due, frozenset[str]]
"""(row of the vehicle, what is due, the repairs that end its interval)."""


class FleetDues:
    """Reads the maintenance, the counters and the run rates of many units at once."""

    def __init__(self, views: ViewStore, lookup: Lookup, catalogue: Catalogue, now_us: int) -> None:
        self._views, self._lookup = views, lookup
        self.catalogue, self.now_us = catalogue, now_us
        self._day = moment(now_us).date()
        self._stops = stops_of(catalogue, self._day)
        self._plans: dict[tuple[str, str], Plan] = {}
        self._ends: dict[tuple[str, str], dict[str, frozenset[str]]] = {}

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
        repairs = self._repairs({v.type for v in vehicles})
        found: list[Forecast] = []
        for _, group in groupby(sorted(vehicles, key=lambda v: (v.type, v.unit)), lambda v: v.type):
            found += self._group(list(group), wanted, on, repairs)
        return found

    def _repairs(self, types: set[str]) -> dict[str, list[tuple[str, int, int | None]]]:
        since_us = (self.now_us // PERIOD_US - PERIODS_KEPT) * PERIOD_US
        found: dict[str, list[tuple[str, int, int | None]]] = {}
        for unit, kind, from_us, to_us in self._lookup.repairs_of(sorted(types), since_us):
            found.setdefault(unit, []).append((kind, from_us, to_us))
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
        self, vehicles: list[_Vehicle], wanted: set[str] | None, on: Mapping[str, list[Due]],
        repairs: Mapping[str, Sequence[tuple[str, int, int | None]]],
    ) -> list[Forecast]:  # fmt: skip
        stays = [(row, *stay) for row, v in enumerate(vehicles) for stay in repairs.get(v.unit, ())]
        paces = {meter: Paces([v.counters.get(meter) for v in vehicles], stays, self.now_us)
                 for meter in METERS if self._asks(meter)}  # fmt: skip
        asked = [
            (row, due, ends)
            for row, vehicle in enumerate(vehicles)
            if wanted is None or vehicle.unit in wanted
            for due, ends in self._ended(vehicle, on.get(vehicle.unit, ()))
        ]
        reached = {meter: self._reached(asked, paces[meter], meter) for meter in paces}
        return [
            self._forecast(one, {m: reached[m].get(index) for m in paces}, paces,
                           "" if one[1].unit == vehicles[one[0]].unit else vehicles[one[0]].unit)
            for index, one in enumerate(asked)
        ]  # fmt: skip

    def _ended(self, vehicle: _Vehicle, on: Iterable[Due]) -> list[tuple[Due, frozenset[str]]]:
        """Return a vehicle's dues with the repairs that end each interval; on parts none."""
        ends = self.ends(vehicle.state)
        own = [(due, ends.get(due.kind, _NONE)) for due in self._dues(vehicle)]
        return own + [(due, _NONE) for due in on]

    def ends(self, state: Maintenance) -> Mapping[str, frozenset[str]]:
        """Return of each kind that a unit may be due for the repairs that end its interval."""
        key = state.type, state.programme
        if key not in self._ends:
            self._ends[key] = ended_by(self._plan(state))
        return self._ends[key]

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

    def _reached(self, asked: Sequence[_Asked], pace: Paces, meter: str) -> dict[int, list[float]]:
        """Days from now to the end of each remainder, by the index of what is asked."""
        counted: dict[frozenset[str], list[tuple[int, int, float]]] = {}
        for index, (row, due, ends) in enumerate(asked):
            for criterion in due.criteria:
                if criterion.meter == meter:
                    counted.setdefault(ends, []).append((index, row, criterion.remaining))
        found: dict[int, list[float]] = {}
        for ends, some in counted.items():
            indexes, rows, remaining = zip(*some, strict=True)
            found |= zip(indexes, pace.reach(remaining, rows, ends).tolist(), strict=True)
        return found

    def _forecast(
        self, asked: _Asked, reached: Mapping[Meter, list[float] | None],
        paces: Mapping[Meter, Paces], vehicle: str,
    ) -> Forecast:  # fmt: skip
        row, due, ends = asked
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
        daily, doubt = paces[meter].daily(row, ends)
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
