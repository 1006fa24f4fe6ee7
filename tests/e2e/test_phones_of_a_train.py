"""Two phones of one train without network: thirty entries, sent in either order, one state."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.test_foreign_depot import _photo

TRAIN = "/trains/chief/demo-319"
FAULTS = list(product(
    ("water/water.leak", "water/toilet.fault", "doors/doors.inner", "heating/heating.leak",
     "electrics/lighting.fault", "interior/berths.fault", "running_gear/running_gear.noise"),
    (1, 2),
))  # fmt: skip


def _open(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(TRAIN)
    page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    # The page opens again with the network cut.
    page.reload()
    expect(page.locator(".chief-row")).to_have_count(3)


def _write(page: Page, fault: str, coach: int, photo: Path | None = None) -> None:
    if photo:
        # Coach, system, fault, photo: four taps. The others go by their address, to save time.
        system, _, _code = fault.partition("/")
        page.locator(f'.chief-row[href="#{coach}"]').click()
        page.locator(f'a[href="#{coach}/{system}"]').click()
        page.locator(f'a[href="#{coach}/{fault}"]').click()
        page.set_input_files(".chief-form [name=photo]", photo)
    page.evaluate(f"location.hash = '#{coach}/{fault}'")
    page.locator(f'[data-code="{fault.partition("/")[2]}"] button').click()
    expect(page.locator(".chief-known")).to_be_visible()


def _answer(page: Page, button: str, finding: str) -> None:
    page.evaluate("location.hash = '#3'")
    page.locator(".chief-card [name=note]").first.fill(finding)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".chief-known .queued")).not_to_have_count(0)


def _send(page: Page) -> None:
    page.context.set_offline(False)
    expect(page.locator('[data-say="waiting"]')).to_be_hidden(timeout=30_000)
    expect(page.locator('[data-say="refused"]')).to_be_hidden()


def _known(page: Page) -> Any:
    page.goto(TRAIN)
    told = json.loads(page.locator("#told").inner_text())
    return [(c["number"], sorted((d["id"], d["code"]) for d in c["defects"]),
             [(a["id"], a["result"], a["finding"]) for a in c["alarms"]])
            for c in told["coaches"]]  # fmt: skip


def test_thirty_entries_of_two_phones_end_in_one_state_with_both_answers_shown(
    at_work: Callable[..., Page], tmp_path: Path
) -> None:
    first, second = at_work("train_chief"), at_work("train_chief")
    _photo(tmp_path / "fault.png")
    before = {one[0]: len(one[1]) for one in _known(first)}
    for page, (button, finding) in (
        (first, ("Confirmed", "hot to the hand")), (second, ("Not confirmed", "cold")),
    ):  # fmt: skip
        _open(page)
        for n, (fault, coach) in enumerate(FAULTS):
            _write(page, fault, coach, tmp_path / "fault.png" if n == 0 else None)
        _answer(page, button, finding)
        expect(page.locator('[data-say="waiting"]')).to_contain_text(str(len(FAULTS) + 1))
    # Who wrote last sends first.
    _send(second)
    _send(first)
    known = _known(first)
    assert known == _known(second)
    assert [len(one[1]) - before[one[0]] for one in known] == [14, 14, 0]
    assert [alarm[1:] for alarm in known[2][2]] == [("not_confirmed", "cold")]
    first.goto("/trace/contradictions")
    expect(first.locator("main")).to_contain_text("checked twice")
