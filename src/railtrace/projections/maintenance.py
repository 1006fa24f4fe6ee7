"""Maintenance: when each kind was last done to a unit, and from that what is due and why.

The view keeps what was done. What is due is resolved when read: a row of the catalogue, the last
service it is counted from, and the unit's counters between that moment and now.

ТО-2 is done to a locomotive and counts for the sections coupled in it then: every service of a
locomotive is kept, and credited to a section when read.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from railtrace.catalogue.rows import CalendarStop, Catalogue, Programme, Row, Service, ServiceLife
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.genealogy import Stay
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry, microseconds, moment
from railtrace.trace.operation import (
    EnteredRepair,
    Inspected,
    LastRepairStated,
    LeftRepair,
    LifeExtended,
    Manufactured,
    Operation,
    PaperIssued,
    ProgrammeChosen,
    Registered,
    SectionsCoupled,
    StateChanged,
    Tested,
)

BUILD = "build"
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

_MOST_KINDS = 60
"""Scopes of inspections are free text: a unit keeps the last of so many, no more."""


class Done(Struct):
    """The last time a kind was done; `until_us` when the paper names its own last day, `until`.

    What was done before the unit was entered is `stated`, maybe with the counters of then.
    """

    at_us: int
    operation: str
    basis: str
    until_us: int | None = None
    stated: bool = False
    km_milli: int | None = None
    hours_milli: int | None = None
    until: str = ""


_SPANS_KEPT = 24


class Span(Struct):
    """A state said of a unit, from a moment to the next; `to_us` None while it lasts."""

    state: str
    from_us: int
    to_us: int | None = None


class Maintenance(State):
    """What was last done to one unit; `spans` are the states a person said, the last few."""

    type: str = ""
    made_us: int | None = None
    made_by: str = ""
    programme: str = ""
    done: dict[str, Done] = {}
    life_until_us: int | None = None
    life_by: str = ""
    life_document: str = ""
    of_sections: bool = False
    born_us: int | None = None
    """The last moment at which it may have been made, by what is stated."""
    spans: list[Span] = []


DAY_ENDS_BY_ENTRY = "entry"
"""The rule by which a named day ends: by the clock on the wall of who named it."""


def offset_of(said_at: datetime) -> int:
    """Return how far the clocks of who says something are ahead of UTC [s]."""
    ahead = said_at.utcoffset()
    return int(ahead.total_seconds()) if ahead else 0


def ends_us(text: str, said_at: datetime) -> int:
    """Return the end of a day, month or year, by the clocks of who named it [µs UTC]."""
    return last_moment(text, offset_of(said_at))


def last_moment(text: str, offset_s: int = 0) -> int:
    """Return the end of a day, month or year written as a partial date [µs UTC].

    `offset_s` is how far the clocks by which the day is meant are ahead of UTC [s].
    """
    year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
    if not month:
        following = date(year + 1, 1, 1)
    elif not day:
        following = date(year + month // 12, month % 12 + 1, 1)
    else:
        following = date(year, month, day) + timedelta(days=1)
    return microseconds(datetime.combine(following, time(), UTC)) - 1 - offset_s * 1_000_000


def _note(state: Maintenance, entry: Entry, kind: str, until: str | None = None) -> None:
    if not kind:
        return
    operation = entry.operation
    assert isinstance(operation, Operation)
    state.done[kind] = Done(
        entry.happened_us, operation.id, operation.basis,
        ends_us(until, operation.happened_at) if until else None, until=until or "",
    )  # fmt: skip
    if len(state.done) > _MOST_KINDS:
        del state.done[min(state.done, key=lambda k: (state.done[k].at_us, k))]


def _apply(
    state: Maintenance, entry: Entry, operation: Operation
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    _take(state, entry, operation)
    return _of_locomotive(state, entry, operation) if state.of_sections else ()


def _of_locomotive(
    state: Maintenance, entry: Entry, operation: Operation
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Keep every service of a locomotive; a repair is a section's own."""
    match operation:
        case Inspected(outcome="passed"):
            kind = operation.scope
        case Tested(outcome="passed"):
            kind = operation.test
        case LeftRepair():
            state.contradict(entry, "repair_of_a_locomotive", repair_kind=operation.repair_kind)
            return ()
        case _:
            return ()
    row = (state.unit, kind, entry.happened_us, operation.basis, operation.id)
    return (("locomotive_services", row),)


