"""What is planted on purpose: the recall of side frames, and contradictions to be found."""

import random
from collections.abc import Callable

from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.fleet import Part
from railtrace.simulation.truth import Contradiction
from railtrace.simulation.workshop import Workshop
from railtrace.trace.operation import (
    Condemned,
    Held,
    Installed,
    LocationReported,
    Ran,
    RecallOpened,
    Registered,
    Removed,
    Repaired,
)

RECALL = "side-frames-5-7731-2009"
_PLANT, _HEAT, _YEAR = "5", "7731", 2009
_ABROAD = "ст. Бекабад, Узбекистан"

# Days before the end.
_OPENED, _HELD, _REMOVED, _CONDEMNED, _LEFT, _ABROAD_SINCE = 33, 32, 25, 24, 22, 11


class Planted:
    """The recall of working day 11 and contradictions, each noted in the truth."""

    def __init__(self, workshop: Workshop, end_min: float, seed: int) -> None:
        self._shop = workshop
        self._end = end_min
        self._random = random.Random(seed)
        self._due: list[tuple[float, Callable[[float], None]]] = []

    def prepare(self) -> None:
        """Mark wagons and parts before life begins, and set the days of what is planted."""
        self._prepare_recall()
        tracked = self._tracked_wagons()
        last_day = int(self._end / DAY_MIN) - 50
        for plant in (self._install_twice, self._remove_elsewhere, self._use_written_off):
            for _ in range(3):
                day = self._random.randrange(200, max(last_day, 201))
                self._at(day * DAY_MIN + 600, plant)
        self._tracked = tracked
        self._due.sort(key=lambda item: item[0])

    def live_week(self, start_min: float, end_min: float) -> None:
        """Do what is planted for a week."""
        while self._due and self._due[0][0] < end_min:
            minute, plant = self._due.pop(0)
            plant(max(minute, start_min))

    def _at(self, minute: float, plant: Callable[[float], None]) -> None:
        self._due.append((minute, plant))

    def _tracked_wagons(self) -> list[int]:
        fleet = self._shop.fleet
        return [
            index
            for index, vehicle in enumerate(fleet.vehicles)
            if vehicle.vehicle_class == "freight_wagon"
            and vehicle.row.joins_week is None
            and not vehicle.is_protected
            and any(fleet.slot_part[slot] for slot in vehicle.slots)
        ]

    # --- the recall -------------------------------------------------------------------------

    def _prepare_recall(self) -> None:
        """Cast 5 frames on 4 wagons, 1 to go abroad, 1 to be condemned, 2 on the shelf."""
        fleet, shop = self._shop.fleet, self._shop
        chosen = self._random.sample(self._tracked_wagons(), 6)
        case = shop.truth.recall
        case.recall = RECALL
        for wagon, frames in zip(chosen, (2, 1, 1, 1, 1, 1), strict=True):
            fleet.vehicles[wagon].is_protected = True
            slots = [s for s in fleet.vehicles[wagon].slots if self._is_frame(s)]
            for slot in slots:
                fleet.left[slot] = float("inf")
            for slot in slots[:frames]:
                self._recast(fleet.slot_part[slot])
        *home, abroad, doomed = chosen
        self._note_recall(home, abroad)
        component = int(fleet.slot_component[self._frame_slot(doomed)])
        self._stock = [self._shop.foundry.part("side_frame", made=_YEAR) for _ in range(2)]
        for part in self._stock:
            self._recast(part)
        case.stock = [part.unit for part in self._stock]
        self._doomed, self._component = self._frame_slot(doomed), component
        self._at(self._end - _OPENED * DAY_MIN, self._open_recall)
        self._at(self._end - _HELD * DAY_MIN, self._hold_stock)
        self._at(self._end - _REMOVED * DAY_MIN, self._condemn)
        self._at(self._end - _LEFT * DAY_MIN, lambda at: self._leave_home(abroad, at))
        self._at(self._end - _ABROAD_SINCE * DAY_MIN, lambda at: self._go_abroad(abroad, at))

    def _is_frame(self, slot: int) -> bool:
        part = self._shop.fleet.slot_part[slot]
        return part is not None and part.type == "side_frame"

    def _frame_slot(self, wagon: int) -> int:
        return next(s for s in self._shop.fleet.vehicles[wagon].slots if self._is_frame(s))

    def _recast(self, part: Part | None) -> None:
        assert part is not None
        part.maker, part.heat, part.batch = _PLANT, _HEAT, ""
        part.made = f"{_YEAR}-{self._random.randint(3, 4):02d}"
        part.number = self._shop.foundry.serial(_PLANT, _YEAR)

    def _note_recall(self, home: list[int], abroad: int) -> None:
        fleet, case = self._shop.fleet, self._shop.truth.recall
        for wagon in (*home, abroad):
            vehicle = fleet.vehicles[wagon]
            for slot in vehicle.slots:
                part = fleet.slot_part[slot]
                if part is not None and part.heat == _HEAT:
                    case.installed[part.unit] = vehicle.unit
        case.wagons_home = [fleet.vehicles[wagon].unit for wagon in home]
        case.wagon_abroad = fleet.vehicles[abroad].unit

    def register_stock(self) -> None:
        """Enter the two frames on the shelf with the opening inventory."""
        for part in self._stock:
            self._shop.clerks.write(
                Registered, "bokhtar", 481, recorded_min=900, time_precision="day",
                basis="document", units=(part.unit,), type=part.type, numbers=(part.number,),
                made=part.made, maker=part.maker, heat=part.heat,
            )  # fmt: skip

    def _open_recall(self, at: float) -> None:
        self._shop.clerks.write(
            RecallOpened, "bokhtar", at, recorded_min=at + 5, recall=RECALL, type="side_frame",
            title="Боковые рамы: завод 5, плавка 7731, 2009 год", maker=_PLANT, heat=_HEAT,
            made=str(_YEAR), basis="document",
        )  # fmt: skip

    def _hold_stock(self, at: float) -> None:
        self._shop.clerks.write(
            Held, "bokhtar", at, recorded_min=at + 20, recall=RECALL,
            units=tuple(part.unit for part in self._stock), reason="отзыв изготовителя",
        )  # fmt: skip

    def _condemn(self, at: float) -> None:
        shop, slot = self._shop, self._doomed
        old = shop.take_off(slot, at, "отзыв изготовителя")
        shop.fit(slot, shop.from_stock(self._component, at, "bokhtar"), at + 90)
        done = at + (_REMOVED - _CONDEMNED) * DAY_MIN
        shop.clerks.write(
            Condemned, "bokhtar", done, recorded_min=done + 30, units=(old.part.unit,),
            reason="трещина, плавка отозвана",
        )  # fmt: skip
        shop.fleet.left[slot] = float("inf")
        shop.truth.recall.condemned = [old.part.unit]

    def _leave_home(self, wagon: int, at: float) -> None:
        """The wagon's last kilometres at home are written; then nothing is heard of it there."""
        fleet = self._shop.fleet
        at = max(at, float(fleet.free_min[wagon])) + 7 * DAY_MIN
        self._shop.clerks.write(
            Ran, fleet.vehicles[wagon].log, at, units=(fleet.vehicles[wagon].unit,),
            distance_km=f"{fleet.unreported_km[wagon]:.1f}", recorded_min=at + 100, faultless=True,
        )  # fmt: skip
        fleet.unreported_km[wagon] = 0.0
        fleet.free_min[wagon] = float("inf")

    def _go_abroad(self, wagon: int, at: float) -> None:
        vehicle = self._shop.fleet.vehicles[wagon]
        self._shop.clerks.write(
            LocationReported, vehicle.log, at, recorded_min=at + 60, units=(vehicle.unit,),
            place=_ABROAD, whereabouts="abroad", basis="document",
        )  # fmt: skip

    # --- contradictions ---------------------------------------------------------------------

    def _install_twice(self, at: float) -> None:
        """Another depot enters a wheelset that still stands under a wagon."""
        wagon, other = self._two_wagons()
        slot = self._random.choice(self._wheel_slots(wagon))
        part = self._shop.fleet.slot_part[slot]
        assert part is not None
        vehicle, there = (self._shop.fleet.vehicles[i] for i in (wagon, other))
        log = "kulob" if vehicle.log != "kulob" else "konibodom"
        operation = self._shop.clerks.write(
            Installed, log, at, units=(part.unit,), carrier=there.unit,
            position="bogie.1/wheelset.1",
        )  # fmt: skip
        self._note("installed_twice", (part.unit, vehicle.unit, there.unit), operation)

    def _remove_elsewhere(self, at: float) -> None:
        """A part is removed from a wagon it never was on."""
        wagon, other = self._two_wagons()
        part = self._shop.fleet.slot_part[self._random.choice(self._wheel_slots(wagon))]
        assert part is not None
        there = self._shop.fleet.vehicles[other]
        operation = self._shop.clerks.write(
            Removed, there.log, at, units=(part.unit,), carrier=there.unit,
            position="bogie.2/wheelset.3", reason="износ",
        )  # fmt: skip
        self._note("removed_where_it_is_not", (part.unit, there.unit), operation)

    def _use_written_off(self, at: float) -> None:
        """A wagon is mended weeks after it left the books."""
        gone = self._shop.truth.written_off
        if not gone:
            return
        unit = self._random.choice(gone)
        operation = self._shop.clerks.write(
            Repaired, "bokhtar", at + 14 * DAY_MIN, units=(unit,), work="замена колодок"
        )
        self._note("after_scrapping", (unit,), operation)

    def _two_wagons(self) -> tuple[int, int]:
        gone = self._shop.fleet.gone
        first, second = self._random.sample(
            [i for i in self._tracked if not gone[i] and self._wheel_slots(i)], 2
        )
        return first, second

    def _wheel_slots(self, wagon: int) -> list[int]:
        fleet = self._shop.fleet
        return [s for s in fleet.vehicles[wagon].slots if fleet.slot_wheels[s] >= 0]

    def _note(self, kind: str, units: tuple[str, ...], operation: str) -> None:
        self._shop.truth.contradictions.append(Contradiction(kind, units, (operation,)))
