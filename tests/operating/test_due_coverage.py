"""Dues as the store tells them come when they are told, on the known-truth railway."""

import pytest

from railtrace.operating.due_coverage import Asked, over, study


def test_most_dues_of_a_small_railway_come_inside_what_was_told() -> None:
    # So few of so few units, which run alike: a band that a broken forecast leaves, no more.
    by_kind = {asked.what: asked for asked in study(1, 0.05, seen=104, ahead=52)}
    for what in ("km", "wear"):
        assert by_kind[what].scored > 10, by_kind
        assert by_kind[what].share > 0.7, by_kind


def test_railways_are_put_together_by_what_each_scored() -> None:
    (told,) = over([[Asked("km", 10, 9, 1)], [Asked("km", 30, 27, 0)], [Asked("km", 0, 0, 0)]])
    assert (told.railways, told.scored, told.share) == (2, 40, 0.9)
    assert told.half == 0
    assert told.before == 1 / 40


@pytest.mark.nightly
def test_intervals_of_nominal_90_per_cent_hold_over_many_railways() -> None:
    for told in over([study(seed) for seed in range(1, 21)]):
        assert told.scored > 300
        assert told.share + told.half >= 0.87, told
        assert told.share - told.half <= 0.93, told
