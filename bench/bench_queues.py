"""Waits of loads of several units: the closed formula beside a simulated station."""

from heapq import heapreplace
from itertools import product

import numpy as np

from bench.table import Row
from railtrace.analysis.depot_flow import Process, Shop, Station, Step, carried

LOADS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BATCHES, COUNTS, SPREADS = (2, 4, 8), (1, 2, 3, 4, 6), (0.3, 0.6, 1.0)
ITEMS = 160_000
_NOISE = 0.02
"""What is left of luck in a simulated mean after its control."""


def rows() -> list[Row]:
    """Hold the formula against simulation on a grid of loads, batches, counts and spreads."""
    found = [ratio(*cell) for cell in product(COUNTS, BATCHES, LOADS, SPREADS)]
    least, most = 100 * (min(found) - 1), 100 * (max(found) - 1)
    met = least >= -100 * _NOISE and most <= 20
    name = f"wait where batches come, {len(found)} stations at loads of 50–95 %, beside simulation"
    return [Row(name, f"{least:+.1f} … {most:+.1f} %", "–", "–", "0 … +20 %, luck ± 2 %", met)]


def ratio(count: int, batch: int, load: float, cv: float, items: int = ITEMS) -> float:
    """Return the formula's wait beside the simulated one.

    One machine, whose wait is known exactly (Pollaczek and Khinchine, with batches), meets the same
    luck: by how much it was simulated wrong, the other is set right.
    """
    exact = load / (1 - load) * (1 + cv**2) / 2 + (batch - 1) / (2 * (1 - load))
    if count == 1:
        return told(1, batch, load, cv) / exact
    luck = simulated(1, batch, load, cv, items) / exact if load >= 0.7 else 1.0
    return told(count, batch, load, cv) / (simulated(count, batch, load, cv, items) / luck)


def told(count: int, batch: int, load: float, cv: float) -> float:
    """Return the formula's wait for work of one hour."""
    route = Process("p", (Step("s", 1.0, cv),), load * count / batch, batch)
    found = carried(Shop((Station("s", count),), (route,)))
    return float(found.now(found.wait_h)[0])


def simulated(count: int, batch: int, load: float, cv: float, items: int) -> float:
    """Return the mean wait of items, first come first served; the first tenth is not counted."""
    rng, loads = np.random.default_rng(1), items // batch
    at = np.cumsum(rng.exponential(batch / (load * count), loads)).tolist()
    work = rng.gamma(cv**-2, cv**2, (loads, batch)).tolist()
    free, waited, first = [0.0] * count, 0.0, loads // 10
    for number in range(loads):
        came = at[number]
        for hours in work[number]:
            begin = max(free[0], came)
            if number >= first:
                waited += begin - came
            heapreplace(free, begin + hours)
    return waited / ((loads - first) * batch)


if __name__ == "__main__":
    for row in rows():
        print(row)
