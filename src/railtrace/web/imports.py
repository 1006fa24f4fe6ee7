"""Loading spreadsheets: templates, upload, columns, dry run, recording, results."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.interchange.cells import text_of
from railtrace.interchange.columns import Column, Purpose, missing, purposes
from railtrace.interchange.results import csv_lines, write_xlsx
from railtrace.interchange.templates import template
from railtrace.interchange.workbook import Cell, Row, column_letters, read_rows
from railtrace.web import import_jobs
from railtrace.web.frame import home_zone
from railtrace.web.import_jobs import ACTIVE, Line, Said, folder_of, lines_of, state_of
from railtrace.web.models import ImportJob
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

MOST_FILE_BYTES = 100 * 1024 * 1024
SHOWN_FAULTS = 200
SHOWN_ROWS = 5
XLSX_ROWS = 50_000
KEPT_JOBS = 50

STATES = {
    "opening": _("the file is being opened"),
    "opened": _("columns are to be confirmed"),
    "checking": _("rows are being examined"),
    "checked": _("examined, nothing recorded yet"),
    "recording": _("rows are being recorded"),
    "done": _("recorded"),
    "failed": _("failed"),
    "cancelled": _("stopped"),
    "interrupted": _("interrupted"),
}
OUTCOMES = {
    "ready": _("will be recorded"),
    "questioned": _("will be recorded, identity in question"),
    "recorded": _("recorded"),
    "identity": _("recorded, identity in question"),
    "known": _("recorded before"),
    "borne": _("left out: the number is in the trace"),
    "wrong": _("refused: to be mended"),
    "refused": _("refused by the trace"),
}


def _language() -> str:
    return (get_language() or "ru")[:2]


def _job(request: HttpRequest, pk: UUID) -> ImportJob:
    job = get_object_or_404(ImportJob.objects.select_related("user"), pk=pk)
    if job.user != request.user and not may(request.user, "administer"):
        raise PermissionDenied
    return job


# --- the first page ---------------------------------------------------------------------------


@allowed("import")
def index(request: HttpRequest) -> HttpResponse:
    """Offer templates, take a file, list the person's imports."""
    if request.method == "POST":
        return _upload(request)
    language = _language()
    jobs = ImportJob.objects.filter(user=request.user)[:20]  # type: ignore[misc]
    context = {
        "section": "trace", "most_mb": MOST_FILE_BYTES >> 20,
        "purposes": [(p.key, p.name(language)) for p in purposes().values()],
        "jobs": [(job, gettext(STATES[state_of(job)]), purposes()[job.purpose].name(language))
                 for job in jobs],
    }  # fmt: skip
    return render(request, "imports/index.html", context)


