"""Work orders: one process applied to one unit, by the pseudo-unit `order:<id>`.

The state is what people said about the order: opened, blocked, steps done by hand, signed, sent
back, closed. What machines did is read from the unit's own operations when the order is read.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    Operation,
    OrderBlocked,
    OrderClosed,
    OrderOpened,
    OrderUnblocked,
    StepAccepted,
    StepDone,
    StepReturned,
)

PREFIX = "order:"


class Sign(Struct):
    """A step done by hand, signed or sent back: who, when, about which entry."""

    word: str
    """done, accepted or returned."""
    step: str
    operation: str
    at_us: int
    people: list[str]
    entry: str = ""
    reason: str = ""


class Order(State):
    """One work order."""

    order: str = ""
    subject: str = ""
    process: str = ""
    site: str = ""
    workplace: str = ""
    defect: str = ""
    reason: str = ""
    opened_us: int | None = None
    opened_by: str = ""
    planned_from_us: int | None = None
    planned_to_us: int | None = None
    block: str = ""
    block_reason: str = ""
    block_us: int | None = None
    block_operation: str = ""
    closed_us: int | None = None
    closed_by: str = ""
    result: str = ""
    signs: list[Sign] = []

    @property
    def open(self) -> bool:
        """Whether work on it goes on."""
        return self.opened_us is not None and self.closed_us is None


def _apply(state: Order, entry: Entry, operation: Operation) -> None:
    if not state.unit.startswith(PREFIX):
        return
    match operation:
        case OrderOpened():
            _open(state, entry, operation)
        case OrderClosed():
            if not state.open:
                state.contradict(entry, "order_not_open", order=operation.work_order)
            state.closed_us, state.result = entry.happened_us, operation.result
            state.closed_by = operation.id
        case OrderBlocked():
            state.block, state.block_reason = operation.cause, operation.reason
            state.block_us, state.block_operation = entry.happened_us, operation.id
        case OrderUnblocked():
            state.block = state.block_reason = state.block_operation = ""
            state.block_us = None
        case StepDone() | StepAccepted() | StepReturned():
            _sign(state, entry, operation)


def _open(state: Order, entry: Entry, operation: OrderOpened) -> None:
    if state.open:
        state.contradict(entry, "order_opened_twice", order=operation.work_order)
    state.order, state.subject = operation.work_order, operation.units[0]
    state.process, state.defect = operation.process, operation.defect or ""
    state.site, state.workplace = operation.site, operation.workplace
    state.reason = operation.reason
    state.opened_us, state.opened_by = entry.happened_us, operation.id
    state.closed_us, state.closed_by, state.result = None, "", ""
    state.planned_from_us = _us(operation.planned_from)
    state.planned_to_us = _us(operation.planned_to)


def _us(moment: object) -> int | None:
    return None if moment is None else microseconds(moment)  # type: ignore[arg-type]


_WORDS: dict[type, str] = {
    StepDone: "done", StepAccepted: "accepted", StepReturned: "returned",
}  # fmt: skip


def _sign(state: Order, entry: Entry, operation: StepDone | StepAccepted | StepReturned) -> None:
    about = getattr(operation, "entry", "")
    people = list(operation.performed_by)
    if isinstance(operation, StepAccepted):
        doers = {p for s in state.signs if s.operation == about for p in s.people}
        if doers & set(people):
            state.contradict(entry, "own_work_accepted", step=operation.step, work=about)
    if not state.open:
        state.contradict(entry, "step_outside_order", step=operation.step)
    state.signs.append(
        Sign(
            _WORDS[type(operation)], operation.step, operation.id, entry.happened_us, people,
            about, getattr(operation, "reason", ""),
        )
    )  # fmt: skip


def _rows(state: Order, catalogue: Catalogue) -> Rows:
    if not state.order:
        return {"orders": []}
    return {
        "orders": [
            (
                state.unit, state.order, state.subject, state.process, state.site,
                state.workplace, state.opened_us, state.closed_us, state.result, state.block,
                state.planned_to_us,
            )
        ]
    }  # fmt: skip


ORDERS = View(
    name="orders",
    version=1,
    state=Order,
    kinds=frozenset({
        "OrderOpened", "OrderClosed", "OrderBlocked", "OrderUnblocked", "StepDone",
        "StepAccepted", "StepReturned",
    }),
    tables={
        "orders": (
            "unit TEXT", "work_order TEXT", "subject TEXT", "process TEXT", "site TEXT",
            "workplace TEXT", "opened_us BIGINT", "closed_us BIGINT", "result TEXT",
            "block TEXT", "planned_to_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
