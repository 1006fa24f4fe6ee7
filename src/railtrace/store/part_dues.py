"""What is due on the parts that vehicles carry: it travels with the part, and stands on its row.

A part's days are its own; what it ran is what its vehicles ran with it on them. Parts of which
neither an interval nor a paper tells a last day are due for nothing and are not read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal, cast

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.genealogy import Stay
from railtrace.projections.maintenance import Due, Maintenance, Plan, Stops, dues, plan_of
from railtrace.projections.mileage import Counter, Mileage
from railtrace.store.lookup import Lookup
from railtrace.store.views import ViewStore
from railtrace.trace.leaf import moment

Meter = Literal["km", "engine_hours"]
METERS: tuple[Meter, ...] = ("km", "engine_hours")
Counters = dict[str, Counter]
_DEEPEST = 6


def counters_of(lookup: Lookup, types: Sequence[str], meter: Meter) -> Counters:
    """Return the counters of every unit of some types, by unit."""
    runs, anchors = lookup.all_counter_rows(types, meter)
    anchored: dict[str, list[tuple[int, int]]] = {}
    for unit, at_us, total in anchors:
        anchored.setdefault(unit, []).append((at_us, total))
    found = {
        unit: Counter(anchored.pop(unit, ()), [(at_us, ran) for _, at_us, ran in rows])
        for unit, rows in groupby(runs, key=lambda row: row[0])
    }
    return found | {unit: Counter(marks) for unit, marks in anchored.items()}


class PartDues:
    """Reads the dues of the parts that are on some vehicles now."""

    def __init__(
        self, views: ViewStore, lookup: Lookup, catalogue: Catalogue, now_us: int,
        plan: Callable[[Maintenance], Plan], stops: Stops,
    ) -> None:  # fmt: skip
        self._views, self._lookup, self._catalogue = views, lookup, catalogue
        self._now_us, self._plan, self._stops = now_us, plan, stops

    def on(self, vehicles: Mapping[str, Mapping[str, Counter]]) -> dict[str, list[Due]]:
        """Return the dues of the parts on each vehicle, whose counters by meter are given."""
        types, carrier = self._parts()
        vehicle_of = self._vehicles(carrier, vehicles)
        parts = sorted(part for part in types if part in vehicle_of)
        mileage = self._mileage({part: types[part] for part in parts}, vehicles)
        states = self._views.states_of("maintenance", parts)
        found: dict[str, list[Due]] = {}
        for part in parts:
            state = cast(Maintenance, states.get(part) or Maintenance(unit=part, type=types[part]))
            told = [due for due in self._dues(state, mileage) if due.state != "blank"]
            found.setdefault(vehicle_of[part], []).extend(told)
        return found

    def _dues(self, state: Maintenance, counted: "dict[Meter, _Ran]") -> list[Due]:
        def since(meter: str, since_us: int, then_milli: int | None) -> tuple[float, bool]:
            made = state.made_us is not None
            return counted[cast(Meter, meter)].since(state.unit, made, since_us, then_milli)

        return dues(state, self._plan(state), self._now_us, since, self._stops)

    def _parts(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the type and the carrier of each part that may be due for anything."""
        known = {t for p in self._catalogue.programmes.values() for t in p.part_types}
        timed = sorted(type_ for type_ in known if self._meters(type_) is not None)
        rows = self._lookup.parts_on_carriers(timed, self._now_us)
        rows += self._lookup.parts_on_carriers(sorted(known - {*timed}), self._now_us, dated=True)
        return {part: type_ for part, type_, _ in rows}, {part: on for part, _, on in rows}

    def _meters(self, type_: str) -> set[Meter] | None:
        """Return the counters that a type's intervals ask for; None when it has no interval."""
        plan = plan_of(self._catalogue, type_, moment(self._now_us).date())
        services = [s for rows, _ in plan for s in rows if s.when == "interval" and s.has_interval]
        if not services:
            return None
        return {meter for meter in METERS for s in services if getattr(s, meter)}

    def _vehicles(self, carrier: dict[str, str], vehicles: Iterable[str]) -> dict[str, str]:
        """Return the vehicle that each part hangs on, through what carries it."""
        known, above = set(vehicles), dict(carrier)
        for _ in range(_DEEPEST):
            between = sorted({on for on in above.values() if on not in known and on not in above})
            higher = self._lookup.carriers_now(between, self._now_us)
            if not higher:
                break
            above |= higher
        return {part: top for part in carrier if (top := _top(part, above)) in known}

    def _mileage(
        self, types: Mapping[str, str], vehicles: Mapping[str, Mapping[str, Counter]]
    ) -> "dict[Meter, _Ran]":
        found: dict[Meter, _Ran] = {}
        every = set(types.values())
        for meter in METERS:
            asking = {type_ for type_ in every if meter in (self._meters(type_) or ())}
            parts = [part for part, type_ in types.items() if type_ in asking]
            stays = self._stays(parts)
            known = {u: some[meter] for u, some in vehicles.items() if meter in some}
            others = sorted({s.carrier for some in stays.values() for s in some} | {*stays})
            other_types = {*self._lookup.types_of([u for u in others if u not in known]).values()}
            if other_types:
                known = counters_of(self._lookup, sorted(other_types), meter) | known
            found[meter] = _Ran(known, stays, self._now_us)
        return found

    def _stays(self, parts: Sequence[str]) -> dict[str, list[Stay]]:
        """Return the stays of parts and of what carried them."""
        found: dict[str, list[Stay]] = {}
        asked = list(parts)
        for _ in range(_DEEPEST):
            if not asked:
                break
            for row in self._lookup.installations_of(asked):
                stay = Stay(row.part, row.carrier, row.position, row.from_us, row.to_us)
                found.setdefault(row.part, []).append(stay)
            carriers = {stay.carrier for part in asked for stay in found.get(part, ())}
            asked = sorted(carriers - {*found})
        return found


class _Ran:
    """What parts ran by one meter, by their own counters and by what carried them."""

    def __init__(self, counters: Counters, stays: dict[str, list[Stay]], now_us: int) -> None:
        self._counters, self._stays, self._now_us = counters, stays, now_us
        none = Counter()
        self._mileage = Mileage(lambda u: counters.get(u, none), lambda u: stays.get(u, ()))

    def since(
        self, part: str, made: bool, since_us: int, then_milli: int | None
    ) -> tuple[float, bool]:
        """Return what was run since a moment [km or h], and whether that is only the least."""
        now = self._mileage.at(part, self._now_us)
        if then_milli is not None:
            return (now - then_milli) / 1000, False
        known_us = None if made else self._known_from(part)
        start = since_us if known_us is None else max(since_us, known_us)
        return (now - self._mileage.at(part, start)) / 1000, start > since_us

    def _known_from(self, part: str) -> int | None:
        firsts = [s.from_us for s in self._stays.get(part, ()) if s.from_us is not None]
        counter = self._counters.get(part)
        if counter is not None and counter.first_us is not None:
            firsts.append(counter.first_us)
        return min(firsts, default=None)


def _top(part: str, above: Mapping[str, str]) -> str:
    """Climb from a part to what is carried by nothing."""
    for _ in range(_DEEPEST):
        if part not in above:
            break
        part = above[part]
    return part
