"""Long series drawn in few points that look the same: first, least, greatest and last of a bucket.

Source: Jugel, Jerzak, Hackenbroich & Markl, M4: a visualization-oriented time series data
aggregation, PVLDB 7 (2014) 797-808.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def kept(seconds: Floats, values: Floats, buckets: int) -> Ints:
    """Return the indexes that stand for a series in so many buckets of time, in order.

    Parameters
    ----------
    seconds : shape (n,), ascending
    values : shape (n,); where there is none a bucket keeps its first and last row, so that a gap
        stays a gap

    Every kept point is a row of the file: nothing is averaged, no peak is lost.
    """
    count = len(seconds)
    if count <= 4 * buckets:
        return np.arange(count)
    span = seconds[-1] - seconds[0]
    bucket = np.minimum(((seconds - seconds[0]) / span * buckets).astype(np.int64), buckets - 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    stops = np.append(starts[1:], count) - 1
    known = np.isfinite(values)
    low = _extreme(np.where(known, values, np.inf), starts)
    high = _extreme(np.where(known, -values, np.inf), starts)
    return np.unique(np.concatenate([starts, low, high, stops]))


def _extreme(values: Floats, starts: Ints) -> Ints:
    """Return where the least value of each bucket stands first."""
    least = np.minimum.reduceat(values, starts)
    place = np.searchsorted(starts, np.arange(len(values)), side="right") - 1
    where = np.flatnonzero(values == least[place])
    _, first = np.unique(place[where], return_index=True)
    return np.asarray(where[first])
