"""Holdings by state and place, movements between two days, availability over a period."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.projections.availability import Availability, Hours, availability
from railtrace.store.holdings import BY, Held, Holdings, Movement
from railtrace.trace.leaf import microseconds
from railtrace.web import words
from railtrace.web.clocks import from_us
from railtrace.web.figures import number_as_painted
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import AsKnown, as_known, home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app

PAGE = 50
_EXPORT_PAGE = 2000
_MOST_MOVEMENTS = 300
BY_WORDS = {
    "home_site": _("Depot"), "place": _("Place"), "keeper": _("Keeper"), "owner": _("Owner"),
    "vehicle_class": _("Class"), "type": _("Type"),
}  # fmt: skip
SCOPES = {
    "vehicles": _("Vehicles"), "parts": _("Parts"), "guests": _("Guests"),
    "equipment": _("Equipment"),
}  # fmt: skip
WHATS = {"": _("all"), "place": _("place"), "state": _("state"), "holder": _("holder")}


def the_holdings() -> Holdings:
    """Return the questions about many units' standing."""
    return Holdings(the_app().views.database)


def value_said(by: str, value: str, names: Names) -> str:
    """Return a value that holdings are counted by, in words."""
    if not value:
        return gettext("not said")
    match by:
        case "home_site" | "place" | "keeper":
            return site_name(value)
        case "vehicle_class":
            return gettext(words.word(words.CLASSES, value))
        case "type":
            return names.type(value)
    return value


# --- holdings -----------------------------------------------------------------------------------


def _asked(request: HttpRequest) -> tuple[str, dict[str, str], AsKnown]:
    by = request.GET.get("by", "home_site")
    scope = request.GET.get("scope", "vehicles")
    filters = {"scope": scope if scope in SCOPES else "vehicles"}
    for key in ("state", *BY):
        if key in request.GET:
            filters[key] = request.GET[key]
    if text := request.GET.get("text", "").strip():
        filters["text"] = text
    return by if by in BY else "home_site", filters, as_known(request)


def _at_us(dates: AsKnown) -> int | None:
    return None if dates.at is None else microseconds(dates.at)


def holdings(request: HttpRequest) -> HttpResponse:
    """Show how many units are in which state, and where; every count is a filter."""
    by, filters, dates = _asked(request)
    names, held, at_us = the_names(), the_holdings(), _at_us(dates)
    counted = {k: v for k, v in filters.items() if k not in ("state", by)}
    units = held.units(filters, at_us, request.GET.get("after", ""), PAGE + 1)
    asked = {k: v for k, v in filters.items() if k != "scope"}
    context = {
        "section": "fleet", "tab": "holdings", "by": by, "by_words": BY_WORDS, "scopes": SCOPES,
        "filters": filters, "dates": dates, "names": names, "scope": filters["scope"],
        "kept": [(key, value) for key, value in request.GET.items() if key not in _DATES],
        "table": _table(held.counts(by, counted, at_us), by, names),
        "rows": [held_said(unit, names) for unit in units[:PAGE]],
        "after": units[PAGE - 1].unit if len(units) > PAGE else "", "asked": asked,
        "query_string": request.GET.urlencode(), "later": "after" in request.GET,
    }  # fmt: skip
    return render(request, "holdings/holdings.html", context)


_DATES = ("at", "known", "after")


@dataclass(frozen=True)
class _Cells:
    """Counts by value and state, the states in the order of the catalogue."""

    states: list[str]
    rows: list[tuple[str, str, list[tuple[str, int]], int]]
    totals: list[int]
    total: int


def _table(counts: list[tuple[str, str, int]], by: str, names: Names) -> _Cells:
    known = {row.key: index for index, row in enumerate(names.catalogue.states_in_order)}
    states = sorted({state for state, _, _ in counts}, key=lambda s: (known.get(s, 99), s))
    cells = {(state, value): count for state, value, count in counts}
    values = sorted({value for _, value, _ in counts}, key=lambda v: value_said(by, v, names))
    rows = [
        (value, value_said(by, value, names),
         [(state, cells.get((state, value), 0)) for state in states],
         sum(cells.get((state, value), 0) for state in states))
        for value in values
    ]  # fmt: skip
    totals = [sum(cells.get((state, value), 0) for value in values) for state in states]
    return _Cells(states, rows, totals, sum(totals))


