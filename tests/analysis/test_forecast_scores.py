import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from railtrace.analysis.forecast_scores import (
    attained_share,
    brier,
    deciles,
    expected_loss,
    isotonic,
    log_loss,
    observed_expected,
    randomized_pit,
)
from railtrace.errors import BadData


def forecasts(seed: int, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 30, n)
    return chance, rng.random(n) < chance


def test_scores_of_a_hand_counted_case():
    assert log_loss([0.5, 0.25], [True, False]) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)
    found = brier([0.2, 0.2, 0.8], [False, True, True])
    assert found.score == pytest.approx((0.04 + 0.64 + 0.04) / 3)
    assert found.uncertainty == pytest.approx(2 / 9)


@given(st.integers(0, 500))
def test_the_parts_of_the_brier_score_add_up(seed):
    chance, happened = forecasts(seed, 300)
    found = brier(chance, happened)
    assert found.score == pytest.approx(
        found.miscalibration - found.resolution + found.uncertainty
    )
    assert found.miscalibration >= -1e-12
    assert found.resolution >= -1e-12


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_the_isotonic_fit_rises_and_keeps_the_mean(pairs):
    pairs.sort()
    forecast, outcome = (np.array(c, float) for c in zip(*pairs, strict=True))
    fit = isotonic(outcome, forecast)
    assert np.all(np.diff(fit) >= -1e-12)
    assert np.mean(fit) == pytest.approx(np.mean(outcome))


def test_true_chances_are_unbeaten_and_the_oracle_attains_all():
    chance, _ = forecasts(1)
    fleet = np.full(len(chance), chance.mean())
    assert expected_loss(chance, chance) == 0
    assert attained_share(chance, chance, fleet, chance) == 1
    assert attained_share(chance, fleet, fleet, chance) == 0
    assert attained_share(chance, np.clip(chance * 5, 0, 0.99), fleet, chance) < 0


def test_observed_over_expected_covers_one_when_forecasts_are_right_and_not_when_doubled():
    chance, happened = forecasts(3, 40_000)
    held = [r.low <= 1 <= r.high for r in observed_expected(chance, happened, deciles(chance))]
    assert sum(held) >= 9
    [doubled] = observed_expected(chance * 2, happened, np.full(len(chance), "all"))
    assert doubled.high < 0.6


def test_nothing_observed_still_has_an_upper_bound():
    [found] = observed_expected([0.1, 0.2], [False, False], ["a", "a"])
    assert (found.ratio, found.low) == (0, 0)
    assert found.high == pytest.approx(3.689 / 0.3, rel=1e-3)


def test_right_hazards_give_uniform_values_and_halved_ones_do_not():
    rng = np.random.default_rng(5)
    life, watched = rng.exponential(size=3000), rng.uniform(0, 3, 3000)
    used, failed = np.minimum(life, watched), life <= watched
    assert kstest(randomized_pit(used, failed, rng), "uniform").pvalue > 0.01
    assert kstest(randomized_pit(used / 2, failed, rng), "uniform").pvalue < 1e-6


def test_what_is_no_forecast_is_refused():
    with pytest.raises(BadData, match="in pairs"):
        log_loss([0.1], [True, False])
    with pytest.raises(BadData, match="between 0 and 1"):
        log_loss([1.1], [True])
