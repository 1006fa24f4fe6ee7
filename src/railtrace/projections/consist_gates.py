"""Gates of a consist: rows of the catalogue held against what is known of its units and joints.

A row says what is looked at, how much it weighs and when it holds; a check below says what it
finds. What nobody wrote a row for is no gate.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from railtrace.catalogue.in_force import limits_for
from railtrace.catalogue.rows import Catalogue, Limit, ReleaseGate, Route, TrainKind
from railtrace.projections.condition import Condition, Series, Taken, judged
from railtrace.projections.consist import Consist
from railtrace.projections.elsewhere import Holding
from railtrace.projections.fold import State
from railtrace.projections.gate_rows import GateRow, Looked, judged_row, repeated
from railtrace.projections.maintenance import DAY_ENDS_BY_ENTRY, HOUR_US, Done, Due, Maintenance
from railtrace.projections.passport import Passport
from railtrace.projections.release import Gate, elsewhere_values
from railtrace.projections.return_margin import Short, shortages, spot_at_time, years_on
from railtrace.projections.servicing import Servicing

Act = Literal["ready", "depart"]
Weight = Literal["mandatory", "warning", "information"]
WEIGHTS: tuple[Weight, ...] = ("mandatory", "warning", "information")


class Finding(Struct, frozen=True):
    """What a gate found: the row, what it weighs here, and the reason with its values."""

    row: str
    weight: Weight
    gate: Gate
    order: int
    place: int
    """The unit's number in the train from its head, 0 for the consist."""


@dataclass(frozen=True, eq=False)
class UnitFacts:
    """What is known of one unit of a consist and of the parts on it."""

    unit: str
    type: str
    vehicle_class: str
    nodes: Sequence[tuple[str, Mapping[str, State]]]
    gates: Sequence[Gate] = ()
    """The reasons of its own, by projections/release.py."""
    shared: tuple[str, ...] = ()
    """Numbers of its own that other units bear too."""
    trains: tuple[str, ...] = ()
    """Other trains it stands in."""
    dues: Mapping[str, Sequence[Due]] = field(default_factory=dict)
    """How each kind of maintenance stands, of the unit and of its parts."""
    behind: int = 0
    """Entries about it, its parts and their instruments that the views have not taken yet."""
    elsewhere: Sequence[Holding] = ()
    """Logs of other installations that had it or its parts and were not heard of for long."""

    def state(self, view: str) -> State | None:
        """Return a state of the unit itself."""
        return self.nodes[0][1].get(view) if self.nodes else None

    @property
    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """The condition of the unit and of every part on it."""
        for unit, states in self.nodes:
            if isinstance(condition := states.get("condition"), Condition):
                yield unit, condition


@dataclass(frozen=True, eq=False)
class Facts:
    """What a consist is judged by; `day` is the day of departure on the depot's clock."""

    consist: Consist
    units: Sequence[UnitFacts]
    catalogue: Catalogue
    act: Act
    day: date
    now_us: int
    may: Callable[[str, str, int], bool] = lambda person, right, at_us: True
    behind: int = 0
    alone: bool = False
    """A unit by itself: only what a unit is asked by itself is looked at."""

    @property
    def kind(self) -> TrainKind | None:
        """The kind of train, if the catalogue has it."""
        return self.catalogue.train_kinds.get(self.consist.train_kind)

    @property
    def route(self) -> Route | None:
        """The route, if the catalogue has it."""
        return self.catalogue.routes.get(self.consist.route)

    @property
    def departs_us(self) -> int:
        """When it is to leave."""
        return self.consist.departs_us or self.now_us


def findings(facts: Facts) -> list[Finding]:
    """Return every reason, the heaviest first, then by the rows' order and along the train."""
    if facts.behind:
        behind = Gate("views_behind", "", {"entries": str(facts.behind)})
        rows = [r for r in rows_of(facts) if r.check == "views_behind"]
        return [Finding(row.key, row.weight, behind, row.order, 0) for row in rows]
    place = {unit: n for n, unit in enumerate(facts.consist.units, 1)}
    for number, unit in enumerate(facts.units, 1):
        place |= {node: number for node, _ in unit.nodes}
    found = [
        Finding(row.key, _weight(row, gate), gate, row.order, place.get(gate.unit, 0))
        for row in rows_of(facts)
        for gate in _CHECKS[row.check](facts, row)
    ]
    return sorted(found, key=lambda f: (WEIGHTS.index(f.weight), f.order, f.place, f.row))


