from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.exposure import Stretches, failing_ages, inferred_ages, tabulate
from railtrace.errors import BadData


def pieces(seed: int, count: int = 200, missing: float = 0.3) -> Stretches:
    rng = np.random.default_rng(seed)
    entry = rng.uniform(0, 400_000, count)
    entry[1:][rng.random(count - 1) < missing] = np.nan
    return Stretches(
        component=rng.integers(0, 3, count), vehicle=rng.integers(0, 5, count), entry_km=entry,
        span_km=rng.uniform(1, 90_000, count), driving=rng.normal(size=count),
        failed=rng.random(count) < 0.2, components=3, vehicles=5,
    )  # fmt: skip


@given(st.integers(0, 10_000))
def test_no_kilometre_and_no_failure_is_lost_or_made(seed):
    given_ = pieces(seed)
    table, ages = tabulate(given_)
    assert np.sum(table.span_km) == pytest.approx(np.sum(given_.span_km))
    assert np.sum(table.failures) == pytest.approx(np.sum(given_.failed))
    for vehicle in range(5):
        mine = given_.vehicle == vehicle
        assert np.sum(table.span_km[table.vehicle == vehicle]) == pytest.approx(
            np.sum(given_.span_km[mine])
        )
    np.testing.assert_allclose(ages.share.sum(axis=1), 1)


def test_a_long_piece_counts_at_each_age_it_passes_and_fails_at_its_end():
    long = Stretches(
        component=np.array([0]), vehicle=np.array([0]), entry_km=np.array([0.0]),
        span_km=np.array([300_000.0]), driving=np.zeros(1), failed=np.array([True]),
        components=1, vehicles=1,
    )  # fmt: skip
    table, _ = tabulate(long)
    assert len(table.span_km) > 10
    assert table.age_km[np.argmax(table.failures)] == np.max(table.age_km)


def test_a_type_of_mostly_unknown_ages_counts_without_age():
    # The known ones are the newly bought: their ages are not those of the rest.
    mostly = pieces(2, count=400, missing=0.9)
    table, ages = tabulate(mostly)
    assert ages.ageless.all()
    assert all(len(set(table.age_km[table.component == k])) == 1 for k in range(3))


def test_types_fail_at_the_age_of_their_failures_with_the_middle_of_their_kilometres_beside():
    some = Stretches(
        component=np.array([0, 0, 0, 1, 1]), vehicle=np.zeros(5, int),
        entry_km=np.array([0.0, 20_000, np.nan, np.nan, 5_000]),
        span_km=np.array([100_000.0, 60_000, 50_000, 90_000, 1_000]), driving=np.zeros(5),
        failed=np.array([True, False, True, True, False]), components=2, vehicles=1,
    )  # fmt: skip
    middle = (100 * 50_000 + 60 * 50_000) / 160
    known, ageless = failing_ages(some)
    assert known == pytest.approx((100_000 + middle) / 2)
    assert np.isnan(ageless)


@given(st.integers(0, 10_000), st.floats(0, 1e5))
def test_only_a_missing_age_of_what_failed_is_inferred_and_no_kilometre_is_lost(seed, mended):
    given_ = pieces(seed)
    at = np.where(given_.failed, mended, np.nan)
    told = inferred_ages(given_.entry_km, at, failing_ages(given_)[given_.component], 0.25)
    known = ~np.isnan(given_.entry_km)
    np.testing.assert_array_equal(told[known], given_.entry_km[known])
    assert np.isnan(told[~known & ~given_.failed]).all()
    table, _ = tabulate(replace(given_, entry_km=told))
    assert np.sum(table.span_km) == pytest.approx(np.sum(given_.span_km))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("span_km", 0.0, "not above zero"),
        ("entry_km", -1.0, "below zero"),
    ],
)
def test_bad_pieces_are_refused_in_words(column, value, words):
    whole = pieces(1, count=1, missing=0)
    broken = Stretches(**{**vars(whole), column: np.array([value])})
    with pytest.raises(BadData, match=words):
        tabulate(broken)
