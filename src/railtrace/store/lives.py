"""Lives of components as the trace tells them: pieces under watch, and how old what runs now is.

A component is a part with an identity, or a position of a vehicle that no part was ever recorded
at. Its virtual age is known from a making under watch, a counter it came with, or a renewal; what
was old when the trace began stays unknown, and says so.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from railtrace.analysis.exposure import Stretches, failing_ages, inferred_ages
from railtrace.analysis.life_data import Floats
from railtrace.catalogue.layout import positions
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.mileage import Counter
from railtrace.store.lookup import Lookup, Maintained

KEPT_AGE = 0.25
"""Share of its age since the last repair that a repaired component keeps: invented, as the public
prior of repair memory; a mean of Beta(1, 3)."""
_LEAST_KM = 0.001
GONE = ("written_off", "condemned")
DRIVING_YEAR_US = 365 * 86_400_000_000
_FEWEST_DRIVEN = 5
"""Vehicles whose driving is known, under which it tells nothing of a fleet."""


class Place(NamedTuple):
    """A component as it stands now."""

    vehicle: int
    component: int
    position: str
    unit: str
    age_km: float
    failures: int
    last_failure: str
    """Id of the operation, "" when it never failed under watch."""
    mended_km: float = nan
    """What was added to an age that is missing since its first failure under watch."""


@dataclass(frozen=True, eq=False)
class FleetLives:
    """The lives of one class of vehicles.

    components : part types, in the order of the indexes in `pieces`; vehicles likewise
    stopping : of each component, failures of class 1 and 2 and all failures with a class
    mended_km : of each piece whose age is missing, what was added to it since the first failure
        under watch; NaN before one
    items : of each piece, the part; the vehicle and the position where no part is recorded
    failed_by : of each piece, the operation of the failure that ended it, or ""
    vehicle_km : run by each vehicle under watch
    driving : of each vehicle, how its modes were kept in the year before, in standard deviations
        of the fleet, more is worse; NaN where no recorder tells
    driving_grade : measured (a recorder file was read), inferred (violations alone) or missing
    heaviest : of each component, failures of class 1 and all failures with a class
    """

    vehicles: tuple[Maintained, ...]
    components: tuple[str, ...]
    pieces: Stretches
    places: tuple[Place, ...]
    stopping: tuple[tuple[int, int], ...]
    mended_km: tuple[float, ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    failed_by: tuple[str, ...] = ()
    vehicle_km: tuple[float, ...] = ()
    driving: tuple[float, ...] = ()
    driving_grade: tuple[str, ...] = ()
    heaviest: tuple[tuple[int, int], ...] = ()


@dataclass
class _Item:
    """One component on its way: where it was, when it failed, how old it is."""

    unit: str
    part_type: str
    position: str = ""
    """Of a place without a part; a part moves and has none of its own."""
    age_km: float = nan
    stays: list[tuple[str, str, int, int | None]] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)
    renewed: list[int] = field(default_factory=list)


@dataclass
class _Rows:
    component: list[int] = field(default_factory=list)
    vehicle: list[int] = field(default_factory=list)
    entry_km: list[float] = field(default_factory=list)
    mended_km: list[float] = field(default_factory=list)
    span_km: list[float] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    item: list[tuple[str, str]] = field(default_factory=list)
    failed_by: list[str] = field(default_factory=list)

    def add(
        self, component: int, vehicle: int, entry_km: float, mended_km: float, span_km: float,
        item: tuple[str, str], failed_by: str = "",
    ) -> None:  # fmt: skip
        """Write one piece of a life."""
        self.component.append(component)
        self.vehicle.append(vehicle)
        self.entry_km.append(entry_km)
        self.mended_km.append(mended_km)
        self.span_km.append(span_km)
        self.failed.append(failed_by != "")
        self.item.append(item)
        self.failed_by.append(failed_by)


    def add_bare(
        self, unit: str, vehicle: int, places: Sequence[tuple[str, int]], span_km: float
    ) -> None:
        """Write pieces of unknown age, without failure, of many positions of one vehicle."""
        n = len(places)
        self.component += [component for _, component in places]
        self.vehicle += [vehicle] * n
        self.entry_km += [nan] * n
        self.mended_km += [nan] * n
        self.span_km += [span_km] * n
        self.failed += [False] * n
        self.item += [(unit, path) for path, _ in places]
        self.failed_by += [""] * n


def fleet_lives(
    lookup: Lookup, catalogue: Catalogue, vehicle_class: str, owner: str, now_us: int
) -> FleetLives:
    """Return the lives of every component on an owner's vehicles of a class, gone ones included."""
    vehicles = [
        v for v in lookup.maintained() if v.vehicle_class == vehicle_class and v.owner == owner
    ]
    return lives_of(lookup, catalogue, vehicles, now_us)


