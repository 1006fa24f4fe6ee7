"""Work orders on the pages: the kanban and what is blocked, one order, the inspector's queue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.analysis.reasons import Reason
from railtrace.catalogue.rows import Process, Step
from railtrace.errors import BadOperation, NotFound, Refused
from railtrace.projections.orders import Order
from railtrace.projections.work import Attempt, Fault, StepState, open_steps
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import (
    DefectClosed,
    OrderBlocked,
    OrderClosed,
    OrderOpened,
    OrderUnblocked,
    PermitClosed,
    PermitIssued,
    ProofLoad,
    ProofLoaded,
    Reading,
    StepAccepted,
    StepDone,
    StepReturned,
)
from railtrace.web import words
from railtrace.web.depot.live import fresh
from railtrace.web.depot.reasons import reason_said, reasons_said
from railtrace.web.facts import reading_text
from railtrace.web.fleet import spellings, the_names
from railtrace.web.frame import as_known, in_words
from railtrace.web.names import Names
from railtrace.web.record import made, record_all, record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"
_DAY = timedelta(days=1)
FIELDS_BY_HAND = 5
"""A step by hand asks for no more than these; the rest comes from scan, machine or default."""


@dataclass(frozen=True)
class Told:
    """One order in words, with its steps."""

    order: Order
    process: Process | None
    name: str
    unit_name: str
    states: list[StepState]
    column: str
    blocked: list[str]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(state.status == "done" for state in self.states)

    @property
    def next(self) -> StepState | None:
        """The step that can be done now."""
        wanted = ("returned", "void", "ready")
        return next((s for s in self.states if s.status in wanted and not s.step.optional), None)


def tell(knowledge: Knowledge, names: Names, unit: str) -> Told:
    """Return an order by its pseudo-unit."""
    order = knowledge.order(unit)
    process = knowledge.catalogue.processes.get(order.process)
    states = knowledge.steps(order)
    blocked = _blocked(order, states, knowledge, names)
    return Told(
        order, process, process.name(names.language) if process else order.process,
        names.unit(knowledge.passport(order.subject)), states, _column(order, states, blocked),
        blocked,
    )  # fmt: skip


def _column(order: Order, states: list[StepState], blocked: list[str]) -> str:
    if not order.open:
        return "closed"
    if blocked:
        return "blocked"
    if any(state.status == "to_accept" for state in states):
        return "to_accept"
    return "in_work" if any(state.attempts for state in states) else "queued"


def _blocked(
    order: Order, states: list[StepState], knowledge: Knowledge, names: Names
) -> list[str]:
    """Return every reason why the order does not go on, in words."""
    if not order.open:
        return []
    said = []
    if order.block:
        cause = gettext(words.word(words.CAUSES, order.block))
        said.append(f"{cause}: {order.block_reason}" if order.block_reason else cause)
    for state in states:
        if state.status == "void" and state.last is not None:
            faults = [fault_said(f, knowledge, names, state.step) for f in _faults(state)]
            said.append(f"{state.step.name(names.language)}: {'; '.join(faults)}")
        if state.status == "returned" and state.returned is not None:
            said.append(f"{state.step.name(names.language)}: {state.returned.reason}")
    return said


def _faults(state: StepState) -> tuple[Fault, ...]:
    bad = [attempt for attempt in state.attempts if not attempt.good]
    return bad[-1].faults if bad else ()


def fault_said(fault: Fault, knowledge: Knowledge, names: Names, step: Step) -> str:
    """Return why something does not count, in the reader's language."""
    values = dict(fault.values)
    if "quantity" in values:
        place = f" ({names.place(values['place'])})" if values.get("place") else ""
        values["quantity"] = names.quantity(values["quantity"]) + place
    if fault.code in ("unfit", "doubtful"):
        values["value"] = names.value(values["value"], values["unit"])
        values["limits"] = _limits(values, names)
    if "step" in values:
        values["step"] = _step_name(knowledge, names, step, values["step"])
    if "device" in values:
        values["device"] = names.unit(knowledge.passport(values["device"]))
        why = words.TRUST[values["why"]]
        values["why"] = gettext(why)
    if "outcome" in values:
        values["outcome"] = gettext(words.word(words.OUTCOMES, values["outcome"]))
    for key in ("qualification", "permit_kind"):
        if key in values:
            row = getattr(names.catalogue, f"{key}s").get(values[key])
            values[key] = row.name(names.language) if row else values[key]
    if "finding" in values:
        values["finding"] = gettext(words.word(words.DAMAGES, values["finding"]))
    if fault.reasons:
        values["reasons"] = reasons_said(fault.reasons)
    if "rule" in values:
        values["rule"] = names.catalogue.check_rules[values["rule"]].name(names.language)
    if fault.code == "proof_short":
        values["load"] = names.value(values["load"], "kN")
    if fault.code in ("press_below", "press_above"):
        values["value"] = names.value(values["value"], "kN/100mm")
    return gettext(words.FAULTS.get(fault.code, fault.code)).format(**values)


