"""The first morning, small: a sheet of coaches with its faults, dry run first, then recorded."""

from collections.abc import Callable
from pathlib import Path

import xlsxwriter
from playwright.sync_api import Page, expect

from railtrace.trace.numbers import network_check_digit

HEADINGS = ("№ вагона", "Тип вагона", "Год постройки")


def _number(seven: int) -> str:
    return f"{seven:07}{network_check_digit(f'{seven:07}')}"


def _sheet(path: Path) -> list[str]:
    """Ten coaches: one number has a wrong check digit, two are the same."""
    numbers = [_number(580_100 + 137 * n) for n in range(8)]
    wrong = f"{numbers[0][:-1]}{(int(numbers[0][-1]) + 3) % 10}"
    rows = [*numbers[1:], wrong, numbers[1], _number(599_999)]
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    for index, row in enumerate([HEADINGS, *((n, "Плацкартный вагон", 1990) for n in rows)]):
        page.write_row(index, 0, row)
    book.close()
    return rows


def test_a_sheet_is_examined_then_recorded_and_its_coaches_are_found(
    at_work: Callable[..., Page], tmp_path: Path
) -> None:
    rows = _sheet(tmp_path / "coaches.xlsx")
    page = at_work("technologist")
    page.goto("/import/")
    page.set_input_files("[name=file]", tmp_path / "coaches.xlsx")
    page.get_by_role("button", name="Load").click()
    page.get_by_role("button", name="Examine the rows").click()
    expect(page.locator("main")).to_contain_text("check digit")
    page.get_by_role("button", name="Record 9 rows").click()
    expect(page.get_by_text("Everything that could be taken is recorded")).to_be_visible()
    page.goto(f"/search?q={rows[3]}")
    expect(page.locator("h1")).to_contain_text(rows[3][-5:])
    page.goto(f"/search?q={rows[0]}")
    expect(page.locator("tbody tr")).to_have_count(2)
