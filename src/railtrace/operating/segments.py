"""Sealed segments: the trace, the views and all lives as Parquet, their hashes in the log.

A segment of the trace begins where the log's last one ended; views and lives are written whole, as
of the entries taken, and left out while they are what was sealed last.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from railtrace.app import App
from railtrace.errors import Behind, NotFound
from railtrace.projections.all import VIEWS
from railtrace.store import segments
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Evidence, LogSize, ResultSealed

JOB = "segment"
MEDIA_TYPE = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Segment:
    """A sealed file: its name, what it holds, its rows; the operation that names its hash."""

    name: str
    table: str
    sha256: str
    rows: int
    operation: str
    new: bool = True


@dataclass(frozen=True)
class _Made:
    name: str
    table: str
    rows: int
    positions: Mapping[str, int]
    evidence: Evidence


def seal(app: App, submitter: str, views: bool = True) -> list[Segment]:
    """Seal what came since the last time; return every segment, old ones of views too.

    Raises Behind where the views lag.
    """
    app.wait_caught_up(30)
    if lag := app.views.lag():
        raise Behind("the pages are {entries} entries behind the trace: try later", entries=lag)
    sealed = {one.name: one for one in sealed_segments(app)}
    taken, now_us = app.views.positions(), microseconds(app.clock())
    found: list[Segment] = []
    with TemporaryDirectory(dir=app.config.data_folder, prefix="segments-") as folder:
        for made in _made(app, Path(folder), sealed, taken, now_us, views):
            before = sealed.get(made.name)
            same = before is not None and before.sha256 == made.evidence.sha256
            found.append(before if before and same else _record(app, made, submitter))
    return found


def sealed_segments(app: App) -> list[Segment]:
    """Return every segment that was ever sealed, the oldest first; of one name the last counts."""
    found = []
    rows = app.lookup.timeline([f"results:{JOB}"], ["ResultSealed"], limit=1_000_000)
    for entry in app.entries_at((row[3], row[4]) for row in reversed(rows)):
        operation = entry.operation
        assert isinstance(operation, ResultSealed)
        name = operation.evidence[0].name
        table = name.removesuffix(".parquet")
        table = "trace" if table.startswith("trace.") else table
        found.append(Segment(name, table, operation.result, operation.rows,
                             operation.id, new=False))  # fmt: skip
    return found


def _made(
    app: App, folder: Path, sealed: Mapping[str, Segment], taken: Mapping[str, int], now_us: int,
    views: bool,
) -> Iterator[_Made]:  # fmt: skip
    for log, size in sorted(taken.items()):
        start = _sealed_to(sealed, log)
        if start < size:
            name = f"trace.{quote(log, safe='')}.{start}-{size}.parquet"
            yield _write(app, folder / name, "trace", segments.TRACE,
                         segments.trace_rows(app.trace, log, start, size), {log: size},
                         {"log": log, "from": str(start), "to": str(size)})  # fmt: skip
    yield _write(app, folder / "lives.parquet", "lives", segments.LIVES,
                 segments.lives_rows(app.lookup, app.catalogue(), app.lookup.maintained(), now_us),
                 taken)  # fmt: skip
    for view in VIEWS if views else ():
        for table in (*view.tables, *view.history):
            columns = segments.view_columns(view, table)
            yield _write(app, folder / f"view.{table}.parquet", f"view.{table}", columns,
                         segments.view_rows(app.views.database, table, columns), taken,
                         {"view": view.name, "version": str(view.version)})  # fmt: skip


def _sealed_to(sealed: Mapping[str, Segment], log: str) -> int:
    """Return up to which position a log is sealed: its segments' names say it."""
    begins = f"trace.{quote(log, safe='')}."
    ends = [name.removeprefix(begins).removesuffix(".parquet").split("-")[1]
            for name in sealed if name.startswith(begins)]  # fmt: skip
    return max(map(int, ends), default=0)


def _write(
    app: App, path: Path, table: str, columns: Mapping[str, str],
    rows: Iterator[tuple[object, ...]], positions: Mapping[str, int],
    about: Mapping[str, str] = {},
) -> _Made:  # fmt: skip
    count = segments.write_parquet(path, columns, rows, {"table": table, **about})
    with path.open("rb") as file:
        evidence = app.evidence.put(file, path.name, MEDIA_TYPE, "dataset")
    path.unlink()
    return _Made(path.name, table, count, positions, evidence)


def _record(app: App, made: _Made, submitter: str) -> Segment:
    now, sha = app.clock(), made.evidence.sha256
    sealed = ResultSealed(
        id=f"result:{sha[:24]}:{microseconds(now)}", happened_at=now, job=JOB, result=sha,
        rows=made.rows, evidence=(made.evidence,),
        positions=tuple(LogSize(log=log, size=n) for log, n in sorted(made.positions.items())),
    )  # fmt: skip
    app.record([sealed], submitter, "system")
    return Segment(made.name, made.table, sha, made.rows, sealed.id)


def copy_out(app: App, folder: Path) -> list[Path]:
    """Write the segments that stand now into a folder, by name; of one name only the last.

    Raises NotFound where a file is not kept any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in {segment.name: segment for segment in sealed_segments(app)}.values():
        if app.evidence.state(one.sha256) != "kept":
            raise NotFound("the file of segment {name} is not kept any more: SHA-256 {sha}",
                           name=one.name, sha=one.sha256)  # fmt: skip
        draft = folder / f"{one.name}.part"
        with app.evidence.open(one.sha256) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        written.append(draft.replace(folder / one.name))
    return written
