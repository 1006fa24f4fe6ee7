"""One consist: its strip in running order, what stands against it, and what is done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from railtrace.catalogue.rows import ReadinessAct
from railtrace.errors import NotFound
from railtrace.projections.consist import Consist, Sign
from railtrace.projections.consist_gates import Act, Facts, heights
from railtrace.projections.servicing import OnBoard, Servicing
from railtrace.store.trains import Trains
from railtrace.web import words
from railtrace.web.clocks import from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import as_known
from railtrace.web.models import SigningKey
from railtrace.web.names import Names
from railtrace.web.people.passkeys import keys_of
from railtrace.web.roles import may
from railtrace.web.running import the_app
from railtrace.web.trains.board import act_of, judged, stage_of
from railtrace.web.trains.said import Said, told


@dataclass(frozen=True)
class Vehicle:
    """A unit as the strip draws it."""

    unit: str
    number: str
    type: str
    vehicle_class: str
    place: int
    turned: bool
    verdict: str
    reasons: Sequence[Said]
    joint: str
    """How the joint behind it stands: fit, unfit, unknown; "" after the last."""
    difference: str
    supplies: Sequence[tuple[str, str, OnBoard]]


def found(reader: Trains, name: str) -> Consist:
    """Return a consist. Raises NotFound."""
    consist = reader.consist(name)
    if consist.composition is None:
        raise NotFound("there is no consist {consist} in the trace", consist=name)
    return consist


def consist_page(request: HttpRequest, consist: str) -> HttpResponse:
    """Show a consist as it stands, or at two dates."""
    dates, app = as_known(request), the_app()
    knowledge = app.knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    reader = Trains(knowledge, app.lookup)
    state = found(reader, consist)
    act = asked_act(request, state)
    facts, reasons = judged(reader, state, act)
    said = told(reasons, facts, knowledge, names)
    context = shown(request, state, facts, said, names) | {"dates": dates, "act": act}
    return render(request, "trains/consist.html", context)


def offers(request: HttpRequest, consist: str) -> HttpResponse:
    """Offer units that could take the place of one: of its kind, fit, free, back in time."""
    app, names = the_app(), the_names()
    reader = Trains(app.knowledge(), app.lookup)
    state = found(reader, consist)
    facts, reasons = judged(reader, state, "ready")
    number = next((n for n, u in enumerate(facts.units, 1)
                   if u.unit == request.GET.get("unit")), 0)  # fmt: skip
    if not number:
        raise NotFound("there is no such unit in consist {consist}", consist=consist)
    unit = facts.units[number - 1]
    mine = [f for f in reasons if f.place == number and f.weight == "mandatory"]
    numbers = [names.number(reader.knowledge.passport(u.unit)) for u in facts.units]
    free = reader.candidates(unit, facts, state.site)
    rows = [
        (other, names.number(reader.knowledge.passport(other)), "\n".join(
            names.number(reader.knowledge.passport(other)) if n == number - 1 else one
            for n, one in enumerate(numbers)))
        for other in free
    ]  # fmt: skip
    context = {
        "section": "trains", "tab": "board", "consist": state, "names": names, "rows": rows,
        "number": number, "name": numbers[number - 1], "type": names.type(unit.type),
        "said": told(mine, facts, reader.knowledge, names),
    }  # fmt: skip
    return render(request, "trains/offers.html", context)


def asked_act(request: HttpRequest, state: Consist) -> Act:
    """Return the act asked for by the address or a form; else the one the consist waits for."""
    asked = request.POST.get("act") or request.GET.get("act")
    return "ready" if asked == "ready" else "depart" if asked == "depart" else act_of(state)


def shown(
    request: HttpRequest, state: Consist, facts: Facts, said: list[Said], names: Names
) -> dict[str, Any]:
    """Return what the page of a consist shows."""
    kind, route = facts.kind, facts.route
    departs = from_us(facts.departs_us)
    return {
        "section": "trains", "tab": "board", "consist": state, "names": names,
        "kind": kind, "route": route, "stage": stage_of(state),
        "strip": _strip(facts, said, names), "said": said,
        "by_weight": [(w, words.WEIGHTS[w], [s for s in said if s.weight == w])
                      for w in ("mandatory", "warning", "information")],
        "refusals": [s for s in said if s.weight == "mandatory"],
        "warnings": [s for s in said if s.weight == "warning"],
        "acts": acts(state, facts), "brakes": state.braked(),
        "said_brakes": _brakes_said(state, names),
        "speed": state.max_speed_kmh and names.value(str(state.max_speed_kmh), "km/h"),
        "voided": [b for b in state.brakes if b is not state.braked()],
        "looked_at": state.looked_at(), "joint_items": _items(facts, names),
        "returns_at": departs + timedelta(hours=route.hours) if route else None,
        "decisions": list(reversed(state.decisions)),
        "earlier": list(reversed(state.compositions[:-1])),
        "releases": may(request.user, "release"), "records": may(request.user, "record"),
        "inspects": may(request.user, "inspect"), "until": departs + timedelta(
            hours=route.hours if route else 24),
        "supplies": _supplies(facts, names), "day_of": facts.day,
        "signing_key": SigningKey.objects.filter(user_id=request.user.pk or 0).exists(),
        "passkey": bool(keys_of(request)),
        "detached": [(d, names.number(the_app().knowledge().passport(d.unit)))
                     for d in state.detached],
    }  # fmt: skip


def _brakes_said(state: Consist, names: Names) -> str:
    brakes = state.braked()
    if brakes is None:
        return ""
    return f"{names.value(brakes.mass_t, 't')}, {names.value(brakes.force_t, '1')}".strip()


def acts(state: Consist, facts: Facts) -> list[tuple[ReadinessAct, Sign | None, bool]]:
    """Return each signature with what was signed, and whether it is its turn."""
    signed, rows, turn = state.signed(), [], True
    for row in facts.kind.acts if facts.kind else ():
        sign = signed.get(row.key)
        rows.append((row, sign, turn))
        turn = turn and sign is not None and sign.answer == "signed"
    return rows


def _items(facts: Facts, names: Names) -> list[tuple[str, str]]:
    rows = facts.kind.joints if facts.kind else ()
    return [(key, names.catalogue.joint_items[key].name(names.language)) for key in rows]


def _supplies(facts: Facts, names: Names) -> list[tuple[str, str, str]]:
    """Return the supplies that the gates of this train look at: key, name, sign of the unit."""
    asked = {
        row.supply for row in facts.catalogue.release_gates.values()
        if row.check == "supply" and any(
            u.vehicle_class in row.vehicle_classes for u in facts.units)
    }  # fmt: skip
    rows = [facts.catalogue.supplies[key] for key in sorted(asked)]
    return [(r.key, r.name(names.language), names.unit_of_measure(r.unit)) for r in rows]


def _strip(facts: Facts, said: list[Said], names: Names) -> list[Vehicle]:
    turned = set(facts.consist.composition.turned) if facts.consist.composition else set()
    vehicles = []
    for number, unit in enumerate(facts.units, 1):
        mine = [s for s in said if s.number == number]
        passport = unit.nodes[0][1].get("passport")
        joint, difference = _joint(facts, number - 1, said, names)
        vehicles.append(Vehicle(
            unit.unit, names.number(passport) if passport else unit.unit,  # type: ignore[arg-type]
            names.type(unit.type), unit.vehicle_class, number, unit.unit in turned,
            _verdict(mine), mine, joint, difference, _on_board(unit.state("servicing"), names),
        ))  # fmt: skip
    return vehicles


def _verdict(said: list[Said]) -> str:
    weights = {s.weight for s in said}
    return "unfit" if "mandatory" in weights else "doubtful" if "warning" in weights else "fit"


def _joint(facts: Facts, ahead: int, said: list[Said], names: Names) -> tuple[str, str]:
    if ahead + 1 >= len(facts.units):
        return "", ""
    behind = facts.units[ahead + 1].unit
    faults = [s for s in said if s.finding.gate.name in ("joint_height", "joint_fault")
              and s.finding.gate.values["behind"] == behind]  # fmt: skip
    met = heights(facts, ahead)
    text = names.value(str(abs(met[0] - met[1])), "mm") if met else ""
    looked = set(facts.consist.looked_at()) >= set(facts.kind.joints if facts.kind else ())
    return "unfit" if faults else "fit" if looked else "unknown", text


def _on_board(state: object, names: Names) -> list[tuple[str, str, OnBoard]]:
    if not isinstance(state, Servicing):
        return []
    rows = names.catalogue.supplies
    return [
        (rows[key].name(names.language) if key in rows else key,
         names.value(there.amount, there.unit), there)
        for key, there in sorted(state.supplies.items())
    ]  # fmt: skip
