"""The train chief's page on the way: coach, system, fault, photo; without network too.

What is written without network waits on the phone and is sent later, in any order: every entry
has an id and a moment of its own, so two phones in conflict end in one state.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from msgspec import Meta, Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadOperation, Refused
from railtrace.projections.condition import Condition
from railtrace.projections.consist import Consist
from railtrace.projections.wayside import Wayside
from railtrace.store.trains import Trains
from railtrace.trace.leaf import microseconds
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    AlarmChecked,
    DefectClosed,
    DefectFound,
    Evidence,
    Operation,
    Released,
)
from railtrace.web import release
from railtrace.web.accounts import person_of
from railtrace.web.clocks import clock, from_us
from railtrace.web.depot.tablet import photo_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.quality.alarms import alarm_name
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app
from railtrace.web.trains.board import stage_of, trains
from railtrace.web.trains.page import found

SAME_CLOCK = timedelta(seconds=60)
"""A phone's clock that differs by less is right; another is put right by whole minutes."""
ALARMS_KEPT = timedelta(days=30)
LONGEST = timedelta(days=60)
"""The longest a phone may keep an entry: an older one is asked to be entered by paper."""
WORKER_FILES = (
    "web/theme.js", "web/frame.js", "web/outbox.js", "web/chief.js", "web/app.css",
    "web/trains.css", "vendor/tabler.css", "vendor/inter.css", "vendor/icons.svg", "web/mark.svg",
)  # fmt: skip

_Line = Annotated[str, Meta(max_length=200)]


class Sent(Struct, forbid_unknown_fields=True, frozen=True):
    """One entry as a phone sends it; `about` is the defect or alarm that is answered."""

    id: Annotated[str, Meta(pattern=r"^[0-9a-f-]{36}\Z")]
    what: Literal["fault", "mended", "alarm"]
    consist: str
    unit: str
    done_at: datetime
    sent_at: datetime
    code: _Line = ""
    place: _Line = ""
    about: str = ""
    result: Literal["", "confirmed", "not_confirmed"] = ""
    note: Annotated[str, Meta(max_length=1000)] = ""
    photo: str = ""


_decoder = msgspec.json.Decoder(Sent)


# --- what a phone sent ------------------------------------------------------------------------


def happened(sent: Sent, now: datetime) -> tuple[datetime, str]:
    """Return when it happened by our clock, and what to say of the phone's. Raises BadOperation."""
    if sent.done_at.tzinfo is None or sent.sent_at.tzinfo is None:
        raise BadOperation("the phone's times have no zone: reload the page and send again")
    off = now - sent.sent_at
    minutes = 0 if abs(off) < SAME_CLOCK else round(off.total_seconds() / 60)
    off = timedelta(minutes=minutes)
    at = min(sent.done_at + off, now).astimezone(UTC)
    if now - at > LONGEST:
        raise BadOperation("it is of {day}: enter it from paper, with both clocks", day=at.date())
    said = f"phone clock {sent.done_at.isoformat(timespec='seconds')}"
    return at, said + (f", {off.total_seconds():+.0f} s to ours" if off else "")


def operation_of(
    sent: Sent, now: datetime, me: str, site: str, catalogue: Catalogue,
    evidence: tuple[Evidence, ...] = (),
) -> Operation:  # fmt: skip
    """Return what a phone sent as an operation; its id is the phone's. Raises BadOperation."""
    at, said = happened(sent, now)
    note = sent.note.strip()
    shared: dict[str, Any] = {
        "id": id_of(sent), "happened_at": at, "units": (sent.unit,), "site": site,
        "performed_by": (me,), "evidence": evidence, "note": "\n".join(filter(None, [note, said])),
    }  # fmt: skip
    if sent.what == "fault":
        fault = catalogue.fault_of.get(sent.code)
        if fault is None:
            raise BadOperation("there is no fault {code} in the catalogue", code=sent.code)
        return DefectFound(code=fault.code, place=sent.place, safety=fault.safety, **shared)
    if not sent.about:
        raise BadOperation("it does not say what it answers: reload the page and send again")
    if sent.what == "mended":
        return DefectClosed(defect=sent.about, work=note[:200], **shared)
    if not sent.result or not note:
        raise BadOperation("say whether the alarm was confirmed, and what was found")
    return AlarmChecked(alarmed=sent.about, result=sent.result, finding=note[:200], **shared)


def id_of(sent: Sent) -> str:
    """Return the operation's id: an answer may be on its way before what it answers."""
    return f"phone:{sent.id}"


@require_POST
@allowed("record")
def send(request: HttpRequest) -> HttpResponse:
    """Take one entry from a phone; the same one sent twice is recorded once."""
    try:
        sent = _decoder.decode(request.body)
        return JsonResponse({"id": _record(request, sent), "said": gettext("Recorded")})
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        return JsonResponse({"said": str(error)}, status=422)
    except Refused as error:
        return JsonResponse({"said": in_words(error)}, status=422)


def _record(request: HttpRequest, sent: Sent) -> str:
    app, reader = the_app(), trains()
    state = found(reader, sent.consist)
    stood = {unit for one in state.compositions for unit in one.units}
    require(request.user, "record", state.site or None)
    if id_of(sent) in app.trace.find([id_of(sent)]):
        return id_of(sent)
    if sent.what == "fault" and sent.unit not in stood:
        raise BadOperation("{unit} never stood in train {train}", unit=sent.unit, train=state.train)
    me, photo = person_of(request.user).person_id, photo_of(sent.photo)
    operation = operation_of(sent, app.clock(), me, state.site, reader.catalogue, photo)
    result = app.record([operation], me, "phone")[0]
    if not isinstance(result, Receipt):
        raise result
    app.wait_caught_up()
    return result.id


