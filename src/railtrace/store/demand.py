"""What will come to a depot, week by week: dues, seasonal inspections, repairs nobody planned.

A due comes in the week of its median date. The members of a campaign, as a commission inspection
before a season is, come evenly until its last day. What failures bring comes at the rate of the
past, heavier or lighter by the season once there are enough of them to tell.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import chi2

from railtrace.analysis.fuel import SEASONS, season_of
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.campaigns import Campaign
from railtrace.store.dues import Forecast
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.store.observed_work import SeenOrder
from railtrace.store.workload import WEEK_US
from railtrace.trace.leaf import moment

WEEKS = 26
PAST_WEEKS = 104
ENOUGH_FAILURES = 30
ONE_LOAD_US = 8 * 3_600_000_000
"""Orders of one process opened at one site within this of each other came as one load."""
MOST_CONSISTS = 100


def season_at(at_us: int) -> str:
    """Return the season of a moment."""
    return season_of(moment(at_us).month)


# --- repairs nobody planned ----------------------------------------------------------------------


@dataclass(frozen=True)
class Unplanned:
    """Failures of a class of vehicles: how many, how many a week with the exact interval, and each
    season against the mean of the year (1 for all until there are enough)."""

    vehicle_class: str
    n: int
    per_week: float
    low: float
    high: float
    seasons: Mapping[str, float]

    @property
    def told(self) -> bool:
        """Whether there are enough of them to tell a season from another."""
        return self.n >= ENOUGH_FAILURES


def unplanned(lookup: Lookup, now_us: int) -> dict[str, Unplanned]:
    """Return by class of vehicles what failed in the last two years, or since the first failure."""
    classes = {vehicle.unit: vehicle.vehicle_class for vehicle in lookup.maintained()}
    failed, _ = lookup.failures_of(sorted(classes))
    moments: dict[str, list[int]] = defaultdict(list)
    for unit, rows in failed.items():
        moments[classes[unit]] += [at for at, *_ in rows
                                   if now_us - PAST_WEEKS * WEEK_US <= at <= now_us]  # fmt: skip
    return {class_: _unplanned(class_, at, now_us) for class_, at in moments.items() if at}


def _unplanned(vehicle_class: str, at: Sequence[int], now_us: int) -> Unplanned:
    n, from_us = len(at), min(at)
    weeks = max((now_us - from_us) / WEEK_US, 1.0)
    low, high = chi2.ppf(0.025, 2 * n) / 2, chi2.ppf(0.975, 2 * n + 2) / 2
    return Unplanned(vehicle_class, n, n / weeks, float(low) / weeks, float(high) / weeks,
                     season_factors(at, from_us, now_us))  # fmt: skip


def season_factors(at: Sequence[int], from_us: int, to_us: int) -> dict[str, float]:
    """Return how much each season brings against the mean; 1 where too few tell."""
    same = dict.fromkeys(SEASONS, 1.0)
    if len(at) < ENOUGH_FAILURES:
        return same
    weeks = Counter(season_at(week) for week in range(from_us, to_us, WEEK_US))
    mean, seen = len(at) / max(sum(weeks.values()), 1), Counter(map(season_at, at))
    return {key: seen[key] / weeks[key] / mean if weeks[key] else 1.0 for key in same}


# --- loads ---------------------------------------------------------------------------------------


def loads_seen(orders: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, float]]:
    """Return by process how many loads came and how many units a load brought, mean."""
    at: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in orders:
        at[row["process"], row["site"] or ""].append(row["opened_us"])
    loads: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for (process, _site), opened in at.items():
        opened.sort()
        units[process] += len(opened)
        loads[process] += 1 + sum(b - a > ONE_LOAD_US
                                  for a, b in itertools.pairwise(opened))  # fmt: skip
    return {process: (n, units[process] / n) for process, n in loads.items()}


def wagon_load(catalogue: Catalogue, component: str) -> int:
    """Return how many parts of a type a vehicle brings when it comes; 1 for what is none of one.

    The least of the vehicle types that carry it: a load is not made greater than is sure.
    """
    counts = []
    for type_ in catalogue.vehicle_types.values():
        layout = catalogue.layouts.get(type_.layout)
        if layout is not None and layout.wheelset.part_type == component:
            counts.append(max(type_.bogies, 1) * type_.axles_per_bogie)
        if layout is not None and layout.bogie and layout.bogie.part_type == component:
            counts.append(max(type_.bogies, 1))
    return min(counts, default=1)


def consist_load(lookup: Lookup, now_us: int) -> float:
    """Return how many vehicles a consist has, mean of those about and of the last trips; 0 where
    no consist is known."""
    rows = [*lookup.consists_about(now_us, MOST_CONSISTS), *lookup.consists_closed(MOST_CONSISTS)]
    sizes = [row.units for row in rows if row.units]
    return sum(sizes) / len(sizes) if sizes else 0.0


# --- by week -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Demand:
    """What comes for a process, week by week from now.

    due : by their median dates; `overdue` of them stand over from before and come evenly
    season : members of campaigns whose service the process is
    unplanned : at the rate of the past, by the season
    """

    process: str
    due: tuple[float, ...]
    season: tuple[float, ...]
    unplanned: tuple[float, ...]
    overdue: int

    @property
    def weeks(self) -> tuple[float, ...]:
        """All that comes in each week."""
        even = self.overdue / len(self.due)
        return tuple(even + sum(each) for each in
                     zip(self.due, self.season, self.unplanned, strict=True))  # fmt: skip


def demand(
    catalogue: Catalogue, lookup: Lookup, forecasts: Iterable[Forecast],
    campaigns: Iterable[tuple[Campaign, Sequence[str]]], rates: Mapping[str, float],
    failures: Mapping[str, Unplanned], now_us: int,
) -> dict[str, Demand]:  # fmt: skip
    """Return the demand of every process by week.

    campaigns : open ones with their members that are still to be done; rates : unplanned orders a
    week by process
    """
    type_of = {vehicle.unit: vehicle.type for vehicle in lookup.maintained()}
    due, overdue = _dues(catalogue, type_of, forecasts, now_us)
    season = _seasons(catalogue, type_of, campaigns, now_us)
    zero = [0.0] * WEEKS
    return {
        key: Demand(key, tuple(due.get(key, zero)), tuple(season.get(key, zero)),
                    _by_season(rates.get(key, 0.0), _factors(catalogue, key, failures), now_us),
                    overdue[key])
        for key in catalogue.processes
        if key in due or key in season or overdue[key] or rates.get(key)
    }  # fmt: skip


def _dues(
    catalogue: Catalogue, type_of: Mapping[str, str], forecasts: Iterable[Forecast], now_us: int
) -> tuple[dict[str, list[float]], Counter[str]]:
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * WEEKS)
    overdue: Counter[str] = Counter()
    for forecast in forecasts:
        if forecast.median_us is None:
            continue
        week = (forecast.median_us - now_us) // WEEK_US
        keys = _served(catalogue, forecast.due.kind, type_of.get(forecast.due.unit, ""))
        for key in keys if week < WEEKS else ():
            if week < 0:
                overdue[key] += 1
            else:
                found[key][week] += 1
    return found, overdue


def _served(catalogue: Catalogue, kind: str, type_: str) -> list[str]:
    return [p.key for p in catalogue.processes.values()
            if kind in p.services and type_ in p.applies_to]  # fmt: skip


def _seasons(
    catalogue: Catalogue, type_of: Mapping[str, str],
    campaigns: Iterable[tuple[Campaign, Sequence[str]]], now_us: int,
) -> dict[str, list[float]]:  # fmt: skip
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * WEEKS)
    for campaign, left in campaigns:
        last = min(max((campaign.until_us - now_us) // WEEK_US, 0), WEEKS - 1)
        for unit in left:
            for key in _served(catalogue, campaign.service, type_of.get(unit, "")):
                for week in range(last + 1):
                    found[key][week] += 1 / (last + 1)
    return found


def campaigns_open(knowledge: Knowledge, rows: Iterable[Mapping[str, Any]]) -> list[
    tuple[Campaign, list[str]]
]:  # fmt: skip
    """Return the campaigns that go on, with the members that are still to be done."""
    found = []
    for row in rows:
        campaign = knowledge.campaign(row["campaign"])
        if campaign.open:
            left = [unit for unit, member in campaign.members.items()
                    if not member.done and member.left_us is None]  # fmt: skip
            found.append((campaign, left))
    return found


def _factors(
    catalogue: Catalogue, process: str, failures: Mapping[str, Unplanned]
) -> Mapping[str, float]:
    """Return the seasons of the class that a process is of; of parts, of all classes together."""
    types = catalogue.vehicle_types
    mine_of = catalogue.processes[process].applies_to
    classes = {types[key].vehicle_class for key in mine_of if key in types}
    mine = [f for key, f in failures.items() if key in classes or not classes]
    total = sum(f.per_week for f in mine)
    if not total:
        return dict.fromkeys(SEASONS, 1.0)
    return {s: sum(f.per_week * f.seasons[s] for f in mine) / total for s in SEASONS}


def _by_season(rate: float, factors: Mapping[str, float], now_us: int) -> tuple[float, ...]:
    return tuple(rate * factors[season_at(now_us + week * WEEK_US)] for week in range(WEEKS))


def unplanned_rates(orders: Iterable[SeenOrder], weeks: float) -> dict[str, float]:
    """Return by process how many orders a week were opened for a defect."""
    counted = Counter(order.process for order in orders if order.for_defect)
    return {process: n / weeks for process, n in counted.items()}


