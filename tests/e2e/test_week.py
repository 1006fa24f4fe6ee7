"""A week of a depot in a real browser: laid down, moved by keys, agreed, held against the fact."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.test_depot_days import _send

NOW = datetime.now(UTC).replace(microsecond=0)
SITE = "dushanbe-coach"


def _op(kind: str, id_: str, days_ago: float, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"kind": kind, "id": f"e2e-week-{id_}", "happened_at": at, "site": SITE} | fields


def test_a_week_is_laid_down_moved_by_keys_and_agreed(at_work: Callable[..., Page]) -> None:
    unit = "u-e2e-week"
    _send(at_work, [
        *(_op("Registered", kind, 9, units=[f"d-e2e-{kind}"], type=kind, home_site=SITE)
          for kind in ("wheelset_washer", "wheel_lathe", "wheel_gauge", "ut_set", "mt_set",
                       "bearing_stand")),
        *(_op("QualificationGranted", right, 9, person="p-e2e-week", qualification=right,
              valid_from=(NOW - timedelta(days=9)).isoformat(),
              valid_to=(NOW + timedelta(days=90)).isoformat())
          for right in ("ndt_ut", "ndt_mt", "fitter")),
        _op("Registered", "u", 9, units=[unit], type="wheelset_passenger", home_site=SITE),
        _op("OrderOpened", "o", 1, units=[unit], work_order="WO-E2E-WEEK",
            process="wheelset_ordinary"),
    ])  # fmt: skip
    page = at_work("technologist")
    page.goto(f"/planning/week/?site={SITE}")
    page.fill("[name=hands]", "3")
    page.fill("[name=freeze_h]", "0")
    for box in page.locator("[name^='shift:p-e2e-week']").all():
        box.check()
    page.get_by_role("button", name="Lay down").click()
    expect(page.get_by_text("the checker finds no fault")).to_be_visible()
    expect(page.locator("[data-resource=d-e2e-wheelset_washer]")).to_be_attached()
    page.goto(f"/planning/week/?site={SITE}&day=1")
    bar = page.locator("[data-task^='WO-E2E-WEEK'][tabindex]").last
    if not bar.count():
        page.goto(f"/planning/week/?site={SITE}&day=0")
        bar = page.locator("[data-task^='WO-E2E-WEEK'][tabindex]").last
    bar.press("Enter")
    expect(page.locator("[data-said]")).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    moved = page.get_by_text("It is moved").or_(page.get_by_text("It cannot be moved there"))
    expect(moved.first).to_be_visible()
    page.get_by_role("button", name="Agree on it").click()
    expect(page.get_by_text("sealed in the trace")).to_be_visible()
    page.get_by_role("link", name="Plan and fact").click()
    expect(page.get_by_text("WO-E2E-WEEK").first).to_be_visible()
