"""What a depot's stations can carry: load, queue and bottleneck for every count of machines.

Closed formulas, at once; `depot_simulation.py` checks them by running the shop. Times are hours of
the shop's clock, on which a station is open all the time; rates are per hour of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

MOST_REWORK = 0.95
HOURS_A_WEEK = 168.0
DAYS_A_WEEK = 7
HOURS_A_DAY = 24.0


@dataclass(frozen=True)
class Outage:
    """A machine of a station, counted from 0, that does not work from one hour to another."""

    machine: int
    from_h: float
    to_h: float


@dataclass(frozen=True)
class Station:
    """A kind of machine, how many there are, how many items one takes at once, how it fails.

    mtbf_h is time between failures while working, mttr_h time to repair; infinite and 0 for a
    machine that does not fail. hours_a_week: shifts in which it is worked, on the first
    days_a_week days of a week. Each machine is away for calibration_h every calibration_every_h.
    Outages are single ones that are told; the formulas do not know them, the runs do.
    """

    key: str
    machines: int
    capacity: int = 1
    mtbf_h: float = float("inf")
    mttr_h: float = 0.0
    hours_a_week: float = HOURS_A_WEEK
    days_a_week: int = DAYS_A_WEEK
    calibration_every_h: float = float("inf")
    calibration_h: float = 0.0
    outages: tuple[Outage, ...] = ()

    @property
    def availability(self) -> float:
        """Share of its worked hours in which a machine is not under repair."""
        return 1.0 if self.mttr_h == 0 else self.mtbf_h / (self.mtbf_h + self.mttr_h)

    @property
    def open_share(self) -> float:
        """Share of all hours in which a machine is worked and not away for its calibration."""
        calibrated = self.calibration_h / self.calibration_every_h
        return self.hours_a_week / HOURS_A_WEEK * (1 - calibrated)

    @property
    def hours_a_day(self) -> float:
        """How long it is worked on each of its days."""
        return self.hours_a_week / self.days_a_week


@dataclass(frozen=True)
class Step:
    """Work of a process at a station: mean [h] and coefficient of variation; `rework` is the
    chance that it sends the item back to step `back_to` (its own by default), `share` the share
    of items that take the step at all. `name` is what refusals call it, its number if empty."""

    station: str
    mean_h: float
    cv: float = 0.3
    rework: float = 0.0
    back_to: int | None = None
    share: float = 1.0
    name: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Process:
    """A route through stations and what comes for it: batches an hour, items a batch.

    arrival_cv is that of the time between batches; 1 for batches that come at random. `weekly`
    are the weeks of the year against the mean one, over and over; the formulas take the mean.
    """

    key: str
    steps: tuple[Step, ...]
    batches_per_h: float
    batch: int = 1
    arrival_cv: float = 1.0
    weekly: tuple[float, ...] = ()


@dataclass(frozen=True)
class Shop:
    """Stations and the processes that pass them."""

    stations: tuple[Station, ...]
    processes: tuple[Process, ...]


@dataclass(frozen=True, eq=False)
class Carried:
    """What stations carry, each column for one count of machines, first 1.

    Attributes
    ----------
    stations : keys, s of them
    load : shape (s, n)
        Share of open, working machine time that is needed; 1 and more is never worked off.
    wait_h : shape (s, n)
        Mean wait for a machine, infinite where the load is not below 1.
    machines : shape (s,), as they are now
    """

    stations: tuple[str, ...]
    load: Floats
    wait_h: Floats
    machines: NDArray[np.int64]

    def now(self, values: Floats) -> Floats:
        """Return the column of each station's present count."""
        return np.asarray(values[np.arange(len(self.machines)), self.machines - 1])

    @property
    def bottleneck(self) -> str:
        """The station with the greatest load now."""
        return self.stations[int(np.argmax(self.now(self.load)))]


def check_shop(shop: Shop) -> None:
    """Refuse a shop that cannot be computed. Raises BadData naming station, process and step."""
    known = {station.key: station for station in shop.stations}
    if len(known) < len(shop.stations):
        raise BadData("two stations have one name: every station needs its own")
    for station in shop.stations:
        _check_station(station)
    for process in shop.processes:
        _check_process(process, known)


def _check_station(station: Station) -> None:
    if station.machines < 1 or station.capacity < 1:
        raise BadData(
            "station {station}: {machines} machines of capacity {capacity}; at least one of each",
            station=station.key, machines=station.machines, capacity=station.capacity,
        )  # fmt: skip
    if not (station.mtbf_h > 0 and station.mttr_h >= 0):
        raise BadData(
            "station {station}: times between failures and to repair are not below zero",
            station=station.key,
        )
    if not 0 < station.hours_a_week <= HOURS_A_WEEK:
        raise BadData(
            "station {station}: {hours} hours a week; a week has 168",
            station=station.key, hours=station.hours_a_week,
        )  # fmt: skip
    _check_days(station)
    if not 0 <= station.calibration_h < station.calibration_every_h:
        raise BadData("station {station}: a calibration takes longer than the time between two",
                      station=station.key)  # fmt: skip


