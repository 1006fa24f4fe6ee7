"""Where a unit stood at a moment is the last thing the trace says before it."""

from datetime import timedelta

import pytest

from railtrace.store.whereabouts import whereabouts
from railtrace.trace.leaf import microseconds
from tests.store.test_knowledge import knowledge, take
from tests.store.test_views import START, new_store, op


@pytest.fixture
def views(tmp_path):
    """A wagon of depot east on a track of depot west, a wheelset under it, two in stores."""
    views = new_store(tmp_path)
    take(views, [
        op("Registered", "r1", 0, units=("v-1",), type="gondola", home_site="east"),
        *(op("Registered", f"r{s}", 0, units=(s,), type="wheelset_freight")
          for s in ("s-1", "s-2", "s-3")),
        op("Installed", "i1", 1, units=("s-1",), carrier="v-1", position="1"),
        op("LocationReported", "l1", 2, units=("v-1",), place="East", whereabouts="home"),
        op("Placed", "p1", 10, units=("v-1",), site="west", track="2"),
        op("LocationReported", "l2", 20, units=("v-1",), place="Station", whereabouts="line"),
        op("PartStored", "b2", 3, units=("s-2",), store="Main", site="west"),
        op("PartStored", "b3", 3, units=("s-3",), store="Main", site="west"),
        op("PartLent", "e3", 5, units=("s-3",), to="Neighbour"),
    ], 30)  # fmt: skip
    return views


@pytest.mark.parametrize(
    ("unit", "day", "where"),
    [("v-1", 1, None), ("v-1", 12, "west"), ("s-1", 12, "west"), ("s-1", 25, None),
     ("s-2", 2, None), ("s-2", 4, "west"), ("s-3", 4, "west"), ("s-3", 6, "Neighbour"),
     ("nobody", 6, None)],
)  # fmt: skip
def test_the_last_thing_said_before_the_moment_counts(views, unit, day, where) -> None:
    stood = whereabouts(knowledge(views), unit, microseconds(START + timedelta(days=day)))
    assert (stood and stood.where) == where
