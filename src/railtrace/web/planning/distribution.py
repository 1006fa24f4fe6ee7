"""How long units stay, as it is spread: a histogram over the runs with percentiles and intervals.

Every bin is the share of a run's units, its mean over the runs and the 95 % interval of that mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.depot_simulation import Estimate, Run, estimate, percentile_h

MOST_BINS = 24
_SHOWN = 0.99
"""Units that stay longer than this share of all are told together, not drawn."""
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_TICKS = 6


@dataclass(frozen=True)
class Bin:
    """Units that stayed from one hour to another; its place in hundredths of the picture."""

    from_h: float
    to_h: float
    share: Estimate
    left: float
    width: float
    top: float
    height: float
    low: float
    high: float
    """Of the interval, from the top."""

    @property
    def middle(self) -> float:
        """Where its interval stands."""
        return self.left + self.width / 2


@dataclass(frozen=True)
class Mark:
    """A percentile: where its interval lies in hundredths, and its middle."""

    share: float
    hours: Estimate
    left: float
    width: float
    middle: float

    @property
    def from_right(self) -> float:
        """Its middle from the right edge."""
        return 100 - self.middle


@dataclass(frozen=True)
class Spread:
    """How long the units of a process stay."""

    name: str
    bins: tuple[Bin, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, float], ...]
    """Place in hundredths, and hours."""
    beyond: Estimate
    """Share of the units that stayed longer than is drawn."""
    units: int

    @property
    def last_h(self) -> float:
        """The hour at which the picture ends."""
        return self.bins[-1].to_h


def spread(name: str, process: str, runs: Sequence[Run], shares: Sequence[float]) -> Spread | None:
    """Return how the turnaround of a process is spread; None where nothing was finished."""
    times = [run.turnaround_h[process] for run in runs if len(run.turnaround_h[process])]
    if not times:
        return None
    marks = [(share, percentile_h(runs, process, share)) for share in shares]
    every = np.concatenate(times)
    until = max([float(np.quantile(every, _SHOWN)), *(hours.mean for _, hours in marks)])
    step = _round_step((until - float(every.min())) / MOST_BINS or until / MOST_BINS)
    first = int(every.min() // step)
    edges = step * np.arange(first, max(first + 1, np.ceil(until / step)) + 1)
    counted = np.array([np.histogram(each, edges)[0] / len(each) for each in times])
    found = [estimate(counted[:, n].tolist()) for n in range(len(edges) - 1)]
    beyond = estimate([float(np.mean(each > edges[-1])) for each in times])
    return Spread(name, tuple(_bins(edges.tolist(), found)),
                  tuple(_mark(share, hours, edges[0], edges[-1]) for share, hours in marks),
                  tuple(_ticks(float(edges[0]), float(edges[-1]))), beyond, len(every))  # fmt: skip


def _round_step(least: float) -> float:
    """Return the least round step that is not below."""
    power = 10.0 ** np.floor(np.log10(max(least, 1e-3)))
    return float(next(power * each for each in _ROUND if power * each >= least * (1 - 1e-9)))


def _bins(edges: Sequence[float], found: Sequence[Estimate]) -> Iterator[Bin]:
    most = max(min(each.high, 1.0) if each.high < np.inf else each.mean for each in found) or 1.0
    width = 100 / len(found)
    for n, each in enumerate(found):
        high, low = (min(max(side / most, 0.0), 1.0) for side in (each.high, each.low))
        known = each.high < np.inf
        height = 100 * each.mean / most
        yield Bin(edges[n], edges[n + 1], each, n * width, width, 100 - height, height,
                  100 * (1 - low) if known else 100 - height,
                  100 * (1 - high) if known else 100 - height)  # fmt: skip


def _mark(share: float, hours: Estimate, first_h: float, last_h: float) -> Mark:
    def place(at: float) -> float:
        return float(min(max(100 * (at - first_h) / (last_h - first_h), 0.0), 100.0))

    middle = place(hours.mean)
    low, high = (place(side) if np.isfinite(side) else middle for side in (hours.low, hours.high))
    return Mark(share, hours, low, high - low, middle)


def _ticks(first_h: float, last_h: float) -> Iterator[tuple[float, float]]:
    step = _round_step((last_h - first_h) / _MOST_TICKS)
    begin = step * np.ceil(first_h / step - 1e-9)
    for hours in np.arange(begin, last_h - step / 2, step).tolist():
        yield 100 * (hours - first_h) / (last_h - first_h), round(hours, 6)
