"""Servicing: what a unit has on board of each supply, as it was last told."""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Operation, Serviced


class OnBoard(Struct):
    """How much of a supply is on board, of how much it holds."""

    amount: str
    unit: str
    capacity: str
    at_us: int
    operation: str
    people: list[str]


class Servicing(State):
    """What a unit has on board."""

    supplies: dict[str, OnBoard] = {}


def _apply(state: Servicing, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, Serviced):
        state.supplies[operation.supply] = OnBoard(
            operation.amount, operation.unit_of_measure, operation.capacity or "",
            entry.happened_us, operation.id, list(operation.performed_by),
        )  # fmt: skip


def _rows(state: Servicing, catalogue: Catalogue) -> Rows:
    return {}


SERVICING = View(
    name="servicing",
    version=1,
    state=Servicing,
    kinds=frozenset({"Serviced"}),
    tables={},
    history={},
    apply=_apply,
    rows=_rows,
)
