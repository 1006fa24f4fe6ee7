"""A contradiction is found on a unit, looked into, and closed by a person with a reason."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import WHEELSET


def test_a_person_closes_a_contradiction_and_the_reason_stays(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("technologist")
    page.goto(f"/units/{WHEELSET}")
    reason = page.locator(".reasons li", has_text="Contradiction")
    expect(reason).to_contain_text("where it is not")
    reason.locator("a").first.click()
    card = page.locator("article.contradiction")
    card.locator("[name=reason]").fill("the clerk took the number of the neighbour")
    card.get_by_role("button", name="Close with this reason").click()
    expect(page.get_by_text("Nothing is contradicted")).to_be_visible()
    page.get_by_role("link", name="With the closed ones").click()
    expect(page.get_by_text("the clerk took the number of the neighbour")).to_be_visible()
    page.goto(f"/units/{WHEELSET}")
    expect(page.locator(".reasons li", has_text="Contradiction")).to_have_count(0)


def test_a_slip_is_corrected_and_both_entries_are_shown(at_work: Callable[..., Page]) -> None:
    page = at_work("technologist")
    page.goto("/operations/e2e-8")
    page.get_by_role("link", name="Correct this entry").click()
    page.fill("[name=fact-distance_km]", "1205,5")
    page.fill("textarea[name=reason]", "two digits were swapped")
    page.get_by_role("button", name="Record the correction").click()
    expect(page.get_by_text("What stands in its place")).to_be_visible()
    expect(page.locator("main")).to_contain_text("1205.5")
    expect(page.locator(".was")).to_contain_text("1250.5")
