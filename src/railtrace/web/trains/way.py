"""After the train has left: its trip against the promise, whose hands were last, the scoreboard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from railtrace.errors import NotFound
from railtrace.projections.consist import Consist
from railtrace.projections.metrology import standing
from railtrace.projections.trip import Held, by_decile, held, tally
from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.trains import Trains
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    DefectFound,
    Evidence,
    Failed,
    Operation,
    UnitDetached,
    WaysideAlarmed,
)
from railtrace.web.corrections import standing as standing_corrections
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.operations import Card, card, load_named
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.trains.board import stage_of, trains
from railtrace.web.trains.freezing import awaited, frozen_of, promise_in
from railtrace.web.trains.page import found
from railtrace.web.trains.promise import CHANCES, sees

EVENTS = ("UnitDetached", "DefectFound", "DefectClosed", "Failed", "WaysideAlarmed",
          "AlarmChecked")  # fmt: skip
HANDS = 40
"""The last operations that are shown of a component."""
BEFORE_US = 48 * 3_600_000_000
"""What was found so long before a unit was uncoupled is why it was uncoupled."""
_LONGEST, _TRIPS = 500, 500


# --- the trip ---------------------------------------------------------------------------------


@allowed("read")
def trip(request: HttpRequest, consist: str) -> HttpResponse:
    """Show how a trip went, and what came of what was promised."""
    reader, names = trains(), the_names()
    state = found(reader, consist)
    if state.departed_us is None:
        raise NotFound("train {train} has not left yet", train=state.train)
    route = names.catalogue.routes.get(state.route)
    context = {
        "section": "trains", "tab": "board", "consist": state, "names": names,
        "stage": stage_of(state), "route": route.name(names.language) if route else state.route,
        "cards": happened(reader, state, names), "sees": sees(request.user),
        "promises": said(held_of([state])) if sees(request.user) else [],
        "awaited": awaited(the_app(), state),
        "detached": [(d, names.number(reader.knowledge.passport(d.unit)))
                     for d in state.detached],
    }  # fmt: skip
    return render(request, "trains/trip.html", context)


def happened(reader: Trains, state: Consist, names: Names) -> list[tuple[Card, str]]:
    """Return what happened to the units of a trip, each with the unit's number in the train."""
    standing_units = state.compositions[-1].units
    knowledge = reader.knowledge
    knowledge.load_trees(standing_units)
    place = {n.unit: p for p, unit in enumerate(standing_units, 1)
             for n in knowledge.tree(unit).walk()}  # fmt: skip
    rows = the_app().lookup.timeline(
        list(place), EVENTS, None, state.closed_us or None, None, _LONGEST
    )  # fmt: skip
    since = [(row[3], row[4]) for row in rows if row[1] >= (state.departed_us or 0)]
    entries = the_app().entries_at(since)
    load_named(knowledge, entries)
    corrected = corrected_among(entries)
    return [
        (card(entry, knowledge, names, "", corrected), f"№ {place[unit]}" if unit in place else "")
        for entry in sorted(entries, key=lambda e: e.life_key)
        for unit in entry.units[:1]
    ]


def corrected_among(entries: Sequence[Entry]) -> dict[str, str]:
    """Return which of some entries were corrected since, and how: no page shows both as true."""
    stands = standing_corrections([entry.operation.id for entry in entries], None)
    return {id_: c.operation.action for id_, c in stands.items()}  # type: ignore[union-attr]


def held_of(states: Sequence[Consist]) -> list[Held]:
    """Hold trips against what was frozen at their departures; nothing where nothing was."""
    kept = frozen_of(the_app(), states)
    return [one for state in states if state.consist in kept
            for one in _held(state, kept[state.consist])]  # fmt: skip


def _held(state: Consist, entry: Entry) -> list[Held]:
    try:
        return held(state, msgspec.to_builtins(promise_in(entry)))
    except NotFound:
        return []


def said(some: Sequence[Held]) -> list[tuple[str, Held]]:
    """Return promises with their words."""
    return [(CHANCES[one.name], one) for one in some]


# --- last hands -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hand:
    """One operation on the component: who, with what, whether that could be leaned on, photos."""

    card: Card
    people: tuple[str, ...]
    device: str
    device_name: str
    trust: str
    photos: tuple[Evidence, ...]


@allowed("read")
def hands(request: HttpRequest, operation: str) -> HttpResponse:
    """Show the last operations on the component that an event on the way was about."""
    app, names = the_app(), the_names()
    entry = app.entry(operation)
    knowledge = app.knowledge()
    event = cause_of(entry, knowledge) or entry
    units, way = component_of(event, knowledge)
    knowledge.load(units)
    entries = list(before(event, units))
    load_named(knowledge, [*entries, event, entry])
    corrected = corrected_among([*entries, event, entry])
    rows = [_hand(one, knowledge, names, units[0], corrected) for one in entries]
    context = {
        "section": "trains", "tab": "board", "names": names, "rows": rows, "event": entry,
        "event_card": card(entry, knowledge, names, "", corrected),
        "cause": card(event, knowledge, names, "", corrected) if event is not entry else None,
        "unit": units[0], "component": names.unit(knowledge.passport(units[0])),
        "way": names.position(way), "most": HANDS,
    }  # fmt: skip
    return render(request, "trains/hands.html", context)


