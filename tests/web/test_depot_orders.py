"""Work orders on the pages: scenario 21, the kanban, the inspector's queue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from msgspec.structs import replace

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    KINDS,
    DefectFound,
    MachineResult,
    Measured,
    Number,
    OrderOpened,
    Reading,
    Registered,
    Washed,
)

SET, COACH_SET, PROVED, PRESS, WASHER, UT = (
    "u-ord-1", "u-ord-2", "u-ord-3", "d-ord-press", "d-ord-wash", "d-ord-ut",
)  # fmt: skip
HOUR = timedelta(hours=1)
# One moment a process: the module may be set up twice in it, and what is repeated is a duplicate.
THEN = utc_now() - 12 * HOUR


def reading(quantity: str, value: str, unit: Any, place: str = "") -> Reading:
    return Reading(quantity=quantity, value=value, unit=unit, place=place)


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    """Return a railway with a traction wheelset under the press and one of a coach."""
    then = THEN
    wash = (
        reading("wash_temperature", "70", "°C"),
        reading("wash_time", "240", "s"),
        reading("detergent_concentration", "20", "g/l"),
    )
    pressed = (
        reading("press_final_force", "612", "kN", "left"),
        reading("press_seat_length", "185", "mm", "left"),
    )
    at: dict[str, Any] = {"units": (SET,), "work_order": "WO-21"}
    results = railway.record([
        Registered(id="or-1", happened_at=then, units=(SET,), type="wheelset_locomotive",
                   numbers=(Number(scheme="serial", value="29-14873-09"),)),
        Registered(id="or-2", happened_at=then, units=(COACH_SET,), type="wheelset_passenger",
                   numbers=(Number(scheme="serial", value="29-77714-09"),)),
        *(Registered(id=f"or-{d}", happened_at=then, units=(d,), type=t) for d, t in (
            (PRESS, "wheel_press"), (WASHER, "wheelset_washer"), (UT, "ut_set"))),
        DefectFound(id="or-d", happened_at=then, units=(SET,), code="loose wheel"),
        OrderOpened(id="or-o", happened_at=then, process="wheelset_full", defect="or-d", **at),
        Washed(id="or-w", happened_at=then + HOUR, device=WASHER, readings=wash, units=(SET,)),
        KINDS["Tested"](id="or-u", happened_at=then + 2 * HOUR, device=UT, test="axle_ut",
                        units=(SET,)),
        Measured(id="or-p", happened_at=then + 3 * HOUR, device=PRESS, readings=pressed, **at),
        MachineResult(id="or-p:r", happened_at=then + 3 * HOUR, device=PRESS, result_id="77",
                      machine="wheel_press", evaluation="ok", facts=("or-p",), **at),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def test_scenario_21_both_verdicts_stand_and_the_order_cannot_be_closed(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    text = page.get("/depot/orders/WO-21").text
    for said in ("330.8", "below the band 392–588", "The machine said", "good", "unfit"):
        assert said in text
    assert "Proof loads are not offered" in text
    assert "Cannot be closed yet" in text
    refused = page.post("/depot/orders/WO-21/close")
    assert refused.status_code == 422
    assert "cannot be closed: Press the wheels" in refused.text
    assert depot.knowledge().order("order:WO-21").open
    assert "WO-21" in page.get(f"/units/{SET}").text
    board = page.get("/depot/orders/").text
    assert "Blocked now" in board
    assert "below the band" in board


def test_an_order_is_opened_worked_signed_by_another_and_sent_back(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    worker, inspector = reader_as("worker"), reader_as("inspector")
    form = {"number": "29-77714-09", "process": "wheelset_ordinary", "reason": "flange"}
    wrong = worker.post("/depot/orders/", form | {"process": "locomotive_tr1"})
    assert (wrong.status_code, "no process of this unit" in wrong.text) == (422, True)
    nobody = worker.post("/depot/orders/", form | {"number": "00000"})
    assert "no unit bears the number" in nobody.text
    order = worker.post("/depot/orders/", form)["Location"].rsplit("/", 1)[1]
    done = worker.post(f"/depot/orders/{order}/steps/wash/do", {"note": "by brush"})
    assert done.status_code == 302
    [state, *_] = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    assert state.status == "to_accept"
    assert "by brush" in worker.get(f"/depot/orders/{order}").text
    assert "29" in inspector.get("/depot/queue/").text
    judged = {"entry": state.last.entry.operation.id, "answer": "accept"}
    assert worker.post(f"/depot/orders/{order}/steps/wash/judge", judged).status_code == 403
    judge = f"/depot/orders/{order}/steps/wash/judge"
    inspector.post(judge, judged | {"answer": "return", "reason": ""})
    inspector.post(judge, judged | {"answer": "return", "reason": "grease is left"})
    assert "grease is left" in worker.get(f"/depot/orders/{order}").text
    worker.post(f"/depot/orders/{order}/steps/wash/do", {})
    [state, *_] = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    again = judged | {"entry": state.last.entry.operation.id, "page": "queue"}
    assert inspector.post(judge, again)["Location"] == "/depot/queue/"
    [state, *_] = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    assert (state.status, len(state.attempts)) == ("done", 2)
    assert "Route card" in worker.get(f"/depot/orders/{order}/card").text
    bad = worker.post(
        f"/depot/orders/{order}/steps/measure_before/do", {"flange_thickness|left": "thick"}
    )
    assert "is no number" in bad.text
    assert worker.post(f"/depot/orders/{order}/steps/none/do").status_code == 404


def test_an_inspector_does_not_sign_own_work(depot: App, reader_as: Callable[..., Client]) -> None:
    inspector = reader_as("inspector")
    form = {"number": "29-77714-09", "process": "wheelset_ordinary"}
    order = inspector.post("/depot/orders/", form)["Location"].rsplit("/", 1)[1]
    inspector.post(f"/depot/orders/{order}/steps/wash/do", {})
    [state, *_] = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    entry = state.last.entry.operation.id
    judge = f"/depot/orders/{order}/steps/wash/judge"
    said = inspector.post(judge, {"entry": entry, "answer": "accept"}, follow=True).text
    assert "another inspector signs it" in said
    [state, *_] = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    assert state.status == "to_accept"


def test_work_stops_with_a_cause_goes_on_and_is_cancelled_with_a_reason(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    form = {"number": "29-77714-09", "process": "wheelset_ordinary"}
    order = page.post("/depot/orders/", form)["Location"].rsplit("/", 1)[1]
    page.post(f"/depot/orders/{order}/block", {"cause": "parts", "reason": "no bearings"})
    assert "no parts: no bearings" in page.get("/depot/orders/").text
    page.post(f"/depot/orders/{order}/block", {"go_on": "1"})
    assert "no bearings" not in page.get("/depot/orders/").text
    page.post(f"/depot/orders/{order}/close", {"cancel": "1", "reason": ""})
    assert depot.knowledge().order(f"order:{order}").open
    page.post(f"/depot/orders/{order}/close", {"cancel": "1", "reason": "wrong wheelset"})
    assert depot.knowledge().order(f"order:{order}").result == "cancelled"
    assert page.post(f"/depot/orders/{order}/block", {"cause": "parts"}).status_code == 422
    assert page.get("/depot/orders/nothing").status_code == 404


def test_a_small_shortfall_of_force_is_proved_by_loads_typed_on_the_page(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    near = (reading("press_final_force", "700", "kN"), reading("press_seat_length", "185", "mm"))
    at: dict[str, Any] = {"units": (PROVED,), "work_order": "WO-PROOF"}
    results = depot.record([
        Registered(id="pr-1", happened_at=THEN, units=(PROVED,), type="wheelset_locomotive"),
        OrderOpened(id="pr-o", happened_at=THEN, process="wheelset_full", **at),
        *(replace(depot.entry(f"or-{key}").operation, id=f"pr-{key}", units=(PROVED,))
          for key in ("w", "u")),
        Measured(id="pr-p", happened_at=THEN + 3 * HOUR, device=PRESS, readings=near, **at),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert depot.wait_caught_up(10)
    worker, send = reader_as("worker"), "/depot/orders/WO-PROOF/steps/press/proof"
    text = worker.get("/depot/orders/WO-PROOF").text
    assert "May still be proved: 3 axial loads of 840" in text
    loads: dict[str, Any] = {"entry": "pr-p", "load": ["840", "845,5", "850"], "seconds": "5"}
    for bad, said in (
        (loads | {"load": ["", "", ""]}, "write the loads that were applied"),
        (loads | {"load": ["heavy", "1", "1"]}, "heavy is no number"),
        (loads | {"entry": "or-p"}, "proof loads are not offered here"),
    ):  # fmt: skip
        refused = worker.post(send, bad)
        assert refused.status_code == 422
        assert said in refused.text
    assert step_of(depot, "WO-PROOF", "press").status == "void"
    done = worker.post(send, loads, follow=True).text
    assert "The proof loads are recorded." in done
    assert "845.5" in done
    proved = step_of(depot, "WO-PROOF", "press")
    assert [fault.code for fault in proved.last.faults] == ["not_qualified"]
    depot.record([
        KINDS["QualificationGranted"](
            id="pr-q", happened_at=THEN, person=depot.entry(proved.last.proved.operation.id)
            .operation.performed_by[0], qualification="wheelset_forming",
            valid_from=THEN - HOUR, valid_to=THEN + 99 * HOUR)
    ], "p-test", "test")  # fmt: skip
    assert depot.wait_caught_up(10)
    assert step_of(depot, "WO-PROOF", "press").status == "to_accept"


def step_of(depot: App, order: str, step: str) -> Any:
    states = depot.knowledge().steps(depot.knowledge().order(f"order:{order}"))
    return next(state for state in states if state.step.key == step)


def test_an_inspection_set_up_on_a_block_without_valid_papers_does_not_count(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    old, new = "d-ord-block-1", "d-ord-block-2"
    day = timedelta(days=1)
    depot.record([
        *(Registered(id=f"bl-{n}", happened_at=THEN - 400 * day, units=(block,),
                     type="reference_block", numbers=(Number(scheme="serial", value=f"СО-{n}"),))
          for n, block in ((1, old), (2, new))),
        *(KINDS["Calibrated"](id=f"bl-c{n}", happened_at=THEN - 400 * day, units=(block,),
                              valid_from=THEN - 400 * day, valid_to=THEN + days * day)
          for n, block, days in ((1, old, -1), (2, new, 300))),
    ], "p-test", "test")  # fmt: skip
    assert depot.wait_caught_up(10)
    page, send = reader_as("technologist"), f"/depot/equipment/{UT}/block"
    assert "On which block this set is set up is not recorded" in page.get(
        f"/depot/equipment/{UT}").text  # fmt: skip
    assert "choose a reference block" in page.post(send, {"block": PRESS}).text
    for block, verdict, said in ((old, "unfit", "proof has run out"), (new, "fit", "")):
        assert page.post(send, {"block": block}).status_code == 302
        now = depot.clock()
        order = f"WO-{block[-1]}"
        shared: dict[str, Any] = {"units": (COACH_SET,), "work_order": order}
        echo = tuple(reading(q, v, "%") for q, v in (
            ("reference_echo", "70"), ("reference_echo_after", "68"), ("scan_coverage", "100")))
        depot.record([
            OrderOpened(id=f"{order}-o", happened_at=now, process="wheelset_ordinary", **shared),
            replace(depot.entry("or-w").operation, id=f"{order}-w", happened_at=now,
                    units=(COACH_SET,), work_order=order),
            KINDS["Diagnosed"](id=f"{order}-u", happened_at=now, device=UT, method="ultrasonic",
                               outcome="sound", readings=echo, **shared),
        ], "p-test", "test")  # fmt: skip
        assert depot.wait_caught_up(10)
        ours = step_of(depot, order, "ndt_axle").last.ours
        assert ours.verdict == verdict, (block, ours)
        assert said in page.get(f"/depot/orders/{order}").text
    assert [b.unit for b in depot.knowledge().blocks(UT, 2**61)] == [new]
