"""Working days 19 and 21 through the front doors, and a tablet without network."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, Response, expect

NOW = datetime.now(UTC).replace(microsecond=0)
SITE = "dushanbe-coach"


def _send(at_work: Callable[..., Page], operations: list[dict[str, Any]]) -> None:
    """Record over REST with a token that an administrator makes."""
    page = at_work("administrator")
    page.goto("/administration/tokens")
    page.fill("[name=name]", "machines")
    page.check("[name=scopes][value=record]")
    page.get_by_role("button", name="Make").click()
    token = page.locator(".secret").inner_text()
    answer = page.request.post(
        "/api/operations", data=json.dumps(operations),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.ok, answer.text()
    results = answer.json()["results"]
    assert all(result["status"] == "accepted" for result in results), results
    while page.request.get("/health").json()["views_lag"]:
        page.wait_for_timeout(100)


def _op(kind: str, id_: str, days_ago: float, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"kind": kind, "id": f"day-{id_}", "happened_at": at, "site": SITE} | fields


def _flange(left: str, right: str) -> list[dict[str, str]]:
    sides = (("left", left), ("right", right))
    return [{"quantity": "flange_thickness", "place": place, "value": value, "unit": "mm",
             "uncertainty": "0.2"} for place, value in sides]  # fmt: skip


def test_day_19_a_gauge_is_withdrawn_and_who_leans_on_it_is_found(
    at_work: Callable[..., Page],
) -> None:
    page, gauge = at_work("technologist"), "d-day-0417"
    sets = [f"u-day-set-{i}" for i in range(32)]
    operations = [
        _op("Registered", "g", 30, units=[gauge], type="wheel_gauge", home_site=SITE),
        _op("Verified", "v", 16, units=[gauge], register_entry="А/19",
            valid_from=(NOW - timedelta(days=16)).isoformat(),
            valid_to=(NOW + timedelta(days=349)).isoformat()),
    ]  # fmt: skip
    for i, unit in enumerate(sets):
        operations.append(_op("Registered", f"s{i}", 30, units=[unit], type="wheelset_passenger"))
    for i in range(11):
        coach = f"u-day-coach-{i}"
        operations.append(_op("Registered", f"c{i}", 30, units=[coach], type="coach_open",
                              numbers=[{"scheme": "other", "value": f"19-{i:02}"}]))  # fmt: skip
        operations += [
            _op("Installed", f"i{i}{k}", 29, units=[sets[2 * i + k]], carrier=coach,
                position=f"bogie.1/wheelset.{k + 1}") for k in (0, 1)
        ]  # fmt: skip
    for i, unit in enumerate(sets):
        readings = _flange("25.4" if i == 6 else f"{28 + i * 0.1:.1f}", f"{28 + i * 0.1:.1f}")
        operations.append(_op("Measured", f"m{i}", 12 - i / 5, units=[unit], device=gauge,
                              readings=readings[:1] if i == 31 else readings))  # fmt: skip
    _send(at_work, operations)

    page.goto(f"/depot/equipment/{gauge}")
    page.locator("summary", has_text="Withdraw: it is found wrong").click()
    page.fill("[name=window_from]", f"{NOW - timedelta(days=16):%Y-%m-%d}")
    page.fill("[name=finding]", "flanges read 0.6 mm too thick")
    page.select_option("[name=quantity]", "flange_thickness")
    page.fill("[name=bias]", "0.6")
    page.get_by_role("button", name="Withdraw").click()
    counts = page.locator(".counts .count b")
    expect(counts.first).to_have_text("63")
    expect(counts.nth(1)).to_have_text("11")
    first = page.locator("h2#on_line + .table-box tbody tr").first
    expect(first).to_contain_text("25.4")
    expect(first).to_contain_text("24.8")
    first.locator("a").first.click()
    expect(page.locator(".reasons")).to_contain_text("measure again with a valid instrument")
    page.goto("/operations/day-m6")
    expect(page.locator(".warn")).to_contain_text("The readings stay as they were recorded")
    _send(at_work, [
        _op("Measured", f"again{k}", 0, units=[sets[6 + k]], device="d-day-other",
            readings=_flange("26.0", "28.0")) for k in (0, 1)
    ])  # fmt: skip
    page.goto("/units/u-day-coach-3")
    expect(page.get_by_text("measure again with a valid instrument")).to_have_count(0)


def test_day_21_the_press_says_ok_and_the_order_stays_open(at_work: Callable[..., Page]) -> None:
    page, wheelset, order = at_work("technologist"), "u-day-21", "WO-DAY-21"
    at = {"units": [wheelset], "work_order": order}
    wash = [("wash_temperature", "70", "°C"), ("wash_time", "240", "s"),
            ("detergent_concentration", "20", "g/l")]  # fmt: skip
    _send(at_work, [
        _op("Registered", "21", 2, units=[wheelset], type="wheelset_locomotive"),
        _op("OrderOpened", "21o", 1, process="wheelset_full", **at),
        _op("Washed", "21w", 0.9, device="d-day-wash", **at, readings=[
            {"quantity": q, "value": v, "unit": u} for q, v, u in wash]),
        _op("Tested", "21t", 0.8, device="d-day-ut", test="axle_ut", **at),
        _op("Measured", "21p", 0.7, device="d-day-press", **at, readings=[
            {"quantity": "press_final_force", "place": "left", "value": "612", "unit": "kN"},
            {"quantity": "press_seat_length", "place": "left", "value": "185", "unit": "mm"}]),
        _op("MachineResult", "21r", 0.7, device="d-day-press", result_id="21", evaluation="ok",
            machine="wheel_press", facts=["day-21p"], **at),
    ])  # fmt: skip
    page.goto(f"/depot/orders/{order}")
    verdicts = page.locator(".attempt-bad .verdicts")
    expect(verdicts).to_contain_text("good")
    expect(verdicts).to_contain_text("330.8")
    expect(verdicts).to_contain_text("unfit")
    expect(page.get_by_text("Proof loads are not offered")).to_be_visible()
    expect(page.get_by_role("button", name="Close the order")).to_have_count(0)
    page.goto(f"/units/{wheelset}")
    expect(page.locator(".reasons")).to_contain_text(order)


def _second_receipt(receipts: list[str], answer: Response) -> bool:
    """Tell whether two of the kept steps have been taken by the server."""
    if answer.url.endswith("/depot/work/send") and answer.status == 200:
        receipts.append(answer.url)
    return len(receipts) == 2


def test_a_tablet_keeps_what_is_done_without_network_and_sends_it_later(
    at_work: Callable[..., Page],
) -> None:
    page, unit, order = at_work("technologist"), "u-day-tab", f"WO-T-{uuid.uuid4().hex[:6]}"
    _send(at_work, [
        _op("Registered", "t", 2, units=[unit], type="brake_cylinder"),
        _op("OrderOpened", "to", 1, units=[unit], work_order=order, process="brake_equipment"),
    ])  # fmt: skip
    page.goto("/depot/work/")
    card = page.locator(f'[data-step="{order}|clean"]')
    expect(card).to_be_visible()
    page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.context.set_offline(True)
    card.locator("[name=note]").fill("by brush")
    card.get_by_role("button", name="Done").click()
    expect(page.locator('[data-say="waiting"]')).to_contain_text("1")
    page.locator(f'[data-step="{order}|repair"]').get_by_role("button", name="Done").click()
    expect(page.locator('[data-say="waiting"]')).to_contain_text("2")
    page.reload()
    expect(page.locator(f'[data-step="{order}|repair"]')).to_contain_text("Kept on this tablet")
    page.context.clear_cookies(name="sessionid")
    page.context.set_offline(False)
    expect(page.locator('[data-say="shut"]')).to_be_visible(timeout=20_000)
    expect(page.locator('[data-say="waiting"]')).to_contain_text("2")
    page.locator('[data-say="shut"]').get_by_role("link", name="Log in").click()
    page.fill("[name=username]", "technologist")
    page.fill("[name=password]", "technologist-demo")
    receipts: list[str] = []
    with page.expect_response(lambda answer: _second_receipt(receipts, answer), timeout=60_000):
        page.click("button.btn-primary")
    expect(page).to_have_url(re.compile("/depot/work/"))
    expect(page.locator('[data-say="waiting"]')).to_be_hidden()
    page.goto(f"/depot/orders/{order}")
    steps = page.locator(".route-step")
    expect(steps.first).to_have_class(re.compile("step-done"))
    expect(steps.first).to_contain_text("by brush")
    for n in (0, 1):
        expect(steps.nth(n)).to_contain_text("s to ours")
