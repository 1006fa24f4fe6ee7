"""Parquet segments of the trace, of the views and of lives; the same rows give the same bytes.

The layout is docs/segments.md. Rows go through lines of JSON, which DuckDB reads without another
dependency; it writes with one thread and in their order, so that a hash means the rows.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb
import msgspec

from railtrace.analysis.sufficient import COLUMNS, KEYS, SUMS, Frame, sufficient
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadData, ConfigError, NotFound
from railtrace.projections.fold import View
from railtrace.store.database import Database
from railtrace.store.lives import lives_of
from railtrace.store.lookup import Lookup, Maintained
from railtrace.store.trace import DatabaseTraceStore

FORMAT = "railtrace-segment/1"
TRACE = {"log": "VARCHAR", "position": "BIGINT", "id": "VARCHAR", "kind": "VARCHAR",
         "leaf": "VARCHAR", "leaf_hash": "VARCHAR"}  # fmt: skip
LIVES = {
    "vehicle_class": "VARCHAR", "owner": "VARCHAR", "vehicle": "VARCHAR", "unit": "VARCHAR",
    "position": "VARCHAR", "component": "VARCHAR", "series": "VARCHAR", "cell": "VARCHAR",
    "entry_km": "DOUBLE", "leave_km": "DOUBLE", "failed": "BOOLEAN", "failed_by": "VARCHAR",
}  # fmt: skip
_TYPES = {"TEXT": "VARCHAR", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE"}
UNKNOWN_AGE = "age unknown"
"""The cell of kilometres run at an age that nobody knows: they begin at nought, and only their
sum and their failures mean something."""
_ROW_GROUP = 100_000


def write_parquet(
    path: Path, columns: Mapping[str, str], rows: Iterable[Sequence[Any]], about: Mapping[str, str]
) -> int:
    """Write rows as one Parquet file and return how many; `about` goes into its metadata."""
    encode, names, count = msgspec.json.Encoder().encode, tuple(columns), 0
    with NamedTemporaryFile("wb", dir=path.parent, suffix=".jsonl") as lines:
        for row in rows:
            lines.write(encode(dict(zip(names, row, strict=True))) + b"\n")
            count += 1
        lines.flush()
        kinds = ", ".join(f"{_quoted(name)}: {_quoted(type_)}" for name, type_ in columns.items())
        told = {"format": FORMAT, **about}
        notes = ", ".join(f"{_quoted(key)}: {_quoted(value)}" for key, value in told.items())
        with duckdb.connect(config={"threads": 1}) as base:
            base.execute(
                f"COPY (SELECT * FROM read_json({_quoted(lines.name)}, columns={{{kinds}}},"
                f" format='newline_delimited', maximum_object_size=67108864))"
                f" TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd,"
                f" ROW_GROUP_SIZE {_ROW_GROUP}, KV_METADATA {{{notes}}})"
            )
    return count


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def about_file(path: Path) -> dict[str, str]:
    """Return what a segment says of itself. Raises BadData for another file."""
    with duckdb.connect() as base:
        try:
            rows = base.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)])
            found = {key.decode(): value.decode() for key, value in rows.fetchall()}
        except duckdb.Error:
            found = {}
    if found.get("format") != FORMAT:
        raise BadData("{path} is no segment of Railtrace", path=path)
    return found


# --- what is written ----------------------------------------------------------------------------


def trace_rows(
    trace: DatabaseTraceStore, log: str, start: int, end: int
) -> Iterator[tuple[Any, ...]]:
    """Yield the entries of a log from a position up to another, leaves as they were hashed."""
    for position, id_, kind, leaf, hashed in trace.rows(log, start):
        if position >= end:
            return
        # A damaged leaf goes out as it can be told; its hash shows that it is not what was hashed.
        text = bytes(leaf).decode("utf-8", "replace")
        yield log, position, id_, kind, text, bytes(hashed).hex()


def view_columns(view: View, table: str) -> dict[str, str]:
    """Return the columns of a table of a view as Parquet types."""
    columns = (view.tables | view.history)[table]
    return {name: _TYPES[type_] for name, type_, *_ in (c.split() for c in columns)}


def view_rows(
    database: Database, table: str, columns: Mapping[str, str]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table of a view, in the order of its columns."""
    names = ", ".join(columns)
    order = ", ".join(f"{name} NULLS FIRST" for name in columns)
    return database.stream(f"SELECT {names} FROM {table} ORDER BY {order}")


