"""A long series in few points: no peak is lost, nothing is invented."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.thinning import kept


@given(st.integers(1, 5000), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_every_kept_point_is_a_row_and_the_extremes_stay(count, buckets, seed):
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.uniform(0.5, 3, count))
    values = rng.normal(size=count)
    values[rng.random(count) < 0.1] = np.nan
    index = kept(seconds, values, buckets)
    assert (np.diff(index) > 0).all()
    assert (index[0], index[-1]) == (0, count - 1)
    assert len(index) <= max(4 * buckets, count if count <= 4 * buckets else 0)
    if np.isfinite(values).any():
        assert np.nanmax(values[index]) == np.nanmax(values)
        assert np.nanmin(values[index]) == np.nanmin(values)


def test_one_second_of_a_day_is_still_seen():
    values = np.zeros(86_400)
    values[47_111] = 1.0
    index = kept(np.arange(86_400.0), values, 600)
    assert 47_111 in index
    assert len(index) < 2400
