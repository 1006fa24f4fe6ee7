from dataclasses import replace

import numpy as np
import pytest

from railtrace.analysis.plausibility import (
    COPIES_BY_CHANCE,
    Presence,
    Series,
    copied,
    favourite_digits,
    grown,
    honest_pairs,
    in_two_places,
)
from railtrace.errors import BadData


def honest(rng: np.random.Generator, count: int, places: int = 8) -> list[Series]:
    """Return series of flanges in tenths of a millimetre, each unit with a level of its own."""
    level = rng.normal(295, 12, count)
    return [
        Series(tuple(np.rint(rng.normal(level[n], 6, places)).astype(int).tolist()), f"u{n}")
        for n in range(count)
    ]


def test_seeded_copies_are_found_and_honest_series_are_left_alone():
    false_alarms, found, planted = 0, 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        series = honest(rng, 200)
        assert all(len(s.readings) == 8 for s in series)
        false_alarms += len(copied(series))
        # A copy, and a copy with one number changed so that it looks taken anew.
        changed = (*series[5].readings[:-1], series[5].readings[-1] + 1)
        seeded = [*series, Series(series[3].readings, "copy"), Series(changed, "touched up")]
        rows = {s.rows for s in copied(seeded)}
        found += ((3, 200) in rows) + ((5, 201) in rows)
        planted += 2
    assert found / planted > 0.95
    assert false_alarms <= 20 * COPIES_BY_CHANCE / 2


def wheels_of_an_age(rng: np.random.Generator, count: int) -> list[Series]:
    """Return flange, tread and rim, left and right, that all follow from the run since turning."""
    run, rim = rng.gamma(1.2, 20, count), rng.normal(600, 60, count)
    true = np.stack([320 - run, 320 - run, run, run, rim, rim], axis=1)
    read = np.rint(true + rng.normal(0, 1.2, true.shape)).astype(int)
    return [Series(tuple(row), f"u{n}") for n, row in enumerate(read.tolist())]


def test_wheelsets_of_one_age_are_no_copies_of_each_other():
    named = sum(len(copied(wheels_of_an_age(np.random.default_rng(s), 250))) for s in range(12))
    assert named <= 12 * COPIES_BY_CHANCE


def test_only_series_on_one_blank_are_compared():
    rng = np.random.default_rng(4)
    tyred = [replace(s, blank="tyre") for s in honest(rng, 100)]
    rimmed = [replace(s, blank="rim") for s in honest(rng, 100)]
    assert copied([*tyred, *rimmed, replace(tyred[0], blank="rim")]) == []
    [found] = copied([*tyred, *rimmed, tyred[0]])
    assert found.rows == (0, 200)


def test_honest_pairs_thin_out_as_they_last_did():
    expected = honest_pairs(np.array([40_000, 2_400, 300, 30, 9, 8, 8]))
    assert expected[3] == pytest.approx(30 + expected[4])
    assert 1 < expected[4] < 10
    assert 0.001 < expected[6] < expected[5] < 0.5


def test_agreement_of_coarse_readings_is_no_copy():
    rng = np.random.default_rng(1)
    coarse = [Series(tuple(rng.choice([290, 295, 300], 4).tolist()), f"u{n}") for n in range(100)]
    assert copied(coarse) == []


def test_a_worker_who_likes_fives_is_named_with_his_digit():
    rng = np.random.default_rng(2)
    tenths = rng.integers(250, 330, 900)
    worker = np.repeat([0, 1, 2], 300)
    lazy = worker == 1
    tenths[lazy] = np.where(rng.random(300) < 0.4, tenths[lazy] // 10 * 10 + 5, tenths[lazy])
    [one] = favourite_digits(tenths, worker)
    assert (one.values["worker"], one.values["digit"]) == (1, 5)
    assert one.values["share"] > 0.35


def test_few_readings_have_no_favourite_digits():
    assert favourite_digits(np.full(40, 255), np.zeros(40, int)) == []


def test_honest_workers_are_named_as_seldom_as_said():
    rng = np.random.default_rng(3)
    named = sum(
        bool(favourite_digits(rng.integers(250, 330, 400), np.repeat(np.arange(4), 100)))
        for _ in range(200)
    )
    assert named <= 8


def test_a_wheel_that_grew_without_a_reason_is_questioned_and_a_re_tyred_one_is_not():
    value = np.array([60.0, 59.1, 63.0, 62.4, 62.5])
    wheel, order = np.zeros(5, int), np.arange(5)
    questioned = grown(value, np.full(5, 0.1), wheel, order, [False] * 5)
    assert [s.rows for s in questioned] == [(1, 2)]
    re_tyred = [False, False, True, False, False]
    assert grown(value, np.full(5, 0.1), wheel, order, re_tyred) == []


def test_a_gauge_without_error_cannot_judge_growth():
    with pytest.raises(BadData, match="without any error"):
        grown(np.array([1.0]), np.array([0.0]), np.array([0]), np.array([0]), [False])


def test_one_person_at_two_sites_faster_than_the_way_takes_is_named():
    works = [
        Presence("p1", "dushanbe", 0, 30), Presence("p1", "khujand", 60, 90),
        Presence("p1", "dushanbe", 500, 510), Presence("p2", "khujand", 0, 400),
    ]  # fmt: skip
    travel = {frozenset({"dushanbe", "khujand"}): 300.0}
    assert [s.rows for s in in_two_places(works, travel)] == [(0, 1)]
    assert in_two_places(works, {}) == []
    overlapping = [Presence("p", "a", 0, 30), Presence("p", "b", 10, 20)]
    assert len(in_two_places(overlapping, {})) == 1
