"""What the trace tells of a depot's work: how long machines take, what came and what will come."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from railtrace.catalogue.rows import Catalogue
from railtrace.store.dues import Forecast
from railtrace.store.lookup import Lookup
from railtrace.trace.leaf import read
from railtrace.trace.ledger import TraceStore
from railtrace.trace.operation import MachineResult

ENOUGH = 30
"""Observations from which a machine's own times stand for the norm."""
WEEK_US = 7 * 86_400_000_000
_MOST_OF_ONE = 2_000
_MOST_ORDERS = 100_000


@dataclass(frozen=True)
class Worked:
    """How long a kind of machine took, from its own start to its own end.

    `cv` is the coefficient of variation; both figures are of completed, unsimulated cycles.
    """

    n: int
    mean_h: float
    cv: float


def machine_times(lookup: Lookup, trace: TraceStore, from_us: int, to_us: int) -> dict[str, Worked]:
    """Return the times of each equipment type that reported its cycles in a period."""
    hours: dict[str, list[float]] = defaultdict(list)
    for machine in lookup.equipment():
        rows = lookup.made_with(machine.unit, from_us, to_us, _MOST_OF_ONE)
        places = [(r["log"], r["position"]) for r in rows if r["kind"] == "MachineResult"]
        for place, leaf in trace.leaves_at(places).items():
            hours[machine.type] += _cycle_h(read(leaf, *place).operation)
    return {type_: _worked(values) for type_, values in hours.items() if values}


def _cycle_h(result: object) -> list[float]:
    if not isinstance(result, MachineResult) or result.started_at is None:
        return []
    took_h = (result.happened_at - result.started_at).total_seconds() / 3600
    whole = result.state == "completed" and not (result.partial or result.simulated)
    return [took_h] if whole and took_h > 0 else []


def _worked(hours: list[float]) -> Worked:
    values = np.array(hours)
    mean = float(values.mean())
    return Worked(len(values), mean, float(values.std(ddof=1) / mean) if len(values) > 1 else 0.0)


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
