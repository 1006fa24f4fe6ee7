"""A railway of the size of Tajik Railways lives three years, and its depots write it down.

`generate` yields operations in the order of recording. The hidden state advances by weeks; in
a week each vehicle runs, its components use up hazard, its wheels wear, and what falls due is
done. docs/simulation.md states the laws.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railtrace.catalogue.rows import Catalogue
from railtrace.simulation.calendar import DAY_MIN, OPENING_MIN, WEEK_MIN
from railtrace.simulation.clerks import Clerks, Sent
from railtrace.simulation.doubles import Doubles
from railtrace.simulation.fleet import Foundry, found_fleet
from railtrace.simulation.laws import (
    Detail,
    Floats,
    Laws,
    Train,
    cumulative_hazard,
    km_to_failure,
    wave,
)
from railtrace.simulation.opening import Opening
from railtrace.simulation.planted import Planted
from railtrace.simulation.standing import Standing
from railtrace.simulation.storekeeper import Storekeeper
from railtrace.simulation.traffic import Traffic
from railtrace.simulation.truth import Truth, Vehicle, Worn
from railtrace.simulation.workshop import Workshop
from railtrace.trace.operation import (
    Inspected,
    LocationReported,
    MeterRead,
    MeterReplaced,
    ModeViolated,
    Ran,
    Washed,
    WrittenOff,
)

_BLOCK = 24
_PERIOD_WEEKS = 4


def generate(
    laws: Laws,
    catalogue: Catalogue,
    *,
    seed: int,
    end: datetime,
    scale: float = 1.0,
    detail: str = "demo",
    truth: Truth | None = None,
) -> Iterator[Sent]:
    """Yield (log, operation, recorded_at) in the order of recording, nothing after `end`.

    `scale` multiplies the fleet; `detail` names a row of the laws: how finely life is written
    down. `truth` is filled on the way and complete when the iterator is used up.
    """
    truth = Truth() if truth is None else truth
    return _Life(laws, catalogue, laws.detail[detail], seed, end, scale, truth).live()


class _Week(NamedTuple):
    """One week's runs: planned km, begin and finish [min] of each vehicle; 0 km = it stands."""

    start_min: float
    km: Floats
    begin: Floats
    finish: Floats


@dataclass(slots=True)
class _TrainSet:
    train: Train
    coaches: list[int]
    index: int


@dataclass(slots=True)
class _Block:
    wagons: list[int]
    route: str
    abroad: str


