"""A few ready-made operations and an in-memory ledger for the projection tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import KINDS, Operation

START = datetime(2024, 3, 1, 6, 0, tzinfo=UTC)


def op(kind: str, id_: str, day: float = 0, **fields: Any) -> Operation:
    """Make an operation that happened some days after the start."""
    return KINDS[kind](id=id_, happened_at=START + timedelta(days=day), **fields)


def entries(operations: Iterable[Operation], log: str = "north") -> list[Entry]:
    """Record operations in the order given, a second apart."""
    return [
        Entry(
            log,
            position,
            microseconds(operation.happened_at),
            microseconds(START) + 400 * 86_400_000_000 + position * 1_000_000,
            "tester",
            "test",
            operation,
        )
        for position, operation in enumerate(operations)
    ]
