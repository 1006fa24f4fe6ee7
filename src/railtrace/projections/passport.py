"""Passport: what a unit is, which numbers it has borne, where it is and in which state."""

from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.standing import SPANS, Permission, Restriction, Span, Standing
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    AlarmChecked,
    Commissioned,
    Condemned,
    EnteredRepair,
    GuestSeen,
    Held,
    HolderChanged,
    HoldLifted,
    LeftRepair,
    LocationReported,
    MachineRegistered,
    Manufactured,
    MarkingChanged,
    Number,
    Operation,
    OriginDecided,
    OriginDisputed,
    PermissionEnded,
    Permitted,
    Registered,
    Restricted,
    RestrictionLifted,
    StateChanged,
    WrittenOff,
)

_PRIMARY = ("series", "network8", "evn", "serial", "other")
"""A locomotive is called by its series and number, though it bears eight digits too."""


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
    service_state: str = ""
    service_us: int | None = None
    expected_until: str = ""
    keeper: str = ""
    holder_us: int | None = None
    guest: bool = False
    owner_state: str = ""
    painted: list[tuple[str, str]] = []
    restrictions: list[Restriction] = []
    permissions: list[Permission] = []
    span: Span | None = None

    @property
    def status(self) -> str:
        """The key of the state the unit is in now; a state said within a repair tells why."""
        if self.scrapped:
            return self.scrapped
        if self.holds:
            return "on_hold"
        if self.service_state not in ("", "in_use"):
            return self.service_state
        if self.repair_us is not None:
            return "in_repair"
        if self.guest:
            return "guest"
        if self.whereabouts == "abroad":
            return "abroad"
        in_use = self.commissioned_us is not None or self.service_state
        return "in_use" if in_use else "registered"

    def standing(self) -> Standing:
        """Return state, place and holders as they are now."""
        return Standing(
            self.status, self.repair_kind, self.place, self.whereabouts, self.owner, self.keeper,
            self.home_site,
        )  # fmt: skip

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
    state.guest = False
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
    state.service_state, state.expected_until = "", ""


def _enter_repair(state: Passport, entry: Entry, operation: EnteredRepair) -> None:
    if state.repair_us is not None:
        state.contradict(entry, "entered_repair_twice", first=state.repair_kind)
    state.repair_kind, state.repair_us = operation.repair_kind, entry.happened_us
    state.service_state, state.expected_until = "", ""


def _change_state(state: Passport, entry: Entry, operation: StateChanged) -> None:
    now = state.status
    if state.service_us == entry.happened_us and state.service_state != operation.state:
        state.contradict(
            entry, "two_states_at_once", first=state.service_state, second=operation.state
        )
    elif operation.from_state and state.described and operation.from_state != now:
        state.contradict(entry, "state_was_other", said=operation.from_state, state=now)
    if operation.state == "in_use" and state.repair_us is not None:
        state.contradict(entry, "in_use_while_in_repair", repair_kind=state.repair_kind)
    state.service_state, state.service_us = operation.state, entry.happened_us
    state.expected_until = operation.expected_until or ""


def _change_holder(state: Passport, entry: Entry, operation: HolderChanged) -> None:
    for name in ("owner", "keeper", "home_site"):
        new, said, held = getattr(operation, name), getattr(operation, f"from_{name}"), ""
        held = getattr(state, name)
        if new and held and state.holder_us == entry.happened_us and new != held:
            state.contradict(entry, "two_holders_at_once", first=held, second=new)
        elif said and held and said != held:
            state.contradict(entry, "holder_was_other", said=said, held=held)
        setattr(state, name, new or held)
    state.holder_us = entry.happened_us


def _restrict(state: Passport, entry: Entry, operation: Restricted) -> None:
    state.restrictions.append(Restriction(
        operation.id, operation.restriction, operation.effect, operation.max_speed_kmh,
        operation.area, operation.until or "", entry.happened_us,
    ))  # fmt: skip


def _permit(state: Passport, entry: Entry, operation: Permitted) -> None:
    state.permissions.append(Permission(
        operation.id, operation.permission, operation.area, operation.until or "",
        entry.happened_us,
    ))  # fmt: skip


def _unrestrict(state: Passport, entry: Entry, operation: RestrictionLifted) -> None:
    rest = [r for r in state.restrictions if r.id != operation.restricted]
    if len(rest) == len(state.restrictions):
        state.contradict(entry, "restriction_not_set", restriction=operation.restricted)
    state.restrictions = rest


def _end_permission(state: Passport, entry: Entry, operation: PermissionEnded) -> None:
    rest = [p for p in state.permissions if p.id != operation.permitted]
    if len(rest) == len(state.permissions):
        state.contradict(entry, "permission_not_given", permission=operation.permitted)
    state.permissions = rest