def _weight(row: ReleaseGate, gate: Gate) -> Weight:
    """A reason that only warns, by its own row or under an order, makes no gate mandatory."""
    if row.weight == "mandatory" and gate.force == "warns":
        return "warning"
    if row.check == "doubtful" and gate.values.get("guard") == "mandatory":
        return "mandatory"
    return row.weight


def rows_of(facts: Facts) -> list[ReleaseGate]:
    """Return the rows that hold for a consist, an act and a day."""
    return [row for row in facts.catalogue.release_gates.values() if _holds(facts, row)]


def _holds(facts: Facts, row: ReleaseGate) -> bool:
    speed = facts.consist.max_speed_kmh
    return (
        (not facts.alone or row.check in UNIT_CHECKS or row.check == "views_behind")
        and row.valid_from <= facts.day <= (row.valid_to or date.max)
        and facts.catalogue.jurisdictions[row.jurisdiction].precedence > 0
        and row.act in ("", facts.act)
        and (not row.train_kinds or facts.consist.train_kind in row.train_kinds)
        and row.in_season(facts.day)
        and (facts.consist.electropneumatic or not row.only_electropneumatic)
        and _in_band(row, speed)
    )


def _in_band(row: ReleaseGate, speed: int | None) -> bool:
    if speed is None:
        return row.max_speed_kmh_from == 0
    return row.max_speed_kmh_from < speed <= (row.max_speed_kmh_to or 1000)


def _of_row(facts: Facts, row: ReleaseGate) -> list[UnitFacts]:
    """Return the units a row is about; of one that the views are behind, nothing is judged."""
    return [
        unit for unit in facts.units
        if not (unit.behind and row.check in UNIT_CHECKS)
        and (not row.vehicle_classes or unit.vehicle_class in row.vehicle_classes)
        and (not row.vehicle_types or unit.type in row.vehicle_types)
    ]  # fmt: skip


# --- units ------------------------------------------------------------------------------------


