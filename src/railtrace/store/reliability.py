"""The reliability of a fleet and of its units' next runs, with what every figure stands on.

A figure names the entries it was computed from, the hash of its table, the prior and the version
of the code: with the same four it comes out the same, bit for bit.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.stats import chi2

import railtrace
from railtrace.analysis.exposure import AgeSpread, Exposure, Ints, tabulate
from railtrace.analysis.fleet_hazard import FleetHazard, fit_hazard
from railtrace.analysis.forward_test import stacked_chance
from railtrace.analysis.life_data import Floats
from railtrace.analysis.public_priors import public_prior
from railtrace.analysis.run_reliability import Places, RunReliability, run_reliability, without
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import NotFound
from railtrace.store.condition import FleetCondition, Judged, Worn, fleet_condition
from railtrace.store.lives import FleetLives, Place, fleet_lives, with_inferred_ages
from railtrace.store.lookup import Lookup

MILLION_KM = 1e6
FRESH_DAYS = 90.0
"""Up to which a verdict counts as measured; an older one is inferred to hold."""
_CODE = ("analysis", "catalogue", "projections", "store", "trace")
"""Packages that figures are computed by: no list of files that somebody forgets to lengthen."""


@dataclass(frozen=True)
class Standing:
    """What a figure was computed from."""

    positions: Mapping[str, int]
    table_sha256: str
    prior: str
    code: str
    weight: float = 1.0
    """Of the model beside the fleet's one rate, learnt from promises that were kept or not."""


@dataclass(frozen=True, eq=False)
class FleetReliability:
    """An owner's vehicles of a class, ready to answer; no `hazard` while nothing has failed.

    table : of all failures, those of wear too: the fleet rate and its rivals are told from it
    own : of each component, the share of its stopping chance that is left to the hazard once the
        failures that wear stands for are left out
    """

    vehicle_class: str
    owner: str
    lives: FleetLives
    table: Exposure
    ages: AgeSpread
    hazard: FleetHazard | None
    stops: Floats
    standing: Standing
    computed_us: int
    condition: FleetCondition
    own: Floats

    @property
    def per_km(self) -> float:
        """The fleet's one rate: stopping failures for each kilometre of a vehicle."""
        return _stopping(self.table, self.stops) / max(sum(self.lives.vehicle_km), 1.0)

    def weighted(self, weight: float) -> "FleetReliability":
        """Return the same fleet told by a stack of model and fleet rate."""
        return replace(self, standing=replace(self.standing, weight=weight))

    def stacked(self, chance: Floats, distance_km: float) -> Floats:
        """Return chances of a run as they are told: model and fleet rate, by their weight."""
        return stacked_chance(chance, self.per_km * distance_km, self.standing.weight)

    @property
    def exposure_km(self) -> float:
        """Kilometres of the vehicles under watch, one component of each counted."""
        spans = np.bincount(self.table.component, self.table.span_km)
        return float(np.max(spans, initial=0.0))


@dataclass(frozen=True)
class ComponentRow:
    """A component type in a fleet: failures per million kilometres of one component, bounded."""

    component: str
    failures: int
    exposure_km: float
    rate: float
    low: float
    high: float
    shape: float
    age_used: bool
    evidence: str
    stops: float


@dataclass(frozen=True)
class Share:
    """A place's part of a unit's risk, and what the unit's chance becomes with a new one there."""

    place: Place
    component: str
    share: float
    stops: float
    age_known: bool
    replaced: float
    factor: float = 1.0
    """By how much the last verdict multiplies the hazard of the place."""
    by_wear: float = 0.0
    """How much of the unit's risk is a limit that is crossed here under way."""
    judged: Judged | None = None
    worn: Worn | None = None


@dataclass(frozen=True)
class Input:
    """What an answer is computed from: how well it is known, of how many.

    grade : measured, inferred, assumed or missing
    """

    name: str
    grade: str
    count: int


