"""Norm replay: the fleet as it stands, run through two catalogues, before one is adopted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.condition import Condition, judged, worst
from railtrace.projections.maintenance import DAY_US, Due
from railtrace.store.dues import FleetDues, Forecast, by_unit
from railtrace.store.lookup import Lookup
from railtrace.store.views import ViewStore

_OVER = ("overdue", "tolerated")


@dataclass(frozen=True)
class Fallen:
    """A unit that the new catalogue puts out of order where the old one did not."""

    unit: str
    what: str
    """The kind of maintenance, or the quantity that is measured."""
    row: str
    before: str
    after: str
    stops: bool = False


@dataclass
class Load:
    """What a catalogue asks of the depots over the years looked at."""

    visits: Counter[str] = field(default_factory=Counter)
    depot_days: float = 0.0
    without_downtime: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Moved:
    """A due whose likely day moves by a day or more; None is later than anybody forecasts [µs]."""

    unit: str
    what: str
    row: str
    before_us: int | None
    after_us: int | None


@dataclass(frozen=True)
class Replay:
    """The difference between two catalogues on one fleet."""

    units: int
    days: int
    before: Load
    after: Load
    fallen: list[Fallen]
    relieved: list[Fallen]
    moved: list[Moved] = field(default_factory=list)


STEPS = 4
"""Parts of the work that progress is told by."""


def replay(
    views: ViewStore, lookup: Lookup, old: Catalogue, new: Catalogue, now_us: int,
    days: int = 1096, tell: Callable[[int], None] = lambda done: None,
) -> Replay:  # fmt: skip
    """Return who falls out, who is relieved, and what it costs in depot days.

    Dates are the likely ones of the run rates; a greater repair takes in the lesser. What was
    never recorded is not invented: kinds whose last service is unknown bring no visit.
    """
    stands = []
    for step, catalogue in enumerate((old, new)):
        stands.append(by_unit(FleetDues(views, lookup, catalogue, now_us).of()))
        tell(step + 1)
    loads = [
        _load(some, catalogue, now_us, days)
        for some, catalogue in zip(stands, (old, new), strict=True)
    ]
    tell(3)
    fallen, relieved = _compared(stands[0], stands[1])
    if old.limits != new.limits:
        worse, better = _limits(views, lookup, old, new)
        fallen, relieved = fallen + worse, relieved + better
    moved = _moved(stands[0], stands[1], now_us + days * DAY_US)
    tell(STEPS)
    return Replay(len(stands[1]), days, loads[0], loads[1], fallen, relieved, moved)


def _moved(
    before: dict[str, list[Forecast]], after: dict[str, list[Forecast]], until_us: int
) -> list[Moved]:
    """Return the dues that come on another day within the time looked at, the soonest first."""
    old = {(f.due.unit, f.due.kind): f for some in before.values() for f in some}
    found = []
    for forecast in (f for some in after.values() for f in some):
        was = old.get((forecast.due.unit, forecast.due.kind))
        days = [None if f is None or not f.due.criteria else f.median_us for f in (was, forecast)]
        if _apart(*days) and min(d for d in days if d is not None) <= until_us:
            due = forecast.due
            found.append(Moved(due.unit, due.kind, due.service, *days))
    return sorted(found, key=lambda m: (m.after_us is None, m.after_us or 0, m.unit, m.what))


def _apart(before_us: int | None, after_us: int | None) -> bool:
    if before_us is None or after_us is None:
        return before_us != after_us
    return abs(after_us - before_us) >= DAY_US


def _compared(
    before: dict[str, list[Forecast]], after: dict[str, list[Forecast]]
) -> tuple[list[Fallen], list[Fallen]]:
    old = {(f.due.unit, f.due.kind): f.due for some in before.values() for f in some}
    new = {(f.due.unit, f.due.kind): f.due for some in after.values() for f in some}
    fallen, relieved = [], []
    for key, due in new.items():
        was = old.get(key)
        if due.state in _OVER and (was is None or was.state not in _OVER):
            fallen.append(_fallen(due, was))
        elif was is not None and was.state in _OVER and due.state not in _OVER:
            relieved.append(_fallen(due, was))
    return fallen, relieved


def _fallen(due: Due, was: Due | None) -> Fallen:
    return Fallen(due.unit, due.kind, due.service, was.state if was else "", due.state, due.stops)


def _load(
    stands: dict[str, list[Forecast]], catalogue: Catalogue, now_us: int, days: int
) -> Load:
    load = Load()
    for forecasts in stands.values():
        for kind, service in _visits(forecasts, catalogue, now_us, days):
            load.visits[kind] += 1
            hours = catalogue.services[service].downtime_h
            if hours is None:
                load.without_downtime[kind] += 1
            else:
                load.depot_days += hours / 24
    return load


def _visits(
    forecasts: Sequence[Forecast], catalogue: Catalogue, now_us: int, days: int
) -> list[tuple[str, str]]:
    """Walk a unit through the days: at each due the greatest kind that is due is done."""
    kinds = [
        (catalogue.services[f.due.service].rank, f.due, _first_day(f, now_us), _interval_days(f))
        for f in forecasts
        if f.due.criteria
    ]
    next_day = [first for _, _, first, _ in kinds]
    found = []
    while kinds and (today := min(next_day)) <= days:
        done = max((i for i, day in enumerate(next_day) if day <= today), key=lambda i: kinds[i][0])
        rank, due, _, _ = kinds[done]
        found.append((due.kind, due.service))
        for index, (other, _, _, interval) in enumerate(kinds):
            if index == done or 0 < other < rank:
                next_day[index] = today + max(interval, 1.0)
    return found


def _first_day(forecast: Forecast, now_us: int) -> float:
    if forecast.median_us is None:
        return inf
    return max((forecast.median_us - now_us) / DAY_US, 0.0)


def _interval_days(forecast: Forecast) -> float:
    """The whole interval in days of this unit's running, whichever comes first."""
    lengths = {"d": 1.0, "h": 24.0}
    found = [inf]
    for criterion in forecast.due.criteria:
        if criterion.meter in ("km", "engine_hours"):
            if forecast.daily > 0:
                found.append(criterion.allowed / forecast.daily)
        else:
            found.append(criterion.allowed / lengths[criterion.unit])
    return min(found)


def _limits(
    views: ViewStore, lookup: Lookup, old: Catalogue, new: Catalogue
) -> tuple[list[Fallen], list[Fallen]]:
    """Judge every last reading by both catalogues."""
    fallen: list[Fallen] = []
    relieved: list[Fallen] = []
    for unit, state in views.states_of("condition", lookup.measured()).items():
        assert isinstance(state, Condition)
        pairs = zip(judged(state, old), judged(state, new), strict=True)
        for was, now in pairs:
            if was.verdict == now.verdict:
                continue
            row = now.limit.key if now.limit else ""
            one = Fallen(unit, now.quantity, row, was.verdict, now.verdict)
            worse = worst([was.verdict, now.verdict]) == now.verdict
            (fallen if worse else relieved).append(one)
    return fallen, relieved
