"""Rights to work: which person may do what, by the pseudo-unit `person:<pseudonym>`.

Judged at the moment of the work, never at the moment somebody looks.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    Operation,
    QualificationGranted,
    QualificationWithdrawn,
)


class Grant(Struct):
    """One right from a moment to another; `to_us` None while no end is named."""

    qualification: str
    from_us: int
    to_us: int | None
    certificate: str
    stamp: str
    operation: str
    withdrawn_us: int | None = None


class Rights(State):
    """A person's rights to work."""

    grants: list[Grant] = []

    def may(self, qualification: str, at_us: int) -> bool:
        """Whether the person had a right at a moment."""
        return any(
            grant.qualification == qualification
            and grant.from_us <= at_us
            and (grant.to_us is None or at_us <= grant.to_us)
            and (grant.withdrawn_us is None or at_us < grant.withdrawn_us)
            for grant in self.grants
        )


def _apply(state: Rights, entry: Entry, operation: Operation) -> None:
    match operation:
        case QualificationGranted():
            to = operation.valid_to
            state.grants.append(
                Grant(
                    operation.qualification, microseconds(operation.valid_from),
                    None if to is None else microseconds(to), operation.certificate,
                    operation.stamp, operation.id,
                )
            )  # fmt: skip
        case QualificationWithdrawn():
            _withdraw(state, entry, operation)


def _withdraw(state: Rights, entry: Entry, operation: QualificationWithdrawn) -> None:
    standing = [
        grant for grant in state.grants
        if grant.qualification == operation.qualification and grant.withdrawn_us is None
    ]  # fmt: skip
    if not standing:
        state.contradict(entry, "qualification_not_held", qualification=operation.qualification)
    for grant in standing:
        grant.withdrawn_us = entry.happened_us


def _rows(state: Rights, catalogue: Catalogue) -> Rows:
    return {
        "qualifications": [
            (state.unit, g.qualification, g.from_us, g.to_us, g.withdrawn_us, g.certificate,
             g.stamp, g.operation)
            for g in state.grants
        ]
    }  # fmt: skip


QUALIFICATIONS = View(
    name="qualifications",
    version=1,
    state=Rights,
    kinds=frozenset({"QualificationGranted", "QualificationWithdrawn"}),
    tables={
        "qualifications": (
            "unit TEXT", "qualification TEXT", "from_us BIGINT", "to_us BIGINT",
            "withdrawn_us BIGINT", "certificate TEXT", "stamp TEXT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
