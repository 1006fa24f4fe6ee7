"""Imports in the background: opening, examining and recording a sheet, one at a time.

A table and a thread, no broker. What a stopped process left unfinished shows as interrupted;
loading it again records nothing twice, because ids come from the file.
"""

import logging
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection
from msgspec import Struct

from railtrace.app import App
from railtrace.errors import RailtraceError, Refused
from railtrace.interchange.columns import (
    Header,
    find_header,
    guess,
    header_at,
    purposes,
)
from railtrace.interchange.row import Examined, Fault, Job, Options, Source
from railtrace.interchange.spreadsheet import Change, examine
from railtrace.interchange.unpack import Manifest
from railtrace.interchange.workbook import MEDIA, Row, open_workbook, read_rows
from railtrace.operating.sheet_trace import TraceKnown
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import kind_of
from railtrace.web.accounts import person_of
from railtrace.web.models import ColumnChoice, ImportJob
from railtrace.web.running import the_app

BATCH_ROWS = 250
PREVIEWED = 8
ACTIVE = {"opening", "checking", "recording"}
_PROCESS = uuid.uuid4().hex
_log = logging.getLogger("railtrace.imports")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="importer")


class Cancelled(Exception):
    """A person has stopped the job."""


class Said(Struct, omit_defaults=True):
    """A fault as it is kept, to be said in whichever language it is read."""

    row: int
    column: str
    letters: str
    typed: str
    template: str
    values: dict[str, Any]
    grave: bool
    offer: str = ""


class Line(Struct, omit_defaults=True):
    """What became of one row."""

    row: int
    number: str
    outcome: str
    faults: list[Said] = []
    operations: list[str] = []
    log: str = ""
    position: int | None = None


# --- what the trace knows ---------------------------------------------------------------------


# --- the files of a job -----------------------------------------------------------------------


def folder_of(job: ImportJob) -> Path:
    """Return where a job's files lie."""
    return the_app().config.data_folder / "imports" / str(job.pk)


def source_of(job: ImportJob) -> Path:
    """Return where the file lies as it was sent."""
    return folder_of(job) / "source"


def lines_of(job: ImportJob) -> Iterator[Line]:
    """Yield what became of each row, as examined or, after that, as recorded."""
    path = folder_of(job) / "lines.jsonl"
    if path.exists():
        decoder = msgspec.json.Decoder(Line)
        with path.open("rb") as file:
            for text in file:
                yield decoder.decode(text)


def forget(job: ImportJob) -> None:
    """Delete a job and its files; what was recorded stays."""
    shutil.rmtree(folder_of(job), ignore_errors=True)
    job.delete()


def manifest_of(job: ImportJob) -> Manifest:
    """Return what the file turned out to be."""
    return msgspec.convert(job.manifest, Manifest)


def rows_of(job: ImportJob) -> Callable[[], Iterable[Row]]:
    """Return the reader of the chosen sheet's rows, from the beginning each time."""
    return lambda: read_rows(folder_of(job), job.sheet)


def header_of(job: ImportJob) -> Header:
    """Return the row that names the columns."""
    return header_at(rows_of(job)(), job.header_row)


# --- starting and stopping --------------------------------------------------------------------


def start(job: ImportJob, state: str) -> "Future[None]":
    """Hand a job to the importer's thread."""
    job.state, job.runner, job.cancel_asked = state, _PROCESS, False
    job.done = job.total = 0
    job.problem = {}
    job.save()
    return _thread.submit(_run, job.pk, state)


def state_of(job: ImportJob) -> str:
    """Return a job's state; what another process was at when it ended is interrupted."""
    return "interrupted" if job.state in ACTIVE and job.runner != _PROCESS else job.state


def _run(pk: Any, state: str) -> None:
    job = ImportJob.objects.select_related("user").get(pk=pk)
    try:
        _refuse_cancelled(job)
        _STEPS[state](job)
    except Cancelled:
        _end(job, "cancelled")
    except RailtraceError as error:
        job.problem = {"template": error.template, "values": _plain(error.values)}
        _end(job, "failed")
    except Exception:
        _log.exception("import failed")
        job.problem = {"template": "", "values": {}}
        _end(job, "failed")
    finally:
        connection.close()


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int) else str(value) for key, value in values.items()
    }


def _end(job: ImportJob, state: str) -> None:
    job.state = state
    job.save()


def _refuse_cancelled(job: ImportJob) -> None:
    asked = ImportJob.objects.filter(pk=job.pk, cancel_asked=True).exists()
    if asked:
        raise Cancelled


def _progress(job: ImportJob, done: int) -> None:
    ImportJob.objects.filter(pk=job.pk).update(done=done, total=job.total)
    _refuse_cancelled(job)


# --- opening ----------------------------------------------------------------------------------


def _open(job: ImportJob) -> None:
    def cancelled() -> bool:
        return ImportJob.objects.filter(pk=job.pk, cancel_asked=True).exists()

    manifest = open_workbook(source_of(job), folder_of(job), cancelled)
    job.manifest = msgspec.to_builtins(manifest)
    choose_sheet(job, manifest.sheets[0].index)
    _end(job, "opened")


def choose_sheet(job: ImportJob, sheet: int, header_row: int | None = None) -> None:
    """Take a sheet and its header; columns are as chosen last time, else as their names say."""
    job.sheet = sheet
    purpose, rows = purposes()[job.purpose], rows_of(job)
    header = (
        find_header(rows(), purpose) if header_row is None else header_at(rows(), header_row)
    )
    job.header_row = header.row
    remembered = ColumnChoice.objects.filter(
        user=job.user, fingerprint=header.fingerprint(job.purpose)
    ).first()
    job.mapping = remembered.mapping if remembered else guess(header, purpose)
    job.options = job.options | {"remembered": remembered is not None}


