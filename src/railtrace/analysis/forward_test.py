"""Promises against what came: every run scored by the chance that was told before it began.

A promise is a rate of stopping failures per kilometre; a run of so many kilometres was then told
to fail with 1 - exp(-rate * km). What is shown to people is the model stacked with the fleet's
one rate; its weight is learnt from earlier promises only, and where the model does not beat the
fleet rate the weight is zero: the fleet rate is shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from railtrace.analysis.exposure import Ints
from railtrace.analysis.forecast_scores import (
    Brier,
    Ratio,
    brier,
    deciles,
    log_loss,
    observed_expected,
    randomized_pit,
)
from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of the log rate is the model's; the rest is the fleet's."""
FLEET, MODEL, STACK = "fleet", "model", "stack"
_FEWEST = 5
"""Failures before a weight is learnt; until then the model's word counts half."""
_FIRST_WEIGHT = 0.5
_RESAMPLES = 500
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs that were promised; one row a run, in order of `month`.

    Attributes
    ----------
    vehicle, month, depot, series : shape (n,), indexes from zero
    km : shape (n,), above zero
    failed : shape (n,), whether a failure stopped it
    rates : by model, shape (n,), promised failures per kilometre
    """

    vehicle: Ints
    month: Ints
    depot: Ints
    series: Ints
    km: Floats
    failed: NDArray[np.bool_]
    rates: dict[str, Floats]

    def __post_init__(self) -> None:
        if not len(self.km):
            raise BadData("no run was promised and made: there is nothing to score")
        if not np.all(self.km > 0):
            raise BadData("run {row}: its kilometres are not above zero",
                          row=int(np.argmin(self.km > 0)) + 1)  # fmt: skip
        if any(not np.all(rate >= 0) for rate in self.rates.values()):
            raise BadData("a promised rate is below zero or not a number")


@dataclass(frozen=True)
class Scored:
    """One model's scores: `gain` over the fleet rate in log-loss, with its 90 % interval."""

    model: str
    log_loss: float
    gain: float
    gain_low: float
    gain_high: float
    brier: Brier
    expected: float


@dataclass(frozen=True, eq=False)
class Scoreboard:
    """Promises of a fleet scored; `weight` is what the model's word counts now."""

    runs: int
    failures: int
    scores: tuple[Scored, ...]
    weight: float
    by_decile: tuple[Ratio, ...]
    by_series: tuple[Ratio, ...]
    by_depot: tuple[Ratio, ...]
    pit: tuple[int, ...]
    covered: float
    nominal: float
    depot_months: int

    @property
    def beats_the_fleet_rate(self) -> bool:
        """Whether the model may be shown."""
        return self.weight > 0


def chance(rate: Floats, km: Floats) -> Floats:
    """Return the chance that a run is stopped."""
    return np.asarray(-np.expm1(-np.maximum(rate * km, _LEAST)))


def stacked(model: Floats, fleet: Floats, weight: float) -> Floats:
    """Return the geometric mean of two rates, the model's of a weight."""
    model, fleet = np.maximum(model, _LEAST), np.maximum(fleet, _LEAST)
    return np.asarray(model**weight * fleet ** (1 - weight))


def stacked_chance(chance: Floats, flat: float, weight: float) -> Floats:
    """Return chances of completing a run by model and fleet rate, the model's of a weight.

    Parameters
    ----------
    chance : of completing, by the model
    flat : failures over the run by the fleet's one rate
    """
    if weight == 1:
        return chance
    told = stacked(-np.log(chance), np.asarray(flat), weight)
    return np.asarray(np.exp(-told))


def _losses(runs: Runs, rate: Floats) -> Floats:
    p = chance(rate, runs.km)
    return np.asarray(np.where(runs.failed, -np.log(p), -np.log1p(-p)))


def learnt_weight(runs: Runs, until: int | None = None) -> float:
    """Return the weight that would have told the runs of earlier months best, 0 at least.

    With fewer than five failures nothing is learnt: the model's word counts half.
    """
    use = np.ones(len(runs.km), bool) if until is None else runs.month < until
    if int(runs.failed[use].sum()) < _FEWEST:
        return _FIRST_WEIGHT
    model, fleet = runs.rates[MODEL], runs.rates[FLEET]
    loss = [float(_losses(runs, stacked(model, fleet, w))[use].sum()) for w in WEIGHTS]
    return WEIGHTS[int(np.argmin(loss))]


