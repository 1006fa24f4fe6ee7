"""Pages of the depot renew themselves; asking in vain costs next to nothing."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import MachineResult, Registered
from railtrace.web.api.answers import LiveMachine
from railtrace.web.api.machines import live_machines

WASHER = "d-live-wash"
PAGES = ["", "orders/", "queue/", "equipment/", "findings/", f"equipment/{WASHER}", "work/"]


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    made = railway.record([
        Registered(id="live-w", happened_at=utc_now(), units=(WASHER,), type="wheelset_washer"),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(one, Receipt) for one in made)
    assert railway.wait_caught_up(10)
    return railway


def result(app: App, number: str) -> None:
    made = app.record([
        MachineResult(id=f"live-r-{number}", happened_at=utc_now(), device=WASHER, result_id=number,
                      machine="wheelset_washer", units=(WASHER,)),
    ], "p-test", "test")  # fmt: skip
    assert isinstance(made[0], Receipt), made
    assert app.wait_caught_up(10)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_whom_to_ask_and_nothing_new_is_an_empty_answer(
    depot: App, reader_as: Callable[..., Client], page: str
) -> None:
    browser = reader_as("worker")
    fresh = browser.get(f"/depot/{page}").context["fresh"]
    answer = browser.get(fresh["url"], {"seen": fresh["mark"]} | _asked(fresh["url"]))
    assert (answer.status_code, answer.content) == (204, b"")


def _asked(url: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in url.partition("?")[2].split("&"))


@pytest.mark.parametrize("page", ["equipment/", f"equipment/{WASHER}", ""])
def test_a_result_changes_the_mark_and_the_page_tells_it(
    depot: App, reader_as: Callable[..., Client], page: str
) -> None:
    browser = reader_as("worker")
    fresh = browser.get(f"/depot/{page}").context["fresh"]
    result(depot, f"n-{len(page)}")
    answer = browser.get(fresh["url"], {"seen": fresh["mark"]} | _asked(fresh["url"]))
    assert json.loads(answer.content)["mark"] != fresh["mark"]


def test_what_a_machine_does_now_stands_on_its_page(depot: App, viewer: Client) -> None:
    before = viewer.get(f"/depot/equipment/{WASHER}").context["fresh"]["mark"]
    live_machines.tell([LiveMachine(device=WASHER, machine="wheelset_washer", phase="rinse",
                                    part="29-1", recipe="WS-2")])  # fmt: skip
    page = viewer.get(f"/depot/equipment/{WASHER}")
    assert page.context["fresh"]["mark"] != before
    assert page.context["running"]["phase"] == "rinse"
    assert "WS-2" in page.text
    live_machines.tell([LiveMachine(device=WASHER, phase="idle")])


def test_the_past_does_not_renew_itself(depot: App, viewer: Client) -> None:
    assert "data-fresh" not in viewer.get(f"/depot/equipment/{WASHER}?at=2026-02-20").text


def test_a_page_that_renews_itself_is_noted_once(depot: App, viewer: Client) -> None:
    from railtrace.web.models import AccessEntry

    def noted() -> int:
        return AccessEntry.objects.filter(page="equipment", action="looked").count()

    before = noted()
    for _ in range(3):
        viewer.get("/depot/equipment/?site=noted", headers={"X-Renewed": "1"})
    assert noted() == before + 1
    viewer.get("/depot/equipment/?site=noted")
    assert noted() == before + 2
