"""How long units stay: every unit is in a bin or beyond, percentiles stand where they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.depot_simulation import Run
from railtrace.web.planning.distribution import spread

SHARES = (0.5, 0.8, 0.95)


def runs_of(*times: list[float]) -> list[Run]:
    return [Run({"p": np.array(some)}, {}, {}, {}, {}, {}) for some in times]


times = st.lists(st.floats(0.01, 5000), min_size=1, max_size=40)


@given(st.lists(times, min_size=2, max_size=5))
def test_every_unit_is_in_one_bin_or_beyond(some):
    found = spread("p", "p", runs_of(*some), SHARES)
    assert found is not None
    drawn = sum(each.share.mean for each in found.bins)
    assert drawn + found.beyond.mean == pytest.approx(1.0)
    assert 0.0 <= found.bins[0].from_h <= min(min(each) for each in some)
    assert all(0 <= each.top <= 100.0001 and each.high <= each.low for each in found.bins)
    assert all(0 <= mark.middle <= 100.0001 for mark in found.marks)


def test_a_percentile_stands_among_the_units_it_parts():
    found = spread("p", "p", runs_of([float(n) for n in range(1, 101)] * 2, [50.0] * 50), SHARES)
    assert found is not None
    half = found.marks[0]
    assert half.hours.mean == pytest.approx(50.25)
    first_h = found.bins[0].from_h
    assert half.middle == pytest.approx(100 * (50.25 - first_h) / (found.last_h - first_h))
    assert half.left <= half.middle <= half.left + half.width
    modal = max(found.bins, key=lambda each: each.share.mean)
    assert modal.from_h <= 50 <= modal.to_h


def test_what_never_was_finished_has_no_picture():
    assert spread("p", "p", runs_of([], []), SHARES) is None
