"""Where failures and defects come from: who decided it, on what evidence, and whether disputed.

A dispute stands until a later decision; the decision that was disputed is not forgotten. What
the failures and defects themselves are is told by their own views and joined when read.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import DefectFound, Failed, Operation, OriginDecided, OriginDisputed


class Origin(Struct):
    """What is said of one failure or defect."""

    at_us: int | None = None
    what: str = ""
    kind: str = ""
    safety: bool = False
    origin: str = ""
    decided_by: str = ""
    reason: str = ""
    evidence: int = 0
    decided_us: int | None = None
    decision: str = ""
    disputed_by: str = ""
    claims: str = ""
    disputed_us: int | None = None
    dispute: str = ""


class Origins(State):
    """Failures and defects of one unit by operation."""

    entries: dict[str, Origin] = {}


def _apply(
    state: Origins, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case Failed():
            one = _of(state, operation.id)
            one.at_us, one.what, one.kind = entry.happened_us, operation.mode, "Failed"
        case DefectFound():
            one = _of(state, operation.id)
            one.at_us, one.what, one.kind = entry.happened_us, operation.code, "DefectFound"
            one.safety = operation.safety
        case OriginDecided():
            one = _of(state, operation.entry)
            if one.at_us is None:
                state.contradict(entry, "origin_of_nothing", failure=operation.entry)
            _decide(one, entry, operation)
        case OriginDisputed():
            one = _of(state, operation.entry)
            one.disputed_by, one.claims = operation.disputed_by, operation.claims or ""
            one.disputed_us, one.dispute = entry.happened_us, operation.id
    return ()


def _of(state: Origins, operation: str) -> Origin:
    return state.entries.setdefault(operation, Origin())


def _decide(one: Origin, entry: Entry, decided: OriginDecided) -> None:
    one.origin, one.decided_by, one.reason = decided.origin, decided.decided_by, decided.reason
    one.evidence, one.decision = len(decided.evidence), decided.id
    one.decided_us = entry.happened_us
    one.disputed_by = one.claims = one.dispute = ""
    one.disputed_us = None


def _rows(state: Origins, catalogue: Catalogue) -> Rows:
    return {"origins": [
        (state.unit, one.at_us, one.kind, one.what, int(one.safety), one.origin, one.decided_by,
         one.reason, one.evidence, one.decided_us, one.decision, one.disputed_by, one.claims,
         one.disputed_us, one.dispute, id_)
        for id_, one in sorted(state.entries.items(), key=_by_moment)
    ]}  # fmt: skip


def _by_moment(entry: tuple[str, Origin]) -> tuple[int, str]:
    """Two phones may write in the same second, and be heard in either order."""
    return entry[1].at_us or 0, entry[0]


ORIGINS = View(
    name="origins",
    version=1,
    state=Origins,
    kinds=frozenset({"Failed", "DefectFound", "OriginDecided", "OriginDisputed"}),
    tables={
        "origins": (
            "unit TEXT", "at_us BIGINT", "kind TEXT", "what TEXT", "safety BIGINT",
            "origin TEXT", "decided_by TEXT", "reason TEXT", "evidence BIGINT",
            "decided_us BIGINT", "decision TEXT", "disputed_by TEXT", "claims TEXT",
            "disputed_us BIGINT", "dispute TEXT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
