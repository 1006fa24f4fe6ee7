"""The worker's screen: the next step of each order, at most five fields, without network too.

What is done without network waits on the tablet and is sent in any order later. The tablet's own
clock is believed only as far as it differs from ours at the moment of sending: the operation
gets our time, its note keeps the tablet's time and the difference.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from msgspec import Meta, Struct

from railtrace.errors import BadOperation, Refused
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Evidence, Reading, StepDone
from railtrace.web.accounts import person_of
from railtrace.web.depot.live import fresh
from railtrace.web.depot.orders import Told, fields_of, needs_of, permits_of, told_orders
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app

_PHOTO_MB = 8


class Sent(Struct, forbid_unknown_fields=True):
    """One step as a tablet sends it."""

    id: Annotated[str, Meta(pattern=r"^[0-9a-f-]{36}\Z")]
    order: str
    step: str
    done_at: datetime
    sent_at: datetime
    outcome: str = "passed"
    values: dict[str, str] = {}
    note: Annotated[str, Meta(max_length=1000)] = ""
    photo: str = ""
    person: str = ""


_decoder = msgspec.json.Decoder(Sent)


@allowed("record")
def work(request: HttpRequest) -> HttpResponse:
    """Show what can be done now, one card an order."""
    app, names, renewed = the_app(), the_names(), fresh("work")
    knowledge = app.knowledge()
    site = request.GET.get("site", "")
    found = [one for one in told_orders(knowledge, names, site) if one.order.open]
    items = [
        {
            "told": one, "state": one.next, "name": one.next.step.name(names.language),
            "needs": needs_of(one.next.step, names), "fields": fields_of(one.next.step, names),
            "by_hand": one.next.step.by_hand != "no",
            "no_permit": _missing_permit(one, names), "later": later_of(one, names),
        }
        for one in found
        if one.next is not None
    ]  # fmt: skip
    context = {
        "section": "depot", "tab": "work", "items": items, "names": names, "site": site,
        "sites": [(key, s.name(names.language)) for key, s in app.config.depots.items()],
        "now": app.clock(), "fresh": renewed, "person": person_of(request.user).person_id,
    }  # fmt: skip
    return render(request, "depot/work.html", context)


def later_of(one: Told, names: Names) -> str:
    """Return as JSON the steps a hand may go on to while nobody can be asked.

    They end where a machine, an inspector or a permit is needed.
    """
    found: list[dict[str, Any]] = []
    if (before := one.next) is None:
        return ""
    for state in one.states[one.states.index(before) + 1 :]:
        step = state.step
        if state.status in ("done", "to_accept") or step.optional:
            continue
        asks = before.step.hold_point or before.step.by_hand != "yes"
        if asks or step.by_hand == "no" or step.permit:
            break
        fields = [(f, label, names.unit_of_measure(u)) for f, label, u in fields_of(step, names)]
        found.append({"step": step.key, "name": step.name(names.language), "fields": fields})
        before = state
    return json.dumps(found, ensure_ascii=False) if found else ""


def _missing_permit(one: Told, names: Names) -> str:
    """Name the permit that the next step needs and that is not in force now."""
    kind = one.next.step.permit if one.next else ""
    if not kind or kind in permits_of(one.order.subject):
        return ""
    return names.catalogue.permit_kinds[kind].name(names.language)


@require_POST
@allowed("record")
def send(request: HttpRequest) -> HttpResponse:
    """Take one step from a tablet; the same one sent twice is recorded once."""
    try:
        sent = _decoder.decode(request.body)
        id_ = _record(request, sent)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        return JsonResponse({"said": str(error), "keep": False}, status=422)
    except Refused as error:
        return JsonResponse({"said": in_words(error), "keep": False}, status=422)
    except PermissionDenied as error:
        return JsonResponse({"said": str(error), "keep": False}, status=422)
    return JsonResponse({"id": id_, "said": gettext("Recorded")})


def _record(request: HttpRequest, sent: Sent) -> str:
    """Record what a tablet sent, once; return the operation's id."""
    app = the_app()
    knowledge = app.knowledge()
    order = knowledge.order(f"order:{sent.order}")
    process = knowledge.catalogue.processes.get(order.process)
    step = process.step(sent.step) if process else None
    if order.opened_us is None or step is None:
        raise BadOperation(
            "order {order} has no step {step}", order=sent.order, step=sent.step
        )  # fmt: skip
    require(request.user, "record", order.site or None)
    me = person_of(request.user).person_id
    if sent.person not in ("", me):
        raise BadOperation(
            "done by {person}: it is sent when that person logs in at this tablet",
            person=sent.person,
        )  # fmt: skip
    id_ = f"tab:{sent.id}"
    if id_ in app.trace.find([id_]):
        return id_
    happened, said = _when(sent, app.clock())
    operation = StepDone(
        id=id_, happened_at=happened, units=(order.subject,), site=order.site,
        workplace=order.workplace, performed_by=(me,), work_order=order.order, step=step.key,
        outcome="failed" if sent.outcome == "failed" else "passed", readings=_readings(sent, step),
        evidence=photo_of(sent.photo), note="\n".join(filter(None, [sent.note.strip(), said])),
    )  # fmt: skip
    result = app.record([operation], me, "tablet")[0]
    if not isinstance(result, Receipt):
        raise result
    app.wait_caught_up()
    return result.id


