"""The list of the fleet by fitness: the worst of a unit with everything on it."""

from itertools import product

import pytest

from railtrace.store.lookup import Lookup
from railtrace.trace.operation import Reading
from tests.store.test_views import new_store, op, take

FLANGES = {"fit": "30", "doubtful": "24.1", "unfit": "20"}


def _measured(id_, unit, value):
    reading = Reading(quantity="flange_thickness", place="left", value=value, unit="mm",
                      uncertainty="0.3")  # fmt: skip
    return op("Measured", id_, 5, units=(unit,), readings=(reading,))


@pytest.fixture
def lookup(tmp_path):
    """Return a fleet of wagons, each with two wheelsets of every pair of verdicts, or none."""
    views = new_store(tmp_path)
    lives = []
    for n, verdicts in enumerate(product((*FLANGES, ""), repeat=2)):
        lives.append(op("Registered", f"r{n}", 0, units=(f"v-{n}",), type="tank_wagon"))
        for m, verdict in enumerate(verdicts):
            part = f"p-{n}-{m}"
            lives.append(op("Registered", f"r{part}", 0, units=(part,), type="wheelset_freight"))
            lives.append(op("Installed", f"i{part}", 1, units=(part,), carrier=f"v-{n}",
                            position=f"bogie.1/wheelset.{m + 1}"))  # fmt: skip
            if verdict:
                lives.append(_measured(f"m{part}", part, FLANGES[verdict]))
    lives.append(op("Removed", "x", 9, units=("p-0-0",), carrier="v-0",
                    position="bogie.1/wheelset.1"))  # fmt: skip
    take(views, "north", lives)
    return Lookup(views.database)


@pytest.mark.parametrize("scope", ["vehicles", "parts"])
def test_the_filter_of_fitness_finds_what_the_column_shows(lookup, scope) -> None:
    everything = {row.unit: row.verdict for row in lookup.fleet({"scope": scope}, limit=500).rows}
    assert set(everything.values()) == {"fit", "doubtful", "unfit", "unknown"}
    for verdict in ("fit", "doubtful", "unfit", "unknown"):
        found = lookup.fleet({"scope": scope, "verdict": verdict}, limit=500).rows
        assert {row.unit for row in found} == {u for u, v in everything.items() if v == verdict}
        counted = lookup.counts({"scope": scope, "verdict": verdict})["status"]
        assert sum(counted.values()) == len(found)


def test_what_is_restricted_is_found(tmp_path) -> None:
    views = new_store(tmp_path)
    take(views, "north", [
        op("Registered", "r1", 0, units=("v-1",), type="tank_wagon"),
        op("Registered", "r2", 0, units=("v-2",), type="tank_wagon"),
        op("Restricted", "s1", 1, units=("v-1", "v-2"), restriction="60 km/h"),
        op("RestrictionLifted", "s2", 2, units=("v-2",), restricted="s1"),
    ])  # fmt: skip
    rows = Lookup(views.database).fleet({"scope": "vehicles", "restricted": "1"}).rows
    assert [row.unit for row in rows] == ["v-1"]
