"""What people do with a consist: sign, look at joints, test brakes, supply, send off, close."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.catalogue.rows import ReadinessAct
from railtrace.errors import BadOperation, Refused
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts
from railtrace.projections.servicing import Servicing
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import (
    BrakeTested,
    ConsistClosed,
    ConsistDeparted,
    ConsistSigned,
    JointFault,
    JointsChecked,
    Operation,
    Serviced,
    UnitDetached,
)
from railtrace.web.accounts import person_of
from railtrace.web.depot.orders import unit_of
from railtrace.web.frame import in_words
from railtrace.web.record import made, record_all, record_one
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app
from railtrace.web.trains.board import judged, trains
from railtrace.web.trains.freezing import freeze
from railtrace.web.trains.page import acts, found


def _open(consist: str) -> tuple[Consist, Facts]:
    reader = trains()
    state = found(reader, consist)
    return state, judged(reader, state, "ready")[0]


def _about(state: Consist) -> dict[str, Any]:
    assert state.composition is not None
    return {"consist": state.consist, "composition": state.composition.id, "site": state.site}


def _back(consist: str, part: str = "") -> HttpResponse:
    return redirect(f"{reverse('consist', args=[consist])}{part}")


def _done(
    request: HttpRequest, page: str, part: str, kind: type[Operation], said: str, **fields: Any
) -> HttpResponse:
    """Record one act and come back; what is refused is said where it was asked."""
    try:
        record_one(request, kind, **fields)
        messages.success(request, said)
    except Refused as error:
        messages.error(request, in_words(error))
    return _back(page, part)


# --- signatures -------------------------------------------------------------------------------


@require_POST
@allowed("record")
def sign(request: HttpRequest, consist: str) -> HttpResponse:
    """Sign one's part of the readiness, or send the consist back; never one's own work."""
    state, facts = _open(consist)
    answer = "returned" if request.POST.get("answer") == "returned" else "signed"
    row = next((r for r, _, _ in acts(state, facts) if r.key == request.POST.get("act")), None)
    why = _why_not(request, state, facts, row, answer)
    if why or row is None:
        messages.error(request, why)
        return _back(consist, "#signatures")
    said = gettext("Signed: {act}") if answer == "signed" else gettext("Sent back by {act}")
    return _done(
        request, consist, "#signatures", ConsistSigned, said.format(act=row.name("ru")),
        act=row.key, answer=answer, reason=request.POST.get("reason", "").strip()[:200],
        **_about(state),
    )  # fmt: skip


def _why_not(
    request: HttpRequest, state: Consist, facts: Facts, row: ReadinessAct | None, answer: str
) -> str:
    """Say what is in the way of a signature, by name; "" when nothing is."""
    if row is None:
        return gettext("Trains of this kind have no such signature.")
    if row.accepts:
        require(request.user, "inspect", state.site or None)
    me, app = person_of(request.user).person_id, the_app()
    now_us = microseconds(app.clock())
    turn = next(turn for r, _, turn in acts(state, facts) if r.key == row.key)
    if answer == "signed" and not turn:
        first = next(r for r, s, _ in acts(state, facts) if s is None or s.answer != "signed")
        return gettext("Not yet: {act} signs first.").format(act=first.name("ru"))
    if row.qualification and not facts.may(me, row.qualification, now_us):
        name = app.catalogue().qualifications[row.qualification].name("ru")
        return gettext("Your right has run out or was never recorded: {qualification}.").format(
            qualification=name
        )
    own = [r for r, s, _ in acts(state, facts) if s and me in s.people and r.key != row.key]
    if own:
        return gettext(
            "You signed {act} of this composition: nobody accepts their own work."
        ).format(act=own[0].name("ru"))
    if row.accepts and me in _servicers(facts):
        return gettext("You serviced a unit of this train: nobody accepts their own work.")
    return ""


def _servicers(facts: Facts) -> set[str]:
    states = [unit.state("servicing") for unit in facts.units]
    return {p for s in states if isinstance(s, Servicing) for o in s.supplies.values()
            for p in o.people}  # fmt: skip


# --- joints, brakes, supplies -----------------------------------------------------------------


@require_POST
@allowed("record")
def joints(request: HttpRequest, consist: str) -> HttpResponse:
    """Every joint was looked at; what is faulty is named by its place."""
    state, facts = _open(consist)
    items = tuple(facts.kind.joints) if facts.kind else ()
    faults = []
    if (item := request.POST.get("item", "")) in items and request.POST.get("behind"):
        units = [unit.unit for unit in facts.units]
        behind = int(request.POST["behind"]) if request.POST["behind"].isdigit() else 0
        if 0 < behind < len(units):
            faults.append(JointFault(
                ahead=units[behind - 1], behind=units[behind], item=item,
                text=request.POST.get("text", "").strip()[:200],
            ))  # fmt: skip
    if faults:
        items = (faults[0].item,)
    return _done(
        request, consist, "#joints", JointsChecked, gettext("The joints are recorded."),
        items=items, faults=tuple(faults), **_about(state),
    )  # fmt: skip


@require_POST
@allowed("record")
def brakes(request: HttpRequest, consist: str) -> HttpResponse:
    """Record the brake test and its certificate (ВУ-45)."""
    state, _facts = _open(consist)
    posted = request.POST
    try:
        mass, force = (
            number_of(posted.get("mass_t", "")),
            number_of(posted.get("brake_force_t", "")),
        )
        locomotive = unit_of(posted["locomotive"].strip()) if posted.get("locomotive") else None
    except BadOperation as error:
        messages.error(request, in_words(error))
        return _back(consist, "#brakes")
    return _done(
        request, consist, "#brakes", BrakeTested, gettext("The brake test is recorded."),
        test="short" if posted.get("test") == "short" else "full", mass_t=mass,
        brake_force_t=force, locomotive=locomotive,
        number=posted.get("number", "").strip()[:200],
        outcome="failed" if posted.get("outcome") == "failed" else "passed", **_about(state),
    )  # fmt: skip


def number_of(text: str) -> str:
    """Return a typed figure as the trace writes it. Raises BadOperation."""
    typed = text.strip().replace(" ", "").replace("\u00a0", "").replace(",", ".")
    try:
        value = Decimal(typed)
    except InvalidOperation as error:
        raise BadOperation("{value} is not a number: write it like 31,5", value=text) from error
    if not value.is_finite() or value < 0:
        raise BadOperation("{value} is not a number: write it like 31,5", value=text)
    return f"{value:f}"


@require_POST
@allowed("record")
def supply(request: HttpRequest, consist: str) -> HttpResponse:
    """Say what units have on board of one supply; an empty field leaves a unit as it was."""
    state, facts = _open(consist)
    row = facts.catalogue.supplies.get(request.POST.get("supply", ""))
    operations = []
    try:
        for number, unit in enumerate(facts.units, 1):
            if row is not None and (typed := request.POST.get(f"amount-{number}", "").strip()):
                operations.append(made(
                    request, Serviced, units=(unit.unit,), supply=row.key, amount=number_of(typed),
                    unit_of_measure=row.unit, site=state.site,
                ))  # fmt: skip
        if operations:
            record_all(request, operations)
            messages.success(request, gettext("{n} amounts are recorded.").format(
                n=len(operations)))  # fmt: skip
    except Refused as error:
        messages.error(request, in_words(error))
    return _back(consist, "#supplies")


# --- on the way -------------------------------------------------------------------------------


@require_POST
@allowed("record")
def depart(request: HttpRequest, consist: str) -> HttpResponse:
    """The train has left; one that nobody let go is not sent off by a button."""
    state, facts = _open(consist)
    decided = state.decided("depart")
    if decided is None or not decided.released or state.braked() is None:
        messages.error(request, gettext("Nobody has released this composition to depart."))
        return _back(consist)
    if state.departed_us is None and (why := freeze(request, state, facts)):
        said = gettext("The promise is not frozen yet, it is tried again: {why}")
        messages.warning(request, said.format(why=why))
    return _done(request, consist, "", ConsistDeparted, gettext("The train is on its way."),
                 **_about(state))  # fmt: skip


@require_POST
@allowed("record")
def detach(request: HttpRequest, consist: str) -> HttpResponse:
    """A unit is uncoupled; its notice (ВУ-23М) can be printed from the entry."""
    state, _facts = _open(consist)
    unit, reason = request.POST.get("unit", ""), request.POST.get("reason", "").strip()[:200]
    if unit not in state.units or not reason:
        messages.error(request, gettext("Say which unit is uncoupled, and why."))
        return _back(consist, "#way")
    return _done(
        request, consist, "#way", UnitDetached, gettext("The unit is uncoupled."), units=(unit,),
        place=request.POST.get("place", "").strip()[:200], reason=reason, **_about(state),
    )  # fmt: skip


@require_POST
@allowed("record")
def close(request: HttpRequest, consist: str) -> HttpResponse:
    """The trip is over, or the train does not go."""
    state, _facts = _open(consist)
    posted = request.POST
    try:
        delays = {
            field: number_of(posted[field]) for field in ("delay_min", "stock_delay_min")
            if posted.get(field, "").strip()
        }  # fmt: skip
    except BadOperation as error:
        messages.error(request, in_words(error))
        return _back(consist, "#way")
    return _done(
        request, consist, "", ConsistClosed, gettext("The trip is closed."),
        outcome="cancelled" if posted.get("outcome") == "cancelled" else "arrived",
        rescued="rescued" in posted, reason=posted.get("reason", "").strip()[:200],
        units=tuple(state.units), **_about(state), **delays,
    )  # fmt: skip
