"""Machines on the pages: use, coverage, findings; rights to work; the shift."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Diagnosed,
    MachineResult,
    Number,
    OrderOpened,
    Phase,
    Placed,
    Registered,
    StepAccepted,
    Washed,
)

SET, WASHER, STAND, ORDER = "u-eq-1", "d-eq-wash", "d-eq-stand", "WO-EQ-1"
HOUR = timedelta(hours=1)
# One moment a process: the module may be set up twice in it, and what is repeated is a duplicate.
THEN = utc_now() - 5 * HOUR


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    """Return a railway with a washer that ran, and a stand that found something."""
    then = THEN
    at: dict[str, Any] = {"units": (SET,)}
    cycle = (Phase(phase="wash", duration_s="240"), Phase(phase="rinse", duration_s="70"))
    results = railway.record([
        Registered(id="eq-1", happened_at=then, type="wheelset_freight", **at,
                   numbers=(Number(scheme="serial", value="29-20001-09"),)),
        Registered(id="eq-2", happened_at=then, units=(WASHER,), type="wheelset_washer"),
        Registered(id="eq-3", happened_at=then, units=(STAND,), type="bearing_stand"),
        OrderOpened(id="eq-o", happened_at=then, process="wheelset_ordinary", work_order=ORDER,
                    **at),
        Washed(id="eq-w", happened_at=then + HOUR, device=WASHER, **at),
        MachineResult(id="eq-w:r", happened_at=then + HOUR, device=WASHER, result_id="1",
                      machine="wheelset_washer", evaluation="ok", phases=cycle,
                      started_at=then + 0.9 * HOUR, facts=("eq-w",), remarks=("filter",), **at),
        Diagnosed(id="eq-f", happened_at=then + 2 * HOUR, device=STAND, method="vibration",
                  outcome="alarm", finding="outer race", **at),
        Diagnosed(id="eq-g", happened_at=then + 3 * HOUR, device=STAND, method="vibration",
                  outcome="watch", finding="noise", **at),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def test_a_machine_s_page_shows_its_cycle_its_use_and_its_errors(
    depot: App, viewer: Client
) -> None:
    text = viewer.get(f"/depot/equipment/{WASHER}").text
    for said in ("Last cycle beside its recipe", "rinse", "OEE", "1/1", "filter"):
        assert said in text
    assert "Wheelset washing machine" in viewer.get("/depot/equipment/").text


def test_a_finding_is_answered_by_one_of_three_buttons(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("worker")
    assert "outer race" in page.get("/depot/findings/").text
    wrong = {"entry": "eq-f", "answer": "order", "process": "coach_dr"}
    assert page.post("/depot/findings/answer", wrong).status_code == 422
    made = page.post("/depot/findings/answer", wrong | {"process": "wheelset_ordinary"})
    order = depot.knowledge().order("order:" + made["Location"].rsplit("/", 1)[1])
    [defect] = [d for d in depot.knowledge().condition(SET).defects if d.id == order.defect]
    assert defect.code == "outer race"
    page.post("/depot/findings/answer", {"entry": "eq-g", "answer": "false", "reason": "cable"})
    left = page.get("/depot/findings/").text
    assert "outer race" not in left
    assert "noise" not in left
    assert page.post("/depot/findings/answer", {"entry": "eq-g", "answer": "x"}).status_code == 422


def test_a_result_about_a_unit_that_stands_at_another_depot_is_kept_and_remarked(
    depot: App, viewer: Client
) -> None:
    far, at, stand = "u-eq-far", THEN + HOUR, "d-eq-far"
    done = depot.record([
        Registered(id="eq-r1", happened_at=THEN, units=(far,), type="wheelset_freight",
                   numbers=(Number(scheme="serial", value="29-777-09"),)),
        Registered(id="eq-r2", happened_at=THEN, units=(stand,), type="bearing_stand",
                   home_site="here"),
        Placed(id="eq-r3", happened_at=THEN + HOUR / 2, units=(far,), site="Neighbour", track="1"),
        Diagnosed(id="eq-r4", happened_at=at, units=(far,), device=stand, method="vibration",
                  outcome="alarm", finding="far alarm", site="here"),
        MachineResult(id="eq-r4:r", happened_at=at, units=(far,), device=stand, result_id="7",
                      machine="bearing_stand", facts=("eq-r4",), site="here"),
        MachineResult(id="eq-r5:r", happened_at=at, units=(far,), device=stand, result_id="8",
                      machine="bearing_stand", site="Neighbour", recipe="sent there"),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in done), done
    assert depot.wait_caught_up(10)
    said = "by the trace the unit stood elsewhere: Neighbour"
    assert viewer.get(f"/depot/equipment/{stand}").text.count(said) == 1
    found = viewer.get("/depot/findings/").text
    assert found.count(said) == 1
    assert "far alarm" in found
    assert said not in viewer.get(f"/depot/equipment/{STAND}").text
    assert depot.entry("eq-r4").operation.units == (far,)
    assert viewer.get("/operations/eq-r4").text.count(said) == 1
    assert viewer.get(f"/units/{far}").text.count(said) == 1


def test_coverage_tells_what_machines_record_hands_record_and_nobody(
    depot: App, viewer: Client
) -> None:
    found = viewer.get("/depot/coverage/").context["processes"]
    steps = next(p for p in found if "ordinary" in p["name"])["steps"]
    assert steps[0]["machine"] >= 1
    assert sum(row["none"] for row in steps) >= 1
    assert steps[0]["machine"] + steps[0]["hand"] + steps[0]["none"] == steps[0]["whole"]


def test_rights_are_given_withdrawn_and_permits_issued(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    right = {"person": "p-77", "qualification": "ndt_ut", "valid_from": "2026-01-01",
             "valid_to": "2027-01-01", "stamp": "К-12"}  # fmt: skip
    assert page.post("/depot/rights/", right | {"valid_to": "2020-01-01"}).status_code == 422
    page.post("/depot/rights/", right)
    assert depot.knowledge().rights("p-77").may("ndt_ut", 1_780_000_000_000_000)
    assert "К-12" in page.get("/depot/rights/").text
    page.post("/depot/rights/withdraw", {"person": "p-77", "qualification": "ndt_ut"})
    again = page.post("/depot/rights/withdraw", {"person": "p-77", "qualification": "ndt_ut"})
    assert again.status_code == 404
    assert reader_as("viewer").get("/depot/rights/").status_code == 403
    issued = page.post(f"/depot/orders/{ORDER}/permit", {"permit_kind": "degassing"})
    assert issued.status_code == 302
    assert page.post(f"/depot/orders/{ORDER}/permit", {"permit_kind": "x"}).status_code == 404


def test_a_shift_shows_what_was_done_and_is_handed_over(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    shown = page.get("/depot/shift/?back=1")
    assert shown.status_code == 200
    title = page.get("/depot/shift/").context["title"]
    sent = {"site": "", "shift": title, "note": "press is cold"}
    assert "press is cold" in page.post("/depot/shift/hand-over", sent, follow=True).text
    assert page.post("/depot/shift/hand-over", {"shift": ""}).status_code == 404


def test_what_a_machine_does_now_is_shown_in_words(depot: App) -> None:
    from railtrace.web.api.answers import LiveMachine, LiveTag
    from railtrace.web.api.machines import live_machines
    from railtrace.web.depot.equipment import _doing
    from railtrace.web.fleet import the_names

    tag = LiveTag(value="71.5", unit="°C")
    live_machines.tell([LiveMachine(device=WASHER, machine="wheelset_washer", phase="rinse",
                                    part="29-20001-09", tags={"bath": tag})])  # fmt: skip
    said = _doing(WASHER, the_names()).replace("\u202f", " ").replace("\xa0", " ")
    assert " · 29-20001-09 · 71" in said
    assert said.endswith("5 °C")
    assert "rinse" not in _doing(WASHER, the_names()) or the_names().language == "en"
    live_machines.tell([LiveMachine(device=WASHER, machine="wheelset_washer", phase="idle")])
    assert _doing(WASHER, the_names()) == ""


def test_a_permit_in_force_is_shown_and_ended_and_its_absence_stops_the_worker(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    then = THEN + HOUR
    tank, order = "u-eq-tank", "WO-EQ-TANK"
    done = depot.record([
        Registered(id="eq-t1", happened_at=then, units=(tank,), type="tank_wagon"),
        OrderOpened(id="eq-t2", happened_at=then, process="tank_welding", work_order=order,
                    units=(tank,)),
        Washed(id="eq-t3", happened_at=then + HOUR, units=(tank,), work_order=order),
        StepAccepted(id="eq-t4", happened_at=then + HOUR, units=(tank,), work_order=order,
                     step="wash", entry="eq-t3", performed_by=("p-otk",)),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(one, Receipt) for one in done), done
    assert depot.wait_caught_up(10)
    inspector, worker = reader_as("inspector"), reader_as("worker")
    stopped = "Do not begin: no permit is in force"
    assert stopped in worker.get("/depot/work/").text
    assert "none in force" in inspector.get(f"/depot/orders/{order}").text
    sent = {"permit_kind": "degassing", "hours": "4", "note": "gas 0.1 %"}
    inspector.post(f"/depot/orders/{order}/permit", sent)
    assert stopped not in worker.get("/depot/work/").text
    [permit] = inspector.get(f"/depot/orders/{order}").context["in_force"].values()
    end = f"/depot/orders/{order}/permit/end"
    assert inspector.post(end, {"permit": "another"}).status_code == 404
    assert inspector.post(end, {"permit": permit.permit, "reason": "gas"}).status_code == 302
    assert stopped in worker.get("/depot/work/").text
