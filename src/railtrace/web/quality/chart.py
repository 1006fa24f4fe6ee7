"""The recorder's chart: what a locomotive did second by second, around a moment."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import ModeRule
from railtrace.errors import BadEvidence, NotFound
from railtrace.operating.recorder_chart import (
    Drawn,
    Line,
    limits_of,
    open_recorded,
    promised,
    window,
)
from railtrace.operating.recorders import rules_for
from railtrace.trace.operation import Evidence
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

CHANNELS = {
    "speed": (_("Speed"), "km/h"), "speed_limit": (_("Speed limit"), "km/h"),
    "notch": (_("Notch of the controller"), "1"), "engine_rpm": (_("Engine speed"), "rpm"),
    "coolant": (_("Coolant temperature"), "°C"), "oil": (_("Oil temperature"), "°C"),
    "oil_pressure": (_("Oil pressure"), "kPa"),
    "generator_current": (_("Current of the main generator"), "A"),
    "shock": (_("Longitudinal acceleration"), "m/s2"), "km": (_("Counter"), "km"),
    "axle_1": (_("Axle 1"), "km/h"), "axle_2": (_("Axle 2"), "km/h"),
    "axle_3": (_("Axle 3"), "km/h"), "axle_4": (_("Axle 4"), "km/h"),
    "axle_5": (_("Axle 5"), "km/h"), "axle_6": (_("Axle 6"), "km/h"),
}  # fmt: skip
"""Names of the channels of recorders and what they are written in."""

_AXLES = tuple(f"axle_{n}" for n in range(1, 7))
_TOGETHER: tuple[tuple[str, ...], ...] = (("speed", "speed_limit"), _AXLES)
_AROUND_S = 300.0


@allowed("read")
def recorder(request: HttpRequest, sha256: str) -> HttpResponse:
    """Show the chart of a recorder's file; `at` is the second to look around."""
    names, file = the_names(), _file(request, sha256)
    knowledge = the_app().knowledge()
    length = (file["last_us"] - file["at_us"]) / 1e6
    from_s, to_s = _span(request, length)
    violations = [
        v for v in the_app().lookup.violations([file["unit"]]) if v["file"] == sha256
    ]
    context = {
        "section": "fleet", "names": names, "file": file, "unit": file["unit"],
        "number": names.unit(knowledge.passport(file["unit"])),
        "zone_name": str(home_zone()),
        "violations": [
            v | {"name": _rule_name(v["rule"], names),
                 "from_s": round(max((v["at_us"] - file["at_us"]) / 1e6 - _AROUND_S / 2, 0)),
                 "to_s": round((v["at_us"] - file["at_us"]) / 1e6 + _AROUND_S / 2
                               + (v["duration_milli"] or 0) / 1000)}
            for v in reversed(violations)
        ],
        "chart": {
            "data": f"{reverse('recorder-data', args=[sha256])}?unit={file['unit']}",
            "first_ms": file["at_us"] / 1000, "length": length, "from": from_s, "to": to_s,
            "zone": str(home_zone()), "language": get_language(),
            "marks": [[(v["at_us"] - file["at_us"]) / 1e6, (v["duration_milli"] or 1000) / 1000,
                       _rule_name(v["rule"], names)] for v in violations],
            "nothing": gettext("Nothing was recorded in this span."),
            "failed": gettext("The chart could not be read. Try again."),
        },
    }  # fmt: skip
    return render(request, "quality/recorder.html", context)


def _file(request: HttpRequest, sha256: str) -> dict[str, Any]:
    """Return the file of the unit that is looked at; a file may be of two units."""
    unit = request.GET.get("unit", "")
    rows = [r for r in the_app().lookup.recorder_files([unit]) if r["file"] == sha256]
    if not rows:
        raise Http404
    return rows[0]


def _span(request: HttpRequest, length: float) -> tuple[float, float]:
    def one(key: str) -> float | None:
        try:
            return float(request.GET[key])
        except (KeyError, ValueError):
            return None

    first, last = one("from"), one("to")
    if first is None or last is None or not 0 <= first < last or first > length:
        return 0.0, length
    return first, min(last, length)


def _rule_name(key: str, names: Names) -> str:
    row = names.catalogue.mode_rules.get(key)
    return row.name(names.language) if row else key


@allowed("read")
def data(request: HttpRequest, sha256: str) -> HttpResponse:
    """Send the channels of a span in few points; each is a row of the file."""
    app, names, file = the_app(), the_names(), _file(request, sha256)
    catalogue = app.catalogue()
    try:
        recorded = open_recorded(
            app.evidence, catalogue, sha256, file["recorder"], _is_parquet(file["operation"])
        )
    except (NotFound, BadEvidence) as problem:
        return JsonResponse({"problem": in_words(problem)}, status=404)
    kind = catalogue.recorder_types[file["recorder"]]
    length = float(recorded.seconds.max())
    part = window(recorded, promised(kind), *_span(request, length), kind.gap_s)
    rules = rules_for(catalogue, app.knowledge().passport(file["unit"]).type)
    return JsonResponse({
        "from": part.from_s, "to": part.to_s, "length": part.length_s, "rows": part.rows,
        "panels": _panels(part.drawn, rules, names), "first_us": part.first_us,
    })  # fmt: skip


def _is_parquet(operation: str) -> bool:
    evidence: tuple[Evidence, ...] = getattr(the_app().entry(operation).operation, "evidence", ())
    return any("parquet" in file.media_type for file in evidence)


def _panels(
    drawn: Sequence[Drawn], rules: Sequence[ModeRule], names: Names
) -> list[dict[str, Any]]:
    """Return the channels in panels, those that belong together in one, with their limits."""
    by_name = {one.channel: one for one in drawn}
    limits = limits_of(rules, by_name)
    taken: set[str] = set()
    panels = []
    for one in drawn:
        if one.channel in taken:
            continue
        group = next((g for g in _TOGETHER if one.channel in g), (one.channel,))
        some = [by_name[name] for name in group if name in by_name]
        taken |= {each.channel for each in some}
        word, unit = CHANNELS.get(one.channel, (one.channel, ""))
        title = gettext("Axles") if one.channel.startswith("axle_") else gettext(word)
        panels.append({
            "title": title, "unit": names.unit_of_measure(unit) if unit != "1" else "",
            "series": [
                {"name": gettext(CHANNELS.get(each.channel, (each.channel, ""))[0]),
                 "seconds": each.seconds, "values": each.values}
                for each in some
            ],
            "limits": [_limit(line, names) for line in limits
                       if line.channel in group and line.channel in by_name],
        })  # fmt: skip
    return panels


def _limit(line: Line, names: Names) -> dict[str, Any]:
    """A limit added to another channel is told by its name; the other channel is drawn itself."""
    return {"name": _rule_name(line.rule, names), "value": line.value, "other": line.other}
