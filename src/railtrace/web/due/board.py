"""The due board: units by weeks, a list, a calendar; what is overdue stands first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.projections.maintenance import DAY_US
from railtrace.store.dues import GONE, FleetDues, Forecast
from railtrace.store.lookup import Maintained
from railtrace.store.wear import WearDue, WearDues
from railtrace.trace.leaf import microseconds, moment
from railtrace.web import words
from railtrace.web.clocks import day, from_us
from railtrace.web.depot.stock import workbook
from railtrace.web.due.lines import STATES, Line, anchor_of, line
from railtrace.web.due.wear import binding, wear_line
from railtrace.web.figures import number_as_painted
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import csv_file

VIEWS = {
    "heat": _("Units by weeks"), "list": _("List"), "calendar": _("Calendar"),
    "wear": _("By wear"),
}  # fmt: skip
SHOWN = {
    "overdue": _("Overdue"), "soon": _("Due in this time"), "unknown": _("Last one unknown"),
    "blank": _("No interval"),
}  # fmt: skip
WEEKS = (6, 13, 26, 52)
_PAGE = 60
_LISTED = 100


@dataclass(frozen=True)
class Asked:
    """What a reader wants to see."""

    view: str
    vehicle_class: str
    type: str
    home_site: str
    kind: str
    shown: str
    weeks: int
    page: int
    day: date | None = None


@dataclass(frozen=True)
class Row:
    """One due of one vehicle, or of a part on it."""

    vehicle: Maintained
    forecast: Forecast

    @property
    def part(self) -> str:
        """The part that is due; "" when the vehicle itself is."""
        return self.forecast.due.unit if self.forecast.vehicle else ""

    @property
    def first_us(self) -> int:
        """When it is likely due; what is overdue comes before everything."""
        if self.forecast.due.state in ("overdue", "tolerated"):
            return -1
        return 2**62 if self.forecast.median_us is None else self.forecast.median_us


def due(request: HttpRequest) -> HttpResponse:
    """Show what is due."""
    asked, names = _asked(request), the_names()
    rows, kinds, depots, types = _rows(asked)
    context = {
        "section": "fleet", "names": names, "asked": asked, "views": VIEWS,
        "shown": SHOWN, "weeks": WEEKS,
        "classes": {c: w for c, w in words.CLASSES.items() if c in _CLASSES}, "kinds": kinds,
        "depots": sorted((key, site_name(key)) for key in depots if key),
        "types": sorted(((key, names.type(key)) for key in types), key=lambda t: t[1]),
        "counts": _counts(rows, asked), "query_string": request.GET.urlencode(),
    }  # fmt: skip
    views = {"heat": _heat, "list": _list, "calendar": _calendar, "wear": _wear}
    context |= views[asked.view](_wanted(rows, asked), asked, names)
    return render(request, f"due/{asked.view}.html", context)


_CLASSES = ("locomotive", "coach", "freight_wagon", "special")


def _asked(request: HttpRequest) -> Asked:
    def one(key: str, allowed: Sequence[str], otherwise: str) -> str:
        value = request.GET.get(key, otherwise)
        return value if value in allowed else otherwise

    weeks = one("weeks", [str(n) for n in WEEKS], "13")
    page = request.GET.get("page", "1")
    return Asked(
        view=one("view", list(VIEWS), "heat"), vehicle_class=one("class", _CLASSES, "locomotive"),
        type=request.GET.get("type", ""), home_site=request.GET.get("home_site", ""),
        kind=request.GET.get("kind", ""), shown=one("shown", ["", *SHOWN], ""), weeks=int(weeks),
        page=int(page) if page.isdecimal() and 0 < len(page) < 5 else 1,
        day=_asked_day(request.GET.get("day", "")),
    )  # fmt: skip


def _asked_day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _rows(asked: Asked) -> tuple[list[Row], list[str], set[str], set[str]]:
    """Return the dues of a class's vehicles, and which kinds, depots and types there are."""
    app = the_app()
    catalogue = app.catalogue()
    every = catalogue.vehicle_types.items()
    types = {key for key, row in every if row.vehicle_class == asked.vehicle_class}
    listed = [v for v in app.lookup.maintained(sorted(types)) if v.status not in GONE]
    read = [asked.type] if asked.type in types else sorted({v.type for v in listed})
    if not read:
        return [], [], set(), set()
    vehicles = {v.unit: v for v in listed if v.type in read}
    now_us = microseconds(app.clock())
    forecasts = FleetDues(app.views, app.lookup, catalogue, now_us).of(types=read, parts=True)
    rows = [Row(vehicles[on], f) for f in forecasts if (on := f.vehicle or f.due.unit) in vehicles]
    kinds = list(dict.fromkeys(row.forecast.due.kind for row in rows))
    if asked.home_site:
        rows = [row for row in rows if row.vehicle.home_site == asked.home_site]
    if asked.kind:
        rows = [row for row in rows if row.forecast.due.kind == asked.kind]
    depots, all_types = {v.home_site for v in listed}, {v.type for v in listed}
    return sorted(rows, key=lambda r: (r.first_us, r.vehicle.number)), kinds, depots, all_types


