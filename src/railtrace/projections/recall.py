"""Recalls: which parts are called back, by maker, heat, batch and date of making."""

from typing import Any

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Operation, RecallClosed, RecallOpened


class Recall(State):
    """One recall by its pseudo-unit `recall:<id>`; an empty criterion matches everything."""

    recall: str = ""
    title: str = ""
    type: str = ""
    maker: str = ""
    heat: str = ""
    batch: str = ""
    made: str = ""
    opened_us: int | None = None
    closed_us: int | None = None
    opened_by: str = ""


def _apply(state: Recall, entry: Entry, operation: Operation) -> None:
    match operation:
        case RecallOpened():
            if state.opened_us is not None and state.closed_us is None:
                state.contradict(entry, "recall_opened_twice", recall=operation.recall)
            state.recall, state.title = operation.recall, operation.title
            state.type, state.maker = operation.type or "", operation.maker
            state.heat, state.batch = operation.heat, operation.batch
            state.made = operation.made or ""
            state.opened_us, state.closed_us = entry.happened_us, None
            state.opened_by = operation.id
        case RecallClosed():
            if state.opened_us is None:
                state.contradict(entry, "recall_not_open", recall=operation.recall)
            state.closed_us = entry.happened_us


def _rows(state: Recall, catalogue: Catalogue) -> Rows:
    if state.opened_us is None:
        return {"recalls": []}
    return {
        "recalls": [
            (
                state.unit, state.recall, state.title, state.type, state.maker, state.heat,
                state.batch, state.made, state.opened_us, state.closed_us,
            )
        ]
    }  # fmt: skip


def matches(recall: Any, part: Any) -> bool:
    """Tell whether a part's passport meets every criterion a recall names.

    A date of making matches by its beginning: a recall of 2009 takes parts made in 2009-05.
    """
    return all(
        not getattr(recall, name) or getattr(recall, name) == getattr(part, name)
        for name in ("type", "maker", "heat", "batch")
    ) and part.made.startswith(recall.made)


RECALL = View(
    name="recall",
    version=1,
    state=Recall,
    kinds=frozenset({"RecallOpened", "RecallClosed"}),
    tables={
        "recalls": (
            "unit TEXT PRIMARY KEY", "recall TEXT", "title TEXT", "type TEXT", "maker TEXT",
            "heat TEXT", "batch TEXT", "made TEXT", "opened_us BIGINT", "closed_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
