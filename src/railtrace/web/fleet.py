"""The fleet: counts that are filters, a list of any length, its export, the search."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import xlsxwriter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.store.lookup import FILTERS, SORTABLE, UnitRow
from railtrace.trace.numbers import check_number, in_both_alphabets
from railtrace.web import words
from railtrace.web.accounts import person_of, reader
from railtrace.web.clocks import from_us
from railtrace.web.figures import number_as_painted
from railtrace.web.models import SavedFilter
from railtrace.web.names import Names
from railtrace.web.running import the_app

PAGE = 50
_EXPORT_PAGE = 1000
_MOST_FILTERS = 50

COLUMNS = {
    "number": _("Number"), "type": _("Type"), "status": _("State"), "verdict": _("Fitness"),
    "home_site": _("Depot"), "place": _("Place"), "km": _("Mileage [km]"),
    "failures": _("Failures"), "contradictions": _("Contradictions"), "last_run": _("Last run"),
    "owner": _("Owner"), "maker": _("Maker"), "heat": _("Heat"), "batch": _("Batch"),
    "made": _("Made"), "unit": _("Id"),
}  # fmt: skip
_USUAL = {
    "vehicles": ["number", "type", "status", "verdict", "home_site", "place", "km", "failures"],
    "parts": ["number", "type", "status", "verdict", "maker", "heat", "batch", "made"],
}
_RIGHT = {"km", "failures", "contradictions"}


def the_names() -> Names:
    """Return the names of now in the reader's language."""
    return Names(the_app().catalogue(), (get_language() or "ru")[:2])


def fleet(request: HttpRequest) -> HttpResponse:
    """Show one page of the fleet."""
    scope, filters, sort, descending = _asked(request)
    app, names = the_app(), the_names()
    page = app.lookup.fleet(filters, sort, descending, _cursor(request), PAGE)
    counts = app.lookup.counts(filters, ("status", "vehicle_class", "type", "home_site"))
    columns = _columns(request, scope)
    rows = [_cells(row, columns, names) for row in page.rows]
    context = {
        "section": "fleet", "scope": scope, "rows": rows, "sort": sort, "descending": descending,
        "columns": [(key, COLUMNS[key], key in SORTABLE, key in _RIGHT) for key in columns],
        "all_columns_words": COLUMNS,
        "all_columns": [(key, word, key in columns) for key, word in COLUMNS.items()],
        "after": json.dumps(page.after) if page.after else "", "later": "after" in request.GET,
        "states": counts["status"], "filters": filters,
        "classes": counts["vehicle_class"] if scope == "vehicles" else {},
        "verdicts": words.VERDICTS,
        "types": _choices(counts["type"], names.type),
        "depots": _choices(counts["home_site"], site_name),
        "saved": _saved(request, scope),
        "asked": {k: v for k, v in filters.items() if k != "scope"},
        "query_string": _without(request, "after"),
    }  # fmt: skip
    return render(request, "fleet.html", context)


def _saved(request: HttpRequest, scope: str) -> QuerySet[SavedFilter]:
    return SavedFilter.objects.filter(user=reader(request), page=scope)


def _asked(request: HttpRequest) -> tuple[str, dict[str, str], str, bool]:
    scope = "parts" if request.GET.get("scope") == "parts" else "vehicles"
    filters = {"scope": scope}
    for key in (*FILTERS, "verdict", "restricted", "contradictions", "text"):
        if value := request.GET.get(key, "").strip():
            filters[key] = value
    sort = request.GET.get("sort", "number")
    return scope, filters, sort if sort in SORTABLE else "number", "desc" in request.GET


def _cursor(request: HttpRequest) -> tuple[Any, str] | None:
    try:
        value, unit = json.loads(request.GET.get("after", ""))
    except ValueError:
        return None
    return (value, unit) if isinstance(unit, str) and isinstance(value, str | int) else None


def _without(request: HttpRequest, *keys: str) -> str:
    parameters = request.GET.copy()
    for key in keys:
        parameters.pop(key, None)
    return parameters.urlencode()


def _choices(counts: dict[str, int], name: Any) -> list[tuple[str, str, int]]:
    found = [(key, name(key), count) for key, count in counts.items() if key]
    return sorted(found, key=lambda choice: str(choice[1]))


def site_name(key: str) -> str:
    """Return the name of a site; one the settings do not know is shown as it is."""
    site = the_app().config.sites.get(key)
    return site.name((get_language() or "ru")[:2]) if site else key


def _columns(request: HttpRequest, scope: str) -> list[str]:
    chosen = person_of(request.user).columns.get(scope, [])
    return [key for key in chosen if key in COLUMNS] or _USUAL[scope]


def _cells(row: UnitRow, columns: list[str], names: Names) -> dict[str, Any]:
    number = number_as_painted(row.scheme, row.number, row.vehicle_class) or row.unit
    shown = {
        "number": number, "type": names.type(row.type), "home_site": site_name(row.home_site),
        "km": row.km_milli // 1000 if row.km_milli else None, "last_run": row.last_run_us,
        "place": site_name(row.place),
    }  # fmt: skip
    return {
        "unit": row.unit, "row": row, "number": number, "type": shown["type"],
        "site": shown["home_site"],
        "cells": [(key, shown.get(key, getattr(row, key, ""))) for key in columns],
    }  # fmt: skip


