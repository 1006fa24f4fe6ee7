"""The quality dashboard: violations by type, depot, route, season and unit; never by people."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.fuel import season_of
from railtrace.analysis.quality_index import Index, quality_index
from railtrace.store.driving import Weights
from railtrace.store.lookup import Maintained
from railtrace.trace.leaf import moment
from railtrace.web.diagnostics.reasons import sentence_of
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.quality.asked import (
    GROUPS,
    SEASONS,
    Asked,
    asked,
    number,
    offered,
    sent_as_csv,
    vehicles_of,
)
from railtrace.web.quality.weights import computed_weights
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

_SHOWN = 100
_MOST_WEEKS = 52
_HEAT_ROWS = 80


@dataclass
class Group:
    """What was run and violated under one name."""

    km: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Line:
    """The index of one type, depot, route, season or unit."""

    name: str
    index: Index
    counts: dict[str, int]
    unit: str = ""


@dataclass(frozen=True)
class Seen:
    """Everything the dashboard is made of."""

    vehicles: list[Maintained]
    violations: list[dict[str, Any]]
    runs: list[tuple[str, int, float]]
    records: dict[str, list[tuple[int, int, str, float]]]


@allowed("read")
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the quality of operation of the locomotives over some months."""
    one, names = asked(request), the_names()
    vehicles, offer = vehicles_of(one)
    seen, weights = _seen(vehicles, one), computed_weights()
    rules = [key for key, _count in Counter(v["rule"] for v in seen.violations).most_common()]
    grouped = {key: _lines(seen, names, weights, key) for key in GROUPS}
    heat_by = "type" if request.GET.get("heat") == "type" else "unit"
    context = {
        "section": "fleet", "names": names, "tab_of": "quality", **offered(names, offer),
        "grouped": [(key, GROUPS[key], grouped[key]) for key in ("type", "depot", "route",
                                                                 "season")],
        "units": sorted(grouped["unit"], key=lambda line: -(line.index.low or 0))[:_SHOWN],
        "rules": [(key, rule_name(key, names)) for key in rules],
        "weights": _weight_rows(weights, names), "driving": weights.driving,
        "why_not": sentence_of(weights.why_not, names)[0], "all": _index(weights, _whole(seen)),
        "trend": _trend(seen, weights, one.since_us), "heat": _heat(seen, one, names, heat_by),
        "heat_by": heat_by, "months": one.months,
    }  # fmt: skip
    return render(request, "quality/dashboard.html", context)


def _seen(vehicles: list[Maintained], one: Asked) -> Seen:
    lookup, units = the_app().lookup, [v.unit for v in vehicles]
    types = sorted({v.type for v in vehicles})
    runs, _anchors = lookup.all_counter_rows(types, "km") if types else ([], [])
    wanted = set(units)
    kept = [
        (unit, at_us, length / 1000) for unit, at_us, length in runs
        if at_us >= one.since_us and unit in wanted
    ]  # fmt: skip
    records: dict[str, list[tuple[int, int, str, float]]] = {}
    for row in reversed(lookup.run_records(units, one.since_us)):
        started = row["at_us"] if row["started_us"] is None else row["started_us"]
        records.setdefault(row["unit"], []).append(
            (row["at_us"], started, row["route"], row["km_milli"] / 1000)
        )
    return Seen(vehicles, lookup.violations(units, one.since_us), kept, records)


def _route_at(records: Sequence[tuple[int, int, str, float]], at_us: int) -> str:
    """Return the route a unit was on at a moment, "" where no record says."""
    index = bisect_left(records, (at_us, 0, "", 0.0))
    if index < len(records) and records[index][1] <= at_us:
        return records[index][2]
    return ""


def _lines(seen: Seen, names: Names, weights: Weights, key: str) -> list[Line]:
    by_unit = {v.unit: v for v in seen.vehicles}
    name = _namer(by_unit, names, key)
    groups: dict[str, Group] = {}
    if key == "route":
        for unit, records in seen.records.items():
            for _at, _start, route, km in records:
                groups.setdefault(route, Group()).km += km
            del unit
    else:
        for unit, at_us, km in seen.runs:
            groups.setdefault(name(unit, at_us), Group()).km += km
    for violation in seen.violations:
        unit, at_us = violation["unit"], violation["at_us"]
        group = _route_at(seen.records.get(unit, ()), at_us) if key == "route" else name(
            unit, at_us)  # fmt: skip
        groups.setdefault(group, Group()).counts[violation["rule"]] += 1
    unit_of = {number(v): v.unit for v in seen.vehicles} if key == "unit" else {}
    return [
        Line(group, _index(weights, found), dict(found.counts), unit_of.get(group, ""))
        for group, found in sorted(groups.items())
    ]


