"""Return margin: what runs out before a consist is at home again, where it is then, and when.

The whole trip counts, there and back, at the hours of the route. What lasts to the end is no
finding; what is over already is a gate of its own.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

from railtrace.catalogue.rows import Route
from railtrace.projections.maintenance import Due

HOUR_US = 3_600_000_000


class Spot(Struct, frozen=True):
    """A place of the trip: the stops it lies between, on the way back or not, and when."""

    after: int
    """Number of the last stop passed, counted from the beginning of the route."""
    back: bool
    at_us: int


class Short(Struct, frozen=True):
    """What does not last: how far it falls short, where that is, and who could serve it before.

    `unit` is km for a mileage and d for a date; `served_at` are numbers of stops.
    """

    kind: str
    service: str
    short: float
    left: float
    unit: str
    spot: Spot
    served_at: tuple[int, ...] = ()
    operation: str = ""


def spot_at_km(route: Route, departs_us: int, km: float) -> Spot:
    """Return where a consist is when it has run so far, and when that is."""
    there = route.km_there
    back = route.returns and km > there
    along = 2 * there - km if back else km
    hours = _hours_at(route, min(max(along, 0.0), there))
    if back:
        hours = route.stops[-1].hours + route.turnaround_h + route.stops[-1].hours - hours
    passed = [n for n, stop in enumerate(route.stops) if (stop.km >= along if back
                                                          else stop.km <= along)]  # fmt: skip
    after = min(passed) if back else max(passed)
    return Spot(after, back, departs_us + round(hours * HOUR_US))


def _hours_at(route: Route, km: float) -> float:
    for first, second in zip(route.stops, route.stops[1:], strict=False):
        if first.km <= km <= second.km:
            share = (km - first.km) / (second.km - first.km) if second.km > first.km else 0.0
            return first.hours + share * (second.hours - first.hours)
    return route.stops[-1].hours


def spot_at_time(route: Route, departs_us: int, at_us: int) -> Spot:
    """Return where a consist is at a moment of its trip."""
    hours = (at_us - departs_us) / HOUR_US
    there = route.stops[-1].hours
    back = route.returns and hours > there + route.turnaround_h
    along = there - (hours - there - route.turnaround_h) if back else min(hours, there)
    passed = [n for n, stop in enumerate(route.stops) if (stop.hours >= along if back
                                                          else stop.hours <= along)]  # fmt: skip
    after = (min(passed) if back else max(passed)) if passed else 0
    return Spot(after, back, at_us)


def shortages(route: Route, departs_us: int, dues: Sequence[Due]) -> list[Short]:
    """Return every kind of maintenance that would become overdue before the return."""
    found = []
    returns_us = departs_us + round(route.hours * HOUR_US)
    for due in dues:
        if due.state not in ("ok", "tolerated"):
            continue
        for criterion in due.criteria:
            if criterion.meter == "km" and 0 <= criterion.remaining < route.km:
                spot = spot_at_km(route, departs_us, criterion.remaining)
                found.append(_short(due, route, route.km - criterion.remaining,
                                    criterion.remaining, "km", spot))  # fmt: skip
        if due.calendar_us is not None and departs_us <= due.calendar_us < returns_us:
            spot = spot_at_time(route, departs_us, due.calendar_us)
            day_us = 24 * HOUR_US
            found.append(_short(due, route, (returns_us - due.calendar_us) / day_us,
                                (due.calendar_us - departs_us) / day_us, "d", spot))  # fmt: skip
    return found


def _short(due: Due, route: Route, short: float, left: float, unit: str, spot: Spot) -> Short:
    served = tuple(
        n for n, stop in enumerate(route.stops)
        if due.kind in stop.services and n and (spot.back or n <= spot.after)
    )  # fmt: skip
    operation = due.last.operation if due.last else ""
    return Short(due.kind, due.service, short, left, unit, spot, served, operation)


def years_on(made: str, day: date, away: timedelta) -> float | None:
    """Return how old a unit made on a partial date will be at the end of a trip [years]."""
    if not made:
        return None
    year, month, of_month = (*map(int, made.split("-")), 1, 1)[:3]
    return ((day + away) - date(year, month, of_month)).days / 365.25
