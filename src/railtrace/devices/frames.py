"""Frames: bytes to the values that stand in them, and back for emulators and the kit.

Every layout gives records of one shape: `get` returns what stands at a place, raw. Nothing here
knows what a value means.
"""

import csv
import io
import json
import re
import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Protocol
from xml.etree import ElementTree

from msgspec.structs import replace

from railtrace.devices.manifest import Frame, Place
from railtrace.devices.message import Raw
from railtrace.errors import BadFrame

_BINARY = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "f32": "f"}
_DTL = struct.Struct(">HBBBBBBI")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Record(Protocol):
    """One result's values in a frame."""

    def get(self, place: Place) -> Raw | None:
        """Return what stands at a place, None where nothing does. Raises BadFrame."""

    def series(self, place: Place, count: int) -> Sequence[Raw]:
        """Return a list of values that begins at a place, nothing where there is none."""


def records(frame: Frame, content: bytes) -> Sequence[Record]:
    """Return the records of a frame. Raises BadFrame when it is cut or not of its layout."""
    return _READERS[frame.layout](frame, content)


def put(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    """Return the frame with another value at a place of its first record."""
    return _WRITERS[frame.layout](frame, content, place, raw)


def put_series(
    frame: Frame, content: bytes, place: Place, values: Sequence[Raw]
) -> bytes:
    """Return the frame with other values of a list that begins at a place."""
    if frame.layout == "json":
        return _write_json(frame, content, place, list(values))  # type: ignore[arg-type]
    width = 2 if frame.layout == "registers" else 1
    for index, raw in enumerate(values):
        content = put(frame, content, _later(place, index, width), raw)
    return content


def _later(place: Place, index: int, width: int) -> Place:
    """Return the place of the next value in a block."""
    size = struct.calcsize(">" + _BINARY[place.type]) // width
    return replace(place, at=int(place.at) + index * size)


def _cut(problem: object) -> BadFrame:
    return BadFrame("the frame cannot be read: {problem}", problem=problem)


# --- JSON -----------------------------------------------------------------------------------


class _Json:
    def __init__(self, document: Any) -> None:
        self._document = document

    def _at(self, place: Place) -> Any:
        found = self._document
        for step in _steps(str(place.at)):
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def get(self, place: Place) -> Raw | None:
        found = self._at(place)
        if isinstance(found, dict | list):
            raise _cut(f"{place.at} is no single value")
        value: Raw | None = found
        return value

    def series(self, place: Place, count: int) -> Sequence[Raw]:
        found = self._at(place)
        if found is None:
            return ()
        if not isinstance(found, list) or any(isinstance(v, dict | list) for v in found):
            raise _cut(f"{place.at} is no list of values")
        return found


@cache
def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(index) if index else name for name, index in _STEP.findall(path))


def _no_constant(name: str) -> Any:
    raise _cut(f"{name} is no number")


