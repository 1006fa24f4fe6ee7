"""A unit's tab Operation: what is wrong with its records, runs, violations, files, alarms."""

import json
from datetime import datetime, time
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.projections.maintenance import DAY_US
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import microseconds
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.quality.alarms import alarm_words
from railtrace.web.quality.chart import CHANNELS
from railtrace.web.quality.pages import rule_name
from railtrace.web.release import with_names
from railtrace.web.roles import may
from railtrace.web.running import the_app

_SHOWN = 100
_AROUND_S = 150
_OF_RUNNING = ("runs", "usage", "wayside", "origins")
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


def unit_operation(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return how a unit is run: records, what is wrong with them, violations, files, alarms."""
    lookup, unit, until_us = the_app().lookup, tree.unit, knowledge.at_us
    week = _week(request)
    until_us, since_us = (until_us, 0) if week is None else (min(until_us, week + 7 * DAY_US), week)
    # A recorder whose clock is ahead of ours wrote in the future: what is wrong with it is seen.
    all_of_now = knowledge.now and week is None
    files = [f for f in lookup.recorder_files([unit]) if all_of_now or f["at_us"] <= until_us]
    violations = [v for v in lookup.violations([unit], since_us) if v["at_us"] <= until_us]
    runs = [r for r in lookup.run_records([unit], since_us) if r["at_us"] <= until_us]
    alarms = [a for a in lookup.wayside_alarms([unit]) if a["at_us"] <= until_us]
    started = {f["file"]: f["at_us"] for f in files}
    return {
        "files": [f | {"said": _faults(f["findings"], names)} for f in files[:_SHOWN]],
        "violations": [_violation(v, started, names) for v in violations[:_SHOWN]],
        "all_violations": len(violations), "all_files": len(files), "all_runs": len(runs),
        "runs": [_run(r) for r in runs[:_SHOWN]], "week": request.GET.get("week", ""),
        "alarms": [alarm_words(a, names) for a in alarms[:_SHOWN]], "all_alarms": len(alarms),
        "named": _named(knowledge, names, unit), "sees_crews": may(request.user, "crews"),
        "may_answer": may(request.user, "record"), "here": request.get_full_path(),
    }  # fmt: skip


def _week(request: HttpRequest) -> int | None:
    """Return the first moment of the week asked for."""
    try:
        day = parse_date(request.GET.get("week", ""))
    except ValueError:
        return None
    if day is None:
        return None
    return microseconds(datetime.combine(day, time.min, tzinfo=home_zone()))


def _short(value: str) -> str:
    """Return a value without the noughts that a recorder writes behind the point."""
    return value.rstrip("0").rstrip(".") if "." in value else value


def _violation(row: dict[str, Any], started: dict[str, int], names: Names) -> dict[str, Any]:
    """Return a violation in words, with the span of its recorder's chart where it has a file."""
    second = None
    if row["file"] and row["file"] in started:
        second = (row["at_us"] - started[row["file"]]) / 1e6
    milli = row["duration_milli"]
    lasted = 0 if milli is None else milli / 1000
    return row | {
        "name": rule_name(row["rule"], names),
        "worst_said": names.value(_short(row["worst"]), row["uom"]) if row["worst"] else "—",
        "seconds": "—" if milli is None else names.value(f"{lasted:.0f}", "s"),
        "from_s": None if second is None else round(max(second - _AROUND_S, 0)),
        "to_s": None if second is None else round(second + lasted + _AROUND_S),
    }


def _run(row: dict[str, Any]) -> dict[str, Any]:
    work = row["work_milli"]
    return row | {
        "crew_ids": json.loads(row["crew"]), "work_k": None if work is None else work // 1_000_000
    }


def _named(knowledge: Knowledge, names: Names, unit: str) -> list[dict[str, Any]]:
    """Return what contradicts itself in how the unit is said to run, as sentences."""
    found = []
    for view in _OF_RUNNING:
        state = knowledge.states(unit).get(view)
        for one in state.contradictions.values() if state is not None else ():
            said = names.contradiction(one.name, with_names(knowledge, names, one.values))
            found.append({"at_us": one.at_us, "said": said, "resolution": one.resolution,
                          "operation": one.key.partition(":")[2]})  # fmt: skip
    return sorted(found, key=lambda one: -one["at_us"])


def _faults(findings: str, names: Names) -> list[str]:
    return [
        gettext(_FAULTS.get(f["name"], f["name"]))
        + (f" × {f['count']}" if f.get("count", 1) > 1 else "")
        + (f": {_detail(f['text'], names)}" if f.get("text") else "")
        for f in json.loads(findings)
    ]


def _detail(text: str, names: Names) -> str:
    """Put into words what a finding tells: `rule overspeed, channel speed`."""
    return ", ".join(_said(*part.partition(" ")[::2], names) for part in text.split(", "))


def _said(key: str, value: str, names: Names) -> str:
    match key:
        case "channel":
            return gettext(CHANNELS.get(value, (value, ""))[0])
        case "rule":
            return rule_name(value, names)
        case "greatest":
            return names.value(_short(value), "s")
        case "hours":
            return names.value(_short(value), "h")
    return f"{key} {value}"
