"""What a spreadsheet is loaded for, and which of its columns is which."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from railtrace.interchange.workbook import Cell, Row

LANGUAGES = ("ru", "en", "tg")
_HEADER_ROWS = 20
_ALIKE = 0.86
_SIGNS = re.compile(r"[\s.,:;/()\[\]\"'«»№#*_\-–—]+")

Kind = Literal[
    "number", "unit", "type", "text", "identifier", "site", "decimal", "moment", "partial_date",
    "repair", "repair_km", "state", "choice", "position", "quantity", "place", "unit_of_measure",
]  # fmt: skip


class _Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    ru: str
    en: str
    tg: str

    def name(self, language: str) -> str:
        """Return the name in a language."""
        return str(getattr(self, language if language in LANGUAGES else "ru"))


class Column(_Named, frozen=True, kw_only=True):
    """A column that a purpose knows."""

    kind: Kind
    required: bool = False
    synonyms: tuple[str, ...] = ()
    hint_ru: str = ""
    hint_en: str = ""
    hint_tg: str = ""
    example: str = ""
    repair_kind: str = ""
    for_classes: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = {}

    def hint(self, language: str) -> str:
        """Return what a person is told about the column."""
        return str(getattr(self, f"hint_{language if language in LANGUAGES else 'ru'}"))

    def names(self) -> tuple[str, ...]:
        """Return everything the column may be headed by."""
        return (self.key, self.ru, self.en, self.tg, *self.synonyms)


class Purpose(_Named, frozen=True, kw_only=True):
    """What a sheet's rows become."""

    columns: tuple[Column, ...]

    def column(self, key: str) -> Column:
        """Return one column."""
        return next(column for column in self.columns if column.key == key)


class _Purposes(Struct, frozen=True, forbid_unknown_fields=True):
    purposes: tuple[Purpose, ...]


@cache
def purposes() -> dict[str, Purpose]:
    """Return every purpose by its key."""
    text = files("railtrace.interchange").joinpath("purposes.toml").read_text("utf-8")
    return {p.key: p for p in msgspec.convert(tomllib.loads(text), _Purposes).purposes}


def plain(header: object) -> str:
    """Return a header without case, signs and the difference of ё and е."""
    text = str(header).casefold().replace("ё", "е")
    return _SIGNS.sub(" ", text).strip()


@dataclass(frozen=True)
class Header:
    """The row that names the columns; row 0 when a sheet has none."""

    row: int
    cells: tuple[str, ...]

    def fingerprint(self, purpose: str) -> str:
        """Return what a remembered mapping is found by."""
        text = "\n".join((purpose, *map(plain, self.cells)))
        return hashlib.sha256(text.encode()).hexdigest()


def find_header(rows: Iterable[Row], purpose: Purpose) -> Header:
    """Return the row among the first ones that names most columns of a purpose."""
    first = [row for row, _ in zip(rows, range(_HEADER_ROWS), strict=False)]
    best = max(first, key=lambda row: (_named(row.cells, purpose), -row.number), default=None)
    if best is None or not _named(best.cells, purpose):
        best = next((row for row in first if _is_words(row.cells)), None)
    return Header(best.number, _texts(best.cells)) if best else Header(0, ())


def header_at(rows: Iterable[Row], number: int) -> Header:
    """Return the header in a row a person has chosen."""
    for row in rows:
        if row.number == number:
            return Header(number, _texts(row.cells))
        if row.number > number:
            break
    return Header(number, ())


def _named(cells: Sequence[Cell], purpose: Purpose) -> int:
    known = {plain(name) for column in purpose.columns for name in column.names()}
    return sum(isinstance(cell, str) and plain(cell) in known for cell in cells)


def _is_words(cells: Sequence[Cell]) -> bool:
    return sum(isinstance(cell, str) for cell in cells) >= 2


def _texts(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple("" if cell is None else str(cell) for cell in cells)


def guess(header: Header, purpose: Purpose) -> dict[str, int]:
    """Return which column of the sheet is which, the surest ones first; the rest is left out."""
    sure = sorted(
        (
            (-likeness, index, position, column.key)
            for position, column in enumerate(purpose.columns)
            for index, cell in enumerate(header.cells)
            if (likeness := _likeness(plain(cell), column)) >= _ALIKE
        ),
    )
    mapping: dict[str, int] = {}
    for _, index, _, key in sure:
        if key not in mapping and index not in mapping.values():
            mapping[key] = index
    return mapping


def _likeness(header: str, column: Column) -> float:
    if not header:
        return 0.0
    return max(_alike(header, plain(name)) for name in column.names())


def _alike(header: str, name: str) -> float:
    """One for the same words; a heading that only holds a short name is not that column."""
    if header == name:
        return 1.0
    if min(len(header), len(name)) < 4:
        return 0.0
    return min(SequenceMatcher(None, header, name).ratio(), 0.99)


def missing(mapping: Mapping[str, int], purpose: Purpose) -> list[Column]:
    """Return the columns a purpose needs that no column of the sheet is taken for."""
    return [c for c in purpose.columns if c.required and c.key not in mapping]
