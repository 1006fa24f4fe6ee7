"""Promises frozen as trains leave, or as soon after as they can be.

The figures of a fleet may have been under way at that moment, the disk full, the departure written
by another door, the server ended in between. A thread beside the server looks for such trains every
minute until a day has passed or the trip is over, and tells on the train's page what is in the way.
"""

import logging
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from time import monotonic
from weakref import WeakKeyDictionary

import msgspec
from django.http import HttpRequest

from railtrace.app import SYSTEM, App
from railtrace.errors import RailtraceError, Refused
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts
from railtrace.store.lookup import Listed
from railtrace.store.promise import Promise
from railtrace.store.trains import Trains
from railtrace.trace.leaf import Entry, microseconds, moment
from railtrace.trace.operation import LogSize, ResultSealed
from railtrace.web.accounts import person_of
from railtrace.web.frame import in_words
from railtrace.web.record import record_all
from railtrace.web.reliability.computed import fitted_at
from railtrace.web.running import the_app
from railtrace.web.trains.promised import encoded, promise_for, promised

JOB = "consist-promise:"
MEDIA_TYPE = "application/json"
PAUSE_S, LONGEST_S = 60.0, 3600.0
"""How long it waits before it looks again; of one train twice as long after each failure."""
CAUGHT_UP_S = 60.0
LATEST_US = 24 * 3_600_000_000
"""What is told a day after the departure is no promise any more."""
_log = logging.getLogger("railtrace.freezing")


@dataclass(frozen=True)
class _Tried:
    """Why a promise is not frozen yet, and when it is tried again."""

    error: RailtraceError
    pause_s: float
    again_s: float


_tried: WeakKeyDictionary[App, dict[str, _Tried]] = WeakKeyDictionary()


# --- as it leaves ------------------------------------------------------------------------------


def freeze(request: HttpRequest, state: Consist, facts: Facts) -> str:
    """Keep what is promised at departure as a file that the log names; return why not, or ""."""
    app = the_app()
    try:
        one = sealed(app, state, promised(facts))
        me = person_of(request.user).person_id
        record_all(request, [msgspec.structs.replace(one, performed_by=(me,))])
    except RailtraceError as error:
        return in_words(error)
    return ""


def sealed(app: App, state: Consist, promise: Promise) -> ResultSealed:
    """Keep a promise as a file; return the operation that names it."""
    evidence = app.evidence.put(encoded(promise), "promise.json", MEDIA_TYPE, "dataset")
    return ResultSealed(
        id=f"result:{uuid.uuid4()}", happened_at=app.clock(), job=f"{JOB}{state.consist}",
        result=evidence.sha256, rows=1, evidence=(evidence,), site=state.site,
        positions=tuple(LogSize(log=log, size=n) for log, n in sorted(promise.positions.items())),
    )  # fmt: skip


def frozen(state: Consist) -> tuple[Entry, Promise] | None:
    """Return the promise that was frozen when a consist left, with its entry."""
    entry = frozen_of(the_app(), [state]).get(state.consist)
    return None if entry is None else (entry, promise_in(entry))


def frozen_of(app: App, consists: Sequence[Consist | Listed]) -> dict[str, Entry]:
    """Return, by consist, the entry that froze its promise, of all of them by one read.

    It is the last one before the departure, and where there was none then, the first after it.
    """
    left = {f"results:{JOB}{one.consist}": one.departed_us for one in consists}
    kept: dict[str, list[tuple[int, str, int]]] = {}
    for unit, at_us, log, position in app.lookup.places_of(sorted(left), "ResultSealed"):
        kept.setdefault(unit, []).append((at_us, log, position))
    places = {_frozen_at(found, left[unit]): unit.removeprefix(f"results:{JOB}")
              for unit, found in kept.items()}  # fmt: skip
    return {places[e.log, e.position]: e for e in app.entries_at(places)}


def _frozen_at(found: list[tuple[int, str, int]], left_us: int | None) -> tuple[str, int]:
    before = [one for one in found if left_us is None or one[0] <= left_us]
    _, log, position = max(before) if before else min(found)
    return log, position


def promise_in(entry: Entry) -> Promise:
    """Return the promise that an entry froze. Raises NotFound when its file is gone."""
    operation = entry.operation
    assert isinstance(operation, ResultSealed)
    return _read(operation.result)


@lru_cache(maxsize=1024)
def _read(sha256: str) -> Promise:
    body = msgspec.json.decode(the_app().evidence.read(sha256))
    body.pop("format", None)
    return msgspec.convert(body, Promise)


# --- afterwards -------------------------------------------------------------------------------


def missed(app: App) -> list[Listed]:
    """Return the trains on the way that left less than a day ago without a frozen promise."""
    now_us = microseconds(app.clock())
    left = [one for one in app.lookup.consists_about(now_us, 500)
            if one.departed_us is not None and now_us - one.departed_us < LATEST_US]  # fmt: skip
    kept = frozen_of(app, left)
    return [one for one in left if one.consist not in kept]


def awaited(app: App, state: Consist) -> str | None:
    """Return why a train's promise is not frozen yet, None: it is not tried for any more."""
    left = state.departed_us
    if left is None or state.closed_us is not None:
        return None
    if microseconds(app.clock()) - left >= LATEST_US:
        return None
    tried = _tried.get(app, {}).get(state.consist)
    return in_words(tried.error) if tried else ""


def freeze_missed(app: App) -> int:
    """Freeze what can be frozen of the trains that left without; return how many it was.

    While the views lag a train may be frozen already: nothing is frozen then.
    """
    tried, done = _tried.setdefault(app, {}), 0
    if not app.wait_caught_up(CAUGHT_UP_S):
        return 0
    for one in missed(app):
        before = tried.get(one.consist)
        if before is not None and before.again_s > monotonic():
            continue
        try:
            done += _freeze(app, one.consist)
            tried.pop(one.consist, None)
        except RailtraceError as error:
            pause = min(2 * before.pause_s, LONGEST_S) if before else PAUSE_S
            tried[one.consist] = _Tried(error, pause, monotonic() + pause)
    return done


def _freeze(app: App, consist: str) -> int:
    """Seal the promise of a train by what had happened before it left, in the log of its depot."""
    now = Trains(app.knowledge(), app.lookup).consist(consist)
    if now.departed_us is None or app.trace.head(app.entry(now.departed_by).log).foreign:
        return 0  # The installation that sent it off freezes what it promised.
    then = Trains(app.knowledge(moment(now.departed_us)), app.lookup)
    state = then.consist(consist)
    promise = promise_for(state, then.catalogue, partial(fitted_at, app, now.departed_us))
    (result,) = app.record([sealed(app, state, promise)], SYSTEM, "system")
    if isinstance(result, Refused):
        raise result
    return 1


class Freezer:
    """Looks for trains without a promise at the start and every minute after it."""

    def __init__(self, app: App) -> None:
        self._app, self._stopped = app, threading.Event()
        self._thread = threading.Thread(target=self._run, name="freezer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is not frozen is tried at the next start."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(PAUSE_S):
            try:
                freeze_missed(self._app)
            except Exception:
                _log.exception("freezing promises failed")
