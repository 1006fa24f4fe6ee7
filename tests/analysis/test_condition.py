"""What verdicts and wear make of a run: laws, and answers by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.condition import (
    WORDS,
    Condition,
    WearAt,
    condition_prior,
    crossing_stops,
    faded,
    verdicts,
)
from railtrace.analysis.run_reliability import without
from railtrace.analysis.wear import WearState
from railtrace.errors import BadData, CatalogueError
from tests.analysis.test_run_reliability import answer, places

PRIOR = condition_prior()
SURE = replace(PRIOR, worth_cases=1e-9, most=1e9)

pairs = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(["damage", "no_damage", "unknown"])),
    max_size=30,
)


def worth(*rows, prior=PRIOR):
    return verdicts([word for word, _ in rows], [found for _, found in rows], prior)


def test_a_verdict_is_worth_its_record_by_hand():
    rows = [*[("alarm", "damage")] * 8, *[("alarm", "no_damage")] * 2,
            *[("sound", "no_damage")] * 9, ("sound", "damage"),
            *[("sound", "unknown")] * 80]  # fmt: skip
    told = worth(*rows, prior=SURE)
    alarm, sound = (PRIOR.unseen_share + (1 - PRIOR.unseen_share) * p for p in (0.8, 0.1))
    ratio = told.mean[WORDS.index("alarm")] / told.mean[WORDS.index("sound")]
    assert ratio == pytest.approx(alarm / sound)
    assert told.looked_into == 20


def test_true_and_false_alarms_are_told_apart_and_before_any_the_worse_word_is_worse():
    true = worth(*[("alarm", "damage")] * 10, *[("sound", "unknown")] * 90)
    false = worth(*[("alarm", "no_damage")] * 10, *[("sound", "unknown")] * 90)
    alarm = WORDS.index("alarm")
    assert true.mean[alarm] > 2 > 1.5 > false.mean[alarm]
    assert np.all(np.diff(worth().mean) > 0)


@given(pairs)
def test_verdicts_leave_the_level_of_the_fleet_where_it_is(rows):
    told = worth(*rows)
    assert float(told.share @ told.mean) == pytest.approx(1)
    assert np.all(told.most >= told.mean)
    assert np.all(told.square >= told.mean**2)


@given(pairs, st.lists(st.sampled_from(WORDS), max_size=30))
def test_verdicts_whose_truth_nobody_knows_move_no_bound(rows, unsettled):
    settled = [(word, found) for word, found in rows if found != "unknown"]
    more = worth(*settled, *[(word, "unknown") for word in unsettled])
    np.testing.assert_array_equal(more.most, worth(*settled).most)


@given(pairs, st.sampled_from(WORDS), st.floats(0, 2000), st.floats(1, 2000))
def test_an_older_verdict_tells_less_and_is_bounded_worse(rows, word, days, more):
    told = worth(*rows)
    now, later = (faded(told, word, d, PRIOR) for d in (days, days + more))
    assert abs(later[0] - 1) <= abs(now[0] - 1) + 1e-12
    assert now[2] <= later[2] + 1e-12 <= told.worst + 1e-9


def test_words_and_files_that_are_none_are_refused_by_name():
    with pytest.raises(BadData, match="perhaps is no verdict"):
        verdicts(["perhaps"], ["unknown"], PRIOR)
    with pytest.raises(BadData, match="in pairs"):
        verdicts(["sound"], [], PRIOR)
    with pytest.raises(CatalogueError, match="no prior file condition-1990"):
        condition_prior("condition-1990")
    with pytest.raises(BadData, match="more than there were"):
        crossing_stops(3, 2, PRIOR)


# --- wear -----------------------------------------------------------------------------------------

STOPS = crossing_stops(1, 19, PRIOR)


def wheels(levels, unmeasured=(), stops=STOPS):
    """Flanges of one key that lose 0.05 mm in 1,000 km; the limit is 25 mm."""
    n = len(levels)
    state = WearState(np.zeros(n), np.array(levels, float), np.full(n, -5e-5), np.full(n, 0.01),
                      np.full(n, 1e-12), np.zeros(n))  # fmt: skip
    return WearAt(np.arange(n), np.zeros(n, int), state, np.full(n, 25.0), np.zeros(n, bool), stops,
                  np.array([(place, 0) for place in unmeasured], int).reshape(-1, 2))  # fmt: skip


def test_a_wheel_near_its_limit_may_cross_it_and_one_far_off_does_not():
    hazard = wheels([25.15, 32.0]).hazards(500)
    # Level 0.15 mm over the limit with 0.1 mm of doubt, 0.025 mm are lost: Φ(-1.25) - Φ(-1.5).
    assert hazard[0] == pytest.approx(0.10565 - 0.06681, rel=0.05)
    assert hazard[1] < 1e-12


def test_what_lies_over_its_limit_crosses_nothing_more():
    assert wheels([23.0]).hazards(500)[0] < 1e-12


@given(st.lists(st.floats(24, 33), min_size=2, max_size=6), st.data(), st.floats(50, 5000))
def test_a_wheel_that_nobody_measured_is_bounded_by_the_worst_of_the_fleet(levels, data, km):
    gone = data.draw(st.integers(0, len(levels) - 1))
    rest = [n for n in range(len(levels)) if n != gone]
    known = wheels(levels)
    some = wheels([levels[n] for n in rest], [len(levels) - 1])
    bound = known.added(len(levels), km)[2]
    assert some.added(len(levels), km)[2][-1] <= np.max(bound) + 1e-12
    mean, variance, most = some.added(len(levels), km)
    assert np.all(mean <= most + 1e-15)
    assert np.all(variance >= 0)


def test_the_fewer_crossings_were_looked_at_the_wider_is_what_they_stop():
    few, many = crossing_stops(0, 2, PRIOR), crossing_stops(0, 200, PRIOR)
    assert few.mean > many.mean
    assert few.most > many.most
    assert crossing_stops(0, 0, PRIOR).mean == pytest.approx(PRIOR.crossing_stops)


# --- runs -----------------------------------------------------------------------------------------

RECORD = worth(*[("alarm", "damage")] * 6, *[("alarm", "no_damage")] * 2,
               *[("sound", "no_damage")] * 6, *[("sound", "unknown")] * 60)  # fmt: skip


def bent(words, wear):
    """The condition of four places: verdicts with None for none, and wear."""
    mean, square, most = (np.ones(4) for _ in range(3))
    for n, word in enumerate(words):
        mean[n], square[n], most[n] = (
            (1.0, RECORD.unknown_square, RECORD.worst) if word is None
            else faded(RECORD, word, 10.0, PRIOR)
        )  # fmt: skip
    return Condition(mean, square, most, *wear.added(4, 600.0))


def test_shares_and_replacements_stay_additive_with_verdicts_and_wear():
    some = places(
        [60_000, 100_000, 350_000, 390_000],
        condition=bent(["alarm", None, "sound", None], wheels([25.2, 26, 25.4, 30])),
    )
    told = answer(some)
    assert np.exp(-np.sum(told.hazard)) == pytest.approx(told.reliability[0])
    assert told.floor <= told.low < told.reliability < told.high
    new = answer(places([0, 100_000, 350_000, 390_000]))
    replaced = without(told, some, 0, float(new.hazard[0]))
    assert replaced == pytest.approx(np.exp(-np.sum(told.hazard[1:]) - new.hazard[0]))
    assert replaced > told.reliability[0]
    assert 0 < told.worn[0] < told.hazard[0]


def test_an_alarm_lowers_the_chance_and_a_sound_verdict_raises_it():
    def chance(word):
        wear = wheels([33.0])
        return answer(places([60_000] * 4, condition=bent([word, None, None, None], wear)))

    alarm, none, sound = chance("alarm"), chance(None), chance("sound")
    assert alarm.reliability < none.reliability < sound.reliability


words = st.lists(st.sampled_from(["alarm", "watch", "sound"]), min_size=4, max_size=4)


@given(words, st.lists(st.floats(24.5, 33), min_size=4, max_size=4), st.data())
def test_taking_verdicts_or_readings_away_never_raises_the_floor(said, levels, data):
    silent = data.draw(st.sets(st.integers(0, 3)))
    unread = data.draw(st.sets(st.integers(0, 2)))
    ages = [60_000, 100_000, 350_000, 390_000]
    whole = wheels(levels)
    known = answer(places(ages, condition=bent(said, whole)))
    less = bent([None if n in silent else word for n, word in enumerate(said)], whole)
    # Nobody read these: each has the bound of the worst that the fleet still has.
    most = np.array([np.max(less.added_most) if n in unread else less.added_most[n]
                     for n in range(4)])  # fmt: skip
    told = answer(places(ages, condition=replace(less, added_most=most)))
    assert told.floor <= known.floor + 1e-12
