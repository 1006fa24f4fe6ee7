import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.life_data import Lives, censored, right_censored
from railtrace.analysis.nonparametric import kaplan_meier, turnbull
from railtrace.errors import BadData
from tests.analysis.reliability_data import circuit_breakers
from tests.analysis.simulated_lives import drawn

SEEDS = st.integers(0, 2**32 - 1)


def test_a_small_sample_by_hand():
    # At 2: 1 of 4 fails; at 3 one leaves; at 5: 1 of 2 fails.
    curve = kaplan_meier(right_censored([2, 3, 5, 8], [1, 0, 1, 0]))
    assert curve.age.tolist() == [2, 5]
    assert curve.survival.tolist() == pytest.approx([0.75, 0.375])
    assert curve.at_risk.tolist() == [4, 2]


def test_a_unit_is_at_risk_only_after_its_entry():
    curve = kaplan_meier(right_censored([2, 5, 9], [1, 1, 0], entry=[0, 2, 4]))
    assert curve.at_risk.tolist() == [1, 2]
    assert curve.survival.tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_without_censoring_it_is_the_share_still_running(seed):
    life = np.random.default_rng(seed).integers(1, 30, 50).astype(float)
    curve = kaplan_meier(right_censored(life, np.ones(50)))
    assert curve.survival.tolist() == pytest.approx([np.mean(life > t) for t in curve.age])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_counts_are_as_rows(seed):
    rng = np.random.default_rng(seed)
    life, failed, times = rng.integers(1, 9, 20), rng.integers(0, 2, 20), rng.integers(1, 4, 20)
    failed[0] = 1
    one = kaplan_meier(right_censored(life, failed, count=times))
    other = kaplan_meier(right_censored(np.repeat(life, times), np.repeat(failed, times)))
    np.testing.assert_allclose(one.survival, other.survival)
    np.testing.assert_allclose(one.low, other.low)


def test_bounds_cover_the_truth_as_often_as_they_say():
    inside = []
    for seed in range(400):
        curve = kaplan_meier(drawn(seed, 1, 200, latest_entry=300.0))
        place = np.searchsorted(curve.age, 600.0) - 1
        true = np.exp(-((600 / 1000) ** 1.8))
        inside.append(curve.low[place] < true < curve.high[place])
    assert np.mean(inside) == pytest.approx(0.9, abs=0.04)


def test_ages_known_exactly_make_turnbull_the_product_limit():
    lives = circuit_breakers()
    curve, other = kaplan_meier(lives), turnbull(lives)
    assert other.converged
    at = np.searchsorted(other.right, curve.age)
    np.testing.assert_allclose(other.survival[at], curve.survival, atol=2e-6)


def test_inspections_at_the_same_ages_give_the_shares():
    found = turnbull(censored([0, 10, 20], [10, 20, np.inf], count=[5, 15, 80]))
    assert found.survival[:2].tolist() == pytest.approx([0.95, 0.8])


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_no_other_distribution_on_the_intervals_is_more_likely(seed):
    rng = np.random.default_rng(seed)
    life = 100 * rng.weibull(2, 40)
    checks = np.sort(rng.uniform(5, 200, (40, 4)), axis=1)
    lower = np.array([max([0, *row[row < t]]) for row, t in zip(checks, life, strict=True)])
    upper = np.array([min([np.inf, *row[row >= t]]) for row, t in zip(checks, life, strict=True)])
    lower, upper = lower[(lower > 0) | (upper < np.inf)], upper[(lower > 0) | (upper < np.inf)]
    found = turnbull(censored(lower, upper))
    assert found.converged
    within = (found.left >= lower[:, None]) & (found.right <= upper[:, None])
    best = np.log(within @ found.probability).sum()
    assert best == pytest.approx(found.log_likelihood)
    for other in rng.dirichlet(np.ones(len(found.left)), 50):
        mixed = 0.9 * found.probability + 0.1 * other
        assert np.log(within @ mixed).sum() <= best + 1e-6


def test_intervals_are_refused_by_the_product_limit_and_groups_by_both():
    with pytest.raises(BadData, match="turnbull"):
        kaplan_meier(censored([1.0], [2.0]))
    two = Lives(np.ones(2), np.ones(2), np.array([0, 1, 2]))
    for estimate in (kaplan_meier, turnbull):
        with pytest.raises(BadData, match="one group"):
            estimate(two)
