"""The quality dashboard and a unit's tab Operation; units and depots, never people."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.quality_index import Index, quality_index
from railtrace.catalogue.rows import Catalogue
from railtrace.store.dues import GONE
from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.lookup import Maintained
from railtrace.trace.leaf import microseconds, moment
from railtrace.web.figures import number_as_painted
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app

MONTHS = (1, 3, 6, 12, 36)
_SHOWN = 100
_FAULTS = {
    "missing_channel": _("a channel is missing"),
    "empty_channel": _("a channel has no value"),
    "rule_not_run": _("a rule was not run for want of a channel"),
    "recorder_gap": _("gaps in the record"),
    "time_goes_back": _("the time goes back"),
    "second_twice": _("a second stands twice"),
    "row_without_time": _("rows without a time"),
    "negative_km": _("negative kilometres"),
    "counter_goes_back": _("the counter goes back"),
    "wrong_zone": _("the clock is of another time zone"),
    "time_in_future": _("the time is ahead of now"),
    "two_runs_at_once": _("two runs at once"),
}


@dataclass(frozen=True)
class Line:
    """The index of one type, depot or unit."""

    name: str
    index: Index
    counts: dict[str, int]
    unit: str = ""


def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the quality of operation of the locomotives over some months."""
    asked = request.GET.get("months", "12")
    months = int(asked) if asked.isdecimal() and int(asked) in MONTHS else 12
    names = the_names()
    vehicles, violations, km = _of_fleet(names.catalogue, months)
    weights = {key: rule.weight for key, rule in names.catalogue.mode_rules.items()}
    rules = [key for key, _count in Counter(v["rule"] for v in violations).most_common()]
    grouped = {
        "types": _lines(vehicles, violations, km, weights, lambda v: names.type(v.type)),
        "depots": _lines(vehicles, violations, km, weights, lambda v: site_name(v.home_site)),
    }
    units = _lines(vehicles, violations, km, weights, _number)
    context = {
        "section": "fleet", "months": months, "choices": MONTHS, **grouped,
        "units": sorted(units, key=lambda one: -(one.index.low or 0))[:_SHOWN],
        "rules": [(key, rule_name(key, names), names.catalogue.mode_rules.get(key))
                  for key in rules],
        "trend": _trend(violations), "all": quality_index(
            Counter(v["rule"] for v in violations), weights, sum(km.values())),
    }  # fmt: skip
    return render(request, "quality/dashboard.html", context)


def _of_fleet(
    catalogue: Catalogue, months: int
) -> tuple[list[Maintained], list[dict[str, Any]], dict[str, float]]:
    app = the_app()
    types = [k for k, v in catalogue.vehicle_types.items() if v.vehicle_class == "locomotive"]
    vehicles = [v for v in app.lookup.maintained(types) if v.status not in GONE]
    since_us = microseconds(app.clock() - timedelta(days=30.4375 * months))
    units = [v.unit for v in vehicles]
    runs, _anchors = app.lookup.all_counter_rows(types, "km")
    km: dict[str, float] = {}
    for unit, at_us, length in runs:
        if at_us >= since_us:
            km[unit] = km.get(unit, 0.0) + length / 1000
    return vehicles, app.lookup.violations(units, since_us), km


def _number(vehicle: Maintained) -> str:
    return (
        number_as_painted(vehicle.scheme, vehicle.number, vehicle.vehicle_class) or vehicle.unit
    )


def _lines(
    vehicles: Sequence[Maintained], violations: Iterable[dict[str, Any]], km: dict[str, float],
    weights: dict[str, float], name: Any,
) -> list[Line]:  # fmt: skip
    counts: dict[str, Counter[str]] = {}
    run: dict[str, float] = {}
    group = {v.unit: name(v) for v in vehicles}
    one_unit = {name(v): v.unit for v in vehicles}
    for vehicle in vehicles:
        counts.setdefault(group[vehicle.unit], Counter())
        run[group[vehicle.unit]] = run.get(group[vehicle.unit], 0.0) + km.get(vehicle.unit, 0.0)
    for violation in violations:
        counts[group[violation["unit"]]][violation["rule"]] += 1
    return [
        Line(key, quality_index(found, weights, run[key]), dict(found),
             one_unit[key] if name is _number else "")
        for key, found in sorted(counts.items()) if run[key] > 0 or found
    ]  # fmt: skip


def _trend(violations: Iterable[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Violations by month: (month, count, share of the greatest in per cent)."""
    months = Counter(
        moment(v["at_us"]).astimezone(home_zone()).strftime("%Y-%m") for v in violations
    )
    top = max(months.values(), default=1)
    return [(month, count, round(100 * count / top)) for month, count in sorted(months.items())]


def rule_name(key: str, names: Names) -> str:
    """Return the name of a rule of use; one the catalogue lacks is shown as it is."""
    row = names.catalogue.mode_rules.get(key)
    return row.name(names.language) if row else key


def unit_operation(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return what recorders showed of a unit: files, what is wrong with them, violations."""
    lookup, until_us = the_app().lookup, knowledge.at_us
    files = [f for f in lookup.recorder_files([tree.unit]) if f["at_us"] <= until_us]
    violations = [v for v in lookup.violations([tree.unit]) if v["at_us"] <= until_us]
    return {
        "files": [f | {"said": _faults(f["findings"])} for f in files[:_SHOWN]],
        "violations": [
            v | {"name": rule_name(v["rule"], names), "worst_said": names.value(
                v["worst"], v["uom"]) if v["worst"] else "—", "seconds": _seconds(v, names)}
            for v in violations[:_SHOWN]
        ],
        "all_violations": len(violations), "all_files": len(files),
    }  # fmt: skip


def _seconds(violation: dict[str, Any], names: Names) -> str:
    milli = violation["duration_milli"]
    return "—" if milli is None else names.value(f"{milli / 1000:.0f}", "s")


def _faults(findings: str) -> list[str]:
    return [
        gettext(_FAULTS.get(f["name"], f["name"]))
        + (f" × {f['count']}" if f.get("count", 1) > 1 else "")
        + (f": {f['text']}" if f.get("text") else "")
        for f in json.loads(findings)
    ]
