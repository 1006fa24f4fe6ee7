"""Failure data from CSV files, checked row by row; docs/how-to/analyse-failure-data.md.

| column | meaning |
|---|---|
| unit | which unit or position; needed where failures repeat |
| time | age at failure or at the last sight; with a suffix the unit of measure: time_km |
| lower, upper | instead of time: failed between; blank upper: not yet; blank lower: from new |
| event | 1 or failed; 0, censored or blank: still running |
| mode | instead of event: the failure mode; blank or censored: still running |
| entry | age at which watching began |
| count | how many lives the row stands for |
| group | series, depot, batch ... |
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.estimates import mean_with_few_failures
from railtrace.analysis.life_data import MOST_FAULTS_TOLD, Floats, Lives, censored, faults
from railtrace.analysis.recurrence import Histories, histories
from railtrace.errors import BadData

AGES = ("time", "lower", "upper", "entry")
COLUMNS = (*AGES, "unit", "event", "mode", "count", "group")
FAILED = {"1", "1.0", "true", "yes", "failed", "failure", "fail"}
RUNNING = {"", "0", "0.0", "false", "no", "censored", "running", "suspended"}
NUMBER = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|[+-]?nan)\s*([^\d.,\s].*?)?\s*"
)
COMMA = re.compile(r"([+-]?\d+),(\d+)(?!.*,)")
"""A decimal comma, as spreadsheets write it where semicolons part the cells."""


@dataclass(frozen=True, eq=False)
class LifeFile:
    """Lives by group as a file gives them; `modes` has the mode of each row, blank for none."""

    lives: Lives
    groups: tuple[str, ...]
    modes: NDArray[np.str_]
    measure: str
    ignored: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class HistoryFile:
    """Failure histories by group as a file gives them."""

    histories: Histories
    groups: tuple[str, ...]
    units: tuple[str, ...]
    measure: str
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    columns: dict[str, list[str]]
    measures: dict[str, str]
    lines: list[int]
    ignored: tuple[str, ...]


def read_lives(path: Path) -> LifeFile:
    """Return the lives of a CSV file.

    Raises
    ------
    BadData : with every faulty line and its reason; or every row is censored.
    """
    table = _table(path)
    found: list[tuple[int, str]] = []
    ages, measure = _ages(table, found)
    count = _counts(table, found)
    failed, modes = _outcomes(table, found)
    lower, upper = _span(table, ages, failed, found)
    names, group = _groups(table, found)
    entry = ages.get("entry")
    told = {row for row, _ in found}
    checked = faults(lower, upper, entry, count)
    found += [(row, reason) for row, reason in checked if row not in told]
    _refuse(table, found)
    if not np.any(np.isfinite(upper)):
        _refuse_all_censored(lower, entry, count, measure)
    order = np.argsort(group, kind="stable")
    lives = censored(lower[order], upper[order], group=group[order],
                     entry=None if entry is None else entry[order],
                     count=None if count is None else count[order])  # fmt: skip
    return LifeFile(lives, names, modes[order], measure, table.ignored)


def read_histories(path: Path, mode: str = "") -> HistoryFile:
    """Return the failure histories of a CSV file: each unit's failures, and the end of its watch.

    A row that is no failure ends the watch of its unit; a unit without one was watched until its
    last failure. `entry` is the age at which the watch began. With `mode`, only its failures count.

    Raises
    ------
    BadData : with every faulty line and its reason.
    """
    table = _table(path)
    found: list[tuple[int, str]] = []
    if "lower" in table.columns or "upper" in table.columns:
        raise BadData("repeated failures need known ages: give time, not lower and upper")
    if "unit" not in table.columns:
        raise BadData("there is no column unit: whose failures are these?")
    ages, measure = _ages(table, found)
    count = _counts(table, found)
    failed, modes = _outcomes(table, found)
    names, group = _groups(table, found)
    _refuse(table, found)
    time = ages["time"]
    found += [(int(k), f"the time {time[k]:g} is negative") for k in np.flatnonzero(time < 0)]
    units, number = _numbered(table.columns["unit"])
    spans = _spans(time, ages.get("entry"), failed, group, number, len(units), found)
    _refuse(table, found)
    kept = failed & ((modes == mode) if mode else True)
    if not np.any(kept):
        raise BadData("there are no failures{of}", of=f" of the mode {mode}" if mode else "")
    times = np.ones(len(time)) if count is None else count
    repeated = np.repeat(np.flatnonzero(kept), times[kept].astype(np.int64))
    start, stop, of_unit, by_failure = spans
    order = np.argsort(of_unit, kind="stable")
    data = histories(stop, time[repeated], number[repeated], start=start, group=of_unit,
                     ended_by_failure=by_failure)  # fmt: skip
    return HistoryFile(data, names, tuple(units[k] for k in order), measure, table.ignored)


def _table(path: Path) -> _Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            sample = file.readline()
            file.seek(0)
            parted = ";" if sample.count(";") > sample.count(",") else ","
            rows = csv.reader(file, delimiter=parted)
            header = [name.strip().lower() for name in next(rows, [])]
            filled = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
        except UnicodeDecodeError as error:
            raise BadData("{file} is not UTF-8 text", file=path.name) from error
    if not filled:
        raise BadData("{file} has no rows", file=path.name)
    wrong = tuple((k, f"{len(row)} cells under {len(header)} headings")
                  for k, (_, row) in enumerate(filled) if len(row) != len(header))  # fmt: skip
    lines = [line for line, _ in filled]
    _refuse(_Table({}, {}, lines, ()), list(wrong))
    table = _named(header, [row for _, row in filled], lines)
    for name in {*AGES, "count"} & table.columns.keys() if parted == ";" else ():
        table.columns[name] = [COMMA.sub(r"\1.\2", cell) for cell in table.columns[name]]
    return table


def _named(header: list[str], rows: list[list[str]], lines: list[int]) -> _Table:
    columns: dict[str, list[str]] = {}
    measures: dict[str, str] = {}
    ignored = []
    for place, title in enumerate(header):
        name, _, suffix = title.partition("_")
        if title not in COLUMNS and not (name in AGES and suffix):
            ignored.append(title)
            continue
        if name in columns:
            raise BadData("the column {name} is there twice", name=name)
        columns[name] = [row[place].strip() for row in rows]
        if suffix:
            measures[name] = suffix
    if "time" not in columns and not {"lower", "upper"} <= columns.keys():
        raise BadData(
            "there is no column time, nor lower and upper, only {columns}: call the one with the "
            "ages time",
            columns=", ".join(header),
        )
    if "time" in columns and {"lower", "upper"} & columns.keys():
        raise BadData("give time, or lower and upper, not both")
    if len(set(measures.values())) > 1:
        told = ", ".join(f"{name} in {unit}" for name, unit in measures.items())
        raise BadData("units mixed: {told}", told=told)
    return _Table(columns, measures, lines, tuple(ignored))


def _ages(table: _Table, found: list[tuple[int, str]]) -> tuple[dict[str, Floats], str]:
    """Return the columns that hold ages, and their unit of measure."""
    measure = next(iter(table.measures.values()), "")
    ages = {}
    blank = {"time": np.nan, "lower": 0.0, "upper": np.inf, "entry": 0.0}
    for name in AGES:
        if name not in table.columns:
            continue
        values = np.empty(len(table.lines))
        for row, cell in enumerate(table.columns[name]):
            values[row], unit = _number(cell, blank[name], name, row, found)
            if unit and measure and unit != measure:
                found.append((row, f"units mixed: {name} is in {unit}, others in {measure}"))
            measure = measure or unit
        ages[name] = values
    return ages, measure


def _number(
    cell: str, blank: float, name: str, row: int, found: list[tuple[int, str]]
) -> tuple[float, str]:
    if not cell and np.isnan(blank):
        found.append((row, f"{name} is missing"))
    if not cell:
        return blank, ""
    match = NUMBER.fullmatch(cell)
    if match is None:
        found.append((row, f"{name} {cell!r} is not a number"))
        return blank, ""
    return float(match[1]), match[2] or ""


def _counts(table: _Table, found: list[tuple[int, str]]) -> Floats | None:
    if "count" not in table.columns:
        return None
    values = np.empty(len(table.lines))
    for row, cell in enumerate(table.columns["count"]):
        values[row], rest = _number(cell, 1.0, "count", row, found)
        if rest or values[row] != np.floor(values[row]) or values[row] <= 0:
            found.append((row, f"the count {cell!r} is not a whole number above zero"))
            values[row] = 1.0
    return values


def _outcomes(
    table: _Table, found: list[tuple[int, str]]
) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Return which rows are failures, and their modes."""
    size = len(table.lines)
    modes = table.columns.get("mode", [""] * size)
    named = [mode.lower() not in RUNNING for mode in modes]
    failed = np.array(named if "mode" in table.columns else [True] * size)
    for row, cell in enumerate(table.columns.get("event", [])):
        told = cell.lower()
        if told not in FAILED | RUNNING:
            found.append((row, f"event {cell!r} is neither 1 (failed) nor 0 (running)"))
        failed[row] = told in FAILED
        if "mode" in table.columns and named[row] and not failed[row]:
            found.append((row, f"mode {modes[row]!r} without an event"))
    return failed, np.where(failed, np.array(modes), "")