def _check_days(station: Station) -> None:
    if not 1 <= station.days_a_week <= DAYS_A_WEEK:
        raise BadData("station {station}: {days} days a week; a week has 7",
                      station=station.key, days=station.days_a_week)  # fmt: skip
    if station.hours_a_day > HOURS_A_DAY + 1e-9:
        raise BadData(
            "station {station}: {hours} hours a day on {days} days a week; a day has 24",
            station=station.key, hours=round(station.hours_a_day, 1), days=station.days_a_week,
        )  # fmt: skip


def _check_process(process: Process, known: Mapping[str, Station]) -> None:
    if not process.steps:
        raise BadData("process {process} has no steps", process=process.key)
    if process.batches_per_h < 0 or process.batch < 1:
        raise BadData("process {process}: what arrives is not below zero, in batches of one or "
                      "more", process=process.key)  # fmt: skip
    if process.weekly and not (min(process.weekly) >= 0 < sum(process.weekly)):
        raise BadData("process {process}: the weeks of its year are not below zero, and some of "
                      "them above", process=process.key)  # fmt: skip
    for number, step in enumerate(process.steps):
        where: dict[str, Any] = {"process": process.key, "step": step.name or number + 1}
        if step.station not in known:
            raise BadData("process {process}, step {step}: there is no machine {station}",
                          station=step.station, **where)  # fmt: skip
        if not (step.mean_h > 0 and step.cv >= 0):
            raise BadData("process {process}, step {step}: its time is not above zero", **where)
        back = number if step.back_to is None else step.back_to
        if not 0 <= back <= number:
            raise BadData("process {process}, step {step}: work sent back goes to an earlier "
                          "step", **where)  # fmt: skip
        if not 0 <= step.share <= 1:
            raise BadData("process {process}, step {step}: {share} of the items take it; a share "
                          "is from 0 to 1", share=step.share, **where)  # fmt: skip
        if not 0 <= step.rework <= MOST_REWORK:
            raise BadData(
                "process {process}, step {step}: {share} of the work comes back: a route that "
                "goes round for ever is not a route", share=step.rework, **where,
            )  # fmt: skip


def visits(process: Process) -> Floats:
    """Return how often an item is worked at each step, rework counted; shape (steps,)."""
    n = len(process.steps)
    moves = np.zeros((n, n))
    for number, step in enumerate(process.steps):
        moves[number] = (1 - step.rework) * _onward(process, number + 1)
        moves[number, number if step.back_to is None else step.back_to] += step.rework
    return np.asarray(np.linalg.solve(np.eye(n) - moves.T, _onward(process, 0)))


def _onward(process: Process, first: int) -> Floats:
    """Return the chance of each step to be the next one worked, steps left out passed over."""
    chances, still = np.zeros(len(process.steps)), 1.0
    for number in range(first, len(process.steps)):
        chances[number] = still * process.steps[number].share
        still -= chances[number]
    return chances


@dataclass(frozen=True)
class _Demand:
    """What comes to one station: items an hour, moments of their work, how they bunch."""

    rate: float
    mean_h: float
    cv2: float
    arrival_cv2: float
    batch: float


def carried(shop: Shop, most: int = 12) -> Carried:
    """Return load and wait of every station for 1 to `most` machines, or more where there are.

    Raises
    ------
    BadData : a station without machines, a step without a station, a circular route.

    Notes
    -----
    Allen–Cunneen with breakdowns in the effective work (Hopp & Spearman 2008, §8.4) and a term
    for arrivals in batches, without which waits come out four to ten times too short. Exact for
    M/M/c and M/G/1.
    """
    check_shop(shop)
    most = max([most, *(station.machines for station in shop.stations)])
    counts = np.arange(1, most + 1)
    rows = [_row(station, _demand(shop, station), counts) for station in shop.stations]
    return Carried(
        tuple(station.key for station in shop.stations),
        np.array([load for load, _ in rows]),
        np.array([wait for _, wait in rows]),
        np.array([station.machines for station in shop.stations]),
    )


