import numpy as np
import pytest

from railtrace.analysis.exposure import Exposure
from railtrace.analysis.forward_test import (
    FLEET,
    MODEL,
    STACK,
    Runs,
    learnt_weight,
    scoreboard,
    stacked,
    stacked_chance,
)
from railtrace.analysis.rival_rates import RIVALS, Fleet, rival_rates
from railtrace.errors import BadData

NAMES = {"series": ["a", "b"], "depot": ["x", "y"]}


def runs(true, model, seed=5, n=24_000):
    """Runs of forty vehicles that fail at true rates; `model` is what was promised."""
    rng = np.random.default_rng(seed)
    vehicle = np.arange(n) % 40
    km = np.full(n, 500.0)
    rate = true[vehicle]
    failed = rng.random(n) < -np.expm1(-rate * km)
    fleet = np.full(n, float(true.mean()))
    return Runs(vehicle, np.arange(n) * 12 // n, vehicle % 2, vehicle // 20, km, failed,
                {FLEET: fleet, MODEL: model[vehicle]})  # fmt: skip


TRUE = np.exp(np.random.default_rng(1).normal(np.log(2e-5), 0.9, 40))


def test_a_model_that_knows_beats_the_fleet_rate_and_counts():
    board = scoreboard(runs(TRUE, TRUE), NAMES)
    scores = {score.model: score for score in board.scores}
    assert scores[MODEL].gain_low > 0
    assert scores[STACK].gain > 0
    assert board.weight >= 0.75
    assert board.beats_the_fleet_rate


def test_a_model_that_does_not_beat_the_fleet_rate_counts_for_nothing():
    wrong = np.random.default_rng(2).permutation(TRUE) ** 2 / 2e-5
    board = scoreboard(runs(TRUE, wrong), NAMES)
    assert board.weight == 0
    assert not board.beats_the_fleet_rate
    stack = next(score for score in board.scores if score.model == STACK)
    model = next(score for score in board.scores if score.model == MODEL)
    assert model.gain < stack.gain
    assert stack.gain > 0.2 * model.gain


def test_a_weight_is_learnt_from_earlier_months_only():
    some = runs(TRUE, TRUE)
    later = some.month >= 6
    turned = Runs(some.vehicle, some.month, some.depot, some.series, some.km,
                  np.where(later, ~some.failed, some.failed), some.rates)  # fmt: skip
    assert learnt_weight(turned, 6) == learnt_weight(some, 6)
    assert learnt_weight(some, 0) == 0.5


def test_honest_promises_are_covered_and_their_pit_is_even():
    board = scoreboard(runs(TRUE, TRUE), NAMES)
    assert board.covered == pytest.approx(board.nominal, abs=0.2)
    assert board.nominal >= 0.9
    assert min(board.pit) > 0.4 * sum(board.pit) / 10
    assert sum(r.observed for r in board.by_decile) == board.failures
    inside = [r.low <= 1 <= r.high for r in (*board.by_series, *board.by_depot)]
    assert all(inside)


def test_promises_twice_too_small_show_in_every_ratio():
    board = scoreboard(runs(TRUE, TRUE), NAMES)
    some = runs(TRUE, TRUE)
    halved = Runs(some.vehicle, some.month, some.depot, some.series, some.km, some.failed,
                  {key: rate / 2 for key, rate in some.rates.items()})  # fmt: skip
    low = scoreboard(halved, NAMES)
    assert all(r.ratio > 1.5 for r in low.by_series)
    assert board.scores[0].expected == pytest.approx(2 * low.scores[0].expected, rel=0.02)


def test_the_same_runs_are_scored_alike_bit_for_bit():
    one, two = (scoreboard(runs(TRUE, TRUE), NAMES) for _ in range(2))
    assert (one.scores, one.pit, one.weight) == (two.scores, two.pit, two.weight)