def _take(state: Maintenance, entry: Entry, operation: Operation) -> None:
    match operation:
        case SectionsCoupled():
            state.of_sections = state.of_sections or operation.locomotive == state.unit
        case Manufactured():
            state.type, state.made_us, state.made_by = (
                operation.type, entry.happened_us, operation.id,
            )  # fmt: skip
            state.born_us = entry.happened_us
        case Registered():
            state.type = operation.type
            if operation.made and state.made_us is None:
                state.born_us = ends_us(operation.made, operation.happened_at)
        case StateChanged():
            _stand(state, entry, operation.state)
        case EnteredRepair():
            _stand(state, entry, "")
        case LeftRepair():
            _stand(state, entry, "")
            if operation.outcome == "passed":
                _note(state, entry, operation.repair_kind)
        case Inspected(outcome="passed"):
            _note(state, entry, operation.scope)
        case Tested(outcome="passed"):
            _note(state, entry, operation.test)
        case LastRepairStated():
            _note_stated(state, operation)
        case PaperIssued():
            _note(state, entry, operation.service, operation.valid_until)
        case ProgrammeChosen():
            state.programme = operation.programme
        case LifeExtended():
            state.life_until_us = ends_us(operation.until, operation.happened_at)
            state.life_by = operation.id
            state.life_document = operation.document


def _stand(state: Maintenance, entry: Entry, said: str) -> None:
    """End the state said before; a repair ends it without beginning one."""
    if state.spans and state.spans[-1].to_us is None:
        state.spans[-1].to_us = entry.happened_us
    if said:
        state.spans.append(Span(said, entry.happened_us))
        del state.spans[:-_SPANS_KEPT]


def _note_stated(state: Maintenance, said: LastRepairStated) -> None:
    """A statement counts from the first moment of its day, unless the trace saw a later one."""
    if said.grade == "unknown" or not said.done:
        return
    first = date(*(*map(int, said.done.split("-")), 1, 1)[:3])
    at_us = microseconds(datetime.combine(first, time(), UTC))
    before = state.done.get(said.repair_kind)
    if before is not None and not before.stated and before.at_us >= at_us:
        return
    if before is not None and before.stated and said.grade == "stated" != before.basis:
        return
    state.done[said.repair_kind] = Done(
        at_us, said.id, said.grade, stated=True,
        km_milli=None if said.km is None else milli(said.km),
        hours_milli=None if said.engine_hours is None else milli(said.engine_hours),
    )  # fmt: skip


# --- what a section has of its locomotives --------------------------------------------------

ServiceRow = tuple[str, int, str, str]
"""A service of a locomotive: kind, when [µs], basis, operation."""


def credited(state: Maintenance, services: Iterable[ServiceRow]) -> Maintenance:
    """Return a section's maintenance with what was done to its locomotives while it was in them."""
    done = dict(state.done)
    for kind, at_us, basis, operation in services:
        before = done.get(kind)
        if before is None or before.at_us < at_us:
            done[kind] = Done(at_us, operation, basis)
    return state if done == state.done else replace(state, done=done)


def while_coupled(
    stays: Iterable[Stay], services_of: Callable[[str], Iterable[ServiceRow]]
) -> list[ServiceRow]:
    """Return the services of the locomotives that a section was in, while it was in them."""
    return [
        service
        for stay in stays
        for service in services_of(stay.carrier)
        if stay.covers(service[1])
    ]


# --- which programme -------------------------------------------------------------------------


def _in_force(catalogue: Catalogue, row: Row, day: date, chosen: bool = False) -> bool:
    heard = chosen or catalogue.jurisdictions[row.jurisdiction].precedence > 0
    return heard and row.valid_from <= day <= (row.valid_to or date.max)


