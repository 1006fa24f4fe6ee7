"""The promise of a consist: apart from the gates, with its band, weakest links and exchanges."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop as _

from railtrace.errors import NotFound, RailtraceError
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts
from railtrace.store.promise import Fleets, Link, Offer, Promise, offers, promise_of
from railtrace.store.reliability import FleetReliability
from railtrace.store.trains import Trains
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import LogSize, ResultSealed
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.reliability.computed import UNDER_WAY, computed
from railtrace.web.reliability.words import GRADES, INPUTS
from railtrace.web.roles import may
from railtrace.web.running import the_app
from railtrace.web.trains.board import judged, trains
from railtrace.web.trains.page import found

JOB = "consist-promise:"
MEDIA_TYPE = "application/json"
CHANCES = {
    "delay": _("Arrives without a delay by rolling stock"),
    "rescue": _("Nothing uncoupled, no rescue locomotive"),
}
LEAST_GAIN = 0.0001
"""A hundredth of a percentage point: less is no reason to shunt a coach."""
_LINKS, _FREE = 6, 400


@dataclass(frozen=True)
class Weak:
    """A link in words."""

    link: Link
    number: str
    component: str

    @property
    def percent(self) -> float:
        """The share of the consist's risk."""
        return 100 * self.link.share


@dataclass(frozen=True)
class Exchange:
    """An exchange in words."""

    offer: Offer
    out: str
    instead: str

    @property
    def points(self) -> float:
        """By how many percentage points the chance rises."""
        return 100 * self.offer.gain


def sees(user: User | AnonymousUser) -> bool:
    """Tell whether a user is told the promise: it is the railway's setting."""
    return the_app().config.promise != "fleet" or may(user, "promise")


def panel(request: HttpRequest, consist: str) -> HttpResponse:
    """Show the promise of a consist as it stands, and the one that was frozen at departure."""
    reader, names = trains(), the_names()
    state = found(reader, consist)
    context: dict[str, Any] = {"consist": state, "sees": sees(request.user), "names": names,
                               "frozen": _frozen_said(state)}  # fmt: skip
    if sees(request.user) and state.closed_us is None:
        context |= _told(reader, state, names)
    return render(request, "trains/promise.html", context)


def _told(reader: Trains, state: Consist, names: Names) -> dict[str, Any]:
    try:
        facts, _reasons = judged(reader, state, "ready")
        promise = promised(facts)
        swaps = [] if state.departed_us is not None else _exchanges(reader, facts, names)
    except RailtraceError as error:
        return {"nothing": in_words(error), "again": error.template == UNDER_WAY}
    return {
        "promise": promise, "chances": [(CHANCES[c.name], c) for c in promise.chances],
        "links": [_weak(reader, link, names) for link in promise.links[:_LINKS]],
        "exchanges": swaps,
        "inputs": [(INPUTS[one.name], GRADES[one.grade], one) for one in promise.inputs],
    }  # fmt: skip


def _weak(reader: Trains, link: Link, names: Names) -> Weak:
    number = names.number(reader.knowledge.passport(link.unit))
    return Weak(link, number, names.type(link.component) if link.component else "")


def promised(facts: Facts) -> Promise:
    """Return the promise of the whole trip. Raises NotFound where none can be told."""
    route = facts.route
    if route is None:
        raise NotFound("the route is not in the catalogue: how far it goes is not known")
    units = [unit.unit for unit in facts.units]
    return promise_of(units, fleets_of(units), facts.catalogue, route.km)


def fleets_of(units: Sequence[str]) -> Fleets:
    """Return the fleet of each unit.

    A unit whose own fleet tells nothing is told by the rate of the fleet of its class that most
    of the others are of. Raises NotFound while a fleet is computed, and where none tells anything.
    """
    wanted = set(units)
    mine = {v.unit: (v.vehicle_class, v.owner or "") for v in the_app().lookup.maintained()
            if v.unit in wanted}  # fmt: skip
    tells: dict[tuple[str, str], FleetReliability] = {}
    why: NotFound | None = None
    for key, _count in Counter(mine.values()).most_common():
        try:
            fleet = computed(*key)
        except NotFound as error:
            if error.template == UNDER_WAY:
                raise
            why = error
            continue
        if fleet.hazard is not None:
            tells[key] = fleet
    stands_in: dict[str, FleetReliability] = {}
    for (vehicle_class, _owner), fleet in tells.items():
        stands_in.setdefault(vehicle_class, fleet)
    if mine and not tells:
        raise why or NotFound(
            "no component of this class has failed yet: only a bound can be told"
        )
    found_in = {unit: tells.get(key) or stands_in.get(key[0]) for unit, key in mine.items()}
    return {unit: told_by for unit, told_by in found_in.items() if told_by is not None}


def _exchanges(reader: Trains, facts: Facts, names: Names) -> list[Exchange]:
    """Return what would raise the promise, of units that are fit and free."""
    free = reader.free_units(facts, _FREE)
    units = [unit.unit for unit in facts.units]
    fleets = fleets_of([*units, *(unit for unit, _ in free)])
    assert facts.route is not None
    found_offers = offers(
        units, [unit.type for unit in facts.units], fleets, free, facts.route.km,
        lambda unit: reader.may_go(facts, unit),
    )  # fmt: skip
    passport = reader.knowledge.passport
    return [Exchange(one, names.number(passport(one.unit)), names.number(passport(one.instead)))
            for one in found_offers if one.gain >= LEAST_GAIN]  # fmt: skip


# --- frozen at departure ----------------------------------------------------------------------


def freeze(request: HttpRequest, state: Consist, facts: Facts) -> str:
    """Keep what is promised at departure as a file that the log names; return why not, or ""."""
    try:
        promise = promised(facts)
    except RailtraceError as error:
        return in_words(error)
    app = the_app()
    evidence = app.evidence.put(encoded(promise), "promise.json", MEDIA_TYPE, "dataset")
    record_one(
        request, ResultSealed, job=f"{JOB}{state.consist}", result=evidence.sha256, rows=1,
        positions=tuple(LogSize(log=log, size=n) for log, n in sorted(promise.positions.items())),
        evidence=(evidence,), site=state.site,
    )  # fmt: skip
    return ""


def encoded(promise: Promise) -> bytes:
    """Return a promise as it is kept, the same bytes for the same promise."""
    body = msgspec.to_builtins(promise)
    return msgspec.json.encode({"format": "railtrace-consist-promise/1"} | body, order="sorted")


def frozen(consist: str) -> tuple[Entry, Promise] | None:
    """Return the promise that was frozen when a consist left, with its entry."""
    rows = the_app().lookup.timeline([f"results:{JOB}{consist}"], ["ResultSealed"], limit=1)
    if not rows:
        return None
    entry = the_app().entry_at(rows[0][3], rows[0][4])
    operation = entry.operation
    assert isinstance(operation, ResultSealed)
    return entry, _read(operation.result)


@lru_cache(maxsize=64)
def _read(sha256: str) -> Promise:
    body = msgspec.json.decode(the_app().evidence.read(sha256))
    body.pop("format", None)
    return msgspec.convert(body, Promise)


def _frozen_said(state: Consist) -> dict[str, Any] | None:
    try:
        kept = frozen(state.consist)
    except NotFound:
        return None
    if kept is None:
        return None
    entry, promise = kept
    return {"entry": entry, "chances": [(CHANCES[c.name], c) for c in promise.chances]}
