"""Fewer points that look the same: the extremes of each piece, so that no peak is lost."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from railtrace.errors import BadData

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Extremes:
    """Lowest and highest value of each piece of a window; `first` are the samples pieces begin at.

    Where there are no more samples than points, each piece is one sample.
    """

    first: NDArray[np.int64]
    low: Array
    high: Array


def extremes(samples: Array, first: int, last: int, points: int) -> Extremes:
    """Return the extremes of samples [first, last) in at most `points` pieces.

    Raises
    ------
    BadData : an empty window, or no points asked for.
    """
    if points < 1 or not 0 <= first < last <= len(samples):
        raise BadData("samples {first} to {last} of {n} in {points} points are nothing",
                      first=first, last=last, n=len(samples), points=points)  # fmt: skip
    count = min(points, last - first)
    starts = first + (np.arange(count, dtype=np.int64) * (last - first)) // count
    window = samples[:last]
    return Extremes(
        starts, np.minimum.reduceat(window, starts), np.maximum.reduceat(window, starts)
    )


def highest(values: Array, points: int) -> tuple[NDArray[np.int64], Array]:
    """Return (index, value) of the highest of each of at most `points` pieces: lines stay lines."""
    if points < 1 or not len(values):
        raise BadData("{n} values in {points} points are nothing", n=len(values), points=points)
    count = min(points, len(values))
    edges = (np.arange(count + 1, dtype=np.int64) * len(values)) // count
    at = np.array([a + int(np.argmax(values[a:b])) for a, b in pairwise(edges.tolist())])
    return at, values[at]
