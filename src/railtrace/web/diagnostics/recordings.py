"""One recording: waveform and envelope spectrum, both verdicts, the last visits of the bearing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext

from railtrace.analysis import vibration
from railtrace.analysis.bearings import DAMAGES
from railtrace.analysis.casing_vibration import zone
from railtrace.analysis.decimate import extremes
from railtrace.analysis.gears import look_at_gear
from railtrace.analysis.recording import recording
from railtrace.analysis.shaft_speed import shaft_speed
from railtrace.app import App
from railtrace.catalogue.rows import GearType
from railtrace.errors import BadEvidence, NotFound
from railtrace.interchange.evidence_files import Waveform, waveform
from railtrace.operating import spectra
from railtrace.operating.diagnoses import (
    EvidenceJudge,
    asked_of,
    bearing_of,
    recording_in,
    stated_rpm,
    suffix_of,
)
from railtrace.operating.outcomes import reading_of
from railtrace.operating.spectra import Spectra, SpectraJobs
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


@cache
def jobs(app: App) -> SpectraJobs:
    """Return the spectra of the running app."""
    return SpectraJobs(app.config)


def spectra_of(found: Seen) -> Spectra | None:
    """Return the spectra of a recording, None while they are computed. Raises BadEvidence."""
    app = the_app()
    asked = asked_of(found.operation, found.file, bearing_of(app.catalogue(), found.bearing))
    told = jobs(app).get(app.evidence.path(found.file.sha256), asked, found.wave)
    return None if told is None else told.require()


def _method(request: HttpRequest) -> vibration.Method:
    usual: vibration.Method = "prewhitened"
    return next((m for m in vibration.METHODS if m == request.GET.get("method")), usual)


@allowed("read")
def spectrum_json(request: HttpRequest, id_: str) -> JsonResponse:
    """Return the envelope spectrum of a recording, its fault lines and the last visits.

    `waiting` is how many of them another process computes at the moment: ask again.
    """

    def answer() -> dict[str, Any]:
        found, method = seen(id_), _method(request)
        own = spectra_of(found)
        if own is None:
            return {"waiting": 1}
        mine = own.methods[method]
        visits, waiting = _visits(found, method)
        return {
            "order": mine.orders, "level": mine.levels, "hz": own.hz, "rpm": round(own.rpm, 2),
            "threshold": round(mine.threshold_db, 2), "lines": _fault_lines(own.fault_orders),
            "visits": visits, "waiting": waiting,
        }  # fmt: skip

    return _json(answer)


def _fault_lines(orders: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return where damage would show: three harmonics of each, and the cage."""
    lines = [
        {"damage": damage, "name": gettext(words.DAMAGES[damage]), "harmonic": k,
         "order": k * orders[damage]}
        for damage in DAMAGES
        for k in range(1, vibration.HARMONICS + 1)
    ]  # fmt: skip
    cage = {"damage": "cage", "name": gettext(words.DAMAGES["cage"]), "harmonic": 1,
            "order": orders["cage"]}  # fmt: skip
    return [*lines, cage]


def _visits(found: Seen, method: vibration.Method) -> tuple[list[dict[str, Any]], int]:
    """Return the spectra of the last visits of the same bearing, the newest first.

    With them, how many are being computed.
    """
    visits, waiting = [], 0
    for row in earlier(found):
        try:
            before = spectra_of(seen(row["operation"]))
        except (BadEvidence, NotFound):
            continue
        if before is None:
            waiting += 1
            continue
        visits.append({
            "name": day(from_us(row["at_us"]), the_names().language, home_zone()),
            "operation": row["operation"], "rpm": round(before.rpm, 1),
            "order": before.methods[method].orders, "level": before.methods[method].levels,
        })  # fmt: skip
    return visits, waiting


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
    if (row := the_app().catalogue().gear_types.get(found.bearing)) is not None:
        return {"seen": found, "visits": earlier(found), "gear": _gear(found, row)}
    later = len(found.wave.samples) > spectra.AT_ONCE
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


def _gear(found: Seen, row: GearType) -> dict[str, Any]:
    """Return what a gear wheel shows, or why it cannot be told."""
    told: dict[str, Any] = {"row": row, "name": row.name(the_names().language)}
    try:
        taken = recording(found.wave.samples, found.rate_hz, stated_rpm(found.operation))
        return told | {"look": look_at_gear(taken, shaft_speed(taken), row.teeth, row.sidebands_db)}
    except BadEvidence as error:
        return told | {"untold": in_words(error)}


@allowed("read")
def methods_fragment(request: HttpRequest, id_: str) -> HttpResponse:
    """Show what each method hears in a long recording; the page asks for it when it stands."""
    try:
        told = _methods_of(seen(id_))
    except BadEvidence as error:
        told = {"unjudged": in_words(error)}
    return render(request, "diagnostics/methods.html", told)


def _methods_of(found: Seen) -> dict[str, Any]:
    told = spectra_of(found)
    if told is None:
        return {"waiting": True}
    return {
        "methods": [
            {"key": key, "name": words.METHODS[key], "low": r.low_hz, "high": r.high_hz,
             "damage": words.DAMAGES[r.damage], "order": r.order, "level": r.level_db,
             "threshold": r.threshold_db, "found": r.found}
            for key in _METHODS for r in [told.methods[key]]
        ],
        "speed": told,
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
