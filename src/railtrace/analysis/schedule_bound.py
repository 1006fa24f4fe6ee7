"""How good a week's plan could be at best, by what each kind of machine and person can do.

Relaxations that no plan can beat: a job alone in the shop, and for each kind the jobs that need it,
the shortest first, on all of its machines. Times are hours, as in `schedule.py`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import ceil
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix

from railtrace.analysis.life_data import Floats
from railtrace.analysis.schedule import NEVER_H, Assigned, Job, Rank, Resource, Task, without
from railtrace.analysis.schedule_room import Room, ways_of

_KINDS_SLICED = 2
_SLICES_H = (1 / 12, 1 / 6, 1 / 4, 1 / 2)
_MOST_STARTS = 20_000
_RAMP = 40
_LIMIT_S, _WHOLE_LIMIT_S = 5.0, 4.0
_WHOLE_SLICES_H = (1 / 4, 1 / 2)
_MOST_WHOLE, _NEAR, _ROUNDED = 4_000, 0.001, 1e-6
_AFTER_H = 12.0
_COUNTED_H = 4.0
"""How long after the least end lateness is still counted: what is later is little."""
_LATEST_H = 10_000.0
"""An end that stands for one beyond the week, which no plan has."""
_PARTS = (0.5, 0.1, 0.3, 0.7, 0.9)
"""Which part of a job must have begun, where the programme splits it, for it to count as begun."""
Spans = Sequence[tuple[float, float]]
_CLOSE = 1e-9


@dataclass(frozen=True)
class Least:
    """What no plan goes below: hours of lateness of all jobs together, the hour all is done.

    orders : when tasks must begin for all to be done by `end_h`; when jobs would begin at the
        tightest kind, were it the only one
    """

    tardiness_h: float
    end_h: float
    orders: tuple[Rank, ...] = ()


@dataclass(frozen=True)
class _Open:
    """A job with what of it is still to be planned."""

    job: Job
    tasks: tuple[Task, ...]
    from_h: float
    alone_h: float
    """When it would end were it alone in the shop."""


def least(
    jobs: Sequence[Job], resources: Sequence[Resource], frozen: Sequence[Assigned] = (),
    reached_h: float = NEVER_H,
) -> Least:  # fmt: skip
    """Return the bounds of a week's plans.

    `reached_h` is the lateness of a plan in hand: a bound that reaches it is not sharpened.
    """
    windows = windows_of(resources, frozen)
    ways = _ways(windows)
    opened = [_open(job, ways, frozen) for job in jobs]
    alone = [max(0.0, each.alone_h - each.job.due_h) for each in opened]
    tardiness, end = sum(alone), max((each.alone_h for each in opened), default=0.0)
    lates: list[tuple[float, float, str, float, list[_Open]]] = []
    for kind in windows:
        mine = [n for n, each in enumerate(opened) if any(kind in t.needs for t in each.tasks)]
        if not mine:
            continue
        ends = _ends([opened[n] for n in mine], kind, windows)
        dues = sorted(opened[n].job.due_h for n in mine)
        late = sum(max(0.0, e - d) for e, d in zip(ends, dues, strict=True))
        others = sum(alone) - sum(alone[n] for n in mine)
        lates.append((late + others, ends[-1], kind, others, [opened[n] for n in mine]))
        tardiness, end = max(tardiness, late + others), max(end, ends[-1])
    lates.sort(key=lambda row: row[:2], reverse=True)
    # Where nobody must be late by what is known, the tightest kind alone is looked at closer.
    closer = [row[2:] for n, row in enumerate(lates[:_KINDS_SLICED]) if row[0] or not n]
    room = Room(jobs, windows, frozen)
    end = room.least_end(end)
    low = Least(tardiness, end, (room.latest(end), *room.orders(jobs, end)))
    if tardiness >= reached_h * (1 - _NEAR):
        return low
    low = replace(low, tardiness_h=max(tardiness, room.least_lateness(jobs, end + _COUNTED_H)))
    return low if low.tardiness_h >= reached_h * (1 - _NEAR) else _tightened(low, closer, windows)


def _tightened(
    low: Least, kinds: Sequence[tuple[str, float, list[_Open]]],
    windows: Mapping[str, list[Spans]],
) -> Least:  # fmt: skip
    """Look closer at the tightest kinds: jobs in parts at each, then whole at the worst of them."""
    found = [(_sliced(some, kind, windows, _SLICES_H), kind, others, some)
             for kind, others, some in kinds]  # fmt: skip
    if not found:
        return low
    sliced, kind, others, some = max(found, key=lambda row: row[0].tardiness_h + row[2])
    orders: tuple[Rank, ...]
    orders, best = sliced.orders, max(low.tardiness_h, sliced.tardiness_h + others)
    for slices in (_WHOLE_SLICES_H, _SLICES_H) if sliced.tardiness_h else ():
        whole = _sliced(some, kind, windows, slices, whole=True)
        best, orders = max(best, whole.tardiness_h + others), (*whole.orders, *orders)
    return Least(best, low.end_h, (*low.orders, *orders))


def windows_of(
    resources: Sequence[Resource], frozen: Sequence[Assigned]
) -> dict[str, list[Spans]]:
    """Return by kind the windows of each of its resources, without what is frozen."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for each in frozen:
        for key in each.resources:
            taken.setdefault(key, []).append((each.start_h, each.end_h))
    found: dict[str, list[Spans]] = {}
    for resource in resources:
        if not resource.place:
            spans = without(resource.windows, taken.get(resource.key, ()))
            for kind in resource.kinds:
                found.setdefault(kind, []).append(spans)
    return found


