"""What the page of a week draws: a day's lanes with their bars, and all its tasks as rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from railtrace.analysis.schedule import Assigned, Resource, faults
from railtrace.trace.leaf import microseconds
from railtrace.web.clocks import from_us
from railtrace.web.names import Names
from railtrace.web.planning import week_search
from railtrace.web.planning.week import WEEK_H, Week, next_shift
from railtrace.web.planning.week_words import WeekWords
from railtrace.web.running import the_app

DAY_H = 24.0


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


def drawn(request: HttpRequest, laid: Week, names: Names) -> dict[str, Any]:
    """Return what the page of a week shows of one of its days."""
    now_us = microseconds(the_app().clock())
    asked = request.POST.get("day") or request.GET.get("day", "")
    today = min(max(int(laid.hour(now_us) // DAY_H), 0), 6)
    day = int(asked) if asked.isdigit() and int(asked) < 7 else today
    words = WeekWords(request, laid, names)
    against = faults(laid.plan, laid.jobs, laid.resources)
    return {
        "laid": laid, "day": day, "days": _days(laid), "lanes": _lanes(laid, day, now_us, words),
        "hours": [(round(100 * h / DAY_H, 3), f"{h:02}:00") for h in range(0, 24, 3)],
        "now_left": _share(laid.hour(now_us) - day * DAY_H),
        "start_us": laid.us(day * DAY_H), "span_us": laid.us(DAY_H) - laid.us(0),
        "zone": str(the_app().config.zone_of(laid.site)), "faults": words.faults(against, laid),
        "frozen_us": laid.us(laid.hour(now_us) + laid.freeze_h), "search": week_search.kept(laid),
        "coming": [laid.us(h) for h in next_shift(the_app(), laid, from_us(now_us))],
        "late": words.late(laid), "left": [words.job(job) for job in laid.left],
        "skipped": words.skipped(laid), "rows": rows_of(laid, words, now_us),
        "planned": len(laid.jobs) - len(laid.left),
        "steps": len(laid.assigned), "wish": laid,
    }  # fmt: skip


def _days(laid: Week) -> list[tuple[int, datetime]]:
    zone = the_app().config.zone_of(laid.site)
    return [(n, from_us(laid.us(n * DAY_H + 12)).astimezone(zone)) for n in range(7)]


def _share(hours: float) -> float:
    return round(max(0.0, min(100.0, 100 * hours / DAY_H)), 3)


def _lanes(laid: Week, day: int, now_us: int, words: WeekWords) -> list[Lane]:
    frozen = {(e.job, e.number) for e in laid.frozen(now_us)} - set(laid.pins)
    on: dict[str, list[Bar]] = {r.key: [] for r in laid.resources}
    low, high = day * DAY_H, (day + 1) * DAY_H
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
    each: Assigned, laid: Week, low: float, words: WeekWords, frozen: set[tuple[str, int]]
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
        if start > at and at < low + DAY_H:
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


def rows_of(laid: Week, words: WeekWords, now_us: int) -> list[Row]:
    """Return all tasks of a week in words."""
    frozen = {(e.job, e.number) for e in laid.frozen(now_us)} - set(laid.pins)
    track = {stay.job: words.resource(stay.place) for stay in laid.stays}
    return [
        Row(e.job, e.number, laid.us(e.start_h), laid.us(e.end_h), laid.lines[e.job].order,
            laid.lines[e.job].unit, words.job(e.job), words.process(e.job),
            words.step(e.job, e.number), ", ".join(words.resource(key) for key in e.resources),
            track.get(e.job, ""), (e.job, e.number) in laid.pins, (e.job, e.number) in frozen)
        for e in laid.assigned if e.job in laid.lines
    ]  # fmt: skip