@dataclass(frozen=True)
class UnitAnswer:
    """A unit's chance of completing a run, its band, its floor, and where the risk lies."""

    unit: str
    distance_km: float
    reliability: float
    low: float
    high: float
    floor: float
    fleet_median: float
    factor: float
    shares: tuple[Share, ...]
    missing: int
    standing: Standing
    inputs: tuple[Input, ...] = ()


def fleet_reliability(
    lookup: Lookup,
    catalogue: Catalogue,
    vehicle_class: str,
    owner: str,
    positions: Mapping[str, int],
    now_us: int,
) -> FleetReliability:
    """Read a class's lives and fit its hazard. Raises NotFound where nothing has run yet."""
    lives = fleet_lives(lookup, catalogue, vehicle_class, owner, now_us)
    condition = fleet_condition(lookup, catalogue, lives, now_us)
    return reliability_of(lives, condition, vehicle_class, owner, positions, now_us)


def reliability_of(
    lives: FleetLives, condition: FleetCondition, vehicle_class: str, owner: str,
    positions: Mapping[str, int], now_us: int,
) -> FleetReliability:  # fmt: skip
    """Fit the hazard of some lives. Raises NotFound where nothing has run yet."""
    if not len(lives.pieces.span_km):
        raise NotFound("no run of this class is recorded yet")
    lives = with_inferred_ages(lives)
    table, ages = tabulate(lives.pieces)
    prior = public_prior()
    rest, own = _without_wear(lives, table, condition.told_by_wear)
    depots = np.unique([v.home_site for v in lives.vehicles], return_inverse=True)[1]
    hazard = fit_hazard(rest, prior, depots) if np.sum(rest.failures) > 0 else None
    stops = _stops(lives)
    return FleetReliability(
        vehicle_class, owner, lives, table, ages, hazard, stops,
        Standing(dict(positions), _hash(table, lives, condition),
                 f"{prior.version}, condition {condition.prior}", code_version()),
        now_us, condition, own,
    )  # fmt: skip


def _without_wear(
    lives: FleetLives, table: Exposure, by_wear: frozenset[str]
) -> tuple[Exposure, Floats]:
    """Return the table without the failures that wear stands for, and what is left of stopping.

    They are a competing cause: the life ends there, but no failure of the component's own.
    """
    worn = np.array([operation in by_wear for operation in lives.failed_by], bool)
    if not worn.any():
        return table, np.ones(len(lives.components))
    pieces = replace(lives.pieces, failed=lives.pieces.failed & ~worn)
    gone = np.bincount(lives.pieces.component[worn], minlength=len(lives.components))
    left = np.array([(max(stopped - n, 0) + 1) / (max(of - n, 0) + 2)
                     for (stopped, of), n in zip(lives.stopping, gone, strict=True)])  # fmt: skip
    return tabulate(pieces)[0], left / _stops(lives)


def _stopping(table: Exposure, stops: Floats) -> float:
    """Return how many failures of a table stopped runs."""
    return float(np.sum(table.failures * stops[table.component]))


def _stops(lives: FleetLives) -> Floats:
    """Return the chance that a failure of each type ends the run: its share of classes 1 and 2.

    One in two is what nothing is known of; it weighs as much as two failures.
    """
    return np.array([(stopped + 1) / (classed + 2) for stopped, classed in lives.stopping])


