"""Bars of the depot's board and of the week: moved by keys and by pointer, in a real Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from railtrace import web

SCRIPTS = Path(web.__file__).parent / "static/web"
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
FIELDS = ("number", "track", "position", "from", "to", "act", "task", "resource", "at")

pytestmark = pytest.mark.browser


def bar(unit: str, from_h: int, to_h: int) -> str:
    place = f"left:{from_h / 0.24}%;width:{(to_h - from_h) / 0.24}%"
    span = f'data-from="{from_h * HOUR_US}" data-to="{to_h * HOUR_US}"'
    return (
        f'<div style="position:absolute;top:0;height:30px;{place}" tabindex="0" title="{unit}" '
        f'data-unit="{unit}" data-task="{unit}#2" {span}>{unit}</div>'
    )


def lane(key: str, *bars: str) -> str:
    names = f'data-track="{key}" data-position="1" data-resource="{key}" data-name="{key}"'
    return f'<div style="position:relative;height:40px;width:960px" {names}>{"".join(bars)}</div>'


def board_of(page: Page, kind: str, form: str, said: str, script: str) -> Page:
    inputs = "".join(f'<input name="{name}">' for name in FIELDS)
    lanes = lane("pit", bar("A", 8, 10)) + lane("lift", bar("B", 9, 12))
    page.set_content(
        f'<html lang="en"><body><div data-part="board"><div {kind} data-zone="UTC" data-start="0" '
        f'data-span="{DAY_US}">{lanes}</div></div>'
        f'<p {said} data-busy="occupied by" hidden></p><form id="{form}">{inputs}</form></body>'
    )
    page.evaluate("""() => { HTMLFormElement.prototype.submit = function () {
        window.sent = Object.fromEntries(new FormData(this)); }; }""")
    for name in ("lanes.js", script):
        page.add_script_tag(path=SCRIPTS / name)
    return page


@pytest.fixture(params=["board", "week"])
def board(request: pytest.FixtureRequest, page: Page) -> Page:
    """Return a page with the scripts of the depot's board, then one with those of the week."""
    if request.param == "board":
        return board_of(page, "data-board", "place", "data-board-said", "board.js")
    return board_of(page, "data-week", "move", "data-said", "week.js")


def sent(page: Page) -> tuple[str, int]:
    """Return onto which lane and at which hour the form puts the bar, in quarters."""
    form = page.evaluate("window.sent")
    return form["track"] or form["resource"], int(form["from"] or form["at"]) * 4 // HOUR_US


def test_enter_lifts_arrows_move_and_enter_lets_go(board: Page) -> None:
    unit = board.locator("[data-unit=A]")
    unit.press("ArrowRight")
    expect(board.get_by_role("paragraph")).to_have_count(0)
    unit.press("Enter")
    for key in ("ArrowRight", "Shift+ArrowLeft", "ArrowDown", "ArrowDown"):
        unit.press(key)
    said = board.locator("[data-busy]")
    expect(said).to_contain_text("lift, ")
    expect(said).to_contain_text("occupied by: B")
    unit.press("Space")
    assert sent(board) == ("lift", 35)


def test_escape_leaves_it_where_it_was(board: Page) -> None:
    unit = board.locator("[data-unit=A]")
    before, css = unit.bounding_box(), unit.get_attribute("class")
    unit.press("Enter")
    unit.press("ArrowDown")
    unit.press("ArrowRight")
    assert unit.bounding_box() != before
    unit.press("Escape")
    assert (unit.bounding_box(), unit.get_attribute("class") or None) == (before, css)
    expect(board.locator("[data-busy]")).to_be_hidden()
    assert board.evaluate("[window.sent, document.querySelector('[data-held]')]") == [None, None]


def test_only_one_bar_is_in_hand(board: Page) -> None:
    board.locator("[data-unit=A]").press("Enter")
    board.locator("[data-unit=A]").press("ArrowDown")
    board.locator("[data-unit=B]").press("Enter")
    expect(board.locator("[data-track=pit] [data-unit=A]")).to_be_visible()
    expect(board.locator("[data-unit=B]")).to_be_focused()
    board.locator("[data-unit=B]").press("Enter")
    assert sent(board) == ("lift", 36)


def test_a_bar_follows_the_pointer_onto_another_lane(board: Page) -> None:
    at = board.locator("[data-unit=A]").bounding_box()
    lift = board.locator("[data-track=lift]").bounding_box()
    assert at is not None
    assert lift is not None
    board.mouse.move(at["x"] + 5, at["y"] + 5)
    board.mouse.down()
    board.mouse.move(at["x"] + 5 + 960 / 24, lift["y"] + 5, steps=4)
    expect(board.locator("[data-busy]")).to_contain_text("occupied by: B")
    board.mouse.up()
    assert sent(board) == ("lift", 36)
    expect(board.locator("[data-busy]")).to_be_hidden()


def test_a_bar_in_hand_keeps_its_part_of_the_board_from_being_renewed(page: Page) -> None:
    board = board_of(page, "data-board", "place", "data-board-said", "board.js")
    board.locator("[data-unit=A]").press("Enter")
    expect(board.locator("[data-held]")).to_have_count(1)
    board.locator("[data-unit=A]").press("Escape")
    expect(board.locator("[data-held]")).to_have_count(0)
