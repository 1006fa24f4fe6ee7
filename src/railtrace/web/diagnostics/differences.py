"""How much wheels that run together differ: within the axle, the bogie, the vehicle; judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt

from railtrace.analysis.wheel_profile import WheelPlace, diameter_differences
from railtrace.catalogue.in_force import limit_for
from railtrace.catalogue.rows import Limit
from railtrace.projections.condition import judge
from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.wheel_lives import SIDES
from railtrace.trace.leaf import moment
from railtrace.web.measurements import limit_source, limit_text
from railtrace.web.names import Names

LEVELS = ("axle", "bogie", "vehicle")
_COMPARED = ("wheel_diameter", "tread_wear", "tyre_thickness", "rim_thickness")
_LIMITS = {
    **{("wheel_diameter", level): f"diameter_difference_{level}" for level in LEVELS},
    ("tread_wear", "vehicle"): "tread_wear_difference",
}  # fmt: skip
"""By what is compared and within what: the quantity whose limit holds."""


@dataclass(frozen=True)
class Difference:
    """One difference [mm] with its verdict; an empty one where no limit is in the catalogue."""

    value: float
    verdict: str = ""
    limit: str = ""
    source: str = ""
    confirmed: bool = True


@dataclass(frozen=True)
class Row:
    """One parameter compared; a level is None where there is nothing to compare with."""

    name: str
    axle: Difference | None
    bogie: Difference | None
    vehicle: Difference | None


@dataclass(frozen=True)
class _Last:
    """A wheel's last reading of a parameter."""

    place: WheelPlace
    uncertainty: float
    at_us: int


def differences(knowledge: Knowledge, names: Names, unit: str) -> list[Row]:
    """Return how the wheels around a wheelset differ, as last measured."""
    root, _ = knowledge.root(unit)
    type_ = knowledge.passport(unit).type
    nodes = [n for n in knowledge.tree(root).walk() if n.passport.type == type_]
    told = []
    for quantity in _COMPARED:
        wheels = [last for node in nodes for last in _wheels(node, root, quantity)]
        if sum(last.place.axle == unit for last in wheels) == len(SIDES):
            told.append(_row(quantity, wheels, type_, unit, names))
    return told


def _wheels(node: Node, root: str, quantity: str) -> Iterable[_Last]:
    bogie = _bogie(node, root)
    for series in node.condition.series.values():
        if series.quantity == quantity and series.place in SIDES and series.readings:
            last = series.readings[-1]
            place = WheelPlace(root, bogie, node.unit, float(last.value))
            yield _Last(place, float(last.uncertainty or 0), last.at_us)


def _bogie(node: Node, root: str) -> tuple[str, str]:
    """Return the bogie of a wheelset: a unit of its own, or a part of its position's path."""
    if node.stay is None:
        return node.unit, ""
    path, _, _ = node.stay.position.rpartition("/")
    return (node.stay.carrier, path) if path or node.stay.carrier != root else (root, "")


def _row(quantity: str, wheels: list[_Last], type_: str, unit: str, names: Names) -> Row:
    mine = next(last.place for last in wheels if last.place.axle == unit)
    found = diameter_differences([last.place for last in wheels])
    keys = {"axle": (mine.vehicle, mine.bogie, mine.axle), "bogie": (mine.vehicle, mine.bogie),
            "vehicle": (mine.vehicle,)}  # fmt: skip
    told = {}
    for level, key in keys.items():
        among = [w for w in wheels
                 if (w.place.vehicle, w.place.bogie, w.place.axle)[: len(key)] == key]  # fmt: skip
        value = found[level][key if len(key) > 1 else mine.vehicle]
        alone = level != "axle" and len({w.place.axle for w in among}) < 2
        whole_vehicle = level == "bogie" and mine.bogie == (mine.vehicle, "")
        told[level] = None if alone or whole_vehicle else _judged(
            quantity, level, value, among, type_, names)  # fmt: skip
    return Row(names.quantity(quantity), told["axle"], told["bogie"], told["vehicle"])


def _judged(
    quantity: str, level: str, value: float, among: list[_Last], type_: str, names: Names
) -> Difference:
    asked = _LIMITS.get((quantity, level))
    day: date = moment(max(w.at_us for w in among)).date()
    limit: Limit | None = None
    if asked is not None:
        limit = limit_for(names.catalogue, asked, type_, "in_service", day)
    if limit is None or limit.max is None:
        return Difference(value)
    doubt = sqrt(2) * max(w.uncertainty for w in among)
    verdict = judge(Decimal(f"{value:.3f}"), Decimal(f"{doubt:.3f}"), None, Decimal(limit.max))
    return Difference(value, verdict, limit_text(limit, names), limit_source(limit, names),
                      limit.confirmed)  # fmt: skip
