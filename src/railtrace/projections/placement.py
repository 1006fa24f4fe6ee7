"""Placement: on which track of a depot a unit stands, until about when, and where it is to stand.

A stay that was never ended lasts until the next place is said; its expected end is only expected.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import Operation, Placed, PlacePlanned, TrackLeft

KEPT = 20
"""Stays kept for the board; older ones are in the unit's own operations."""


class OnTrack(Struct):
    """One stay on a track: since, expected until, left."""

    site: str
    track: str
    position: str
    from_us: int
    until_us: int | None
    operation: str
    left_us: int | None = None


class Placement(State):
    """Where a unit stood, stands and is to stand in depots."""

    stays: list[OnTrack] = []
    plan: OnTrack | None = None

    def now(self) -> OnTrack | None:
        """The stay that is not ended."""
        return self.stays[-1] if self.stays and self.stays[-1].left_us is None else None


def _apply(state: Placement, entry: Entry, operation: Operation) -> None:
    match operation:
        case Placed():
            if (standing := state.now()) is not None:
                standing.left_us = entry.happened_us
            until = operation.until
            state.stays.append(
                OnTrack(
                    operation.site, operation.track, operation.position, entry.happened_us,
                    None if until is None else microseconds(until), operation.id,
                )
            )  # fmt: skip
            del state.stays[:-KEPT]
            state.plan = None
        case PlacePlanned():
            state.plan = OnTrack(
                operation.site, operation.track, operation.position,
                microseconds(operation.planned_from), microseconds(operation.planned_to),
                operation.id,
            )  # fmt: skip
        case TrackLeft():
            if (standing := state.now()) is None or standing.track != operation.track:
                state.contradict(entry, "left_other_track", track=operation.track)
            else:
                standing.left_us = entry.happened_us


def _rows(state: Placement, catalogue: Catalogue) -> Rows:
    rows = [
        (state.unit, s.site, s.track, s.position, s.from_us, s.until_us, s.left_us, 0, s.operation)
        for s in state.stays
    ]
    if (plan := state.plan) is not None:
        rows.append((state.unit, plan.site, plan.track, plan.position, plan.from_us,
                     plan.until_us, None, 1, plan.operation))  # fmt: skip
    return {"placements": rows}


PLACEMENT = View(
    name="placement",
    version=1,
    state=Placement,
    kinds=frozenset({"Placed", "PlacePlanned", "TrackLeft"}),
    tables={
        "placements": (
            "unit TEXT", "site TEXT", "track TEXT", "position TEXT", "from_us BIGINT",
            "until_us BIGINT", "left_us BIGINT", "planned BIGINT", "operation TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