def lives_of(
    lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained], to_us: int,
    from_us: int | None = None,
) -> FleetLives:  # fmt: skip
    """Return the lives of every component on some vehicles, as watched between two moments.

    Ages are what they were: what was run before `from_us` counts for an age and is no piece.
    """
    return _Reader(lookup, catalogue, vehicles, to_us, from_us).read()


class _Reader:
    """Reads one class of vehicles in a few queries and walks through every life."""

    def __init__(
        self, lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained], now_us: int,
        from_us: int | None = None,
    ) -> None:  # fmt: skip
        self.vehicles, self.now_us, self.from_us = vehicles, now_us, from_us
        self.lookup, self.catalogue = lookup, catalogue
        self.index = {vehicle.unit: n for n, vehicle in enumerate(vehicles)}
        self.counters = counters_of(lookup, vehicles)
        self.installations = lookup.installations_on(tuple(self.index))
        parts = sorted({row.part for row in self.installations})
        self.types = lookup.part_births(parts)
        self.failures, self.renewals = lookup.failures_of([*self.index, *parts])
        self.classes: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        self.positions = {
            type_: [(p.path, p.part_type) for p in positions(catalogue, type_) if p.part_type]
            for type_ in {vehicle.type for vehicle in vehicles} & catalogue.vehicle_types.keys()
        }

    def read(self) -> FleetLives:
        """Walk through every life."""
        items = self._parts()
        named = {item.part_type for item in items} | {
            part_type for some in self.positions.values() for _, part_type in some
        }
        names = sorted(named)
        number = {name: n for n, name in enumerate(names)}
        rows = _Rows()
        places: list[Place] = []
        taken = {(carrier, at) for item in items for carrier, at, _, _ in item.stays}
        for vehicle in self.vehicles:
            items += self._bare_positions(vehicle, taken, number, rows, places)
        for item in items:
            place = self._walk(item, number[item.part_type], rows)
            if place is not None:
                places.append(place)
        driving, grades = self._driving()
        of_piece = np.array(rows.vehicle, int)
        pieces = Stretches(
            component=np.array(rows.component, int), vehicle=of_piece,
            entry_km=np.array(rows.entry_km, float), span_km=np.array(rows.span_km, float),
            driving=np.nan_to_num(driving)[of_piece], failed=np.array(rows.failed, bool),
            components=len(names), vehicles=len(self.vehicles),
        )  # fmt: skip
        stopping = tuple((self.classes[name][0], self.classes[name][1]) for name in names)
        heaviest = tuple((self.classes[name][2], self.classes[name][1]) for name in names)
        return FleetLives(tuple(self.vehicles), tuple(names), pieces, tuple(places), stopping,
                          tuple(rows.mended_km), tuple(rows.item), tuple(rows.failed_by),
                          tuple(self._ran(v.unit, self.from_us) for v in self.vehicles),
                          tuple(driving.tolist()), grades, heaviest)  # fmt: skip

    def _ran(self, unit: str, from_us: int | None) -> float:
        """Return the kilometres of a vehicle under watch from a moment on."""
        counter = self.counters.get(unit)
        if counter is None or counter.first_us is None:
            return 0.0
        since_us = counter.first_us if from_us is None else max(counter.first_us, from_us)
        return max(counter.at(self.now_us) - counter.at(since_us), 0) / 1000

    def _driving(self) -> tuple[Floats, tuple[str, ...]]:
        """Return how the vehicles were driven in the year before, and how well that is known."""
        units, since_us = list(self.index), self.now_us - DRIVING_YEAR_US
        read = {row["unit"] for row in self.lookup.recorder_files(units)
                if since_us <= row["at_us"] <= self.now_us}  # fmt: skip
        weighed: dict[str, float] = defaultdict(float)
        for row in self.lookup.violations(units, since_us):
            if row["at_us"] <= self.now_us:
                rule = self.catalogue.mode_rules.get(row["rule"])
                weighed[row["unit"]] += rule.weight if rule else 1.0
        found = np.full(len(units), nan)
        for n, unit in enumerate(units):
            km = self._ran(unit, since_us)
            if km > 0 and (unit in read or unit in weighed):
                found[n] = np.log1p(1000 * weighed.get(unit, 0.0) / km)
        grades = tuple(
            "missing" if isnan(found[n]) else "measured" if unit in read else "inferred"
            for n, unit in enumerate(units)
        )
        return _standardised(found), grades

    def _parts(self) -> list[_Item]:
        """Return the parts that were ever on these vehicles, with their stays."""
        parts: dict[str, _Item] = {}
        for row in self.installations:
            if row.from_us is None or row.part not in self.types:
                continue
            part_type, born_us = self.types[row.part]
            item = parts.get(row.part)
            if item is None:
                item = parts[row.part] = _Item(row.part, part_type)
                item.age_km = 0.0 if born_us is not None and born_us <= row.from_us else nan
                item.renewed = [at for at, _ in self.renewals.get(row.part, ())]
                self._note_failures(item, row.part, None)
            item.stays.append((row.carrier, row.position, row.from_us, row.to_us))
        return list(parts.values())

    def _bare_positions(
        self, vehicle: Maintained, taken: set[tuple[str, str]], number: dict[str, int],
        rows: _Rows, places: list[Place],
    ) -> Iterator[_Item]:  # fmt: skip
        """Yield the positions without a part that failed; write those that never did at once.

        Most positions of a fleet are such: one piece of unknown age, as long as the vehicle ran.
        """
        counter = self.counters.get(vehicle.unit)
        first_us = None if counter is None else counter.first_us
        if counter is None or first_us is None:
            return
        index = self.index[vehicle.unit]
        since_us = first_us if self.from_us is None else max(first_us, self.from_us)
        span = counter.at(self.now_us) - counter.at(since_us)
        unit = vehicle.unit
        failed = {where for _, where, _, _ in self.failures.get(unit, ())}
        bare = [at for at in self.positions.get(vehicle.type, ()) if (unit, at[0]) not in taken]
        for path, part_type in bare:
            if path in failed:
                item = _Item(unit, part_type, path)
                item.stays = [(unit, path, first_us, None)]
                self._note_failures(item, unit, path)
                yield item
        sound = [(path, number[part_type]) for path, part_type in bare if path not in failed]
        if span > 0:
            rows.add_bare(unit, index, sound, span / 1000)
        places += [Place(index, component, path, unit, nan, 0, "") for path, component in sound]

    def _note_failures(self, item: _Item, unit: str, place: str | None) -> None:
        for at_us, where, failure_class, operation in self.failures.get(unit, ()):
            if at_us <= self.now_us and (place is None or where == place):
                item.failures.append((at_us, operation))
                if failure_class is not None:
                    self.classes[item.part_type][1] += 1
                    self.classes[item.part_type][0] += failure_class <= 2
                    self.classes[item.part_type][2] += failure_class == 1

    def _walk(self, item: _Item, component: int, rows: _Rows) -> Place | None:
        """Write a component's pieces; return where it is now, when it is on a vehicle."""
        age, repaired_at = item.age_km, 0.0
        mended, mended_at = nan, 0.0
        last, place = "", None
        for vehicle, position, from_us, to_us in sorted(item.stays, key=lambda s: s[2]):
            counter = self.counters.get(vehicle)
            if counter is None:
                continue
            end_us = self.now_us if to_us is None else min(to_us, self.now_us)
            at = counter.at(from_us)
            for moment_us, what in self._cuts(item, from_us, end_us):
                span = max((counter.at(moment_us) - at) / 1000, 0.0)
                at = counter.at(moment_us)
                failed = what not in ("", "new")
                watched = self.from_us is None or moment_us > self.from_us
                if watched and (span > 0 or failed):
                    rows.add(component, self.index[vehicle], age, mended, max(span, _LEAST_KM),
                             (item.unit, item.position), what if failed else "")  # fmt: skip
                age, mended = age + span, mended + span
                if failed:
                    age = repaired_at + KEPT_AGE * (age - repaired_at)
                    repaired_at = 0.0 if isnan(age) else age
                    mended = mended_at + KEPT_AGE * (mended - mended_at)
                    mended_at = mended = 0.0 if isnan(mended) else mended
                    last = what
                elif what == "new":
                    age, repaired_at = 0.0, 0.0
            if to_us is None and from_us <= self.now_us:
                place = Place(self.index[vehicle], component, position, item.unit, age,
                              len(item.failures), last, mended)  # fmt: skip
        return place

    def _cuts(self, item: _Item, from_us: int, end_us: int) -> list[tuple[int, str]]:
        """Return the moments of a stay at which something changes, its end last."""
        inside = [(at, id_) for at, id_ in item.failures if from_us <= at <= end_us]
        inside += [(at, "new") for at in item.renewed if from_us <= at <= end_us]
        if self.from_us is not None and from_us < self.from_us < end_us:
            inside.append((self.from_us, ""))
        return [*sorted(inside), (end_us, "")]


