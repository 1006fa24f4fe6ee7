"""The opening import of a whole railway: 2,800 vehicles and 30,000 parts, dry run and recording."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

import django
import xlsxwriter

from bench.table import Row, within
from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.interchange.columns import find_header, guess, purposes
from railtrace.interchange.row import Job, Options, Source
from railtrace.interchange.spreadsheet import examine
from railtrace.interchange.workbook import open_workbook, read_rows
from railtrace.trace.ledger import Receipt
from railtrace.trace.numbers import network_check_digit

_FOLDER = Path("build") / "bench" / "opening"
_BATCH = 500
_SETTINGS = "railtrace.web.settings"
VEHICLES, PARTS = 2_800, 30_000
HEADS = {
    "vehicles": ("Номер", "Тип", "Построен", "Депо", "Пробег, км", "Дата последнего ДР"),
    "parts": ("Номер", "Тип", "Изготовитель", "Плавка", "Изготовлен", "Депо"),
}


def rows() -> list[Row]:
    """Measure in a fresh installation; the sheets are written beforehand."""
    rmtree(_FOLDER, ignore_errors=True)
    app = App(Config(data=str(_FOLDER / "data"), keys=str(_FOLDER / "keys"), default_log="main",
                     sites={"dushanbe": Site(ru="Душанбе")}))  # fmt: skip
    app.prepare()
    sheets = {"vehicles": map(_vehicle, range(VEHICLES)), "parts": map(_part, range(PARTS))}
    paths = {purpose: _written(purpose, of) for purpose, of in sheets.items()}
    try:
        dry_s = sum(_processor_s(lambda p=p: _go(app, p, paths[p], _counted)) for p in HEADS)
        done_s = sum(_processor_s(lambda p=p: _go(app, p, paths[p], _recorded)) for p in HEADS)
        done_s += _processor_s(app.catch_up)
    finally:
        app.stop()
    what = f"opening of {VEHICLES:,} vehicles and {PARTS:,} parts, processor time"
    return [
        within(f"{what}: dry run", dry_s * 1000, 60_000),
        within(f"{what}: dry run, recorded and shown", (dry_s + done_s) * 1000, 60_000),
    ]


def _processor_s(run: Callable[[], object]) -> float:
    """Return the processor time of this process: other programs are not ours to measure."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def _vehicle(n: int) -> tuple[Any, ...]:
    seven = f"{6_000_000 + 37 * n:07}"
    repaired = None if n % 9 == 0 else f"17.{1 + n % 12:02}.2025"
    number = f"{seven}{network_check_digit(seven)}"
    return (number, "Полувагон", 1985 + n % 30, "Душанбе", 300_000 + n, repaired)


def _part(n: int) -> tuple[Any, ...]:
    return (f"5-{10_000 + n}-09", "Боковая рама", "5", f"{7000 + n % 900}", "2009", "Душанбе")


def _written(purpose: str, of: Iterator[tuple[Any, ...]]) -> Path:
    path = _FOLDER / f"{purpose}.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for index, row in enumerate((HEADS[purpose], *of)):
        sheet.write_row(index, 0, row)
    book.close()
    return path


def _known(app: App) -> Any:
    """Return what an import asks of the trace; it lives in the web, which needs its settings."""
    os.environ |= {"RAILTRACE_DATA": str(_FOLDER), "DJANGO_SETTINGS_MODULE": _SETTINGS}
    django.setup()
    from railtrace.web.import_jobs import TraceKnown

    return TraceKnown(app, app.catalogue())


def _go(
    app: App, purpose: str, path: Path, take: Callable[[App, Iterator[Any]], None]
) -> None:
    manifest = open_workbook(path, _FOLDER / purpose, lambda: False)
    index = manifest.sheets[0].index

    def sheet() -> Any:
        return read_rows(_FOLDER / purpose, index)

    known = purposes()[purpose]
    header = find_header(sheet(), known)
    job = Job(known, header, guess(header, known), Source("ab" * 32, 0, 10, "text/csv"),
              Options(date(2026, 6, 1)))  # fmt: skip
    take(app, examine(job, sheet, _known(app), datetime.now(UTC)))


def _counted(app: App, examined: Iterator[Any]) -> None:
    assert all(row.outcome == "ready" for row in examined)


def _recorded(app: App, examined: Iterator[Any]) -> None:
    while some := list(islice(examined, _BATCH)):
        operations = [operation for row in some for operation in row.operations]
        results = app.record(operations, "bench", "spreadsheet")
        assert all(isinstance(result, Receipt) for result in results)


if __name__ == "__main__":
    for row in rows():
        print(row)
