"""The instant answer: what each station carries, where it is short, what one more machine gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from django.utils.translation import gettext

from railtrace.analysis.depot_flow import (
    HOURS_A_WEEK,
    Carried,
    Shop,
    carried,
    mean_turnaround,
    next_machines,
    visits,
    with_one_more,
)
from railtrace.analysis.depot_flow import turnaround_h as turnarounds
from railtrace.web.names import Names
from railtrace.web.planning.plan import BY_HAND, Plan
from railtrace.web.running import the_app

MOST_BOUGHT = 12
HOURS_A_YEAR = 8760.0
_FULL, _TIGHT = 1.0, 0.85
"""Shares of load: never worked off; queues grow fast."""


@dataclass(frozen=True)
class StationRow:
    """What a station carries now, and with one machine more; waits in hours, None for ever."""

    key: str
    name: str
    machines: int
    load: float
    wait_h: float | None
    next_load: float
    next_wait_h: float | None
    without_one: float | None
    """Load while one of the machines is away; None where no other is left."""
    bottleneck: bool

    @property
    def grade(self) -> str:
        """How near to full it is: over, tight or easy."""
        return "over" if self.load >= _FULL else "tight" if self.load >= _TIGHT else "easy"

    @property
    def width(self) -> float:
        """Its bar, 100 at full load, cut off at one and a half."""
        return 100 * min(self.load, 1.5)


@dataclass(frozen=True)
class Answer:
    """Stations by load, turnaround of each process in hours of the clock, None for ever."""

    stations: tuple[StationRow, ...]
    processes: tuple[tuple[str, float, float | None], ...]
    """Name, items a week, mean turnaround [h]."""
    bottleneck: str
    over: bool


def station_name(key: str, names: Names) -> str:
    """Return the name of a station; workplaces with people have a name of their own."""
    return gettext("Workplaces, by hand") if key == BY_HAND else names.type(key)


def answer(shop: Shop, names: Names) -> Answer:
    """Compute a shop at once. Raises BadData naming what cannot be computed."""
    most = max(station.machines for station in shop.stations) + 1
    found = carried(shop, most)
    times = turnarounds(shop, found)
    rows = tuple(_row(index, found, names) for index in range(len(found.stations)))
    return Answer(
        tuple(sorted(rows, key=lambda row: -row.load)),
        tuple(
            (names.catalogue.processes[p.key].name(names.language),
             p.batches_per_h * p.batch * HOURS_A_WEEK, _finite(times[p.key]))
            for p in shop.processes
        ),
        station_name(found.bottleneck, names), any(row.grade == "over" for row in rows),
    )  # fmt: skip


def _row(index: int, found: Carried, names: Names) -> StationRow:
    key, machines = found.stations[index], int(found.machines[index])
    return StationRow(
        key, station_name(key, names), machines,
        float(found.load[index, machines - 1]), _finite(float(found.wait_h[index, machines - 1])),
        float(found.load[index, machines]), _finite(float(found.wait_h[index, machines])),
        float(found.load[index, machines - 2]) if machines > 1 else None,
        key == found.bottleneck,
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


@dataclass(frozen=True)
class Bought:
    """One purchase in its turn: what, and what stands after it."""

    key: str
    name: str
    turnaround_h: float | None
    load: float
    """Of its station, after it."""
    payback_years: float | None
    """None where an hour has no worth, or it cannot be said."""
    coverage: float
    """Share of all steps that a machine writes into the trace from now on."""
    price: float
    """Of everything bought so far; so the rest."""
    power_kw: float
    water_m3_h: float
    area_m2: float
    staff: float


_NEVER_H = 1e8


def purchases(shop: Shop, plan: Plan, names: Names) -> list[Bought]:
    """Return what to buy in which order: most hours saved for its price first, until the target.

    Nothing is bought beyond the plan's limits.

    Raises BadData where nothing has a price.
    """
    known = {station.key for station in shop.stations}
    written = {row.type for row in the_app().lookup.equipment()} | {BY_HAND}
    priced = {key: p for key, p in plan.stations.items() if p.price > 0 and key in known}

    def may(keys: Sequence[str]) -> bool:
        sums = dict(zip(_SUMMED, _sums([priced[key] for key in keys]), strict=True))
        return all(sums[name] <= limit for name, limit in plan.limits.items())

    order = next_machines(
        shop, {key: planned.price for key, planned in priced.items()}, MOST_BOUGHT, plan.target_h,
        may,
    )  # fmt: skip
    rows, before = [], mean_turnaround(shop)
    items = sum(p.batches_per_h * p.batch for p in shop.processes) * HOURS_A_YEAR
    news = {key: _share_of_steps(shop, key) for key in priced if key not in written}
    for number, (key, after) in enumerate(order):
        shop = with_one_more(shop, key)
        saved = plan.value_h * items * (before - after) if before < _NEVER_H else 0.0
        found = carried(shop)
        rows.append(Bought(
            key, station_name(key, names), after if after < _NEVER_H else None,
            float(found.now(found.load)[found.stations.index(key)]),
            priced[key].price / saved if saved > 0 else None, news.pop(key, 0.0),
            *_sums([priced[k] for k, _ in order[: number + 1]]),
        ))  # fmt: skip
        before = after
    return rows


def _share_of_steps(shop: Shop, key: str) -> float:
    """Return the share of all steps a week that is done at a station."""
    counted = [
        (step.station, process.batches_per_h * process.batch * times)
        for process in shop.processes
        for step, times in zip(process.steps, visits(process), strict=True)
    ]
    every = sum(rate for _, rate in counted)
    return float(sum(rate for station, rate in counted if station == key) / every) if every else 0.0


_SUMMED = ("price", "power_kw", "water_m3_h", "area_m2", "staff")


def _sums(bought: Sequence[object]) -> list[float]:
    return [sum(getattr(planned, name) for planned in bought) for name in _SUMMED]
