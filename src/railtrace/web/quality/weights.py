"""The weights of violations as computed last: the whole history is read for them."""

import threading
import time
from weakref import WeakKeyDictionary

from railtrace.app import App
from railtrace.store.driving import Weights, fleet_weeks, weights
from railtrace.store.dues import GONE
from railtrace.trace.leaf import microseconds
from railtrace.web.running import the_app

KEEP_S = 600
_YEARS_US = 3 * 366 * 86_400_000_000

_kept: WeakKeyDictionary[App, tuple[float, object, Weights]] = WeakKeyDictionary()
_computing = threading.Lock()


def computed_weights() -> Weights:
    """Return the weights that the last three years of locomotives show.

    They are computed anew when they are old and something was recorded since.
    """
    app = the_app()
    with _computing:
        kept, positions = _kept.get(app), app.views.positions()
        if kept and (time.monotonic() - kept[0] < KEEP_S or kept[1] == positions):
            return kept[2]
        found = _compute(app)
        _kept[app] = (time.monotonic(), positions, found)
        return found


def _compute(app: App) -> Weights:
    catalogue = app.catalogue()
    types = [k for k, v in catalogue.vehicle_types.items() if v.vehicle_class == "locomotive"]
    vehicles = [v for v in app.lookup.maintained(types) if v.status not in GONE]
    now_us = microseconds(app.clock())
    return weights(catalogue, fleet_weeks(app.lookup, vehicles, now_us - _YEARS_US, now_us))
