"""The week of a depot: tasks onto tracks, machines and people, within their shifts.

A schedule is made at once by priority; a better one may replace it (`schedule_search.py`); whoever
made it, `faults` tells whether it can be carried out. Times are hours from the start of the week.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

from railtrace.errors import BadData

LONGEST_SHIFT_H = 24.0
_CLOSE = 1e-9


@dataclass(frozen=True)
class Resource:
    """A track, machine or person: its kind, and when it can be used, (from, to) in order."""

    key: str
    kind: str
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Task:
    """One step of a job: one resource of each kind for so long, without a break."""

    needs: tuple[str, ...]
    duration_h: float


@dataclass(frozen=True)
class Job:
    """Tasks in their order, not before `release_h`, wanted by `due_h`."""

    key: str
    tasks: tuple[Task, ...]
    release_h: float = 0.0
    due_h: float = float("inf")


@dataclass(frozen=True, order=True)
class Assigned:
    """A task in the plan; `number` counts the job's tasks from 0."""

    start_h: float
    end_h: float
    job: str
    number: int
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """Why a plan cannot be carried out: a name, the job and task, what a sentence needs."""

    name: str
    job: str
    number: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What was assigned, in order of start, and the jobs for which the week had no room."""

    assigned: tuple[Assigned, ...]
    left: tuple[str, ...] = ()

    def end_h(self, job: str) -> float:
        """Return when the last planned task of a job ends, infinite for one that is left."""
        ends = [each.end_h for each in self.assigned if each.job == job]
        return float("inf") if job in self.left or not ends else max(ends)


def tardiness_h(plan: Plan, jobs: Iterable[Job]) -> float:
    """Return by how many hours all jobs together end after they are wanted."""
    return sum(max(0.0, plan.end_h(job.key) - job.due_h) for job in jobs)


def check_week(jobs: Sequence[Job], resources: Sequence[Resource]) -> None:
    """Refuse what cannot be planned. Raises BadData naming the job or the resource."""
    if len({job.key for job in jobs}) < len(jobs):
        raise BadData("two jobs have one name: every job needs its own")
    for resource in resources:
        _check_resource(resource)
    longest: dict[str, float] = {}
    for resource in resources:
        for start, end in resource.windows:
            longest[resource.kind] = max(longest.get(resource.kind, 0.0), end - start)
    for job in jobs:
        for number, task in enumerate(job.tasks):
            _check_task(job, number, task, longest)


def _check_resource(resource: Resource) -> None:
    for start, end in resource.windows:
        if not 0 < end - start <= LONGEST_SHIFT_H + _CLOSE:
            raise BadData("{resource}: a shift of {hours} hours; a day has 24",
                          resource=resource.key, hours=round(end - start, 2))  # fmt: skip
    for (_, end), (start, _) in pairwise(resource.windows):
        if start < end:
            raise BadData("{resource}: two shifts overlap at hour {hour}",
                          resource=resource.key, hour=round(start, 2))  # fmt: skip


def _check_task(job: Job, number: int, task: Task, longest: Mapping[str, float]) -> None:
    if not task.duration_h > 0:
        raise BadData("job {job}, task {task}: its time is not above zero",
                      job=job.key, task=number + 1)  # fmt: skip
    for kind in task.needs:
        if kind not in longest:
            raise BadData("job {job}, task {task}: there is no {kind}",
                          job=job.key, task=number + 1, kind=kind)  # fmt: skip
        if task.duration_h > longest[kind] + _CLOSE:
            raise BadData(
                "job {job}, task {task}: {hours} hours do not fit into any shift of {kind}",
                job=job.key, task=number + 1, hours=task.duration_h, kind=kind,
            )  # fmt: skip


def list_schedule(
    jobs: Sequence[Job], resources: Sequence[Resource], frozen: Sequence[Assigned] = ()
) -> Plan:
    """Return a plan at once: whatever can begin begins, the most urgent job first.

    Parameters
    ----------
    frozen : tasks that stay where they are; the rest is planned around and after them

    Raises
    ------
    BadData : a job or a resource that `check_week` refuses.
    """
    check_week(jobs, resources)
    return _Week(jobs, resources, frozen).plan()


class _Slots:
    """One resource: where in its windows it is, and until when it is taken."""

    def __init__(self, resource: Resource, taken: Sequence[Assigned]) -> None:
        self.key = resource.key
        self.spans = _without(resource.windows, taken)
        self.at = 0
        self.free_h = 0.0

    def fits(self, now: float, duration_h: float) -> bool:
        """Tell whether the resource can be used from now on for so long."""
        spans = self.spans
        while self.at < len(spans) and spans[self.at][1] <= now + _CLOSE:
            self.at += 1
        if self.at == len(spans) or self.free_h > now + _CLOSE:
            return False
        start, end = spans[self.at]
        return start <= now + _CLOSE and now + duration_h <= end + _CLOSE


def _without(
    windows: Sequence[tuple[float, float]], taken: Sequence[Assigned]
) -> list[tuple[float, float]]:
    """Cut frozen tasks out of windows."""
    spans: list[tuple[float, float]] = []
    for start, end in windows:
        begin = start
        for each in sorted(taken):
            if each.end_h > begin and each.start_h < end:
                spans.append((begin, each.start_h))
                begin = each.end_h
        spans.append((begin, end))
    return [span for span in spans if span[1] - span[0] > _CLOSE]


class _Week:
    """A schedule in the making: ready tasks by what they need, moments at which to look again."""

    def __init__(
        self, jobs: Sequence[Job], resources: Sequence[Resource], frozen: Sequence[Assigned]
    ) -> None:
        self.jobs = {job.key: job for job in jobs}
        self.frozen = tuple(frozen)
        by_resource: dict[str, list[Assigned]] = {}
        for each in frozen:
            for key in each.resources:
                by_resource.setdefault(key, []).append(each)
        self.kinds: dict[str, list[_Slots]] = {}
        for resource in resources:
            slots = _Slots(resource, by_resource.get(resource.key, ()))
            self.kinds.setdefault(resource.kind, []).append(slots)
        self.ready: dict[tuple[str, ...], list[tuple[float, str, int]]] = {}
        self.moments = [
            span[0] for kind in self.kinds.values() for slots in kind for span in slots.spans
        ]
        self.coming: list[tuple[float, str, int]] = []
        for job in jobs:
            self._first(job)
        heapify(self.moments)
        heapify(self.coming)
        self.assigned = list(self.frozen)

    def _first(self, job: Job) -> None:
        """Let a job's first task that is not frozen come when it may."""
        done = [each for each in self.frozen if each.job == job.key]
        number = max((each.number for each in done), default=-1) + 1
        if number < len(job.tasks):
            release = max([job.release_h, *(each.end_h for each in done)])
            self.coming.append((release, job.key, number))
            self.moments.append(release)

    def plan(self) -> Plan:
        """Walk through the moments of the week."""
        last = -1.0
        while self.moments:
            now = heappop(self.moments)
            if now <= last + _CLOSE and not (self.coming and self.coming[0][0] <= now):
                continue
            last = now
            while self.coming and self.coming[0][0] <= now + _CLOSE:
                _, job, number = heappop(self.coming)
                needs = self.jobs[job].tasks[number].needs
                heappush(self.ready.setdefault(needs, []), (self.jobs[job].due_h, job, number))
            for needs in sorted(self.ready, key=lambda n: self.ready[n][0] if self.ready[n] else
                                (float("inf"), "", 0)):  # fmt: skip
                self._begin(needs, now)
        planned = {each.job: 0 for each in self.assigned}
        for each in self.assigned:
            planned[each.job] += 1
        left = [job.key for job in self.jobs.values() if planned.get(job.key, 0) < len(job.tasks)]
        return Plan(tuple(sorted(self.assigned)), tuple(left))

    def _begin(self, needs: tuple[str, ...], now: float) -> None:
        queue, waiting = self.ready[needs], []
        shortest = float("inf")
        while queue:
            due, job, number = heappop(queue)
            duration = self.jobs[job].tasks[number].duration_h
            # What is as long as a task that found no room finds none either.
            chosen = None if duration >= shortest else self._free(needs, now, duration)
            if chosen is None:
                shortest = min(shortest, duration)
                waiting.append((due, job, number))
                if not self._any_free(needs, now):
                    break
                continue
            self._assign(job, number, now, duration, chosen)
        for each in waiting:
            heappush(queue, each)

    def _any_free(self, needs: tuple[str, ...], now: float) -> bool:
        return all(any(slots.fits(now, 0.0) for slots in self.kinds[kind]) for kind in needs)

    def _free(self, needs: tuple[str, ...], now: float, duration: float) -> list[_Slots] | None:
        chosen: list[_Slots] = []
        for kind in needs:
            found = next((s for s in self.kinds[kind]
                          if s not in chosen and s.fits(now, duration)), None)  # fmt: skip
            if found is None:
                return None
            chosen.append(found)
        return chosen

    def _assign(
        self, job: str, number: int, now: float, duration: float, chosen: list[_Slots]
    ) -> None:
        end = now + duration
        for slots in chosen:
            slots.free_h = end
        self.assigned.append(Assigned(now, end, job, number, tuple(s.key for s in chosen)))
        heappush(self.moments, end)
        if number + 1 < len(self.jobs[job].tasks):
            heappush(self.coming, (end, job, number + 1))


