"""Equipment: which operations were made with which device. A unit's own operations fill it.

Nothing is pushed to the device: who asks about a device reads the rows that name it.
"""

from collections.abc import Iterable
from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Operation


class Equipment(State):
    """Nothing is remembered: every operation with a device is a row of its own."""


def _apply(
    state: Equipment, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    if not operation.device:
        return ()
    outcome = str(getattr(operation, "outcome", "passed"))
    row = (
        state.unit, entry.happened_us, operation.device, entry.kind, outcome, operation.id,
        entry.log, entry.position, entry.recorded_us,
    )  # fmt: skip
    return [("made_with", row)]


def _rows(state: Equipment, catalogue: Catalogue) -> Rows:
    return {}


EQUIPMENT = View(
    name="equipment",
    version=1,
    state=Equipment,
    kinds=frozenset({
        "Washed", "Measured", "Tested", "Diagnosed", "Reprofiled", "Inspected", "Repaired",
    }),
    tables={},
    history={
        "made_with": (
            "unit TEXT", "at_us BIGINT", "device TEXT", "kind TEXT", "outcome TEXT",
            "operation TEXT", "log TEXT", "position BIGINT", "recorded_us BIGINT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
