"""A better plan for a shift, sought from the plan made at once: first by other orders, then by
constraint programming.

Needs OR-Tools (the extra `planning`); without it the list schedule stands. What comes back is
checked by `schedule.faults` like any other plan, and is never worse than what it began with.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from threading import Thread
from typing import Any

from railtrace.analysis.schedule import (
    Assigned,
    Job,
    Plan,
    Rank,
    Resource,
    Stay,
    faults,
    list_schedule,
    tardiness_h,
    without,
)
from railtrace.analysis.schedule_bound import Least, least
from railtrace.errors import ConfigError

TICKS_AN_HOUR = 60
_LATE_WEIGHT = 100
"""How many hours of an earlier end of everything an hour of one job's lateness is worth."""
_MOST_ORDERS = 3000
_PLACE_H, _FAR_H = 0.25, 1000.0
_SPREADS_H = (0.1, 0.3, 1.0, 3.0)
_RETURN_S, _LOOK_S = 2.0, 0.1
"""How long before its time is up the solver is told to come back."""
_ORDERS_SHARE = 0.4
"""Share of the time in which other orders are tried before the constraint solver begins."""
PROVED_GAP = 0.002

Tell = Callable[[float, float], None]
"""Hears the cost of the best plan and the bound."""


@dataclass(frozen=True)
class Found:
    """A plan, its cost, and the cost below which no plan can be; `gap` is their distance."""

    plan: Plan
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """Share of the cost that may still be saved; 0 when the plan is proved the best."""
        return 0.0 if self.cost == 0 else max(0.0, (self.cost - self.bound) / self.cost)


@dataclass(frozen=True)
class Asked:
    """A week as the search is asked about it."""

    jobs: tuple[Job, ...]
    resources: tuple[Resource, ...]
    frozen: tuple[Assigned, ...] = ()
    stays: tuple[Stay, ...] = ()

    def at_once(self, rank: Rank | None = None) -> Plan:
        """Return the list schedule in an order of jobs."""
        return list_schedule(self.jobs, self.resources, self.frozen, self.stays, rank)


def cost(plan: Plan, jobs: Sequence[Job]) -> float:
    """Return what is made small: hours of lateness, weighted, and the hour when all is done."""
    end = max((each.end_h for each in plan.assigned), default=0.0)
    return _LATE_WEIGHT * tardiness_h(plan, jobs) + end


def bound(low: Least, frozen: Sequence[Assigned] = ()) -> float:
    """Return the cost below which no plan can be."""
    end = max([low.end_h, *(each.end_h for each in frozen)])
    return _LATE_WEIGHT * low.tardiness_h + end


def improve(
    jobs: Sequence[Job],
    resources: Sequence[Resource],
    frozen: Sequence[Assigned] = (),
    seconds: float = 30.0,
    workers: int = 2,
    tell: Tell = lambda cost, bound: None,
    stopped: Callable[[], bool] = lambda: False,
    stays: Sequence[Stay] = (),
    clock: Callable[[], float] = lambda: 0.0,
) -> Found:
    """Return the best plan found in time; `tell` hears of each, `stopped` is asked twice a second.

    Parameters
    ----------
    clock : gives seconds; without one the time for other orders is not counted

    Raises
    ------
    ConfigError : OR-Tools is not installed.
    BadData : a job or a resource that `check_week` refuses.
    """
    if find_spec("ortools") is None:
        raise ConfigError(
            "a better plan needs OR-Tools: run `pip install 'railtrace[planning]'`; the plan made "
            "at once can be used as it is"
        )
    begun = clock()
    asked = Asked(tuple(jobs), tuple(resources), tuple(frozen), tuple(stays))
    first = asked.at_once()
    if not jobs:
        return Found(first, 0.0, 0.0)
    until = begun + seconds
    low = least(jobs, resources, frozen, tardiness_h(first, jobs))
    found = Found(first, cost(first, jobs), bound(low, frozen))
    orders_until = clock() + _ORDERS_SHARE * (until - clock())
    over = lambda: clock() > orders_until or stopped()  # noqa: E731
    for better in _by_orders(asked, found, low, over):
        found = better
        tell(found.cost, found.bound)
    if found.plan.left or found.gap <= PROVED_GAP or stopped() or clock() >= until:
        return found
    ends = lambda: clock() >= until - _RETURN_S or stopped()  # noqa: E731
    left = until - clock()
    return _by_constraints(asked, found, low, left, workers, tell, ends)


