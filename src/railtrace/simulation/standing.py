"""How units stand: locomotives of sections, reserve, hire, waits for parts, restrictions, orders.

It draws from a generator of its own and writes without slips, so that what happens to components
and wheels does not depend on it.
"""

import random
from datetime import timedelta
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.simulation.calendar import DAY_MIN, OPENING_MIN, WEEK_MIN
from railtrace.simulation.clerks import Clerks
from railtrace.simulation.fleet import Fleet
from railtrace.simulation.laws import Laws
from railtrace.trace.operation import (
    GateIntroduced,
    HolderChanged,
    LastRepairStated,
    Number,
    Operation,
    Registered,
    Restricted,
    RestrictionLifted,
    SectionsCoupled,
    StateChanged,
)

_WAITS_SHARE = 0.25
_LONG_H = 24
_HIRED_SHARE = 0.01
_RESTRICTED = 16
_ORDER_DAYS = 60
_TENANT = "ООО «Вахш-Транс»"
_LIMITS = (("не более 60 км/ч: люфт скользунов", 60), ("не более 40 км/ч: просадка рессор", 40))


class Standing:
    """Writes what the depots say of states and holders; the hidden state it only reads."""

    def __init__(
        self, laws: Laws, fleet: Fleet, clerks: Clerks, catalogue: Catalogue, seed: int,
        end_min: float,
    ) -> None:  # fmt: skip
        self._laws, self._fleet, self._clerks, self._end_min = laws, fleet, clerks, end_min
        self._catalogue, self._random = catalogue, random.Random(seed)
        self.locomotive_of: dict[int, str] = {}

    def _write(self, kind: type[Operation], log: str, minute: float, **fields: Any) -> str:
        people = self._clerks.sites[log].people
        return self._clerks.write(
            kind, log, minute, recorded_min=minute + self._random.uniform(5, 90), faultless=True,
            performed_by=(f"p-{self._random.randrange(*people):04d}",), **fields,
        )  # fmt: skip

    # --- the opening ----------------------------------------------------------------------------

    def enter(self, reserve: list[int]) -> None:
        """Write what the depots say on the first days, after the inventory itself."""
        for coupled in self._fleet.couplings:
            if len(coupled) > 1:
                self._enter_locomotive(coupled)
        for index, vehicle in enumerate(self._fleet.vehicles):
            if vehicle.made is None and vehicle.row.joins_week is None and vehicle.programme:
                self._say_unknown(index)
        for coach in reserve:
            self._state(coach, "reserve", OPENING_MIN - 60)
        self._hire()
        self._order()

    def _enter_locomotive(self, coupled: list[int]) -> None:
        head = self._fleet.vehicles[coupled[0]]
        rows = self._catalogue.locomotive_types.values()
        row = next((r for r in rows if head.row.type in r.section_types), None)
        series = next((n.value for n in head.numbers if n.scheme == "series"), "")
        if row is None or not series:
            return
        unit, at = f"{head.unit}-l", OPENING_MIN - 180
        self._write(
            Registered, head.log, at, units=(unit,), type=row.key, home_site=head.log,
            numbers=(Number(scheme="series", value=series.rstrip("АБВГ")),), basis="document",
        )  # fmt: skip
        self._write(
            SectionsCoupled, head.log, at + 20, locomotive=unit, basis="document",
            units=tuple(self._fleet.vehicles[i].unit for i in coupled),
            places=row.places[: len(coupled)],
        )  # fmt: skip
        self.locomotive_of.update(dict.fromkeys(coupled, unit))

    def _say_unknown(self, index: int) -> None:
        vehicle = self._fleet.vehicles[index]
        self._write(
            LastRepairStated, vehicle.log, OPENING_MIN - 120, units=(vehicle.unit,),
            repair_kind=vehicle.programme[0].kind, grade="unknown", basis="document",
        )  # fmt: skip

    def _order(self) -> None:
        """The release of units with an unknown history goes on under an order at every site."""
        until = self._clerks.moment(self._end_min) + timedelta(days=_ORDER_DAYS)
        for number, log in enumerate(self._clerks.sites, 11):
            self._write(
                GateIntroduced, log, OPENING_MIN - 30, gate="history_unknown",
                order=f"№ {number}/Т", until=until.date().isoformat(),
            )  # fmt: skip

    def _hire(self) -> None:
        wagons = [i for i, v in enumerate(self._fleet.vehicles)
                  if v.vehicle_class == "freight_wagon" and not v.is_protected]  # fmt: skip
        for index in self._random.sample(wagons, round(_HIRED_SHARE * len(wagons))):
            vehicle = self._fleet.vehicles[index]
            at = OPENING_MIN + self._random.uniform(1, 20) * WEEK_MIN
            self._write(HolderChanged, vehicle.log, at, units=(vehicle.unit,), keeper=_TENANT)
            self._state(index, "on_hire", at + 30, reason="договор аренды")

    # --- weeks ----------------------------------------------------------------------------------

    def restrict(self) -> None:
        """A few wagons run under a restriction for some weeks."""
        wagons = [v for v in self._fleet.vehicles if v.vehicle_class == "freight_wagon"]
        for vehicle in self._random.sample(wagons, min(_RESTRICTED, len(wagons))):
            text, speed = self._random.choice(_LIMITS)
            at = self._random.uniform(OPENING_MIN + WEEK_MIN, self._end_min - WEEK_MIN)
            lasts = self._random.uniform(10, 120) * DAY_MIN
            id_ = self._write(Restricted, vehicle.log, at, units=(vehicle.unit,),
                              restriction=text, max_speed_kmh=speed)  # fmt: skip
            if at + lasts < self._end_min:
                self._write(RestrictionLifted, vehicle.log, at + lasts, units=(vehicle.unit,),
                            restricted=id_, reason="устранено")  # fmt: skip

    def swap(self, stays: int, goes: int, minute: float) -> None:
        """A coach in repair stays behind, and one from the reserve goes in its place."""
        self._state(goes, "in_use", minute - 240)
        self._reserved_later(stays, minute)

    def _reserved_later(self, coach: int, minute: float) -> None:
        free = max(minute, float(self._fleet.free_min[coach])) + 60
        self._state(coach, "reserve", free)

    def wait_for_parts(self, index: int, start: float, end: float) -> None:
        """Some long unplanned repairs stand for want of parts."""
        if end - start < _LONG_H * 60 or self._random.random() > _WAITS_SHARE:
            return
        self._state(index, "awaiting_parts", start + 0.1 * (end - start))
        self._state(index, "in_repair", start + 0.5 * (end - start))

    def _state(self, index: int, state: str, minute: float, reason: str = "") -> None:
        vehicle = self._fleet.vehicles[index]
        self._write(
            StateChanged, vehicle.log, minute, units=(vehicle.unit,), state=state, reason=reason
        )
