"""A year of a whole railway's locomotives by their recorders: runs, findings, dues, quality.

`python -m bench.bench_year` records the simulated railway, writes a recorder file for every run
of its last year, takes them all in month by month, stops the intake once in the middle, and holds
what was found against what was planted. `python -m bench.bench_year 0.1 1` takes a tenth of the
railway and at most an hour of each run.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from bench.ledger_of import config
from bench.table import Row, within
from railtrace.analysis.quality_index import quality_index
from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.errors import Refused
from railtrace.operating.recorders import Intake, files_in
from railtrace.simulation.clerks import Sent
from railtrace.simulation.driven_year import Drive, Score, Year, driven_year, scored, write_drive
from railtrace.simulation.laws import Laws, load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.recorder_days import DAY_S, Planted, recorder_day, write_parquet
from railtrace.store.dues import FleetDues
from railtrace.trace.leaf import microseconds

SEED, HOURS, PARTS = 7, 2.0, 12
END = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Found:
    """What came of the year."""

    locomotives: int = 0
    operations: int = 0
    runs: int = 0
    km: float = 0.0
    files: int = 0
    rows: int = 0
    seconds: float = 0.0
    score: Score = field(default_factory=Score)
    again: int = 0
    dues_ms: float = 0.0
    due_units: int = 0
    index: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wrong: list[str] = field(default_factory=list)


def rows(scale: float = 1.0, hours: float = HOURS) -> list[Row]:
    """Run the year and say what it took and what it found."""
    return [*told(year(scale, hours)), _whole_days()]


def year(scale: float, hours: float, laws: Laws | None = None) -> Found:
    """Record a railway, take in the recorder files of its last year, read dues and quality."""
    folder = Path("build") / "bench" / "year"
    shutil.rmtree(folder, ignore_errors=True)
    laws = laws or load_laws()
    sent = generate(laws, load(), seed=SEED, end=END, scale=scale)
    made = driven_year(sent, END - timedelta(days=365), hours)
    app = App(config(folder, tuple(site.log for site in laws.sites)))
    try:
        app.prepare()
        return _run(app, made, folder / "files")
    finally:
        app.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _run(app: App, made: Year, folder: Path) -> Found:
    found = Found(operations=_record(app, made.sent), files=len(made.drives))
    app.views.rebuild()
    app.catch_up()
    planted: dict[str, tuple[Planted, ...]] = {}
    for number, part in enumerate(_parts(made.drives)):
        _take(app, part, folder, planted, found, stopped=number == 0)
        print(f"\r  part {number + 1} of {PARTS}", end="", file=sys.stderr, flush=True)
    app.catch_up()
    _hold_against_truth(app, made.drives, planted, found)
    _read_dues(app, found)
    return found


def _record(app: App, sent: tuple[Sent, ...]) -> int:
    """Record in the order in which clerks did; refusals are a fault of the railway."""
    waiting = iter(sent)
    while batch := list(islice(waiting, 5000)):
        by_log: dict[str, list[Sent]] = {}
        for one in batch:
            by_log.setdefault(one.log, []).append(one)
        for log, some in by_log.items():
            results = app.record([s.operation for s in some], "bench", "simulation", log)
            refused = [result for result in results if isinstance(result, Refused)]
            assert not refused, refused[0]
    return len(sent)


def _parts(drives: tuple[Drive, ...]) -> Iterator[tuple[Drive, ...]]:
    size = -(-len(drives) // PARTS)
    return (drives[n : n + size] for n in range(0, len(drives), size))


def _take(
    app: App, part: tuple[Drive, ...], folder: Path, planted: dict[str, tuple[Planted, ...]],
    found: Found, stopped: bool,
) -> None:  # fmt: skip
    """Write a month of files and take it in; the first month is stopped half way and given again.

    The evidence of a month is let go with its files: what is measured is the reading.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = {c.channel: c.column for c in app.catalogue().recorder_types["reference"].columns}
    for drive in part:
        _path, day = write_drive(drive, folder, header)
        planted[drive.file], found.rows = day.planted, found.rows + drive.seconds
    paths, begin = files_in([folder]), time.process_time()
    if stopped:
        for one in Intake(app, "reference").take(paths[: len(paths) // 2]):
            assert one.state == "recorded", one
    for one in Intake(app, "reference").take(paths):
        found.again += one.state == "known"
        if one.state not in ("recorded", "known") or one.findings:
            found.wrong.append(f"{one.file}: {one.state} {one.reason} {one.findings}")
    found.seconds += time.process_time() - begin
    shutil.rmtree(folder)


def _hold_against_truth(
    app: App, drives: tuple[Drive, ...], planted: dict[str, tuple[Planted, ...]], found: Found
) -> None:
    """Match each file's violations with what was planted in it, and the index with its truth."""
    units = sorted({drive.unit for drive in drives})
    since = microseconds(min(drive.start for drive in drives))
    told: dict[str, list[tuple[int, str]]] = {}
    for row in app.lookup.violations(units, since):
        if row["file"]:
            told.setdefault(row["unit"], []).append((row["at_us"], row["rule"]))
    for drive in drives:
        first = microseconds(drive.start)
        mine = [(rule, (at - first) / 1e6) for at, rule in told.get(drive.unit, ())
                if first <= at < first + drive.seconds * 1_000_000]  # fmt: skip
        found.score += scored(planted[drive.file], mine)
    assert found.score.told == sum(map(len, told.values())), "a violation lies in no file"
    _read_quality(app, units, since, found)


def _read_quality(app: App, units: list[str], since: int, found: Found) -> None:
    found.locomotives = len(units)
    counts: dict[str, int] = {}
    for row in app.lookup.violations(units, since):
        counts[row["rule"]] = counts.get(row["rule"], 0) + 1
    records = app.lookup.run_records(units, since)
    found.runs, found.km = len(records), sum(row["km_milli"] for row in records) / 1000
    weights = {key: float(row.weight) for key, row in app.catalogue().mode_rules.items()}
    index = quality_index(counts, weights, found.km)
    found.index = (index.value or 0.0, index.low or 0.0, index.high or 0.0)


def _read_dues(app: App, found: Found) -> None:
    fleet = FleetDues(app.views, app.lookup, app.catalogue(), microseconds(app.clock()))
    begin = time.process_time()
    dues = fleet.of()
    found.dues_ms = (time.process_time() - begin) * 1000
    found.due_units = len({forecast.due.unit for forecast in dues})


def told(found: Found) -> list[Row]:
    """Say what came of the year as rows of the table."""
    score, (value, low, high) = found.score, found.index
    print(f"\n  {found.operations:,} operations, {found.runs:,} runs, {found.km:,.0f} km; index "
          f"{value:.3f} ({low:.3f} to {high:.3f}) per 1000 km; {found.again} files known when "
          f"given again; {len(found.wrong)} files not as they should be", *found.wrong[:5],
          sep="\n    ", file=sys.stderr)  # fmt: skip
    days = found.rows / DAY_S
    return [
        Row(f"a year of {found.locomotives} sections: {found.files:,} recorder files, "
            f"{days:,.0f} recorder-days, taken in; processor time", f"{found.seconds:.0f} s",
            "–", f"{found.seconds / max(days, 1e-9):.2f} s/day", "–", not found.wrong),
        Row(f"violations planted in it found ({score.planted:,})", f"{score.recall:.2%}", "–", "–",
            "≥ 99 %", score.recall >= 0.99),
        Row(f"violations told that were planted ({score.told:,})", f"{score.precision:.2%}", "–",
            "–", "≥ 99 %", score.precision >= 0.99),
        within(f"dues of {found.due_units:,} units after it", found.dues_ms, 1000),
    ]  # fmt: skip


def _whole_days(count: int = 10) -> Row:
    """Judge whole recorder-days, from which a year of 56 locomotives is reckoned."""
    from railtrace.operating.recorders import judge, rules_for

    folder, catalogue = Path("build") / "bench" / "days", load()
    folder.mkdir(parents=True, exist_ok=True)
    kind = catalogue.recorder_types["reference"]
    header = {c.channel: c.column for c in kind.columns}
    for n in range(count):
        write_parquet(recorder_day(n), folder / f"{n}.parquet", END, header)
    begin = time.process_time()
    for path in files_in([folder]):
        judge(path, kind, rules_for(catalogue, "2te10m"))
    each = (time.process_time() - begin) / count
    shutil.rmtree(folder)
    hours = each * 56 * 365 / 3600 / (os.cpu_count() or 1)
    return Row("a recorder-day read and judged, processor time; 56 locomotives for a year on all "
               "cores", f"{each:.2f} s", "–", f"{hours:.1f} h", "–", True)  # fmt: skip


if __name__ == "__main__":
    asked = [float(text) for text in sys.argv[1:3]]
    for row in rows(*asked):
        print(row)
