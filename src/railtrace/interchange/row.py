"""One row of a spreadsheet, read cell by cell; everything wrong with it is collected."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadOperation, Refused
from railtrace.interchange.cells import (
    ReadMoment,
    ReadNumber,
    Words,
    ZeroLost,
    forms_of,
    known_text,
    read_decimal,
    read_moment,
    read_number,
    text_of,
    with_zeros,
)
from railtrace.interchange.columns import LANGUAGES, Column, Header, Purpose, plain
from railtrace.interchange.workbook import Cell, Row, column_letters
from railtrace.trace.operation import Evidence, Number, Operation

Outcome = Literal["ready", "questioned", "known", "borne", "wrong"]
Value = TypeVar("Value")


class Site(Protocol):
    """A depot as the settings know it."""

    def name(self, language: str) -> str:
        """Return the name in a language."""


class Known(Protocol):
    """What the trace knows already, asked for many rows at once."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""

    @property
    def sites(self) -> Mapping[str, Site]:
        """The depots of the settings."""

    def zone_of(self, site: str) -> ZoneInfo:
        """Return the clock of a site."""

    def bearers(self, numbers: Sequence[str]) -> dict[str, list[str]]:
        """Return the units that bear each number now."""

    def types(self, units: Sequence[str]) -> dict[str, str]:
        """Return the types of units."""

    def carriers(self, units: Sequence[str]) -> dict[str, str]:
        """Return what each unit is installed on now."""

    def away(self, units: Sequence[str]) -> dict[str, str]:
        """Return the sending list each unit is away on now."""

    def recorded(self, ids: Sequence[str]) -> set[str]:
        """Return the ids that are in the ledger."""


