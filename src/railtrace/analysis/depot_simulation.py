"""A shop run event by event: what the formulas of `depot_flow.py` are verified with.

Draws belong to items and machines, not to moments: a second machine, or another route order,
meets the same work times and the same breakdowns (common random numbers), so two variants differ
by what was changed and not by luck. One run is worth nothing near full load: replicate.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from railtrace.analysis.depot_flow import (
    DAYS_A_WEEK,
    HOURS_A_DAY,
    HOURS_A_WEEK,
    People,
    Process,
    Shop,
    Station,
    Step,
    check_shop,
)
from railtrace.analysis.life_data import Floats

INFINITY = float("inf")
_DRAIN = 1.4
"""How much of the horizon passes until what is still in the shop is left there."""
_NOBODY = 1e-9
"""Of people: what is left of a sum of shares of one."""
_ATTEMPTS = 2
"""Rounds whose draws belong to the item; later rework draws from the run's own stream."""


@dataclass(frozen=True, eq=False)
class Run:
    """What happened in one run after its warm-up.

    turnaround_h : by process, of items that arrived after the warm-up and were finished
    wait_h : by station, mean wait of an item for a machine
    utilisation : by station, share of open machine hours (repairs included) that were worked,
        by work begun within the horizon
    finished_per_week : by process
    came_per_week : by process, after the warm-up
    left : by process, items that came after the warm-up and were never finished
    people : of the counted people, share of their hours that was worked, by work begun within
        the horizon
    """

    turnaround_h: dict[str, Floats]
    wait_h: dict[str, float]
    utilisation: dict[str, float]
    finished_per_week: dict[str, float]
    came_per_week: dict[str, float]
    left: dict[str, int]
    people: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """A mean over replications with its 95 % interval."""

    mean: float
    low: float
    high: float


def replicate(
    shop: Shop,
    horizon_h: float,
    replications: int = 20,
    seed: int = 0,
    processors: int = 1,
    tell: Callable[[int], bool] = lambda done: True,
) -> list[Run]:
    """Run a shop several times; `tell` hears how many are done and ends the rest by False.

    Raises
    ------
    BadData : a shop that `check_shop` refuses.
    """
    check_shop(shop)
    runs: list[Run] = []
    for run in _runs(shop, horizon_h, range(seed, seed + replications), processors):
        runs.append(run)
        if not tell(len(runs)):
            break
    return runs


def _runs(shop: Shop, horizon_h: float, seeds: range, processors: int) -> Iterator[Run]:
    if processors == 1:
        yield from (simulate(shop, horizon_h, seed) for seed in seeds)
        return
    with ProcessPoolExecutor(processors) as pool:
        asked = [pool.submit(simulate, shop, horizon_h, seed) for seed in seeds]
        try:
            for each in asked:
                yield each.result()
        finally:
            for each in asked:
                each.cancel()


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of independent replications with its Student interval."""
    some = np.asarray(values, float)
    mean = float(np.mean(some))
    if len(some) < 2:
        return Estimate(mean, -INFINITY, INFINITY)
    half = float(t.ppf(0.975, len(some) - 1) * np.std(some, ddof=1) / np.sqrt(len(some)))
    return Estimate(mean, mean - half, mean + half)


def percentile_h(runs: Sequence[Run], process: str, share: float) -> Estimate:
    """Return the turnaround that a share of a process's items does not exceed."""
    return estimate(
        [float(np.quantile(run.turnaround_h[process], share)) for run in runs
         if len(run.turnaround_h[process])]
    )  # fmt: skip


# --- one run ----------------------------------------------------------------------------------


def simulate(shop: Shop, horizon_h: float, seed: int, warm_up: float = 0.2) -> Run:
    """Run a shop once over `horizon_h` hours; the first `warm_up` share of it is not counted."""
    return _Engine(shop, horizon_h, seed, warm_up * horizon_h).run()