def _ways(windows: Mapping[str, list[Spans]]) -> dict[str, list[Spans]]:
    return {kind: [spans] for kind, spans in ways_of(windows).items()}


def _open(job: Job, windows: Mapping[str, list[Spans]], frozen: Sequence[Assigned]) -> _Open:
    done = {each.number: each for each in frozen if each.job == job.key}
    tasks = tuple(task for n, task in enumerate(job.tasks) if n not in done)
    before = [done[n].end_h for n in range(len(job.tasks)) if all(m in done for m in range(n + 1))]
    from_h = max([job.release_h, *before])
    at = from_h
    for number, task in enumerate(job.tasks):
        pin = done.get(number)
        at = max(at, pin.end_h) if pin else _earliest(task, at, windows)
    return _Open(job, tasks, from_h, at)


def _earliest(task: Task, from_h: float, windows: Mapping[str, list[Spans]]) -> float:
    """Return when a task may end at the earliest, each kind it needs asked by itself."""
    ends = [
        min((max(from_h, start) + task.duration_h for spans in windows.get(kind, ())
             for start, end in spans if max(from_h, start) + task.duration_h <= end + _CLOSE),
            default=NEVER_H)
        for kind in task.needs
    ]  # fmt: skip
    return max([from_h + task.duration_h, *ends])


def _ends(
    opened: Sequence[_Open], kind: str, windows: Mapping[str, list[Spans]]
) -> list[float]:
    """Return before when the first, second … of some jobs cannot be done.

    They pass the tasks that all of them have, as if those were as short for all as for one of
    them and nobody else were there; at the kind itself their whole work counts, the shortest first.
    """
    ends = sorted(each.from_h for each in opened)
    chain = _common([each.tasks for each in opened])
    works = [[t.duration_h for t in each.tasks if kind in t.needs] for each in opened]
    sums = np.cumsum(sorted(sum(work) for work in works)).tolist()
    at_kind = [n for n, task in enumerate(chain) if kind in task.needs]
    whole = at_kind and all(len(work) == len(at_kind) for work in works)
    ways = _ways(windows)
    head = min(_walked(_until(each.tasks, kind), each.from_h, ways) for each in opened)
    pool = _Pool(windows.get(kind, ()), head)
    for number, task in enumerate(chain):
        ends = [max(of) for of in zip(*(_passed(ends, task.duration_h, windows.get(k, ()))
                                        for k in task.needs), strict=True)]  # fmt: skip
        if whole and number == at_kind[-1]:
            ends = [max(end, pool.worked_by(need)) for end, need in zip(ends, sums, strict=True)]
    alone = sorted(each.alone_h for each in opened)
    return [max(pair) for pair in zip(ends, alone, strict=True)]


