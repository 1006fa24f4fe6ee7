"""Forecast intervals of wheels cover what they say, on the known-truth railway."""

import pytest

from railtrace.simulation.wear_study import coverage


def test_last_readings_of_a_small_railway_lie_where_they_were_foretold() -> None:
    for found in coverage(0.05, 70, seed=1):
        assert found.readings > 100
        # 90 % of so few: two standard errors either way, axles and vehicles being alike.
        assert 0.84 <= found.share <= 0.97, found


@pytest.mark.nightly
def test_intervals_of_nominal_90_per_cent_cover_87_to_93() -> None:
    for found in coverage(0.5, 130, seed=2):
        assert found.readings > 1000
        assert 0.87 <= found.share <= 0.93, found
