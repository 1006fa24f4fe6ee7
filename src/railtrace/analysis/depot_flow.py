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
MOST_VISITS = 1000.0
"""More visits of one item to a step than this are a route that goes round for ever."""
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
class People:
    """Who works: a qualification and how many who hold it are there in each shift of a day.

    Shifts of shift_h hours follow one another from the beginning of each of the first days_a_week
    days of a week.
    """

    key: str
    counts: tuple[int, ...]
    shift_h: float = 8.0
    days_a_week: int = 5

    @property
    def hours_a_week(self) -> float:
        """Person-hours of a week."""
        return sum(self.counts) * self.shift_h * self.days_a_week

    @property
    def at_once(self) -> float:
        """How many are there on the average while anybody is."""
        return sum(self.counts) / sum(count > 0 for count in self.counts)

    @property
    def open_share(self) -> float:
        """Share of all hours in which anybody is there."""
        shifts = sum(count > 0 for count in self.counts)
        return shifts * self.shift_h * self.days_a_week / HOURS_A_WEEK


@dataclass(frozen=True)
class Step:
    """Work of a process at a station: mean [h] and coefficient of variation.

    rework : chance that it sends the item back to step `back_to`, its own by default
    share : share of items that take the step at all
    moves : where items go from it, steps from 0 and one past the last for out, each with its
        chance; they stand before rework here and shares of what follows
    people, crew : whose hands a load of the machine takes, and how many of them; "" for nobody's
    name : what refusals call it, its number if empty
    """

    station: str
    mean_h: float
    cv: float = 0.3
    rework: float = 0.0
    back_to: int | None = None
    share: float = 1.0
    name: str = field(default="", compare=False, repr=False)
    moves: tuple[tuple[int, float], ...] = ()
    people: str = ""
    crew: float = 1.0


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
    """Stations, the processes that pass them, and people as far as they are counted: a step of
    people who are not among them is never short of hands."""

    stations: tuple[Station, ...]
    processes: tuple[Process, ...]
    people: tuple[People, ...] = ()

    def hands(self, step: Step) -> People | None:
        """Return the counted people of a step."""
        return next((each for each in self.people if each.key == step.people), None)


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
    people, people_load, people_wait_h : shape (p,)
        Of the counted people: share of their hours that is needed, mean wait of a load for them.
    """

    stations: tuple[str, ...]
    load: Floats
    wait_h: Floats
    machines: NDArray[np.int64]
    people: tuple[str, ...]
    people_load: Floats
    people_wait_h: Floats

    def now(self, values: Floats) -> Floats:
        """Return the column of each station's present count."""
        return np.asarray(values[np.arange(len(self.machines)), self.machines - 1])

    @property
    def loads(self) -> Floats:
        """Load of every station now and of all people; shape (s + p,)."""
        return np.concatenate([self.now(self.load), self.people_load])

    @property
    def bottleneck(self) -> str:
        """The station, or the people, with the greatest load now."""
        return (*self.stations, *self.people)[int(np.argmax(self.loads))]


def check_shop(shop: Shop) -> None:
    """Refuse a shop that cannot be computed. Raises BadData naming station, process and step."""
    known = {station.key: station for station in shop.stations}
    if len(known) < len(shop.stations):
        raise BadData("two stations have one name: every station needs its own")
    if len({*known, *(each.key for each in shop.people)}) < len(known) + len(shop.people):
        raise BadData("two groups of people have one name: every one needs its own")
    for station in shop.stations:
        _check_station(station)
    for people in shop.people:
        _check_people(people)
    for process in shop.processes:
        _check_process(process, known)
        for number, step in enumerate(process.steps):
            _check_crew(process, number, step, shop.hands(step))


def _check_people(people: People) -> None:
    if min(people.counts, default=-1) < 0 or max(people.counts) == 0:
        raise BadData("people {people}: {counts} by shift; none below zero, somebody in one of "
                      "them", people=people.key,
                      counts=", ".join(map(str, people.counts)) or "none")  # fmt: skip
    if not 0 < people.shift_h * len(people.counts) <= HOURS_A_DAY + 1e-9:
        raise BadData(
            "people {people}: {shifts} shifts of {hours} hours; a day has 24",
            people=people.key, shifts=len(people.counts), hours=f"{people.shift_h:g}",
        )  # fmt: skip
    if not 1 <= people.days_a_week <= DAYS_A_WEEK:
        raise BadData("people {people}: {days} days a week; a week has 7",
                      people=people.key, days=people.days_a_week)  # fmt: skip


