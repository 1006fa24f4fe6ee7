"""Instruments on the pages: dues, proofs, a withdrawal and who leans on it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.merkle import check_inclusion, leaf_hash
from railtrace.trace.operation import Installed, LeftRepair, Measured, Number, Reading, Registered
from tests.web.conftest import T0, _types

GAUGE, COACH, SET = "d-metrology-1", "u-metrology-coach", "u-metrology-set"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    """Return a railway with a gauge and a coach measured with it."""
    coach, wheelset = _types(railway)
    flange = Reading(quantity="flange_thickness", place="left", value="25.4", unit="mm",
                     uncertainty="0.2")  # fmt: skip
    railway.record([
        Registered(id="met-1", happened_at=T0, units=(GAUGE,), type="wheel_gauge",
                   numbers=(Number(scheme="serial", value="07-0417"),)),
        Registered(id="met-2", happened_at=T0, units=(COACH,), type=coach,
                   numbers=(Number(scheme="other", value="MET 1"),)),
        Registered(id="met-3", happened_at=T0, units=(SET,), type=wheelset),
        Installed(id="met-4", happened_at=T0, units=(SET,), carrier=COACH,
                  position="bogie.1/wheelset.1"),
        Measured(id="met-5", happened_at=T0 + 60 * DAY, units=(SET,), device=GAUGE,
                 readings=(flange,)),
        LeftRepair(id="met-6", happened_at=T0 + 61 * DAY, units=(COACH,), repair_kind="ТО-3"),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_two_machines_with_one_serial_are_named_on_the_pages_of_both(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    twin = "d-metrology-twin"
    depot.record([
        Registered(id="met-7", happened_at=T0, units=(twin,), type="wheel_gauge",
                   numbers=(Number(scheme="serial", value="07-0417"),)),
    ], "p-test", "test")  # fmt: skip
    assert depot.wait_caught_up(10)
    page = reader_as("technologist")
    for mine, other in ((GAUGE, twin), (twin, GAUGE)):
        shown = page.get(f"/depot/equipment/{mine}").text
        assert "Another machine bears this serial number" in shown
        assert f'/depot/equipment/{other}"' in shown


def test_a_gauge_is_proved_withdrawn_and_its_coach_is_found(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    assert "no proof is recorded" in page.get("/depot/metrology/?state=unrecorded").text
    first = T0 + 50 * DAY
    proof = {"way": "verified", "entry": "А/2026/1", "valid_from": f"{first:%Y-%m-%d}",
             "valid_to": f"{first + 365 * DAY:%Y-%m-%d}", "uncertainty": "0.2",
             "passed": "passed"}  # fmt: skip
    wrong = page.post(f"/depot/equipment/{GAUGE}/proof", proof | {"valid_to": "2020-01-01"})
    assert wrong.status_code == 422
    assert "not after the day it begins" in wrong.text
    assert page.post(f"/depot/equipment/{GAUGE}/proof", proof).status_code == 302
    assert depot.knowledge().instrument(GAUGE).proofs[0].ranges[0].uncertainty == "0.2"
    assert "А/2026/1" in page.get(f"/depot/equipment/{GAUGE}").text
    found = {"window_from": f"{first:%Y-%m-%d}", "finding": "0.6 mm too thick",
             "quantity": "flange_thickness", "bias": "0.6"}  # fmt: skip
    nameless = page.post(f"/depot/equipment/{GAUGE}/withdraw", found | {"quantity": ""})
    assert "Name the quantity" in nameless.text
    sent = page.post(f"/depot/equipment/{GAUGE}/withdraw", found)
    recall = page.get(sent["Location"]).text
    for said in ("MET\u00a01", "25.4", "24.8", "suspect readings, none changed"):
        assert said in recall
    assert "MET\u00a01" in page.get(sent["Location"] + ".csv").content.decode()
    assert "measure again with a valid instrument" in page.get(f"/units/{COACH}").text
    assert "Leaned on a suspect instrument" in page.get("/operations/met-6").text
    assert "may not release a unit" in page.get("/operations/met-5").text
    proof = page.get("/proof/met-6").json()
    checkpoint = Checkpoint.parse(proof["checkpoint"])
    path = [bytes.fromhex(part) for part in proof["path"]]
    leaf, at = leaf_hash(proof["leaf"].encode()), proof["position"]
    check_inclusion(leaf, at, checkpoint.size, path, checkpoint.root)


def test_a_worker_may_not_withdraw_and_a_viewer_may_not_record(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    assert reader_as("worker").post(f"/depot/equipment/{GAUGE}/withdraw").status_code == 403
    assert reader_as("viewer").post(f"/depot/equipment/{GAUGE}/proof").status_code == 403
    assert reader_as("viewer").get("/depot/equipment/nobody").status_code == 404
    assert reader_as("viewer").get("/depot/suspects/met-5").status_code == 404


def test_an_instrument_is_entered_and_stands_among_the_dues(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("worker")
    asked = page.get("/depot/metrology/new", follow=True)
    assert asked.redirect_chain[0][0] == "/depot/metrology/?new=1#new-instrument"
    assert 'id="new-instrument" open' in asked.text
    sent = page.post("/depot/metrology/new", {"type": "megohmmeter", "number": "E6-31", "site": ""})
    assert "6‑31" in page.get(sent["Location"]).text
    assert "6‑31" in page.get("/depot/metrology/instruments.csv").content.decode()
    assert (
        page.post("/depot/metrology/new", {"type": "no", "number": ""}, follow=True).status_code
        == 200
    )
