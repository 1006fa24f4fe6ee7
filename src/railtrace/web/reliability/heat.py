"""The fleet's heat map: units by weeks, hours down as strength, failures as figures."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from railtrace.store.dues import GONE
from railtrace.store.service import down_hours
from railtrace.trace.leaf import microseconds
from railtrace.web import words
from railtrace.web.figures import figure, number_as_painted
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.reliability.choice import CLASSES, choice, group_name
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

WEEKS = (13, 26, 52)
_PAGE = 60
_STEPS = (0.0, 0.15, 0.4, 0.7)
"""Shares of a week above which a cell is a step stronger."""


@dataclass(frozen=True)
class Cell:
    """One week of one unit."""

    strength: int
    failures: int
    said: str


@dataclass(frozen=True)
class Row:
    """One unit: its weeks, what it was down and how often it failed."""

    unit: str
    number: str
    type: str
    down_h: float
    failures: int
    cells: tuple[Cell, ...]


@allowed("read")
def heat(request: HttpRequest) -> HttpResponse:
    """Show units by weeks, those that were down longest first."""
    names = the_names()
    asked = choice(request, names.catalogue)
    wanted = request.GET.get("weeks", "")
    weeks = next((n for n in WEEKS if str(n) == wanted), WEEKS[1])
    vehicles = [v for v in asked.vehicles if v.status not in GONE]
    starts = _mondays(weeks)
    edges = [_midnight(day) for day in starts]
    edges.append(min(_midnight(starts[-1] + timedelta(days=7)), microseconds(the_app().clock())))
    down = down_hours(the_app().views.database, names.catalogue, vehicles, edges)
    failed = Counter(
        (f.vehicle, next(n for n in range(weeks) if edges[n] <= f.at_us < edges[n + 1]))
        for f in asked.period().failures if edges[0] <= f.at_us < edges[-1]
    )  # fmt: skip
    rows = []
    for v in vehicles:
        cells = tuple(_cell(*hours, failed[v.unit, n], names.language)
                      for n, hours in enumerate(down[v.unit]))  # fmt: skip
        rows.append(Row(
            v.unit, number_as_painted(v.scheme, v.number, v.vehicle_class) or v.unit,
            names.type(v.type), sum(h for h, _ in down[v.unit]), sum(c.failures for c in cells),
            cells,
        ))  # fmt: skip
    rows.sort(key=lambda row: (-row.down_h, -row.failures, row.number))
    context = {
        "section": "reliability", "tab": "heat", "names": names, "asked": asked, "weeks": weeks,
        "choices": WEEKS, "starts": starts, "rows": rows[:_PAGE], "all": len(rows),
        "classes": {key: words.CLASSES[key] for key in CLASSES},
        "types": [(key, group_name("type", key, names)) for key in asked.types],
        "depots": [(key, group_name("home_site", key, names)) for key in asked.depots],
    }  # fmt: skip
    return render(request, "reliability/heat.html", context)


def _mondays(weeks: int) -> list[date]:
    today = the_app().clock().astimezone(home_zone()).date()
    this = today - timedelta(days=today.weekday())
    return [this - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def _midnight(day: date) -> int:
    return microseconds(datetime.combine(day, time.min, tzinfo=home_zone()))


def _cell(unplanned_h: float, planned_h: float, failures: int, language: str) -> Cell:
    share = unplanned_h / 168
    strength = sum(share > step for step in _STEPS)
    said = []
    if failures:
        said.append(gettext("failures: {n}").format(n=failures))
    if unplanned_h:
        said.append(gettext("unplanned: {h} h").format(h=figure(unplanned_h, language, 0)))
    if planned_h:
        said.append(gettext("planned: {h} h").format(h=figure(planned_h, language, 0)))
    return Cell(strength, failures, ", ".join(said))
