import numpy as np
import pytest

from railtrace.analysis.recurrence import histories
from railtrace.analysis.trend import TESTS, anderson_darling, laplace, lewis_robinson, mil_hdbk_189
from tests.analysis.test_recurrence import power_law


@pytest.mark.parametrize("name", ["Laplace", "MIL-HDBK-189", "Anderson-Darling"])
@pytest.mark.parametrize("systems", [1, 3])
def test_without_a_trend_p_values_are_uniform(name, systems):
    rng = np.random.default_rng(1)
    groups, each = 6000, 8
    owner = np.repeat(np.arange(groups * systems), each)
    data = histories(np.full(groups * systems, 1.0), rng.random(len(owner)), owner,
                     group=np.repeat(np.arange(groups), systems))  # fmt: skip
    p_value = TESTS[name](data).p_value
    for share in (0.05, 0.1, 0.5, 0.9):
        assert np.mean(p_value < share) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("name", TESTS)
def test_a_trend_is_seen(name):
    p_value = TESTS[name](power_law(2, 200, 1, shape=2.5, mean=30)).p_value
    assert np.mean(p_value < 0.05) > 0.8


def test_signs_tell_rise_from_fall():
    rising, falling = (power_law(3, 100, 1, shape=shape, mean=30) for shape in (2.0, 0.6))
    assert np.mean(laplace(rising).statistic > 0) > 0.95
    assert np.mean(laplace(falling).statistic < 0) > 0.95


def test_only_lewis_robinson_does_not_take_clustered_failures_for_a_trend():
    rng = np.random.default_rng(4)
    groups = 3000
    waits = rng.gamma(0.3, 1 / 0.3, (groups, 120))
    age = np.cumsum(waits, axis=1)
    rows, columns = np.nonzero(age <= 30)
    data = histories(np.full(groups, 30.0), age[rows, columns], rows, group=np.arange(groups))
    assert np.nanmean(laplace(data).p_value < 0.1) > 0.25
    assert np.nanmean(lewis_robinson(data).p_value < 0.1) == pytest.approx(0.1, abs=0.06)


def test_a_rate_that_falls_and_rises_is_seen_by_anderson_darling_alone():
    rng = np.random.default_rng(5)
    groups, each = 500, 40
    age = rng.beta(0.5, 0.5, groups * each)
    data = histories(np.ones(groups), age, np.repeat(np.arange(groups), each),
                     group=np.arange(groups))  # fmt: skip
    assert np.nanmean(anderson_darling(data).p_value < 0.05) > 0.75
    assert np.nanmean(laplace(data).p_value < 0.05) < 0.35


def test_a_closing_failure_tells_nothing():
    age = [10.0, 30.0, 60.0, 100.0]
    closed = histories([100.0], age, [0] * 4, ended_by_failure=True)
    open_ended = histories([100.0], age[:-1], [0] * 3)
    for test in (laplace, mil_hdbk_189, anderson_darling):
        np.testing.assert_allclose(test(closed), test(open_ended))


def test_what_cannot_be_tested_is_not_a_number():
    data = histories([10.0, 10.0], [5.0], [0], start=[1.0, 1.0], group=[0, 1])
    assert np.isnan(mil_hdbk_189(data).p_value).all()
    assert np.isnan(laplace(data).statistic[1])
    assert np.isnan(lewis_robinson(data).p_value[0])
