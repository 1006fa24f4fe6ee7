"""Usage: kilometres and engine-hours of a unit, by runs and by its meters.

A counter at a moment is the last meter reading (or opening figure) at or before it plus the runs
since. A meter's own display is turned into a life-long figure by what replaced meters showed.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    MeterRead,
    MeterReplaced,
    Operation,
    Ran,
    Registered,
    RunRecorded,
)

MILLI = 1000
"""Counters are kept in whole thousandths (metres, thousandths of an hour): sums stay exact."""

_BACKWARDS_TOLERANCE_MILLI = 1 * MILLI
"""A meter shows whole units: one unit less than counted is rounding, not a contradiction."""


def milli(value: str) -> int:
    """Return a decimal text in whole thousandths, rounded half to even."""
    return int((Decimal(value) * MILLI).to_integral_value())


class Meter(Struct):
    """One life-long counter [thousandths] and what turns the meter's display into it."""

    total: int = 0
    offset: int = 0
    display: int | None = None
    known: bool = False


class Usage(State):
    """Counters of one unit."""

    km: Meter = field(default_factory=Meter)
    engine_hours: Meter = field(default_factory=Meter)
    runs: int = 0
    first_run_us: int | None = None
    last_run_us: int | None = None


def _run(state: Usage, entry: Entry, run: Ran | RunRecorded) -> tuple[str, tuple[Any, ...]]:
    # What a record says below zero is named by the view of runs, and counts for nothing here.
    km, hours = max(milli(run.distance_km), 0), milli(run.engine_hours)
    state.km.total += km
    state.engine_hours.total += hours
    state.runs += 1
    state.last_run_us = entry.happened_us
    if state.first_run_us is None:
        state.first_run_us = entry.happened_us
    started_us = None if run.started_at is None else microseconds(run.started_at)
    return "runs", (
        state.unit, entry.happened_us, km, hours, entry.log, entry.position, started_us
    )  # fmt: skip


def _anchor(state: Usage, entry: Entry, meter: str, total: int) -> tuple[str, tuple[Any, ...]]:
    counter: Meter = getattr(state, meter)
    counter.total, counter.known = total, True
    return "anchors", (state.unit, meter, entry.happened_us, total, entry.log, entry.position)


def _read(state: Usage, entry: Entry, read: MeterRead) -> tuple[str, tuple[Any, ...]]:
    counter: Meter = getattr(state, read.meter)
    shown = milli(read.value)
    total = counter.offset + shown
    if counter.known and total < counter.total - _BACKWARDS_TOLERANCE_MILLI:
        state.contradict(
            entry, "counter_goes_back", meter=read.meter, shown=read.value,
            counted=f"{(counter.total - counter.offset) / MILLI:.3f}",
        )  # fmt: skip
    counter.display = shown
    return _anchor(state, entry, read.meter, total)


def _replace(state: Usage, entry: Entry, op: MeterReplaced) -> tuple[str, tuple[Any, ...]]:
    counter: Meter = getattr(state, op.meter)
    total = counter.offset + milli(op.removed_value)
    if counter.known and total < counter.total - _BACKWARDS_TOLERANCE_MILLI:
        state.contradict(
            entry, "counter_goes_back", meter=op.meter, shown=op.removed_value,
            counted=f"{(counter.total - counter.offset) / MILLI:.3f}",
        )  # fmt: skip
    counter.display = milli(op.fitted_value)
    counter.offset = total - counter.display
    return _anchor(state, entry, op.meter, total)


def _apply(
    state: Usage, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case Ran() | RunRecorded():
            return (_run(state, entry, operation),)
        case MeterRead():
            return (_read(state, entry, operation),)
        case MeterReplaced():
            return (_replace(state, entry, operation),)
        case Registered():
            return tuple(
                _anchor(state, entry, counter.meter, milli(counter.value))
                for counter in operation.counters
            )
    return ()


def _rows(state: Usage, catalogue: Catalogue) -> Rows:
    return {
        "usage": [
            (
                state.unit,
                state.km.total,
                state.engine_hours.total,
                state.runs,
                state.first_run_us,
                state.last_run_us,
            )
        ]
    }


USAGE = View(
    name="usage",
    version=3,
    state=Usage,
    kinds=frozenset({"Ran", "RunRecorded", "MeterRead", "MeterReplaced", "Registered"}),
    tables={
        "usage": (
            "unit TEXT PRIMARY KEY", "km_milli BIGINT", "hours_milli BIGINT", "runs BIGINT",
            "first_run_us BIGINT", "last_run_us BIGINT",
        ),
    },
    history={
        "runs": (
            "unit TEXT", "at_us BIGINT", "km_milli BIGINT", "hours_milli BIGINT", "log TEXT",
            "position BIGINT", "started_us BIGINT",
        ),
        "anchors": (
            "unit TEXT", "meter TEXT", "at_us BIGINT", "total_milli BIGINT", "log TEXT",
            "position BIGINT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
