"""The decision: released, released with restrictions, or refused; on what it stands."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, override
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound, RailtraceError, Refused
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts, Finding, judged_rows, refuses
from railtrace.projections.decision_file import decision_file, leaned_on
from railtrace.store.trains import Trains
from railtrace.trace.decision import signed
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import (
    DecisionSignature,
    GateReason,
    LeanedOn,
    LogSize,
    Released,
    ReleaseRefused,
    Restriction,
    decode,
)
from railtrace.web.accounts import person_of, reader
from railtrace.web.corrections import standing
from railtrace.web.frame import home_zone, in_words
from railtrace.web.models import SigningKey
from railtrace.web.names import Names
from railtrace.web.people import passkeys
from railtrace.web.people.signing import open_key
from railtrace.web.record import made, record_all, record_one
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app
from railtrace.web.trains.board import judged
from railtrace.web.trains.page import asked_act, found
from railtrace.web.trains.promised import encoded, promised
from railtrace.web.trains.said import Said, told

ROLE = "release_officer"
ASK = "ask"
"""The field by which a form asks for what a passkey is to sign, and not yet for a decision."""
LANGUAGE = "ru"
"""Reasons are kept in the railway's own language, whoever decided; pages say them anew."""
LATEST_PAPER = timedelta(days=30)
"""A paper form is entered when the line is up again, not next year."""


@require_POST
@allowed("release")
def decide(request: HttpRequest, consist: str) -> HttpResponse:
    """Release or refuse a consist by what is known at this moment, not when the page was opened.

    What was signed on paper before is entered with the moment of the paper, and judged by it.
    """
    back = reverse("consist", args=[consist])
    try:
        then = _paper_moment(request)
        reader = Trains(the_app().knowledge(then), the_app().lookup)
        state = found(reader, consist)
        require(request.user, "release", state.site or None)
        act = asked_act(request, state)
        case = Case(state, *judged(reader, state, act), act, then)
        if ASK in request.POST:
            return JsonResponse(asked(request, case))
        decide_on(request, case)
    except (Refused, NotFound) as error:
        return not_decided(request, error, f"{back}?act={request.POST.get('act', '')}")
    return redirect("consist", consist)


def not_decided(request: HttpRequest, error: RailtraceError, back: str) -> HttpResponse:
    """Say why it was not decided: to the script that asks a passkey, or on the page."""
    if ASK in request.POST:
        return JsonResponse({"why": in_words(error)}, status=409)
    messages.error(request, in_words(error))
    return redirect(back)


@dataclass(frozen=True)
class Case:
    """What is decided on: a consist or a unit alone, its facts, the reasons against it.

    `then` is the moment of the paper where it was signed on paper before it is entered.
    """

    state: Consist
    facts: Facts
    reasons: list[Finding]
    act: str
    then: datetime | None = None

    @property
    def scope(self) -> str:
        """What it is."""
        return "unit" if self.facts.alone else "consist"


def decide_on(request: HttpRequest, case: Case) -> None:
    """Record the decision that was asked for. Raises Refused when something is in its way."""
    refuse = request.POST.get("decision") == "refuse"
    if why := _why_not(request, case, refuse):
        raise Refused("{why}", why=why)
    _record(request, case, refuse)
    messages.success(request, gettext("Refused; the reasons are kept.") if refuse
                     else gettext("Released; what it stands on is kept."))  # fmt: skip


def asked(request: HttpRequest, case: Case) -> dict[str, Any]:
    """Write a decision down as it stands now, for a passkey to sign. Raises Refused."""
    refuse = request.POST.get("decision") == "refuse"
    if case.then is not None:
        raise Refused("a paper form is entered by its number, without a passkey")
    if why := _why_not(request, case, refuse):
        raise Refused("{why}", why=why)
    now = the_app().clock().replace(microsecond=0)
    decided, content = _decided(request, case, refuse)
    sha256 = hashlib.sha256(content).hexdigest()
    kind = ReleaseRefused if refuse else Released
    operation = made(request, kind, **decided, decision_file=sha256)
    return passkeys.ask(request, encode_operation(operation).decode(), content, sha256, ROLE, now)


def _signed_by_passkey(request: HttpRequest, case: Case, refuse: bool) -> None:
    """Record the decision that a passkey signed, if what stands against it is still the same."""
    one = passkeys.asked_decision(request, the_app().clock())
    operation = decode(one.operation)
    assert isinstance(operation, Released | ReleaseRefused)
    now = _standing(case, refuse, _kept(request, case, refuse))
    if now != _standing_of(operation):
        raise Refused("what stands against it changed while you signed: look again")
    content = bytes(one.content)
    sha256 = hashlib.sha256(content).hexdigest()
    signature, key = passkeys.signature(request, sha256, ROLE, one.asked_at)
    file = the_app().evidence.put(content, "decision.json", "application/json", "dataset")
    record_all(request, [msgspec.structs.replace(
        operation, signatures=(signature,), evidence=(file,),
        leaned_on=_with_key(operation.leaned_on, key.entry),
    )])  # fmt: skip


