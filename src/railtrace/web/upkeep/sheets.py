"""What the lists of this room share: a table to be saved, and the units a person names."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext

from railtrace.errors import BadOperation
from railtrace.store.upkeep import Upkeep
from railtrace.trace.leaf import moment
from railtrace.web.clocks import day as day_words
from railtrace.web.depot.finding import find_unit, typed_lines
from railtrace.web.depot.stock import csv_line, workbook
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app

Cells = list[Any]


def the_upkeep() -> Upkeep:
    """Return the reader of this room's lists."""
    return Upkeep(the_app().views.database)


def saved(
    request: HttpRequest, name: str, head: Sequence[str], rows: Iterable[Cells]
) -> HttpResponse:
    """Return a table as CSV or as a workbook, as `as` of the address asks."""
    heads = [gettext(word) for word in head]
    if request.GET.get("as") == "xlsx":
        return workbook(name, heads, iter(rows))
    return csv_file(name, (heads, *rows))


def csv_file(name: str, rows: Iterable[Sequence[Any]], separator: str = ",") -> HttpResponse:
    """Return rows, the heading first, as a CSV file to be saved; formulas are made harmless."""
    text = "\ufeff" + "".join(csv_line(list(row), separator) for row in rows)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def written(us: int | None) -> str:
    """Write the day of a moment of the trace, nothing for none."""
    if us is None:
        return ""
    return day_words(moment(us), (get_language() or "ru")[:2], home_zone())


def find_vehicles(lines: str) -> tuple[list[str], list[str]]:
    """Return (units, complaints) of the vehicles whose numbers were typed one a line."""
    units: list[str] = []
    complaints: list[str] = []
    for text in typed_lines(lines):
        try:
            unit = find_unit(text, part=False)
        except BadOperation as error:
            complaints.append(gettext(error.template).format(**error.values))
            continue
        if unit not in units:
            units.append(unit)
    return units, complaints


def find_any(text: str) -> str:
    """Return the one unit, vehicle or part, that bears a number. Raises BadOperation in words."""
    try:
        return find_unit(text, part=False)
    except BadOperation as error:
        if "count" in error.values:
            raise
        return find_unit(text, part=True)


def numbers(names: Names, units: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return (number, type) of units."""
    knowledge = the_app().knowledge()
    knowledge.load(list(units))
    passports = {unit: knowledge.passport(unit) for unit in units}
    return {u: (names.number(p), names.type(p.type)) for u, p in passports.items()}


def iso(day: date | None) -> str | None:
    """Write a day as operations do."""
    return None if day is None else day.isoformat()
