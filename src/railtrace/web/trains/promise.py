"""The promise of a consist: apart from the gates, with its band, weakest links and exchanges."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop as _

from railtrace.errors import NotFound, RailtraceError
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts
from railtrace.store.promise import Link, Offer, offers
from railtrace.store.trains import Trains
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.reliability.computed import UNDER_WAY
from railtrace.web.reliability.words import GRADES, INPUTS
from railtrace.web.roles import may
from railtrace.web.running import the_app
from railtrace.web.trains.board import judged, trains
from railtrace.web.trains.freezing import awaited, frozen
from railtrace.web.trains.page import found
from railtrace.web.trains.promised import fleets_of, promised, through

CHANCES = {
    "delay": _("Arrives without a delay by rolling stock"),
    "rescue": _("Nothing uncoupled, no rescue locomotive"),
}
LEAST_GAIN = 0.0001
"""A hundredth of a percentage point: less is no reason to shunt a coach."""
_LINKS, _FREE = 6, 400
_MINUTE_US = 60_000_000


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
                               "frozen": _frozen_said(state),
                               "awaited": awaited(the_app(), state)}  # fmt: skip
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
        "through": through(facts, promise),
        "links": [_weak(reader, link, names) for link in promise.links[:_LINKS]],
        "exchanges": swaps,
        "inputs": [(INPUTS[one.name], GRADES[one.grade], one) for one in promise.inputs],
    }  # fmt: skip


def _weak(reader: Trains, link: Link, names: Names) -> Weak:
    number = names.number(reader.knowledge.passport(link.unit))
    return Weak(link, number, names.type(link.component) if link.component else "")


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


def _frozen_said(state: Consist) -> dict[str, Any] | None:
    try:
        kept = frozen(state)
    except NotFound:
        return None
    if kept is None:
        return None
    entry, promise = kept
    late_us = entry.recorded_us - (state.departed_us or entry.recorded_us)
    return {"entry": entry, "late_min": max(late_us, 0) // _MINUTE_US,
            "chances": [(CHANCES[c.name], c) for c in promise.chances]}  # fmt: skip
