"""Warranty: what holds when; a claim from its sending to its cost."""

from railtrace.projections.claims import CLAIMS, covering
from railtrace.projections.fold import fold
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.outside import OUTSIDE
from railtrace.projections.release import away_gates
from railtrace.trace.leaf import microseconds
from tests.projections.railway import START, entries, op


def state_of(view, *operations):
    return fold(view, "v-1", entries(operations))[0]


def at(day):
    return microseconds(START) + day * DAY_US


def ran(km):
    return lambda meter, since_us: km if meter == "km" else 0


def given(id_="w", day=0, **fields):
    return op("WarrantyGiven", id_, day, units=("v-1",), by="works", after="КР", **fields)


def test_a_warranty_holds_to_the_end_of_its_last_day_and_not_before_it_was_given() -> None:
    (one,) = state_of(CLAIMS, given(until="2024-03-31")).warranties
    held = [bool(covering([one], at(day), ran(0))) for day in (-1, 0, 30, 31)]
    assert held == [False, True, True, False]


def test_a_warranty_ends_with_its_kilometres() -> None:
    (one,) = state_of(CLAIMS, given(km="1000")).warranties
    assert covering([one], at(5), ran(1000))
    assert not covering([one], at(5), ran(1000.5))


def test_a_warranty_without_an_end_of_its_own_ends_with_the_next_work() -> None:
    until_work = op("WarrantyUntilWork", "n", 0, units=("v-1",), by="works", after="КР",
                    works=["КР"])  # fmt: skip
    (one,) = state_of(CLAIMS, until_work).warranties
    (dated,) = state_of(CLAIMS, given(until="2030")).warranties
    assert [bool(covering([one], at(day), ran(0), lambda _: at(20))) for day in (19, 20)] == [
        True, False
    ]  # fmt: skip
    assert covering([one], at(900), ran(0))
    assert covering([dated], at(21), ran(0), lambda _: at(20))


def test_of_several_the_last_given_stands_first() -> None:
    state = state_of(CLAIMS, given("w1", 0, until="2030"), given("w2", 10, until="2030"))
    assert [w.operation for w in covering(state.warranties, at(20), ran(0))] == ["w2", "w1"]


def test_a_claim_is_answered_disputed_and_closed_with_its_cost() -> None:
    story = [
        op("ClaimOpened", "k", 1, units=("v-1",), claim="K1", defect="d", against="works"),
        op("ClaimAnswered", "a", 5, units=("v-1",), claim="K1", answer="rejected", reason="wear"),
        op("ClaimDisputed", "b", 6, units=("v-1",), claim="K1", reason="no wear at 900 km"),
        op("ClaimClosed", "c", 9, units=("v-1",), claim="K1", result="paid", cost="120.50",
           recovered="100", currency="TJS"),
    ]  # fmt: skip
    states = [state_of(CLAIMS, *story[: n + 1]).claims[0].state for n in range(4)]
    assert states == ["sent", "rejected", "disputed", "closed"]
    claim = state_of(CLAIMS, *story).claims[0]
    assert (claim.cost, claim.recovered, claim.currency) == ("120.50", "100", "TJS")


def test_an_answer_to_no_claim_and_a_claim_sent_twice_are_contradictions() -> None:
    answer = op("ClaimAnswered", "a", 5, units=("v-1",), claim="K1", answer="accepted")
    assert [c.name for c in state_of(CLAIMS, answer).contradictions.values()] == ["claim_not_open"]
    twice = [op("ClaimOpened", f"k{n}", n, units=("v-1",), claim="K1", defect="d", against="w")
             for n in (1, 2)]  # fmt: skip
    names = [c.name for c in state_of(CLAIMS, *twice).contradictions.values()]
    assert names == ["claim_opened_twice"]


SENT = op("SentForRepair", "s", 1, units=("v-1",), stay="S1", to="works", expected="2024-05")


def test_a_unit_away_may_not_go_out_until_it_is_taken_over() -> None:
    refused = op("AcceptedFromRepair", "n", 5, units=("v-1",), stay="S1", outcome="failed",
                 findings="brake leaks")  # fmt: skip
    taken = op("AcceptedFromRepair", "y", 8, units=("v-1",), stay="S1")
    (gate,) = away_gates(state_of(OUTSIDE, SENT, refused))
    assert gate.values["operation"] == "n"
    assert away_gates(state_of(OUTSIDE, SENT, refused, taken)) == []


def test_what_is_heard_moves_the_day_it_is_expected() -> None:
    heard = op("RepairProgressed", "h", 5, units=("v-1",), stay="S1", stage="stripped",
               expected="2024-06")  # fmt: skip
    (one,) = state_of(OUTSIDE, SENT, heard).stays
    assert (one.expected, one.heard[0].stage, one.state) == ("2024-06", "stripped", "away")


def test_sent_while_away_and_taken_over_without_being_sent_are_contradictions() -> None:
    twice = state_of(OUTSIDE, SENT, op("SentForRepair", "t", 2, units=("v-1",), stay="S2", to="x"))
    assert [c.name for c in twice.contradictions.values()] == ["sent_for_repair_twice"]
    never = state_of(OUTSIDE, op("AcceptedFromRepair", "y", 8, units=("v-1",), stay="S9"))
    assert [c.name for c in never.contradictions.values()] == ["not_away_for_repair"]