def _common(some: Sequence[tuple[Task, ...]]) -> list[Task]:
    """Return tasks that all jobs have in one order, each with the shortest of its times."""
    chain: list[Task] = list(sorted(some, key=len)[0])
    for tasks in some:
        kept, at = [], 0
        for task in chain:
            found = next((n for n in range(at, len(tasks)) if tasks[n].needs == task.needs), None)
            if found is not None:
                kept.append(Task(task.needs, min(task.duration_h, tasks[found].duration_h)))
                at = found + 1
        chain = kept
    return chain


def _passed(arrived: Sequence[float], work_h: float, spans: Sequence[Spans]) -> list[float]:
    """Return when the first, second … of equal tasks are done, who comes first served first."""
    rows = [list(each) for each in spans]
    at = [0] * len(rows)
    free = [0.0] * len(rows)
    ends: list[float] = []
    for moment in arrived:
        best, who = NEVER_H, -1
        for n, row in enumerate(rows):
            start = max(moment, free[n])
            while at[n] < len(row) and max(start, row[at[n]][0]) + work_h > row[at[n]][1] + _CLOSE:
                at[n] += 1
            if at[n] < len(row) and max(start, row[at[n]][0]) < best:
                best, who = max(start, row[at[n]][0]), n
        if who < 0:
            return [*ends, *[NEVER_H] * (len(arrived) - len(ends))]
        free[who] = best + work_h
        ends.append(free[who])
    return sorted(ends)


def _until(tasks: Sequence[Task], kind: str) -> tuple[Task, ...]:
    """Return the tasks before the first that needs a kind."""
    return tuple(takewhile(lambda task: kind not in task.needs, tasks))


def _walked(tasks: Sequence[Task], from_h: float, windows: Mapping[str, list[Spans]]) -> float:
    for task in tasks:
        from_h = _earliest(task, from_h, windows)
    return from_h


class _Pool:
    """The machines of a kind together: until when they have worked so long."""

    def __init__(self, spans: Sequence[Spans], head_h: float) -> None:
        self.edges = self._rates([(max(s, head_h), e) for each in spans for s, e in each
                                  if e > head_h])  # fmt: skip

    @staticmethod
    def _rates(spans: Spans) -> list[tuple[float, float, int]]:
        """Return from, to and how many machines are open."""
        changes = sorted([(s, 1) for s, _ in spans] + [(e, -1) for _, e in spans])
        found, open_, at = [], 0, 0.0
        for moment, change in changes:
            if open_ and moment > at:
                found.append((at, moment, open_))
            open_, at = open_ + change, moment
        return found

    def worked_by(self, hours: float) -> float:
        """Return until when the pool has worked so many hours at the earliest."""
        for start, end, count in self.edges:
            if (end - start) * count >= hours - _CLOSE:
                return start + hours / count
            hours -= (end - start) * count
        return NEVER_H


# --- a kind by slices of time -------------------------------------------------------------------


@dataclass(frozen=True)
class _Alike:
    """Jobs that one kind cannot tell apart: from when, how long, what follows, due."""

    jobs: tuple[str, ...]
    head_h: float
    work_h: float
    tail: tuple[Task, ...]
    due_h: float


def _sliced(
    opened: Sequence[_Open], kind: str, windows: Mapping[str, list[Spans]],
    slices_h: Sequence[float], whole: bool = False,
) -> Least:  # fmt: skip
    """Return the least lateness of some jobs by when each begins at a kind; a linear programme,
    or one in whole jobs, of which what was proved in its time is taken.

    Begins and works are rounded down to slices of time and windows up, and what begins later than
    it need be told takes nobody's place: nothing that can be done is left out. 0 where a job comes
    to the kind more than once.
    """
    if any(sum(kind in task.needs for task in each.tasks) != 1 for each in opened):
        return Least(0.0, 0.0)
    alike = _alike(opened, kind, windows)
    until_h = _all_done(alike, windows.get(kind, ()))
    most = _MOST_WHOLE if whole else _MOST_STARTS
    for slice_h in slices_h:
        room = _room(windows.get(kind, ()), slice_h)
        until = next((at for at in room if at * slice_h >= until_h), max(room, default=0) + 1)
        if len(alike) * sum(at < until for at in room) <= most:
            arrivals = _arrivals(opened, kind, windows)
            return _solved(alike, arrivals, room, until, slice_h, windows, whole)
    return Least(0.0, 0.0)


