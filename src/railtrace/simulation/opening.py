"""Go-live: the opening inventory, as depots enter it on the first two days."""

import random
from typing import Any

from railtrace.simulation.calendar import DAY_MIN, OPENING_MIN, WEEK_MIN
from railtrace.simulation.clerks import Clerks
from railtrace.simulation.fleet import Fleet, Part
from railtrace.simulation.laws import Laws
from railtrace.trace.operation import (
    Commissioned,
    Counter,
    EnteredRepair,
    Installed,
    LeftRepair,
    Manufactured,
    Operation,
    Registered,
)

_APART_MIN = 60 * DAY_MIN
_OWNER = "демонстрационная дорога"


class Opening:
    """Enters what stands in the yards: vehicles, their parts, the shelves; nothing invented."""

    def __init__(self, laws: Laws, fleet: Fleet, clerks: Clerks, seed: int) -> None:
        self._laws = laws
        self._fleet = fleet
        self._clerks = clerks
        self._random = random.Random(seed)

    def enter(self) -> None:
        """Write the whole inventory."""
        for index in range(len(self._fleet.vehicles)):
            self._enter_vehicle(index)
        for shelf in self._fleet.stock.values():
            for spare in shelf:
                self._register_part(self._laws.sites[0].log, spare.part, 600, self._entered())

    def _entered(self) -> float:
        return self._random.uniform(700, OPENING_MIN - 200)

    def _write(
        self, kind: type[Operation], log: str, minute: float, at: float, **fields: Any
    ) -> None:
        self._clerks.write(
            kind, log, minute, recorded_min=at, time_precision="day", basis="document", **fields
        )

    def _enter_vehicle(self, index: int) -> None:
        if self._fleet.vehicles[index].row.joins_week is not None:
            self._enter_new(index)
            return
        vehicle, at = self._fleet.vehicles[index], self._entered()
        is_counted = vehicle.vehicle_class in ("locomotive", "coach") and vehicle.made is not None
        km = Counter(meter="km", value=f"{self._fleet.km[index]:.0f}")
        self._write(
            Registered, vehicle.log, 480, at, units=(vehicle.unit,), type=vehicle.row.type,
            numbers=vehicle.numbers, made=vehicle.made, owner=_OWNER,
            home_site=vehicle.log, counters=(km,) if is_counted else (),
        )  # fmt: skip
        if vehicle.made is not None:
            self._enter_last_repairs(index, at)
        for slot in vehicle.slots:
            part = self._fleet.slot_part[slot]
            if part is not None:
                self._register_part(vehicle.log, part, 481, at + 1)
                self._install(slot, part, 482, at + 2)

    def _enter_new(self, index: int) -> None:
        """A vehicle bought during the three years comes with everything new."""
        vehicle, fleet = self._fleet.vehicles[index], self._fleet
        joins = OPENING_MIN + (vehicle.row.joins_week or 0) * WEEK_MIN
        at = joins + self._random.uniform(300, 900)
        self._write(
            Manufactured, vehicle.log, joins - 30 * DAY_MIN, at, units=(vehicle.unit,),
            type=vehicle.row.type, numbers=vehicle.numbers,
        )  # fmt: skip
        for slot in vehicle.slots:
            part = fleet.slot_part[slot]
            if part is not None:
                self._write(
                    Manufactured, vehicle.log, joins - 40 * DAY_MIN, at + 1, units=(part.unit,),
                    type=part.type, numbers=(part.number,), maker=part.maker, heat=part.heat,
                    batch=part.batch,
                )  # fmt: skip
                self._install(slot, part, joins - 30 * DAY_MIN, at + 2)
        self._write(
            Commissioned, vehicle.log, joins, at + 3, units=(vehicle.unit,), owner=_OWNER,
            home_site=vehicle.log,
        )  # fmt: skip

    def _enter_last_repairs(self, index: int, at: float) -> None:
        """Enter the papers of the last great repair, and of the last lesser one since."""
        vehicle, last_min = self._fleet.vehicles[index], self._fleet.last_min[index]
        later_than = -float("inf")
        for rank in reversed(range(min(2, len(vehicle.programme)))):
            kind, left = vehicle.programme[rank], float(last_min[rank])
            if not later_than + _APART_MIN < left < -3 * DAY_MIN:
                continue
            later_than = left
            entered = left - 60 * kind.downtime_h - DAY_MIN
            for what, minute in ((EnteredRepair, entered), (LeftRepair, left)):
                self._write(
                    what, vehicle.log, minute, at, units=(vehicle.unit,), repair_kind=kind.kind
                )

    def _install(self, slot: int, part: Part, minute: float, at: float) -> None:
        vehicle = self._fleet.vehicles[self._fleet.slot_vehicle[slot]]
        self._write(
            Installed, vehicle.log, minute, at, units=(part.unit,), carrier=vehicle.unit,
            position=self._fleet.slot_position[slot],
        )  # fmt: skip

    def _register_part(self, log: str, part: Part, minute: float, at: float) -> None:
        self._write(
            Registered, log, minute, at, units=(part.unit,), type=part.type,
            numbers=(part.number,), made=part.made, maker=part.maker, heat=part.heat,
            batch=part.batch,
        )  # fmt: skip
