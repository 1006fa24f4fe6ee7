"""What vehicles did and suffered in a period: kilometres, failures, stops and hours of states.

A failure of a part is a failure of the vehicle that carried it then. Indicators, the heat map and
the analysis bench are computed from this; every figure keeps the operations it stands on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from railtrace.analysis.indicators import Hours, Service
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.availability import HOUR_US, kind_of_hours
from railtrace.projections.availability import Hours as SpanHours
from railtrace.projections.mileage import Counter
from railtrace.store.database import Database, chunks, marks
from railtrace.store.lives import counters_of
from railtrace.store.lookup import Lookup, Maintained

_DEEPEST = 6
"""Carriers above a part that are followed: bearing, box, wheelset, bogie, vehicle and one more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as counted: of which vehicle, of what, of which class.

    `failure_class` is as recorded, else as the delay says, else None; `classed_by` says which.
    """

    vehicle: str
    unit: str
    at_us: int
    mode: str
    place: str
    component: str
    failure_class: int | None
    classed_by: str
    delay_min: float | None
    operation: str


@dataclass(frozen=True, slots=True)
class Stop:
    """An unplanned stop of a vehicle, from its first span to the moment it was over."""

    vehicle: str
    from_us: int
    to_us: int
    active_h: float
    waits: Mapping[str, float]
    """Hours by the state that was waited in."""

    @property
    def waiting_h(self) -> float:
        """Hours without work."""
        return sum(self.waits.values())


@dataclass(frozen=True, slots=True)
class _Span:
    unit: str
    state: str
    detail: str
    at_us: int
    to_us: int | None


@dataclass(frozen=True, eq=False)
class Period:
    """Everything of some vehicles between two moments; the summing of it is asked for."""

    vehicles: tuple[Maintained, ...]
    from_us: int
    to_us: int
    failures: tuple[Failure, ...]
    stops: tuple[Stop, ...]
    hours: Mapping[str, Hours]
    _counters: Mapping[str, Counter] = field(repr=False)

    @cached_property
    def km(self) -> Mapping[str, float]:
        """Kilometres of each vehicle in the period."""
        return {v.unit: self.km_between(v.unit, self.from_us, self.to_us) for v in self.vehicles}

    def km_between(self, unit: str, from_us: int, to_us: int) -> float:
        """Return what a vehicle ran between two moments, as far as it was under watch."""
        counter = self._counters.get(unit)
        first_us = None if counter is None else counter.first_us
        if counter is None or first_us is None or to_us <= first_us:
            return 0.0
        return max(counter.at(to_us) - counter.at(max(from_us, first_us)), 0) / 1000

    def of(self, units: Iterable[str]) -> "Period":
        """Return the same of some of the vehicles."""
        some = set(units)
        return Period(
            tuple(v for v in self.vehicles if v.unit in some), self.from_us, self.to_us,
            tuple(f for f in self.failures if f.vehicle in some),
            tuple(s for s in self.stops if s.vehicle in some),
            {unit: hours for unit, hours in self.hours.items() if unit in some}, self._counters,
        )  # fmt: skip

    def counted(self, classes: frozenset[int | None]) -> tuple[Failure, ...]:
        """Return the failures of some classes; None stands for those of no class."""
        return tuple(f for f in self.failures if f.failure_class in classes)

    def incidents(self, delay_min: float) -> tuple[Failure, ...]:
        """Return the failures that delayed a train for so many minutes or more."""
        return tuple(f for f in self.failures if (f.delay_min or 0) >= delay_min)

    def service(self, classes: frozenset[int | None], delay_min: float) -> Service:
        """Sum it up for the indicators."""
        return Service(
            sum(self.km.values()), len(self.counted(classes)), len(self.incidents(delay_min)),
            tuple(self.hours.values()), tuple((s.active_h, s.waiting_h) for s in self.stops),
        )  # fmt: skip


def period(
    database: Database, lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained],
    from_us: int, to_us: int,
) -> Period:  # fmt: skip
    """Read a period of some vehicles, in a few queries whatever their number."""
    units = [v.unit for v in vehicles]
    class_of = {v.unit: v.vehicle_class for v in vehicles}
    spans = _spans(database, units, from_us, to_us)
    return Period(
        tuple(vehicles), from_us, to_us,
        tuple(_failures(database, catalogue, {v.unit: v.type for v in vehicles}, from_us, to_us)),
        tuple(_stops(catalogue, class_of, spans, from_us, to_us)),
        _hours(catalogue, class_of, spans, from_us, to_us),
        counters_of(lookup, vehicles),
    )  # fmt: skip


# --- failures -----------------------------------------------------------------------------------


def _failures(
    database: Database, catalogue: Catalogue, type_of: Mapping[str, str], from_us: int, to_us: int
) -> list[Failure]:
    rows = database.query(
        "SELECT f.unit, f.at_us, f.mode, f.place, f.failure_class, f.delay_milli, f.operation,"
        " u.type FROM failures f LEFT JOIN units u ON u.unit = f.unit"
        " WHERE f.at_us >= ? AND f.at_us < ? ORDER BY f.at_us, f.operation",
        (from_us, to_us),
    )
    carriers = _Carriers(database, [unit for unit, *_ in rows if unit not in type_of])
    found = []
    for unit, at_us, mode, place, recorded, delay_milli, operation, own_type in rows:
        vehicle = carriers.top(unit, at_us)
        if vehicle not in type_of:
            continue
        delay = None if delay_milli is None else delay_milli / 1000
        of_class, by = failure_class(catalogue, recorded, delay)
        component = own_type if unit != vehicle else part_at(catalogue, type_of[vehicle], place)
        found.append(Failure(vehicle, unit, at_us, mode, place, component or "", of_class, by,
                             delay, operation))  # fmt: skip
    return found


def failure_class(
    catalogue: Catalogue, recorded: int | None, delay_min: float | None
) -> tuple[int | None, str]:
    """Return the class of a failure, and whether it was recorded or follows from the delay."""
    if recorded is not None:
        return recorded, "recorded"
    rows = [row for row in catalogue.failure_classes.values() if row.from_delay_min is not None]
    if delay_min is None or not rows:
        return None, ""
    fits = [row for row in rows if delay_min >= (row.from_delay_min or 0)]
    if not fits:
        return None, ""
    return min(fits, key=lambda row: row.number).number, "delay"


def part_at(catalogue: Catalogue, vehicle_type: str, place: str) -> str:
    """Return the part type that a vehicle type has at a position; "" where it has none."""
    return _positions(catalogue, vehicle_type).get(place, "")


def _positions(catalogue: Catalogue, vehicle_type: str) -> Mapping[str, str]:
    from railtrace.catalogue.layout import positions

    key = (catalogue.hash, vehicle_type)
    if key not in _known_positions:
        known = vehicle_type in catalogue.vehicle_types
        _known_positions[key] = (
            {p.path: p.part_type for p in positions(catalogue, vehicle_type)} if known else {}
        )
    return _known_positions[key]


_known_positions: dict[tuple[str, str], Mapping[str, str]] = {}


class _Carriers:
    """Who carried some parts, and who carried those, at any moment."""

    def __init__(self, database: Database, parts: Sequence[str]) -> None:
        self._stays: dict[str, list[tuple[int, int | None, str]]] = defaultdict(list)
        wanted = sorted(set(parts))
        for _ in range(_DEEPEST):
            above: set[str] = set()
            for some in chunks(wanted):
                for part, carrier, from_us, to_us in database.query(
                    f"SELECT unit, carrier, from_us, to_us FROM installations WHERE unit IN"
                    f" ({marks(len(some))}) AND from_us IS NOT NULL",
                    list(some),
                ):
                    self._stays[part].append((from_us, to_us, carrier))
                    above.add(carrier)
            wanted = sorted(above - self._stays.keys())
            if not wanted:
                break

    def top(self, unit: str, at_us: int) -> str:
        """Return the outermost carrier of a unit at a moment; the unit itself if it has none."""
        for _ in range(_DEEPEST):
            stays = self._stays.get(unit, ())
            carrier = next((carrier for begins, ends, carrier in stays
                            if begins <= at_us and (ends is None or at_us <= ends)), None)
            if carrier is None:
                break
            unit = carrier
        return unit


# --- states -------------------------------------------------------------------------------------


def _spans(
    database: Database, units: Sequence[str], from_us: int, to_us: int
) -> dict[str, list[_Span]]:
    found: dict[str, list[_Span]] = defaultdict(list)
    for some in chunks(units):
        inside = f"unit IN ({marks(len(some))})"
        for row in database.query(
            "SELECT unit, state, detail, at_us, to_us FROM state_spans WHERE at_us < ? AND"
            f" to_us > ? AND {inside} UNION ALL SELECT unit, status, detail, since_us, NULL FROM"
            f" units WHERE since_us IS NOT NULL AND since_us < ? AND {inside} ORDER BY 1, 4",
            [to_us, from_us, *some, to_us, *some],
        ):
            found[row[0]].append(_Span(*row))
    return found


def _kind(catalogue: Catalogue, unit_class: str, span: _Span) -> str:
    return kind_of_hours(catalogue, SpanHours(unit_class, span.state, span.detail, 0))


def _hours(
    catalogue: Catalogue, class_of: Mapping[str, str], spans: Mapping[str, list[_Span]],
    from_us: int, to_us: int,
) -> dict[str, Hours]:  # fmt: skip
    found = {}
    for unit, some in spans.items():
        sums: dict[str, float] = defaultdict(float)
        for span in some:
            sums[_kind(catalogue, class_of[unit], span)] += _inside_h(span, from_us, to_us)
        found[unit] = Hours(sums["available"], sums["planned"], sums["active"], sums["waiting"])
    return found


def _inside_h(span: _Span, from_us: int, to_us: int) -> float:
    ends = to_us if span.to_us is None else min(span.to_us, to_us)
    return max(ends - max(span.at_us, from_us), 0) / HOUR_US


def _stops(
    catalogue: Catalogue, class_of: Mapping[str, str], spans: Mapping[str, list[_Span]],
    from_us: int, to_us: int,
) -> list[Stop]:  # fmt: skip
    """Return the unplanned stops that were over in the period, whole, with work in them."""
    found = []
    for unit, some in spans.items():
        run: list[tuple[str, _Span]] = []
        for span in [*some, None]:
            kind = "" if span is None else _kind(catalogue, class_of[unit], span)
            if span is not None and kind in ("active", "waiting"):
                run.append((kind, span))
                continue
            if run and (stop := _stop(unit, run)) is not None and from_us <= stop.to_us < to_us:
                found.append(stop)
            run = []
    return sorted(found, key=lambda stop: (stop.from_us, stop.vehicle))


def _stop(unit: str, run: Sequence[tuple[str, _Span]]) -> Stop | None:
    """Return a stop that is over and in which somebody worked; a hold alone is no repair."""
    last = run[-1][1].to_us
    if last is None or all(kind != "active" for kind, _ in run):
        return None
    active, waits = 0.0, defaultdict[str, float](float)
    for kind, span in run:
        hours = ((span.to_us or last) - span.at_us) / HOUR_US
        if kind == "active":
            active += hours
        else:
            waits[span.state] += hours
    return Stop(unit, run[0][1].at_us, last, active, dict(waits))


# --- weeks --------------------------------------------------------------------------------------


def down_hours(
    database: Database, catalogue: Catalogue, vehicles: Sequence[Maintained],
    edges_us: Sequence[int],
) -> dict[str, list[tuple[float, float]]]:  # fmt: skip
    """Return of each vehicle and stretch between edges its unplanned and planned hours down."""
    class_of = {v.unit: v.vehicle_class for v in vehicles}
    spans = _spans(database, list(class_of), edges_us[0], edges_us[-1])
    return {
        unit: [_down(catalogue, class_of[unit], spans.get(unit, []), begins, ends)
               for begins, ends in pairwise(edges_us)]
        for unit in class_of
    }  # fmt: skip


def _down(
    catalogue: Catalogue, unit_class: str, spans: Sequence[_Span], from_us: int, to_us: int
) -> tuple[float, float]:
    unplanned, planned = 0.0, 0.0
    for span in spans:
        if span.at_us < to_us and (span.to_us is None or span.to_us > from_us):
            kind = _kind(catalogue, unit_class, span)
            hours = _inside_h(span, from_us, to_us)
            unplanned += hours if kind in ("active", "waiting") else 0.0
            planned += hours if kind == "planned" else 0.0
    return unplanned, planned
