"""Spreadsheet files become lines of JSON, one a row, in a process of its own.

A hostile or broken file (a stray cell at the far corner, a bomb of zeros) takes this process
with it and nothing else: memory and time are capped, the caller tells the person.
Run as `python -m railtrace.interchange.unpack FILE FOLDER`.
"""

import codecs
import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from railtrace.errors import BadOperation

MOST_MEMORY_BYTES = 2 << 30
MOST_SECONDS = 300
MOST_UNPACKED_BYTES = 1 << 30
MOST_ROWS = 1_000_000
MOST_COLUMNS = 1_000
LONGEST_CELL = 4_000
MANIFEST, FAULT = "manifest.json", "fault.json"
_SNIFFED = 64 * 1024
_PIECE = 1 << 20


class Sheet(Struct):
    """One visible sheet: its place in the book and how much it holds."""

    index: int
    name: str
    rows: int
    columns: int
    merged: int = 0


class Manifest(Struct):
    """What a file turned out to be."""

    format: str
    sheets: list[Sheet]
    hidden: int = 0
    uncalculated: int = 0
    encoding: str = ""
    separator: str = ""


class Fault(Struct):
    """Why a file cannot be unpacked, to be said in the reader's language."""

    template: str
    values: dict[str, Any]


def unpack(path: Path, folder: Path) -> Manifest:
    """Write every visible sheet as lines of JSON. Raises BadOperation."""
    with path.open("rb") as file:
        head = file.read(_SNIFFED)
    if not head.strip():
        raise BadOperation("the file is empty")
    return _FORMATS[_format(path, head)](path, folder)