def with_inferred_ages(lives: FleetLives) -> FleetLives:
    """Return lives in which what failed under watch has an age, inferred where it was missing."""
    failing, pieces = failing_ages(lives.pieces), lives.pieces
    told = inferred_ages(pieces.entry_km, np.array(lives.mended_km), failing[pieces.component],
                         KEPT_AGE)  # fmt: skip
    places = list(lives.places)
    for n, place in enumerate(places):
        # Nearly all of a fleet's places never failed: only the others are made anew.
        if isnan(place.age_km) and not isnan(place.mended_km):
            age = KEPT_AGE * float(failing[place.component]) + place.mended_km
            places[n] = place._replace(age_km=age)
    return replace(lives, pieces=replace(pieces, entry_km=told), places=tuple(places))


def _standardised(values: Floats) -> Floats:
    """Return values in standard deviations about their mean; all missing where few are known."""
    known = values[~np.isnan(values)]
    spread = float(np.std(known)) if len(known) >= _FEWEST_DRIVEN else 0.0
    if spread <= 0:
        return np.full(len(values), nan)
    return np.asarray((values - known.mean()) / spread)


def counters_of(lookup: Lookup, vehicles: Sequence[Maintained]) -> dict[str, Counter]:
    """Return the kilometre counters of vehicles."""
    types = sorted({vehicle.type for vehicle in vehicles})
    runs, anchors = lookup.all_counter_rows(types, "km")
    by_unit: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
    for unit, at_us, ran in runs:
        by_unit.setdefault(unit, ([], []))[1].append((at_us, ran))
    for unit, at_us, total in anchors:
        by_unit.setdefault(unit, ([], []))[0].append((at_us, total))
    return {unit: Counter(marks, ran) for unit, (marks, ran) in by_unit.items()}
