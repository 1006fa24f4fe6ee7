"""Wear of wheels against kilometres: what one wheel will do is told by it, its axle, its vehicle.

A parameter of a wheel (flange thickness, tread wear, rim) moves by a rate of its own; rates of
wheels are normal about their axle's, these about their bogie's or vehicle's, these about the
fleet's. A turning starts a stretch with a level of its own. Everything is Gaussian on a tree, so
the posterior is exact and closed: one pass up and one down, whatever the number of wheels.

Distances are km, values in the parameter's own unit (mm), deviations are standard deviations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from railtrace.analysis.exposure import Ints, sum_by
from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

ROUNDS, SETTLED = 200, 1e-4
_NEVER_KM, _GRID = 3e6, 400
_SAME_KM = 1e-3  # rounding, not a distance
_GUESSED, _WEIGHS = 0.15, 4.0
"""What rates are taken to differ by at each step of the tree, as a share of the fleet's, and as of
how many children that guess weighs: a few wheels read twice say little about how others differ."""


@dataclass(frozen=True, eq=False)
class WearReadings:
    """Readings of one parameter, in any order.

    Attributes
    ----------
    stretch : shape (n,)
        Which stretch of a wheel between turnings, an index from zero.
    km : shape (n,), the wheel's own counter
    value : shape (n,)
    deviation : shape (n,)
        Of the gauge, above zero; half of a stated expanded uncertainty.
    """

    stretch: Ints
    km: Floats
    value: Floats
    deviation: Floats


@dataclass(frozen=True, eq=False)
class WheelTree:
    """Whose stretch, and who belongs to whom.

    Attributes
    ----------
    wheel_of_stretch : shape (s,)
    above : one array a level, wheels first
        `above[0][w]` is the axle of wheel w, `above[1][a]` the vehicle (or bogie) of axle a, ...;
        what the last array points to stands under the fleet, with a spread of its own.
    """

    wheel_of_stretch: Ints
    above: tuple[Ints, ...]


@dataclass(frozen=True, eq=False)
class Wear:
    """The rates of all wheels and the level of each stretch.

    Attributes
    ----------
    rate, rate_variance : shape (w,), unit per km
    fleet_rate, fleet_variance : of the mean of all
    spread : deviations of rates about what is above them: wheels about their axles first, what
        stands under the fleet last
    middle_km, middle_value, level_variance : shape (s,)
        Precision-weighted middle of a stretch's readings, and the variance of the level there.
    """

    tree: WheelTree
    rate: Floats
    rate_variance: Floats
    fleet_rate: float
    fleet_variance: float
    spread: tuple[float, ...]
    middle_km: Floats
    middle_value: Floats
    level_variance: Floats

    def at(self, stretch: Ints, km: Floats) -> "WearState":
        """Return level and rate of stretches at a counter reading."""
        wheel = self.tree.wheel_of_stretch[stretch]
        ahead, variance = km - self.middle_km[stretch], self.rate_variance[wheel]
        return WearState(
            km=np.asarray(km, float),
            level=self.middle_value[stretch] + self.rate[wheel] * ahead,
            rate=self.rate[wheel],
            level_variance=self.level_variance[stretch] + ahead**2 * variance,
            rate_variance=variance,
            covariance=ahead * variance,
        )


@dataclass(frozen=True, eq=False)
class WearState:
    """Level and rate of some wheels at a counter reading, jointly normal; each of shape (n,)."""

    km: Floats
    level: Floats
    rate: Floats
    level_variance: Floats
    rate_variance: Floats
    covariance: Floats

    def moved(self, km: Floats) -> "WearState":
        """Return the state at another counter reading."""
        step = km - self.km
        return WearState(
            km, self.level + step * self.rate, self.rate,
            self.level_variance + 2 * step * self.covariance + step**2 * self.rate_variance,
            self.rate_variance, self.covariance + step * self.rate_variance,
        )  # fmt: skip

    def measured(self, km: Floats, value: Floats, deviation: Floats) -> "WearState":
        """Return what a new reading makes of it: the two-by-two Kalman update."""
        here = self.moved(km)
        gain_level = here.level_variance / (here.level_variance + deviation**2)
        gain_rate = here.covariance / (here.level_variance + deviation**2)
        surprise = value - here.level
        return WearState(
            km, here.level + gain_level * surprise, here.rate + gain_rate * surprise,
            here.level_variance * (1 - gain_level),
            here.rate_variance - gain_rate * here.covariance,
            here.covariance * (1 - gain_level),
        )  # fmt: skip


def fit_wear(readings: WearReadings, tree: WheelTree) -> Wear:
    """Return the rates of all wheels of a fleet.

    Raises
    ------
    BadData : no wheel was read twice in one stretch at different kilometres; a deviation is not
        above zero; a reading that is no number.

    Notes
    -----
    Spreads by expectation–maximisation over exact posteriors on the tree, held against a guess
    that weighs as a few children. A stretch's level is unknown beforehand (flat prior). Source:
    Laird & Ware 1982; Pearl 1988, ch. 4 (trees); the guess is ours (decision 63).
    """
    _require(readings)
    stretches = len(tree.wheel_of_stretch)
    middle_km, middle_value, weight, square, product = _sums(readings, stretches)
    wheels = len(tree.above[0])
    own_precision = sum_by(tree.wheel_of_stretch, square, wheels)
    own_information = sum_by(tree.wheel_of_stretch, product, wheels)
    if not np.any(own_precision > 0):
        raise BadData("no wheel was measured twice between two turnings: there is no rate to tell")
    above = (*tree.above, np.zeros(int(np.max(tree.above[-1])) + 1, dtype=np.int64))
    spread = _first_spread(own_precision, own_information, len(above))
    for _ in range(ROUNDS):
        passed = _pass(own_precision, own_information, above, spread)
        moved = np.max(np.abs(np.sqrt(passed.spread) / np.sqrt(spread) - 1))
        spread = passed.spread
        if moved < SETTLED:
            break
    with np.errstate(divide="ignore"):
        level = np.where(weight > 0, 1 / weight, np.inf)
    return Wear(
        tree, passed.mean, passed.variance, passed.top_mean, passed.top_variance,
        tuple(float(np.sqrt(each)) for each in spread), middle_km, middle_value, level,
    )  # fmt: skip


def _require(readings: WearReadings) -> None:
    for name in ("km", "value", "deviation"):
        column = getattr(readings, name)
        if not np.all(np.isfinite(column)):
            raise BadData("reading {row}: {column} is no number",
                          row=int(np.argmin(np.isfinite(column))) + 1, column=name)  # fmt: skip
    if not np.all(readings.deviation > 0):
        raise BadData("reading {row}: a gauge without any error",
                      row=int(np.argmin(readings.deviation > 0)) + 1)  # fmt: skip


def _sums(readings: WearReadings, stretches: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return middles, weight, and the centred sums that a slope needs, by stretch."""
    w, s = readings.deviation**-2, readings.stretch

    def by_stretch(values: Floats) -> Floats:
        return sum_by(s, values, stretches)

    weight = by_stretch(w)
    safe = np.where(weight > 0, weight, 1.0)
    middle_km = by_stretch(w * readings.km) / safe
    middle_value = by_stretch(w * readings.value) / safe
    away = readings.km - middle_km[s]
    away = np.where(np.abs(away) < _SAME_KM, 0.0, away)
    return (
        middle_km, middle_value, weight, by_stretch(w * away**2),
        by_stretch(w * away * (readings.value - middle_value[s])),
    )  # fmt: skip


