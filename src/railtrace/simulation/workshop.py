"""What depots do to units: failures mended, parts exchanged, wheels measured and turned."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.clerks import Clerks
from railtrace.simulation.fleet import Fleet, Foundry, Part, Spare, cast_wheels
from railtrace.simulation.laws import Component, Laws, RepairKind, kijima_age
from railtrace.simulation.standing import Standing
from railtrace.simulation.traffic import Traffic
from railtrace.simulation.truth import Life, Truth, WheelRates
from railtrace.trace.operation import (
    Condemned,
    DefectClosed,
    DefectFound,
    EnteredRepair,
    Failed,
    Installed,
    LeftRepair,
    Manufactured,
    Measured,
    Reading,
    Removed,
    Repaired,
    Reprofiled,
    Tested,
)

_SIDES = ("left", "right")
_DEFECTS = (
    ("течь масла", False),
    ("ослабление крепления", False),
    ("102 тонкий гребень", True),
    ("износ тормозных колодок", True),
    ("неисправность освещения", False),
)


@dataclass(slots=True)
class Workshop:
    """Everything the depots' work needs; `rng` draws for life, `random` for paper."""

    laws: Laws
    fleet: Fleet
    foundry: Foundry
    clerks: Clerks
    truth: Truth
    rng: np.random.Generator
    random: random.Random
    gauge_bias_mm: dict[str, float]
    standing: Standing | None = None
    traffic: Traffic | None = None

    def mend(self, slot: int, failed_min: float, age_km: float, from_min: float) -> float:
        """Record the failure of a component and its repair; returns when the vehicle is free."""
        fleet, law = self.fleet, self.laws.repair
        component = self.laws.components[fleet.slot_component[slot]]
        vehicle = fleet.vehicles[fleet.slot_vehicle[slot]]
        part, position = fleet.slot_part[slot], fleet.slot_position[slot]
        failure_class = self._failure_class(component)
        mode = self.random.choice(component.modes)
        self.end_life(slot, age_km, failed_min, failed=True)
        unit = part.unit if part else vehicle.unit
        failed = self.clerks.write(
            Failed, vehicle.log, failed_min, units=(unit,), mode=mode, place=position,
            failure_class=failure_class, delay_min=self._delay(failure_class),
        )  # fmt: skip
        if self.traffic is not None:
            index = int(fleet.slot_vehicle[slot])
            self.traffic.find_origin(failed, unit, index, vehicle, failed_min)
        hours = law.median_h[component.vehicle_class] * self.random.lognormvariate(0, law.spread)
        if failure_class == 3:
            hours /= 6
        start = from_min + 30 + 90 * self.random.random()
        end = start + 60 * hours
        kind = law.kinds[component.vehicle_class]
        if failure_class < 3:
            self.clerks.write(
                EnteredRepair, vehicle.log, start, units=(vehicle.unit,), repair_kind=kind,
                reason=mode,
            )  # fmt: skip
            if self.standing is not None:
                self.standing.wait_for_parts(int(fleet.slot_vehicle[slot]), start, end)
        self._put_right(slot, age_km, start + 0.6 * (end - start), component, mode)
        if failure_class < 3:
            self._leave(vehicle.log, end, vehicle.unit, kind)
        return end + 10

    def exchange(self, slot: int, minute: float, reason: str) -> None:
        """Take the part off its position and put one from stock there."""
        fleet = self.fleet
        vehicle = fleet.vehicles[fleet.slot_vehicle[slot]]
        old = self.take_off(slot, minute, reason)
        spare = self.from_stock(int(fleet.slot_component[slot]), minute, vehicle.log)
        self.fit(slot, spare, minute + 45)
        self.to_workshop(old, int(fleet.slot_component[slot]), minute)

    def take_off(self, slot: int, minute: float, reason: str) -> Spare:
        """Remove the part of a position; the position stays empty."""
        fleet = self.fleet
        vehicle, part = fleet.vehicles[fleet.slot_vehicle[slot]], fleet.slot_part[slot]
        assert part is not None
        self.clerks.write(
            Removed, vehicle.log, minute, units=(part.unit,), carrier=vehicle.unit,
            position=fleet.slot_position[slot], reason=reason,
        )  # fmt: skip
        fleet.slot_part[slot] = None
        fleet.slot_wheels[slot] = -1
        return Spare(part, float(fleet.age_km[slot]), minute)

    def fit(self, slot: int, spare: Spare, minute: float) -> None:
        """Install a part at an empty position."""
        fleet = self.fleet
        vehicle = fleet.vehicles[fleet.slot_vehicle[slot]]
        self.clerks.write(
            Installed, vehicle.log, minute, units=(spare.part.unit,), carrier=vehicle.unit,
            position=fleet.slot_position[slot],
        )  # fmt: skip
        fleet.slot_part[slot] = spare.part
        fleet.slot_wheels[slot] = spare.part.wheels
        self._begin_life(slot, spare.age_km)

    def planned(self, vehicle_index: int, kind: RepairKind, minute: float) -> float:
        """Record a planned repair; returns when the vehicle is free."""
        vehicle = self.fleet.vehicles[vehicle_index]
        end = minute + 60 * kind.downtime_h * self.random.uniform(0.8, 1.4)
        self.clerks.write(
            EnteredRepair, vehicle.log, minute, units=(vehicle.unit,), repair_kind=kind.kind
        )
        if kind.measures:
            self.measure_wheels(vehicle_index, minute + 0.2 * (end - minute), end)
        if self.random.random() < self.laws.recording.defect_share:
            self.find_defect(vehicle_index, minute + 0.1 * (end - minute), end - 5)
        self._leave(vehicle.log, end, vehicle.unit, kind.kind)
        return end + 10

    def find_defect(self, vehicle_index: int, minute: float, closed_min: float) -> None:
        """Record a defect and, later, what closed it."""
        vehicle = self.fleet.vehicles[vehicle_index]
        code, safety = self.random.choice(_DEFECTS)
        defect = self.clerks.write(
            DefectFound, vehicle.log, minute, units=(vehicle.unit,), code=code, safety=safety
        )
        self.clerks.write(
            DefectClosed, vehicle.log, closed_min, units=(vehicle.unit,), defect=defect,
            work="устранено",
        )  # fmt: skip

    def measure_wheels(self, vehicle_index: int, minute: float, end_min: float) -> None:
        """Measure every wheelset of a vehicle, and turn or exchange those that are worn."""
        fleet = self.fleet
        for slot in fleet.vehicles[vehicle_index].slots:
            part = fleet.slot_part[slot]
            if part is None or part.wheels < 0:
                continue
            minute += 12
            gauge = self.random.choice(self.laws.wear.gauges)
            readings = tuple(self._gauged(part, gauge, "", turned=False))
            log = fleet.vehicles[vehicle_index].log
            self.clerks.write(
                Measured, log, minute, units=(part.unit,), readings=readings, device=gauge
            )
            self._treat_wheels(slot, part, readings, minute, end_min)

    def _treat_wheels(
        self, slot: int, part: Part, readings: tuple[Reading, ...], minute: float, end_min: float
    ) -> None:
        component = self.laws.components[self.fleet.slot_component[slot]]
        level = self.laws.wear.classes[component.vehicle_class]
        seen = {(r.quantity, r.place): float(r.value) for r in readings}
        flange = min(seen["flange_thickness", side] for side in _SIDES)
        tread = max(seen["tread_wear", side] for side in _SIDES)
        if flange >= level.turn_below_flange_mm and tread <= level.turn_above_tread_mm:
            return
        at = minute + 0.5 * (end_min - minute)
        if self._rim_after_cut(part) < level.least_rim_mm:
            age_km = float(self.fleet.age_km[slot])
            self.end_life(slot, age_km, at, failed=False)
            self.exchange(slot, at, "износ")
            return
        self._turn(self.fleet.vehicles[self.fleet.slot_vehicle[slot]].log, part, at)

    def _rim_after_cut(self, part: Part) -> float:
        return float((self.fleet.wheels.rim[part.wheels] - self._cut(part)).min())

    def _cut(self, part: Part) -> float:
        law, wheels = self.laws.wear, self.fleet.wheels
        lost = law.new_flange_mm - float(wheels.flange[part.wheels].min())
        return law.cut_mm + law.cut_per_flange_mm * max(lost, 0.0)

    def _turn(self, log: str, part: Part, minute: float) -> None:
        lathe, wheels, row = self.laws.wear.lathe, self.fleet.wheels, part.wheels
        found = tuple(self._gauged(part, lathe, "as_found", turned=True))
        wheels.rim[row] -= self._cut(part)
        wheels.flange[row] = self.laws.wear.new_flange_mm + self.rng.normal(0, 0.1, 2)
        wheels.tread[row] = 0.0
        left = tuple(self._gauged(part, lathe, "as_left", turned=True))
        self.clerks.write(
            Reprofiled, log, minute, units=(part.unit,), readings=found + left, device=lathe
        )

    def _gauged(self, part: Part, device: str, moment: Any, *, turned: bool) -> Iterator[Reading]:
        law, wheels = self.laws.wear, self.fleet.wheels
        sd, bias = law.gauge_error_sd_mm, self.gauge_bias_mm[device]
        uncertainty = f"{2 * (sd**2 + law.gauge_bias_sd_mm**2) ** 0.5:.2f}"
        columns = (
            ("flange_thickness", wheels.flange),
            ("tread_wear", wheels.tread),
            (law.wheelsets[part.type], wheels.rim),
        )
        errors = iter(self.rng.normal(bias, sd, 6))
        for quantity, column in columns:
            for side, true in zip(_SIDES, column[part.wheels].tolist(), strict=True):
                yield Reading(
                    quantity=quantity, value=f"{max(true + next(errors), 0.0):.1f}", unit="mm",
                    place=side, uncertainty=uncertainty, moment=moment,
                )  # fmt: skip

    def _put_right(
        self, slot: int, age_km: float, minute: float, component: Component, mode: str
    ) -> None:
        fleet = self.fleet
        vehicle, part = fleet.vehicles[fleet.slot_vehicle[slot]], fleet.slot_part[slot]
        exchanged = self.rng.random() < component.exchange
        fleet.age_km[slot] = age_km
        if exchanged and part is not None:
            self.exchange(slot, minute, mode)
            return
        unit = part.unit if part else vehicle.unit
        where = fleet.slot_position[slot]
        self.clerks.write(
            Repaired, vehicle.log, minute, units=(unit,),
            work=f"{'замена' if exchanged else 'ремонт'}: {where or mode}",
            restored="as_new" if exchanged else "partial",
        )  # fmt: skip
        start_age = float(fleet.age_at_start_km[slot])
        age = 0.0 if exchanged else kijima_age(start_age, age_km, component.kijima_q)
        self._begin_life(slot, age)

    def _begin_life(self, slot: int, age_km: float) -> None:
        self.fleet.age_km[slot] = self.fleet.age_at_start_km[slot] = age_km
        self.fleet.left[slot] = self.rng.exponential()

    def end_life(self, slot: int, age_km: float, minute: float, *, failed: bool) -> None:
        fleet = self.fleet
        part = fleet.slot_part[slot]
        self.truth.lives.append(
            Life(
                self.laws.components[fleet.slot_component[slot]].part_type,
                fleet.vehicles[fleet.slot_vehicle[slot]].unit,
                fleet.slot_position[slot],
                part.unit if part else "",
                round(float(fleet.age_at_start_km[slot]), 1),
                round(age_km, 1),
                failed,
                int(minute),
            )
        )

    def from_stock(self, component: int, minute: float, log: str) -> Spare:
        shelf = self.fleet.stock.setdefault(component, deque())
        for _ in range(len(shelf)):
            spare = shelf.popleft()
            if spare.ready_min <= minute:
                return spare
            shelf.append(spare)
        return self._buy(component, minute, log)

    def _buy(self, component: int, minute: float, log: str) -> Spare:
        """A new part is made, and its maker's paper is entered when it arrives."""
        law = self.laws.components[component]
        made = minute - DAY_MIN * self.laws.parts.purchase_lead_days * self.random.uniform(0.3, 1)
        part = self.foundry.part(law.part_type, made=self.clerks.moment(made).year)
        if law.part_type in self.laws.wear.wheelsets:
            part.wheels = self._cast(law)
        self.clerks.write(
            Manufactured, log, made, recorded_min=minute - 20, time_precision="day",
            basis="document", units=(part.unit,), type=part.type, numbers=(part.number,),
            maker=part.maker, heat=part.heat, batch=part.batch, performed_by=(), site="",
        )  # fmt: skip
        return Spare(part, 0.0, minute)

    def _cast(self, component: Component) -> int:
        wheels, new = self.fleet.wheels, cast_wheels(self.laws, self.rng, [component], new=True)
        row = len(wheels.flange)
        for name in ("flange", "tread", "rim", "flange_rate", "tread_rate"):
            setattr(wheels, name, np.vstack([getattr(wheels, name), getattr(new, name)]))
        return row

    def note_wheels(self, part: Part) -> None:
        """Put the wear rates of a wheelset beside the trace."""
        flange = self.fleet.wheels.flange_rate[part.wheels].tolist()
        tread = self.fleet.wheels.tread_rate[part.wheels].tolist()
        self.truth.wheels.append(WheelRates(part.unit, tuple(flange), tuple(tread)))

    def to_workshop(self, spare: Spare, component: int, minute: float) -> None:
        """A part that came off is condemned, or mended and put in stock."""
        days = self.random.uniform(*self.laws.parts.workshop_days)
        done = minute + DAY_MIN * days
        law, log = self.laws.components[component], self.laws.sites[0].log
        is_worn_out = spare.part.wheels >= 0 and self._rim_after_cut(spare.part) < (
            self.laws.wear.classes[law.vehicle_class].least_rim_mm
        )
        if is_worn_out or self.random.random() < self.laws.parts.condemned_share:
            self.clerks.write(
                Condemned, log, done, units=(spare.part.unit,), reason="не подлежит ремонту"
            )
            return
        self.clerks.write(
            Repaired, log, done, units=(spare.part.unit,), work="ремонт в цехе",
            restored="partial",
        )  # fmt: skip
        spare.age_km *= law.kijima_q
        spare.ready_min = done + 60
        self.fleet.stock.setdefault(component, deque()).append(spare)

    def _leave(self, log: str, minute: float, unit: str, kind: str) -> None:
        if self.random.random() < self.laws.repair.tested_share:
            self.clerks.write(Tested, log, minute - 15, units=(unit,), test="опробование тормозов")
        self.clerks.write(LeftRepair, log, minute, units=(unit,), repair_kind=kind)

    def _failure_class(self, component: Component) -> int:
        first, second, _ = component.classes
        draw = self.random.random()
        return 1 if draw < first else 2 if draw < first + second else 3

    def _delay(self, failure_class: int) -> str | None:
        if failure_class > 1:
            return None
        return str(60 + int(self.random.expovariate(1 / 70)))
