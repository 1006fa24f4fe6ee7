"""What a unit is and which numbers it bears."""

from railtrace.projections.fold import fold, resolve
from railtrace.projections.passport import PASSPORT
from railtrace.trace.operation import Number
from tests.projections.railway import entries, op

PLATE = Number(scheme="network8", value="66345679")
OTHER = Number(scheme="network8", value="24123457")


def passport(*operations, unit="v-1"):
    return fold(PASSPORT, unit, resolve(entries(operations), unit))[0]


REGISTERED = op("Registered", "r1", 0, units=("v-1",), type="gondola", numbers=(PLATE,))


def names(state):
    return [c.name for c in state.contradictions.values()]


def test_a_new_number_replaces_the_old_one_and_both_keep_their_dates():
    changed = op("MarkingChanged", "n1", 3, units=("v-1",), given=(OTHER,), withdrawn=(PLATE,))
    state = passport(REGISTERED, changed)
    assert state.primary().value == "24123457"
    assert [(n.value, n.to_us is None) for n in state.numbers] == [
        ("66345679", False),
        ("24123457", True),
    ]


def test_taking_off_a_number_the_unit_does_not_bear_is_raised():
    changed = op("MarkingChanged", "n1", 3, units=("v-1",), withdrawn=(OTHER,))
    assert names(passport(REGISTERED, changed)) == ["number_not_borne"]


def test_an_unreadable_mark_is_a_state_not_an_error():
    worn = Number(scheme="network8", value="66345679", mark="unreadable")
    changed = op("MarkingChanged", "n1", 3, units=("v-1",), given=(worn,))
    assert passport(REGISTERED, changed).primary().mark == "unreadable"


def test_a_unit_described_as_two_types_is_raised():
    again = op("Registered", "r2", 1, units=("v-1",), type="tank")
    assert names(passport(REGISTERED, again)) == ["type_differs"]


def test_work_after_writing_off_is_raised():
    off = op("WrittenOff", "o1", 2, units=("v-1",))
    entered = op("EnteredRepair", "e1", 3, units=("v-1",), repair_kind="ДР")
    assert names(passport(REGISTERED, off, entered)) == ["after_scrapping"]
    assert names(passport(REGISTERED, off)) == []


def test_the_date_of_making_keeps_its_precision():
    made = op("Manufactured", "m1", 0, units=("w-1",), type="axle", time_precision="year")
    assert passport(made, unit="w-1").made == "2024"


def test_status_follows_repair_and_hold():
    entered = op("EnteredRepair", "e1", 1, units=("v-1",), repair_kind="ДР")
    left = op("LeftRepair", "e2", 5, units=("v-1",), repair_kind="ДР")
    held = op("Held", "h1", 6, units=("v-1",), reason="cracked casting")
    lifted = op("HoldLifted", "h2", 7, units=("v-1",), hold="h1")
    steps = [REGISTERED, entered, left, held, lifted]
    assert [passport(*steps[: n + 1]).status for n in range(5)] == [
        "in_use", "in_repair", "in_use", "on_hold", "in_use",
    ]  # fmt: skip


def test_a_repair_from_before_the_unit_was_entered_needs_no_beginning():
    registered = op("Registered", "r9", 5, units=("v-1",), type="hopper")
    before = op("LeftRepair", "e1", 2, units=("v-1",), repair_kind="ДР")
    after = op("LeftRepair", "e2", 7, units=("v-1",), repair_kind="ДР")
    assert names(passport(registered, before)) == []
    assert names(passport(registered, before, after)) == ["left_repair_not_entered"]
