"""The main paths in a real Chromium."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from railtrace.app import App
from railtrace.trace.operation import Inspected
from railtrace.web.accounts import demo_users
from tests.web.conftest import COACH, T0, WHEELSET
from tests.web.test_pages import PAGES

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
EVERY_PAGE = [
    *PAGES, "/trace/catalogue?kind=limits", "/trace/catalogue/tep70", "/correct/m-1", "/import/",
    "/holdings/", "/holdings/movements", "/holdings/availability", "/holdings/locomotives",
    "/holdings/guests", "/holdings/introduction", "/holdings/sites", "/holdings/jobs/",
    f"/holdings/change/state/{COACH}", f"/units/{COACH}?tab=holding",
]  # fmt: skip
MAIN_PAGES = [
    "/fleet/", "/search?q=W", f"/units/{COACH}", f"/units/{COACH}?tab=structure",
    f"/units/{WHEELSET}?tab=measurements", f"/units/{COACH}?at=2026-02-01", "/operations/m-1",
    "/depot/", "/depot/orders/", "/depot/work/",
    "/correct/m-1", "/recalls/", "/trace/", "/trace/contradictions", "/trace/catalogue/tep70",
    "/account/", "/holdings/", "/holdings/movements?from=2026-01-01&to=2026-04-01",
    "/holdings/availability", "/holdings/introduction", f"/units/{COACH}?tab=holding",
    f"/holdings/change/state/{COACH}",
]  # fmt: skip

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
    expect(stage.locator(".born")).to_have_count(0)
    at_work.get_by_role("button", name="Whole life").click()
    # The coach was made in 1998; nothing is recorded of the years before 2026.
    expect(stage.locator(".born")).to_have_count(1)
    expect(stage.locator(".nothing")).to_have_text("no records")


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
def test_no_page_complains_or_runs_off_the_side_of_a_screen(
    at_work: Page, live_server: Any, width: int
) -> None:
    at_work.set_viewport_size({"width": width, "height": 900})
    for address in EVERY_PAGE:
        _open(at_work, f"{live_server.url}{address}")
        assert at_work.evaluate("document.documentElement.scrollWidth") <= width, address


def _open(page: Page, address: str) -> None:
    page.goto(address)
    if page.locator("#lifeline").count():
        page.locator("#lifeline svg").first.wait_for()


@pytest.mark.parametrize("theme", ["light", "dark", "sun"])
def test_pages_meet_wcag_in_every_theme(at_work: Page, live_server: Any, theme: str) -> None:
    at_work.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    found = {}
    for address in MAIN_PAGES:
        _open(at_work, f"{live_server.url}{address}")
        at_work.evaluate(AXE.read_text("utf-8"))
        violations = at_work.evaluate(f"axe.run(document, {json.dumps(AXE_RULES)})")["violations"]
        if violations:
            found[address] = [(v["id"], v["nodes"][0]["html"]) for v in violations]
    assert found == {}


def test_keys_lead_from_the_search_box_through_the_list(at_work: Page, live_server: Any) -> None:
    at_work.goto(f"{live_server.url}/search?q=W+01")
    first, second = (at_work.locator(".list tbody a").nth(n) for n in (0, 1))
    at_work.keyboard.press("/")
    at_work.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    at_work.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    at_work.keyboard.press("Escape")
    expect(at_work.locator("#scan")).to_be_focused()
    at_work.keyboard.press("ArrowDown")
    at_work.keyboard.press("Enter")
    expect(at_work).to_have_url(re.compile("/units/u-wagon-"))


def test_a_limit_says_its_source_at_a_tap(at_work: Page, live_server: Any, railway: App) -> None:
    at_work.goto(f"{live_server.url}/units/{WHEELSET}?tab=measurements")
    at_work.locator("button.said").first.click()
    source = at_work.locator(".tip-box").inner_text()
    assert any(limit.source in source for limit in railway.catalogue().limits.values())
    at_work.keyboard.press("Escape")
    expect(at_work.locator(".tip-box")).to_have_count(0)


def test_a_page_that_is_looked_at_hears_of_new_entries(
    at_work: Page, live_server: Any, railway: App
) -> None:
    at_work.clock.install()
    at_work.goto(f"{live_server.url}/units/{COACH}")
    railway.record(
        [Inspected(id=f"news-{uuid.uuid4()}", happened_at=T0, units=(COACH,))], "p-test", "test"
    )
    assert railway.wait_caught_up(10)
    expect(at_work.locator(".news")).to_be_hidden()
    at_work.clock.run_for(6000)
    expect(at_work.locator(".news")).to_have_text("1 new entry")