def load_json(content: bytes, encoding: str = "utf-8") -> Any:
    """Read JSON with exact decimals. Raises BadFrame."""
    try:
        return json.loads(
            content.decode(encoding), parse_float=Decimal, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise _cut(error) from None


def _read_json(frame: Frame, content: bytes) -> Sequence[Record]:
    document = load_json(content, frame.encoding)
    for step in _steps(frame.rows):
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            raise _cut(f"there is no {frame.rows}") from None
    rows = document if frame.rows else [document]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _cut("an object is wanted")
    return [_Json(row) for row in rows]


def _write_json(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    document = load_json(content, frame.encoding)
    found: Any = document
    for step in _steps(frame.rows):
        found = found[step]
    found = found[0] if frame.rows else found
    *way, last = _steps(str(place.at))
    for step in way:
        found = found[step]
    found[last] = raw
    return json.dumps(document, ensure_ascii=False, default=_plain).encode(frame.encoding)


def _plain(value: object) -> object:
    """JSON knows no decimals: a float of the same digits is written."""
    return float(value) if isinstance(value, Decimal) else str(value)


# --- registers and data blocks --------------------------------------------------------------


class _Block:
    """Modbus words (two bytes an address) or S7 bytes, big endian."""

    def __init__(self, frame: Frame, content: bytes, width: int) -> None:
        self._frame, self._content, self._width = frame, content, width

    def get(self, place: Place) -> Raw | None:
        start = int(place.at) * self._width
        if place.type in _BINARY:
            code = _BINARY[place.type]
            size = struct.calcsize(">" + code)
            return _unpacked(code, _ordered(self._frame, self._content[start : start + size]))
        if place.type == "time" and place.form == "dtl":
            return _from_dtl(self._content[start : start + _DTL.size])
        if place.type == "bool":
            return any(self._content[start : start + self._width])
        if place.type == "time":
            return _unpacked("I", _ordered(self._frame, self._content[start : start + 4]))
        text = self._content[start : start + place.length * self._width]
        return text.rstrip(b"\0 ").decode(self._frame.encoding, "replace")

    def series(self, place: Place, count: int) -> Sequence[Raw]:
        found = (self.get(_later(place, index, self._width)) for index in range(count))
        return [raw for raw in found if raw is not None]


def _ordered(frame: Frame, part: bytes) -> bytes:
    if frame.word_order == "big" or len(part) < 4:
        return part
    return part[2:4] + part[0:2]


def _unpacked(code: str, part: bytes) -> Raw:
    (value,) = struct.unpack(">" + code, part)
    if code != "f":
        return int(value)
    if value != value or value in (float("inf"), float("-inf")):
        raise _cut(f"{value} is no number")
    return float(value)


def _from_dtl(part: bytes) -> str:
    year, month, day, _, hour, minute, second, nano = _DTL.unpack(part)
    try:
        moment = datetime(year, month, day, hour, minute, second, nano // 1000)  # noqa: DTZ001
    except ValueError as error:
        raise _cut(error) from None
    return moment.isoformat()


def _read_block(width: int) -> Callable[[Frame, bytes], Sequence[Record]]:
    def read(frame: Frame, content: bytes) -> Sequence[Record]:
        if len(content) != frame.length * width:
            raise _cut(f"{len(content)} bytes, {frame.length * width} wanted")
        return [_Block(frame, content, width)]

    return read


def _write_block(width: int) -> Callable[[Frame, bytes, Place, Raw], bytes]:
    def write(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
        part = _packed(frame, place, raw, width)
        start = int(place.at) * width
        return content[:start] + part + content[start + len(part) :]

    return write


def _packed(frame: Frame, place: Place, raw: Raw, width: int) -> bytes:
    if place.type == "time" and place.form == "dtl":
        moment = datetime.fromisoformat(str(raw))
        return _DTL.pack(
            moment.year, moment.month, moment.day, moment.isoweekday() % 7 + 1, moment.hour,
            moment.minute, moment.second, moment.microsecond * 1000,
        )  # fmt: skip
    if place.type == "bool":
        return bytes(width - 1) + bytes([bool(raw)])
    code = "I" if place.type == "time" else _BINARY.get(place.type, "")
    if code:
        number = float(raw) if code == "f" else int(raw)
        return _ordered(frame, struct.pack(">" + code, number))
    size = place.length * width
    return str(raw).encode(frame.encoding)[:size].ljust(size, b"\0")


# --- tables: CSV and XLSX -------------------------------------------------------------------


class _NoSeries:
    """A layout that holds single values only."""

    def series(self, place: Place, count: int) -> Sequence[Raw]:
        return ()


class _Row(_NoSeries):
    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row

    def get(self, place: Place) -> Raw | None:
        value = self._row.get(str(place.at))
        return None if value in ("", None) else value


def _read_csv(frame: Frame, content: bytes) -> Sequence[Record]:
    if not content.endswith(b"\n"):
        raise _cut("the last line is not ended")
    rows = _csv_rows(frame, content)
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise _cut(f"line {number} has {len(row)} columns, {width} wanted")
    return [_Row(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]


def _csv_rows(frame: Frame, content: bytes) -> list[list[str]]:
    try:
        text = content.decode(frame.encoding)
        return [row for row in csv.reader(io.StringIO(text), delimiter=frame.delimiter) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _cut(error) from None


def _write_csv(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    rows = _csv_rows(frame, content)
    text = str(raw).replace(".", frame.decimal) if isinstance(raw, Decimal | float) else str(raw)
    rows[1][rows[0].index(str(place.at))] = text
    target = io.StringIO()
    csv.writer(target, delimiter=frame.delimiter, lineterminator="\r\n").writerows(rows)
    return target.getvalue().encode(frame.encoding)


def _read_xlsx(frame: Frame, content: bytes) -> Sequence[Record]:
    rows = _xlsx_rows(content)
    return [_Row(dict(zip(map(str, rows[0]), row, strict=True))) for row in rows[1:]]


def _xlsx_rows(content: bytes) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = book.get_sheet_by_index(0).to_python()
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise _cut(error) from None
    if not rows:
        raise _cut("the sheet is empty")
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    return value.isoformat() if isinstance(value, datetime) else value


def _write_xlsx(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    import xlsxwriter

    rows = _xlsx_rows(content)
    rows[1][list(map(str, rows[0])).index(str(place.at))] = raw
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, [float(v) if isinstance(v, Decimal) else v for v in row])
    return target.getvalue()


# --- XML ------------------------------------------------------------------------------------


class _Xml(_NoSeries):
    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    def get(self, place: Place) -> Raw | None:
        path, _, attribute = str(place.at).partition("@")
        found = self._element.find(path.rstrip("/") or ".")
        if found is None:
            return None
        text = found.get(attribute) if attribute else found.text
        return (text or "").strip() or None


def _parsed_xml(content: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _cut("a document type is not taken")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _cut(error) from None


def _read_xml(frame: Frame, content: bytes) -> Sequence[Record]:
    root = _parsed_xml(content)
    return [_Xml(found) for found in (root.findall(frame.rows) if frame.rows else [root])]


def _write_xml(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    root = _parsed_xml(content)
    element = root.findall(frame.rows)[0] if frame.rows else root
    path, _, attribute = str(place.at).partition("@")
    found = element.find(path.rstrip("/") or ".")
    assert found is not None, place.at
    if attribute:
        found.set(attribute, str(raw))
    else:
        found.text = str(raw)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


# --- lines of a serial line -----------------------------------------------------------------


class _Line(_NoSeries):
    def __init__(self, match: "re.Match[str]") -> None:
        self._match = match

    def get(self, place: Place) -> Raw | None:
        value = self._match.groupdict().get(str(place.at))
        return value.strip() or None if value is not None else None


def xor_of(text: str) -> str:
    """Return the exclusive or of the signs, as two hexadecimal digits."""
    total = 0
    for byte in text.encode("latin-1", "replace"):
        total ^= byte
    return f"{total:02X}"


def _matched(frame: Frame, content: bytes) -> "re.Match[str]":
    text = content.decode(frame.encoding, "replace").rstrip("\r\n")
    if frame.checksum:
        text, star, sent = text.rpartition("*")
        if not star or sent != xor_of(text):
            raise _cut(f"the checksum is {sent or 'missing'}, {xor_of(text)} wanted")
    match = re.fullmatch(frame.pattern, text)
    if match is None:
        raise _cut(f"the line is not of its form: {text[:80]!r}")
    return match


def _read_line(frame: Frame, content: bytes) -> Sequence[Record]:
    return [_Line(_matched(frame, content))]


def _write_line(frame: Frame, content: bytes, place: Place, raw: Raw) -> bytes:
    match = _matched(frame, content)
    start, end = match.span(str(place.at))
    text = match.string[:start] + str(raw).replace(".", frame.decimal) + match.string[end:]
    text = f"{text}*{xor_of(text)}" if frame.checksum else text
    return f"{text}\r\n".encode(frame.encoding)


_READERS: dict[str, Callable[[Frame, bytes], Sequence[Record]]] = {
    "json": _read_json, "registers": _read_block(2), "bytes": _read_block(1), "csv": _read_csv,
    "xlsx": _read_xlsx, "xml": _read_xml, "line": _read_line,
}  # fmt: skip
_WRITERS: dict[str, Callable[[Frame, bytes, Place, Raw], bytes]] = {
    "json": _write_json, "registers": _write_block(2), "bytes": _write_block(1),
    "csv": _write_csv, "xlsx": _write_xlsx, "xml": _write_xml, "line": _write_line,
}  # fmt: skip


def exact(raw: Raw, decimal: str = ".") -> Decimal:
    """Return a raw number exactly. Raises BadFrame for what is none."""
    if isinstance(raw, bool):
        raise _cut(f"{raw} is no number")
    try:
        value = Decimal(raw.strip().replace(decimal, ".") if isinstance(raw, str) else repr(raw)
                        if isinstance(raw, float) else raw)  # fmt: skip
    except InvalidOperation:
        raise _cut(f"{raw!r} is no number") from None
    if not value.is_finite():
        raise _cut(f"{raw!r} is no number")
    return value