@dataclass(frozen=True)
class Source:
    """The file and sheet the rows come from."""

    sha256: str
    sheet: int
    size: int = 0
    media_type: str = ""

    def id_of(self, row: int, part: str) -> str:
        """Return the id of what a row becomes."""
        return f"sheet:{self.sha256[:24]}:{self.sheet}:{row}:{part}"

    def unit_of(self, row: int) -> str:
        """Return the id of the unit that a row enters."""
        return f"{self.units}{row}"

    @property
    def units(self) -> str:
        """How the ids of this sheet's units begin."""
        return f"u-{self.sha256[:16]}-{self.sheet}-"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The file as evidence; its name stays outside the trace, it may name persons."""
        return (Evidence(sha256=self.sha256, media_type=self.media_type, size=self.size),)


@dataclass(frozen=True)
class Options:
    """What a person chooses for a whole sheet."""

    as_of: date
    site: str = ""
    restore_zeros: bool = False
    take_borne: bool = False


@dataclass(frozen=True)
class Fault:
    """What is wrong (or, when not grave, to be known) with one cell or one row."""

    row: int
    column: str
    letters: str
    typed: str
    error: Refused
    grave: bool = True

    @property
    def offer(self) -> str:
        """What could be taken instead of what was typed."""
        return self.error.offer if isinstance(self.error, ZeroLost) else ""


@dataclass
class Examined:
    """A row, what it becomes and what is to be said of it."""

    row: int
    number: str
    outcome: Outcome
    operations: tuple[Operation, ...] = ()
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """One sheet to be examined: its purpose, columns and options."""

    purpose: Purpose
    header: Header
    mapping: Mapping[str, int]
    source: Source
    options: Options


@dataclass
class Found:
    """What the trace says of the rows in hand, and what the sheet itself said before them."""

    known: Known
    bearers: Mapping[str, list[str]]
    types: Mapping[str, str]
    carriers: Mapping[str, str]
    recorded: set[str]
    twins: Mapping[tuple[str, str], list[int]]
    moved: dict[str, str | None]
    away: Mapping[str, str] = field(default_factory=dict)


def twin_key(job: Job, type_key: str, number: ReadNumber) -> tuple[str, str]:
    """A vehicle's number is its own; makers' serials repeat from one type of part to another."""
    return ("" if job.purpose.key == "vehicles" else type_key, number.value)


def type_of(job: Job, words: Words, cell: Cell) -> str:
    """Return the type a cell names, of vehicles or of parts. Raises BadOperation."""
    vehicles = job.purpose.key == "vehicles"
    return words.read(cell, words.vehicle_types if vehicles else words.part_types)


class RowReader:
    """Reads one row; what is wrong is collected, so that a person sees all of it at once."""

    def __init__(self, job: Job, row: Row, words: Words, found: Found) -> None:
        self.job, self.row, self.words, self.found = job, row, words, found
        self.faults: list[Fault] = []
        self.outcome: Outcome = "ready"
        self.number = self._shown_number()

    @property
    def wrong(self) -> bool:
        """Whether something is to be mended before the row can be taken."""
        return any(fault.grave for fault in self.faults)

    def _shown_number(self) -> str:
        columns = self.job.purpose.columns
        column = next((c for c in columns if c.kind in ("number", "unit")), columns[0])
        return text_of(self.cell(column.key))

    # --- cells --------------------------------------------------------------------------------

    def cell(self, key: str) -> Cell:
        """Return the cell of a column, None where the sheet has no such column."""
        index = self.job.mapping.get(key)
        return None if index is None else self.row.cell(index)

    def fault(self, key: str, error: Refused, grave: bool = True) -> None:
        """Note what is to be said of a cell."""
        index = self.job.mapping.get(key)
        header = self.job.header.cells
        name = header[index] if index is not None and index < len(header) else ""
        letters = "" if index is None else column_letters(index)
        typed = text_of(self.cell(key))[:200]
        self.faults.append(Fault(self.row.number, name or key, letters, typed, error, grave))

    def read(self, key: str, how: Callable[[Cell], Value]) -> Value | None:
        """Read a cell; None when it is empty or wrong."""
        column, cell = self.job.purpose.column(key), self.cell(key)
        if not known_text(cell):
            if column.required:
                self.fault(key, BadOperation("the cell is empty and is needed"))
            return None
        try:
            return how(cell)
        except BadOperation as error:
            self.fault(key, error)
            return None

    def text(self, key: str) -> str:
        """Return a cell as text."""
        return known_text(self.cell(key))

    def decimal(self, key: str) -> str | None:
        """Return a cell as a decimal number."""
        return self.read(key, read_decimal)

    def site(self, key: str) -> str:
        """Return the key of a site that a cell names, else what it says."""
        text = self.text(key)
        for site, row in self.found.known.sites.items():
            if plain(text) in {plain(site), *(plain(row.name(lang)) for lang in LANGUAGES)}:
                return site
        return text

    def where(self, key: str) -> str:
        """Return the site whose log and clock a row belongs to."""
        site = self.site(key)
        return site if site in self.found.known.sites else self.job.options.site

    def moment(self, key: str, site: str) -> ReadMoment | None:
        """Return a cell as a moment on a site's clock."""
        zone = self.found.known.zone_of(site)
        return self.read(key, lambda cell: read_moment(cell, zone))

    def choice(self, key: str, otherwise: str = "") -> str | None:
        """Return the key of the word that a cell holds."""
        column = self.job.purpose.column(key)
        if not self.text(key) and otherwise:
            return otherwise
        return self.read(key, lambda cell: _choice(column, cell))

    def may_be_unknown(self, column: Column, unit_class: str) -> bool:
        """Whether an empty cell says of this class of unit that something is unknown."""
        is_asked = column.key in self.job.mapping and unit_class in column.for_classes
        return is_asked and not known_text(self.cell(column.key))

    def unit(self, key: str) -> str | None:
        """Return the one unit that bears the number in a cell."""
        return self.read(key, lambda cell: self._bearer(key, cell))

    def _bearer(self, key: str, cell: Cell) -> str:
        units = self._bearers(forms_of(cell))
        offer = with_zeros(cell)
        if not units and offer and self._bearers((offer,)):
            units = self._bearers((offer,)) if self.job.options.restore_zeros else []
            if not units:
                read_number(cell, ("network8",), restore_zeros=False)
        if not units:
            raise BadOperation(
                "no unit in the trace bears the number {number}: enter the unit first",
                number=text_of(cell),
            )
        if len(units) > 1:
            raise BadOperation(
                "the number {number} is borne by {count} units: settle which is which first",
                number=text_of(cell), count=len(units),
            )  # fmt: skip
        return units[0]

    def _bearers(self, forms: Iterable[str]) -> list[str]:
        found = [unit for form in forms for unit in self.found.bearers.get(form, ())]
        return list(dict.fromkeys(found))

    def envelope(self, when: ReadMoment, site: str, part: str = "") -> dict[str, Any]:
        """Return what every operation of a row says of itself."""
        key, source = self.job.purpose.key, self.job.source
        return {
            "id": source.id_of(self.row.number, f"{key}.{part}" if part else key),
            "happened_at": when.at, "time_precision": when.precision, "zone_source": "site",
            "site": site, "basis": "document", "evidence": source.evidence,
        }  # fmt: skip

    # --- a unit's own number ------------------------------------------------------------------

    def own_number(self, type_key: str | None) -> Number | None:
        """Read the number of a unit that a row enters; twins are taken and marked."""
        schemes = self.words.schemes(type_key) if type_key else ("network8", "series", "serial")
        number = self.read(
            "number", lambda cell: read_number(cell, schemes, self.job.options.restore_zeros)
        )
        if number is None or type_key is None:
            return None
        self.number = number.value
        if number.restored:
            self.fault("number", _zero_back(number.value), grave=False)
        return Number(
            scheme=number.scheme, value=number.value,
            mark="duplicate" if self._has_twin(type_key, number) else "clear",
        )  # fmt: skip

    def _has_twin(self, type_key: str, number: ReadNumber) -> bool:
        rows = self.found.twins.get(twin_key(self.job, type_key, number), [])
        if rows:
            self.outcome = "questioned"
            self.fault("number", BadOperation(
                "{number} stands in rows {rows}: all are taken, their identity is in question",
                number=number.value, rows=", ".join(map(str, rows[:20])),
            ), grave=False)  # fmt: skip
        others = self._others(type_key, number)
        if not others:
            return bool(rows)
        self.outcome = "questioned" if self.job.options.take_borne else "borne"
        self.fault("number", _borne(number.value, others, self.job.options.take_borne), False)
        return True

    def _others(self, type_key: str, number: ReadNumber) -> list[str]:
        """Return the units, not of this sheet, that bear the number already."""
        vehicles = self.job.purpose.key == "vehicles"
        return [
            unit
            for unit in self.found.bearers.get(number.value, ())
            if not unit.startswith(self.job.source.units)
            and (vehicles or self.found.types.get(unit) == type_key)
        ]


def _zero_back(number: str) -> BadOperation:
    return BadOperation("the leading zero of {number} was put back", number=number)


def _borne(number: str, others: list[str], taken: bool) -> BadOperation:
    units = ", ".join(others[:5])
    if taken:
        return BadOperation(
            "{number} is borne already by {units}: taken as another unit, the identity of both is "
            "in question", number=number, units=units,
        )  # fmt: skip
    return BadOperation(
        "{number} is borne already by {units}: the row is left out as known",
        number=number, units=units,
    )  # fmt: skip


def _choice(column: Column, cell: Cell) -> str:
    text = plain(text_of(cell))
    for key, words in column.choices.items():
        if text in {plain(key), *map(plain, words)}:
            return key
    raise BadOperation(
        "{value} is not one of: {allowed}", value=text_of(cell),
        allowed=", ".join(words[0] for words in column.choices.values()),
    )  # fmt: skip


