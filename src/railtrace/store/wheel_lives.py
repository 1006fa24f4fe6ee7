"""Wheelsets read over their own kilometres: what was measured, where stretches begin."""

from collections.abc import Sequence
from dataclasses import dataclass

from railtrace.analysis.wheel_forecast import USUAL_DEVIATION_MM, WheelReading
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup

SIDES = ("left", "right")
OTHERS = 24
"""Other wheelsets of the type that rates are shared with; more tell little more and cost time."""


@dataclass(frozen=True)
class WheelPoint:
    """One reading of a wheel with where it stands in the wheel's life."""

    quantity: str
    side: str
    stretch: int
    km: float
    at_us: int
    value: float
    uncertainty: float | None
    moment: str
    unit: str
    operation: str

    def as_reading(self, wheelset: str, vehicle: str) -> WheelReading:
        """Return it as the forecast wants it."""
        deviation = self.uncertainty / 2 if self.uncertainty else USUAL_DEVIATION_MM
        return WheelReading(
            wheelset, vehicle, self.side, self.stretch, self.km, self.value, deviation
        )


def wheel_points(knowledge: Knowledge, lookup: Lookup, wheelset: str) -> list[WheelPoint]:
    """Return the readings of a wheelset's wheels in the order of its life.

    Each turning and each re-tyring begins a stretch.
    """
    mileage = knowledge.mileage()
    renewed = [row[1] for row in lookup.timeline([wheelset], ["Retyred"], limit=100)]
    rows = [r for r in lookup.readings(wheelset) if r["place"] in SIDES]
    rows.sort(key=lambda r: (r["at_us"], r["operation"], r["moment"] == "as_left"))
    points: list[WheelPoint] = []
    turnings: list[str] = []
    for row in rows:
        if row["moment"] == "as_left" and row["operation"] not in turnings:
            turnings.append(row["operation"])
        stretch = len(turnings) + sum(at < row["at_us"] for at in renewed)
        points.append(WheelPoint(
            row["quantity"], row["place"], stretch, mileage.at(wheelset, row["at_us"]) / 1000,
            row["at_us"], float(row["value"]),
            float(row["uncertainty"]) if row["uncertainty"] else None,
            row["moment"], row["uom"], row["operation"],
        ))  # fmt: skip
    return points


def fellows(knowledge: Knowledge, lookup: Lookup, wheelset: str) -> list[str]:
    """Return the wheelsets that rates are shared with: of the same vehicle, then of the type."""
    type_ = knowledge.passport(wheelset).type
    root, _ = knowledge.root(wheelset)
    near = [n.unit for n in knowledge.tree(root).walk() if n.passport.type == type_]
    far = lookup.measured_like(type_, OTHERS)
    return [u for u in dict.fromkeys((*near, *far)) if u != wheelset]


def readings_for(
    knowledge: Knowledge, lookup: Lookup, wheelsets: Sequence[str], quantity: str
) -> list[WheelReading]:
    """Return the readings of one parameter of several wheelsets."""
    knowledge.load(list(wheelsets))
    found: list[WheelReading] = []
    for unit in wheelsets:
        vehicle, _ = knowledge.root(unit)
        found += [p.as_reading(unit, vehicle) for p in wheel_points(knowledge, lookup, unit)
                  if p.quantity == quantity]  # fmt: skip
    return found