def _when(sent: Sent, now: datetime) -> tuple[datetime, str]:
    """Return when a step was done by our clock, and what to say of the tablet's."""
    if sent.done_at.tzinfo is None or sent.sent_at.tzinfo is None:
        raise BadOperation("the tablet's times have no zone: reload the page and send again")
    offset = now - sent.sent_at
    happened = min(sent.done_at + offset, now)
    said = gettext("tablet clock {time}, {seconds} s to ours").format(
        time=sent.done_at.isoformat(timespec="seconds"), seconds=f"{offset.total_seconds():+.0f}"
    )
    return happened.astimezone(UTC), said


def _readings(sent: Sent, step: Any) -> tuple[Reading, ...]:
    units = {field: unit for field, _label, unit in fields_of(step, the_names())}
    found = []
    for field, typed in sent.values.items():
        text = typed.strip().replace(",", ".")
        if field not in units or not text:
            continue
        quantity, place = field.split("|")
        found.append(
            Reading(quantity=quantity, place=place, value=text, unit=units[field])  # type: ignore[arg-type]
        )
    return tuple(found)


def photo_of(data_url: str) -> tuple[Evidence, ...]:
    """Keep a photo that a page sent as a data address; none when it is empty."""
    if not data_url:
        return ()
    head, _, body = data_url.partition(",")
    try:
        content = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise BadOperation("the photo cannot be read: take it again") from error
    if len(content) > _PHOTO_MB << 20:
        raise BadOperation("the photo is longer than {mb} MB: take a smaller one", mb=_PHOTO_MB)
    media = head.removeprefix("data:").split(";")[0] or "image/jpeg"
    return (the_app().evidence.put(content, "photo", media[:100], "photo"),)


def paper(request: HttpRequest) -> HttpResponse:
    """Show the forms to fill by pen when nothing else works: one sheet an order."""
    names = the_names()
    site = request.GET.get("site", "")
    told = [one for one in told_orders(the_app().knowledge(), names, site) if one.order.open]
    context = {"section": "depot", "tab": "work", "told": told, "names": names,
               "now": the_app().clock()}  # fmt: skip
    return render(request, "depot/paper.html", context)


def service_worker(request: HttpRequest) -> HttpResponse:
    """Send the service worker: it keeps the worker's page for when there is no network."""
    files = [static(name) for name in (
        "web/theme.js", "web/frame.js", "web/outbox.js", "web/tablet.js", "web/fresh.js",
        "web/bars.js",
        "web/app.css", "web/depot.css",
        "vendor/tabler.css", "vendor/inter.css", "vendor/icons.svg", "web/mark.svg",
    )]  # fmt: skip
    context = {"files": json.dumps(files), "cache": "railtrace-work-1"}
    response = render(request, "depot/worker.js", context, content_type="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


