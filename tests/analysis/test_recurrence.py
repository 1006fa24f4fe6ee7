import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.recurrence import (
    Histories,
    compare_means,
    exact_shape_interval,
    fit_log_linear,
    fit_power_law,
    histories,
    mean_cumulative,
)
from railtrace.errors import BadData
from tests.analysis.reliability_data import watched

SEEDS = st.integers(0, 2**32 - 1)


def power_law(seed: int, groups: int, systems: int, shape=1.5, stop=100.0, mean=6.0) -> Histories:
    """Return power-law failures: `mean` expected in each system over (0, stop]."""
    rng = np.random.default_rng(seed)
    size = groups * systems
    count = rng.poisson(mean, size)
    system = np.repeat(np.arange(size), count)
    age = stop * rng.random(len(system)) ** (1 / shape)
    return histories(np.full(size, stop), age, system, group=np.repeat(np.arange(groups), systems))


def ragged(seed: int) -> Histories:
    """Return whole-day failures with ties, late entries and several groups."""
    rng = np.random.default_rng(seed)
    systems = 24
    start = rng.integers(0, 10, systems).astype(float)
    stop = start + rng.integers(2, 30, systems)
    system = rng.integers(0, systems, 70)
    age = rng.integers(start[system] + 1, stop[system] + 1).astype(float)
    return histories(stop, age, system, start=start, group=rng.permutation(np.arange(systems) % 3))


