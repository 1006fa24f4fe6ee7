from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.distributions import LAWS
from railtrace.analysis.estimates import (
    AT_FIRST_FAILURE,
    NO_EVENTS,
    NO_GROWTH,
    NO_SPREAD,
    effects,
    gamma_percent_life,
    mean_with_few_failures,
    parameters,
    survival,
)
from railtrace.analysis.life_data import censored, merged, right_censored
from railtrace.analysis.lifetimes import compare_groups, fit, fit_threshold
from railtrace.errors import BadData
from tests.analysis.reliability_data import bearings
from tests.analysis.simulated_lives import drawn

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=25, deadline=None)


def any_censoring(seed: int, groups: int = 3, rows: int = 60):
    """Return lives with exact, right-, left- and interval-censored rows, entries and counts."""
    rng = np.random.default_rng(seed)
    size = groups * rows
    life = 100 * rng.weibull(1.7, size)
    kind = rng.integers(0, 4, size)
    width = rng.uniform(5, 40, size)
    lower = np.select([kind == 0, kind == 1, kind == 2], [life, 0.7 * life, 0.0], life - width)
    upper = np.select([kind == 0, kind == 1, kind == 2], [life, np.inf, 1.2 * life], life + width)
    lower = np.maximum(lower, 0)
    entry = np.where((lower > 0) & (rng.random(size) < 0.4), 0.5 * lower, 0.0)
    return censored(
        lower, upper, entry=entry, count=rng.integers(1, 4, size),
        group=np.repeat(np.arange(groups), rows),
    )  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS)
def test_groups_fitted_together_are_as_fitted_one_by_one(law, seed):
    lives = any_censoring(seed)
    together = fit(lives, law)
    for g in range(lives.groups):
        alone = fit(lives.slice(slice(g, g + 1)), law)
        assert (together.why[g] == "") == (alone.why[0] == "")
        np.testing.assert_allclose(together.theta[g], alone.theta[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS, factor=st.floats(1e-4, 1e6))
def test_ages_in_another_unit_of_measure_only_scale_the_life(law, seed, factor):
    lives = any_censoring(seed, groups=1)
    scaled = replace(
        lives, lower=lives.lower * factor, upper=lives.upper * factor, entry=lives.entry * factor
    )
    one, other = (gamma_percent_life(fit(each, law), 0.9) for each in (lives, scaled))
    np.testing.assert_allclose(other.estimate, one.estimate * factor, rtol=1e-5)
    np.testing.assert_allclose(other.low, one.low * factor, rtol=1e-4)


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS)
def test_a_count_is_as_so_many_equal_rows(law, seed):
    lives = any_censoring(seed, groups=1)
    times = lives.count.astype(int)
    expanded = censored(*(np.repeat(a, times) for a in (lives.lower, lives.upper)),
                        entry=np.repeat(lives.entry, times))  # fmt: skip
    found = [fit(each, law) for each in (lives, expanded, merged(expanded))]
    for other in found[1:]:
        np.testing.assert_allclose(other.theta, found[0].theta, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(other.covariance, found[0].covariance, rtol=1e-4)
        assert other.events == found[0].events


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS)
def test_entry_at_zero_is_no_truncation(law, seed):
    lives = any_censoring(seed, groups=1)
    new = replace(lives, entry=None)
    zero = replace(lives, entry=np.zeros_like(lives.lower))
    np.testing.assert_allclose(fit(zero, law).theta, fit(new, law).theta, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS)
def test_narrow_intervals_are_as_exact_ages(law, seed):
    life = 100 * np.random.default_rng(seed).weibull(2.0, 40)
    exact = fit(right_censored(life, np.ones(40)), law)
    narrow = fit(censored(life * (1 - 1e-5), life * (1 + 1e-5)), law)
    np.testing.assert_allclose(narrow.theta, exact.theta, atol=1e-3)
    np.testing.assert_allclose(narrow.standard_errors, exact.standard_errors, rtol=1e-2)


@pytest.mark.parametrize("law", LAWS)
@FEW
@given(seed=SEEDS)
def test_the_slope_of_the_likelihood_is_zero_and_its_curvature_the_information(law, seed):
    lives = any_censoring(seed, groups=1)
    fits = fit(lives, law)
    if not fits.converged[0]:
        return
    theta, step = fits.theta[0], 1e-4 * fits.standard_errors[0]

    def value(moved: np.ndarray) -> float:
        return log_likelihood(lives, law, moved)

    assert value(theta) == pytest.approx(fits.log_likelihood[0], rel=1e-9)
    for k, h in enumerate(step):
        unit = np.eye(len(theta))[k]
        assert value(theta) >= value(theta + 10 * h * unit) - 1e-9
        assert value(theta) >= value(theta - 10 * h * unit) - 1e-9
    information = np.linalg.inv(fits.covariance[0])

    def bend(move: np.ndarray) -> float:
        return 2 * value(theta) - value(theta + move) - value(theta - move)

    # Two steps and Richardson's rule: a slope that few failures tell bends unevenly.
    bent = [
        (4 * bend(h * e / 2) * 4 - bend(h * e)) / (3 * h**2)
        for h, e in zip(300 * step, np.eye(len(theta)), strict=True)
    ]
    np.testing.assert_allclose(bent, np.diag(information), rtol=2e-3)


