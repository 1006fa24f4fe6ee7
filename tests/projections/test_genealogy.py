"""What is where, since when; and what contradicts."""

from railtrace.projections.fold import fold, resolve
from railtrace.projections.genealogy import GENEALOGY
from railtrace.trace.operation import Member
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


def _formed(id_="f", day=1, whole="w-1"):
    parts = (Member(unit="axle-1", position="axle"), Member(unit="wheel-1", position="wheel.left"))
    return op("Formed", id_, day, units=(whole,), parts=parts)


def _genealogy(unit, *operations):
    mine = [e for e in entries(operations) if unit in e.units]
    return fold(GENEALOGY, unit, sorted(mine, key=lambda e: e.life_key))[0]


def test_a_wheelset_is_formed_of_parts_at_positions_and_disbanded():
    apart = op("Disbanded", "d", 5, units=("w-1",), parts=("axle-1", "wheel-1"))
    whole = _genealogy("w-1", _formed())
    assert [(s.part, s.position) for s in whole.carried()] == [
        ("axle-1", "axle"), ("wheel-1", "wheel.left"),
    ]  # fmt: skip
    assert _genealogy("axle-1", _formed()).carrier().carrier == "w-1"
    assert _genealogy("w-1", _formed(), apart).carried() == []
    assert _genealogy("axle-1", _formed(), apart).carrier() is None
    assert _genealogy("axle-1", _formed(), apart).stays[0].removed_by == "d"


def test_a_disbanded_wheelset_that_still_carries_a_part_is_contradicted():
    apart = op("Disbanded", "d", 5, units=("w-1",), parts=("axle-1",))
    (found,) = _genealogy("w-1", _formed(), apart).contradictions.values()
    assert (found.name, found.values["part"]) == ("disbanded_with_parts", "wheel-1")


def test_an_axle_formed_into_two_wheelsets_is_contradicted():
    (found,) = _genealogy(
        "axle-1", _formed(), _formed("f2", 3, "w-2")
    ).contradictions.values()
    assert (found.name, found.values["other"]) == ("installed_twice", "w-2")
