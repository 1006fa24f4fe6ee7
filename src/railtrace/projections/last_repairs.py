"""Last repairs: of each kind, when it was done last and at which counter, and how well known.

What a unit did before it was entered is stated once and refined later; "unknown" is a state with
its own grade, never an invented date.
"""

from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import LastRepairStated, LeftRepair, Operation

_GRADES = ("unknown", "stated", "document", "recorded")
"""From the weakest: `recorded` is a repair that the trace itself saw end."""


class LastRepair(Struct, frozen=True):
    """The last repair of a kind: its day (as far as known), the counters then, the grade."""

    repair_kind: str
    grade: str
    done: str = ""
    done_us: int | None = None
    km_milli: int | None = None
    hours_milli: int | None = None
    operation: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.grade != "unknown"


class LastRepairs(State):
    """The last repairs of one unit by kind."""

    by_kind: dict[str, LastRepair] = {}


def _left(state: LastRepairs, entry: Entry, operation: LeftRepair) -> None:
    if operation.outcome != "passed":
        return
    grade = "document" if operation.basis == "document" else "recorded"
    day = operation.happened_at.date().isoformat()
    state.by_kind[operation.repair_kind] = LastRepair(
        operation.repair_kind, grade, day, entry.happened_us, None, None, operation.id
    )


def _stated(state: LastRepairs, entry: Entry, operation: LastRepairStated) -> None:
    kind, before = operation.repair_kind, state.by_kind.get(operation.repair_kind)
    said = LastRepair(
        kind, operation.grade, operation.done or "", None,
        None if operation.km is None else milli(operation.km),
        None if operation.engine_hours is None else milli(operation.engine_hours), operation.id,
    )  # fmt: skip
    if before is not None and _differ(before, said):
        state.contradict(
            entry, "last_repair_stated_otherwise", repair_kind=kind, first=_words(before),
            now=_words(said),
        )  # fmt: skip
    state.by_kind[kind] = said if before is None else _better(before, said)


def _differ(before: LastRepair, said: LastRepair) -> bool:
    """Two papers that cannot both be right; a weaker word against a paper is no contradiction."""
    if min(_GRADES.index(before.grade), _GRADES.index(said.grade)) < _GRADES.index("document"):
        return False
    days = (before.done, said.done)
    shorter = min(map(len, days))
    other_day = days[0][:shorter] != days[1][:shorter]
    counters = (before.km_milli, said.km_milli)
    return other_day or (None not in counters and counters[0] != counters[1])


def _better(before: LastRepair, said: LastRepair) -> LastRepair:
    """Keep the better known; of equally well known, the later word, filled up by the earlier."""
    if _GRADES.index(said.grade) < _GRADES.index(before.grade):
        return before
    if said.grade == "unknown" or before.grade == "unknown":
        return said
    return LastRepair(
        said.repair_kind, said.grade, said.done or before.done,
        before.done_us if said.done in ("", before.done) else None,
        before.km_milli if said.km_milli is None else said.km_milli,
        before.hours_milli if said.hours_milli is None else said.hours_milli, said.operation,
    )  # fmt: skip


def _words(repair: LastRepair) -> str:
    km = "" if repair.km_milli is None else f"{repair.km_milli / 1000:.0f} km"
    return ", ".join(filter(None, [repair.done, km])) or repair.grade


def _apply(state: LastRepairs, entry: Entry, operation: Operation) -> None:
    match operation:
        case LeftRepair():
            _left(state, entry, operation)
        case LastRepairStated():
            _stated(state, entry, operation)


def _rows(state: LastRepairs, catalogue: Catalogue) -> Rows:
    return {"last_repairs": [_row(state.unit, repair) for repair in state.by_kind.values()]}


def _row(unit: str, repair: LastRepair) -> tuple[Any, ...]:
    return (
        unit, repair.repair_kind, repair.grade, repair.done, repair.done_us, repair.km_milli,
        repair.hours_milli, repair.operation,
    )  # fmt: skip


LAST_REPAIRS = View(
    name="last_repairs",
    version=1,
    state=LastRepairs,
    kinds=frozenset({"LeftRepair", "LastRepairStated"}),
    tables={
        "last_repairs": (
            "unit TEXT", "repair_kind TEXT", "grade TEXT", "done TEXT", "done_us BIGINT",
            "km_milli BIGINT", "hours_milli BIGINT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
