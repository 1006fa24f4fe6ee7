"""Promises of trains on a known-truth fleet: calibrated, and better than plainer rivals."""

import numpy as np
import pytest

from railtrace.analysis.forecast_scores import expected_loss
from railtrace.simulation.train_study import Trips, by_tenths, joined, study


def loss(trips: Trips, rival: str) -> float:
    return expected_loss(trips.true, getattr(trips, rival))


def test_a_promise_lies_near_the_truth_and_not_above_its_product() -> None:
    trips = study(3, 60)
    assert len(trips.true) == 42
    assert np.all(trips.told <= trips.product + 1e-9)
    assert np.mean(np.abs(trips.told - trips.true)) < 0.1
    assert loss(trips, "told") < 0.02


@pytest.mark.nightly
def test_promises_of_trains_are_calibrated_and_better_than_rate_and_product() -> None:
    trips = joined([study(seed, 60) for seed in range(20)])
    held = [one.low <= 1 <= one.high for one in by_tenths(trips)]
    assert sum(held) >= 9
    assert loss(trips, "told") < loss(trips, "product")
    assert loss(trips, "told") < loss(trips, "fleet")
