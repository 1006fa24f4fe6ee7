"""What the trace tells a plan: work as observed, and what will come week by week."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import Process
from railtrace.errors import BadData
from railtrace.store.demand import WEEKS, Demand, consist_load, season_at
from railtrace.store.observed_work import OUT, Observed, Spread, StepKind
from railtrace.store.workload import ENOUGH, WEEK_US
from railtrace.trace.leaf import microseconds
from railtrace.web.clocks import from_us
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.planning.answer import station_name
from railtrace.web.planning.pages import kept_plan, the_shop
from railtrace.web.planning.plan import (
    FAILURES_ENOUGH,
    OBSERVED_DAYS,
    SHIFT_HOURS_A_WEEK,
    Plan,
    Told,
    load_of,
    per_week,
    station_of,
    told,
)
from railtrace.web.planning.staff import staffed
from railtrace.web.quality.asked import SEASONS
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import saved

MOST_ROUTES = 5
HAULED = frozenset({"coach", "freight_wagon"})
"""Classes of vehicles that come in consists."""


def observed(request: HttpRequest, pk: int) -> HttpResponse:
    """Show set-up, run and wait of each step, what came back, which ways were gone."""
    row, laid = kept_plan(pk)
    names, of = the_names(), told()
    context = {
        "section": "planning", "plan": row, "tab": "observed", "enough": ENOUGH,
        "days": OBSERVED_DAYS, "processes": [_process(key, of, names) for key in laid.work
                                             if key in names.catalogue.processes],
        "machines": _machines(laid, of, names), "failures_enough": FAILURES_ENOUGH,
    }  # fmt: skip
    return render(request, "planning/observed.html", context | _staff(laid, names, of))


def _staff(laid: Plan, names: Names, of: Told) -> dict[str, Any]:
    """Return who is there for the plan's work, or why that cannot be told."""
    try:
        rows = staffed(laid, the_shop(laid, names), names, of)
    except BadData as error:
        return {"no_staff": in_words(error)}
    sites = [[(site_name(site), n) for site, n in row.sites.items()] for row in rows]
    return {"staff": list(zip(rows, sites, strict=True)), "person_hours": SHIFT_HOURS_A_WEEK}


def _process(key: str, of: Told, names: Names) -> dict[str, Any]:
    process = names.catalogue.processes[key]
    kinds = [(kind, seen) for kind, seen in of.kinds.items() if kind.process == key]
    order = {step.key: number for number, step in enumerate(process.steps)}
    rows = [_step(kind, seen, of, names) for kind, seen in sorted(
        kinds, key=lambda each: (order.get(each[0].step, 99), each[0].component, each[0].equipment))
        if kind.step in order]  # fmt: skip
    words = {step.key: step.name(names.language) for step in process.steps}
    routes = [route for route in of.routes if route.process == key]
    return {
        "name": process.name(names.language), "rows": rows,
        "routes": [(" → ".join(words.get(s, s) for s in route.steps), route.n, route.share)
                   for route in routes[:MOST_ROUTES]],
        "moves": list(_moves(key, of, words)), "more_routes": max(len(routes) - MOST_ROUTES, 0),
        "routes_seen": sum(route.n for route in routes),
    }  # fmt: skip


def _moves(
    process: str, of: Told, words: Mapping[str, str]
) -> Iterator[tuple[str, str, float, int, bool]]:
    """Yield where work went from a step if not to the next alone: from, to, share, of how many,
    and whether it went back."""
    order = {key: number for number, key in enumerate(words)} | {OUT: len(words)}
    for key, word in words.items():
        seen = of.moves.get((process, key))
        if seen is not None and [k for k, part in seen.shares.items() if part] != [
            [*words, OUT][order[key] + 1]
        ]:  # fmt: skip
            for to, part in sorted(seen.shares.items(), key=lambda each: -each[1]):
                if part:
                    yield (word, words.get(to, gettext("out of the shop")), part, seen.n,
                           order.get(to, 0) <= order[key])  # fmt: skip


def _step(kind: StepKind, seen: Observed, of: Told, names: Names) -> dict[str, Any]:
    step = names.catalogue.processes[kind.process].step(kind.step)
    assert step is not None
    return {
        "name": step.name(names.language), "component": names.type(kind.component),
        "equipment": names.type(kind.equipment) if kind.equipment else gettext("by hand"),
        "seen": seen, "set_up": _minutes(seen.set_up), "run": _minutes(seen.run),
        "cycle": _minutes(seen.cycle), "wait": seen.wait, "norm": step.norm_min,
        "enough": seen.cycle is not None and seen.cycle.n >= ENOUGH,
        "again": of.again.get((kind.process, kind.step)),
        "taken": of.taken.get((kind.process, kind.step)) if step.optional else None,
    }  # fmt: skip


