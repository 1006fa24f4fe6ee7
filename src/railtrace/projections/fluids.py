"""Fluids: samples of an engine's oil, coolant and fuel, and when each was changed."""

from collections.abc import Iterable
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import FluidChanged, FluidSampled, Operation


class Fluids(State):
    """Nothing is remembered: every sample and change is a row of its own."""


def _milli(value: str | None) -> int | None:
    return None if value is None else round(float(value) * 1000)


def _apply(
    state: Fluids, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case FluidSampled():
            row: tuple[Any, ...] = (
                state.unit, entry.happened_us, operation.fluid, operation.sample,
                _milli(operation.engine_hours), operation.laboratory, operation.id, entry.log,
            )  # fmt: skip
            return [("fluid_samples", row)]
        case FluidChanged():
            row = (
                state.unit, entry.happened_us, operation.fluid, int(operation.whole),
                _milli(operation.engine_hours), operation.id,
            )  # fmt: skip
            return [("fluid_changes", row)]
    return ()


def _rows(state: Fluids, catalogue: Catalogue) -> Rows:
    return {}


FLUIDS = View(
    name="fluids",
    version=2,
    state=Fluids,
    kinds=frozenset({"FluidSampled", "FluidChanged"}),
    tables={},
    history={
        "fluid_samples": (
            "unit TEXT", "at_us BIGINT", "fluid TEXT", "sample TEXT", "hours_milli BIGINT",
            "laboratory TEXT", "operation TEXT", "log TEXT",
        ),
        "fluid_changes": (
            "unit TEXT", "at_us BIGINT", "fluid TEXT", "whole BIGINT", "hours_milli BIGINT",
            "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
