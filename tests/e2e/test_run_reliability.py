"""With what reliability does it go out: from the fleet to the entry behind a share of the risk."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SLOW_MACHINE_MS

FIT_MS = 2 * SLOW_MACHINE_MS


def percent(text: str) -> float:
    """Return a chance as told on a page."""
    return float(text.replace("%", "").replace(",", ".").strip())


def test_an_engineer_finds_the_weakest_unit_and_opens_what_its_risk_stands_on(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("fleet_manager")
    page.goto("/reliability/?class=locomotive")
    weakest = page.locator("main table a[href^='/units/']").first
    for _ in range(FIT_MS // 2000):
        if weakest.count():
            break
        page.wait_for_timeout(2000)
        page.reload()
    page.goto(f"{weakest.get_attribute('href')}".split("?")[0] + "?tab=reliability")
    told = page.locator(".promise strong").first
    near = percent(told.inner_text())
    assert 50 < near < 100
    # Shares are of the whole; what they stand on is graded.
    inputs = page.locator("section", has_text="What it is told from")
    expect(inputs).to_contain_text("wear of its wheels, with the forecast to their limits")
    expect(inputs).to_contain_text("last verdicts of diagnoses on its components")
    expect(inputs).to_contain_text("missing")
    page.fill("[name=km]", "5000")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[name=km]")).to_have_value("5000")
    assert percent(told.inner_text()) < near
    page.get_by_text("What these figures stand on").click()
    expect(page.locator("main")).to_contain_text("condition 2026-11")
    # What is told of a place opens to its operation: a failure, a verdict or a reading.
    page.goto("/reliability/?class=locomotive")
    units = page.locator("main table a[href^='/units/']")
    for unit in [units.nth(n).get_attribute("href") for n in range(units.count())]:
        page.goto(f"{unit}".split("?")[0] + "?tab=reliability")
        told_of = page.locator("section", has_text="Where the risk lies").locator(
            "a[href*='/operations/']"
        )
        if told_of.count():
            break
    told_of.first.click()
    expect(page).to_have_url(re.compile("/operations/"))
