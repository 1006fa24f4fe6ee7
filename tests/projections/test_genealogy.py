"""What is where, since when; and what contradicts."""

from railtrace.projections.fold import fold, resolve
from railtrace.projections.genealogy import GENEALOGY
from tests.projections.railway import entries, op


def genealogy(unit, *operations):
    return fold(GENEALOGY, unit, resolve(entries(operations), unit))[0]


def names(state):
    return [c.name for c in state.contradictions.values()]


INSTALLED = op("Installed", "i1", 0, units=("w-1",), carrier="v-1", position="wheelset.1")


def test_both_sides_read_one_installation():
    assert genealogy("w-1", INSTALLED).carrier().carrier == "v-1"
    assert [s.part for s in genealogy("v-1", INSTALLED).carried()] == ["w-1"]


def test_a_part_installed_on_two_carriers_is_a_contradiction_not_an_error():
    second = op("Installed", "i2", 3, units=("w-1",), carrier="v-2", position="wheelset.2")
    state = genealogy("w-1", INSTALLED, second)
    assert names(state) == ["installed_twice"]
    assert state.carrier().carrier == "v-2"


def test_the_missing_half_from_another_depot_settles_it():
    second = op("Installed", "i2", 3, units=("w-1",), carrier="v-2", position="wheelset.2")
    removed = op("Removed", "x1", 2, units=("w-1",), carrier="v-1")
    assert names(genealogy("w-1", INSTALLED, second, removed)) == []


def test_removed_where_it_is_not_is_raised():
    removed = op("Removed", "x1", 2, units=("w-1",), carrier="v-9")
    assert names(genealogy("w-1", INSTALLED, removed)) == ["removed_where_it_is_not"]


def test_two_parts_at_one_position_are_raised_on_the_carrier():
    second = op("Installed", "i2", 1, units=("w-2",), carrier="v-1", position="wheelset.1")
    assert names(genealogy("v-1", INSTALLED, second)) == ["position_taken"]


def test_a_person_closes_a_contradiction_and_it_stays_to_be_read():
    second = op("Installed", "i2", 3, units=("w-1",), carrier="v-2", position="wheelset.2")
    closed = op(
        "ContradictionResolved", "k1", 5, units=("w-1",), contradiction="installed_twice:i2",
        resolution="looked: it is on v-2",
    )  # fmt: skip
    state = genealogy("w-1", INSTALLED, second, closed)
    assert [c.resolution for c in state.contradictions.values()] == ["looked: it is on v-2"]
