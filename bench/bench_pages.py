"""Pages over a million operations, through Django and back: what a reader waits for the server."""

import json
import os
import random
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bench.ledger_of import recorded
from bench.table import Row, seconds, within
from railtrace.app import App

OPERATIONS = 1_000_000
SAMPLE = 40
PART_LIST_PAGE = 25


def rows() -> list[Row]:
    """Return the rows of this benchmark."""
    app = recorded(OPERATIONS)
    with tempfile.TemporaryDirectory() as folder:
        browser = browser_of(folder, "technologist")
        from railtrace.web import running

        running._running.append(app)
        return [*_units(browser, app), *_fleet(browser), *_search(browser, app),
                *_turning(browser, app)]  # fmt: skip


def browser_of(folder: str, role: str) -> Any:
    """Return the browser of a role; users and sessions live in a folder of their own."""
    os.environ["RAILTRACE_DATA"] = folder
    from railtrace.web.console import demo_logins, open_web

    open_web()
    from django.test import Client

    _role, name, password = next(login for login in demo_logins() if login[0] == role)
    browser = Client(HTTP_HOST="localhost", HTTP_ACCEPT_ENCODING="gzip")
    browser.cookies["language"] = "ru"
    assert browser.login(username=name, password=password)
    return browser


def median_ms(browser: Any, addresses: Sequence[str]) -> float:
    """Return how long a page of these takes in the middle [ms], after four that warm up."""
    for address in addresses[:4]:
        _get(browser, address)
    return statistics.median(seconds(lambda a=a: _get(browser, a)) for a in addresses) * 1000


def _get(browser: Any, address: str) -> Any:
    response = browser.get(address, follow=True)
    assert response.status_code == 200, (address, response.status_code)
    return response


def _units(browser: Any, app: App) -> list[Row]:
    units = app.views.database.query(
        "SELECT unit FROM units WHERE vehicle_class IN ('locomotive', 'coach', 'freight_wagon')"
    )
    parts = app.views.database.query("SELECT unit FROM units WHERE type LIKE 'wheelset%'")
    some = [f"/units/{u}" for (u,) in random.Random(1).sample(units, SAMPLE)]
    some_parts = [f"/units/{u}" for (u,) in random.Random(2).sample(parts, SAMPLE)]
    return [
        _row("a vehicle: life", browser, some, 150),
        _row("a vehicle: structure", browser, [f"{a}?tab=structure" for a in some], 150),
        _row("a vehicle: measurements", browser, [f"{a}?tab=measurements" for a in some], 150),
        _row("a vehicle with its parts' operations", browser, [f"{a}?parts=1" for a in some], 150),
        _row("a wheelset: measurements", browser,
             [f"{a}?tab=measurements" for a in some_parts], 150),
        _row("a vehicle as known at two dates", browser,
             [f"{a}?at=2026-05-01&known={app.clock():%Y-%m-%d}" for a in some], 500),
    ]  # fmt: skip


def _row(name: str, browser: Any, addresses: Sequence[str], bar_ms: float) -> Row:
    return within(f"page: {name}", median_ms(browser, addresses), bar_ms)


def _fleet(browser: Any) -> list[Row]:
    asked = ["", "?sort=km&desc=1", "?status=in_repair", "?vehicle_class=coach", "?text=73"]
    return [
        _row("fleet, sorted and filtered", browser, [f"/fleet/{q}" for q in asked] * 6, 150),
        _row("all parts", browser, ["/fleet/?scope=parts"] * 12, 150),
    ]


def _search(browser: Any, app: App) -> list[Row]:
    numbers = app.views.database.query("SELECT value FROM numbers")
    some = [value for (value,) in random.Random(3).sample(numbers, SAMPLE)]
    whole = [f"/search?q={quote(value)}" for value in some]
    return [
        within("search: part of a number, answered", median_ms(
            browser, [f"/search?q={quote(value[2:6])}" for value in some]), 50),
        within("search: a whole number, answered", statistics.median(
            seconds(lambda a=a: browser.get(a)) for a in whole) * 1000, 50),
    ]  # fmt: skip


def _turning(browser: Any, app: App) -> list[Row]:
    """Time page 1,000 of the longest list against its first."""
    from railtrace.web import fleet

    fleet.PAGE = PART_LIST_PAGE
    after = None
    for _ in range(999):
        after = app.lookup.fleet({"scope": "parts"}, after=after, limit=PART_LIST_PAGE).after
    first = "/fleet/?scope=parts"
    last = f"{first}&after={quote(json.dumps(after))}"
    page_1, page_1000 = (median_ms(browser, [a] * 12) for a in (first, last))
    ratio = page_1000 / page_1
    return [Row("page 1,000 of all parts against page 1", f"{page_1000:.1f} ms",
                f"{page_1:.1f} ms", f"{ratio:.2f}", "≤ 1.2", ratio <= 1.2)]  # fmt: skip


if __name__ == "__main__":
    print(datetime.now(UTC), f"{OPERATIONS:,} operations")
    for row in rows():
        print(row)
