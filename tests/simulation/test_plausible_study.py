"""Seeded fakes are found, honest work is left alone."""

import pytest

from railtrace.simulation.plausible_study import NAMES, recall


def test_seeded_fakes_of_a_small_railway_are_found_and_nothing_else() -> None:
    found = {one.name: one for one in recall(0.05, 60, seed=1)}
    assert set(found) == set(NAMES)
    for one in found.values():
        assert one.planted > 0, one
        assert one.found >= 0.75 * one.planted, one
        assert one.false <= 1, one


@pytest.mark.nightly
def test_recall_and_false_alarms_of_a_whole_year() -> None:
    for one in recall(0.3, 104, seed=3):
        assert one.found >= 0.85 * one.planted, one
        assert one.false <= 2, one
