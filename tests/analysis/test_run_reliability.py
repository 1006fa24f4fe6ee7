from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.exposure import AgeSpread
from railtrace.analysis.run_reliability import (
    Places,
    consist_chance,
    run_reliability,
    without,
)
from railtrace.errors import BadData
from tests.analysis.test_fleet_hazard import drawn, fitted

FLEET = fitted(drawn(7, 40, 60_000)[0])
AGES = AgeSpread(
    np.tile(np.linspace(50_000, 400_000, 8), (2, 1)), np.full((2, 8), 1 / 8), np.zeros(2, bool)
)


def places(ages, **change) -> Places:
    n = len(ages)
    columns = {
        "unit": np.zeros(n, int), "component": np.arange(n) % 2,
        "age_km": np.asarray(ages, float), "stops": np.ones(n),
    } | change  # fmt: skip
    return Places(**columns)


def answer(some: Places, km: float = 600.0, driving: float = 0.0, vehicle: int = -1):
    return run_reliability(FLEET, some, km, np.array([driving]), np.array([vehicle]), AGES)


def test_shares_of_risk_add_up_to_the_whole_and_a_replacement_is_the_same_sum_again():
    some = places([60_000, 100_000, 350_000, 390_000])
    told = answer(some)
    assert np.exp(-np.sum(told.hazard)) == pytest.approx(told.reliability[0])
    young = places([60_000, 100_000, 350_000, 50_000])
    again = answer(young)
    assert without(told, some, 3, again.hazard[3]) == pytest.approx(again.reliability[0])
    assert again.reliability[0] > told.reliability[0]


def test_the_band_holds_the_estimate_and_the_floor_lies_under_it():
    told = answer(places([60_000, np.nan, 350_000]))
    assert told.floor <= told.low < told.reliability < told.high
    assert told.missing[0] == 1


ages = st.lists(st.floats(50_000, 400_000), min_size=1, max_size=6)


@given(ages, st.data(), st.floats(-2, 2))
def test_removing_evidence_never_raises_the_floor(known, data, driving):
    some = places(known)
    gone = np.array(known)
    for index in data.draw(st.sets(st.integers(0, len(known) - 1))):
        gone[index] = np.nan
    less = data.draw(st.sampled_from([driving, np.nan]))
    assert answer(places(gone), driving=less).floor <= answer(some, driving=driving).floor + 1e-12


@given(ages, st.floats(100, 9_000))
def test_a_longer_run_is_never_safer(known, km):
    assert answer(places(known), km * 1.5).reliability <= answer(places(known), km).reliability


def test_a_failure_that_does_not_stop_the_run_does_not_count():
    some = places([60_000, 350_000], stops=np.array([1.0, 0.0]))
    assert answer(some).reliability == pytest.approx(answer(places([60_000])).reliability)


def test_a_vehicle_of_the_table_goes_by_its_own_record():
    told = FLEET.frailty_shape / FLEET.frailty_rate
    some = places([60_000, 350_000])
    best, worst = int(np.argmin(told)), int(np.argmax(told))
    assert answer(some, vehicle=best).reliability > answer(some, vehicle=worst).reliability


@pytest.mark.parametrize(
    ("some", "km", "words"),
    [
        (places([60_000]), 0.0, "say how far"),
        (places([-1.0]), 600.0, "below zero"),
        (places([60_000], stops=np.array([1.5])), 600.0, "between 0 and 1"),
    ],
)
def test_bad_questions_are_refused_in_words(some, km, words):
    with pytest.raises(BadData, match=words):
        answer(some, km)


def test_the_same_question_has_the_same_answer_bit_for_bit():
    some = places([60_000, np.nan, 350_000])
    one, two = answer(some), answer(replace(some))
    assert one.floor.tobytes() == two.floor.tobytes()
    assert one.reliability.tobytes() == two.reliability.tobytes()


# --- consists ---------------------------------------------------------------------------------


@given(st.lists(st.floats(0.5, 0.999), min_size=1, max_size=6), st.data())
def test_without_a_shared_effect_a_consist_is_counted_as_by_hand(chances, data):
    needed = data.draw(st.integers(0, len(chances)))
    by_hand = sum(
        np.prod([p if works else 1 - p for p, works in zip(chances, some, strict=True)])
        for some in product([True, False], repeat=len(chances))
        if sum(some) >= needed
    )
    assert consist_chance(np.array(chances), 0.0, needed) == pytest.approx(by_hand)


@given(st.lists(st.floats(0.6, 0.9999), min_size=2, max_size=20), st.floats(0.1, 0.8))
def test_units_that_share_weather_all_arrive_more_often_than_their_product_says(chances, sd):
    assert consist_chance(np.array(chances), sd) >= np.prod(chances) - 1e-9


def test_a_single_unit_keeps_the_chance_it_came_with():
    assert consist_chance(np.array([0.97]), 0.5) == pytest.approx(0.97, abs=1e-9)
