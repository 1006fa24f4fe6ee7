"""A fleet job: state, holder and place of every unit at two dates, kept as a sealed result.

Ranges of units are folded by processes side by side; each writes its lines to a file of its own.
The whole is written in the order of unit ids, so that the same dates over the same entries give
the same bytes; its SHA-256 is recorded with the entries it stands on.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from railtrace.app import App, databases
from railtrace.catalogue.rows import Catalogue
from railtrace.config import Config
from railtrace.errors import Behind
from railtrace.store.trace import DatabaseTraceStore
from railtrace.store.units_then import Dates, StoodAs, UnitsThen, line_of, read_line
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Evidence, LogSize, ResultSealed

JOB = "standing"
MEDIA_TYPE = "application/x-ndjson"
_PIECES = 24
"""Ranges of units; more than processes, so that progress shows and none waits for the last."""

_SMALL = 50_000
"""Entries up to which starting processes takes longer than folding."""

Progress = Callable[[int, int], None]


class Asked(Struct, frozen=True):
    """The two dates of a job."""

    state_at: datetime
    known_at: datetime


class Head(Struct, frozen=True, tag_field="format", tag="railtrace-standing/1"):
    """The first line of a result: what was asked, and the entries it stands on."""

    state_at: datetime
    known_at: datetime
    logs: dict[str, int]


@dataclass(frozen=True)
class Sealed:
    """A result that is kept: its file's SHA-256, its rows, the operation that says so."""

    sha256: str
    rows: int
    operation: str


def run(
    app: App,
    asked: Asked,
    submitter: str,
    progress: Progress = lambda done, of: None,
    processes: int | None = None,
) -> Sealed:
    """Fold every unit at two dates, keep the result and record it. Raises Behind."""
    dates = _dates(app, asked)
    catalogue = app.knowledge(asked.state_at, asked.known_at).catalogue
    with TemporaryDirectory(dir=app.config.data_folder, prefix="fleet-job-") as folder:
        pieces = _pieces(app, dates, catalogue, Path(folder), progress, processes)
        whole = Path(folder) / "whole"
        rows = _write(whole, _head(asked, dates), pieces)
        with whole.open("rb") as file:
            evidence = app.evidence.put(
                file, f"standing-{asked.state_at:%Y-%m-%d}.jsonl", MEDIA_TYPE, "dataset"
            )
    return _record(app, asked, dates, evidence, rows, submitter)


def _dates(app: App, asked: Asked) -> Dates:
    """Fix how far each log counts: what is recorded meanwhile stays out."""
    app.wait_caught_up(30)
    if lag := app.views.lag():
        raise Behind("the pages are {entries} entries behind the trace: try later", entries=lag)
    return Dates(microseconds(asked.state_at), microseconds(asked.known_at), app.views.positions())


def _head(asked: Asked, dates: Dates) -> Head:
    return Head(asked.state_at, asked.known_at, dict(sorted(dates.sizes.items())))


def _record(
    app: App, asked: Asked, dates: Dates, evidence: Evidence, rows: int, submitter: str
) -> Sealed:
    now = app.clock()
    sealed = ResultSealed(
        id=f"result:{evidence.sha256[:24]}:{microseconds(now)}", happened_at=now, job=JOB,
        result=evidence.sha256, rows=rows, state_at=asked.state_at, known_at=asked.known_at,
        positions=tuple(LogSize(log=log, size=n) for log, n in sorted(dates.sizes.items())),
        evidence=(evidence,),
    )  # fmt: skip
    app.record([sealed], submitter, "system")
    return Sealed(evidence.sha256, rows, sealed.id)


# --- folding ------------------------------------------------------------------------------------


def _pieces(
    app: App, dates: Dates, catalogue: Catalogue, folder: Path, progress: Progress,
    processes: int | None,
) -> list[Path]:  # fmt: skip
    ranges = UnitsThen(app.views.database, app.trace, dates).ranges(_PIECES)
    paths = [folder / f"{index:04}" for index in range(len(ranges))]
    kept = folder / "catalogue"
    kept.write_bytes(catalogue.canonical_bytes())
    worth_it = sum(dates.sizes.values()) > _SMALL
    count = processes or (min(len(ranges) or 1, os.cpu_count() or 1) if worth_it else 1)
    if count == 1:
        for done, (path, (after, up_to)) in enumerate(zip(paths, ranges, strict=True), 1):
            _fold(UnitsThen(app.views.database, app.trace, dates), path, after, up_to, catalogue)
            progress(done, len(ranges))
        return paths
    started = ProcessPoolExecutor(
        count, get_context("spawn"), _start, (msgspec.json.encode(app.config), dates, str(kept))
    )
    with started as pool:
        work = [pool.submit(_piece, str(p), *some) for p, some in zip(paths, ranges, strict=True)]
        try:
            for done, piece in enumerate(work, 1):
                piece.result()
                progress(done, len(ranges))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


_mine: list[tuple[UnitsThen, Catalogue]] = []
"""What a process that folds has opened."""


def _start(config: bytes, dates: Dates, catalogue: str) -> None:
    trace, views = databases(msgspec.json.decode(config, type=Config))
    with suppress(AttributeError, OSError):
        os.nice(5)
    read = msgspec.json.decode(Path(catalogue).read_bytes(), type=Catalogue)
    _mine.append((UnitsThen(views, DatabaseTraceStore(trace), dates), read))


def _piece(path: str, after: str, up_to: str) -> None:
    units, catalogue = _mine[0]
    _fold(units, Path(path), after, up_to, catalogue)


def _fold(units: UnitsThen, path: Path, after: str, up_to: str, catalogue: Catalogue) -> None:
    with path.open("wb") as file:
        for stood in units.within(after, up_to, catalogue):
            file.write(line_of(stood))


# --- the whole ----------------------------------------------------------------------------------


def _lines(pieces: list[Path]) -> Iterator[StoodAs]:
    for path in pieces:
        with path.open("rb") as file:
            yield from map(read_line, file)


def _write(whole: Path, head: Head, pieces: list[Path]) -> int:
    """Write all units in order; a part is where what carries it in the end is."""
    carrier_of = {s.unit: s.carrier for s in _lines(pieces) if s.carrier}
    carriers = set(carrier_of.values())
    stood = {s.unit: s for s in _lines(pieces) if s.unit in carriers}
    rows = 0
    with whole.open("wb") as file:
        file.write(msgspec.json.encode(head, order="sorted") + b"\n")
        for unit in _lines(pieces):
            file.write(line_of(_placed(unit, carrier_of, stood)))
            rows += 1
    return rows


def _placed(
    unit: StoodAs, carrier_of: dict[str, str], stood: dict[str, StoodAs]
) -> StoodAs:
    root, seen = unit.unit, {unit.unit}
    while (above := carrier_of.get(root)) is not None and above not in seen:
        root = above
        seen.add(root)
    on = stood.get(root)
    if on is None or root == unit.unit or unit.unit_class != "part":
        return unit
    return replace(unit, place=on.place, whereabouts=on.whereabouts, place_us=on.place_us)


def rows_of(lines: Iterator[bytes]) -> tuple[Head, Iterator[StoodAs]]:
    """Read a result: its head, then every unit."""
    head = msgspec.json.decode(next(lines), type=Head)
    return head, map(read_line, lines)


