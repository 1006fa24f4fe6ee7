"""By when jobs can be done at best: what must be worked between two hours, and the room there is.

Every task has an hour before which it cannot begin (what is before it) and one by which it must end
if all is to be done by some hour (what follows it). Where the tasks of a kind that lie between two
hours are more work than its machines or people can do there, that hour cannot be met (energetic
reasoning; on one machine it is the preemptive bound of Carlier and Pinson). Times are hours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise, product
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from railtrace.analysis.life_data import Floats
from railtrace.analysis.schedule import NEVER_H, Assigned, Job, Rank, Task

_CLOSE, _NEAR_H = 1e-9, 1e-6
_WITHIN_H = 1 / 60
_GRID_H = 1 / 6
_CUTS = 6
"""Of how many begins and ends of tasks the work between is held against the room."""
_LEVEL_LIMIT_S, _ROUNDED = 1.0, 1e-6
_KINDS_FOLLOWED = 3
Spans = Sequence[tuple[float, float]]
Windows = Mapping[str, Sequence[Spans]]
Ways = Mapping[str, Spans]


@dataclass(frozen=True)
class _Item:
    """A task that is still to be planned: from when, and what must be done after it."""

    job: str
    number: int
    from_h: float
    duration_h: float
    after: tuple["Task | Assigned", ...]


class Room:
    """What is to be worked at each kind, and until when each kind can have worked how much."""

    def __init__(
        self, jobs: Sequence[Job], windows: Windows, frozen: Sequence[Assigned] = ()
    ) -> None:
        self.ways, self.windows = ways_of(windows), windows
        pins = {(each.job, each.number): each for each in frozen}
        self.items: dict[str, list[_Item]] = {}
        for job in jobs:
            self._add(job, pins)
        self.worked = {kind: _Worked(windows.get(kind, ())) for kind in self.items}
        self.last_h = max((end for of in windows.values() for spans in of for _, end in spans),
                          default=0.0)  # fmt: skip

    def _add(self, job: Job, pins: Mapping[tuple[str, int], Assigned]) -> None:
        steps = [pins.get((job.key, n), task) for n, task in enumerate(job.tasks)]
        at = job.release_h
        for number, step in enumerate(steps):
            if isinstance(step, Assigned):
                at = max(at, step.end_h)
                continue
            item = _Item(job.key, number, at, step.duration_h, tuple(steps[number + 1 :]))
            for kind in set(step.needs):
                self.items.setdefault(kind, []).append(item)
            at = _first_end(step, at, self.ways)

    def least_end(self, from_h: float) -> float:
        """Return an hour, not before another, by which not all can be done: to the minute."""
        low, high = from_h, self.last_h
        while high - low > _WITHIN_H:
            middle = (low + high) / 2
            if self.holds(middle):
                high = middle
            else:
                low = middle
        return low

    def holds(self, until_h: float) -> bool:
        """Tell whether every kind has the room to have all done by an hour."""
        last = self._last_ends(until_h)
        for kind, items in self.items.items():
            from_h, to_h, work_h = _spans(items, last)
            if not self.worked[kind].holds(from_h, to_h, work_h):
                return False
        return True

    def latest(self, until_h: float) -> Rank:
        """Return by task when it must begin for all to be done by an hour: who goes first."""
        last = self._last_ends(until_h)
        return {(item.job, item.number): last(item.after) - item.duration_h
                for items in self.items.values() for item in items}  # fmt: skip

    def least_lateness(self, jobs: Sequence[Job], until_h: float) -> float:
        """Return hours of lateness of all jobs together that no plan goes below.

        At every hour of a grid the most jobs that can be done by then are counted, each weighed by
        how long it would be late from the hour before; hours after `until_h` are not counted.
        """
        dues = {job.key: job.due_h for job in jobs}
        hours = self._grid(min(dues.values(), default=NEVER_H), until_h)
        return sum(self._late_at(before, at, dues) for before, at in pairwise(hours))

    def _grid(self, from_h: float, until_h: float) -> list[float]:
        """Return hours at which jobs can end: open ones close together, a closed night as one."""
        opened = sorted({span for of in self.ways.values() for span in of})
        found = {from_h}
        for start, end in opened:
            steps = np.arange(start, min(end, until_h) + _GRID_H, _GRID_H)
            found |= {float(at) for at in (*steps, end) if from_h < at <= min(end, until_h)}
        return sorted(found)

    def _late_at(self, before_h: float, at_h: float, dues: Mapping[str, float]) -> float:
        """Return how much lateness between two hours no plan avoids."""
        weight = {job: at_h - max(before_h, due) for job, due in dues.items() if due < at_h}
        last = self._last_ends(at_h)
        out = {item.job for items in self.items.values() for item in items
               if last(item.after) - item.from_h < item.duration_h - _NEAR_H}  # fmt: skip
        some = [job for job in weight if job not in out]
        rows = [row for kind, items in self.items.items()
                for row in self.worked[kind].lacks(_spans(items, last), items)
                if any(job in row[0] for job in some)]  # fmt: skip
        lost = sum(weight[job] for job in weight if job in out)
        return lost + (_left_out(some, weight, rows) if rows else 0.0)

    def orders(self, jobs: Sequence[Job], until_h: float) -> Iterator[Rank]:
        """Yield by the tightest kinds how tasks would follow if it alone were scarce.

        There, of what has come, what must end first goes first (Schrage); what would be late is put
        off behind all others.
        """
        lasts = {job.key: self._last_ends(min(job.due_h, until_h)) for job in jobs}
        tight = sorted(self.items, key=lambda kind: -self._load(kind, until_h))
        for kind in tight[:_KINDS_FOLLOWED]:
            begins = _followed(self.items[kind], self.windows[kind], lasts)
            yield {(job.key, n): hours for job in jobs
                   for n, hours in enumerate(_ranked(job, lasts[job.key], begins.get(job.key)))}

    def _load(self, kind: str, until_h: float) -> float:
        room = float(self.worked[kind].until(np.array([until_h]))[0])
        return sum(item.duration_h for item in self.items[kind]) / max(room, _NEAR_H)

    def _last_ends(self, until_h: float) -> "_LastEnds":
        return _LastEnds(until_h, self.ways)


def _spans(items: Sequence[_Item], last: "_LastEnds") -> tuple[Floats, Floats, Floats]:
    """Return from when, until when and how long each task is."""
    return (np.array([item.from_h for item in items]), np.array([last(i.after) for i in items]),
            np.array([item.duration_h for item in items]))  # fmt: skip


def _left_out(
    jobs: Sequence[str], weight: Mapping[str, float], rows: Sequence[tuple[dict[str, float], float]]
) -> float:
    """Return the least weight of jobs left out so that the rest has room in every row."""
    at = {job: n for n, job in enumerate(jobs)}
    work = np.zeros((len(rows), len(jobs)))
    for n, (hours, _) in enumerate(rows):
        for job in hours.keys() & at.keys():
            work[n, at[job]] = hours[job]
    gain = np.array([weight[job] for job in jobs])
    room = np.array([room for _, room in rows])
    found: Any = milp(-gain, constraints=LinearConstraint(work, -np.inf, room + _NEAR_H),
                      bounds=Bounds(0, 1), integrality=np.ones(len(jobs), np.int64),
                      options={"time_limit": _LEVEL_LIMIT_S})  # fmt: skip
    most = -found.mip_dual_bound if found.mip_dual_bound is not None else gain.sum()
    return max(0.0, float(gain.sum() - most) * (1 - _ROUNDED)) if np.isfinite(most) else 0.0


def _followed(
    items: Sequence[_Item], rows: Sequence[Spans], lasts: Mapping[str, "_LastEnds"]
) -> dict[str, tuple[int, float]]:
    """Return by job which of its tasks of a kind begins when, machine after machine."""
    longest: dict[str, _Item] = {}
    for item in items:
        if item.job not in longest or item.duration_h > longest[item.job].duration_h:
            longest[item.job] = item
    open_ = {job: lasts[job](item.after) for job, item in longest.items()}
    put_off, found = set[str](), dict[str, tuple[int, float]]()
    free = [(spans[0][0], n, 0) for n, spans in enumerate(rows) if spans]
    heapify(free)
    while open_ and free:
        now, row, span = heappop(free)
        end = rows[row][span][1]
        come = [job for job in open_ if longest[job].from_h <= now + _CLOSE
                and now + longest[job].duration_h <= end + _CLOSE]  # fmt: skip
        put_off |= {job for job in come if now + longest[job].duration_h > open_[job] + _CLOSE}
        if come:
            job = min(come, key=lambda job: (job in put_off, open_[job], job))
            found[job] = longest[job].number, now
            del open_[job]
            heappush(free, (now + longest[job].duration_h, row, span))
            continue
        later = min((item.from_h for job, item in longest.items()
                     if job in open_ and now < item.from_h < end), default=end)  # fmt: skip
        if later < end:
            heappush(free, (later, row, span))
        elif span + 1 < len(rows[row]):
            heappush(free, (rows[row][span + 1][0], row, span + 1))
    return found


def _ranked(job: Job, last: "_LastEnds", begin: tuple[int, float] | None) -> list[float]:
    """Return hours by which a job's tasks are ranked: back and forth from one, else by the last."""
    works = [task.duration_h for task in job.tasks]
    number, at = begin or (len(works), last(()))
    return [at - sum(works[n:number]) if n <= number else at + sum(works[number:n])
            for n in range(len(works))]  # fmt: skip


