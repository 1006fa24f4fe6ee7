"""Failures that come back: soon after a repair, at the same place, or oftener than a fleet's rate.

A repair is a stay in repair that is over; its depot is the vehicle's home depot of that time.
Spans are days or kilometres of the vehicle.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from railtrace.analysis.evidence import evidence
from railtrace.analysis.life_data import Floats
from railtrace.analysis.repeats import (
    failures_after_repair,
    repeated_defects,
    shrunken_rates,
    unusual_counts,
)
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.availability import Hours, kind_of_hours
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.mileage import Counter
from railtrace.store.database import Database, chunks, marks
from railtrace.store.lookup import Maintained
from railtrace.store.service import Failure, Period

_LEAST_SPAN = 1e-3


class Repair(NamedTuple):
    """A vehicle went out of repair: when, of which kind of repair, from which depot."""

    vehicle: str
    at_us: int
    kind: str
    depot: str


@dataclass(frozen=True)
class AfterRepairs:
    """Repairs of one kind at one depot and what followed within the horizon.

    chance, low, high : of a failure within the horizon, drawn to the others, 90 %
    raw : the same by this group alone
    first : the failures that came, with the repair each followed
    """

    depot: str
    kind: str
    repairs: int
    failed: int
    chance: float
    low: float
    high: float
    raw: float
    evidence: str
    first: tuple[tuple[Repair, Failure], ...]


@dataclass(frozen=True)
class Back:
    """Two failures of one place of a vehicle, the second soon after the first."""

    first: Failure
    second: Failure
    apart: float


@dataclass(frozen=True)
class Offender:
    """A vehicle that fails oftener than the fleet's rate explains."""

    vehicle: str
    failures: int
    expected: float
    p_value: float


def repairs(
    database: Database, catalogue: Catalogue, vehicles: Sequence[Maintained], from_us: int,
    to_us: int,
) -> list[Repair]:  # fmt: skip
    """Return the stays in repair of some vehicles that ended in a period, in order."""
    class_of = {v.unit: v.vehicle_class for v in vehicles}
    found: list[Repair] = []
    for some in chunks(sorted(class_of)):
        rows = database.query(
            "SELECT unit, at_us, to_us, state, detail, home_site FROM state_spans"
            f" WHERE unit IN ({marks(len(some))}) AND to_us >= ? AND to_us < ?"
            " ORDER BY unit, at_us",
            [*some, from_us, to_us],
        )
        found += _stays(catalogue, class_of, rows)
    return sorted(found, key=lambda r: (r.at_us, r.vehicle))


def _stays(
    catalogue: Catalogue, class_of: Mapping[str, str], rows: Sequence[tuple[object, ...]]
) -> list[Repair]:
    """Return the ends of repairs; one that goes on in another state of the same stay is none."""
    found: list[Repair] = []
    for n, (unit, _, to_us, state, detail, home) in enumerate(rows):
        kind = kind_of_hours(catalogue, Hours(class_of[str(unit)], str(state), str(detail), 0))
        if kind not in ("active", "planned") or not detail:
            continue
        after = rows[n + 1] if n + 1 < len(rows) else None
        if after is not None and after[0] == unit and after[1] == to_us and after[4] == detail:
            continue
        found.append(Repair(str(unit), int(str(to_us)), str(detail), str(home or "")))
    return found