# --- the independent checker ------------------------------------------------------------------


def faults(plan: Plan, jobs: Sequence[Job], resources: Sequence[Resource]) -> list[Fault]:
    """Return everything that keeps a plan from being carried out; none for a good plan."""
    known = {resource.key: resource for resource in resources}
    by_job = {job.key: job for job in jobs}
    found: list[Fault] = []
    for each in plan.assigned:
        found += _faults_of_task(each, by_job, known)
    found += _faults_of_order(plan, by_job)
    for key in known:
        taken = sorted(each for each in plan.assigned if key in each.resources)
        found += [
            Fault("taken_twice", after.job, after.number, {"resource": key, "other": before.job})
            for before, after in pairwise(taken)
            if after.start_h < before.end_h - _CLOSE
        ]
    return found


def _faults_of_task(
    each: Assigned, jobs: Mapping[str, Job], known: Mapping[str, Resource]
) -> list[Fault]:
    job = jobs.get(each.job)
    if job is None or not 0 <= each.number < len(job.tasks):
        return [Fault("no_such_task", each.job, each.number, {})]
    task = job.tasks[each.number]
    found: list[Fault] = []
    if abs(each.end_h - each.start_h - task.duration_h) > _CLOSE * 10:
        found.append(Fault("wrong_duration", each.job, each.number, {}))
    kinds = sorted(known[key].kind if key in known else "" for key in each.resources)
    if kinds != sorted(task.needs):
        found.append(Fault("wrong_resource", each.job, each.number,
                           {"wanted": ", ".join(task.needs)}))  # fmt: skip
    if each.start_h < job.release_h - _CLOSE:
        found.append(Fault("before_release", each.job, each.number, {}))
    found += [
        Fault("outside_shift", each.job, each.number, {"resource": key})
        for key in each.resources
        if key in known and not _inside(known[key], each)
    ]
    return found


def _inside(resource: Resource, each: Assigned) -> bool:
    return any(
        start <= each.start_h + _CLOSE and each.end_h <= end + _CLOSE
        for start, end in resource.windows
    )


def _faults_of_order(plan: Plan, jobs: Mapping[str, Job]) -> list[Fault]:
    found: list[Fault] = []
    for key, job in jobs.items():
        mine = sorted((e for e in plan.assigned if e.job == key), key=lambda e: e.number)
        numbers = [each.number for each in mine]
        if len(set(numbers)) < len(numbers):
            found.append(Fault("planned_twice", key, numbers[0], {}))
        if len(set(numbers)) < len(job.tasks) and key not in plan.left:
            found.append(Fault("not_planned", key, len(numbers), {}))
        found += [
            Fault("out_of_order", key, after.number, {})
            for before, after in pairwise(mine)
            if after.start_h < before.end_h - _CLOSE
        ]
    return found