def remember_columns(job: ImportJob) -> None:
    """Keep a mapping for the next sheet with the same heads."""
    ColumnChoice.objects.update_or_create(
        user=job.user, fingerprint=header_of(job).fingerprint(job.purpose),
        defaults={"mapping": job.mapping},
    )  # fmt: skip


# --- examining --------------------------------------------------------------------------------


def sheet_job(job: ImportJob) -> Job:
    """Return what is to be examined."""
    manifest, options = manifest_of(job), job.options
    return Job(
        purposes()[job.purpose], header_of(job), job.mapping,
        Source(job.sha256, job.sheet, job.size, MEDIA[manifest.format]),
        Options(
            date.fromisoformat(options["as_of"]), options.get("site", ""),
            bool(options.get("restore_zeros")), bool(options.get("take_borne")),
        ),
    )  # fmt: skip


def _examined(job: ImportJob, sheet: Job) -> Iterator[Examined]:
    app = the_app()
    app.wait_caught_up(30)
    known = TraceKnown(app, app.catalogue())
    job.total = next(s.rows for s in manifest_of(job).sheets if s.index == job.sheet)
    return examine(sheet, rows_of(job), known, app.clock())


def _check(job: ImportJob) -> None:
    """Examine every row and count what would change; nothing is recorded."""
    sheet, change = sheet_job(job), Change()
    preview: list[dict[str, Any]] = []
    examined = _examined(job, sheet)
    with _Lines(job) as lines:
        while some := list(islice(examined, BATCH_ROWS)):
            for row in some:
                change.count(sheet, row)
                lines.write(_line(row))
                if row.operations and len(preview) < PREVIEWED:
                    preview.append(_previewed(row))
            _progress(job, change.rows)
    job.change = {
        "rows": change.rows, "outcomes": dict(change.outcomes), "kinds": dict(change.kinds),
        "empty": dict(change.empty), "faults": change.faults, "warnings": change.warnings,
        "offers": change.offers, "preview": preview,
    }  # fmt: skip
    _end(job, "checked")


def _line(row: Examined) -> Line:
    return Line(row.row, row.number, row.outcome, [_said(fault) for fault in row.faults])


def _said(fault: Fault) -> Said:
    return Said(
        fault.row, fault.column, fault.letters, fault.typed, fault.error.template,
        _plain(fault.error.values), fault.grave, fault.offer,
    )  # fmt: skip


def _previewed(row: Examined) -> dict[str, Any]:
    operations = [
        {"kind": kind_of(op), "at": op.happened_at.isoformat(), "precision": op.time_precision,
         "word": getattr(op, "repair_kind", "") or getattr(op, "type", "")}
        for op in row.operations
    ]  # fmt: skip
    return {"row": row.row, "number": row.number, "operations": operations}


class _Lines:
    """Writes what became of each row beside the old lines, and takes their place at the end."""

    def __init__(self, job: ImportJob) -> None:
        self._path = folder_of(job) / "lines.jsonl"
        self._draft = self._path.with_suffix(".draft")
        self._file = self._draft.open("wb")

    def __enter__(self) -> "_Lines":
        return self

    def write(self, line: Line) -> None:
        """Write one line."""
        self._file.write(msgspec.json.encode(line) + b"\n")

    def __exit__(self, kind: object, *error: object) -> None:
        self._file.close()
        if kind is None or kind is Cancelled:
            self._draft.replace(self._path)


# --- recording --------------------------------------------------------------------------------


def _record(job: ImportJob) -> None:
    """Record what can be taken, batch by batch; each batch is durable before the next."""
    app, sheet = the_app(), sheet_job(job)
    submitter = person_of(job.user).person_id
    with source_of(job).open("rb") as file:
        app.evidence.put(file)
    counts: dict[str, int] = {}
    done, examined = 0, _examined(job, sheet)
    try:
        with _Lines(job) as lines:
            while some := list(islice(examined, BATCH_ROWS)):
                for line in _recorded(app, some, submitter):
                    counts[line.outcome] = counts.get(line.outcome, 0) + 1
                    lines.write(line)
                done += len(some)
                _progress(job, done)
    finally:
        job.done, job.result = done, counts
    app.wait_caught_up(10)
    _end(job, "done")


def _recorded(app: App, rows: Sequence[Examined], submitter: str) -> Iterator[Line]:
    operations = [operation for row in rows for operation in row.operations]
    results = iter(app.record(operations, submitter, "spreadsheet") if operations else [])
    for row in rows:
        yield _outcome(row, list(islice(results, len(row.operations))))


def _outcome(row: Examined, results: Sequence[Receipt | Refused]) -> Line:
    line = _line(row)
    refusals = [result for result in results if isinstance(result, Refused)]
    receipts = [result for result in results if isinstance(result, Receipt)]
    if refusals:
        line.outcome = "refused"
        line.faults += [_said(Fault(row.row, "", "", "", refusal)) for refusal in refusals]
    elif receipts:
        line.outcome = "identity" if row.outcome == "questioned" else "recorded"
        line.log, line.position = receipts[-1].log, receipts[-1].position
    line.operations = [receipt.id for receipt in receipts]
    return line


_STEPS: dict[str, Callable[[ImportJob], None]] = {
    "opening": _open, "checking": _check, "recording": _record,
}  # fmt: skip
