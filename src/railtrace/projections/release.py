"""Gates known so far: hard reasons why a unit may not go out. Never traded against a chance.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from railtrace.catalogue.rows import Catalogue, ReleaseGate
from railtrace.projections.accident import FULL_EXAMINATION, Accidents
from railtrace.projections.campaigns import Standing
from railtrace.projections.condition import Condition, judged
from railtrace.projections.elsewhere import Holding, is_elsewhere
from railtrace.projections.fold import State
from railtrace.projections.genealogy import Genealogy
from railtrace.projections.introduction import Introduction
from railtrace.projections.last_repairs import LastRepairs
from railtrace.projections.maintenance import Due, Maintenance, life_of
from railtrace.projections.metrology import Instrument, standing
from railtrace.projections.outside import Outside
from railtrace.projections.passport import Passport
from railtrace.projections.recall import Recall, matches
from railtrace.projections.remarks import Remarks

States = Mapping[str, State]


Force = Literal["stops", "warns"]

_NO_DECISION = frozenset({"views_behind", "no_decision", "data_elsewhere"})
"""Not a judgement but the lack of one: no order can set it aside."""


class Gate(Struct, frozen=True):
    """One reason: its name, the unit that gives it, the values a sentence needs.

    A gate that warns does not stop: it is a limit of use, or is in introduction under an order.
    """

    name: str
    unit: str
    values: dict[str, str] = {}
    force: Force = "stops"
    order: str = ""
    until: str = ""


def gates(
    units: Sequence[tuple[str, States]],
    recalls: Sequence[Recall],
    catalogue: Catalogue,
    behind: int = 0,
    day: str = "",
    introduction: Introduction | None = None,
    instruments: Mapping[str, Instrument] | None = None,
    dues: Mapping[str, Sequence[Due]] | None = None,
    now_us: int = 0,
    work: Sequence[Gate] = (),
    elsewhere: Sequence[Holding] = (),
) -> list[Gate]:
    """Return every gate of a unit and the parts on it; `units` is the vehicle, then its parts.

    `instruments` are those behind the units' last readings, by their ids; `dues` tells how the
    maintenance of each unit stands at `now_us`; `work` are the gates of their work orders;
    `elsewhere` are the logs of others that had them and were not heard of for long.
    """
    if behind:
        return [Gate("views_behind", units[0][0] if units else "", {"entries": str(behind)})]
    found = [
        gate for unit, states in units for gate in _gates_of(unit, states, recalls, catalogue, day)
    ]
    for _, states in units:
        if isinstance(condition := states.get("condition"), Condition):
            found += _instrument_gates(condition, catalogue, instruments or {})
    found += [gate for unit, some in (dues or {}).items() for gate in due_gates(unit, some)]
    for unit, states in units:
        found += _life_gates(unit, states, catalogue, now_us)
    found += accident_gates(units)
    passport = units[0][1].get("passport") if units else None
    type_ = passport.type if isinstance(passport, Passport) else ""
    weighed = (weighed_by_rows(gate, catalogue, type_, day) for gate in (*found, *work))
    known = [_introduced(gate, introduction, day) for gate in weighed]
    return [*elsewhere_gates(elsewhere, catalogue, type_, day, now_us), *known]


def elsewhere_gates(
    elsewhere: Sequence[Holding], catalogue: Catalogue, type_: str, day: str, now_us: int
) -> list[Gate]:
    """Return a gate for each log that had a unit unheard for longer than a row of it bears."""
    rows = [row for row in catalogue.release_gates.values()
            if row.check == "data_elsewhere" and _is_of(row, catalogue, type_, day)]  # fmt: skip
    found = []
    for one in elsewhere:
        weights = {r.weight for r in rows if is_elsewhere(one, r.max_age_h or 0, now_us)}
        if weights:
            force: Force = "stops" if "mandatory" in weights else "warns"
            found.append(Gate("data_elsewhere", one.unit, elsewhere_values(one), force))
    return found


def elsewhere_values(one: Holding) -> dict[str, str]:
    """Return what a sentence about a log that was not heard of says."""
    return {"log": one.log, "heard_us": str(one.heard_us), "operation": one.operation}


def weighed_by_rows(gate: Gate, catalogue: Catalogue, type_: str, day: str) -> Gate:
    """A gate stops when a row of the catalogue for units of a type says so; else it warns.

    A lack of decision always stops, and a gate that no row speaks of is left as it is.
    """
    if gate.name in _NO_DECISION or gate.force == "warns":
        return gate
    rows = [row for row in catalogue.release_gates.values()
            if row.check == gate.name and _is_of(row, catalogue, type_, day)]  # fmt: skip
    stops = any(row.weight == "mandatory" for row in rows)
    if gate.name == "doubtful" and (limit := catalogue.limits.get(gate.values.get("limit", ""))):
        stops = stops or limit.guard == "mandatory"
    return gate if stops or not rows else replace(gate, force="warns")


def _is_of(row: ReleaseGate, catalogue: Catalogue, type_: str, day: str) -> bool:
    on = date.fromisoformat(day) if day else None
    return (
        not row.train_kinds and row.act == ""
        and (not row.vehicle_types or type_ in row.vehicle_types)
        and (not row.vehicle_classes or catalogue.class_of(type_) in row.vehicle_classes)
        and (on is None or row.valid_from <= on <= (row.valid_to or date.max))
    )  # fmt: skip


def _introduced(gate: Gate, introduction: Introduction | None, day: str) -> Gate:
    """A gate in introduction warns on the days its order holds."""
    if introduction is None or not day or gate.name in _NO_DECISION or gate.force == "warns":
        return gate
    order = introduction.order_on(gate.name, day)
    if order is None:
        return gate
    return replace(gate, force="warns", order=order.order, until=order.until)


def due_gates(unit: str, dues: Sequence[Due]) -> list[Gate]:
    """Return a gate for each kind that is overdue: it stops, or it warns, as its row says."""
    return [
        Gate("overdue", unit, _overdue(due), "stops" if due.stops else "warns")
        for due in dues
        if due.state in ("overdue", "tolerated")
    ]


def campaign_gates(unit: str, campaigns: Sequence[Standing]) -> list[Gate]:
    """Return a gate for each open campaign whose last day passed without the unit being done."""
    return [
        Gate("campaign_overdue", unit,
             {"campaign": one.campaign.campaign, "title": one.campaign.title,
              "until": one.campaign.until, "operation": one.campaign.opened_by},
             "stops" if one.campaign.effect == "stops" else "warns")
        for one in campaigns
        if one.state == "overdue" and one.campaign.open and one.campaign.effect != "none"
    ]  # fmt: skip


def remark_gates(state: Remarks, now_us: int) -> list[Gate]:
    """Return a warning for each remark that was carried over up to a day that has passed."""
    return [
        Gate("remark_overdue", state.unit,
             {"text": remark.text, "until": remark.carried[-1].until,
              "operation": remark.carried[-1].operation}, "warns")
        for remark in state.remarks
        if remark.until_us is not None and now_us > remark.until_us
    ]  # fmt: skip


def away_gates(state: Outside) -> list[Gate]:
    """Return a gate for a repair elsewhere from which the unit was not taken over."""
    return [
        Gate("not_taken_over", state.unit,
             {"to": one.to, "repair_kind": one.repair_kind,
              "operation": one.refused[-1].operation if one.refused else one.sent_by})
        for one in state.stays
        if one.back_us is None
    ]  # fmt: skip


def accident_gates(units: Sequence[tuple[str, States]]) -> list[Gate]:
    """Return holds by accidents, and wheelsets of a derailment that nobody examined in full since.

    A wheelset counts that was said to stand under a derailed vehicle, wherever it is now, and one
    that stood there then as it does now.
    """
    found = []
    first = _accidents(units[0][1]) if units else None
    whole = first.derailed_us if first else None
    for unit, states_of in units:
        state = _accidents(states_of)
        if state is not None and (held := state.held) is not None:
            found.append(Gate("accident_hold", unit, {
                "accident": held.accident, "place": held.place, "operation": held.declared_by}))
        since = (state.derailed_us if state else None) or _there(states_of, whole)
        if since and _is_wheelset(states_of) and not _examined(states_of, since):
            found.append(Gate("not_examined", unit, {"since_us": str(since)}))
    return found  # fmt: skip


def _there(states: States, derailed_us: int | None) -> int | None:
    """Return when a unit derailed with what carries it, None when it came onto that later."""
    genealogy = states.get("genealogy")
    stay = genealogy.carrier() if isinstance(genealogy, Genealogy) else None
    if derailed_us is None or stay is None or (stay.from_us or 0) > derailed_us:
        return None
    return derailed_us


def _accidents(states: States) -> Accidents | None:
    state = states.get("accident")
    return state if isinstance(state, Accidents) else None


def _is_wheelset(states: States) -> bool:
    passport = states.get("passport")
    return isinstance(passport, Passport) and passport.type.startswith("wheelset")


def _examined(states: States, since_us: int) -> bool:
    state = states.get("maintenance")
    done = state.done.get(FULL_EXAMINATION) if isinstance(state, Maintenance) else None
    return done is not None and not done.stated and done.at_us >= since_us


def _overdue(due: Due) -> dict[str, str]:
    worst = due.binding
    assert worst is not None
    return {
        "kind": due.kind, "service": due.service, "meter": worst.meter, "unit": worst.unit,
        "over": f"{worst.used - worst.allowed:.0f}", "allowed": f"{worst.allowed:.0f}",
        "operation": due.last.operation if due.last else "",
    }  # fmt: skip


def _life_gates(unit: str, states: States, catalogue: Catalogue, now_us: int) -> list[Gate]:
    state = states.get("maintenance")
    life = life_of(state, catalogue, now_us) if isinstance(state, Maintenance) else None
    if life is None or now_us <= life.until_us:
        return []
    values = {"document": life.document, "operation": life.operation,
              "row": life.row.key if life.row else "",
              "years": str(life.row.years) if life.row else ""}  # fmt: skip
    return [Gate("life_expired", unit, values, "stops" if life.stops else "warns")]


def _gates_of(
    unit: str, states: States, recalls: Sequence[Recall], catalogue: Catalogue, day: str
) -> list[Gate]:
    passport, condition = states.get("passport"), states.get("condition")
    found: list[Gate] = []
    if isinstance(passport, Passport):
        found += _identity_gates(passport)
        found += _restriction_gates(passport, day)
        found += [
            Gate("recalled", unit, {"recall": recall.recall, "title": recall.title})
            for recall in recalls
            if recall.closed_us is None and matches(recall, passport)
        ]
    if isinstance(condition, Condition):
        found += _condition_gates(condition, catalogue)
    repairs = states.get("last_repairs")
    if isinstance(repairs, LastRepairs):
        found += [
            Gate("history_unknown", unit, {"repair_kind": last.repair_kind,
                                           "operation": last.operation})
            for last in repairs.by_kind.values()
            if not last.known
        ]  # fmt: skip
    found += [
        Gate("contradiction", unit, {"name": c.name, "key": c.key})
        for state in states.values()
        for c in state.contradictions.values()
        if not c.resolution
    ]
    return found


def _identity_gates(passport: Passport) -> list[Gate]:
    found = [
        Gate("on_hold", passport.unit,
             {"reason": hold.reason, "recall": hold.recall, "operation": hold.id})
        for hold in passport.holds
    ]  # fmt: skip
    if passport.scrapped:
        found.append(Gate("scrapped", passport.unit, {"word": passport.scrapped}))
    if not passport.type and not passport.guest:
        found.append(Gate("not_described", passport.unit))
    if passport.unreadable is not None:
        log, position = passport.unreadable
        found.append(Gate("no_decision", passport.unit, {"log": log, "position": str(position)}))
    return found


def _restriction_gates(passport: Passport, day: str) -> list[Gate]:
    found = [
        Gate("restricted", passport.unit,
             {"restriction": r.restriction, "speed": str(r.max_speed_kmh or ""), "area": r.area,
              "until": r.until, "operation": r.id},
             "stops" if r.effect == "stops" else "warns")
        for r in passport.restrictions
        if r.holds_on(day)
    ]  # fmt: skip
    return found + [
        Gate("permission_expired", passport.unit,
             {"permission": p.permission, "area": p.area, "until": p.until, "operation": p.id},
             "warns")
        for p in passport.permissions
        if day and not p.holds_on(day)
    ]  # fmt: skip


def _condition_gates(condition: Condition, catalogue: Catalogue) -> list[Gate]:
    found = [
        Gate("safety_defect", condition.unit,
             {"code": defect.code, "place": defect.place, "operation": defect.id})
        for defect in condition.defects
        if defect.safety
    ]  # fmt: skip
    for result in judged(condition, catalogue):
        if result.verdict in ("unfit", "doubtful") and result.limit is not None:
            found.append(
                Gate(
                    result.verdict,
                    condition.unit,
                    {
                        "quantity": result.quantity,
                        "place": result.place,
                        "value": result.last.value,
                        "unit": result.last.unit,
                        "limit": result.limit.key,
                        "operation": result.last.operation,
                    },
                )
            )
    return found


def _instrument_gates(
    condition: Condition, catalogue: Catalogue, instruments: Mapping[str, Instrument]
) -> list[Gate]:
    """A verdict may not lean on an instrument that was not to be believed at its moment."""
    found = []
    for result in judged(condition, catalogue):
        last = result.last
        trust = standing(instruments.get(last.device), last.at_us, result.quantity, last.value,
                         last.expired_by)  # fmt: skip
        if trust.stops:
            values = {
                "device": last.device, "why": trust.word, "quantity": result.quantity,
                "place": result.place, "value": last.value, "unit": last.unit,
                "operation": trust.operation or last.operation,
            }  # fmt: skip
            found.append(Gate("instrument", condition.unit, values))
    return found
