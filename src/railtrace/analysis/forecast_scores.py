"""How good issued probabilities were, by scores that cannot be flattered.

A forecast is the chance of an event (a failure on a run), frozen when it was issued; the outcome
comes later. At chances near one per cent accuracy says nothing: log-loss is the score.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData


@dataclass(frozen=True)
class Brier:
    """A mean squared error and its parts: `score = miscalibration - resolution + uncertainty`."""

    score: float
    miscalibration: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True)
class Ratio:
    """Observed over expected events of a group, with its exact Poisson interval."""

    group: str
    forecasts: int
    observed: int
    expected: float
    ratio: float
    low: float
    high: float


def log_loss(chance: ArrayLike, happened: ArrayLike) -> float:
    """Return the mean logarithmic score [nats]; infinite where the impossible happened."""
    p, y = _pair(chance, happened)
    with np.errstate(divide="ignore"):
        return float(np.mean(np.where(y, -np.log(p), -np.log1p(-p))))


def expected_loss(truth: ArrayLike, chance: ArrayLike) -> float:
    """Return the mean divergence of forecasts from known true chances [nats]."""
    p, q = np.asarray(truth, float), np.asarray(chance, float)
    return float(np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))))


def attained_share(truth: Floats, model: Floats, fleet: Floats, oracle: Floats) -> float:
    """Return which share of the attainable gain over the fleet rate a model reaches.

    1 is the oracle that knows the laws but not each vehicle's factor, 0 the constant fleet rate.
    """
    base = expected_loss(truth, fleet)
    return (base - expected_loss(truth, model)) / (base - expected_loss(truth, oracle))


def _pair(chance: ArrayLike, happened: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    p, y = np.asarray(chance, float), np.asarray(happened, bool)
    if p.shape != y.shape or p.ndim != 1 or not len(p):
        raise BadData("forecasts and outcomes go in pairs, at least one")
    if not np.all((p >= 0) & (p <= 1)):
        raise BadData("a chance lies between 0 and 1")
    return p, y


def brier(chance: ArrayLike, happened: ArrayLike) -> Brier:
    """Return the Brier score split by isotonic recalibration.

    Source: Dimitriadis, Gneiting & Jordan 2021 (CORP), doi 10.1073/pnas.2016191118.
    """
    p, y = _pair(chance, happened)
    outcome = y.astype(float)
    order = np.argsort(p, kind="stable")
    mended = np.empty(len(p))
    mended[order] = isotonic(outcome[order], p[order])
    score, best = float(np.mean((p - outcome) ** 2)), float(np.mean((mended - outcome) ** 2))
    base = float(np.mean(outcome))
    uncertainty = base * (1 - base)
    return Brier(score, score - best, uncertainty - best, uncertainty)


def isotonic(outcome: Floats, forecast: Floats) -> Floats:
    """Return the best non-decreasing fit to outcomes sorted by forecast; ties share one value."""
    values: list[float] = []
    weights: list[float] = []
    _, starts, counts = np.unique(forecast, return_index=True, return_counts=True)
    for value, weight in zip(np.add.reduceat(outcome, starts) / counts, counts, strict=True):
        values.append(float(value))
        weights.append(float(weight))
        while len(values) > 1 and values[-2] >= values[-1]:
            v, w = values.pop(), weights.pop()
            values[-1] = (values[-1] * weights[-1] + v * w) / (weights[-1] + w)
            weights[-1] += w
    return np.repeat(values, np.asarray(weights, int))


def observed_expected(
    chance: ArrayLike, happened: ArrayLike, group: ArrayLike, confidence: float = 0.95
) -> list[Ratio]:
    """Return observed over expected events by group, intervals exact for Poisson counts."""
    p, y = _pair(chance, happened)
    names, index = np.unique(np.asarray(group, str), return_inverse=True)
    expected, observed = np.bincount(index, p), np.bincount(index, y)
    tail = (1 - confidence) / 2
    low = np.where(observed > 0, chi2.ppf(tail, 2 * np.maximum(observed, 1)) / 2, 0.0)
    high = np.asarray(chi2.ppf(1 - tail, 2 * (observed + 1)) / 2)
    return [
        Ratio(str(name), int(n), int(o), float(e), o / e, lo / e, hi / e)
        for name, n, o, e, lo, hi in zip(
            names, np.bincount(index), observed, expected, low, high, strict=True
        )
    ]


def deciles(chance: ArrayLike, parts: int = 10) -> NDArray[np.str_]:
    """Return the tenth of the forecasts that each belongs to, "01" the least; ties go together."""
    p = np.asarray(chance, float)
    edges = np.quantile(p, np.linspace(0, 1, parts + 1)[1:-1])
    return np.array([f"{tenth + 1:02d}" for tenth in np.searchsorted(edges, p, side="right")])


def randomized_pit(
    hazard_used: ArrayLike, happened: ArrayLike, rng: np.random.Generator
) -> Floats:
    """Return values that are uniform when cumulated hazards are right.

    Parameters
    ----------
    hazard_used : shape (n,), summed hazard from entry to failure or end of watching
    happened : shape (n,), whether it ended by a failure

    Source: Czado, Gneiting & Held 2009; a life that did not end is drawn from what is left.
    """
    used, failed = np.asarray(hazard_used, float), np.asarray(happened, bool)
    reached = -np.expm1(-used)
    return np.asarray(np.where(failed, reached, reached + (1 - reached) * rng.random(len(used))))
