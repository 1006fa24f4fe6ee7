"""The failure of any one machine: every station's in turn, run against the whole shop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_simulation import Estimate, estimate
from railtrace.analysis.depot_study import Harm, Outcome, chance_met, harms, with_one_away
from railtrace.errors import BadData
from railtrace.web.fleet import the_names
from railtrace.web.jobs import bar_of
from railtrace.web.names import Names
from railtrace.web.planning import study, verified
from railtrace.web.planning.answer import in_names, station_name
from railtrace.web.planning.form import Field, number
from railtrace.web.planning.pages import kept_plan, the_shop
from railtrace.web.planning.plan import BY_HAND
from railtrace.web.roles import allowed

USUAL_DAYS = 14.0
HOURS_A_DAY = 24.0
DAYS = Field("days", _("Away, days"), 1, 365)
WHOLE = ""
"""The name of the shop of which nothing is away."""


@dataclass(frozen=True)
class Row:
    """A station and what the failure of one of its machines does."""

    name: str
    machines: int
    harm: Harm


def machines_of(shop: Shop) -> list[str]:
    """Return the stations that can fail: a workplace with people is no machine."""
    return [station.key for station in shop.stations if station.key != BY_HAND]


def _mark(shop: Shop, days: float) -> str:
    return study.mark_of("away", shop, days, study.REPLICATIONS, verified.YEAR_H)


def following(shop: Shop, days: float) -> study.Next:
    """Return which shop is run next: run by run the whole one, then each with one away."""

    def asked(known: Mapping[str, list[Outcome]]) -> tuple[str, Shop] | None:
        for key in (WHOLE, *machines_of(shop)):
            if len(known.get(key, ())) < study.REPLICATIONS:
                hours = days * HOURS_A_DAY
                away = with_one_away(shop, key, hours, verified.YEAR_H) if key else shop
                return key, away
        return None

    return asked


def away(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the failure of one machine of each station costs."""
    row, laid = kept_plan(pk)
    names = the_names()
    context: dict[str, Any] = {
        "section": "planning", "plan": row, "tab": "away", "replications": study.REPLICATIONS,
        "programme": verified.programme_said(), "field": DAYS, "days": USUAL_DAYS,
    }  # fmt: skip
    try:
        context["days"] = days = number(request.GET, "days", DAYS) or USUAL_DAYS
        shop = the_shop(laid, names)
        found = study.kept(_mark(shop, days))
        context["job"] = found
        context["progress"] = f"{reverse('plan-away-progress', args=[pk])}?days={days:g}"
        if found is not None:
            context |= _told(shop, found, names)
    except BadData as error:
        context["problem"] = in_names(error, names)
    status = 422 if "problem" in context else 200
    return render(request, "planning/away.html", context, status=status)


def _told(shop: Shop, found: study.Study, names: Names) -> dict[str, Any]:
    outcomes = dict(found.runs)
    whole = outcomes.pop(WHOLE, [])
    known = {key: runs for key, runs in outcomes.items() if len(runs) > 1}
    if len(whole) < 2 or not known:
        return {}
    counts = {station.key: station.machines for station in shop.stations}
    rows = [Row(station_name(harm.station, names), counts[harm.station], harm)
            for harm in harms(whole, known)]  # fmt: skip
    return {"rows": rows, "whole": _whole(whole), "told": min(map(len, known.values()))}


def _whole(runs: list[Outcome]) -> tuple[Estimate, Estimate, Estimate]:
    return (estimate([r.finished_per_week for r in runs]), estimate([r.mean_h for r in runs]),
            chance_met(runs))  # fmt: skip


@require_POST
@allowed("record")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin the runs, go on with them, or stop them."""
    days = number(request.POST, "days", DAYS) or USUAL_DAYS
    shop = the_shop(kept_plan(pk)[1], the_names())
    if "stop" in request.POST:
        study.stop(_mark(shop, days))
    else:
        of = study.REPLICATIONS * (1 + len(machines_of(shop)))
        study.start(_mark(shop, days), of, following(shop, days))
    return redirect(f"{reverse('plan-away', args=[pk])}?days={days:g}")


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the progress bar of runs that are under way; 205 asks for the page anew."""
    days = number(request.GET, "days", DAYS) or USUAL_DAYS
    return bar_of(request, study.kept(_mark(the_shop(kept_plan(pk)[1], the_names()), days)))
