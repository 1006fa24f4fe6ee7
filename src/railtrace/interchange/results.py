"""Sheets of results to take away; no cell of them runs in the spreadsheet that opens it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_SAFE = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def harmless(cell: object) -> str:
    """Return a cell of a CSV file so that no spreadsheet takes it for a formula."""
    text = "" if cell is None else str(cell)
    if text.startswith(_RUNS) and not text.removeprefix("-").replace(".", "", 1).isdigit():
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a CSV file that spreadsheets open as it is meant: semicolons, UTF-8."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line, delimiter=";").writerow([harmless(cell) for cell in row])
        yield line.getvalue()


def write_xlsx(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows into a workbook, one after the other; every cell is text."""
    book = xlsxwriter.Workbook(str(path), _SAFE)
    page, bold = book.add_worksheet("result"), book.add_format({"bold": True, "bottom": 2})
    for number, row in enumerate(rows):
        for index, cell in enumerate(row):
            if cell not in (None, ""):
                page.write_string(number, index, str(cell)[:32_000], bold if number == 0 else None)
    page.set_column(0, 60, 18)
    page.freeze_panes(1, 0)
    book.close()
