"""A part's own kilometres: what its carriers ran while it was on them, resolved when read.

Nothing is pushed to parts. A part's counter is its own opening figure plus, for every stay, the
carrier's counter at the end less that at the beginning; carriers nest (bearing in box in
wheelset in wagon).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from railtrace.projections.genealogy import Stay


class Counter:
    """One unit's own counter [thousandths] over time, by anchors and runs in life order.

    An anchor and a run at one moment: the anchor was read after the run.
    """

    def __init__(
        self, anchors: Iterable[tuple[int, int]] = (), runs: Iterable[tuple[int, int]] = ()
    ) -> None:
        self._anchors = sorted(anchors, key=lambda a: a[0])
        ordered = sorted(runs)
        self._run_times = [at for at, _ in ordered]
        self._sums = [0, *accumulate(length for _, length in ordered)]

    @property
    def first_us(self) -> int | None:
        """From when the counter is known: its first anchor, or just before its first run."""
        firsts = [at for at, _ in self._anchors[:1]] + [at - 1 for at in self._run_times[:1]]
        return min(firsts, default=None)

    def _ran(self, us: int) -> int:
        return self._sums[bisect_right(self._run_times, us)]

    def anchor_before(self, us: int) -> tuple[int, int] | None:
        """Return the last anchor at or before a moment."""
        index = bisect_right(self._anchors, us, key=lambda a: a[0])
        return self._anchors[index - 1] if index else None

    def at_each(self, moments: Sequence[int]) -> list[int]:
        """Return the counter at several moments."""
        if self._anchors:
            return [self.at(us) for us in moments]
        sums, times = self._sums, self._run_times
        return [sums[bisect_right(times, us)] for us in moments]

    def at(self, us: int) -> int:
        """Return the counter at a moment."""
        if not self._anchors:
            return self._ran(us)
        anchor = self.anchor_before(us)
        if anchor is None:
            return self._ran(us)
        since, total = anchor
        return total + self._ran(us) - self._ran(since)


class Mileage:
    """Counters of units and the parts on them, from two readers given by the caller."""

    def __init__(
        self,
        counter: Callable[[str], Counter],
        stays: Callable[[str], Sequence[Stay]],
    ) -> None:
        self._counter = counter
        self._stays = stays

    def at(self, unit: str, us: int, _above: tuple[str, ...] = ()) -> int:
        """Return a unit's counter at a moment, what its carriers ran included [thousandths]."""
        if unit in _above:
            return 0
        counter = self._counter(unit)
        anchor = counter.anchor_before(us)
        since = anchor[0] if anchor else None
        total = counter.at(us)
        for stay in self._stays(unit):
            if stay.from_us is None:
                continue
            start = stay.from_us if since is None else max(stay.from_us, since)
            stop = us if stay.to_us is None else min(stay.to_us, us)
            if start < stop:
                above = (*_above, unit)
                total += self.at(stay.carrier, stop, above) - self.at(stay.carrier, start, above)
        return total
