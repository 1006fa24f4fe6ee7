"""One test, scan or sample: what the machine said, what we say, and what both saw."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from railtrace.errors import BadEvidence, NotFound
from railtrace.operating.diagnoses import EvidenceJudge
from railtrace.operating.rule_tests import table_of
from railtrace.projections.rejudge import columns
from railtrace.trace.operation import EvidenceDiagnosed, Operation
from railtrace.web.diagnostics.plots import scale
from railtrace.web.diagnostics.reasons import said_of
from railtrace.web.diagnostics.recent import differ, reader
from railtrace.web.facts import reading_text
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

POINTS = 600
HEIGHT = 150.0
_ACROSS = ("second", "notch", "0")


@allowed("read")
def judged(request: HttpRequest, id_: str) -> HttpResponse:
    """Show one entry that our methods judged by a rule."""
    app, names = the_app(), the_names()
    operation = app.entry(id_).operation
    mine = next(iter(reader().of_entries([id_]).get(id_, [])), None)
    if not isinstance(operation, Operation) or not operation.units or mine is None:
        raise NotFound("{operation} is not judged", operation=id_)
    ours, unit = app.entry(mine["operation"]).operation, operation.units[0]
    assert isinstance(ours, EvidenceDiagnosed)
    machine, outcome = EvidenceJudge(app).machine_result(id_), getattr(operation, "outcome", "")
    knowledge = app.knowledge()
    rule = names.catalogue.check_rules.get(ours.declared) or names.catalogue.wheel_profiles.get(
        ours.declared
    )
    context = {
        "section": "depot", "tab": "diagnostics", "part": "diagnoses", "names": names,
        "operation": operation, "id": id_, "unit": unit, "now": app.clock(), "ours": ours,
        "name": names.unit(knowledge.passport(unit)), "machine": machine, "outcome": outcome,
        "device_name": names.unit(knowledge.passport(operation.device)) if operation.device else "",
        "reasons": said_of(ours, names), "rule": rule, "charts": _charts(operation, names),
        "readings": [reading_text(r, names) for r in operation.readings],
        "own": [reading_text(r, names) for r in ours.readings],
        "differ": bool(outcome and differ(outcome, ours.outcome)),
    }  # fmt: skip
    return render(request, "diagnostics/judged.html", context)


def _charts(operation: Operation, names: Names) -> list[dict[str, Any]]:
    """Return the trace that came with a test, a small chart for each of its signals."""
    file, app = table_of(operation), the_app()
    if file is None or app.evidence.state(file.sha256) != "kept":
        return []
    try:
        table = columns(app.evidence.path(file.sha256).read_bytes())
    except BadEvidence:
        return []
    across = next((key for key in _ACROSS if key in table), "")
    if not across or len(table[across]) < 2:
        return []
    return [_chart(key, table, across, names) for key in table if key != across]


def _chart(
    key: str, table: Mapping[str, Sequence[float]], across: str, names: Names
) -> dict[str, Any]:
    step = max(1, len(table[across]) // POINTS)
    xs, ys = list(table[across][::step]), list(table[key][::step])
    box = scale(xs, ys, height=HEIGHT)
    return {"name": names.quantity(key), "scale": box, "path": box.path(xs, ys),
            "across": "s" if across == "second" else names.quantity(across)}  # fmt: skip
