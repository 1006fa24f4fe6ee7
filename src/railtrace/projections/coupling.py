"""Coupling: which sections a locomotive is made of, from when to when.

A locomotive of sections is a unit with a number of its own: the crew's journal and ТО-2 are its
own, mileage and repairs the sections'. A coupling is read from both sides, as an installation is.
"""

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.genealogy import Stay
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Operation, SectionsCoupled, SectionsUncoupled


class Coupling(State):
    """Stays of a section in locomotives, and of sections in a locomotive."""

    stays: list[Stay] = []
    sections: list[Stay] = []

    def locomotive(self) -> Stay | None:
        """The locomotive the section is in now."""
        return next((stay for stay in reversed(self.stays) if stay.to_us is None), None)

    def coupled(self) -> list[Stay]:
        """The sections in the locomotive now, in the order they were coupled."""
        return [stay for stay in self.sections if stay.to_us is None]


def _couple(state: Coupling, entry: Entry, operation: SectionsCoupled) -> None:
    for index, section in enumerate(operation.units):
        place = operation.places[index] if operation.places else ""
        stay = Stay(section, operation.locomotive, place, entry.happened_us, None, operation.id)
        if section == state.unit:
            _join(state, entry, stay)
        elif operation.locomotive == state.unit:
            _take_in(state, entry, stay)


def _join(state: Coupling, entry: Entry, stay: Stay) -> None:
    now = state.locomotive()
    if now is not None:
        state.contradict(
            entry, "section_in_two_locomotives", carrier=now.carrier, other=stay.carrier
        )
    state.stays.append(stay)


def _take_in(state: Coupling, entry: Entry, stay: Stay) -> None:
    taken = [s for s in state.coupled() if stay.position and s.position == stay.position]
    for other in taken:
        state.contradict(
            entry, "section_place_taken", place=stay.position, part=other.part, other=stay.part
        )
    state.sections.append(stay)


def _uncouple(state: Coupling, entry: Entry, operation: SectionsUncoupled) -> None:
    for section in operation.units:
        if section == state.unit:
            if not _end(state.stays, section, entry, operation):
                state.contradict(entry, "uncoupled_where_it_is_not", carrier=operation.locomotive)
        elif operation.locomotive == state.unit:
            _end(state.sections, section, entry, operation)


def _end(stays: list[Stay], section: str, entry: Entry, operation: SectionsUncoupled) -> bool:
    for stay in reversed(stays):
        if (stay.part, stay.carrier, stay.to_us) == (section, operation.locomotive, None):
            stay.to_us = entry.happened_us
            stay.removed_by, stay.reason = operation.id, operation.reason
            return True
    return False


def _apply(state: Coupling, entry: Entry, operation: Operation) -> None:
    match operation:
        case SectionsCoupled():
            _couple(state, entry, operation)
        case SectionsUncoupled():
            _uncouple(state, entry, operation)


def _rows(state: Coupling, catalogue: Catalogue) -> Rows:
    return {
        "couplings": [
            (s.part, s.carrier, s.position, s.from_us, s.to_us, s.installed_by, s.removed_by)
            for s in state.stays
        ]
    }


COUPLING = View(
    name="coupling",
    version=1,
    state=Coupling,
    kinds=frozenset({"SectionsCoupled", "SectionsUncoupled"}),
    tables={
        "couplings": (
            "unit TEXT", "locomotive TEXT", "place TEXT", "from_us BIGINT", "to_us BIGINT",
            "coupled_by TEXT", "uncoupled_by TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