def by_definition(data: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and robust variance of one group, written as their definitions."""
    systems = np.arange(len(data.stop))
    means, variances, surplus, mean = [], [], np.zeros(len(systems)), 0.0
    for age in np.unique(data.age):
        at_risk = (data.start < age) & (age <= data.stop)
        own = np.array([np.sum((data.system == k) & (data.age == age)) for k in systems])
        step = own.sum() / at_risk.sum()
        mean += step
        surplus += np.where(at_risk, (own - step) / at_risk.sum(), 0.0)
        means.append(mean)
        variances.append(np.sum(surplus**2))
    return np.array(means), np.array(variances)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_running_totals_give_what_the_definitions_give_in_every_group(seed):
    data = ragged(seed)
    curve = mean_cumulative(data)
    for g in range(data.groups):
        rows = slice(curve.offsets[g], curve.offsets[g + 1])
        mean, variance = by_definition(data.take_group(g))
        np.testing.assert_allclose(curve.mean[rows], mean, rtol=1e-10)
        np.testing.assert_allclose(curve.variance[rows], variance, atol=1e-12)


def test_a_cost_of_one_is_a_count_and_a_doubled_cost_doubles_the_mean():
    data = ragged(1)
    plain, ones, twos = (
        mean_cumulative(data, cost) for cost in (None, np.ones(70), np.full(70, 2.0))
    )
    np.testing.assert_allclose(ones.mean, plain.mean)
    np.testing.assert_allclose(twos.mean, 2 * plain.mean)
    np.testing.assert_allclose(twos.variance, 4 * plain.variance, atol=1e-12)


def test_robust_bounds_hold_where_systems_differ_and_independent_ones_do_not():
    rng = np.random.default_rng(2)
    groups, systems = 600, 30
    rate = rng.gamma(1.0, 4.0, groups * systems)
    count = rng.poisson(rate)
    system = np.repeat(np.arange(groups * systems), count)
    data = histories(np.ones(groups * systems), rng.uniform(0.001, 1, len(system)), system,
                     group=np.repeat(np.arange(groups), systems))  # fmt: skip

    def covered(independent: bool) -> float:
        curve = mean_cumulative(data, increments_independent=independent)
        ends = curve.offsets[1:] - 1
        found = curve.bounded(0.9)
        return float(np.mean((found.low[ends] < 4) & (found.high[ends] > 4)))

    assert covered(False) == pytest.approx(0.89, abs=0.03)
    assert covered(True) < 0.7


@pytest.mark.parametrize(
    ("stop", "start", "age", "system", "reason"),
    [
        ([10.0], [10.0], [], [], "entry 10 is not before the exit 10"),
        ([10.0], [0.0], [11.0], [0], "failure at 11 is outside the span"),
        ([10.0], [2.0], [2.0], [0], "failure at 2 is outside the span"),
        ([10.0], [0.0], [5.0], [1], "system 1 has no span"),
        ([-1.0], [-2.0], [], [], "is not one of ages"),
        ([], [], [], [], "no systems"),
    ],
)
def test_a_history_that_cannot_be_is_refused(stop, start, age, system, reason):
    with pytest.raises(BadData, match=reason):
        histories(stop, age, system, start=start)


def test_a_group_without_systems_is_refused():
    with pytest.raises(BadData, match="group 1 has no systems"):
        histories([1.0, 1.0], [], [], group=[0, 2])


def test_power_laws_fitted_together_are_as_fitted_one_by_one():
    data = ragged(3)
    together = fit_power_law(data)
    for g in range(data.groups):
        alone = fit_power_law(data.take_group(g))
        np.testing.assert_allclose(together.theta[g], alone.theta[0], rtol=1e-8)
        np.testing.assert_allclose(together.log_likelihood[g], alone.log_likelihood[0])


def test_the_power_law_has_its_closed_form_where_all_stop_together():
    data = power_law(4, 5, 3)
    closed = data.events / data.of_group(np.log(100 / data.age))
    np.testing.assert_allclose(fit_power_law(data).shape().estimate, closed, rtol=1e-8)


def test_the_unbiased_shape_is_unbiased_and_its_exact_interval_exact():
    data = power_law(5, 4000, 1, shape=1.5, mean=8)
    law, exact = fit_power_law(data), exact_shape_interval(data)
    told = np.isfinite(law.unbiased_shape)
    assert np.nanmean(law.shape().estimate) > 1.65
    assert np.mean(law.unbiased_shape[told]) == pytest.approx(1.5, rel=0.02)
    inside = (exact.low < 1.5) & (exact.high > 1.5)
    assert np.mean(inside[told]) == pytest.approx(0.9, abs=0.015)


def test_a_watch_that_was_to_end_at_a_failure_loses_that_failure():
    rng = np.random.default_rng(6)
    systems, failures = 3000, 6
    age = np.cumsum(rng.exponential(1, (systems, failures)), axis=1) ** (1 / 1.5)
    data = histories(
        age[:, -1], age.ravel(), np.repeat(np.arange(systems), failures),
        group=np.arange(systems), ended_by_failure=True,
    )  # fmt: skip
    exact = exact_shape_interval(data)
    assert exact.estimate.mean() == pytest.approx(1.5, rel=0.03)
    assert np.mean((exact.low < 1.5) & (exact.high > 1.5)) == pytest.approx(0.9, abs=0.02)


def test_the_unbiased_shape_is_not_told_where_the_beginning_was_not_watched():
    data = histories([10.0], [5.0, 6.0, 7.0], [0, 0, 0], start=[1.0])
    assert np.isnan(fit_power_law(data).unbiased_shape[0])


def test_intensities_cover_the_truth_as_often_as_they_say():
    data = power_law(7, 2000, 4, shape=1.5, mean=8)
    found = fit_power_law(data).intensity(80.0)
    true = 8 * 1.5 / 100 * 0.8**0.5
    assert np.mean((found.low < true) & (true < found.high)) == pytest.approx(0.9, abs=0.02)


def test_a_group_without_failures_has_no_law():
    data = histories([10.0, 10.0], [2.0, 5.0, 9.0], [0, 0, 0], group=[0, 1])
    for law in (fit_power_law(data), fit_log_linear(data)):
        assert law.why.tolist() == ["", "no events"]
        assert np.all(np.isnan(law.theta[1]))


@pytest.mark.parametrize("growth", [-0.03, 0.0, 0.04])
def test_log_linear_growth_is_found(growth):
    rng = np.random.default_rng(8)
    groups, each = 1500, 30
    u = rng.random(groups * each)
    age = 100 * u if growth == 0 else np.log1p(u * np.expm1(growth * 100)) / growth
    data = histories(np.full(groups, 100.0), age, np.repeat(np.arange(groups), each),
                     group=np.arange(groups))  # fmt: skip
    found = fit_log_linear(data)
    assert np.all(found.converged)
    told = found.growth(0.9)
    assert np.mean((told.low < growth) & (growth < told.high)) == pytest.approx(0.9, abs=0.025)
    # The expected number by the end is the number seen.
    level, slope = found.theta.T
    expected = np.exp(level) * np.expm1(slope * 100) / slope
    np.testing.assert_allclose(expected, each, rtol=1e-8)


def test_log_likelihoods_of_both_laws_can_be_compared():
    data = power_law(9, 1, 1, shape=1.0, mean=40)
    # A constant rate is within both families, so both are at least as likely.
    constant = data.events[0] * (np.log(data.events[0] / 100) - 1)
    assert fit_power_law(data).log_likelihood[0] >= constant - 1e-9
    assert fit_log_linear(data).log_likelihood[0] >= constant - 1e-9


def test_equal_fleets_are_seldom_told_apart_and_different_ones_are():
    chances = []
    for seed in range(200):
        data = power_law(seed, 2, 25, mean=3)
        chances.append(compare_means(data.take_group(0), data.take_group(1)).p_value)
    assert 0.05 < np.mean(np.array(chances) < 0.1) < 0.17
    one, other = power_law(1, 1, 30, mean=3), power_law(2, 1, 30, mean=6)
    found = compare_means(one, other)
    assert found.p_value < 1e-4
    assert found.high[-1] < 0


def test_comparing_is_symmetric():
    data = watched("braking_grids_33_locomotives", "locomotive", "stop_day", "replacement", "batch")
    one, other = data.take_group(0), data.take_group(1)
    there, back = compare_means(one, other), compare_means(other, one)
    assert there.z == pytest.approx(-back.z)
    np.testing.assert_allclose(there.difference, -back.difference)
