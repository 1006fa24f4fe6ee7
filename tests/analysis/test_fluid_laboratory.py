import numpy as np
import pytest

from railtrace.analysis.fluid_laboratory import metal_trend, oil_hours
from railtrace.errors import BadData

RATE, LABORATORY = 0.02, 0.5  # mg/kg per hour; mg/kg


def samples(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    engine_hours = np.cumsum(rng.uniform(80, 160, n))
    hours = oil_hours(engine_hours, np.array([engine_hours[3], engine_hours[8]]))
    return hours, 3 + RATE * hours + rng.normal(0, LABORATORY, n)


def test_an_oil_change_sets_the_hours_back():
    hours = oil_hours(np.array([100.0, 250, 400, 520]), np.array([250.0, 500]))
    assert hours.tolist() == [0, 150, 150, 20]


def test_the_rate_comes_back_over_oil_changes_and_its_interval_covers():
    inside = []
    for seed in range(200):
        found = metal_trend(*samples(seed), LABORATORY)
        inside.append(found.low <= RATE <= found.high)
    assert 0.86 < np.mean(inside) < 0.96
    assert metal_trend(*samples(1, 60), LABORATORY).rate == pytest.approx(RATE, rel=0.15)


def test_a_sample_outside_the_engines_own_past_is_told_and_an_ordinary_one_is_not():
    hours, value = samples(2)
    ordinary = metal_trend(hours, value, LABORATORY)
    value[-1] += 6
    odd = metal_trend(hours, value, LABORATORY)
    assert ordinary.chance > 0.01
    assert odd.surprise > 4
    assert odd.chance < 0.005
    assert odd.expected == ordinary.expected


def test_surprises_come_by_luck_as_often_as_said():
    chances = [metal_trend(*samples(seed), LABORATORY).chance for seed in range(300)]
    assert np.mean(np.array(chances) < 0.05) < 0.09


def test_a_short_past_foretells_nothing():
    hours, value = (column[:4] for column in samples(3))
    assert np.isnan(metal_trend(hours, value, LABORATORY).surprise)


@pytest.mark.parametrize(("hours", "value", "deviation", "words"), [
    ([1.0], [1.0], 0.5, "two samples at least"),
    ([1.0, 2.0], [1.0, -1.0], 0.5, "not below zero"),
    ([1.0, 2.0], [1.0, 1.0], 0.0, "without any error"),
])  # fmt: skip
def test_bad_samples_are_refused(hours, value, deviation, words):
    with pytest.raises(BadData, match=words):
        metal_trend(np.array(hours), np.array(value), deviation)


def test_samples_out_of_order_are_refused():
    with pytest.raises(BadData, match="in the order"):
        oil_hours(np.array([5.0, 1.0]), np.array([]))