def _check_crew(process: Process, number: int, step: Step, people: People | None) -> None:
    if people is not None and not 0 < step.crew <= max(people.counts):
        raise BadData(
            "process {process}, step {step}: it takes {crew} of people {people}, at most {most} "
            "are there in a shift", process=process.key, step=step.name or number + 1,
            crew=f"{step.crew:g}", people=people.key, most=max(people.counts),
        )  # fmt: skip


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
        _check_moves(process, step, where)
    _check_ends(process)


def _check_moves(process: Process, step: Step, where: Mapping[str, Any]) -> None:
    chances = [chance for _, chance in step.moves]
    known = all(0 <= to <= len(process.steps) for to, _ in step.moves)
    if step.moves and not (known and min(chances) >= 0 and abs(sum(chances) - 1) < 1e-6):
        raise BadData("process {process}, step {step}: the chances of where it goes are not below "
                      "zero, sum up to 1 and name steps of it", **where)  # fmt: skip


def _check_ends(process: Process) -> None:
    """Refuse a route that items go round more often than the most rework allows."""
    moves = _moves(process)
    ends = moves.sum(axis=1) < 1 - 1e-12
    for _ in process.steps:
        ends |= (moves[:, ends] > 0).any(axis=1)
    often = (np.linalg.inv(np.eye(len(ends)) - moves).diagonal() if ends.all()
             else np.where(ends, 1.0, np.inf))  # fmt: skip
    for number, step in enumerate(process.steps):
        if often[number] > MOST_VISITS:
            raise BadData(
                "process {process}, step {step}: the route comes back to it again and again: a "
                "route that goes round for ever is not a route",
                process=process.key, step=step.name or number + 1,
            )  # fmt: skip


def visits(process: Process) -> Floats:
    """Return how often an item is worked at each step, rework counted; shape (steps,)."""
    n = len(process.steps)
    return np.asarray(np.linalg.solve(np.eye(n) - _moves(process).T, _onward(process, 0)))


