"""Accidents: what is held until a commission lifts it, and what has to be examined after it.

Work on a unit that is held is recorded and contradicts; only the commission's act ends the hold.
A wheelset of a derailed vehicle carries the accident with it wherever it goes.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    AccidentDeclared,
    AccidentLifted,
    EnteredRepair,
    Operation,
    OrderOpened,
    Repaired,
    Reprofiled,
    SentForRepair,
    StepDone,
)

WORK = (OrderOpened, StepDone, EnteredRepair, Repaired, Reprofiled, SentForRepair)
"""What nobody may do to a unit before the commission lifts the hold."""
FULL_EXAMINATION = "полное освидетельствование"
"""The kind of service in the catalogue that examines a wheelset in full."""


class Accident(Struct):
    """One accident as one unit was in it; `derailed` when its wheelsets have to be examined."""

    accident: str
    at_us: int
    event: str
    place: str
    derailed: bool
    wheelset: bool
    declared_by: str
    lifted_us: int | None = None
    lifted_by: str = ""
    act: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody may touch it yet."""
        return self.lifted_us is None


class Accidents(State):
    """The accidents of one unit, by their ids."""

    accidents: dict[str, Accident] = {}

    @property
    def held(self) -> Accident | None:
        """The accident that the unit is held for, the latest."""
        return next((one for one in reversed(self.accidents.values()) if one.open), None)

    @property
    def derailed_us(self) -> int | None:
        """When it derailed last."""
        return max((one.at_us for one in self.accidents.values() if one.derailed), default=None)


def _apply(state: Accidents, entry: Entry, operation: Operation) -> None:
    match operation:
        case AccidentDeclared():
            _declare(state, entry, operation)
        case AccidentLifted():
            _lift(state, entry, operation)
        case _ if (held := state.held) is not None and state.unit in operation.units:
            state.contradict(entry, "work_under_accident_hold", accident=held.accident)


def _declare(state: Accidents, entry: Entry, declared: AccidentDeclared) -> None:
    if state.unit not in (*declared.units, *declared.wheelsets):
        return
    if declared.accident in state.accidents:
        state.contradict(entry, "accident_declared_twice", accident=declared.accident)
        return
    state.accidents[declared.accident] = Accident(
        declared.accident, entry.happened_us, declared.event, declared.place,
        declared.event == "derailment", state.unit in declared.wheelsets, declared.id,
    )  # fmt: skip


def _lift(state: Accidents, entry: Entry, lifted: AccidentLifted) -> None:
    accident = state.accidents.get(lifted.accident)
    if accident is None or not accident.open:
        state.contradict(entry, "accident_not_held", accident=lifted.accident)
        return
    accident.lifted_us, accident.lifted_by = entry.happened_us, lifted.id
    accident.act = lifted.act


def _rows(state: Accidents, catalogue: Catalogue) -> Rows:
    return {"accidents": [
        (a.accident, state.unit, a.at_us, a.event, a.place, int(a.wheelset), a.declared_by,
         a.lifted_us, a.lifted_by, a.act)
        for a in state.accidents.values()
    ]}  # fmt: skip


ACCIDENT = View(
    name="accident",
    version=1,
    state=Accidents,
    kinds=frozenset(kind.__name__ for kind in (AccidentDeclared, AccidentLifted, *WORK)),
    tables={
        "accidents": (
            "accident TEXT", "unit TEXT", "at_us BIGINT", "event TEXT", "place TEXT",
            "wheelset BIGINT", "declared_by TEXT", "lifted_us BIGINT", "lifted_by TEXT",
            "act TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
