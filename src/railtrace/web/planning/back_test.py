"""The last quarter predicted from the quarter before: how far a plan's answers can be trusted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from msgspec.structs import replace as with_fields
from scipy.stats import nbinom

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_simulation import Run, replicate
from railtrace.errors import BadData
from railtrace.store.observed_work import orders_seen
from railtrace.store.workload import Turned, turned
from railtrace.trace.leaf import microseconds
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.planning.answer import in_names, station_name
from railtrace.web.planning.pages import kept_plan
from railtrace.web.planning.plan import Plan, Told, observed_in, shop_of
from railtrace.web.running import the_app

QUARTER = timedelta(days=91)
REPLICATIONS = 10
_LEAST_ORDERS = 3


@dataclass(frozen=True)
class Band:
    """What was predicted, as a span, and what came."""

    low: float
    middle: float
    high: float
    came: float | None

    @property
    def held(self) -> bool | None:
        """Whether it came as predicted; None where nothing came."""
        return None if self.came is None else self.low <= self.came <= self.high


@dataclass(frozen=True)
class Predicted:
    """A process: orders of the quarter, median hours from opening to closing."""

    name: str
    orders: Band
    hours: Band | None


def back_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the quarter before would have said of the last one, and what came."""
    row, laid = kept_plan(pk)
    names, now = the_names(), the_app().clock()
    context: dict[str, Any] = {
        "section": "planning", "plan": row, "tab": "back-test", "before": now - 2 * QUARTER,
        "middle": now - QUARTER, "now": now, "replications": REPLICATIONS,
    }  # fmt: skip
    try:
        context |= _compared(laid, names)
    except BadData as error:
        context["problem"] = in_names(error, names)
    return render(request, "planning/back_test.html", context)


def _told_of(from_us: int, to_us: int) -> Told:
    app = the_app()
    return observed_in(orders_seen(app.knowledge(), app.lookup, from_us, to_us), from_us, to_us)


def _compared(laid: Plan, names: Names) -> dict[str, Any]:
    """Predict with the plan's machines and shifts, and nothing a person said of times and work."""
    now = the_app().clock()
    first, middle, last = (microseconds(now - n * QUARTER) for n in (2, 1, 0))
    before, after = _told_of(first, middle), turned(the_app().lookup, middle, last)
    work = {key: with_fields(each, per_week=None, minutes={}) for key, each in laid.work.items()
            if before.orders.get(key, (0, 0.0))[0] >= _LEAST_ORDERS}  # fmt: skip
    if not work:
        return {"rows": []}
    shop = shop_of(with_fields(laid, work=work), names.catalogue, before)
    runs = replicate(shop, QUARTER / timedelta(hours=1), REPLICATIONS)
    rows = [_predicted(key, before.orders[key][0], after.get(key), runs, names) for key in work]
    return {"rows": rows, "stations": _stations(shop, before, _told_of(middle, last), names)}


def _predicted(key: str, n: int, came: Turned | None, runs: list[Run], names: Names) -> Predicted:
    # A rate known from n orders gives counts of the next quarter this spread (gamma and Poisson).
    spread = nbinom(n + 0.5, 0.5)
    low, high = (float(spread.ppf(share)) for share in (0.025, 0.975))
    medians = [float(np.median(run.turnaround_h[key])) for run in runs
               if len(run.turnaround_h[key])]  # fmt: skip
    hours = came.hours if came else ()
    band = Band(min(medians), float(np.median(medians)), max(medians),
                float(np.median(hours)) if hours else None) if medians else None  # fmt: skip
    name = names.catalogue.processes[key].name(names.language)
    return Predicted(name, Band(low, n, high, came.opened if came else 0), band)


def _stations(shop: Shop, before: Told, after: Told, names: Names) -> list[dict[str, Any]]:
    """Return the machines that timed their cycles in the quarter before."""
    rows = []
    for station in shop.stations:
        if seen := before.times.get(station.key):
            half = 1.96 * seen.mean_h * seen.cv / np.sqrt(seen.n) if seen.n > 1 else seen.mean_h
            then = after.times.get(station.key)
            band = Band(60 * (seen.mean_h - half), 60 * seen.mean_h, 60 * (seen.mean_h + half),
                        60 * then.mean_h if then else None)  # fmt: skip
            rows.append({"name": station_name(station.key, names), "n": seen.n, "band": band,
                         "then": then.n if then else 0})  # fmt: skip
    return rows