def _first_spread(precision: Floats, information: Floats, levels: int) -> Floats:
    read = precision > 0
    slopes = information[read] / precision[read]
    return np.full(levels, max(float(np.var(slopes)), 1e-6 * float(np.mean(slopes**2)), 1e-30))


@dataclass(frozen=True, eq=False)
class _Passed:
    mean: Floats
    variance: Floats
    top_mean: float
    top_variance: float
    spread: Floats


def _pass(
    precision: Floats, information: Floats, above: Sequence[Ints], spread: Floats
) -> _Passed:
    """Pass evidence up to the fleet and down again; return wheels' posteriors and new spreads."""
    up: list[tuple[Floats, Floats, Floats, Floats]] = []
    p, h = precision, information
    for level, parent in enumerate(above):
        shrunk = 1 + p * spread[level]
        up.append((p, h, p / shrunk, h / shrunk))
        count = int(np.max(parent)) + 1 if len(parent) else 0
        size = len(above[level + 1]) if level + 1 < len(above) else count
        p, h = sum_by(parent, p / shrunk, size), sum_by(parent, h / shrunk, size)
    fleet_p, fleet_h = float(np.sum(p)), float(np.sum(h))
    top_mean, top_variance = fleet_h / fleet_p, 1 / fleet_p
    mean, variance = np.full(len(p), top_mean), np.full(len(p), top_variance)
    fresh = np.array(spread)
    for level in reversed(range(len(above))):
        p, h, sent_p, sent_h = up[level]
        at = above[level]
        # The parent without what this child told it.
        without = np.maximum(1 / variance[at] - sent_p, 1e-300)
        base = (mean[at] / variance[at] - sent_h) / without
        prior = 1 / without + spread[level]
        guess = (_GUESSED * top_mean) ** 2
        fresh[level] = _new_spread(p, h, base, 1 / without, spread[level], guess)
        mean, variance = (base / prior + h) / (1 / prior + p), 1 / (1 / prior + p)
    return _Passed(mean, variance, top_mean, top_variance, fresh)


