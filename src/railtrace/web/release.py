"""Why a unit may not go out, as far as the views know: each reason with what to do now."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.projections.release import Gate
from railtrace.store.knowledge import Knowledge
from railtrace.store.trains import behind_of
from railtrace.trace.epochs import first_origin, installation_of
from railtrace.trace.operation import DefectClosed, HoldLifted
from railtrace.web import words
from railtrace.web.clocks import clock, day, from_us
from railtrace.web.frame import home_zone
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.templatetags.signs import partial_day


@dataclass(frozen=True)
class Reason:
    """One reason in words: what, on which part, the operation behind it, what to do now."""

    name: str
    said: str
    part: str
    unit: str
    operation: str
    now: str
    href: str
    force: str = "stops"
    order: str = ""
    until: str = ""


_SAID = {
    "views_behind": _("No decision: the pages are {entries} entries behind the trace"),
    "no_decision": _("No decision: entry {position} of {log} cannot be read by this program"),
    "data_elsewhere": _("No decision: {depot} had it and was last heard of on {heard}"),
    "recalled": _("Recalled: {title}"),
    "on_hold": _("On hold: {reason}"),
    "accident_hold": _("Held for accident {accident} until the commission lifts it"),
    "not_examined": _("Derailed on {day}: not examined in full since"),
    "scrapped": _("Taken out of use for ever"),
    "not_described": _("Nothing says what this unit is"),
    "safety_defect": _("Open safety defect: {code}"),
    "contradiction": _("Contradiction: {said}"),
    "history_unknown": _("Last {repair_kind}: unknown, not overdue"),
    "restricted": _("Restriction: {restriction}"),
    "permission_expired": _("Permission ran out on {until}: {permission}"),
    "work_open": _("Work order {order} is open"),
    "work_incomplete": _("Work order {order} was closed without a step: {step}"),
    "instrument": _("{reading}: measured with {device}, which is not to be believed: {why}"),
    "overdue": _("{kind} is overdue by {over} of {allowed} allowed"),
    "life_expired": _("The service life has ended: {document}"),
    "campaign_overdue": _("Campaign not done until {until}: {title}"),
    "remark_overdue": _("Remark carried over until {until}: {text}"),
    "not_taken_over": _("Sent for repair to {to} and not taken over"),
}
GATE_WORDS = {
    "history_unknown": _("Last repair unknown"),
    "unfit": _("Measurement unfit"),
    "doubtful": _("Measurement doubtful"),
    "safety_defect": _("Open safety defect"),
    "contradiction": _("Open contradiction"),
    "not_described": _("Type not entered"),
    "restricted": _("Restriction that stops"),
    "recalled": _("Recall"),
    "on_hold": _("Hold"),
}
"""Gates that a site can have in introduction."""
NOW = {
    "views_behind": _("wait until the pages have caught up"),
    "no_decision": _("upgrade the program"),
    "data_elsewhere": _(
        "carry the log of that depot over (call it, or whoever holds it), or decide there"
    ),
    "recalled": _("replace the part; the recall lists where the others are"),
    "on_hold": _("lift the hold when its reason is gone"),
    "accident_hold": _("wait for the commission's act; nothing may be mended before"),
    "not_examined": _("examine the wheelset in full and record it"),
    "scrapped": _("find out who put it back"),
    "not_described": _("register its type"),
    "safety_defect": _("close the defect when it is mended"),
    "unfit": _("turn, repair or replace, then measure again"),
    "doubtful": _("the limit lies within the uncertainty: measure more exactly"),
    "contradiction": _("find out which is true"),
    "history_unknown": _("find the paper of that repair, or do the repair"),
    "restricted": _("keep to it, or lift it when its reason is gone"),
    "permission_expired": _("prolong it, or keep the unit from where it is needed"),
    "work_open": _("finish its steps and close it, or cancel it with a reason"),
    "work_incomplete": _("open an order again and do the step"),
    "instrument": _("measure again with a valid instrument"),
    "overdue": _("send it to this maintenance; the tab Due tells how it was counted"),
    "life_expired": _("extend the service life by a document, or take the unit out of use"),
    "campaign_overdue": _("do what the campaign asks and say so on its page"),
    "remark_overdue": _("do it, or carry it over again with a reason"),
    "not_taken_over": _("look at the unit and take it over, or send it back"),
}


def reasons(knowledge: Knowledge, names: Names, unit: str) -> list[Reason]:
    """Return every reason against letting a unit out; at a past date, those known of then."""
    behind = waiting_for(knowledge, unit) if knowledge.now else 0
    today = knowledge.state_us is None and the_app().clock().astimezone(home_zone())
    gates = knowledge.gates(unit, behind, today.date().isoformat() if today else "")
    knowledge.load([gate.unit for gate in gates])
    return [_reason(gate, knowledge, names, unit) for gate in gates]


def waiting_for(knowledge: Knowledge, unit: str) -> int:
    """Return how many entries about a unit the views have not taken yet."""
    lag, pending = the_app().views.waiting()
    return lag if pending is None else behind_of(knowledge, unit, pending)


def _reason(gate: Gate, knowledge: Knowledge, names: Names, unit: str) -> Reason:
    part = "" if gate.unit == unit else names.unit(knowledge.passport(gate.unit))
    return Reason(
        name=gate.name, said=said(gate, knowledge, names), part=part, unit=gate.unit,
        operation=gate.values.get("operation", ""), now=gettext(NOW[gate.name]),
        href=href(gate), force=gate.force, order=gate.order, until=gate.until,
    )  # fmt: skip


def said(gate: Gate, knowledge: Knowledge, names: Names) -> str:
    values = dict(gate.values)
    match gate.name:
        case "unfit" | "doubtful":
            return _reading_said(values, names)
        case "contradiction":
            values["said"] = contradiction_said(knowledge, names, gate.unit, values["key"])
        case "data_elsewhere":
            values |= _elsewhere_said(values, names)
        case "safety_defect":
            values["code"] = names.fault(values["code"])
        case "not_examined":
            values["day"] = day(from_us(int(values["since_us"])), names.language, home_zone())
        case "recalled":
            values["title"] = values["title"] or values["recall"]
        case "restricted":
            values["restriction"] = restriction_said(values)
        case "permission_expired" | "campaign_overdue" | "remark_overdue":
            values["until"] = partial_day(values["until"])
        case "work_incomplete":
            values["step"] = _step_said(values, names)
        case "instrument":
            values = _instrument_said(values, knowledge, names)
        case "overdue":
            for name in ("over", "allowed"):
                values[name] = names.value(values[name], values["unit"])
        case "life_expired" if values["row"]:
            row = names.catalogue.service_lives.get(values["row"])
            years = gettext("{years} years from the making").format(years=values["years"])
            values["document"] = f"{row.name(names.language)}, {years}" if row else years
        case "safety_defect" if values["place"]:
            values["code"] += f", {names.position(values['place'])}"
    return gettext(_SAID[gate.name]).format(**values)


def _elsewhere_said(values: dict[str, str], names: Names) -> dict[str, str]:
    """Return which depot is meant, with its installation, and when it was last heard of."""
    log = values["log"]
    origin = next((head.origin for head in the_app().trace.heads() if head.log == log), log)
    of, name = installation_of(origin), first_origin(origin).rpartition("/")[2]
    heard = clock(from_us(int(values["heard_us"])), names.language, home_zone(), "minute")
    return {"depot": name if of in ("", name) else f"{name} ({of})", "heard": heard}


def restriction_said(values: dict[str, str]) -> str:
    """Return a restriction with its speed, area and last day."""
    speed = values["speed"] and gettext("not over {speed} km/h").format(speed=values["speed"])
    until = values["until"] and gettext("until {day}").format(day=partial_day(values["until"]))
    return ", ".join(filter(None, [values["restriction"], speed, values["area"], until]))


def _reading_said(values: dict[str, str], names: Names) -> str:
    where = f" ({names.place(values['place'])})" if values["place"] else ""
    limit = limit_text(names.catalogue.limits.get(values["limit"]), names)
    value, word = names.value(values["value"], values["unit"]), gettext("limit")
    return f"{names.quantity(values['quantity'])}{where}: {value}, {word} {limit}"


def _step_said(values: dict[str, str], names: Names) -> str:
    process = names.catalogue.processes.get(values["process"])
    step = process.step(values["step"]) if process else None
    return step.name(names.language) if step else values["step"]


def _instrument_said(
    values: dict[str, str], knowledge: Knowledge, names: Names
) -> dict[str, str]:
    where = f" ({names.place(values['place'])})" if values["place"] else ""
    value = names.value(values["value"], values["unit"])
    why = words.TRUST[values["why"]]
    return {
        "reading": f"{names.quantity(values['quantity'])}{where}: {value}",
        "device": names.unit(knowledge.passport(values["device"])),
        "why": gettext(why),
    }


def contradiction_said(knowledge: Knowledge, names: Names, unit: str, key: str) -> str:
    """Return a contradiction of a unit as a sentence that names the other units."""
    for state in knowledge.states(unit).values():
        if found := state.contradictions.get(key):
            return names.contradiction(found.name, with_names(knowledge, names, found.values))
    return key


def with_names(knowledge: Knowledge, names: Names, values: dict[str, str]) -> dict[str, str]:
    """Return the values of a contradiction with type and number in place of unit ids."""
    units = {"carrier", "other", "part"}
    return {
        key: names.unit(knowledge.passport(value)) if key in units and value else value
        for key, value in values.items()
    }


def href(gate: Gate) -> str:
    """Return where a reason is put right."""
    match gate.name:
        case "accident_hold":
            return reverse("accident", args=[gate.values["accident"]])
        case "recalled":
            return reverse("recall", args=[gate.values["recall"]])
        case "contradiction":
            return f"{reverse('contradictions')}?{urlencode({'unit': gate.unit})}"
        case "work_open" | "work_incomplete":
            return reverse("order", args=[gate.values["order"]])
        case "instrument":
            return reverse("instrument", args=[gate.values["device"]])
        case "unfit" | "doubtful":
            return f"{reverse('unit', args=[gate.unit])}?tab=measurements"
        case "campaign_overdue":
            return reverse("campaign", args=[gate.values["campaign"]])
        case "remark_overdue" | "not_taken_over":
            return f"{reverse('unit', args=[gate.unit])}?tab=upkeep"
        case "overdue" | "life_expired":
            return f"{reverse('unit', args=[gate.unit])}?tab=due"
        case "views_behind" | "no_decision":
            return reverse("trace")
        case "data_elsewhere":
            return reverse("sites")
    return reverse("unit", args=[gate.unit])


# --- what now, done by a person ---------------------------------------------------------------


@require_POST
@allowed("hold")
def lift_hold(request: HttpRequest) -> HttpResponse:
    """Lift a hold of one unit with a reason."""
    unit, hold = request.POST.get("unit", ""), request.POST.get("operation", "")
    held = next((h for h in the_app().knowledge().passport(unit).holds if h.id == hold), None)
    if held is None:
        raise NotFound("{unit} has no hold {hold}", unit=unit, hold=hold)
    if reason := _typed(request):
        record_one(request, HoldLifted, units=(unit,), hold=hold, reason=reason)
        messages.success(request, gettext("The hold is lifted."))
    return _back(request, unit)


@require_POST
@allowed("record")
def close_defect(request: HttpRequest) -> HttpResponse:
    """Close an open defect by saying what was done."""
    unit, defect = request.POST.get("unit", ""), request.POST.get("operation", "")
    if all(d.id != defect for d in the_app().knowledge().condition(unit).defects):
        raise NotFound("{unit} has no open defect {defect}", unit=unit, defect=defect)
    if work := _typed(request):
        record_one(request, DefectClosed, units=(unit,), defect=defect, work=work)
        messages.success(request, gettext("The defect is closed."))
    return _back(request, unit)


def _typed(request: HttpRequest) -> str:
    text = request.POST.get("reason", "").strip()[:200]
    if not text:
        messages.error(request, gettext("Say what was done: it is kept for ever."))
    return text


def _back(request: HttpRequest, unit: str) -> HttpResponse:
    page: Any = request.POST.get("page") or unit
    return redirect("unit", page)