def _fits(catalogue: Catalogue, programme: Programme, type_: str) -> bool:
    vehicle = catalogue.vehicle_types.get(type_)
    if type_ in programme.vehicle_types or type_ in programme.part_types:
        return True
    return (
        vehicle is not None
        and not programme.vehicle_types
        and vehicle.vehicle_class in programme.vehicle_classes
    )


def programmes_of(
    catalogue: Catalogue, type_: str, day: date, chosen: str = ""
) -> tuple[Programme, ...]:
    """Return the programmes a unit is under: its own first, then those of papers.

    Its own is the one chosen for it; else the best that fits by jurisdiction, by naming the type
    rather than the class, by the later `valid_from`.
    """
    fitting = [
        p for p in catalogue.programmes.values()
        if _fits(catalogue, p, type_) and _in_force(catalogue, p, day)
    ]  # fmt: skip
    papers = tuple(p for p in fitting if p.papers)
    own = catalogue.programmes.get(chosen)
    if own is None:
        own = min(
            (p for p in fitting if not p.papers and not p.chosen),
            key=lambda p: (
                catalogue.jurisdictions[p.jurisdiction].precedence, not p.vehicle_types,
                -p.valid_from.toordinal(), not p.confirmed, p.key,
            ),
            default=None,
        )  # fmt: skip
    return (own, *papers) if own else papers


# --- what is due -----------------------------------------------------------------------------


class Criterion(Struct, frozen=True):
    """One way of counting: used and allowed, both in `unit` (km, h, d).

    `at_least`: the counter at the last service is not known, so more may have been used.
    """

    meter: str
    used: float
    allowed: float
    unit: str
    at_least: bool = False

    @property
    def remaining(self) -> float:
        """What is left; negative when overrun."""
        return self.allowed - self.used

    @property
    def share(self) -> float:
        """How much of the interval is used up."""
        return self.used / self.allowed


class Due(Struct, frozen=True):
    """What the catalogue asks of one unit for one kind of maintenance, and how it stands.

    `state` is ok, tolerated (over the interval, inside its tolerance), overdue, unknown (when it
    was last done is not known), blank (the catalogue has no interval) or other (due by need,
    before a trip, by a campaign). `last_kind` is the kind counted from, `build` for the making.
    """

    unit: str
    kind: str
    service: str
    state: str
    last_kind: str = ""
    last: Done | None = None
    criteria: tuple[Criterion, ...] = ()
    calendar_us: int | None = None
    stops: bool = False
    stood_us: int = 0
    """How long the calendar stood still, by a rule of the catalogue."""

    @property
    def binding(self) -> Criterion | None:
        """The criterion of which most is used up."""
        return max(self.criteria, key=lambda c: c.share, default=None)


CountedAt = Callable[[str, int, int | None], tuple[float, bool]]
"""(meter, since µs, counter then if stated) to what was run [km or h], and whether at least."""


Plan = tuple[tuple[tuple[Service, ...], tuple[Service, ...]], ...]
"""For each kind of a unit's programmes: its rows, and all rows of the programme it is of."""


def plan_of(catalogue: Catalogue, type_: str, day: date, chosen: str = "") -> Plan:
    """Return what the catalogue in force asks of a type, or of a unit under a chosen programme."""
    plan = []
    for programme in programmes_of(catalogue, type_, day, chosen):
        services = tuple(
            s for s in catalogue.services_of.get(programme.key, ())
            if _in_force(catalogue, s, day, programme.key == chosen)
        )  # fmt: skip
        for kind in dict.fromkeys(s.kind for s in services):
            plan.append((tuple(s for s in services if s.kind == kind), services))
    return tuple(plan)


Stops = tuple[CalendarStop, ...]


def stops_of(catalogue: Catalogue, day: date) -> Stops:
    """Return the rules in force by which a calendar stands still; unconfirmed ones do not hold."""
    rows = catalogue.calendar_stops.values()
    return tuple(row for row in rows if row.confirmed and _in_force(catalogue, row, day))


