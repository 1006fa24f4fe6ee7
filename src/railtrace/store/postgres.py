"""PostgreSQL as a database of Railtrace: COPY for bulk rows, row locks for logs."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from railtrace.errors import Contended, StoreFull

_COPY_FROM_ROWS = 20
"""Below this, one INSERT statement is quicker than opening a COPY."""


def _translated(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


_Types = dict[tuple[str, tuple[str, ...]], list[int]]
"""Type numbers by table and columns; the columns of a table change with the program only."""


class PostgresWriter:
    """One open write transaction."""

    def __init__(self, cursor: psycopg.Cursor[Any], types: _Types) -> None:
        self._cursor, self._types = cursor, types

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        self._cursor.execute(_translated(sql), parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    def lock(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Read rows and hold them against other writers."""
        return self.query(sql + " FOR UPDATE", parameters)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows."""
        names = ",".join(columns)
        if len(rows) < _COPY_FROM_ROWS:
            marks = ",".join(["%s"] * len(columns))
            self._cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks})".encode(), rows
            )
            return
        types = self._types_of(table, tuple(columns))
        sql = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        with self._cursor.copy(sql.encode()) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _types_of(self, table: str, columns: tuple[str, ...]) -> list[int]:
        """Return the type of each column, which binary COPY does not convert to."""
        if (table, columns) not in self._types:
            self._cursor.execute(
                b"SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass"
                b" AND attnum > 0", (table,)
            )  # fmt: skip
            found = dict(self._cursor.fetchall())
            self._types[table, columns] = [found[column] for column in columns]
        return self._types[table, columns]

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run one statement for many rows of parameters."""
        self._cursor.executemany(_translated(sql), rows)


class Postgres:
    """One PostgreSQL database (and schema, by the DSN's search_path), a connection per thread."""

    blob, dialect = "BYTEA", "postgres"

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._local = threading.local()
        self._all: list[psycopg.Connection[Any]] = []
        self._idle: list[psycopg.Connection[Any]] = []
        self._types: _Types = {}

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = self._local.connection = self._connect()
        return connection

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.dsn, autocommit=True)
        self._all.append(connection)
        return connection

    def _idle_connection(self) -> psycopg.Connection[Any]:
        with suppress(IndexError):
            return self._idle.pop()
        return self._connect()

    def create(self, *statements: str) -> None:
        """Run statements that make tables where they are missing."""
        with self._connection().transaction() as opened:
            # Two processes that start together would both make the table, and one would fail.
            opened.connection.execute("SELECT pg_advisory_xact_lock(hashtext('railtrace'))")
            for statement in statements:
                opened.connection.execute(_translated(statement))

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement and return its rows."""
        cursor = self._connection().execute(_translated(sql), parameters)
        return cursor.fetchall() if cursor.description else []

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Run one reading statement and yield its rows from a server-side cursor.

        On a connection of its own: a commit of this thread must not wait for the last row.
        """
        connection = self._idle_connection()
        try:
            yield from _rows(connection, sql, parameters)
        finally:
            if not connection.closed:
                self._idle.append(connection)

    @contextmanager
    def write(self) -> Iterator[PostgresWriter]:
        """Open a write transaction; commit at the end, roll back on any error."""
        connection = self._connection()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                yield PostgresWriter(cursor, self._types)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected) as error:
            raise Contended("another writer was there first: {error}", error=error) from error
        except psycopg.errors.DiskFull as error:
            raise StoreFull(
                "the database server's disk is full: nothing is recorded until room is made; "
                "reading goes on"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._idle.clear()
        self._local = threading.local()


def _rows(
    connection: psycopg.Connection[Any], sql: str, parameters: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    with connection.transaction(), connection.cursor(name="stream") as cursor:
        cursor.itersize = 5000
        cursor.execute(_translated(sql), parameters)
        yield from cursor
