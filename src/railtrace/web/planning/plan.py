"""A plan: a depot's machines and what comes for them, as a person laid them down.

A plan is a question, not a fact: it is kept beside the trace, never in it. Where a person left a
time or a rate empty, what the trace tells stands, else the route card's norm; each says which.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_more
from datetime import time, timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from railtrace.analysis.depot_flow import (
    DAYS_A_WEEK,
    HOURS_A_DAY,
    HOURS_A_WEEK,
    MOST_REWORK,
    People,
    Shop,
    Station,
    carried,
)
from railtrace.analysis.depot_flow import Process as Route
from railtrace.analysis.depot_flow import Step as Visit
from railtrace.app import App
from railtrace.catalogue.rows import Catalogue, Process, Step
from railtrace.config import Calendar
from railtrace.errors import BadData
from railtrace.store import demand, observed_work
from railtrace.store.demand import Demand, Unplanned
from railtrace.store.dues import FleetDues
from railtrace.store.observed_work import (
    OUT,
    Moves,
    Observed,
    Renewals,
    RouteSeen,
    SeenOrder,
    Spread,
    StepKind,
)
from railtrace.store.upkeep import Upkeep
from railtrace.store.workload import (
    ENOUGH,
    Outages,
    dues_a_week,
    machine_outages,
    orders_a_week,
)
from railtrace.trace.leaf import microseconds
from railtrace.web.running import the_app

BY_HAND = "by_hand"
"""The station of steps that name no equipment: workplaces with people."""
USUAL_CV = 0.3
SHIFT_HOURS_A_WEEK = 40.0
SHIFT_DAYS_A_WEEK = 5
SHIFT_HOURS = 8.0
MOST_SHIFTS = 3
STARTS_WITH = 0.85
"""Load up to which a plan begins with machines where the trace knows none."""
_MOST_AT_START = 60
PEOPLE = "people:"
"""What the key of a qualification begins with among the stations of a shop."""
ANYBODY = "anybody"
"""Whose hands a step takes that asks for no right."""
OBSERVED_DAYS = 182
_MOST_ORDERS = 100_000
HOURS_A_MONTH = 730.0
USUAL_CALIBRATION_MONTHS = 12
MOST_AWAY = 0.9
"""Share of the time between two calibrations that a machine can be away for one."""
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
    again: dict[str, float] = {}
    """By step, which share of it a person says comes back."""


class PlannedPeople(Struct, frozen=True, omit_defaults=True):
    """People of a qualification: how many in each shift of a day, what one more of each costs."""

    counts: tuple[int, ...] = ()
    price: float = 0.0


class Plan(Struct, frozen=True, omit_defaults=True):
    """The machines, the people and the work of a depot, by equipment type, qualification and
    process. Who is not counted is never short."""

    stations: dict[str, PlannedStation] = {}
    people: dict[str, PlannedPeople] = {}
    shift_h: float = SHIFT_HOURS
    shift_days: int = SHIFT_DAYS_A_WEEK
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

    times: Mapping[str, Spread]
    orders: Mapping[str, tuple[int, float]]
    dues: Mapping[str, tuple[int, float]]
    again: Mapping[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """By process and step: how often it was seen done, share that was not right the first time."""
    failures: Mapping[str, Outages] = field(default_factory=dict)
    steps: Mapping[tuple[str, str], Observed] = field(default_factory=dict)
    """By process and step, all equipment and components together."""
    kinds: Mapping[StepKind, Observed] = field(default_factory=dict)
    taken: Mapping[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """By process and step that may be left out: orders seen, share that took it."""
    routes: Sequence[RouteSeen] = ()
    moves: Mapping[tuple[str, str], Moves] = field(default_factory=dict)
    """By process and step: where work went from it."""
    calibrations: Mapping[str, Renewals] = field(default_factory=dict)
    demand: Mapping[str, Demand] = field(default_factory=dict)
    unplanned: Mapping[str, Unplanned] = field(default_factory=dict)
    loads: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """By process: how many loads came, how many units a load brought."""

    def rate(self, process: str) -> float:
        """How many items a week: what falls due where the process is a maintenance of kinds, and
        what failures and seasons bring beside; else what came."""
        comes = self.demand.get(process)
        if process in self.dues and comes is not None:
            beside = sum(comes.season) + sum(comes.unplanned)
            return self.dues[process][1] + beside / len(comes.season)
        return self.dues.get(process, self.orders.get(process, (0, 0.0)))[1]

    def weekly(self, process: str) -> tuple[float, ...]:
        """Return the weeks ahead against their mean; empty where one is as another."""
        comes = self.demand.get(process)
        weeks = comes.weeks if comes else ()
        mean = sum(weeks) / len(weeks) if weeks and process in self.dues else 0.0
        return tuple(round(week / mean, 3) for week in weeks) if mean else ()


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
    orders = observed_work.orders_seen(app.knowledge(), app.lookup, from_us, to_us)
    weeks = OBSERVED_DAYS / 7
    forecasts = FleetDues(app.views, app.lookup, catalogue, to_us).of()
    failing = demand.unplanned(app.lookup, to_us)
    campaigns = demand.campaigns_open(app.knowledge(), Upkeep(app.views.database).campaigns())
    return with_more(
        observed_in(orders, from_us, to_us),
        dues=dues_a_week(catalogue, app.lookup, forecasts, ahead_us, weeks),
        unplanned=failing,
        demand=demand.demand(catalogue, app.lookup, forecasts, campaigns,
                             demand.unplanned_rates(orders, weeks), failing, to_us),
    )  # fmt: skip


def observed_in(orders: Sequence[SeenOrder], from_us: int, to_us: int) -> Told:
    """Return what a period of the trace tells of the work done in it; nothing of what will come."""
    app = the_app()
    cycles = observed_work.machine_cycles(app.lookup, app.trace, app.catalogue(), from_us, to_us)
    rows = [r for r in app.lookup.orders(since_us=from_us, limit=_MOST_ORDERS)
            if r["opened_us"] <= to_us]  # fmt: skip
    pooled = observed_work.step_times(orders, cycles, whole_kinds=False)
    return Told(
        observed_work.machine_times(cycles), orders_a_week(app.lookup, from_us, to_us), {},
        observed_work.again_shares(orders), machine_outages(app.lookup, from_us, to_us),
        {(kind.process, kind.step): seen for kind, seen in pooled.items()},
        observed_work.step_times(orders, cycles), observed_work.taken_shares(orders),
        observed_work.routes_seen(orders), observed_work.moves_seen(orders),
        observed_work.calibration_outages(app.knowledge(), app.lookup, from_us, to_us),
        loads=demand.loads_seen(rows),
    )  # fmt: skip


def first_plan(catalogue: Catalogue, of: Told, held: Mapping[str, int]) -> Plan:
    """Return the plan of a depot as the trace knows it: its machines, the processes it runs, who
    holds a right its steps ask for.

    Where it knows no machine, as of workplaces by hand, the plan begins with as many as carry the
    work at no more than `STARTS_WITH`.
    """
    machines = the_app().lookup.equipment()
    counted, sites = Counter(row.type for row in machines), [m.home_site for m in machines]
    processes = [key for key in catalogue.processes if of.rate(key) > 0]
    processes = processes or list(catalogue.processes)[:1]
    plan = Plan(work={key: PlannedWork(batch=load_of(key, catalogue, of)) for key in processes})
    needed, worked = stations_of(catalogue, plan), shifts_worked(sites)
    plan = replace(plan, stations={
        key: PlannedStation(machines=max(counted.get(key, 1), 1), days_a_week=worked[0],
                            hours_a_week=worked[1])
        for key in needed
    })  # fmt: skip
    shifts = min(max(round(worked[1] / worked[0] / SHIFT_HOURS), 1), MOST_SHIFTS)
    plan = replace(_carrying(plan, set(counted), catalogue, of), shift_days=worked[0])
    return replace(plan, people={
        key: PlannedPeople(tuple((held[key] + n) // shifts for n in reversed(range(shifts))))
        for key in qualifications_of(catalogue, plan) if held.get(key) and key != ANYBODY
    })  # fmt: skip


def _carrying(plan: Plan, counted: Container[str], catalogue: Catalogue, of: Told) -> Plan:
    try:
        found = carried(shop_of(plan, catalogue, of), _MOST_AT_START)
    except BadData:
        return plan
    stations = dict(plan.stations)
    for key, load in zip(found.stations, found.load, strict=True):
        if key not in counted:
            carries = np.append(np.flatnonzero(load <= STARTS_WITH), len(load) - 1)
            stations[key] = replace(stations[key], machines=int(carries[0]) + 1)
    return replace(plan, stations=stations)


def load_of(process: str, catalogue: Catalogue, of: Told) -> int:
    """Return how many units come at once: as seen often enough, else what one vehicle brings."""
    loads, units = of.loads.get(process, (0, 0.0))
    if loads >= ENOUGH:
        return max(round(units), 1)
    return min(demand.wagon_load(catalogue, part)
               for part in catalogue.processes[process].applies_to)  # fmt: skip


def shifts_worked(sites: Sequence[str]) -> tuple[int, float]:
    """Return on how many days and for how many hours a week the site of most machines works by its
    calendar; five days of eight hours where none is set."""
    config = the_app().config
    site = max(sorted(set(sites)), key=sites.count, default="")
    calendar = config.calendar_of(site)
    if calendar == Calendar():
        return SHIFT_DAYS_A_WEEK, SHIFT_HOURS_A_WEEK
    starts = [time.fromisoformat(start) for start in config.shifts_of(site)]
    at = [start.hour + start.minute / 60 for start in starts]
    hours = [(later - begin) % HOURS_A_DAY or HOURS_A_DAY
             for begin, later in zip(at, [*at[1:], at[0]], strict=True)]  # fmt: skip
    a_day = sum(length - calendar.break_min / 60 for number, length in enumerate(hours, 1)
                if not calendar.shifts or number in calendar.shifts)  # fmt: skip
    return len(calendar.days), round(a_day * len(calendar.days), 1)


def station_of(step: Step) -> str:
    """Return the station of a route card's step: the first equipment it names, else hands."""
    return step.equipment[0] if step.equipment else BY_HAND