def test_stacking_at_nought_is_the_fleet_and_at_one_the_model():
    model, fleet = np.array([1e-5, 4e-5]), np.array([2e-5, 2e-5])
    np.testing.assert_allclose(stacked(model, fleet, 0.0), fleet)
    np.testing.assert_allclose(stacked(model, fleet, 1.0), model)
    np.testing.assert_allclose(stacked(model, fleet, 0.5), np.sqrt(model * fleet))


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"km": 0.0}, "run 3: its kilometres"), ({"rate": -1e-6}, "below zero"),
     ({"rate": float("nan")}, "not a number")],
)  # fmt: skip
def test_runs_that_cannot_be_are_refused_by_row_and_reason(changed, words):
    km, rate = np.full(5, 100.0), np.full(5, 1e-5)
    if "km" in changed:
        km[2] = changed["km"]
    if "rate" in changed:
        rate[2] = changed["rate"]
    zero = np.zeros(5, int)
    with pytest.raises(BadData, match=words):
        Runs(zero, zero, zero, zero, km, np.zeros(5, bool), {FLEET: rate, MODEL: rate})


def test_nothing_run_is_refused():
    none = np.zeros(0, int)
    with pytest.raises(BadData, match="nothing to score"):
        Runs(none, none, none, none, np.zeros(0), np.zeros(0, bool), {})


# --- rivals ---------------------------------------------------------------------------------------


def fleet_of(failures):
    """Two vehicles of two series, two components in two ages; a million kilometres each cell."""
    component = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    vehicle = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    age = np.array([1e4, 1e5] * 4)
    table = Exposure(component, vehicle, age, np.zeros(8), np.full(8, 1e6),
                     np.array(failures, float), 2, 2)  # fmt: skip
    return Fleet(table, np.array([1.0, 1.0]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]),
                 np.array([1e4, 1e5, 1e5, np.nan]), np.array([0, 1]), np.array([0, 0]),
                 np.array([2e6, 2e6]))  # fmt: skip


def test_every_rival_tells_a_rate_above_zero_whatever_failed():
    for failures in ([0] * 7 + [1], [50, 0, 0, 0, 0, 0, 0, 0], [9] * 8):
        rates = rival_rates(fleet_of(failures))
        assert set(rates) == set(RIVALS)
        assert all(np.all(rate > 0) for rate in rates.values())


def test_with_many_failures_rivals_tell_what_was_seen():
    rates = rival_rates(fleet_of([100, 300, 100, 300, 200, 600, 200, 600]))
    assert rates["fleet"] == pytest.approx([2400 / 4e6] * 2)
    assert rates["series_component"] == pytest.approx([4e-4, 8e-4], rel=0.02)
    # Vehicle 0 runs a young component 0 and an old component 1.
    assert rates["kaplan_meier"][0] == pytest.approx(1.5e-4 + 4.5e-4, rel=0.02)
    assert rates["cox"][0] == pytest.approx(1e-4 + 3e-4, rel=0.05)
    assert rates["vehicle_bayes"][1] > 1.8 * rates["vehicle_bayes"][0]


def test_what_does_not_stop_a_run_is_not_told():
    fleet = fleet_of([100] * 8)
    quiet = Fleet(fleet.table, np.array([0.5, 0.0]), fleet.place_vehicle, fleet.place_component,
                  fleet.place_age_km, fleet.series, fleet.depot, fleet.vehicle_km)  # fmt: skip
    loud = rival_rates(fleet)
    for key, rate in rival_rates(quiet).items():
        assert rate == pytest.approx(loud[key] / 4, rel=0.05), key


def test_a_stacked_chance_stands_between_model_and_fleet_rate():
    chance = np.array([0.98, 0.999])
    flat = 0.005
    half = stacked_chance(chance, flat, 0.5)
    assert np.all(half > np.minimum(chance, np.exp(-flat)))
    assert np.all(half < np.maximum(chance, np.exp(-flat)))
    np.testing.assert_allclose(stacked_chance(chance, flat, 0.0), np.exp(-flat))
    assert stacked_chance(chance, flat, 1.0) is chance
