"""The stock: what stands in the stores, of which type, for whom, and what is done with it."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import xlsxwriter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.store.stockroom import FILTERS, SORTS, STATUSES, StockRow
from railtrace.trace.operation import ReservationLifted
from railtrace.web import words
from railtrace.web.clocks import from_us
from railtrace.web.depot.stock_forms import ACTS
from railtrace.web.figures import number_as_painted
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.where import not_said
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

PAGE = 50
COLUMNS = {
    "number": _("Number"), "type": _("Type"), "status": _("State"), "store": _("Store"),
    "bin": _("Place in the store"), "since": _("Since"), "kept": _("Reserved for"),
    "until": _("Until"), "away": _("List"), "sent_to": _("Contractor"), "loan": _("Whose part"),
}  # fmt: skip

_SHOWN = ("number", "type", "status", "store", "since", "kept", "away")
SHOWN = {key: COLUMNS[key] for key in _SHOWN}
"""The columns of the page; what is close together shares one."""


def stock(request: HttpRequest) -> HttpResponse:
    """Show the stock by store and type, and its parts by whatever filter."""
    app, names = the_app(), the_names()
    filters, sort, descending, skip = _asked(request)
    rows = app.stockroom.parts(filters, sort, descending, skip, PAGE + 1)
    counted = app.stockroom.counts()
    context = {
        "section": "depot", "tab": "stock", "names": names, "filters": filters, "sort": sort,
        "descending": descending, "shown": SHOWN, "sortable": SORTS,
        "rows": cells(rows[:PAGE], names), "skip": skip, "before": max(skip - PAGE, 0),
        "after": skip + PAGE if len(rows) > PAGE else 0,
        "states": _by(app.stockroom.counts(_but(filters, "status")), 2),
        "table": _table(counted, names), "statuses": _by(counted, 2),
        "shortages": app.stockroom.shortages(names.catalogue),
        "types": sorted((names.type(k), k) for k in {row[0] for row in counted} if k),
        "stores": sorted({row[1] for row in counted if row[1]}),
        "asked": {k: v for k, v in filters.items() if v},
        "acts": [(key, ACTS[key].word) for key in ACTS],
        "query_string": _without(request, "skip"), "now": app.clock(),
    }  # fmt: skip
    return render(request, "depot/stock.html", context)


def _asked(request: HttpRequest) -> tuple[dict[str, str], str, bool, int]:
    filters = {key: request.GET.get(key, "").strip() for key in (*FILTERS, "text")}
    sort = request.GET.get("sort", "number")
    skip = request.GET.get("skip", "")
    number = int(skip) if skip.isascii() and skip.isdigit() and len(skip) < 9 else 0
    return filters, sort if sort in SORTS else "number", "desc" in request.GET, number


def _but(filters: dict[str, str], key: str) -> dict[str, str]:
    return {k: v for k, v in filters.items() if k != key}


def _without(request: HttpRequest, *keys: str) -> str:
    parameters = request.GET.copy()
    for key in keys:
        parameters.pop(key, None)
    return parameters.urlencode()


def _by(counted: list[tuple[str, str, str, int]], column: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in counted:
        found[str(row[column])] = found.get(str(row[column]), 0) + row[3]
    return {key: found[key] for key in STATUSES if key in found}


def _table(counted: list[tuple[str, str, str, int]], names: Names) -> list[dict[str, Any]]:
    """Return one line per type and store: how many in each state, and the minimum wanted."""
    lines: dict[tuple[str, str], dict[str, int]] = {}
    for type_, store, status, count in counted:
        lines.setdefault((type_, store), {})[status] = count
    minimum = {(r.part_type, r.store): r.minimum for r in names.catalogue.minimum_stock.values()}
    table = [
        {"type": type_, "name": names.type(type_), "store": store, "counts": counts,
         "minimum": minimum.get((type_, store)) or minimum.get((type_, ""))}
        for (type_, store), counts in lines.items()
    ]  # fmt: skip
    return sorted(table, key=lambda line: (str(line["name"]), str(line["store"])))


def cells(rows: list[StockRow], names: Names) -> list[dict[str, Any]]:
    """Return rows with what a page writes of them."""
    knowledge = the_app().knowledge()
    knowledge.load([row.reserved_carrier for row in rows if row.reserved_carrier])
    return [
        {
            "row": row, "type": names.type(row.type),
            "number": number_as_painted(row.scheme, row.number, "part") or row.unit,
            "kept": row.reserved_order or (
                names.unit(knowledge.passport(row.reserved_carrier)) if row.reserved_carrier else ""
            ),
            "until": _day(row.reserved_until),
            "expired": bool(row.reserved_until)
            and row.reserved_until < the_app().clock().date().isoformat(),
        }
        for row in rows
    ]  # fmt: skip


def _day(text: str) -> datetime | None:
    """Return the noon of a whole day; a month or a year alone is no day."""
    day = parse_date(text) if text else None
    return datetime.combine(day, time(12), tzinfo=UTC) if day else None


# --- acts -------------------------------------------------------------------------------------


@allowed("record")
def act(request: HttpRequest, name: str) -> HttpResponse:
    """Do something to parts: the form, or what it refuses."""
    if name not in ACTS:
        raise NotFound("nothing is done by the name of {name}", name=name)
    chosen = ACTS[name]
    given = {key: value for key, value in request.GET.items() if key in chosen.base_fields}
    form = chosen(request.POST or None, initial=given)
    missing = not_said(request) if request.method == "POST" else ""
    if request.method == "POST" and form.is_valid() and not missing:
        form.record(request)
        count = len(form.cleaned_data["units"])
        messages.success(request, str(chosen.done).format(count=count))
        _warn_of_shortage(request, form.cleaned_data["units"])
        return redirect(request.POST.get("next") or reverse("stock-act", args=[name]))
    context = {
        "section": "depot", "tab": "stock", "form": form, "name": name, "word": chosen.word,
        "stores": the_app().stockroom.stores(), "site_missing": missing,
        "acts": [(key, ACTS[key].word) for key in ACTS],
    }  # fmt: skip
    return render(request, "depot/act.html", context)


def _warn_of_shortage(request: HttpRequest, units: tuple[str, ...]) -> None:
    """Tell whoever moved a part that its type is now under its minimum."""
    app, names = the_app(), the_names()
    knowledge = app.knowledge()
    types = {knowledge.passport(unit).type for unit in units}
    for row, free in app.stockroom.shortages(names.catalogue):
        if row.part_type in types:
            messages.warning(request, shortage_words(names, row, free))


def shortage_words(names: Names, row: Any, free: int) -> str:
    """Say that fewer are free than there are to be."""
    where = f", {row.store}" if row.store else ""
    return gettext("{type}{where}: {free} free, {minimum} wanted at least").format(
        type=names.type(row.part_type), where=where, free=free, minimum=row.minimum
    )


@require_POST
@allowed("record")
def free(request: HttpRequest) -> HttpResponse:
    """Lift a reservation."""
    unit = request.POST.get("unit", "")
    kept = the_app().knowledge().stock(unit).reservation
    if kept is None:
        messages.error(request, gettext("Nobody has reserved this part any more."))
    else:
        record_one(request, ReservationLifted, units=(unit,), reservation=kept.id)
        messages.success(request, gettext("The reservation is lifted."))
    return redirect(f"{reverse('stock')}?{urlencode({'status': 'reserved'})}")


# --- taking it along --------------------------------------------------------------------------


def _export_rows(request: HttpRequest) -> Iterator[list[Any]]:
    filters, sort, descending, _skip = _asked(request)
    names, skip = the_names(), 0
    while rows := the_app().stockroom.parts(filters, sort, descending, skip, 1000):
        for item in cells(rows, names):
            row = item["row"]
            yield [
                row.number or row.unit, item["type"],
                gettext(words.word(words.STOCK, row.status)), row.store, row.bin,
                from_us(row.since_us).date().isoformat() if row.since_us else "", item["kept"],
                row.reserved_until, row.list, row.sent_to,
                gettext(words.word(words.LOANS, row.loan)) if row.loan else "",
            ]  # fmt: skip
        skip += len(rows)


def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the filtered parts as CSV."""

    def lines() -> Iterator[str]:
        yield "\ufeff" + csv_line([gettext(word) for word in COLUMNS.values()])
        for row in _export_rows(request):
            yield csv_line(row)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="stock.csv"'
    return response


_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def csv_line(row: list[Any], separator: str = ",") -> str:
    """Write a row; a cell that begins like a formula is made harmless, a number stays one."""
    output = io.StringIO()
    csv.writer(output, delimiter=separator).writerow([_harmless(cell) for cell in row])
    return output.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def export_xlsx(request: HttpRequest) -> HttpResponse:
    """Send the filtered parts as a workbook."""
    return workbook("stock", [gettext(w) for w in COLUMNS.values()], _export_rows(request))


def workbook(name: str, head: list[str], rows: Iterator[list[Any]]) -> HttpResponse:
    """Return a workbook of one sheet to be saved."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(
        output, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    sheet.write_row(0, 0, head, book.add_format({"bold": True}))
    for index, row in enumerate(rows, 1):
        sheet.write_row(index, 0, row)
    book.close()
    response = HttpResponse(
        output.getvalue(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def may_record(request: HttpRequest) -> bool:
    """Tell whether the person at the page may record."""
    return may(request.user, "record")
