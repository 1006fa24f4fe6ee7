"""The instant answer: what each station carries, where it is short, what one more machine gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from django.utils.translation import gettext

from railtrace.analysis.depot_flow import (
    HOURS_A_WEEK,
    Carried,
    People,
    Shop,
    carried,
    mean_turnaround,
    next_machines,
    one_more,
    visits,
    with_one_more,
)
from railtrace.analysis.depot_flow import turnaround_h as turnarounds
from railtrace.errors import BadData
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.planning.plan import ANYBODY, BY_HAND, PEOPLE, Plan, PlannedStation
from railtrace.web.running import the_app

MOST_BOUGHT = 12
HOURS_A_YEAR = 8760.0
_FULL, _TIGHT = 1.0, 0.85
"""Shares of load: never worked off; queues grow fast."""


class Loaded:
    """What has a load: how near to full it is."""

    load: float

    @property
    def grade(self) -> str:
        """How near to full it is: over, tight or easy."""
        return "over" if self.load >= _FULL else "tight" if self.load >= _TIGHT else "easy"

    @property
    def width(self) -> float:
        """Its bar, 100 at full load, cut off at one and a half."""
        return 100 * min(self.load, 1.5)


@dataclass(frozen=True)
class StationRow(Loaded):
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


@dataclass(frozen=True)
class PeopleRow(Loaded):
    """The people of a qualification: how many by shift, what is needed of their hours, what they
    would be loaded with one more in each shift, how long a load waits for them, None for ever."""

    key: str
    name: str
    counts: tuple[int, ...]
    load: float
    wait_h: float | None
    next_load: float
    bottleneck: bool


@dataclass(frozen=True)
class Answer:
    """Stations and people by load, turnaround of each process in hours of the clock, None for
    ever."""

    stations: tuple[StationRow, ...]
    people: tuple[PeopleRow, ...]
    processes: tuple[tuple[str, float, float | None], ...]
    """Name, items a week, mean turnaround [h]."""
    bottleneck: str
    bottleneck_load: float
    by_people: bool
    over: bool


def station_name(key: str, names: Names) -> str:
    """Return the name of a station, or of the people of a qualification; workplaces with people
    have a name of their own."""
    if key.startswith(PEOPLE):
        return people_name(key.removeprefix(PEOPLE), names)
    return gettext("Workplaces, by hand") if key == BY_HAND else names.type(key)


def people_name(key: str, names: Names) -> str:
    """Return the name of a qualification as of people."""
    if key == ANYBODY:
        return gettext("People without a right of their own")
    row = names.catalogue.qualifications.get(key)
    return gettext("People: %(name)s") % {"name": row.name(names.language) if row else key}


def answer(shop: Shop, names: Names) -> Answer:
    """Compute a shop at once. Raises BadData naming what cannot be computed."""
    most = max(station.machines for station in shop.stations) + 1
    found = carried(shop, most)
    times = turnarounds(shop, found)
    rows = tuple(_row(index, found, names) for index in range(len(found.stations)))
    people = tuple(_people(each, index, found, names) for index, each in enumerate(shop.people))
    every: list[Loaded] = [*rows, *people]
    return Answer(
        tuple(sorted(rows, key=lambda row: -row.load)),
        tuple(sorted(people, key=lambda row: -row.load)),
        tuple(
            (names.catalogue.processes[p.key].name(names.language),
             p.batches_per_h * p.batch * HOURS_A_WEEK, _finite(times[p.key]))
            for p in shop.processes
        ),
        station_name(found.bottleneck, names), float(found.loads.max()),
        found.bottleneck in found.people, any(row.grade == "over" for row in every),
    )  # fmt: skip


def _people(people: People, index: int, found: Carried, names: Names) -> PeopleRow:
    load, more = float(found.people_load[index]), one_more(people)
    return PeopleRow(
        people.key, station_name(people.key, names), people.counts, load,
        _finite(float(found.people_wait_h[index])),
        load * people.hours_a_week / more.hours_a_week, people.key == found.bottleneck,
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
    """At its likely price; None where an hour has no worth, or it cannot be said."""
    payback_span: tuple[float, float] | None
    """At its least and its greatest price."""
    coverage: float
    """Share of all steps that a machine writes into the trace from now on."""
    price: float
    """Of everything bought so far; so the rest."""
    price_low: float
    price_high: float
    power_kw: float
    water_m3_h: float
    area_m2: float
    staff: float


_NEVER_H = 1e8


def priced(shop: Shop, plan: Plan) -> dict[str, PlannedStation]:
    """Return what may be bought: stations of the shop with a price, and people, one more in each
    of their shifts."""
    known = {station.key for station in shop.stations}
    found = {key: p for key, p in plan.stations.items() if p.price > 0 and key in known}
    for people in shop.people:
        if price := plan.people[people.key.removeprefix(PEOPLE)].price:
            found[people.key] = PlannedStation(sum(people.counts), price=price, staff=1.0)
    return found


def buying_order(shop: Shop, plan: Plan, target_h: float) -> list[str]:
    """Return what to buy one after another: most hours saved for its price first, until the
    formulas are at the target; nothing beyond the plan's limits.

    Raises BadData where nothing has a price.
    """
    may_be = priced(shop, plan)

    def may(keys: Sequence[str]) -> bool:
        sums = _sums([may_be[key] for key in keys])
        return all(sums[name] <= limit for name, limit in plan.limits.items())

    costs = {key: planned.price for key, planned in may_be.items()}
    return [key for key, _ in next_machines(shop, costs, MOST_BOUGHT, target_h, may)]


def purchases(
    shop: Shop, plan: Plan, names: Names, order: Sequence[str] | None = None
) -> list[Bought]:
    """Return purchases with what stands after each; `order` is by the formulas if not given.

    Raises BadData where nothing has a price.
    """
    order = buying_order(shop, plan, plan.target_h) if order is None else order
    may_be = priced(shop, plan)
    written = {row.type for row in the_app().lookup.equipment()} | {BY_HAND}
    rows, before = [], mean_turnaround(shop)
    items = sum(p.batches_per_h * p.batch for p in shop.processes) * HOURS_A_YEAR
    news = {key: _share_of_steps(shop, key) for key in may_be if key not in written}
    for number, key in enumerate(order, 1):
        shop = with_one_more(shop, key)
        after, found = mean_turnaround(shop), carried(shop)
        loads = dict(zip((*found.stations, *found.people), found.loads, strict=True))
        saved = plan.value_h * items * (before - after) if before < _NEVER_H else 0.0
        least, likely, greatest = may_be[key].prices
        rows.append(Bought(
            key, station_name(key, names), after if after < _NEVER_H else None,
            float(loads[key]),
            likely / saved if saved > 0 else None,
            (least / saved, greatest / saved) if saved > 0 else None, news.pop(key, 0.0),
            **_sums([may_be[k] for k in order[:number]]),
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


def _sums(bought: Sequence[PlannedStation]) -> dict[str, float]:
    sums = {name: float(sum(getattr(planned, name) for planned in bought)) for name in _SUMMED}
    sums["price_low"] = sum(planned.prices[0] for planned in bought)
    sums["price_high"] = sum(planned.prices[2] for planned in bought)
    return sums


def in_names(error: BadData, names: Names) -> str:
    """Return what is wrong with a shop in words, its station, process and step by their names."""
    return in_words(named(error, names))


def named(error: BadData, names: Names) -> BadData:
    """Return a refusal of a shop with its station, process and step by their names."""
    values = dict(error.values)
    if (key := str(values.get("station", ""))) in {BY_HAND, *names.catalogue.equipment_types}:
        values["station"] = station_name(key, names)
    if (key := str(values.get("people", ""))).startswith(PEOPLE):
        row = names.catalogue.qualifications.get(key.removeprefix(PEOPLE))
        values["people"] = row.name(names.language) if row else station_name(key, names)
    if process := names.catalogue.processes.get(str(values.get("process", ""))):
        values["process"] = process.name(names.language)
        if step := process.step(str(values.get("step", ""))):
            values["step"] = step.name(names.language)
    found = BadData(error.template)
    found.values = values
    return found