def _stack(runs: Runs) -> Floats:
    """Return the stacked rate of each run, its weight learnt from the months before it."""
    found = np.empty(len(runs.km))
    for month in np.unique(runs.month):
        mine = runs.month == month
        weight = learnt_weight(runs, int(month))
        found[mine] = stacked(runs.rates[MODEL][mine], runs.rates[FLEET][mine], weight)
    return found


def scoreboard(
    runs: Runs, names: dict[str, list[str]], seed: int = 1
) -> Scoreboard:
    """Score every model of some runs.

    Parameters
    ----------
    names : of series and depots by index
    seed : of the resampling of vehicles and of the randomized PIT
    """
    rng = np.random.default_rng(seed)
    rates = runs.rates | {STACK: _stack(runs)}
    draws = _draws(runs, rng)
    scores = tuple(_scored(runs, key, rate, rates[FLEET], draws) for key, rate in rates.items())
    told = chance(rates[STACK], runs.km)
    series = np.array(names["series"])[runs.series]
    depots = np.array(names["depot"])[runs.depot]
    covered, nominal, cells = _coverage(runs, told)
    return Scoreboard(
        len(runs.km), int(runs.failed.sum()), scores, _weight_now(runs),
        tuple(observed_expected(told, runs.failed, deciles(told))),
        tuple(observed_expected(told, runs.failed, series)),
        tuple(observed_expected(told, runs.failed, depots)),
        _pit(runs, rates[STACK], rng), covered, nominal, cells,
    )  # fmt: skip


def _weight_now(runs: Runs) -> float:
    return learnt_weight(runs)


def _draws(runs: Runs, rng: np.random.Generator) -> Floats:
    """Return how often each vehicle is drawn in each resample: runs of one are not apart."""
    vehicles = int(runs.vehicle.max()) + 1
    return rng.multinomial(vehicles, np.full(vehicles, 1 / vehicles), _RESAMPLES).astype(float)


def _scored(runs: Runs, key: str, rate: Floats, fleet: Floats, draws: Floats) -> Scored:
    p = chance(rate, runs.km)
    better = _losses(runs, fleet) - _losses(runs, rate)
    vehicles = draws.shape[1]
    total = draws @ np.bincount(runs.vehicle, better, vehicles)
    count = draws @ np.bincount(runs.vehicle, minlength=vehicles)
    means = total / np.maximum(count, 1)
    low, high = np.quantile(means, (0.05, 0.95))
    return Scored(key, log_loss(p, runs.failed), float(better.mean()), float(low), float(high),
                  brier(p, runs.failed), float(p.sum()))  # fmt: skip


def _pit(runs: Runs, rate: Floats, rng: np.random.Generator) -> tuple[int, ...]:
    """Return how many stretches between failures fall into each tenth of their promised law."""
    used, failed = [], []
    for vehicle in np.unique(runs.vehicle):
        mine = np.flatnonzero(runs.vehicle == vehicle)
        hazard, start = np.cumsum((rate * runs.km)[mine]), 0.0
        for n in np.flatnonzero(runs.failed[mine]):
            used.append(float(hazard[n]) - start)
            failed.append(True)
            start = float(hazard[n])
        if hazard[-1] > start:
            used.append(float(hazard[-1]) - start)
            failed.append(False)
    values = randomized_pit(used, failed, rng)
    return tuple(int(n) for n in np.histogram(values, bins=10, range=(0, 1))[0])


def _coverage(runs: Runs, told: Floats) -> tuple[float, float, int]:
    """Return how many counts of depot-months lay in their 90 % interval, and how many should.

    Counts are whole: the interval holds a little more than nine in ten, and that is told.
    """
    cell = runs.depot * (int(runs.month.max()) + 1) + runs.month
    cells, index = np.unique(cell, return_inverse=True)
    expected, observed = np.bincount(index, told), np.bincount(index, runs.failed)
    low, high = poisson.ppf(0.05, expected), poisson.ppf(0.95, expected)
    inside = (observed >= low) & (observed <= high)
    holds = poisson.cdf(high, expected) - poisson.cdf(low - 1, expected)
    return float(np.mean(inside)), float(np.mean(holds)), len(cells)
