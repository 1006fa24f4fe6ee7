"""Survival without a law: Kaplan–Meier with entries, Turnbull for intervals."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import norm

from railtrace.analysis.life_data import Floats, Lives, merged, totals
from railtrace.errors import BadData

TURNBULL_STEPS, TURNBULL_STEPS_WITH_ENTRIES = 2000, 50_000
TURNBULL_NEWTON_STEPS = 60
HEAVY = 1e3
TURNBULL_SETTLED, TURNBULL_CONVERGED = 1e-9, 1e-8  # rounding may keep steps from the first


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Survival just after each age, and its pointwise bounds; all of shape (k,)."""

    age: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    failures: Floats


def kaplan_meier(lives: Lives, confidence: float = 0.9) -> SurvivalCurve:
    """Return the product-limit estimate of one group, with entries and counts.

    Parameters
    ----------
    lives : one group, right-censored; a unit is at risk in (entry, exit]
    confidence : in (0, 1)
        Two-sided; Greenwood's variance on log(-log survival).

    Notes
    -----
    With entries, few are at risk early: an early age at which all at risk fail puts the curve at
    zero for good. Look at `at_risk` before believing it.

    Raises
    ------
    BadData : intervals, or more than one group.

    Source: Kaplan & Meier 1958; Tsai, Jewell & Wang 1987 for entries.
    """
    _one_group(lives)
    if not np.all(lives.exact | ~lives.failed):
        raise BadData("Kaplan–Meier needs known ages at failure: use turnbull for intervals")
    weight = np.ones(len(lives.lower)) if lives.count is None else lives.count
    age, place = np.unique(lives.lower[lives.failed], return_inverse=True)
    failures = totals(place, weight[lives.failed], len(age))
    at_risk = _still_in(lives.lower, weight, age)
    if lives.entry is not None:
        at_risk -= _still_in(lives.entry, weight, age)
    survival = np.cumprod(1 - failures / at_risk).astype(np.float64, copy=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(failures / (at_risk * (at_risk - failures)))
    low, high = _log_log_bounds(survival, greenwood, confidence)
    return SurvivalCurve(age, survival, low, high, at_risk, failures)


def _one_group(lives: Lives) -> None:
    if lives.groups != 1:
        raise BadData("one group at a time: {groups} were given", groups=lives.groups)


def _still_in(exit_age: Floats, weight: Floats, age: Floats) -> Floats:
    """Return the weight of rows that exit at or after each age."""
    order = np.argsort(exit_age)
    before = np.concatenate(([0.0], np.cumsum(weight[order])))
    gone: Floats = before[np.searchsorted(exit_age[order], age, side="left")]
    left: Floats = before[-1] - gone
    return left


def _log_log_bounds(
    survival: Floats, greenwood: Floats, confidence: float
) -> tuple[Floats, Floats]:
    with np.errstate(all="ignore"):
        log_survival = np.log(survival)
        reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(greenwood) / -log_survival
        low, high = (np.exp(log_survival * np.exp(sign * reach)) for sign in (1, -1))
    inside = (survival > 0) & (survival < 1)
    return np.where(inside, low, 0.0), np.where(inside, high, np.where(survival > 0, 1.0, np.nan))


@dataclass(frozen=True, eq=False)
class TurnbullCurve:
    """Failure probability in each innermost interval (left, right]; all of shape (k,).

    Survival is `survival` at `right` and not determined inside an interval. `converged` is False
    where the maximum was not reached, and then the probabilities are NaN.
    """

    left: Floats
    right: Floats
    probability: Floats
    survival: Floats
    log_likelihood: float
    converged: bool


def turnbull(lives: Lives) -> TurnbullCurve:
    """Return the nonparametric estimate of one group with any censoring, entries and counts.

    Parameters
    ----------
    lives : one group; k innermost intervals and m distinct rows need k * m numbers of memory

    Notes
    -----
    Self-consistency steps until no interval could take more probability (Kuhn–Tucker within
    1e-8 per unit); where these are slow, and there are no entries, constrained Newton steps. Exact
    ages are intervals of no length.

    Source: Turnbull 1976, JRSS B 38, 290–295; Wang 2007, JRSS B 69, 185–198 for the Newton steps;
    Frydman 1994, JRSS B 56, 71–74 for the intervals with entries.
    """
    _one_group(lives)
    lives = merged(lives)
    weight = np.ones(len(lives.lower)) if lives.count is None else lives.count
    entry = np.zeros(len(lives.lower)) if lives.entry is None else lives.entry
    left, right = _innermost(lives, entry)
    within = _within(lives, left, right)
    visible = ((left >= entry[:, None]) & (right > entry[:, None])).astype(np.float64)
    probability, gain = _self_consistent(within, visible, weight)
    if np.max(gain) >= TURNBULL_SETTLED and np.all(visible == 1):
        probability, gain = _newton(within, weight, probability)
    converged = bool(np.max(gain) < TURNBULL_CONVERGED)
    with np.errstate(divide="ignore"):
        value = weight @ (np.log(within @ probability) - np.log(visible @ probability))
    if not converged:
        probability = np.full(len(left), np.nan)
    survival = np.clip(1 - np.cumsum(probability), 0, 1)
    return TurnbullCurve(left, right, probability, survival, float(value), converged)


def _innermost(lives: Lives, entry: Floats) -> tuple[Floats, Floats]:
    """Return the intervals that begin at a row's lower end and end at the next upper end.

    An interval (a, b] ends before one at the same number begins; an exact age is [a, a].
    """
    exact = lives.exact
    begins = np.column_stack([lives.lower, np.where(exact, 0, 1)])
    ends = np.column_stack([lives.upper, np.full(len(exact), 0.5)])
    # Where watching begins the chance of having been seen changes: an interval ends there too.
    enters = np.column_stack([entry[entry > 0], np.full(int(np.sum(entry > 0)), 0.5)])
    marks = np.vstack([begins, ends, enters])
    is_begin = np.concatenate([np.ones(len(begins)), np.zeros(len(ends) + len(enters))])
    order = np.lexsort((marks[:, 1], marks[:, 0]))
    begun = is_begin[order].astype(bool)
    last = np.flatnonzero(begun[:-1] & ~begun[1:])
    left, right = marks[order[last], 0], marks[order[last + 1], 0]
    spans = np.unique(np.column_stack([left, right]), axis=0)
    return spans[:, 0], spans[:, 1]


def _within(lives: Lives, left: Floats, right: Floats) -> Floats:
    """Return 1 where interval k could hold the failure of row i, shape (n, k)."""
    low, high = lives.lower[:, None], lives.upper[:, None]
    inside = (left >= low) & (right <= high)
    point = left == right
    allowed = np.where(point, (left > low) | lives.exact[:, None], True)
    return (inside & allowed).astype(np.float64)


def _self_consistent(within: Floats, visible: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return probabilities, and how much the likelihood would gain per unit moved to each."""
    probability = np.full(within.shape[1], 1 / within.shape[1])
    gain = np.full(1, np.inf)
    untruncated = bool(np.all(visible == 1))
    for _ in range(TURNBULL_STEPS if untruncated else TURNBULL_STEPS_WITH_ENTRIES):
        share = weight / (within @ probability)
        seen = weight / (visible @ probability)
        found, chance = share @ within, seen @ visible
        gain = np.where(chance > 0, found - chance, 0) / weight.sum()
        if np.max(gain) < TURNBULL_SETTLED:
            break
        probability = probability * np.where(chance > 0, found / chance, 1.0)
        probability = probability / probability.sum()
    return probability, gain


def _newton(within: Floats, weight: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Climb by least squares over probabilities not below zero; the likelihood is concave."""
    root, size = np.sqrt(weight)[:, None], weight.sum()
    gain = np.full(1, np.inf)
    for _ in range(TURNBULL_NEWTON_STEPS):
        share = within / (within @ probability)[:, None]
        gain = weight @ share / size - 1
        if np.max(gain) < TURNBULL_SETTLED:
            break
        # The heavy last row makes the probabilities sum to one.
        heavy = np.full((1, len(probability)), HEAVY * np.sqrt(size))
        wanted = np.append(2 * root[:, 0], heavy[0, 0])
        aim, _ = nnls(np.vstack([root * share, heavy]), wanted)
        aim = aim / aim.sum()
        before = weight @ np.log(within @ probability)
        before -= 1e-12 * abs(before)  # near the top a true gain is below rounding
        for step in 0.5 ** np.arange(12):
            mixed = probability + step * (aim - probability)
            with np.errstate(divide="ignore"):
                if weight @ np.log(within @ mixed) > before:
                    probability = mixed
                    break
    return probability, gain