def group_of(row: Row, horizon_us: int) -> str:
    """Return under which count a due falls; "" when it is far off."""
    state = row.forecast.due.state
    if state in ("overdue", "tolerated"):
        return "overdue"
    if state in ("unknown", "blank"):
        return state
    return "soon" if row.first_us <= horizon_us else ""


def _horizon_us(asked: Asked) -> int:
    return microseconds(the_app().clock()) + asked.weeks * 7 * DAY_US


def _counts(rows: list[Row], asked: Asked) -> list[tuple[str, str, int, int]]:
    """Return (key, word, dues, units) of each group."""
    horizon_us, found = _horizon_us(asked), Counter[str]()
    units: dict[str, set[str]] = {}
    for row in rows:
        group = group_of(row, horizon_us)
        found[group] += 1
        units.setdefault(group, set()).add(row.vehicle.unit)
    return [(key, word, found[key], len(units.get(key, ()))) for key, word in SHOWN.items()]


def _wanted(rows: list[Row], asked: Asked) -> list[Row]:
    if asked.day is not None:
        return [row for row in rows if _likely_on(row, asked.day)]
    horizon_us = _horizon_us(asked)
    groups = [asked.shown] if asked.shown else ["overdue", "soon"]
    return [row for row in rows if group_of(row, horizon_us) in groups]


def _likely_on(row: Row, on: date) -> bool:
    due, median_us = row.forecast.due, row.forecast.median_us
    return due.state == "ok" and median_us is not None and _day(median_us) == on


# --- units by weeks --------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A week of a unit: 0 nothing, 1 possible (in the 90 % interval), 2 most likely."""

    strength: int
    kinds: str
    said: str
    anchor: str = ""


def _heat(rows: list[Row], asked: Asked, names: Names) -> dict[str, Any]:
    monday = _this_monday()
    by_unit: dict[str, list[Row]] = {}
    for row in rows:
        by_unit.setdefault(row.vehicle.unit, []).append(row)
    units = list(by_unit.values())
    first = (asked.page - 1) * _PAGE
    shown = units[first : first + _PAGE]
    weeks = [monday + timedelta(weeks=n) for n in range(asked.weeks)]
    called = _called([row for some in shown for row in some], names)
    return {
        "week_days": [(week, week.isocalendar().week) for week in weeks],
        "units": [_heat_row(some, weeks, names, called) for some in shown],
        "all_units": len(units), **_pages(len(units), asked.page, _PAGE),
    }  # fmt: skip


def _this_monday() -> date:
    today = the_app().clock().astimezone(home_zone()).date()
    return today - timedelta(days=today.weekday())


def _called(rows: Sequence[Row], names: Names) -> dict[str, str]:
    """Return what each part among the rows is called; "" is a vehicle's own row."""
    parts, knowledge = [row.part for row in rows if row.part], the_app().knowledge()
    knowledge.load(parts)
    return {"": ""} | {part: names.unit(knowledge.passport(part)) for part in parts}


