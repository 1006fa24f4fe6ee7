"""Working day 11 in a browser: side frames of one heat are called back."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from playwright.sync_api import Page, expect

RECALL = "side-frames-5-7731-2009"


def _counts(page: Page) -> dict[str, int]:
    boxes = page.locator(".counts .count")
    expect(boxes.first).to_be_visible()
    found = {}
    for index in range(boxes.count()):
        number, words = boxes.nth(index).inner_text().split("\n", 1)
        found[words.strip()] = int(number)
    return found


def test_a_heat_is_called_back_and_its_wagons_do_not_leave(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("fleet_manager")
    page.get_by_role("link", name="Recalls").click()
    row = page.locator("tbody tr", has_text="7731")
    expect(row).to_contain_text("open")
    row.locator("a").first.click()
    assert _counts(page) == {
        "to be found": 8, "In service · on 4 vehicles": 5, "Abroad · on 1 vehicle": 1,
        "In stock or unknown place": 2, "Condemned, not counted": 1,
    }  # fmt: skip
    headings = page.locator("main h2").all_inner_texts()
    assert [heading.split(" ·")[0] for heading in headings][:2] == ["In service", "Abroad"]
    abroad = page.locator("h2#abroad + .table-box")
    expect(abroad).to_contain_text(re.compile(r"last known 1[12] days ago"))

    page.locator("h2#in_service + .table-box tbody a.painted").first.click()
    expect(page.locator(".no-go-band")).to_contain_text("May not be released")
    expect(page.locator(".reasons")).to_contain_text("Recalled")


def test_the_list_of_thirty_days_ago_is_the_list_of_that_day(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("fleet_manager")
    page.goto(f"/recalls/{RECALL}")
    then = (date.today() - timedelta(days=30)).isoformat()  # noqa: DTZ011
    page.locator("details.dates summary").click()
    page.fill("[name=known]", then)
    page.locator("details.dates").get_by_role("button", name="Show").click()
    expect(page.locator(".past-band")).to_be_visible()
    assert _counts(page) == {
        "to be found": 9, "In service · on 6 vehicles": 7, "Abroad": 0,
        "In stock or unknown place": 2, "Condemned, not counted": 0,
    }  # fmt: skip
    expect(page.get_by_role("button", name=re.compile("on hold"))).to_have_count(0)


def test_every_part_is_put_on_hold_and_a_hold_is_lifted_with_a_reason(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("fleet_manager")
    page.goto(f"/recalls/{RECALL}")
    page.get_by_role("button", name=re.compile("Put 6 parts on hold")).click()
    expect(page.get_by_role("status").filter(has_text="6 parts are on hold")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("on hold"))).to_have_count(0)
    page.locator("h2#in_service + .table-box tbody a.painted").last.click()
    reasons = page.locator(".reasons")
    expect(reasons).to_contain_text("On hold")
    reasons.locator("summary", has_text="Lift the hold").first.click()
    page.fill(".reasons details[open] [name=reason]", "frame replaced in the shop")
    page.get_by_role("button", name="Lift").click()
    expect(page.get_by_role("status").filter(has_text="The hold is lifted")).to_be_visible()
