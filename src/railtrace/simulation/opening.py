"""Go-live: the opening inventory, as depots enter it on the first two days."""

import random
from typing import Any

from railtrace.simulation.clerks import DAY_MIN, Clerks
from railtrace.simulation.fleet import NEVER, Fleet, Part
from railtrace.simulation.laws import Laws
from railtrace.trace.operation import (
    Counter,
    EnteredRepair,
    Installed,
    LeftRepair,
    Operation,
    Registered,
)

OPENING_MIN = 2 * DAY_MIN
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
        vehicle, at = self._fleet.vehicles[index], self._entered()
        km = f"{self._fleet.km[index]:.0f}"
        counts_km = vehicle.vehicle_class in ("locomotive", "coach") and vehicle.made is not None
        self._write(
            Registered, vehicle.log, 480, at, units=(vehicle.unit,), type=vehicle.row.type,
            numbers=vehicle.numbers, made=vehicle.made, owner=_OWNER,
            home_site=self._clerks.sites[vehicle.log].name,
            counters=(Counter(meter="km", value=km),) if counts_km else (),
        )  # fmt: skip
        if vehicle.made is not None:
            self._enter_last_repairs(index, at)
        for slot in vehicle.slots:
            part = self._fleet.slot_part[slot]
            if part is not None:
                self._register_part(vehicle.log, part, 481, at + 1)
                self._write(
                    Installed, vehicle.log, 482, at + 2, units=(part.unit,), carrier=vehicle.unit,
                    position=self._fleet.slot_position[slot],
                )  # fmt: skip

    def _enter_last_repairs(self, index: int, at: float) -> None:
        """A repair is known from its paper: one that contains a lesser one is enough."""
        vehicle, last_min = self._fleet.vehicles[index], self._fleet.last_min[index]
        for rank, kind in enumerate(vehicle.programme):
            newer = rank + 1 < len(vehicle.programme) and last_min[rank + 1] >= last_min[rank]
            if newer or not NEVER < last_min[rank] < -3 * DAY_MIN or rank > 1:
                continue
            entered = last_min[rank] - 60 * kind.downtime_h - DAY_MIN
            for what, minute in ((EnteredRepair, entered), (LeftRepair, last_min[rank])):
                self._write(
                    what, vehicle.log, minute, at, units=(vehicle.unit,), repair_kind=kind.kind
                )

    def _register_part(self, log: str, part: Part, minute: float, at: float) -> None:
        self._write(
            Registered, log, minute, at, units=(part.unit,), type=part.type,
            numbers=(part.number,), made=part.made, maker=part.maker, heat=part.heat,
            batch=part.batch,
        )  # fmt: skip