def hands_of(step: Step) -> str:
    """Return whose hands a route card's step takes: holders of its right, else anybody's."""
    return step.qualification or ANYBODY


def qualifications_of(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Return whose hands the plan's work takes, in the order of the route cards."""
    processes = [catalogue.processes[key] for key in plan.work if key in catalogue.processes]
    return list(dict.fromkeys(hands_of(step) for process in processes for step in process.steps))


def stations_of(catalogue: Catalogue, plan: Plan) -> list[str]:
    """Return the stations that the plan's work passes, in the order of the route cards."""
    found: dict[str, None] = {}
    for key in plan.work:
        if process := catalogue.processes.get(key):
            found |= dict.fromkeys(station_of(step) for step in process.steps)
    return list(found)


@dataclass(frozen=True)
class Time:
    """How long a step takes and on what that stands: said, of_step (observed of it),
    observed (all cycles of its kind of machine) or norm."""

    mean_h: float
    cv: float
    basis: str
    n: int = 0


def time_of(process: Process, step: Step, work: PlannedWork, of: Told) -> Time:
    """Return the time of a step: a person's own, else observed enough, else the card's norm."""
    if minutes := work.minutes.get(step.key):
        return Time(minutes / 60, USUAL_CV, "said")
    mine = of.steps.get((process.key, step.key))
    if mine is not None and mine.cycle is not None and mine.cycle.n >= ENOUGH:
        return Time(mine.cycle.mean_h, mine.cycle.cv, "of_step", mine.cycle.n)
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
            Visit(station_of(step), time.mean_h, time.cv, again_of(process, step, of, work),
                  share=share_of(process, step, of), name=step.key,
                  moves=moves_of(process, step, of, work), people=PEOPLE + hands_of(step),
                  crew=plan.stations.get(station_of(step), PlannedStation()).staff or 1.0)
            for step, time in zip(process.steps, times, strict=True)
        )
        batches = per_week(key, work, of) / HOURS_A_WEEK / work.batch
        weekly = of.weekly(key) if work.per_week is None else ()
        routes.append(Route(key, visits, batches, work.batch, weekly=weekly))
    stations = tuple(_station(key, plan.stations.get(key, PlannedStation()), catalogue, of)
                     for key in stations_of(catalogue, plan))  # fmt: skip
    people = tuple(
        People(PEOPLE + key, plan.people[key].counts, plan.shift_h, plan.shift_days)
        for key in qualifications_of(catalogue, plan)
        if key in plan.people and any(plan.people[key].counts)
    )
    return Shop(stations, tuple(routes), people)