def stood_us(state: Maintenance, states: frozenset[str], from_us: int, to_us: int) -> int:
    """Return how long a unit was in some states between two moments [µs]."""
    return sum(
        max(min(span.to_us or to_us, to_us) - max(span.from_us, from_us), 0)
        for span in state.spans
        if span.state in states
    )


def dues(
    state: Maintenance, plan: Plan, now_us: int, counted_since: CountedAt, stops: Stops = ()
) -> list[Due]:
    """Return how each kind of a plan stands for a unit, the smallest first."""
    return [_due(state, rows, services, now_us, counted_since, stops) for rows, services in plan]


def _due(
    state: Maintenance, rows: Sequence[Service], services: Sequence[Service], now_us: int,
    counted_since: CountedAt, stops: Stops,
) -> Due:  # fmt: skip
    last_kind, last = _last(state, rows[0], services)
    row = next((r for r in rows if last_kind in r.after), None) or next(
        (r for r in rows if not r.after), rows[0]
    )
    base = Due(state.unit, row.kind, row.key, "other", last_kind, last)
    if row.when != "interval":
        return base
    if last is not None and last.until_us is not None:
        return _of_paper(base, row, last, now_us)
    if not any(r.has_interval for r in rows):
        return _with(base, state="blank")
    if last is None or (row.after and last_kind not in row.after):
        return _with(base, state="unknown")
    if not row.has_interval:
        return _with(base, state="blank")
    still = frozenset(s for stop in stops if stop.covers(row) for s in stop.states)
    stood = stood_us(state, still, last.at_us, now_us) if still and state.spans else 0
    return _counted(base, row, last, now_us, counted_since, stood)


def _with(due: Due, **fields: Any) -> Due:
    return replace(due, **fields)


def _last(state: Maintenance, row: Service, services: Sequence[Service]) -> tuple[str, Done | None]:
    """Return the last service that counts: of this kind or a greater one, else the making."""
    best: tuple[str, Done] | None = None
    for service in services:
        if not _resets(service, row):
            continue
        for name in (service.kind, service.key, *service.also):
            done = state.done.get(name)
            if done is not None and (best is None or done.at_us > best[1].at_us):
                best = service.kind, done
    if best is not None:
        return best
    if state.made_us is not None:
        return BUILD, Done(state.made_us, state.made_by, "observed")
    return "", None


def _resets(service: Service, row: Service) -> bool:
    """Tell whether a kind is counted anew after a service: its own, or a greater one."""
    return service.kind == row.kind or service.rank > row.rank > 0


def ended_by(plan: Plan) -> dict[str, frozenset[str]]:
    """Return of each kind of a plan the names of the repairs that end its interval."""
    return {
        rows[0].kind: frozenset(
            name for service in services if _resets(service, rows[0])
            for name in (service.kind, service.key, *service.also)
        )
        for rows, services in plan
    }


def _of_paper(base: Due, row: Service, last: Done, now_us: int) -> Due:
    assert last.until_us is not None
    allowed = max((last.until_us - last.at_us) / DAY_US, 1e-3)
    criterion = Criterion("paper", (now_us - last.at_us) / DAY_US, allowed, "d")
    over = now_us > last.until_us
    return _with(
        base, state="overdue" if over else "ok", criteria=(criterion,),
        calendar_us=last.until_us, stops=over and row.overrun == "stop",
    )  # fmt: skip


