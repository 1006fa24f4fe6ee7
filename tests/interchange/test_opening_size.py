"""The opening of a whole railway: 2,800 vehicles and 30,000 parts in a dry run under a minute."""

import time
from collections import Counter
from datetime import date

import pytest

from railtrace.interchange.columns import find_header, guess, purposes
from railtrace.interchange.row import Job, Options, Source
from railtrace.interchange.spreadsheet import examine
from railtrace.interchange.workbook import open_workbook, read_rows
from railtrace.trace.numbers import network_check_digit
from tests.interchange.files import table
from tests.interchange.test_spreadsheet import NOW, Trace

VEHICLES, PARTS, WRONG = 2_800, 30_000, 7
HEADS = {
    "vehicles": ("Номер", "Тип", "Построен", "Депо", "Пробег, км", "Дата последнего ДР"),
    "parts": ("Номер", "Тип", "Изготовитель", "Плавка", "Изготовлен", "Депо"),
}


def _vehicle(n):
    seven = f"{6_000_000 + 37 * n:07}"
    digit = (network_check_digit(seven) + (n < WRONG)) % 10
    repaired = None if n % 9 == 0 else f"17.{1 + n % 12:02}.2025"
    return (f"{seven}{digit}", "Полувагон", 1985 + n % 30, "Душанбе", 300_000 + n, repaired)


def _part(n):
    return (f"5-{10_000 + n}-09", "Боковая рама", "5", f"{7000 + n % 900}", "2009", "Душанбе")


def _dry_run(folder, purpose, rows):
    path = table(folder / f"{purpose}.xlsx", [HEADS[purpose], *rows])
    started = time.process_time()
    manifest = open_workbook(path, folder / purpose, lambda: False)
    index = manifest.sheets[0].index
    sheet = lambda: read_rows(folder / purpose, index)  # noqa: E731 - read anew each time
    header = find_header(sheet(), purposes()[purpose])
    job = Job(purposes()[purpose], header, guess(header, purposes()[purpose]),
              Source("ab" * 32, 0, 10, "text/csv"), Options(date(2026, 6, 1)))  # fmt: skip
    found = list(examine(job, sheet, Trace(), NOW))
    return Counter(row.outcome for row in found), found, time.process_time() - started


@pytest.mark.nightly
def test_a_whole_railway_is_examined_within_a_minute_with_its_errors_by_row(tmp_path):
    for purpose in HEADS:
        (tmp_path / purpose).mkdir()
    vehicles, found, first_s = _dry_run(
        tmp_path, "vehicles", [_vehicle(n) for n in range(VEHICLES)]
    )
    parts, _, second_s = _dry_run(tmp_path, "parts", [_part(n) for n in range(PARTS)])
    assert vehicles == {"ready": VEHICLES - WRONG, "wrong": WRONG}
    assert [row.row for row in found if row.faults] == list(range(2, 2 + WRONG))
    assert parts == {"ready": PARTS}
    print(f"vehicles {first_s:.1f} s, parts {second_s:.1f} s of one processor")
    assert first_s + second_s < 60