@dataclass(frozen=True, eq=False)
class Record:
    """What happened in one run, visit by visit, in the order in which items came to a step.

    Every array has one entry per visit of an item to a step of its process.

    Attributes
    ----------
    process, number, step : index of the process, number of the item in it, index of the step
    arrived_h : when the item came to the shop
    queued_h, begin_h, end_h : when it came to the step, work began and ended; infinite for never
    machine : which of its station's, -1 while it waits
    after : the step it went to then, `DONE` out of the shop, `NOWHERE` where the run was over
    down : by station and machine, begins and ends of when it did not work
    """

    process: NDArray[np.int64]
    number: NDArray[np.int64]
    step: NDArray[np.int64]
    arrived_h: Floats
    queued_h: Floats
    begin_h: Floats
    end_h: Floats
    machine: NDArray[np.int64]
    after: NDArray[np.int64]
    down: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]]


DONE, NOWHERE = -1, -2


def recorded(
    shop: Shop, horizon_h: float, seed: int, warm_up: float = 0.2
) -> tuple[Run, Record]:  # fmt: skip
    """Run a shop once, as `simulate` does, and keep what happened.

    Raises
    ------
    BadData : a shop that `check_shop` refuses.
    """
    check_shop(shop)
    engine = _Engine(shop, horizon_h, seed, warm_up * horizon_h, heard=[])
    run = engine.run()
    return run, engine.record()


Spans = tuple[list[float], list[float]]
"""Begins and ends in their order, an infinite one last."""
Visit = tuple[int, int, float, float, int]
"""As the engine notes it: item, step, begin, end, machine."""


class _Machines:
    """The machines of one station and what waits for them."""

    def __init__(self, station: Station, horizon_h: float, seed: int, index: int) -> None:
        self.key, self.capacity = station.key, station.capacity
        self.count = station.machines
        self.down = [
            _downtimes(station, machine, horizon_h, (seed, index))
            for machine in range(station.machines)
        ]
        self.at = [0] * station.machines
        self.free = list(range(station.machines))
        self.queue: deque[tuple[float, int]] = deque()
        self.wakes = INFINITY
        self.called = True
        """False while its first load waits for people."""
        self.waited_h, self.served, self.busy_h = 0.0, 0, 0.0
        self.rests: dict[tuple[int, int], Spans] = {}

    def rest_of(self, machine: int, hands: int, off: Spans) -> Spans:
        """Return when work of some people on a machine rests: it is down, or nobody is there."""
        found = self.rests.get((machine, hands))
        if found is None:
            spans = [span for each in (self.down[machine], off)
                     for span in zip(*each, strict=True) if span[0] < INFINITY]  # fmt: skip
            found = self.rests[machine, hands] = _laid(spans)
        return found


def _downtimes(
    station: Station, machine: int, horizon_h: float, luck: tuple[int, int]
) -> Spans:
    """Return begins and ends of when a machine does not work: closed shifts, breakdowns,
    calibrations, outages."""
    seed, index = luck
    spans = [
        *_closed(station, horizon_h),
        *_breakdowns(station, horizon_h, np.random.default_rng((seed, 1, index, machine))),
        *_calibrations(station, horizon_h, np.random.default_rng((seed, 5, index, machine))),
        *((each.from_h, each.to_h) for each in station.outages if each.machine == machine),
    ]
    return _laid(spans)


def _laid(spans: Iterable[tuple[float, float]]) -> Spans:
    """Return begins and ends of spans in their order, those that meet made one."""
    begins: list[float] = []
    ends: list[float] = []
    for begin, end in sorted(spans):
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return [*begins, INFINITY], [*ends, INFINITY]


def _closed(station: Station, horizon_h: float) -> list[tuple[float, float]]:
    """Lay the worked hours at the start of each worked day; the last days of a week are off."""
    a_day = station.hours_a_day
    if a_day >= HOURS_A_DAY and station.days_a_week == DAYS_A_WEEK:
        return []
    days = range(int(horizon_h * 1.5 / HOURS_A_DAY) + 2)
    worked = (a_day if day % DAYS_A_WEEK < station.days_a_week else 0.0 for day in days)
    return [(HOURS_A_DAY * day + hours, HOURS_A_DAY * (day + 1))
            for day, hours in zip(days, worked, strict=True)]  # fmt: skip