# --- other orders -----------------------------------------------------------------------------


Ranks = dict[str | tuple[str, int], float]
"""Hours by which tasks are ranked: the least goes first."""


def _by_orders(
    asked: Asked, found: Found, low: Least, over: Callable[[], bool]
) -> Iterator[Found]:
    """Yield ever better plans made at once: by rules, then by the best of them a little changed."""
    best, ranks = found, _by_due(asked.jobs)
    for some in _first_ranks(asked.jobs, low):
        if best.gap <= PROVED_GAP or over():
            break
        if (better := _in_order(asked, some, best)) is not None:
            best, ranks = better, some
            yield best
    draw = random.Random(0)
    for _ in range(_MOST_ORDERS):
        if best.gap <= PROVED_GAP or over():
            return
        some = _disturbed(ranks, asked.jobs, draw)
        if (better := _in_order(asked, some, best)) is not None:
            best, ranks = better, some
            yield best


def _first_ranks(jobs: Sequence[Job], low: Least) -> Iterator[Ranks]:
    """Yield ranks from the bound, from the work still ahead, and from rules for whole jobs."""
    due = _by_due(jobs)
    for order in low.orders:
        some: Ranks = {(job.key, n): order.get((job.key, n), order.get(job.key, 0.0))
                for job in jobs for n in range(len(job.tasks))}  # fmt: skip
        yield some
        yield {at: min(hours, due[at]) for at, hours in some.items()}
    yield due
    for rule in _RULES:
        place = {job.key: n * _PLACE_H for n, job in enumerate(sorted(jobs, key=rule))}
        yield {at: place[at[0]] for at in due}


def _by_due(jobs: Sequence[Job]) -> Ranks:
    """Rank tasks by when they must begin for their job to be there when it is wanted."""
    ranks: Ranks = {}
    for job in jobs:
        at = min(job.due_h, _FAR_H)
        for number, task in reversed(list(enumerate(job.tasks))):
            at -= task.duration_h
            ranks[job.key, number] = at
    return ranks


def _work_h(job: Job) -> float:
    return sum(task.duration_h for task in job.tasks)


_RULES: tuple[Callable[[Job], Any], ...] = (
    lambda job: (job.due_h, job.key),
    lambda job: (_work_h(job), job.due_h, job.key),
    lambda job: (job.due_h, _work_h(job), job.key),
    lambda job: (max(task.duration_h for task in job.tasks), job.due_h, job.key),
)


def _disturbed(ranks: Ranks, jobs: Sequence[Job], draw: random.Random) -> Ranks:
    """Change ranks a little: of single tasks, of some jobs, or of one job and another."""
    way, spread = draw.random(), draw.choice(_SPREADS_H)
    if way < 1 / 3:
        return {at: hours + draw.gauss(0, spread) if draw.random() < 1 / 3 else hours
                for at, hours in ranks.items()}  # fmt: skip
    if way < 2 / 3:
        moved = {job.key: draw.gauss(0, spread) for job in jobs if draw.random() < 1 / 5}
        return {at: hours + moved.get(at[0], 0.0) for at, hours in ranks.items()}
    one, other = draw.choice(jobs), draw.choice(jobs)
    between = ranks[other.key, 0] - ranks[one.key, 0]
    moved = {one.key: between, other.key: -between}
    return {at: hours + moved.get(at[0], 0.0) for at, hours in ranks.items()}


