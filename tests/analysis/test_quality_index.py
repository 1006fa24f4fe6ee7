"""The quality index and its interval."""

import numpy as np
import pytest
from scipy.stats import chi2

from railtrace.analysis.quality_index import quality_index


def test_equal_weights_give_the_exact_interval_of_a_poisson_count() -> None:
    found = quality_index({"a": 7, "b": 3}, {"a": 1.0, "b": 1.0}, 2000.0)
    assert found.value == pytest.approx(5.0)
    assert found.low == pytest.approx(chi2.ppf(0.05, 20) / 2 / 2)
    assert found.high == pytest.approx(chi2.ppf(0.95, 22) / 2 / 2)


def test_no_violation_still_has_an_upper_end_and_no_run_has_no_index() -> None:
    none = quality_index({}, {"a": 2.0}, 10_000.0)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high is not None
    assert none.high > 0
    assert quality_index({"a": 3}, {}, 0.0).value is None


def test_a_heavier_rule_counts_more() -> None:
    light = quality_index({"a": 5}, {"a": 1.0}, 1000.0)
    heavy = quality_index({"a": 5}, {"a": 3.0}, 1000.0)
    assert (light.value, heavy.value) == (5.0, 15.0)


def test_the_interval_covers_the_true_index() -> None:
    rng, weights, km = np.random.default_rng(1), {"a": 3.0, "b": 0.5}, 5000.0
    rates, inside = {"a": 0.002, "b": 0.006}, 0
    truth = sum(weights[r] * rates[r] * 1000 for r in rates)
    for _ in range(2000):
        found = quality_index({r: int(rng.poisson(rates[r] * km)) for r in rates}, weights, km)
        inside += found.low <= truth <= found.high
    assert 0.88 <= inside / 2000 <= 0.97