class _LastEnds:
    """By when a task must end so that what is after it can be done by an hour."""

    def __init__(self, until_h: float, ways: Ways) -> None:
        self.ways = ways
        self.known: dict[tuple[Task | Assigned, ...], float] = {(): until_h}

    def __call__(self, after: tuple[Task | Assigned, ...]) -> float:
        if after not in self.known:
            step, end = after[0], self(after[1:])
            self.known[after] = (min(end, step.start_h) if isinstance(step, Assigned)
                                 else _last_begin(step, end, self.ways))  # fmt: skip
        return self.known[after]


def ways_of(windows: Windows) -> Ways:
    """Return by kind when any of its resources is open: all that one task alone asks about."""
    return {kind: sorted({span for spans in of for span in spans}) for kind, of in windows.items()}


def _first_end(task: Task, from_h: float, ways: Ways) -> float:
    """Return when a task ends at the earliest, each kind it needs asked by itself."""
    size = task.duration_h
    begins = [next((max(from_h, start) for start, end in ways.get(kind, ())
                    if max(from_h, start) + size <= end + _CLOSE), NEVER_H)
              for kind in task.needs]  # fmt: skip
    return max([from_h, *begins]) + size


def _last_begin(task: Task, until_h: float, ways: Ways) -> float:
    """Return when a task begins at the latest, each kind it needs asked by itself."""
    size = task.duration_h
    ends = [max((min(until_h, end) for start, end in ways.get(kind, ())
                 if min(until_h, end) - size >= start - _CLOSE), default=-NEVER_H)
            for kind in task.needs]  # fmt: skip
    return min([until_h, *ends]) - size