def _in_order(asked: Asked, ranks: Ranks, best: Found) -> Found | None:
    """Return the plan of an order where it is not worse than the best."""
    plan = asked.at_once(ranks)
    price = cost(plan, asked.jobs)
    return Found(plan, price, best.bound) if price <= best.cost else None


# --- constraints ------------------------------------------------------------------------------


def _by_constraints(
    asked: Asked, found: Found, low: Least, seconds: float, workers: int, tell: Tell,
    over: Callable[[], bool],
) -> Found:  # fmt: skip
    model = _Model(asked, found.plan, low)
    plan, proved = model.solve(
        seconds, workers, lambda cost, low: tell(min(cost, found.cost), max(low, found.bound)), over
    )
    proved = max(proved, found.bound)
    if plan is not None and not faults(plan, asked.jobs, asked.resources):
        price = cost(plan, asked.jobs)
        if price < found.cost:
            return Found(plan, price, min(proved, price))
    return Found(found.plan, found.cost, min(proved, found.cost))


class _Best:
    """What the solver has found so far: the values of its variables, and the bound."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.bound = 0.0

    def hear_bound(self, bound: float) -> None:
        self.bound = max(self.bound, bound)

    def value(self, variable: Any) -> int:
        return int(self.values[variable.index])


Pool = tuple[str, ...]
"""Keys of resources that can be taken one for another: the same kinds, the same windows."""


class _Model:
    """Tasks as intervals in ticks; alike resources share a capacity and are told apart after."""

    def __init__(self, asked: Asked, first: Plan, low: Least) -> None:
        from ortools.sat.python import cp_model

        self.cp, self.model, self.asked = cp_model, cp_model.CpModel(), asked
        self.fixed = {(each.job, each.number): each for each in asked.frozen}
        self.held = {stay.job: (stay.place, stay.start_h) for stay in asked.stays}
        self.held |= {job.key: (job.stands_at, 0.0) for job in asked.jobs if job.stands_at}
        self.windows = self._windows()
        self.horizon = _ticks(max(e for r in asked.resources for _, e in r.windows)) + 1
        self.start: dict[tuple[str, int], Any] = {}
        self.pools = self._pools()
        self.choice: dict[tuple[str, int, str, Pool], Any] = {}
        self.demands: dict[Pool, list[Any]] = {keys: [] for keys in self.pools}
        self.hints = {(each.job, each.number): each for each in first.assigned}
        for job in asked.jobs:
            self._add_job(job)
        for job in asked.jobs:
            if job.place:
                self._add_stay(job)
        self._alike_in_turn()
        self._close()
        self._minimize(low)

    def _windows(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Return when each resource can be used, frozen tasks cut out."""
        taken: dict[str, list[tuple[float, float]]] = {}
        for each in self.asked.frozen:
            for key in each.resources:
                taken.setdefault(key, []).append((each.start_h, each.end_h))
        return {r.key: tuple(without(r.windows, taken.get(r.key, ())))
                for r in self.asked.resources}  # fmt: skip

    def _pools(self) -> dict[Pool, tuple[str, ...]]:
        """Group resources of the same kinds and windows; a track that is held stands alone."""
        alone = {place for place, _ in self.held.values()}
        groups: dict[Any, list[str]] = {}
        for resource in self.asked.resources:
            own = resource.key if resource.key in alone else ""
            alike = (resource.kinds, self.windows[resource.key], own)
            groups.setdefault(alike, []).append(resource.key)
        return {tuple(keys): kinds for (kinds, _, _), keys in groups.items()}

    def _add_job(self, job: Job) -> None:
        before: Any = None
        for number, task in enumerate(job.tasks):
            at, size = (job.key, number), max(1, _ticks_up(task.duration_h))
            if at in self.fixed:
                start: Any = self.model.new_constant(_ticks(self.fixed[at].start_h))
                size = _ticks_up(self.fixed[at].end_h) - _ticks(self.fixed[at].start_h)
            else:
                earliest = min(_ticks_up(job.release_h), self.horizon)
                start = self.model.new_int_var(earliest, self.horizon, f"{job.key}.{number}")
                self.model.add_hint(start, _ticks_up(self.hints[at].start_h))
                for kind in task.needs:
                    self._choose(at, kind, start, size, start + size)
            self.start[at] = start
            if before is not None:
                self.model.add(start >= before)
            before = start + size
        self.start[job.key, len(job.tasks)] = before

    def _choose(self, at: tuple[str, int], kind: str, start: Any, size: Any, end: Any) -> None:
        """Let a task, or a stay, take its resource from one of the pools of the kind."""
        pools = [keys for keys, kinds in self.pools.items() if kind in kinds]
        taken = []
        for keys in pools:
            chosen = self.model.new_bool_var("")
            interval = self.model.new_optional_interval_var(start, size, end, chosen, "")
            if at in self.hints:
                used = self.hints[at].resources
                self.model.add_hint(chosen, any(key in used for key in keys))
            self.demands[keys].append(interval)
            self.choice[(*at, kind, keys)] = chosen
            taken.append(chosen)
        self.model.add_exactly_one(taken)

    def _add_stay(self, job: Job) -> None:
        """A job stands on one track from its first task to its last."""
        end, first = self.start[job.key, len(job.tasks)], self.start[job.key, 0]
        if job.key in self.held:
            place, since = self.held[job.key]
            size = self.model.new_int_var(0, self.horizon, "")
            interval = self.model.new_interval_var(_ticks(since), size, end, "")
            pool = next(keys for keys in self.pools if place in keys)
            self.demands[pool].append(interval)
            return
        size = self.model.new_int_var(0, self.horizon, "")
        self._choose((job.key, -1), job.place, first, size, end)

    def _alike_in_turn(self) -> None:
        """Of jobs with the same tasks, the one wanted first goes first at every task."""
        groups: dict[Any, list[Job]] = {}
        begun = {job for job, _ in self.fixed}
        for job in self.asked.jobs:
            if job.key not in begun and job.key not in self.held:
                groups.setdefault((job.tasks, job.release_h, job.place), []).append(job)
        for alike in groups.values():
            alike.sort(key=lambda job: (job.due_h, self.hints[job.key, 0].start_h, job.key))
            for first, second in pairwise(alike):
                for number in range(len(first.tasks)):
                    self.model.add(self.start[first.key, number] <= self.start[second.key, number])

    def _close(self) -> None:
        """Take closed hours and what is frozen out of every pool's capacity."""
        for keys, intervals in self.demands.items():
            demands = [1] * len(intervals)
            for start, end in _closed(self.windows[keys[0]], self.horizon):
                intervals.append(self.model.new_fixed_size_interval_var(start, end - start, ""))
                demands.append(len(keys))
            self.model.add_cumulative(intervals, demands, len(keys))

    def _minimize(self, low: Least) -> None:
        last = self.model.new_int_var(_ticks(low.end_h), self.horizon, "")
        for job in self.asked.jobs:
            self.model.add(last >= self.start[job.key, len(job.tasks)])
        late = [self._lateness(job) for job in self.asked.jobs if job.due_h < float("inf")]
        if late:
            self.model.add(sum(late) >= _ticks(low.tardiness_h))
        self.model.minimize(last + _LATE_WEIGHT * sum(late))

    def _lateness(self, job: Job) -> Any:
        late = self.model.new_int_var(0, self.horizon, "")
        self.model.add(late >= self.start[job.key, len(job.tasks)] - _ticks(job.due_h))
        return late

    def solve(
        self, seconds: float, workers: int, tell: Tell, over: Callable[[], bool]
    ) -> tuple[Plan | None, float]:
        """Return the best plan, None where none was found, and the bound.

        A solver that is told to come back and does not is left behind: its last plan is taken.
        """
        solver, best = self.cp.CpSolver(), _Best()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = workers
        solver.parameters.relative_gap_limit = PROVED_GAP
        solver.best_bound_callback = best.hear_bound

        class Listener(self.cp.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
            def on_solution_callback(self) -> None:
                best.values = list(self.response_proto.solution)
                best.hear_bound(self.best_objective_bound)
                tell(self.objective_value / TICKS_AN_HOUR, best.bound / TICKS_AN_HOUR)

        thread = Thread(target=solver.solve, args=(self.model, Listener()), daemon=True)
        thread.start()
        while thread.is_alive() and not over():
            thread.join(_LOOK_S)
        if thread.is_alive():
            solver.stop_search()
            thread.join(_RETURN_S / 2)
        if not thread.is_alive() and best.values:
            best.hear_bound(solver.best_objective_bound)
        return self._told_apart(best) if best.values else None, best.bound / TICKS_AN_HOUR

    def _told_apart(self, solver: _Best) -> Plan | None:
        """Give each task a resource of its pool, first free first; frozen ones keep theirs."""
        taken: dict[str, list[tuple[float, float]]] = {key: [] for key in self.windows}
        tasks = sorted(
            (solver.value(self.start[job.key, n]) / TICKS_AN_HOUR, job.key, n, task)
            for job in self.asked.jobs
            for n, task in enumerate(job.tasks)
            if (job.key, n) not in self.fixed
        )
        assigned = list(self.asked.frozen)
        for start, key, number, task in tasks:
            end = start + task.duration_h
            keys = [self._one_of(solver, (key, number, kind), start, end, taken)
                    for kind in task.needs]  # fmt: skip
            if any(each is None for each in keys):
                return None
            assigned.append(Assigned(start, end, key, number, tuple(k for k in keys if k)))
        stays = self._stays(solver, assigned, taken)
        return None if stays is None else Plan(tuple(sorted(assigned)), (), tuple(sorted(stays)))

    def _stays(
        self, solver: _Best, assigned: Sequence[Assigned],
        taken: dict[str, list[tuple[float, float]]],
    ) -> list[Stay] | None:  # fmt: skip
        spans: dict[str, tuple[float, float]] = {}
        for each in assigned:
            start, end = spans.get(each.job, (each.start_h, each.end_h))
            spans[each.job] = min(start, each.start_h), max(end, each.end_h)
        found = []
        for job in sorted(self.asked.jobs, key=lambda job: spans[job.key]):
            start, end = spans[job.key]
            if job.key in self.held:
                place, start = self.held[job.key]
                found.append(Stay(start, end, job.key, place))
            elif job.place:
                at = self._one_of(solver, (job.key, -1, job.place), start, end, taken)
                if at is None:
                    return None
                found.append(Stay(start, end, job.key, at))
        return found

    def _one_of(
        self, solver: _Best, at: tuple[str, int, str], start: float, end: float,
        taken: dict[str, list[tuple[float, float]]],
    ) -> str | None:  # fmt: skip
        for keys in self.pools:
            chosen = self.choice.get((*at, keys))
            if chosen is None or not solver.value(chosen):
                continue
            for key in keys:
                if all(end <= s + 1e-9 or e <= start + 1e-9 for s, e in taken[key]):
                    taken[key].append((start, end))
                    return key
        return None


def _ticks(hours: float) -> int:
    return int(hours * TICKS_AN_HOUR + 1e-6)


def _ticks_up(hours: float) -> int:
    return -int(-hours * TICKS_AN_HOUR // 1)


def _closed(windows: Sequence[tuple[float, float]], horizon: int) -> list[tuple[int, int]]:
    edges = [0, *(tick for s, e in windows for tick in (_ticks_up(s), _ticks(e))), horizon * 2]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]
