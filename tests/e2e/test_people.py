"""Who may do what, in which language, on which screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import COACH


def test_a_viewer_looks_and_records_nothing(at_work: Callable[..., Page]) -> None:
    page = at_work("viewer")
    page.goto("/trace/")
    expect(page.get_by_role("link", name="Import a spreadsheet")).to_have_count(0)
    page.goto("/recalls/")
    expect(page.get_by_text("Open the recall")).to_have_count(0)
    page.goto("/operations/e2e-5")
    expect(page.get_by_role("link", name="Correct this entry")).to_have_count(0)


def test_an_administrator_makes_a_worker_who_logs_in(at_work: Callable[..., Page]) -> None:
    page = at_work("administrator")
    page.locator(".rail").get_by_role("link", name="Administration").click()
    page.fill("[name=username]", "new_worker")
    page.locator(".narrow-card [name=role]").select_option("worker")
    page.fill("[name=password]", "rail-and-sleeper-9")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="new_worker")).to_be_visible()
    expect(page.locator("main li", has_text="every site")).to_contain_text("Worker")


@pytest.mark.parametrize(
    ("language", "fleet", "no"),
    [("ru", "Парк", "Выпуск запрещён"), ("tg", "Парк", "Баровардан мумкин нест")],
)
def test_language_and_theme_are_chosen_and_stay(
    at_work: Callable[..., Page], language: str, fleet: str, no: str
) -> None:
    page = at_work("worker")
    page.locator("details.user summary").click()
    page.locator(f"button[name=language][value={language}]").first.click()
    expect(page.locator("h1")).to_have_text(fleet)
    page.locator("details.user summary").click()
    page.locator("button[name=theme][value=dark]").first.click()
    page.goto(f"/units/{COACH}")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator(".no-go-band")).to_contain_text(no)