class _Life:
    def __init__(
        self, laws: Laws, catalogue: Catalogue, detail: Detail, seed: int, end: datetime,
        scale: float, truth: Truth,
    ) -> None:  # fmt: skip
        self.laws, self.detail, self.truth = laws, detail, truth
        zone = timezone(timedelta(hours=laws.utc_offset_h))
        first = end.astimezone(zone) - timedelta(weeks=laws.weeks) - timedelta(minutes=OPENING_MIN)
        start = first.replace(hour=0, minute=0, second=0, microsecond=0)
        self.end_min = (end - start) / timedelta(minutes=1)
        self.first_week = start.timetuple().tm_yday / 7
        look_at = datetime.fromisoformat(truth.look_at) if truth.look_at else start
        self.look_min = (look_at - start) / timedelta(minutes=1)
        self.rng = np.random.default_rng(seed)
        self.random = random.Random(seed + 1)
        self.clerks = Clerks(laws, start, f"sim-{seed}", seed + 2, truth)
        foundry = Foundry(laws, seed + 3, start.year, f"u-sim-{seed}")
        self.fleet = found_fleet(laws, catalogue, detail, self.rng, scale, foundry)
        bias = self.rng.normal(0, laws.wear.gauge_bias_sd_mm, len(laws.wear.gauges) + 1)
        truth.gauge_bias_mm = dict(
            zip((*laws.wear.gauges, laws.wear.lathe), bias.tolist(), strict=True)
        )
        self.workshop = Workshop(
            laws, self.fleet, foundry, self.clerks, truth, self.rng, self.random,
            truth.gauge_bias_mm,
        )  # fmt: skip
        self._note_truth(seed, start, end)
        self.standing = Standing(laws, self.fleet, self.clerks, catalogue, seed + 7, self.end_min)
        self.workshop.standing = self.standing
        self._index()
        self.traffic = Traffic(laws, self.fleet, self.clerks, seed + 8, self.quality)
        self.workshop.traffic = self.traffic
        self.planted = Planted(self.workshop, self.end_min, seed + 4)
        self.doubles = Doubles(self.workshop, self.end_min, seed + 5)
        self.storekeeper = Storekeeper(self.workshop, self.end_min, seed + 6)

    def _note_truth(self, seed: int, start: datetime, end: datetime) -> None:
        truth, fleet = self.truth, self.fleet
        truth.laws_version, truth.seed = self.laws.version, seed
        truth.start, truth.end = start.isoformat(), end.isoformat()
        truth.vehicles = [
            Vehicle(vehicle.unit, round(float(u), 5), round(float(w), 5))
            for vehicle, u, w in zip(fleet.vehicles, fleet.frailty, fleet.wear_factor, strict=True)
        ]

    def _index(self) -> None:
        fleet = self.fleet
        classes = [vehicle.vehicle_class for vehicle in fleet.vehicles]
        powered = ("locomotive", "special")
        self.locomotives = [c for c in fleet.couplings if classes[c[0]] in powered]
        self.coaches = [i for i, c in enumerate(classes) if c == "coach"]
        self.wagons = [i for i, c in enumerate(classes) if c == "freight_wagon"]
        self.quality = np.zeros(len(classes))
        # Sections of one locomotive stop together; a coach that fails runs on to the end.
        self.stops_with = np.arange(len(classes))
        for coupled in self.locomotives:
            self.stops_with[coupled] = coupled[0]
        self.runs_on = np.array([c == "coach" for c in classes])
        self.meter_offset = np.zeros(len(classes))
        self.train_sets = self._form_trains()
        in_sets = {i for s in self.train_sets for i in s.coaches}
        self.reserve = {
            log: [i for i in self.coaches if i not in in_sets and fleet.vehicles[i].log == log]
            for log in {fleet.vehicles[i].log for i in self.coaches}
        }
        self.blocks: list[_Block] = []
        self.away: set[int] = set()
        self.interval_km = np.full((len(classes), 5), np.inf)
        self.interval_min = np.full((len(classes), 5), np.inf)
        for index, vehicle in enumerate(fleet.vehicles):
            for rank, kind in enumerate(vehicle.programme):
                self.interval_km[index, rank] = kind.interval_km
                self.interval_min[index, rank] = kind.interval_days * DAY_MIN
        for part in fleet.slot_part:
            if part is not None and part.wheels >= 0:
                self.workshop.note_wheels(part)

    def _form_trains(self) -> list[_TrainSet]:
        free: dict[str, list[int]] = {}
        for index in self.coaches:
            free.setdefault(self.fleet.vehicles[index].log, []).append(index)
        for coaches in free.values():
            self.random.shuffle(coaches)
        grown = len(self.coaches) / 441
        sets = []
        for train in self.laws.runs.trains:
            home = free.get(train.home, [])
            for number in range(max(1, round(train.sets * grown))):
                coaches, home[:] = home[: train.coaches], home[train.coaches :]
                if coaches:
                    sets.append(_TrainSet(train, coaches, number))
        return sets

    # --- the course of time ---------------------------------------------------------------

    def live(self) -> Iterator[Sent]:
        self.planted.prepare()
        self.planted.register_stock()
        self.doubles.prepare()
        self.storekeeper.prepare()
        Opening(self.laws, self.fleet, self.clerks, self.truth.seed).enter()
        self.standing.enter([i for coaches in self.reserve.values() for i in coaches])
        self.standing.restrict()
        yield from self.clerks.up_to(OPENING_MIN)
        for week in range(self.laws.weeks):
            self._live_week(week)
            yield from self.clerks.up_to(OPENING_MIN + (week + 1) * WEEK_MIN)
        self._close()
        yield from self.clerks.rest(self.end_min)

    def _live_week(self, week: int) -> None:
        start = OPENING_MIN + week * WEEK_MIN
        count = len(self.fleet.vehicles)
        plan = _Week(start, np.zeros(count), np.full(count, start), np.full(count, start + 1.0))
        self._look(start)
        if week % _PERIOD_WEEKS == 0:
            self._form_blocks(week)
        self._drive_quality()
        self._plan_locomotives(plan)
        trains = self._plan_trains(plan, week)
        self._plan_blocks(plan)
        failures = self._use_up(plan, week)
        self._write_locomotive_runs(plan, week)
        self._write_train_runs(plan, trains, week)
        self._write_wagon_runs(plan, week, {int(self.fleet.slot_vehicle[s]) for s, *_ in failures})
        self._mend(plan, failures)
        ran = [i for i in self.wagons if plan.km[i] > 0 and i not in self.away]
        self.traffic.pass_posts(ran, plan.begin, plan.finish)
        self._do_planned(plan)
        self._write_off(plan)
        self.planted.live_week(start, start + WEEK_MIN)
        self.doubles.live_week(start, start + WEEK_MIN)
        self.storekeeper.live_week(start, start + WEEK_MIN)

    def _look(self, start_min: float) -> None:
        """Note the true wheels when the week of the moment asked for begins."""
        if not self.truth.look_at or self.truth.worn or start_min + DAY_MIN < self.look_min:
            return
        fleet, wheels = self.fleet, self.fleet.wheels
        for part, vehicle in zip(fleet.slot_part, fleet.slot_vehicle.tolist(), strict=True):
            if part is not None and part.wheels >= 0:
                flange, tread = (x[part.wheels].tolist() for x in (wheels.flange, wheels.tread))
                self.truth.worn.append(
                    Worn(part.unit, fleet.vehicles[vehicle].unit, tuple(flange), tuple(tread))
                )

    def _drive_quality(self) -> None:
        law = self.laws.quality
        heads = np.array([c[0] for c in self.locomotives])
        kept = law.persistence * self.quality[heads]
        fresh = (1 - law.persistence**2) ** 0.5 * self.rng.standard_normal(len(heads))
        for coupled, x in zip(self.locomotives, (kept + fresh).tolist(), strict=True):
            self.quality[coupled] = x
            unit = self.fleet.vehicles[coupled[0]].unit
            self.truth.quality.setdefault(unit, []).append(round(x, 4))

    # --- plans ----------------------------------------------------------------------------

    def _plan_locomotives(self, plan: _Week) -> None:
        fleet, draws = self.fleet, self.rng.standard_normal((len(self.locomotives), 3))
        end = plan.start_min + WEEK_MIN
        for coupled, (pace, early, late) in zip(self.locomotives, draws.tolist(), strict=True):
            run = self.laws.runs.locomotive[fleet.vehicles[coupled[0]].row.duty]
            free = max(float(fleet.free_min[i]) for i in coupled)
            begin = max(free, plan.start_min + 30) + 60 * abs(early)
            finish = end - 60 - 90 * min(abs(late), 3.0)
            share = (finish - begin) / WEEK_MIN
            if share > 0.05:
                km = run.week_km * max(0.1, 1 + run.spread * pace) * share
                plan.km[coupled], plan.begin[coupled], plan.finish[coupled] = km, begin, finish

    def _plan_trains(self, plan: _Week, week: int) -> list[tuple[_TrainSet, list[int]]]:
        season = self.laws.season
        summer = wave(
            self.first_week + week, season.passenger_amplitude, season.passenger_peak_week
        )
        runs = []
        for train_set in self.train_sets:
            train = train_set.train
            is_charter = train.trips == 1 and not train.abroad
            if is_charter and self.random.random() > 0.65 * summer:
                continue
            day = (2 * train_set.index + 1) % 3
            depart = plan.start_min + day * DAY_MIN + 60 * self.random.uniform(6, 10)
            runs_h = train.trip_h if train.trips == 1 else 24 * (6 - day)
            coaches = self._made_up(train_set, depart)
            plan.km[coaches] = train.distance_km * train.trips
            plan.begin[coaches] = depart
            plan.finish[coaches] = depart + 60 * runs_h
            runs.append((train_set, coaches))
        return runs

    def _made_up(self, train_set: _TrainSet, depart: float) -> list[int]:
        """A coach in repair stays behind; at home one from the reserve takes its place."""
        free_min = self.fleet.free_min
        reserve = self.reserve.get(train_set.train.home, [])
        for place, coach in enumerate(train_set.coaches):
            at_home = coach not in self.away
            if free_min[coach] > depart and at_home and reserve and free_min[reserve[0]] <= depart:
                train_set.coaches[place] = reserve.pop(0)
                reserve.append(coach)
                self.standing.swap(coach, train_set.coaches[place], depart)
        return [coach for coach in train_set.coaches if free_min[coach] <= depart]

    def _form_blocks(self, week: int) -> None:
        self._come_home(week)
        law, by_home = self.laws.runs.freight, dict[str, list[int]]()
        for index in self.wagons:
            if not self.fleet.gone[index]:
                by_home.setdefault(self.fleet.vehicles[index].log, []).append(index)
        self.blocks = []
        for log, wagons in by_home.items():
            self.random.shuffle(wagons)
            routes = law.north_routes if log == "konibodom" else law.routes
            for first in range(0, len(wagons), _BLOCK):
                abroad = ""
                if self.random.random() < law.share_abroad and week + 8 < self.laws.weeks:
                    abroad = self.random.choice(law.abroad_places)
                block = wagons[first : first + _BLOCK]
                if abroad:
                    block = [i for i in block if not self.fleet.vehicles[i].is_protected]
                    self._report(block, week, abroad, "abroad")
                    self.away.update(block)
                self.blocks.append(_Block(block, self.random.choice(routes), abroad))

    def _come_home(self, week: int) -> None:
        for block in self.blocks:
            if block.abroad:
                self._report(block.wagons, week, "Душанбе-2", "home")
                self.away.difference_update(block.wagons)

    def _report(self, wagons: list[int], week: int, place: str, whereabouts: str) -> None:
        vehicles = [self.fleet.vehicles[i] for i in wagons if not self.fleet.gone[i]]
        if vehicles:
            at = OPENING_MIN + week * WEEK_MIN + (2 if whereabouts == "home" else 120)
            self.clerks.write(
                LocationReported, vehicles[0].log, at + 30 * self.random.random(),
                units=tuple(v.unit for v in vehicles), place=place, whereabouts=whereabouts,
                basis="document",
            )  # fmt: skip

    def _plan_blocks(self, plan: _Week) -> None:
        law, free = self.laws.runs.freight, self.fleet.free_min
        pace = self.rng.lognormal(-(law.spread**2) / 2, law.spread, len(self.blocks))
        for block, factor in zip(self.blocks, pace.tolist(), strict=True):
            # Whole kilometres, so that wagons of a block can share one written run.
            km = round((law.abroad_week_km if block.abroad else law.week_km) * factor)
            begin = plan.start_min + 60 * self.random.uniform(4, 20)
            wagons = [i for i in block.wagons if free[i] <= begin and not self.fleet.gone[i]]
            plan.km[wagons], plan.begin[wagons] = km, begin
            plan.finish[wagons] = plan.start_min + WEEK_MIN - 60 * self.random.uniform(3, 20)

    # --- what a week does to components and wheels ------------------------------------------

    def _use_up(self, plan: _Week, week: int) -> list[tuple[int, float, float]]:
        """Advance ages, hazards and wear; return (slot, minute, virtual age) of failures.

        A failure stops locomotives and wagons: their week's kilometres end there.
        """
        fleet, law = self.fleet, self.laws
        season = wave(
            self.first_week + week, law.season.hazard_amplitude, law.season.hazard_peak_week
        )
        of_vehicle = season * fleet.frailty * np.exp(law.quality.effect * self.quality)
        factor = of_vehicle[fleet.slot_vehicle]
        fails_after = km_to_failure(fleet.age_km, fleet.left, factor, fleet.shape, fleet.scale_km)
        planned = plan.km[fleet.slot_vehicle]
        cut = np.full(len(fleet.vehicles), np.inf)
        stops = self.stops_with[fleet.slot_vehicle]
        halting = ~self.runs_on[fleet.slot_vehicle]
        np.minimum.at(cut, stops[halting], fails_after[halting])
        done = np.minimum(plan.km, cut[self.stops_with])
        failing = np.flatnonzero((fails_after <= done[fleet.slot_vehicle]) & (planned > 0))
        failures = self._failures(plan, failing, fails_after)
        self._advance(plan, done, factor)
        return failures

    def _failures(
        self, plan: _Week, failing: NDArray[np.int64], fails_after: Floats
    ) -> list[tuple[int, float, float]]:
        fleet, found = self.fleet, []
        for slot in failing.tolist():
            vehicle = int(fleet.slot_vehicle[slot])
            share = fails_after[slot] / plan.km[vehicle]
            minute = plan.begin[vehicle] + share * (plan.finish[vehicle] - plan.begin[vehicle])
            found.append((slot, float(minute), float(fleet.age_km[slot] + fails_after[slot])))
        return found

    def _advance(self, plan: _Week, done: Floats, factor: Floats) -> None:
        fleet = self.fleet
        moving = plan.km > 0
        share = np.divide(done, plan.km, out=np.ones_like(done), where=moving)
        np.copyto(plan.finish, plan.begin + share * (plan.finish - plan.begin), where=moving)
        np.copyto(plan.km, done, where=moving)
        ran_km = plan.km[fleet.slot_vehicle]
        before = cumulative_hazard(fleet.age_km, fleet.shape, fleet.scale_km)
        fleet.age_km += ran_km
        after = cumulative_hazard(fleet.age_km, fleet.shape, fleet.scale_km)
        fleet.left -= factor * (after - before)
        fleet.km += plan.km
        fleet.unreported_km += plan.km
        self._wear(ran_km)

    def _wear(self, ran_km: Floats) -> None:
        fleet, wheels = self.fleet, self.fleet.wheels
        slots = np.flatnonzero((fleet.slot_wheels >= 0) & (ran_km > 0))
        rows = fleet.slot_wheels[slots]
        way = (ran_km[slots] * fleet.wear_factor[fleet.slot_vehicle[slots]])[:, None]
        wheels.flange[rows] -= wheels.flange_rate[rows] * way
        wheels.tread[rows] += wheels.tread_rate[rows] * way
        wheels.rim[rows] -= wheels.tread_rate[rows] * way

    # --- what is written of runs ------------------------------------------------------------

    def _take_km(self, index: int) -> float:
        """Return the kilometres to write now, in tenths; the remainder waits for the next run."""
        km = float(np.floor(self.fleet.unreported_km[index] * 10 + 1e-6)) / 10
        self.fleet.unreported_km[index] -= km
        return km

    def _write_locomotive_runs(self, plan: _Week, week: int) -> None:
        for coupled in self.locomotives:
            head = coupled[0]
            if plan.km[head] > 0:
                km = self._take_km(head)
                for other in coupled[1:]:
                    self.fleet.unreported_km[other] = self.fleet.unreported_km[head]
                self._write_shifts(coupled, km, plan, week)
            self._write_violations(coupled, plan)
            self._write_paper(coupled, plan, week)

    def _write_shifts(self, coupled: list[int], km: float, plan: _Week, week: int) -> None:
        fleet, head = self.fleet, coupled[0]
        vehicle, shifts = fleet.vehicles[head], self.detail.loco_runs_per_week
        run = self.laws.runs.locomotive[vehicle.row.duty]
        begin, finish = float(plan.begin[head]), float(plan.finish[head])
        hours = run.hours * (finish - begin) / WEEK_MIN
        units = self._locomotive(coupled)
        tenths = round(km * 10)
        for shift in range(shifts):
            part = tenths // shifts + (shift < tenths % shifts)
            first, last = (begin + (finish - begin) * i / shifts for i in (shift, shift + 1))
            self.traffic.write_run(
                (head, len(coupled)), units, (first, last), part / 10, hours / shifts,
                self.first_week + week,
            )  # fmt: skip

    def _locomotive(self, coupled: list[int]) -> tuple[str, ...]:
        """Return what the crew's journal is of: the locomotive, or the single section."""
        unit = self.standing.locomotive_of.get(coupled[0])
        return (unit,) if unit else self._units(coupled)

    def _write_violations(self, coupled: list[int], plan: _Week) -> None:
        law, head = self.laws.quality, coupled[0]
        if plan.km[head] <= 0:
            return
        rate = law.violations_per_week * np.exp(law.violation_effect * self.quality[head])
        for _ in range(self.rng.poisson(rate)):
            at = self.random.uniform(float(plan.begin[head]), float(plan.finish[head]))
            self.clerks.write(
                ModeViolated, self.fleet.vehicles[head].log, at, units=self._units(coupled[:1]),
                rule=self.random.choice(law.rules), device=f"d-recorder-{head:05d}",
                duration_s=str(int(self.random.expovariate(1 / 45)) + 2),
            )  # fmt: skip

    def _write_paper(self, coupled: list[int], plan: _Week, week: int) -> None:
        """Meters read, meters replaced, ТО-2 between runs."""
        law, recording, head = self.detail, self.laws.recording, coupled[0]
        at = float(plan.finish[head]) + 20
        if plan.km[head] <= 0:
            return
        log = self.fleet.vehicles[head].log
        if week % law.meter_read_weeks == head % law.meter_read_weeks:
            for index in coupled:
                self._read_meter(index, log, at)
        if self.random.random() < recording.replaced_meters / self.laws.weeks:
            shown = self._meter(head)
            self.meter_offset[head] += shown
            self.clerks.write(
                MeterReplaced, log, at + 15, units=self._units(coupled[:1]), meter="km",
                removed_value=str(shown),
            )  # fmt: skip
        if self.random.random() < law.inspections_per_week:
            self.clerks.write(Inspected, log, at + 5, units=self._locomotive(coupled), scope="ТО-2")
            if self.random.random() < recording.defect_share:
                open_min = DAY_MIN * self.random.uniform(0.05, 12)
                self.workshop.find_defect(head, at + 5, at + 5 + open_min)

    def _meter(self, index: int) -> int:
        return int(self.fleet.km[index] - self.meter_offset[index])

    def _read_meter(self, index: int, log: str, at: float) -> None:
        unit = self.fleet.vehicles[index].unit
        self.clerks.write(
            MeterRead, log, at, units=(unit,), meter="km", value=str(self._meter(index))
        )

    def _write_train_runs(
        self, plan: _Week, runs: list[tuple[_TrainSet, list[int]]], week: int
    ) -> None:
        for train_set, coaches in runs:
            if not coaches:
                continue
            train, log = train_set.train, train_set.train.home
            begin, finish = float(plan.begin[coaches[0]]), float(plan.finish[coaches[0]])
            self._prepare_train(coaches, begin, log)
            self._write_trips(train, self._units(coaches), log, begin, finish)
            self.traffic.annoy(coaches, log, begin, finish)
            self.fleet.unreported_km[coaches] = 0.0
            if train.abroad:
                away = (week + train_set.index) % 2 == 0
                (self.away.update if away else self.away.difference_update)(coaches)
                self.clerks.write(
                    LocationReported, log, finish + 5, units=self._units(coaches),
                    place="Москва" if away else self.clerks.sites[log].ru,
                    whereabouts="abroad" if away else "home",
                )  # fmt: skip

    def _prepare_train(self, coaches: list[int], begin: float, log: str) -> None:
        units, size = self._units(coaches), self.detail.coach_block
        for first in range(0, len(units), size):
            some = units[first : first + size]
            self.clerks.write(Washed, log, begin - 240, units=some, programme="наружная")
            self.clerks.write(Inspected, log, begin - 90, units=some, scope="ТО-1")

    def _write_trips(
        self, train: Train, units: tuple[str, ...], log: str, begin: float, finish: float
    ) -> None:
        at_once = max(1, min(train.trips, self.detail.local_trips_per_run))
        operations = -(-train.trips // at_once)
        for number in range(operations):
            trips = min(at_once, train.trips - number * at_once)
            first, last = (begin + (finish - begin) * i / operations for i in (number, number + 1))
            self.clerks.write(
                Ran, log, last, started_at=self.clerks.moment(first), units=units,
                distance_km=f"{train.distance_km * trips:.1f}", train=train.train,
                route=train.route,
            )  # fmt: skip

    def _write_wagon_runs(self, plan: _Week, week: int, stopped: set[int]) -> None:
        """Wagons that stop are written at once, the others when their period is full."""
        is_due = (week + 1) % self.detail.wagon_run_weeks == 0
        for block in self.blocks:
            together: dict[float, list[int]] = {}
            for index in block.wagons:
                if self.fleet.unreported_km[index] < 0.1:
                    continue
                if index in stopped:
                    self._write_wagon_run([index], self._take_km(index), block, plan)
                elif is_due:
                    together.setdefault(self._take_km(index), []).append(index)
            for km, wagons in together.items():
                size = self.detail.wagon_block
                for first in range(0, len(wagons), size):
                    self._write_wagon_run(wagons[first : first + size], km, block, plan)
            self._inspect_block(block, plan)

    def _write_wagon_run(self, wagons: list[int], km: float, block: _Block, plan: _Week) -> None:
        at = float(plan.finish[wagons[0]])
        self.clerks.write(
            Ran, self.fleet.vehicles[wagons[0]].log, max(at, plan.start_min + 30),
            units=self._units(wagons), distance_km=f"{km:.1f}",
            route=block.abroad or block.route,
            basis="document" if block.abroad else "observed",
        )  # fmt: skip

    def _inspect_block(self, block: _Block, plan: _Week) -> None:
        if block.abroad or self.random.random() >= self.detail.inspections_per_week:
            return
        wagons = [i for i in block.wagons if plan.km[i] > 0]
        for first in range(0, len(wagons), self.detail.wagon_block):
            some = wagons[first : first + self.detail.wagon_block]
            self.clerks.write(
                Inspected, self.fleet.vehicles[some[0]].log, plan.start_min + 150 + first,
                units=self._units(some), scope="ПТО",
            )  # fmt: skip

    def _units(self, indexes: list[int]) -> tuple[str, ...]:
        return tuple(self.fleet.vehicles[i].unit for i in indexes)

    # --- what is done -----------------------------------------------------------------------

    def _mend(self, plan: _Week, failures: list[tuple[int, float, float]]) -> None:
        fleet = self.fleet
        for slot, minute, age_km in failures:
            vehicle = int(fleet.slot_vehicle[slot])
            begins = max(minute, float(fleet.free_min[vehicle]), float(plan.finish[vehicle]))
            fleet.free_min[vehicle] = self.workshop.mend(slot, minute, age_km, begins)

    def _do_planned(self, plan: _Week) -> None:
        fleet, now = self.fleet, plan.finish + 60
        for index, rank in self._due(now):
            vehicle = fleet.vehicles[index]
            if index in self.away or fleet.free_min[index] > now[index]:
                continue
            if vehicle.vehicle_class == "freight_wagon":
                self._write_wagon_km(index, plan)
            fleet.last_km[index, : rank + 1] = fleet.km[index]
            fleet.last_min[index, : rank + 1] = now[index]
            kind = vehicle.programme[rank]
            fleet.free_min[index] = self.workshop.planned(index, kind, float(now[index]))

    def _due(self, now: Floats) -> list[tuple[int, int]]:
        """Return vehicles with a repair due and the greatest kind that is."""
        fleet = self.fleet
        due = (fleet.km[:, None] - fleet.last_km >= self.interval_km) | (
            now[:, None] - fleet.last_min >= self.interval_min
        )
        ranks = due.shape[1] - 1 - np.argmax(due[:, ::-1], axis=1)
        indexes = np.flatnonzero(due.any(axis=1) & ~fleet.gone)
        return [(int(index), int(ranks[index])) for index in indexes]

    def _write_wagon_km(self, index: int, plan: _Week) -> None:
        if self.fleet.unreported_km[index] >= 0.1:
            at = max(float(plan.finish[index]), plan.start_min + 30)
            self.clerks.write(
                Ran, self.fleet.vehicles[index].log, at, units=self._units([index]),
                distance_km=f"{self._take_km(index):.1f}",
            )  # fmt: skip

    def _write_off(self, plan: _Week) -> None:
        """A few wagons leave the books; their numbered parts go to the shelf first."""
        fleet = self.fleet
        expected = self.laws.recording.written_off_per_year * len(self.wagons) * 7 / 365.25
        for index in self.random.sample(self.wagons, int(self.rng.poisson(expected))):
            vehicle = fleet.vehicles[index]
            at = plan.start_min + WEEK_MIN - 600
            if vehicle.is_protected or index in self.away or fleet.gone[index]:
                continue
            if fleet.free_min[index] > at - 600:
                continue
            self._write_wagon_km(index, plan)
            at = max(at, float(plan.finish[index]) + 60)
            for slot in vehicle.slots:
                if fleet.slot_part[slot] is not None:
                    spare = self.workshop.take_off(slot, at, "исключение вагона")
                    self.workshop.to_workshop(spare, int(fleet.slot_component[slot]), at)
            self.clerks.write(
                WrittenOff, vehicle.log, at + 300, units=(vehicle.unit,), reason="срок службы"
            )
            fleet.gone[index] = True
            self.truth.written_off.append(vehicle.unit)

    def _close(self) -> None:
        """Complete the truth: mileages, and the lives that had not ended."""
        fleet = self.fleet
        for index, vehicle in enumerate(fleet.vehicles):
            self.truth.mileage_km[vehicle.unit] = round(float(fleet.km[index]), 1)
        for slot in range(len(fleet.slot_part)):
            if not fleet.gone[fleet.slot_vehicle[slot]]:
                self.workshop.end_life(slot, float(fleet.age_km[slot]), self.end_min, failed=False)
