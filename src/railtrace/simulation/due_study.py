"""Due dates of a known-truth fleet, scored: is the day inside the interval as often as told?

Vehicles run by levels of their own, seasons and correlated periods; their wheels wear by rates
drawn within axle and vehicle and are read with a gauge's error. The forecast sees the runs and
the readings, the scorer the day on which the true wheel crosses the limit.

`python -m railtrace.simulation.due_study 20` prints the shares.
"""

import sys
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.exposure import Ints
from railtrace.analysis.run_rate import PERIOD_DAYS, SEASONS, Floats, run_rates
from railtrace.analysis.wear import WearReadings, WheelTree, fit_wear
from railtrace.analysis.wear_due import days_to_limit

VEHICLES, AXLES, SEEN, AHEAD = 40, 4, 30, 90
NEW_MM, LIMIT_MM, GAUGE_MM = 32.0, 25.0, 0.12
_RATE_MM_PER_KM, _VEHICLE_SD, _AXLE_SD, _WHEEL_SD = 3e-5, 0.25, 0.15, 0.08
_CARRY, _WAVE, _NOISE_KM, _SUB = 0.4, 0.25, 300.0, 10


@dataclass(frozen=True)
class Score:
    """How often the true day lies inside, before and after the 90 % interval."""

    wheels: int
    inside: float
    before: float
    after: float


def study(seed: int) -> Score:
    """Watch one fleet for thirty periods and score the forecasts of its wheels."""
    rng = np.random.default_rng(seed)
    runs, km = _runs(rng)
    axle_vehicle = np.repeat(np.arange(VEHICLES), AXLES)
    wheel_axle = np.repeat(np.arange(VEHICLES * AXLES), 2)
    vehicle = axle_vehicle[wheel_axle]
    rate = _rates(rng, axle_vehicle, wheel_axle)
    new = NEW_MM + rng.normal(0, 0.3, len(rate))
    readings = _read(rng, km, vehicle, rate, new)
    wear = fit_wear(readings, WheelTree(np.arange(len(rate)), (wheel_axle, axle_vehicle)))
    now_km = km[:, SEEN]
    state = wear.at(np.arange(len(rate)), now_km[vehicle])
    told = days_to_limit(
        state, np.full(len(rate), LIMIT_MM), np.zeros(len(rate), bool),
        run_rates(runs[:, :SEEN], 0), vehicle, SEEN * PERIOD_DAYS,
    )  # fmt: skip
    true = _true_days(km, vehicle, rate, new)
    return _scored(told, true)


def _runs(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return runs per period, and the counter at each period's beginning [km]."""
    periods = SEEN + AHEAD
    level = rng.lognormal(8.3, 0.3, VEHICLES)
    season = 1 + _WAVE * np.cos(2 * np.pi * np.arange(SEASONS) / SEASONS)
    shocks = rng.normal(0, _NOISE_KM * np.sqrt(1 - _CARRY**2), (VEHICLES, periods))
    for n in range(1, periods):
        shocks[:, n] += _CARRY * shocks[:, n - 1]
    runs = np.maximum(level[:, None] * season[np.arange(periods) % SEASONS] + shocks, 0)
    return runs, np.concatenate([np.zeros((VEHICLES, 1)), np.cumsum(runs, axis=1)], axis=1)


def _rates(rng: np.random.Generator, axle_vehicle: Ints, wheel_axle: Ints) -> Floats:
    """Return the true wear of each wheel [mm per km], falling: flanges grow thin."""
    of_vehicle = rng.normal(0, _VEHICLE_SD, VEHICLES)[axle_vehicle]
    of_axle = (of_vehicle + rng.normal(0, _AXLE_SD, len(axle_vehicle)))[wheel_axle]
    rate = _RATE_MM_PER_KM * (1 + of_axle + rng.normal(0, _WHEEL_SD, len(wheel_axle)))
    return -np.maximum(rate, _RATE_MM_PER_KM / 10)


def _read(
    rng: np.random.Generator, km: Floats, vehicle: Ints, rate: Floats, new: Floats
) -> WearReadings:
    """Every wheel is read every third period."""
    at = np.arange(0, SEEN + 1, 3)
    way = km[:, at][vehicle]
    value = new[:, None] + rate[:, None] * way + rng.normal(0, GAUGE_MM, way.shape)
    return WearReadings(
        np.repeat(np.arange(len(rate)), len(at)), way.ravel(), value.ravel(),
        np.full(value.size, GAUGE_MM),
    )  # fmt: skip


def _true_days(km: Floats, vehicle: Ints, rate: Floats, new: Floats) -> Floats:
    """Days from now to the crossing of the true wheel; infinite when later than was simulated."""
    needed = (LIMIT_MM - new) / rate
    days = np.full(len(rate), np.inf)
    for wheel, (row, goal) in enumerate(zip(vehicle, needed, strict=True)):
        if goal <= km[row, -1]:
            days[wheel] = np.interp(goal, km[row], np.arange(km.shape[1])) - SEEN
    return days * PERIOD_DAYS


def _scored(told: Floats, true: Floats) -> Score:
    """Score the wheels that cross after now and within what was simulated."""
    counted = np.isfinite(true) & (true > 0)
    early, _middle, late = told[counted].T
    day = true[counted]
    return Score(
        int(counted.sum()), float(np.mean((early <= day) & (day <= late))),
        float(np.mean(day < early)), float(np.mean(day > late)),
    )  # fmt: skip


def main(fleets: int = 20) -> Score:
    """Return the shares over many fleets, each wheel counted once."""
    scores = [study(seed) for seed in range(fleets)]
    wheels = sum(s.wheels for s in scores)

    def share(name: str) -> float:
        return sum(s.wheels * float(getattr(s, name)) for s in scores) / wheels

    return Score(wheels, share("inside"), share("before"), share("after"))


if __name__ == "__main__":
    print(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
