"""Every trace store, each empty, through one opener that other processes can use too."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from railtrace.store.postgres import Postgres
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore

Opener = Callable[[], DatabaseTraceStore]


def open_sqlite(path: Path) -> DatabaseTraceStore:
    """Open a store in a file."""
    return DatabaseTraceStore(Sqlite(path))


def open_postgres(dsn: str) -> DatabaseTraceStore:
    """Open a store in a database."""
    return DatabaseTraceStore(Postgres(dsn))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Return what opens the same empty store again and again."""
    if request.param == "sqlite":
        yield partial(open_sqlite, tmp_path / "trace.db")
        return
    dsn: str = request.getfixturevalue("postgres_dsn")
    schema = f"trace_{secrets.token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    yield partial(open_postgres, make_conninfo(dsn, options=f"-c search_path={schema}"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture
def store(open_store: Opener) -> Iterator[DatabaseTraceStore]:
    """Return an empty store."""
    opened = open_store()
    yield opened
    opened.close()