def after_repairs(
    told: Period, failures: Sequence[Failure], done: Sequence[Repair], horizon: float,
    counters: Mapping[str, Counter] | None = None,
) -> list[AfterRepairs]:  # fmt: skip
    """Return what followed repairs by depot and kind, those with most failures first.

    Parameters
    ----------
    horizon : days; kilometres where `counters` are given
    """
    number = {v.unit: n for n, v in enumerate(told.vehicles)}
    mine = [r for r in done if counters is None or r.vehicle in counters]
    seen = [f for f in failures if counters is None or f.vehicle in counters]
    if not mine:
        return []
    ends = np.array([_at(v.unit, told.to_us, counters) for v in told.vehicles])
    found = failures_after_repair(
        [number[r.vehicle] for r in mine], [_at(r.vehicle, r.at_us, counters) for r in mine],
        [number[f.vehicle] for f in seen], [_at(f.vehicle, f.at_us, counters) for f in seen],
        ends, horizon,
    )  # fmt: skip
    first = _first(mine, seen)
    cells: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n, repair in enumerate(mine):
        if found.exposure[n] > _LEAST_SPAN:
            cells[repair.depot, repair.kind].append(n)
    events = [int(found.failed[rows].sum()) for rows in cells.values()]
    spans = [float(found.exposure[rows].sum()) for rows in cells.values()]
    drawn = shrunken_rates(events, spans)
    chance, low, high = (_within(rate, horizon) for rate in (drawn.rate, drawn.low, drawn.high))
    told_rows = [
        AfterRepairs(
            depot, kind, len(rows), events[n], float(chance[n]), float(low[n]), float(high[n]),
            float(_within(events[n] / spans[n], horizon)), str(evidence(events[n])),
            tuple((mine[k], first[k]) for k in rows if found.failed[k] and k in first),
        )
        for n, ((depot, kind), rows) in enumerate(cells.items())
    ]  # fmt: skip
    return sorted(told_rows, key=lambda row: (-row.failed, -row.repairs, row.depot, row.kind))


def _at(vehicle: str, at_us: int, counters: Mapping[str, Counter] | None) -> float:
    if counters is None:
        return at_us / DAY_US
    counter = counters.get(vehicle)
    return 0.0 if counter is None or counter.first_us is None else counter.at(at_us) / 1000


def _within(rate: ArrayLike, horizon: float) -> Floats:
    """Return the chance of a failure within the horizon at a constant rate."""
    return np.asarray(-np.expm1(-np.asarray(rate) * horizon))


def _first(done: Sequence[Repair], failures: Sequence[Failure]) -> dict[int, Failure]:
    """Return the first failure of its vehicle after each repair."""
    of: dict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        of[failure.vehicle].append(failure)
    found = {}
    for n, repair in enumerate(done):
        after = next((f for f in of[repair.vehicle] if f.at_us > repair.at_us), None)
        if after is not None:
            found[n] = after
    return found


def come_back(failures: Sequence[Failure], within_days: float) -> list[Back]:
    """Return failures of one place of one vehicle that came back within so many days, last first.

    A place is a position, or the component where no position is recorded. Where neither is, only
    a failure of the same mode is taken for the same one again.
    """
    units: dict[str, int] = {}
    places: dict[tuple[str, str, str], int] = {}
    unit = [units.setdefault(f.vehicle, len(units)) for f in failures]
    kind = [places.setdefault(_place(f), len(places)) for f in failures]
    if not failures:
        return []
    found = repeated_defects(unit, kind, [f.at_us / DAY_US for f in failures], within_days)
    pairs = [
        Back(failures[a], failures[b], float(apart))
        for a, b, apart in zip(found.first, found.second, found.apart, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -pair.second.at_us)


def _place(failure: Failure) -> tuple[str, str, str]:
    place = failure.place or failure.component
    return failure.unit, place, "" if place else failure.mode


def offenders(told: Period, failures: Sequence[Failure]) -> list[Offender]:
    """Return the vehicles that fail oftener than the fleet's rate explains, the surest first.

    Of those named one in ten may be named wrongly.
    """
    ran = [v.unit for v in told.vehicles if told.km[v.unit] > 0]
    count = dict.fromkeys(ran, 0)
    for failure in failures:
        if failure.vehicle in count:
            count[failure.vehicle] += 1
    if not ran or not any(count.values()):
        return []
    events, km = np.array([count[u] for u in ran]), np.array([told.km[u] for u in ran])
    named, p_value = unusual_counts(events, km)
    rate = events.sum() / km.sum()
    found = [Offender(ran[n], int(events[n]), float(rate * km[n]), float(p_value[n]))
             for n in np.flatnonzero(named)]  # fmt: skip
    return sorted(found, key=lambda one: (one.p_value, one.vehicle))