def _format(path: Path, head: bytes) -> str:
    """Go by what is in the file: names lie."""
    if head.startswith(b"PK\x03\x04"):
        return _zip_format(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    for start, what in _OTHERS.items():
        if head.startswith(start):
            raise BadOperation(
                "this is a {what}, not a spreadsheet: save it as XLSX, ODS or CSV", what=what
            )
    if b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadOperation("this is no spreadsheet: save it as XLSX, ODS or CSV")
    return "csv"


_OTHERS = {
    b"%PDF": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"Rar!": "RAR", b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip", b"<!DOCTYPE": "HTML", b"<html": "HTML", b"{\\rtf": "RTF",
    b"SQLite format 3": "SQLite",
}  # fmt: skip


def _zip_format(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_bomb(archive)
            names = set(archive.namelist())
            if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
                return "xlsx" if "xl/workbook.xml" in names else "xlsb"
            kind = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError):
        raise _broken() from None
    if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    raise BadOperation("this is an archive, not a spreadsheet: save it as XLSX, ODS or CSV")


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    size = sum(entry.file_size for entry in archive.infolist())
    if size > MOST_UNPACKED_BYTES:
        raise BadOperation(
            "unpacked the file has {size} MB, at most {most} MB are read: split it into parts",
            size=size >> 20, most=MOST_UNPACKED_BYTES >> 20,
        )  # fmt: skip


def _broken() -> BadOperation:
    return BadOperation(
        "the file is damaged: open it in a spreadsheet program, save it anew and load that"
    )


# --- workbooks --------------------------------------------------------------------------------


def _unpack_book(path: Path, folder: Path) -> Manifest:
    with path.open("rb") as file:
        kind = _format(path, file.read(8))
    try:
        book = CalamineWorkbook.from_path(str(path))
        shown = [
            index
            for index, sheet in enumerate(book.sheets_metadata)
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        sheets = [_unpack_sheet(book, index, folder) for index in shown]
    except PasswordError:
        raise BadOperation("the file is locked by a password: save it without one") from None
    except (CalamineError, ValueError, OSError):
        raise _broken() from None
    sheets = [sheet for sheet in sheets if sheet.rows]
    if not sheets:
        raise BadOperation("no visible sheet of the file holds anything")
    hidden = len(book.sheets_metadata) - len(shown)
    return Manifest(kind, sheets, hidden, _uncalculated(path) if kind == "xlsx" else 0)


def _unpack_sheet(book: CalamineWorkbook, index: int, folder: Path) -> Sheet:
    sheet = book.get_sheet_by_index(index)
    rows, columns = _write(folder / f"{index}.jsonl", _rows(sheet))
    merged = len(sheet.merged_cell_ranges or ())
    return Sheet(index, sheet.name, rows, columns, merged)


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows by number; what is merged downwards stands in every row of its range."""
    if sheet.start is None:
        return
    # Rows come from the first of the sheet, cells from the first column that holds something.
    left_of = [""] * sheet.start[1]
    starting: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top:
            starting.setdefault(top, []).append((left, bottom))
    standing: dict[int, tuple[int, Any]] = {}
    for row, found in enumerate(sheet.iter_rows()):
        cells: list[Any] = [*left_of, *found]
        for column, (bottom, value) in list(standing.items()):
            if row > bottom:
                del standing[column]
            elif column < len(cells) and cells[column] == "":
                cells[column] = value
        for column, bottom in starting.get(row, ()):
            if column < len(cells):
                standing[column] = (bottom, cells[column])
        yield row + 1, cells


def _uncalculated(path: Path) -> int:
    """Count formulas that were saved without their value."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.startswith("xl/worksheets/sheet")]
        return sum(_count(archive, name) for name in names)


def _count(archive: zipfile.ZipFile, name: str) -> int:
    found, rest = 0, b""
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            text = rest + piece
            found += sum(text.count(end) for end in _NO_VALUE)
            rest = text[-32:]
            found -= sum(rest.count(end) for end in _NO_VALUE)
    return found + sum(rest.count(end) for end in _NO_VALUE)


_NO_VALUE = (b"</f></c>", b"</f><v></v></c>", b"</f><v/></c>", b"</f><v /></c>")


# --- text -------------------------------------------------------------------------------------


def _unpack_csv(path: Path, folder: Path) -> Manifest:
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_SNIFFED)
        separator = _separator(sample)
        file.seek(0)
        lines = csv.reader(_without_nul(file), delimiter=separator)
        try:
            rows, columns = _write(folder / "0.jsonl", enumerate(lines, 1))
        except csv.Error as error:
            raise BadOperation(
                "line {line} cannot be read as CSV: a quotation mark is not closed or a cell is "
                "longer than {most} signs", line=lines.line_num, most=csv.field_size_limit(),
            ) from error  # fmt: skip
    if not rows:
        raise BadOperation("the file is empty")
    return Manifest("csv", [Sheet(0, "", rows, columns)], encoding=encoding, separator=separator)


def _without_nul(file: io.TextIOWrapper) -> Iterator[str]:
    for line in file:
        if "\x00" in line:
            raise BadOperation("this is no spreadsheet: save it as XLSX, ODS or CSV")
        yield line


def _encoding(path: Path) -> str:
    """UTF-8 proves itself; what is not UTF-8 is the code page of Cyrillic Windows."""
    with path.open("rb") as file:
        head = file.read(4)
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1251"):
        if _decodes(path, encoding):
            return encoding
    if marked:
        raise _broken()
    raise BadOperation("the text is neither UTF-8 nor Windows-1251: save the file as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _separator(sample: str) -> str:
    """Take the sign that cuts the first lines into the same number of parts, the most of them."""
    lines = [line for line in sample.splitlines()[:30] if line.strip()]
    if not lines:
        return ";"
    best, best_score = ";", (0.0, 0)
    for sign in ";\t,":
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        usual = max(set(counts), key=counts.count)
        score = (counts.count(usual) / len(counts), usual)
        if usual > 1 and score > best_score:
            best, best_score = sign, score
    return best


# --- writing ----------------------------------------------------------------------------------


def _write(path: Path, rows: Iterable[tuple[int, list[Any]]]) -> tuple[int, int]:
    """Write the rows that hold something; return how many, and the widest one's cells."""
    encoder, count, columns = msgspec.json.Encoder(), 0, 0
    with path.open("wb") as file:
        for number, cells in rows:
            kept = [_outward(cell) for cell in cells]
            while kept and kept[-1] is None:
                kept.pop()
            if not kept:
                continue
            count, columns = count + 1, max(columns, len(kept))
            _refuse_large(count, columns)
            file.write(encoder.encode((number, kept)) + b"\n")
    return count, columns


def _refuse_large(rows: int, columns: int) -> None:
    if rows > MOST_ROWS:
        raise BadOperation(
            "the sheet has more than {most} rows: split it into parts", most=MOST_ROWS
        )
    if columns > MOST_COLUMNS:
        raise BadOperation(
            "the sheet has more than {most} columns: leave only those that are needed",
            most=MOST_COLUMNS,
        )


def _outward(cell: Any) -> Any:
    """Dates leave as pairs, so that they are not mistaken for text."""
    match cell:
        case "":
            return None
        case str():
            return cell.strip()[:LONGEST_CELL] or None
        case datetime():
            return ("t", cell.isoformat())
        case date():
            return ("d", cell.isoformat())
        case time():
            return ("c", cell.isoformat())
        case timedelta():
            return ("s", str(cell.total_seconds()))
        case float() if cell != cell or cell in (float("inf"), float("-inf")):
            return None
    return cell


_FORMATS = {
    "csv": _unpack_csv, "xlsx": _unpack_book, "xlsb": _unpack_book, "ods": _unpack_book,
    "xls": _unpack_book,
}  # fmt: skip


def _cap() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, folder: str) -> int:
    """Unpack a file; what is found, or what is wrong, is left in the folder."""
    _cap()
    try:
        manifest = unpack(Path(path), Path(folder))
    except BadOperation as error:
        fault = Fault(error.template, error.values)
        (Path(folder) / FAULT).write_bytes(msgspec.json.encode(fault))
        return 1
    (Path(folder) / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
