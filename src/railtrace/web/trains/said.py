"""What a gate of a consist found, in words, and what to do now."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import ReleaseGate
from railtrace.projections.consist_gates import Facts, Finding
from railtrace.projections.release import Gate
from railtrace.store.knowledge import Knowledge
from railtrace.web import release, words
from railtrace.web.clocks import clock, day, from_us
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.templatetags.signs import partial_day

SAID = {
    "reading": _("{quantity}: {value}, allowed {allowed}"),
    "reading_missing": _("{quantity}: not measured for this trip"),
    "no_go": _("{row}: {code}"),
    "status": _("State: {state}"),
    "identity": _("Number {number} is in question: another unit bears it, or it cannot be read"),
    "paper": _("{row}: valid until {until}"),
    "supply": _("{row}: {amount} of {norm}"),
    "in_other_train": _("Stands in train {consist} too, and the trips overlap"),
    "wrong_class": _("Not a unit for a train of this kind: {kind}"),
    "template": _("{row}: {count} there, {wanted} wanted"),
    "train_kind_unknown": _("The kind of train {kind} is not in the catalogue"),
    "route_unknown": _("The route {route} is not in the catalogue"),
    "joint_height": _("Couplers of {ahead} and {behind} differ by {value}, limit {limit}"),
    "joint_missing": _("Joints of this composition were not looked at: {item}"),
    "joint_fault": _("{item} between {ahead} and {behind}: {text}"),
    "balance": _("{row}: {count} in the train, {most} allowed, never side by side"),
    "act_missing": _("Not signed: {act}"),
    "act_returned": _("Sent back by {act}: {reason}"),
    "act_order": _("Signed before its turn: {act}"),
    "act_own_work": _("{act}: signed by somebody who did or signed the work before"),
    "act_no_right": _("{act}: signed by somebody without the right then: {qualification}"),
    "consist_contradiction": _("Contradiction: {said}"),
    "not_ready": _("The consist as it stands is not released as ready"),
    "brake_missing": _("No brake test of this composition"),
    "brake_failed": _("The brake test failed"),
    "brake_force": _("Brake force {value} tf per 100 t, {min} wanted"),
    "no_locomotive": _("The brake certificate names no locomotive"),
    "return_margin": _("{kind}: short by {short} of {trip}; runs out {place}, {day}"),
    "admission_age": _("{row}: {years} years at the end of the trip, {most} allowed"),
    "admission_extended": _("{row}: life extended by {document}"),
}
NOW = {
    "reading": _("mend it and measure again, or take the unit out"),
    "reading_missing": _("measure it"),
    "no_go": _("mend it and close the defect, or take the unit out"),
    "status": _("record that it has left repair, or take it out"),
    "identity": _("find out which number is true"),
    "paper": _("renew the paper, or take the unit out"),
    "supply": _("take on what is missing"),
    "in_other_train": _("take it out of one of the two trains"),
    "wrong_class": _("take it out, or choose another kind of train"),
    "template": _("change the composition"),
    "train_kind_unknown": _("choose another kind of train"),
    "route_unknown": _("choose another route"),
    "joint_height": _("exchange the neighbours, or put the coupler right"),
    "joint_missing": _("look at the joints and record it"),
    "joint_fault": _("mend it and look at the joints again"),
    "balance": _("mend a source, or put a sound unit between them"),
    "act_missing": _("let the person who answers for it sign"),
    "act_returned": _("put right what is said, then sign again"),
    "act_order": _("sign again in the order of the kind of train"),
    "act_own_work": _("let somebody else sign"),
    "act_no_right": _("let somebody with the right sign"),
    "consist_contradiction": _("find out which is true"),
    "not_ready": _("release the consist as ready first"),
    "brake_missing": _("test the brakes with the locomotive on"),
    "brake_failed": _("mend the brakes and test again"),
    "brake_force": _("check the figures of the certificate, or restrict the speed"),
    "no_locomotive": _("put the locomotive on and test the brakes"),
    "return_margin": _("send it to this maintenance first, or put another coach in its place"),
    "admission_age": _("put another coach in its place"),
    "admission_extended": _("put another wagon in its place, or have it admitted"),
}
VOID = _("No brake test of this composition: certificate {number} is void, the composition changed")
NOBODY = _("{row}: nobody said how much is on board")
NO_PAPER = _("{row}: no paper is recorded")


@dataclass(frozen=True)
class Said:
    """One reason against a departure in words; `row` says whose rule it is."""

    finding: Finding
    said: str
    unit: str
    part: str
    number: int
    operation: str
    now: str
    href: str
    row: ReleaseGate

    @property
    def weight(self) -> str:
        """How much it weighs here."""
        return self.finding.weight


def told(found: Sequence[Finding], facts: Facts, knowledge: Knowledge, names: Names) -> list[Said]:
    """Return the reasons in the reader's language."""
    knowledge.load([f.gate.unit for f in found if f.gate.unit])
    return [_told(finding, facts, knowledge, names) for finding in found]