def _hash(table: Exposure, lives: FleetLives, condition: FleetCondition) -> str:
    """Return the hash of all that the mathematics is given: table, places as they stand, wear."""
    digest = sha256(condition.sha256.encode())
    for name in ("component", "vehicle", "age_km", "driving", "span_km", "failures"):
        digest.update(np.ascontiguousarray(getattr(table, name)).tobytes())
    digest.update(np.array([place.age_km for place in lives.places]).tobytes())
    digest.update(np.array(lives.driving).tobytes())
    digest.update(repr((lives.components, lives.stopping)).encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the release and the hash of all code and priors that a figure is computed by."""
    digest = sha256(f"{version('numpy')} {version('scipy')}".encode())
    for package in _CODE:
        root = Path(railtrace.__file__).parent / package
        for path in sorted((*root.rglob("*.py"), *root.rglob("*.toml"))):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return f"{version('railtrace')}+{digest.hexdigest()[:12]}"


def component_rows(fleet: FleetReliability) -> list[ComponentRow]:
    """Return the component types, the one with most failures a kilometre first."""
    spans = np.bincount(fleet.table.component, fleet.table.span_km, fleet.table.components)
    failures = np.bincount(fleet.table.component, fleet.table.failures, fleet.table.components)
    rows = [_component_row(fleet, k, float(spans[k]), round(float(failures[k])))
            for k in range(fleet.table.components) if spans[k] > 0]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.failures, row.component))


def _component_row(fleet: FleetReliability, k: int, span: float, failures: int) -> ComponentRow:
    # The fleet's own count with exact Poisson bounds; the pooled law is what runs are told by.
    scale = MILLION_KM / span
    low = chi2.ppf(0.05, 2 * failures) / 2 if failures else 0.0
    high = chi2.ppf(0.95, 2 * (failures + 1)) / 2
    hazard = fleet.hazard
    weight = hazard.shape_weight[k] if hazard else np.ones(1)
    logs = hazard.log_shape[k] if hazard else np.zeros(1)
    return ComponentRow(
        fleet.lives.components[k], failures, span, failures * scale, float(low) * scale,
        float(high) * scale, float(np.exp(weight @ logs)), not bool(fleet.ages.ageless[k]),
        str(hazard.evidence[k]) if hazard else "none", float(fleet.stops[k]),
    )  # fmt: skip


def unit_answer(fleet: FleetReliability, unit: str, distance_km: float) -> UnitAnswer:
    """Return a unit's chance of completing a run of so many kilometres.

    Raises
    ------
    NotFound : the unit is not of this class, or nothing of it is known.
    BadData : a distance not above zero, or nothing of the class has failed yet.
    """
    index = next((n for n, v in enumerate(fleet.lives.vehicles) if v.unit == unit), None)
    rows = [n for n, place in enumerate(fleet.lives.places) if place.vehicle == index]
    if index is None or not rows:
        raise NotFound("nothing is known of how {unit} runs", unit=unit)
    if fleet.hazard is None:
        raise NotFound("no component of this class has failed yet: only a bound can be told")
    asked = _places(fleet, rows, np.zeros(len(rows), int), distance_km)
    answer = _answer(fleet, asked, distance_km, np.array([index]))
    new = _answer(fleet, _renewed(asked), distance_km, np.array([index]))
    factor = float(fleet.hazard.frailty_shape[index] / fleet.hazard.frailty_rate[index])

    def told(chance: float) -> float:
        return float(fleet.stacked(np.array([chance]), distance_km)[0])

    shares = [
        _share(fleet, row, asked, answer, n,
               told(without(answer, asked, n, float(min(new.hazard[n], answer.hazard[n])))))
        for n, row in enumerate(rows)
    ]  # fmt: skip
    return UnitAnswer(
        unit, distance_km, told(answer.reliability[0]), told(answer.low[0]),
        told(answer.high[0]), told(answer.floor[0]), _median(fleet, distance_km), factor,
        tuple(sorted(shares, key=lambda s: (-s.share, s.place.position))),
        int(answer.missing[0]), fleet.standing, tuple(_inputs(fleet, index, rows)),
    )  # fmt: skip


def _share(
    fleet: FleetReliability, row: int, asked: Places, answer: RunReliability, n: int,
    replaced: float,
) -> Share:  # fmt: skip
    place, total = fleet.lives.places[row], float(np.sum(answer.hazard))
    return Share(
        place, fleet.lives.components[place.component], float(answer.hazard[n]) / total,
        float(fleet.stops[place.component]), not np.isnan(place.age_km), replaced,
        float(asked.bent.factor[n]), float(answer.worn[n]) / total,
        fleet.condition.judged.get(row), fleet.condition.worn.get(row),
    )  # fmt: skip


def _inputs(fleet: FleetReliability, index: int, rows: Sequence[int]) -> Iterator[Input]:
    """Yield what a unit's answer stands on, and how well each of it is known."""
    places = [fleet.lives.places[row] for row in rows]
    known = sum(not np.isnan(place.age_km) for place in places)
    if known:
        yield Input("age", "inferred" if any(p.failures for p in places) else "measured", known)
    if len(places) > known:
        yield Input("age", "missing", len(places) - known)
    grade = fleet.lives.driving_grade[index]
    unused = grade != "missing" and bool(np.isnan(fleet.lives.driving[index]))
    yield Input("driving", "not_used" if unused else grade, 1)
    yield from _conditions(fleet.condition, rows)
    classed = sum(of for _, of in fleet.lives.stopping)
    yield Input("stops", "measured" if classed else "assumed", classed)
    yield Input("repair_memory", "assumed", sum(place.failures for place in places))
    yield Input("failures", "measured", round(float(np.sum(fleet.table.failures))))


def _conditions(condition: FleetCondition, rows: Sequence[int]) -> Iterator[Input]:
    """Yield how well verdicts and wear of some places are known, by count of places."""
    grades = Counter("measured" if condition.judged[n].days < FRESH_DAYS else "inferred"
                     for n in rows if n in condition.judged)  # fmt: skip
    yield from _graded("diagnosis", grades, len(rows))
    if condition.judged:
        looked_into = condition.looked_into
        yield Input("diagnosis_record", "measured" if looked_into else "assumed", looked_into)
    grades = Counter("measured" if condition.worn[n].readings > 1 else "inferred"
                     for n in rows if n in condition.worn)  # fmt: skip
    yield from _graded("wear", grades, int(np.sum(condition.wears[rows])))
    if condition.wear is not None and condition.wears[rows].any():
        crossed = condition.wear.stops.crossed
        yield Input("crossing_stops", "measured" if crossed else "assumed", crossed)


def _graded(name: str, grades: Mapping[str, int], places: int) -> Iterator[Input]:
    if not places:
        yield Input(name, "not_used", 0)
    for grade, count in grades.items():
        yield Input(name, grade, count)
    if places > sum(grades.values()):
        yield Input(name, "missing", places - sum(grades.values()))


def _places(
    fleet: FleetReliability, rows: Sequence[int], unit: Ints, distance_km: float
) -> Places:
    """Return places of the fleet's list as they stand before a run."""
    some = [fleet.lives.places[row] for row in rows]
    component = np.array([place.component for place in some])
    return Places(
        unit=unit, component=component, age_km=np.array([place.age_km for place in some]),
        stops=fleet.stops[component] * fleet.own[component],
        condition=fleet.condition.at(np.asarray(rows, int), distance_km),
    )  # fmt: skip


def _renewed(places: Places) -> Places:
    """Return new components at the same places: no verdict on them, no wear."""
    nought = np.zeros(len(places.unit))
    return Places(places.unit, places.component, nought, places.stops)


def _answer(
    fleet: FleetReliability, places: Places, distance_km: float, vehicle: "np.ndarray"
) -> RunReliability:
    assert fleet.hazard is not None
    driving = np.array(fleet.lives.driving)[vehicle]
    return run_reliability(fleet.hazard, places, distance_km, driving, vehicle, fleet.ages)


def all_answers(fleet: FleetReliability, distance_km: float) -> tuple[list[str], RunReliability]:
    """Return every vehicle that stands anywhere with its chance, in the order of the list.

    The chance is the model's alone; `FleetReliability.stacked` makes of it what is told.
    """
    known, unit = np.unique([place.vehicle for place in fleet.lives.places], return_inverse=True)
    places = _places(fleet, range(len(unit)), unit.astype(np.int64), distance_km)
    answer = _answer(fleet, places, distance_km, known)
    return [fleet.lives.vehicles[vehicle].unit for vehicle in known], answer


@lru_cache(maxsize=32)
def _median(fleet: FleetReliability, distance_km: float) -> float:
    answer = all_answers(fleet, distance_km)[1]
    return float(np.median(fleet.stacked(answer.reliability, distance_km)))
