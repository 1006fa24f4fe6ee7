"""When worn wheels will cross their limits: readings since a part came on, by its carrier's run.

Within one stay on one vehicle a part runs what the vehicle runs, so the vehicle's counter is the
measure. A turning begins a stretch of its own. Readings without a stated uncertainty tell nothing
here: how sure they are is not known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.run_rate import PERIOD_DAYS, RunRates, run_rates
from railtrace.analysis.wear import WearReadings, WearState, WheelTree, fit_wear, km_to_limit
from railtrace.analysis.wear_due import days_to_limit
from railtrace.catalogue.in_force import limits_for
from railtrace.catalogue.rows import Catalogue, Limit
from railtrace.errors import BadData
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.mileage import Counter
from railtrace.store.dues import GONE, periods
from railtrace.store.lookup import Lookup
from railtrace.store.paces import PERIODS_KEPT
from railtrace.trace.leaf import moment

PERIOD_US = round(PERIOD_DAYS * DAY_US)
_DEEPEST = 3
SHARES = (0.05, 0.5, 0.95)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class WearDue:
    """When one parameter of one wheel will cross a limit, and what that stands on.

    Days and kilometres are 5 %, 50 % and 95 % quantiles; None is later than ten years, or
    farther than three million kilometres. `rate` and its deviation are per thousand kilometres.
    """

    vehicle: str
    part: str
    quantity: str
    place: str
    limit: Limit
    rising: bool
    value: str
    unit: str
    at_us: int
    operation: str
    readings: int
    level: float
    rate: float
    rate_sd: float
    km: tuple[float | None, ...]
    days_us: tuple[int | None, ...]
    daily_km: float

    @property
    def bound(self) -> str:
        """The value that is crossed."""
        return str(self.limit.max if self.rising else self.limit.min)


@dataclass(frozen=True, eq=False)
class WornNow:
    """Wheels of one quantity with their state now and the limits that they wear towards.

    on : of each wheel (vehicle, part, place on it, readings of this stretch, last operation)
    crossed : stretches that were found beyond the limit: part, first reading, that reading [µs]
    """

    quantity: str
    rising: bool
    on: tuple[tuple[str, str, str, int, str], ...]
    limits: NDArray[np.float64]
    state: WearState
    crossed: tuple[tuple[str, int, int], ...]


@dataclass
class _Wheel:
    vehicle: str
    part: str
    type: str
    place: str
    stretches: list[list[dict[str, object]]]


_Now = tuple[list[_Wheel], list[tuple[int, Limit]], WearState, NDArray[np.float64], bool]


def _on(wheel: _Wheel) -> tuple[str, str, str, int, str]:
    last = wheel.stretches[-1]
    return wheel.vehicle, wheel.part, wheel.place, len(last), str(last[-1]["operation"])


def _crossed(wheel: _Wheel, bound: float, rising: bool) -> Iterator[tuple[str, int, int]]:
    """Yield the stretches of a wheel that were found beyond its limit, the first such reading."""
    for stretch in (s for s in wheel.stretches if s):
        over = [int(str(row["at_us"])) for row in stretch
                if (float(str(row["value"])) - bound) * (1 if rising else -1) > 0]  # fmt: skip
        if over:
            yield wheel.part, int(str(stretch[0]["at_us"])), min(over)


class WearDues:
    """Reads the wheels of vehicles of one type, fits their wear, and asks when limits come."""

    def __init__(self, lookup: Lookup, catalogue: Catalogue, now_us: int) -> None:
        self._lookup, self.catalogue, self.now_us = lookup, catalogue, now_us
        self._day = moment(now_us).date()

    def of(self, type_: str, vehicles: Sequence[str] | None = None) -> list[WearDue]:
        """Return the wear dues of a type's vehicles (or only of some), the soonest first.

        All vehicles of the type are fitted together: a wheel is told by its axle and vehicle.
        """
        listed = [v.unit for v in self._lookup.maintained([type_]) if v.status not in GONE]
        stays = self._stays(listed)
        counters = self._counters(type_)
        rates, rows = self._rates(listed, counters)
        found: list[WearDue] = []
        for quantity, read in self._read(stays).items():
            found += self._of_quantity(quantity, read, type_, counters, rates, rows, vehicles)
        return sorted(found, key=lambda w: (w.days_us[1] is None, w.days_us[1] or 0, w.part))

    def _stays(self, vehicles: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return, for every part on the vehicles now, its vehicle and since when [µs]."""
        above: dict[str, tuple[str, int]] = {unit: (unit, 0) for unit in vehicles}
        frontier, found = list(vehicles), dict[str, tuple[str, int]]()
        for _ in range(_DEEPEST):
            stays = [s for s in self._lookup.installations_on(frontier)
                     if s.from_us is not None and s.from_us <= self.now_us
                     and (s.to_us is None or s.to_us > self.now_us)]  # fmt: skip
            frontier = [s.part for s in stays if s.part not in above]
            for stay in stays:
                vehicle, since_us = above[stay.carrier]
                found[stay.part] = vehicle, max(since_us, stay.from_us or 0)
            above |= {part: found[part] for part in frontier}
            if not frontier:
                break
        return found

    def _counters(self, type_: str) -> dict[str, Counter]:
        runs, anchors = self._lookup.all_counter_rows([type_], "km")
        marks: dict[str, list[tuple[int, int]]] = {}
        lengths: dict[str, list[tuple[int, int]]] = {}
        for unit, at_us, total in anchors:
            marks.setdefault(unit, []).append((at_us, total))
        for unit, at_us, ran in runs:
            lengths.setdefault(unit, []).append((at_us, ran))
        return {u: Counter(marks.get(u, ()), lengths.get(u, ())) for u in {*marks, *lengths}}

    def _rates(
        self, vehicles: Sequence[str], counters: Mapping[str, Counter]
    ) -> tuple[RunRates, dict[str, int]]:
        first = self.now_us // PERIOD_US - PERIODS_KEPT
        runs = np.full((len(vehicles), PERIODS_KEPT), np.nan)
        for row, vehicle in enumerate(vehicles):
            counter = counters.get(vehicle)
            if counter is not None and counter.first_us is not None:
                runs[row] = periods(counter, first, PERIODS_KEPT)
        known = np.flatnonzero(np.isfinite(runs).any(axis=0))
        start = int(known[0]) if len(known) else PERIODS_KEPT
        return run_rates(runs[:, start:], first + start), {v: n for n, v in enumerate(vehicles)}

    def _read(
        self, stays: Mapping[str, tuple[str, int]]
    ) -> dict[str, dict[tuple[str, str], _Wheel]]:
        """Return by quantity the wheels and their readings since they came on, in stretches."""
        wears = [key for key, row in self.catalogue.quantities.items() if row.wears]
        types = self._lookup.types_of(list(stays))
        found: dict[str, dict[tuple[str, str], _Wheel]] = {}
        for row in self._lookup.readings_of(list(stays), wears):
            part, place = str(row["unit"]), str(row["place"])
            vehicle, since_us = stays[part]
            if not since_us <= int(str(row["at_us"])) <= self.now_us or not row["uncertainty"]:
                continue
            wheel = found.setdefault(str(row["quantity"]), {}).setdefault(
                (part, place), _Wheel(vehicle, part, types.get(part, ""), place, [[]])
            )
            if row["moment"] == "as_left":
                wheel.stretches.append([])
            wheel.stretches[-1].append(row)
        return found

    def _of_quantity(
        self, quantity: str, wheels: Mapping[tuple[str, str], _Wheel], type_: str,
        counters: Mapping[str, Counter], rates: RunRates, rows: Mapping[str, int],
        vehicles: Sequence[str] | None,
    ) -> list[WearDue]:  # fmt: skip
        now = self._now(quantity, wheels, type_, counters, vehicles)
        if now is None:
            return []
        some, wanted, state, bounds, rising = now
        at = np.array([n for n, _ in wanted])
        who = np.array([rows[some[n].vehicle] for n in at])
        days = days_to_limit(state, bounds, np.full(len(at), rising), rates, who,
                             self.now_us / DAY_US, SHARES)  # fmt: skip
        km = km_to_limit(state, bounds, rising, SHARES)
        return [
            self._told(some[n], quantity, limit, rising, state, row, km[row], days[row],
                       float(rates.daily(int(self.now_us // PERIOD_US), int(who[row]))))
            for row, (n, limit) in enumerate(wanted)
        ]  # fmt: skip

    def worn_now(self, type_: str) -> list[WornNow]:
        """Return the wheels of a type's vehicles as worn now, without asking when limits come."""
        listed = [v.unit for v in self._lookup.maintained([type_]) if v.status not in GONE]
        counters = self._counters(type_)
        found = []
        for quantity, read in sorted(self._read(self._stays(listed)).items()):
            now = self._now(quantity, read, type_, counters, None)
            if now is not None:
                some, wanted, state, bounds, rising = now
                on = tuple(_on(some[n]) for n, _ in wanted)
                crossed = tuple(
                    one for (n, _), bound in zip(wanted, bounds.tolist(), strict=True)
                    for one in _crossed(some[n], bound, rising)
                )  # fmt: skip
                found.append(WornNow(quantity, rising, on, bounds, state, crossed))
        return found

    def _now(
        self, quantity: str, wheels: Mapping[tuple[str, str], _Wheel], type_: str,
        counters: Mapping[str, Counter], vehicles: Sequence[str] | None,
    ) -> _Now | None:  # fmt: skip
        """Fit the wheels of one quantity; return those that wear towards a limit, None for none."""
        some = [w for w in wheels.values() if w.stretches[-1] and w.vehicle in counters]
        if not some:
            return None
        readings, tree, last = _arrays(some, counters)
        try:
            wear = fit_wear(readings, tree)
        except BadData:
            return None
        rising = wear.fleet_rate > 0
        wanted = [
            (n, limit) for n, wheel in enumerate(some)
            if vehicles is None or wheel.vehicle in vehicles
            if (limit := self._limit(quantity, wheel, type_, rising)) is not None
        ]  # fmt: skip
        if not wanted:
            return None
        at = np.array([n for n, _ in wanted])
        bounds = np.array([float(str(x.max if rising else x.min)) for _, x in wanted])
        km_now = np.array([counters[some[n].vehicle].at(self.now_us) / 1000 for n in at])
        return some, wanted, wear.at(last[at], km_now), bounds, rising

    def _limit(self, quantity: str, wheel: _Wheel, type_: str, rising: bool) -> Limit | None:
        """Return the in-service limit that is worn towards."""
        limits = self._limits(quantity, wheel.type, type_, wheel.place, self._day)
        return next((x for x in limits if (x.max if rising else x.min) is not None), None)

    def _limits(
        self, quantity: str, part_type: str, type_: str, place: str, day: date
    ) -> tuple[Limit, ...]:
        vehicle = self.catalogue.vehicle_types.get(type_)
        vehicle_class = vehicle.vehicle_class if vehicle else None
        return limits_for(self.catalogue, quantity, part_type, vehicle_class, "in_service", day,
                          place=place)  # fmt: skip

    def _told(
        self, wheel: _Wheel, quantity: str, limit: Limit, rising: bool, state: WearState, row: int,
        km: NDArray[np.float64], days: NDArray[np.float64], daily_km: float,
    ) -> WearDue:  # fmt: skip
        last = wheel.stretches[-1][-1]
        return WearDue(
            wheel.vehicle, wheel.part, quantity, wheel.place, limit, rising, str(last["value"]),
            str(last["uom"]), int(str(last["at_us"])), str(last["operation"]),
            len(wheel.stretches[-1]), float(state.level[row]), 1000 * float(state.rate[row]),
            1000 * float(np.sqrt(state.rate_variance[row])),
            tuple(None if x == inf else float(x) for x in km),
            tuple(None if x == inf else self.now_us + round(float(x) * DAY_US) for x in days),
            daily_km,
        )  # fmt: skip


def _arrays(
    wheels: Sequence[_Wheel], counters: Mapping[str, Counter]
) -> tuple[WearReadings, WheelTree, Ints]:
    """Return the readings of all stretches, the tree, and the last stretch of each wheel."""
    parts = {p: n for n, p in enumerate(dict.fromkeys(w.part for w in wheels))}
    vehicles = {v: n for n, v in enumerate(dict.fromkeys(w.vehicle for w in wheels))}
    axle_vehicle = np.zeros(len(parts), dtype=np.int64)
    stretch, km, value, deviation, wheel_of, last = [], [], [], [], list[int](), []
    for n, wheel in enumerate(wheels):
        axle_vehicle[parts[wheel.part]] = vehicles[wheel.vehicle]
        for one in (s for s in wheel.stretches if s):
            for row in one:
                stretch.append(len(wheel_of))
                km.append(counters[wheel.vehicle].at(int(str(row["at_us"]))) / 1000)
                value.append(float(str(row["value"])))
                deviation.append(max(float(str(row["uncertainty"])) / 2, 1e-6))
            wheel_of.append(n)
        last.append(len(wheel_of) - 1)
    tree = WheelTree(
        np.array(wheel_of), (np.array([parts[w.part] for w in wheels]), axle_vehicle)
    )
    readings = WearReadings(np.array(stretch), np.array(km), np.array(value), np.array(deviation))
    return readings, tree, np.array(last)
