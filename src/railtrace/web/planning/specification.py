"""The equipment specification of a plan: what to buy, what it needs, how it is accepted."""

import io
from typing import Any

import xlsxwriter
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.errors import BadData
from railtrace.web.fleet import the_names
from railtrace.web.forms.pdf import printed
from railtrace.web.names import Names
from railtrace.web.planning.answer import purchases, station_name
from railtrace.web.planning.pages import kept_plan
from railtrace.web.planning.plan import BY_HAND, Plan, shop_of, time_of, told
from railtrace.web.running import the_app

HEADS = (
    _("Equipment"), _("There now"), _("To buy"), _("Power, kW"), _("Water, m³/h"), _("Area, m²"),
    _("Staff a shift"), _("Price of one"), _("Together"), _("Acceptance"),
)  # fmt: skip


def lines(laid: Plan, names: Names) -> list[list[Any]]:
    """Return a row of the specification for each kind that is to be bought.

    Raises BadData where no machine has a price, or none helps.
    """
    of = told()
    bought: dict[str, int] = {}
    for each in purchases(shop_of(laid, names.catalogue, of), laid, names):
        bought[each.key] = bought.get(each.key, 0) + 1
    if not bought:
        raise BadData("no machine with a price would shorten the turnaround: nothing is specified")
    return [_line(key, n, laid, names) for key, n in bought.items()]


def _line(key: str, count: int, laid: Plan, names: Names) -> list[Any]:
    planned = laid.stations[key]
    return [
        station_name(key, names), planned.machines, count, planned.power_kw * count,
        planned.water_m3_h * count,
        planned.area_m2 * count, planned.staff * count, planned.price, planned.price * count,
        " ".join(acceptance(key, laid, names)),
    ]  # fmt: skip


def acceptance(key: str, laid: Plan, names: Names) -> list[str]:
    """Return what a machine of a kind is to show before it is paid for, from the plan itself."""
    planned, of = laid.stations[key], told()
    tests = [
        gettext("Does “%(step)s” (%(process)s) in %(minutes).0f min on average of 30 items.")
        % {"step": step.name(names.language), "process": process.name(names.language),
           "minutes": 60 * time_of(process, step, laid.work[process.key], of).mean_h}
        for process in (names.catalogue.processes[k] for k in laid.work)
        for step in process.steps if (step.equipment or (BY_HAND,))[0] == key
    ]  # fmt: skip
    if planned.capacity > 1:
        tests.append(gettext("Takes %(n)d items at once.") % {"n": planned.capacity})
    row = names.catalogue.equipment_types.get(key)
    if row is not None and row.proof:
        tests.append(gettext("Comes with a valid proof of each quantity it measures."))
    if row is not None:
        tests.append(gettext("Writes its own operations into the trace: the driver passes the "
                             "conformance kit."))  # fmt: skip
    return tests


def xlsx(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the specification as a workbook."""
    row, laid = kept_plan(pk)
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    sheet = book.add_worksheet()
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, 8, 14)
    sheet.set_column(9, 9, 80, wrap)
    sheet.write_row(0, 0, [gettext(head) for head in HEADS], bold)
    for number, line in enumerate(lines(laid, the_names()), 1):
        sheet.write_row(number, 0, line)
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(output.getvalue(), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="plan-{row.pk}.xlsx"'
    return response


def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Print the specification with a code that opens its plan."""
    row, laid = kept_plan(pk)
    app, specified = the_app(), lines(laid, the_names())
    heads = [gettext(head) for head in HEADS]
    data = {
        "title": gettext("Equipment specification"), "form": row.name,
        "language": (get_language() or "ru")[:2], "railway": app.config.name,
        "fields": [
            [gettext("Plan"), row.name],
            [gettext("Date"), date_format(app.clock(), "DATE_FORMAT")],
        ],
        "tables": [
            {"title": gettext("To be bought"), "heads": heads[:-1],
             "rows": [[_text(cell) for cell in line[:-1]] for line in specified]},
            {"title": heads[-1], "heads": [heads[0], heads[-1]],
             "rows": [[line[0], line[-1]] for line in specified]},
        ],
        "marks": [], "ticks": [], "nothing": "—",
        "signed": [gettext("Technologist"), gettext("Head of depot")],
        "footer": gettext("Computed from a plan; prices are the user's own."),
    }  # fmt: skip
    address = request.build_absolute_uri(reverse("plan", args=[pk]))
    return HttpResponse(printed(data, address), content_type="application/pdf")


def _text(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
