"""Set-up, run and wait of steps, steps left out, routes, and calibrations that take time."""

import pytest

from railtrace.projections.metrology import Instrument, Proof, Withdrawal
from railtrace.store.observed_work import (
    OUT,
    Cycle,
    SeenOrder,
    SeenStep,
    StepKind,
    lapses_of,
    machine_times,
    moves_seen,
    routes_seen,
    step_times,
    taken_shares,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR


def cycle(
    fact: str, from_h: float, to_h: float, set_up_h: float | None, whole: bool = True
) -> Cycle:
    return Cycle("lathe", (fact,), round(from_h * HOUR), round(to_h * HOUR), set_up_h, whole)


def step(key: str, *facts: str, ready_h: float | None = 0, done_h: float | None = 1,
         optional: bool = False, status: str = "done") -> SeenStep:  # fmt: skip
    def us(hour: float | None) -> int | None:
        return None if hour is None else round(hour * HOUR)

    return SeenStep(key, optional, status, facts, us(ready_h), us(done_h) if facts else None)


def order(*steps: SeenStep, done: bool = True, component: str = "wheelset") -> SeenOrder:
    return SeenOrder("p", component, 0, HOUR if done else None, done, False, steps)


def test_set_up_run_and_wait_are_told_apart_by_equipment_and_component() -> None:
    orders = [order(step("turn", "a", ready_h=1)), order(step("turn", "b", ready_h=4)),
              order(step("turn", "c"), component="axle")]  # fmt: skip
    cycles = [cycle("a", 2, 4, 0.5), cycle("b", 4, 8, 1.5), cycle("c", 1, 2, None)]
    found = step_times(orders, cycles)
    seen = found[StepKind("p", "turn", "lathe", "wheelset")]
    assert seen.set_up is not None
    assert seen.run is not None
    assert seen.wait is not None
    assert (seen.set_up.n, seen.set_up.mean_h) == (2, pytest.approx(1.0))
    assert seen.run.mean_h == pytest.approx(2.0)
    assert seen.wait.mean_h == pytest.approx(0.5)
    other = found[StepKind("p", "turn", "lathe", "axle")]
    assert other.set_up is None
    assert other.cycle is not None
    assert other.cycle.mean_h == pytest.approx(1.0)


def test_what_was_cut_off_is_counted_and_never_averaged() -> None:
    orders = [order(step("turn", "a")), order(step("turn", "b")),
              order(step("turn", status="ready"), done=False)]  # fmt: skip
    cycles = [cycle("a", 1, 3, 0.5), cycle("b", 1, 1.1, 0.1, whole=False)]
    [seen] = step_times(orders, cycles, whole_kinds=False).values()
    assert seen.cycle is not None
    assert seen.cycle.mean_h == pytest.approx(2.0)
    assert (seen.cut_off, seen.still_waiting) == (1, 1)
    assert machine_times(cycles)["lathe"].n == 1


def test_a_hand_has_no_beginning_and_is_counted_only() -> None:
    [seen] = step_times([order(step("accept", "x"))], []).values()
    assert (seen.cycle, seen.wait, seen.by_hand) == (None, None, 1)


def test_only_a_step_that_may_be_left_out_has_a_share_and_only_where_the_trace_has_steps() -> None:
    with_turn = order(step("wash", "a"), step("turn", "b", optional=True))
    without = order(step("wash", "c"), step("turn", optional=True, status="ready"))
    silent = order(step("wash", status="ready"), step("turn", optional=True, status="ready"))
    assert taken_shares([with_turn, without, without, silent]) == {
        ("p", "turn"): (3, pytest.approx(1 / 3))
    }


def test_routes_are_the_steps_in_the_order_they_were_done() -> None:
    usual = order(step("wash", "a", done_h=1), step("ndt", "b", done_h=3),
                  step("turn", "c", done_h=2))  # fmt: skip
    short = order(step("wash", "a", done_h=1), step("ndt", "b", done_h=3))
    first, second = routes_seen([usual, usual, short, order(step("wash"))])
    assert (first.steps, first.n, first.share) == (("wash", "turn", "ndt"), 2, pytest.approx(2 / 3))
    assert second.steps == ("wash", "ndt")


def proof(day: int, days: int = 100, passed: bool = True) -> Proof:
    return Proof(f"v{day}", day * DAY, "verified", day * DAY, (day + days) * DAY, "", "", passed)


def test_a_renewal_in_time_takes_no_hours_and_a_late_one_those_without_a_proof() -> None:
    gauge = Instrument(unit="g", proofs=[proof(0), proof(90), proof(200)])
    assert lapses_of(gauge, 0, 250 * DAY) == ([0.0, 240.0], False)
    assert lapses_of(gauge, 0, 350 * DAY)[1]


def test_a_withdrawn_machine_is_without_a_proof_until_the_next() -> None:
    drifted = Withdrawal("w", 50 * DAY, 40 * DAY, 50 * DAY, "drift")
    gauge = Instrument(unit="g", proofs=[proof(0), proof(60)], withdrawals=[drifted])
    assert lapses_of(gauge, 0, 70 * DAY) == ([240.0], False)


def at(key: str, *hours: float, optional: bool = False) -> SeenStep:
    facts, us = tuple(f"{key}{h}" for h in hours), tuple(round(h * HOUR) for h in hours)
    return SeenStep(key, optional, "done", facts, 0, us[-1] if us else None, us)


def test_where_work_goes_from_a_step_is_told_with_what_a_later_step_sent_back() -> None:
    straight = order(at("wash", 1), at("turn", optional=True), at("test", 3))
    turned = order(at("wash", 1), at("turn", 2, optional=True), at("test", 3))
    again = order(at("wash", 1), at("turn", 2, 4, optional=True), at("test", 3, 5))
    found = moves_seen([straight, turned, again, again])
    assert found["p", "wash"].shares == {"test": pytest.approx(1 / 4), "turn": pytest.approx(3 / 4)}
    # Six tests, two of which sent the piece back to be turned.
    assert found["p", "test"].n == 6
    assert found["p", "test"].shares == {"turn": pytest.approx(1 / 3), OUT: pytest.approx(2 / 3)}
    assert found["p", "turn"].shares == {"test": pytest.approx(1.0)}


def test_steps_done_in_another_order_are_not_sent_back() -> None:
    swapped = order(at("ultrasound", 3), at("magnetic", 2), at("accept", 4))
    assert moves_seen([swapped])["p", "magnetic"].shares == {"accept": pytest.approx(1.0)}


def test_a_step_that_may_not_be_left_out_is_on_the_way_though_nobody_recorded_it() -> None:
    found = moves_seen([order(at("wash", 1), at("test"), at("accept", 4))])
    assert found["p", "wash"].shares == {"test": pytest.approx(1.0)}
