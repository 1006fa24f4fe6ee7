"""Equipment: what was made with which device, its cycles, how findings of machines were answered.

Nothing is pushed to the device: who asks about a device reads the rows that name it.
"""

from collections.abc import Iterable
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    Diagnosed,
    FindingTriaged,
    MachineResult,
    Measured,
    Operation,
    Tested,
)


class Equipment(State):
    """Nothing is remembered: every operation with a device is a row of its own."""


def _apply(
    state: Equipment, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    if isinstance(operation, FindingTriaged):
        return [("triages", (state.unit, entry.happened_us, operation.entry, operation.answer,
                             operation.id))]  # fmt: skip
    # A machine's own result is also of the machine itself: counted once, at the unit worked on.
    evidence = _judgeable(state.unit, entry, operation)
    if not operation.device or (state.unit not in operation.units and operation.units):
        return evidence
    outcome = str(getattr(operation, "outcome", "") or getattr(operation, "evaluation", "passed"))
    row = (
        state.unit, entry.happened_us, operation.device, entry.kind, outcome, operation.id,
        entry.log, entry.position, entry.recorded_us,
    )  # fmt: skip
    found: list[tuple[str, tuple[Any, ...]]] = [("made_with", row), *evidence]
    return [*found, *_reported(state.unit, entry, operation)] if isinstance(
        operation, MachineResult) else found  # fmt: skip


def _reported(
    unit: str, entry: Entry, result: MachineResult
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """The cycle a machine told of, and which facts of it are of no real machine."""
    facts = result.facts if result.simulated else ()
    yield "cycles", _cycle(unit, entry, result)
    yield from (("simulated", (unit, entry.happened_us, fact)) for fact in facts)


def wheel_scan(name: str) -> tuple[str, bool] | None:
    """Return which wheel a file is a scan of, and whether as left, by its name."""
    told = name.lower()
    if "profile" not in told:
        return None
    left = "as_left" in told
    side = next((s for s in ("left", "right") if s in told.replace("as_left", "")), "")
    return (side, left) if side else None


_SET_UP = {"reference_echo", "reference_echo_after", "scan_coverage"}


def _sort(operation: Operation) -> str:
    """Return which sort of evidence our own methods find with an operation, if any."""
    if isinstance(operation, Diagnosed | Tested | Measured) and operation.device:
        read = {reading.quantity for reading in operation.readings}
        if "test_voltage" in read:
            return "insulation"
        if read & _SET_UP:
            return "set_up"
    if any(wheel_scan(file.name) for file in operation.evidence):
        return "profile"
    tables = any(file.media_type == "text/csv" for file in operation.evidence)
    return "trace" if tables and operation.device else ""


def _judgeable(unit: str, entry: Entry, operation: Operation) -> list[tuple[str, tuple[Any, ...]]]:
    if isinstance(operation, MachineResult) or unit not in operation.units:
        return []
    if not (sort := _sort(operation)):
        return []
    return [("judgeable", (unit, entry.happened_us, operation.device or "", entry.kind, sort,
                           operation.id, entry.log))]  # fmt: skip


def _cycle(unit: str, entry: Entry, result: MachineResult) -> tuple[Any, ...]:
    """What a machine's use is reckoned from: no entry is read again for it."""
    whole = result.state == "completed"
    began = None if result.started_at is None else microseconds(result.started_at)
    return (
        unit, entry.happened_us, result.device, began, int(whole and not result.partial),
        int(not whole or bool(result.remarks)), entry.log, entry.position,
    )  # fmt: skip


def _rows(state: Equipment, catalogue: Catalogue) -> Rows:
    return {}


EQUIPMENT = View(
    name="equipment",
    version=5,
    state=Equipment,
    kinds=frozenset({
        "MachineResult", "FindingTriaged",
        "Washed", "Measured", "Tested", "Diagnosed", "Reprofiled", "Inspected", "Repaired",
    }),
    tables={},
    history={
        "made_with": (
            "unit TEXT", "at_us BIGINT", "device TEXT", "kind TEXT", "outcome TEXT",
            "operation TEXT", "log TEXT", "position BIGINT", "recorded_us BIGINT",
        ),
        "cycles": (
            "unit TEXT", "at_us BIGINT", "device TEXT", "started_us BIGINT", "valid BIGINT",
            "wrong BIGINT", "log TEXT", "position BIGINT",
        ),
        "simulated": ("unit TEXT", "at_us BIGINT", "fact TEXT"),
        "judgeable": (
            "unit TEXT", "at_us BIGINT", "device TEXT", "kind TEXT", "sort TEXT", "operation TEXT",
            "log TEXT",
        ),
        "triages": (
            "unit TEXT", "at_us BIGINT", "entry TEXT", "answer TEXT", "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
