"""What one operation says, in the reader's words: its readings, its fields, each with its name."""

from datetime import datetime
from typing import Any

import msgspec
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.devices.manifest import manifest_of
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import Unreadable
from railtrace.trace.operation import (
    EvidenceDiagnosed,
    MachineResult,
    Number,
    Operation,
    Phase,
    Reading,
)
from railtrace.web import words
from railtrace.web.clocks import clock
from railtrace.web.diagnostics.reasons import said_of
from railtrace.web.figures import figure
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app

ENVELOPE = {
    "id", "kind", "happened_at", "time_precision", "zone_source", "units", "marks", "readings",
    "evidence", "basis", "shape", "note",
}  # fmt: skip
"""Fields that every operation has, and its page shows in rows of their own."""
_WORDS = {
    "outcome": words.OUTCOMES | words.TRIP_OUTCOMES, "whereabouts": words.WHEREABOUTS,
    "where": words.WHEREABOUTS, "meter": words.METERS, "state": words.OUTCOMES,
    "restored": words.RESTORED, "scope": words.SCOPES,
    "action": words.ACTIONS | words.CAMPAIGN_ACTIONS,
    "purpose": words.PURPOSES, "fluid": words.FLUIDS, "fitted": words.FITTED,
    "element": words.DAMAGES, "found": words.TRUTHS, "grade": words.GRADES,
    "finding": words.DIAGNOSIS_REASONS | words.REMARK_FINDINGS | words.DAMAGES,
    "verdict": words.TWIN_VERDICTS, "protocol": words.PROTOCOLS,
    "rule": words.RULES, "evaluation": words.EVALUATIONS, "suspicion": words.SUSPICIONS,
    "answer": words.ANSWERS | words.SUSPICION_ANSWERS | words.TRIAGED | words.CLAIM_ANSWERS,
    "test": words.BRAKE_TESTS | words.TESTS,
    "method": words.METHODS | words.TESTS | words.SIGNED_WITH,
    "cause": words.CAUSES | words.DETACHED_FOR, "event": words.ACCIDENT_EVENTS,
    "effect": words.EFFECTS | {"none": words.CAMPAIGN_EFFECTS["none"]},
    "result": words.ALARM_RESULTS | words.RESULTS | words.CLAIM_RESULTS,
}  # fmt: skip
_TRUE = {"safety": _("safety"), "simulated": _("simulated")}
"""What is said of a field that is true, where it is not the field's name."""
_FIGURES = {
    "distance_km", "engine_hours", "value", "removed_value", "fitted_value", "fuel_kg",
    "gross_tonne_km", "delay_min", "duration_s", "quantity", "amount", "capacity", "mass_t",
    "brake_force_t", "stock_delay_min", "counter_from_km", "counter_to_km", "energy_kwh",
}  # fmt: skip
_UNITS = {"carrier", "donor", "recipient", "instead_of", "locomotive"}
_OPERATIONS = {
    "target", "hold", "defect", "failure", "reservation", "debt", "composition", "replaces",
    "alarmed",
}  # fmt: skip
_NAMED_BY = {
    "type", "item", "machine", "position", "place", "site", "home_site", "bias_unit", "measure",
    "declared", "act", "state", "from_state",
}  # fmt: skip
_DECLARED_ROWS = ("check_rules", "bearing_types", "limits", "wheel_profiles")
"""Rows of the catalogue that evidence is held against."""
_ROWS = {
    "qualification": "qualifications", "route": "routes", "train_kind": "train_kinds",
    "supply": "supplies", "unit_of_measure": "units_of_measure", "origin": "origins",
    "claims": "origins", "alarm": "alarm_kinds", "topic": "remark_topics",
    "process": "processes", "damage_class": "damage_classes", "service": "services",
    "permit_kind": "permit_kinds", "failure_class": "failure_classes", "gate": "release_gates",
}  # fmt: skip
"""Fields that name a row of the catalogue, and the kind of row."""
_UNSAID = {
    "performed_by", "shape", "decision", "decision_file", "consist", "catalogue", "result_id",
    "serial", "firmware", "gateway", "part", "job", "evaluation_code", "version", "file",
}  # fmt: skip
"""Fields that a card leaves to the operation's own page."""


