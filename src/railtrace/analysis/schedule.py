"""The week of a depot: tasks onto tracks, machines and people, within their shifts.

A schedule is made at once by priority; a better one may replace it (`schedule_search.py`); whoever
made it, `faults` tells whether it can be carried out. Times are hours from the start of the week.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise, permutations

from railtrace.errors import BadData

LONGEST_SHIFT_H = 24.0
NEVER_H = float("inf")
_CLOSE = 1e-9

Rank = Mapping[str | tuple[str, int], float]
"""Who goes first, by job or by job and number of its task."""


@dataclass(frozen=True)
class Resource:
    """A machine, person or track: what it can be used as, and when, (from, to) in order.

    A person with two rights is of two kinds. `place`: a track, taken by a job for its whole stay;
    its windows are when it is free, not shifts.
    """

    key: str
    kinds: tuple[str, ...]
    windows: tuple[tuple[float, float], ...]
    place: bool = False


@dataclass(frozen=True)
class Task:
    """One step of a job: one resource of each kind for so long, without a break."""

    needs: tuple[str, ...]
    duration_h: float


@dataclass(frozen=True)
class Job:
    """Tasks in their order, not before `release_h`, wanted by `due_h`.

    `place` is the kind of track it stands on from its first task to its last, "" for none;
    `stands_at` the track it stands on already.
    """

    key: str
    tasks: tuple[Task, ...]
    release_h: float = 0.0
    due_h: float = NEVER_H
    place: str = ""
    stands_at: str = ""


@dataclass(frozen=True, order=True)
class Assigned:
    """A task in the plan; `number` counts the job's tasks from 0."""

    start_h: float
    end_h: float
    job: str
    number: int
    resources: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Stay:
    """A job on its track."""

    start_h: float
    end_h: float
    job: str
    place: str


@dataclass(frozen=True)
class Fault:
    """Why a plan cannot be carried out: a name, the job and task, what a sentence needs."""

    name: str
    job: str
    number: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What was assigned, in order of start, the jobs for which the week had no room, the stays."""

    assigned: tuple[Assigned, ...]
    left: tuple[str, ...] = ()
    stays: tuple[Stay, ...] = ()

    def end_h(self, job: str) -> float:
        """Return when the last planned task of a job ends, infinite for one that is left."""
        ends = [each.end_h for each in self.assigned if each.job == job]
        return NEVER_H if job in self.left or not ends else max(ends)


def tardiness_h(plan: Plan, jobs: Iterable[Job]) -> float:
    """Return by how many hours all jobs together end after they are wanted."""
    return sum(max(0.0, plan.end_h(job.key) - job.due_h) for job in jobs)


def check_week(jobs: Sequence[Job], resources: Sequence[Resource]) -> None:
    """Refuse what cannot be planned. Raises BadData naming the job or the resource."""
    if len({job.key for job in jobs}) < len(jobs):
        raise BadData("two jobs have one name: every job needs its own")
    for resource in resources:
        _check_resource(resource)
    longest = longest_windows(resources)
    for job in jobs:
        for number, task in enumerate(job.tasks):
            _check_task(job, number, task, longest)
        if job.place and job.place not in longest:
            raise BadData("job {job}: there is no {kind} for it", job=job.key, kind=job.place)


def longest_windows(resources: Sequence[Resource]) -> dict[str, float]:
    """Return the hours of the longest window of each kind."""
    longest: dict[str, float] = {}
    for resource in resources:
        widths = [end - start for start, end in resource.windows]
        for kind in resource.kinds if widths else ():
            longest[kind] = max(longest.get(kind, 0.0), *widths)
    return longest


def _check_resource(resource: Resource) -> None:
    for start, end in resource.windows:
        if not end - start > 0 or (not resource.place and end - start > LONGEST_SHIFT_H + _CLOSE):
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
    jobs: Sequence[Job], resources: Sequence[Resource], frozen: Sequence[Assigned] = (),
    stays: Sequence[Stay] = (), rank: Rank | None = None,
) -> Plan:  # fmt: skip
    """Return a plan at once: whatever can begin begins, the most urgent job first.

    Parameters
    ----------
    frozen : tasks that stay where they are; the rest is planned around and after them
    stays : on which track the jobs of frozen tasks stand and since when
    rank : by job, or by job and number of the task, who goes first is least; when the job is
        wanted by default

    Raises
    ------
    BadData : a job or a resource that `check_week` refuses.

    Notes
    -----
    A frozen task in the middle of a job makes what is before it as urgent as its own begin. Where
    that is not enough, `faults` of the plan say so.
    """
    check_week(jobs, resources)
    ranks: Rank = {job.key: job.due_h for job in jobs} if rank is None else rank
    return _Week(jobs, resources, frozen, stays, ranks).plan()


def without(
    windows: Sequence[tuple[float, float]], taken: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Cut spans that are taken out of windows."""
    spans: list[tuple[float, float]] = []
    busy = sorted(taken)
    for start, end in windows:
        begin = start
        for from_h, to_h in busy:
            if to_h > begin and from_h < end:
                spans.append((begin, from_h))
                begin = to_h
        spans.append((begin, end))
    return [span for span in spans if span[1] - span[0] > _CLOSE]


