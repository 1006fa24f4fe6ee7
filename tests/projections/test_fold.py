"""Corrections are carried out before life order, whatever the order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from railtrace.projections.condition import CONDITION
from railtrace.projections.fold import fold, resolve
from railtrace.trace.operation import Corrected, Reading
from tests.projections.railway import entries, op


def measured(id_: str, unit: str, value: str, day: float = 0):
    reading = Reading(quantity="flange_thickness", place="left", value=value, unit="mm")
    return op("Measured", id_, day, units=(unit,), readings=(reading,))


def correction(id_: str, target: str, day: float, replacement=None):
    action = "void" if replacement is None else "replace"
    return op(
        "Corrected", id_, day, target=target, action=action, reason="wrong",
        replacement=replacement,
    )  # fmt: skip


def effective(operations, unit):
    return [e.operation.id for e in resolve(entries(operations), unit)]


def test_a_voided_entry_is_gone_from_the_unit():
    operations = [measured("m1", "w-1", "30"), correction("c1", "m1", 1)]
    assert effective(operations, "w-1") == []


def test_a_replacement_on_another_unit_leaves_the_first_and_reaches_the_second():
    right = measured("m2", "w-2", "30")
    operations = [measured("m1", "w-1", "30"), correction("c1", "m1", 1, right)]
    assert effective(operations, "w-1") == []
    assert effective(operations, "w-2") == ["m2"]


def test_a_correction_that_is_itself_voided_leaves_the_first_entry_standing():
    operations = [
        measured("m1", "w-1", "30"),
        correction("c1", "m1", 1),
        correction("c2", "c1", 2),
    ]
    assert effective(operations, "w-1") == ["m1"]
    assert effective(operations, "w-2") == []


def test_a_correction_of_a_correction_puts_its_replacement_in_the_first_entry_s_place():
    operations = [
        measured("m1", "w-1", "30"),
        correction("c1", "m1", 1, measured("m2", "w-1", "31")),
        correction("c2", "c1", 2, measured("m3", "w-1", "32")),
    ]
    assert effective(operations, "w-1") == ["m3"]


def test_the_correction_recorded_last_decides():
    operations = [
        measured("m1", "w-1", "30"),
        correction("c1", "m1", 1, measured("m2", "w-1", "31")),
        correction("c2", "m1", 2, measured("m3", "w-1", "32")),
    ]
    assert effective(operations, "w-1") == ["m3"]


def test_a_replacement_keeps_the_time_it_states_not_the_time_of_correcting():
    right = measured("m2", "w-1", "31", day=-5)
    operations = [measured("m0", "w-1", "29"), measured("m1", "w-1", "30", 1),
                  correction("c1", "m1", 9, right)]  # fmt: skip
    assert effective(operations, "w-1") == ["m2", "m0"]


@given(st.data())
def test_any_order_of_arrival_resolves_to_the_same_life(data):
    days = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=8))
    operations = [measured(f"m{i}", "w-1", str(20 + i), day) for i, day in enumerate(days)]
    for i in range(data.draw(st.integers(0, 4))):
        target = data.draw(st.sampled_from([o.id for o in operations]))
        replacement = measured(f"r{i}", "w-1", str(50 + i), data.draw(st.integers(0, 30)))
        if not any(isinstance(o, Corrected) and o.id == target for o in operations):
            operations.append(
                correction(f"c{i}", target, 40, data.draw(st.sampled_from([None, replacement])))
            )
    recorded = entries(operations)
    shuffled = data.draw(st.permutations(recorded))
    first, second = resolve(recorded, "w-1"), resolve(shuffled, "w-1")
    assert first == second
    assert fold(CONDITION, "w-1", first) == fold(CONDITION, "w-1", second)