def again_of(process: Process, step: Step, of: Told, work: PlannedWork) -> float:
    """Return how often a step is done again: as said, else as observed often enough, else 0."""
    if (said := work.again.get(step.key)) is not None:
        return said
    n, share = of.again.get((process.key, step.key), (0, 0.0))
    return min(share, MOST_REWORK) if n >= ENOUGH else 0.0


def moves_of(
    process: Process, step: Step, of: Told, work: PlannedWork
) -> tuple[tuple[int, float], ...]:
    """Return where work goes from a step, as observed often enough; nothing where it goes on to the
    next, and where a person said how much comes back."""
    seen = of.moves.get((process.key, step.key))
    if seen is None or seen.n < ENOUGH or step.key in work.again:
        return ()
    number = {each.key: n for n, each in enumerate(process.steps)} | {OUT: len(process.steps)}
    if any(key not in number for key in seen.shares):
        return ()
    moves = tuple(sorted((number[key], share) for key, share in seen.shares.items() if share > 0))
    return () if moves == ((number[step.key] + 1, 1.0),) else moves


def share_of(process: Process, step: Step, of: Told) -> float:
    """Return which share of items takes a step, as observed often enough; all until then."""
    n, share = of.taken.get((process.key, step.key), (0, 1.0))
    return share if step.optional and n >= ENOUGH else 1.0


