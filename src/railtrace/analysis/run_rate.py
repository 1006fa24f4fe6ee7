"""How far a unit runs, by season and with its doubt, and when it will have run so much.

The periods are twelfths of a year counted from 1970, so that period modulo twelve is the season.
A unit's level is drawn towards its group's by the evidence it has (empirical Bayes), the group's
seasons are ratios drawn towards one. What is forecast is the sum of the coming periods: normal,
with the doubt of the level, the scatter of periods, and their correlation from one to the next.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

PERIOD_DAYS = 365.25 / 12
SEASONS = 12
HORIZON_DAYS = 3650
"""Nothing is forecast beyond ten years: it is told as later than that."""

_HALF_LIFE = 12.0
"""Periods after which a period counts half: a unit's work changes with the years."""
_SEASON_DRAW = 6.0
"""Unit-years of evidence that a season's ratio is held against."""
_SCATTER_DRAW = 6.0
"""Periods of the group's scatter that a unit's own is mixed with, of groups too small to tell."""
_SCATTER_DRAWS = 2.0, 500.0
_STEP_DAYS = 7


@dataclass(frozen=True)
class RunRates:
    """Rates of a group's units, per period: level, doubt of the level, scatter of a period."""

    level: Floats
    level_sd: Floats
    scatter: Floats
    season: Floats
    carry: float
    """(1 + r) / (1 - r): what correlation r between neighbours makes of a sum's variance."""

    def daily(self, slot: int, row: int) -> float:
        """Return a unit's run on an average day of a season [unit of the input per day]."""
        return float(self.level[row] * self.season[slot % SEASONS] / PERIOD_DAYS)

    def daily_sd(self, slot: int, row: int) -> float:
        """Return the doubt of that average, one standard deviation."""
        return float(self.level_sd[row] * self.season[slot % SEASONS] / PERIOD_DAYS)


def run_rates(runs: Floats, first_period: int) -> RunRates:
    """Return the rates of units that do alike work.

    Parameters
    ----------
    runs : shape (units, periods)
        What each unit ran in each whole period; NaN where it was not yet known.
    first_period : the number of the first period, whose remainder by twelve is its season.
    """
    slots = (first_period + np.arange(runs.shape[1])) % SEASONS
    season = _seasons(runs, slots)
    even = runs / season[slots] if runs.shape[1] else runs
    weight = np.isfinite(even) * 0.5 ** (np.arange(runs.shape[1])[::-1] / _HALF_LIFE)
    filled = np.nan_to_num(even)
    evidence = weight.sum(axis=1)
    own = np.divide((weight * filled).sum(axis=1), evidence, out=np.zeros(len(runs)),
                    where=evidence > 0)  # fmt: skip
    scatter = _scatter(filled, weight, own, evidence)
    carry = _carry(even, own)
    level, level_sd = _drawn(own, scatter**2 * carry, weight, evidence)
    return RunRates(level, level_sd, scatter, season, carry)


def _seasons(runs: Floats, slots: NDArray[np.int64]) -> Floats:
    """Ratio of a season to the year, unit by unit, drawn to one; under a year there are none."""
    if runs.shape[1] < SEASONS or not np.isfinite(runs).any():
        return np.ones(SEASONS)
    seen = np.array(np.isfinite(runs).sum(axis=1) > 0)
    with np.errstate(invalid="ignore"):
        mean = np.nanmean(np.where(seen[:, None], runs, 0.0), axis=1)
    expected = np.where(np.isfinite(runs), mean[:, None], 0.0)
    ran = np.nan_to_num(runs)
    total = np.array([ran[:, slots == slot].sum() for slot in range(SEASONS)])
    wanted = np.array([expected[:, slots == slot].sum() for slot in range(SEASONS)])
    draw = _SEASON_DRAW * mean.mean()
    if wanted.sum() + draw <= 0:
        return np.ones(SEASONS)
    ratio = (total + draw) / (wanted + draw)
    return np.asarray(np.maximum(ratio / ratio.mean(), 0.05))


def _scatter(filled: Floats, weight: Floats, own: Floats, evidence: Floats) -> Floats:
    """Scatter of a period, of each unit, drawn to the group's.

    Long stays are rare: a unit that had none in the years seen is not thereby a steady one.
    """
    apart = (filled - own[:, None]) ** 2
    squares = (weight * apart).sum(axis=1)
    pooled = squares.sum() / max(evidence.sum() - (evidence > 0).sum(), 1.0)
    own_evidence = np.maximum(evidence - 1, 0)
    draw = _scatter_draw(apart, weight, squares, own_evidence)
    spread: Floats = np.sqrt((squares + draw * pooled) / (own_evidence + draw))
    return spread


