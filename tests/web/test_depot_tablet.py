"""What a tablet kept without network is recorded once, at the right time, in any order."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import OrderOpened, Registered

SET, ORDER = "u-tab-1", "WO-TAB-1"
HOUR = timedelta(hours=1)
# One moment a process: the module may be set up twice in it, and what is repeated is a duplicate.
THEN = utc_now() - 12 * HOUR


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    """Return a railway with an order of three steps by hand."""
    then = THEN
    results = railway.record([
        Registered(id="tab-1", happened_at=then, units=(SET,), type="brake_cylinder"),
        OrderOpened(id="tab-2", happened_at=then, units=(SET,), work_order=ORDER,
                    process="brake_equipment"),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def step(now: datetime, ago: timedelta, key: str = "clean", **more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "order": ORDER, "step": key, "done_at": (now - ago).isoformat(),
            "sent_at": now.isoformat()} | more  # fmt: skip


def send(page: Client, body: dict[str, Any]) -> Any:
    return page.post("/depot/work/send", body, content_type="application/json")


def test_later_work_sent_first_counts_once_what_came_before_it_is_sent_too(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page, now = reader_as("worker"), depot.clock()
    repair, clean = step(now, HOUR, "repair"), step(now, 2 * HOUR, note="by wire brush")
    assert send(page, repair).status_code == 200
    states = {s.step.key: s.status for s in _steps(depot)}
    assert states == {"clean": "ready", "repair": "void", "test": "waiting"}
    assert send(page, clean).status_code == send(page, clean).status_code == 200
    first = _steps(depot)[0]
    assert (first.status, len(first.attempts)) == ("done", 1)
    assert "by wire brush" in first.last.entry.operation.note
    assert "before_its_turn" not in [f.code for f in _steps(depot)[1].last.faults]


def test_a_tablet_whose_clock_is_wrong_is_put_right_and_its_time_kept(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page, now = reader_as("worker"), depot.clock()
    wrong = now + 90 * HOUR
    photo = "data:image/png;base64," + base64.b64encode(b"picture").decode()
    assert send(page, step(wrong, HOUR, photo=photo)).status_code == 200
    entry = _steps(depot)[0].attempts[-1].entry
    happened = entry.operation.happened_at
    assert abs(happened - (now - HOUR)) < timedelta(seconds=30)
    assert f"tablet clock {(wrong - HOUR).isoformat(timespec='seconds')}" in entry.operation.note
    assert entry.operation.evidence[0].evidence_class == "photo"


def test_what_one_person_did_is_not_sent_by_the_name_of_another(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page, now = reader_as("worker"), depot.clock()
    me = page.get("/depot/work/").context["person"]
    said = send(page, step(now, HOUR, person="p-somebody"))
    assert (said.status_code, "done by p-somebody" in said.json()["said"]) == (422, True)
    body = step(now, HOUR, person=me)
    assert send(page, body).status_code == 200
    assert depot.entry(f"tab:{body['id']}").operation.performed_by == (me,)


def test_what_may_be_done_without_asking_is_on_the_page_for_when_there_is_no_network(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    fresh = "WO-TAB-2"
    depot.record([OrderOpened(id="tab-9", happened_at=THEN, units=(SET,), work_order=fresh,
                              process="brake_equipment")], "p-test", "test")  # fmt: skip
    assert depot.wait_caught_up(10)
    items = reader_as("worker").get("/depot/work/").context["items"]
    item = next(item for item in items if item["told"].order.order == fresh)
    later = [step["step"] for step in json.loads(item["later"])]
    assert later[0] == "repair"
    process = depot.knowledge().catalogue.processes["brake_equipment"]
    assert all(process.step(key).by_hand != "no" and not process.step(key).permit for key in later)
    assert all(not process.step(key).hold_point for key in later[:-1])


def test_what_cannot_be_recorded_says_why_and_stays_on_the_tablet(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page, now = reader_as("worker"), depot.clock()
    said = send(page, step(now, HOUR, "polish"))
    assert (said.status_code, "has no step polish" in said.json()["said"]) == (422, True)
    assert send(page, {"id": "x"}).status_code == 422
    assert "photo cannot be read" in send(page, step(now, HOUR, photo="data:,§")).json()["said"]
    assert send(reader_as("viewer"), step(now, HOUR)).status_code == 403


def test_the_page_its_worker_and_the_paper_forms_are_served(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("worker")
    assert "plain HTTP" in page.get("/depot/work/").text
    worker = page.get("/depot/work/worker.js")
    assert worker["Content-Type"] == "text/javascript"
    assert "web/tablet" in worker.text
    assert ORDER in page.get("/depot/work/paper").text


def _steps(app: App) -> Any:
    return app.knowledge().steps(app.knowledge().order(f"order:{ORDER}"))
