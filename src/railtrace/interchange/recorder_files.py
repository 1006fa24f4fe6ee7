"""Files of on-board recorders, CSV or Parquet, read into columns by their catalogue row."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.recorder_rules import Condition, Rule
from railtrace.catalogue.rows import ModeRule, RecorderType
from railtrace.errors import BadEvidence

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """A file as read: its first moment [µs since 1970 UTC], seconds from it, its channels.

    Rows stand in the order of the file; `untimed` rows had no time and are left out of them.
    """

    first_us: int
    seconds: Floats
    channels: dict[str, Floats]
    untimed: int = 0


def read_recorder(path: Path, kind: RecorderType, parquet: bool | None = None) -> Recorded:
    """Return a recorder's file in the channels of its type. Raises BadEvidence.

    `parquet` says what a file without an ending is, as evidence files are.
    """
    source = _source(path, path.suffix.lower() == ".parquet" if parquet is None else parquet)
    with _base(os.getpid()).cursor() as base:
        try:
            columns = _columns(base, source)
            taken = _query(base, path, source, kind, columns)
        except duckdb.Error as error:
            raise BadEvidence(
                "{file} cannot be read, it is cut or damaged: {problem}", reason="unreadable",
                file=path, problem=str(error).splitlines()[0],
            ) from error  # fmt: skip
    return _recorded(path, kind, taken)


@cache
def _base(process: int) -> duckdb.DuckDBPyConnection:
    """Open one for a process and never for its children: opening takes as long as an hour's file.

    It keeps nothing of the files it read.
    """
    return duckdb.connect(config={"threads": 1, "enable_external_file_cache": "false"})


def _source(path: Path, parquet: bool) -> str:
    name = str(path).replace("'", "''")
    return f"read_parquet('{name}')" if parquet else f"read_csv('{name}')"


def _columns(base: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    rows = base.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _query(
    base: duckdb.DuckDBPyConnection,
    path: Path,
    source: str,
    kind: RecorderType,
    columns: dict[str, str],
) -> dict[str, NDArray[np.float64]]:
    if kind.time_column not in columns:
        raise BadEvidence(
            "{file} has no column {column} of the recorder {kind}; it has {columns}",
            reason="channel", file=path, column=kind.time_column, kind=kind.key,
            columns=", ".join(columns),
        )  # fmt: skip
    time = _time(kind, columns[kind.time_column])
    wanted = [
        f'TRY_CAST({_quoted(c.column)} AS DOUBLE) AS "{c.channel}"'
        for c in kind.columns
        if c.column in columns
    ]
    text = ", ".join([f"{time} AS __time", *wanted])
    return base.execute(f"SELECT {text} FROM {source}").fetchnumpy()


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _time(kind: RecorderType, column_type: str) -> str:
    """Microseconds of a moment; one without an offset is by the recorder's own zone."""
    column = _quoted(kind.time_column)
    if kind.time_is == "epoch_s":
        return f"TRY_CAST({column} AS DOUBLE) * 1e6"
    if "WITH TIME ZONE" in column_type:
        return f"epoch_us({column})"
    shift = round(kind.zone_h * 3.6e9)
    return f"epoch_us(TRY_CAST({column} AS TIMESTAMP)) - {shift}"


def _recorded(path: Path, kind: RecorderType, taken: dict[str, NDArray[np.float64]]) -> Recorded:
    at_us = _filled(taken.pop("__time"))
    known = np.isfinite(at_us)
    if not known.any():
        raise BadEvidence(
            "{file} has no row with a time in {column}", reason="unreadable", file=path,
            column=kind.time_column,
        )  # fmt: skip
    scales = {c.channel: (c.factor, c.offset) for c in kind.columns}
    channels = {
        name: _scaled(_filled(values)[known], *scales[name]) for name, values in taken.items()
    }
    first = float(at_us[known].min())
    return Recorded(int(first), (at_us[known] - first) / 1e6, channels, int((~known).sum()))


def _filled(values: Any) -> Floats:
    mask = getattr(values, "mask", None)
    filled: Floats = np.array(values, dtype=np.float64)
    if mask is not None:
        filled[mask] = np.nan
    return filled


def _scaled(values: Floats, factor: float, offset: float) -> Floats:
    return values if (factor, offset) == (1.0, 0.0) else values * factor + offset


def rules_of(rows: Sequence[ModeRule]) -> list[Rule]:
    """Return catalogue rows as rules to be run."""
    return [
        Rule(
            row.key,
            tuple(
                Condition(c.channel, c.sign, c.value, c.other, c.rise_s, c.absolute, c.spread_of)
                for c in row.conditions
            ),
            row.least_s, row.join_s,
        )
        for row in rows
    ]  # fmt: skip
