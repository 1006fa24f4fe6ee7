"""Is there a trend in the failures of repaired units? Four tests, for many groups at once.

Laplace and MIL-HDBK-189 look for a rise or a fall against a constant rate; Lewis–Robinson against
any renewal process, so that it does not take clustering for a trend; Anderson–Darling also sees
a rate that falls and rises again. Run these before any fit of a renewal law.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, norm

from railtrace.analysis.life_data import Flags, Floats
from railtrace.analysis.recurrence import Histories, power_law_pivot


class TrendTest(NamedTuple):
    """A statistic and its two-sided p value (Anderson–Darling: upper tail), each (groups,).

    NaN where the test cannot be made. A positive Laplace or Lewis–Robinson statistic means that
    failures come faster with age; MIL-HDBK-189 below its degrees of freedom means the same.
    """

    statistic: Floats
    p_value: Floats


def laplace(data: Histories) -> TrendTest:
    """Return the Laplace test: is the mean age at failure that of a constant rate?

    Parameters
    ----------
    data : histories; systems of a group may differ in rate

    Source: Ascher & Feingold 1984, p. 78; IEC 60605-6. Checked against data/reliability R26.
    """
    z = _laplace(data)
    return TrendTest(z, 2 * norm.sf(np.abs(z)))


def _laplace(data: Histories) -> Floats:
    kept = ~_closing(data)
    at_risk = np.bincount(data.system[kept], minlength=len(data.stop)).astype(np.float64)
    middle, span = 0.5 * (data.start + data.stop), data.stop - data.start
    total = data.of_group(np.where(kept, data.age - middle[data.system], 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return total / np.sqrt(data.of_systems(at_risk * span**2 / 12))


def _closing(data: Histories) -> Flags:
    """Return which failures ended the watch of their system: they tell nothing of a trend."""
    last = np.ones(len(data.age), dtype=np.bool_)
    last[:-1] = data.system[1:] != data.system[:-1]
    return last & data.ended_by_failure[data.system]


def mil_hdbk_189(data: Histories) -> TrendTest:
    """Return the MIL-HDBK-189 test: twice the sum of log(stop / age) is chi-square.

    NaN where a system was not watched from age zero.

    Source: MIL-HDBK-189C, 6.2; Ascher & Feingold 1984, p. 83.
    """
    freedom, total = power_law_pivot(data)
    statistic = 2 * total
    with np.errstate(invalid="ignore"):
        below = np.where(freedom > 0, chi2.cdf(statistic, 2 * freedom), np.nan)
        return TrendTest(statistic, 2 * np.minimum(below, 1 - below))


def lewis_robinson(data: Histories) -> TrendTest:
    """Return the Lewis–Robinson test: Laplace over the variation of the times between failures.

    The coefficient of variation has N - 1 below the squares, over the times between failures of
    all systems of the group, without the unfinished last ones. Needs three failures in a group.

    Source: Lewis & Robinson 1974; Kvaløy & Lindqvist 2020, Technometrics 62(1), 101–115.
    Checked against data/reliability R26.
    """
    gap = _gaps(data)
    count = data.events
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = data.of_group(gap) / count
        square = data.of_group((gap - mean[data.group]) ** 2) / (count - 1)
        z = np.where(count >= 3, _laplace(data) * mean / np.sqrt(square), np.nan)
    return TrendTest(z, 2 * norm.sf(np.abs(z)))


def _gaps(data: Histories) -> Floats:
    """Return the time before each failure since the one before it, or since the start."""
    before = np.concatenate((data.age[:1], data.age[:-1]))
    first = np.ones(len(data.age), dtype=np.bool_)
    first[1:] = data.system[1:] != data.system[:-1]
    return data.age - np.where(first, data.start[data.system], before)


def anderson_darling(data: Histories) -> TrendTest:
    """Return the Anderson–Darling test of a constant rate in each system.

    Parameters
    ----------
    data : histories; a failure at the very end of an age-truncated span is refused by NaN

    Source: Kvaløy & Lindqvist 1998, Reliability Engineering & System Safety 60, 13–28; p values
    by Marsaglia & Marsaglia 2004, J. Statistical Software 9(2).
    """
    kept = ~_closing(data)
    shares, groups = _shares(data)[kept], data.group[kept]
    order = np.lexsort((shares, groups))
    share, group = shares[order], groups[order]
    count = np.bincount(group, minlength=data.groups)
    first = np.concatenate(([0], np.cumsum(count)))
    rank = np.arange(len(share)) - first[group]
    mirrored = first[group] + count[group] - 1 - rank
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (2 * rank + 1) * (np.log(share) + np.log1p(-share[mirrored]))
        statistic = -count - np.bincount(group, terms, data.groups) / count
    statistic = np.where(np.isfinite(statistic), statistic, np.nan)
    return TrendTest(statistic, 1 - _anderson_darling_cdf(statistic, count.astype(np.float64)))


def _shares(data: Histories) -> Floats:
    """Return how far through its system's span each failure came; the closing one ends it."""
    closing = np.zeros(len(data.stop), dtype=np.bool_)
    closing[data.system[_closing(data)]] = True
    end = data.stop.copy()
    last = np.full(len(data.stop), -np.inf)
    np.maximum.at(last, data.system, data.age)
    end[closing] = last[closing]
    return (data.age - data.start[data.system]) / (end - data.start)[data.system]


def _poly(x: Floats, *coefficients: float) -> Floats:
    return np.asarray(np.polynomial.polynomial.polyval(x, coefficients), dtype=np.float64)


def _anderson_darling_cdf(z: Floats, n: Floats) -> Floats:
    with np.errstate(all="ignore"):
        small = (
            np.exp(-1.2337141 / z) / np.sqrt(z)
            * _poly(z, 2.00012, 0.247105, -0.0649821, 0.0347962, -0.0116720, 0.00168691)
        )  # fmt: skip
        great = np.exp(
            -np.exp(_poly(z, 1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146))
        )
        limit = np.where(z < 2, small, great)
        return np.clip(limit + _finite_sample(limit, n), 0.0, 1.0)


def _finite_sample(x: Floats, n: Floats) -> Floats:
    turn = 0.01265 + 0.1757 / n
    low = x / turn
    below = np.sqrt(low) * (1 - low) * (49 * low - 102) * (0.0037 / n**2 + 0.00078 / n + 0.00006)
    middle = (x - turn) / (0.8 - turn)
    between = _poly(middle, -0.00022633, 6.54034, -14.6538, 14.458, -8.259, 1.91864)
    above = _poly(x, -130.2137, 745.2337, -1705.091, 1950.646, -1116.360, 255.7844)
    return np.where(
        x > 0.8,
        above / n,
        np.where(x < turn, below / n, between * (0.04213 + 0.01365 / n) / n),
    )


TESTS = {
    "Laplace": laplace,
    "MIL-HDBK-189": mil_hdbk_189,
    "Lewis-Robinson": lewis_robinson,
    "Anderson-Darling": anderson_darling,
}