class _Worked:
    """How much the machines or people of a kind can have worked until an hour."""

    def __init__(self, spans: Sequence[Spans]) -> None:
        changes: dict[float, int] = {0.0: 0}
        self.spans = [span for of in spans for span in of]
        for start, end in self.spans:
            changes[start] = changes.get(start, 0) + 1
            changes[end] = changes.get(end, 0) - 1
        self.at = np.array(sorted(changes))
        open_ = np.cumsum([changes[at] for at in self.at.tolist()])
        self.done = np.concatenate([[0.0], np.cumsum(open_[:-1] * np.diff(self.at))])

    def until(self, hours: Floats) -> Floats:
        return np.asarray(np.interp(hours, self.at, self.done))

    def holds(self, from_h: Floats, to_h: Floats, work_h: Floats) -> bool:
        """Tell whether the work that lies between any two hours has the room there."""
        if (to_h - from_h < work_h - _NEAR_H).any():
            return False
        order = np.argsort(to_h, kind="stable")
        from_h, to_h, work_h = from_h[order], to_h[order], work_h[order]
        begins = np.unique(from_h)
        need = np.cumsum(np.where(from_h >= begins[:, None], work_h, 0.0), axis=1)
        room = self.until(to_h)[None, :] - self.until(begins)[:, None]
        inside = to_h[None, :] > begins[:, None]
        return not bool((need > room + _NEAR_H)[inside].any())

    def _room(self, begin_h: float, end_h: float, work_h: Floats) -> float:
        """Return what tasks of these times, each whole in a span, can be worked between two hours.

        Where all times are multiples of some minutes, no machine works parts of them.
        """
        least = int(np.gcd.reduce(np.round(work_h * 60).astype(int))) if len(work_h) else 0
        even = least > 1 and np.allclose(work_h * 60, np.round(work_h * 60), atol=1e-6)
        unit = least / 60 if even else 0.0
        widths = [min(end, end_h) - max(start, begin_h) for start, end in self.spans
                  if min(end, end_h) > max(start, begin_h)]  # fmt: skip
        return sum(unit * np.floor(width / unit + _NEAR_H) if unit else width for width in widths)

    def lacks(
        self, spans: tuple[Floats, Floats, Floats], items: Sequence[_Item]
    ) -> list[tuple[dict[str, float], float]]:
        """Return hours by job and the room, where tasks between two hours have no room."""
        from_h, to_h, work_h = spans
        found = []
        for begin, end in product(_some(from_h), _some(to_h)):
            inside = np.flatnonzero((from_h >= begin - _NEAR_H) & (to_h <= end + _NEAR_H)).tolist()
            room = self._room(begin, end, work_h[inside])
            if sum(work_h[inside]) > room + _NEAR_H:
                hours: dict[str, float] = {}
                for n in inside:
                    hours[items[n].job] = hours.get(items[n].job, 0.0) + float(work_h[n])
                found.append((hours, max(room, 0.0)))
        return found


def _some(hours: Floats) -> list[float]:
    """Return a few of the hours, the first and the last among them."""
    unique = np.unique(hours)
    chosen = np.linspace(0, len(unique) - 1, min(_CUTS, len(unique))).round().astype(int)
    return [float(each) for each in unique[chosen]]
