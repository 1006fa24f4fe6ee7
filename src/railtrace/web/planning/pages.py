"""Plans: a list of them, a depot's model with its instant answer, its runs, what to buy."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.analysis.depot_flow import Shop, check_shop, mean_turnaround
from railtrace.catalogue.rows import Process, Step
from railtrace.errors import BadData, NotFound
from railtrace.store.workload import ENOUGH, Outages
from railtrace.web.accounts import person_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.jobs import bar_of
from railtrace.web.models import DepotPlan
from railtrace.web.names import Names
from railtrace.web.planning import verified
from railtrace.web.planning.answer import (
    answer,
    in_names,
    named,
    people_name,
    priced,
    purchases,
    station_name,
)
from railtrace.web.planning.form import FIELDS, HOW_WORKED, LIMITS, SHIFT_DAYS, SHIFT_H, read_plan
from railtrace.web.planning.plan import (
    FAILURES_ENOUGH,
    MOST_SHIFTS,
    OBSERVED_DAYS,
    Plan,
    PlannedPeople,
    PlannedStation,
    PlannedWork,
    Told,
    first_plan,
    hands_of,
    qualifications_of,
    share_of,
    shop_of,
    station_of,
    stations_of,
    time_of,
    told,
)
from railtrace.web.planning.staff import holders
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app


def plans(request: HttpRequest) -> HttpResponse:
    """List the plans; lay a new one down from what the trace knows of a depot."""
    names = the_names()
    if request.method == "POST" and may(request.user, "record"):
        name = request.POST.get("name", "").strip()[:120] or gettext("Depot")
        plan = DepotPlan.objects.create(
            name=name, person=person_of(request.user).person_id,
            body=msgspec.to_builtins(first_plan(names.catalogue, told(), holders())),
        )  # fmt: skip
        return redirect("plan", plan.pk)
    context = {
        "section": "planning", "room": "plans", "plans": DepotPlan.objects.all(), "names": names,
    }  # fmt: skip
    return render(request, "planning/plans.html", context)


def kept_plan(pk: int) -> tuple[DepotPlan, Plan]:
    """Return a kept plan. Raises NotFound."""
    row = DepotPlan.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("there is no plan {plan}", plan=pk)
    return row, msgspec.convert(row.body, Plan)


def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a plan with its instant answer."""
    row, laid = kept_plan(pk)
    names, of = the_names(), told()
    context = _form(row, laid, names, of) | _answered(laid, names, of)
    return render(request, "planning/plan.html", context)