class _Slots:
    """One resource: where in its windows it is, and until when it is taken."""

    def __init__(self, resource: Resource, taken: Sequence[tuple[float, float]]) -> None:
        self.key, self.kinds = resource.key, resource.kinds
        self.spans = without(resource.windows, taken)
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

    @property
    def last_h(self) -> float:
        """When it can be used for the last time."""
        return self.spans[-1][1] if self.spans else 0.0


Wanted = tuple[tuple[str, ...], str]
"""What a ready task asks for: kinds of resources, and of the track that its job begins on."""


class _Week:
    """A schedule in the making: ready tasks by what they need, moments at which to look again."""

    def __init__(
        self, jobs: Sequence[Job], resources: Sequence[Resource], frozen: Sequence[Assigned],
        stays: Sequence[Stay], rank: Rank,
    ) -> None:  # fmt: skip
        self.rank = rank
        self.jobs = {job.key: job for job in jobs}
        self.pins = {(each.job, each.number): each for each in frozen}
        self.ends_h = max((end for r in resources for _, end in r.windows), default=0.0)
        held = {stay.job: (stay.place, stay.start_h) for stay in stays if stay.job in self.jobs}
        held |= {job.key: (job.stands_at, 0.0) for job in jobs if job.stands_at}
        self.slots = self._slots(resources, frozen)
        self.kinds: dict[str, list[_Slots]] = {}
        # Who can do least goes first: who can do more is kept for what only he can do.
        for slots in sorted(self.slots.values(), key=lambda s: len(s.kinds)):
            for kind in slots.kinds:
                self.kinds.setdefault(kind, []).append(slots)
        self.held = held
        for place, _ in held.values():
            self.slots[place].free_h = NEVER_H
        self.stays: list[Stay] = []
        self.urgent: dict[str, list[tuple[int, float]]] = {}
        for pin in frozen:
            self.urgent.setdefault(pin.job, []).append((pin.number, pin.start_h))
        self.ready: dict[Wanted, list[tuple[float, str, int]]] = {}
        self.moments = [s[0] for slots in self.slots.values() for s in slots.spans]
        self.coming: list[tuple[float, str, int]] = []
        self.assigned = list(frozen)
        for job in jobs:
            self._come(job.key, 0, job.release_h)
        heapify(self.moments)

    @staticmethod
    def _slots(
        resources: Sequence[Resource], frozen: Sequence[Assigned]
    ) -> dict[str, _Slots]:
        taken: dict[str, list[tuple[float, float]]] = {}
        for each in frozen:
            for key in each.resources:
                taken.setdefault(key, []).append((each.start_h, each.end_h))
        return {r.key: _Slots(r, taken.get(r.key, ())) for r in resources}

    def _come(self, job: str, number: int, from_h: float) -> None:
        """Let a job's next task that is not frozen come when it may; the last ends its stay."""
        while pin := self.pins.get((job, number)):
            number, from_h = number + 1, max(from_h, pin.end_h)
        if number < len(self.jobs[job].tasks):
            heappush(self.coming, (from_h, job, number))
            heappush(self.moments, from_h)
        elif job in self.held:
            place, since = self.held.pop(job)
            self.stays.append(Stay(since, from_h, job, place))
            self.slots[place].free_h = from_h
            heappush(self.moments, from_h)

    def plan(self) -> Plan:
        """Walk through the moments of the week."""
        last = -1.0
        while self.moments:
            now = heappop(self.moments)
            if now <= last + _CLOSE and not (self.coming and self.coming[0][0] <= now):
                continue
            last = now
            while self.coming and self.coming[0][0] <= now + _CLOSE:
                self._make_ready(*heappop(self.coming)[1:])
            waiting = [(queue[0], wanted) for wanted, queue in self.ready.items() if queue]
            for _, wanted in sorted(waiting):
                self._begin(wanted, now)
        return self._whole()

    def _make_ready(self, job: str, number: int) -> None:
        spec = self.jobs[job]
        own = self.rank[job] if job in self.rank else self.rank[job, number]
        due = min([own, *(at for n, at in self.urgent.get(job, ()) if n > number)])
        place = spec.place if job not in self.held else ""
        wanted = (spec.tasks[number].needs, place)
        heappush(self.ready.setdefault(wanted, []), (due, job, number))

    def _whole(self) -> Plan:
        planned = dict.fromkeys(self.jobs, 0)
        for each in self.assigned:
            planned[each.job] = planned.get(each.job, 0) + 1
        left = [job.key for job in self.jobs.values() if planned[job.key] < len(job.tasks)]
        # Who is begun and not ended stands where he stands until the week is over.
        begun = [Stay(since, self.ends_h, job, at) for job, (at, since) in self.held.items()
                 if planned[job]]  # fmt: skip
        return Plan(
            tuple(sorted(self.assigned)), tuple(left), tuple(sorted([*self.stays, *begun]))
        )

    def _begin(self, wanted: Wanted, now: float) -> None:
        queue, waiting = self.ready[wanted], []
        shortest = NEVER_H
        while queue:
            due, job, number = heappop(queue)
            duration = self.jobs[job].tasks[number].duration_h
            # What is as long as a task that found no room finds none either.
            chosen = None if duration >= shortest else self._free(wanted[0], now, duration)
            place = self._place(wanted[1], now) if wanted[1] else None
            if chosen is None or (wanted[1] and place is None):
                shortest = min(shortest, duration)
                waiting.append((due, job, number))
                if not self._any_free(wanted, now):
                    break
                continue
            if place is not None:
                self.held[job] = (place.key, now)
                place.free_h = NEVER_H
            self._assign(job, number, now, duration, chosen)
        for each in waiting:
            heappush(queue, each)

    def _any_free(self, wanted: Wanted, now: float) -> bool:
        kinds = all(any(slots.fits(now, 0.0) for slots in self.kinds[k]) for k in wanted[0])
        return kinds and (not wanted[1] or self._place(wanted[1], now) is not None)

    def _place(self, kind: str, now: float) -> _Slots | None:
        """Return a track that is free from now on until the week ends."""
        return next((s for s in self.kinds[kind] if s.fits(now, s.last_h - now)), None)

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
        self._come(job, number + 1, end)