def _limits(values: dict[str, str], names: Names) -> str:
    low, high = values["min"], values["max"]
    if low and high:
        return f"{names.value(low, '1')}–{names.value(high, values['unit'])}"
    return f"≥ {names.value(low, values['unit'])}" if low else (
        f"≤ {names.value(high, values['unit'])}"
    )  # fmt: skip


def _step_name(knowledge: Knowledge, names: Names, step: Step, key: str) -> str:
    for process in knowledge.catalogue.processes.values():
        if step in process.steps and (found := process.step(key)):
            return found.name(names.language)
    return key


# --- kanban ---------------------------------------------------------------------------------------

COLUMNS = ("queued", "in_work", "to_accept", "blocked", "closed")


def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders as a kanban, what is blocked named first; open a new one."""
    app, names, renewed = the_app(), the_names(), fresh("work")
    knowledge = app.knowledge()
    site, form = request.GET.get("site", ""), NewOrder(names, request.POST or None)
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        try:
            return redirect("order", _open(request, form))
        except Refused as error:
            form.add_error("number", in_words(error))
    told = told_orders(knowledge, names, site)
    columns = [
        (key, words.COLUMNS[key], [one for one in told if one.column == key]) for key in COLUMNS
    ]
    context = {
        "section": "depot", "tab": "orders", "names": names, "columns": columns, "site": site,
        "sites": [(key, s.name(names.language)) for key, s in app.config.depots.items()],
        "blocked": [one for one in told if one.column == "blocked"], "now": app.clock(),
        "now_us": microseconds(app.clock()), "form": form, "total": len(told),
        "fresh": None if request.method == "POST" else renewed,
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "depot/orders.html", context, status=status)


def told_orders(knowledge: Knowledge, names: Names, site: str) -> list[Told]:
    """Return the open orders and those closed within a day, the oldest first."""
    app = the_app()
    yesterday = microseconds(app.clock() - _DAY)
    rows = [
        row for row in app.lookup.orders()
        if (row["closed_us"] is None or row["closed_us"] >= yesterday)
        and (not site or row["site"] == site)
    ]  # fmt: skip
    knowledge.load([unit for row in rows for unit in (row["unit"], row["subject"])])
    return [tell(knowledge, names, row["unit"]) for row in reversed(rows)]


class NewOrder(forms.Form):
    """A process is to be applied to a unit."""

    number = forms.CharField(label=_("Unit: number or id"), max_length=96)
    process = forms.ChoiceField(label=_("Process"))
    planned_to = forms.DateTimeField(
        label=_("To be ready by"), required=False, input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    defect = forms.CharField(
        label=_("For the defect (its entry)"), max_length=96, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, names: Names, *args: Any) -> None:
        super().__init__(*args)
        rows = names.catalogue.processes.values()
        self.fields["process"].choices = sorted(  # type: ignore[attr-defined]
            ((row.key, row.name(names.language)) for row in rows), key=lambda pair: pair[1]
        )


def _open(request: HttpRequest, form: NewOrder) -> str:
    app, data = the_app(), form.cleaned_data
    unit = unit_of(data["number"].strip())
    passport = app.knowledge().passport(unit)
    process = app.catalogue().processes[data["process"]]
    if passport.type not in process.applies_to:
        raise BadOperation(
            "{process} is no process of this unit: choose one of its own kind", field="process",
            process=process.key,
        )  # fmt: skip
    order = f"WO-{app.clock():%y%m%d}-{get_random_string(4, SAYABLE)}"
    zone = app.config.zone_of(passport.home_site)
    planned: datetime | None = data["planned_to"]
    record_one(
        request, OrderOpened, units=(unit,), work_order=order, process=process.key,
        site=passport.home_site, reason=data["reason"], defect=data["defect"].strip() or None,
        planned_to=planned.replace(tzinfo=zone) if planned else None,
    )  # fmt: skip
    messages.success(request, gettext("The order is opened."))
    return order


def unit_of(text: str) -> str:
    """Return the unit of an id or of a number it bears now. Raises BadOperation."""
    app = the_app()
    if app.knowledge().known(text):
        return text
    for number in spellings(text):
        if app.lookup.bearers(number):
            return app.bearer(number)
    raise BadOperation("no unit bears the number {number}", field="units", number=text)


# --- one order ------------------------------------------------------------------------------------


def _found(order: str, knowledge: Knowledge) -> Order:
    found = knowledge.order(f"order:{order}")
    if found.opened_us is None:
        raise NotFound("there is no work order {order}", order=order)
    return found


def order(request: HttpRequest, order: str) -> HttpResponse:
    """Show an order with every step, what did it, and why what was done does not count."""
    dates, app = as_known(request), the_app()
    renewed = None if dates.past else fresh("work")
    knowledge = app.knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    _found(order, knowledge)
    told = tell(knowledge, names, f"order:{order}")
    rows = [_row(state, knowledge, names) for state in told.states]
    context = {
        "section": "depot", "tab": "orders", "dates": dates, "names": names, "told": told,
        "order": told.order, "rows": rows, "left": open_steps(told.states),
        "passport": knowledge.passport(told.order.subject), "causes": words.CAUSES,
        "thread": _thread(told.order, knowledge), "now": app.clock(),
        "inspects": may(request.user, "inspect"), "process": told.process,
        "permits": _permits(told.process, names),
        "in_force": permits_of(told.order.subject) if told.order.open else {}, "fresh": renewed,
    }  # fmt: skip
    return render(request, "depot/order.html", context)


def _permits(process: Process | None, names: Names) -> list[tuple[str, str]]:
    """Return the permits that the steps of a process need."""
    keys = dict.fromkeys(step.permit for step in process.steps if step.permit) if process else {}
    return [(key, names.catalogue.permit_kinds[key].name(names.language)) for key in keys]


@dataclass(frozen=True)
class Permit:
    """A permit in force on a unit."""

    permit: str
    kind: str
    to_us: int
    operation: str


def permits_of(unit: str) -> dict[str, Permit]:
    """Return the permits in force on a unit now, by kind."""
    app = the_app()
    now_us = microseconds(app.clock())
    rows = app.lookup.timeline([unit], ("PermitIssued", "PermitClosed"), limit=100)
    closed: set[str] = set()
    found: dict[str, Permit] = {}
    for row in rows:
        operation = app.entry(row[6]).operation
        if isinstance(operation, PermitClosed):
            closed.add(operation.permit)
        elif isinstance(operation, PermitIssued) and operation.permit not in closed:
            to_us = microseconds(operation.valid_to)
            if microseconds(operation.valid_from) <= now_us <= to_us:
                kind = operation.permit_kind
                found.setdefault(kind, Permit(operation.permit, kind, to_us, operation.id))
    return found


def _row(state: StepState, knowledge: Knowledge, names: Names) -> dict[str, Any]:
    shown = next((a for a in reversed(state.attempts) if not a.good), state.last)
    if state.status in ("done", "to_accept"):
        shown = state.last
    return {
        "state": state, "step": state.step, "name": state.step.name(names.language),
        "needs": needs_of(state.step, names),
        "waits_for": [
            _step_name(knowledge, names, state.step, key) for key in state.waits_for
        ],
        "attempts": [_attempt(a, state, knowledge, names) for a in state.attempts],
        "shown": _attempt(shown, state, knowledge, names) if shown else None,
        "returned_photos": _photos_of(state.returned.operation) if state.returned else [],
        "fields": fields_of(state.step, names) if state.step.by_hand != "no" else [],
    }  # fmt: skip


def _photos_of(id_: str) -> list[Any]:
    """Return the photographs that an entry names."""
    evidence = getattr(the_app().entry(id_).operation, "evidence", ())
    return [one for one in evidence if one.evidence_class == "photo"]


def needs_of(step: Step, names: Names) -> list[str]:
    """Return what a step needs, in words: equipment, right, permit, readings."""
    rows = [names.catalogue.equipment_types[key] for key in step.equipment]
    said = [row.name(names.language) for row in rows]
    if step.qualification:
        said.append(names.catalogue.qualifications[step.qualification].name(names.language))
    if step.permit:
        said.append(names.catalogue.permit_kinds[step.permit].name(names.language))
    for wanted in step.readings:
        values = {"min": wanted.min or "", "max": wanted.max or "", "unit": wanted.unit}
        limits = f" {_limits(values, names)}" if wanted.min or wanted.max else ""
        said.append(f"{names.quantity(wanted.quantity)}{limits}")
    return said


def _attempt(
    attempt: Attempt, state: StepState, knowledge: Knowledge, names: Names
) -> dict[str, Any]:
    operation: Any = attempt.entry.operation
    device = operation.device or ""
    press = attempt.press
    return {
        "id": operation.id, "at_us": attempt.entry.happened_us, "good": attempt.good,
        "kind": attempt.entry.kind, "by": attempt.by, "people": operation.performed_by,
        "device": device, "device_name": names.unit(knowledge.passport(device)) if device else "",
        "readings": [reading_text(r, names) for r in operation.readings],
        "faults": [fault_said(f, knowledge, names, state.step) for f in attempt.faults],
        "machine": attempt.machine_verdict, "note": operation.note,
        "photos": [e for e in operation.evidence if e.evidence_class == "photo"],
        "press": press, "reached": "" if press is None else names.value(
            f"{press.final_kn_per_100mm:.1f}", "kN/100mm"),
        "ours": attempt.ours,
        "rule": None if attempt.ours is None else attempt.ours.rule.name(names.language),
        "confirmed": attempt.ours is None or attempt.ours.rule.confirmed,
        "reasons": [reason_said(r) for r in _reasons(attempt)],
        "unjudged": [reason_said(r) for r in attempt.unjudged],
        "proof_load": "" if press is None or press.proof is None else names.value(
            f"{press.proof.load_kn:.0f}", "kN"),
        "said": attempt.said, "proved": attempt.proved, "loads": [] if attempt.proved is None else [
            f"{names.value(one.load_kn, 'kN')} · {names.value(one.seconds, 's')}"
            for one in attempt.proved.operation.loads  # type: ignore[union-attr]
        ],
    }  # fmt: skip


def _reasons(attempt: Attempt) -> tuple[Reason, ...]:
    if attempt.press is not None:
        return attempt.press.reasons
    return attempt.ours.reasons if attempt.ours is not None else ()


def fields_of(step: Step, names: Names) -> list[tuple[str, str, str]]:
    """Return the readings a hand enters: (field, label, unit), never more than fit a screen."""
    found = []
    for wanted in step.readings:
        for place in wanted.places or ("",):
            where = f" ({names.place(place)})" if place else ""
            label = f"{names.quantity(wanted.quantity)}{where}"
            found.append((f"{wanted.quantity}|{place}", label, wanted.unit))
    return found[: FIELDS_BY_HAND - 1] if step.by_hand != "inspected" else []


def _thread(order: Order, knowledge: Knowledge) -> list[tuple[str, str, int | None]]:
    """Return defect, order and closure as (word, operation, moment): one unbroken thread."""
    found: list[tuple[str, str, int | None]] = []
    if order.defect:
        try:
            entry = the_app().entry(order.defect)
            found.append(("defect", order.defect, entry.happened_us))
        except NotFound:
            found.append(("defect", order.defect, None))
    found.append(("opened", order.opened_by, order.opened_us))
    if order.closed_us is not None:
        found.append(("closed", order.closed_by, order.closed_us))
    return found


# --- doing, signing, sending back -----------------------------------------------------------------


def _at_work(request: HttpRequest, order: str) -> tuple[Order, Knowledge, Names]:
    knowledge = the_app().knowledge()
    found = _found(order, knowledge)
    if not found.open:
        raise BadOperation("order {order} is closed: open another one", order=order)
    return found, knowledge, the_names()


def _shared(order: Order) -> dict[str, Any]:
    return {"units": (order.subject,), "work_order": order.order, "site": order.site,
            "workplace": order.workplace}  # fmt: skip


@require_POST
@allowed("record")
def do_step(request: HttpRequest, order: str, step: str) -> HttpResponse:
    """Record that the person at the page did a step."""
    found, knowledge, names = _at_work(request, order)
    process = knowledge.catalogue.processes.get(found.process)
    row = process.step(step) if process else None
    if row is None:
        raise NotFound("order {order} has no step {step}", order=order, step=step)
    if row.by_hand == "no":
        raise BadOperation("step {step} is done by a machine only", step=row.name(names.language))
    record_one(
        request, StepDone, **_shared(found), step=step,
        outcome="failed" if request.POST.get("outcome") == "failed" else "passed",
        readings=_typed(request, row, names), note=request.POST.get("note", "").strip()[:4000],
        evidence=photos(request),
    )  # fmt: skip
    messages.success(request, gettext("Recorded: {step}").format(step=row.name(names.language)))
    return redirect(_back(request, order))


def _typed(request: HttpRequest, step: Step, names: Names) -> tuple[Reading, ...]:
    readings = []
    for field, label, unit in fields_of(step, names):
        text = _plain(request.POST.get(field, ""))
        if not text:
            continue
        quantity, place = field.split("|")
        readings.append(Reading(quantity=quantity, place=place, unit=unit,  # type: ignore[arg-type]
                                value=_number(text, label)))  # fmt: skip
    return tuple(readings)


def _number(text: str, label: str) -> str:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation as error:
        raise BadOperation(
            "{label}: {text} is no number; write it like 25.4", label=label, text=text
        ) from error


def photos(request: HttpRequest) -> tuple[Any, ...]:
    """Keep the photographs sent with a form; return how an operation names them."""
    kept = []
    for file in request.FILES.getlist("photo")[:5]:
        kind = file.content_type or "image/jpeg"
        name = (file.name or "photo")[:200]
        kept.append(the_app().evidence.put(file.file, name, kind[:200], "photo"))  # type: ignore[arg-type]
    return tuple(kept)


def _back(request: HttpRequest, order: str) -> str:
    page = request.POST.get("page", "")
    return "/depot/queue/" if page == "queue" else f"/depot/orders/{order}"


@require_POST
@allowed("record")
def prove_step(request: HttpRequest, order: str, step: str) -> HttpResponse:
    """Record the proof loads of a joint, where the rule offers them."""
    found, knowledge, _names = _at_work(request, order)
    entry = request.POST.get("entry", "")
    state = next((s for s in knowledge.steps(found) if s.step.key == step), None)
    tried = [a for a in state.attempts if a.entry.operation.id == entry] if state else []
    if not tried or tried[0].press is None or tried[0].press.proof is None:
        raise BadOperation(
            "proof loads are not offered here: the rule allows them for a small shortfall of force"
        )
    loads = _loads(request)
    if not loads:
        raise BadOperation("write the loads that were applied, in kN")
    record_one(
        request, ProofLoaded, **_shared(found), step=step, entry=entry, loads=loads,
        shifted=request.POST.get("shifted") == "1",
    )  # fmt: skip
    messages.success(request, gettext("The proof loads are recorded."))
    return redirect("order", order)


def _loads(request: HttpRequest) -> tuple[ProofLoad, ...]:
    seconds = _number(_plain(request.POST.get("seconds", "")) or "0", gettext("Held [s]"))
    typed = [_plain(text) for text in request.POST.getlist("load")[:10]]
    return tuple(
        ProofLoad(load_kn=_number(text, gettext("Load [kN]")), seconds=seconds)
        for text in typed if text
    )  # fmt: skip


def decimal_of(typed: str, label: str) -> str:
    """Return a typed figure as the trace writes it. Raises BadOperation."""
    return _number(_plain(typed), label)


def _plain(text: str) -> str:
    return text.strip().replace(",", ".").replace(" ", "")


@require_POST
@allowed("inspect")
def judge_step(request: HttpRequest, order: str, step: str) -> HttpResponse:
    """Sign a step or send it back with a reason."""
    found, _knowledge, _names = _at_work(request, order)
    entry = request.POST.get("entry", "")
    shared = _shared(found) | {"step": step, "entry": entry, "evidence": photos(request)}
    if request.POST.get("answer") == "return":
        reason = request.POST.get("reason", "").strip()[:200]
        if not reason:
            messages.error(request, gettext("Say what is to be done again."))
            return redirect(_back(request, order))
        record_one(request, StepReturned, reason=reason, **shared)
        messages.success(request, gettext("Sent back."))
        return redirect(_back(request, order))
    own = person_did(request, entry)
    if own:
        messages.error(request, gettext("You did this step yourself: another inspector signs it."))
        return redirect(_back(request, order))
    record_one(request, StepAccepted, **shared)
    messages.success(request, gettext("Signed."))
    return redirect(_back(request, order))


def person_did(request: HttpRequest, entry: str) -> bool:
    """Whether the person at the page is among those who made an entry."""
    done_by = getattr(the_app().entry(entry).operation, "performed_by", ())
    return made(request, StepDone).performed_by[0] in done_by


@require_POST
@allowed("record")
def block(request: HttpRequest, order: str) -> HttpResponse:
    """Say that an order cannot go on, or that it can."""
    found, _knowledge, _names = _at_work(request, order)
    if request.POST.get("go_on"):
        record_one(request, OrderUnblocked, **_shared(found))
        return redirect("order", order)
    cause = request.POST.get("cause", "other")
    cause = cause if cause in words.CAUSES else "other"
    reason = request.POST.get("reason", "").strip()[:200]
    record_one(request, OrderBlocked, cause=cause, reason=reason, **_shared(found))
    return redirect("order", order)


@require_POST
@allowed("record")
def close(request: HttpRequest, order: str) -> HttpResponse:
    """Close an order whose steps are all done, with the defect it was for; or cancel it."""
    found, knowledge, names = _at_work(request, order)
    reason = request.POST.get("reason", "").strip()[:200]
    if request.POST.get("cancel"):
        if not reason:
            messages.error(request, gettext("Say why the order is cancelled."))
            return redirect("order", order)
        record_one(request, OrderClosed, result="cancelled", reason=reason, **_shared(found))
        return redirect("order", order)
    told = tell(knowledge, names, found.unit)
    if left := open_steps(told.states):
        raise BadOperation(
            "order {order} cannot be closed: {step} is not done and counted", order=order,
            step=left[0].step.name(names.language),
        )  # fmt: skip
    operations = [made(request, OrderClosed, **_shared(found))]
    defects = {d.id for d in knowledge.condition(found.subject).defects}
    if found.defect in defects:
        operations.append(made(
            request, DefectClosed, defect=found.defect, work=told.name[:200], **_shared(found)
        ))  # fmt: skip
    record_all(request, operations)
    messages.success(request, gettext("The order is closed."))
    return redirect("order", order)


# --- the inspector's queue ------------------------------------------------------------------------


def queue(request: HttpRequest) -> HttpResponse:
    """Show what waits for a signature, one column, the oldest first."""
    app, names, renewed = the_app(), the_names(), fresh("work")
    knowledge = app.knowledge()
    site = request.GET.get("site", "")
    items = list(_waiting(told_orders(knowledge, names, site), knowledge, names))
    context = {
        "section": "depot", "tab": "queue", "names": names, "items": items, "now": app.clock(),
        "inspects": may(request.user, "inspect"), "site": site, "fresh": renewed,
        "sites": [(key, s.name(names.language)) for key, s in app.config.depots.items()],
    }  # fmt: skip
    return render(request, "depot/queue.html", context)


def _waiting(
    told: Iterable[Told], knowledge: Knowledge, names: Names
) -> Iterable[dict[str, Any]]:
    found = [
        {"told": one, "state": state, "name": state.step.name(names.language),
         "attempt": _attempt(state.last, state, knowledge, names)}
        for one in told
        if one.order.open
        for state in one.states
        if state.status == "to_accept" and state.last is not None
    ]  # fmt: skip
    return sorted(found, key=lambda item: item["attempt"]["at_us"])


def card(request: HttpRequest, order: str) -> HttpResponse:
    """Show the route card of an order for print: its steps with room for pen and stamp."""
    knowledge = the_app().knowledge()
    names = the_names()
    _found(order, knowledge)
    told = tell(knowledge, names, f"order:{order}")
    context = {
        "section": "depot", "told": told, "order": told.order, "names": names,
        "rows": [_row(state, knowledge, names) for state in told.states],
        "process": told.process, "now": the_app().clock(),
    }  # fmt: skip
    return render(request, "depot/card.html", context)