def _heat_row(
    rows: list[Row], weeks: list[date], names: Names, called: Mapping[str, str]
) -> dict[str, Any]:
    vehicle = rows[0].vehicle
    lines = [line(row.forecast, names, called[row.part]) for row in rows]
    return {
        "unit": vehicle.unit, "number": _number(vehicle), "type": names.type(vehicle.type),
        "over": [one for one in lines if one.state in ("overdue", "tolerated")],
        "cells": [_cell(rows, week, called) for week in weeks],
    }  # fmt: skip


def _number(vehicle: Maintained) -> str:
    return number_as_painted(vehicle.scheme, vehicle.number, vehicle.vehicle_class) or vehicle.unit


def _cell(rows: list[Row], week: date, called: Mapping[str, str]) -> Cell:
    likely, possible, told = [], [], []
    for row in rows:
        forecast = row.forecast
        if forecast.due.state != "ok" or forecast.median_us is None:
            continue
        if week <= _day(forecast.median_us) < week + timedelta(days=7):
            likely.append(forecast.due)
            told.append(" · ".join(filter(None, (forecast.due.kind, called[row.part]))))
        elif _touches(forecast, week):
            possible.append(" · ".join(filter(None, (forecast.due.kind, called[row.part]))))
    strength, kinds = 2 if likely else 1 if possible else 0, [due.kind for due in likely]
    said = " · ".join(
        [*told, *(gettext("{kind} possible").format(kind=kind) for kind in possible)]
    )
    anchor = anchor_of(likely[0]) if likely else ""
    return Cell(strength, ", ".join(dict.fromkeys(kinds)), said, anchor)


def _day(us: int) -> date:
    return moment(us).astimezone(home_zone()).date()


def _touches(forecast: Forecast, week: date) -> bool:
    if forecast.early_us is None or forecast.early_us == forecast.late_us:
        return False
    late = date.max if forecast.late_us is None else _day(forecast.late_us)
    return _day(forecast.early_us) < week + timedelta(days=7) and late >= week


def _pages(count: int, page: int, size: int) -> dict[str, Any]:
    return {
        "earlier": page - 1 if page > 1 else None,
        "further": page + 1 if page * size < count else None,
    }


# --- list and calendar -----------------------------------------------------------------------


def _list(rows: list[Row], asked: Asked, names: Names) -> dict[str, Any]:
    first = (asked.page - 1) * _LISTED
    shown = rows[first : first + _LISTED]
    called = _called(shown, names)
    return {
        "rows": [(r.vehicle, _number(r.vehicle), names.type(r.vehicle.type),
                  line(r.forecast, names, called[r.part])) for r in shown],
        "all_rows": len(rows), **_pages(len(rows), asked.page, _LISTED),
    }  # fmt: skip


def _calendar(rows: list[Row], asked: Asked, names: Names) -> dict[str, Any]:
    """Each day with the kinds that are most likely due on it; what is overdue has no day."""
    on_day: dict[date, Counter[str]] = {}
    for row in rows:
        if row.forecast.due.state == "ok" and row.forecast.median_us is not None:
            on_day.setdefault(_day(row.forecast.median_us), Counter())[row.forecast.due.kind] += 1
    monday, today = _this_monday(), the_app().clock().astimezone(home_zone()).date()
    days = [monday + timedelta(days=n) for n in range(asked.weeks * 7)]
    weeks = [
        [(d, sorted(on_day.get(d, Counter()).items()), d < today) for d in days[n : n + 7]]
        for n in range(0, len(days), 7)
    ]
    over = Counter(r.forecast.due.kind for r in rows if r.first_us < 0)
    return {
        "calendar": weeks, "today": today, "over": sorted(over.items()),
        "weekdays": [date_format(d, "D") for d in days[:7]],
    }  # fmt: skip


# --- by wear ---------------------------------------------------------------------------------


