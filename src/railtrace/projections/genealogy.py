"""Genealogy: which parts a carrier has, and where a part has been.

An installation is one operation read from two sides: the part's state knows its carriers, the
carrier's state its parts. The part's side fills the table; each side raises its own
contradictions.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    Condemned,
    Disbanded,
    Formed,
    Installed,
    Operation,
    Removed,
    WrittenOff,
)


class Stay(Struct):
    """One part on one carrier at one position; `to_us` None while it is there."""

    part: str
    carrier: str
    position: str
    from_us: int | None
    to_us: int | None = None
    installed_by: str = ""
    removed_by: str = ""
    reason: str = ""

    def covers(self, us: int) -> bool:
        """Whether what ended at a moment was done on this carrier: after the start, to the end."""
        after = self.from_us is not None and self.from_us < us
        return after and (self.to_us is None or us <= self.to_us)


class Genealogy(State):
    """Stays of the unit on carriers, and of parts on the unit."""

    stays: list[Stay] = []
    parts: list[Stay] = []

    def carrier(self) -> Stay | None:
        """Where the unit is installed now."""
        return next((stay for stay in reversed(self.stays) if stay.to_us is None), None)

    def carried(self) -> list[Stay]:
        """The parts on the unit now, by position."""
        return sorted(
            (stay for stay in self.parts if stay.to_us is None), key=lambda s: (s.position, s.part)
        )


def _begin(state: Genealogy, entry: Entry, carrier: str, position: str) -> None:
    now = state.carrier()
    if now is not None:
        state.contradict(
            entry, "installed_twice", carrier=now.carrier, position=now.position, other=carrier
        )
    state.stays.append(
        Stay(state.unit, carrier, position, entry.happened_us, None, entry.operation.id)
    )


def _install(state: Genealogy, entry: Entry, operation: Installed) -> None:
    at = entry.happened_us
    if state.unit in operation.units:
        _begin(state, entry, operation.carrier, operation.position)
        return
    for stay in state.carried():
        if operation.position and stay.position == operation.position:
            state.contradict(
                entry, "position_taken", position=stay.position, part=stay.part,
                other=operation.units[0],
            )  # fmt: skip
    for part in operation.units:
        state.parts.append(Stay(part, state.unit, operation.position, at, None, operation.id))


def _end(stays: list[Stay], part: str, carrier: str, entry: Entry, operation: Removed) -> bool:
    for stay in reversed(stays):
        if (stay.part, stay.carrier, stay.to_us) == (part, carrier, None):
            stay.to_us = entry.happened_us
            stay.removed_by, stay.reason = operation.id, operation.reason
            return True
    stays.append(
        Stay(part, carrier, operation.position, None, entry.happened_us, "", operation.id,
             operation.reason)
    )  # fmt: skip
    return False


def _remove(state: Genealogy, entry: Entry, operation: Removed) -> None:
    if state.unit in operation.units:
        if not _end(state.stays, state.unit, operation.carrier, entry, operation):
            state.contradict(entry, "removed_where_it_is_not", carrier=operation.carrier)
        return
    for part in operation.units:
        _end(state.parts, part, state.unit, entry, operation)


def _form(state: Genealogy, entry: Entry, operation: Formed) -> None:
    """A wheelset is formed: each part begins a stay on it, as by an installation."""
    whole = operation.units[0]
    for member in operation.parts:
        if state.unit == member.unit:
            _begin(state, entry, whole, member.position)
        elif state.unit == whole:
            for stay in state.carried():
                if member.position and stay.position == member.position:
                    state.contradict(
                        entry, "position_taken", position=stay.position, part=stay.part,
                        other=member.unit,
                    )  # fmt: skip
            state.parts.append(
                Stay(member.unit, whole, member.position, entry.happened_us, None, operation.id)
            )


def _disband(state: Genealogy, entry: Entry, operation: Disbanded) -> None:
    whole, removed = operation.units[0], Removed(
        id=operation.id, happened_at=operation.happened_at, units=operation.parts,
        carrier=operation.units[0], reason=operation.reason,
    )  # fmt: skip
    if operation.parts:
        _remove(state, entry, removed)
    if state.unit == whole and (left := state.carried()):
        state.contradict(entry, "disbanded_with_parts", part=left[0].part)


def _apply(state: Genealogy, entry: Entry, operation: Operation) -> None:
    match operation:
        case Installed():
            _install(state, entry, operation)
        case Removed():
            _remove(state, entry, operation)
        case Formed():
            _form(state, entry, operation)
        case Disbanded():
            _disband(state, entry, operation)
        case Condemned() | WrittenOff():
            now = state.carrier()
            if now is not None and isinstance(operation, Condemned):
                state.contradict(entry, "condemned_while_installed", carrier=now.carrier)


def _rows(state: Genealogy, catalogue: Catalogue) -> Rows:
    return {
        "installations": [
            (s.part, s.carrier, s.position, s.from_us, s.to_us, s.installed_by, s.removed_by)
            for s in state.stays
        ]
    }


GENEALOGY = View(
    name="genealogy",
    version=2,
    state=Genealogy,
    kinds=frozenset({
        "Installed", "Removed", "Condemned", "WrittenOff", "Formed", "Disbanded",
    }),
    tables={
        "installations": (
            "unit TEXT", "carrier TEXT", "position TEXT", "from_us BIGINT", "to_us BIGINT",
            "installed_by TEXT", "removed_by TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