class People(tuple[str, ...]):
    """Pseudonyms, shown by name to who needs them."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The pseudonyms, for the page to show."""
        return self


class Crew(tuple[str, ...]):
    """Pseudonyms of a crew, shown to who may see which crew made a run."""

    @property
    def crew(self) -> tuple[str, ...]:
        """The pseudonyms, for the page to show."""
        return self


def reading_text(reading: Reading, names: Names) -> str:
    """Write a reading: quantity, place, value, uncertainty."""
    where = f" ({names.place(reading.place)})" if reading.place else ""
    value = names.measured(reading.value, reading.uncertainty, reading.unit)
    text = f"{names.quantity(reading.quantity)}{where}: {value}"
    if reading.moment:
        text += f", {gettext(words.MOMENTS[reading.moment])}"
    return text


def facts(
    operation: Operation | Unreadable, names: Names, knowledge: Knowledge | None = None
) -> str:
    """The kind's own fields that a person reads first, in one line; a device by its name."""
    if isinstance(operation, Unreadable):
        return gettext("This program cannot read the operation; it is kept and shown as it came.")
    said = []
    for field in operation.__struct_fields__:
        value = getattr(operation, field)
        if field in ENVELOPE | _UNITS | _OPERATIONS | _UNSAID or not value:
            continue
        if field == "scope" and value in words.SCOPES:
            continue  # of a decision: its title says it; of an inspection it is what was done
        if field == "state" and isinstance(operation, MachineResult):
            continue
        if field == "entry" and isinstance(operation, EvidenceDiagnosed):
            continue
        if field == "device" and knowledge is not None:
            name = names.unit(knowledge.passport(value))
            said.append(f"{gettext(words.FIELDS['device'])}: {name}")
        elif isinstance(value, str | int) and value not in {"0", "unknown"}:
            said.append(fact(field, value, names))
    return " · ".join(filter(None, said))


def fact(field: str, value: Any, names: Names) -> str:
    """Write one field's value in the reader's words."""
    if isinstance(value, bool):
        return gettext(_TRUE.get(field) or words.word(words.FIELDS, field))
    if field in _WORDS and value in _WORDS[field]:
        return gettext(words.word(_WORDS[field], str(value)))
    if field in _ROWS:
        row = getattr(names.catalogue, _ROWS[field]).get(value)
        return _said(field, row.name(names.language) if row else str(value))
    match field:
        case "type" | "item":
            return names.type(value)
        case "code":
            return names.fault(value)
        case "machine":
            known = manifest_of(value)
            return names.type((known and known.equipment) or value)
        case "position" | "place":
            return names.place(value)
        case "state" | "from_state":
            return _said(field, names.state(value))
        case "bias_unit" | "measure":
            return names.unit_of_measure(value)
        case "declared":
            return declared_name(value, names)
        case "act":
            return _act(value, names)
        case "distance_km":
            return names.value(value.rstrip("0").rstrip(".") if "." in value else value, "km")
        case "engine_hours":
            return names.value(value, "h")
        case "site" | "home_site":
            site = the_app().config.sites.get(value)
            return site.name(names.language) if site else str(value)
    return _said(field, figure(value, names.language) if field in _FIGURES else str(value))


def _said(field: str, value: str) -> str:
    """Write a value, after its field's name where it would not say by itself what it is."""
    word = gettext(words.word(words.FIELDS, field))
    return f"{word}: {value}" if field in _LABELLED else value