def _wear(rows: list[Row], asked: Asked, names: Names) -> dict[str, Any]:
    """Of each vehicle of a type the wheel whose limit comes first; of all types it takes long."""
    if asked.type not in names.catalogue.vehicle_types:
        return {"choose_type": True}
    found = _wear_dues(asked, names)
    first = (asked.page - 1) * _LISTED
    some = found[first : first + _LISTED]
    knowledge = the_app().knowledge()
    knowledge.load([unit for due in some for unit in (due.part, due.vehicle)])
    called = {u: names.number(knowledge.passport(u)) for d in some for u in (d.part, d.vehicle)}
    return {
        "wear_rows": [(called[d.vehicle], wear_line(d, names, called[d.part])) for d in some],
        **_pages(len(found), asked.page, _LISTED),
    }  # fmt: skip


def _wear_dues(asked: Asked, names: Names) -> list[WearDue]:
    app = the_app()
    listed = app.lookup.maintained([asked.type])
    here = [v.unit for v in listed if not asked.home_site or v.home_site == asked.home_site]
    reader = WearDues(app.lookup, names.catalogue, microseconds(app.clock()))
    return binding(reader.of(asked.type, here))


_WEAR_HEADINGS = (
    _("Number"), _("Part"), _("Parameter"), _("Place"), _("Last reading"), _("Limit"),
    _("Wear per 1000 km"), _("Run to the limit, least"), _("Run to the limit, most likely"),
    _("Run to the limit, most"), _("Due from"), _("Due most likely"), _("Due to"), _("Source"),
)  # fmt: skip


def _wear_cells(asked: Asked, names: Names) -> Iterator[list[str]]:
    yield [gettext(word) for word in _WEAR_HEADINGS]
    if asked.type not in names.catalogue.vehicle_types:
        return
    dues, knowledge = _wear_dues(asked, names), the_app().knowledge()
    knowledge.load([unit for due in dues for unit in (due.part, due.vehicle)])
    for due in dues:
        number, part = (names.number(knowledge.passport(u)) for u in (due.vehicle, due.part))
        one = wear_line(due, names, part)
        yield [number, part, one.quantity, one.place, one.value, one.limit, one.rate, *one.km,
               *(_written(us) for us in due.days_us), one.source]  # fmt: skip


# --- export ----------------------------------------------------------------------------------

_HEADINGS = (
    _("Number"), _("Type"), _("Depot"), _("Part"), _("Kind"), _("State"), _("Counted from"),
    _("Date"),
    _("Used"), _("Allowed"), _("Due from"), _("Due most likely"), _("Due to"), _("Rule"),
    _("Confirmed"), _("Source"),
)  # fmt: skip


def _cells(request: HttpRequest) -> Iterator[list[str]]:
    asked, names = _asked(request), the_names()
    if asked.view == "wear":
        yield from _wear_cells(asked, names)
        return
    yield [gettext(word) for word in _HEADINGS]
    wanted = _wanted(_rows(asked)[0], asked)
    called = _called(wanted, names)
    for row in wanted:
        yield _row_cells(row, line(row.forecast, names, called[row.part]), names)


def _row_cells(row: Row, one: Line, names: Names) -> list[str]:
    vehicle, forecast = row.vehicle, row.forecast
    binding = forecast.due.binding
    return [
        vehicle.number or vehicle.unit, names.type(vehicle.type), site_name(vehicle.home_site),
        one.part, one.kind, gettext(STATES[one.state]), one.last_kind,
        _written(one.last.at_us if one.last else None),
        f"{binding.used:.0f} {binding.unit}" if binding else "",
        f"{binding.allowed:.0f} {binding.unit}" if binding else "",
        *(_written(us) for us in (forecast.early_us, forecast.median_us, forecast.late_us)),
        one.rule, gettext("yes") if one.confirmed else gettext("no"),
        names.source(one.service),
    ]  # fmt: skip


def _written(us: int | None) -> str:
    language = (get_language() or "ru")[:2]
    return "" if us is None else day(from_us(us), language, home_zone())


def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the list as CSV."""
    return csv_file("due", _cells(request))


def export_xlsx(request: HttpRequest) -> HttpResponse:
    """Send the list as a workbook."""
    head, *rows = _cells(request)
    return workbook("due", head, iter(rows))
