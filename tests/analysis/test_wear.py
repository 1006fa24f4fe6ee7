from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.wear import (
    WearReadings,
    WheelTree,
    crossing_chance,
    fit_wear,
    gauge_deviation,
    km_to_limit,
    which_first,
)
from railtrace.errors import BadData

GAUGE_MM = 0.1
MEAN = -0.35 / 1e4  # of flanges, mm per km


def fleet(seed: int, vehicles: int = 40, readings: int = 4) -> tuple[WearReadings, WheelTree, dict]:
    """Draw vehicles of 4 axles of 2 wheels by the law of docs/simulation.md, factors and all."""
    rng = np.random.default_rng(seed)

    def factor(sd: float, n: int) -> np.ndarray:
        return np.exp(rng.normal(-(sd**2) / 2, sd, n))

    vehicle, axle = np.repeat(np.arange(vehicles), 4), np.repeat(np.arange(vehicles * 4), 2)
    wheels = vehicles * 8
    of_axle = factor(0.20, vehicles)[vehicle] * factor(0.15, vehicles * 4)
    rate = MEAN * of_axle[axle] * factor(0.10, wheels)
    km = np.sort(rng.uniform(0, 60_000, (wheels, readings)), axis=1)
    value = 32.0 + rate[:, None] * km + rng.normal(0, GAUGE_MM, km.shape)
    stretch = np.repeat(np.arange(wheels), readings)
    flat = WearReadings(stretch, km.ravel(), value.ravel(), np.full(km.size, GAUGE_MM))
    return flat, WheelTree(np.arange(wheels), (axle, vehicle)), {"rate": rate, "last": km[:, -1]}


def test_rates_of_wheels_come_back_better_than_from_each_wheel_alone():
    readings, tree, truth = fleet(1)
    found = fit_wear(readings, tree)
    alone = np.array([
        np.polyfit(readings.km[readings.stretch == w], readings.value[readings.stretch == w], 1)[0]
        for w in range(len(truth["rate"]))
    ])
    ours, theirs = (np.sqrt(np.mean((x - truth["rate"]) ** 2)) for x in (found.rate, alone))
    assert ours < 0.8 * theirs
    assert found.fleet_rate == pytest.approx(MEAN, rel=0.1)
    assert found.spread == pytest.approx(tuple(abs(MEAN) * s for s in (0.10, 0.15, 0.20)), rel=0.3)


def test_intervals_of_rates_and_of_kilometres_to_the_limit_are_covered_as_said():
    inside, reached = [], []
    for seed in range(8):
        readings, tree, truth = fleet(seed)
        found = fit_wear(readings, tree)
        away = np.abs(found.rate - truth["rate"]) / np.sqrt(found.rate_variance)
        inside.append(np.mean(away < 1.645))
        state = found.at(np.arange(len(truth["rate"])), truth["last"])
        low, high = km_to_limit(state, np.array(26.0), False, (0.05, 0.95)).T
        true = (26.0 - 32.0) / truth["rate"] - truth["last"]
        reached.append(np.mean((low <= true) & (true <= high)))
    assert 0.86 < np.mean(inside) < 0.94
    assert 0.86 < np.mean(reached) < 0.94


def test_a_wheel_without_a_second_reading_goes_by_its_axle():
    readings, tree, _ = fleet(3)
    # Wheel 0 keeps one reading; its sister on the axle wears twice as fast as the fleet.
    keep = (readings.stretch != 0) | (np.arange(len(readings.km)) == 0)
    fast = readings.stretch == 1
    value = np.where(fast, 32 + 2 * MEAN * readings.km, readings.value)
    found = fit_wear(WearReadings(readings.stretch[keep], readings.km[keep], value[keep],
                                  readings.deviation[keep]), tree)  # fmt: skip
    assert found.rate[0] < 1.15 * found.fleet_rate
    assert found.rate_variance[0] > 1.5 * found.rate_variance[20]


def test_a_turning_starts_a_level_of_its_own_and_keeps_what_is_known_of_the_rate():
    km = np.array([0.0, 20_000, 40_000, 41_000, 60_000])
    value = np.array([32.0, 31.2, 30.4, 32.6, 31.9])
    stretch = np.array([0, 0, 0, 1, 1])
    tree = WheelTree(np.array([0, 0]), (np.array([0]), np.array([0])))
    found = fit_wear(WearReadings(stretch, km, value, np.full(5, GAUGE_MM)), tree)
    assert found.rate[0] == pytest.approx(-0.4e-4, rel=0.1)
    before, after = (found.at(np.array([s]), np.array([40_500.0])).level[0] for s in (0, 1))
    assert before == pytest.approx(30.4, abs=0.15)
    assert after == pytest.approx(32.6, abs=0.15)