def _all_done(alike: Sequence[_Alike], spans: Sequence[Spans]) -> float:
    """Return an hour after which it need not be told when a job begins: all is due, and done."""
    hours = sum(each.work_h * len(each.jobs) for each in alike)
    head = min(each.head_h for each in alike)
    dues = [each.due_h for each in alike if each.due_h < NEVER_H]
    return max([_Pool(spans, head).worked_by(hours), *dues]) + _AFTER_H


def _arrivals(
    opened: Sequence[_Open], kind: str, windows: Mapping[str, list[Spans]]
) -> list[float]:
    """Return before when the first, second … of some jobs cannot come to a kind."""
    ends = sorted(each.from_h for each in opened)
    for task in _common([_until(each.tasks, kind) for each in opened]):
        ends = [max(of) for of in zip(*(_passed(ends, task.duration_h, windows.get(k, ()))
                                        for k in task.needs), strict=True)]  # fmt: skip
    return ends


def _alike(
    opened: Sequence[_Open], kind: str, windows: Mapping[str, list[Spans]]
) -> list[_Alike]:
    groups: dict[tuple[float, float, tuple[Task, ...], float], list[str]] = {}
    ways = _ways(windows)
    for each in opened:
        head = _walked(_until(each.tasks, kind), each.from_h, ways)
        work = next(task.duration_h for task in each.tasks if kind in task.needs)
        tail = _until(each.tasks[::-1], kind)[::-1]
        groups.setdefault((head, work, tail, each.job.due_h), []).append(each.job.key)
    return [_Alike(tuple(keys), *key) for key, keys in groups.items()]


def _room(spans: Sequence[Spans], slice_h: float) -> dict[int, int]:
    """Return how many resources are open in each slice of time."""
    room: dict[int, int] = {}
    for each in spans:
        for start, end in each:
            for at in range(int(start / slice_h + _CLOSE), ceil(end / slice_h - _CLOSE)):
                room[at] = room.get(at, 0) + 1
    return dict(sorted(room.items()))


def _solved(
    alike: Sequence[_Alike], arrivals: Sequence[float], room: Mapping[int, int], until: int,
    slice_h: float, windows: Mapping[str, list[Spans]], whole: bool,
) -> Least:  # fmt: skip
    known: dict[tuple[tuple[Task, ...], float], float] = {}
    ways = _ways(windows)

    def walked(tail: tuple[Task, ...], from_h: float) -> float:
        if (tail, from_h) not in known:
            known[tail, from_h] = _walked(tail, from_h, ways)
        return known[tail, from_h]

    starts = [start for index, each in enumerate(alike)
              for start in _starts(index, each, room, until, slice_h, walked)]  # fmt: skip
    counts = [len(each.jobs) for each in alike]
    # Before the slice of the k-th arrival fewer than k begin.
    few = [(int(at / slice_h + _CLOSE), n) for n, at in enumerate(arrivals[:_RAMP]) if n]
    shares, price = _least_price(starts, counts, room, few, whole)
    if shares is None or not price:
        return Least(price, 0.0)
    orders = tuple(_begins(alike, starts, shares, slice_h, part) for part in _PARTS)
    return Least(price, 0.0, orders)


def _begins(
    alike: Sequence[_Alike], starts: Sequence["_Start"], shares: Floats, slice_h: float,
    part: float,
) -> Rank:  # fmt: skip
    begin: dict[str | tuple[str, int], float] = {}
    for index, each in enumerate(alike):
        mine = [(s.at * slice_h, float(x)) for s, x in zip(starts, shares, strict=True)
                if s.group == index and x > _CLOSE]  # fmt: skip
        begin |= dict(zip(each.jobs, _spread(mine, len(each.jobs), part), strict=True))
    return begin


