"""SQLite as a database of Railtrace: WAL, one file, every writer begins IMMEDIATE."""

import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from railtrace.errors import Contended, StoreFull

ROOM_KEPT_BYTES = 64 * 1024 * 1024
"""Recording stops while the disk has less free room than this, so that reading can go on."""


_ROWS_IN_ONE = (500, 50)
_ROWS_AT_ONCE = 1000
_WAL_PAGES = 4000
"""How much may stand in the write-ahead log before it is taken into the file: 16 MB."""


@lru_cache(maxsize=256)
def _insertion(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({','.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([row] * rows)}"


def _bound(values: Iterable[Any]) -> list[Any]:
    """A byte array is bound at once, where bytes are looked up among adapters: a third dearer."""
    return [bytearray(value) if type(value) is bytes else value for value in values]


class SqliteWriter:
    """One open write transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        return self._connection.execute(sql, parameters).fetchall()

    def lock(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Read rows for change; the transaction holds the whole file's lock already."""
        return self.query(sql, parameters)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows, hundreds a statement.

        Each statement hands Python's lock to another thread and has to wait to get it back.
        """
        done = 0
        for size in _ROWS_IN_ONE:
            while len(rows) - done >= size:
                values = _bound(chain.from_iterable(rows[done : done + size]))
                self._connection.execute(_insertion(table, tuple(columns), size), values)
                done += size
        self._connection.executemany(_insertion(table, tuple(columns), 1), rows[done:])

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run one statement for many rows of parameters."""
        self._connection.executemany(sql, rows)


class Sqlite:
    """One SQLite file, a connection per thread."""

    blob, dialect = "BLOB", "sqlite"

    def __init__(self, path: Path | str, durable: bool = True) -> None:
        self.path = Path(path)
        self._durable = durable
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path, timeout=60, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'NORMAL'}")
            connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
            connection.execute("PRAGMA cache_size=-65536")
            connection.execute("PRAGMA mmap_size=1073741824")
            self._local.connection = connection
            self._all.append(connection)
        return connection

    def create(self, *statements: str) -> None:
        """Run statements that make tables where they are missing."""
        for statement in statements:
            self._connection().execute(statement)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement and return its rows."""
        return self._connection().execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Run one reading statement and yield its rows without holding them all."""
        cursor = self._connection().cursor()
        cursor.arraysize = _ROWS_AT_ONCE
        cursor.execute(sql, parameters)
        return chain.from_iterable(iter(cursor.fetchmany, []))

    @contextmanager
    def write(self) -> Iterator[SqliteWriter]:
        """Open a write transaction; commit at the end, roll back on any error."""
        connection = self._connection()
        self._refuse_when_full()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteWriter(connection)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.IntegrityError):
                raise Contended("another writer was there first: {error}", error=error) from error
            if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                raise _full(self.path) from error
            raise

    def _refuse_when_full(self) -> None:
        if shutil.disk_usage(self.path.parent).free < ROOM_KEPT_BYTES:
            raise _full(self.path)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._local = threading.local()


def _full(path: Path) -> StoreFull:
    return StoreFull(
        "the disk of {folder} is full: nothing is recorded until room is made; reading goes on",
        folder=path.parent,
    )
