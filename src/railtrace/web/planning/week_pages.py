"""The week: laid down from the trace, moved about, bettered, agreed, held against what happened."""

import io
from dataclasses import dataclass, replace
from datetime import datetime
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

from railtrace.analysis.schedule import Assigned, Fault, Resource, faults, moved
from railtrace.errors import BadData, NotFound
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import LogSize, ResultSealed
from railtrace.web.accounts import person_of
from railtrace.web.clocks import from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.models import WeekPlan
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.planning import week_search
from railtrace.web.planning.fact import facts_of, summed
from railtrace.web.planning.week import (
    HANDS,
    NOT_PLANNED,
    WEEK_H,
    Week,
    Wish,
    first_wish,
    lay_down,
    next_shift,
    people_of,
)
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app

JOB = "week_plan"
_MOST_HANDS, _MOST_FREEZE_H = 60, 48
_DAY_H = 24.0
FAULTS = {
    "no_such_task": _("there is no such step in the plan any more: plan anew"),
    "wrong_duration": _("it is planned for another time than it takes"),
    "wrong_resource": _("{resource} cannot do it"),
    "before_release": _("it would begin before now"),
    "outside_shift": _("{resource} does not work then"),
    "planned_twice": _("it is planned twice"),
    "not_planned": _("a step of it finds no place any more"),
    "out_of_order": _("the step before it ends later: {before}"),
    "taken_twice": _("{resource} is at work on {other} then"),
    "place_taken": _("{resource} is taken by {other} then"),
    "no_place": _("it has no track then"),
    "wrong_place": _("it does not stand on {resource}"),
}


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
        context |= _drawn(request, week_of(row), names)
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


@dataclass(frozen=True)
class Bar:
    """A task, or a stay, on a lane of the day that is shown."""

    job: str
    number: int
    name: str
    step: str
    left: float
    width: float
    start_us: int
    end_us: int
    pinned: bool
    frozen: bool
    fact: str


@dataclass(frozen=True)
class Lane:
    """One resource with its bars, and when it does not work."""

    key: str
    name: str
    kind: str
    bars: list[Bar]
    closed: list[tuple[float, float]]
    load: float


