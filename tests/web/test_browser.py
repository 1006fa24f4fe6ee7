"""The main paths in a real Chromium."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from railtrace.app import App
from railtrace.web.accounts import demo_users
from tests.web.conftest import COACH, WHEELSET

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def at_work(live_server: Any, railway: App, page: Page) -> Iterator[Page]:
    """Return a page of a fleet manager who has just logged in; nothing may complain on it."""
    demo_users()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.context.add_cookies([{"name": "language", "value": "en", "url": live_server.url}])
    page.goto(live_server.url)
    page.fill("[name=username]", "fleet_manager")
    page.fill("[name=password]", "fleet-manager-demo")
    page.click("button.btn-primary")
    page.wait_for_load_state("load")
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    yield page
    assert complaints == []


def test_from_a_typed_number_to_the_proof_of_a_worn_wheel(at_work: Page) -> None:
    at_work.keyboard.press("/")
    at_work.keyboard.type("07312317")
    at_work.keyboard.press("Enter")
    expect(at_work.locator("h1")).to_have_text(re.compile("073.12317"))
    at_work.locator(".drawing a.is-unfit").first.click()
    expect(at_work).to_have_url(re.compile(WHEELSET))
    tabs = at_work.get_by_role("navigation", name="Unit")
    tabs.get_by_role("link", name="Measurements").click()
    expect(at_work.locator(".chart svg").first).to_be_visible()
    at_work.locator("table .seal").first.click()
    with at_work.expect_download() as download:
        at_work.get_by_role("link", name="Download the proof").click()
    assert download.value.suggested_filename == "railtrace-proof.json"


def test_the_life_line_zooms_to_a_single_operation(at_work: Page, live_server: Any) -> None:
    at_work.goto(f"{live_server.url}/units/{COACH}")
    stage = at_work.locator(".lifeline-stage")
    expect(stage.locator("svg")).to_be_visible()
    all_events = stage.locator(".event, .cluster").count()
    at_work.get_by_role("button", name="Month").click()
    expect(stage.locator(".event, .cluster")).not_to_have_count(all_events)
    at_work.get_by_role("button", name="Whole life").click()
    expect(stage.locator(".event, .cluster")).to_have_count(all_events)


def test_the_past_is_tinted_and_carried_along(at_work: Page, live_server: Any) -> None:
    at_work.goto(f"{live_server.url}/units/{COACH}?at=2026-01-20")
    rail = at_work.locator(".rail")
    tinted = rail.evaluate("node => getComputedStyle(node).backgroundColor")
    at_work.locator(".drawing a").first.click()
    expect(at_work).to_have_url(re.compile(f"{WHEELSET}.*at=2026-01-20"))
    at_work.get_by_role("link", name="Back to now").first.click()
    expect(at_work.locator(".past-band")).to_have_count(0)
    assert rail.evaluate("node => getComputedStyle(node).backgroundColor") != tinted


@pytest.mark.parametrize("width", [390, 834, 1440])
@pytest.mark.parametrize("address", ["/fleet/", f"/units/{COACH}", "/trace/", "/operations/m-1"])
def test_nothing_runs_off_the_side_of_a_screen(
    at_work: Page, live_server: Any, width: int, address: str
) -> None:
    at_work.set_viewport_size({"width": width, "height": 900})
    at_work.goto(f"{live_server.url}{address}")
    at_work.wait_for_load_state("networkidle")
    assert at_work.evaluate("document.documentElement.scrollWidth") <= width