def _moves(process: Process) -> Floats:
    """Return the chance to go from each step to each other; shape (steps, steps)."""
    n = len(process.steps)
    moves = np.zeros((n, n + 1))
    for number, step in enumerate(process.steps):
        if step.moves:
            for to, chance in step.moves:
                moves[number, to] += chance
        else:
            moves[number, :n] = (1 - step.rework) * _onward(process, number + 1)
            moves[number, number if step.back_to is None else step.back_to] += step.rework
    return moves[:, :n]


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
    M/M/c, M/G/1, M[b]/G/1 and M[b]/M/c.
    """
    check_shop(shop)
    most = max([most, *(station.machines for station in shop.stations)])
    counts = np.arange(1, most + 1)
    rows = [_row(station, _demand(shop, station), counts) for station in shop.stations]
    hands = [_hands(shop, people) for people in shop.people]
    return Carried(
        tuple(station.key for station in shop.stations),
        np.array([load for load, _ in rows]),
        np.array([wait for _, wait in rows]),
        np.array([station.machines for station in shop.stations]),
        tuple(people.key for people in shop.people),
        np.array([load for load, _ in hands]), np.array([wait for _, wait in hands]),
    )  # fmt: skip


def _hands(shop: Shop, people: People) -> tuple[float, float]:
    """Return load and wait of people: a station of as many crews as are there at once.

    A crew stays with its load while the machine is under repair.
    """
    stations = {station.key: station for station in shop.stations}
    rates, works, squares, crews, bunch = [], [], [], [], []
    for process in shop.processes:
        for times, step in zip(visits(process), process.steps, strict=True):
            rate = process.batches_per_h * process.batch * times
            if step.people == people.key and rate > 0:
                station = stations[step.station]
                rates.append(rate / station.capacity)
                works.append(step.mean_h / station.availability)
                squares.append(works[-1] ** 2 * (1 + step.cv**2))
                crews.append(step.crew)
                bunch.append(max(process.batch / station.capacity, 1.0))
    if not rates:
        return 0.0, 0.0
    weights = np.array(rates) / sum(rates)
    work, crew = float(weights @ works), float(weights @ crews)
    load = float(np.array(rates) @ (np.array(works) * crews)) * HOURS_A_WEEK / people.hours_a_week
    counts = np.array([max(int(people.at_once / crew), 1)])
    cv2 = float(weights @ squares) / work**2 - 1
    wait = _wait(counts, np.array([load]), work / people.open_share, (1.0, cv2),
                 float(weights @ bunch))  # fmt: skip
    return load, float(wait[0])


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
    return load, _wait(counts, load, work, (demand.arrival_cv2, cv2), bunch)


def _wait(
    counts: NDArray[np.int64], load: Floats, work: float, cv2: tuple[float, float], bunch: float
) -> Floats:
    """Return the mean wait; `cv2` of the time between arrivals and of the work, squared."""
    below = load < 1
    safe = np.where(below, load, 0.5)
    single = erlang_c(counts, safe) / (counts * (1 - safe))
    batches = _batch_wait(counts, safe, bunch) - single
    regular = _regular(counts, safe) * max(1 - cv2[1], 0.0)
    queue = single * (sum(cv2) + regular) / 2 + batches * (1 + _BATCHES_REGULAR * regular)
    return np.where(below, queue * work, np.inf)


_BATCHES_REGULAR = 1.6
"""How much more regular work lengthens the wait within a batch than the queue: set so that the
formula is not below the runs on the loads, batches and counts of `bench/bench_queues.py`."""


def _regular(counts: NDArray[np.int64], load: Floats) -> Floats:
    """Return by how much regular work at several machines waits longer than half as long as random
    work does (Cosmetatos 1976, as in Kimura 1994); told for loads from one half on."""
    told = np.maximum(load, 0.5)
    return np.asarray(
        (1 - told) * (counts - 1) * (np.sqrt(4 + 5 * counts) - 2) / (16 * told * counts)
    )


def _batch_wait(counts: NDArray[np.int64], load: Floats, bunch: float) -> Floats:
    """Return the mean wait in times of work where batches come, between those of whole ones."""
    # A mean of batches of one is now and then a hair below one.
    bunch = max(round(bunch, 9), 1.0)
    whole = int(bunch)
    found = [
        sum(share * batch_wait(int(c), float(rho), batch)
            for batch, share in ((whole, whole + 1 - bunch), (whole + 1, bunch - whole)) if share)
        for c, rho in zip(counts, load, strict=True)
    ]  # fmt: skip
    return np.array(found)


def batch_wait(count: int, load: float, batch: int) -> float:
    """Return the mean wait of an item in times of work, M[b]/M/c: exact.

    What leaves n items behind is balanced by what takes them above: the chances of up to c items
    follow from that of none, and the generating function of all from them.
    """
    rate, chances = load * count / batch, [1.0]
    for n in range(1, count):
        chances.append(rate * sum(chances[max(0, n - batch) :]) / n)
    idle = sum((count - n) * p for n, p in enumerate(chances))
    shifted = sum(n * (count - n) * p for n, p in enumerate(chances))
    spare = count - rate * batch
    items = shifted / idle + rate * batch * (batch + 1) / (2 * spare)
    return max(items / (rate * batch) - 1, 0.0)


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
    hands = {"": 0.0} | dict(zip(found.people, found.people_wait_h, strict=True))
    stations = {station.key: station for station in shop.stations}
    return {
        process.key: float(
            sum(
                times * (wait[step.station] + hands.get(step.people, 0.0)
                         + _stay(step, stations[step.station]))
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
    excess = float(np.sum(np.maximum(found.loads - 1, 0)))
    if np.any(found.loads >= 1):
        return _OVERLOADED * (1 + excess)
    times = turnaround_h(shop, found)
    rates = {p.key: p.batches_per_h * p.batch for p in shop.processes}
    total = sum(rates.values())
    return sum(times[key] * rates[key] for key in rates) / total if total else 0.0


def with_one_more(shop: Shop, key: str) -> Shop:
    """Return the shop with a machine more at a station, or with one of the people more in each
    shift in which there are any."""
    return replace(
        shop,
        stations=tuple(
            replace(s, machines=s.machines + 1) if s.key == key else s for s in shop.stations
        ),
        people=tuple(one_more(p) if p.key == key else p for p in shop.people),
    )


def one_more(people: People) -> People:
    """Return people with one more in each shift in which there are any."""
    return replace(people, counts=tuple(count + (count > 0) for count in people.counts))
