"""Oil, coolant and fuel of engines: wear metals by hours since the oil was changed.

A metal grows with the hours of the oil and starts anew when the oil is changed; topping up thins
it. What tells is the rate, and whether this engine's last sample lies outside its own past.
Reject limits are rows of the catalogue and are passed in.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

FEWEST_SAMPLES = 4
"""Samples of one engine under which its own past says nothing of the next one."""


@dataclass(frozen=True)
class MetalTrend:
    """One metal of one engine.

    rate : growth [mg/kg per hour of oil], low and high its 90 % interval
    last, expected : the last sample's value, and what the past of this engine foretold [mg/kg]
    surprise : how many of its standard errors the last sample lies above that; NaN where the past
        is too short
    chance : of a surprise as great, by luck
    """

    samples: int
    rate: float
    low: float
    high: float
    last: float
    expected: float
    surprise: float
    chance: float


def oil_hours(at_hours: Floats, changed_at: Floats) -> Floats:
    """Return hours of the oil at each sample: since the last change, else since the first one.

    Parameters
    ----------
    at_hours : shape (n,), ascending, the engine's own counter
    changed_at : shape (m,), ascending; the oil is changed after a sample of the same hour
    """
    at, changes = np.asarray(at_hours, float), np.asarray(changed_at, float)
    if np.any(np.diff(at) < 0) or np.any(np.diff(changes) < 0):
        raise BadData("samples and oil changes go in the order of the engine's hours")
    which = np.searchsorted(changes, at, side="left") - 1
    known = np.concatenate([[at[0] if len(at) else 0.0], changes])
    return np.asarray(at - known[which + 1])


def metal_trend(hours: Floats, value: Floats, deviation: float) -> MetalTrend:
    """Return the trend of a metal against hours of oil, the last sample held against the rest.

    Parameters
    ----------
    hours, value : shape (n,), at least 2
        Hours of the oil and content [mg/kg] of each sample, oldest first.
    deviation : of the laboratory [mg/kg], above zero

    Raises
    ------
    BadData : fewer than two samples, a content below zero, a laboratory without any error.
    """
    x, y = np.asarray(hours, float), np.asarray(value, float)
    if len(x) != len(y) or len(x) < 2:
        raise BadData("a trend wants two samples at least")
    if np.any(y < 0) or np.any(x < 0):
        raise BadData("hours of oil and contents are not below zero")
    if not deviation > 0:
        raise BadData("a laboratory without any error: say how far two of its results differ")
    rate, error, _ = _line(x, y, deviation)
    freedom = max(len(x) - 2, 1)
    half = float(t.ppf(0.95, freedom)) * error
    expected, surprise, chance = _held_out(x, y, deviation)
    return MetalTrend(
        len(x), rate, rate - half, rate + half, float(y[-1]), expected, surprise, chance
    )


def _line(x: Floats, y: Floats, deviation: float) -> tuple[float, float, tuple[float, float]]:
    """Return slope, its error, level and scatter; the scatter is at least the laboratory's."""
    away = x - np.mean(x)
    square = float(np.sum(away**2))
    if square == 0:
        return 0.0, float("inf"), (float(np.mean(y)), deviation)
    slope = float(np.sum(away * y)) / square
    rest = y - np.mean(y) - slope * away
    scatter = float(np.sqrt(np.sum(rest**2) / max(len(x) - 2, 1)))
    scatter = max(scatter, deviation)
    return slope, scatter / square**0.5, (float(np.mean(y)), scatter)


def _held_out(x: Floats, y: Floats, deviation: float) -> tuple[float, float, float]:
    past_x, past_y = x[:-1], y[:-1]
    slope, error, (level, scatter) = _line(past_x, past_y, deviation)
    if not np.isfinite(error):
        return level, float("nan"), float("nan")
    ahead = float(x[-1] - np.mean(past_x))
    expected = level + slope * ahead
    spread = float(np.sqrt(scatter**2 * (1 + 1 / len(past_x)) + (ahead * error) ** 2))
    if len(past_x) < FEWEST_SAMPLES:
        return expected, float("nan"), float("nan")
    surprise = float((y[-1] - expected) / spread)
    return expected, surprise, float(t.sf(surprise, len(past_x) - 2))