def held_said(unit: Held, names: Names) -> dict[str, Any]:
    """Return a unit as it stands, in words."""
    number = number_as_painted(unit.scheme, unit.number, unit.vehicle_class) or unit.unit
    return {
        "unit": unit.unit, "number": number, "type": names.type(unit.type), "state": unit.state,
        "detail": unit.detail, "place": site_name(unit.place), "keeper": site_name(unit.keeper),
        "owner": unit.owner, "home_site": site_name(unit.home_site), "since_us": unit.at_us,
        "whereabouts": unit.whereabouts,
    }  # fmt: skip


_HELD_COLUMNS = {
    "number": _("Number"), "type": _("Type"), "state": _("State"), "detail": _("Repair kind"),
    "since": _("Since"), "place": _("Place"), "home_site": _("Depot"), "keeper": _("Keeper"),
    "owner": _("Owner"), "unit": _("Id"),
}  # fmt: skip


def holdings_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the whole filtered list."""
    _by, filters, dates = _asked(request)
    names = the_names()

    def rows() -> Iterator[list[str]]:
        yield [gettext(word) for word in _HELD_COLUMNS.values()]
        for unit in _every(filters, _at_us(dates)):
            said = held_said(unit, names) | {
                "state": names.state(unit.state),
                "since": from_us(unit.at_us).astimezone(home_zone()).strftime("%Y-%m-%d %H:%M"),
            }  # fmt: skip
            yield [str(said[key]) for key in _HELD_COLUMNS]

    return csv_of(rows(), "holdings.csv")


def _every(filters: dict[str, str], at_us: int | None) -> Iterator[Held]:
    after = ""
    while page := the_holdings().units(filters, at_us, after, _EXPORT_PAGE):
        yield from page
        after = page[-1].unit


def csv_of(rows: Iterable[list[str]], name: str) -> StreamingHttpResponse:
    """Send rows as CSV; a cell that begins like a formula is not run by who opens it."""

    def lines() -> Iterator[str]:
        yield "\ufeff"
        for row in rows:
            output = io.StringIO()
            csv.writer(output).writerow(
                [f"'{cell}" if cell[:1] in tuple("=+-@") and cell else cell for cell in row]
            )
            yield output.getvalue()

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- movements ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """Two days, both included, on the installation's clock."""

    first: str
    last: str
    from_us: int
    to_us: int


def window_of(request: HttpRequest, days: int) -> Window:
    """Read the days asked for; the last ones up to today when none are."""
    zone, today = home_zone(), the_app().clock().astimezone(home_zone()).date()
    last = _day(request.GET.get("to", "")) or today
    first = _day(request.GET.get("from", "")) or last - timedelta(days=days - 1)
    first = min(first, last)
    begins = datetime.combine(first, time.min, tzinfo=zone)
    ends = datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone)
    return Window(
        first.isoformat(), last.isoformat(), microseconds(begins), microseconds(ends)
    )


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None


def movements(request: HttpRequest) -> HttpResponse:
    """Show what went where, came into which state or to which holder, between two days."""
    what, filters = request.GET.get("what", ""), _movement_filters(request)
    window, names = window_of(request, 7), the_names()
    found = the_holdings().movements(
        window.from_us, window.to_us, what, filters, _MOST_MOVEMENTS + 1
    )
    context = {
        "section": "fleet", "tab": "movements", "window": window, "what": what, "whats": WHATS,
        "filters": filters, "scopes": SCOPES, "rows": _moved(found[:_MOST_MOVEMENTS], names),
        "many": len(found) > _MOST_MOVEMENTS, "query_string": request.GET.urlencode(),
        "depots": [(key, site_name(key)) for key in the_app().config.depots],
    }  # fmt: skip
    return render(request, "holdings/movements.html", context)


