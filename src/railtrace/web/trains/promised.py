"""What is promised of a consist, by the figures of its units' fleets."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from railtrace.catalogue.rows import Catalogue
from railtrace.errors import NotFound
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Facts
from railtrace.store.promise import Chance, Fleets, Promise, counted, promise_of
from railtrace.store.reliability import FleetReliability
from railtrace.web.reliability.computed import UNDER_WAY, computed
from railtrace.web.running import the_app

Fleet = Callable[[str, str], FleetReliability]
"""Tells the reliability of a class and an owner, or raises NotFound."""


def promised(facts: Facts) -> Promise:
    """Return the promise of the whole trip. Raises NotFound where none can be told."""
    return promise_for(facts.consist, facts.catalogue)


def through(facts: Facts, promise: Promise) -> dict[int, Chance]:
    """Return the chance that at least so many units of a promised consist get through."""
    units = facts.consist.units
    return counted(units, fleets_of(units), promise.distance_km)


def promise_for(state: Consist, catalogue: Catalogue, fleet_of: Fleet = computed) -> Promise:
    """Return the promise of a consist by its fleets. Raises NotFound where none can be told."""
    route = catalogue.routes.get(state.route)
    if route is None:
        raise NotFound("the route is not in the catalogue: how far it goes is not known")
    return promise_of(state.units, fleets_of(state.units, fleet_of), catalogue, route.km)


def fleets_of(units: Sequence[str], fleet_of: Fleet = computed) -> Fleets:
    """Return the fleet of each unit.

    A unit whose own fleet tells nothing is told by the rate of the fleet of its class that most
    of the others are of. Raises NotFound while a fleet is computed, and where none tells anything.
    """
    wanted = set(units)
    mine = {v.unit: (v.vehicle_class, v.owner or "") for v in the_app().lookup.maintained()
            if v.unit in wanted}  # fmt: skip
    tells: dict[tuple[str, str], FleetReliability] = {}
    why: NotFound | None = None
    for key, _count in Counter(mine.values()).most_common():
        try:
            fleet = fleet_of(*key)
        except NotFound as error:
            if error.template == UNDER_WAY:
                raise
            why = error
            continue
        if fleet.hazard is not None:
            tells[key] = fleet
    stands_in: dict[str, FleetReliability] = {}
    for (vehicle_class, _owner), fleet in tells.items():
        stands_in.setdefault(vehicle_class, fleet)
    if mine and not tells:
        raise why or NotFound(
            "no component of this class has failed yet: only a bound can be told"
        )
    found_in = {unit: tells.get(key) or stands_in.get(key[0]) for unit, key in mine.items()}
    return {unit: told_by for unit, told_by in found_in.items() if told_by is not None}


def encoded(promise: Promise) -> bytes:
    """Return a promise as it is kept, the same bytes for the same promise."""
    body = msgspec.to_builtins(promise)
    return msgspec.json.encode({"format": "railtrace-consist-promise/1"} | body, order="sorted")
