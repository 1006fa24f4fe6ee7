"""The trains of a day in the demo: being prepared, signed, let go, refused, on the way, home again.

All of it is invented and of the last days. Fit coaches go; what the release officer refuses stands
in coaches that have reasons of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from railtrace.trace.numbers import network_check_digit
from railtrace.trace.operation import (
    KINDS,
    DecisionSignature,
    GateReason,
    Number,
    Operation,
    Reading,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ITEMS = ("coupler", "brake_hose", "electric", "gangway")
_ACTS = (("running_gear", "p-demo-fitter"), ("electrics", "p-demo-electric"),
         ("servicing", "p-demo-chief"), ("acceptance", "p-demo-otk"))  # fmt: skip
_LOCAL_ACTS = (_ACTS[0], _ACTS[3])
_ON_BOARD = (("coal", "0.7", "t"), ("water", "900", "l"))
_PAPERS = ("дезинфекция", "освидетельствование котла", "огнетушители")
_LONG, _LOCAL, _FREIGHT = "passenger_long", "passenger_local", "freight"
_STRANGERS = ("6632841", "5217730")


@dataclass(frozen=True)
class Fleet:
    """What trains are made of: coaches that may go, others with the reasons why not, the rest."""

    site: str
    fit: Sequence[str]
    unfit: Mapping[str, Sequence[GateReason]]
    wagons: Sequence[str]
    locomotives: Sequence[str] = ()


def staff_coaches(site: str, now: datetime) -> Iterator[Operation]:
    """Yield the staff coaches of the demo, one a long train: bought this year, fit."""
    for n in range(1, 4):
        unit, digits = f"u-demo-staff-{n}", f"073700{n}"
        number = Number(scheme="network8", value=f"{digits}{network_check_digit(digits)}")
        yield _op("Registered", f"demo-staff:{n}", now - 200 * DAY, units=(unit,), site=site,
                  type="coach_staff", home_site=site, made="2019", numbers=(number,))  # fmt: skip
        for kind, days in (("EnteredRepair", 96), ("LeftRepair", 90)):
            yield _op(kind, f"demo-staff:{n}:{kind}", now - days * DAY, units=(unit,), site=site,
                      repair_kind="ДР")  # fmt: skip


def trains_day(fleet: Fleet, now: datetime) -> Iterator[Operation]:
    """Yield the trains of yesterday, today and tomorrow, and one that is home again."""
    size = max(2, min(14, len(fleet.fit) // 6))
    free, few = iter(fleet.fit), max(2, size // 2)
    yield from _Train("329", now, fleet).home_again(["u-demo-staff-1", *islice(free, size)])
    yield from _Train("319", now, fleet).on_the_way(["u-demo-staff-2", *islice(free, size)])
    yield from _Train("359", now, fleet).being_signed(["u-demo-staff-3", *islice(free, size)])
    yield from _Train("601", now, fleet).let_go(list(islice(free, few)))
    yield from _Train("603", now, fleet).being_prepared(list(islice(free, few)))
    bad = list(fleet.unfit)[:2]
    yield from _Train("335", now, fleet).refused([*islice(free, 2), *bad])
    yield from _Train("2703", now, fleet).inspected(list(fleet.wagons)[:55])
    yield from _derailed(fleet, now)


def _derailed(fleet: Fleet, now: datetime) -> Iterator[Operation]:
    """Yield a derailment in a yard, still held, with an alarm that was closed before it."""
    for wagon in list(fleet.wagons)[-1:]:
        at = {"units": (wagon,), "site": fleet.site}
        yield _op("WaysideAlarmed", "demo-accident:1", now - 51.75 * HOUR, alarm="hot_box",
                  post="КТСМ-02 (демо), 3 км", place="bogie.1/wheelset.2/right", **at)  # fmt: skip
        yield _op("AlarmChecked", "demo-accident:2", now - 51.5 * HOUR, alarmed="demo-accident:1",
                  result="not_confirmed", finding="на ощупь холодная",
                  performed_by=("p-demo-crew",), **at)  # fmt: skip
        yield _op("AccidentDeclared", "demo-accident:3", now - 50 * HOUR, accident="demo-1",
                  event="derailment", place="парк А (демо)", derailed=("1", "2"), speed_kmh="8",
                  commission="комиссия дороги (демо)", performed_by=("p-demo-release",),
                  what="Сошли две оси первой тележки на стрелке", **at)  # fmt: skip


def _op(kind: str, id_: str, at: datetime, **fields: Any) -> Operation:
    return KINDS[kind](id=id_, happened_at=at.replace(microsecond=0), **fields)


class _Train:
    """One train of the demo; hours are counted from now."""

    def __init__(self, train: str, now: datetime, fleet: Fleet) -> None:
        self.train, self.now, self.fleet = train, now.replace(second=0, microsecond=0), fleet
        self.consist, self.composition, self._made = f"demo-{train}", "", 0
        self.units: list[str] = []

    def _write(self, kind: str, hours: float, **fields: Any) -> Operation:
        self._made += 1
        return _op(kind, f"demo-train:{self.train}:{self._made}", self.now + hours * HOUR,
                   site=self.fleet.site, **fields)  # fmt: skip

    def _of(self, kind: str, hours: float, **fields: Any) -> Operation:
        return self._write(kind, hours, consist=self.consist, composition=self.composition,
                           **fields)  # fmt: skip

    def _compose(
        self, units: list[str], hours: float, departs: float, kind: str, route: str
    ) -> Operation:
        self.units = units
        # Trains leave at full five minutes.
        at = self.now + departs * HOUR
        at -= timedelta(minutes=at.minute % 5)
        composed = self._write(
            "ConsistComposed", hours, units=tuple(units), consist=self.consist, train=self.train,
            train_kind=kind, route=route, departs_at=at,
            max_speed_kmh=80 if kind == _FREIGHT else 120, performed_by=("p-demo-chief",),
        )  # fmt: skip
        self.composition = composed.id
        return composed

    def _supplied(self, hours: float) -> Iterator[Operation]:
        for unit in self.units:
            for supply, amount, sign in _ON_BOARD:
                yield self._write("Serviced", hours, units=(unit,), supply=supply, amount=amount,
                                  unit_of_measure=sign,
                                  performed_by=("p-demo-supply",))  # fmt: skip
        until = f"{self.now + 25 * DAY:%Y-%m-%d}"
        for service in _PAPERS:
            yield self._write("PaperIssued", hours, units=tuple(self.units), service=service,
                              valid_until=until)  # fmt: skip

    def _signed(self, hours: float, acts: Sequence[tuple[str, str]]) -> Iterator[Operation]:
        yield self._of("JointsChecked", hours, items=_ITEMS, performed_by=("p-demo-fitter",))
        for n, (act, person) in enumerate(acts, 1):
            yield self._of("ConsistSigned", hours + n / 6, act=act, performed_by=(person,))

    def _decided(self, hours: float, act: str, **fields: Any) -> Operation:
        at = (self.now + hours * HOUR).replace(microsecond=0)
        paper = DecisionSignature(person="p-demo-release", role="release_officer", method="paper",
                                  signed_at=at)  # fmt: skip
        kind = "ReleaseRefused" if "reasons" in fields else "Released"
        return self._write(
            kind, hours, units=tuple(self.units), decision=f"d-{self.consist}-{act}",
            scope="consist", act=act, consist=self.consist, train=self.train,
            number=f"демо {self.train}/{act}", signatures=(paper,),
            performed_by=("p-demo-release",), **fields,
        )  # fmt: skip

    def _braked(self, hours: float) -> Operation:
        mass = 58 * len(self.units)
        locomotive = next(iter(self.fleet.locomotives), None)
        return self._of("BrakeTested", hours, test="full", number=f"ВУ-45 {self.train}",
                        locomotive=locomotive, mass_t=str(mass),
                        brake_force_t=str(round(mass * 0.8)),
                        performed_by=("p-demo-brakes",))  # fmt: skip

    def _released(self, hours: float, acts: Sequence[tuple[str, str]]) -> Iterator[Operation]:
        """Everything from supplies to the departure's release, over three hours."""
        yield from self._supplied(hours)
        yield from self._signed(hours + 0.5, acts)
        yield self._decided(hours + 1.5, "ready")
        yield self._braked(hours + 2)
        yield self._decided(hours + 2.3, "depart")

    def being_prepared(self, units: list[str]) -> Iterator[Operation]:
        """Composed, nothing signed yet."""
        yield self._compose(units, -2, 20, _LOCAL, "dushanbe-kulob")

    def being_signed(self, units: list[str]) -> Iterator[Operation]:
        """Two of four have signed, joints are looked at."""
        yield self._compose(units, -5, 5.5, _LONG, "dushanbe-moscow")
        yield from self._supplied(-3)
        yield from self._signed(-2, _ACTS[:2])

    def let_go(self, units: list[str]) -> Iterator[Operation]:
        """Released to depart, the train has not left yet."""
        yield self._compose(units, -6, 0.7, _LOCAL, "dushanbe-kulob")
        yield from self._released(-3, _LOCAL_ACTS)

    def refused(self, units: list[str]) -> Iterator[Operation]:
        """Refused for coaches that have reasons of their own."""
        yield self._compose(units, -7, 3, _LOCAL, "dushanbe-pakhtaabad")
        yield from self._signed(-4, _LOCAL_ACTS)
        reasons = [r for unit in units for r in self.fleet.unfit.get(unit, ())]
        if reasons:
            yield self._decided(-2.5, "ready", reasons=tuple(reasons[:20]))

    def on_the_way(self, units: list[str]) -> Iterator[Operation]:
        """Left yesterday; a hot box was alarmed, a coach has two faults of its own."""
        yield self._compose(units, -34, -26, _LONG, "khujand-moscow")
        yield from self._released(-31, _ACTS)
        yield self._of("ConsistDeparted", -26, performed_by=("p-demo-chief",))
        yield self._write("WaysideAlarmed", -14, units=(units[-1],), alarm="hot_box",
                          post="КТСМ-02 (демо), 412 км", train=self.train,
                          readings=(Reading(quantity="box_temperature", value="71", unit="°C",
                                            place="bogie.1/wheelset.2/right"),))  # fmt: skip
        yield self._write("DefectFound", -9, units=(units[1],), code="ventilation.fan",
                          performed_by=("p-demo-chief",))  # fmt: skip

    def home_again(self, units: list[str]) -> Iterator[Operation]:
        """Home since yesterday: late, and without a coach that was left on the way."""
        yield self._compose(units, -9 * 24 - 8, -9 * 24, _LONG, "dushanbe-moscow")
        yield from self._released(-9 * 24 - 5, _ACTS)
        yield self._of("ConsistDeparted", -9 * 24, performed_by=("p-demo-chief",))
        gone = units[-1]
        yield self._write("DefectFound", -7 * 24, units=(gone,),
                          code="running_gear.hot_box", safety=True,
                          place="bogie.1/wheelset.1/left")  # fmt: skip
        yield self._of("UnitDetached", -7 * 24 + 0.5, units=(gone,), place="Актобе",
                       reason="нагрев буксы", performed_by=("p-demo-chief",))  # fmt: skip
        yield self._of("ConsistClosed", -20, units=tuple(u for u in units if u != gone),
                       outcome="arrived", delay_min="47", stock_delay_min="32")  # fmt: skip

    def inspected(self, wagons: list[str]) -> Iterator[Operation]:
        """A freight train at the inspection point: strangers, one uncoupled, one mended."""
        guests = [f"u-demo-guest-{n}" for n in range(1, len(_STRANGERS) + 1)]
        for unit, digits in zip(guests, _STRANGERS, strict=True):
            number = Number(scheme="network8", value=f"{digits}{network_check_digit(digits)}")
            yield self._write("GuestSeen", -0.8, units=(unit,), numbers=(number,))
        yield self._compose([*wagons, *guests], -0.75, 0.5, _FREIGHT, "transit")
        bad, mended = (wagons * 2)[1:3]
        sound = tuple(u for u in self.units if u not in (bad, mended))
        person: dict[str, Any] = {"performed_by": ("p-demo-pto",)}
        yield self._write("Inspected", -0.6, units=sound, scope="ПТО", **person)
        for unit, code in ((bad, "102 тонкий гребень"), (mended, "540 запор люка")):
            yield self._write("Inspected", -0.6, units=(unit,), scope="ПТО", outcome="failed",
                              findings=code, **person)  # fmt: skip
            defect = self._write("DefectFound", -0.55, units=(unit,), code=code,
                                 safety=unit == bad, **person)  # fmt: skip
            yield defect
        yield self._write("DefectClosed", -0.4, units=(mended,), defect=defect.id,
                          work="исправлено без отцепки", **person)  # fmt: skip
        yield self._of("UnitDetached", -0.3, units=(bad,), place=self.fleet.site,
                       reason="102 тонкий гребень", **person)  # fmt: skip
