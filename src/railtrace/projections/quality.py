"""Operation quality: which modes were violated, and which recorder files were read of a unit.

Both are kept as history rows; indexes, trends and pages are computed from them when read.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import ModeViolated, Operation, RecorderRead


class Quality(State):
    """How many violations and files there are of one unit."""

    violations: int = 0
    files: int = 0


def _violated(state: Quality, entry: Entry, operation: ModeViolated) -> tuple[str, tuple[Any, ...]]:
    state.violations += 1
    worst = operation.readings[0] if operation.readings else None
    return "violations", (
        state.unit, entry.happened_us, operation.rule,
        None if operation.duration_s is None else milli(operation.duration_s),
        worst.quantity if worst else "", worst.value if worst else "",
        worst.unit if worst else "", _file(operation), operation.id,
    )  # fmt: skip


def _read(state: Quality, entry: Entry, operation: RecorderRead) -> tuple[str, tuple[Any, ...]]:
    state.files += 1
    return "recorder_files", (
        state.unit, microseconds(operation.first_at), microseconds(operation.last_at),
        operation.recorder, operation.rows,
        None if operation.distance_km is None else milli(operation.distance_km),
        msgspec.json.encode(operation.findings).decode(), _file(operation), operation.id,
    )  # fmt: skip


def _file(operation: Operation) -> str:
    return operation.evidence[0].sha256 if operation.evidence else ""


def _apply(
    state: Quality, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case ModeViolated():
            return (_violated(state, entry, operation),)
        case RecorderRead():
            return (_read(state, entry, operation),)
    return ()


def _rows(state: Quality, catalogue: Catalogue) -> Rows:
    return {}


QUALITY = View(
    name="quality",
    version=1,
    state=Quality,
    kinds=frozenset({"ModeViolated", "RecorderRead"}),
    tables={},
    history={
        "violations": (
            "unit TEXT", "at_us BIGINT", "rule TEXT", "duration_milli BIGINT", "quantity TEXT",
            "worst TEXT", "uom TEXT", "file TEXT", "operation TEXT",
        ),
        "recorder_files": (
            "unit TEXT", "at_us BIGINT", "last_us BIGINT", "recorder TEXT", "lines BIGINT",
            "km_milli BIGINT", "findings TEXT", "file TEXT", "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
