"""What is known of the last repairs, and how well: unknown is a state, refined later."""

from railtrace.projections.fold import fold, resolve
from railtrace.projections.last_repairs import LAST_REPAIRS
from railtrace.projections.remaining import remaining
from tests.projections.railway import entries, op


def last(*operations):
    return fold(LAST_REPAIRS, "v-1", resolve(entries(operations), "v-1"))[0]


def stated(id_, day, grade, **fields):
    return op("LastRepairStated", id_, day, units=("v-1",), repair_kind="ДР", grade=grade,
              **fields)  # fmt: skip


def test_unknown_is_refined_by_a_paper_and_not_the_other_way_round():
    state = last(stated("a", 0, "unknown"), stated("b", 5, "document", done="2023-05"))
    assert (state.by_kind["ДР"].grade, state.by_kind["ДР"].done) == ("document", "2023-05")
    again = last(stated("b", 5, "document", done="2023-05"), stated("a", 9, "unknown"))
    assert again.by_kind["ДР"].grade == "document"


def test_kilometres_found_later_fill_up_what_the_paper_said():
    state = last(stated("a", 0, "document", done="2023-05-17"), stated("b", 5, "document", km="7"))
    assert (state.by_kind["ДР"].done, state.by_kind["ДР"].km_milli) == ("2023-05-17", 7000)


def test_two_papers_that_cannot_both_be_right_are_a_contradiction():
    state = last(stated("a", 0, "document", done="2023-05"),
                 stated("b", 5, "document", done="2022-11-03"))  # fmt: skip
    assert [c.name for c in state.contradictions.values()] == ["last_repair_stated_otherwise"]


def test_a_repair_that_the_trace_saw_end_replaces_what_was_unknown():
    left = op("LeftRepair", "l", 40, units=("v-1",), repair_kind="ДР")
    assert last(stated("a", 0, "unknown"), left).by_kind["ДР"].grade == "recorded"


def test_nothing_remains_to_be_said_where_the_last_repair_is_unknown():
    state = last(stated("a", 0, "unknown"))
    left = remaining("ДР", 110_000_000, state.by_kind["ДР"], lambda us: 5_000, 0)
    assert left.left_milli is None
