"""Failures of a unit and what restored it: when, which mode and class, at which place."""

from collections.abc import Iterable
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Failed, Operation, Repaired


class Failures(State):
    """How often a unit failed, and when last."""

    failures: int = 0
    last_us: int | None = None


def _apply(
    state: Failures, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case Failed():
            state.failures += 1
            state.last_us = entry.happened_us
            delay = None if operation.delay_min is None else milli(operation.delay_min)
            row = (
                state.unit, entry.happened_us, operation.mode, operation.place,
                operation.failure_class, delay, operation.id,
            )  # fmt: skip
            return (("failures", row),)
        case Repaired(restored="as_new"):
            return (("renewals", (state.unit, entry.happened_us, operation.id)),)
    return ()


def _rows(state: Failures, catalogue: Catalogue) -> Rows:
    return {"failure_counts": [(state.unit, state.failures, state.last_us)]}


FAILURES = View(
    name="failures",
    version=1,
    state=Failures,
    kinds=frozenset({"Failed", "Repaired"}),
    tables={"failure_counts": ("unit TEXT PRIMARY KEY", "failures BIGINT", "last_us BIGINT")},
    history={
        "failures": (
            "unit TEXT", "at_us BIGINT", "mode TEXT", "place TEXT", "failure_class BIGINT",
            "delay_milli BIGINT", "operation TEXT",
        ),
        "renewals": ("unit TEXT", "at_us BIGINT", "operation TEXT"),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
