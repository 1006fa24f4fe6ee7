"""A wheelset is formed of an axle, wheels and boxes at the counter, and disbanded again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Depot
from tests.e2e.test_wrong_coach import _record, _token

PARTS = {
    "5-77001-26": "axle", "5-77002-26": "wheel", "5-77003-26": "wheel",
    "5-77004-26": "axle_box", "5-77005-26": "axle_box",
}  # fmt: skip
AXLE, LEFT, RIGHT, BOX_LEFT, BOX_RIGHT = PARTS
WHEELSET = "5-88777-26"


def _enter_parts(depot: Depot, page: Page) -> None:
    at = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    _record(depot, _token(page), [
        {"kind": "Registered", "id": f"wf-{number}", "happened_at": at, "units": [f"u-wf-{number}"],
         "type": type_, "numbers": [{"scheme": "serial", "value": number}]}
        for number, type_ in PARTS.items()
    ])  # fmt: skip


def _form(page: Page, number: str, axle: str, left: str, right: str) -> None:
    page.goto("/depot/stock/do/form")
    page.get_by_label("Number of the wheelset").fill(number)
    page.get_by_label("Type, if it is new to us").select_option("wheelset_passenger")
    page.get_by_label("Axle", exact=True).fill(axle)
    page.get_by_label("Left side").fill(left)
    page.get_by_label("Right side").fill(right)
    page.get_by_role("button", name="Form a wheelset").click()


def test_a_wheelset_is_formed_and_disbanded(
    depot: Depot, at_work: Callable[..., Page]
) -> None:
    _enter_parts(depot, at_work("administrator"))
    page = at_work("storekeeper")
    wrong = page.locator(".field-error").first
    _form(page, WHEELSET, LEFT, LEFT, RIGHT)
    expect(wrong).to_contain_text("has no place here on this wheelset")
    _form(page, WHEELSET, AXLE, f"{LEFT}\n{BOX_LEFT}", BOX_RIGHT)
    expect(wrong).to_contain_text("a wheelset has an axle and two wheels")
    _form(page, WHEELSET, AXLE, f"{LEFT}\n{RIGHT}", RIGHT)
    expect(wrong).to_contain_text("is taken by another part")
    _form(page, WHEELSET, AXLE, f"{LEFT}\n{BOX_LEFT}", f"{RIGHT}\n{BOX_RIGHT}")
    expect(page.get_by_text("The wheelset is formed.")).to_be_visible()
    page.goto(f"/search?q={WHEELSET}")
    page.get_by_role("link", name="Structure").click()
    for number in PARTS:
        expect(page.locator("main")).to_contain_text(number.replace("-", "\u2011"))
    _form(page, "5-88778-26", AXLE, LEFT, RIGHT)
    expect(wrong).to_contain_text("take it off first")

    page.goto("/depot/stock/do/disband")
    page.get_by_label("Number of the wheelset").fill(WHEELSET)
    page.get_by_label("Reason").fill("worn seats")
    page.get_by_role("button", name="Disband a wheelset").click()
    expect(page.get_by_text("The wheelset is disbanded; its parts live on.")).to_be_visible()
    page.goto(f"/search?q={AXLE}")
    expect(page.locator(".unit-facts")).to_be_visible()
    page.goto("/depot/stock/do/disband")
    page.get_by_label("Number of the wheelset").fill(WHEELSET)
    page.get_by_label("Reason").fill("once more")
    page.get_by_role("button", name="Disband a wheelset").click()
    expect(wrong).to_contain_text("the trace knows of no part on it")
