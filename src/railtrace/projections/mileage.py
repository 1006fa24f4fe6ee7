"""A part's own kilometres: what its carriers ran while it was on them, resolved when read.

Nothing is pushed to parts. A part's counter is its own opening figure plus, for every stay, the
carrier's counter at the end less that at the beginning; carriers nest (bearing in box in
wheelset in wagon).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from railtrace.projections.genealogy import Stay

_ROUNDING = 1000
"""A meter shows whole units: one more or less than was counted is rounding [thousandths]."""


class Counter:
    """One unit's own counter [thousandths] over time, by anchors and runs in life order.

    An anchor and a run at one moment: the anchor was read after the run. What the first anchor
    shows beyond the runs before it was run before all of them: it is no run of that moment.
    """

    def __init__(
        self, anchors: Iterable[tuple[int, int]] = (), runs: Iterable[tuple[int, int]] = ()
    ) -> None:
        self._anchors = sorted(anchors, key=lambda a: a[0])
        ordered = sorted(runs)
        self._run_times = [at for at, _ in ordered]
        self._sums = [0, *accumulate([length for _, length in ordered])]

    @property
    def first_us(self) -> int | None:
        """From when the counter is known: its first anchor, or just before its first run."""
        firsts = [at for at, _ in self._anchors[:1]] + [at - 1 for at in self._run_times[:1]]
        return min(firsts, default=None)

    def ran_by(self, us: int) -> int:
        """Return the sum of the runs up to a moment."""
        return self._sums[bisect_right(self._run_times, us)]

    @property
    def first_anchor(self) -> tuple[int, int] | None:
        """The first anchor of all."""
        return self._anchors[0] if self._anchors else None

    def told(self, from_us: int, to_us: int) -> tuple[list[int], list[int]]:
        """Return the moments within a window at which something is told, and what was run by then.

        Ends of runs, the first anchor, and anchors that show more than the runs before them. What
        was run is counted from a beginning that all of them have in common.
        """
        begin, end = bisect_right(self._run_times, from_us), bisect_right(self._run_times, to_us)
        times = self._run_times[begin:end]
        if len(self._anchors) <= 1 and times:
            extra = [at for at, _ in self._anchors if from_us < at < times[0]]
            lead = [self._sums[begin]] if extra else []
            return extra + times, lead + self._sums[begin + 1 : end + 1]
        shown = [at for n, (at, total) in enumerate(self._anchors) if from_us < at <= to_us
                 and (n == 0 or total - self.at(at - 1) > _ROUNDING)]  # fmt: skip
        all_times = sorted({*times, *shown})
        return all_times, [self.at(us) for us in all_times]

    def _lead(self) -> int:
        """What had been run before the first run, as the first anchor tells."""
        at_us, total = self._anchors[0]
        return max(total - self.ran_by(at_us), 0)

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
            return self.ran_by(us)
        anchor = self.anchor_before(us)
        if anchor is None:
            return self._lead() + self.ran_by(us)
        since, total = anchor
        return total + self.ran_by(us) - self.ran_by(since)


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
        if anchor is not None:
            return counter.at(us) + self._carried(unit, anchor[0], us, _above)
        return (
            self._lead(unit, counter, _above)
            + counter.ran_by(us) + self._carried(unit, None, us, _above)
        )  # fmt: skip

    def _lead(self, unit: str, counter: Counter, above: tuple[str, ...]) -> int:
        """What a part had run before all that is told of it, as its first anchor tells."""
        if counter.first_anchor is None:
            return 0
        at_us, total = counter.first_anchor
        told = counter.ran_by(at_us) + self._carried(unit, None, at_us, above)
        return max(total - told, 0)

    def _carried(self, unit: str, since: int | None, us: int, above: tuple[str, ...]) -> int:
        """What the carriers ran with a unit on them, from a moment (or ever) to another."""
        total = 0
        for stay in self._stays(unit):
            if stay.from_us is None:
                continue
            start = stay.from_us if since is None else max(stay.from_us, since)
            stop = us if stay.to_us is None else min(stay.to_us, us)
            if start < stop:
                way = (*above, unit)
                total += self.at(stay.carrier, stop, way) - self.at(stay.carrier, start, way)
        return total
