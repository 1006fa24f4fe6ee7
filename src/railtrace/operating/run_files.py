"""Run records dropped as files into a folder: sheets with the headings of the template.

A file that was taken moves to `taken/`, one that could not be read to `refused/`; beside it stands
what is to be said of its rows. Ids come from the file's bytes, so a file dropped twice, or after a
stop in the middle, records nothing twice.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from itertools import islice
from pathlib import Path

from railtrace.app import App
from railtrace.errors import BadOperation, Refused
from railtrace.interchange.columns import find_header, guess, missing, purposes
from railtrace.interchange.row import Examined, Job, Options, Source
from railtrace.interchange.spreadsheet import examine
from railtrace.interchange.unpack import Manifest
from railtrace.interchange.workbook import MEDIA, open_workbook, read_rows
from railtrace.operating.sheet_trace import TraceKnown

PURPOSE = "run_records"
SUFFIXES = (".csv", ".xlsx", ".ods", ".xls", ".xlsb")
_BATCH = 250


@dataclass
class Taken:
    """What became of one file: how many rows were recorded, known, refused; what is to be said."""

    file: str
    state: str = "taken"
    recorded: int = 0
    known: int = 0
    refused: int = 0
    said: list[str] = field(default_factory=list)


def dropped(folder: Path) -> list[Path]:
    """Return the sheets that lie in a folder, in the order of their names."""
    return sorted(
        path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES
    )


def take_folder(app: App, folder: Path, site: str = "") -> Iterator[Taken]:
    """Take every sheet of a folder and put it away."""
    for path in dropped(folder):
        taken = take_file(app, path, site)
        _put_away(path, taken)
        yield taken


def take_file(app: App, path: Path, site: str = "") -> Taken:
    """Record the run records of one file; what is wrong with it or its rows is said."""
    with tempfile.TemporaryDirectory(prefix="railtrace-runs-") as unpacked:
        try:
            manifest = open_workbook(path, Path(unpacked))
            job = _job(app, path, Path(unpacked), manifest, site)
        except Refused as refusal:
            return Taken(path.name, "refused", said=[str(refusal)])
        return _record(app, path, Path(unpacked), job)


def _job(app: App, path: Path, unpacked: Path, manifest: Manifest, site: str) -> Job:
    purpose, sheet = purposes()[PURPOSE], manifest.sheets[0].index
    header = find_header(read_rows(unpacked, sheet), purpose)
    mapping = guess(header, purpose)
    if lacking := missing(mapping, purpose):
        raise BadOperation(
            "{file} has no column {columns}: take the empty sheet from the page Import",
            file=path.name, columns=", ".join(column.en for column in lacking),
        )  # fmt: skip
    with path.open("rb") as file:
        sha = file_digest(file, "sha256").hexdigest()
    source = Source(sha, sheet, path.stat().st_size, MEDIA[manifest.format])
    return Job(purpose, header, mapping, source, Options(app.clock().date(), site))


def _record(app: App, path: Path, unpacked: Path, job: Job) -> Taken:
    with path.open("rb") as file:
        app.evidence.put(file)
    app.catch_up()
    known, taken = TraceKnown(app, app.catalogue()), Taken(path.name)
    rows = examine(job, lambda: read_rows(unpacked, job.source.sheet), known, app.clock())
    while some := list(islice(rows, _BATCH)):
        operations = [operation for row in some for operation in row.operations]
        results = iter(app.record(operations, "file-drop", "files"))
        for row in some:
            refusals = [r for r in islice(results, len(row.operations)) if isinstance(r, Refused)]
            _count(taken, row, refusals)
    app.catch_up()
    return taken


def _count(taken: Taken, row: Examined, refusals: list[Refused]) -> None:
    taken.said += [_said(row, fault.letters, str(fault.error)) for fault in row.faults]
    taken.said += [_said(row, "", str(refusal)) for refusal in refusals]
    if row.outcome == "known":
        taken.known += 1
    elif refusals or not row.operations:
        taken.refused += 1
    else:
        taken.recorded += 1


def _said(row: Examined, letters: str, text: str) -> str:
    return f"row {row.row}{f' {letters}' if letters else ''}: {text}"


def _put_away(path: Path, taken: Taken) -> None:
    folder = path.parent / taken.state
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    if target.exists():
        target = folder / f"{path.stem}.{int(path.stat().st_mtime)}{path.suffix}"
    if taken.said:
        target.with_suffix(f"{target.suffix}.txt").write_text("\n".join(taken.said) + "\n", "utf-8")
    try:
        os.replace(path, target)
    except OSError:
        shutil.move(str(path), str(target))
