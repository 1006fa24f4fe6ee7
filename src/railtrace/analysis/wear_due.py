"""When a worn wheel will cross its limit: wear against kilometres, and kilometres against days.

Both are distributions. What a unit runs until a day is normal (level, season, scatter); what a
wheel wears on it is level and rate together, normal; their product's mean and variance are exact,
its shape is taken as normal.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from railtrace.analysis.run_rate import HORIZON_DAYS, PERIOD_DAYS, SEASONS, Floats, RunRates
from railtrace.analysis.wear import WearState

_STEP_DAYS = 7
_AT_ONCE = 2000


def days_to_limit(
    state: WearState,
    limit: Floats,
    rising: NDArray[np.bool_],
    rates: RunRates,
    rows: NDArray[np.int64],
    now_day: float,
    quantiles: tuple[float, ...] = (0.05, 0.5, 0.95),
) -> Floats:
    """Return after how many days each wheel has crossed its limit with given chances.

    Parameters
    ----------
    state : shape (n,), levels and rates of the wheels now
    limit : shape (n,), in the wheels' own unit
    rising : shape (n,), whether the parameter grows towards its limit
    rows : shape (n,), whose run rate each wheel has [km per period]
    now_day : days since 1970

    Returns
    -------
    shape (n, quantiles) [days]; nought where that chance is reached already, infinite where it
    is not reached within the horizon.
    """
    days = np.arange(0, HORIZON_DAYS + _STEP_DAYS, _STEP_DAYS, dtype=float)
    slots = ((now_day + days) // PERIOD_DAYS).astype(int) % SEASONS
    eased = np.concatenate([[0.0], np.cumsum(rates.season[slots[:-1]] * _STEP_DAYS)]) / PERIOD_DAYS
    found = np.empty((len(limit), len(quantiles)))
    for start in range(0, len(limit), _AT_ONCE):
        some = np.arange(start, min(start + _AT_ONCE, len(limit)))
        chance = _chances(state, limit, rising, rates, rows, days, eased, some)
        found[some] = np.stack([_first(chance, share, days) for share in quantiles], axis=1)
    return found


def _chances(
    state: WearState, limit: Floats, rising: NDArray[np.bool_], rates: RunRates,
    rows: NDArray[np.int64], days: Floats, eased: Floats, some: NDArray[np.int64],
) -> Floats:  # fmt: skip
    """Chance of having crossed by each day, never falling."""
    who = rows[some]
    run = rates.level[who, None] * eased
    run_variance = (rates.level_sd[who, None] * eased) ** 2 + rates.scatter[who, None] ** 2 * (
        rates.carry * days / PERIOD_DAYS
    )
    rate, rate_variance = state.rate[some, None], state.rate_variance[some, None]
    sign = np.where(rising[some], 1.0, -1.0)[:, None]
    mean = sign * (state.level[some, None] - limit[some, None] + rate * run)
    variance = (
        state.level_variance[some, None] + 2 * run * state.covariance[some, None]
        + run**2 * rate_variance + (rate**2 + rate_variance) * run_variance
    )  # fmt: skip
    chance = ndtr(mean / np.sqrt(np.maximum(variance, 1e-300)))
    return np.asarray(np.maximum.accumulate(chance, axis=1))


def _first(chance: Floats, share: float, days: Floats) -> Floats:
    """First day on which a chance is reached, straight between the steps."""
    at = np.argmax(chance >= share, axis=1)
    rows = np.arange(len(chance))
    before = np.maximum(at - 1, 0)
    low, high = chance[rows, before], chance[rows, at]
    part = np.where(high > low, (share - low) / np.where(high > low, high - low, 1.0), 0.0)
    found = np.where(at == 0, 0.0, days[before] + part * (days[at] - days[before]))
    return np.asarray(np.where(chance[:, -1] < share, np.inf, found))
