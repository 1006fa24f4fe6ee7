"""Scenario 23: measurements stand on the wrong coach; a release leaned on them; all are told."""

import json
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Depot

TEN_PAST_TEN = (datetime.now(timezone(timedelta(hours=5))) - timedelta(days=1)).replace(
    hour=10, minute=5, second=0, microsecond=0
)
PLACES = [f"bogie.{b}/wheelset.{w}" for b in (1, 2) for w in (1, 2)]
SITE = "dushanbe-coach"


def _coach(unit: str, number: str) -> list[dict[str, Any]]:
    at = (TEN_PAST_TEN - timedelta(days=30)).isoformat()
    said = {"happened_at": at, "site": SITE}
    return [
        {"kind": "Registered", "id": f"reg-{unit}", "units": [unit], "type": "coach_compartment",
         "home_site": SITE, "numbers": [{"scheme": "network8", "value": number}]} | said,
        *({"kind": "Registered", "id": f"reg-{unit}-{n}", "units": [f"{unit}-{n}"],
           "type": "wheelset_passenger"} | said for n in range(4)),
        *({"kind": "Installed", "id": f"on-{unit}-{n}", "units": [f"{unit}-{n}"], "carrier": unit,
           "position": place} | said for n, place in enumerate(PLACES)),
    ]  # fmt: skip


def _measured() -> list[dict[str, Any]]:
    """The eight wheels of 073 12309, entered for 073 12093 at 10:05."""
    return [
        {"kind": "Measured", "id": f"s23-{n}-{side}", "units": [f"u-12093-{n}"], "site": SITE,
         "happened_at": TEN_PAST_TEN.isoformat(), "performed_by": ["p-fitter"],
         "readings": [{"quantity": "flange_thickness", "place": side, "unit": "mm",
                       "value": "29.4", "uncertainty": "0.1"}]}
        for n in range(4) for side in ("left", "right")
    ]  # fmt: skip


def _released(receipts: list[dict[str, Any]]) -> dict[str, Any]:
    places = [{"operation": r["id"], "log": r["log"], "position": r["position"]} for r in receipts]
    size = max(r["position"] for r in receipts) + 1
    return {
        "kind": "Released", "id": "s23-release", "units": ["u-12093"], "site": SITE,
        "happened_at": (TEN_PAST_TEN + timedelta(minutes=85)).isoformat(), "decision": "d-s23",
        "scope": "unit", "leaned_on": places,
        "positions": [{"log": receipts[0]["log"], "size": size}],
    }  # fmt: skip


def _record(depot: Depot, token: str, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = "\n".join(json.dumps(one) for one in operations).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    asked = urllib.request.Request(f"{depot.url}/api/operations", body, headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        results = json.loads(answer.read())["results"]
    assert all(one["status"] == "accepted" for one in results), results
    return [one | {"id": sent["id"]} for one, sent in zip(results, operations, strict=True)]


def _token(page: Page) -> str:
    page.goto("/administration/tokens")
    page.fill("[name=name]", "gauge 0417")
    page.check("[name=scopes][value=record]")
    page.get_by_role("button", name="Make").click()
    return page.locator(".secret").inner_text()


def test_eight_readings_of_the_wrong_coach_are_put_right_and_everybody_is_told(
    depot: Depot, at_work: Callable[..., Page]
) -> None:
    token = _token(at_work("administrator"))
    _record(depot, token, [*_coach("u-12093", "07312093"), *_coach("u-12309", "07312309")])
    _record(depot, token, [_released(_record(depot, token, _measured()))])
    officer, technologist = at_work("release_officer"), at_work("technologist")
    expect(officer.locator(".badge-count")).to_be_hidden()

    technologist.goto("/operations/s23-0-left")
    technologist.get_by_role("link", name="Correct this entry").click()
    technologist.fill("[name=unit]", "073 12309")
    technologist.fill("textarea[name=reason]", "the fitter stood at the neighbour's coach")
    technologist.get_by_role("button", name="Record the correction").click()
    expect(technologist.get_by_text("8 entries are corrected")).to_be_visible()
    expect(technologist.get_by_text("What stands in its place")).to_be_visible()

    officer.reload()
    expect(officer.locator(".badge-count")).to_have_text("1")
    officer.locator(".bell").click()
    expect(officer.locator(".notice")).to_contain_text("073 12093")
    officer.get_by_role("link", name="Go there").click()
    expect(officer.locator(".warn")).to_contain_text("Leaned on a corrected entry")
    officer.goto("/units/u-12093")
    expect(officer.locator("main")).to_contain_text("8 entries hold no more")
    officer.goto("/units/u-12309?parts=1")
    right = officer.locator("article.op", has_text="as corrected")
    expect(right).to_have_count(8)
    expect(right.first).to_contain_text("10:05")
    officer.goto("/units/u-12093?parts=1")
    expect(officer.locator("article.op .op-void")).to_have_count(8)
    officer.goto("/protocol/s23-0-left")
    expect(officer.locator(".stamp").first).to_contain_text("CORRECTED")
