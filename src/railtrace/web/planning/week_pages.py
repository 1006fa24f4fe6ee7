"""The week: laid down from the trace, moved about, bettered, agreed, held against what happened."""

import io
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import msgspec
import xlsxwriter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST
from msgspec.structs import replace as with_fields

from railtrace.analysis.schedule import Assigned, faults, moved
from railtrace.errors import BadData, NotFound
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import LogSize, ResultSealed
from railtrace.web.accounts import person_of
from railtrace.web.clocks import from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.jobs import bar_of
from railtrace.web.models import WeekPlan
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.planning import week_search
from railtrace.web.planning.fact import facts_of, summed
from railtrace.web.planning.week import (
    Week,
    Wish,
    first_wish,
    lay_down,
    people_of,
)
from railtrace.web.planning.week_drawn import Row, drawn, rows_of
from railtrace.web.planning.week_words import WeekWords
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app

JOB = "week_plan"
_MOST_HANDS, _MOST_FREEZE_H = 60, 48


def _site(request: HttpRequest) -> str:
    sites = the_app().config.sites
    asked = request.POST.get("site") or request.GET.get("site", "")
    if asked and asked not in sites:
        raise NotFound("there is no site {site}", site=asked)
    with_tracks = [key for key, site in sites.items() if site.tracks]
    return asked or next(iter([*with_tracks, *sites]), "")


def draft_of(site: str) -> WeekPlan | None:
    """Return the draft of a site's week, if one was laid down."""
    return WeekPlan.objects.filter(site=site, agreed_at=None).order_by("-pk").first()


def week_of(row: WeekPlan) -> Week:
    """Return the week that a row keeps."""
    return msgspec.convert(row.body, Week)


def _draft(site: str) -> tuple[WeekPlan, Week]:
    row = draft_of(site)
    if row is None:
        raise NotFound("there is no week of {site} yet: lay it down", site=site)
    return row, week_of(row)


def _keep(request: HttpRequest, laid: Week, row: WeekPlan | None) -> WeekPlan:
    row = row or WeekPlan(site=laid.site)
    row.body, row.person = msgspec.to_builtins(laid), person_of(request.user).person_id
    row.save()
    return row


def _back(request: HttpRequest, site: str) -> HttpResponse:
    day = request.POST.get("day", "0")
    return redirect(f"{reverse('week')}?site={site}&day={day if day.isdigit() else 0}")


# --- the page -----------------------------------------------------------------------------------


def week(request: HttpRequest) -> HttpResponse:
    """Show the week of a site: the draft on its tracks, machines and people, by day."""
    return _shown(request, _site(request))


def _shown(request: HttpRequest, site: str, problem: str = "", status: int = 200) -> HttpResponse:
    row, names = draft_of(site) if site else None, the_names()
    context = _about(request, site, names, "week") | {"row": row, "problem": problem}
    if row is not None:
        context |= drawn(request, week_of(row), names)
    elif site:
        context |= {"wish": first_wish(site, the_app().knowledge())}
    return render(request, "planning/week.html", context, status=status)


def _about(request: HttpRequest, site: str, names: Names, tab: str) -> dict[str, Any]:
    config = the_app().config
    agreed = WeekPlan.objects.filter(site=site).exclude(agreed_at=None)
    return {
        "section": "planning", "room": "week", "tab": tab, "site": site, "names": names,
        "sites": [(key, s.name(names.language)) for key, s in config.sites.items()],
        "agreed": agreed.first(), "now": the_app().clock(), "no_solver": not find_spec("ortools"),
        "people": [(person, person_name(request, person)) for person in people_of(site)],
        "shifts": list(enumerate(config.shifts_of(site), 1)),
    }  # fmt: skip


# --- what is done with it -----------------------------------------------------------------------


def _wish(request: HttpRequest, site: str) -> Wish:
    """Read what a person chose. Raises BadData naming the field."""
    people = {}
    for person in people_of(site):
        chosen = request.POST.getlist(f"shift:{person}")
        people[person] = sorted({int(n) for n in chosen if n.isdigit()})
    return Wish(
        int(_figure(request, "hands", _("Workers a shift"), 0, _MOST_HANDS)), people,
        _figure(request, "freeze_h", _("Frozen, h"), 0, _MOST_FREEZE_H), "dues" in request.POST,
    )  # fmt: skip


def _figure(request: HttpRequest, name: str, word: str, least: float, most: float) -> float:
    text = request.POST.get(name, "").replace(",", ".").strip()
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise BadData(
            "{field}: {value} is not a figure from {least} to {most}",
            field=gettext(word), value=text, least=f"{least:g}", most=f"{most:g}",
        )  # fmt: skip
    return value


