"""Operations: as cards in a trace, as pages of their own, with the proof to take along."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext

from railtrace.devices.operations import envelope_key
from railtrace.errors import NotFound
from railtrace.projections import metrology
from railtrace.store.export import proof_of
from railtrace.store.knowledge import Knowledge, leaned_on_at
from railtrace.trace.leaf import Entry, Unreadable, moment
from railtrace.trace.merkle import leaf_hash
from railtrace.trace.operation import LeanedOn, MachineResult, Operation, OriginDecided
from railtrace.web import words
from railtrace.web.clocks import clock
from railtrace.web.correct import correctable
from railtrace.web.corrections import actions, put_by, standing
from railtrace.web.facts import ENVELOPE, facts, field_of, reading_text
from railtrace.web.frame import as_known, home_zone
from railtrace.web.leanings import gone_under, standing_on
from railtrace.web.names import Names
from railtrace.web.people.names import (
    WHOLE_ONLY,
    crews_hidden,
    names_a_crew,
    sees_crews,
    without_crews,
    without_names,
)
from railtrace.web.running import the_app
from railtrace.web.stood import told_elsewhere

_SHOWN_READINGS = 6
_SHOWN_LEANING = 40
PRINTED = {"Inspected", "Tested", "Diagnosed", "Reprofiled", "Released", "ReleaseRefused"}
"""Kinds that are printed as a document, with or without readings."""
_NAMED = 2
"""Units named on a card before the rest is counted."""


@dataclass(frozen=True)
class Card:
    """One operation in a trace."""

    entry: Entry
    id: str
    kind: str
    facts: str
    precision: str
    readings: list[str]
    more_readings: int
    evidence: int
    others: list[tuple[str, str]]
    more_others: int
    note: str
    corrected: str
    rightly: bool
    lost: int
    basis: str
    zone: str
    remarks: tuple[str, ...]


def card(
    entry: Entry, knowledge: Knowledge, names: Names, of: str, corrected: dict[str, str],
    rightly: bool = False, lost: int = 0,
) -> Card:  # fmt: skip
    """Put an operation in few words, as seen from one unit.

    `rightly` when the entry is what a correction put in the place of another; `lost` of the
    operations it leaned on were corrected since.
    """
    operation = entry.operation
    readings = getattr(operation, "readings", ())
    others = [u for u in entry.units if u != of]
    return Card(
        entry=entry,
        id=operation.id,
        kind=entry.kind,
        facts=facts(operation, names, knowledge),
        precision=getattr(operation, "time_precision", "second"),
        readings=[reading_text(r, names) for r in readings[:_SHOWN_READINGS]],
        more_readings=max(len(readings) - _SHOWN_READINGS, 0),
        evidence=len(getattr(operation, "evidence", ())),
        others=[(u, names.unit(knowledge.passport(u))) for u in others[:_NAMED]],
        more_others=max(len(others) - _NAMED, 0),
        note=getattr(operation, "note", ""),
        corrected="" if rightly else corrected.get(operation.id, ""),
        rightly=rightly,
        lost=lost,
        basis=getattr(operation, "basis", "observed"),
        zone=str(the_app().config.zone_of(getattr(operation, "site", ""))),
        remarks=() if getattr(operation, "facts", ()) else _stood(knowledge, entry),
    )


def _stood(knowledge: Knowledge, entry: Entry) -> tuple[str, ...]:
    """Return where units on a card stood, if not where a machine told of them."""
    told = (told_elsewhere(knowledge, entry, unit) for unit in entry.units[:_NAMED])
    return tuple(dict.fromkeys(remark for remarks in told for remark in remarks))


def load_named(knowledge: Knowledge, entries: Iterable[Entry]) -> None:
    """Read the units that cards of these entries will name, all at once."""
    knowledge.load(list(dict.fromkeys(u for e in entries for u in e.units[: _NAMED + 1])))


def operation(request: HttpRequest, id_: str) -> HttpResponse:
    """Show everything of one operation."""
    app, dates = the_app(), as_known(request)
    knowledge = app.knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    try:
        entry = app.entry(id_)
    except NotFound:
        if (correction := put_by(id_)) is None:
            raise
        return redirect("operation", correction)
    knowledge.load(list(entry.units[:200]))
    leaf = app.trace.find([id_])[id_][2]
    item = entry.operation
    hidden = not sees_crews(request) and names_a_crew(leaf)
    context = {
        "section": "trace", "entry": entry, "item": item, "readable": isinstance(item, Operation),
        "fields": _fields(item, knowledge, names), "dates": None,
        "units": [(u, names.unit(knowledge.passport(u))) for u in entry.units[:200]],
        "readings": [
            (reading_text(r, names), r) for r in getattr(item, "readings", ())
        ],
        "trust": _trust(entry, knowledge, names), "leaned": _leaned(entry, knowledge, names),
        "evidence": [
            (e, app.evidence.path(e.sha256).exists())
            for e in (() if hidden else getattr(item, "evidence", ()))
        ],
        "crew_hidden": hidden, "happened_at": moment(entry.happened_us),
        "recorded_at": moment(entry.recorded_us),
        "corrections": app.corrections_of(id_), "stands": _stands(item, knowledge, names),
        "protocol": bool(getattr(item, "readings", ())) or entry.kind in PRINTED,
        "stood": [
            (u, names.unit(knowledge.passport(u)), remark)
            for u in entry.units[:_SHOWN_LEANING] for remark in told_elsewhere(knowledge, entry, u)
        ],
        "lost": [(target, _said_of(target, knowledge, names), c)
                 for target, c in gone_under([entry]).get((entry.log, entry.position), ())],
        "stand_on_it": [(e, through, _title(e, knowledge, names))
                        for e, through in standing_on(id_)][:_SHOWN_LEANING],
        "corrected": id_ in actions([id_], knowledge.known_us),
        "correctable": correctable(item) and not dates.past, "leaf_hash": leaf_hash(leaf).hex(),
        "raw": without_names(request, json.dumps(
            without_crews(request, json.loads(leaf)), ensure_ascii=False, indent=2)),
        "replacement": _rightly(item, knowledge, names),
        "zone": str(app.config.zone_of(getattr(item, "site", ""))),
        "size": app.trace.head(entry.log).size,
    }  # fmt: skip
    return render(request, "operation.html", context)


def _trust(entry: Entry, knowledge: Knowledge, names: Names) -> tuple[str, str, str] | None:
    """Return (instrument, word, entry) when its readings are not to be leaned on, as known."""
    device = getattr(entry.operation, "device", None)
    if not device or not getattr(entry.operation, "readings", ()):
        return None
    trust = metrology.standing(
        knowledge.instrument(device), entry.happened_us, expired_by=_expired_by(entry)
    )
    if not trust.stops:
        return None
    return names.unit(knowledge.passport(device)), words.TRUST[trust.word], trust.operation


def _expired_by(entry: Entry) -> str:
    """Return the machine's result by which its certificate had ended at a reading, "" for none."""
    try:
        told = the_app().entry(envelope_key(entry.operation.id)).operation
    except NotFound:
        return ""
    ended = isinstance(told, MachineResult) and metrology.certificate_ended(told)
    return told.id if ended else ""


