"""A PostgreSQL schema of a test's own."""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo


@pytest.fixture
def postgres_schema(postgres_dsn: str) -> Iterator[Callable[[], str]]:
    """Return a maker of empty schemas, each given as the address that uses it."""
    made: list[str] = []

    def make() -> str:
        schema = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        made.append(schema)
        return make_conninfo(postgres_dsn, options=f"-c search_path={schema}")

    yield make
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for schema in made:
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