class _Hands:
    """The people of one qualification: how many are there when, and how many are at a work."""

    def __init__(self, people: People, horizon_h: float) -> None:
        self.people = people
        self.at_h, self.there = _shifts(people, horizon_h)
        self.off = _laid(
            (begin, end)
            for begin, end, n in zip(self.at_h, [*self.at_h[1:], INFINITY], self.there, strict=True)
            if n == 0
        )
        self.rises = _rises(self.at_h, self.there)
        self.now = 0
        self.at_work = self.worked_h = 0.0
        self.waiting: set[int] = set()
        self.wakes = INFINITY

    def free(self, now: float) -> float:
        """Return how many are there and at nothing; below zero while a shift that went home ends
        what it began."""
        while self.now + 1 < len(self.at_h) and self.at_h[self.now + 1] <= now:
            self.now += 1
        return self.there[self.now] - self.at_work

    def more_at(self) -> float:
        """Return when more of them come."""
        return self.rises[self.now]


def _shifts(people: People, horizon_h: float) -> tuple[list[float], list[int]]:
    """Return from which hours on how many are there; the last days of a week are off."""
    at_h, there = [0.0], [0]
    for day in range(int(horizon_h * 1.5 / HOURS_A_DAY) + 2):
        counts = people.counts if day % DAYS_A_WEEK < people.days_a_week else ()
        for number, count_ in enumerate((*counts, 0)):
            at = HOURS_A_DAY * day + people.shift_h * number
            if at == at_h[-1]:
                there[-1] = count_
                if len(there) > 1 and there[-2] == count_:
                    at_h.pop(), there.pop()
            elif count_ != there[-1]:
                at_h.append(at)
                there.append(count_)
    return at_h, there


def _rises(at_h: Sequence[float], there: Sequence[int]) -> list[float]:
    """Return for each span when more come next after it."""
    found = [INFINITY] * len(at_h)
    for n in range(len(at_h) - 2, -1, -1):
        found[n] = at_h[n + 1] if there[n + 1] > there[n] else found[n + 1]
    return found


