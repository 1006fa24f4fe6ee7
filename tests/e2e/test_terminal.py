"""A tablet in the shop: badge and PIN by keyboard alone, and a badge that is in use elsewhere."""

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import SLOW_MACHINE_MS, Depot


def _terminal(administrator: Page, browser: Browser, depot: Depot, key: str) -> Page:
    administrator.goto("/administration/terminals")
    administrator.fill("[name=key]", key)
    administrator.fill("[name=name]", f"Press {key}")
    administrator.get_by_role("button", name="Make").click()
    code = administrator.locator(".secret").nth(1).inner_text()
    context = browser.new_context(base_url=depot.url, viewport={"width": 820, "height": 1180})
    context.set_default_timeout(SLOW_MACHINE_MS)
    context.add_cookies([{"name": "language", "value": "en", "url": depot.url}])
    page = context.new_page()
    page.goto("/terminal/")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Press {key}")).to_be_visible()
    return page


def _hold_badge(page: Page, badge: str, pin: str) -> None:
    """The reader types the badge and Enter; the person types the PIN and Enter."""
    page.keyboard.type(badge)
    page.keyboard.press("Enter")
    expect(page.locator("#pin")).to_be_focused()
    page.keyboard.type(pin)
    page.keyboard.press("Enter")


def test_a_person_works_at_one_terminal_at_a_time(
    depot: Depot, at_work: Callable[..., Page], browser: Browser
) -> None:
    administrator = at_work("administrator")
    administrator.goto("/administration/users?q=ndt")
    administrator.locator("tbody a").first.click()
    for name, text in (("badge", "0012345678"), ("pin", "4711"), ("pin_again", "4711")):
        administrator.fill(f"[name={name}]", text)
    administrator.locator("form", has=administrator.locator("#badge")).get_by_role(
        "button", name="Give"
    ).click()
    expect(administrator.get_by_text("ndt can use the terminals")).to_be_visible()
    first = _terminal(administrator, browser, depot, "one")
    second = _terminal(administrator, browser, depot, "two")
    _hold_badge(first, "0012345678", "4711")
    expect(first.locator(".rail")).to_be_visible()
    _hold_badge(second, "0012345678", "4711")
    expect(second.get_by_role("alert")).to_contain_text("This badge is in use at Press one since")
    second.locator("[data-digit='4']").click()
    for digit in "711":
        second.locator(f"[data-digit='{digit}']").click()
    second.get_by_role("button", name="End it there and log in here").click()
    expect(second.locator(".rail")).to_be_visible()
    first.goto("/fleet/")
    expect(first.locator(".rail")).to_have_count(0)
    for page in (first, second):
        page.context.close()
