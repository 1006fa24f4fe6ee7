"""Copies of the trace's tables: out into one SQLite file at one moment, and in again.

The file is the same whichever database it came from, so a backup of one profile can be
restored into the other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from railtrace.store.database import Database
from railtrace.store.postgres import Postgres
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore

TABLES = {
    "logs": ("log", "origin", "size", "frontier", "recorded_us", "number"),
    "operations": ("key", "id", "kind", "leaf", "hash"),
    "replicated": ("key", "id", "kind", "leaf", "hash"),
    "awaited": ("sha256", "log"),
    "heard": ("log", "sender", "received_us", "as_of_us"),
    "heard_then": ("log", "received_us", "as_of_us"),
    "forks": ("log", "received_us", "why", "ours", "theirs", "parcel"),
    "subtrees": ("log", "height", "idx", "hash"),
    "checkpoints": ("log", "size", "signed_us", "note"),
}
_PAGE = 10_000
_IS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"


def copy_out(source: Database, path: Path) -> None:
    """Write all logs as they are at one moment into a new SQLite file; recording goes on."""
    if isinstance(source, Sqlite):
        copy_sqlite(source.path, path)
    elif isinstance(source, Postgres):
        _copy_postgres(source.dsn, path)


def copy_sqlite(source: Path, path: Path) -> None:
    """Copy a SQLite file that is in use."""
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(path)) as to:
        from_.backup(to)
    seal(path)


def seal(path: Path) -> None:
    """Leave one file without a log beside it, as it is to be copied and hashed."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _copy_postgres(dsn: str, path: Path) -> None:
    target = Sqlite(path)
    DatabaseTraceStore(target)
    with psycopg.connect(dsn) as source:
        source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        source.read_only = True
        for table, columns in TABLES.items():
            with source.cursor(name="copy") as cursor:
                cursor.itersize = _PAGE
                cursor.execute(f"SELECT {','.join(columns)} FROM {table}".encode())
                _insert(target, table, columns, cursor)
    target.close()
    seal(path)


def copy_in(path: Path, target: Database) -> None:
    """Fill the empty tables of a database from a copy."""
    DatabaseTraceStore(target)
    with closing(sqlite3.connect(path)) as source:
        for table, columns in TABLES.items():
            if not source.execute(_IS_TABLE, (table,)).fetchone():
                continue  # the copy is of before there was one
            rows = source.execute(f"SELECT {','.join(columns)} FROM {table}")
            _insert(target, table, columns, rows)


def _insert(
    target: Database, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]
) -> None:
    while page := list(islice(rows, _PAGE)):
        with target.write() as writer:
            writer.insert(table, columns, page)