@given(st.floats(0, 50_000), st.floats(26, 33), st.floats(0.02, 0.5))
def test_a_new_reading_updates_as_a_fit_of_all_readings_would(ahead, value, deviation):
    readings, tree, truth = fleet(5, vehicles=1)
    whole = replace(
        readings,
        stretch=np.append(readings.stretch, 0), km=np.append(readings.km, 60_000 + ahead),
        value=np.append(readings.value, value), deviation=np.append(readings.deviation, deviation),
    )  # fmt: skip
    state = fit_wear(readings, tree).at(np.array([0]), truth["last"][:1])
    updated = state.measured(np.array([60_000 + ahead]), np.array([value]), np.array([deviation]))
    # Both know the same of this wheel, but a fit also moves what the others share.
    again = fit_wear(whole, tree).at(np.array([0]), np.array([60_000 + ahead]))
    sd = np.sqrt(updated.level_variance[0])
    assert updated.level_variance[0] <= deviation**2 + 1e-12
    before = state.moved(np.array([60_000 + ahead])).level[0]
    assert abs(updated.level[0] - value) <= abs(before - value) + 1e-9
    assert again.level[0] == pytest.approx(updated.level[0], abs=6 * sd + 0.5)


def test_a_limit_that_is_crossed_already_is_nought_away_and_one_that_is_left_is_never():
    readings, tree, truth = fleet(6, vehicles=3)
    state = fit_wear(readings, tree).at(np.array([0, 1]), truth["last"][:2])
    assert km_to_limit(state, np.array(33.0), False, (0.5,)).tolist() == [[0.0], [0.0]]
    assert np.all(np.isinf(km_to_limit(state, np.array(40.0), True, (0.5,))))


@given(st.lists(st.floats(1_000, 400_000), min_size=2, max_size=5, unique=True))
def test_kilometres_rise_with_the_chance_asked_for(distances):
    readings, tree, truth = fleet(7, vehicles=2)
    state = fit_wear(readings, tree).at(np.array([0]), truth["last"][:1])
    chance = crossing_chance(state, np.array(26.0), False, np.array([sorted(distances)]))
    assert np.all(np.diff(chance[0]) >= -1e-9)
    low, middle, high = km_to_limit(state, np.array(26.0), False)[0]
    assert low <= middle <= high
    there = crossing_chance(state, np.array(26.0), False, np.array([middle]))
    assert there[0] == pytest.approx(0.5, abs=0.01)


def test_the_limit_that_binds_first_is_told_with_its_chance():
    grid = np.linspace(0, 1, 500)
    soon, late = np.clip(grid * 4, 0, 1), np.clip((grid - 0.5) * 4, 0, 1)
    first = which_first(np.array([soon, late]))
    assert first == pytest.approx([1, 0, 0], abs=0.01)
    even = which_first(np.array([grid * 0.5, grid * 0.5]))
    assert even[0] == pytest.approx(even[1])
    assert np.sum(even) == pytest.approx(1)
    assert even[2] == pytest.approx(0.25, abs=0.01)


def test_a_gauges_error_is_told_by_its_repeats():
    rng = np.random.default_rng(8)
    thing = np.repeat(np.arange(300), 3)
    value = rng.uniform(20, 33, 300)[thing] + rng.normal(0, 0.12, 900)
    assert gauge_deviation(value, thing) == pytest.approx(0.12, rel=0.1)
    with pytest.raises(BadData, match="nothing was read twice"):
        gauge_deviation(np.array([1.0, 2.0]), np.array([0, 1]))


@pytest.mark.parametrize(("column", "value", "words"), [
    ("value", np.nan, "reading 1: value is no number"),
    ("deviation", 0.0, "reading 1: a gauge without any error"),
])  # fmt: skip
def test_bad_readings_are_refused_by_row(column, value, words):
    readings, tree, _ = fleet(9, vehicles=1)
    spoiled = getattr(readings, column).copy()
    spoiled[0] = value
    with pytest.raises(BadData, match=words):
        fit_wear(replace(readings, **{column: spoiled}), tree)


def test_wheels_read_once_have_no_rate():
    readings, tree, _ = fleet(9, vehicles=1, readings=1)
    with pytest.raises(BadData, match="no wheel was measured twice"):
        fit_wear(readings, tree)