def _drawn(request: HttpRequest, laid: Week, names: Names) -> dict[str, Any]:
    now_us = microseconds(the_app().clock())
    asked = request.POST.get("day") or request.GET.get("day", "")
    today = min(max(int(laid.hour(now_us) // _DAY_H), 0), 6)
    day = int(asked) if asked.isdigit() and int(asked) < 7 else today
    words = _Words(request, laid, names)
    against = faults(laid.plan, laid.jobs, laid.resources)
    return {
        "laid": laid, "day": day, "days": _days(laid), "lanes": _lanes(laid, day, now_us, words),
        "hours": [(round(100 * h / _DAY_H, 3), f"{h:02}:00") for h in range(0, 24, 3)],
        "now_left": _share(laid.hour(now_us) - day * _DAY_H),
        "start_us": laid.us(day * _DAY_H), "span_us": laid.us(_DAY_H) - laid.us(0),
        "zone": str(the_app().config.zone_of(laid.site)), "faults": words.faults(against, laid),
        "frozen_us": laid.us(laid.hour(now_us) + laid.freeze_h), "search": week_search.kept(laid),
        "coming": [laid.us(h) for h in next_shift(the_app(), laid, from_us(now_us))],
        "late": words.late(laid), "left": [words.job(job) for job in laid.left],
        "skipped": words.skipped(laid), "rows": _rows(laid, words, now_us),
        "planned": len(laid.jobs) - len(laid.left),
        "steps": len(laid.assigned), "wish": laid,
    }  # fmt: skip


def _days(laid: Week) -> list[tuple[int, datetime]]:
    zone = the_app().config.zone_of(laid.site)
    return [(n, from_us(laid.us(n * _DAY_H + 12)).astimezone(zone)) for n in range(7)]


def _share(hours: float) -> float:
    return round(max(0.0, min(100.0, 100 * hours / _DAY_H)), 3)


def _lanes(laid: Week, day: int, now_us: int, words: "_Words") -> list[Lane]:
    frozen = {(e.job, e.number) for e in laid.frozen(now_us)} - set(laid.pins)
    on: dict[str, list[Bar]] = {r.key: [] for r in laid.resources}
    low, high = day * _DAY_H, (day + 1) * _DAY_H
    for each in laid.assigned:
        for key in each.resources if each.end_h > low and each.start_h < high else ():
            on.setdefault(key, []).append(_bar(each, laid, low, words, frozen))
    for stay in laid.stays:
        if stay.end_h > low and stay.start_h < high:
            span = Assigned(stay.start_h, stay.end_h, stay.job, -1, ())
            on.setdefault(stay.place, []).append(_bar(span, laid, low, words, set()))
    busy = {key for each in laid.assigned for key in each.resources}
    order = sorted(
        laid.resources, key=lambda r: (not r.place, r.key not in busy, words.is_person(r), r.key)
    )
    return [
        Lane(r.key, words.resource(r.key), words.kind_of(r), on[r.key], _closed(r, low),
             _worked(r, laid))
        for r in order
    ]  # fmt: skip


def _bar(
    each: Assigned, laid: Week, low: float, words: "_Words", frozen: set[tuple[str, int]]
) -> Bar:
    left = _share(each.start_h - low)
    return Bar(
        each.job, each.number, words.job(each.job), words.step(each.job, each.number), left,
        max(round(_share(each.end_h - low) - left, 3), 0.4), laid.us(each.start_h),
        laid.us(each.end_h), (each.job, each.number) in laid.pins,
        (each.job, each.number) in frozen, "",
    )  # fmt: skip


def _closed(resource: Resource, low: float) -> list[tuple[float, float]]:
    """Return left and width of the hours of a day in which a resource does not work."""
    found, at = [], low
    for start, end in [*resource.windows, (WEEK_H * 2, WEEK_H * 2)]:
        if start > at and at < low + _DAY_H:
            found.append((_share(at - low), round(_share(start - low) - _share(at - low), 3)))
        at = max(at, end)
    return [span for span in found if span[1] > 0]


def _worked(resource: Resource, laid: Week) -> float:
    """Return the share of a resource's hours, from now on, that the week fills."""
    now_h = laid.hour(laid.made_us)
    open_h = sum(max(0.0, end - max(start, now_h)) for start, end in resource.windows)
    stays = [(s.start_h, s.end_h) for s in laid.stays if s.place == resource.key]
    spans = stays or [(e.start_h, e.end_h) for e in laid.assigned if resource.key in e.resources]
    busy = sum(max(0.0, end - max(start, now_h)) for start, end in spans)
    return busy / open_h if open_h else 0.0


class _Words:
    """The jobs, steps and resources of a week in the reader's words."""

    def __init__(self, request: HttpRequest, laid: Week, names: Names) -> None:
        self.request, self.laid, self.names = request, laid, names
        self.knowledge = the_app().knowledge()
        machines = [r.key for r in laid.resources if not r.place and "|" not in r.key]
        units = [line.unit for line in laid.lines.values()]
        self.knowledge.load(sorted({*units, *machines, *(u for _, u, _ in laid.skipped)}))
        self.known = {r.key: r for r in laid.resources}
        self.rights = names.catalogue.qualifications

    def is_person(self, resource: Resource) -> bool:
        return bool({HANDS, *self.rights} & set(resource.kinds))

    def kind_of(self, resource: Resource) -> str:
        """Return what a resource is, in a few words."""
        if resource.place:
            return gettext("Track")
        if resource.key in self.laid.people:
            names = [self.rights[k].name(self.names.language) for k in resource.kinds
                     if k in self.rights]  # fmt: skip
            return ", ".join(names)
        if self.is_person(resource):
            return gettext("any worker")
        type_ = self.names.type(self.knowledge.passport(resource.key).type)
        return "" if self.resource(resource.key).startswith(type_) else type_

    def resource(self, key: str) -> str:
        resource = self.known.get(key)
        if resource is not None and resource.place:
            track, _, position = key.partition("/")
            site = the_app().config.sites.get(self.laid.site)
            spec = site.tracks.get(track) if site else None
            return f"{spec.name(self.names.language) if spec else track} · {position}"
        if key in self.laid.people:
            return person_name(self.request, key)
        if key.startswith(f"{HANDS} "):
            return gettext("Worker %s") % key.removeprefix(f"{HANDS} ")
        return self.names.unit(self.knowledge.passport(key))

    def job(self, key: str) -> str:
        line = self.laid.lines.get(key)
        return key if line is None else self.names.unit(self.knowledge.passport(line.unit))

    def process(self, key: str) -> str:
        line = self.laid.lines[key]
        process = self.names.catalogue.processes.get(line.process)
        return process.name(self.names.language) if process else line.process

    def step(self, key: str, number: int) -> str:
        line = self.laid.lines.get(key)
        if line is None or number < 0:
            return self.process(key) if line else ""
        return self.step_of(key, line.steps[number])

    def step_of(self, key: str, step: str) -> str:
        process = self.names.catalogue.processes.get(self.laid.lines[key].process)
        found = process.step(step) if process else None
        return found.name(self.names.language) if found else step

    def faults(self, found: list[Fault], laid: Week) -> list[str]:
        return list(dict.fromkeys(self._fault(fault, laid) for fault in found))

    def _fault(self, fault: Fault, laid: Week) -> str:
        values = {k: self.resource(v) if k == "resource" else self.job(v) if k == "other" else v
                  for k, v in fault.values.items()}  # fmt: skip
        values |= {"before": self._before(fault, laid)}
        values.setdefault("resource", gettext("What was chosen"))
        why = gettext(FAULTS[fault.name]).format(**values)
        return f"{self.job(fault.job)}, {self.step(fault.job, fault.number)}: {why}"

    def _before(self, fault: Fault, laid: Week) -> str:
        ends = [e.end_h for e in laid.assigned
                if (e.job, e.number) == (fault.job, fault.number - 1)]  # fmt: skip
        zone = the_app().config.zone_of(laid.site)
        return from_us(laid.us(ends[0])).astimezone(zone).strftime("%d.%m %H:%M") if ends else ""

    def late(self, laid: Week) -> list[tuple[str, str, float]]:
        """Return the jobs that end after they are wanted: name, process, hours."""
        late = [(job, laid.plan.end_h(job.key) - job.due_h) for job in laid.jobs
                if job.key not in laid.left]  # fmt: skip
        late.sort(key=lambda row: -row[1])
        return [(self.job(job.key), self.process(job.key), hours) for job, hours in late
                if hours > 0.01]  # fmt: skip

    def skipped(self, laid: Week) -> list[tuple[str, str, str]]:
        return [(order, self.names.unit(self.knowledge.passport(unit)), gettext(NOT_PLANNED[why]))
                for order, unit, why in laid.skipped]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A task of the plan in words: for the table, the form and the workbook."""

    job: str
    number: int
    start_us: int
    end_us: int
    order: str
    unit: str
    name: str
    process: str
    step: str
    resources: str
    track: str
    pinned: bool
    frozen: bool


def _rows(laid: Week, words: _Words, now_us: int) -> list[Row]:
    frozen = {(e.job, e.number) for e in laid.frozen(now_us)} - set(laid.pins)
    track = {stay.job: words.resource(stay.place) for stay in laid.stays}
    return [
        Row(e.job, e.number, laid.us(e.start_h), laid.us(e.end_h), laid.lines[e.job].order,
            laid.lines[e.job].unit, words.job(e.job), words.process(e.job),
            words.step(e.job, e.number), ", ".join(words.resource(key) for key in e.resources),
            track.get(e.job, ""), (e.job, e.number) in laid.pins, (e.job, e.number) in frozen)
        for e in laid.assigned if e.job in laid.lines
    ]  # fmt: skip


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
    words = _Words(request, laid, the_names())
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
                      resource=_Words(request, laid, the_names()).resource(wanted))  # fmt: skip
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
            said = _Words(request, better, the_names()).faults(against, better)
            return _shown(request, site, "; ".join(said[:4]), 422)
        _keep(request, better, row)
        messages.success(request, gettext("The better plan is taken over."))
    else:
        week_search.start(laid, microseconds(the_app().clock()))
    return _back(request, site)


def progress(request: HttpRequest) -> HttpResponse:
    """Give the progress of the search; 205 asks for the page anew."""
    _row, laid = _draft(_site(request))
    found = week_search.kept(laid)
    if found is None or found.shown_state != "running":
        return HttpResponse(status=205)
    return render(request, "planning/week_progress.html", {"job": found})


@require_POST
@allowed("record")
def agree(request: HttpRequest) -> HttpResponse:
    """Agree on the draft: its bytes become evidence, their hash an entry of the trace."""
    site = _site(request)
    require(request.user, "record", site)
    row, laid = _draft(site)
    if against := faults(laid.plan, laid.jobs, laid.resources):
        said = _Words(request, laid, the_names()).faults(against, laid)
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
        words = _Words(request, laid, names)
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
    rows = _rows(laid, _Words(request, laid, names), microseconds(the_app().clock()))
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
