"""Passport: what a unit is, which numbers it has borne, where it is and in which state."""

from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    Commissioned,
    Condemned,
    EnteredRepair,
    Held,
    HoldLifted,
    LeftRepair,
    LocationReported,
    Manufactured,
    MarkingChanged,
    Number,
    Operation,
    Registered,
    WrittenOff,
)

_PRIMARY = ("network8", "series", "evn", "serial", "other")


class NumberHeld(Struct):
    """A number on the unit from one moment to another; `to_us` None while it stands."""

    scheme: str
    value: str
    mark: str
    from_us: int
    to_us: int | None = None


class Hold(Struct):
    """A hold: the id of the operation that set it, why, since when."""

    id: str
    reason: str
    recall: str
    from_us: int


class Passport(State):
    """What is known of a unit's identity, place and service."""

    type: str = ""
    described: str = ""
    maker: str = ""
    heat: str = ""
    batch: str = ""
    made: str = ""
    owner: str = ""
    home_site: str = ""
    numbers: list[NumberHeld] = []
    place: str = ""
    whereabouts: str = ""
    place_us: int | None = None
    commissioned_us: int | None = None
    repair_kind: str = ""
    repair_us: int | None = None
    scrapped: str = ""
    scrapped_us: int | None = None
    holds: list[Hold] = []

    @property
    def status(self) -> str:
        """One word for what the unit is in now."""
        if self.scrapped:
            return self.scrapped
        if self.holds:
            return "on_hold"
        if self.repair_us is not None:
            return "in_repair"
        if self.whereabouts == "abroad":
            return "abroad"
        return "in_use" if self.commissioned_us is not None else "registered"

    def primary(self) -> NumberHeld | None:
        """The number a person calls the unit by: the best scheme now standing."""
        standing = [number for number in self.numbers if number.to_us is None]
        return min(standing, key=lambda n: _PRIMARY.index(n.scheme), default=None)


def _describe(state: Passport, entry: Entry, operation: Manufactured | Registered) -> None:
    if state.described and state.type != operation.type:
        state.contradict(entry, "type_differs", first=state.type, now=operation.type)
    state.type = operation.type
    state.described = state.described or operation.id
    state.maker = operation.maker or state.maker
    state.heat = operation.heat or state.heat
    state.batch = operation.batch or state.batch
    for number in operation.numbers:
        _give(state, number, entry.happened_us)
    if isinstance(operation, Registered):
        state.made = operation.made or state.made
        _belongs(state, operation.owner, operation.home_site)
        state.commissioned_us = state.commissioned_us or entry.happened_us
    else:
        state.made = operation.happened_at.date().isoformat()[: _MADE[operation.time_precision]]


_MADE = {"year": 4, "month": 7, "day": 10, "minute": 10, "second": 10}


def _belongs(state: Passport, owner: str, home_site: str) -> None:
    state.owner = owner or state.owner
    state.home_site = home_site or state.home_site


def _give(state: Passport, number: Number, at_us: int) -> None:
    for held in state.numbers:
        if (held.scheme, held.value) == (number.scheme, number.value) and held.to_us is None:
            held.mark = number.mark
            return
    state.numbers.append(NumberHeld(number.scheme, number.value, number.mark, at_us))


def _withdraw(state: Passport, entry: Entry, number: Number) -> None:
    for held in state.numbers:
        if (held.scheme, held.value) == (number.scheme, number.value) and held.to_us is None:
            held.to_us = entry.happened_us
            return
    state.contradict(entry, "number_not_borne", number=number.value)


def _remark(state: Passport, entry: Entry, operation: MarkingChanged) -> None:
    for number in operation.withdrawn:
        _withdraw(state, entry, number)
    for number in operation.given:
        _give(state, number, entry.happened_us)


def _leave_repair(state: Passport, entry: Entry, operation: LeftRepair) -> None:
    if state.repair_us is None:
        # Of a repair before the unit itself was entered, nobody recorded the beginning.
        if state.described:
            state.contradict(entry, "left_repair_not_entered", repair_kind=operation.repair_kind)
    elif state.repair_kind != operation.repair_kind:
        state.contradict(
            entry, "other_repair_left", entered=state.repair_kind, left=operation.repair_kind
        )
    state.repair_kind, state.repair_us = "", None


