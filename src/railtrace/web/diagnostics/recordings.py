"""One recording: waveform and envelope spectrum, both verdicts, the last visits of the bearing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext

from railtrace.analysis import vibration
from railtrace.analysis.bearings import DAMAGES, FaultOrders, fault_orders
from railtrace.analysis.casing_vibration import zone
from railtrace.analysis.decimate import extremes, highest
from railtrace.analysis.recording import recording
from railtrace.analysis.shaft_speed import ShaftSpeed, shaft_speed
from railtrace.errors import BadEvidence, NotFound
from railtrace.interchange.evidence_files import Waveform, waveform
from railtrace.operating.diagnoses import (
    EvidenceJudge,
    bearing_of,
    recording_in,
    stated_rpm,
    suffix_of,
)
from railtrace.operating.outcomes import reading_of
from railtrace.trace.operation import Evidence, Operation
from railtrace.web import words
from railtrace.web.clocks import day, from_us
from railtrace.web.diagnostics.ledger import TeardownForm
from railtrace.web.diagnostics.reasons import said_of
from railtrace.web.diagnostics.recent import differ, reader
from railtrace.web.facts import reading_text
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

MOST_POINTS, USUAL_POINTS = 4_000, 1_200
SPECTRUM_POINTS = 6_000
AT_ONCE = 500_000
"""Samples up to which the methods are tried while the page is made; longer ones come after it."""
VISITS = 4
"""Earlier visits of the same bearing that are laid over."""
_METHODS = {"prewhitened": "Prewhitened", "kurtogram": "Most impulsive band",
            "full_band": "Whole band"}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One recording with what is needed to look at it."""

    operation: Operation
    file: Evidence
    wave: Waveform
    bearing: str

    @property
    def rate_hz(self) -> float:
        """The sampling rate; a file that does not say it is shown by its samples."""
        return self.wave.sampling_rate_hz or 1.0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.wave.samples) / self.rate_hz


def seen(id_: str) -> Seen:
    """Return a recording by its operation. Raises NotFound without one, BadEvidence if damaged."""
    app = the_app()
    operation = app.entry(id_).operation
    file = recording_in(operation) if isinstance(operation, Operation) else None
    if file is None or not isinstance(operation, Operation):
        raise NotFound("{operation} has no recording", operation=id_)
    if (state := app.evidence.state(file.sha256)) != "kept":
        raise NotFound("the file {file} is not here: {state}", file=file.name, state=state)
    judge = EvidenceJudge(app)
    wave = waveform(app.evidence.path(file.sha256), suffix=suffix_of(file))
    return Seen(operation, file, wave, judge.declared_bearing(operation) if operation.units else "")


def _wanted(request: HttpRequest, name: str, usual: float) -> float:
    try:
        found = float(request.GET.get(name, ""))
    except ValueError:
        return usual
    return found if np.isfinite(found) else usual


def _json(answer: Callable[[], dict[str, Any]]) -> JsonResponse:
    try:
        return JsonResponse(answer())
    except (BadEvidence, NotFound) as error:
        return JsonResponse({"refused": in_words(error)}, status=422)


# --- waveform -------------------------------------------------------------------------------------


@allowed("read")
def waveform_json(request: HttpRequest, id_: str) -> JsonResponse:
    """Return a window of a recording by the extremes of its pieces: millions become a screenful."""
    return _json(lambda: _window(request, seen(id_)))


def _window(request: HttpRequest, found: Seen) -> dict[str, Any]:
    samples, rate = found.wave.samples, found.rate_hz
    points = int(min(max(_wanted(request, "points", USUAL_POINTS), 16), MOST_POINTS))
    first = int(np.clip(_wanted(request, "from", 0) * rate, 0, len(samples) - 2))
    last = int(np.clip(_wanted(request, "to", found.seconds) * rate, first + 2, len(samples)))
    pieces = extremes(samples, first, last, points)
    if not (np.isfinite(pieces.low).all() and np.isfinite(pieces.high).all()):
        raise BadEvidence("The recording holds samples that are not numbers", reason="not_a_number")
    return {
        "from": first / rate, "to": last / rate, "seconds": found.seconds, "rate": rate,
        "t": np.round(pieces.first / rate, 7).tolist(),
        "low": _short(pieces.low), "high": _short(pieces.high), "samples": len(samples),
    }  # fmt: skip


