"""Gates known so far: hard reasons why a unit may not go out. Never traded against a chance."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.condition import Condition, judged
from railtrace.projections.fold import State
from railtrace.projections.passport import Passport
from railtrace.projections.recall import Recall, matches

States = Mapping[str, State]


class Gate(Struct, frozen=True):
    """One reason: its name, the unit that gives it, the values a sentence needs."""

    name: str
    unit: str
    values: dict[str, str] = {}


def gates(
    units: Sequence[tuple[str, States]],
    recalls: Sequence[Recall],
    catalogue: Catalogue,
    behind: int = 0,
) -> list[Gate]:
    """Return every gate of a unit and the parts on it; `units` is the vehicle, then its parts."""
    if behind:
        return [Gate("views_behind", units[0][0] if units else "", {"entries": str(behind)})]
    return [gate for unit, states in units for gate in _gates_of(unit, states, recalls, catalogue)]


def _gates_of(
    unit: str, states: States, recalls: Sequence[Recall], catalogue: Catalogue
) -> list[Gate]:
    passport, condition = states.get("passport"), states.get("condition")
    found: list[Gate] = []
    if isinstance(passport, Passport):
        found += _identity_gates(passport)
        found += [
            Gate("recalled", unit, {"recall": recall.recall, "title": recall.title})
            for recall in recalls
            if recall.closed_us is None and matches(recall, passport)
        ]
    if isinstance(condition, Condition):
        found += _condition_gates(condition, catalogue)
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
    if not passport.type:
        found.append(Gate("not_described", passport.unit))
    if passport.unreadable is not None:
        log, position = passport.unreadable
        found.append(Gate("no_decision", passport.unit, {"log": log, "position": str(position)}))
    return found


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
