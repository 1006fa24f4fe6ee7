"""Fewer points lose no peak."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.decimate import extremes, highest
from railtrace.errors import BadData


@given(st.integers(1, 300), st.integers(0, 2**31), st.data())
def test_the_extremes_of_a_window_are_those_of_its_pieces(points, seed, data):
    samples = np.random.default_rng(seed).standard_normal(data.draw(st.integers(1, 2_000)))
    first = data.draw(st.integers(0, len(samples) - 1))
    last = data.draw(st.integers(first + 1, len(samples)))
    found = extremes(samples, first, last, points)
    assert len(found.first) <= points
    assert found.low.min() == samples[first:last].min()
    assert found.high.max() == samples[first:last].max()
    assert np.all(np.diff(found.first) > 0)


@given(st.integers(1, 300), st.integers(1, 2_000))
def test_the_highest_line_stays_where_it_is(points, n):
    values = np.random.default_rng(n).standard_normal(n)
    at, level = highest(values, points)
    assert len(at) <= points
    assert at[np.argmax(level)] == np.argmax(values)


def test_nothing_is_refused():
    with pytest.raises(BadData):
        extremes(np.ones(5), 3, 3, 10)
    with pytest.raises(BadData):
        highest(np.ones(0), 10)
