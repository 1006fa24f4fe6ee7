"""A railway of its own for imports, and the sheets they are made from."""

import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client

from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.trace.numbers import network_check_digit


@contextmanager
def running_app(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Let the pages speak to an App of these settings."""
    from railtrace.web import running

    app = App(config)
    app.prepare()
    app.start()
    monkeypatch.setattr(running, "_running", [app])
    try:
        yield app
    finally:
        app.stop()


def railway_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AbstractContextManager[App]:
    """Let the pages speak to an empty railway with two depots."""
    sites = {"dushanbe": Site(ru="Душанбе", en="Dushanbe"), "kulob": Site(ru="Куляб", en="Kulob")}
    return running_app(Config(name="test.railway", data=str(folder), sites=sites), monkeypatch)


def xlsx(rows: Sequence[Sequence[Any]], name: str = "Лист1") -> bytes:
    """Return a workbook of one sheet; dates as dates."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "default_date_format": "dd.mm.yyyy"})
    sheet = book.add_worksheet(name)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(number, column, cell)
    book.close()
    return output.getvalue()


def network_number(seven: int) -> str:
    """Return an 8-digit number with its check digit."""
    digits = f"{seven:07}"
    return f"{digits}{network_check_digit(digits)}"


def load(browser: Client, content: bytes, name: str, purpose: str) -> str:
    """Send a file by the form and wait until it is opened; return the job's address."""
    file = io.BytesIO(content)
    file.name = name
    answer = browser.post("/import/", {"file": file, "purpose": purpose})
    assert answer.status_code == 302, answer.content
    wait()
    return answer.headers["Location"]


def wait() -> None:
    """Wait until the importer's thread has done what it was given."""
    from railtrace.web import import_jobs

    import_jobs._thread.submit(lambda: None).result(timeout=120)


def form_of(address: str, **changes: object) -> dict[str, Any]:
    """Return what the form of a job holds, changed."""
    from railtrace.web.models import ImportJob

    job = ImportJob.objects.get(pk=address.strip("/").rpartition("/")[2])
    fields: dict[str, Any] = {"sheet": job.sheet, "header_row": job.header_row}
    fields |= {f"column-{key}": index for key, index in job.mapping.items()}
    fields |= {"as_of": job.options["as_of"], "site": job.options.get("site", "")}
    return fields | changes


def examine(browser: Client, address: str, **changes: object) -> Any:
    """Examine the rows and return the job."""
    from railtrace.web.models import ImportJob

    browser.post(f"{address}columns", form_of(address, **changes))
    wait()
    return ImportJob.objects.get(pk=address.strip("/").rpartition("/")[2])


def record(browser: Client, address: str) -> Any:
    """Record and return the job."""
    from railtrace.web.models import ImportJob

    browser.post(f"{address}record")
    wait()
    return ImportJob.objects.get(pk=address.strip("/").rpartition("/")[2])
