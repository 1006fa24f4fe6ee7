"""Diagnostics through the front doors: a bearing heard, a press with one limit, tyres that grew."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from playwright.sync_api import Page, expect

from railtrace.analysis.bearings import Bearing
from railtrace.simulation.bearings import as_wav, vibration
from railtrace.simulation.stand_months import press_file

NOW = datetime.now(UTC).replace(microsecond=0)
SITE = "dushanbe-coach"
BEARING = Bearing("6205-2RS", 9, 7.94004, 39.0398)
_WAIT_S = 90


class Door:
    """The REST door with a token that an administrator makes."""

    def __init__(self, page: Page) -> None:
        page.goto("/administration/tokens")
        page.fill("[name=name]", f"stand-{time.monotonic_ns()}")
        page.check("[name=scopes][value=record]")
        page.get_by_role("button", name="Make").click()
        self._page = page
        self._token = {"Authorization": f"Bearer {page.locator('.secret').inner_text()}"}

    def keep(self, content: bytes, name: str, media_type: str) -> dict[str, Any]:
        """Send a file and return how an operation names it."""
        answer = self._page.request.post(
            "/api/evidence", data=content,
            headers=self._token | {"Content-Type": media_type},
        )  # fmt: skip
        assert answer.ok, answer.text()
        return {"sha256": sha256(content).hexdigest(), "name": name, "media_type": media_type,
                "size": len(content), "evidence_class": "curve"}  # fmt: skip

    def send(self, operations: list[dict[str, Any]]) -> None:
        """Record operations, and wait until the pages show them."""
        answer = self._page.request.post(
            "/api/operations", data=json.dumps(operations),
            headers=self._token | {"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.ok, answer.text()
        results = answer.json()["results"]
        assert all(result["status"] == "accepted" for result in results), results
        while self._page.request.get("/health").json()["views_lag"]:
            self._page.wait_for_timeout(100)


def _op(kind: str, id_: str, days_ago: float, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"kind": kind, "id": f"dia-{id_}", "happened_at": at, "site": SITE} | fields


def _until(page: Page, address: str, text: str) -> None:
    """Our own diagnosis comes by itself, a few seconds after the evidence."""
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        page.goto(address)
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(page.locator("main").inner_text())


def test_a_bearing_is_heard_judged_seen_by_keyboard_and_settled_by_its_teardown(
    at_work: Callable[..., Page],
) -> None:
    door, unit = Door(at_work("administrator")), "u-dia-bearing"
    door.send([_op("Registered", "b", 90, units=[unit], type="bearing",
                   numbers=[{"scheme": "serial", "value": "DIA-1"}])])  # fmt: skip
    for visit in (1, 2):
        sound = as_wav(vibration(BEARING, "outer", 1790, 4.0, visit))
        file = door.keep(sound, f"{visit}.wav", "audio/wav")
        at = {"units": [unit], "device": "d-dia-stand"}
        door.send([
            _op("Diagnosed", f"v{visit}", 9 - 2 * visit, method="vibration", outcome="sound",
                evidence=[file], readings=[{"quantity": "shaft_speed", "value": "1790",
                                            "unit": "rpm"}], **at),
            _op("MachineResult", f"v{visit}:r", 9 - 2 * visit, result_id=str(visit),
                machine="bearing_stand", recipe="6205-2RS", evaluation="ok",
                facts=[f"dia-v{visit}"], **at),
        ])  # fmt: skip
    page = at_work("foreman")
    _until(page, "/diagnostics/recordings/dia-v2", "alarm")
    expect(page.get_by_text("The machine and we do not say the same")).to_be_visible()
    expect(page.locator("[data-signal=spectrum] canvas")).to_be_visible()
    signal = page.locator("[data-signal=waveform]")
    signal.focus()
    page.keyboard.press("ArrowRight")
    before = page.locator(".signal-said").first.inner_text()
    assert " s: " in before
    with page.expect_response(lambda r: "waveform.json?from=" in r.url):
        page.keyboard.press("+")
    page.locator("summary", has_text="Record what a teardown found").click()
    page.select_option("[name=found]", "damage")
    page.select_option("[name=damage_class]", "fatigue.surface")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("damage was found").first).to_be_visible()
    page.goto("/diagnostics/truth/")
    expect(page.locator("table").first).to_contain_text("our method")


def test_day_21_the_curve_itself_is_below_its_band_and_both_verdicts_stand(
    at_work: Callable[..., Page],
) -> None:
    door, wheelset, press = Door(at_work("administrator")), "u-dia-21", "d-dia-press"
    curve = door.keep(press_file(612.0), "4412.kriv", "text/csv")
    at = {"units": [wheelset], "device": press}
    door.send([
        _op("Registered", "p", 9, units=[press], type="wheel_press", home_site=SITE),
        _op("Registered", "w", 9, units=[wheelset], type="wheelset_locomotive"),
        _op("Measured", "21", 1, evidence=[curve], **at, readings=[
            {"quantity": "press_final_force", "place": "left", "value": "612", "unit": "kN"},
            {"quantity": "press_seat_length", "place": "left", "value": "185", "unit": "mm"},
            {"quantity": "press_force_wheel_centre", "place": "left", "value": "330.8",
             "unit": "kN/100mm"}]),
        _op("MachineResult", "21:r", 1, result_id="21", evaluation="ok", machine="wheel_press",
            facts=["dia-21"], **at),
    ])  # fmt: skip
    page = at_work("foreman")
    _until(page, "/diagnostics/pressings/dia-21", "unfit")
    expect(page.get_by_text("The press and we do not say the same")).to_be_visible()
    expect(page.locator(".two-verdicts")).to_contain_text("330.8")
    expect(page.locator(".two-verdicts")).to_contain_text("below the band")
    expect(page.locator("svg .band")).to_have_count(1)
    expect(page.get_by_text("Proof loads are not offered")).to_be_visible()


def test_a_wheelset_measured_larger_is_questioned_and_accepted_after_re_tyring(
    at_work: Callable[..., Page],
) -> None:
    door, unit = Door(at_work("administrator")), "u-dia-tyres"

    def tyre(id_: str, days_ago: float, value: str) -> dict[str, Any]:
        return _op("Measured", id_, days_ago, units=[unit], readings=[
            {"quantity": "tyre_thickness", "place": side, "value": value, "unit": "mm",
             "uncertainty": "0.3"} for side in ("left", "right")])  # fmt: skip

    door.send([
        _op("Registered", "t", 90, units=[unit], type="wheelset_locomotive",
            numbers=[{"scheme": "serial", "value": "DIA-77"}]),
        tyre("t1", 60, "46.0"), tyre("t2", 10, "86.5"),
    ])  # fmt: skip
    page = at_work("technologist")
    page.goto(f"/diagnostics/wheels/{unit}")
    expect(page.locator(".warn")).to_contain_text("a wheel grows only with another tyre or wheel")
    page.goto(f"/units/{unit}")
    expect(page.get_by_text("a wheel grows only with another tyre").first).to_be_attached()
    door.send([_op("Retyred", "tr", 20, units=[unit], reason="worn out")])
    page.goto(f"/diagnostics/wheels/{unit}")
    expect(page.locator(".warn")).to_have_count(0)
    expect(page.get_by_text("Tyre thickness").first).to_be_visible()
