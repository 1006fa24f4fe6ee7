"""A plan: a depot's machines and what comes for them, as a person laid them down.

A plan is a question, not a fact: it is kept beside the trace, never in it. Where a person left a
time or a rate empty, what the trace tells stands, else the route card's norm; each says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace

from railtrace.analysis.depot_flow import DAYS_A_WEEK, HOURS_A_WEEK, MOST_REWORK, Shop, Station
from railtrace.analysis.depot_flow import Process as Route
from railtrace.analysis.depot_flow import Step as Visit
from railtrace.app import App
from railtrace.catalogue.rows import Catalogue, Process, Step
from railtrace.errors import BadData
from railtrace.store.dues import FleetDues
from railtrace.store.workload import (
    ENOUGH,
    Outages,
    Worked,
    again_shares,
    dues_a_week,
    machine_outages,
    machine_times,
    orders_a_week,
)
from railtrace.trace.leaf import microseconds
from railtrace.web.running import the_app

BY_HAND = "by_hand"
"""The station of steps that name no equipment: workplaces with people."""
USUAL_CV = 0.3
SHIFT_HOURS_A_WEEK = 40.0
OBSERVED_DAYS = 182
FAILURES_ENOUGH = 5
"""Failures of a kind of machine from which its own times stand in a plan."""


class PlannedStation(Struct, frozen=True, omit_defaults=True):
    """A kind of machine in a plan: how many, how it is worked, what one more costs and needs.

    mtbf_h 0 means that breakdowns are left out, as calibration_h 0 does calibrations; price is the
    likely one in the railway's own money, price_low and price_high 0 where only that is known.
    """

    machines: int = 1
    capacity: int = 1
    days_a_week: int = DAYS_A_WEEK
    hours_a_week: float = SHIFT_HOURS_A_WEEK
    mtbf_h: float = 0.0
    mttr_h: float = 0.0
    calibration_h: float = 0.0
    price_low: float = 0.0
    price: float = 0.0
    price_high: float = 0.0
    power_kw: float = 0.0
    water_m3_h: float = 0.0
    area_m2: float = 0.0
    staff: float = 0.0

    @property
    def prices(self) -> tuple[float, float, float]:
        """The least, the likely and the greatest price of one."""
        return self.price_low or self.price, self.price, self.price_high or self.price


class PlannedWork(Struct, frozen=True, omit_defaults=True):
    """How much of a process comes: items a week in batches; None means as the trace counts."""

    per_week: float | None = None
    batch: int = 1
    minutes: dict[str, float] = {}
    """By step, where a person gave a time of their own."""


class Plan(Struct, frozen=True, omit_defaults=True):
    """The machines and the work of a depot, by equipment type and by process."""

    stations: dict[str, PlannedStation] = {}
    work: dict[str, PlannedWork] = {}
    target_h: float = 0.0
    """Mean turnaround of all items that is asked for."""
    target_met: float = 0.0
    """Chance to work the programme off that is asked for."""
    limits: dict[str, float] = {}
    """Of what is bought together: price, power_kw, water_m3_h, area_m2, staff; absent is none."""
    value_h: float = 0.0
    """What an hour less of one item is worth, in the railway's own money; for the payback."""

    @property
    def target_percent(self) -> float:
        """The chance asked for, as a person types it."""
        return 100 * self.target_met