_DECISIONS = {"LeftRepair", "OrderClosed", "StepAccepted", "Released"}


def _leaned(
    entry: Entry, knowledge: Knowledge, names: Names
) -> list[tuple[str, str, str, str]]:
    """Return (instrument, its id, word, entry) of what a decision leaned on and should not have."""
    if entry.kind not in _DECISIONS:
        return []
    rows: dict[str, tuple[str, str, str, str]] = {}
    for unit in entry.units[:20]:
        for device, trusts in leaned_on_at(knowledge, unit, entry.happened_us).items():
            for _, trust in trusts:
                if trust.stops:
                    name = names.unit(knowledge.passport(device))
                    rows[device] = (name, device, words.TRUST[trust.word], trust.operation)
    return list(rows.values())


def _stands(
    item: Any, knowledge: Knowledge, names: Names
) -> list[tuple[str, Any, str]]:
    """Return what stands in the place of a corrected entry, where it differs."""
    entry = standing([item.id], knowledge.known_us).get(item.id)
    if entry is None:
        return []
    was = _whole(item, knowledge, names)
    return [row for row in _rightly(entry.operation, knowledge, names) if row not in was]


def _rightly(item: Any, knowledge: Knowledge, names: Names) -> list[tuple[str, Any, str]]:
    """Return what a correction puts in the place of its target."""
    replacement = getattr(item, "replacement", None)
    return [] if replacement is None else _whole(replacement, knowledge, names)


