"""Readings of wheels over their own kilometres, and what they foretell of each wheel.

One row is one reading of one parameter of one wheel. A turning, a re-tyring begins a stretch of its
own: its level is new, the rate of the wheel stays. Rates are shared within axle, vehicle and fleet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.life_data import Floats
from railtrace.analysis.wear import (
    Wear,
    WearReadings,
    WearState,
    WheelTree,
    crossing_chance,
    fit_wear,
    km_to_limit,
)
from railtrace.errors import BadData

USUAL_DEVIATION_MM = 0.25
"""Of a gauge that states no uncertainty: half of half a millimetre."""
NINETY = 1.6449


@dataclass(frozen=True)
class WheelReading:
    """One reading: whose wheel, on which vehicle, in which stretch, at how many kilometres."""

    unit: str
    vehicle: str
    side: str
    stretch: int
    km: float
    value: float
    deviation: float


@dataclass(frozen=True, eq=False)
class WheelForecast:
    """A fitted parameter; `stretch_of` finds the last stretch of a wheel."""

    wear: Wear
    stretch_of: dict[tuple[str, str], int]
    last_km: dict[tuple[str, str], float]

    def at(self, unit: str, side: str, km: float | None = None) -> WearState:
        """Return level and rate of a wheel, at its last reading or at a counter of its own."""
        key = (unit, side)
        where = self.last_km[key] if km is None else km
        return self.wear.at(np.array([self.stretch_of[key]]), np.array([where]))


def forecast(readings: Sequence[WheelReading]) -> WheelForecast:
    """Return what the readings of one parameter foretell.

    Raises
    ------
    BadData : no wheel was read twice between two turnings.
    """
    if not readings:
        raise BadData("no wheel was measured twice between two turnings: there is no rate to tell")
    wheels = {key: i for i, key in enumerate(dict.fromkeys((r.unit, r.side) for r in readings))}
    axles = {unit: i for i, unit in enumerate(dict.fromkeys(r.unit for r in readings))}
    carrier = {r.unit: r.vehicle or r.unit for r in readings}
    vehicles = {name: i for i, name in enumerate(dict.fromkeys(carrier.values()))}
    stretches = {
        key: i for i, key in enumerate(dict.fromkeys((r.unit, r.side, r.stretch) for r in readings))
    }
    tree = WheelTree(
        np.array([wheels[unit, side] for unit, side, _ in stretches]),
        (np.array([axles[unit] for unit, _ in wheels]),
         np.array([vehicles[carrier[unit]] for unit in axles]),
         np.zeros(len(vehicles), int)),
    )  # fmt: skip
    told = WearReadings(
        np.array([stretches[r.unit, r.side, r.stretch] for r in readings]),
        np.array([r.km for r in readings], float), np.array([r.value for r in readings], float),
        np.array([r.deviation for r in readings], float),
    )  # fmt: skip
    last: dict[tuple[str, str], WheelReading] = {}
    for r in readings:
        known = last.get((r.unit, r.side))
        if known is None or (r.stretch, r.km) >= (known.stretch, known.km):
            last[r.unit, r.side] = r
    return WheelForecast(
        fit_wear(told, tree),
        {key: stretches[(*key, r.stretch)] for key, r in last.items()},
        {key: r.km for key, r in last.items()},
    )


@dataclass(frozen=True, eq=False)
class Fan:
    """A wheel's parameter ahead of its last reading: kilometres, middle, 90 % bounds."""

    km: Floats
    middle: Floats
    low: Floats
    high: Floats


def fan(found: WheelForecast, unit: str, side: str, ahead_km: float, points: int = 25) -> Fan:
    """Return the fan of a wheel; the bounds are of the wheel itself, without a gauge's error."""
    start = found.at(unit, side)
    steps = np.linspace(0, ahead_km, points)
    states = [start.moved(start.km + step) for step in steps]
    middle = np.array([float(s.level[0]) for s in states])
    spread = np.array([float(np.sqrt(s.level_variance[0])) for s in states])
    return Fan(start.km[0] + steps, middle, middle - NINETY * spread, middle + NINETY * spread)


@dataclass(frozen=True)
class ToLimit:
    """Kilometres by which a limit is reached with 5, 50 and 95 %, and the chance within a run."""

    early_km: float
    middle_km: float
    late_km: float
    chance: float


def to_limit(
    found: WheelForecast, unit: str, side: str, limit: float, rising: bool, ahead_km: float
) -> ToLimit:
    """Return how far a wheel is from a limit, counted from its last reading."""
    state = found.at(unit, side)
    early, middle, late = km_to_limit(state, np.array([limit]), rising)[0]
    chance = crossing_chance(state, np.array([limit]), rising, np.array([ahead_km]))
    return ToLimit(float(early), float(middle), float(late), float(chance[0]))


@dataclass(frozen=True)
class CutLaw:
    """What turnings cost on this railway: metal = base + per_mm × flange restored [mm]."""

    turnings: int
    base_mm: float
    per_mm: float
    scatter_mm: float

    def cut(self, restored_mm: float) -> tuple[float, float]:
        """Return the metal a turning takes, and the half-width of its 90 % interval [mm]."""
        middle = self.base_mm + self.per_mm * restored_mm
        return middle, NINETY * self.scatter_mm


def cut_law(restored_mm: Sequence[float], metal_mm: Sequence[float]) -> CutLaw:
    """Return the law of cuts by least squares over recorded turnings.

    Parameters
    ----------
    restored_mm : flange thickness won by each turning
    metal_mm : rim or tyre thickness it took

    Raises
    ------
    BadData : fewer than four turnings, or all of them alike: there is no law to tell.
    """
    x, y = np.asarray(restored_mm, float), np.asarray(metal_mm, float)
    if len(x) < 4 or float(np.ptp(x)) < 0.5:
        raise BadData("{n} turnings of enough variety are recorded: at least four are needed",
                      n=len(x))  # fmt: skip
    slope, base = np.polyfit(x, y, 1)
    rest = y - base - slope * x
    scatter = float(np.sqrt(np.sum(rest**2) / (len(x) - 2)))
    return CutLaw(len(x), float(base), float(slope), scatter)
