"""The reliability of each class as computed last: seconds of work, so not at every request."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from railtrace.app import App
from railtrace.errors import NotFound
from railtrace.store.reliability import FleetReliability, fleet_reliability
from railtrace.trace.leaf import microseconds
from railtrace.web.running import the_app

KEEP_S = 600
"""A fleet's hazard hardly moves in ten minutes; its figures name the entries they stand on."""


@dataclass(frozen=True)
class _Kept:
    at_s: float
    positions: Mapping[str, int]
    answer: FleetReliability | NotFound


_kept: WeakKeyDictionary[App, dict[tuple[str, str], _Kept]] = WeakKeyDictionary()
_computing = threading.Lock()


def owners(vehicle_class: str) -> list[str]:
    """Return who owns vehicles of a class, who has most first; "" is nobody recorded."""
    counted = Counter(
        v.owner for v in the_app().lookup.maintained() if v.vehicle_class == vehicle_class
    )
    return [owner for owner, _ in counted.most_common()] or [""]


def computed(vehicle_class: str, owner: str) -> FleetReliability:
    """Return the reliability of an owner's vehicles of a class.

    It is computed anew when it is old and something was recorded since. Raises NotFound where
    nothing has run yet.
    """
    key = (vehicle_class, owner)
    with _computing:
        of_app = _kept.setdefault(the_app(), {})
        kept = of_app.get(key)
        if kept is None or _is_old(kept):
            kept = of_app[key] = _compute(vehicle_class, owner)
    if isinstance(kept.answer, NotFound):
        raise kept.answer
    return kept.answer


def _is_old(kept: _Kept) -> bool:
    return time.monotonic() - kept.at_s > KEEP_S and kept.positions != the_app().views.positions()


def _compute(vehicle_class: str, owner: str) -> _Kept:
    app = the_app()
    positions = app.views.positions()
    answer: FleetReliability | NotFound
    try:
        answer = fleet_reliability(
            app.lookup, app.catalogue(), vehicle_class, owner, positions,
            microseconds(app.clock())
        )
    except NotFound as error:
        answer = error
    return _Kept(time.monotonic(), positions, answer)
