"""Judgements: what a person has found out about units that may be one, or one that may be two."""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Operation, TwinsJudged


class Judgement(Struct):
    """One judgement: of which finding, what it says, of which other units."""

    finding: str
    verdict: str
    others: list[str]
    reason: str
    at_us: int
    operation: str


class Judgements(State):
    """Judgements of one unit by finding; the last of one finding stands."""

    judged: dict[str, Judgement] = {}


def _apply(state: Judgements, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, TwinsJudged):
        others = [unit for unit in operation.units if unit != state.unit]
        state.judged[operation.finding] = Judgement(
            operation.finding, operation.verdict, others, operation.reason, entry.happened_us,
            operation.id,
        )  # fmt: skip


def _rows(state: Judgements, catalogue: Catalogue) -> Rows:
    return {
        "judgements": [
            (state.unit, j.finding, j.verdict, " ".join(j.others), j.reason, j.at_us, j.operation)
            for _, j in sorted(state.judged.items())
        ]
    }


JUDGEMENTS = View(
    name="judgements",
    version=1,
    state=Judgements,
    kinds=frozenset({"TwinsJudged"}),
    tables={
        "judgements": (
            "unit TEXT", "finding TEXT", "verdict TEXT", "others TEXT", "reason TEXT",
            "at_us BIGINT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