# --- what is shown ----------------------------------------------------------------------------


@allowed("record")
def chief(request: HttpRequest) -> HttpResponse:
    """Show the trains that are on the way or leave within a day: one is chosen, then kept."""
    app, reader = the_app(), trains()
    now_us = microseconds(app.clock())
    rows = [
        (listed, stage_of(reader.consist(listed.consist)))
        for listed in app.lookup.consists_about(now_us, 100)
    ]  # fmt: skip
    context = {"section": "trains", "tab": "chief", "rows": rows, "names": the_names()}
    return render(request, "trains/chief.html", context)


@allowed("record")
def chief_train(request: HttpRequest, consist: str) -> HttpResponse:
    """Show a train to its chief: coaches, what is known of them, what to write down."""
    reader, names = trains(), the_names()
    state = found(reader, consist)
    route = names.catalogue.routes.get(state.route)
    context = {
        "section": "trains", "tab": "chief", "consist": state, "names": names,
        "stage": stage_of(state), "route": route.name(names.language) if route else state.route,
        "told": told(reader, state, names), "restrictions": train_restrictions(state),
        "home": reverse("chief"), "now": the_app().clock(),
    }  # fmt: skip
    return render(request, "trains/chief_train.html", context)


def told(reader: Trains, state: Consist, names: Names) -> dict[str, Any]:
    """Return what the phone keeps: coaches with what is known of them, systems with faults."""
    knowledge = reader.knowledge
    knowledge.load_trees(state.units)
    coaches = [_coach(reader, unit, n, names) for n, unit in enumerate(state.units, 1)]
    rows = sorted(names.catalogue.coach_systems.values(), key=lambda row: (row.order, row.key))
    systems = [
        {"key": row.key, "name": row.name(names.language), "faults": [
            {"code": f.code, "name": f.name(names.language), "safety": f.safety}
            for f in row.faults]}
        for row in rows
    ]  # fmt: skip
    return {"consist": state.consist, "coaches": coaches, "systems": systems}


def _coach(reader: Trains, unit: str, place: int, names: Names) -> dict[str, Any]:
    knowledge = reader.knowledge
    passport = knowledge.passport(unit)
    nodes = [node.unit for node in knowledge.tree(unit).walk()]
    defects = [one for node in nodes for one in _defects(reader, node, names)]
    codes = Counter(one["code"] for one in defects)
    return {
        "unit": unit, "place": place, "number": names.number(passport),
        "type": names.type(passport.type), "defects": defects,
        "twice": [code for code, times in codes.items() if times > 1],
        "restrictions": _restrictions(reader, unit, names),
        "alarms": [one for node in nodes for one in _alarms(reader, node, names)],
    }  # fmt: skip


def _defects(reader: Trains, unit: str, names: Names) -> list[dict[str, Any]]:
    condition = reader.knowledge.states(unit).get("condition")
    return [
        {"id": d.id, "unit": unit, "code": d.code, "name": names.fault(d.code),
         "place": names.position(d.place), "safety": d.safety, "since": _when(d.from_us, names)}
        for d in (condition.defects if isinstance(condition, Condition) else ())
    ]  # fmt: skip


def _restrictions(reader: Trains, unit: str, names: Names) -> list[str]:
    day = the_app().clock().astimezone(home_zone()).date().isoformat()
    gates = [g for g in reader.knowledge.gates(unit, 0, day)
             if g.name in ("restricted", "on_hold", "recalled")]  # fmt: skip
    return [release.said(gate, reader.knowledge, names) for gate in gates]


def _alarms(reader: Trains, unit: str, names: Names) -> list[dict[str, Any]]:
    state = reader.knowledge.states(unit).get("wayside")
    since_us = microseconds(the_app().clock() - ALARMS_KEPT)
    return [
        {"id": id_, "unit": unit, "name": alarm_name(a.alarm, names), "post": a.post,
         "place": names.position(a.place), "read": names.value(a.value, a.uom) if a.value else "",
         "level": a.level, "when": _when(a.at_us, names), "result": a.result,
         "finding": a.finding}
        for id_, a in (state.alarms.items() if isinstance(state, Wayside) else ())
        if a.at_us > since_us
    ]  # fmt: skip


def _when(at_us: int, names: Names) -> str:
    zone = home_zone()
    return clock(from_us(at_us), names.language, zone, "minute", zone)


def train_restrictions(state: Consist) -> list[str]:
    """Return what the train itself may not do by the release that stands, in its own words."""
    decided = state.decided("depart")
    if decided is None or not decided.released:
        return []
    operation = the_app().entry(decided.operation).operation
    rows = operation.restrictions if isinstance(operation, Released) else ()
    return [f"≤ {r.value} {gettext('km/h')}" if r.rule == "speed" else r.text for r in rows]


def service_worker(request: HttpRequest) -> HttpResponse:
    """Send the service worker: it keeps the pages of trains for when there is no network."""
    files = [*(static(name) for name in WORKER_FILES), reverse("chief")]
    context = {"files": json.dumps(files), "cache": "railtrace-train-1"}
    response = render(request, "depot/worker.js", context, content_type="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response