def _scatter_draw(apart: Floats, weight: Floats, squares: Floats, evidence: Floats) -> float:
    """How many periods of the group's scatter a unit's is held against.

    Of the units' variances that differ, as much is by chance as their fourth moments say: what
    is left differs in truth (empirical Bayes, Efron & Morris 1973).
    """
    known = evidence > 1
    if known.sum() < 3 or not squares[known].any():
        return _SCATTER_DRAW
    variance = squares[known] / evidence[known]
    fourth = (weight[known] * apart[known] ** 2).sum() / (evidence[known] * variance**2).sum()
    by_chance = (max(float(fourth), 1.5) - 1) * variance**2
    differ = max(float(variance.var() - (by_chance / evidence[known]).mean()), 1e-9)
    return float(np.clip(by_chance.mean() / differ, *_SCATTER_DRAWS))


def _carry(even: Floats, own: Floats) -> float:
    """Correlation of neighbouring periods, pooled over the group, as a factor of variance."""
    apart = even - own[:, None]
    both = apart[:, 1:] * apart[:, :-1]
    with np.errstate(invalid="ignore"):
        ground = np.nansum(np.where(np.isfinite(both), apart[:, 1:] ** 2, np.nan))
    if not np.isfinite(both).any() or ground <= 0:
        return 1.0
    correlation = float(np.clip(np.nansum(both) / ground, -0.3, 0.8))
    return (1 + correlation) / (1 - correlation)


def _drawn(
    own: Floats, variance: Floats, weight: Floats, evidence: Floats
) -> tuple[Floats, Floats]:
    """Draw each unit's level to the group's by what its own periods say of it."""
    known = np.array(evidence > 0, dtype=np.bool_)
    if not known.any():
        return np.zeros(len(own)), np.zeros(len(own))
    counted = np.divide(evidence**2, (weight**2).sum(axis=1), out=np.zeros(len(own)), where=known)
    error = np.divide(variance, counted, out=np.full(len(own), np.inf), where=known)
    mean = float(own[known].mean())
    apart = float(own[known].var() - error[known].mean()) if known.sum() > 2 else 0.0
    between = max(apart, (0.05 * mean) ** 2, 1e-12)
    share = between / (between + error)
    doubt = np.where(known, share * np.where(known, error, 0.0), between)
    return share * own + (1 - share) * mean, np.sqrt(doubt)


def reach(
    remaining: Floats,
    rates: RunRates,
    rows: NDArray[np.int64],
    now_day: float,
    quantiles: tuple[float, ...] = (0.05, 0.5, 0.95),
) -> Floats:
    """Return after how many days each remainder is used up, per quantile; inf beyond the horizon.

    Parameters
    ----------
    remaining : shape (n,)
        What may still be run [unit of the rates]; none or less is reached now.
    rows : shape (n,)
        Whose rate each one has.
    now_day : days since 1970.

    Returns
    -------
    shape (n, quantiles) [days]
    """
    days = np.arange(0, HORIZON_DAYS + _STEP_DAYS, _STEP_DAYS, dtype=float)
    slots = ((now_day + days) // PERIOD_DAYS).astype(int) % SEASONS
    eased = np.concatenate([[0.0], np.cumsum(rates.season[slots[:-1]] * _STEP_DAYS)]) / PERIOD_DAYS
    found = np.empty((len(remaining), len(quantiles)))
    for start in range(0, len(remaining), 2000):
        some = slice(start, start + 2000)
        found[some] = _reach(remaining[some], rates, rows[some], days, eased, quantiles)
    return found


def _reach(
    remaining: Floats, rates: RunRates, rows: NDArray[np.int64], days: Floats, eased: Floats,
    quantiles: tuple[float, ...],
) -> Floats:  # fmt: skip
    level, doubt = rates.level[rows, None], rates.level_sd[rows, None]
    noise = rates.scatter[rows, None] ** 2 * rates.carry * (days / PERIOD_DAYS)
    ahead = level * eased - remaining[:, None]
    spread = np.sqrt((eased * doubt) ** 2 + noise)
    return np.stack([_crossing(ahead - ndtri(q) * spread, days) for q in quantiles], axis=1)


def _crossing(margin: Floats, days: Floats) -> Floats:
    """First day on which the margin is not negative, straight between the steps."""
    at = np.argmax(margin >= 0, axis=1)
    rows = np.arange(len(margin))
    before = np.maximum(at - 1, 0)
    low, high = margin[rows, before], margin[rows, at]
    share = np.where(high > low, -low / np.where(high > low, high - low, 1.0), 0.0)
    found = np.where(at == 0, days[0], days[before] + share * (days[at] - days[before]))
    reached: Floats = np.where(margin.max(axis=1) < 0, np.inf, found)
    return reached