def _movement_filters(request: HttpRequest) -> dict[str, str]:
    scope = request.GET.get("scope", "vehicles")
    filters = {"scope": scope if scope in SCOPES else "vehicles"}
    for key in ("home_site", "text"):
        if value := request.GET.get(key, "").strip():
            filters[key] = value
    return filters


def _moved(found: list[Movement], names: Names) -> list[dict[str, Any]]:
    causes = the_holdings().causes([(m.after.unit, m.after.at_us) for m in found])
    return [
        held_said(m.after, names) | {
            "at_us": m.after.at_us, "changes": changes_of(m, names),
            "operation": causes.get((m.after.unit, m.after.at_us), ""),
        }
        for m in found
    ]  # fmt: skip


def changes_of(movement: Movement, names: Names) -> list[tuple[str, str, str]]:
    """Return (what, before, after) in words for everything that changed."""
    fields: dict[str, tuple[str, Callable[[str], str]]] = {
        "state": (_("State"), names.state), "place": (_("Place"), site_name),
        "owner": (_("Owner"), str), "keeper": (_("Keeper"), site_name),
        "home_site": (_("Depot"), site_name),
    }  # fmt: skip
    return [
        (gettext(word), said(movement.before[field]) or "—",
         said(getattr(movement.after, field)) or "—")
        for field, (word, said) in fields.items()
        if movement.before[field] != getattr(movement.after, field)
    ]  # fmt: skip


def movements_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the movements between two days."""
    what, filters, names = request.GET.get("what", ""), _movement_filters(request), the_names()
    window = window_of(request, 7)

    def rows() -> Iterator[list[str]]:
        yield [gettext(word) for word in (_("When"), _("Number"), _("What"), _("Before"),
                                          _("After"), _("Id"))]  # fmt: skip
        for movement in the_holdings().movements(
            window.from_us, window.to_us, what, filters, 1_000_000
        ):
            when = from_us(movement.after.at_us).astimezone(home_zone())
            for name, before, after in changes_of(movement, names):
                yield [when.strftime("%Y-%m-%d %H:%M"), movement.after.number, name, before,
                       after, movement.after.unit]  # fmt: skip

    return csv_of(rows(), "movements.csv")


# --- availability -------------------------------------------------------------------------------


def availability_page(request: HttpRequest) -> HttpResponse:
    """Show how the hours of a period divide, by class, depot or type."""
    by = request.GET.get("by", "vehicle_class")
    by, names = by if by in BY_WORDS else "vehicle_class", the_names()
    window = window_of(request, 30)
    until = min(window.to_us, microseconds(the_app().clock()))
    hours = the_holdings().hours(by, window.from_us, until, {"scope": "vehicles"})
    rows = [
        (value_said(by, key, names), key, found)
        for key, found in _divided(hours, names).items()
    ]  # fmt: skip
    context = {
        "section": "fleet", "tab": "availability", "window": window, "by": by,
        "by_words": BY_WORDS, "rows": sorted(rows, key=lambda row: row[0]),
        "whole": availability(names.catalogue, [some for _, some in hours]),
        "states": _states_said(names),
    }  # fmt: skip
    return render(request, "holdings/availability.html", context)


def _divided(hours: list[tuple[str, Hours]], names: Names) -> dict[str, Availability]:
    by_key: dict[str, list[Hours]] = {}
    for key, some in hours:
        by_key.setdefault(key, []).append(some)
    return {key: availability(names.catalogue, some) for key, some in by_key.items()}


def _states_said(names: Names) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return how each state counts, so that nobody has to guess."""
    return [
        (gettext(word), [(row.name(names.language), row.confirmed)
                         for row in names.catalogue.states_in_order
                         if row.counts_as == key])
        for key, word in words.COUNTS_AS.items()
    ]  # fmt: skip
