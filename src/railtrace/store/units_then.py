"""Many units as they stood at one date, by what was known at another: folded, never stored.

Whole units are read in their order from the index and the leaves, so that several processes can
share the work by ranges of unit ids and nothing grows with the fleet.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from typing import Any

import msgspec
from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.coupling import COUPLING, Coupling
from railtrace.projections.fold import View, fold, resolve
from railtrace.projections.genealogy import GENEALOGY, Genealogy
from railtrace.projections.passport import PASSPORT, Passport
from railtrace.store.database import Database, marks
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import KINDS

_PAGE = 20_000
_KINDS = sorted(PASSPORT.kinds | GENEALOGY.kinds | COUPLING.kinds | {"Corrected"})


class StoodAs(Struct, frozen=True, omit_defaults=True):
    """One line of a result: a unit's identity, state, place and holders at the date."""

    unit: str
    number: str = ""
    type: str = ""
    unit_class: str = ""
    state: str = ""
    detail: str = ""
    since_us: int | None = None
    place: str = ""
    whereabouts: str = ""
    place_us: int | None = None
    owner: str = ""
    keeper: str = ""
    home_site: str = ""
    carrier: str = ""
    position: str = ""
    unreadable: bool = False


class Dates(Struct, frozen=True):
    """The two dates, and how far each log is taken: the same three give the same result."""

    state_us: int
    known_us: int
    sizes: Mapping[str, int]


class UnitsThen:
    """Reads units of one store at two dates."""

    def __init__(self, database: Database, trace: DatabaseTraceStore, dates: Dates) -> None:
        self._db, self._trace, self._dates = database, trace, dates

    def ranges(self, count: int) -> list[tuple[str, str]]:
        """Return ranges (after, up to and with) of unit ids that hold about as many entries."""
        [(first, last)] = self._db.query("SELECT MIN(unit), MAX(unit) FROM unit_ops")
        if first is None:
            return []
        units = [u for (u,) in self._db.query("SELECT unit FROM units ORDER BY unit")]
        step = max(1, len(units) // count)
        bounds = ["", *units[step - 1 : -1 : step], last]
        return [(low, high) for low, high in pairwise(bounds) if low < high]

    def within(self, after: str, up_to: str, catalogue: Catalogue) -> Iterator[StoodAs]:
        """Yield the units of a range that were known at the date, in the order of their ids."""
        for unit, entries in self._units(after, up_to):
            known = [entry for entry in entries if self._was_known(entry)]
            then = [e for e in resolve(known, unit) if e.happened_us <= self._dates.state_us]
            if then:
                yield _stood(unit, then, catalogue)

    def _was_known(self, entry: Entry) -> bool:
        dates = self._dates
        return entry.recorded_us <= dates.known_us and entry.position < dates.sizes.get(
            entry.log, 0
        )

    def _units(self, after: str, up_to: str) -> Iterator[tuple[str, list[Entry]]]:
        while rows := self._places(after, up_to):
            if len(rows) == _PAGE:
                rows = [row for row in rows if row[0] != rows[-1][0]] or [rows[-1]]
            after = rows[-1][0]
            if len(rows) == 1:
                rows = self._db.query(
                    "SELECT unit, log, position FROM unit_ops WHERE unit = ?", (after,)
                )
            yield from self._read(sorted(rows))

    def _places(self, after: str, up_to: str) -> list[tuple[Any, ...]]:
        """Return what is to be folded; also what is corrected, of whatever kind: what is put in

        its place may be of concern.
        """
        return self._db.query(
            f"SELECT unit, log, position FROM unit_ops WHERE unit > ? AND unit <= ? AND (kind IN"
            f" ({marks(len(_KINDS))}) OR kind NOT IN ({marks(len(KINDS))})"
            f" OR id IN (SELECT target FROM corrections)) ORDER BY unit LIMIT {_PAGE}",
            (after, up_to, *_KINDS, *sorted(KINDS)),
        )

    def _read(self, rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, list[Entry]]]:
        """An entry that names many units of a page is read once."""
        found = self._trace.leaves_at({(log, position) for _, log, position in rows})
        entries = {place: leaves.read(leaf, *place) for place, leaf in found.items()}
        for unit, group in groupby(rows, key=lambda row: row[0]):
            yield unit, [entries[log, at] for _, log, at in group]


def _of(view: View, unit: str, entries: Iterable[Entry]) -> Any:
    readable = view.name != "passport"
    return fold(view, unit, [
        e for e in entries if view.handles(e.read_as) or not (readable or e.read_as in KINDS)
    ])[0]  # fmt: skip


def _stood(unit: str, entries: list[Entry], catalogue: Catalogue) -> StoodAs:
    passport: Passport = _of(PASSPORT, unit, entries)
    genealogy: Genealogy = _of(GENEALOGY, unit, entries)
    coupling: Coupling = _of(COUPLING, unit, entries)
    number, span = passport.primary(), passport.span
    stay = genealogy.carrier() or coupling.locomotive()
    return StoodAs(
        unit=unit, number=number.value if number else "", type=passport.type,
        unit_class=catalogue.class_of(passport.type),
        state=span.standing.state if span else "", detail=span.standing.detail if span else "",
        since_us=span.from_us if span else None, place=passport.place,
        whereabouts=passport.whereabouts, place_us=passport.place_us, owner=passport.owner,
        keeper=passport.keeper, home_site=passport.home_site,
        carrier=stay.carrier if stay else "", position=stay.position if stay else "",
        unreadable=passport.unreadable is not None,
    )  # fmt: skip


_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(StoodAs)


def line_of(stood: StoodAs) -> bytes:
    """Return a unit as a line of a result, with its line feed."""
    return _encoder.encode(stood) + b"\n"


def read_line(line: bytes) -> StoodAs:
    """Read a line of a result."""
    return _decoder.decode(line)
