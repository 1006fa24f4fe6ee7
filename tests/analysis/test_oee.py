"""OEE of a test stand: valid tests are its good quantity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.oee import Cycle, oee

HOUR = 3600.0


def test_the_factors_are_those_of_iso_22400() -> None:
    cycles = [Cycle(i * HOUR, i * HOUR + 1800, valid=i != 3) for i in range(4)]
    found = oee(cycles, planned=[(0, 8 * HOUR)], ideal_s=1500)
    assert (found.cycles, found.valid, found.produced_s) == (4, 3, 7200)
    assert found.availability == pytest.approx(0.25)
    assert found.effectiveness == pytest.approx(1500 * 4 / 7200)
    assert found.quality == pytest.approx(0.75)
    assert found.oee == pytest.approx(0.25 * 1500 * 4 / 7200 * 0.75)


def test_time_without_a_valid_proof_is_a_loss_of_its_own() -> None:
    cycles = [Cycle(0, HOUR, True), Cycle(HOUR, 2 * HOUR, True, proved=False)]
    found = oee(cycles, planned=[(0, 4 * HOUR)], ideal_s=HOUR)
    assert (found.availability, found.unproved_s, found.quality) == (0.25, HOUR, 0.5)


def test_nothing_known_is_not_zero() -> None:
    found = oee([], planned=[(0, HOUR)], ideal_s=None)
    assert (found.availability, found.effectiveness, found.quality, found.oee) == (
        0, None, None, None,
    )  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.booleans()), max_size=8))
def test_overlapping_cycles_never_make_more_than_the_time_there_is(spans) -> None:
    cycles = [Cycle(min(a, b), max(a, b), v) for a, b, v in spans]
    found = oee(cycles, planned=[(0, 40), (40, 100)], ideal_s=1)
    assert 0 <= found.availability <= 1
    assert found.quality is None or 0 <= found.quality <= 1


def test_what_runs_outside_the_planned_shifts_is_told_apart() -> None:
    day_shift = [(8 * HOUR, 20 * HOUR)]
    cycles = [Cycle(9 * HOUR, 10 * HOUR, True), Cycle(19.5 * HOUR, 20.5 * HOUR, True),
              Cycle(22 * HOUR, 23 * HOUR, True)]  # fmt: skip
    found = oee(cycles, day_shift, ideal_s=HOUR)
    assert (found.produced_s, found.unplanned_s) == (1.5 * HOUR, 1.5 * HOUR)
    assert found.availability == pytest.approx(1.5 / 12)
    assert found.effectiveness == pytest.approx(1)
    assert (found.cycles, found.valid) == (2, 2)
