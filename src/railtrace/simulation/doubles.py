"""Ghosts and twins planted in the simulated railway, with the truth of each kept aside.

A plate misread by a swap of 09 and 90 that passes the check digit; a serial mistyped by one
digit; a run entered for the wrong wagon; one plate painted on two wagons.
"""

import random

from railtrace.simulation.agenda import Agenda
from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.truth import Contradiction, Double
from railtrace.simulation.workshop import Workshop
from railtrace.trace.numbers import network_check_digit
from railtrace.trace.operation import Inspected, Number, Ran, Registered, Removed

_EACH = 3
_STANDS_DAYS = 21


class Doubles:
    """Plants each kind a few times; draws from a source of its own."""

    def __init__(self, workshop: Workshop, end_min: float, seed: int) -> None:
        self._shop, self._end = workshop, end_min
        self._random = random.Random(seed)
        self._agenda = Agenda()
        self._seed, self._count = seed, 0

    def prepare(self) -> None:
        """Choose the days."""
        last = int(self._end / DAY_MIN) - 60
        for act in (self._misread, self._mistype, self._enter_wrongly, self._paint_twice):
            for _ in range(_EACH):
                day = self._random.randrange(min(40, last - 1), last)
                self._agenda.at(day * DAY_MIN + 540, act)

    def live_week(self, start_min: float, end_min: float) -> None:
        """Do what is planted for a week."""
        self._agenda.until(start_min, end_min)

    # --- what is planted ----------------------------------------------------------------------

    def _misread(self, at: float) -> None:
        """Another depot reads a plate wrongly and opens a record of its own for some weeks."""
        fleet, taken = self._shop.fleet, self._plates()
        found = [(i, plate) for i in self._wagons() if (plate := self._misreading(i, taken))]
        if not found:
            return
        wagon, plate = self._random.choice(found)
        vehicle, ghost = fleet.vehicles[wagon], self._unit()
        self._write_off_km(wagon, at)
        fleet.free_min[wagon] = max(fleet.free_min[wagon], at) + _STANDS_DAYS * DAY_MIN
        log = self._elsewhere(vehicle.log)
        number = (Number(scheme="network8", value=plate),)
        kind = vehicle.row.type
        opened = self._shop.clerks.write(
            Registered, log, at + DAY_MIN, units=(ghost,), type=kind, numbers=number
        )
        operations = [opened]
        for day in (7, 13):
            operations.append(self._shop.clerks.write(
                Ran, log, at + day * DAY_MIN, units=(ghost,), faultless=True,
                started_at=self._shop.clerks.moment(at + (day - 1) * DAY_MIN),
                distance_km=f"{self._random.uniform(300, 900):.1f}",
            ))  # fmt: skip
        self._shop.clerks.write(
            Inspected, log, at + 8 * DAY_MIN, units=(ghost,), scope="ПТО"
        )
        self._note("look_alike", "same", (vehicle.unit, ghost), operations)

    def _mistype(self, at: float) -> None:
        """A part's removal is entered for a serial that is one digit off."""
        fleet, wagons = self._shop.fleet, self._wagons(with_parts=True)
        if not wagons:
            return
        wagon = self._random.choice(wagons)
        slots = [s for s in fleet.vehicles[wagon].slots if fleet.slot_part[s] is not None]
        slot = self._random.choice(slots)
        part = fleet.slot_part[slot]
        assert part is not None
        vehicle, ghost = fleet.vehicles[wagon], self._unit()
        number = Number(scheme=part.number.scheme, value=self._one_digit_off(part.number.value))
        opened = self._shop.clerks.write(
            Registered, vehicle.log, at, recorded_min=at + 10, units=(ghost,), type=part.type,
            numbers=(number,),
        )  # fmt: skip
        removed = self._shop.clerks.write(
            Removed, vehicle.log, at + 5, recorded_min=at + 15, units=(ghost,),
            carrier=vehicle.unit, position=fleet.slot_position[slot], reason="осмотр",
        )  # fmt: skip
        self._note("look_alike", "same", (part.unit, ghost), [opened, removed])
        self._shop.truth.contradictions.append(
            Contradiction("removed_where_it_is_not", (ghost, vehicle.unit), (removed,))
        )

    def _enter_wrongly(self, at: float) -> None:
        """A block's kilometres of another depot are entered for a wagon that was not in it."""
        fleet, wagons = self._shop.fleet, self._wagons()
        if not wagons:
            return
        wagon = self._random.choice(wagons)
        vehicle = fleet.vehicles[wagon]
        self._write_off_km(wagon, at)
        km = self._random.uniform(3600, 5200)
        operation = self._shop.clerks.write(
            Ran, self._elsewhere(vehicle.log), at + DAY_MIN / 2, units=(vehicle.unit,),
            distance_km=f"{km:.1f}", faultless=True,
        )  # fmt: skip
        self._shop.truth.misrecorded_km[vehicle.unit] = round(
            km + self._shop.truth.misrecorded_km.get(vehicle.unit, 0.0), 1
        )
        self._note("too_far", "slip", (vehicle.unit,), [operation])

    def _paint_twice(self, at: float) -> None:
        """One plate is found on two wagons of one type."""
        if not (wagons := self._wagons()):
            return
        vehicle, second = self._shop.fleet.vehicles[self._random.choice(wagons)], self._unit()
        log = self._elsewhere(vehicle.log)
        opened = self._shop.clerks.write(
            Registered, log, at, units=(second,), type=vehicle.row.type, basis="document",
            made=str(self._random.randrange(1974, 1990)),
            numbers=(Number(scheme="network8", value=vehicle.numbers[0].value, mark="duplicate"),),
        )  # fmt: skip
        self._note("same_number", "two", (vehicle.unit, second), [opened])

    # --- choosing -----------------------------------------------------------------------------

    def _wagons(self, with_parts: bool = False) -> list[int]:
        """Return wagons nothing else is planted on; a small railway may have none left."""
        fleet = self._shop.fleet
        used = {unit for double in self._shop.truth.doubles for unit in double.units}
        return [
            index for index, vehicle in enumerate(fleet.vehicles)
            if vehicle.vehicle_class == "freight_wagon" and vehicle.row.joins_week is None
            and not vehicle.is_protected and not fleet.gone[index] and vehicle.unit not in used
            and vehicle.numbers[0].scheme == "network8"
            and (not with_parts or any(fleet.slot_part[slot] for slot in vehicle.slots))
        ]  # fmt: skip

    def _plates(self) -> set[str]:
        return {n.value for vehicle in self._shop.fleet.vehicles for n in vehicle.numbers}

    def _misreading(self, wagon: int, taken: set[str]) -> str:
        """Return a wagon's plate with a 09 read as 90 (or 90 as 09), "" when it has none."""
        plate = self._shop.fleet.vehicles[wagon].numbers[0].value
        for at in range(1, 7):
            if plate[at : at + 2] in {"09", "90"}:
                swapped = f"{plate[:at]}{plate[at + 1]}{plate[at]}{plate[at + 2 :]}"
                if swapped not in taken and network_check_digit(swapped[:7]) == int(swapped[7]):
                    return swapped
        return ""

    def _one_digit_off(self, serial: str) -> str:
        plant, middle, *year = serial.split("-")
        at = self._random.randrange(len(middle))
        digit = str((int(middle[at]) + self._random.randrange(1, 9)) % 10)
        return "-".join([plant, f"{middle[:at]}{digit}{middle[at + 1 :]}", *year])

    def _write_off_km(self, wagon: int, at: float) -> None:
        """The wagon's own kilometres are written up to the moment."""
        fleet, vehicle = self._shop.fleet, self._shop.fleet.vehicles[wagon]
        km = int(fleet.unreported_km[wagon] * 10) / 10
        if km < 0.1:
            return
        fleet.unreported_km[wagon] -= km
        self._shop.clerks.write(
            Ran, vehicle.log, at, units=(vehicle.unit,), distance_km=f"{km:.1f}", faultless=True
        )

    def _elsewhere(self, log: str) -> str:
        return "kulob" if log != "kulob" else "konibodom"

    def _unit(self) -> str:
        self._count += 1
        return f"u-double-{self._seed}-{self._count}"

    def _note(
        self, kind: str, truth: str, units: tuple[str, ...], operations: list[str]
    ) -> None:
        self._shop.truth.doubles.append(Double(kind, truth, units, tuple(operations)))