def log_likelihood(lives, law: str, theta: np.ndarray) -> float:
    """Return the likelihood written plainly."""

    def log_survival(age):
        if law == "gompertz":
            return -np.exp(theta[0] - theta[1]) * np.expm1(np.exp(theta[1]) * age)
        spread = np.exp(theta[1]) if len(theta) > 1 else 1.0
        with np.errstate(divide="ignore"):
            z = (np.log(age) - theta[0]) / spread
        return np.where(age > 0, LAWS[law].standard.log_survival(z), 0.0)

    with np.errstate(all="ignore"):
        density = log_density(lives.lower, law, theta)
        between = np.log(np.exp(log_survival(lives.lower)) - np.exp(log_survival(lives.upper)))
    value = np.where(lives.exact, density,
                     np.where(lives.failed, between, log_survival(lives.lower)))  # fmt: skip
    return float(np.sum(lives.count * (value - log_survival(lives.entry))))


def log_density(age, law: str, theta: np.ndarray):
    if law == "gompertz":
        grown = np.exp(theta[1]) * age
        return theta[0] + grown - np.exp(theta[0] - theta[1]) * np.expm1(grown)
    spread = np.exp(theta[1]) if len(theta) > 1 else 1.0
    z = (np.log(age) - theta[0]) / spread
    return LAWS[law].standard.log_density(z) - np.log(spread * age)


