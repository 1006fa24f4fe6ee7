"""The equipment specification of a plan: what to buy, what it needs, how it is accepted."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.depot_simulation import Estimate
from railtrace.analysis.depot_study import Judged
from railtrace.errors import BadData
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.forms.pdf import printed
from railtrace.web.names import Names
from railtrace.web.planning import variants, verified
from railtrace.web.planning.answer import Bought, priced, purchases, station_name
from railtrace.web.planning.buy import Step, chosen
from railtrace.web.planning.pages import kept_plan, the_shop
from railtrace.web.planning.plan import BY_HAND, PEOPLE, Plan, PlannedStation, time_of, told
from railtrace.web.running import the_app

HEADS = (
    _("Equipment"), _("There now"), _("To buy"), _("Power, kW"), _("Water, m³/h"), _("Area, m²"),
    _("Staff a shift"), _("Price of one, least"), _("Price of one, likely"),
    _("Price of one, greatest"), _("Together, least"), _("Together, likely"),
    _("Together, greatest"), _("Load after, %"), _("Trace coverage gained, %"), _("Acceptance"),
)  # fmt: skip
ORDER = (
    _("Machine"), _("Price so far, least"), _("Price so far, likely"), _("Price so far, greatest"),
    _("Pays back in, years"), _("Mean turnaround, h"), _("95 %, from"), _("95 %, to"),
    _("Chance to work the programme off, %"), _("95 %, from"), _("95 %, to"), _("Target"),
)  # fmt: skip


@dataclass(frozen=True)
class Specified:
    """What is to be bought, in its order, and what that stands on in words.

    `steps` are those of the runs that verify it, one for each purchase and one before the first;
    empty where only the formulas speak.
    """

    bought: list[Bought]
    stands_on: str
    steps: list[Step]


def specified(laid: Plan, names: Names) -> Specified:
    """Return the purchases of a plan: those that runs verified, else those of the formulas.

    Raises BadData where no machine has a price, none helps, or none is needed.
    """
    found = chosen(laid, names)
    if found.steps and found.steps[-1].judged.met and not found.bought:
        raise BadData("the target is met with the lower bound by the shop as it is: nothing is "
                      "specified")  # fmt: skip
    bought = found.bought or purchases(the_shop(laid, names), laid, names)
    if not bought:
        raise BadData("no machine with a price would shorten the turnaround: nothing is specified")
    if found.steps:
        return Specified(bought, _said(found.steps[-1].judged, laid, names.language), found.steps)
    return Specified(bought, gettext("The formulas alone: runs have not verified it"), [])


def _said(found: Judged, laid: Plan, language: str) -> str:
    """Say how the depot stands to its target after the purchases, with the intervals."""
    words = [gettext("The target is met with the lower bound of the 95 % interval of the runs")
             if found.met else gettext("The target is not met by the runs")]  # fmt: skip
    if laid.target_h:
        words.append(gettext("mean turnaround %(mean)s h (%(low)s – %(high)s), at most %(target)s")
                     % _figures(found.mean_h, 1, laid.target_h, language))  # fmt: skip
    if laid.target_met:
        words.append(gettext("chance to work the programme off %(mean)s %% (%(low)s – %(high)s), "
                             "at least %(target)s")
                     % _figures(found.chance, 100, 100 * laid.target_met, language))  # fmt: skip
    return "; ".join(words)


def _figures(found: Estimate, times: float, target: float, language: str) -> dict[str, str]:
    told = {"mean": found.mean, "low": found.low, "high": found.high}
    said = {key: figure(float(times * value), language, 1) for key, value in told.items()}
    return {**said, "target": figure(float(target), language)}


def lines(found: Specified, laid: Plan, names: Names) -> list[list[Any]]:
    """Return a row of the specification for each kind that is to be bought."""
    counted = Counter(each.key for each in found.bought)
    may_be = priced(the_shop(laid, names), laid)
    return [_line(key, n, found, may_be, laid, names) for key, n in counted.items()]


def _line(
    key: str, count: int, found: Specified, may_be: Mapping[str, PlannedStation], laid: Plan,
    names: Names,
) -> list[Any]:  # fmt: skip
    planned, mine = may_be[key], [each for each in found.bought if each.key == key]
    prices = planned.prices
    return [
        station_name(key, names), planned.machines, count, planned.power_kw * count,
        planned.water_m3_h * count, planned.area_m2 * count, planned.staff * count,
        *prices, *(price * count for price in prices),
        round(100 * mine[-1].load, 1), round(100 * sum(each.coverage for each in mine), 1),
        " ".join(acceptance(key, laid, names)),
    ]  # fmt: skip


def order_lines(found: Specified) -> list[list[Any]]:
    """Return a row for each purchase in its turn, with the figures of the runs where there are."""
    steps = {id(step.bought): step.judged for step in found.steps if step.bought}
    return [[each.name, each.price_low, each.price, each.price_high, _year(each.payback_years),
             *_of_runs(steps.get(id(each)))] for each in found.bought]  # fmt: skip


def _year(years: float | None) -> Any:
    return "—" if years is None else round(years, 1)


def _of_runs(found: Judged | None) -> list[Any]:
    if found is None:
        return ["—"] * 7
    word = (gettext("met with the lower bound") if found.met
            else gettext("met by the mean, not by the lower bound") if found.by_mean
            else gettext("not met"))  # fmt: skip
    hours = [round(v, 1) for v in (found.mean_h.mean, found.mean_h.low, found.mean_h.high)]
    chances = [round(100 * v, 1) for v in (found.chance.mean, found.chance.low, found.chance.high)]
    return [*hours, *chances, word]


def acceptance(key: str, laid: Plan, names: Names) -> list[str]:
    """Return what a machine of a kind is to show before it is paid for, from the plan itself."""
    if key.startswith(PEOPLE):
        return [gettext("Each holds the right in the trace, valid on the day of the first work.")]
    planned, of = laid.stations[key], told()
    tests = [
        gettext("Does “%(step)s” (%(process)s) in %(minutes).0f min on average of 30 items.")
        % {"step": step.name(names.language), "process": process.name(names.language),
           "minutes": 60 * time_of(process, step, laid.work[process.key], of).mean_h}
        for process in (names.catalogue.processes[k] for k in laid.work)
        for step in process.steps if (step.equipment or (BY_HAND,))[0] == key
    ]  # fmt: skip
    needs = [f"{text} ≤ {value:g}" for text, value in (
        (gettext("Power, kW"), planned.power_kw), (gettext("Water, m³/h"), planned.water_m3_h),
        (gettext("Area, m²"), planned.area_m2)) if value]  # fmt: skip
    if needs:
        tests.append(gettext("Needs no more than is said here: %(needs)s.")
                     % {"needs": "; ".join(needs)})  # fmt: skip
    if planned.capacity > 1:
        tests.append(gettext("Takes %(n)d items at once.") % {"n": planned.capacity})
    row = names.catalogue.equipment_types.get(key)
    if row is not None and row.proof:
        tests.append(gettext("Comes with a valid proof of each quantity it measures."))
    if row is not None:
        tests.append(gettext("Writes its own operations into the trace: the driver passes the "
                             "conformance kit."))  # fmt: skip
    return tests


def _sheet(book: Any, title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]],
           bold: Any) -> Any:  # fmt: skip
    sheet = book.add_worksheet(title[:31])
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, max(len(heads) - 1, 1), 14)
    sheet.write_row(0, 0, [gettext(head) for head in heads], bold)
    for number, row in enumerate(rows, 1):
        sheet.write_row(number, 0, row)
    return sheet


def xlsx(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the specification as a workbook."""
    row, laid = kept_plan(pk)
    names = the_names()
    found = specified(laid, names)
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
    sheet = _sheet(book, gettext("To be bought"), HEADS, lines(found, laid, names), bold)
    sheet.set_column(len(HEADS) - 1, len(HEADS) - 1, 80, wrap)
    said = (found.stands_on, verified.programme_said())
    sheet.write_column(len({each.key for each in found.bought}) + 2, 0, said)
    _sheet(book, gettext("Order of purchase"), ORDER, order_lines(found), bold)
    heads, rows = variants.table(variants.beside(pk), names)
    _sheet(book, gettext("Variants"), heads, rows, bold)
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(output.getvalue(), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="plan-{row.pk}.xlsx"'
    return response


def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Print the specification with a code that opens its plan."""
    row, laid = kept_plan(pk)
    app, names = the_app(), the_names()
    found, language = specified(laid, names), names.language
    rows, heads = lines(found, laid, names), [gettext(head) for head in HEADS]
    order_heads = [gettext(head) for head in ORDER]
    variant_heads, variant_rows = variants.table(variants.beside(pk), names)
    data = {
        "title": gettext("Equipment specification"), "form": row.name,
        "language": (get_language() or "ru")[:2], "railway": app.config.name,
        "fields": [
            [gettext("Plan"), row.name],
            [gettext("Date"), date_format(app.clock(), "DATE_FORMAT")],
            [gettext("Stands on"), found.stands_on],
            [gettext("Programme"), verified.programme_said()],
        ],
        "tables": [
            _printed(gettext("To be bought"), heads[:7], [row[:7] for row in rows], language),
            _printed(gettext("Prices and what they give"), [heads[n] for n in (0, 8, 11, 13, 14)],
                     [[row[0], _span(row[7:10], language), _span(row[10:13], language), *row[13:15]]
                      for row in rows], language),
            _printed(heads[-1], [heads[0], heads[-1]], [[row[0], row[-1]] for row in rows],
                     language),
            _printed(gettext("Order of purchase"), [order_heads[n] for n in (0, 2, 4, 5, 8, 11)],
                     [_order_printed(row, language) for row in order_lines(found)], language),
            _printed(gettext("Variants"), variant_heads, variant_rows, language),
        ],
        "marks": [], "ticks": [], "nothing": "—",
        "signed": [gettext("Technologist"), gettext("Head of depot")],
        "footer": gettext("Computed from a plan; prices are the user's own."),
    }  # fmt: skip
    address = request.build_absolute_uri(reverse("plan", args=[pk]))
    return HttpResponse(printed(data, address), content_type="application/pdf")


def _order_printed(row: Sequence[Any], language: str) -> list[Any]:
    """Return a purchase with each figure and its span in one cell: a page is narrow."""
    hours, chances = (row[6], row[5], row[7]), (row[9], row[8], row[10])
    return [row[0], _span(row[1:4], language), row[4], _span(hours, language),
            _span(chances, language), row[11]]  # fmt: skip


def _span(found: Sequence[Any], language: str) -> str:
    """Return the middle of least, middle and greatest, with the two others where they differ."""
    low, middle, high = (_text(cell, language) for cell in found)
    return middle if low == high else f"{middle} ({low} – {high})"


def _printed(
    title: str, heads: list[str], rows: Sequence[Sequence[Any]], language: str
) -> dict[str, Any]:
    told = [[_text(cell, language) for cell in row] for row in rows]
    return {"title": title, "heads": heads, "rows": told}


def _text(cell: Any, language: str) -> str:
    return cell if isinstance(cell, str) else figure(round(cell, 1), language)