def _new_spread(
    p: Floats, h: Floats, base: Floats, base_variance: Floats, spread: float, guess: float
) -> float:
    """Return the mean squared distance of children from their parents, expected.

    The guess counts as so many more children.
    """
    told = p > 0
    seen = 1 / p[told] + base_variance[told]
    variance = 1 / (1 / spread + 1 / seen)
    distance = variance * (h[told] / p[told] - base[told]) / seen
    found = float(np.sum(distance**2 + variance))
    return (found + _WEIGHS * guess) / (int(np.sum(told)) + _WEIGHS)


def gauge_deviation(value: Floats, repeat: Ints) -> float:
    """Return the deviation of one reading, pooled from repeats of the same thing.

    Parameters
    ----------
    value : shape (n,)
    repeat : shape (n,)
        Index of the thing that was read; things read once tell nothing.

    Raises
    ------
    BadData : nothing was read twice.
    """
    count = np.bincount(repeat)
    mean = np.bincount(repeat, value) / np.maximum(count, 1)
    freedom = int(np.sum(np.maximum(count - 1, 0)))
    if freedom == 0:
        raise BadData("nothing was read twice: repeats are what tells a gauge's error")
    return float(np.sqrt(np.sum((value - mean[repeat]) ** 2) / freedom))


# --- kilometres to a limit --------------------------------------------------------------------


def crossing_chance(state: WearState, limit: Floats, rising: bool, ahead_km: Floats) -> Floats:
    """Return the chance that a limit is crossed within so many kilometres.

    Parameters
    ----------
    state : shape (n,)
    limit : shape (n,) or scalar
    rising : whether the parameter grows towards its limit (tread wear) or falls (flange)
    ahead_km : shape (n,) or (n, m), not negative

    Notes
    -----
    Integrated over level and rate together, never with a rate plugged in. What lies over the
    limit now has chance 1/2 or more at nought.
    """
    sign = 1.0 if rising else -1.0
    ahead = np.asarray(ahead_km, float)

    def wide(values: Floats) -> Floats:
        return values[:, None] if ahead.ndim == 2 else values

    over = wide(state.level) - wide(np.broadcast_to(np.asarray(limit, float), state.level.shape))
    mean = sign * (over + ahead * wide(state.rate))
    variance = (
        wide(state.level_variance)
        + 2 * ahead * wide(state.covariance)
        + ahead**2 * wide(state.rate_variance)
    )
    return np.asarray(ndtr(mean / np.sqrt(np.maximum(variance, 1e-300))))


def km_to_limit(
    state: WearState, limit: Floats, rising: bool, shares: Sequence[float] = (0.05, 0.5, 0.95)
) -> Floats:
    """Return kilometres by which a limit is crossed with given chances, shape (n, shares).

    Nought where it is crossed already; infinite where that chance is not reached within three
    million kilometres.
    """
    grid = np.concatenate([[0.0], np.geomspace(10.0, _NEVER_KM, _GRID)])
    chance = crossing_chance(state, limit, rising, np.tile(grid, (len(state.level), 1)))
    chance = np.maximum.accumulate(chance, axis=1)
    found = np.empty((len(state.level), len(shares)))
    for row, each in enumerate(chance):
        km = np.interp(shares, each, grid)
        found[row] = np.where(np.asarray(shares) > each[-1], np.inf, km)
    return found


def which_first(chances: NDArray[np.float64]) -> Floats:
    """Return the chance that each limit is the first to be crossed, the last column: none.

    Parameters
    ----------
    chances : shape (limits, m)
        Chance of having crossed each limit, on one grid of kilometres; the parameters are taken
        as independent given their readings.
    """
    reached = np.maximum.accumulate(chances, axis=1)
    padded = np.concatenate([np.zeros((len(reached), 1)), reached], axis=1)
    step = np.diff(padded, axis=1)
    standing = 1 - (padded[:, 1:] + padded[:, :-1]) / 2
    others = np.array([np.prod(np.delete(standing, k, axis=0), axis=0) for k in range(len(step))])
    first = np.sum(step * others, axis=1)
    return np.append(first, max(0.0, 1 - float(np.sum(first))))
