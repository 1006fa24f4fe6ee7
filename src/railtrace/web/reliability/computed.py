"""The reliability of each class as computed last, in the background: seconds, not milliseconds.

A request never waits long: what was computed before is shown with the entries it stands on while
the next is under way, and before the first one is ready the page says that it is being computed.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookLonger
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from django.utils.translation import gettext_noop as _

from railtrace.analysis.forward_test import Scoreboard
from railtrace.app import App
from railtrace.errors import BadData, NotFound, RailtraceError
from railtrace.operating.promises import sealed_issues
from railtrace.store.condition import fleet_condition
from railtrace.store.lives import lives_of
from railtrace.store.reliability import FleetReliability, fleet_reliability, reliability_of
from railtrace.store.scoreboard import forward_issues, scored
from railtrace.trace.leaf import microseconds
from railtrace.web.frame import home_zone
from railtrace.web.running import the_app

KEEP_S = 600
"""A fleet's hazard hardly moves in ten minutes; its figures name the entries they stand on."""
WAIT_S = 4.0
UNDER_WAY = _("these figures are being computed: look again in a few seconds")
_MONTHS, _QUARTERS = 12, 4
_MANY = 500
"""Vehicles from which promises are tested by quarters: each fit then takes seconds."""


@dataclass(frozen=True)
class Scores:
    """A fleet's scoreboards: of promises tested forward in time, and of sealed ones."""

    forward: Scoreboard | None
    sealed: Scoreboard | None
    sealings: int
    why: str
    from_us: int


@dataclass(frozen=True)
class _Kept:
    at_s: float
    positions: Mapping[str, int]
    answer: Any


_kept: WeakKeyDictionary[App, dict[tuple[str, ...], _Kept]] = WeakKeyDictionary()
_under_way: WeakKeyDictionary[App, dict[tuple[str, ...], Future[None]]] = WeakKeyDictionary()
_lock = threading.Lock()
_threads = {
    kind: ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"reliability-{kind}")
    for kind in ("fleet", "scores")
}


def owners(vehicle_class: str) -> list[str]:
    """Return who owns vehicles of a class, who has most first; "" is nobody recorded."""
    counted = Counter(
        v.owner for v in the_app().lookup.maintained() if v.vehicle_class == vehicle_class
    )
    # Whose nobody recorded comes last: it is seldom a fleet that anybody asks for.
    return sorted(counted, key=lambda owner: (owner == "", -counted[owner], owner)) or [""]


def computed(vehicle_class: str, owner: str) -> FleetReliability:
    """Return the reliability of an owner's vehicles of a class, told as its promises deserve.

    Raises NotFound where nothing has run yet, and while the first answer is under way.
    """
    fleet: FleetReliability = _answer(("fleet", vehicle_class, owner), _fit, WAIT_S)
    try:
        scores = scores_of(vehicle_class, owner, 0.0)
    except NotFound:
        return fleet
    if scores.forward is None:
        return fleet
    return _weighted(fleet, scores.forward.weight)


@lru_cache(maxsize=16)
def _weighted(fleet: FleetReliability, weight: float) -> FleetReliability:
    """One fleet and weight give one object, so that what is told of it is computed once."""
    return fleet.weighted(weight)


def fitted_at(app: App, at_us: int, vehicle_class: str, owner: str) -> FleetReliability:
    """Return the reliability as it stood by what had happened before a moment, fitted here and now.

    Raises NotFound where nothing had run yet.
    """
    vehicles = [v for v in app.lookup.maintained()
                if v.vehicle_class == vehicle_class and v.owner == owner]  # fmt: skip
    lives = lives_of(app.lookup, app.catalogue(), vehicles, at_us)
    condition = fleet_condition(app.lookup, app.catalogue(), lives, at_us)
    return reliability_of(
        lives, condition, vehicle_class, owner, app.views.positions(), at_us
    )


def scores_of(vehicle_class: str, owner: str, wait_s: float = WAIT_S) -> Scores:
    """Return the scoreboards of an owner's vehicles. Raises NotFound while under way."""
    found: Scores = _answer(("scores", vehicle_class, owner), _score, wait_s)
    return found


def _answer(
    key: tuple[str, ...], compute: Callable[[App, str, str], Any], wait_s: float
) -> Any:
    app = the_app()
    with _lock:
        kept = _kept.setdefault(app, {}).get(key)
        under_way = _under_way.setdefault(app, {})
        if (kept is None or _is_old(app, kept)) and key not in under_way:
            under_way[key] = _threads[key[0]].submit(_keep, app, key, compute)
        future = under_way.get(key)
    if kept is None and future is not None:
        try:
            future.result(wait_s)
        except TookLonger:
            raise NotFound(UNDER_WAY) from None
        kept = _kept[app][key]
    assert kept is not None
    if isinstance(kept.answer, RailtraceError):
        raise kept.answer
    return kept.answer


def _is_old(app: App, kept: _Kept) -> bool:
    return time.monotonic() - kept.at_s > KEEP_S and kept.positions != app.views.positions()


def _keep(app: App, key: tuple[str, ...], compute: Callable[[App, str, str], Any]) -> None:
    positions, answer = app.views.positions(), None
    try:
        answer = compute(app, *key[1:])
    except RailtraceError as error:
        answer = error
    finally:
        with _lock:
            _under_way[app].pop(key, None)
            if answer is not None:
                _kept[app][key] = _Kept(time.monotonic(), positions, answer)


def _fit(app: App, vehicle_class: str, owner: str) -> FleetReliability:
    return fleet_reliability(
        app.lookup, app.catalogue(), vehicle_class, owner, app.views.positions(),
        microseconds(app.clock()),
    )  # fmt: skip


def _score(app: App, vehicle_class: str, owner: str) -> Scores:
    vehicles = [v for v in app.lookup.maintained()
                if v.vehicle_class == vehicle_class and v.owner == owner]  # fmt: skip
    now_us, catalogue = microseconds(app.clock()), app.catalogue()
    moments = _moments(app.clock(), _QUARTERS if len(vehicles) > _MANY else _MONTHS)
    issues = forward_issues(app.lookup, catalogue, vehicles, moments, app.views.positions())
    sealed = sealed_issues(app, vehicle_class, owner)

    def board(some: Any) -> Scoreboard:
        return scored(app.views.database, app.lookup, catalogue, vehicles, some, now_us)

    forward, why = None, ""
    try:
        forward = board(issues)
    except BadData as error:
        why = error.template
    try:
        kept = board(sealed) if sealed else None
    except BadData:
        kept = None
    return Scores(forward, kept, len(sealed), why, moments[0])


def _moments(now: datetime, parts: int) -> list[int]:
    """Return the beginnings of the last months, or of every third, up to the present one."""
    step = 12 // parts
    day, found = now.astimezone(home_zone()), []
    for back in range(12, -1, -step):
        month = day.year * 12 + day.month - 1 - back
        begins = datetime(month // 12, month % 12 + 1, 1, tzinfo=day.tzinfo).astimezone(UTC)
        found.append(microseconds(begins))
    return found