def _demand(shop: Shop, station: Station) -> _Demand:
    rates: list[float] = []
    means: list[float] = []
    squares: list[float] = []
    bunch: list[float] = []
    batches: list[float] = []
    for process in shop.processes:
        for times, step in zip(visits(process), process.steps, strict=True):
            if step.station == station.key and process.batches_per_h * times > 0:
                rates.append(float(process.batches_per_h * process.batch * times))
                means.append(step.mean_h)
                squares.append(step.mean_h**2 * (1 + step.cv**2))
                bunch.append(process.arrival_cv**2)
                batches.append(process.batch)
    if not rates:
        return _Demand(0.0, 0.0, 0.0, 1.0, 1.0)
    weights = np.array(rates) / sum(rates)
    mean = float(weights @ means)
    return _Demand(
        sum(rates), mean, float(weights @ squares) / mean**2 - 1,
        float(weights @ bunch), float(weights @ batches),
    )  # fmt: skip


def _row(station: Station, demand: _Demand, counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    if demand.rate == 0:
        return np.zeros(len(counts)), np.zeros(len(counts))
    up = station.availability
    work = demand.mean_h / (up * station.open_share)
    cv2 = demand.cv2 + 2 * up * (1 - up) * station.mttr_h / demand.mean_h
    # A machine that takes several items at once serves loads, not items.
    rate = demand.rate / station.capacity
    bunch = max(demand.batch / station.capacity, 1.0)
    load = rate * work / counts
    return load, _wait(counts, load, work, (demand.arrival_cv2 + cv2) / 2, bunch)


def _wait(
    counts: NDArray[np.int64], load: Floats, work: float, spread: float, bunch: float
) -> Floats:
    below = load < 1
    safe = np.where(below, load, 0.5)
    queue = erlang_c(counts, safe) * work / (counts * (1 - safe)) * spread
    batches = (bunch - 1) * work / (2 * counts * (1 - safe))
    return np.where(below, queue + batches, np.inf)


def erlang_c(counts: NDArray[np.int64], load: Floats) -> Floats:
    """Return the chance that who comes must wait, M/M/c, for counts of servers and loads < 1."""
    found = np.empty(len(counts))
    for index, (count, rho) in enumerate(zip(counts, load, strict=True)):
        offered, blocked = count * rho, 1.0
        for servers in range(1, count + 1):
            blocked = offered * blocked / (servers + offered * blocked)
        found[index] = blocked / (1 - rho * (1 - blocked))
    return found


def turnaround_h(shop: Shop, found: Carried) -> dict[str, float]:
    """Return the mean time of an item from arrival to end of each process, as things are now."""
    wait = dict(zip(found.stations, found.now(found.wait_h), strict=True))
    stations = {station.key: station for station in shop.stations}
    return {
        process.key: float(
            sum(
                times * (wait[step.station] + _stay(step, stations[step.station]))
                for times, step in zip(visits(process), process.steps, strict=True)
            )
        )
        for process in shop.processes
    }


def _stay(step: Step, station: Station) -> float:
    return step.mean_h / (station.availability * station.open_share)


def next_machines(
    shop: Shop, cost: Mapping[str, float], steps: int, target_h: float = 0.0,
    may: Callable[[Sequence[str]], bool] = lambda bought: True,
) -> Sequence[tuple[str, float]]:  # fmt: skip
    """Return which machine to buy next, again and again: station and mean turnaround after it.

    Each time the one that takes most hours from all items together for its cost. Ends when the
    mean is at the target, no machine helps, or `may` allows no other to what was bought.

    Raises
    ------
    BadData : a cost is not above zero, or nothing costs anything.
    """
    if not cost or min(cost.values()) <= 0:
        raise BadData("give every machine that may be bought a cost above zero")
    bought: list[tuple[str, float]] = []
    now = mean_turnaround(shop)
    while len(bought) < steps and now > target_h:
        so_far = [key for key, _ in bought]
        tried = {key: mean_turnaround(with_one_more(shop, key)) for key in cost
                 if may([*so_far, key])}  # fmt: skip
        if not tried:
            break
        best = max(tried, key=lambda key: (_gain(now, tried[key]) / cost[key], key))
        if _gain(now, tried[best]) <= 0:
            break
        shop, now = with_one_more(shop, best), tried[best]
        bought.append((best, now))
    return bought


_OVERLOADED = 1e9


def _gain(before: float, after: float) -> float:
    return before - after


def mean_turnaround(shop: Shop) -> float:
    """Return the mean turnaround of all items; overloaded stations count by their excess load."""
    found = carried(shop)
    excess = float(np.sum(np.maximum(found.now(found.load) - 1, 0)))
    if np.any(found.now(found.load) >= 1):
        return _OVERLOADED * (1 + excess)
    times = turnaround_h(shop, found)
    rates = {p.key: p.batches_per_h * p.batch for p in shop.processes}
    total = sum(rates.values())
    return sum(times[key] * rates[key] for key in rates) / total if total else 0.0


def with_one_more(shop: Shop, key: str) -> Shop:
    """Return the shop with a machine more at a station."""
    return replace(
        shop,
        stations=tuple(
            replace(s, machines=s.machines + 1) if s.key == key else s for s in shop.stations
        ),
    )
