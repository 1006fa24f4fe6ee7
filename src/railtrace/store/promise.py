"""What is promised of a consist: the chance of its trip, the weakest links, what would raise it.

Apart from the gates, and never traded against them. Chances are those of the units' next run
(`store/reliability.py`) under one shared effect of crew, route and weather.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from railtrace.analysis.life_data import Floats
from railtrace.analysis.run_reliability import consist_chance
from railtrace.analysis.swaps import Swap, best_swaps
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import NotFound
from railtrace.store.reliability import FleetReliability, Input, all_answers, unit_answer

SHARED_SD = 0.3
"""Of the shared effect on log hazard: assumed, nobody has measured it; the panel says so."""
_BETTER_THAN_NEVER = 1 - 1e-12
Fleets = Mapping[str, FleetReliability]
"""The fleet of each unit, by its id."""


@dataclass(frozen=True)
class Chance:
    """A chance and its 90 % band; `minutes` where it is about delays of so many and more."""

    name: str
    chance: float
    low: float
    high: float
    minutes: float | None = None


@dataclass(frozen=True)
class Link:
    """A unit of the consist: its share of the risk, and the component with most of that."""

    unit: str
    place: int
    share: float
    chance: float
    component: str
    component_share: float
    known: bool


@dataclass(frozen=True)
class Promise:
    """What is promised of a consist over a distance, the weakest link first."""

    distance_km: float
    chances: tuple[Chance, ...]
    links: tuple[Link, ...]
    inputs: tuple[Input, ...]
    positions: Mapping[str, int]
    tables: tuple[str, ...]
    code: str
    strangers: int
    """Units of which nothing is known: they are told by their fleet's rate."""


@dataclass(frozen=True)
class Told:
    """What a fleet tells of its units' run."""

    chance: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    flat: float


@lru_cache(maxsize=16)
def told(fleet: FleetReliability, distance_km: float, heaviest: bool = False) -> Told:
    """Return what a fleet tells of a run of each of its units; `heaviest`: of class 1 alone.

    Raises NotFound where nothing of the class has failed yet.
    """
    if fleet.hazard is None:
        raise NotFound("no component of this class has failed yet: only a bound can be told")
    asked = _of_class_1(fleet) if heaviest else fleet
    units, answer = all_answers(asked, distance_km)

    def by_unit(chance: Floats) -> dict[str, float]:
        bounded = np.minimum(asked.stacked(chance, distance_km), _BETTER_THAN_NEVER)
        return dict(zip(units, bounded.tolist(), strict=True))

    flat = float(np.exp(-asked.per_km * distance_km))
    return Told(by_unit(answer.reliability), by_unit(answer.low), by_unit(answer.high),
                min(flat, _BETTER_THAN_NEVER))  # fmt: skip


def _of_class_1(fleet: FleetReliability) -> FleetReliability:
    """A failure of class 1 calls a rescue locomotive or uncouples; one in two, of what is unknown.

    Never more often than failures of classes 1 and 2 together.
    """
    counted = fleet.lives.heaviest or fleet.lives.stopping
    share = np.array([(heavy + 1) / (classed + 2) for heavy, classed in counted])
    return replace(fleet, stops=np.minimum(share, fleet.stops))


def promise_of(
    units: Sequence[str], fleets: Fleets, catalogue: Catalogue, distance_km: float
) -> Promise:
    """Return what is promised of units in running order.

    Raises NotFound: a unit is of no fleet, or its fleet has not run or failed yet.
    """
    _require(units, fleets)
    chances = (
        _chance("delay", units, fleets, distance_km, _least_delay(catalogue)),
        _chance("rescue", units, fleets, distance_km),
    )
    some = list(dict.fromkeys(fleets[unit] for unit in units))
    return Promise(
        distance_km, chances, _links(units, fleets, distance_km), _inputs(units, fleets),
        _positions(some), tuple(f.standing.table_sha256 for f in some), some[0].standing.code,
        sum(unit not in told(fleets[unit], distance_km).chance for unit in units),
    )  # fmt: skip


def counted(
    units: Sequence[str], fleets: Fleets, distance_km: float, missing: int = 2
) -> dict[int, Chance]:
    """Return the chance that at least so many units get through, from all down to `missing` fewer.

    k of n under the shared effect of the consist. Raises NotFound as `promise_of` does.
    """
    _require(units, fleets)
    least = max(len(units) - missing, 1)
    return {needed: _chance("delay", units, fleets, distance_km, needed=needed)
            for needed in range(len(units), least - 1, -1)}  # fmt: skip


def _require(units: Sequence[str], fleets: Fleets) -> None:
    if not units:
        raise NotFound("a consist without units promises nothing")
    if foreign := [unit for unit in units if unit not in fleets]:
        raise NotFound(
            "{count} units are of no fleet whose runs are known here: {units}",
            count=len(foreign), units=", ".join(foreign[:3]),
        )  # fmt: skip


