"""A storekeeper in a browser: a list out of balance, a motor nobody accepted, a pair of twins."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_a_list_is_closed_when_it_balances_and_prints_with_signatures(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("technologist")
    page.goto("/depot/lists/?state=missing")
    page.get_by_role("link", name="VO-2").click()
    expect(page.locator(".counts")).to_contain_text("3 / 4")
    page.locator("summary", has_text="Close the list").click()
    closing = page.locator("details.card", has_text="Close the list")
    closing.get_by_role("button", name="Close the list").click()
    expect(page.get_by_role("alert")).to_contain_text("4 sent, 3 returned, 1 missing")
    page.get_by_role("checkbox").last.check()
    closing.get_by_role("button", name="Close the list").click()
    expect(page.get_by_text("The list is closed.")).to_be_visible()
    page.get_by_role("link", name="Return list VO-2/1").click()
    expect(page.locator(".sheet-table tbody tr")).to_have_count(3)
    expect(page.locator(".signatures")).to_contain_text("Handed over")
    expect(page.locator(".qr svg")).to_be_visible()


def test_a_motor_that_nobody_accepted_is_not_fitted(at_work: Callable[..., Page]) -> None:
    # Not the worker: the language another test chose for him stays with him.
    page = at_work("storekeeper")
    page.goto("/depot/stock/?type=traction_motor&status=awaiting")
    row = page.locator("tbody tr").first
    number = row.locator("a.painted").inner_text().replace("\u2011", "-")
    page.goto("/depot/stock/do/fit")
    page.get_by_label("Number of the part").fill(number)
    page.get_by_label("Position").fill("2")
    page.get_by_role("button", name="Fit to a vehicle").click()
    expect(page.locator(".field-error").first).to_contain_text("required")
    page.goto("/depot/stock/do/issue")
    page.get_by_label("Numbers of the parts").fill(number)
    page.get_by_role("button", name="Issue", exact=True).click()
    expect(page.locator(".field-error").first).to_contain_text(
        re.compile("in repair since .*, not accepted")
    )


def test_a_pair_of_look_alikes_is_judged(at_work: Callable[..., Page]) -> None:
    page = at_work("technologist")
    page.goto("/trace/twins?kind=look_alike")
    cards = page.locator("article.twin")
    before = cards.count()
    assert before
    cards.first.locator("summary").click()
    cards.first.get_by_label("What was found out").select_option("same")
    cards.first.get_by_label("How it was found out").fill("the plate was read again")
    cards.first.get_by_role("button", name="Record what was found out").click()
    expect(page.get_by_text("both records stay as they are")).to_be_visible()
    page.goto("/trace/twins?kind=look_alike")
    expect(cards).to_have_count(before - 1)
