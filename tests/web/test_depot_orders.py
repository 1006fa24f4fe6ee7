"""Work orders on the pages: scenario 21, the kanban, the inspector's queue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

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

SET, COACH_SET, PRESS, WASHER, UT = (
    "u-ord-1", "u-ord-2", "d-ord-press", "d-ord-wash", "d-ord-ut",
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