def _counted(
    base: Due, row: Service, last: Done, now_us: int, counted_since: CountedAt, stood: int
) -> Due:
    """Count what is used up; `stood` is how long the calendar stood still [µs]."""
    criteria, calendar_us = [], None
    ran_us = now_us - last.at_us - stood
    if row.km:
        used, least = counted_since("km", last.at_us, last.km_milli)
        criteria.append(Criterion("km", used, row.km, "km", least))
    if row.engine_hours:
        used, least = counted_since("engine_hours", last.at_us, last.hours_milli)
        criteria.append(Criterion("engine_hours", used, row.engine_hours, "h", least))
    if row.hours:
        calendar_us = last.at_us + row.hours * HOUR_US + stood
        criteria.append(Criterion("hours", ran_us / HOUR_US, row.hours, "h"))
    if row.months or row.days:
        length_us = _calendar_us(last.at_us, row)
        ends_us = last.at_us + length_us + stood
        calendar_us = min(calendar_us or ends_us, ends_us)
        criteria.append(Criterion("calendar", ran_us / DAY_US, length_us / DAY_US, "d"))
    worst = max(c.share for c in criteria)
    tolerated = 1 + row.tolerance_percent / 100
    state = "ok" if worst <= 1 else "tolerated" if worst <= tolerated else "overdue"
    return _with(
        base, state=state, criteria=tuple(criteria), calendar_us=calendar_us,
        stops=state == "overdue" and row.overrun == "stop", stood_us=stood,
    )  # fmt: skip


def _calendar_us(from_us: int, row: Service) -> int:
    """Length of the interval: months end on the same day of the month, or on its last."""
    if row.days:
        return row.days * DAY_US
    start = moment(from_us)
    months = start.month - 1 + (row.months or 0)
    year, month = start.year + months // 12, months % 12 + 1
    for day in (start.day, 30, 29, 28):
        try:
            return microseconds(start.replace(year=year, month=month, day=day)) - from_us
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


# --- service life ----------------------------------------------------------------------------


class Life(Struct, frozen=True):
    """When a unit's service life ends: by its extension, else by the row of its type.

    `stops` whether its end keeps the unit in. Of a making stated as a year, the year's end counts.
    """

    until_us: int
    stops: bool
    row: ServiceLife | None = None
    document: str = ""
    operation: str = ""


def life_of(state: Maintenance, catalogue: Catalogue, now_us: int) -> Life | None:
    """Return the service life of a unit, None where neither paper nor row says anything."""
    if state.life_until_us is not None:
        return Life(state.life_until_us, True, None, state.life_document, state.life_by)
    row = life_row(catalogue, state.type, moment(now_us).date())
    if row is None or row.years is None or state.born_us is None:
        return None
    born = moment(state.born_us)
    day = 28 if (born.month, born.day) == (2, 29) else born.day
    until = born.replace(year=born.year + row.years, day=day)
    return Life(microseconds(until), row.overrun == "stop", row, "", state.made_by)


def life_row(catalogue: Catalogue, type_: str, day: date) -> ServiceLife | None:
    """Return the row of a type's service life: of the type before the class, by jurisdiction."""
    named = [
        row for row in catalogue.service_lives.values()
        if _in_force(catalogue, row, day)
        and (type_ in row.vehicle_types or type_ in row.part_types
             or (not row.vehicle_types and not row.part_types
                 and catalogue.class_of(type_) in row.vehicle_classes))
    ]  # fmt: skip
    return min(
        named,
        key=lambda row: (catalogue.jurisdictions[row.jurisdiction].precedence,
                         not (row.vehicle_types or row.part_types), row.key),
        default=None,
    )  # fmt: skip


# --- the view --------------------------------------------------------------------------------


def _rows(state: Maintenance, catalogue: Catalogue) -> Rows:
    done: Iterable[tuple[str, Done]] = sorted(state.done.items())
    return {
        "services_done": [
            (state.unit, kind, d.at_us, d.until_us, d.basis, d.operation) for kind, d in done
        ],
    }


MAINTENANCE = View(
    name="maintenance",
    version=4,
    state=Maintenance,
    kinds=frozenset({
        "Manufactured", "Registered", "LeftRepair", "Inspected", "Tested", "PaperIssued",
        "ProgrammeChosen", "LifeExtended", "LastRepairStated", "SectionsCoupled",
        "StateChanged", "EnteredRepair",
    }),
    tables={
        "services_done": (
            "unit TEXT", "kind TEXT", "at_us BIGINT", "until_us BIGINT", "basis TEXT",
            "operation TEXT",
        ),
    },
    history={
        "locomotive_services": (
            "unit TEXT", "kind TEXT", "at_us BIGINT", "basis TEXT", "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
