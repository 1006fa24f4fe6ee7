"""What the trace tells of a depot's work: what came, what will come, which machines failed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from railtrace.catalogue.rows import Catalogue
from railtrace.store.dues import Forecast
from railtrace.store.lookup import Lookup

ENOUGH = 30
"""Observations from which a machine's own times stand for the norm."""
WEEK_US = 7 * 86_400_000_000
_MOST_OF_ONE = 2_000
_MOST_ORDERS = 100_000
HOUR_US = 3_600_000_000
MENDED = ("Repaired", "LeftRepair")
"""What ends the repair of a machine."""


def orders_a_week(lookup: Lookup, from_us: int, to_us: int) -> dict[str, tuple[int, float]]:
    """Return by process how many orders were opened in a period, and how many that is a week."""
    weeks = (to_us - from_us) / WEEK_US
    rows = lookup.orders(since_us=from_us, limit=_MOST_ORDERS)
    counted = Counter(row["process"] for row in rows if row["opened_us"] <= to_us)
    return {process: (n, n / weeks) for process, n in counted.items()}


def dues_a_week(
    catalogue: Catalogue, lookup: Lookup, forecasts: Iterable[Forecast], to_us: int, weeks: float
) -> dict[str, tuple[int, float]]:
    """Return by process how many units fall due for it until a moment, and how many that is a week.

    Each unit counts once, by its median date; what is overdue counts too.
    """
    type_of = {vehicle.unit: vehicle.type for vehicle in lookup.maintained()}
    processes = [p for p in catalogue.processes.values() if p.services]
    counted: Counter[str] = Counter()
    for forecast in forecasts:
        if forecast.median_us is not None and forecast.median_us <= to_us:
            type_ = type_of.get(forecast.due.unit, "")
            counted.update(
                p.key for p in processes
                if forecast.due.kind in p.services and type_ in p.applies_to
            )  # fmt: skip
    return {process: (n, n / weeks) for process, n in counted.items()}


@dataclass(frozen=True)
class Outages:
    """How often a kind of machine failed, hours of the clock between failures and of a repair.

    mttr_h counts the repairs that ended; a failure without an end is none of them.
    """

    n: int
    mtbf_h: float
    mttr_h: float


def machine_outages(lookup: Lookup, from_us: int, to_us: int) -> dict[str, Outages]:
    """Return by equipment type what failed in a period and how long it was under repair."""
    machines = {machine.unit: machine.type for machine in lookup.equipment()}
    failed, _ = lookup.failures_of(sorted(machines))
    mended: dict[str, list[int]] = defaultdict(list)
    for unit, at_us in _mended(lookup, sorted(failed)):
        mended[unit].append(at_us)
    counted: Counter[str] = Counter()
    repairs: dict[str, list[float]] = defaultdict(list)
    for unit, failures in failed.items():
        ends = sorted(mended[unit])
        for at, *_ in failures:
            if from_us <= at <= to_us:
                counted[machines[unit]] += 1
                end = next((end for end in ends if end > at), None)
                repairs[machines[unit]] += [(end - at) / HOUR_US] if end is not None else []
    of_type = Counter(machines.values())
    hours = (to_us - from_us) / HOUR_US
    return {
        type_: Outages(n, max(of_type[type_] * hours - sum(repairs[type_]), 1.0) / n,
                       float(np.mean(repairs[type_])) if repairs[type_] else 0.0)
        for type_, n in counted.items()
    }  # fmt: skip


def _mended(lookup: Lookup, machines: list[str]) -> list[tuple[str, int]]:
    """Return machines and moments at which a repair of theirs ended."""
    if not machines:
        return []
    return [(row[0], row[1]) for row in lookup.timeline(machines, MENDED, limit=_MOST_OF_ONE)]


@dataclass(frozen=True)
class Turned:
    """Orders of a process: how many were opened and closed, their hours from one to the other."""

    opened: int
    closed: int
    hours: tuple[float, ...]


def turned(lookup: Lookup, from_us: int, to_us: int) -> dict[str, Turned]:
    """Return by process the orders opened in a period and how long those took that are closed."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for row in lookup.orders(since_us=from_us, limit=_MOST_ORDERS):
        if row["opened_us"] <= to_us:
            closed = row["closed_us"]
            hours = None if closed is None else (closed - row["opened_us"]) / HOUR_US
            found[row["process"]].append(hours)
    return {
        process: Turned(len(rows), len([h for h in rows if h is not None]),
                        tuple(h for h in rows if h is not None))
        for process, rows in found.items()
    }  # fmt: skip
