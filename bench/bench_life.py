"""Life data: truncated Weibull fits of many groups and of one great one, beside three libraries.

The libraries fit one group at a time; 200 groups are measured and scaled. They are installed for
the nightly tests only: surpyval, lifelines, relife.
"""

import tracemalloc
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench.table import Row, at_least, at_most, in_turn, seconds, within
from railtrace.analysis.life_data import Floats, Lives, right_censored
from railtrace.analysis.recurrence import Histories, fit_power_law, histories, mean_cumulative
from railtrace.analysis.weibull import fit_right_censored

GROUPS, ROWS = 10_000, 100
PEER_GROUPS = 200
PASSES = 6  # Newton steps that these data need; each is two exponentials per row
Fit = Callable[[Floats, Any, Floats], object]


def rows() -> list[Row]:
    """Measure the fits and the recurrences."""
    many, one = _lives(GROUPS, ROWS), _lives(1, GROUPS * ROWS)
    ours = [min(seconds(lambda: fit_right_censored(each)) for _ in range(5))  # noqa: B023
            for each in (many, one)]  # fmt: skip
    return [
        within(f"{GROUPS:,} truncated Weibull fits of {ROWS} rows", 1000 * ours[0], 1000),
        _over_floor(many),
        *_peer_rows(many, one, *ours),
        _memory(many),
        *_recurrences(),
    ]


def _lives(groups: int, size: int) -> Lives:
    """Return lives truncated at an entry and censored; Weibull of shape 1.8, scale 1."""
    rng = np.random.default_rng(1)
    entry = rng.uniform(0, 0.8, groups * size)
    life = (entry**1.8 + rng.exponential(size=groups * size)) ** (1 / 1.8)
    until = entry + rng.uniform(0.1, 0.9, groups * size)
    group = np.repeat(np.arange(groups), size)
    return right_censored(np.minimum(life, until), life <= until, entry=entry, group=group)


def _over_floor(lives: Lives) -> Row:
    """Compare with the exponentials alone, taken block by block as the fit takes them."""
    powers = np.log(lives.lower[: 1 << 14])
    blocks = 2 * PASSES * len(lives.lower) // len(powers)

    def exponentials() -> None:
        for _ in range(blocks):
            np.exp(powers)

    ours, floor, ratio = in_turn(lambda: fit_right_censored(lives), exponentials)
    return at_most("the same beside its exponentials alone", f"{1000 * ours:.0f} ms",
                   f"{1000 * floor:.0f} ms", ratio, 12)  # fmt: skip


def _peers() -> dict[str, Fit]:
    found: dict[str, Fit] = {}
    if find_spec("relife"):
        weibull = import_module("relife.lifetime_models").Weibull
        found["relife"] = lambda age, failed, entry: weibull().fit(age, event=failed, entry=entry)
    if find_spec("surpyval"):
        surpyval = import_module("surpyval")
        found["surpyval"] = lambda age, failed, entry: surpyval.Weibull.fit(
            age, c=(~failed).astype(int), tl=entry
        )
    if find_spec("lifelines"):
        fitter = import_module("lifelines").WeibullFitter
        found["lifelines"] = lambda age, failed, entry: fitter().fit(
            age, event_observed=failed, entry=entry
        )
    return found


def _peer_rows(many: Lives, one: Lives, ours_many: float, ours_one: float) -> list[Row]:
    peers = _peers()
    if len(peers) < 3:
        missing = ", ".join({"relife", "surpyval", "lifelines"} - peers.keys())
        return [Row("beside other libraries", "–", "–", "–", f"{missing} not installed", False)]
    by_groups = {name: _scaled(fit, many) for name, fit in peers.items()}
    by_rows = {name: seconds(lambda: fit(one.lower, one.failed, one.entry))  # noqa: B023
               for name, fit in peers.items()}  # fmt: skip
    return [
        _faster(f"{GROUPS:,} fits, fastest library ({PEER_GROUPS} groups measured, scaled)",
                ours_many, by_groups, 300),
        _faster(f"one truncated fit of {GROUPS * ROWS:,} rows, fastest library", ours_one,
                by_rows, 20),
    ]  # fmt: skip


def _scaled(fit: Fit, lives: Lives) -> float:
    def each() -> None:
        for g in range(PEER_GROUPS):
            some = lives.slice(slice(g, g + 1))
            assert some.entry is not None
            fit(some.lower, some.failed, some.entry)

    return seconds(each) * GROUPS / PEER_GROUPS


def _faster(name: str, ours: float, theirs: dict[str, float], bar: float) -> Row:
    best = min(theirs, key=theirs.__getitem__)
    return at_least(f"{name}: {best}", f"{ours:.2f} s", f"{theirs[best]:.0f} s",
                    theirs[best] / ours, bar)  # fmt: skip


def _memory(lives: Lives) -> Row:
    columns = lives.lower, lives.failed, lives.entry, lives.group
    size = sum(column.nbytes for column in columns if column is not None)
    tracemalloc.start()
    fit_right_censored(right_censored(columns[0], columns[1], entry=columns[2], group=columns[3]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    used = size + peak
    return at_most("memory of the fits, input and all, over the input", f"{used / 1e6:.0f} MB",
                   f"{size / 1e6:.0f} MB", used / size, 3)  # fmt: skip


def _recurrences() -> list[Row]:
    data = _histories(2_000, 5)
    return [
        within("mean cumulative function with robust variance, 10,000 systems, 2,000 groups",
               1000 * min(seconds(lambda: mean_cumulative(data)) for _ in range(5)), 200),
        within("power laws of the same", 1000 * min(seconds(lambda: fit_power_law(data))
                                                     for _ in range(5)), 200),
    ]  # fmt: skip


def _histories(groups: int, systems: int) -> Histories:
    rng = np.random.default_rng(2)
    count = rng.poisson(5, groups * systems)
    owner = np.repeat(np.arange(groups * systems), count)
    return histories(np.full(groups * systems, 1.0), rng.uniform(1e-6, 1, len(owner)), owner,
                     group=np.repeat(np.arange(groups), systems))  # fmt: skip