# --- a task is moved --------------------------------------------------------------------------


def moved(
    plan: Plan, jobs: Sequence[Job], resources: Sequence[Resource], task: Assigned,
    frozen: Sequence[Assigned] = (),
) -> tuple[Plan, list[Fault]]:  # fmt: skip
    """Return a plan in which a task stands where it was put and the rest is repaired around it.

    Parameters
    ----------
    task : where it is put; resources it does not name are those it had, or others that are free
    frozen : tasks that stay, those put by hand before among them

    Notes
    -----
    With faults the move cannot be kept: they name what stands against it.
    """
    kept = [each for each in frozen if (each.job, each.number) != (task.job, task.number)]
    put = _completed(task, plan, jobs, resources, kept)
    stays = [stay for stay in plan.stays if any(e.job == stay.job for e in [*kept, put])]
    repaired = list_schedule(jobs, resources, [*kept, put], stays)
    return repaired, faults(repaired, jobs, resources)


def _completed(
    task: Assigned, plan: Plan, jobs: Sequence[Job], resources: Sequence[Resource],
    frozen: Sequence[Assigned],
) -> Assigned:  # fmt: skip
    """Give a moved task a resource for every kind it needs: named, then as before, then free."""
    job = next(job for job in jobs if job.key == task.job)
    needs = job.tasks[task.number].needs
    known = {resource.key: resource for resource in resources}
    before = next((each.resources for each in plan.assigned
                   if (each.job, each.number) == (task.job, task.number)), ())  # fmt: skip
    free = [key for key in known if _is_free(known[key], task, frozen)]
    found: list[str] = []
    for kind in needs:
        wanted = [*task.resources, *(k for k in before if k in free), *free, *before, *known]
        found += [next((key for key in wanted if key not in found and key in known
                        and kind in known[key].kinds), "")]  # fmt: skip
    end = task.start_h + job.tasks[task.number].duration_h
    return Assigned(task.start_h, end, task.job, task.number, tuple(key for key in found if key))


