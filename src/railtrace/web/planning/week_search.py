"""A better week, sought for half a minute: kept, with its progress, until somebody takes it."""

import hashlib
import logging
import multiprocessing
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from time import monotonic

import msgspec
from django.utils.translation import gettext

from railtrace.analysis.schedule import Assigned, Plan, Stay
from railtrace.analysis.schedule_search import Asked, cost
from railtrace.operating.week_search import Heard, sought
from railtrace.web.jobs import PROCESS, JobFiles, KeptJob
from railtrace.web.planning.verified import STATES
from railtrace.web.planning.week import Week

SECONDS = 30
MOST_JOBS = 60
"""The search takes what begins first; the rest of the week stays where it is."""
_log = logging.getLogger("railtrace.planning")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search-week")


class WeekSearch(KeptJob):
    """How far a search is; `mark` is that of the week it is of."""

    mark: str
    of: int = SECONDS
    done: int = 0
    before: float = 0.0
    cost: float = 0.0
    bound: float = 0.0
    assigned: tuple[Assigned, ...] = ()
    stays: tuple[Stay, ...] = ()

    @property
    def said(self) -> str:
        """The state in words."""
        return gettext(STATES[self.shown_state])

    @property
    def better(self) -> bool:
        """Whether a better plan was found."""
        return bool(self.assigned) and self.cost < self.before - 1e-6

    @property
    def gap(self) -> float:
        """Share of the cost that a perfect plan might still save."""
        return max(0.0, (self.cost - self.bound) / self.cost) if self.cost else 0.0


_files = JobFiles("weeks", WeekSearch)


def mark_of(week: Week) -> str:
    """Return what tells a week and its plan from any other."""
    return hashlib.sha256(msgspec.json.encode(week)).hexdigest()[:20]


def kept(week: Week) -> WeekSearch | None:
    """Return the search of a week as it stands now, if there was one."""
    return _files.read(mark_of(week))


def start(week: Week, now_us: int) -> "Future[None]":
    """Begin the search for a better plan of a week."""
    mark = mark_of(week)
    asked = asked_of(week, now_us)
    before = cost(Plan(week.assigned), asked.jobs)
    found = WeekSearch(mark, runner=PROCESS, before=before, cost=before)
    _files.ask_to_stop(mark, asked=False)
    _files.keep(mark, found)
    return _thread.submit(_run, asked, found)


def stop(week: Week) -> None:
    """End the search with what it has."""
    _files.ask_to_stop(mark_of(week))


def asked_of(week: Week, now_us: int) -> Asked:
    """Return what is searched: the jobs that begin first, around all that stays."""
    frozen = {(each.job, each.number): each for each in week.frozen(now_us)}
    planned = Counter(each.job for each in week.assigned)
    # Of what the week has no room for, what is planned of it stays.
    jobs = [replace(job, tasks=job.tasks[: planned[job.key]]) for job in week.jobs
            if planned[job.key]]  # fmt: skip
    begin: dict[str, float] = {}
    for each in week.assigned:
        begin.setdefault(each.job, each.start_h)
    jobs.sort(key=lambda job: begin.get(job.key, 0.0))
    free = {job.key for job in jobs[:MOST_JOBS]} - set(week.left)
    frozen |= {(each.job, each.number): each for each in week.assigned if each.job not in free}
    stays = [stay for stay in week.stays
             if any(each.job == stay.job for each in frozen.values())]  # fmt: skip
    return Asked(tuple(jobs), week.resources, tuple(frozen.values()), tuple(stays))


def _run(asked: Asked, found: WeekSearch) -> None:
    told, halt = _files.path(found.mark, "told"), _files.path(found.mark, "stop")
    told.unlink(missing_ok=True)
    began = monotonic()
    try:
        # A process of its own: the pages need this one.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            asking = pool.submit(sought, asked, float(found.of), told, halt)
            while True:
                try:
                    better = asking.result(timeout=0.5)
                    break
                except NotYet:
                    found.done = min(found.of, int(monotonic() - began))
                    _hear(found, told.read_bytes() if told.exists() else b"")
                    _files.keep(found.mark, found)
        found.cost, found.bound = better.cost, better.bound
        found.assigned, found.stays = better.plan.assigned, better.plan.stays
        found.state = "done"
    except Exception:
        _log.exception("a better week could not be sought")
        found.state = "failed"
    _files.keep(found.mark, found)


def _hear(found: WeekSearch, told: bytes) -> None:
    if told:
        heard = msgspec.json.decode(told, type=Heard)
        found.cost, found.bound = heard.cost, heard.bound


def taken(week: Week, found: WeekSearch) -> Week:
    """Return the week with the plan that was found."""
    return week.with_plan(Plan(found.assigned, week.left, found.stays))