def _told(finding: Finding, facts: Facts, knowledge: Knowledge, names: Names) -> Said:
    gate = finding.gate
    row = names.catalogue.release_gates[finding.row]
    carrier = facts.units[finding.place - 1].unit if finding.place else ""
    part = names.unit(knowledge.passport(gate.unit)) if gate.unit not in ("", carrier) else ""
    return Said(
        finding, _said(gate, row, facts, knowledge, names), carrier, part, finding.place,
        gate.values.get("operation", ""), gettext(NOW.get(gate.name) or release.NOW[gate.name]),
        _href(gate, carrier, facts), row,
    )  # fmt: skip


def _said(gate: Gate, row: ReleaseGate, facts: Facts, knowledge: Knowledge, names: Names) -> str:
    if gate.name not in SAID:
        return release.said(gate, knowledge, names)
    values = dict(gate.values) | {"row": row.name(names.language)}
    template = SAID[gate.name]
    if gate.name == "brake_missing" and values["void"]:
        template, values["number"] = VOID, values["void"]
    if gate.name == "supply" and not values["amount"]:
        template = NOBODY
    if gate.name == "paper" and not values["until"]:
        template = NO_PAPER
    for name, say in _VALUES.items():
        if name in values and gate.name != "return_margin":
            values |= say(values, facts, knowledge, names)
    if gate.name == "consist_contradiction":
        values["said"] = names.contradiction(values["name"], values)
    if gate.name == "return_margin":
        values |= _margin(values, facts, names)
    text = gettext(template).format(**values)
    return text + _next_stop(values, facts, names) if gate.name == "supply" else text


def _margin(v: dict[str, str], facts: Facts, names: Names) -> dict[str, str]:
    """Say how much is missing, where it runs out, when, and who could serve it on the way."""
    route = facts.route
    assert route is not None
    stops = [stop.name(names.language) for stop in route.stops]
    at, back = int(v["after"]), bool(v["back"])
    other = max(at - 1, 0) if back else min(at + 1, len(stops) - 1)
    place = gettext("on the way back between {first} and {second}") if back else (
        gettext("on the way there between {first} and {second}"))  # fmt: skip
    served = [stops[int(n)] for n in v["served"].split(",") if n]
    place = place.format(first=stops[at], second=stops[other])
    if served:
        place += "; " + gettext("could be served at {stops}").format(stops=", ".join(served))
    return {
        "kind": v["kind"] or gettext("Service life"),
        "short": names.value(v["short"], v["unit"]), "place": place,
        "trip": names.value(v["trip"], "km"), "day": day(from_us(int(v["at_us"])),
                                                          names.language, home_zone()),
    }  # fmt: skip


def _next_stop(values: dict[str, str], facts: Facts, names: Names) -> str:
    if not values.get("next") or facts.route is None:
        return ""
    stop = facts.route.stops[int(values["next"])].name(names.language)
    return "; " + gettext("next supply at {stop}").format(stop=stop)


def _quantity(
    v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names
) -> dict[str, str]:
    where = f" ({names.place(v['place'])})" if v.get("place") else ""
    said = {"quantity": names.quantity(v["quantity"]) + where}
    if "value" in v:
        bounds = (("≥", v.get("min", "")), ("≤", v.get("max", "")))
        allowed = [f"{sign} {names.value(bound, v['unit'])}" for sign, bound in bounds if bound]
        said["allowed"] = " ".join(allowed)
        said["value"] = names.value(v["value"], v["unit"])
    return said


