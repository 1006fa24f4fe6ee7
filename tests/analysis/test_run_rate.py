"""Rates of running, and the days at which a remainder is used up."""

import numpy as np
import pytest

from railtrace.analysis.run_rate import PERIOD_DAYS, SEASONS, reach, run_rates


def simulated(seed, units=60, periods=48, carry=0.4, wave=0.25, noise=300.0):
    """Return runs per period of units with levels of their own, seasons and correlated noise."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(8.3, 0.3, units)
    season = 1 + wave * np.cos(2 * np.pi * np.arange(SEASONS) / SEASONS)
    shocks = rng.normal(0, noise * np.sqrt(1 - carry**2), (units, periods + 60))
    for n in range(1, shocks.shape[1]):
        shocks[:, n] += carry * shocks[:, n - 1]
    means = level[:, None] * season[np.arange(periods + 60) % SEASONS]
    return np.maximum(means + shocks, 0), level, season


def test_levels_and_seasons_are_recovered() -> None:
    runs, level, season = simulated(1)
    rates = run_rates(runs[:, :48], 0)
    assert np.abs(rates.level / level - 1).mean() < 0.05
    assert np.abs(rates.season - season).max() < 0.05


def test_a_unit_without_history_is_given_its_group_s_level_and_the_group_s_doubt() -> None:
    runs, _, _ = simulated(2)
    runs[0] = np.nan
    rates = run_rates(runs[:, :24], 0)
    assert rates.level[0] == pytest.approx(rates.level[1:].mean(), rel=0.05)
    assert rates.level_sd[0] > 5 * np.median(rates.level_sd[1:])


def test_a_group_that_nobody_has_seen_run_reaches_nothing() -> None:
    rates = run_rates(np.full((2, 12), np.nan), 0)
    days = reach(np.array([100.0]), rates, np.array([0]), 20_000.0)
    assert np.isinf(days).all()


def test_what_is_used_up_is_reached_now() -> None:
    runs, _, _ = simulated(3)
    rates = run_rates(runs[:, :24], 0)
    days = reach(np.array([0.0, -50.0]), rates, np.array([0, 1]), 0.0)
    assert (days == 0).all()


def test_a_steady_unit_reaches_its_remainder_when_arithmetic_says() -> None:
    rates = run_rates(np.full((5, 36), 3000.0), 0)
    days = reach(np.array([30_000.0]), rates, np.array([0]), 0.0, (0.5,))
    assert days[0, 0] == pytest.approx(10 * PERIOD_DAYS, rel=0.03)


def test_more_to_run_is_never_reached_sooner() -> None:
    runs, _, _ = simulated(4)
    rates = run_rates(runs[:, :30], 0)
    remaining = np.linspace(100, 90_000, 40)
    days = reach(remaining, rates, np.zeros(40, dtype=int), 0.0)
    assert (np.diff(days, axis=0) >= 0).all()
    assert (np.diff(days, axis=1) >= 0).all()


def inside_share(seeds) -> float:
    """Return how often the day a remainder was truly used up lies in the 90 % interval."""
    inside = []
    for seed in seeds:
        runs, level, _ = simulated(seed)
        rates = run_rates(runs[:, :36], 0)
        remaining = level * 8
        now_day = 36 * PERIOD_DAYS
        early, _, late = reach(remaining, rates, np.arange(len(level)), now_day).T
        sums = np.cumsum(runs[:, 36:], axis=1)
        after = np.argmax(sums >= remaining[:, None], axis=1)
        before = np.where(after > 0, np.take_along_axis(sums, (after - 1)[:, None], 1)[:, 0], 0)
        share = (remaining - before) / np.take_along_axis(runs[:, 36:], after[:, None], 1)[:, 0]
        day = (after + share) * PERIOD_DAYS
        inside += ((early <= day) & (day <= late)).tolist()
    return float(np.mean(inside))


def test_the_interval_of_a_due_day_covers_what_it_says() -> None:
    assert 0.86 <= inside_share(range(20)) <= 0.95


@pytest.mark.nightly
def test_the_interval_of_a_due_day_covers_what_it_says_in_many_fleets() -> None:
    assert 0.88 <= inside_share(range(300)) <= 0.94