@require_POST
@allowed("record")
def lay(request: HttpRequest) -> HttpResponse:
    """Lay the week down from the trace; what is frozen of the draft stays where it is."""
    site = _site(request)
    require(request.user, "record", site)
    row = draft_of(site)
    before = week_of(row) if row else _agreed_week(site)
    try:
        laid = lay_down(site, _wish(request, site), before)
    except BadData as error:
        return _shown(request, site, in_words(error), 422)
    _keep(request, laid, row)
    messages.success(request, gettext("The week is laid down."))
    return _back(request, site)


def _agreed_week(site: str) -> Week | None:
    row = WeekPlan.objects.filter(site=site).exclude(agreed_at=None).first()
    return week_of(row) if row else None


@require_POST
@allowed("record")
def move(request: HttpRequest) -> HttpResponse:
    """Put a task where a person wants it, and repair the rest; or let it go where it fits."""
    site = _site(request)
    require(request.user, "record", site)
    row, laid = _draft(site)
    now_us = microseconds(the_app().clock())
    words = WeekWords(request, laid, the_names())
    try:
        task = _asked_task(request, laid, now_us)
    except BadData as error:
        return _shown(request, site, in_words(error), 422)
    pins = [pin for pin in laid.pins if pin != (task.job, task.number)]
    unpinned = with_fields(laid, pins=pins)
    plan, against = moved(
        laid.plan, laid.jobs, laid.resources, task, unpinned.frozen(now_us)
    )
    if against:
        said = words.faults(against, laid.with_plan(plan))
        problem = gettext("It cannot be moved there. %s") % "; ".join(said[:4])
        return _shown(request, site, problem, 422)
    laid = with_fields(laid.with_plan(plan), pins=[*pins, (task.job, task.number)])
    _keep(request, laid, row)
    messages.success(request, gettext("It is moved; the rest is planned around it."))
    return _back(request, site)


def _asked_task(request: HttpRequest, laid: Week, now_us: int) -> Assigned:
    """Read which task is to be put where. Raises BadData."""
    job, number = request.POST.get("task", "").rpartition("#")[::2]
    if job not in laid.lines or not number.isdigit():
        raise BadData("choose which step is moved")
    task = next((e for e in laid.assigned if (e.job, e.number) == (job, int(number))), None)
    if task is None:
        raise BadData("choose which step is moved")
    start_h = laid.hour(_moment_us(request.POST.get("at", ""), laid.site))
    frozen_h = laid.hour(now_us) + laid.freeze_h
    pinned = (task.job, task.number) in laid.pins
    if start_h < frozen_h or (task.start_h < frozen_h and not pinned):
        zone = the_app().config.zone_of(laid.site)
        raise BadData(
            "what begins before {moment} is frozen: people are already at it",
            moment=from_us(laid.us(frozen_h)).astimezone(zone).strftime("%d.%m %H:%M"),
        )
    wanted = request.POST.get("resource", "")
    known = {r.key: r for r in laid.resources}
    named = (wanted,) if wanted in known and not known[wanted].place else ()
    kinds = laid.jobs[[j.key for j in laid.jobs].index(job)].tasks[task.number].needs
    if named and not set(kinds) & set(known[wanted].kinds):
        raise BadData("{resource} cannot do this step: choose another",
                      resource=WeekWords(request, laid, the_names()).resource(wanted))  # fmt: skip
    return replace(task, start_h=start_h, resources=named)


def _moment_us(text: str, site: str) -> int:
    """Read a moment typed on the site's clock, or microseconds of a dragged bar."""
    if text.isascii() and text.isdigit() and len(text) < 18:
        return int(text)
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise BadData("{value} is no moment: write it like 2026-12-01 08:00", value=text or "—")
    zone = the_app().config.zone_of(site)
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))


@require_POST
@allowed("record")
def unpin(request: HttpRequest) -> HttpResponse:
    """Let every task that was put by hand go where it fits."""
    site = _site(request)
    require(request.user, "record", site)
    row, laid = _draft(site)
    wish = Wish(laid.hands, laid.people, laid.freeze_h, laid.dues)
    _keep(request, lay_down(site, wish, with_fields(laid, pins=[])), row)
    return _back(request, site)


