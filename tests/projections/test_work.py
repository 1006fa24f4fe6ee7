"""Steps of an order close themselves, and what does not count says why."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.projections.fold import fold, resolve
from railtrace.projections.metrology import Standing
from railtrace.projections.orders import ORDERS
from railtrace.projections.work import Surroundings, may_close, open_steps, progress
from railtrace.trace.operation import Reading
from tests.projections.railway import START, entries, op

CATALOGUE = load()
WASHER, UT, MT, STAND, GAUGE, PRESS = "d-wash", "d-ut", "d-mt", "d-stand", "d-gauge", "d-press"
TYPES = {WASHER: "wheelset_washer", UT: "ut_set", MT: "mt_set", STAND: "bearing_stand",
         GAUGE: "wheel_gauge", PRESS: "wheel_press"}  # fmt: skip
SET, LOCO = "w-1", "wheelset_locomotive"
H, HOUR = 1 / 24, timedelta(hours=1)


def on(kind, id_, hour, **fields):
    return op(kind, id_, hour * H, units=(SET,), **fields)


def opened(process="wheelset_ordinary"):
    return on("OrderOpened", "open", 0, work_order="WO-1", process=process)


def wash(id_="wash", hour=1.0, temperature="70", seconds="240", **more):
    readings = (
        Reading(quantity="wash_temperature", value=temperature, unit="°C"),
        Reading(quantity="wash_time", value=seconds, unit="s"),
        Reading(quantity="detergent_concentration", value="20", unit="g/l"),
    )
    return on("Washed", id_, hour, device=WASHER, readings=readings, **more)


def flange(id_, hour, left="30.0", right="30.0"):
    sides = {"left": left, "right": right}
    return on("Measured", id_, hour, device=GAUGE, readings=tuple(
        Reading(quantity="flange_thickness", place=side, value=value, unit="mm",
                uncertainty="0.2") for side, value in sides.items()))  # fmt: skip


def steps(
    *operations,
    type_="wheelset_passenger",
    right=lambda *_: True,
    trust=lambda *_: Standing("valid"),
):
    around = Surroundings(CATALOGUE, type_, trust, right,
                          lambda device: TYPES.get(device, ""))  # fmt: skip
    story = entries(operations)
    order, _ = fold(ORDERS, "order:WO-1", resolve(story, "order:WO-1"))
    process = CATALOGUE.processes[order.process]
    return order, progress(order, process, resolve(story, SET), around)


def words(*operations, **more):
    _, states = steps(*operations, **more)
    return {state.step.key: state.status for state in states}


def codes(state):
    return [fault.code for fault in state.last.faults]


def test_a_step_closes_itself_when_the_machine_reports_and_the_next_one_is_ready() -> None:
    assert words(opened())["wash"] == "ready"
    after = words(opened(), wash())
    assert (after["wash"], after["ndt_axle"], after["bearings"]) == ("done", "ready", "waiting")


@pytest.mark.parametrize(("temperature", "seconds"), [("55", "240"), ("70", "100")])
def test_a_wash_too_cold_or_too_short_is_void_and_blocks_what_follows(temperature, seconds) -> None:
    states = steps(opened(), wash(temperature=temperature, seconds=seconds),
                   on("Tested", "ut", 2, test="axle_ut", device=UT))[1]  # fmt: skip
    by_key = {state.step.key: state for state in states}
    assert by_key["wash"].status == "void"
    assert codes(by_key["wash"]) == ["unfit"]
    assert codes(by_key["ndt_axle"]) == ["before_its_turn"]


def test_a_wash_after_the_gateway_s_certificate_ended_is_void_unless_the_trace_proves_the_washer():
    ended = on("MachineResult", "wash:r", 1, device=WASHER, result_id="1", facts=("wash",),
               machine="wheelset_washer", remarks=("certificate_expired 2026-01-01",))  # fmt: skip
    unproved = steps(opened(), wash(), ended, trust=lambda *_: Standing("unrecorded"))[1]
    assert (unproved[0].status, codes(unproved[0])) == ("void", ["instrument"])
    assert words(opened(), wash(), ended)["wash"] == "done"
    assert words(opened(), wash(), trust=lambda *_: Standing("unrecorded"))["wash"] == "done"


def test_a_wash_by_hand_after_one_that_was_void_is_the_wash_that_counts() -> None:
    cold = wash(temperature="52")
    by_hand = on("StepDone", "hand", 2, work_order="WO-1", step="wash", performed_by=("p-1",))
    assert words(opened(), cold, by_hand)["wash"] == "to_accept"
    sign = on("StepAccepted", "sign", 3, work_order="WO-1", step="wash", entry="hand",
              performed_by=("p-2",))  # fmt: skip
    assert words(opened(), cold, by_hand, sign)["wash"] == "done"
    assert words(opened(), by_hand, wash(hour=4, temperature="52"), sign)["wash"] == "void"


def test_ndt_before_the_wash_does_not_count_even_when_the_wash_is_entered_later() -> None:
    states = steps(opened(), on("Tested", "ut", 1, test="axle_ut", device=UT), wash(hour=2))[1]
    assert {s.step.key: s.status for s in states}["ndt_axle"] == "void"


def test_a_hand_wash_counts_when_another_person_signed_its_cleanliness() -> None:
    by_hand = on("StepDone", "hand", 1, work_order="WO-1", step="wash", performed_by=("p-1",))
    assert words(opened(), by_hand)["wash"] == "to_accept"
    sign = {"work_order": "WO-1", "step": "wash", "entry": "hand"}
    own = on("StepAccepted", "own", 2, performed_by=("p-1",), **sign)
    assert words(opened(), by_hand, own)["wash"] == "to_accept"
    assert "own_work_accepted:own" in steps(opened(), by_hand, own)[0].contradictions
    other = on("StepAccepted", "other", 2, performed_by=("p-2",), **sign)
    assert words(opened(), by_hand, other)["wash"] == "done"


def test_what_is_sent_back_is_done_again() -> None:
    by_hand = on("StepDone", "hand", 1, work_order="WO-1", step="wash", performed_by=("p-1",))
    back = on("StepReturned", "back", 2, work_order="WO-1", step="wash", performed_by=("p-2",),
              entry="hand", reason="grease")  # fmt: skip
    assert words(opened(), by_hand, back)["wash"] == "returned"
    again = steps(opened(), by_hand, back, wash(hour=3))[1][0]
    assert (again.status, again.first_pass, len(again.attempts)) == ("done", False, 2)


def test_a_reading_missing_on_one_side_is_named() -> None:
    left = on("Measured", "m", 2, device=GAUGE, readings=(
        Reading(quantity="flange_thickness", place="left", value="30", unit="mm"),))  # fmt: skip
    state = {s.step.key: s for s in steps(opened(), wash(), left)[1]}["measure_before"]
    assert (state.status, state.last.faults[0].values["place"]) == ("void", "right")


def test_work_without_the_right_is_void_judged_at_the_moment_of_the_work() -> None:
    ut = on("Tested", "ut", 2, test="axle_ut", device=UT, performed_by=("p-9",))
    held = words(opened(), wash(), ut, right=lambda p, q, us: (p, q) == ("p-9", "ndt_ut"))
    assert held["ndt_axle"] == "done"
    state = {s.step.key: s for s in steps(opened(), wash(), ut, right=lambda *_: False)[1]}
    assert codes(state["ndt_axle"]) == ["not_qualified"]


def test_a_machine_whose_proof_has_run_out_closes_no_step() -> None:
    states = steps(opened(), wash(), trust=lambda *_: Standing("expired"))[1]
    assert codes(states[0]) == ["instrument"]


def test_welding_a_tank_without_a_degassing_permit_is_void() -> None:
    weld = on("Repaired", "weld", 5, work="weld", performed_by=("p-1",))
    washed = on("Washed", "w", 1, device="d-any")
    before = (opened("tank_welding"), washed)
    states = {s.step.key: s for s in steps(*before, weld)[1]}
    assert codes(states["weld"]) == ["no_permit"]
    permit = on("PermitIssued", "pi", 3, permit="P-7", permit_kind="degassing",
                valid_from=START + 3 * HOUR, valid_to=START + 8 * HOUR)  # fmt: skip
    assert words(*before, permit, weld)["weld"] == "done"
    closed = on("PermitClosed", "pc", 4, permit="P-7")
    assert words(*before, permit, closed, weld)["weld"] == "void"


def pressed(force, seat="185", **more):
    return on("Measured", "press", 4, device=PRESS, readings=(
        Reading(quantity="press_final_force", place="left", value=force, unit="kN"),
        Reading(quantity="press_seat_length", place="left", value=seat, unit="mm")),
        **more)  # fmt: skip


def full(force):
    return (
        opened("wheelset_full"), wash(), on("Tested", "ut", 2, test="axle_ut", device=UT),
        pressed(force),
        on("MachineResult", "press:r", 4, device=PRESS, result_id="77", machine="wheel_press",
           evaluation="ok", facts=("press",)),
    )  # fmt: skip


def test_scenario_21_the_press_says_ok_and_the_joint_is_below_its_band() -> None:
    _, states = steps(*full("612"), type_=LOCO)
    press = next(s for s in states if s.step.key == "press")
    attempt = press.last
    assert (press.status, codes(press), attempt.machine_verdict) == ("void", ["press_below"], "ok")
    assert attempt.faults[0].values == {
        "value": "330.8", "min": "392", "max": "588",
        "limit": "press_force.wheel_centre.locomotive",
    }  # fmt: skip
    assert (attempt.press.verdict, attempt.press.proof) == ("unfit", None)
    assert not may_close(states)
    assert open_steps(states)[0].step.key == "press"


def test_three_proof_loads_are_offered_only_within_the_shortfall_the_rule_allows() -> None:
    near = next(s for s in steps(*full("670"), type_=LOCO)[1] if s.step.key == "press").last.press
    assert near.final_kn_per_100mm == pytest.approx(362.2, abs=0.05)
    assert (near.proof.times, near.proof.seconds) == (3, 5.0)
    assert near.proof.load_kn == pytest.approx(804)


def test_above_the_band_is_unfit_too() -> None:
    press = next(s for s in steps(*full("1200"), type_=LOCO)[1] if s.step.key == "press")
    assert codes(press) == ["press_above"]


def test_two_wheels_are_pressed_one_after_the_other_and_one_bad_is_enough() -> None:
    right = on("Measured", "press2", 5, device=PRESS, readings=(
        Reading(quantity="press_final_force", place="right", value="900", unit="kN"),
        Reading(quantity="press_seat_length", place="right", value="185", unit="mm")))  # fmt: skip
    press = next(s for s in steps(*full("612"), right, type_=LOCO)[1] if s.step.key == "press")
    assert press.status == "void"


@given(st.permutations([wash(), flange("m1", 2), on("Tested", "ut", 3, test="axle_ut", device=UT),
                        on("Tested", "mt", 4, test="journal_mt", device=MT),
                        on("Diagnosed", "vib", 5, method="bearing_stand", device=STAND),
                        flange("m2", 6)]))  # fmt: skip
def test_the_order_of_arrival_changes_nothing(arrived) -> None:
    first = words(opened(), *arrived)
    assert first == words(opened(), *sorted(arrived, key=lambda o: o.happened_at))
    assert first["bearings"] == "done"
    assert first["measure_after"] == "to_accept"


def diagnosed(outcome="sound", ours=None, **more):
    """The stand's word on the bearings and ours on the same recording, after a whole order."""
    before = (opened(), wash(), flange("before", 1.5),
              on("Tested", "ut", 2, test="axle_ut", device=UT),
              on("Tested", "mt", 2.5, test="journal_mt", device=MT),
              on("Diagnosed", "vib", 3, method="vibration", device=STAND, outcome=outcome))
    said = [] if ours is None else [
        on("EvidenceDiagnosed", "ours", 3.1, entry="vib", method="vibration", version="1",
           outcome=ours, device=STAND, **more)]
    return {s.step.key: s for s in steps(*before, *said)[1]}["bearings"]