def declared_name(key: str, names: Names) -> str:
    """Return the name of the catalogue's row that evidence was held against."""
    rows = (getattr(names.catalogue, kind).get(key) for kind in _DECLARED_ROWS)
    return next((row.name(names.language) for row in rows if row is not None), key)


def _act(key: str, names: Names) -> str:
    """Return the name of an act: of a release, else of a signature under a kind of train."""
    rows = (act for kind in names.catalogue.train_kinds.values() for act in kind.acts)
    named = next((act.name(names.language) for act in rows if act.key == key), key)
    return gettext(words.ACTS[key]) if key in words.ACTS else named


_LABELLED = {
    "train", "mass_t", "brake_force_t", "stock_delay_min", "number",
    "value", "removed_value", "fitted_value", "heat", "batch", "work_order", "step", "device",
    "failure_class", "delay_min", "duration_s", "gross_tonne_km", "fuel_kg", "made", "owner",
    "counter_from_km", "counter_to_km", "energy_kwh", "remarks", "decided_by", "disputed_by",
}  # fmt: skip


def field_of(
    item: Any, field: str, knowledge: Knowledge, names: Names
) -> tuple[Any, str]:
    """Return a field's value in words, and the address it leads to ("" for none)."""
    value = getattr(item, field)
    if field in _UNITS:
        return names.unit(knowledge.passport(value)), reverse("unit", args=[value])
    if field in _OPERATIONS:
        return value, reverse("operation", args=[value])
    if field == "recall":
        return value, reverse("recall", args=[value])
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no"), ""
    if field == "crew":
        return Crew(value), ""
    if field == "performed_by":
        return People(value), ""
    if field == "confirmed_by":
        return People((value,)), ""
    if isinstance(value, datetime):
        return clock(value, names.language, home_zone()), ""
    if isinstance(item, MachineResult) and field == "remarks":
        return "; ".join(map(words.machine_remark, value)), ""
    if field == "phases":
        return "; ".join(_phase(phase, item.machine, names) for phase in value), ""
    if isinstance(value, str) and field in {*_WORDS, *_ROWS, *_NAMED_BY}:
        return fact(field, value, names), ""
    if field in _FIGURES:
        return figure(value, names.language), ""
    if field == "consist" and value:
        return value, reverse("consist", args=[value])
    if field in {"parts", "not_returned", "turned", "left"}:
        return "; ".join(_member(part, knowledge, names) for part in value), ""
    if field == "reasons" and isinstance(item, EvidenceDiagnosed):
        return "; ".join(_reason(*said) for said in said_of(item, names)), ""
    if isinstance(value, tuple):
        return "; ".join(_plain(part, names) for part in value), ""
    return value, ""


def _reason(word: str, sentence: str, _language: str) -> str:
    return ": ".join(filter(None, (word, sentence)))


def _member(part: Any, knowledge: Knowledge, names: Names) -> str:
    """Write a part by its name, and the position it takes where one is given."""
    if isinstance(part, str):
        return names.unit(knowledge.passport(part))
    where = f" ({names.position(part.position)})" if part.position else ""
    return names.unit(knowledge.passport(part.unit)) + where


def _phase(phase: Phase, machine: str, names: Names) -> str:
    known = manifest_of(machine)
    called = {p.key: getattr(p, names.language) for p in known.phases} if known else {}
    name = called.get(phase.phase, phase.phase)
    return f"{name} {names.value(phase.duration_s, 's')}" if phase.duration_s else name


def _plain(part: Any, names: Names) -> str:
    match part:
        case Number():
            scheme = gettext(words.word(words.SCHEMES, part.scheme))
            mark = "" if part.mark == "clear" else f" ({gettext(words.MARKS[part.mark])})"
            return f"{scheme} {part.value}{mark}"
        case Reading():
            return reading_text(part, names)
        case msgspec.Struct():
            said = (getattr(part, f) for f in part.__struct_fields__)
            return " ".join(str(value) for value in said if value not in (None, "", ()))
    return str(part)
