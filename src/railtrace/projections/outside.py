"""Repairs by others: units sent to a contractor or abroad, what is heard of them, taken over."""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    AcceptedFromRepair,
    Operation,
    RepairProgressed,
    SentForRepair,
)

_STAYS_KEPT = 20


class Heard(Struct):
    """What was heard of a unit away: how far the work is, until when it is expected to last."""

    at_us: int
    stage: str
    expected: str
    operation: str


class Away(Struct):
    """One repair elsewhere."""

    stay: str
    to: str
    where: str
    repair_kind: str
    contract: str
    expected: str
    sent_us: int
    sent_by: str
    heard: list[Heard] = []
    refused: list[Heard] = []
    back_us: int | None = None
    back_by: str = ""
    findings: str = ""

    @property
    def state(self) -> str:
        """Away, refused (looked at and not taken over) or accepted."""
        if self.back_us is not None:
            return "accepted"
        return "refused" if self.refused else "away"


class Outside(State):
    """The repairs of one unit by others, the oldest first."""

    stays: list[Away] = []

    def find(self, stay: str) -> Away | None:
        """Return a stay by its name, the last one of that name."""
        return next((one for one in reversed(self.stays) if one.stay == stay), None)


def _apply(state: Outside, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, SentForRepair):
        if any(one.back_us is None for one in state.stays):
            state.contradict(entry, "sent_for_repair_twice", to=operation.to)
        state.stays.append(Away(
            operation.stay, operation.to, operation.where, operation.repair_kind,
            operation.contract, operation.expected or "", entry.happened_us, operation.id,
        ))  # fmt: skip
        del state.stays[:-_STAYS_KEPT]
        return
    assert isinstance(operation, RepairProgressed | AcceptedFromRepair)
    away = state.find(operation.stay)
    if away is None or away.back_us is not None:
        state.contradict(entry, "not_away_for_repair", stay=operation.stay)
        return
    match operation:
        case RepairProgressed():
            expected = operation.expected or ""
            away.heard.append(Heard(entry.happened_us, operation.stage, expected, operation.id))
            away.expected = expected or away.expected
        case AcceptedFromRepair(outcome="passed"):
            away.back_us, away.back_by = entry.happened_us, operation.id
            away.findings = operation.findings
        case AcceptedFromRepair():
            away.refused.append(Heard(entry.happened_us, operation.findings, "", operation.id))


def _rows(state: Outside, catalogue: Catalogue) -> Rows:
    return {
        "outside_repairs": [
            (
                state.unit, one.stay, one.to, one.where, one.repair_kind, one.expected,
                one.sent_us, one.back_us, one.state,
            )
            for one in state.stays
        ]
    }  # fmt: skip


OUTSIDE = View(
    name="outside",
    version=1,
    state=Outside,
    kinds=frozenset({"SentForRepair", "RepairProgressed", "AcceptedFromRepair"}),
    tables={
        "outside_repairs": (
            "unit TEXT", "stay TEXT", "sent_to TEXT", "whereabouts TEXT", "repair_kind TEXT",
            "expected TEXT", "sent_us BIGINT", "back_us BIGINT", "state TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
