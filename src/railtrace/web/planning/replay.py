"""A simulated run seen again: units over the machines of a plan in time, from the engine's record.

The run is made anew from its number when the page is asked for: the same number is the same run.
Hours count from the beginning of the year, a day's from the beginning of its work.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_record import Standing, standing_at
from railtrace.analysis.depot_simulation import DONE, Record, recorded
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.planning import verified
from railtrace.web.planning.answer import station_name
from railtrace.web.planning.pages import kept_plan
from railtrace.web.planning.plan import shop_of, told
from railtrace.web.upkeep.sheets import Cells, saved

DAY_H, WEEK_H = 24.0, 168.0
_MOST_BARS = 1500
"""More visits than this in a week, and the page shows a day."""
_NEVER_H, _STEP_H = 1e9, 0.05
_LABEL_SHARE = 1.6
"""Hundredths of the shown span from which a bar has room for its unit's number."""
_SHOWN_WAITING = 5


@dataclass(frozen=True)
class Bar:
    """A visit on its machine; left and width in hundredths of the shown hours."""

    left: float
    width: float
    visit: int
    label: str
    title: str


@dataclass(frozen=True)
class Lane:
    """A machine of a station: its bars, and when it is closed or under repair."""

    number: int
    bars: list[Bar]
    down: list[tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """A station: how many wait over the shown hours, its machines, and how it stands now."""

    key: str
    name: str
    queue: str
    most: int
    lanes: list[Lane]
    """Of the machines that anything is on in the shown hours."""
    idle: int
    """How many others there are."""
    working: str
    waiting: str


class _Shown:
    """The hours of a run that are shown, and the words for what is in them."""

    def __init__(self, shop: Shop, record: Record, names: Names, asked: str) -> None:
        self.shop, self.record, self.names = shop, record, names
        many = len(record.step) * WEEK_H / verified.YEAR_H > _MOST_BARS
        self.span_h = DAY_H if many else WEEK_H
        self.count = int(verified.YEAR_H // self.span_h)
        first = int(verified.WARM_UP * verified.YEAR_H // self.span_h) + 1
        self.number = min(max(int(asked), 1), self.count) if asked.isdigit() else first
        self.from_h = (self.number - 1) * self.span_h
        self.to_h = self.from_h + self.span_h
        cards = [names.catalogue.processes[p.key] for p in shop.processes]
        self.processes = [card.name(names.language) for card in cards]
        self.steps = [[s.name(names.language) for s in card.steps] for card in cards]
        self.station_of = [[step.station for step in p.steps] for p in shop.processes]
        overlap = (record.queued_h < self.to_h) & (record.end_h > self.from_h)
        self.visits = np.flatnonzero(overlap).tolist()

    def share(self, hour: float) -> float:
        """Return an hour in hundredths of what is shown."""
        return round(min(max(100 * (hour - self.from_h) / self.span_h, 0.0), 100.0), 3)

    def unit(self, visit: int) -> str:
        """Return the number of a visit's unit among those of its process, from 1."""
        return str(int(self.record.number[visit]) + 1)

    def step(self, visit: int) -> str:
        """Return the name of a visit's step."""
        return self.steps[int(self.record.process[visit])][int(self.record.step[visit])]

    def station(self, visit: int) -> str:
        """Return the key of a visit's station."""
        return self.station_of[int(self.record.process[visit])][int(self.record.step[visit])]


def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one run of a plan's shop again."""
    row, shown = _asked(request, pk)
    hour = _hour(request.GET.get("at", ""), shown)
    stood = standing_at(shown.record, shown.shop, shown.from_h + hour)
    context = {
        "section": "planning", "plan": row, "tab": "replay", "run": _run_number(request),
        "runs": range(1, verified.REPLICATIONS + 1), "shown": shown, "hour": hour,
        "spans": range(1, shown.count + 1), "now_left": round(100 * hour / shown.span_h, 3),
        "rows": [_row(station.key, shown, stood) for station in shown.shop.stations],
        "at_work": sum(len(on) for on in stood.working.values()),
        "in_line": sum(len(on) for on in stood.waiting.values()), "out": stood.done,
        "moment": moment_words(shown, hour), "ticks": _ticks(shown), "told": _told_of(shown, stood),
        "longest": _longest(shown),
    }  # fmt: skip
    return render(request, "planning/replay.html", context)


def _asked(request: HttpRequest, pk: int) -> tuple[Any, _Shown]:
    row, laid = kept_plan(pk)
    names = the_names()
    shop = shop_of(laid, names.catalogue, told())
    _run, record = recorded(shop, verified.YEAR_H, _run_number(request) - 1, verified.WARM_UP)
    return row, _Shown(shop, record, names, request.GET.get("span", ""))


def _run_number(request: HttpRequest) -> int:
    asked = request.GET.get("run", "")
    return min(max(int(asked), 1), verified.REPLICATIONS) if asked.isdigit() else 1


def _hour(asked: str, shown: _Shown) -> float:
    """Return the hour that is asked for; where none is, one at which most is under way."""
    try:
        hour = float(asked.replace(",", "."))
    except ValueError:
        return _busiest(shown)
    return min(max(hour, 0.0), shown.span_h) if hour == hour else _busiest(shown)


def _busiest(shown: _Shown) -> float:
    """Return the first hour of the span at which most units are on machines."""
    begin, end = shown.record.begin_h[shown.visits], shown.record.end_h[shown.visits]
    moments = np.unique(begin[(begin >= shown.from_h) & (begin < shown.to_h)])
    if not len(moments):
        return 0.0
    on = np.searchsorted(np.sort(begin), moments, "right") - np.searchsorted(
        np.sort(end), moments, "right")  # fmt: skip
    at = float(moments[int(np.argmax(on))]) - shown.from_h
    return min(math.ceil(at / _STEP_H) * _STEP_H, shown.span_h)


def moment_words(shown: _Shown, hour: float) -> str:
    """Return a moment of the shown hours in words: the day of the year, hours of its work."""
    minutes = round((shown.from_h + hour) * 60)
    day, rest = divmod(minutes, 24 * 60)
    return gettext("day %(day)s, %(time)s") % {
        "day": day + 1, "time": f"{rest // 60}:{rest % 60:02}",
    }  # fmt: skip


def _ticks(shown: _Shown) -> list[tuple[float, str]]:
    if shown.span_h == WEEK_H:
        first = int(shown.from_h // DAY_H) + 1
        return [(round(100 * n / 7, 3), gettext("day %s") % (first + n)) for n in range(7)]
    return [(round(100 * h / DAY_H, 3), f"{h}:00") for h in range(0, 24, 3)]


def _longest(shown: _Shown) -> int:
    """Return the number of the span of counted hours in which most hours are waited."""
    begin = np.minimum(shown.record.begin_h, verified.YEAR_H)
    spans = (shown.record.queued_h // shown.span_h).astype(int)
    waits = np.maximum(begin - shown.record.queued_h, 0.0)
    first = int(verified.WARM_UP * verified.YEAR_H // shown.span_h)
    sums = np.bincount(spans, waits, shown.count)[: shown.count]
    sums[:first] = 0
    return int(np.argmax(sums)) + 1


# --- the rows -----------------------------------------------------------------------------------


def _row(key: str, shown: _Shown, stood: Standing) -> Row:
    mine = [visit for visit in shown.visits if shown.station(visit) == key]
    path, most = _queue(mine, shown)
    bars: dict[int, list[Bar]] = {}
    for visit in mine:
        if shown.record.begin_h[visit] < shown.to_h:
            bars.setdefault(int(shown.record.machine[visit]), []).append(_bar(visit, shown))
    down = shown.record.down[key]
    lanes = [Lane(number + 1, bars[number], _down(*down[number], shown)) for number in sorted(bars)]
    working = [v for (at, _), on in sorted(stood.working.items()) if at == key for v in on]
    return Row(
        key, station_name(key, shown.names), path, most, lanes, len(down) - len(lanes),
        said_working(working, shown), said_waiting(stood.waiting.get(key, ()), shown),
    )  # fmt: skip


def said_working(visits: Sequence[int], shown: _Shown) -> str:
    """Return who is on the machines of a station: machine, unit, step."""
    return "; ".join(
        f"{int(shown.record.machine[v]) + 1}: {shown.unit(v)} · {shown.step(v)}" for v in visits
    ) or "—"  # fmt: skip


def said_waiting(visits: Sequence[int], shown: _Shown) -> str:
    """Return how many wait, and the numbers of the first of them."""
    first = ", ".join(shown.unit(v) for v in visits[:_SHOWN_WAITING])
    more = ", …" if len(visits) > _SHOWN_WAITING else ""
    return f"{len(visits)}: {first}{more}" if visits else "0"


def _bar(visit: int, shown: _Shown) -> Bar:
    left = shown.share(float(shown.record.begin_h[visit]))
    width = round(shown.share(float(shown.record.end_h[visit])) - left, 3)
    process = shown.processes[int(shown.record.process[visit])]
    return Bar(
        left, max(width, 0.15), visit, shown.unit(visit) if width >= _LABEL_SHARE else "",
        f"{shown.unit(visit)} · {process} · {shown.step(visit)}",
    )  # fmt: skip


def _down(
    begins: Sequence[float], ends: Sequence[float], shown: _Shown
) -> list[tuple[float, float]]:
    """Return left and width of the spans in which a machine does not work."""
    found = []
    for begin, end in zip(begins, ends, strict=True):
        if begin < shown.to_h and end > shown.from_h:
            left = shown.share(begin)
            found.append((left, round(shown.share(end) - left, 3)))
    return found


def _queue(visits: Sequence[int], shown: _Shown) -> tuple[str, int]:
    """Return the outline of how many wait, in a box of 100 by the most of them, and the most."""
    changes = sorted(
        change for v in visits
        for change in ((float(shown.record.queued_h[v]), 1), (float(shown.record.begin_h[v]), -1))
        if shown.record.begin_h[v] > shown.record.queued_h[v]
    )  # fmt: skip
    # At one moment all who come and go are counted together.
    moments = [(at, sum(step for _, step in same)) for at, same in
               groupby(changes, key=lambda change: change[0])]  # fmt: skip
    levels = list(zip([at for at, _ in moments], accumulate(n for _, n in moments), strict=True))
    before = next((level for at, level in reversed(levels) if at <= shown.from_h), 0)
    inside = [(at, level) for at, level in levels if shown.from_h < at < shown.to_h]
    most = max([before, *(level for _, level in inside)])
    steps = "".join(f"H{shown.share(at)}V{most - level}" for at, level in inside)
    return f"M0 {most}V{most - before}{steps}H100V{most}Z", most


def _told_of(shown: _Shown, stood: Standing) -> dict[str, Any]:
    """Return what the page needs to show any moment of the span by itself."""
    record, keys = shown.record, [station.key for station in shown.shop.stations]
    return {
        "from": shown.from_h, "span": shown.span_h, "shown": _SHOWN_WAITING,
        "moment": gettext("day %(day)s, %(time)s"),
        "done": int(np.sum((record.after == DONE) & (record.end_h <= shown.from_h))),
        "steps": shown.steps,
        "visits": [
            [v, shown.unit(v), int(record.process[v]), int(record.step[v]),
             keys.index(shown.station(v)), int(record.machine[v]), float(record.queued_h[v]),
             min(float(record.begin_h[v]), _NEVER_H), min(float(record.end_h[v]), _NEVER_H),
             bool(record.after[v] == DONE)]
            for v in shown.visits
        ],
    }  # fmt: skip


HEADS = (_("Unit"), _("Process"), _("Step"), _("Station"), _("Machine"), _("Came, h"),
         _("Begun, h"), _("Ended, h"))  # fmt: skip


def table(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the record of the shown hours as a table; hours of the simulated year."""
    _row, shown = _asked(request, pk)
    return saved(request, f"replay-{pk}-{_run_number(request)}-{shown.number}", HEADS,
                 list(_lines(shown)))  # fmt: skip


def _lines(shown: _Shown) -> Iterator[Cells]:
    record = shown.record
    for v in shown.visits:
        hours = [f"{h:.2f}" if np.isfinite(h) else "" for h in
                 (record.queued_h[v], record.begin_h[v], record.end_h[v])]  # fmt: skip
        machine = "" if record.machine[v] < 0 else str(int(record.machine[v]) + 1)
        yield [shown.unit(v), shown.processes[int(record.process[v])], shown.step(v),
               station_name(shown.station(v), shown.names), machine, *hours]  # fmt: skip