def lives_rows(
    lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained], now_us: int
) -> Iterator[tuple[Any, ...]]:
    """Yield the pieces of every component's life, by class and owner."""
    fleets = sorted({(v.vehicle_class, v.owner) for v in vehicles})
    for fleet in fleets:
        mine = [v for v in vehicles if (v.vehicle_class, v.owner) == fleet]
        yield from _of_fleet(lookup, catalogue, mine, now_us)


def _of_fleet(
    lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained], now_us: int
) -> Iterator[tuple[Any, ...]]:
    lives = lives_of(lookup, catalogue, vehicles, now_us)
    pieces = lives.pieces
    driving = _driving_cells(lives.driving)
    for n, (component, vehicle, entry, span) in enumerate(zip(
        pieces.component.tolist(), pieces.vehicle.tolist(), pieces.entry_km.tolist(),
        pieces.span_km.tolist(), strict=True,
    )):  # fmt: skip
        of, (unit, position) = lives.vehicles[vehicle], lives.items[n]
        known = entry == entry
        begin = entry if known else 0.0
        yield (
            of.vehicle_class, of.owner, of.unit, unit, position, lives.components[component],
            of.type, driving[vehicle] if known else UNKNOWN_AGE, begin, begin + span,
            bool(pieces.failed[n]), lives.failed_by[n],
        )  # fmt: skip


def _driving_cells(driving: Sequence[float]) -> list[str]:
    """Name how a vehicle was driven, in thirds of the fleet; "" where no recorder tells."""
    return ["" if x != x else "gentle" if x < -0.43 else "usual" if x < 0.43 else "rough"
            for x in driving]  # fmt: skip


# --- the sufficient table -----------------------------------------------------------------------

Table = list[tuple[Any, ...]]
"""Rows of the sufficient table, by its keys: KEYS, then SUMS."""


def sufficient_by_duckdb(files: Sequence[Path]) -> Table:
    """Return the sufficient table of segments of lives. Raises NotFound, BadData."""
    import narwhals as nw

    require_lives(files)
    with duckdb.connect() as base:
        lives = nw.from_native(base.read_parquet([str(path) for path in files])).lazy()
        return sorted(table_of(lives).to_native().fetchall())


def sufficient_by_spark(files: Sequence[Path], master: str) -> Table:
    """Return the same table by the same expressions on Spark; `master` is its address.

    Raises ConfigError where Spark or Java is missing or does not start; NotFound, BadData.
    """
    import narwhals as nw

    require_lives(files)
    session = _spark(master)
    try:
        lives = nw.from_native(session.read.parquet(*(str(path.resolve()) for path in files)))
        return sorted(tuple(row) for row in table_of(lives.lazy()).to_native().collect())
    finally:
        session.stop()


def _spark(master: str) -> Any:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ConfigError(
            "Spark runs on Java, and there is none: install it (Debian 12: apt-get install"
            " openjdk-17-jre-headless) or leave --spark out"
        )
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError(
            "Spark is not installed: pip install 'railtrace[spark]', or leave --spark out"
        ) from None
    builder = SparkSession.builder.master(master).appName("railtrace")
    for key, value in {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC",
                       "spark.sql.shuffle.partitions": "8"}.items():  # fmt: skip
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise ConfigError("Spark does not start at {master}: {error}", master=master,
                          error=str(error).splitlines()[0]) from error  # fmt: skip


def require_lives(files: Sequence[Path]) -> None:
    """Refuse what is no segment of lives, by its name."""
    if not files:
        raise NotFound("no segment of lives was given: `railtrace segments --out FOLDER` makes one")
    for path in files:
        if about_file(path).get("table") != "lives":
            raise BadData("{path} is a segment of something else than lives", path=path)


def table_of(lives: Frame) -> Frame:
    """Return the sufficient table of a frame of lives, its columns in order."""
    return sufficient(lives.select(*COLUMNS)).select(*KEYS, *SUMS)