@pytest.mark.parametrize("ours", ["sound", "watch", "refused", None])
def test_a_diagnosis_of_ours_that_is_no_alarm_leaves_the_step_done(ours) -> None:
    state = diagnosed(ours=ours)
    assert state.status == "done"
    assert (state.last.said is not None) == (ours is not None)


@pytest.mark.parametrize("ours", ["alarm", "contradicts"])
def test_an_alarm_of_ours_blocks_what_the_stand_called_sound(ours) -> None:
    state = diagnosed(ours=ours, finding="outer")
    assert (state.status, codes(state)) == ("void", ["our_alarm"])


@pytest.mark.parametrize(("ours", "status"), [("sound", "done"), ("alarm", "void"),
                                              ("refused", "void")])  # fmt: skip
def test_where_the_card_asks_for_our_diagnosis_it_is_the_step(ours, status) -> None:
    process = CATALOGUE.processes["wheelset_ordinary"]
    judged = [replace(s, kinds=("EvidenceDiagnosed",)) if s.key == "bearings" else s
              for s in process.steps]  # fmt: skip
    story = entries([
        opened(), wash(), on("Tested", "ut", 2, test="axle_ut", device=UT),
        on("Tested", "mt", 2.5, test="journal_mt", device=MT),
        on("Diagnosed", "vib", 3, method="vibration", device=STAND, outcome="sound"),
        on("EvidenceDiagnosed", "ours", 3.1, entry="vib", method="vibration", version="1",
           outcome=ours, device=STAND),
    ])  # fmt: skip
    order, _ = fold(ORDERS, "order:WO-1", resolve(story, "order:WO-1"))
    around = Surroundings(CATALOGUE, "wheelset_passenger", lambda *_: Standing("valid"),
                          lambda *_: True, lambda device: TYPES.get(device, ""))  # fmt: skip
    states = progress(order, replace(process, steps=tuple(judged)), resolve(story, SET), around)
    bearings = {s.step.key: s for s in states}["bearings"]
    assert (bearings.status, bearings.last.entry.operation.id) == (status, "ours")