@dataclass(frozen=True)
class _Start:
    """Jobs of a group begin in a slice, hold slices until done, and are so late."""

    group: int
    at: int
    busy: range
    late_h: float


def _starts(
    index: int, each: _Alike, room: Mapping[int, int], until: int, slice_h: float,
    walked: Callable[[tuple[Task, ...], float], float],
) -> Iterator[_Start]:  # fmt: skip
    size = int(each.work_h / slice_h + _CLOSE)
    done = walked(each.tail, max(until * slice_h, each.head_h) + each.work_h)
    yield _Start(index, until, range(0), max(0.0, min(done, _LATEST_H) - each.due_h))
    for at in takewhile(lambda at: at < until, room):
        busy = range(at, at + size)
        if (at + 1) * slice_h > each.head_h + _CLOSE and all(t in room for t in busy):
            done = walked(each.tail, max(at * slice_h, each.head_h) + each.work_h)
            if done < NEVER_H:
                yield _Start(index, at, busy, max(0.0, done - each.due_h))


def _least_price(
    starts: Sequence[_Start], counts: Sequence[int], room: Mapping[int, int],
    few: Sequence[tuple[int, int]], whole: bool,
) -> tuple[Floats | None, float]:  # fmt: skip
    """Return how many jobs begin at each start, and the lateness that no choice goes below."""
    price = np.array([s.late_h for s in starts], float)
    rows, limits = _asked(starts, counts, room, few)
    found: Any
    if whole:
        least = np.where(np.arange(len(limits)) < len(counts), limits, 0)
        found = milp(price, constraints=LinearConstraint(rows, least, limits),
                     bounds=Bounds(0, np.inf), integrality=np.ones(len(starts), np.int64),
                     options={"time_limit": _WHOLE_LIMIT_S, "mip_rel_gap": _NEAR})  # fmt: skip
        proved = found.mip_dual_bound
    else:
        n = len(counts)
        found = linprog(price, rows[n:], limits[n:], rows[:n], limits[:n], (0, None), "highs-ipm",
                        options={"time_limit": _LIMIT_S})  # fmt: skip
        proved = found.fun if found.status == 0 else None
    proved = 0.0 if proved is None or not np.isfinite(proved) else float(proved)
    shares = None if found.x is None or not price.any() else np.asarray(found.x)
    return shares, max(0.0, proved - _ROUNDED * max(1.0, proved))


def _asked(
    starts: Sequence[_Start], counts: Sequence[int], room: Mapping[int, int],
    few: Sequence[tuple[int, int]],
) -> tuple[Any, Floats]:  # fmt: skip
    """Every job begins once (first), no slice holds more than there is, nobody begins before he
    comes: rows, and what they are at most."""
    row_of = {at: len(counts) + n for n, at in enumerate(room)}
    rows = [row for s in starts for row in (s.group, *(row_of[t] for t in s.busy))]
    columns = [n for n, s in enumerate(starts) for _ in range(1 + len(s.busy))]
    first = len(counts) + len(room)
    for row, (before, _) in enumerate(few, first):
        early = [n for n, s in enumerate(starts) if s.at < before and s.busy]
        rows, columns = [*rows, *[row] * len(early)], [*columns, *early]
    shape = (first + len(few), len(starts))
    shares = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    return shares, np.array([*counts, *room.values(), *(n for _, n in few)], float)


def _spread(shares: Sequence[tuple[float, float]], count: int, part: float) -> list[float]:
    """Return the begin of the first, second … of so many jobs from shares of them by begin."""
    ends = np.cumsum([share for _, share in shares])
    begins = [begin for begin, _ in shares]
    if not begins:
        return [0.0] * count
    places = np.searchsorted(ends, np.arange(count) + part)
    return [begins[min(int(place), len(begins) - 1)] for place in places]
