"""A better plan for a shift, sought by constraint programming from the plan made at once.

Needs OR-Tools (the extra `planning`); without it the list schedule stands. What comes back is
checked by `schedule.faults` like any other plan, and is never worse than what it began with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from railtrace.analysis.schedule import (
    Assigned,
    Job,
    Plan,
    Resource,
    faults,
    list_schedule,
    tardiness_h,
)
from railtrace.errors import ConfigError

TICKS_AN_HOUR = 60
_LATE_WEIGHT = 100
"""How many hours of an earlier end of everything an hour of one job's lateness is worth."""


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


def cost(plan: Plan, jobs: Sequence[Job]) -> float:
    """Return what is made small: hours of lateness, weighted, and the hour when all is done."""
    end = max((each.end_h for each in plan.assigned), default=0.0)
    return _LATE_WEIGHT * tardiness_h(plan, jobs) + end


def improve(
    jobs: Sequence[Job],
    resources: Sequence[Resource],
    frozen: Sequence[Assigned] = (),
    seconds: float = 30.0,
    workers: int = 2,
    tell: Callable[[float, float], bool] = lambda cost, bound: True,
) -> Found:
    """Return the best plan found in time; `tell` hears cost and bound of each and ends by False.

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
    first = list_schedule(jobs, resources, frozen)
    if first.left or not jobs:
        return Found(first, float("inf") if first.left else 0.0, 0.0)
    model = _Model(jobs, resources, frozen, first)
    plan, bound = model.solve(seconds, workers, tell)
    if plan is None or faults(plan, jobs, resources) or cost(plan, jobs) > cost(first, jobs):
        plan = first
    return Found(plan, cost(plan, jobs), min(bound, cost(plan, jobs)))


class _Model:
    """Tasks as intervals in ticks; alike resources share a capacity and are told apart after."""

    def __init__(self, jobs: Sequence[Job], resources: Sequence[Resource],
                 frozen: Sequence[Assigned], first: Plan) -> None:  # fmt: skip
        from ortools.sat.python import cp_model

        self.cp, self.model = cp_model, cp_model.CpModel()
        self.jobs, self.resources, self.frozen = jobs, resources, tuple(frozen)
        self.horizon = _ticks(max(end for r in resources for _, end in r.windows)) + 1
        self.start: dict[tuple[str, int], Any] = {}
        self.interval: dict[tuple[str, int], Any] = {}
        self.pools = self._pools()
        self.choice: dict[tuple[str, int, str], Any] = {}
        self.demands: dict[tuple[str, ...], list[Any]] = {keys: [] for keys in self.pools}
        fixed = {(each.job, each.number): each for each in frozen}
        hints = {(each.job, each.number): each for each in first.assigned}
        for job in jobs:
            self._add_job(job, fixed, hints)
        self._close(fixed)
        last = self.model.new_int_var(0, self.horizon, "")
        for job in jobs:
            self.model.add(last >= self.start[job.key, len(job.tasks)])
        self.model.minimize(last + sum(self._lateness(job) for job in jobs))

    def _pools(self) -> dict[tuple[str, ...], str]:
        """Group resources of one kind and the same windows: they are interchangeable."""
        groups: dict[tuple[str, tuple[tuple[float, float], ...]], list[str]] = {}
        for resource in self.resources:
            groups.setdefault((resource.kind, resource.windows), []).append(resource.key)
        return {tuple(keys): kind for (kind, _), keys in groups.items()}

    def _add_job(self, job: Job, fixed: dict[tuple[str, int], Assigned],
                 hints: dict[tuple[str, int], Assigned]) -> None:  # fmt: skip
        before: Any = None
        for number, task in enumerate(job.tasks):
            at, size = (job.key, number), -int(-task.duration_h * TICKS_AN_HOUR // 1)
            size = max(1, size)
            if at in fixed:
                start: Any = self.model.new_constant(_ticks(fixed[at].start_h))
            else:
                name = f"{job.key}.{number}"
                start = self.model.new_int_var(_ticks_up(job.release_h), self.horizon, name)
                self.model.add_hint(start, _ticks_up(hints[at].start_h))
            self.start[at] = start
            self.interval[at] = self.model.new_interval_var(start, size, start + size, "")
            if before is not None and at not in fixed:
                self.model.add(start >= before)
            before = start + size
            if at not in fixed:
                for kind in task.needs:
                    self._choose(at, kind, size)
        self.start[job.key, len(job.tasks)] = before

    def _choose(self, at: tuple[str, int], kind: str, size: int) -> None:
        """Let a task take its resource from one of the pools of the kind."""
        pools = [keys for keys, each in self.pools.items() if each == kind]
        if len(pools) == 1:
            self.demands[pools[0]].append(self.interval[at])
            return
        taken = []
        for keys in pools:
            chosen = self.model.new_bool_var("")
            start = self.start[at]
            interval = self.model.new_optional_interval_var(start, size, start + size, chosen, "")
            self.demands[keys].append(interval)
            self.choice[(*at, keys[0])] = chosen
            taken.append(chosen)
        self.model.add_exactly_one(taken)

    def _close(self, fixed: dict[tuple[str, int], Assigned]) -> None:
        """Take closed hours and frozen tasks out of every pool's capacity."""
        windows = {resource.key: resource.windows for resource in self.resources}
        for keys, intervals in self.demands.items():
            demands = [1] * len(intervals)
            for start, end in _closed(windows[keys[0]], self.horizon):
                intervals.append(self.model.new_fixed_size_interval_var(start, end - start, ""))
                demands.append(len(keys))
            for each in fixed.values():
                used = len(set(each.resources) & set(keys))
                if used:
                    start, end = _ticks(each.start_h), _ticks_up(each.end_h)
                    intervals.append(
                        self.model.new_fixed_size_interval_var(start, end - start, "")
                    )
                    demands.append(used)
            self.model.add_cumulative(intervals, demands, len(keys))

    def _lateness(self, job: Job) -> Any:
        if job.due_h == float("inf"):
            return 0
        late = self.model.new_int_var(0, self.horizon, "")
        self.model.add(late >= self.start[job.key, len(job.tasks)] - _ticks(job.due_h))
        return _LATE_WEIGHT * late

    def solve(
        self, seconds: float, workers: int, tell: Callable[[float, float], bool]
    ) -> tuple[Plan | None, float]:
        """Return the best plan, None where none was found, and the bound."""
        solver = self.cp.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = workers

        class Listener(self.cp.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
            def on_solution_callback(self) -> None:
                value = self.objective_value / TICKS_AN_HOUR
                if not tell(value, self.best_objective_bound / TICKS_AN_HOUR):
                    self.stop_search()

        status = solver.solve(self.model, Listener())
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return None, 0.0
        return self._told_apart(solver), solver.best_objective_bound / TICKS_AN_HOUR

    def _told_apart(self, solver: Any) -> Plan | None:
        """Give each task a resource of its pool, first free first; frozen ones keep theirs."""
        taken: dict[str, list[tuple[float, float]]] = {r.key: [] for r in self.resources}
        for each in self.frozen:
            for key in each.resources:
                taken[key].append((each.start_h, each.end_h))
        assigned = list(self.frozen)
        done = {(each.job, each.number) for each in self.frozen}
        tasks = [
            (solver.value(self.start[job.key, n]) / TICKS_AN_HOUR, job, n)
            for job in self.jobs
            for n in range(len(job.tasks))
            if (job.key, n) not in done
        ]
        for start, job, number in sorted(tasks, key=lambda t: (t[0], t[1].key, t[2])):
            task = job.tasks[number]
            end = start + task.duration_h
            keys = [self._one_of(solver, (job.key, number), kind, start, end, taken)
                    for kind in task.needs]  # fmt: skip
            if any(key is None for key in keys):
                return None
            chosen = tuple(key for key in keys if key is not None)
            for key in chosen:
                taken[key].append((start, end))
            assigned.append(Assigned(start, end, job.key, number, chosen))
        return Plan(tuple(sorted(assigned)))

    def _one_of(self, solver: Any, at: tuple[str, int], kind: str, start: float, end: float,
                taken: dict[str, list[tuple[float, float]]]) -> str | None:  # fmt: skip
        for keys, each in self.pools.items():
            chosen = self.choice.get((*at, keys[0]))
            if each != kind or (chosen is not None and not solver.value(chosen)):
                continue
            for key in keys:
                if all(end <= s + 1e-9 or e <= start + 1e-9 for s, e in taken[key]):
                    return key
        return None


def _ticks(hours: float) -> int:
    return int(hours * TICKS_AN_HOUR)


def _ticks_up(hours: float) -> int:
    return -int(-hours * TICKS_AN_HOUR // 1)


def _closed(windows: Sequence[tuple[float, float]], horizon: int) -> list[tuple[int, int]]:
    edges = [0, *(tick for s, e in windows for tick in (_ticks_up(s), _ticks(e))), horizon * 2]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]
