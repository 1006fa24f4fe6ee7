"""Introduction: which gates warn instead of stopping at a site, under which order, until when.

Folded under the pseudo-unit `gates:<site>`. A later word on a gate replaces the earlier one.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import GateIntroduced, Operation


class Order(Struct, frozen=True):
    """The order under which a gate is in introduction, and its last day (YYYY-MM-DD)."""

    gate: str
    order: str
    until: str
    from_us: int
    operation: str


class Introduction(State):
    """The gates in introduction at one site."""

    site: str = ""
    orders: dict[str, Order] = {}

    def order_on(self, gate: str, day: str) -> Order | None:
        """Return the order under which a gate only warns on a day, if one holds."""
        order = self.orders.get(gate)
        return order if order is not None and day <= order.until else None


def _apply(state: Introduction, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, GateIntroduced):
        state.site = operation.site
        state.orders[operation.gate] = Order(
            operation.gate, operation.order, operation.until, entry.happened_us, operation.id
        )


def _rows(state: Introduction, catalogue: Catalogue) -> Rows:
    return {
        "introductions": [
            (state.unit, state.site, o.gate, o.order, o.until, o.from_us, o.operation)
            for o in state.orders.values()
        ]
    }


INTRODUCTION = View(
    name="introduction",
    version=1,
    state=Introduction,
    kinds=frozenset({"GateIntroduced"}),
    tables={
        "introductions": (
            "unit TEXT", "site TEXT", "gate TEXT", "under TEXT", "until TEXT", "from_us BIGINT",
            "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