def _calibrations(
    station: Station, horizon_h: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Lay a machine's calibrations from a first one at random, so that two are seldom at once."""
    every = station.calibration_every_h
    if station.calibration_h == 0 or every == INFINITY:
        return []
    begins = np.arange(rng.uniform(0, every), horizon_h * 1.5, every)
    return [(float(at), float(at) + station.calibration_h) for at in begins]


def _breakdowns(
    station: Station, horizon_h: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    if station.mttr_h == 0 or station.mtbf_h == INFINITY:
        return []
    n = int(horizon_h * 1.5 / (station.mtbf_h + station.mttr_h) * 2) + 20
    up, repair = rng.exponential(station.mtbf_h, n), rng.exponential(station.mttr_h, n)
    begin = np.cumsum(up) + np.concatenate([[0.0], np.cumsum(repair)[:-1]])
    return list(zip(begin.tolist(), (begin + repair).tolist(), strict=True))


class _Items:
    """The items of one process: when they come, and how long each step of each takes."""

    def __init__(self, process: Process, shop: Shop, horizon_h: float,
                 seed: int, index: int) -> None:  # fmt: skip
        rng = np.random.default_rng((seed, 0, index))
        stations = {station.key: n for n, station in enumerate(shop.stations)}
        people = {each.key: n for n, each in enumerate(shop.people)}
        self.process = process
        # By step: whose hands it takes, -1 for nobody's, and how many of them.
        self.crew = [(people.get(step.people, -1), step.crew) for step in process.steps]
        self.moves = [_moves(step) for step in process.steps]
        self.arrivals = _arrivals(process, horizon_h, rng)
        self.station = [stations[step.station] for step in process.steps]
        self.rework = [bool(step.moves) or step.rework for step in process.steps]
        self.back = [n if s.back_to is None else s.back_to for n, s in enumerate(process.steps)]
        self.items = len(self.arrivals) * process.batch
        work, luck = (np.random.default_rng((seed, n, index)) for n in (2, 3))
        rounds = _ATTEMPTS if any(self.rework) else 1
        # By step, then round, then item.
        self.work = [
            [_durations(step.mean_h, step.cv, work, (self.items,)).tolist() for _ in range(rounds)]
            for step in process.steps
        ]
        self.luck = [
            [luck.random(self.items).tolist() for _ in range(rounds)] if again else []
            for again in self.rework
        ]
        self.next = _next_taken(process, self.items, np.random.default_rng((seed, 6, index)))
        self.turnaround: list[float] = []
        self.finished = self.came = 0


def _moves(step: Step) -> list[tuple[float, int]]:
    """Return where items go from a step, each with the luck up to which they go there."""
    upto = np.cumsum([chance for _, chance in step.moves]).tolist()
    return [(INFINITY if n == len(upto) else luck, to)
            for n, (luck, (to, _)) in enumerate(zip(upto, step.moves, strict=True), 1)]  # fmt: skip


def _next_taken(process: Process, items: int, rng: np.random.Generator) -> list[list[int]]:
    """Return by step and item which step is taken from there on, itself included; one too far
    where none is. Empty where every item takes every step."""
    n = len(process.steps)
    if all(step.share == 1 for step in process.steps):
        return []
    found = np.full((n + 1, items), n)
    for number in range(n - 1, -1, -1):
        taken = rng.random(items) < process.steps[number].share
        found[number] = np.where(taken, number, found[number + 1])
    return [row.tolist() for row in found]


def _arrivals(process: Process, horizon_h: float, rng: np.random.Generator) -> list[float]:
    if process.batches_per_h == 0:
        return []
    edges, passed = _calendar(process, horizon_h)
    n = int(passed[-1] * process.batches_per_h * 1.3) + 30
    mean = 1 / process.batches_per_h
    times = np.cumsum(_durations(mean, process.arrival_cv, rng, (n,)))
    return [float(at) for at in np.interp(times[times < passed[-1]], passed, edges)]


def _calendar(process: Process, horizon_h: float) -> tuple[Floats, Floats]:
    """Return hours of the clock and how much of the demand's own time has passed by them: a week
    of twice the mean passes twice as fast."""
    if not process.weekly:
        return np.array([0.0, horizon_h]), np.array([0.0, horizon_h])
    factors = np.array(process.weekly) / np.mean(process.weekly)
    edges = np.append(np.arange(0.0, horizon_h, HOURS_A_WEEK), horizon_h)
    weeks = np.diff(edges)
    of_week = factors[np.arange(len(weeks)) % len(factors)]
    return edges, np.concatenate([[0.0], np.cumsum(weeks * of_week)])


def _durations(
    mean: float, cv: float, rng: np.random.Generator, size: tuple[int, ...]
) -> Floats:
    """Draw times: gamma, which is exponential at cv 1, and the mean itself at cv 0."""
    if cv == 0:
        return np.full(size, mean)
    return rng.gamma(cv**-2, mean * cv**2, size)


Event = tuple[float, int, int, int, list[int]]
"""When, in which order, at which station, by which machine (or one of the two below), items."""
_WAKE, _SHIFT, _ARRIVAL = -1, -2, -3
"""At a shift the station is the index of the people who come."""


class _Engine:
    """Events in order of time; an item is (process, number), its state in two lists."""

    def __init__(self, shop: Shop, horizon_h: float, seed: int, warm_up_h: float,
                 heard: list[Visit] | None = None) -> None:  # fmt: skip
        self.shop, self.horizon_h, self.warm_up_h = shop, horizon_h, warm_up_h
        self.heard = heard
        self.stations = [
            _Machines(station, horizon_h, seed, n) for n, station in enumerate(shop.stations)
        ]
        self.kinds = [
            _Items(process, shop, horizon_h, seed, n) for n, process in enumerate(shop.processes)
        ]
        self.hands = [_Hands(people, horizon_h) for people in shop.people]
        self.rng = np.random.default_rng((seed, 4))
        self.coming: dict[int, tuple[Iterator[float], int]] = {}

    def run(self) -> Run:
        """Work off everything that arrives within the horizon, then sum up."""
        # Every item has one number; what is needed of it stands in lists of that number.
        self.kind: list[_Items] = []
        self.number: list[int] = []
        self.step: list[int] = []
        self.arrived: list[float] = []
        self.attempts: list[int] = []
        self.events: list[Event] = []
        self.order = count()
        for index, kind in enumerate(self.kinds):
            self._announce(index, iter(kind.arrivals), 0)
        events, stations, end = self.events, self.stations, self.horizon_h * _DRAIN
        while events:
            now, _, station, machine, items = heappop(events)
            if now > end:
                break
            if machine == _SHIFT:
                self.hands[station].wakes = INFINITY
                self._call(station, now)
                continue
            mine, hands = stations[station], -1
            if machine >= 0:
                mine.free.append(machine)
                if self.hands:
                    hands = self._let_go(items[0])
                for item in items:
                    following = self._after(now, item)
                    if following >= 0:
                        stations[following].queue.append((now, item))
                        if stations[following].free:
                            self._start(following, now)
            elif machine == _WAKE:
                mine.wakes = INFINITY
            else:
                self._arrive(now, mine, _ARRIVAL - machine)
            if mine.queue and mine.free and mine.called:
                self._start(station, now)
            if hands >= 0 and self.hands[hands].waiting:
                self._call(hands, now)
        return self._sum_up()

    # --- people -----------------------------------------------------------------------------------

    def _let_go(self, item: int) -> int:
        """Free the crew of a load that is done; return whose it is, -1 for nobody's."""
        hands, crew = self.kind[item].crew[self.step[item]]
        if hands >= 0:
            self.hands[hands].at_work -= crew
        return hands

    def _call(self, hands: int, now: float) -> None:
        """Let stations that wait for people begin, who waits longest first."""
        people = self.hands[hands]
        waiting = people.waiting
        while waiting and people.free(now) > _NOBODY:
            first = min(waiting, key=lambda station: self.stations[station].queue[0])
            mine = self.stations[first]
            head = mine.queue[0]
            waiting.discard(first)
            mine.called = True
            self._start(first, now)
            if first in waiting and mine.queue[0] == head:
                return

    def _staffed(self, station: int, now: float, hands: int, crew: float) -> bool:
        """Return whether the first load of a station has its people; else it waits for them. Who
        waits longer is not passed by, even by who needs fewer."""
        mine, queues = self.hands[hands], self.stations
        if mine.free(now) >= crew - _NOBODY:
            head = queues[station].queue[0]
            if not any(queues[n].queue[0] < head for n in mine.waiting):
                return True
        mine.waiting.add(station)
        queues[station].called = False
        if mine.wakes == INFINITY and (at := mine.more_at()) < INFINITY:
            mine.wakes = at
            heappush(self.events, (at, next(self.order), hands, _SHIFT, []))
        return False

    def _announce(self, index: int, arrivals: Iterator[float], batch: int) -> None:
        """Put the next batch of a process among the events; one at a time keeps them few."""
        at = next(arrivals, None)
        if at is not None:
            self.coming[index] = (arrivals, batch)
            first = self.kinds[index].station[0]
            heappush(self.events, (at, next(self.order), first, _ARRIVAL - index, []))

    def _arrive(self, now: float, mine: _Machines, index: int) -> None:
        kind, (arrivals, batch) = self.kinds[index], self.coming[index]
        size = kind.process.batch
        if self.warm_up_h <= now:
            kind.came += size
        for number in range(batch * size, (batch + 1) * size):
            item = len(self.kind)
            self.kind.append(kind)
            self.number.append(number)
            self.step.append(0)
            self.arrived.append(now)
            self.attempts.append(0)
            if kind.next:
                self._enter(now, item, mine)
            else:
                mine.queue.append((now, item))
        self._announce(index, arrivals, batch + 1)

    def _enter(self, now: float, item: int, mine: _Machines) -> None:
        """Send an item to the first step that it takes; who takes none is done at once."""
        station = self._to(now, item, 0)
        if station >= 0:
            self.stations[station].queue.append((now, item))
            if self.stations[station] is not mine:
                self._start(station, now)

    def _after(self, now: float, item: int) -> int:
        """Move an item on, or back by chance; return its next station, -1 when it is done."""
        kind, step = self.kind[item], self.step[item]
        if kind.moves[step]:
            return self._move(now, item, kind.moves[step])
        if kind.rework[step] and self._luck(kind, item, step) < kind.rework[step]:
            self.attempts[item] += 1
            self.step[item] = kind.back[step]
            return kind.station[kind.back[step]]
        return self._to(now, item, step + 1)

    def _move(self, now: float, item: int, moves: Sequence[tuple[float, int]]) -> int:
        """Send an item where its luck says; return its station, -1 when done."""
        step = self.step[item]
        luck = self._luck(self.kind[item], item, step)
        to = next(to for upto, to in moves if luck < upto)
        if to == len(self.kind[item].station):
            return self._to(now, item, to)
        self.attempts[item] += to <= step
        self.step[item] = to
        return self.kind[item].station[to]

    def _to(self, now: float, item: int, step: int) -> int:
        """Send an item to a step, or the next that it takes; return its station, -1 when done."""
        kind = self.kind[item]
        if kind.next:
            step = kind.next[step][self.number[item]]
        if step < len(kind.station):
            self.step[item] = step
            return kind.station[step]
        if self.arrived[item] >= self.warm_up_h:
            kind.turnaround.append(now - self.arrived[item])
        if self.warm_up_h <= now <= self.horizon_h:
            kind.finished += 1
        return -1

    def _luck(self, kind: _Items, item: int, step: int) -> float:
        attempt = self.attempts[item]
        if attempt < _ATTEMPTS:
            luck: float = kind.luck[step][attempt][self.number[item]]
            return luck
        return float(self.rng.random())

    def _work(self, item: int) -> float:
        kind, attempt, step = self.kind[item], self.attempts[item], self.step[item]
        if attempt < _ATTEMPTS:
            work: float = kind.work[step][attempt][self.number[item]]
            return work
        spec = kind.process.steps[step]
        return float(_durations(spec.mean_h, spec.cv, self.rng, ()))

    def _start(self, station: int, now: float) -> None:
        """Let waiting items begin, first come first served, while a machine is free and up."""
        mine = self.stations[station]
        queue, counts = mine.queue, now >= self.warm_up_h
        while queue and mine.free and mine.called:
            machine, up_at = self._first_up(mine, now)
            if up_at > now:
                # All free machines are closed or under repair: come back when the first is up.
                if up_at < mine.wakes:
                    mine.wakes = up_at
                    heappush(self.events, (up_at, next(self.order), station, _WAKE, []))
                return
            since, item = queue[0]
            hands, crew = self.kind[item].crew[self.step[item]] if self.hands else (-1, 0.0)
            if hands >= 0 and not self._staffed(station, now, hands, crew):
                return
            mine.free.remove(machine)
            queue.popleft()
            items, waited = [item], now - since
            # Who shares the load of a machine that takes several.
            while len(items) < mine.capacity and queue:
                since, other = queue.popleft()
                items.append(other)
                waited += now - since
            work = self._work(item)
            if counts:
                mine.waited_h += waited
                mine.served += len(items)
                if now <= self.horizon_h:
                    mine.busy_h += work
            done = (_end(mine.down[machine], mine.at[machine], now, work) if hands < 0
                    else self._manned(hands, crew, mine, machine, now, work))  # fmt: skip
            if self.heard is not None:
                self.heard += [(i, self.step[i], now, done, machine) for i in items]
            heappush(self.events, (done, next(self.order), station, machine, items))

    def _manned(
        self, hands: int, crew: float, mine: _Machines, machine: int, now: float, work: float
    ) -> float:  # fmt: skip
        """Put a crew at a load; return when it is done. It rests while the machine is down or
        nobody of its people is there; a shift hands over to the next."""
        people = self.hands[hands]
        rest = mine.rest_of(machine, hands, people.off)
        done = _end(rest, bisect_right(rest[1], now), now, work)
        people.at_work += crew
        if self.warm_up_h <= now <= self.horizon_h:
            people.worked_h += crew * work
        return done

    @staticmethod
    def _first_up(mine: _Machines, now: float) -> tuple[int, float]:
        """Return the free machine that is up first, and since or from when."""
        best, best_at = -1, INFINITY
        for machine in mine.free:
            begins, ends = mine.down[machine]
            at = mine.at[machine]
            while ends[at] <= now:
                at += 1
            mine.at[machine] = at
            if begins[at] > now:
                return machine, now
            if ends[at] < best_at:
                best, best_at = machine, ends[at]
        return best, best_at

    def record(self) -> Record:
        """Return what was heard as columns: whose visit, when it came there, where it went then."""
        waiting = [(item, self.step[item], INFINITY, INFINITY, -1)
                   for station in self.stations for _, item in station.queue]  # fmt: skip
        visits = np.array([*(self.heard or ()), *waiting], float).reshape(-1, 5)
        visits = visits[np.lexsort((visits[:, 2], visits[:, 0]))]
        item, step, machine = (visits[:, n].astype(np.int64) for n in (0, 1, 4))
        begin, end, arrived = visits[:, 2], visits[:, 3], np.array(self.arrived, float)[item]
        same = item[1:] == item[:-1]
        queued, after = arrived.copy(), np.where(end <= self.horizon_h * _DRAIN, DONE, NOWHERE)
        queued[1:][same] = end[:-1][same]
        after[:-1][same] = step[1:][same]
        of = {id(kind): n for n, kind in enumerate(self.kinds)}
        process = np.array([of[id(kind)] for kind in self.kind], np.int64)[item]
        number = np.array(self.number, np.int64)[item]
        order = np.argsort(queued, kind="stable")
        return Record(
            process[order], number[order], step[order], arrived[order], queued[order],
            begin[order], end[order], machine[order], after[order].astype(np.int64),
            {s.key: s.down for s in self.stations},
        )  # fmt: skip

    def _sum_up(self) -> Run:
        weeks = (self.horizon_h - self.warm_up_h) / HOURS_A_WEEK
        counted = self.horizon_h - self.warm_up_h
        share = {s.key: s.open_share for s in self.shop.stations}
        return Run(
            {k.process.key: np.array(k.turnaround) for k in self.kinds},
            {s.key: s.waited_h / s.served if s.served else 0.0 for s in self.stations},
            {s.key: s.busy_h / (s.count * counted * share[s.key]) for s in self.stations},
            {k.process.key: k.finished / weeks for k in self.kinds},
            {k.process.key: k.came / weeks for k in self.kinds},
            {k.process.key: k.came - len(k.turnaround) for k in self.kinds},
            {h.people.key: h.worked_h * HOURS_A_WEEK / (counted * h.people.hours_a_week)
             for h in self.hands},
        )  # fmt: skip


def _end(rest: Spans, at: int, now: float, work: float) -> float:
    """Return when work begun now is done; it stops in each rest, the first of them that `at`."""
    begins, ends = rest
    while now + work > begins[at]:
        work -= begins[at] - now
        now = ends[at]
        at += 1
    return now + work