def cause_of(entry: Entry, knowledge: Knowledge) -> Entry | None:
    """Return what was found on a unit before it was uncoupled, the latest of it."""
    if not isinstance(entry.operation, UnitDetached):
        return None
    nodes = [n.unit for unit in entry.operation.units for n in knowledge.tree(unit).walk()]
    rows = the_app().lookup.timeline(
        nodes, ("DefectFound", "Failed", "WaysideAlarmed"), None, entry.happened_us, None, 1
    )
    if not rows or entry.happened_us - rows[0][1] > BEFORE_US:
        return None
    return the_app().entry_at(rows[0][3], rows[0][4])


def component_of(event: Entry, knowledge: Knowledge) -> tuple[list[str], str]:
    """Return the component an event is about with the parts on it, and where it sits.

    The place an event names is followed down the structure as far as parts are known there.
    """
    node, way = _follow(knowledge.tree(event.units[0]), _place_of(event))
    return [one.unit for one in node.walk()], way


def _place_of(event: Entry) -> str:
    operation = event.operation
    if isinstance(operation, DefectFound | Failed | WaysideAlarmed) and operation.place:
        return operation.place
    readings = operation.readings if isinstance(operation, Operation) else ()
    return next((r.place for r in readings if r.place), "")


def _follow(node: Node, place: str, way: str = "") -> tuple[Node, str]:
    for child in node.children:
        position = child.stay.position if child.stay else ""
        if position and (place == position or place.startswith(f"{position}/")):
            return _follow(child, place.removeprefix(position).lstrip("/"),
                           f"{way}/{position}".strip("/"))  # fmt: skip
    return node, way


def before(event: Entry, units: Sequence[str]) -> Iterator[Entry]:
    """Yield the last entries about some units up to an event, the newest first."""
    rows = the_app().lookup.timeline(
        units, (), None, event.happened_us, None, HANDS + 1
    )
    for entry in the_app().entries_at((row[3], row[4]) for row in rows):
        if entry.operation.id != event.operation.id:
            yield entry


def _hand(
    entry: Entry, knowledge: Knowledge, names: Names, of: str, corrected: dict[str, str]
) -> Hand:
    operation, trust = entry.operation, ""
    if not isinstance(operation, Operation):
        return Hand(card(entry, knowledge, names, of, corrected), (), "", "", "", ())
    device = operation.device or ""
    if device:
        word = standing(knowledge.instrument(device), entry.happened_us).word
        trust = "" if word == "valid" else word
    return Hand(
        card(entry, knowledge, names, of, corrected), tuple(operation.performed_by), device,
        names.unit(knowledge.passport(device)) if device else "", trust,
        tuple(e for e in operation.evidence if e.evidence_class == "photo"),
    )  # fmt: skip


# --- the scoreboard ---------------------------------------------------------------------------


@allowed("read")
def scoreboard(request: HttpRequest) -> HttpResponse:
    """Show what was promised of trains against what came, by tenth, route and depot."""
    reader, names = trains(), the_names()
    listed = the_app().lookup.consists_closed(_TRIPS)
    reader.knowledge.load([one.unit for one in listed])
    states = {one.consist: reader.consist(one.consist) for one in listed}
    some = [(states[one.consist], one) for one in held_of(list(states.values()))] if sees(
        request.user) else []  # fmt: skip
    names_of_routes = {key: row.name(names.language) for key, row in
                       names.catalogue.routes.items()}  # fmt: skip
    sites = {key: s.name(names.language) for key, s in the_app().config.sites.items()}
    tables = [
        (CHANCES[name], by_decile([h for _, h in mine]),
         _by(mine, lambda s: names_of_routes.get(s.route, s.route)),
         _by(mine, lambda s: sites.get(s.site, s.site or "—")))
        for name in CHANCES if (mine := [(s, h) for s, h in some if h.name == name])
    ]  # fmt: skip
    context = {"section": "trains", "tab": "scoreboard", "tables": tables, "names": names,
               "trips": len(states), "promised": len({s.consist for s, _ in some})}  # fmt: skip
    return render(request, "trains/scoreboard.html", context)


def _by(some: Sequence[tuple[Consist, Held]], name: Callable[[Consist], str]) -> list[Any]:
    groups: dict[str, list[Held]] = {}
    for state, one in some:
        groups.setdefault(name(state), []).append(one)
    return [tally(key, mine) for key, mine in sorted(groups.items())]
