"""Alarms of wayside devices at a unit: hot boxes, wheel impacts; confirmed later, or not.

The rows are summary rows: an alarm's answer may come days after it, from another depot.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import AlarmChecked, Operation, WaysideAlarmed


class Alarm(Struct):
    """One alarm, and what was found of it; "" while nobody has said."""

    at_us: int
    alarm: str
    post: str
    level: str
    place: str
    quantity: str = ""
    value: str = ""
    uom: str = ""
    result: str = ""
    finding: str = ""
    checked_us: int | None = None
    checked_by: str = ""


class Wayside(State):
    """The alarms of one unit by the operation that told of them."""

    alarms: dict[str, Alarm] = {}


def _apply(
    state: Wayside, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case WaysideAlarmed():
            read = operation.readings[0] if operation.readings else None
            state.alarms[operation.id] = Alarm(
                entry.happened_us, operation.alarm, operation.post, operation.level,
                operation.place, read.quantity if read else "", read.value if read else "",
                read.unit if read else "",
            )  # fmt: skip
        case AlarmChecked():
            _check(state, entry, operation)
    return ()


def _check(state: Wayside, entry: Entry, check: AlarmChecked) -> None:
    alarm = state.alarms.get(check.alarmed)
    if alarm is None:
        state.contradict(entry, "checked_without_alarm", alarm=check.alarmed)
        return
    if alarm.result and alarm.result != check.result:
        state.contradict(entry, "alarm_checked_otherwise", other=alarm.checked_by)
    alarm.result, alarm.finding = check.result, check.finding
    alarm.checked_us, alarm.checked_by = entry.happened_us, check.id


def _rows(state: Wayside, catalogue: Catalogue) -> Rows:
    return {"wayside_alarms": [
        (state.unit, a.at_us, a.alarm, a.post, a.level, a.place, a.quantity, a.value, a.uom,
         a.result, a.finding, a.checked_us, a.checked_by, id_)
        for id_, a in state.alarms.items()
    ]}  # fmt: skip


WAYSIDE = View(
    name="wayside",
    version=1,
    state=Wayside,
    kinds=frozenset({"WaysideAlarmed", "AlarmChecked"}),
    tables={
        "wayside_alarms": (
            "unit TEXT", "at_us BIGINT", "alarm TEXT", "post TEXT", "level TEXT", "place TEXT",
            "quantity TEXT", "value TEXT", "uom TEXT", "result TEXT", "finding TEXT",
            "checked_us BIGINT", "checked_by TEXT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
