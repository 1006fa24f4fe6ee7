import numpy as np
import pytest

from railtrace.analysis.network import UNKNOWN, bins_of, hazard_table, network_chances
from railtrace.errors import BadData
from tests.analysis.test_run_reliability import AGES, FLEET, places, run_reliability

TABLE = hazard_table(FLEET, AGES, np.ones(2), 600.0)


def test_a_table_tells_what_the_exact_sum_tells_within_two_per_cent_of_the_hazard():
    rng = np.random.default_rng(4)
    ages = rng.uniform(20_000, 400_000, (6, 50))
    told = network_chances(TABLE, np.arange(6) % 2, bins_of(TABLE, ages), np.ones(50))
    for unit in range(50):
        exact = run_reliability(FLEET, places(ages[:, unit]), 600.0, np.array([0.0]),
                                np.array([-1]), AGES)  # fmt: skip
        assert -np.log(told[unit]) == pytest.approx(exact.hazard.sum(), rel=0.03)


def test_a_missing_age_has_a_bin_of_its_own_and_the_mean_of_its_type():
    bins = bins_of(TABLE, np.array([np.nan, 1.0, 1e9]))
    assert bins.tolist() == [UNKNOWN, 1, 254]
    exact = run_reliability(FLEET, places([np.nan]), 600.0, np.array([0.0]), np.array([-1]), AGES)
    told = network_chances(TABLE, np.array([0]), bins[:1, None], np.ones(1))
    assert -np.log(told[0]) == pytest.approx(exact.hazard[0], rel=1e-4)


def test_bins_of_another_shape_are_refused():
    with pytest.raises(BadData, match="one row for each place"):
        network_chances(TABLE, np.arange(3), np.zeros((2, 5), np.uint8), np.ones(5))
