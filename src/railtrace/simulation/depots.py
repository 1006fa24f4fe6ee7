"""A working day at the demo's depots: instruments with their proofs, orders half done, a board.

Everything here is invented and of yesterday and today. The gauges are those of the laws, proved
every year of the simulated time, so that what they read may be leaned on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from railtrace.trace.operation import (
    KINDS,
    Number,
    Operation,
    Phase,
    Range,
    Reading,
)

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
KINDS_OF_EQUIPMENT = (
    "wheelset_washer", "wheel_gauge", "ut_set", "mt_set", "bearing_stand", "brake_rack",
    "megohmmeter", "body_washer",
)  # fmt: skip
RIGHTS = (
    ("p-demo-fitter", "fitter"), ("p-demo-ndt", "ndt_ut"), ("p-demo-ndt", "ndt_mt"),
    ("p-demo-press", "wheelset_forming"), ("p-demo-brakes", "brake_tester"),
    ("p-demo-otk", "otk"), ("p-demo-electric", "electrician"),
)  # fmt: skip


@dataclass(frozen=True)
class Yard:
    """What stands at one depot: units by type, that nobody has begun to work on."""

    site: str
    units: Mapping[str, Sequence[str]]


def depot_day(
    yards: Sequence[Yard], gauges: Sequence[str], lathe: str, now: datetime, weeks: int
) -> Iterator[Operation]:
    """Yield the operations of the day in the order of happening per depot."""
    yield from _gauges(yards[0].site, gauges, lathe, now, weeks)
    for person, right in RIGHTS:
        yield _op("QualificationGranted", f"demo-right:{person}:{right}", now - 300 * DAY,
                  person=person, qualification=right, valid_from=now - 300 * DAY,
                  valid_to=now + 200 * DAY)  # fmt: skip
    for number in range(1, len(yards)):
        for right in ("ndt_ut", "ndt_mt"):
            person = _tester(number)
            yield _op("QualificationGranted", f"demo-right:{person}:{right}", now - 300 * DAY,
                      person=person, qualification=right, valid_from=now - 300 * DAY,
                      valid_to=now + 200 * DAY)  # fmt: skip
    for number, yard in enumerate(yards):
        yield from _Depot(yard, now, number).day()


def _tester(number: int) -> str:
    """Nobody tests at two depots on one day."""
    return f"p-demo-ndt-{number}" if number else "p-demo-ndt"


def _op(kind: str, id_: str, at: datetime, **fields: Any) -> Operation:
    return KINDS[kind](id=id_, happened_at=at.replace(microsecond=0), **fields)


def _gauges(
    site: str, gauges: Sequence[str], lathe: str, now: datetime, weeks: int
) -> Iterator[Operation]:
    """Register the gauges of the laws and prove them for every year they measured in."""
    first = now - timedelta(weeks=weeks + 30)
    span = Range(quantity="flange_thickness", unit="mm", low="15", high="40", uncertainty="0.2")
    for index, unit in enumerate((*gauges, lathe)):
        kind = "wheel_lathe" if unit == lathe else "wheel_gauge"
        yield _op("Registered", f"demo-eq:{unit}", first, units=(unit,), type=kind, site=site,
                  home_site=site, numbers=(Number(scheme="serial", value=unit[-4:]),))  # fmt: skip
        begin, year = first, 0
        while begin < now:
            # Every proof overlaps the next a little, the last ones end on different days.
            end = begin + YEAR + (25 - 9 * index) * DAY
            yield _op("Verified", f"demo-proof:{unit}:{year}", begin, units=(unit,), site=site,
                      valid_from=begin, valid_to=end, ranges=(span,),
                      register_entry=f"ДЕМО/{begin:%d-%m-%Y}/{index + 1}")  # fmt: skip
            begin, year = begin + YEAR, year + 1


class _Depot:
    """One depot's yesterday and today."""

    def __init__(self, yard: Yard, now: datetime, number: int) -> None:
        self.site, self.units = yard.site, {k: list(v) for k, v in yard.units.items()}
        self.now, self.number, self.count = now, number, 0

    def day(self) -> Iterator[Operation]:
        """Yield everything of this depot."""
        yield from self._equipment()
        yield from self._wheelsets()
        yield from self._vehicles()
        yield from self._press()

    def _id(self, word: str) -> str:
        self.count += 1
        return f"demo-{self.site}:{word}:{self.count}"

    def _write(self, kind: str, hours_ago: float, **fields: Any) -> Operation:
        at = self.now - hours_ago * HOUR
        return _op(kind, self._id(kind), at, site=self.site, **fields)

    def _device(self, kind: str) -> str:
        return f"d-{self.site}-{kind.replace('_', '-')}"

    def _equipment(self) -> Iterator[Operation]:
        for index, kind in enumerate((*KINDS_OF_EQUIPMENT, "wheel_press")):
            unit, serial = self._device(kind), f"{self.number + 1}{index + 10:03}"
            began = 400 * 24 - 24 * (40 * index % 330)
            yield self._write("Registered", began, units=(unit,), type=kind, home_site=self.site,
                              numbers=(Number(scheme="serial", value=serial),))  # fmt: skip
            if kind != "body_washer":
                at = self.now - began * HOUR
                expired = kind == "megohmmeter" and self.number == 1
                lasts = 150 * DAY if expired else YEAR + 60 * DAY
                way = "Verified" if "gauge" in kind or kind in ("ut_set", "brake_rack") else (
                    "Calibrated")  # fmt: skip
                told = {"register_entry" if way == "Verified" else "certificate": f"ДЕМО/{serial}"}
                yield self._write(way, began, units=(unit,), valid_from=at, valid_to=at + lasts,
                                  **told)  # fmt: skip

    def _take(self, *types: str) -> str | None:
        return next((self.units[t].pop(0) for t in types if self.units.get(t)), None)

    def _open(self, hours: float, unit: str, process: str, ready_h: float = 24) -> tuple[
        Operation, dict[str, Any]
    ]:
        order = f"DEMO-{self.site}-{self.count}"
        at = {"units": (unit,), "work_order": order}
        opened = self._write("OrderOpened", hours, process=process,
                             planned_to=self.now + (ready_h - hours / 4) * HOUR, **at)  # fmt: skip
        return opened, at

    def _wash(
        self, hours: float, at: dict[str, Any], temperature: str = "68"
    ) -> Iterator[Operation]:
        values = (("wash_temperature", temperature, "°C"), ("wash_time", "245", "s"),
                  ("detergent_concentration", "21", "g/l"))  # fmt: skip
        readings = tuple(Reading(quantity=q, value=v, unit=u) for q, v, u in values)  # type: ignore[arg-type]
        device = self._device("wheelset_washer")
        fact = self._write("Washed", hours, device=device, readings=readings, programme="P2", **at)
        yield fact
        runs = (("wash", "245"), ("rinse", "66"), ("dry", "131"))
        yield self._write(
            "MachineResult", hours, device=device, result_id=fact.id, machine="wheelset_washer",
            evaluation="ok", recipe="P2", simulated=True, facts=(fact.id,),
            phases=tuple(Phase(phase=p, duration_s=s) for p, s in runs),
            started_at=self.now - hours * HOUR - 442 * timedelta(seconds=1), **at,
        )  # fmt: skip

    def _measure(self, hours: float, at: dict[str, Any], value: str) -> Operation:
        readings = tuple(
            Reading(quantity="flange_thickness", place=side, value=value, unit="mm",
                    uncertainty="0.2") for side in ("left", "right"))  # fmt: skip
        return self._write("Measured", hours, device=self._device("wheel_gauge"),
                           readings=readings, **at)  # fmt: skip

    def _ndt(self, hours: float, at: dict[str, Any]) -> Iterator[Operation]:
        for kind, test in (("ut_set", "axle_ut"), ("mt_set", "journal_mt")):
            yield self._write("Tested", hours, device=self._device(kind), test=test,
                              performed_by=(_tester(self.number),), **at)  # fmt: skip

    def _wheelsets(self) -> Iterator[Operation]:
        """Four wheelsets: washed too cold, in NDT, for the inspector, not begun."""
        types = ("wheelset_passenger", "wheelset_freight")
        for stage in range(4):
            if (unit := self._take(*types)) is None:
                return
            start = 20 - 4 * stage
            opened, at = self._open(start, unit, "wheelset_ordinary")
            yield opened
            if stage == 3:
                continue
            yield from self._wash(start - 1, at, "52" if stage == 0 else "68")
            if stage == 0:
                continue
            yield self._measure(start - 2, at, "29.5")
            yield from self._ndt(start - 3, at)
            if stage == 1:
                yield self._write("Diagnosed", start - 4, device=self._device("bearing_stand"),
                                  method="vibration", outcome="alarm", finding="наружное кольцо",
                                  **at)  # fmt: skip
                continue
            yield self._write("Diagnosed", start - 4, device=self._device("bearing_stand"),
                              method="vibration", **at)  # fmt: skip
            yield self._measure(start - 5, at, "32.1")

    def _vehicles(self) -> Iterator[Operation]:
        """A coach and a locomotive in repair, on tracks; one waits for parts."""
        cards = (("coach", "coach_to3"), ("locomotive", "locomotive_tr1"))
        for index, (kind, process) in enumerate(cards):
            if (unit := self._take(kind)) is None:
                continue
            start = 16 - 5 * index
            yield self._write("Placed", start, units=(unit,), track=str(index + 1), position="1",
                              until=self.now + (8 - 12 * index) * HOUR)  # fmt: skip
            opened, at = self._open(start, unit, process, 10)
            yield opened
            yield self._write("Washed", start - 1, device=self._device("body_washer"), **at)
            if index == 0:
                yield self._write("OrderBlocked", 3, cause="parts", reason="нет фильтров", **at)
        if (unit := self._take("coach", "locomotive", "freight_wagon")) is not None:
            yield self._write("PlacePlanned", 1, units=(unit,), track="3", position="1",
                              planned_from=self.now + 6 * HOUR,
                              planned_to=self.now + 20 * HOUR)  # fmt: skip

    def _press(self) -> Iterator[Operation]:
        """The press that says yes below its band: both verdicts stand."""
        if self.number or (unit := self._take("wheelset_locomotive")) is None:
            return
        opened, at = self._open(14, unit, "wheelset_full")
        yield opened
        yield from self._wash(13, at)
        yield self._write("Tested", 12, device=self._device("ut_set"), test="axle_ut",
                          performed_by=("p-demo-ndt",), **at)  # fmt: skip
        readings = (
            Reading(quantity="press_final_force", place="left", value="612", unit="kN"),
            Reading(quantity="press_seat_length", place="left", value="185", unit="mm"),
        )
        device = self._device("wheel_press")
        fact = self._write("Measured", 11, device=device, readings=readings,
                           performed_by=("p-demo-press",), **at)  # fmt: skip
        yield fact
        yield self._write("MachineResult", 11, device=device, result_id=fact.id, simulated=True,
                          machine="wheel_press", evaluation="ok", facts=(fact.id,),
                          **at)  # fmt: skip
