"""Variants side by side: plans of the same work, what each carries, buys, needs and costs."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.errors import BadData
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.models import DepotPlan
from railtrace.web.names import Names
from railtrace.web.planning import verified
from railtrace.web.planning.answer import Bought, answer, in_names
from railtrace.web.planning.buy import chosen
from railtrace.web.planning.pages import kept_plan, the_shop
from railtrace.web.planning.plan import Plan

MOST = 6
WORDS = (
    _("Machines"), _("Bottleneck"), _("Its load, %"), _("Mean turnaround, h"),
    _("Chance to work the programme off, %"), _("95 %, from"), _("95 %, to"), _("To buy"),
    _("Price, least"), _("Price, likely"), _("Price, greatest"), _("Power, kW"), _("Water, m³/h"),
    _("Area, m²"), _("Staff a shift"), _("Pays back in, years"), _("Trace coverage gained, %"),
    _("Purchases stand on"),
)  # fmt: skip
_NONE = "—"


def beside(pk: int) -> list[DepotPlan]:
    """Return a plan and those of the same work, the last changed first after it."""
    row, laid = kept_plan(pk)
    others = [each for each in DepotPlan.objects.exclude(pk=pk).order_by("-changed_at")
              if set(msgspec.convert(each.body, Plan).work) == set(laid.work)]  # fmt: skip
    return [row, *others[: MOST - 1]]


def table(plans: Sequence[DepotPlan], names: Names) -> tuple[list[str], list[list[Any]]]:
    """Return heads and rows: a figure a row, a plan a column."""
    columns = [_column(msgspec.convert(row.body, Plan), names) for row in plans]
    heads = [gettext("Figure"), *(row.name for row in plans)]
    return heads, [[gettext(word), *(column[n] for column in columns)]
                   for n, word in enumerate(WORDS)]  # fmt: skip


def _column(laid: Plan, names: Names) -> list[Any]:
    try:
        shop = the_shop(laid, names)
        found = answer(shop, names)
        buying = chosen(laid, names)
    except BadData as error:
        return [in_names(error, names), *[_NONE] * (len(WORDS) - 1)]
    times = [(r, h) for _name, r, h in found.processes if h is not None]
    rate = sum(r for r, _h in times)
    mean = sum(r * h for r, h in times) / rate if rate else 0.0
    return [
        sum(s.machines for s in shop.stations), found.bottleneck,
        round(100 * found.bottleneck_load, 1),
        gettext("grows for ever") if found.over else round(mean, 1),
        *_chance(laid, names), *_spent(buying.bought),
        gettext("runs") if buying.steps else gettext("formulas") if buying.bought else _NONE,
    ]  # fmt: skip


def _chance(laid: Plan, names: Names) -> list[Any]:
    """Return the chance that the kept runs of a plan tell; dashes where it was not run."""
    shop = the_shop(laid, names)
    kept = verified.kept(verified.mark_of(shop))
    if kept is None or kept.done < 2:
        return [_NONE] * 3
    met = verified.whole_programme(shop, kept)
    return [round(100 * value, 1) for value in (met.mean, met.low, met.high)]


def _spent(bought: Sequence[Bought]) -> list[Any]:
    if not bought:
        return [_NONE] * 10
    last, years = bought[-1], [each.payback_years for each in bought]
    names = [each.name for each in bought]
    counted = ", ".join(f"{name} × {names.count(name)}" for name in dict.fromkeys(names))
    back = _NONE if any(y is None for y in years) else round(max(y for y in years if y), 1)
    return [counted, last.price_low, last.price, last.price_high, last.power_kw, last.water_m3_h,
            last.area_m2, last.staff, back,
            round(100 * sum(each.coverage for each in bought), 1)]  # fmt: skip


def side_by_side(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a plan beside its variants."""
    plans = beside(pk)
    names = the_names()
    heads, rows = table(plans, names)
    rows = [[_shown(cell, names.language) for cell in row] for row in rows]
    context = {"section": "planning", "plan": plans[0], "tab": "variants", "plans": plans,
               "heads": heads, "rows": rows, "programme": verified.programme_said()}  # fmt: skip
    return render(request, "planning/variants.html", context)


def _shown(cell: Any, language: str) -> str:
    return cell if isinstance(cell, str) else figure(round(cell, 1), language)
