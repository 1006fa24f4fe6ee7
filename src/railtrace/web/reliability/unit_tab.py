"""The tab Reliability of a unit: the chance of its next run, and where the risk lies."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from railtrace.errors import NotFound
from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.reliability import Share, UnitAnswer, unit_answer
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.reliability.choice import CLASSES
from railtrace.web.reliability.computed import computed
from railtrace.web.reliability.fleet import distance_km
from railtrace.web.reliability.words import GRADES, INPUTS

_SHOWN = 12
_TELLING_PERCENT = 0.1


@dataclass(frozen=True)
class Line:
    """A place's part of the risk, in words."""

    share: Share
    name: str
    position: str
    percent: float
    gain: float

    @property
    def whole_percent(self) -> int:
        """The share in whole per cent, for the bar."""
        return round(self.percent)

    @property
    def wear_percent(self) -> float:
        """Of the unit's whole risk, in per cent."""
        return 100 * self.share.by_wear


def unit_reliability(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return the chance of a run of the distance asked for, and its shares."""
    distance = distance_km(request)
    context: dict[str, Any] = {"distance_km": distance}
    vehicle = knowledge.catalogue.vehicle_types.get(tree.passport.type)
    if vehicle is None or vehicle.vehicle_class not in CLASSES:
        return context | {"not_a_vehicle": True}
    if not knowledge.now:
        return context | {"not_now": True}
    try:
        fleet = computed(vehicle.vehicle_class, tree.passport.owner)
        answer = unit_answer(fleet, tree.unit, distance)
    except NotFound as error:
        return context | {"nothing": in_words(error)}
    lines = [
        Line(share, names.type(share.component), names.position(share.place.position),
             100 * share.share, 100 * (share.replaced - answer.reliability))
        for share in answer.shares
    ]  # fmt: skip
    shown, rest = _shown(lines)
    return context | {
        "answer": answer, "lines": shown, "rest": sum(x.percent for x in rest),
        "vehicle_class": vehicle.vehicle_class, "places": len(lines),
        "inputs": [(INPUTS[one.name], GRADES[one.grade], one) for one in answer.inputs],
        "band": _band(answer),
    }  # fmt: skip


def _shown(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Part the lines into those shown and the rest: whose condition tells something is shown."""
    judged = [x for x in lines[_SHOWN:] if x.share.judged or x.wear_percent >= _TELLING_PERCENT]
    shown = [*lines[:_SHOWN], *judged[:_SHOWN]]
    return shown, [x for x in lines[_SHOWN:] if x not in shown]


def _band(answer: UnitAnswer) -> dict[str, float]:
    """Return the band as drawn: from a little under the floor to one, in hundredths."""
    start = max(0.0, answer.floor - 0.15 * (1 - answer.floor))

    def along(chance: float) -> float:
        return 100 * (chance - start) / (1 - start)

    left = along(answer.low)
    return {"left": left, "width": along(answer.high) - left, "middle": along(answer.reliability)}