def _station(
    key: str, planned: PlannedStation, catalogue: Catalogue, of: Told
) -> Station:
    """A person's own times of breakdowns and calibrations stand before those of the trace."""
    fails: dict[str, Any] = {}
    seen = of.failures.get(key)
    if planned.mtbf_h and planned.mttr_h:
        fails = {"mtbf_h": planned.mtbf_h, "mttr_h": planned.mttr_h}
    elif seen is not None and seen.n >= FAILURES_ENOUGH and seen.mttr_h > 0:
        fails = {"mtbf_h": seen.mtbf_h, "mttr_h": seen.mttr_h}
    return Station(key, planned.machines, planned.capacity, hours_a_week=planned.hours_a_week,
                   days_a_week=planned.days_a_week, **fails,
                   **_calibrated(key, planned, catalogue, of))  # fmt: skip


def _calibrated(
    key: str, planned: PlannedStation, catalogue: Catalogue, of: Told
) -> dict[str, Any]:
    """Return how often and how long calibrations take each machine of a station away."""
    row, seen = catalogue.equipment_types.get(key), of.calibrations.get(key)
    if planned.calibration_h:
        months = (row.interval_months if row else None) or USUAL_CALIBRATION_MONTHS
        return {"calibration_every_h": months * HOURS_A_MONTH,
                "calibration_h": planned.calibration_h}  # fmt: skip
    if seen is not None and seen.n >= FAILURES_ENOUGH and seen.away_h > 0:
        return {"calibration_every_h": seen.every_h,
                "calibration_h": min(seen.away_h, MOST_AWAY * seen.every_h)}  # fmt: skip
    return {}