def _span(
    table: _Table,
    ages: dict[str, Floats],
    failed: NDArray[np.bool_],
    found: list[tuple[int, str]],
) -> tuple[Floats, Floats]:
    if "time" in ages:
        return ages["time"], np.where(failed, ages["time"], np.inf)
    lower, upper = ages["lower"], ages["upper"]
    if "event" in table.columns or "mode" in table.columns:
        for row in np.flatnonzero(failed & np.isinf(upper)):
            found.append((int(row), "a failure without upper: when was it found?"))
        upper = np.where(failed, upper, np.inf)
    return lower, upper


def _groups(
    table: _Table, found: list[tuple[int, str]]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if "group" not in table.columns:
        return ("all",), np.zeros(len(table.lines), np.int64)
    cells = table.columns["group"]
    found += [(row, "the group is empty") for row, cell in enumerate(cells) if not cell]
    names, number = _numbered(cells)
    return tuple(names), number


def _numbered(cells: Iterable[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Number texts in order of appearance."""
    places: dict[str, int] = {}
    numbers = [places.setdefault(cell, len(places)) for cell in cells]
    return list(places), np.array(numbers, dtype=np.int64)


Spans = tuple[Floats, Floats, NDArray[np.int64], NDArray[np.bool_]]


def _spans(
    time: Floats,
    entry: Floats | None,
    failed: NDArray[np.bool_],
    group: NDArray[np.int64],
    unit: NDArray[np.int64],
    units: int,
    found: list[tuple[int, str]],
) -> Spans:
    """Return start, stop, group of each unit, and whether a failure ended its watch."""
    start, stop = np.zeros(units), np.full(units, np.nan)
    of_unit, by_failure = np.zeros(units, np.int64), np.ones(units, np.bool_)
    for k, rows in _rows_by_unit(unit, units):
        ends = rows[~failed[rows]]
        found += [(int(r), "the unit's watch ended twice") for r in ends[1:]]
        found += [(int(r), "the unit is in another group here")
                  for r in rows if group[r] != group[rows[0]]]  # fmt: skip
        start[k], stop[k] = 0.0 if entry is None else entry[rows].max(), time[rows].max()
        of_unit[k], by_failure[k] = group[rows[0]], len(ends) == 0
        found += _span_faults(rows, ends, time, start[k], failed)
    return start, stop, of_unit, by_failure


def _rows_by_unit(unit: NDArray[np.int64], units: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    order = np.argsort(unit, kind="stable")
    edges = np.searchsorted(unit[order], np.arange(units + 1))
    for k in range(units):
        yield k, order[edges[k] : edges[k + 1]]


def _span_faults(
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    time: Floats,
    start: float,
    failed: NDArray[np.bool_],
) -> Iterator[tuple[int, str]]:
    for row in rows:
        if len(ends) and time[row] > time[ends[0]]:
            yield int(row), f"{time[row]:g} is after the watch ended at {time[ends[0]]:g}"
        if time[row] < start or (time[row] == start and (failed[row] or row in ends)):
            yield int(row), f"the entry {start:g} is not before the exit {time[row]:g}"


def _refuse_all_censored(
    lower: Floats, entry: Floats | None, count: Floats | None, measure: str
) -> None:
    watched = lower if entry is None else lower - entry
    exposure = float(np.sum(watched if count is None else watched * count))
    bound = float(mean_with_few_failures(exposure, 0).low)
    raise BadData(
        "every row is censored: without a failure no law can be fitted. Under a constant rate the "
        "mean life is above {bound:.4g}{measure} with 95 % confidence",
        bound=bound, measure=f" {measure}" if measure else "",
    )  # fmt: skip


def _refuse(table: _Table, found: list[tuple[int, str]]) -> None:
    if not found:
        return
    named = sorted({(table.lines[row], reason) for row, reason in found})
    told = [f"line {line}: {reason}" for line, reason in named[:MOST_FAULTS_TOLD]]
    if len(named) > MOST_FAULTS_TOLD:
        told.append(f"and {len(named) - MOST_FAULTS_TOLD} more")
    raise BadData("{text}", tuple(named), text="\n".join(told))