@require_POST
def instant(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what the form says now, without keeping it."""
    kept_plan(pk)
    names = the_names()
    try:
        laid = read_plan(request.POST.dict(), names.catalogue)
    except BadData as error:
        return render(request, "planning/answer.html", {"problem": in_words(error)}, status=422)
    answered = _answered(laid, names, told())
    status = 422 if "problem" in answered else 200
    return render(request, "planning/answer.html", answered, status=status)


@require_POST
@allowed("record")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what the form says: over the plan, or as a variant of it under another name."""
    row, laid = kept_plan(pk)
    names = the_names()
    try:
        laid = read_plan(request.POST.dict(), names.catalogue)
    except BadData as error:
        context = _form(row, laid, names, told()) | {"problem": in_words(error)}
        return render(request, "planning/plan.html", context, status=422)
    name = request.POST.get("name", "").strip()[:120] or row.name
    if "variant" in request.POST:
        row = DepotPlan(name=name if name != row.name else gettext("%s, variant") % row.name)
    row.name, row.person = row.name if row.pk is None else name, person_of(request.user).person_id
    row.body = msgspec.to_builtins(laid)
    row.save()
    return redirect("plan", row.pk)


@require_POST
@allowed("record")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a plan away: it is a question, nothing recorded leans on it."""
    kept_plan(pk)[0].delete()
    return redirect("planning")


# --- the verified answer ----------------------------------------------------------------------


def the_shop(laid: Plan, names: Names) -> Shop:
    """Return the shop of a plan as the trace tells it now. Raises BadData naming what is wrong."""
    try:
        shop = shop_of(laid, names.catalogue, told())
        check_shop(shop)
    except BadData as error:
        raise named(error, names) from error
    return shop


def runs(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the runs of a plan's shop tell."""
    row, laid = kept_plan(pk)
    names = the_names()
    shop = the_shop(laid, names)
    found = verified.kept(verified.mark_of(shop))
    context: dict[str, Any] = {
        "section": "planning", "plan": row, "tab": "runs", "job": found,
        "replications": verified.REPLICATIONS, "shares": verified.SHARES,
        "programme": verified.programme_said(),
    }  # fmt: skip
    if found is not None and found.done >= 2:
        context["processes"], context["stations"] = verified.results(shop, found, names)
        fleet = Counter(v.type for v in the_app().lookup.maintained())
        context["ready"] = [(names.catalogue.vehicle_classes[row.vehicle_class], row)
                            for row in verified.readiness(shop, found, names, fleet)]  # fmt: skip
        context |= {"names": names, "flow": verified.flow(shop, found, names), "done": found.done,
                    "met": verified.whole_programme(shop, found),
                    "spreads": verified.spreads(shop, found, names)}  # fmt: skip
    return render(request, "planning/runs.html", context)


@require_POST
@allowed("record")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin the runs, go on with them, or stop them."""
    shop = the_shop(kept_plan(pk)[1], the_names())
    if "stop" in request.POST:
        verified.stop(verified.mark_of(shop))
    else:
        verified.start(shop)
    return redirect("plan-runs", pk)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the progress bar of runs that are under way; 205 asks for the page anew."""
    mark = verified.mark_of(the_shop(kept_plan(pk)[1], the_names()))
    return bar_of(request, verified.kept(mark))


# --- what the page shows ------------------------------------------------------------------------


def _answered(laid: Plan, names: Names, of: Told) -> dict[str, Any]:
    try:
        shop = shop_of(laid, names.catalogue, of)
        found: dict[str, Any] = {"answer": answer(shop, names)}
        if priced(shop, laid):
            found["bought"] = purchases(shop, laid, names)
            found["at_target"] = mean_turnaround(shop) <= laid.target_h
    except BadData as error:
        return {"problem": in_names(error, names)}
    return found


def _form(row: DepotPlan, laid: Plan, names: Names, of: Told) -> dict[str, Any]:
    now = the_app().clock()
    return {
        "section": "planning", "tab": "model", "plan": row, "laid": laid, "fields": FIELDS,
        "programme": verified.programme_said(),
        "how_worked": FIELDS[:HOW_WORKED], "needs": FIELDS[HOW_WORKED:],
        "limits": LIMITS, "failures": _failures(of, names),
        "names": names, "from_day": now - timedelta(days=OBSERVED_DAYS), "now": now,
        "stations": [
            (key, station_name(key, names),
             _figures(laid.stations.get(key, PlannedStation())))
            for key in stations_of(names.catalogue, laid)
        ],
        "people": _people(laid, names), "shifts": range(1, MOST_SHIFTS + 1),
        "shift_fields": [(SHIFT_H, laid.shift_h), (SHIFT_DAYS, laid.shift_days)],
        "work": [_work_row(key, laid, names, of) for key in names.catalogue.processes],
    }  # fmt: skip


def _failures(of: Told, names: Names) -> list[tuple[str, Outages, bool]]:
    """Return what the trace tells of breakdowns: kind, how often, and whether it is enough."""
    return [(station_name(key, names), seen, seen.n >= FAILURES_ENOUGH and seen.mttr_h > 0)
            for key, seen in of.failures.items()]  # fmt: skip


def _people(laid: Plan, names: Names) -> list[tuple[str, str, list[int], float, int]]:
    """Return whose hands the work takes: key, name, how many by shift, price, holders by the
    trace."""
    held, rows = holders(), []
    for key in qualifications_of(names.catalogue, laid):
        planned = laid.people.get(key, PlannedPeople())
        counts = [*planned.counts, *[0] * MOST_SHIFTS][:MOST_SHIFTS]
        rows.append((key, people_name(key, names), counts, planned.price, held.get(key, 0)))
    return rows


def _figures(planned: PlannedStation) -> list[tuple[Any, float]]:
    return [(field, getattr(planned, field.key)) for field in FIELDS]


def _work_row(key: str, laid: Plan, names: Names, of: Told) -> dict[str, Any]:
    process = names.catalogue.processes[key]
    work = laid.work.get(key, PlannedWork())
    came, due = of.orders.get(key, (0, 0.0))[0], of.dues.get(key)
    return {
        "key": key, "name": process.name(names.language), "on": key in laid.work, "work": work,
        "came": came, "due": due and due[0], "rate": of.rate(key),
        "row": process, "steps": [_step_row(process, step, work, of, names)
                                  for step in process.steps] if key in laid.work else [],
    }  # fmt: skip


def _step_row(
    process: Process, step: Step, work: PlannedWork, of: Told, names: Names
) -> Mapping[str, Any]:
    try:
        time = time_of(process, step, work, of)
    except BadData:
        time = None
    return {
        "key": step.key, "name": step.name(names.language),
        "station": station_name(station_of(step), names), "time": time,
        "minutes": time.mean_h * 60 if time else None, "own": work.minutes.get(step.key),
        "again": of.again.get((process.key, step.key), (0, 0.0)), "enough": ENOUGH,
        "own_again": None if (said := work.again.get(step.key)) is None else 100 * said,
        "share": share_of(process, step, of),
        "people": people_name(hands_of(step), names),
    }  # fmt: skip