def _standing(case: Case, refuse: bool, kept: tuple[GateReason, ...]) -> tuple[Any, ...]:
    """Return what a decision is about and what stood against it, however that is worded."""
    about = (case.state.consist or None, "" if case.facts.alone else case.act)
    return (refuse, *about, tuple(case.state.units), _told(kept))


def _standing_of(operation: Released | ReleaseRefused) -> tuple[Any, ...]:
    refuse = isinstance(operation, ReleaseRefused)
    return (refuse, operation.consist, operation.act, operation.units, _told(operation.reasons))


def _told(reasons: tuple[GateReason, ...]) -> list[tuple[Any, ...]]:
    return [(r.gate, r.weight, r.unit, r.row, r.operations, r.override_reason) for r in reasons]


def _with_key(leaned: tuple[LeanedOn, ...], entry: str) -> tuple[LeanedOn, ...]:
    """Let a decision lean on the entry in which its signer named the key."""
    places = _places([entry] if entry else [])
    return (*leaned, *(LeanedOn(operation=o, log=log, position=p) for o, log, p in places))


def _paper_moment(request: HttpRequest) -> datetime | None:
    """Return when a paper form was signed that is entered now; None for a decision of now."""
    typed = request.POST.get("paper_at", "").strip()
    if not typed or not request.POST.get("paper", "").strip():
        return None
    try:
        moment = parse_datetime(typed)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("{value} is no moment: write it like 2026-03-01T14:30", value=typed)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=home_zone())
    now = the_app().clock()
    if not now - LATEST_PAPER <= moment <= now:
        raise Refused(
            "{value}: a paper form is entered with a moment of the last {days} days",
            value=typed, days=LATEST_PAPER.days,
        )  # fmt: skip
    return moment


def _why_not(request: HttpRequest, case: Case, refuse: bool) -> str:
    """Say why it cannot be decided so; "" when nothing is in the way."""
    standing = case.state.composition
    if standing is None or request.POST.get("composition") != standing.id:
        return gettext("The composition was changed since you opened the page: look again.")
    if refuse:
        said = request.POST.get("reason", "").strip()
        return "" if case.reasons or said else gettext("Say why it is refused.")
    if case.then is not None:
        return ""  # It has gone: what stood against it is kept with it.
    stops = refuses(case.reasons)
    if stops:
        return gettext("{n} mandatory gates stand against it: it can only be refused.").format(
            n=len(stops)
        )
    if any(f.weight == "warning" for f in case.reasons) and not _override(request):
        return gettext("Warnings are overridden only with a reason and an end.")
    return ""


def _override(request: HttpRequest) -> tuple[str, datetime] | None:
    reason = request.POST.get("override_reason", "").strip()[:200]
    try:
        until = parse_datetime(request.POST.get("override_until", ""))
    except ValueError:
        return None
    return (reason, until) if reason and until is not None else None


def _record(request: HttpRequest, case: Case, refuse: bool) -> None:
    if request.POST.get("assertion"):
        return _signed_by_passkey(request, case, refuse)
    decided, content = _decided(request, case, refuse)
    sha256 = hashlib.sha256(content).hexdigest()
    decided |= _signed(request, sha256, refuse, case.then, decided["leaned_on"])
    file = the_app().evidence.put(content, "decision.json", "application/json", "dataset")
    decided |= {"decision_file": file.sha256, "evidence": (file,)}
    record_one(request, ReleaseRefused if refuse else Released, **decided)
    return None


def _decided(request: HttpRequest, case: Case, refuse: bool) -> tuple[dict[str, Any], bytes]:
    """Return the fields of a decision, unsigned, and the file that is to be signed."""
    state, facts = case.state, case.facts
    kept, rows = _kept(request, case, refuse), judged_rows(facts)
    decided: dict[str, Any] = {
        "units": tuple(state.units), "site": state.site, "decision": f"d:{uuid.uuid4()}",
        "scope": case.scope, "act": "" if facts.alone else case.act,
        "consist": state.consist or None, "train": state.train,
        "route": state.route, "reasons": kept, "leaned_on": leaned_on(facts, rows, _places),
        "positions": positions(), "catalogue": facts.catalogue.hash,
    }  # fmt: skip
    content = decision_file(facts, decided, refuse, rows, _promise(facts))
    if case.then is not None:
        decided |= {"happened_at": case.then, "basis": "document"}
    if not refuse:
        decided |= {"restrictions": restrictions(request, facts)}
    return decided, content