def _see_guest(state: Passport, entry: Entry, operation: GuestSeen) -> None:
    """A guest is known by its paint alone; a unit described before stays what it is."""
    state.guest = not state.described or state.guest
    state.described = state.described or operation.id
    state.type = state.type or operation.type or ""
    state.owner_state = operation.owner_state or state.owner_state
    for number in operation.numbers:
        _give(state, number, entry.happened_us)
    painted = dict(state.painted) | {mark.label: mark.value for mark in operation.painted}
    state.painted = list(painted.items())


def _lift(state: Passport, entry: Entry, operation: HoldLifted) -> None:
    rest = [hold for hold in state.holds if hold.id != operation.hold]
    if len(rest) == len(state.holds):
        state.contradict(entry, "hold_not_set", hold=operation.hold)
    state.holds = rest


def _scrap(state: Passport, entry: Entry, word: str) -> None:
    if state.scrapped:
        state.contradict(entry, "scrapped_twice", first=state.scrapped)
    state.scrapped, state.scrapped_us = word, entry.happened_us


def _apply(
    state: Passport, entry: Entry, operation: Operation
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    _take(state, entry, operation)
    return _stand(state, entry)


def _stand(state: Passport, entry: Entry) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Begin a new span when something changed; what was before a unit's entry stays unknown."""
    standing, before = state.standing(), state.span
    if not state.described or (before is not None and before.standing == standing):
        return ()
    state.span = Span(standing, entry.happened_us, entry.log, entry.position)
    if before is None or before.from_us == entry.happened_us:
        return ()
    return (("state_spans", before.row(state.unit, entry.happened_us)),)


_AFTER_ALL = (
    Condemned, WrittenOff, LocationReported, AlarmChecked, OriginDecided, OriginDisputed,
)  # fmt: skip
"""What may be said of a unit that is no more: where it lies, and what commissions find out."""


def _take(state: Passport, entry: Entry, operation: Operation) -> None:
    if state.scrapped and not isinstance(operation, _AFTER_ALL):
        state.contradict(entry, "after_scrapping", kind=entry.kind)
    match operation:
        case Manufactured() | Registered():
            _describe(state, entry, operation)
        case MachineRegistered():
            state.type = state.type or operation.machine
            state.maker, state.home_site = (
                state.maker or operation.maker, state.home_site or operation.site,
            )  # fmt: skip
        case Commissioned():
            state.commissioned_us = entry.happened_us
            _belongs(state, operation.owner, operation.home_site)
        case MarkingChanged():
            _remark(state, entry, operation)
        case LocationReported():
            state.place, state.whereabouts = operation.place, operation.whereabouts
            state.place_us = entry.happened_us
        case EnteredRepair():
            _enter_repair(state, entry, operation)
        case LeftRepair():
            _leave_repair(state, entry, operation)
        case Held():
            state.holds.append(
                Hold(operation.id, operation.reason, operation.recall, entry.happened_us)
            )
        case HoldLifted():
            _lift(state, entry, operation)
        case StateChanged():
            _change_state(state, entry, operation)
        case HolderChanged():
            _change_holder(state, entry, operation)
        case Restricted():
            _restrict(state, entry, operation)
        case RestrictionLifted():
            _unrestrict(state, entry, operation)
        case Permitted():
            _permit(state, entry, operation)
        case PermissionEnded():
            _end_permission(state, entry, operation)
        case GuestSeen():
            _see_guest(state, entry, operation)
        case Condemned():
            _scrap(state, entry, "condemned")
        case WrittenOff():
            _scrap(state, entry, "written_off")


def _rows(state: Passport, catalogue: Catalogue) -> Rows:
    number = state.primary()
    unit = (
        state.unit,
        catalogue.class_of(state.type),
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
        state.keeper,
        int(state.guest),
        len(state.restrictions),
        state.repair_kind,
        state.span.from_us if state.span else None,
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
    version=4,
    state=Passport,
    kinds=frozenset({
        "Manufactured", "Registered", "Commissioned", "MarkingChanged", "LocationReported",
        "EnteredRepair", "LeftRepair", "Held", "HoldLifted", "Condemned", "WrittenOff",
        "StateChanged", "HolderChanged", "Restricted", "RestrictionLifted", "Permitted",
        "PermissionEnded", "GuestSeen", "MachineRegistered",
    }),
    sees_all_with=frozenset({"Condemned", "WrittenOff"}),
    tables={
        "units": (
            "unit TEXT PRIMARY KEY", "vehicle_class TEXT", "type TEXT", "number TEXT",
            "scheme TEXT", "status TEXT", "owner TEXT", "home_site TEXT", "maker TEXT",
            "heat TEXT", "batch TEXT", "made TEXT", "place TEXT", "whereabouts TEXT",
            "place_us BIGINT", "holds BIGINT", "scrapped_us BIGINT", "keeper TEXT",
            "guest BIGINT", "restrictions BIGINT", "detail TEXT", "since_us BIGINT",
        ),
        "numbers": (
            "unit TEXT", "scheme TEXT", "value TEXT", "mark TEXT", "from_us BIGINT",
            "to_us BIGINT",
        ),
    },
    history={"state_spans": SPANS},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
