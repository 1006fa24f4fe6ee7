import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.repeats import (
    failures_after_repair,
    repeated_defects,
    shrunken_rates,
    unusual_counts,
)
from railtrace.errors import BadData


def test_a_defect_is_repeated_on_the_same_unit_of_the_same_kind_soon_after():
    unit, kind, at = [1, 1, 1, 2, 1], [7, 7, 8, 7, 7], [10, 40, 50, 60, 200]
    found = repeated_defects(unit, kind, at, within=60)
    assert found.first.tolist() == [0]
    assert found.second.tolist() == [1]
    assert found.apart.tolist() == [30]


def test_three_in_a_row_are_two_pairs():
    found = repeated_defects([1, 1, 1], [7, 7, 7], [30, 10, 20], within=15)
    assert list(zip(found.first, found.second, strict=True)) == [(1, 2), (2, 0)]


def test_a_unit_that_fails_far_too_often_is_named_and_chance_is_not():
    rng = np.random.default_rng(1)
    exposure = rng.uniform(5, 15, 300)
    events = rng.poisson(0.4 * exposure)
    named, _ = unusual_counts(events, exposure)
    assert named.sum() <= 1
    events[17] = 30
    named, p_value = unusual_counts(events, exposure)
    assert named[17]
    assert p_value[17] < 1e-8


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_followed_each_repair_is_what_a_search_finds(seed):
    rng = np.random.default_rng(seed)
    until = rng.integers(50, 120, 4).astype(float)
    unit = rng.integers(0, 4, 12)
    at = np.floor(rng.random(12) * until[unit])
    failed_unit, failed_at = rng.integers(0, 4, 15), rng.integers(0, 120, 15).astype(float)
    found = failures_after_repair(unit, at, failed_unit, failed_at, until, horizon=30)
    for k in range(12):
        later = [t for t, u in zip(failed_at, failed_unit, strict=True)
                 if u == unit[k] and t > at[k]]  # fmt: skip
        again = [t for t, u in zip(at, unit, strict=True) if u == unit[k] and t > at[k]]
        end = min([until[unit[k]], at[k] + 30, *again])
        first = min([*later, np.inf])
        assert found.failed[k] == (first <= end)
        assert found.exposure[k] == min(first, end) - at[k]


def test_a_repair_after_the_end_of_watching_is_refused():
    with pytest.raises(BadData, match="row 2"):
        failures_after_repair([0, 0], [5.0, 11.0], [], [], [10.0], 30)


def test_shrunken_rates_cover_the_truth_and_err_less_than_raw_ones():
    rng = np.random.default_rng(2)
    errors, inside = [], []
    for _ in range(60):
        true = rng.gamma(3, 0.1, 40)
        exposure = rng.uniform(2, 30, 40)
        found = shrunken_rates(rng.poisson(true * exposure), exposure)
        errors.append((np.mean((found.rate - true) ** 2), np.mean((found.raw - true) ** 2)))
        inside.append(np.mean((found.low < true) & (true < found.high)))
    shrunken, raw = np.mean(errors, axis=0)
    assert shrunken < 0.75 * raw
    assert np.mean(inside) == pytest.approx(0.89, abs=0.03)


def test_groups_that_do_not_differ_get_one_rate():
    found = shrunken_rates([3, 4, 5, 4], [10, 10, 10, 10])
    assert found.rate == pytest.approx(0.4, abs=0.01)
    assert np.ptp(found.rate) < 1e-3


def test_no_exposure_gives_the_common_rate_and_no_raw_one():
    found = shrunken_rates([8, 2, 9, 0], [10, 10, 10, 0])
    assert np.isnan(found.raw[3])
    assert found.rate[3] == pytest.approx(found.prior[0] / found.prior[1])
    assert found.evidence[3] == "none"


def test_too_few_groups_are_not_shrunk_to_each_other():
    found = shrunken_rates([3], [10])
    assert found.rate[0] == pytest.approx(0.35)


@pytest.mark.parametrize(("events", "exposure"), [([-1, 1], [1, 1]), ([1, 1], [0, 1])])
def test_impossible_rates_are_refused(events, exposure):
    with pytest.raises(BadData, match="row 1"):
        shrunken_rates(events, exposure)