def _promise(facts: Facts) -> dict[str, Any] | None:
    """Return the promise where the railway lets it stand on the certificate."""
    if the_app().config.promise != "certificate" or facts.alone:
        return None
    try:
        return dict(msgspec.json.decode(encoded(promised(facts))))
    except RailtraceError:
        return None


def _signed(
    request: HttpRequest, sha256: str, refuse: bool, then: datetime | None,
    leaned: tuple[LeanedOn, ...],
) -> dict[str, Any]:  # fmt: skip
    """Sign the decision: with the server-held key, or by the number of a signed paper form.

    A refusal needs no signature: it may never wait for one. Raises Refused.
    """
    me, now = person_of(request.user).person_id, the_app().clock().replace(microsecond=0)
    if code := request.POST.get("code", "").strip():
        seed = open_key(request, request.POST.get("password", ""), code, now)
        entry = SigningKey.objects.get(user=reader(request)).entry
        return {"signatures": (signed(seed, sha256, me, ROLE, now),),
                "leaned_on": _with_key(leaned, entry)}  # fmt: skip
    if number := request.POST.get("paper", "").strip()[:200]:
        paper = DecisionSignature(person=me, role=ROLE, method="paper", signed_at=then or now)
        return {"signatures": (paper,), "number": number}
    if refuse:
        return {}
    raise Refused("sign it: a passkey, or password and one-time code, or the number of the "
                  "signed paper form")  # fmt: skip


def _kept(request: HttpRequest, case: Case, refuse: bool) -> tuple[GateReason, ...]:
    """Return the reasons as the trace keeps them, each with its rule and its operations."""
    facts, knowledge = case.facts, the_app().knowledge()
    names = Names(facts.catalogue, LANGUAGE)
    zone = the_app().config.zone_of(facts.consist.site)
    overridden = None if refuse else _override(request)
    with override(LANGUAGE):
        said = told(case.reasons, facts, knowledge, names)
        if case.then is not None and not refuse:
            number = request.POST["paper"].strip()[:100]
            why = gettext("entered later from the paper form {number}").format(number=number)
            overridden = overridden or (why, case.then + timedelta(hours=24))
    kept = [_reason(one, overridden, zone) for one in said]
    if refuse and (own := request.POST.get("reason", "").strip()[:200]):
        kept.append(GateReason(gate="person", weight="mandatory", text=own))
    return tuple(kept)


def _reason(one: Said, overridden: tuple[str, datetime] | None, zone: Any) -> GateReason:
    text = f"{one.part}: {one.said}" if one.part else one.said
    more: dict[str, Any] = {}
    if one.weight == "warning" and overridden is not None:
        reason, until = overridden
        until = until if until.tzinfo else until.replace(tzinfo=zone)
        more = {"overridden": True, "override_reason": reason, "override_until": until}
    return GateReason(
        gate=one.finding.gate.name, weight=one.finding.weight, unit=one.unit or None,
        row=one.finding.row, text=text[:200],
        operations=(one.operation,) if one.operation else (), **more,
    )  # fmt: skip


def _places(ids: list[str]) -> set[tuple[str, str, int]]:
    """Return where the versions of some entries that hold now lie; a corrected one, elsewhere."""
    corrected = standing(ids)
    found = {(id_, c.log, c.position) for id_, c in corrected.items()}
    first = the_app().trace.places([id_ for id_ in ids if id_ not in corrected])
    return found | {(id_, places[0][0], places[0][1]) for id_, places in first.items()}


def positions() -> tuple[LogSize, ...]:
    """Return how much of every log is taken into the views."""
    return tuple(LogSize(log=log, size=size)
                 for log, size in sorted(the_app().views.positions().items()))  # fmt: skip


def restrictions(request: HttpRequest, facts: Facts) -> tuple[Restriction, ...]:
    """Return what the train may not do: the restrictions of its units, and what is typed."""
    found = []
    for unit in facts.units:
        for gate in unit.gates:
            if gate.name == "restricted":
                speed = gate.values.get("speed") or None
                found.append(Restriction(
                    rule="unit", unit=unit.unit, value=speed,
                    unit_of_measure="km/h" if speed else None,
                    text=gate.values["restriction"][:200],
                ))  # fmt: skip
    speed = request.POST.get("restrict_speed", "").strip()
    if speed.isdigit():
        found.append(Restriction(rule="speed", value=str(int(speed)), unit_of_measure="km/h"))
    if text := request.POST.get("restrict_text", "").strip()[:200]:
        found.append(Restriction(rule="text", text=text))
    return tuple(found)
