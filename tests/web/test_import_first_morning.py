"""The first morning of a railway: 441 coaches come from a spreadsheet, with their faults."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from tests.web.import_sheets import examine, load, network_number, railway_of_its_own, record, xlsx

COACHES, WITHOUT_REPAIR, WRONG, TWIN = 441, 37, 5, "07312051"
HEADINGS = ("№ вагона", "Тип вагона", "Год постройки", "Депо", "Пробег, км", "Дата последнего ДР")


@pytest.fixture
def depot(railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    with railway_of_its_own(tmp_path / "data", monkeypatch) as app:
        yield app


def _numbers() -> list[str]:
    """441 numbers: five wrong in the check digit, two the same."""
    good = [network_number(5_100_000 + 137 * n) for n in range(COACHES - WRONG - 2)]
    wrong = [network_number(6_200_000 + 211 * n) for n in range(WRONG)]
    wrong = [number[:-1] + str((int(number[-1]) + 3) % 10) for number in wrong]
    rows = [*good[:100], TWIN, *good[100:200], *wrong, *good[200:], TWIN]
    assert len(rows) == COACHES
    return rows


def _inventory() -> bytes:
    rows: list[tuple[Any, ...]] = [HEADINGS]
    for n, number in enumerate(_numbers()):
        repaired = None if n % 12 == 7 and n < 12 * WITHOUT_REPAIR else date(2025, 1 + n % 12, 17)
        depot = ("Душанбе", "Куляб")[n % 2]
        rows.append((number, "Плацкартный вагон", 1985 + n % 30, depot, 900_000 + n, repaired))
    assert sum(row[5] is None for row in rows[1:]) == WITHOUT_REPAIR
    return xlsx(rows)


@pytest.mark.django_db(transaction=True)
def test_the_opening_inventory_is_taken_and_nothing_is_invented(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("technologist")
    address = load(browser, _inventory(), "вагоны.xlsx", "vehicles")
    examined = examine(browser, address)

    assert depot.trace.head("dushanbe").size == 1, "a dry run records nothing"
    assert examined.change["outcomes"] == {"ready": 434, "questioned": 2, "wrong": 5}
    page = browser.get(address).content.decode()
    for number in [n for n in _numbers() if n.startswith("620")]:
        wanted = network_number(int(number[:-1]))[-1]
        assert f"{number}: check digit {number[-1]} is wrong, {wanted} wanted" in page
    assert "Record 436 rows" in page

    done = record(browser, address)
    assert done.state == "done", done.problem
    assert done.result == {"recorded": 434, "identity": 2, "wrong": 5}
    assert depot.wait_caught_up(20)
    fleet = depot.views.database.query("SELECT COUNT(*) FROM units WHERE type = 'coach_open'")
    assert fleet == [(436,)]
    assert set(depot.lookup.twins()) == {TWIN}
    marks = depot.views.database.query("SELECT mark FROM numbers WHERE value = ?", (TWIN,))
    assert marks == [("duplicate",), ("duplicate",)]
    assert depot.lookup.contradictions() == []

    repairs = depot.views.database.query(
        "SELECT COUNT(DISTINCT unit) FROM unit_ops WHERE kind = 'LeftRepair'"
    )
    taken_without = sum(1 for n, number in enumerate(_numbers()) if _unknown(n, number))
    assert repairs == [(436 - taken_without,)], "what is unknown stays unknown"
    kinds = depot.views.database.query("SELECT DISTINCT kind FROM unit_ops WHERE unit LIKE 'u-%'")
    assert set(kinds) == {("LeftRepair",), ("LastRepairStated",), ("Registered",)}
    assert taken_without == WITHOUT_REPAIR
    unknown = depot.views.database.query(
        "SELECT COUNT(*) FROM last_repairs WHERE repair_kind = 'ДР' AND grade = 'unknown'"
        " AND done = '' AND km_milli IS NULL"
    )
    assert unknown == [(WITHOUT_REPAIR,)]


@pytest.mark.django_db(transaction=True)
def test_unknown_history_goes_under_an_order_until_its_last_day_and_not_after(
    depot: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = reader_as("technologist")
    rows = [HEADINGS, *(
        (network_number(5_100_000 + n), "Плацкартный вагон", 1990, "Душанбе", 900_000,
         None if n < 2 else date(2025, 5, 17))
        for n in range(4)
    )]  # fmt: skip
    address = load(browser, xlsx(rows), "вагоны.xlsx", "vehicles")
    examine(browser, address)
    record(browser, address)
    assert depot.wait_caught_up(20)
    [coach] = depot.lookup.bearers(network_number(5_100_000))
    assert "unknown, not overdue" in browser.get(f"/units/{coach}").content.decode()

    order = {"gate": "history_unknown", "site": "dushanbe", "order": "№ 14/Т",
             "until": "2027-06-30"}  # fmt: skip
    browser.post("/holdings/introduction", order)

    def page_of(day: date) -> str:
        moment = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        monkeypatch.setattr(depot, "clock", lambda: moment)
        return browser.get(f"/units/{coach}").content.decode()

    last, after = page_of(date(2027, 6, 30)), page_of(date(2027, 7, 1))
    assert "May go under order № 14/Т until 2027-06-30" in last
    assert "May not be released" not in last
    assert "Last ДР: unknown, not overdue" in after
    assert "May not be released" in after
    [known] = depot.lookup.bearers(network_number(5_100_003))
    assert "unknown, not overdue" not in browser.get(f"/units/{known}").content.decode()


def _unknown(n: int, number: str) -> bool:
    return n % 12 == 7 and n < 12 * WITHOUT_REPAIR and not number.startswith("620")


@pytest.mark.django_db(transaction=True)
def test_the_same_file_loaded_twice_records_nothing_twice(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    browser, content = reader_as("technologist"), _inventory()
    first = load(browser, content, "вагоны.xlsx", "vehicles")
    examine(browser, first)
    record(browser, first)
    sizes = {head.log: head.size for head in depot.trace.heads()}

    again = load(browser, content, "копия.xlsx", "vehicles")
    assert examine(browser, again).change["outcomes"] == {"known": 436, "wrong": 5}
    record(browser, again)
    assert {head.log: head.size for head in depot.trace.heads()} == sizes


@pytest.mark.django_db(transaction=True)
def test_a_mended_sheet_adds_only_the_rows_that_were_mended(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("technologist")
    good, wrong = network_number(510_000), "62000000"
    rows = [("Номер", "Тип"), (good, "Купейный вагон"), (wrong, "Купейный вагон")]
    first = load(browser, xlsx(rows), "a.xlsx", "vehicles")
    examine(browser, first)
    assert record(browser, first).result == {"recorded": 1, "wrong": 1}

    rows[2] = (network_number(6_200_000), "Купейный вагон")
    second = load(browser, xlsx(rows), "b.xlsx", "vehicles")
    assert examine(browser, second).change["outcomes"] == {"borne": 1, "ready": 1}
    assert record(browser, second).result == {"borne": 1, "recorded": 1}
    assert depot.lookup.twins() == {}
