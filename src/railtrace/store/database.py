"""What the trace and view stores need of a database; SQLite and PostgreSQL both give it.

SQL is written once, with `?` for parameters, in the part both dialects share.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Tuples = Sequence[tuple[Any, ...]]


class Writer(Protocol):
    """One open write transaction."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""

    def lock(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Read rows and hold them against other writers."""

    def insert(self, table: str, columns: Sequence[str], rows: Tuples) -> None:
        """Insert many rows."""

    def many(self, sql: str, rows: Tuples) -> None:
        """Run one statement for many rows of parameters."""


class Database(Protocol):
    """A place for tables."""

    blob: str
    dialect: str

    def create(self, *statements: str) -> None:
        """Run statements that make tables where they are missing."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement and return its rows."""

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Run one reading statement and yield its rows without holding them all."""

    def write(self) -> AbstractContextManager[Writer]:
        """Open a write transaction; commit at the end, roll back on any error."""

    def close(self) -> None:
        """Close every connection."""


def chunks(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Cut a sequence for `IN (...)` lists."""
    return (items[start : start + size] for start in range(0, len(items), size))


def marks(count: int) -> str:
    """Return `?,?,?` for an IN list."""
    return ",".join("?" * count)
