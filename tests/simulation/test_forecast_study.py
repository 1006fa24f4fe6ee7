import numpy as np
import pytest

from railtrace.simulation import lives
from railtrace.simulation.forecast_study import LAWS, study


def test_a_fleet_fails_as_often_as_its_law_says_and_is_the_same_at_every_call():
    one, two = lives.draw_fleet(1, 30), lives.draw_fleet(1, 30)
    np.testing.assert_array_equal(one.age, two.age)
    seen = lives.Seen()
    lives.run(one, 40, seen)
    rate = np.array(seen.hazard).sum() / (30 * 40 * lives.RUN_KM)
    assert rate == pytest.approx(lives.FLEET_RATE, rel=0.4)
    assert 0.1 < 1 - np.mean(seen.known[0]) < 0.4


def test_forecasts_of_small_fleets_beat_the_fleet_rate_with_honest_bands():
    scores = [study(seed, 60) for seed in (1, 2)]
    assert np.mean([score.attained for score in scores]) > 0.4
    assert 0.7 < np.mean([score.covered for score in scores]) < 0.99
    assert min(score.above_floor for score in scores) > 0.85


@pytest.mark.nightly
@pytest.mark.parametrize(("vehicles", "seeds", "bar"), [(60, 100, 0.74), (600, 30, 0.91)])
def test_the_attained_share_of_the_gain_meets_its_bar(vehicles, seeds, bar):
    scores = [study(seed, vehicles) for seed in range(seeds)]
    attained = np.array([score.attained for score in scores])
    assert np.mean(attained) >= bar
    assert np.quantile(attained, 0.05) >= 0
    assert 0.87 <= np.mean([score.covered for score in scores]) <= 0.93


@pytest.mark.nightly
@pytest.mark.parametrize("law", ["lognormal", "depots"])
def test_fleets_of_another_law_are_still_told_better_than_by_the_fleet_rate(law):
    attained = [study(seed, 60, LAWS[law]).attained for seed in range(30)]
    assert np.mean(attained) > 0
