"""What the analysis bench looks at: lives of one component type and its failures, by groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.exposure import Ints
from railtrace.analysis.indicators import Figure, rate
from railtrace.analysis.life_data import Floats, Lives, right_censored
from railtrace.analysis.recurrence import Histories, histories
from railtrace.store.database import Database, chunks, marks
from railtrace.store.lives import FleetLives

MILLION_KM = 1e6
OF_PART = ("maker", "batch")
"""Groups that are of the part; the others are of the vehicle."""


@dataclass(frozen=True, eq=False)
class Group:
    """One group of components under watch.

    Attributes
    ----------
    entry_km, leave_km, failed : shape (n,)
        Pieces of lives whose age is known; `failed` by the mode asked for.
    system_km : shape (s,)
        Kilometres of each component under watch.
    event_km, event_system : shape (m,)
        When each failure came, in kilometres under watch, and of which component.
    operations : of the failures
    unknown_km : run at an age that nobody knows
    """

    key: str
    entry_km: Floats
    leave_km: Floats
    failed: np.ndarray
    system_km: Floats
    event_km: Floats
    event_system: Ints
    operations: tuple[str, ...]
    unknown_km: float

    @property
    def km(self) -> float:
        """Kilometres of all components of the group."""
        return float(self.system_km.sum())

    @property
    def rate(self) -> Figure:
        """Failures per million kilometres of one component."""
        return rate(len(self.event_km), self.km, MILLION_KM)

    def lives(self) -> Lives:
        """Return the pieces with a known age as lives. Raises BadData."""
        return right_censored(self.leave_km, self.failed, entry=self.entry_km)

    def histories(self) -> Histories:
        """Return the failures of each component over its kilometres under watch. Raises BadData."""
        return histories(self.system_km, self.event_km, self.event_system)


def groups(
    database: Database, lives: FleetLives, component: str, by: str,
    mode_of: Mapping[str, str], mode: str = "",
) -> list[Group]:  # fmt: skip
    """Return the groups of a component type, by a column of vehicle or part; "" is one group.

    `mode_of` gives the mode of each failure; with `mode`, only that one counts as a failure: the
    others end a life as a removal would.
    """
    if component not in lives.components:
        return []
    rows = np.flatnonzero(lives.pieces.component == lives.components.index(component))
    value_of = _values(database, lives, rows, by)
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows.tolist():
        of = lives.items[row] if by in OF_PART else _vehicle(lives, row)
        found[value_of[of]].append(row)
    wanted = {op for op, its in mode_of.items() if not mode or its == mode}
    return [_group(key, lives, some, wanted) for key, some in sorted(found.items())]


def _vehicle(lives: FleetLives, row: int) -> tuple[str, str]:
    return lives.vehicles[int(lives.pieces.vehicle[row])].unit, ""


def _values(
    database: Database, lives: FleetLives, rows: Ints, by: str
) -> Mapping[tuple[str, str], str]:
    if by not in OF_PART:
        return {(v.unit, ""): getattr(v, by) if by else "" for v in lives.vehicles}
    items = {lives.items[row] for row in rows}
    told: dict[str, str] = {}
    for some in chunks(sorted({unit for unit, place in items if not place})):
        told |= dict(database.query(
            f"SELECT unit, {by} FROM units WHERE unit IN ({marks(len(some))})", list(some)
        ))  # fmt: skip
    return {item: (told.get(item[0]) or "") if not item[1] else "" for item in items}


def _group(key: str, lives: FleetLives, rows: Sequence[int], wanted: set[str]) -> Group:
    pieces = lives.pieces
    entry, span = pieces.entry_km[rows], pieces.span_km[rows]
    failed = np.array([lives.failed_by[row] in wanted for row in rows], bool)
    known = ~np.isnan(entry)
    number: dict[tuple[str, str], int] = {}
    ran: list[float] = []
    at, of, operations = list[float](), list[int](), list[str]()
    for row, km, ended in zip(rows, span, failed, strict=True):
        system = number.setdefault(lives.items[row], len(number))
        if system == len(ran):
            ran.append(0.0)
        ran[system] += float(km)
        if ended:
            at.append(ran[system])
            of.append(system)
            operations.append(lives.failed_by[row])
    return Group(
        key, entry[known], (entry + span)[known], failed[known], np.array(ran),
        np.array(at, float), np.array(of, int), tuple(operations), float(span[~known].sum()),
    )  # fmt: skip
