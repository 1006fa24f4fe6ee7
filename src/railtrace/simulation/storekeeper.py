"""The depots' stores: a small exchange stock, lists to the wheel shop, debts, a loan, lots.

The parts of this stock are its own: what wears and fails in vehicles is the workshop's business.
"""

import random
from typing import Any

from railtrace.simulation.agenda import Agenda
from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.fleet import Part
from railtrace.simulation.truth import Contradiction
from railtrace.simulation.workshop import Workshop
from railtrace.trace.operation import (
    Cannibalised,
    Condemned,
    LocationReported,
    LotCounted,
    LotIssued,
    LotReceived,
    Operation,
    PartAccepted,
    PartBorrowed,
    PartExchanged,
    PartReserved,
    PartReturned,
    PartSent,
    PartStored,
    Reading,
    Registered,
    SendingListClosed,
    SendingListOpened,
)

_LOG = "bokhtar"
_SHOP = "Колёсный цех, ст. Душанбе-2"
_WORKS = "Электромашинный завод"
_WHEELS, _MOTORS = "Склад колёсных пар", "Склад ТЭД"
_STOCK = (("wheelset_freight", 14, _WHEELS), ("wheelset_passenger", 6, _WHEELS),
          ("traction_motor", 4, _MOTORS))  # fmt: skip
_LOTS = (("brake_cylinder", "26-014", 24), ("bearing", "26-107", 60), ("bearing", "25-981", 8))