def _own(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Reasons that a unit has by itself, in a train or alone."""
    return [g for unit in _of_row(facts, row) for g in unit.gates if g.name == row.check]


def _behind(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Units of which something is recorded that the views have not taken: no decision on them."""
    return [Gate("views_behind", unit.unit, {"entries": str(unit.behind)})
            for unit in facts.units if unit.behind]  # fmt: skip


def _heard_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    """Each log that had a unit: its last entry here, heard until when, and when that ended."""
    for unit in _of_row(facts, row):
        for one in unit.elsewhere:
            looked = Looked(one.operation, one.unit, one.log, at_us=one.happened_us,
                            until_us=one.heard_us, log=one.log, position=one.position)  # fmt: skip
            yield judged_row(GateRow(row.key, "heard", one.unit, looked=(looked,),
                                     max_age_h=_hours(row),
                                     departs_us=one.end_us(facts.now_us)))  # fmt: skip


def _elsewhere(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Units that another depot had, of which its newest entries may not have come: no decision."""
    had = {(one.unit, one.log): one for unit in facts.units for one in unit.elsewhere}
    return [Gate("data_elsewhere", found.unit,
                 elsewhere_values(had[found.unit, found.looked[0].log]))
            for found in _heard_rows(facts, row) if found.outcome == "old"]  # fmt: skip


def _contradiction(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Contradictions of the units; those of the consist have a gate of their own."""
    return _own(facts, row)


def _limit_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    """Each last reading that a limit at departure judges, with the one before it."""
    for unit in _of_row(facts, row):
        for node, condition in unit.conditions:
            for result in judged(
                condition, facts.catalogue, "at_departure", facts.consist.max_speed_kmh
            ):
                if result.limit is not None and result.limit.unit == result.last.unit:
                    series = condition.series[f"{result.quantity}|{result.place}"]
                    yield _limit_row(row, node, series, result.limit)


def _limit_row(row: ReleaseGate, node: str, series: Series, limit: Limit) -> GateRow:
    return judged_row(GateRow(
        row.key, "limit", node, looked=tuple(
            _taken(node, series, taken) for taken in reversed(series.readings[-2:])),
        limit=limit.key, min=limit.min, max=limit.max,
    ))  # fmt: skip


def _taken(node: str, series: Series, taken: Taken) -> Looked:
    return Looked(
        taken.operation, node, series.quantity, series.place, taken.value,
        taken.uncertainty or "", taken.unit, taken.at_us, None, taken.log, taken.position,
    )  # fmt: skip


def _reading_values(found: GateRow, **more: str) -> dict[str, str]:
    last = found.looked[0]
    return {
        "quantity": last.what, "place": last.place, "value": last.value,
        "unit": last.unit_of_measure, "limit": found.limit, "operation": last.operation,
        "uncertainty": last.uncertainty,
    } | more  # fmt: skip


def _unfit(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Over a limit; where a doubtful reading was repeated, the value alone decides."""
    for found in _limit_rows(facts, row):
        if found.outcome == "unfit":
            bare = repeated(found) and "yes"
            yield Gate("unfit", found.unit, _reading_values(found, repeated=bare or ""))


def _doubtful_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    return (found for found in _limit_rows(facts, row) if found.outcome == "doubtful")


def _doubtful(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for found in _doubtful_rows(facts, row):
        guard = facts.catalogue.limits[found.limit].guard
        yield Gate("doubtful", found.unit, _reading_values(found, guard=guard))


def _readings(facts: Facts, row: ReleaseGate) -> Iterator[tuple[UnitFacts, str, Series]]:
    for unit in _of_row(facts, row):
        for node, condition in unit.conditions:
            for series in condition.series.values():
                if series.quantity == row.quantity:
                    yield unit, node, series


def _own_limit_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    for _, node, series in _readings(facts, row):
        last = series.readings[-1]
        if last.unit == row.unit:
            looked = _taken(node, series, last)
            yield judged_row(GateRow(row.key, "own_limits", node, looked=(looked,), min=row.min,
                                     max=row.max))  # fmt: skip


def _reading(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """A reading outside the row's own limits."""
    for found in _own_limit_rows(facts, row):
        if found.outcome == "unfit":
            last = found.looked[0]
            yield Gate("reading", found.unit, {
                "quantity": last.what, "place": last.place, "value": last.value,
                "unit": last.unit_of_measure, "min": row.min or "", "max": row.max or "",
                "operation": last.operation,
            })  # fmt: skip


def _fresh_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    """The last reading of a quantity on each unit, and how old it may be."""
    latest = dict[str, Looked]()
    for unit, node, series in _readings(facts, row):
        looked = _taken(node, series, series.readings[-1])
        if unit.unit not in latest or (latest[unit.unit].at_us or 0) < (looked.at_us or 0):
            latest[unit.unit] = looked
    for unit in _of_row(facts, row):
        looked_at = (latest[unit.unit],) if unit.unit in latest else ()
        yield judged_row(GateRow(
            row.key, "fresh", unit.unit, looked=looked_at, max_age_h=_hours(row), required=True,
            departs_us=facts.departs_us,
        ))  # fmt: skip


def _hours(row: ReleaseGate) -> str | None:
    return f"{row.max_age_h:g}" if row.max_age_h else None


def _reading_missing(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for found in _fresh_rows(facts, row):
        if found.outcome != "fit":
            last = str(found.looked[0].at_us) if found.looked else ""
            yield Gate("reading_missing", found.unit, {
                "quantity": row.quantity, "last": last, "hours": found.max_age_h or "",
            })  # fmt: skip


def in_family(code: str, families: Sequence[str]) -> bool:
    """Tell whether a defect's code is of a family: `heating` has `heating.boiler_pump`."""
    return any(code == family or code.startswith(f"{family}.") for family in families)


def _no_go(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for unit in _of_row(facts, row):
        for node, condition in unit.conditions:
            for defect in condition.defects:
                if in_family(defect.code, row.codes):
                    yield Gate("no_go", node, {
                        "code": defect.code, "place": defect.place, "operation": defect.id,
                        "row": row.key,
                    })  # fmt: skip


def _passport(unit: UnitFacts) -> Passport:
    state = unit.state("passport")
    return state if isinstance(state, Passport) else Passport(unit=unit.unit)


def _status(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """In repair, waiting for it, under investigation: not for the line. Holds say so themselves."""
    for unit in _of_row(facts, row):
        status = _passport(unit).status
        state = facts.catalogue.unit_states.get(status)
        idle = state is not None and state.counts_as.endswith("unavailable")
        if idle and status != "on_hold":
            values = {"state": status, "repair_kind": _passport(unit).repair_kind}
            yield Gate("status", unit.unit, values)


def _identity(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for unit in _of_row(facts, row):
        marks = [n.value for n in _passport(unit).numbers
                 if n.to_us is None and n.mark in ("unreadable", "duplicate")]  # fmt: skip
        for number in dict.fromkeys((*unit.shared, *marks)):
            yield Gate("identity", unit.unit, {"number": number})


def _paper_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    for unit in _of_row(facts, row):
        state = unit.state("maintenance")
        done = state.done.get(row.service) if isinstance(state, Maintenance) else None
        looked = () if done is None else (Looked(
            done.operation, unit.unit, row.service, at_us=done.at_us, until_us=done.until_us,
            day_ends=_day_ends(done)),)
        yield judged_row(GateRow(row.key, "paper", unit.unit, looked=looked,
                                 required=row.required, departs_us=facts.departs_us))  # fmt: skip


def _day_ends(done: Done) -> str:
    return "" if done.until_us is None else DAY_ENDS_BY_ENTRY


def _until(unit: UnitFacts, service: str) -> str:
    state = unit.state("maintenance")
    return state.done[service].until if isinstance(state, Maintenance) else ""


def _paper(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """A paper that has run out by the departure, or is not there though the row requires it."""
    unit_of = {unit.unit: unit for unit in facts.units}
    for found in _paper_rows(facts, row):
        if found.outcome == "missing":
            yield Gate("paper", found.unit, {"service": row.service, "until": "", "row": row.key})
        if found.outcome == "old":
            yield Gate("paper", found.unit, {
                "service": row.service, "operation": found.looked[0].operation, "row": row.key,
                "until": _until(unit_of[found.unit], row.service),
            })  # fmt: skip


def _amount_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    for unit in _of_row(facts, row):
        state = unit.state("servicing")
        there = state.supplies.get(row.supply) if isinstance(state, Servicing) else None
        looked = () if there is None else (Looked(
            there.operation, unit.unit, row.supply, value=there.amount,
            unit_of_measure=there.unit, at_us=there.at_us),)
        yield judged_row(GateRow(
            row.key, "amount", unit.unit, looked=looked, min=row.min, max_age_h=_hours(row),
            required=row.required, departs_us=facts.departs_us,
        ))  # fmt: skip


def _supply(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Less on board than the norm, or nobody said how much for this trip."""
    asked = facts.catalogue.supplies[row.supply]
    for found in _amount_rows(facts, row):
        values = {"supply": row.supply, "norm": row.min or "", "unit": asked.unit,
                  "row": row.key, "next": _next_supply(facts, row.supply)}  # fmt: skip
        if found.outcome == "missing":
            yield Gate("supply", found.unit, values | {"amount": ""})
        elif found.outcome == "unfit":
            there = found.looked[0]
            yield Gate("supply", found.unit, values | {
                "amount": there.value, "operation": there.operation,
            })  # fmt: skip


def _next_supply(facts: Facts, supply: str) -> str:
    """Return the number of the first stop on the way that has a supply."""
    stops = facts.route.stops if facts.route else ()
    return next((str(n) for n, stop in enumerate(stops) if n and supply in stop.supplies), "")


# --- the whole trip ---------------------------------------------------------------------------


def _return_margin(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Mileage, a date or a paper that runs out before the consist is at home again."""
    if facts.route is None:
        return
    for unit in _of_row(facts, row):
        for node, dues in unit.dues.items():
            for short in shortages(facts.route, facts.departs_us, dues):
                service = facts.catalogue.services.get(short.service)
                stops = service is not None and service.overrun == "stop"
                values = _short_values(short, facts.route)
                yield Gate("return_margin", node, values, "stops" if stops else "warns")
        yield from _life_ends(facts, facts.route, unit)


def _short_values(short: Short, route: Route) -> dict[str, str]:
    return {
        "kind": short.kind, "service": short.service, "short": f"{short.short:.0f}",
        "left": f"{short.left:.0f}", "unit": short.unit, "after": str(short.spot.after),
        "back": "yes" if short.spot.back else "", "at_us": str(short.spot.at_us),
        "served": ",".join(map(str, short.served_at)), "operation": short.operation,
        "trip": f"{route.km:.0f}",
    }  # fmt: skip


def _life_ends(facts: Facts, route: Route, unit: UnitFacts) -> Iterator[Gate]:
    state = unit.state("maintenance")
    ends = state.life_until_us if isinstance(state, Maintenance) else None
    returns_us = facts.departs_us + round(route.hours * HOUR_US)
    if ends is not None and facts.departs_us <= ends < returns_us:
        spot = spot_at_time(route, facts.departs_us, ends)
        short = Short("", "", (returns_us - ends) / (24 * HOUR_US),
                      (ends - facts.departs_us) / (24 * HOUR_US), "d", spot)  # fmt: skip
        yield Gate("return_margin", unit.unit, _short_values(short, route))


def _crosses(facts: Facts, row: ReleaseGate) -> str:
    """Return the first railway of the route that a row of admission is about."""
    countries = facts.route.countries if facts.route else ()
    return next((c for c in countries if not row.countries or c in row.countries), "")


def _admission_age(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    country = _crosses(facts, row)
    if not country or facts.route is None or row.most is None:
        return
    away = timedelta(hours=facts.route.hours)
    for unit in _of_row(facts, row):
        years = years_on(_passport(unit).made, facts.day, away)
        if years is not None and years > row.most:
            yield Gate("admission_age", unit.unit, {
                "years": f"{years:.1f}", "most": str(row.most), "country": country,
                "row": row.key, "operation": _passport(unit).described,
            })  # fmt: skip


def _admission_extended(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    country = _crosses(facts, row)
    for unit in _of_row(facts, row) if country else ():
        state = unit.state("maintenance")
        if isinstance(state, Maintenance) and state.life_document:
            yield Gate("admission_extended", unit.unit, {
                "document": state.life_document, "country": country, "row": row.key,
                "operation": state.life_by,
            })  # fmt: skip


UNIT_CHECKS = frozenset({
    "no_decision", "data_elsewhere", "recalled", "on_hold", "scrapped", "not_described",
    "safety_defect",
    "accident_hold", "not_examined",
    "contradiction", "history_unknown", "restricted", "permission_expired", "work_open",
    "work_incomplete", "instrument", "overdue", "life_expired", "campaign_overdue",
    "remark_overdue", "not_taken_over", "unfit", "doubtful", "reading", "reading_missing",
    "no_go", "status", "identity", "paper", "in_other_train", "wrong_class", "return_margin",
    "admission_age", "admission_extended",
})  # fmt: skip
"""What a unit is asked by itself; supplies are taken on once it stands in the train."""


def fits(facts: Facts, unit: UnitFacts) -> bool:
    """Tell whether a unit that is not in the consist could go with it: no mandatory reason."""
    return not own_stops(facts, unit)


def own_stops(facts: Facts, unit: UnitFacts) -> list[Finding]:
    """Return the mandatory reasons a unit has whatever it is coupled to, by the rows' order."""
    alone = replace(facts, units=[unit])
    found = [
        Finding(row.key, "mandatory", gate, row.order, 0)
        for row in rows_of(alone) if row.check in UNIT_CHECKS
        for gate in _CHECKS[row.check](alone, row) if _weight(row, gate) == "mandatory"
    ]  # fmt: skip
    return sorted(found, key=lambda f: (f.order, f.row))


# --- the train as a whole ---------------------------------------------------------------------


def _in_other_train(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    return [
        Gate("in_other_train", unit.unit, {"consist": train})
        for unit in _of_row(facts, row) for train in unit.trains
    ]  # fmt: skip


def _wrong_class(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    if facts.kind is None:
        return []
    classes = facts.kind.vehicle_classes
    return [
        Gate("wrong_class", unit.unit, {"class": unit.vehicle_class, "kind": facts.kind.key})
        for unit in facts.units if unit.vehicle_class and unit.vehicle_class not in classes
    ]  # fmt: skip


def _template(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """How many units of a type there are to be, and where they are to stand."""
    mine = _of_row(facts, row)
    values = {"count": str(len(mine)), "least": str(row.least), "where": row.where,
              "most": "" if row.most is None else str(row.most), "row": row.key}  # fmt: skip
    if len(mine) < row.least or (row.most is not None and len(mine) > row.most):
        return [Gate("template", "", values)]
    end = {"first": facts.units[:1], "last": facts.units[-1:]}.get(row.where)
    if end and end[0] not in mine:
        return [Gate("template", end[0].unit, values)]
    return []


def _train_kind_unknown(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    if facts.kind is None:
        yield Gate("train_kind_unknown", "", {"kind": facts.consist.train_kind})


def _route_unknown(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    if facts.route is None:
        yield Gate("route_unknown", "", {"route": facts.consist.route})


def facing(facts: Facts, ahead: int) -> tuple[str, str]:
    """Return the ends that meet behind a unit of the train: its own, and its neighbour's."""
    standing = facts.consist.composition
    turned = set(standing.turned) if standing else set()
    first, second = facts.units[ahead].unit, facts.units[ahead + 1].unit
    return ("a" if first in turned else "b"), ("b" if second in turned else "a")


def _couplers(facts: Facts, ahead: int) -> tuple[Looked, ...] | None:
    """The two couplers that meet behind a unit, if the heights of both are known."""
    found = []
    for unit, end in zip(facts.units[ahead : ahead + 2], facing(facts, ahead), strict=True):
        condition = unit.state("condition")
        series = condition.series.get(f"coupler_height|{end}") if isinstance(
            condition, Condition) else None  # fmt: skip
        if series is None:
            return None
        found.append(_taken(unit.unit, series, series.readings[-1]))
    return tuple(found)


def heights(facts: Facts, ahead: int) -> tuple[Decimal, Decimal] | None:
    """Return the heights of the two couplers that meet behind a unit [mm], if both are known."""
    met = _couplers(facts, ahead)
    return (Decimal(met[0].value), Decimal(met[1].value)) if met else None


def _height_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    for ahead in range(len(facts.units) - 1):
        first, second = facts.units[ahead], facts.units[ahead + 1]
        limits = limits_for(
            facts.catalogue, "coupler_height_difference", second.type, second.vehicle_class,
            "at_departure", facts.day, max_speed_kmh=facts.consist.max_speed_kmh,
            place="behind_locomotive" if first.vehicle_class == "locomotive" else "",
        )  # fmt: skip
        met = _couplers(facts, ahead)
        if limits and met is not None and limits[0].max is not None:
            yield judged_row(GateRow(row.key, "height", second.unit, looked=met,
                                     limit=limits[0].key, max=limits[0].max))  # fmt: skip


def _joint_height(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for found in _height_rows(facts, row):
        if found.outcome == "unfit":
            ahead, behind = found.looked
            yield Gate("joint_height", found.unit, {
                "ahead": ahead.unit, "behind": behind.unit,
                "value": str(abs(Decimal(ahead.value) - Decimal(behind.value))),
                "unit": facts.catalogue.limits[found.limit].unit, "limit": found.limit,
            })  # fmt: skip


def _joint_missing(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    looked_at = facts.consist.looked_at()
    wanted = facts.kind.joints if facts.kind and len(facts.units) > 1 else ()
    return [Gate("joint_missing", "", {"item": i}) for i in wanted if i not in looked_at]


def _joint_fault(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    for item, joints in facts.consist.looked_at().items():
        for fault in joints.faults:
            if fault.item == item:
                yield Gate("joint_fault", fault.behind, {
                    "item": item, "ahead": fault.ahead, "behind": fault.behind,
                    "text": fault.text, "operation": joints.operation,
                })  # fmt: skip


def _balance(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """More units without a source of their own than the rest can feed, or two side by side."""
    faulty = [
        any(in_family(d.code, row.codes) for _, c in unit.conditions for d in c.defects)
        for unit in facts.units
    ]
    side_by_side = any(a and b for a, b in pairwise(faulty))
    if (row.most is not None and sum(faulty) > row.most) or side_by_side:
        first = facts.units[faulty.index(True)].unit
        values = {"count": str(sum(faulty)), "most": str(row.most or 0), "row": row.key}
        yield Gate("balance", first, values)


# --- signatures -------------------------------------------------------------------------------


def _act_missing(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    signed = facts.consist.signed()
    return [
        Gate("act_missing", "", {"act": act.key, "kind": facts.consist.train_kind})
        for act in (facts.kind.acts if facts.kind else ()) if act.key not in signed
    ]  # fmt: skip


def _act_returned(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    return [
        Gate("act_returned", "", {"act": sign.act, "reason": sign.reason,
                                  "kind": facts.consist.train_kind, "operation": sign.operation})
        for sign in facts.consist.signed().values() if sign.answer == "returned"
    ]  # fmt: skip


def _act_order(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Signed before somebody who signs earlier had signed."""
    signed, before = facts.consist.signed(), 0
    for act in facts.kind.acts if facts.kind else ():
        sign = signed.get(act.key)
        if sign is not None and sign.at_us < before:
            yield Gate("act_order", "", {"act": act.key, "kind": facts.consist.train_kind,
                                         "operation": sign.operation})  # fmt: skip
        before = max(before, sign.at_us) if sign else before


def _act_own_work(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """One person under two acts, or under the acceptance of what they serviced themselves."""
    accepting = {act.key for act in facts.kind.acts if act.accepts} if facts.kind else set()
    doers = {
        person for unit in facts.units if isinstance(state := unit.state("servicing"), Servicing)
        for supply in state.supplies.values() for person in supply.people
    }  # fmt: skip
    seen: set[str] = set()
    for act, sign in facts.consist.signed().items():
        people = set(sign.people)
        if people & seen or (act in accepting and people & doers):
            yield Gate("act_own_work", "", {"act": act, "kind": facts.consist.train_kind,
                                            "operation": sign.operation})  # fmt: skip
        seen |= people


def _act_no_right(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    rights = {act.key: act.qualification for act in (facts.kind.acts if facts.kind else ())}
    for key, sign in facts.consist.signed().items():
        right = rights.get(key, "")
        if right and not all(facts.may(p, right, sign.at_us) for p in sign.people):
            yield Gate("act_no_right", "", {
                "act": key, "kind": facts.consist.train_kind, "qualification": right,
                "operation": sign.operation,
            })  # fmt: skip


def _consist_contradiction(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    return [
        Gate("consist_contradiction", "", {"key": c.key, "name": c.name})
        for c in facts.consist.contradictions.values()
        if not c.resolution and c.name != "consist_own_work"
    ]


# --- departure --------------------------------------------------------------------------------


def _not_ready(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    ready = facts.consist.decided("ready")
    if ready is None or not ready.released:
        yield Gate("not_ready", "", {"operation": ready.operation if ready else ""})


def _brake_missing(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    if facts.consist.braked() is None:
        void = facts.consist.brakes[-1] if facts.consist.brakes else None
        yield Gate("brake_missing", "", {
            "void": (void.number or "—") if void else "",
            "operation": void.operation if void else "",
        })  # fmt: skip


def _brake_failed(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    brakes = facts.consist.braked()
    if brakes is not None and brakes.outcome != "passed":
        yield Gate("brake_failed", "", {"number": brakes.number, "operation": brakes.operation})


def _brake_force_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    brakes = facts.consist.braked()
    if brakes is None or row.min is None:
        return
    said = [Looked(brakes.operation, what=what, value=value, at_us=brakes.at_us)
            for what, value in (("brake_force_t", brakes.force_t), ("mass_t", brakes.mass_t))]
    yield judged_row(GateRow(row.key, "brake_force", looked=tuple(said), min=row.min))


def _brake_force(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    """Brake force per 100 t of train, by the certificate, under the row's least [tf]."""
    for found in _brake_force_rows(facts, row):
        if found.outcome == "unfit":
            force, mass = found.looked
            yield Gate("brake_force", "", {
                "value": f"{100 * Decimal(force.value) / Decimal(mass.value):.1f}",
                "min": found.min or "", "operation": force.operation, "row": row.key,
            })  # fmt: skip


def _no_locomotive(facts: Facts, row: ReleaseGate) -> Iterable[Gate]:
    brakes = facts.consist.braked()
    if brakes is not None and not brakes.locomotive:
        yield Gate("no_locomotive", "", {"operation": brakes.operation})


_CHECKS: dict[str, Callable[[Facts, ReleaseGate], Iterable[Gate]]] = {
    **dict.fromkeys(
        ("no_decision", "recalled", "on_hold", "scrapped", "not_described", "safety_defect",
         "contradiction", "history_unknown", "restricted", "permission_expired", "work_open",
         "work_incomplete", "instrument", "overdue", "life_expired",
         "campaign_overdue", "remark_overdue", "not_taken_over", "accident_hold",
         "not_examined"), _own),
    "views_behind": _behind, "data_elsewhere": _elsewhere, "unfit": _unfit,
    "doubtful": _doubtful, "reading": _reading,
    "reading_missing": _reading_missing, "no_go": _no_go, "status": _status,
    "identity": _identity, "paper": _paper, "supply": _supply,
    "in_other_train": _in_other_train, "wrong_class": _wrong_class, "template": _template,
    "train_kind_unknown": _train_kind_unknown, "route_unknown": _route_unknown,
    "joint_height": _joint_height, "joint_missing": _joint_missing, "joint_fault": _joint_fault,
    "balance": _balance, "act_missing": _act_missing, "act_returned": _act_returned,
    "act_order": _act_order, "act_own_work": _act_own_work, "act_no_right": _act_no_right,
    "consist_contradiction": _consist_contradiction, "not_ready": _not_ready,
    "brake_missing": _brake_missing, "brake_failed": _brake_failed,
    "brake_force": _brake_force, "no_locomotive": _no_locomotive,
    "return_margin": _return_margin, "admission_age": _admission_age,
    "admission_extended": _admission_extended,
}  # fmt: skip


def _due_rows(facts: Facts, row: ReleaseGate) -> Iterator[GateRow]:
    """How much of each interval of maintenance is used up, by the criterion used up most."""
    for unit in _of_row(facts, row):
        for node, some in unit.dues.items():
            for due in some:
                worst = due.binding
                if worst is not None and due.last is not None:
                    used = Looked(due.last.operation, node, due.kind, value=str(worst.used),
                                  unit_of_measure=worst.unit, at_us=due.last.at_us,
                                  until_us=due.last.until_us, day_ends=_day_ends(due.last),
                                  )  # fmt: skip
                    yield judged_row(GateRow(
                        row.key, "due", node, looked=(used,), limit=due.service,
                        max=str(worst.allowed), departs_us=facts.now_us,
                    ))  # fmt: skip


_ROWS: dict[str, Callable[[Facts, ReleaseGate], Iterator[GateRow]]] = {
    "unfit": _limit_rows, "doubtful": _doubtful_rows, "reading": _own_limit_rows,
    "reading_missing": _fresh_rows, "paper": _paper_rows, "supply": _amount_rows,
    "joint_height": _height_rows, "brake_force": _brake_force_rows, "overdue": _due_rows,
    "data_elsewhere": _heard_rows,
}  # fmt: skip
ROW_CHECKS = frozenset(_ROWS)
"""What can be judged again from what a row holds; the rest is found or not found in the logs."""


def judged_rows(facts: Facts, only: Iterable[ReleaseGate] | None = None) -> list[GateRow]:
    """Return everything that the gates held against a limit, an amount or a date."""
    asked = rows_of(facts) if only is None else only
    return [
        found for row in sorted(asked, key=lambda r: (r.order, r.key)) if row.check in _ROWS
        for found in _ROWS[row.check](facts, row)
    ]  # fmt: skip


def refuses(found: Iterable[Finding]) -> list[Finding]:
    """Return the reasons that nobody may override."""
    return [finding for finding in found if finding.weight == "mandatory"]