@dataclass(frozen=True)
class Told:
    """What the trace tells of the work: times by equipment type, what comes by process.

    `orders` came in the last half-year, `dues` will in the next one: how many, how many a week.
    """

    times: Mapping[str, Worked]
    orders: Mapping[str, tuple[int, float]]
    dues: Mapping[str, tuple[int, float]]
    again: Mapping[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """By process and step: how often it was seen done, share that was not right the first time."""
    failures: Mapping[str, Outages] = field(default_factory=dict)

    def rate(self, process: str) -> float:
        """How many items a week: what falls due where the process is a maintenance of kinds."""
        return self.dues.get(process, self.orders.get(process, (0, 0.0)))[1]


_KEEP_S = 60.0
_told: WeakKeyDictionary[App, tuple[float, Told]] = WeakKeyDictionary()


def told() -> Told:
    """Return what the trace tells, read anew every minute: sliders ask many times a second."""
    app = the_app()
    at_s, kept = _told.get(app, (0.0, None))
    if kept is None or monotonic() - at_s > _KEEP_S:
        kept = _read(app)
        _told[app] = monotonic(), kept
    return kept


def _read(app: App) -> Told:
    """Read the last half-year of the trace, and what the next one brings."""
    now = app.clock()
    to_us, from_us = microseconds(now), microseconds(now - timedelta(days=OBSERVED_DAYS))
    catalogue, ahead_us = app.catalogue(), 2 * to_us - from_us
    forecasts = FleetDues(app.views, app.lookup, catalogue, to_us).of()
    return Told(
        machine_times(app.lookup, app.trace, from_us, to_us),
        orders_a_week(app.lookup, from_us, to_us),
        dues_a_week(catalogue, app.lookup, forecasts, ahead_us, OBSERVED_DAYS / 7),
        again_shares(app.knowledge(), app.lookup, from_us, to_us),
        machine_outages(app.lookup, from_us, to_us),
    )


def first_plan(catalogue: Catalogue, of: Told) -> Plan:
    """Return the plan of a depot as the trace knows it: its machines, the processes it runs."""
    counted: dict[str, int] = {}
    for row in the_app().lookup.equipment():
        counted[row.type] = counted.get(row.type, 0) + 1
    processes = [key for key in catalogue.processes if of.rate(key) > 0]
    processes = processes or list(catalogue.processes)[:1]
    plan = Plan(work={key: PlannedWork() for key in processes})
    needed = stations_of(catalogue, plan)
    return replace(
        plan, stations={key: PlannedStation(machines=max(counted.get(key, 1), 1)) for key in needed}
    )


def station_of(step: Step) -> str:
    """Return the station of a route card's step: the first equipment it names, else hands."""
    return step.equipment[0] if step.equipment else BY_HAND


def stations_of(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Return the stations that the plan's work passes, in the order of the route cards."""
    found: dict[str, None] = {}
    for key in plan.work:
        if process := catalogue.processes.get(key):
            found |= dict.fromkeys(station_of(step) for step in process.steps)
    return list(found)


@dataclass(frozen=True)
class Time:
    """How long a step takes and on what that stands: said, observed, norm or assumed."""

    mean_h: float
    cv: float
    basis: str
    n: int = 0


def time_of(process: Process, step: Step, work: PlannedWork, of: Told) -> Time:
    """Return the time of a step: a person's own, else observed enough, else the card's norm."""
    if minutes := work.minutes.get(step.key):
        return Time(minutes / 60, USUAL_CV, "said")
    seen = of.times.get(station_of(step))
    if seen is not None and seen.n >= ENOUGH:
        return Time(seen.mean_h, seen.cv, "observed", seen.n)
    if step.norm_min:
        return Time(step.norm_min / 60, USUAL_CV, "norm", seen.n if seen else 0)
    raise BadData(
        "process {process}, step {step}: the route card has no norm and the trace too few "
        "observations: give a time",
        process=process.key, step=step.key,
    )  # fmt: skip


def per_week(key: str, work: PlannedWork, of: Told) -> float:
    """Return how many items of a process come a week."""
    return of.rate(key) if work.per_week is None else work.per_week


def shop_of(plan: Plan, catalogue: Catalogue, of: Told) -> Shop:
    """Return the shop of a plan. Raises BadData for a step without a time and a process gone."""
    routes = []
    for key, work in plan.work.items():
        process = catalogue.processes.get(key)
        if process is None:
            raise BadData("process {process} is not in the catalogue: take it out of the plan",
                          process=key)  # fmt: skip
        times = [time_of(process, step, work, of) for step in process.steps]
        visits = tuple(
            Visit(station_of(step), time.mean_h, time.cv, again_of(process, step, of))
            for step, time in zip(process.steps, times, strict=True)
        )
        batches = per_week(key, work, of) / HOURS_A_WEEK / work.batch
        routes.append(Route(key, visits, batches, work.batch))
    stations = (
        (key, plan.stations.get(key, PlannedStation())) for key in stations_of(catalogue, plan)
    )
    return Shop(tuple(_station(key, planned, of) for key, planned in stations), tuple(routes))


def again_of(process: Process, step: Step, of: Told) -> float:
    """Return how often a step is done again, as observed often enough; 0 until then."""
    n, share = of.again.get((process.key, step.key), (0, 0.0))
    return min(share, MOST_REWORK) if n >= ENOUGH else 0.0


def _station(key: str, planned: PlannedStation, of: Told) -> Station:
    """A person's own times of breakdowns stand before those of the trace."""
    fails: dict[str, Any] = {}
    seen = of.failures.get(key)
    if planned.mtbf_h and planned.mttr_h:
        fails = {"mtbf_h": planned.mtbf_h, "mttr_h": planned.mttr_h}
    elif seen is not None and seen.n >= FAILURES_ENOUGH and seen.mttr_h > 0:
        fails = {"mtbf_h": seen.mtbf_h, "mttr_h": seen.mttr_h}
    return Station(key, planned.machines, planned.capacity, hours_a_week=planned.hours_a_week,
                   **fails)  # fmt: skip
