"""Adoptions: which catalogue was taken into use when, by the pseudo-unit `catalogue`."""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import CatalogueAdopted, Operation


class Adoption(Struct):
    """One catalogue taken into use."""

    catalogue: str
    valid_from_us: int
    recorded_us: int
    site: str
    operation: str
    log: str
    position: int


class Adoptions(State):
    """All adoptions in life order."""

    adopted: list[Adoption] = []


def _apply(state: Adoptions, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, CatalogueAdopted):
        state.adopted.append(
            Adoption(
                operation.catalogue, microseconds(operation.valid_from), entry.recorded_us,
                operation.site, operation.id, entry.log, entry.position,
            )
        )  # fmt: skip


def _rows(state: Adoptions, catalogue: Catalogue) -> Rows:
    return {
        "adoptions": [
            (
                state.unit, a.catalogue, a.valid_from_us, a.recorded_us, a.site, a.operation,
                a.log, a.position,
            )
            for a in state.adopted
        ]
    }  # fmt: skip


ADOPTION = View(
    name="adoption",
    version=2,
    state=Adoptions,
    kinds=frozenset({"CatalogueAdopted"}),
    tables={
        "adoptions": (
            "unit TEXT", "catalogue TEXT", "valid_from_us BIGINT", "recorded_us BIGINT",
            "site TEXT", "operation TEXT", "log TEXT", "position BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