def _least_delay(catalogue: Catalogue) -> float | None:
    """Return from how many minutes a failure delays a train, by the classes 1 and 2."""
    rows = catalogue.failure_classes.values()
    least = [r.from_delay_min for r in rows if r.number <= 2 and r.from_delay_min is not None]
    return min(least, default=None)


def _chance(
    name: str, units: Sequence[str], fleets: Fleets, distance_km: float,
    minutes: float | None = None, needed: int | None = None,
) -> Chance:  # fmt: skip
    """The units' errors are taken as one: types are shared, so the band is never too narrow."""
    each = [told(fleets[unit], distance_km, name == "rescue") for unit in units]
    middle, low, high = (
        consist_chance(np.array([side(t).get(u, t.flat) for u, t in zip(units, each, strict=True)]),
                       SHARED_SD, needed)
        for side in (_middle, _low, _high)
    )  # fmt: skip
    return Chance(name, middle, min(low, middle), max(high, middle), minutes)


def _middle(one: Told) -> dict[str, float]:
    return one.chance


def _low(one: Told) -> dict[str, float]:
    return one.low


def _high(one: Told) -> dict[str, float]:
    return one.high


def _chance_of(unit: str, fleets: Fleets, distance_km: float) -> float:
    tells = told(fleets[unit], distance_km)
    return tells.chance.get(unit, tells.flat)


def _links(units: Sequence[str], fleets: Fleets, distance_km: float) -> tuple[Link, ...]:
    chances = [_chance_of(unit, fleets, distance_km) for unit in units]
    hazards = -np.log(np.array(chances))
    shares = (hazards / max(float(np.sum(hazards)), 1e-300)).tolist()
    rows = [
        _link(unit, place, share, chance, fleets, distance_km)
        for place, (unit, share, chance) in enumerate(zip(units, shares, chances, strict=True), 1)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda link: (-link.share, link.place)))


def _link(
    unit: str, place: int, share: float, chance: float, fleets: Fleets, distance_km: float
) -> Link:
    try:
        worst = _worst(fleets[unit], unit, distance_km)
    except NotFound:
        return Link(unit, place, share, chance, "", 0.0, False)
    return Link(unit, place, share, chance, *worst, True)


@lru_cache(maxsize=2048)
def _worst(fleet: FleetReliability, unit: str, distance_km: float) -> tuple[str, float]:
    """Return the component with most of a unit's risk, all its places together."""
    shares = Counter[str]()
    for one in unit_answer(fleet, unit, distance_km).shares:
        shares[one.component] += one.share  # type: ignore[assignment]
    [(component, share)] = shares.most_common(1)
    return component, float(share)


def _inputs(units: Sequence[str], fleets: Fleets) -> tuple[Input, ...]:
    """Return what the promise stands on, and how well it is known of how many."""
    found = Counter[tuple[str, str]]()
    for unit in units:
        try:
            inputs = _inputs_of(fleets[unit], unit)
        except NotFound:
            inputs = (Input("age", "missing", 1),)
        for one in inputs:
            found[one.name, one.grade] += 1 if one.name in _OF_FLEET else one.count
    rows = [Input(name, grade, count) for (name, grade), count in sorted(found.items())]
    return (*rows, Input("shared_effect", "assumed", 1))


_OF_FLEET = frozenset({"stops", "failures", "repair_memory", "diagnosis_record", "crossing_stops"})
"""Inputs that a fleet has once: of these, units are counted."""


@lru_cache(maxsize=2048)
def _inputs_of(fleet: FleetReliability, unit: str) -> tuple[Input, ...]:
    return unit_answer(fleet, unit, 500.0).inputs


def _positions(fleets: Sequence[FleetReliability]) -> dict[str, int]:
    """Return what every figure stands on at least."""
    found: dict[str, int] = {}
    for fleet in fleets:
        for log, size in fleet.standing.positions.items():
            found[log] = min(size, found.get(log, size))
    return found


# --- what would raise it ----------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """An exchange that raises the chance: out of a place, in from the free ones."""

    place: int
    unit: str
    instead: str
    chance: float
    gain: float


def offers(
    units: Sequence[str], kinds: Sequence[str], fleets: Fleets, free: Sequence[tuple[str, str]],
    distance_km: float, fits: Callable[[str], bool], most: int = 3,
) -> list[Offer]:  # fmt: skip
    """Return the exchanges that raise the chance most; `free` are units with their kind.

    A unit is offered only when `fits` lets it go: no chance outweighs a gate.
    """
    known = [(unit, kind) for unit, kind in free if unit in fleets]
    if not known:
        return []
    swaps = best_swaps(
        np.array([_chance_of(unit, fleets, distance_km) for unit in units]), kinds,
        np.array([_chance_of(unit, fleets, distance_km) for unit, _ in known]),
        [kind for _, kind in known], SHARED_SD, lambda n: fits(known[n][0]), most,
    )  # fmt: skip
    return [_offer(swap, units, known) for swap in swaps]


def _offer(swap: Swap, units: Sequence[str], known: Sequence[tuple[str, str]]) -> Offer:
    return Offer(swap.place + 1, units[swap.place], known[swap.candidate][0], swap.chance,
                 swap.gain)  # fmt: skip