def _upload(request: HttpRequest) -> HttpResponse:
    file, purpose = request.FILES.get("file"), request.POST.get("purpose", "")
    if not isinstance(file, UploadedFile) or purpose not in purposes():
        messages.error(request, gettext("Choose a file and what it holds."))
        return redirect("import")
    if (file.size or 0) > MOST_FILE_BYTES:
        said = gettext("The file has {size} MB, at most {most} MB are taken: split it into parts.")
        size = -(-(file.size or 0) // (1 << 20))
        messages.error(request, said.format(size=size, most=MOST_FILE_BYTES >> 20))
        return redirect("import")
    job = _keep(request, file, purpose)
    import_jobs.start(job, "opening")
    return redirect("import-job", pk=job.pk)


def _keep(request: HttpRequest, file: "UploadedFile[Any]", purpose: str) -> ImportJob:
    for old in ImportJob.objects.filter(user=request.user)[KEPT_JOBS:]:  # type: ignore[misc]
        if state_of(old) not in ACTIVE:
            import_jobs.forget(old)
    app = the_app()
    job = ImportJob(
        user=cast(User, request.user), purpose=purpose, file_name=Path(file.name or "").name[:200],
        created_at=app.clock(),
        options={"as_of": app.clock().astimezone(home_zone()).date().isoformat()},
    )  # fmt: skip
    folder_of(job).mkdir(parents=True)
    hashed = hashlib.sha256()
    with import_jobs.source_of(job).open("wb") as kept:
        for piece in file.chunks():
            hashed.update(piece)
            kept.write(piece)
    job.sha256, job.size = hashed.hexdigest(), file.size or 0
    return job


@allowed("import")
def empty_sheet(request: HttpRequest, purpose: str) -> HttpResponse:
    """Send a template to fill in."""
    if purpose not in purposes():
        raise NotFound("there is no template {purpose}", purpose=purpose)
    language, app = _language(), the_app()
    sites = [site.name(language) for site in app.config.sites.values()]
    content = template(
        purposes()[purpose], app.catalogue(), sites, language, gettext("example:")
    )
    response = HttpResponse(
        content,
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = f'attachment; filename="railtrace-{purpose}.xlsx"'
    return response


# --- one import -------------------------------------------------------------------------------


@allowed("import")
def job_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show where an import is and what can be done next."""
    job = _job(request, pk)
    state, language = state_of(job), _language()
    purpose = purposes()[job.purpose]
    context: dict[str, Any] = {
        "section": "trace", "job": job, "state": state, "state_word": gettext(STATES[state]),
        "purpose": purpose.name(language), "problem": _problem(job), "active": state in ACTIVE,
        "opened": bool(job.manifest),
    }  # fmt: skip
    if job.manifest:
        context |= _sheet_context(job, purpose, language)
    if state in {"checked", "done", "cancelled", "interrupted", "failed"}:
        context |= _outcome_context(job, purpose, language)
    return render(request, "imports/job.html", context)


def _problem(job: ImportJob) -> str:
    if not job.problem:
        return ""
    if not job.problem["template"]:
        return gettext("The program failed on this file; what was recorded before is safe.")
    return _in_words(job.problem["template"], job.problem["values"])


def _in_words(template_: str, values: dict[str, Any]) -> str:
    said = gettext(template_)
    return said.format(**values) if values else said


def _sheet_context(job: ImportJob, purpose: Purpose, language: str) -> dict[str, Any]:
    manifest, header = import_jobs.manifest_of(job), import_jobs.header_of(job)
    width = max(len(header.cells), next(
        (s.columns for s in manifest.sheets if s.index == job.sheet), 0
    ))  # fmt: skip
    heads = [
        (i, column_letters(i), header.cells[i] if i < len(header.cells) else "")
        for i in range(width)
    ]
    return {
        "manifest": manifest, "heads": heads, "first_rows": _first_rows(job, width),
        "columns": [_column(column, job, language) for column in purpose.columns],
        "missing": [c.name(language) for c in missing(job.mapping, purpose)],
        "sites": [(key, site.name(language)) for key, site in the_app().config.sites.items()],
        "inventory": purpose.key in {"vehicles", "parts"},
        "merged": any(s.merged for s in manifest.sheets if s.index == job.sheet),
    }  # fmt: skip


def _first_rows(job: ImportJob, width: int) -> list[tuple[int, list[str]]]:
    rows = (row for row in import_jobs.rows_of(job)() if row.number > job.header_row)
    return [(row.number, _texts(row, width)) for row in islice(rows, SHOWN_ROWS)]


def _texts(row: Row, width: int) -> list[str]:
    return [_shown(row.cell(i)) for i in range(width)]


def _shown(cell: Cell) -> str:
    """Write a cell as the sheet shows it."""
    if isinstance(cell, datetime):
        return cell.strftime("%d.%m.%Y %H:%M")
    return cell.strftime("%d.%m.%Y") if isinstance(cell, date) else text_of(cell)


def _column(column: Column, job: ImportJob, language: str) -> dict[str, Any]:
    return {
        "key": column.key, "name": column.name(language), "hint": column.hint(language),
        "required": column.required, "taken": job.mapping.get(column.key, -1),
    }  # fmt: skip


def _outcome_context(job: ImportJob, purpose: Purpose, language: str) -> dict[str, Any]:
    change = job.change
    counts = job.result or change.get("outcomes", {})
    faults = list(islice((said for line in lines_of(job) for said in line.faults), 20_000))
    grave = [said for said in faults if said.grave]
    return {
        "counts": [(key, gettext(word), counts[key]) for key, word in OUTCOMES.items()
                   if counts.get(key)],
        "taken": counts.get("ready", 0) + counts.get("questioned", 0),
        "kinds": change.get("kinds", {}), "offers": change.get("offers", 0),
        "borne": change.get("outcomes", {}).get("borne", 0),
        "unknown": [(purpose.column(key).name(language), n)
                    for key, n in change.get("empty", {}).items()],
        "preview": [_previewed(row) for row in change.get("preview", [])],
        "faults": [(said, _in_words(said.template, said.values)) for said in grave[:SHOWN_FAULTS]],
        "notes": [(said, _in_words(said.template, said.values))
                  for said in faults if not said.grave][:SHOWN_FAULTS],
        "fault_count": change.get("faults", 0), "note_count": change.get("warnings", 0),
        "has_lines": (folder_of(job) / "lines.jsonl").exists(),
    }  # fmt: skip


def _previewed(row: dict[str, Any]) -> dict[str, Any]:
    catalogue = the_app().catalogue()
    operations = []
    for operation in row["operations"]:
        word = operation["word"]
        type_row = catalogue.vehicle_types.get(word) or catalogue.part_types.get(word)
        shown = type_row.name(_language()) if type_row else word
        at = date.fromisoformat(operation["at"][:10]).strftime("%d.%m.%Y")
        operations.append({"kind": operation["kind"], "at": at, "word": shown})
    return {**row, "operations": operations}


@allowed("import")
def progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the progress bar of an import that is under way; 205 asks for the page anew."""
    job = _job(request, pk)
    state = state_of(job)
    if state not in ACTIVE:
        return HttpResponse(status=205)
    context = {"job": job, "state_word": gettext(STATES[state])}
    return render(request, "imports/progress.html", context)


@require_POST
@allowed("import")
def columns(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the sheet, the header, the columns and the options; examine, or show them anew."""
    job = _job(request, pk)
    if state_of(job) in ACTIVE or not job.manifest:
        return redirect("import-job", pk=pk)
    sheet, header_row = _number(request, "sheet"), _number(request, "header_row")
    sheets = {s.index for s in import_jobs.manifest_of(job).sheets}
    if sheet in sheets and (sheet, header_row) != (job.sheet, job.header_row):
        import_jobs.choose_sheet(job, sheet, None if sheet != job.sheet else header_row)
        job.state = "opened"
        job.save()
        return redirect("import-job", pk=pk)
    _take_choices(job, request)
    lacking = missing(job.mapping, purposes()[job.purpose])
    if lacking:
        job.state = "opened"
        job.save()
        names = ", ".join(column.name(_language()) for column in lacking)
        said = gettext("Say which column is: {columns}.")
        messages.error(request, said.format(columns=names))
        return redirect("import-job", pk=pk)
    import_jobs.remember_columns(job)
    job.result = {}
    import_jobs.start(job, "checking")
    return redirect("import-job", pk=pk)


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdigit() and len(text) < 8 else 0


def _take_choices(job: ImportJob, request: HttpRequest) -> None:
    mapping: dict[str, int] = {}
    for column in purposes()[job.purpose].columns:
        chosen = request.POST.get(f"column-{column.key}", "")
        if chosen.isdigit() and len(chosen) < 5:
            mapping[column.key] = int(chosen)
    job.mapping = mapping
    site = request.POST.get("site", "")
    job.options = job.options | {
        "as_of": _day(request.POST.get("as_of", ""), job.options["as_of"]),
        "site": site if site in the_app().config.sites else "",
        "restore_zeros": "restore_zeros" in request.POST,
        "take_borne": "take_borne" in request.POST,
    }


def _day(text: str, otherwise: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return otherwise


@require_POST
@allowed("import")
def accept_offers(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the lost leading zeros back and examine again."""
    job = _job(request, pk)
    if state_of(job) == "checked":
        job.options = job.options | {"restore_zeros": True}
        import_jobs.start(job, "checking")
    return redirect("import-job", pk=pk)


@require_POST
@allowed("import")
def record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record what the dry run has shown, or go on where it was stopped."""
    job = _job(request, pk)
    if state_of(job) not in ACTIVE and job.change:
        import_jobs.start(job, "recording")
    return redirect("import-job", pk=pk)


@require_POST
@allowed("import")
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop an import after the batch in hand."""
    job = _job(request, pk)
    ImportJob.objects.filter(pk=job.pk).update(cancel_asked=True)
    messages.info(request, gettext("It stops after the rows in hand."))
    return redirect("import-job", pk=pk)


@require_POST
@allowed("import")
def forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an import from the list; what was recorded stays in the trace."""
    job = _job(request, pk)
    if state_of(job) not in ACTIVE:
        import_jobs.forget(job)
    return redirect("import")


# --- results ----------------------------------------------------------------------------------


@allowed("import")  # type: ignore[arg-type]
def result(request: HttpRequest, pk: UUID, form: str) -> HttpResponseBase:
    """Send the sheet with what became of every row; large ones as CSV only."""
    job = _job(request, pk)
    name = f"{Path(job.file_name).stem or 'import'}-result.{form}"
    if form == "csv":
        response: HttpResponseBase = StreamingHttpResponse(
            csv_lines(_result_rows(job)), content_type="text/csv; charset=utf-8"
        )
        response.headers["Content-Disposition"] = FileResponse(
            as_attachment=True, filename=name
        ).headers.get("Content-Disposition", f'attachment; filename="result.{form}"')
        return response
    if job.change.get("rows", 0) > XLSX_ROWS:
        messages.info(request, gettext("So many rows are given as CSV only."))
        return redirect("import-job", pk=pk)
    target = folder_of(job) / "result.xlsx"
    write_xlsx(target, _result_rows(job))
    return FileResponse(target.open("rb"), as_attachment=True, filename=name)


def _result_rows(job: ImportJob) -> Iterator[Sequence[object]]:
    """Yield the rows of the sheet with outcome, place in the trace and what was wrong."""
    header = import_jobs.header_of(job)
    sheet = next(s for s in import_jobs.manifest_of(job).sheets if s.index == job.sheet)
    heads = [header.cells[i] if i < len(header.cells) else "" for i in range(sheet.columns)]
    yield [gettext("Row"), gettext("Outcome"), gettext("What is to be known"), gettext("Log"),
           gettext("Position"), gettext("Operations"), *heads]  # fmt: skip
    lines = lines_of(job)
    line = next(lines, None)
    for row in read_rows(folder_of(job), job.sheet):
        if line is None or row.number < line.row:
            continue
        yield [*_result_cells(line), *_texts(row, sheet.columns)]
        line = next(lines, None)


def _result_cells(line: Line) -> list[object]:
    outcome = gettext(OUTCOMES.get(line.outcome, line.outcome))
    said = "; ".join(_sentence(fault) for fault in line.faults)
    return [line.row, outcome, said, line.log, line.position, " ".join(line.operations)]


def _sentence(fault: Said) -> str:
    where = " ".join(filter(None, (fault.letters, fault.column)))
    text = _in_words(fault.template, fault.values)
    return f"{where}: {text}" if where else text


urlpatterns = [
    path("", index, name="import"),
    path("templates/<str:purpose>.xlsx", empty_sheet, name="import-template"),
    path("<uuid:pk>/", job_page, name="import-job"),
    path("<uuid:pk>/progress", progress, name="import-progress"),
    path("<uuid:pk>/columns", columns, name="import-columns"),
    path("<uuid:pk>/offers", accept_offers, name="import-offers"),
    path("<uuid:pk>/record", record, name="import-record"),
    path("<uuid:pk>/cancel", cancel, name="import-cancel"),
    path("<uuid:pk>/forget", forget, name="import-forget"),
    path("<uuid:pk>/result.<str:form>", result, name="import-result"),
]