def _lift(state: Passport, entry: Entry, operation: HoldLifted) -> None:
    rest = [hold for hold in state.holds if hold.id != operation.hold]
    if len(rest) == len(state.holds):
        state.contradict(entry, "hold_not_set", hold=operation.hold)
    state.holds = rest


def _scrap(state: Passport, entry: Entry, word: str) -> None:
    if state.scrapped:
        state.contradict(entry, "scrapped_twice", first=state.scrapped)
    state.scrapped, state.scrapped_us = word, entry.happened_us


def _apply(state: Passport, entry: Entry, operation: Operation) -> None:
    if state.scrapped and not isinstance(operation, Condemned | WrittenOff | LocationReported):
        state.contradict(entry, "after_scrapping", kind=entry.kind)
    match operation:
        case Manufactured() | Registered():
            _describe(state, entry, operation)
        case Commissioned():
            state.commissioned_us = entry.happened_us
            _belongs(state, operation.owner, operation.home_site)
        case MarkingChanged():
            _remark(state, entry, operation)
        case LocationReported():
            state.place, state.whereabouts = operation.place, operation.whereabouts
            state.place_us = entry.happened_us
        case EnteredRepair():
            if state.repair_us is not None:
                state.contradict(entry, "entered_repair_twice", first=state.repair_kind)
            state.repair_kind, state.repair_us = operation.repair_kind, entry.happened_us
        case LeftRepair():
            _leave_repair(state, entry, operation)
        case Held():
            state.holds.append(
                Hold(operation.id, operation.reason, operation.recall, entry.happened_us)
            )
        case HoldLifted():
            _lift(state, entry, operation)
        case Condemned():
            _scrap(state, entry, "condemned")
        case WrittenOff():
            _scrap(state, entry, "written_off")


def _rows(state: Passport, catalogue: Catalogue) -> Rows:
    number = state.primary()
    vehicle = catalogue.vehicle_types.get(state.type)
    unit = (
        state.unit,
        vehicle.vehicle_class if vehicle else "part" if state.type else "",
        state.type,
        number.value if number else "",
        number.scheme if number else "",
        state.status,
        state.owner,
        state.home_site,
        state.maker,
        state.heat,
        state.batch,
        state.made,
        state.place,
        state.whereabouts,
        state.place_us,
        len(state.holds),
        state.scrapped_us,
    )
    numbers = [(state.unit, n.scheme, n.value, n.mark, n.from_us, n.to_us) for n in state.numbers]
    return {"units": [unit], "numbers": numbers}


def number_twins(rows: list[tuple[Any, ...]]) -> dict[str, list[str]]:
    """Group (unit, value) rows by value where several units bear one number now."""
    by_value: dict[str, list[str]] = {}
    for unit, value in rows:
        by_value.setdefault(value, []).append(unit)
    return {value: units for value, units in by_value.items() if len(units) > 1}


PASSPORT = View(
    name="passport",
    version=1,
    state=Passport,
    kinds=frozenset({
        "Manufactured", "Registered", "Commissioned", "MarkingChanged", "LocationReported",
        "EnteredRepair", "LeftRepair", "Held", "HoldLifted", "Condemned", "WrittenOff",
    }),
    sees_all_with=frozenset({"Condemned", "WrittenOff"}),
    tables={
        "units": (
            "unit TEXT PRIMARY KEY", "vehicle_class TEXT", "type TEXT", "number TEXT",
            "scheme TEXT", "status TEXT", "owner TEXT", "home_site TEXT", "maker TEXT",
            "heat TEXT", "batch TEXT", "made TEXT", "place TEXT", "whereabouts TEXT",
            "place_us BIGINT", "holds BIGINT", "scrapped_us BIGINT",
        ),
        "numbers": (
            "unit TEXT", "scheme TEXT", "value TEXT", "mark TEXT", "from_us BIGINT",
            "to_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
