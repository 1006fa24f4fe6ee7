"""What crews, wayside devices and commissions write down: runs, alarms, comfort, origins.

Drawn by generators of its own: life itself goes on the same whatever is written here.
"""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.clerks import Clerks
from railtrace.simulation.fleet import Fleet, Vehicle
from railtrace.simulation.laws import Floats, Laws, lognormal_mean_one, wave
from railtrace.trace.operation import (
    AlarmChecked,
    DefectClosed,
    DefectFound,
    OriginDecided,
    OriginDisputed,
    Reading,
    RunRecorded,
    WaysideAlarmed,
)

_READ: dict[str, tuple[str, Any, float, float]] = {
    "hot_box": ("box_temperature", "°C", 78.0, 12.0),
    "wheel_impact": ("wheel_force", "kN", 290.0, 60.0),
}
"""What a device reads: quantity, unit, least value and how far over it."""


class Traffic:
    """Writes the records of traffic; `quality` is how each vehicle is driven this week."""

    def __init__(
        self, laws: Laws, fleet: Fleet, clerks: Clerks, seed: int, quality: Floats
    ) -> None:
        self._laws, self._law, self._fleet, self._clerks = laws, laws.traffic, fleet, clerks
        self._random, self._rng = random.Random(seed), np.random.default_rng(seed)
        self._quality = quality
        self._unit = lognormal_mean_one(self._rng, self._law.fuel_unit_sd, len(fleet.vehicles))
        truth = clerks.truth
        truth.fuel_factor = {
            vehicle.unit: round(float(factor), 5)
            for vehicle, factor in zip(fleet.vehicles, self._unit, strict=True)
            if vehicle.row.duty in laws.runs.locomotive
        }

    # --- runs -----------------------------------------------------------------------------------

    def write_run(
        self, locomotive: tuple[int, int], units: tuple[str, ...], minutes: tuple[float, float],
        km: float, hours: float, week: float,
    ) -> None:  # fmt: skip
        """Write the record of one run of a locomotive: its head section, and how many it has."""
        head, sections = locomotive
        vehicle, law = self._fleet.vehicles[head], self._law
        run = self._laws.runs.locomotive[vehicle.row.duty]
        north = vehicle.log in law.north_logs
        route = self._random.choice(run.north_routes if north else run.routes)
        mass = run.mass_t * sections * self._random.lognormvariate(0, law.mass_spread)
        work = km * mass
        fuel = work / 1e4 * run.kg_per_10000_tkm * self._fuel_factor(head, route, week)
        is_late = self._random.random() < law.delay_share
        remark = self._random.random() < law.remark_share
        self._clerks.write(
            RunRecorded, vehicle.log, minutes[1], started_at=self._clerks.moment(minutes[0]),
            units=units, distance_km=f"{km:.1f}", engine_hours=f"{hours:.1f}", route=route,
            crew=self._crew(vehicle.log), gross_tonne_km=f"{work:.0f}", fuel_kg=f"{fuel:.0f}",
            delay_min=f"{self._delay():.0f}" if is_late else None,
            delay_cause=self._random.choice(law.delay_causes) if is_late else "",
            remarks=self._random.choice(law.remarks) if remark else "",
            device=f"d-recorder-{head:05d}",
        )  # fmt: skip

    def _fuel_factor(self, head: int, route: str, week: float) -> float:
        law = self._law
        season = wave(week, law.fuel_winter, self._laws.season.hazard_peak_week)
        driven = float(np.exp(law.fuel_effect * self._quality[head]))
        noise = self._random.lognormvariate(-(law.fuel_noise_sd**2) / 2, law.fuel_noise_sd)
        return law.route_fuel.get(route, 1.0) * season * driven * float(self._unit[head]) * noise

    def _delay(self) -> float:
        return self._law.delay_median_min * self._random.lognormvariate(0, 0.8) + 1

    def _crew(self, log: str) -> tuple[str, ...]:
        """Pseudonyms of a driver and an assistant of the site."""
        first = 7000 + 100 * list(self._clerks.sites).index(log)
        numbers = self._random.sample(range(first, first + self._law.crews), 2)
        return tuple(f"p-{number}" for number in numbers)

    # --- wayside posts and comfort --------------------------------------------------------------

    def pass_posts(self, wagons: Sequence[int], begin: Floats, finish: Floats) -> None:
        """Let wayside devices alarm at wagons that ran, and somebody look at most of it."""
        for alarm, rate in self._law.alarms_per_week.items():
            for _ in range(int(self._rng.poisson(rate * len(wagons)))):
                index = self._random.choice(wagons)
                at = self._random.uniform(float(begin[index]), float(finish[index]))
                self._alarm(alarm, self._fleet.vehicles[index], at)

    def _alarm(self, alarm: str, vehicle: Vehicle, at: float) -> None:
        law = self._law
        quantity, unit, mean, spread = _READ[alarm]
        value = mean + abs(self._random.gauss(0, spread))
        place = f"wheelset.{self._random.randint(1, 4)}"
        alarmed = self._clerks.write(
            WaysideAlarmed, vehicle.log, at, units=(vehicle.unit,), alarm=alarm, place=place,
            post=self._random.choice(law.alarm_posts), level="Тревога-1",
            readings=(Reading(quantity=quantity, value=f"{value:.0f}", unit=unit),),
        )  # fmt: skip
        if self._random.random() < law.alarms_unchecked:
            return
        confirmed = self._random.random() < law.alarms_confirmed[alarm]
        self._clerks.write(
            AlarmChecked, vehicle.log, at + 60 * self._random.uniform(1, 12),
            units=(vehicle.unit,), alarmed=alarmed,
            result="confirmed" if confirmed else "not_confirmed",
            finding="осмотр с обмером, неисправность найдена" if confirmed else "неисправности нет",
        )  # fmt: skip

    def annoy(self, coaches: Sequence[int], log: str, begin: float, finish: float) -> None:
        """Let passengers of a train find something that does not work."""
        for _ in range(int(self._rng.poisson(self._law.comfort_per_week * len(coaches)))):
            vehicle = self._fleet.vehicles[self._random.choice(coaches)]
            at = self._random.uniform(begin, finish)
            found = self._clerks.write(
                DefectFound, log, at, units=(vehicle.unit,),
                code=self._random.choice(self._law.comfort_codes),
            )  # fmt: skip
            self._clerks.write(
                DefectClosed, log, at + DAY_MIN * self._random.uniform(0.2, 3),
                units=(vehicle.unit,), defect=found, work="устранено",
            )  # fmt: skip

    # --- origins --------------------------------------------------------------------------------

    def find_origin(self, failed: str, unit: str, index: int, vehicle: Vehicle, at: float) -> None:
        """Let a commission decide where a failure comes from, and somebody dispute it."""
        law, true = self._law, self._true_origin(index, vehicle)
        self._clerks.truth.origins[failed] = true
        if self._random.random() >= law.origin_decided:
            return
        at += DAY_MIN * self._random.uniform(1, 5)
        right = self._random.random() < law.origin_right
        self._decide(failed, unit, vehicle, at, true if right else self._drawn(vehicle))
        if self._random.random() < law.origin_disputed:
            at += DAY_MIN * self._random.uniform(2, 10)
            self._clerks.write(
                OriginDisputed, vehicle.log, at, units=(unit,), entry=failed,
                disputed_by="ремонтное предприятие", claims=self._drawn(vehicle),
                reason="не согласны с актом",
            )  # fmt: skip
            if self._random.random() < 0.5:
                self._decide(failed, unit, vehicle, at + DAY_MIN * 10, true)

    def _decide(self, failed: str, unit: str, vehicle: Vehicle, at: float, origin: str) -> None:
        self._clerks.write(
            OriginDecided, vehicle.log, at, units=(unit,), entry=failed, origin=origin,
            decided_by=self._random.choice(self._law.commissions), reason="акт расследования",
            basis="document",
        )  # fmt: skip

    def _true_origin(self, index: int, vehicle: Vehicle) -> str:
        """Bad driving answers for its share of the hazard; the rest is drawn."""
        worse = self._laws.quality.effect * float(self._quality[index])
        if self._random.random() < 1 - np.exp(-max(worse, 0.0)):
            return "operation"
        return self._drawn(vehicle)

    def _drawn(self, vehicle: Vehicle) -> str:
        shares = self._law.origin_shares
        own = shares.get(vehicle.vehicle_class, shares["other"])
        return self._random.choices(list(own), list(own.values()))[0]