def _whole(item: Any, knowledge: Knowledge, names: Names) -> list[tuple[str, Any, str]]:
    """Return an operation as rows: its units, its own fields, its readings."""
    if isinstance(item, Unreadable):
        return []
    units = [
        (words.FIELDS["units"], names.unit(knowledge.passport(u)), reverse("unit", args=[u]))
        for u in item.units[:20]
    ]
    readings = [(words.READINGS, reading_text(r, names), "") for r in item.readings]
    return [*units, *_fields(item, knowledge, names), *readings]


def _fields(item: Any, knowledge: Knowledge, names: Names) -> list[tuple[str, Any, str]]:
    """Return (field word, value, address) of everything the envelope's own rows do not show."""
    if isinstance(item, Unreadable):
        body = crews_hidden(item.body)
        return [(key, json.dumps(part, ensure_ascii=False), "") for key, part in body.items()]
    rows: list[tuple[str, Any, str]] = []
    for field in item.__struct_fields__:
        value = getattr(item, field)
        if field in ENVELOPE or field == "replacement" or value in ("", None, ()):
            continue
        if field == "leaned_on":
            rows += _leaned_rows(value, knowledge, names)
            continue
        rows.append((_called(field, item), *field_of(item, field, knowledge, names)))
    return rows


def _called(field: str, item: Operation) -> str:
    if field == "origin" and isinstance(item, OriginDecided):
        return words.COMES_FROM
    return words.word(words.FIELDS, field)


def _leaned_rows(
    leaned_on: tuple[LeanedOn, ...], knowledge: Knowledge, names: Names
) -> list[tuple[str, Any, str]]:
    """Return what a decision leaned on, the first of it by name."""
    word = words.FIELDS["leaned_on"]
    rows: list[tuple[str, Any, str]] = [
        (word, _said_of(one.operation, knowledge, names),
         reverse("operation", args=[one.operation]))
        for one in leaned_on[:_SHOWN_LEANING]
    ]  # fmt: skip
    more = len(leaned_on) - _SHOWN_LEANING
    return [*rows, (word, f"… +{more}", "")] if more > 0 else rows


def _said_of(id_: str, knowledge: Knowledge, names: Names) -> str:
    """Name an operation by kind, unit and moment; by its id when it is not here."""
    found = the_app().entries_of(id_)
    return _title(found[0], knowledge, names) if found else id_


def _title(entry: Entry, knowledge: Knowledge, names: Names) -> str:
    kind = gettext(words.word(words.KINDS, entry.kind))
    unit = names.unit(knowledge.passport(entry.units[0])) if entry.units else ""
    precision = getattr(entry.operation, "time_precision", "second")
    at = clock(moment(entry.happened_us), names.language, home_zone(), precision)
    return " · ".join(filter(None, (kind, unit, at)))


def proof(request: HttpRequest, id_: str) -> HttpResponse:
    """Send the proof file of an operation: everything a checker without this program needs."""
    app = the_app()
    checkpoint = app.checkpoint(app.entry(id_).log)
    proved = proof_of(app.trace, id_, checkpoint)
    if not sees_crews(request) and names_a_crew(proved["leaf"].encode()):
        raise PermissionDenied(gettext(WHOLE_ONLY))
    file = json.dumps(proved, ensure_ascii=False, indent=1)
    response = HttpResponse(file, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="railtrace-proof.json"'
    return response


def evidence(request: HttpRequest, sha256: str) -> HttpResponse:
    """Send an evidence file; nothing of it is run or shown inside a page of ours."""
    store = the_app().evidence
    if not (len(sha256) == 64 and set("0123456789abcdef").issuperset(sha256)):
        raise Http404
    response = HttpResponse(store.read(sha256), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{sha256}"'
    response.headers["Content-Security-Policy"] = "sandbox"
    return response
