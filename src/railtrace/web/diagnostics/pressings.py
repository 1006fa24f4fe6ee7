"""Press fits: the curve over its band, the press's verdict and ours side by side."""

from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from railtrace.analysis.press_fit import PressRule, PressVerdict
from railtrace.errors import BadEvidence, NotFound
from railtrace.interchange.evidence_files import curve
from railtrace.operating.diagnoses import EvidenceJudge, press_rule, pressing
from railtrace.operating.outcomes import reading_of
from railtrace.store.diagnostics import PRESSES
from railtrace.trace.operation import Measured
from railtrace.web.diagnostics.plots import Scale
from railtrace.web.diagnostics.reasons import said_of
from railtrace.web.diagnostics.recent import differ, reader
from railtrace.web.facts import reading_text
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

SHOWN = 100


@allowed("read")
def pressings(request: HttpRequest) -> HttpResponse:
    """List what presses made, both verdicts side by side."""
    app, names = the_app(), the_names()
    rows = reader().pressings(reader().machines(PRESSES), SHOWN)
    ours = reader().of_entries([row["operation"] for row in rows])
    knowledge, judge = app.knowledge(), EvidenceJudge(app)
    knowledge.load([row["unit"] for row in rows])
    told = []
    for row in rows:
        machine = judge.machine_result(row["operation"])
        mine = next(iter(ours.get(row["operation"], [])), None)
        told.append(row | {
            "name": names.unit(knowledge.passport(row["unit"])), "machine": machine, "ours": mine,
            "device_name": names.unit(knowledge.passport(row["device"])),
            "differ": bool(machine and mine and machine.evaluation != "undecided"
                           and differ(machine.evaluation, mine["outcome"])),
        })  # fmt: skip
    context = {"section": "depot", "tab": "diagnostics", "part": "pressings", "names": names,
               "rows": told}  # fmt: skip
    return render(request, "diagnostics/pressings.html", context)


@allowed("read")
def pressing_page(request: HttpRequest, id_: str) -> HttpResponse:
    """Show one pressing."""
    app, names = the_app(), the_names()
    operation = app.entry(id_).operation
    if not isinstance(operation, Measured) or reading_of(operation, "press_final_force") is None:
        raise NotFound("{operation} is no pressing", operation=id_)
    judge = EvidenceJudge(app)
    mine = next(iter(reader().of_entries([id_]).get(id_, [])), None)
    ours = app.entry(mine["operation"]).operation if mine else None
    machine = judge.machine_result(id_)
    unit = operation.units[0]
    context = {
        "section": "depot", "tab": "diagnostics", "part": "pressings", "names": names,
        "operation": operation, "id": id_, "unit": unit, "now": app.clock(),
        "name": names.unit(app.knowledge().passport(unit)), "machine": machine, "ours": ours,
        "device_name": names.unit(app.knowledge().passport(operation.device))
        if operation.device else "",
        "reasons": said_of(ours, names),
        "readings": [reading_text(r, names) for r in operation.readings],
        "differ": bool(machine and mine and machine.evaluation != "undecided"
                       and differ(machine.evaluation, mine["outcome"])),
        **_drawn(operation, judge),
    }  # fmt: skip
    return render(request, "diagnostics/pressing.html", context)


def _drawn(operation: Measured, judge: EvidenceJudge) -> dict[str, Any]:
    """Return the chart and the proof loads, or why there is none."""
    app = the_app()
    row = judge.band(operation)
    file = next((f for f in operation.evidence if f.evidence_class == "curve"), None)
    told: dict[str, Any] = {"row": row}
    try:
        rule = press_rule(row)
        path = None
        if file is not None and app.evidence.state(file.sha256) == "kept":
            path = app.evidence.path(file.sha256)
            told |= _chart(*curve(path), operation, rule)
        verdict: PressVerdict = pressing(operation, row, path, None)
        told |= {"verdict": verdict, "proof": verdict.proof}
    except BadEvidence as error:
        told["unjudged"] = in_words(error)
    return told


def _chart(travel: Any, force: Any, operation: Measured, rule: PressRule) -> dict[str, Any]:
    """Return the raw curve, and the band it has to end in, as the seat grows."""
    seat_reading = reading_of(operation, "press_seat_length")
    seat = float(seat_reading.value) if seat_reading else float(travel[-1])
    if not (np.isfinite(travel).all() and np.isfinite(force).all()):
        raise BadEvidence("The press curve holds values that are not numbers: read it out again",
                          reason="not_a_number")  # fmt: skip
    low, high = rule.low_kn_per_100mm * seat / 100, rule.high_kn_per_100mm * seat / 100
    reach = max(seat, float(travel[-1]))
    box = Scale(0.0, reach, 0.0, 1.08 * max(high, float(force.max())), height=330.0)
    keep = np.linspace(0, len(travel) - 1, min(len(travel), 800)).astype(int)
    return {
        "scale": box, "path": box.path(travel[keep].tolist(), force[keep].tolist()),
        "band": box.area([0.0, seat], [0.0, low], [0.0, high]), "seat_x": box.x(seat),
        "low": {"y": box.y(low), "kn": low, "per": rule.low_kn_per_100mm},
        "high": {"y": box.y(high), "kn": high, "per": rule.high_kn_per_100mm},
        "end": {"x": box.x(float(travel[-1])), "y": box.y(float(force[-1])),
                "kn": float(force[-1])}, "points": len(travel),
    }  # fmt: skip
