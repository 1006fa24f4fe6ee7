"""Lots: parts without serials in a store, by type, lot and quantity.

A lot is a pseudo-unit `lot:<store>:<type>:<lot>`. No accounting: what came, what went, what was
counted, and that nothing can be less than nothing.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.usage import MILLI, milli
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import LotCounted, LotIssued, LotReceived, Operation


class Count(Struct):
    """What a count found, and how much more (or less) than the papers said [milli]."""

    at_us: int
    counted: int
    difference: int
    operation: str


class Lot(State):
    """One lot in one store; quantities in thousandths of its measure."""

    item: str = ""
    lot: str = ""
    store: str = ""
    measure: str = ""
    balance: int = 0
    received: int = 0
    issued: int = 0
    last_us: int | None = None
    count: Count | None = None


def _change(state: Lot, entry: Entry, operation: LotReceived | LotIssued, amount: int) -> None:
    before = state.balance
    state.balance += amount
    if state.balance < 0:
        state.contradict(
            entry, "lot_below_zero", lot=operation.lot, issued=operation.quantity,
            there=f"{before / MILLI:g}",
        )  # fmt: skip


def _apply(state: Lot, entry: Entry, operation: Operation) -> None:
    if not isinstance(operation, LotReceived | LotIssued | LotCounted):
        return
    if not state.unit.startswith("lot:"):
        return
    state.item, state.lot, state.store = operation.item, operation.lot, operation.store
    if state.measure and operation.measure != state.measure:
        state.contradict(
            entry, "lot_other_measure", lot=operation.lot, first=state.measure,
            now=operation.measure,
        )  # fmt: skip
        return
    state.measure, state.last_us = operation.measure, entry.happened_us
    amount = milli(operation.quantity)
    match operation:
        case LotReceived():
            state.received += amount
            _change(state, entry, operation, amount)
        case LotIssued():
            state.issued += amount
            _change(state, entry, operation, -amount)
        case LotCounted():
            difference = amount - state.balance
            if difference < 0:
                state.contradict(
                    entry, "lot_counted_short", lot=operation.lot, counted=operation.quantity,
                    there=f"{state.balance / MILLI:g}",
                )  # fmt: skip
            state.count = Count(entry.happened_us, amount, difference, operation.id)
            state.balance = amount


def _rows(state: Lot, catalogue: Catalogue) -> Rows:
    if not state.item:
        return {"lots": []}
    count = state.count
    return {
        "lots": [
            (
                state.unit, state.item, state.lot, state.store, state.measure, state.balance,
                state.received, state.issued, state.last_us, count.at_us if count else None,
                count.difference if count else None,
            )
        ]
    }  # fmt: skip


LOTS = View(
    name="lots",
    version=2,
    state=Lot,
    kinds=frozenset({"LotReceived", "LotIssued", "LotCounted"}),
    tables={
        "lots": (
            "unit TEXT PRIMARY KEY", "item TEXT", "lot TEXT", "store TEXT", "measure TEXT",
            "balance_milli BIGINT", "received_milli BIGINT", "issued_milli BIGINT",
            "last_us BIGINT", "counted_us BIGINT", "difference_milli BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
