"""What vehicles of one type run by one meter, for each set of repairs that end an interval."""

from collections.abc import Sequence

import numpy as np

from railtrace.analysis.run_history import RunHistory, Stays
from railtrace.analysis.run_rate import PERIOD_DAYS, Floats, RunRates, reach, run_rates
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.mileage import Counter

PERIOD_US = round(PERIOD_DAYS * DAY_US)
PERIODS_KEPT = 48

RepairStay = tuple[int, str, int, int | None]
"""(row of the vehicle, kind, from µs, to µs); a repair that lasts has no end."""


class Paces:
    """Rates of the vehicles of a type, each rate without the repairs that end what is asked."""

    def __init__(
        self, counters: Sequence[Counter | None], repairs: Sequence[RepairStay], now_us: int
    ) -> None:
        self._now_us, self._slot = now_us, now_us // PERIOD_US
        self._first = self._slot - PERIODS_KEPT
        told = [_told(counter, self._first * PERIOD_US, now_us) for counter in counters]
        self._history = RunHistory(told, self._first, PERIODS_KEPT, now_us / DAY_US)
        begun = [stay for stay in repairs if stay[2] < now_us]
        self._rows = np.array([row for row, _, _, _ in begun], dtype=np.int64)
        self._kind = np.array([kind for _, kind, _, _ in begun], dtype=str)
        self._from = np.array([from_us for _, _, from_us, _ in begun], dtype=float) / DAY_US
        ends = [now_us if to_us is None else min(to_us, now_us) for _, _, _, to_us in begun]
        self._to = np.array(ends, dtype=float) / DAY_US
        self._kinds = frozenset(self._kind.tolist())
        self._untold = self._history.untold(self._stays(self._kinds))
        self._found: dict[frozenset[str], RunRates] = {}

    def rates(self, ends: frozenset[str]) -> RunRates:
        """Return the rates outside the repairs of some kinds."""
        if ends not in self._found:
            had = ends & self._kinds
            self._found[ends] = self._fitted(ends) if had == ends else self.rates(had)
        return self._found[ends]

    def _fitted(self, ends: frozenset[str]) -> RunRates:
        runs = self._history.runs(self._stays(ends))
        known = np.flatnonzero(np.isfinite(runs).any(axis=0))
        start = int(known[0]) if len(known) else PERIODS_KEPT
        return run_rates(runs[:, start:], self._first + start)

    def reach(
        self, remaining: Sequence[float], rows: Sequence[int], ends: frozenset[str]
    ) -> Floats:
        """Return after how many days each remainder is used up: 5 %, 50 % and 95 %.

        What a vehicle may have run since what is told of it is used up already.
        """
        rates, at = self.rates(ends), np.array(rows)
        daily = rates.level[at] * rates.season[self._slot % len(rates.season)] / PERIOD_DAYS
        left = np.array(remaining) - daily * self._untold[at]
        return reach(left, rates, at, self._now_us / DAY_US)

    def daily(self, row: int, ends: frozenset[str]) -> tuple[float, float]:
        """Return what is run on an average day of this season, and its doubt."""
        rates = self.rates(ends)
        return rates.daily(self._slot, row), rates.daily_sd(self._slot, row)

    def _stays(self, kinds: frozenset[str]) -> Stays | None:
        if not kinds:
            return None
        some = np.isin(self._kind, sorted(kinds))
        return self._history.stays(self._rows[some], self._from[some], self._to[some])


def _told(counter: Counter | None, from_us: int, to_us: int) -> tuple[list[float], list[float]]:
    if counter is None:
        return [], []
    times, ran = counter.told(from_us, to_us)
    return [us / DAY_US for us in times], [milli / 1000 for milli in ran]