def _is_free(resource: Resource, task: Assigned, frozen: Sequence[Assigned]) -> bool:
    return _inside(resource, task) and all(
        each.end_h <= task.start_h + _CLOSE or task.end_h <= each.start_h + _CLOSE
        for each in frozen if resource.key in each.resources
    )  # fmt: skip


# --- the independent checker ------------------------------------------------------------------


def faults(plan: Plan, jobs: Sequence[Job], resources: Sequence[Resource]) -> list[Fault]:
    """Return everything that keeps a plan from being carried out; none for a good plan."""
    known = {resource.key: resource for resource in resources}
    by_job = {job.key: job for job in jobs}
    taken: dict[str, list[Assigned]] = {key: [] for key in known}
    for each in plan.assigned:
        for key in each.resources:
            taken.setdefault(key, []).append(each)
    found = [fault for each in plan.assigned for fault in _faults_of_task(each, by_job, known)]
    found += _faults_of_order(plan, by_job)
    for key, mine in taken.items():
        found += [
            Fault("taken_twice", after.job, after.number, {"resource": key, "other": before.job})
            for before, after in pairwise(sorted(mine))
            if after.start_h < before.end_h - _CLOSE
        ]
    return found + list(_faults_of_stays(plan, by_job, known))


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
    if not _serve(each.resources, task.needs, known):
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


def _serve(keys: tuple[str, ...], needs: tuple[str, ...], known: Mapping[str, Resource]) -> bool:
    """Tell whether resources are, one each, of the kinds that are needed."""
    if len(keys) != len(needs) or any(key not in known or known[key].place for key in keys):
        return False
    return any(
        all(kind in known[key].kinds for key, kind in zip(order, needs, strict=True))
        for order in permutations(keys)
    )


def _inside(resource: Resource, span: Assigned | Stay) -> bool:
    return any(
        start <= span.start_h + _CLOSE and span.end_h <= end + _CLOSE
        for start, end in resource.windows
    )


def _faults_of_order(plan: Plan, jobs: Mapping[str, Job]) -> list[Fault]:
    found: list[Fault] = []
    of_job: dict[str, list[Assigned]] = {}
    for each in plan.assigned:
        of_job.setdefault(each.job, []).append(each)
    for key, job in jobs.items():
        mine = sorted(of_job.get(key, ()), key=lambda e: e.number)
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


def _faults_of_stays(
    plan: Plan, jobs: Mapping[str, Job], known: Mapping[str, Resource]
) -> Iterator[Fault]:
    """A job that needs a track stands on one of its kind, on one only, while it is worked on."""
    at: dict[str, list[Stay]] = {}
    for stay in plan.stays:
        at.setdefault(stay.place, []).append(stay)
    for place, stays in at.items():
        for before, after in pairwise(sorted(stays)):
            if after.start_h < before.end_h - _CLOSE:
                yield Fault("place_taken", after.job, 0, {"resource": place, "other": before.job})
    stay_of = {stay.job: stay for stay in plan.stays}
    for each in plan.assigned:
        job = jobs.get(each.job)
        if job is not None and job.place:
            yield from _faults_of_place(each, job, stay_of.get(each.job), known)


def _faults_of_place(
    each: Assigned, job: Job, stay: Stay | None, known: Mapping[str, Resource]
) -> Iterator[Fault]:
    if stay is None or not stay.start_h <= each.start_h + _CLOSE <= each.end_h <= (
        stay.end_h + 2 * _CLOSE
    ):
        yield Fault("no_place", each.job, each.number, {"wanted": job.place})
        return
    place = known.get(stay.place)
    wrong = place is None or not place.place or job.place not in place.kinds
    if wrong or (job.stands_at and stay.place != job.stands_at):
        yield Fault("wrong_place", each.job, each.number, {"resource": stay.place})
    elif place is not None and not _inside(place, stay):
        yield Fault("outside_shift", each.job, each.number, {"resource": stay.place})