def _minutes(found: Spread | None) -> tuple[float, float] | None:
    """Return mean and standard deviation in minutes."""
    return (60 * found.mean_h, 60 * found.mean_h * found.cv) if found else None


def _machines(laid: Plan, of: Told, names: Names) -> list[dict[str, Any]]:
    """Return what takes machines of the plan away: failures and calibrations, as observed."""
    keys = dict.fromkeys(
        station_of(step) for key in laid.work if key in names.catalogue.processes
        for step in names.catalogue.processes[key].steps
    )  # fmt: skip
    return [{"name": station_name(key, names), "failures": of.failures.get(key),
             "renewals": of.calibrations.get(key)} for key in keys
            if key in of.failures or key in of.calibrations]  # fmt: skip


# --- demand --------------------------------------------------------------------------------------


HEADS = (_("Week"), _("Season"), _("Process"), _("Due"), _("Seasonal inspections"), _("Unplanned"),
         _("Overdue, spread"), _("Together"), _("In a load"), _("Loads"),
         _("Consist-loads"))  # fmt: skip


def demand(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what comes for each process of a plan by week, in units and in loads."""
    row, laid = kept_plan(pk)
    names, of = the_names(), told()
    now_us = microseconds(the_app().clock())
    consist = consist_load(the_app().lookup, now_us)
    comes = [_comes(key, laid, of, names, consist) for key in laid.work
             if key in names.catalogue.processes]  # fmt: skip
    if "as" in request.GET:
        return saved(request, f"demand-{pk}", HEADS, list(_sheet(comes, now_us)))
    weeks = [(begins, _season(begins), [(each["name"], each["weeks"][number]) for each in comes])
             for number, begins in enumerate(_begins(now_us))]  # fmt: skip
    context = {
        "section": "planning", "plan": row, "tab": "demand", "comes": comes, "weeks": weeks,
        "unplanned": [(names.catalogue.vehicle_classes[key], found)
                      for key, found in of.unplanned.items()], "names": names,
    }  # fmt: skip
    return render(request, "planning/demand.html", context)


def _begins(now_us: int) -> list[int]:
    return [now_us + week * WEEK_US for week in range(WEEKS)]


def _season(at_us: int) -> str:
    return gettext(SEASONS[season_at(at_us)])


def _comes(
    key: str, laid: Plan, of: Told, names: Names, consist: float
) -> dict[str, Any]:
    """Return what comes for a process: by week, in loads, and on what that stands."""
    work, flat = laid.work[key], per_week(key, laid.work[key], of)
    found = of.demand.get(key) if work.per_week is None and key in of.dues else None
    none = (0.0,) * WEEKS
    weeks = found.weeks if found else (flat,) * WEEKS
    found = found or Demand(key, none, none, none, 0)
    load, peak = work.batch or load_of(key, names.catalogue, of), max(weeks) or 1.0
    even = found.overdue / WEEKS
    consist = consist if in_consists(names.catalogue.processes[key], names) else 0.0
    return {
        "name": names.catalogue.processes[key].name(names.language), "load": load,
        "loads_seen": of.loads.get(key), "said": work.per_week is not None,
        "consist": consist, "dues": key in of.dues, "overdue": found.overdue,
        "weeks": [{"due": due, "season": season, "unplanned": beside, "even": even, "all": all_,
                   "loads": all_ / load, "consists": all_ / consist if consist else None,
                   "width": 100 * all_ / peak}
                  for due, season, beside, all_ in zip(
                      found.due, found.season, found.unplanned, weeks, strict=True)],
    }  # fmt: skip


def in_consists(process: Process, names: Names) -> bool:
    """Return whether a process's units come as consists: vehicles that are hauled, no engines and
    no components."""
    types = names.catalogue.vehicle_types
    return all(key in types and types[key].vehicle_class in HAULED for key in process.applies_to)


def _sheet(comes: list[dict[str, Any]], now_us: int) -> Iterator[list[Any]]:
    for number, begins in enumerate(_begins(now_us)):
        for each in comes:
            week = each["weeks"][number]
            yield [from_us(begins).date().isoformat(), _season(begins), each["name"],
                   *(round(week[k], 2) for k in ("due", "season", "unplanned", "even", "all")),
                   each["load"], round(week["loads"], 2),
                   "" if week["consists"] is None else round(week["consists"], 2)]  # fmt: skip
