"""Failures that come back: repeated defects, failures soon after repair, and rates by group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import gammaln
from scipy.stats import gamma, poisson

from railtrace.analysis.evidence import ladder
from railtrace.analysis.life_data import Flags, Floats, Ints
from railtrace.errors import BadData

FEWEST_GROUPS_TO_SHRINK = 3


@dataclass(frozen=True, eq=False)
class Repeats:
    """Pairs of defects of one kind on one unit, the second soon after the first.

    `first` and `second` are row numbers of the input, shape (pairs,); `apart` is the age between.
    """

    first: Ints
    second: Ints
    apart: Floats


def repeated_defects(unit: ArrayLike, kind: ArrayLike, at: ArrayLike, within: float) -> Repeats:
    """Return the defects that came back on the same unit within a span of age or time.

    Parameters
    ----------
    unit, kind : shape (n,), integers
        Whose defect, and which kind of defect (or place on the unit).
    at : shape (n,)
        When found, days or kilometres.
    within : above 0, in the unit of `at`

    Notes
    -----
    Each defect is paired with the one before it only: three in a row are two pairs.
    """
    units, kinds, when = np.asarray(unit), np.asarray(kind), np.asarray(at, float)
    order = np.lexsort((when, kinds, units))
    before, after = order[:-1], order[1:]
    same = (units[before] == units[after]) & (kinds[before] == kinds[after])
    apart = when[after] - when[before]
    found = same & (apart <= within)
    return Repeats(before[found], after[found], apart[found])


def unusual_counts(
    events: ArrayLike, exposure: ArrayLike, false_share: float = 0.1
) -> tuple[Flags, Floats]:
    """Return which units fail more often than the fleet rate explains, and their p values.

    Parameters
    ----------
    events, exposure : shape (units,)
        Failures of each unit and its kilometres or days.
    false_share : in (0, 1)
        Greatest expected share of units named wrongly (false discovery rate).

    Source: Poisson upper tail at the fleet rate; Benjamini & Hochberg 1995, JRSS B 57, 289–300.
    """
    count, span = np.asarray(events, float), np.asarray(exposure, float)
    p_value = poisson.sf(count - 1, count.sum() / span.sum() * span)
    order = np.argsort(p_value)
    allowed = false_share * np.arange(1, len(count) + 1) / len(count)
    passing = np.flatnonzero(p_value[order] <= allowed)
    named = np.zeros(len(count), dtype=np.bool_)
    if len(passing):
        named[order[: passing[-1] + 1]] = True
    return named, p_value


@dataclass(frozen=True, eq=False)
class AfterRepair:
    """What followed each repair within the horizon; shape (repairs,) each.

    `exposure` ends at the failure, at the horizon, at the next repair of the unit or at the end
    of watching.
    """

    failed: Flags
    exposure: Floats


def failures_after_repair(
    repair_unit: ArrayLike,
    repaired_at: ArrayLike,
    failure_unit: ArrayLike,
    failed_at: ArrayLike,
    watched_until: ArrayLike,
    horizon: float,
) -> AfterRepair:
    """Return for each repair whether its unit failed within the horizon, and how long it was seen.

    Parameters
    ----------
    repair_unit, repaired_at : shape (repairs,)
        Unit numbers from 0, and when the unit went out again, days or kilometres.
    failure_unit, failed_at : shape (failures,)
        A failure at the very moment of the repair is the one repaired, and does not count.
    watched_until : shape (units,)
    horizon : above 0, in the unit of the others

    Raises
    ------
    BadData : a repair is later than the end of watching of its unit.
    """
    unit, at = np.asarray(repair_unit, np.int64), np.asarray(repaired_at, float)
    until = np.asarray(watched_until, float)[unit]
    if np.any(at > until):
        row = int(np.flatnonzero(at > until)[0])
        reason = f"the repair at {at[row]:g} is after the end of watching {until[row]:g}"
        raise BadData("row {row}: {why}", ((row, reason),), row=row + 1, why=reason)
    owner, when = np.asarray(failure_unit, np.int64), np.asarray(failed_at, float)
    failure = _next_after(unit, at, owner, when)
    repair = _next_after(unit, at, unit, at)
    end = np.minimum.reduce([until, at + horizon, repair])
    failed = failure <= end
    return AfterRepair(failed, np.minimum(failure, end) - at)


def _next_after(unit: Ints, at: Floats, of_unit: Ints, when: Floats) -> Floats:
    """Return the first event of the same unit strictly later, or infinity."""
    order = np.lexsort((when, of_unit))
    keys_unit, keys_when = of_unit[order], when[order]
    # One sorted list of both: an event's place among queries of the same unit and time or less.
    both_unit = np.concatenate([keys_unit, unit])
    both_when = np.concatenate([keys_when, at])
    is_query = np.repeat([False, True], [len(keys_unit), len(unit)])
    merged = np.lexsort((is_query, both_when, both_unit))
    before = np.cumsum(~is_query[merged])
    place = np.empty(len(unit), dtype=np.int64)
    place[merged[is_query[merged]] - len(keys_unit)] = before[is_query[merged]]
    padded_unit = np.append(keys_unit, -1)
    padded_when = np.append(keys_when, np.inf)
    return np.where(padded_unit[place] == unit, padded_when[place], np.inf)


@dataclass(frozen=True, eq=False)
class ShrunkenRates:
    """Event rates of groups, drawn towards their common mean by how little each is known.

    Attributes
    ----------
    rate, low, high : shape (groups,)
        Posterior mean and equal-tailed interval, events per unit of exposure.
    raw : shape (groups,)
        Events over exposure, NaN without exposure.
    events, exposure : shape (groups,)
    prior : (events, exposure)
        The gamma prior as events in an exposure; infinite where groups do not differ.
    """

    rate: Floats
    low: Floats
    high: Floats
    raw: Floats
    events: Floats
    exposure: Floats
    prior: tuple[float, float]

    @property
    def evidence(self) -> NDArray[np.str_]:
        """The step of the evidence ladder of each group."""
        return ladder(self.events)


def shrunken_rates(
    events: ArrayLike,
    exposure: ArrayLike,
    confidence: float = 0.9,
    prior: tuple[float, float] | None = None,
) -> ShrunkenRates:
    """Return event rates of groups by gamma-Poisson empirical Bayes.

    Parameters
    ----------
    events, exposure : shape (groups,); exposure not below 0
    confidence : in (0, 1)
    prior : (events, exposure), or None to learn it from the groups

    Notes
    -----
    The prior is where the negative binomial likelihood of the counts is greatest; with fewer than
    three groups it cannot be learnt, and each rate gets a prior of half an event in no exposure
    (Jeffreys). The interval takes the prior as known.

    Raises
    ------
    BadData : a negative count or exposure, or events without exposure.

    Source: Robbins 1956; Clayton & Kaldor 1987, Biometrics 43, 671–681.
    """
    count, span = np.asarray(events, float), np.asarray(exposure, float)
    _refuse_rates(count, span)
    a, b = prior if prior is not None else _gamma_prior(count, span)
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        posterior = a + count, b + span
        low, high = (gamma.ppf(q, posterior[0]) / posterior[1] for q in (tail, 1 - tail))
        raw = np.where(span > 0, count / span, np.nan)
        rate = posterior[0] / posterior[1]
    return ShrunkenRates(rate, low, high, raw, count, span, (a, b))


def _refuse_rates(count: Floats, span: Floats) -> None:
    bad = (count < 0) | (span < 0) | ((count > 0) & (span == 0)) | ~np.isfinite(count + span)
    if np.any(bad):
        row = int(np.flatnonzero(bad)[0])
        reason = f"{count[row]:g} events in an exposure of {span[row]:g}"
        raise BadData("row {row}: {why}", ((row, reason),), row=row + 1, why=reason)


MOST_ALIKE = 1e6  # events of the prior beyond which groups do not differ


def _gamma_prior(count: Floats, span: Floats) -> tuple[float, float]:
    """Return the gamma prior of the rates, by negative binomial likelihood."""
    if np.sum(span > 0) < FEWEST_GROUPS_TO_SHRINK or count.sum() == 0:
        return 0.5, 0.0
    fleet = count.sum() / span.sum()
    relative = span * fleet

    def lack(theta: Floats) -> float:
        mean, a = np.exp(theta)
        chance = relative * mean / (relative * mean + a)
        with np.errstate(divide="ignore", invalid="ignore"):
            failures = np.where(count > 0, count * np.log(chance), 0.0)
        value = gammaln(count + a) - gammaln(a) + a * np.log1p(-chance) + failures
        return -float(value.sum())

    bounds = [(-3.0, 3.0), (np.log(1e-3), np.log(MOST_ALIKE))]
    found = min(
        (minimize(lack, (0.0, start), method="L-BFGS-B", bounds=bounds) for start in (0.0, 3.0)),
        key=lambda result: float(result.fun),
    )
    mean, a = np.exp(found.x)
    return float(a), float(a / (fleet * mean))
