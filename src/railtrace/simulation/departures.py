"""Simulated departures: consists that are fit by construction, and faults sown into them.

A departure is a list of operations and nothing else: what is known of it is folded from them as
the real store folds them. `FAULTS` names each fault with the gate that must give the first reason.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.all import VIEWS
from railtrace.projections.consist import PREFIX, Consist
from railtrace.projections.consist_gates import Act, Facts, UnitFacts
from railtrace.projections.elsewhere import Holding, Member, Told, holdings
from railtrace.projections.fold import State, fold, resolve, units_of
from railtrace.projections.genealogy import Genealogy
from railtrace.projections.maintenance import Due, Maintenance, dues, plan_of
from railtrace.projections.metrology import Instrument
from railtrace.projections.orders import Order
from railtrace.projections.outside import Outside
from railtrace.projections.passport import Passport
from railtrace.projections.qualifications import Rights
from railtrace.projections.recall import Recall
from railtrace.projections.release import Gate, away_gates, gates
from railtrace.projections.usage import Usage
from railtrace.trace.leaf import Entry, microseconds, moment
from railtrace.trace.operation import KINDS, JointFault, Number, Operation, Reading, UnitOfMeasure

ROWS = Path(__file__).parent / "data" / "departure_rows.toml"
DEPARTS = datetime(2026, 1, 20, 6, 0, tzinfo=UTC)
CONSIST = "C-sim"
_WHEELS = tuple(f"bogie.{b}/wheelset.{w}" for b in (1, 2) for w in (1, 2))
_PEOPLE = {"running_gear": "p-wagons", "electrics": "p-electrics", "acceptance": "p-receiver"}


class Departure:
    """A consist before its departure, written down operation by operation."""

    def __init__(self, seed: int = 0, coaches: int = 4, departs: datetime = DEPARTS) -> None:
        self.random, self.departs = random.Random(seed), departs
        self.operations: list[Operation] = []
        self.units = [f"v-{n}" for n in range(1, coaches + 1)]
        self.behind = 0
        self.heard: dict[str, float] = {}
        """Logs of other depots, each with how long before (-) the departure it was heard of."""
        self.elsewhere: dict[str, str] = {}
        """Operations that another depot wrote, by their ids, with its log."""
        self._made = 0
        for number, unit in enumerate(self.units):
            self._coach(unit, "coach_staff" if number == 0 else "coach_compartment")
        self.compose()
        self.check_joints()
        self.sign_all()
        self.say("Released", -2, self.units, decision="d-1", scope="consist", act="ready",
                 consist=CONSIST)  # fmt: skip
        self.brake()

    def say(
        self, kind: str, hours: float, units: Sequence[str] = (), id_: str = "", **fields: Any
    ) -> str:
        """Write an operation that happened some hours before (-) the departure; return its id."""
        self._made += 1
        name = id_ or f"o-{self._made}"
        at = self.departs + timedelta(hours=hours)
        self.operations.append(KINDS[kind](id=name, happened_at=at, units=tuple(units), **fields))
        return name

    def drop(self, keep: Callable[[Operation], bool]) -> None:
        """Take operations away, as if they had never been written."""
        self.operations = [one for one in self.operations if keep(one)]

    def measure(
        self, unit: str, quantity: str, value: str, hours: float = -20, place: str = "",
        uncertainty: str = "0.1", unit_of_measure: UnitOfMeasure = "mm", device: str | None = None,
    ) -> str:  # fmt: skip
        """Write a reading."""
        reading = Reading(quantity=quantity, value=value, unit=unit_of_measure,
                          place=place, uncertainty=uncertainty)  # fmt: skip
        return self.say("Measured", hours, [unit], readings=(reading,), device=device)

    def _coach(self, unit: str, type_: str) -> None:
        draw, year = self.random.uniform, 365 * 24
        number = int(unit.removeprefix("v-"))
        self.say("Registered", -20 * year / 10, [unit], type=type_, made="2005", home_site="depot",
                 numbers=(Number(scheme="other", value=f"coach {number}"),))  # fmt: skip
        repaired = -24 * draw(10, 300)
        self.say("EnteredRepair", repaired - 200, [unit], repair_kind="ДР")
        self.say("LeftRepair", repaired, [unit], repair_kind="ДР")
        self.say("Ran", -24 * 9, [unit], distance_km=f"{draw(1000, 9000):.0f}")
        for end in ("a", "b"):
            self.measure(unit, "coupler_height", f"{draw(1020, 1060):.0f}", place=end,
                         uncertainty="1")  # fmt: skip
        self.measure(unit, "battery_voltage", f"{draw(50, 54):.1f}", unit_of_measure="V",
                     uncertainty="0.2")  # fmt: skip
        until = (self.departs + timedelta(days=draw(2, 60))).date().isoformat()
        self.say("PaperIssued", -24 * 30, [unit], service="дезинфекция", valid_until=until)
        for supply, amount, sign in (("coal", draw(0.6, 0.8), "t"), ("water", draw(850, 900), "l")):
            self.serve(unit, supply, f"{amount + 0.05:.2f}", sign)
        for n, place in enumerate(_WHEELS):
            self._wheelset(unit, f"w-{unit}-{n}", place)

    def serve(self, unit: str, supply: str, amount: str, sign: str, who: str = "p-supply") -> None:
        """Write what is on board."""
        self.say("Serviced", -10, [unit], supply=supply, amount=amount, unit_of_measure=sign,
                 performed_by=(who,))  # fmt: skip

    def _wheelset(self, unit: str, wheelset: str, place: str) -> None:
        draw = self.random.uniform
        self.say("Registered", -24 * 400, [wheelset], type="wheelset_passenger",
                 numbers=(Number(scheme="other", value=wheelset),))  # fmt: skip
        self.say("Installed", -24 * 399, [wheelset], carrier=unit, position=place)
        for side in ("left", "right"):
            self.measure(wheelset, "flange_thickness", f"{draw(27, 32):.1f}", place=side)
            self.measure(wheelset, "rim_thickness", f"{draw(34, 70):.1f}", place=side)
            self.measure(wheelset, "tread_wear", f"{draw(0.5, 4):.1f}", place=side)

    def compose(self, hours: float = -8, **fields: Any) -> str:
        """Write the composition."""
        said: dict[str, Any] = {
            "consist": CONSIST, "train": "329", "train_kind": "passenger_long",
            "max_speed_kmh": 120, "route": "sim-there-and-back", "departs_at": self.departs,
            "site": "depot",
        }  # fmt: skip
        units = fields.pop("units", self.units)
        kind = "ConsistChanged" if "replaces" in fields else "ConsistComposed"
        self.composition = self.say(kind, hours, units, **(said | fields))
        self.units = list(units)
        return self.composition

    def check_joints(self, hours: float = -7, **fields: Any) -> None:
        """Write that every joint was looked at."""
        items = ("coupler", "brake_hose", "electric", "gangway")
        self.say("JointsChecked", hours, **self._of({"items": items} | fields))

    def sign(self, act: str, hours: float, who: str = "", **fields: Any) -> None:
        """Write a signature."""
        self.say("ConsistSigned", hours, act=act, performed_by=(who or _PEOPLE[act],),
                 **self._of(fields))  # fmt: skip

    def sign_all(self, hours: float = -6) -> None:
        """Write every signature in its order."""
        for number, act in enumerate(_PEOPLE):
            self.sign(act, hours + number / 2)

    def brake(self, **fields: Any) -> None:
        """Write the brake test."""
        said = {"test": "full", "number": "ВУ-45 17", "locomotive": "l-1", "mass_t": "240",
                "brake_force_t": "190"}  # fmt: skip
        self.say("BrakeTested", -1, **self._of(said | fields))

    def _of(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"consist": CONSIST, "composition": self.composition} | fields

    # --- what is known of it ------------------------------------------------------------------

    def facts(self, catalogue: Catalogue, act: Act = "ready") -> Facts:
        """Return what the gates look at, folded from the operations alone."""
        return _Known(self, catalogue).facts(act, self.behind)


class _Known:
    """The states of every unit that some operations speak of, in memory."""

    def __init__(self, departure: Departure, catalogue: Catalogue) -> None:
        self.catalogue, self.departs = catalogue, departure.departs
        self.now_us = microseconds(self.departs) - 1
        self.heard = {log: microseconds(self.departs + timedelta(hours=hours))
                      for log, hours in departure.heard.items()}  # fmt: skip
        self.states: dict[str, dict[str, State]] = {}
        self.entries = _by_unit(departure)
        for unit, entries in self.entries.items():
            for view in VIEWS:
                mine = [e for e in entries if view.handles(e.kind)]
                if mine:
                    state, _ = fold(view, unit, resolve(mine, unit))
                    self.states.setdefault(unit, {})[view.name] = state

    def facts(self, act: Act, behind: int) -> Facts:
        consist = self.states[f"{PREFIX}{CONSIST}"]["consist"]
        assert isinstance(consist, Consist)
        return Facts(
            consist, [self._unit(unit, consist) for unit in consist.units], self.catalogue, act,
            self.departs.date(), self.now_us, self._may, behind,
        )  # fmt: skip

    def _may(self, person: str, right: str, at_us: int) -> bool:
        rights = self._state(f"person:{person}", "qualifications", Rights)
        return rights is None or rights.may(right, at_us)

    def _state(self, unit: str, view: str, kind: type[Any]) -> Any:
        state = self.states.get(unit, {}).get(view)
        return state if isinstance(state, kind) else None

    def _unit(self, unit: str, consist: Consist) -> UnitFacts:
        nodes = [(node, self.states.get(node, {})) for node in self._tree(unit)]
        passport = self._state(unit, "passport", Passport) or Passport(unit=unit)
        own = {n.value for n in passport.numbers}
        shared = tuple(sorted(n for n in own if self._bearers(n) > 1))
        trains = tuple(
            name.removeprefix(PREFIX) for name, states in self.states.items()
            if name != consist.unit and isinstance(other := states.get("consist"), Consist)
            and unit in other.units and other.open
        )  # fmt: skip
        return UnitFacts(
            unit, passport.type, self.catalogue.class_of(passport.type), nodes,
            self._gates(nodes), shared, trains, {unit: self.dues(unit)},
            elsewhere=self._elsewhere([node for node, _ in nodes]),
        )  # fmt: skip

    def _elsewhere(self, units: Sequence[str]) -> list[Holding]:
        told = {
            unit: [Told(e.happened_us, e.recorded_us, e.log, e.position, e.kind, e.operation.id)
                   for e in self.entries.get(unit, ())]
            for unit in units
        } if self.heard else {}  # fmt: skip
        return holdings([Member(unit) for unit in units], told, self.heard)

    def _tree(self, unit: str) -> list[str]:
        genealogy = self._state(unit, "genealogy", Genealogy)
        below = [stay.part for stay in genealogy.carried()] if genealogy else []
        return [unit, *(node for part in below for node in self._tree(part))]

    def _bearers(self, number: str) -> int:
        passports = (s.get("passport") for s in self.states.values())
        return sum(
            isinstance(p, Passport) and any(n.value == number for n in p.numbers)
            for p in passports
        )  # fmt: skip

    def _gates(self, nodes: Sequence[tuple[str, Mapping[str, State]]]) -> list[Gate]:
        recalls = [r for s in self.states.values() if isinstance(r := s.get("recall"), Recall)]
        instruments = {
            unit: m for unit, s in self.states.items()
            if isinstance(m := s.get("metrology"), Instrument)
        }  # fmt: skip
        mine = {unit for unit, _ in nodes}
        orders = [
            Gate("work_open", o.subject, {"order": o.order, "process": o.process, "step": ""})
            for s in self.states.values()
            if isinstance(o := s.get("orders"), Order) and o.open and o.subject in mine
        ]  # fmt: skip
        return gates(
            nodes, recalls, self.catalogue, 0, self.departs.date().isoformat(), None, instruments,
            {unit: self.dues(unit) for unit, _ in nodes}, self.now_us, [*orders, *self._away(mine)],
        )  # fmt: skip

    def _away(self, units: Iterable[str]) -> list[Gate]:
        states = (self._state(unit, "outside", Outside) for unit in sorted(units))
        return [gate for state in states if state is not None for gate in away_gates(state)]

    def dues(self, unit: str) -> list[Due]:
        state = self._state(unit, "maintenance", Maintenance)
        if state is None:
            return []
        plan = plan_of(self.catalogue, state.type, moment(self.now_us).date(), state.programme)
        usage = self._state(unit, "usage", Usage)
        km = usage.km.total / 1000 if usage else 0.0
        return dues(state, plan, self.now_us, lambda meter, since, then: (km, False))


def _by_unit(departure: Departure) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for position, operation in enumerate(departure.operations):
        at_us = microseconds(operation.happened_at)
        log = departure.elsewhere.get(operation.id, "sim")
        entry = Entry(log, position, at_us, at_us, "sim", "simulation", operation)
        for unit in units_of(operation):
            found.setdefault(unit, []).append(entry)
    return found


# --- faults -----------------------------------------------------------------------------------

Fault = Callable[[Departure], object]
V2, W2 = "v-2", "w-v-2-1"


def _defect(code: str, unit: str = V2, **fields: Any) -> Fault:
    return lambda d: d.say("DefectFound", -5, [unit], code=code, **fields)


def _spoil(**fields: Any) -> Fault:
    """Compose it otherwise from the beginning, everything else as it was."""

    def sow(departure: Departure) -> None:
        for index, one in enumerate(departure.operations):
            if type(one).__name__ == "ConsistComposed":
                said = {f: getattr(one, f) for f in one.__struct_fields__}
                departure.operations[index] = type(one)(**(said | fields))

    return sow


def _without(kind: str, **said: Any) -> Fault:
    def gone(one: Operation) -> bool:
        return type(one).__name__ == kind and all(getattr(one, k) == v for k, v in said.items())

    return lambda d: d.drop(lambda one: not gone(one))


def _measured(quantity: str, value: str, unit: str = W2, hours: float = -4, **fields: Any) -> Fault:
    return lambda d: d.measure(unit, quantity, value, hours, **fields)


def _both(*faults: Fault) -> Fault:
    def sow(departure: Departure) -> None:
        for fault in faults:
            fault(departure)

    return sow


def _changed(departure: Departure) -> None:
    """Two coaches change places after the brake test; everybody of the depot signs again."""
    first, second, *rest = departure.units
    departure.compose(-0.9, units=[second, first, *rest], replaces=departure.composition,
                      reason="order of coaches")  # fmt: skip
    departure.check_joints(-0.8)
    departure.sign_all(-0.7 - 1)
    departure.drop(lambda one: type(one).__name__ != "ConsistSigned" or (
        getattr(one, "composition", "") != departure.composition))  # fmt: skip
    for number, act in enumerate(_PEOPLE):
        departure.sign(act, -0.7 + number / 10)
    departure.say("Released", -0.3, departure.units, decision="d-2", scope="consist", act="ready",
                  consist=CONSIST)  # fmt: skip


def _twice(departure: Departure) -> None:
    departure.say("ConsistComposed", -7, [V2], consist="C-other", train="359",
                  train_kind="passenger_long", route="sim-there-and-back",
                  departs_at=departure.departs)  # fmt: skip


def _bad_gauge(departure: Departure) -> None:
    departure.measure(W2, "flange_thickness", "30.0", -6, "left", device="g-1")
    first = departure.departs - timedelta(days=9)
    departure.say("InstrumentWithdrawn", -3, ["g-1"], finding="reads too thick",
                  window_from=first, window_to=departure.departs)  # fmt: skip


def _expired_right(departure: Departure) -> None:
    departure.say("QualificationGranted", -24 * 900, person="p-wagons", qualification="otk",
                  valid_from=departure.departs - timedelta(days=900),
                  valid_to=departure.departs - timedelta(days=30))  # fmt: skip


def _repeated_low(departure: Departure) -> None:
    departure.measure(W2, "flange_thickness", "26.05", -5, "left", "0.2")
    departure.measure(W2, "flange_thickness", "25.95", -4, "left", "0.2")


def _neighbours_dark(departure: Departure) -> None:
    for unit in ("v-2", "v-3"):
        departure.say("DefectFound", -5, [unit], code="power.generator")


def _behind(departure: Departure) -> None:
    departure.behind = 7


def _unheard(unit: str) -> Fault:
    """Depot north looked at a unit three days ago and was not heard of since; now it is here."""

    def sow(departure: Departure) -> None:
        looked = departure.say("Inspected", -72, [unit], scope="ТО-1")
        departure.elsewhere[looked] = "north"
        departure.heard["north"] = -71

    return sow


def _leave_at_home(departure: Departure) -> None:
    """The staff coach is left out before anybody signed."""
    for index, one in enumerate(departure.operations):
        if "v-1" in one.units and len(one.units) > 1:
            said = {f: getattr(one, f) for f in one.__struct_fields__}
            departure.operations[index] = type(one)(**(said | {"units": one.units[1:]}))


def _more(departure: Departure) -> None:
    departure.say("RecallOpened", -50, recall="R-1", title="heat", heat="7731",
                  type="wheelset_passenger")  # fmt: skip
    departure.say("Registered", -60, [W2], type="wheelset_passenger", heat="7731")


FAULTS: dict[str, tuple[Fault, str, Act]] = {
    "the pages are behind the trace": (_behind, "views_behind", "ready"),
    "the depot that had a coach was not heard of since": (
        _unheard(V2), "data_elsewhere", "ready"),
    "the depot that had a wheelset of a coach was not heard of since": (
        _unheard(W2), "data_elsewhere", "ready"),
    "the consist was composed twice": (
        lambda d: d.compose(-7.9), "consist_contradiction", "ready"),
    "a coach is held after an accident": (
        lambda d: d.say("AccidentDeclared", -4, [V2], accident="a-1", event="fire", what="x"),
        "accident_hold", "ready"),
    "a wheelset was not examined after a derailment": (
        _both(lambda d: d.say("AccidentDeclared", -90, [V2], accident="a-1", event="derailment",
                              what="x", wheelsets=(W2,)),
              lambda d: d.say("AccidentLifted", -80, [V2, W2], accident="a-1", act="7",
                              decided_by="x")), "not_examined", "ready"),
    "a kind of train nobody knows": (
        _spoil(train_kind="flying"), "train_kind_unknown", "ready"),
    "a route nobody knows": (_spoil(route="to-nowhere"), "route_unknown", "ready"),
    "a coach stands in another train": (_twice, "in_other_train", "ready"),
    "two coaches bear one number": (
        lambda d: d.say("Registered", -90, ["v-x"], type="coach_compartment", numbers=(
            Number(scheme="other", value="coach 2"),)), "identity", "ready"),
    "a number nobody can read": (
        lambda d: d.say("MarkingChanged", -9, [V2], given=(
            Number(scheme="serial", value="5-1?3-09", mark="unreadable"),)),
        "identity", "ready"),
    "a coach was written off": (
        lambda d: d.say("WrittenOff", -9, [V2]), "scrapped", "ready"),
    "nothing says what a unit is": (
        _without("Registered", units=(V2,)), "not_described", "ready"),
    "a wagon in a passenger train": (
        _both(_without("Registered", units=(V2,)),
              lambda d: d.say("Registered", -900, [V2], type="gondola")),
        "wrong_class", "ready"),
    "a coach is on hold": (
        lambda d: d.say("Held", -9, [V2], reason="commission"), "on_hold", "ready"),
    "a wheelset is on hold": (
        lambda d: d.say("Held", -9, [W2], reason="ultrasound"), "on_hold", "ready"),
    "a wheelset is recalled by heat": (_more, "recalled", "ready"),
    "a coach is in repair": (
        lambda d: d.say("EnteredRepair", -9, [V2], repair_kind="ТР-1"), "status",
        "ready"),
    "a coach waits for parts": (
        lambda d: d.say("StateChanged", -9, [V2], state="awaiting_parts"), "status",
        "ready"),
    "an open safety defect": (_defect("610", safety=True), "safety_defect", "ready"),
    "an open safety defect on a wheelset": (
        _defect("102", W2, safety=True), "safety_defect", "ready"),
    "a flange under the limit at departure": (
        _measured("flange_thickness", "25.5", place="left"), "unfit", "ready"),
    "a rim under the limit at departure": (
        _measured("rim_thickness", "31.0", place="left"), "unfit", "ready"),
    "a doubtful flange that its repeat shows too thin": (_repeated_low, "unfit", "ready"),
    "a doubtful rim that nobody measured again": (
        _measured("rim_thickness", "32.05", place="left"), "doubtful", "ready"),
    "a reading of a gauge that was withdrawn": (_bad_gauge, "instrument", "ready"),
    "the mileage to depot repair does not last there and back": (
        lambda d: d.say("Ran", -30, [V2], distance_km="285000"), "return_margin", "ready"),
    "disinfection would run out on the way": (
        lambda d: d.say("LifeExtended", -24 * 9, [V2], until=(
            d.departs + timedelta(days=4)).date().isoformat(), document="протокол"),
        "return_margin", "ready"),
    "a coach too old for a railway on the way": (
        lambda d: d.say("Registered", -24 * 600, [V2], type="coach_compartment", made="1980"),
        "admission_age", "ready"),
    "a work order is open": (
        lambda d: d.say("OrderOpened", -9, [W2], work_order="WO-1",
                        process="wheelset_ordinary"), "work_open", "ready"),
    "depot repair overdue by date": (
        _both(_without("LeftRepair", units=(V2,)),
              _without("EnteredRepair", units=(V2,)),
              lambda d: d.say("EnteredRepair", -24 * 805, [V2], repair_kind="ДР"),
              lambda d: d.say("LeftRepair", -24 * 800, [V2], repair_kind="ДР") and None),
        "overdue", "ready"),
    "depot repair overdue by mileage": (
        lambda d: d.say("Ran", -30, [V2], distance_km="400000"), "overdue", "ready"),
    "a coach was not taken over from a repair elsewhere": (
        lambda d: d.say("SentForRepair", -900, [W2], stay="s-1", to="ТВРЗ"),
        "not_taken_over", "ready"),
    "the service life has ended": (
        lambda d: d.say("LifeExtended", -24 * 400, [V2], until="2025-12",
                        document="протокол"), "life_expired", "ready"),
    "a restriction that stops": (
        lambda d: d.say("Restricted", -9, [V2], restriction="not over a border",
                        effect="stops"), "restricted", "ready"),
    "two descriptions of one coach": (
        lambda d: d.say("Registered", -90, [V2], type="coach_open"), "contradiction",
        "ready"),
    "the last repair is unknown": (
        lambda d: d.say("LastRepairStated", -24 * 700, [V2], repair_kind="КР-1",
                        grade="unknown"), "history_unknown", "ready"),
    "the heating is out of order in winter": (_defect("heating.boiler_pump"), "no_go", "ready"),
    "the electrics are out of order": (_defect("electrics.converter"), "no_go", "ready"),
    "the ventilation is out of order": (_defect("ventilation"), "no_go", "ready"),
    "no radio in the staff coach": (_defect("radio", "v-1"), "no_go", "ready"),
    "a faulty electro-pneumatic brake where it is declared": (
        _both(_spoil(electropneumatic=True), _defect("ep_brake.valve")), "no_go", "ready"),
    "disinfection has run out": (
        lambda d: d.say("PaperIssued", -24, [V2], service="дезинфекция",
                        valid_until="2026-01-18"), "paper", "ready"),
    "no paper of disinfection": (
        _without("PaperIssued", units=(V2,)), "paper", "ready"),
    "the boiler's examination has run out": (
        lambda d: d.say("PaperIssued", -24, [V2], service="освидетельствование котла",
                        valid_until="2026-01-18"), "paper", "ready"),
    "the extinguishers have run out": (
        lambda d: d.say("PaperIssued", -24, [V2], service="огнетушители",
                        valid_until="2026-01-18"), "paper", "ready"),
    "a flat on a wheel": (
        _measured("flat_depth", "0.8", place="left"), "reading", "ready"),
    "a flat battery": (
        _measured("battery_voltage", "44", V2, unit_of_measure="V"), "reading", "ready"),
    "nobody measured the battery": (
        lambda d: d.drop(lambda o: not (o.units == (V2,) and any(
            r.quantity == "battery_voltage" for r in o.readings))), "reading_missing", "ready"),
    "no staff coach in the train": (
        _leave_at_home, "template", "ready"),
    "couplers of two neighbours differ too much": (
        _both(_measured("coupler_height", "985", V2, place="b", uncertainty="1"),
              _measured("coupler_height", "1075", "v-3", place="a", uncertainty="1")),
        "joint_height", "ready"),
    "a brake hose leaks between two coaches": (
        lambda d: d.check_joints(-6.5, items=("brake_hose",), faults=(JointFault(
            ahead="v-1", behind="v-2", item="brake_hose", text="leaks"),)), "joint_fault",
        "ready"),
    "nobody looked at the joints": (_without("JointsChecked"), "joint_missing", "ready"),
    "two neighbours without generators": (_neighbours_dark, "balance", "ready"),
    "the receiver sent the consist back": (
        lambda d: d.sign("acceptance", -3, answer="returned", reason="dirty"), "act_returned",
        "ready"),
    "one person signed two acts": (
        lambda d: d.sign("acceptance", -3, "p-wagons"), "act_own_work", "ready"),
    "who took on coal accepted the consist": (
        lambda d: d.serve(V2, "coal", "0.7", "t", "p-receiver"), "act_own_work", "ready"),
    "the inspector's right had expired": (_expired_right, "act_no_right", "ready"),
    "the receiver signed before the electrician": (
        _both(_without("ConsistSigned", act="acceptance"),
              lambda d: d.sign("acceptance", -5.8)), "act_order", "ready"),
    "the electrician did not sign": (
        _without("ConsistSigned", act="electrics"), "act_missing", "ready"),
    "too little coal in winter": (
        lambda d: d.serve(V2, "coal", "0.4", "t"), "supply", "ready"),
    "too little water": (lambda d: d.serve(V2, "water", "600", "l"), "supply", "ready"),
    "nobody said how much water there is": (
        _without("Serviced", units=(V2,), supply="water"), "supply", "ready"),
    "nobody released the consist as ready": (_without("Released"), "not_ready", "depart"),
    "the brakes failed their test": (
        lambda d: d.brake(outcome="failed"), "brake_failed", "depart"),
    "nobody tested the brakes": (_without("BrakeTested"), "brake_missing", "depart"),
    "the composition changed after the brake test": (_changed, "brake_missing", "depart"),
    "no locomotive on the train": (
        lambda d: d.brake(locomotive=None), "no_locomotive", "depart"),
    "too little brake force for the mass": (
        lambda d: d.brake(brake_force_t="130"), "brake_force", "depart"),
    "too little brake force for the speed": (
        _both(_spoil(max_speed_kmh=130), lambda d: d.brake(brake_force_t="170")),
        "brake_force", "depart"),
}  # fmt: skip


def day_of(departure: Departure) -> date:
    """Return the day a departure is on."""
    return departure.departs.date()