class Storekeeper:
    """Keeps the exchange stock of one depot; everything happens in the last months."""

    def __init__(self, workshop: Workshop, end_min: float, seed: int) -> None:
        self._shop, self._end = workshop, end_min
        self._random = random.Random(seed)
        self._agenda = Agenda()
        self._parts: dict[str, list[Part]] = {}

    def prepare(self) -> None:
        """Cast the parts and set the days, counted from the end."""
        for type_, count, _store in _STOCK:
            cast = [self._shop.foundry.part(type_, made=self._random.randrange(2008, 2022))
                    for _ in range(count)]  # fmt: skip
            self._parts[type_] = cast
        days = ((120, self._open), (100, self._send_eight), (86, self._take_back),
                (84, self._settle), (60, self._send_motor), (50, self._reserve),
                (44, self._owe), (40, self._lots), (30, self._send_four), (18, self._back_three),
                (12, self._borrow), (6, self._count))  # fmt: skip
        for day, act in days:
            self._agenda.at(self._end - day * DAY_MIN - 300, act)

    def live_week(self, start_min: float, end_min: float) -> None:
        """Do what is due in a week."""
        self._agenda.until(start_min, end_min)

    def _write(self, kind: type[Operation], at: float, **fields: Any) -> str:
        return self._shop.clerks.write(kind, _LOG, at, recorded_min=at + 20, **fields)

    def _units(self, type_: str, first: int, last: int) -> tuple[str, ...]:
        return tuple(part.unit for part in self._parts[type_][first:last])

    def _open(self, at: float) -> None:
        for type_, _count, store in _STOCK:
            for part in self._parts[type_]:
                self._write(Registered, at, units=(part.unit,), type=part.type, made=part.made,
                            numbers=(part.number,), maker=part.maker, heat=part.heat,
                            basis="document")  # fmt: skip
            units = tuple(part.unit for part in self._parts[type_])
            self._write(PartStored, at + 30, units=units, store=store,
                        bin=f"ряд {self._random.randrange(1, 9)}")  # fmt: skip

    # --- lists --------------------------------------------------------------------------------

    def _send_eight(self, at: float) -> None:
        self._write(SendingListOpened, at, list="VO-1", to=_SHOP)
        self._write(PartSent, at + 10, units=self._units("wheelset_freight", 0, 8), list="VO-1",
                    to=_SHOP)  # fmt: skip

    def _take_back(self, at: float) -> None:
        """Seven of the eight come back, and one that nobody here has seen before."""
        stranger = self._shop.foundry.part("wheelset_freight", made=2016)
        self._parts["stranger"] = [stranger]
        self._write(Registered, at, units=(stranger.unit,), type=stranger.type,
                    numbers=(stranger.number,), made=stranger.made, maker=stranger.maker,
                    basis="document")  # fmt: skip
        units = (*self._units("wheelset_freight", 1, 8), stranger.unit)
        self._write(PartReturned, at + 20, units=units, list="VO-1", paper="VO-1/1", store=_WHEELS)
        self._write(PartAccepted, at + 90, units=units, act="ОТК 71")

    def _settle(self, at: float) -> None:
        stranger, missing = self._parts["stranger"][0].unit, self._units("wheelset_freight", 0, 1)
        self._write(PartExchanged, at, units=(stranger,), list="VO-1", instead_of=missing[0])
        self._write(Condemned, at + 30, units=missing, reason="акт цеха 118", basis="document")
        self._write(SendingListClosed, at + 40, list="VO-1")

    def _send_motor(self, at: float) -> None:
        self._write(SendingListOpened, at, list="TED-4", to=_WORKS)
        motors = self._units("traction_motor", 0, 2)
        self._write(PartSent, at + 10, units=motors, list="TED-4", to=_WORKS)
        back = at + 35 * DAY_MIN
        self._write(PartReturned, back, units=motors, list="TED-4", paper="TED-4/1", store=_MOTORS)
        insulation = Reading(quantity="insulation_resistance", value="14", unit="MΩ")
        self._write(PartAccepted, back + DAY_MIN, units=motors[:1], act="протокол 31",
                    readings=(insulation,))  # fmt: skip

    def _send_four(self, at: float) -> None:
        self._write(SendingListOpened, at, list="VO-2", to=_SHOP,
                    due=self._shop.clerks.moment(at + 14 * DAY_MIN).date().isoformat())  # fmt: skip
        self._write(PartSent, at + 10, units=self._units("wheelset_passenger", 0, 4), list="VO-2",
                    to=_SHOP)  # fmt: skip

    def _back_three(self, at: float) -> None:
        self._write(PartReturned, at, units=self._units("wheelset_passenger", 0, 3), list="VO-2",
                    paper="VO-2/1", store=_WHEELS)  # fmt: skip

    # --- for whom, and whose ------------------------------------------------------------------

    def _reserve(self, at: float) -> None:
        until = self._shop.clerks.moment(at + 30 * DAY_MIN).date().isoformat()
        self._write(PartReserved, at, units=self._units("wheelset_freight", 9, 11),
                    work_order="ДР-2041", until=until)  # fmt: skip

    def _owe(self, at: float) -> None:
        """A part is taken off one wagon for another, and the first still waits for its own."""
        fleet = self._shop.fleet
        wagons = [
            index for index, vehicle in enumerate(fleet.vehicles)
            if vehicle.vehicle_class == "freight_wagon" and not vehicle.is_protected
            and not fleet.gone[index] and vehicle.row.joins_week is None
            and any(fleet.slot_wheels[s] >= 0 for s in vehicle.slots)
        ]  # fmt: skip
        if len(wagons) < 2:
            return
        donor, recipient = (fleet.vehicles[i] for i in self._random.sample(wagons, 2))
        slot = next(s for s in donor.slots if fleet.slot_wheels[s] >= 0)
        position = fleet.slot_position[slot]
        spare = self._shop.take_off(slot, at, "снята для другого вагона")
        fleet.left[slot] = float("inf")
        self._write(Cannibalised, at + 5, units=(spare.part.unit,), donor=donor.unit,
                    position=position, recipient=recipient.unit)  # fmt: skip

    def _borrow(self, at: float) -> None:
        """A foreign depot's wheelset came under a coach; one of ours stayed there."""
        foreign = self._shop.foundry.part("wheelset_passenger", made=2012)
        self._write(Registered, at, units=(foreign.unit,), type=foreign.type, owner="27",
                    numbers=(foreign.number,), basis="document")  # fmt: skip
        self._write(PartBorrowed, at + 10, units=(foreign.unit,), of="Депо Арысь", owner_state="27",
                    basis="document")  # fmt: skip
        self._write(LocationReported, at + 20, units=self._units("wheelset_passenger", 4, 5),
                    place="ст. Арысь", whereabouts="abroad", basis="document")  # fmt: skip

    # --- lots ---------------------------------------------------------------------------------

    def _lots(self, at: float) -> None:
        for item, lot, quantity in _LOTS:
            fields = {"item": item, "lot": lot, "store": "Главный склад"}
            self._write(LotReceived, at, **fields, quantity=str(quantity))
            self._write(LotIssued, at + 9 * DAY_MIN, **fields, work_order="ТР-1 77",
                        quantity=str(quantity // 4))  # fmt: skip

    def _count(self, at: float) -> None:
        item, lot, quantity = _LOTS[0]
        counted = self._write(LotCounted, at, item=item, lot=lot, store="Главный склад",
                              quantity=str(quantity - quantity // 4 - 1))  # fmt: skip
        self._shop.truth.contradictions.append(Contradiction("lot_counted_short", (), (counted,)))