DRAWS = {
    "exponential": (lambda rng, n: rng.exponential(50, n), [50]),
    "weibull": (lambda rng, n: 50 * rng.weibull(2.2, n), [50, 2.2]),
    "lognormal": (lambda rng, n: np.exp(rng.normal(4, 0.6, n)), [4, 0.6]),
    "loglogistic": (lambda rng, n: 50 * np.exp(rng.logistic(0, 1 / 3, n)), [50, 3]),
    "gompertz": (lambda rng, n: np.log1p(0.05 * rng.exponential(1, n) / 0.001) / 0.05,
                 [0.001, 0.05]),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_the_known_truth_as_often_as_they_say(law):
    rng = np.random.default_rng(7)
    draw, truth = DRAWS[law]
    groups, rows = 800, 60
    life = draw(rng, groups * rows)
    entry = rng.uniform(0, 1, len(life)) * np.quantile(life, 0.4)
    kept = life > entry
    life, entry = life[kept], entry[kept]
    until = entry + rng.uniform(0.3, 1.5, len(life)) * np.median(life)
    # Half the failures are found at the next of regular inspections.
    seen = rng.random(len(life)) < 0.5
    period = 0.2 * np.median(life)
    check = np.ceil(life / period)
    before = np.maximum((check - 1) * period, entry)
    lower = np.where(life > until, until, np.where(seen, life, before))
    upper = np.where(life > until, np.inf, np.where(seen, life, check * period))
    group = np.repeat(np.arange(groups), rows)[kept]
    fits = fit(censored(lower, upper, entry=entry, group=group), law)
    assert fits.converged.mean() > 0.98
    for told, true in zip(parameters(fits, 0.9).values(), truth, strict=True):
        inside = ((told.low <= true) & (true <= told.high))[fits.converged]
        assert 0.86 < inside.mean() < 0.94


def test_a_covariate_is_found_and_means_the_same_as_separate_scales():
    rng = np.random.default_rng(3)
    x = np.repeat([0.0, 1.0], 4000)
    life = np.exp(3 + 0.5 * x) * rng.weibull(2.0, 8000)
    fits = fit(right_censored(life, np.ones(8000), covariates=x[:, None]))
    (effect,) = effects(fits)
    assert effect.low[0] < 0.5 < effect.high[0]
    # One shape, two scales: proportional hazards with exp(-effect * shape).
    assert fits.theta[0] == pytest.approx([3, 0.5, -np.log(2)], abs=0.05)


def test_covariates_of_many_groups_are_fitted_at_once():
    rng = np.random.default_rng(4)
    group, x = np.repeat(np.arange(5), 200), rng.normal(50, 10, (1000, 2))
    life = np.exp(0.02 * x[:, 0] * (1 + group)) * rng.weibull(1.5, 1000)
    lives = right_censored(life, rng.random(1000) < 0.8, group=group, covariates=x)
    together = fit(lives)
    for g in range(5):
        alone = fit(lives.slice(slice(g, g + 1)))
        np.testing.assert_allclose(together.theta[g], alone.theta[0], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(together.covariance[g], alone.covariance[0], rtol=1e-4)


def test_a_covariate_that_never_changes_is_refused():
    with pytest.raises(BadData, match="covariate 1 is the same"):
        fit(right_censored([1.0, 2.0], [1, 1], covariates=[[3.0], [3.0]]))


def test_a_group_without_failures_has_no_estimate_and_spoils_no_other():
    lives = right_censored([5.0, 6.0, 7.0, 8.0], [1, 1, 0, 0], group=[0, 0, 1, 1])
    for law in LAWS:
        fits = fit(lives, law)
        assert fits.why[1] == NO_EVENTS
        assert np.all(np.isnan(fits.theta[1]))
        assert np.isnan(fits.log_likelihood[1])
        assert fits.evidence.tolist() == ["scarce", "none"]


@pytest.mark.parametrize("law", ["weibull", "lognormal", "loglogistic"])
def test_failures_all_at_one_age_give_no_estimate(law):
    fits = fit(right_censored([10.0] * 6, np.ones(6)), law)
    assert fits.why[0] == NO_SPREAD
    assert np.all(np.isnan(fits.theta))


def test_gompertz_of_a_falling_hazard_gives_no_estimate():
    life = 100 * np.random.default_rng(1).weibull(0.5, 300)
    fits = fit(right_censored(life, np.ones(300)), "gompertz")
    assert fits.why[0] == NO_GROWTH


def test_the_bound_is_below_the_gamma_life_and_survival_there_is_the_share():
    for law in LAWS:
        fits = fit(bearings(), law)
        life = gamma_percent_life(fits, 0.9)
        assert life.low[0] < life.estimate[0] < life.high[0]
        there = survival(fits, life.estimate)
        assert there.estimate[0] == pytest.approx(0.9)
        assert there.low[0] < 0.9 < there.high[0]


def test_bounds_of_the_gamma_life_from_standard_errors_need_many_failures():
    lives = drawn(11, groups=500, rows=1000)
    true = 1000 * (-np.log(0.95)) ** (1 / 1.8)
    assert np.mean(gamma_percent_life(fit(lives)).low < true) == pytest.approx(0.94, abs=0.03)


def test_no_failure_still_gives_a_bound():
    found = mean_with_few_failures([1000.0], [0.0])
    assert np.isinf(found.estimate[0])
    assert found.low[0] == pytest.approx(1000 / -np.log(0.05))


def test_a_likelihood_ratio_of_equal_groups_is_uniform():
    lives = drawn(5, groups=400, rows=80)
    chances = [compare_groups(lives.slice(slice(g, g + 2))).p_value for g in range(0, 400, 2)]
    assert 0.02 < np.mean(np.array(chances) < 0.1) < 0.18
    assert 0.4 < np.mean(np.array(chances) < 0.5) < 0.6


def test_groups_of_different_lives_are_told_apart():
    lives = drawn(6, groups=2, rows=200, scale=np.array([700.0, 1300.0]))
    assert compare_groups(lives).p_value < 1e-4


def test_a_group_that_cannot_be_fitted_cannot_be_compared():
    with pytest.raises(BadData, match="group 1"):
        compare_groups(right_censored([5.0, 6.0, 7.0], [1, 1, 0], group=[0, 0, 1]))


def test_a_threshold_is_found():
    rng = np.random.default_rng(8)
    groups, rows = 20, 2000
    life = 100 + 50 * rng.weibull(3.0, groups * rows)
    lives = right_censored(life, np.ones(len(life)), group=np.repeat(np.arange(groups), rows))
    found = fit_threshold(lives)
    good = found.fits.converged
    assert good.mean() >= 0.9
    away = (found.threshold[good] - 100) / found.standard_error[good]
    assert 0.4 < np.mean(np.abs(away)) < 1.3
    assert np.nanmedian(found.threshold) == pytest.approx(100, abs=1)


def test_the_threshold_gains_likelihood_and_its_slope_there_is_zero():
    found, plain = fit_threshold(bearings()), fit(bearings())
    assert found.fits.log_likelihood[0] > plain.log_likelihood[0]
    # Computed beside: scipy.stats.weibull_min maximised over all three parameters.
    assert found.threshold[0] == pytest.approx(14.878, abs=0.01)
    assert np.isnan(found.standard_error[0])  # shape 1.6: not above two


def test_a_threshold_that_runs_to_the_first_failure_is_no_estimate():
    life = 10 + 100 * np.random.default_rng(2).weibull(0.5, 100)
    found = fit_threshold(right_censored(life, np.ones(100)))
    assert found.fits.why[0] == AT_FIRST_FAILURE
    assert np.isnan(found.threshold[0])
