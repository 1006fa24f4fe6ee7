"""Repair between "as bad as old" and "as good as new": ARA-1 and ARA-infinity over a Weibull law.

ARA-1 (Kijima I): a repair takes off the share rho of the age since the repair before. ARA-infinity
(Kijima II): of the whole virtual age. rho 0: minimal repair, a power law; rho 1: renewal.

For a given rho the virtual ages at which each wait between failures begins and ends are known,
and the waits are left-truncated Weibull lives. So one search over rho, all groups together,
calls the batched Weibull fit.

Source: Doyen & Gaudoin 2004, Reliability Engineering & System Safety 84, 45–56; Kijima 1989,
J. Applied Probability 26, 89–102.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from railtrace.analysis.estimates import Bounded, Fits
from railtrace.analysis.life_data import Floats, Ints, Lives
from railtrace.analysis.recurrence import Histories
from railtrace.analysis.weibull import fit_right_censored
from railtrace.errors import BadData

MEMORIES = ("ARA-1", "ARA-infinity")
SHARES = np.linspace(0.0, 1.0, 26)
GOLDEN = (np.sqrt(5.0) - 1) / 2


@dataclass(frozen=True, eq=False)
class ImperfectRepair:
    """How much age a repair takes off, in each group.

    Attributes
    ----------
    rho : Bounded, shape (groups,) each
        Share of age taken off, and the likelihood-ratio interval within [0, 1].
    baseline : Fits
        The Weibull law of virtual age, at that rho.
    p_minimal, p_perfect : shape (groups,)
        Likelihood-ratio tests of rho 0 and rho 1; half a chi-square with one degree, because
        the tested value is the end of the range.
    repeats : shape (groups,)
        Failures after the first of a system: what rho is learnt from. Below 30 prefer a prior.
    """

    rho: Bounded
    baseline: Fits
    p_minimal: Floats
    p_perfect: Floats
    repeats: Floats

    @property
    def log_likelihood(self) -> Floats:
        """The greatest log likelihood, shape (groups,)."""
        return self.baseline.log_likelihood


def fit_imperfect_repair(
    data: Histories, memory: str = "ARA-1", confidence: float = 0.9
) -> ImperfectRepair:
    """Return the share of age that repairs take off in each group, and the law of virtual age.

    Parameters
    ----------
    data : histories; systems watched from age zero; a failure at each age, repaired at once
    memory : one of `MEMORIES`
    confidence : in (0, 1)
        Of the likelihood-ratio interval.

    Raises
    ------
    BadData : a system is not watched from age zero, or fails twice at one age.

    Notes
    -----
    rho outside [0, 1] (harmful repair, younger than new) is not covered. Checked against
    data/reliability R33.
    """
    waits = _waits(data, memory)
    curve = np.array([_value(waits, np.full(data.groups, rho)) for rho in SHARES])
    rho = _refined(waits, curve)
    fits = fit_right_censored(_lives(waits, rho))
    low, high = _interval(curve, rho, fits.log_likelihood, confidence)
    with np.errstate(invalid="ignore"):
        p_minimal, p_perfect = (
            0.5 * chi2.sf(np.maximum(0, 2 * (fits.log_likelihood - curve[end])), 1)
            for end in (0, -1)
        )
    rho = np.where(fits.converged, rho, np.nan)
    repeats = data.events - data.of_systems(data.failures > 0)
    return ImperfectRepair(Bounded(rho, low, high), fits, p_minimal, p_perfect, repeats)


@dataclass(frozen=True, eq=False)
class _Waits:
    """Waits for the next failure, by system: real ages, and the order within the system."""

    begin: Floats
    end: Floats
    failed: NDArray[np.bool_]
    order: Ints
    offsets: Ints
    group: Ints
    memory: str


def _waits(data: Histories, memory: str) -> _Waits:
    if memory not in MEMORIES:
        raise BadData("{memory} is not one of {known}", memory=memory, known=", ".join(MEMORIES))
    if np.any(data.start > 0):
        system = int(np.flatnonzero(data.start > 0)[0])
        raise BadData("system {system} is not watched from age zero", system=system)
    number = np.concatenate([data.system, np.arange(len(data.stop))])
    end = np.concatenate([data.age, data.stop])
    failed = np.repeat([True, False], [len(data.age), len(data.stop)])
    rows = np.lexsort((~failed, end, number))
    number, end, failed = number[rows], end[rows], failed[rows]
    first = np.concatenate(([True], number[1:] != number[:-1]))
    begin = np.where(first, 0.0, np.concatenate(([0.0], end[:-1])))
    if np.any(failed & (end == begin)):
        age = float(end[failed & (end == begin)][0])
        raise BadData("a system fails twice at the age {age:g}: separate the failures", age=age)
    order = np.arange(len(end)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    kept = end > begin
    group = data.group_of_system[number[kept]]
    offsets = np.searchsorted(group, np.arange(data.groups + 1))
    return _Waits(begin[kept], end[kept], failed[kept], order[kept], offsets, group, memory)


def _lives(waits: _Waits, rho: Floats) -> Lives:
    """Return each wait as a life from one virtual age to the next."""
    kept_share = (1 - rho)[waits.group]
    of_last = waits.memory == "ARA-1"
    entry = kept_share * waits.begin if of_last else _kijima_2(waits, kept_share)
    leave = entry + (waits.end - waits.begin)
    return Lives(leave, np.where(waits.failed, leave, np.inf), waits.offsets, entry)


def _kijima_2(waits: _Waits, kept_share: Floats) -> Floats:
    """Return virtual ages after repairs: kept * (virtual before + wait), repair by repair."""
    entry = np.zeros(len(waits.begin))
    wait = waits.end - waits.begin
    for place in range(1, int(waits.order.max(initial=0)) + 1):
        rows = np.flatnonzero(waits.order == place)
        entry[rows] = kept_share[rows] * (entry[rows - 1] + wait[rows - 1])
    return entry


def _value(waits: _Waits, rho: Floats) -> Floats:
    return np.nan_to_num(fit_right_censored(_lives(waits, rho)).log_likelihood, nan=-np.inf)


def _refined(waits: _Waits, curve: Floats) -> Floats:
    peak = np.argmax(curve, axis=0)
    low = SHARES[np.maximum(peak - 1, 0)]
    high = SHARES[np.minimum(peak + 1, len(SHARES) - 1)]
    for _ in range(32):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        rises = _value(waits, right) > _value(waits, left)
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    inside = 0.5 * (low + high)
    best, at_grid = _value(waits, inside), curve[peak, np.arange(len(peak))]
    found: Floats = np.where(best >= at_grid, inside, SHARES[peak])
    return found


def _interval(curve: Floats, rho: Floats, best: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return where the profile crosses its greatest value less half a chi-square."""
    limit = best - 0.5 * chi2.ppf(confidence, 1)
    low, high = np.zeros(len(rho)), np.ones(len(rho))
    for group in range(len(rho)):
        if not np.isfinite(best[group]):
            low[group] = high[group] = np.nan
            continue
        values = curve[:, group]
        below = np.flatnonzero((rho[group] > SHARES) & (values < limit[group]))
        above = np.flatnonzero((rho[group] < SHARES) & (values < limit[group]))
        if len(below):
            k = below[-1]
            near = (SHARES[k + 1], values[k + 1]) if SHARES[k + 1] < rho[group] else (
                rho[group], best[group])  # fmt: skip
            low[group] = _crossing((SHARES[k], values[k]), near, limit[group])
        if len(above):
            k = above[0]
            near = (SHARES[k - 1], values[k - 1]) if SHARES[k - 1] > rho[group] else (
                rho[group], best[group])  # fmt: skip
            high[group] = _crossing((SHARES[k], values[k]), near, limit[group])
    return low, high


def _crossing(out: tuple[float, float], near: tuple[float, float], limit: float) -> float:
    if not np.isfinite(out[1]):
        return out[0]
    share = (limit - out[1]) / (near[1] - out[1])
    return float(out[0] + share * (near[0] - out[0]))
