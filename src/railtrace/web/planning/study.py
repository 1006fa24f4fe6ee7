"""Questions put to a plan's shop by many runs, kept run by run: one machine away, what to buy.

Each question is a list of shops that are run one after another in a process of its own; what is
done is kept under the names of the shops, so that a stopped or interrupted study goes on where it
was and is never shown for other figures than its own.
"""

import hashlib
import logging
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

from django.utils.translation import gettext

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_simulation import simulate
from railtrace.analysis.depot_study import Outcome, outcome
from railtrace.web.jobs import PROCESS, JobFiles, KeptJob
from railtrace.web.planning import verified

REPLICATIONS = 20
_log = logging.getLogger("railtrace.planning")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="study-plan")

Next = Callable[[Mapping[str, list[Outcome]]], tuple[str, Shop] | None]
"""Told what is known by shop, names the shop to be run once more; None when all is told."""


class Study(KeptJob):
    """How far a study is; `of` is the most it can take, `mark` the hash of what is asked."""

    mark: str
    of: int
    runs: dict[str, list[Outcome]] = {}

    @property
    def done(self) -> int:
        """How many runs are kept."""
        return sum(len(runs) for runs in self.runs.values())

    @property
    def said(self) -> str:
        """The state in words."""
        return gettext(verified.STATES[self.shown_state])


def mark_of(*asked: object) -> str:
    """Return what tells one question from another."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:20]


_files = JobFiles("plan-studies", Study)


def kept(mark: str) -> Study | None:
    """Return a study, if it was begun."""
    return _files.read(mark)


def start(mark: str, of: int, following: Next) -> "Future[None]":
    """Begin a study, or go on with it."""
    found = kept(mark) or Study(mark=mark, of=of)
    found.state, found.runner = "running", PROCESS
    _files.ask_to_stop(mark, asked=False)
    _files.keep(mark, found)
    return _thread.submit(_run, found, following)


def stop(mark: str) -> None:
    """Stop after the run in hand."""
    _files.ask_to_stop(mark)


def _run(found: Study, following: Next) -> None:
    try:
        # A process of its own: the pages need this one.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            asked = following(found.runs)
            while asked is not None and not _files.is_to_stop(found.mark):
                key, shop = asked
                runs = found.runs.setdefault(key, [])
                run = pool.submit(simulate, shop, verified.YEAR_H, len(runs)).result()
                runs.append(outcome(shop, run))
                _files.keep(found.mark, found)
                asked = following(found.runs)
        found.state = "done" if asked is None else "stopped"
    except Exception:
        _log.exception("a plan could not be studied")
        found.state = "failed"
    _files.keep(found.mark, found)