def _short(values: Any) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


# --- spectrum -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spectrum:
    """The envelope spectrum of one recording by one method, over orders of the shaft."""

    speed: ShaftSpeed
    orders: FaultOrders
    result: vibration.MethodResult
    order: Any
    level_db: Any


def spectrum_of(found: Seen, method: vibration.Method) -> Spectrum:
    """Return the envelope spectrum of a recording. Raises BadEvidence."""
    if found.wave.sampling_rate_hz is None:
        raise BadEvidence("{file} does not say its sampling rate: give it with --rate",
                          reason="sampling_rate", file=found.file.name)  # fmt: skip
    bearing = bearing_of(the_app().catalogue(), found.bearing)
    taken = recording(
        found.wave.samples, found.wave.sampling_rate_hz, stated_rpm(found.operation)
    )
    orders = fault_orders(bearing)
    speed = shaft_speed(taken)
    _, lines = vibration.envelope_lines(taken, speed, orders)[method]
    result = {r.method: r for r in vibration.look(taken, bearing).results}[method]
    at, level = highest(lines.level_db, SPECTRUM_POINTS)
    return Spectrum(speed, orders, result, at * lines.step_hz / speed.hz, level)


@allowed("read")
def spectrum_json(request: HttpRequest, id_: str) -> JsonResponse:
    """Return the envelope spectrum of a recording, its fault lines and the last visits."""
    method = request.GET.get("method", "prewhitened")
    usual: vibration.Method = "prewhitened"
    chosen = next((m for m in vibration.METHODS if m == method), usual)

    def answer() -> dict[str, Any]:
        found = seen(id_)
        own = spectrum_of(found, chosen)
        return {
            "order": np.round(own.order, 5).tolist(), "level": np.round(own.level_db, 2).tolist(),
            "hz": own.speed.hz, "rpm": round(own.speed.rpm, 2),
            "threshold": round(own.result.threshold_db, 2),
            "lines": _fault_lines(own.orders), "visits": _visits(found, chosen),
        }  # fmt: skip

    return _json(answer)


def _fault_lines(orders: FaultOrders) -> list[dict[str, Any]]:
    """Return where damage would show: three harmonics of each, and the cage."""
    lines = [
        {"damage": damage, "name": gettext(words.DAMAGES[damage]), "harmonic": k,
         "order": k * orders.of(damage)}
        for damage in DAMAGES
        for k in range(1, vibration.HARMONICS + 1)
    ]  # fmt: skip
    cage = {"damage": "cage", "name": gettext(words.DAMAGES["cage"]), "harmonic": 1,
            "order": orders.cage}  # fmt: skip
    return [*lines, cage]


def _visits(found: Seen, method: vibration.Method) -> list[dict[str, Any]]:
    """Return the spectra of the last visits of the same bearing, the newest first."""
    visits = []
    for row in earlier(found):
        try:
            before = spectrum_of(seen(row["operation"]), method)
        except (BadEvidence, NotFound):
            continue
        visits.append({
            "name": day(from_us(row["at_us"]), the_names().language, home_zone()),
            "operation": row["operation"], "rpm": round(before.speed.rpm, 1),
            "order": np.round(before.order, 5).tolist(),
            "level": np.round(before.level_db, 2).tolist(),
        })  # fmt: skip
    return visits


def earlier(found: Seen) -> list[dict[str, Any]]:
    """Return the earlier recordings of the same part, the newest first."""
    at_us = round(found.operation.happened_at.timestamp() * 1e6)
    return reader().said(
        "unit = ? AND made_by <> 'system' AND file <> '' AND at_us < ?",
        [found.operation.units[0], at_us], VISITS,
    )  # fmt: skip


# --- the page -------------------------------------------------------------------------------------


