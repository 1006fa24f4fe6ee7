"""What is due and how a unit is run, by keyboard and in a browser; winter and summer (15, 9)."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from playwright.sync_api import Page, expect

from railtrace.trace.operation import EnteredRepair, GuestSeen, Number, Operation
from tests.e2e.conftest import Depot
from tests.web.trains.test_days_of_trains import lines_of, winter

GUEST, GUEST_NUMBER = "u-e2e-guest", "66345679"


def _token(page: Page) -> str:
    page.goto("/administration/tokens")
    page.fill("[name=name]", "the due days")
    page.check("[name=scopes][value=record]")
    page.get_by_role("button", name="Make").click()
    return page.locator(".secret").inner_text()


def _record(depot: Depot, token: str, operations: Iterable[Operation]) -> None:
    body = b"\n".join(msgspec.json.encode(one) for one in operations)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    asked = urllib.request.Request(f"{depot.url}/api/operations", body, headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        results = json.loads(answer.read())["results"]
    assert all(one["status"] == "accepted" for one in results), results


def _next(month: int) -> datetime:
    """Return the coming twelfth of a month."""
    now = datetime.now(UTC)
    this = datetime(now.year, month, 12, 6, tzinfo=UTC)
    return this if this > now + timedelta(days=1) else this.replace(year=now.year + 1)


def test_in_winter_the_pump_stops_the_train_and_in_summer_it_does_not(
    depot: Depot, at_work: Callable[..., Page]
) -> None:
    token, said = _token(at_work("administrator")), {}
    officer = at_work("release_officer")
    for when, month in (("e2e-dec", 12), ("e2e-jun", 6)):
        consist, operations = winter(when, _next(month))
        _record(depot, token, operations)
        officer.goto(f"/trains/{consist}")
        expect(officer.locator(".gate").first).to_be_visible()
        said[when] = lines_of(officer.content())
    december, june = said["e2e-dec"], " ".join(s for some in said["e2e-jun"].values() for s in some)
    assert [s for s in december["mandatory"] if "№ 7" in s and "Heating out of order" in s]
    assert [s for s in december["mandatory"] if "№ 10" in s and "Disinfection has run out" in s]
    assert [s for s in december["warning"] if "№ 3" in s and "next supply at" in s]
    assert [s for s in december["warning"] if "№ 8" in s and "next supply at" in s]
    assert "Heating out of order" not in june
    assert "Coal for the trip" not in june


def test_the_notice_of_an_uncoupled_guest_prints_from_its_page_and_nothing_is_due_on_it(
    depot: Depot, at_work: Callable[..., Page]
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=5)
    number = Number(scheme="network8", value=GUEST_NUMBER)
    _record(depot, _token(at_work("administrator")), [
        GuestSeen(id="e2e-guest", happened_at=now, units=(GUEST,), owner_state="27",
                  type="gondola", numbers=(number,)),
        EnteredRepair(id="e2e-uncoupled", happened_at=now, units=(GUEST,), repair_kind="ТР-2",
                      reason="102: flange 23.6 mm, limit 24"),
    ])  # fmt: skip
    page = at_work("foreman")
    page.goto(f"/units/{GUEST}?tab=documents")
    link = page.locator("a[href='/forms/vu23m/e2e-uncoupled.pdf']")
    expect(link).to_be_visible()
    printed = page.request.get(f"{link.get_attribute('href')}")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.body().startswith(b"%PDF")
    page.goto(f"/units/{GUEST}?tab=due")
    expect(page.locator(".due-table")).to_have_count(0)


def test_the_due_board_is_walked_by_arrows_opened_by_enter_and_printed(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("fleet_manager")
    page.goto("/fleet/due/?class=locomotive&weeks=26")
    page.locator("#scan").focus()
    page.keyboard.press("ArrowDown")
    first = page.locator("[data-grid] tbody th a").first
    expect(first).to_be_focused()
    row = page.locator("[data-grid] tbody tr", has=page.locator("td a")).first
    row.locator("th a").focus()
    page.keyboard.press("ArrowRight")
    cell = row.locator("td a").first
    expect(cell).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/units/.+tab=due#due-"))
    expect(page.locator(".due-table tr:target")).to_have_count(1)
    page.goto("/fleet/due/?class=locomotive&weeks=26&view=calendar")
    page.locator(".month-grid a").first.click()
    expect(page.locator(".due-table tbody tr").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".due-table")).to_be_visible()


def test_from_the_dashboard_to_the_second_of_a_violation_on_the_recorder_s_chart(
    at_work: Callable[..., Page],
) -> None:
    page = at_work("technologist")
    page.goto("/fleet/quality?months=1")
    cells = page.locator(".heat.weeks a[href*='week=']")
    weeks = [f"{cells.nth(n).get_attribute('href')}" for n in range(cells.count())]
    charts = page.locator("a[href*='/fleet/quality/recorder/']")
    # The latest weeks are those of recorder files; violations of before came from journals.
    for address in sorted(weeks, key=lambda href: href.rpartition("week=")[2], reverse=True):
        page.goto(address)
        if charts.count():
            break
    charts.first.click()
    span = page.locator("#recorder-span")
    expect(page.locator("#recorder canvas").first).to_be_visible()
    page.get_by_role("link", name="Show").first.click()
    box = page.locator("#recorder")
    expect(box).to_be_focused()
    for _ in range(8):
        before = span.inner_text()
        page.keyboard.press("+")
        if _seconds(before) > 10:
            expect(span).not_to_have_text(before)
    assert _seconds(span.inner_text()) == 10
    # Under the pointer stands a row of the file: its second and what was recorded in it.
    canvas = page.locator("#recorder .u-over").first
    canvas.hover(position={"x": 200, "y": 40})
    canvas.hover(position={"x": 220, "y": 60})
    legend = page.locator("#recorder .u-legend").first
    expect(legend).to_have_text(re.compile(r"\d\d:\d\d:\d\d.*\d"))
    page.keyboard.press("0")
    expect(span).not_to_have_text(before)
    assert _seconds(span.inner_text()) > 3600


def _seconds(span: str) -> int:
    first, last = (
        sum(int(part) * 60**n for n, part in enumerate(reversed(clock.strip().split(":"))))
        for clock in span.split("–")
    )
    return (last - first) % 86_400