@require_POST
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Remember which columns a person wants."""
    scope = "parts" if request.POST.get("scope") == "parts" else "vehicles"
    person = person_of(request.user)
    person.columns[scope] = [key for key in COLUMNS if key in request.POST.getlist("columns")]
    person.save(update_fields=["columns"])
    return redirect(f"{reverse('fleet')}?{request.POST.get('query', '')}")


@require_POST
def save_filter(request: HttpRequest) -> HttpResponse:
    """Keep this filter under a name, or forget one."""
    scope = "parts" if request.POST.get("scope") == "parts" else "vehicles"
    query, name = request.POST.get("query", "")[:2000], request.POST.get("name", "").strip()[:80]
    mine = _saved(request, scope)
    if forget := request.POST.get("forget"):
        mine.filter(name=forget).delete()
    elif name and mine.count() < _MOST_FILTERS:
        SavedFilter.objects.update_or_create(
            user=reader(request), page=scope, name=name, defaults={"query": query}
        )
    return redirect(f"{reverse('fleet')}?{query}")


def _all_rows(request: HttpRequest) -> Iterator[UnitRow]:
    _scope, filters, sort, descending = _asked(request)
    after = None
    while True:
        page = the_app().lookup.fleet(filters, sort, descending, after, _EXPORT_PAGE)
        yield from page.rows
        after = page.after
        if after is None:
            return


def _export_cells(row: UnitRow, names: Names) -> list[Any]:
    said = {
        "number": row.number, "type": names.type(row.type),
        "status": names.state(row.status),
        "verdict": gettext(words.word(words.VERDICTS, row.verdict)),
        "home_site": site_name(row.home_site), "place": site_name(row.place),
        "km": row.km_milli / 1000,
        "last_run": from_us(row.last_run_us).isoformat() if row.last_run_us else "",
    }  # fmt: skip
    return [said.get(key, getattr(row, key, "")) for key in COLUMNS]


def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the whole filtered list as CSV."""
    names = the_names()

    def lines() -> Iterator[str]:
        yield "\ufeff" + _line([gettext(word) for word in COLUMNS.values()])
        for row in _all_rows(request):
            yield _line([_harmless(cell) for cell in _export_cells(row, names)])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="fleet.csv"'
    return response


def _harmless(cell: Any) -> Any:
    """A cell that begins like a formula would be run by the program that opens the file."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@" and cell else cell


def _line(cells: list[Any]) -> str:
    output = io.StringIO()
    csv.writer(output).writerow(cells)
    return output.getvalue()


def export_xlsx(request: HttpRequest) -> HttpResponse:
    """Send the whole filtered list as a workbook."""
    output, names = io.BytesIO(), the_names()
    book = xlsxwriter.Workbook(
        output, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("fleet")
    sheet.freeze_panes(1, 1)
    sheet.write_row(0, 0, [gettext(w) for w in COLUMNS.values()], book.add_format({"bold": True}))
    for index, row in enumerate(_all_rows(request), 1):
        sheet.write_row(index, 0, _export_cells(row, names))
    book.close()
    response = HttpResponse(
        output.getvalue(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = 'attachment; filename="fleet.xlsx"'
    return response


def search(request: HttpRequest) -> HttpResponse:
    """Find what a number, part of one, a code or an operation id belongs to."""
    asked = _unwrapped(request.GET.get("q", "").strip())[:200]
    app, names = the_app(), the_names()
    found: dict[str, UnitRow] = {}
    for text in spellings(asked):
        for row in app.lookup.search(text, PAGE):
            found.setdefault(row.unit, row)
    operation = _operation(asked)
    exact = [r for r in found.values() if r.matched in spellings(asked) or r.unit == asked]
    if len(exact) == 1 and operation is None:
        return redirect("unit", exact[0].unit)
    if operation is not None and not found:
        return redirect("operation", asked)
    rows = list(found.values())[:PAGE]
    context = {
        "section": "fleet", "q": asked, "operation": operation, "many": len(rows) == PAGE,
        "rows": [_cells(r, _USUAL["vehicles"], names) | {"matched": r.matched}
                 for r in rows],
    }  # fmt: skip
    return render(request, "search.html", context)


def _unwrapped(text: str) -> str:
    """A code may hold the address of a page: what counts is the id at its end."""
    for mark in ("/units/", "/operations/", "?q="):
        if "://" in text and mark in text:
            return text.partition(mark)[2]
    return text


def spellings(text: str) -> list[str]:
    """Return the forms a typed number may be stored in, the form typed first."""
    if not text:
        return []
    upper = text.upper()
    forms = [
        text, upper, text.replace(" ", "").replace("-", ""), upper.replace(" ", "-"),
        *in_both_alphabets(upper),
    ]  # fmt: skip
    for scheme in ("network8", "series", "evn", "serial"):
        try:
            forms.append(check_number(scheme, text))
        except BadOperation:
            continue
    return list(dict.fromkeys(form for form in forms if form))


def _operation(text: str) -> str | None:
    try:
        return the_app().entry(text).operation.id if text else None
    except NotFound:
        return None