@require_POST
@allowed("record")
def search(request: HttpRequest) -> HttpResponse:
    """Seek a better plan, stop, or take what was found."""
    site = _site(request)
    require(request.user, "record", site)
    row, laid = _draft(site)
    found = week_search.kept(laid)
    if "stop" in request.POST:
        week_search.stop(laid)
    elif "take" in request.POST and found is not None and found.better:
        better = week_search.taken(laid, found)
        if against := faults(better.plan, better.jobs, better.resources):
            said = WeekWords(request, better, the_names()).faults(against, better)
            return _shown(request, site, "; ".join(said[:4]), 422)
        _keep(request, better, row)
        messages.success(request, gettext("The better plan is taken over."))
    else:
        week_search.start(laid, microseconds(the_app().clock()))
    return _back(request, site)


def progress(request: HttpRequest) -> HttpResponse:
    """Give the progress of the search; 205 asks for the page anew."""
    _row, laid = _draft(_site(request))
    return bar_of(request, week_search.kept(laid), "planning/week_progress.html")


@require_POST
@allowed("record")
def agree(request: HttpRequest) -> HttpResponse:
    """Agree on the draft: its bytes become evidence, their hash an entry of the trace."""
    site = _site(request)
    require(request.user, "record", site)
    row, laid = _draft(site)
    if against := faults(laid.plan, laid.jobs, laid.resources):
        said = WeekWords(request, laid, the_names()).faults(against, laid)
        return _shown(request, site, "; ".join(said[:4]), 422)
    app = the_app()
    evidence = app.evidence.put(
        msgspec.json.encode(laid), f"week-{site}.json", "application/json", "dataset"
    )
    sizes = sorted(app.views.positions().items())
    receipt = record_one(
        request, ResultSealed, job=JOB, result=evidence.sha256, rows=len(laid.assigned), site=site,
        positions=tuple(LogSize(log=log, size=n) for log, n in sizes), evidence=(evidence,),
    )  # fmt: skip
    row.pk, row.agreed_at, row.sealed = None, app.clock(), receipt.id
    row.person = person_of(request.user).person_id
    row.save(force_insert=True)
    messages.success(request, gettext("The week is agreed and sealed in the trace."))
    return _back(request, site)


# --- plan and fact, workbook ----------------------------------------------------------------------


def fact(request: HttpRequest) -> HttpResponse:
    """Show an agreed week beside what happened."""
    site, names = _site(request), the_names()
    agreed = list(WeekPlan.objects.filter(site=site).exclude(agreed_at=None)[:30])
    asked = request.GET.get("plan", "")
    row = next((one for one in agreed if str(one.pk) == asked), agreed[0] if agreed else None)
    context = _about(request, site, names, "fact") | {"all_agreed": agreed, "row": row}
    if row is not None:
        laid, now_us = week_of(row), microseconds(the_app().clock())
        found = facts_of(laid, the_app().knowledge())
        words = WeekWords(request, laid, names)
        context |= {
            "laid": laid, "sum": summed(found, now_us), "now_us": now_us,
            "facts": [(words.job(f.job), words.step_of(f.job, f.step), f, f.word(now_us))
                      for f in found],
        }  # fmt: skip
    return render(request, "planning/fact.html", context)


HEADS = (
    _("From"), _("To"), _("Order"), _("Unit"), _("Process"), _("Step"), _("Who and with what"),
    _("Track"), _("Put by hand"), _("Done"),
)  # fmt: skip


def xlsx(request: HttpRequest) -> HttpResponse:
    """Send the week as a workbook, with what is done of it."""
    site, names = _site(request), the_names()
    asked = request.GET.get("plan", "")
    row = WeekPlan.objects.filter(site=site, pk=int(asked) if asked.isdigit() else 0).first()
    laid = week_of(row) if row else _draft(site)[1]
    done = {(f.job, f.step): f.done_us for f in facts_of(laid, the_app().knowledge())}
    rows = rows_of(laid, WeekWords(request, laid, names), microseconds(the_app().clock()))
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    when = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
    sheet.set_column(0, 1, 17)
    sheet.set_column(2, 8, 28)
    sheet.set_column(9, 9, 17)
    sheet.write_row(0, 0, [gettext(head) for head in HEADS], bold)
    for number, line in enumerate(rows, 1):
        _write(sheet, number, line, done.get((line.job, laid.lines[line.job].steps[line.number])),
               when, site)  # fmt: skip
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(output.getvalue(), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="week-{site}.xlsx"'
    return response


def _write(
    sheet: Any, number: int, line: Row, done_us: int | None, when: Any, site: str
) -> None:
    zone = the_app().config.zone_of(site)
    for column, us in ((0, line.start_us), (1, line.end_us), (9, done_us)):
        if us is not None:
            local = from_us(us).astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
            sheet.write_datetime(number, column, local, when)
    sheet.write_row(number, 2, [
        line.order, line.name, line.process, line.step, line.resources, line.track,
        gettext("yes") if line.pinned else "",
    ])  # fmt: skip
