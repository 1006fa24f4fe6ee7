"""Files of oil analysers: a row a sample, a column a quantity; what cannot be read is named by row.

Columns are known by their heading in any of the three languages, by the catalogue's names and keys,
or by the sign of the element (Fe, Cu, Pb ...). `ppm` and mg/kg are one unit.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation

from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadEvidence

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "sample": ("sample", "sample no", "проба", "номер пробы", "№ пробы", "намуна"),
    "engine": ("engine", "unit", "дизель", "номер дизеля", "двигатель", "дизел"),
    "at": ("date", "sampled", "дата", "дата отбора", "сана"),
    "fluid": ("fluid", "жидкость", "продукт", "моеъ"),
    "hours": ("hours", "engine hours", "моточасы", "наработка, ч", "соат"),
}
ELEMENTS = {
    "fe": "oil_iron", "cu": "oil_copper", "pb": "oil_lead", "al": "oil_aluminium",
    "cr": "oil_chromium", "si": "oil_silicon", "h2o": "oil_water",
}  # fmt: skip
FLUIDS = {
    "oil": "oil", "масло": "oil", "равған": "oil", "coolant": "coolant", "вода": "coolant",
    "об": "coolant", "fuel": "fuel", "топливо": "fuel", "сӯзишворӣ": "fuel", "": "oil",
}  # fmt: skip
_DATES = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%d.%m.%Y %H:%M", "%d.%m.%Y")


@dataclass(frozen=True)
class SampleRow:
    """One sample as the file has it; `values` by quantity, decimals as text."""

    line: int
    sample: str
    engine: str
    at: datetime
    fluid: str
    hours: str | None
    values: Mapping[str, str]


@dataclass
class AnalyserFile:
    """What a file holds: samples, rows refused with the reason, columns nobody knows."""

    samples: list[SampleRow] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read_analyser(content: bytes, catalogue: Catalogue, zone: tzinfo) -> AnalyserFile:
    """Read a .csv of an analyser, parted by comma, semicolon or tab, in UTF-8 or cp1251.

    Raises BadEvidence when the file as a whole is none.
    """
    text = _text(content)
    rows = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text)))
    if len(rows) < 2:
        raise BadEvidence("The file has no rows under a heading", reason="columns")
    heads = [_meant(head, catalogue) for head in rows[0]]
    for wanted in ("sample", "engine", "at"):
        if wanted not in heads:
            raise BadEvidence(
                "The file has no column for {wanted}; its headings are {headings}",
                reason="columns", wanted=HEADINGS[wanted][0], headings=", ".join(rows[0])[:200],
            )  # fmt: skip
    found = AnalyserFile(unknown=[h for h, m in zip(rows[0], heads, strict=True) if not m and h])
    for line, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            _take(found, line, dict(zip(heads, row, strict=False)), zone)
    return found


def _text(content: bytes) -> str:
    if b"\0" in content[:1000]:
        raise BadEvidence("The file is no table of text: save it as CSV", reason="unreadable")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251", errors="replace")


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(";\t,", key=head.count)


def _meant(head: str, catalogue: Catalogue) -> str:
    """Return what a column means: a field, a quantity, or nothing."""
    bare = re.sub(r"\s*[,(]?\s*(ppm|mg/kg|мг/кг|%|°c)\)?\s*$", "", head.strip().lower())
    for meaning, words in HEADINGS.items():
        if head.strip().lower() in words or bare in words:
            return meaning
    if bare in ELEMENTS:
        return ELEMENTS[bare]
    for key, row in catalogue.quantities.items():
        if bare in {key, row.ru.lower(), row.en.lower(), row.tg.lower()}:
            return key
    return ""


def _take(found: AnalyserFile, line: int, row: Mapping[str, str], zone: tzinfo) -> None:
    try:
        found.samples.append(_row(line, row, zone))
    except ValueError as problem:
        found.refused.append((line, str(problem)))


def _row(line: int, row: Mapping[str, str], zone: tzinfo) -> SampleRow:
    sample, engine = row["sample"].strip(), row["engine"].strip()
    if not sample or not engine:
        raise ValueError("sample" if not sample else "engine")
    fluid = FLUIDS.get(row.get("fluid", "").strip().lower())
    if fluid is None:
        raise ValueError(f"fluid {row.get('fluid', '')}")
    hours = row.get("hours", "").strip()
    values = {
        key: number(cell, key) for key, cell in row.items()
        if key and key not in HEADINGS and cell.strip() not in ("", "-", "—")
    }  # fmt: skip
    if not values:
        raise ValueError("no value")
    return SampleRow(line, sample, engine, _date(row["at"], zone), fluid,
                     number(hours, "hours") if hours else None, values)  # fmt: skip


def number(cell: str, key: str) -> str:
    """Return a decimal as the trace writes it. Raises ValueError naming the cell."""
    text = cell.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{key} {cell.strip()}") from error
    if not value.is_finite() or value < 0:
        raise ValueError(f"{key} {cell.strip()}")
    return f"{value:f}"


def _date(cell: str, zone: tzinfo) -> datetime:
    for form in _DATES:
        try:
            return datetime.strptime(cell.strip(), form).replace(tzinfo=zone)
        except ValueError:
            continue
    raise ValueError(f"date {cell.strip()}")