@allowed("read")
def recording_page(request: HttpRequest, id_: str) -> HttpResponse:
    """Show a recording: both verdicts with their reasons, the charts, the table of methods."""
    app, names = the_app(), the_names()
    operation = app.entry(id_).operation
    if not isinstance(operation, Operation) or not operation.units:
        raise NotFound("{operation} has no recording", operation=id_)
    knowledge = app.knowledge()
    unit = operation.units[0]
    mine = next(iter(reader().of_entries([id_]).get(id_, [])), None)
    ours = app.entry(mine["operation"]).operation if mine else None
    context = {
        "section": "depot", "tab": "diagnostics", "part": "diagnoses", "names": names,
        "operation": operation, "id": id_, "unit": unit, "now": app.clock(),
        "name": names.unit(knowledge.passport(unit)),
        "device_name": names.unit(knowledge.passport(operation.device)) if operation.device else "",
        "machine": EvidenceJudge(app).machine_result(id_), "ours": ours,
        "reasons": said_of(ours, names), "outcome": getattr(operation, "outcome", ""),
        "differ": mine is not None and differ(getattr(operation, "outcome", ""), mine["outcome"]),
        "readings": [reading_text(r, names) for r in operation.readings],
        "truth": _truth(unit, id_), "zones": _zones(operation, names),
        "damage_classes": names.catalogue.damage_classes, **_looked(id_),
        "teardown_form": TeardownForm(names=names),
    }  # fmt: skip
    return render(request, "diagnostics/recording.html", context)


def _looked(id_: str) -> dict[str, Any]:
    """Return what the page needs of the file itself; a file that cannot be read says so."""
    try:
        found = seen(id_)
    except (BadEvidence, NotFound) as error:
        return {"unseen": in_words(error)}
    later = len(found.wave.samples) > AT_ONCE
    told: dict[str, Any] = {
        "seen": found, "methods": [], "visits": earlier(found), "later": later,
        "all_methods": [(key, words.METHODS[key]) for key in _METHODS],
    }  # fmt: skip
    if later:
        return told
    try:
        told |= _methods_of(found)
    except BadEvidence as error:
        told["unjudged"] = in_words(error)
    return told


@allowed("read")
def methods_fragment(request: HttpRequest, id_: str) -> HttpResponse:
    """Show what each method hears in a long recording; the page asks for it when it stands."""
    try:
        told = _methods_of(seen(id_))
    except BadEvidence as error:
        told = {"unjudged": in_words(error)}
    return render(request, "diagnostics/methods.html", told)


def _methods_of(found: Seen) -> dict[str, Any]:
    if found.wave.sampling_rate_hz is None:
        return {}
    taken = recording(found.wave.samples, found.wave.sampling_rate_hz, stated_rpm(found.operation))
    looked = vibration.look(taken, bearing_of(the_app().catalogue(), found.bearing))
    return {
        "methods": [
            {"key": r.method, "name": words.METHODS[r.method], "low": r.band.low_hz,
             "high": r.band.high_hz, "damage": words.DAMAGES[r.strongest.damage],
             "order": r.strongest.order, "level": r.strongest.level_db,
             "threshold": r.threshold_db, "found": r.found}
            for r in sorted(looked.results, key=lambda r: list(_METHODS).index(r.method))
        ],
        "speed": looked.speed,
    }  # fmt: skip


def _zones(operation: Operation, names: Names) -> dict[str, Any] | None:
    """Return the casing's velocity against the screening bands of the catalogue."""
    told = reading_of(operation, "vibration_velocity")
    if told is None or told.unit != "mm/s":
        return None
    velocity = float(told.value)
    return {
        "value": told.value,
        "rows": [
            {"row": row, "name": row.name(names.language),
             "zone": zone(velocity, row.a_to, row.b_to, row.c_to)}
            for row in names.catalogue.vibration_zones.values() if row.unit == told.unit
        ],
    }  # fmt: skip


def _truth(unit: str, id_: str) -> dict[str, Any] | None:
    rows = reader().said("unit = ? AND operation = ?", [unit, id_], 1)
    return rows[0] if rows and rows[0]["truth"] != "unknown" else None