def _namer(
    by_unit: dict[str, Maintained], names: Names, key: str
) -> Callable[[str, int], str]:
    if key == "season":
        return lambda _unit, at_us: gettext(SEASONS[season_of(_local(at_us).month)])
    return {
        "type": lambda unit, _at: names.type(by_unit[unit].type),
        "depot": lambda unit, _at: site_name(by_unit[unit].home_site),
        "unit": lambda unit, _at: number(by_unit[unit]),
        "route": lambda _unit, _at: "",
    }[key]


def _local(at_us: int) -> date:
    return moment(at_us).astimezone(home_zone()).date()


def _index(weights: Weights, group: Group) -> Index:
    return quality_index(group.counts, weights.values, group.km, errors=weights.errors)


def _whole(seen: Seen) -> Group:
    return Group(sum(km for _, _, km in seen.runs), Counter(v["rule"] for v in seen.violations))


def _trend(seen: Seen, weights: Weights, since_us: int) -> list[tuple[str, Index, int]]:
    """Return (month, index, share of the greatest in per cent) month by month.

    The month in the middle of which the time begins is left out: a few days of it say little.
    """
    groups: dict[str, Group] = {}
    for _unit, at_us, km in seen.runs:
        groups.setdefault(_local(at_us).strftime("%Y-%m"), Group()).km += km
    for violation in seen.violations:
        month = _local(violation["at_us"]).strftime("%Y-%m")
        groups.setdefault(month, Group()).counts[violation["rule"]] += 1
    begun = _local(since_us).strftime("%Y-%m") if _local(since_us).day > 1 else ""
    found = [(month, _index(weights, group)) for month, group in sorted(groups.items())
             if month != begun]  # fmt: skip
    top = max([index.value or 0.0 for _, index in found], default=0.0) or 1.0
    return [(month, one, round(100 * (one.value or 0.0) / top)) for month, one in found]


# --- violations by weeks ------------------------------------------------------------------------


def _heat(seen: Seen, one: Asked, names: Names, by: str) -> dict[str, Any]:
    """Return rows of units or types by weeks; the stronger a cell the more violations in it."""
    today = the_app().clock().astimezone(home_zone()).date()
    monday = today - timedelta(days=today.weekday())
    count = min(_MOST_WEEKS, max(1, round(one.months * 4.348)))
    first = monday - timedelta(weeks=count - 1)
    name = _namer({v.unit: v for v in seen.vehicles}, names, by)
    cells: dict[str, Counter[int]] = {}
    for violation in seen.violations:
        week = (_local(violation["at_us"]) - first).days // 7
        if week >= 0:
            row = cells.setdefault(name(violation["unit"], 0), Counter())
            row[week] += 1
    worst = sorted(cells, key=lambda row: (-sum(cells[row].values()), row))[:_HEAT_ROWS]
    unit_of = {number(v): v.unit for v in seen.vehicles} if by == "unit" else {}
    top = max((n for row in cells.values() for n in row.values()), default=1)
    weeks = [first + timedelta(weeks=n) for n in range(count)]
    return {
        "weeks": weeks, "more": len(cells) - len(worst), "top": top,
        "rows": [
            (row, unit_of.get(row, ""), sum(cells[row].values()),
             [(week, cells[row][n], _strength(cells[row][n], top)) for n, week in
              enumerate(weeks)])
            for row in worst
        ],
    }  # fmt: skip


def _strength(count: int, top: int) -> int:
    return 0 if count == 0 else min(4, 1 + 4 * (count - 1) // max(top, 1))


# --- weights ------------------------------------------------------------------------------------


def _weight_rows(weights: Weights, names: Names) -> list[tuple[str, Any]]:
    return sorted(
        ((rule_name(key, names), weight) for key, weight in weights.by_rule.items()),
        key=lambda pair: (not pair[1].estimated, -pair[1].value, pair[0]),
    )


def rule_name(key: str, names: Names) -> str:
    """Return the name of a rule of use; one the catalogue lacks is shown as it is."""
    row = names.catalogue.mode_rules.get(key)
    return row.name(names.language) if row else key


# --- export -------------------------------------------------------------------------------------

_HEADINGS = (_("By"), _("Name"), _("Mileage [km]"), _("Violations"), _("Index per 1000 km"),
             _("Lower bound"), _("Upper bound"))  # fmt: skip


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the indexes of the dashboard as CSV."""
    one, names = asked(request), the_names()
    vehicles, _offer = vehicles_of(one)
    return sent_as_csv("quality", _cells(_seen(vehicles, one), names, computed_weights()))


def _cells(seen: Seen, names: Names, weights: Weights) -> Iterable[Sequence[object]]:
    rules = sorted({v["rule"] for v in seen.violations})
    yield [*(gettext(word) for word in _HEADINGS), *(rule_name(rule, names) for rule in rules)]
    for key, word in GROUPS.items():
        for line in _lines(seen, names, weights, key):
            index = line.index
            yield [
                gettext(word), line.name or "—", f"{index.km:.1f}", index.violations,
                *("" if x is None else f"{x:.4f}" for x in (index.value, index.low, index.high)),
                *(line.counts.get(rule, 0) for rule in rules),
            ]  # fmt: skip
