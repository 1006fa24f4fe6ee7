"""Remarks of crews: taken over, done, carried over; three of the same in ten days are told."""

import hypothesis.strategies as st
from hypothesis import given

from railtrace.catalogue.load import load
from railtrace.projections.fold import fold
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.release import remark_gates
from railtrace.projections.remarks import REMARKS, repeated
from railtrace.trace.leaf import microseconds
from tests.projections.railway import START, entries, op

TOPICS = load().remark_topics
NOW_US = microseconds(START) + 100 * DAY_US


def made(id_, day, text="knocks", **fields):
    return op("RemarkMade", id_, day, units=("v-1",), text=text, **fields)


def state_of(*operations):
    return fold(REMARKS, "v-1", entries(operations))[0]


def test_a_remark_goes_from_made_to_done() -> None:
    one = made("r", 0)
    taken = op("RemarkAccepted", "a", 1, units=("v-1",), remark="r")
    done = op("RemarkDone", "d", 2, units=("v-1",), remark="r", work="bolt tightened")
    said = [state_of(*some).remarks[0].state for some in ([one], [one, taken], [one, taken, done])]
    assert said == ["made", "accepted", "done"]
    assert state_of(one, done).remarks[0].work == "bolt tightened"


def test_a_remark_carried_over_says_by_whom_why_and_until_when_and_then_warns() -> None:
    carried = op("RemarkCarriedOver", "c", 1, units=("v-1",), remark="r", reason="no part",
                 until="2024-03-20", performed_by=("p-7",))  # fmt: skip
    state = state_of(made("r", 0), carried)
    (over,) = state.remarks[0].carried
    assert (over.by, over.reason, over.until) == (["p-7"], "no part", "2024-03-20")
    assert remark_gates(state, microseconds(START) + 5 * DAY_US) == []
    (gate,) = remark_gates(state, NOW_US)
    assert (gate.force, gate.values["operation"]) == ("warns", "c")


def test_a_remark_taken_over_again_after_it_was_carried_is_accepted_and_late_no_more() -> None:
    carried = op("RemarkCarriedOver", "c", 1, units=("v-1",), remark="r", reason="no part",
                 until="2024-03-20", performed_by=("p-7",))  # fmt: skip
    taken = op("RemarkAccepted", "a", 5, units=("v-1",), remark="r")
    state = state_of(made("r", 0), carried, taken)
    assert (state.remarks[0].state, len(state.remarks[0].carried)) == ("accepted", 1)
    assert remark_gates(state, NOW_US) == []
    again = op("RemarkCarriedOver", "c2", 6, units=("v-1",), remark="r", reason="no part",
               until="2024-03-25", performed_by=("p-7",))  # fmt: skip
    assert state_of(made("r", 0), carried, taken, again).remarks[0].state == "carried"


def test_what_is_said_of_a_remark_that_is_not_open_is_a_contradiction() -> None:
    done = op("RemarkDone", "d", 2, units=("v-1",), remark="r", work="x")
    assert [c.name for c in state_of(done).contradictions.values()] == ["remark_not_open"]


def test_the_third_of_the_same_in_ten_days_is_told_with_those_before_it() -> None:
    state = state_of(made("a", 0, topic="brake"), made("b", 4, topic="brake"),
                     made("c", 10, topic="brake"), made("x", 9, topic="diesel"))  # fmt: skip
    assert repeated(state.remarks, TOPICS, NOW_US) == {"c": ["a", "b", "c"]}


def test_the_eleventh_day_and_another_place_are_no_repeat() -> None:
    late = state_of(made("a", 0, topic="brake"), made("b", 4, topic="brake"),
                    made("c", 10.5, topic="brake"))  # fmt: skip
    assert repeated(late.remarks, TOPICS, NOW_US) == {}
    elsewhere = state_of(made("a", 0, topic="brake"), made("b", 4, topic="brake"),
                         made("c", 5, topic="brake", place="bogie.1"))  # fmt: skip
    assert repeated(elsewhere.remarks, TOPICS, NOW_US) == {}


def test_without_a_topic_the_words_decide() -> None:
    state = state_of(made("a", 0, "Door  sticks"), made("b", 1, "door sticks"),
                     made("c", 2, "door STICKS"))  # fmt: skip
    assert set(repeated(state.remarks, TOPICS, NOW_US)) == {"c"}


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_a_remark_is_told_exactly_when_three_lie_in_its_window(days) -> None:
    remarks = [made(f"r{n:02}", day, topic="brake") for n, day in enumerate(sorted(days))]
    told = set(repeated(state_of(*remarks).remarks, TOPICS, NOW_US))
    ordered = sorted(days)
    expected = {
        f"r{n:02}" for n, day in enumerate(ordered)
        if sum(day - 10 <= other <= day for other in ordered[: n + 1]) >= 3
    }  # fmt: skip
    assert told == expected


def test_old_remarks_that_are_done_are_forgotten_and_open_ones_never() -> None:
    lived = [made("open", 0)]
    for n in range(80):
        lived += [made(f"r{n}", n + 1), op("RemarkDone", f"d{n}", n + 1.5, units=("v-1",),
                                           remark=f"r{n}", work="x")]  # fmt: skip
    state = state_of(*lived)
    assert len(state.remarks) == 61
    assert state.find("open") is not None
    assert state.find("r79") is not None
