"""What units ran from one period to the next, from runs that are told when they end.

A run is told by its end, and what it was lies evenly between the end before and its own. The stay
of a repair that ends an interval lies at the interval's end, not within it: a gap between two runs
in which a unit was in such a repair counts neither as time nor as way. The last run lies some
time back: as long as it usually is from one to the next, the unit may have run on untold; beyond
that it stood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.run_rate import PERIOD_DAYS, Floats

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Told = tuple[Sequence[float], Sequence[float]]
"""When each run of a unit ended [days since 1970], rising, and what it had run by then."""

_LEAST_SHARE = 0.25
"""A period of which less than this counts says nothing."""


@dataclass(frozen=True)
class Stays:
    """Gaps between runs with a repair in them; `open` the units in one since their last run."""

    gap: Flags
    open: Flags


class RunHistory:
    """Runs of units that do alike work, over whole periods up to now."""

    def __init__(self, told: Sequence[Told], first: int, count: int, now_day: float) -> None:
        """Take the runs of each unit within the periods `first` to `first + count`, and since."""
        self._first_day, self._count = first * PERIOD_DAYS, count
        self._now, self._span = now_day - self._first_day, (count + 1) * PERIOD_DAYS + 4
        sizes = np.array([len(days) for days, _ in told], dtype=np.int64)
        self._ends = np.cumsum(sizes)
        self._starts, self._empty = self._ends - sizes, sizes == 0
        self._unit = np.repeat(np.arange(len(told)), sizes)
        day = np.array([d for days, _ in told for d in days], dtype=float) - self._first_day
        by_then = np.array([r for _, ran in told for r in ran], dtype=float)
        self._key = self._unit * self._span + day
        begins = np.zeros(len(day), dtype=np.bool_)
        begins[self._starts[~self._empty]] = True
        self._gap = np.where(begins, 0.0, np.diff(day, prepend=0.0))
        self._ran = np.where(begins, 0.0, np.maximum(np.diff(by_then, prepend=0.0), 0.0))
        self._begin = self._of_each(day, self._starts)
        self._last = self._of_each(day, self._ends - 1)
        self._usual = self._medians(begins)

    def _of_each(self, values: Floats, index: Ints) -> Floats:
        if not len(values):
            return np.zeros(len(index))
        return np.where(self._empty, 0.0, values[np.clip(index, 0, len(values) - 1)])

    def _medians(self, begins: Flags) -> Floats:
        """Return how long it is usually from one run to the next, of each unit [days]."""
        unit, gap = self._unit[~begins], self._gap[~begins]
        gap = gap[np.lexsort((gap, unit))]
        sizes = np.bincount(unit, minlength=len(self._ends))
        middle = np.cumsum(sizes) - sizes + sizes // 2
        found = gap[np.minimum(middle, len(gap) - 1)] if len(gap) else np.zeros(len(sizes))
        return np.where(sizes > 0, found, 0.0)

    def stays(self, unit: Ints, from_day: Floats, to_day: Floats) -> Stays:
        """Return the gaps in which units were in repairs, given by unit, beginning and end."""
        gap = np.zeros(len(self._key) + 1, dtype=np.int64)
        begin, end = self._starts[unit], self._ends[unit]
        after = self._at(unit, from_day, "right")
        before = self._at(unit, to_day, "left")
        opened = np.zeros(len(self._ends), dtype=np.bool_)
        opened[unit[before >= end]] = True
        low, high = np.maximum(after, begin + 1), np.minimum(before, end - 1)
        held = low <= high
        np.add.at(gap, low[held], 1)
        np.add.at(gap, high[held] + 1, -1)
        return Stays(np.cumsum(gap)[:-1] > 0, opened)

    def _at(self, unit: Ints, day: Floats, side: str) -> Ints:
        inside = np.clip(day - self._first_day, -1.0, self._span - 2)
        return np.searchsorted(self._key, unit * self._span + inside, side=side)  # type: ignore[call-overload, no-any-return]

    def runs(self, out: Stays | None = None) -> Floats:
        """Return what was run in each whole period, as of a period that counts whole; NaN unknown.

        `out` are the stays that do not count.
        """
        shape = len(self._ends), self._count
        if not len(self._key):
            return np.full(shape, np.nan)
        kept = np.ones(len(self._key)) if out is None else 1.0 - out.gap
        edges = np.arange(self._count + 1) * PERIOD_DAYS
        inside = np.clip(edges, self._begin[:, None], self._last[:, None])
        key = np.arange(shape[0])[:, None] * self._span + inside
        ran = np.diff(np.interp(key, self._key, np.cumsum(self._ran * kept)), axis=1)
        time = np.diff(np.interp(key, self._key, np.cumsum(self._gap * kept)), axis=1)
        stood = np.clip(edges - (self._last + self._usual)[:, None], 0.0, None)
        if out is not None:
            stood[out.open] = 0.0
        share = (time + np.diff(stood, axis=1)) / PERIOD_DAYS
        share[self._empty] = 0.0
        return np.where(share > _LEAST_SHARE, ran / np.maximum(share, _LEAST_SHARE), np.nan)

    def untold(self, repairs: Stays | None = None) -> Floats:
        """Return for how long each unit may have run on since what is told of it [days].

        None of a unit that came into a repair since.
        """
        found = np.minimum(self._now - self._last, self._usual)
        stands = self._empty if repairs is None else self._empty | repairs.open
        return np.where(stands, 0.0, np.maximum(found, 0.0))