def _amount(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    norm = names.value(v["norm"], v["unit"]) if v["norm"] else ""
    return {"amount": names.value(v["amount"], v["unit"]) if v["amount"] else "", "norm": norm}


def _act(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    kind = facts.kind
    row = next((a for a in kind.acts if a.key == v["act"]), None) if kind else None
    return {"act": row.name(names.language) if row else v["act"]}


def _neighbours(
    v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names
) -> dict[str, str]:
    said = {side: names.number(knowledge.passport(v[side])) for side in ("ahead", "behind")}
    if "limit" in v:
        limit = names.catalogue.limits[v["limit"]]
        said |= {"limit": names.value(limit.max or "", limit.unit),
                 "value": names.value(v["value"], v["unit"])}  # fmt: skip
    return said


def _item(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    row = names.catalogue.joint_items.get(v["item"])
    return {"item": row.name(names.language) if row else v["item"],
            "text": v.get("text") or gettext("faulty")}  # fmt: skip


def _state(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    return {"state": " ".join(filter(None, [names.state(v["state"]), v["repair_kind"]]))}


def _wanted(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    if v["where"]:
        said = gettext("at the head") if v["where"] == "first" else gettext("at the end")
        return {"wanted": said}
    return {"wanted": f"{v['least']}–{v['most']}" if v["most"] else f"≥ {v['least']}"}


def _right(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    row = names.catalogue.qualifications.get(v["qualification"])
    return {"qualification": row.name(names.language) if row else v["qualification"]}


def _kind(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    row = names.catalogue.train_kinds.get(v["kind"])
    return {"kind": row.name(names.language) if row else v["kind"]}


def _until(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    return {"until": partial_day(v["until"])}


def _fault(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    return {"code": names.fault(v["code"])}


def _train(v: dict[str, str], facts: Facts, knowledge: Knowledge, names: Names) -> dict[str, str]:
    return {"consist": train_said(knowledge, v["consist"])} if "key" not in v else {}


def train_said(knowledge: Knowledge, consist: str) -> str:
    """Return a train by its number and the day it leaves."""
    state = knowledge.states(f"consist:{consist}").get("consist")
    train, departs = getattr(state, "train", ""), getattr(state, "departs_us", None)
    if departs is None:
        return consist
    return f"{train}, {clock(from_us(departs), 'ru', home_zone(), 'minute', home_zone())}"


_VALUES = {
    "quantity": _quantity, "amount": _amount, "act": _act, "ahead": _neighbours, "item": _item,
    "state": _state, "least": _wanted, "qualification": _right, "kind": _kind, "until": _until,
    "consist": _train, "code": _fault,
}  # fmt: skip


def _href(gate: Gate, carrier: str, facts: Facts) -> str:
    """Where the reason is put right."""
    match gate.name:
        case "in_other_train":
            return reverse("consist", args=[gate.values["consist"]])
        case "joint_missing" | "joint_fault":
            return "#joints"
        case "act_missing" | "act_returned" | "act_order" | "act_own_work" | "act_no_right":
            return "#signatures"
        case "brake_missing" | "brake_failed" | "brake_force" | "no_locomotive":
            return "#brakes"
        case "template" | "wrong_class" | "route_unknown" | "train_kind_unknown":
            return reverse("compose-consist", args=[facts.consist.consist])
        case "supply":
            return "#supplies"
        case "return_margin":
            return f"{reverse('unit', args=[gate.unit])}?tab=due"
        case "admission_age" | "admission_extended":
            return reverse("unit", args=[gate.unit])
        case "status" | "identity" | "no_go" | "reading" | "reading_missing" | "paper":
            return reverse("unit", args=[gate.unit])
        case "not_ready":
            return f"{reverse('consist', args=[facts.consist.consist])}?act=ready"
    return release.href(gate) if gate.unit else ""


def weight_word(weight: str) -> str:
    """Return what people call the weight of a gate."""
    return gettext(words.WEIGHTS[weight])
