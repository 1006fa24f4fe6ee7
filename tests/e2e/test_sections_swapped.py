"""Scenario 3 through the pages: sections are entered from a sheet, coupled, swapped, and run."""

from collections.abc import Callable, Sequence
from pathlib import Path

import xlsxwriter
from playwright.sync_api import Page, expect

A, B, C = "2ТЭ10М-2345А", "2ТЭ10М-2345Б", "2ТЭ10М-2411Б"
SECTIONS = (
    ("Номер", "Тип", "Пробег, км", "Пробег на момент ТР-1, км"),
    (A, "2te10m", 412_300, 395_000),
    (B, "2te10m", 409_900, 395_000),
    (C, "2te10m", 288_150, 241_000),
)  # fmt: skip


def _imported(page: Page, path: Path, rows: Sequence[Sequence[object]], purpose: str) -> None:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for index, row in enumerate(rows):
        sheet.write_row(index, 0, row)
    book.close()
    page.goto("/import/")
    page.select_option("[name=purpose]", purpose)
    page.set_input_files("[name=file]", path)
    page.get_by_role("button", name="Load").click()
    page.get_by_role("button", name="Examine the rows").click()
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_text("Everything that could be taken is recorded")).to_be_visible()


def _couple(page: Page, section: str, place: str) -> None:
    page.get_by_role("link", name="Couple a section").click()
    page.fill("[name=section]", section)
    page.select_option("[name=place]", place)
    page.get_by_role("button", name="Record").click()


def test_a_run_of_the_pair_is_refused_because_of_the_section_coupled_in(
    at_work: Callable[..., Page], tmp_path: Path
) -> None:
    page = at_work("technologist")
    _imported(page, tmp_path / "sections.xlsx", SECTIONS, "vehicles")
    page.goto("/holdings/locomotives")
    page.fill("[name=number]", "2ТЭ10М-2345")
    page.select_option("[name=type]", "locomotive_2te10m")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("link", name="Couple a section")).to_be_visible()
    locomotive = page.url
    _couple(page, A, "А")
    _couple(page, B, "Б")
    page.locator("tr", has_text="2345").filter(has_text="Б").get_by_text("Uncouple").first.click()
    page.locator("tr", has=page.locator("details[open]")).locator("[name=reason]").fill("ТР-3")
    page.locator("tr", has=page.locator("details[open]")).get_by_role("button").click()
    expect(page.get_by_text("Coupled before")).to_be_visible()
    _couple(page, C, "Б")
    page.get_by_text("Does a run fit?").click()
    page.fill("[name=repair_kind]", "ТР-1")
    page.fill("[name=interval_km]", "50000")
    page.fill("[name=run_km]", "3000")
    page.get_by_role("button", name="Reckon").click()
    expect(page.locator("main")).to_contain_text("A run of 3000 km does not fit because of")
    expect(page.locator(".warn")).to_contain_text("2411")
    assert locomotive.partition("?")[0] == page.url.partition("?")[0]
