"""Run records of a unit as they were written, and what is wrong with them, by name.

Kilometres and hours of runs are counted by the view of usage; here stands the rest: crew, work,
fuel, delay. Two records of one unit that overlap, a counter that goes back, kilometres below zero
are contradictions of the unit until a person finds out which is true.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import MeterReplaced, Operation, RunRecorded

_ROUNDING_MILLI = 1000
"""A counter shows whole kilometres."""


class Runs(State):
    """When the last recorded run of a unit ended, and what its counter showed then."""

    records: int = 0
    ended_us: int | None = None
    ended_by: str = ""
    counter_milli: int | None = None


def _recorded(state: Runs, entry: Entry, run: RunRecorded) -> tuple[str, tuple[Any, ...]]:
    started_us = None if run.started_at is None else microseconds(run.started_at)
    if started_us is not None and state.ended_us is not None and started_us < state.ended_us:
        state.contradict(entry, "two_runs_at_once", run=state.ended_by)
    if milli(run.distance_km) < 0:
        state.contradict(entry, "negative_km", shown=run.distance_km)
    _look_at_counter(state, entry, run)
    state.records += 1
    state.ended_us, state.ended_by = entry.happened_us, run.id
    return "run_records", (
        state.unit, entry.happened_us, started_us, max(milli(run.distance_km), 0),
        milli(run.engine_hours), run.train, run.route,
        msgspec.json.encode(run.crew).decode(), len(run.units), _whole(run.gross_tonne_km),
        _whole(run.fuel_kg), _whole(run.energy_kwh), _whole(run.delay_min), run.delay_cause,
        run.remarks, run.id,
    )  # fmt: skip


def _whole(value: str | None) -> int | None:
    return None if value is None else milli(value)


def _look_at_counter(state: Runs, entry: Entry, run: RunRecorded) -> None:
    first, last = _whole(run.counter_from_km), _whole(run.counter_to_km)
    before = state.counter_milli
    for shown, earlier in ((first, before), (last, first if first is not None else before)):
        if shown is not None and earlier is not None and shown < earlier - _ROUNDING_MILLI:
            state.contradict(
                entry, "run_counter_goes_back", shown=f"{shown / 1000:.1f}",
                counted=f"{earlier / 1000:.1f}",
            )  # fmt: skip
    state.counter_milli = last if last is not None else first if first is not None else before


def _apply(
    state: Runs, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case RunRecorded():
            return (_recorded(state, entry, operation),)
        case MeterReplaced(meter="km"):
            state.counter_milli = milli(operation.fitted_value)
    return ()


def _rows(state: Runs, catalogue: Catalogue) -> Rows:
    return {}


RUNS = View(
    name="runs",
    version=1,
    state=Runs,
    kinds=frozenset({"RunRecorded", "MeterReplaced"}),
    tables={},
    history={
        "run_records": (
            "unit TEXT", "at_us BIGINT", "started_us BIGINT", "km_milli BIGINT",
            "hours_milli BIGINT", "train TEXT", "route TEXT", "crew TEXT", "together BIGINT",
            "work_milli BIGINT", "fuel_milli BIGINT", "energy_milli BIGINT",
            "delay_milli BIGINT", "delay_cause TEXT", "remarks TEXT", "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
