"""Cells as people fill them: numbers of vehicles, dates, decimals, words of the catalogue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from railtrace.catalogue.rows import Catalogue, PartType, Row, VehicleType
from railtrace.errors import BadOperation
from railtrace.interchange.columns import plain
from railtrace.interchange.workbook import Cell
from railtrace.trace.numbers import check_number

Scheme = Literal["network8", "series", "evn", "serial", "other"]
Precision = Literal["year", "month", "day", "minute", "second"]

UNKNOWN = {
    "", "-", "–", "—", "?", "нет", "нет данных", "нет свед.", "нет сведений", "неизвестно",
    "не известно", "н/д", "unknown", "n/a", "none", "номаълум",
}  # fmt: skip
"""What people write where nothing is known; it means an empty cell and nothing is invented."""

_DIGITS = re.compile(r"[0-9?]+")
_DATE = re.compile(r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})")
_MONTH = re.compile(r"(?P<month>\d{1,2})[./](?P<year>\d{4})")
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?")
_YEAR = re.compile(r"(?P<year>\d{4})(?: ?г\.?)?")
_CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?")
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")
_DAY_NUMBERS = range(10_000, 80_000)
_DAY_NUMBER_ZERO = date(1899, 12, 30)


def text_of(cell: Cell) -> str:
    """Return a cell as text; whole numbers lose the point a spreadsheet gave them."""
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case float():
            return format(Decimal(format(cell, ".15g")), "f")
        case datetime():
            return cell.isoformat(" ", "minutes")
        case date():
            return cell.isoformat()
    return str(cell).replace("\u00a0", " ").strip().removeprefix("'").strip()


def known_text(cell: Cell) -> str:
    """Return a cell as text, "" for what says that nothing is known."""
    text = text_of(cell)
    return "" if text.casefold() in UNKNOWN else text


# --- numbers ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadNumber:
    """A number in its normal form; `restored` when a leading zero was put back."""

    scheme: Scheme
    value: str
    restored: bool = False


class ZeroLost(BadOperation):
    """A spreadsheet has taken a leading zero away; `offer` is the number with it."""

    offer: str = ""


def read_number(cell: Cell, schemes: tuple[str, ...], restore_zeros: bool) -> ReadNumber:
    """Read the number of a unit that may bear these schemes. Raises BadOperation."""
    text = text_of(cell)
    scheme = scheme_of(text, schemes)
    digits = re.sub(r"[\s-]", "", text)
    if scheme == "network8" and re.fullmatch(r"[0-9]{6,7}", digits):
        return _zero_lost(digits, restore_zeros)
    return ReadNumber(scheme, check_number(scheme, text))


def scheme_of(text: str, schemes: tuple[str, ...]) -> Scheme:
    """Return the scheme a number is written in, by its look and by what its type may bear."""
    digits = re.sub(r"[\s-]", "", text)
    if _DIGITS.fullmatch(digits):
        if "network8" in schemes and len(digits) != 12:
            return "network8"
        if "evn" in schemes and len(digits) == 12:
            return "evn"
    for scheme in ("series", "serial", "network8", "evn"):
        if scheme in schemes:
            return scheme
    return "other"


def _zero_lost(digits: str, restore_zeros: bool) -> ReadNumber:
    """A number that begins with 0 loses it in a spreadsheet; the check digit tells whether so."""
    offer = digits.rjust(8, "0")
    check_number("network8", offer)
    if restore_zeros:
        return ReadNumber("network8", offer, restored=True)
    error = ZeroLost(
        "{number} has {count} digits, eight wanted: the spreadsheet has lost the leading zero of "
        "{offer}; write it as text or let it be put back",
        number=digits, count=len(digits), offer=offer,
    )  # fmt: skip
    error.offer = offer
    raise error


def forms_of(cell: Cell) -> tuple[str, ...]:
    """Return every form a number may be borne in, to look its unit up."""
    text = text_of(cell)
    forms = [text]
    for scheme in ("network8", "evn", "series", "serial"):
        try:
            forms.append(check_number(scheme, text))
        except BadOperation:
            continue
    return tuple(dict.fromkeys(filter(None, forms)))


def with_zeros(cell: Cell) -> str:
    """Return a number with the leading zeros a spreadsheet took, "" when that is no number."""
    digits = text_of(cell)
    if not re.fullmatch(r"[0-9]{6,7}", digits):
        return ""
    try:
        return check_number("network8", digits.rjust(8, "0"))
    except BadOperation:
        return ""


# --- dates and decimals -----------------------------------------------------------------------


@dataclass(frozen=True)
class ReadMoment:
    """A moment on a site's clock and how precisely it is known."""

    at: datetime
    precision: Precision


def read_moment(cell: Cell, zone: ZoneInfo) -> ReadMoment:
    """Read a date, with or without a time of day, on a site's clock. Raises BadOperation."""
    match cell:
        case datetime():
            return _on_clock(cell.replace(tzinfo=zone, microsecond=0), _precision(cell))
        case date():
            day = datetime(cell.year, cell.month, cell.day, tzinfo=zone)
            return _on_clock(day, "day")
    words, _, clock = text_of(cell).replace("T", " ").partition(" ")
    parts = _parts(words, (_DATE, _ISO))
    time = _parts(clock.strip(), (_CLOCK,)) if clock.strip() else {}
    if parts is None or time is None or "day" not in parts:
        raise _no_date(cell)
    try:
        local = datetime(**parts, **time, tzinfo=zone)
    except ValueError:
        raise _no_date(cell) from None
    return _on_clock(local, "minute" if time else "day")


def _precision(cell: datetime) -> Precision:
    if (cell.hour, cell.minute, cell.second) == (0, 0, 0):
        return "day"
    return "second" if cell.second else "minute"


def _on_clock(local: datetime, precision: Precision) -> ReadMoment:
    """Local mean times before the zones have seconds, which the trace does not write."""
    offset = local.utcoffset() or timedelta()
    return ReadMoment(local.astimezone(UTC) if offset.seconds % 60 else local, precision)


def _parts(text: str, forms: Iterable[re.Pattern[str]]) -> dict[str, int] | None:
    for form in forms:
        if match := form.fullmatch(text):
            return {key: int(value) for key, value in match.groupdict().items() if value}
    return None


def _no_date(cell: Cell) -> BadOperation:
    if isinstance(cell, int | float) and int(cell) in _DAY_NUMBERS:
        day = _DAY_NUMBER_ZERO + timedelta(days=int(cell))
        return BadOperation(
            "{value} is a spreadsheet's day number ({day}): give the column the format of a date",
            value=text_of(cell), day=day.strftime("%d.%m.%Y"),
        )  # fmt: skip
    return BadOperation(
        "{value} is no date: write it like 17.05.2025 or 17.05.2025 08:30", value=text_of(cell)
    )


def read_partial_date(cell: Cell) -> str:
    """Read a year, a month or a day, as YYYY, YYYY-MM or YYYY-MM-DD. Raises BadOperation."""
    if isinstance(cell, date):
        return cell.strftime("%Y-%m-%d")
    parts = _parts(text_of(cell), (_YEAR, _MONTH, _DATE, _ISO))
    if parts is None:
        raise _no_year(cell)
    try:
        date(parts["year"], parts.get("month", 1), parts.get("day", 1))
    except ValueError:
        raise _no_year(cell) from None
    wanted = [f"{parts['year']:04}", *(f"{parts[k]:02}" for k in ("month", "day") if k in parts)]
    return "-".join(wanted)


def _no_year(cell: Cell) -> BadOperation:
    return BadOperation(
        "{value} is no date: write a year, a month or a day, like 1987, 05.1987 or 17.05.1987",
        value=text_of(cell),
    )


def read_decimal(cell: Cell) -> str:
    """Read a decimal number, comma or point, spaces between thousands. Raises BadOperation."""
    text = re.sub(r"[\s\u202f]", "", text_of(cell)).replace("−", "-")
    if "," in text and "." in text:
        thousands, point = (",", ".") if text.rindex(".") > text.rindex(",") else (".", ",")
        text = text.replace(thousands, "").replace(point, ".")
    text = text.replace(",", ".")
    if isinstance(cell, date | bool) or not _DECIMAL.fullmatch(text):
        raise BadOperation("{value} is no number: write it like 30,1", value=text_of(cell))
    try:
        return format(Decimal(text), "f")
    except InvalidOperation:
        raise BadOperation("{value} is no number: write it like 30,1", value=text) from None


# --- words of the catalogue -------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """The catalogue's rows found by key or by name in any language."""

    catalogue: Catalogue

    @cached_property
    def vehicle_types(self) -> Mapping[str, str]:
        """Vehicle types by everything they are called."""
        rows = self.catalogue.vehicle_types
        return _index(rows) | {plain(r.series): k for k, r in rows.items() if r.series}

    @cached_property
    def part_types(self) -> Mapping[str, str]:
        """Part types by everything they are called."""
        return _index(self.catalogue.part_types)

    @cached_property
    def quantities(self) -> Mapping[str, str]:
        """Quantities by everything they are called."""
        rows = self.catalogue.quantities
        symbols = {plain(r.symbol): k for k, r in rows.items() if r.symbol}
        return symbols | _index(rows)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Places of readings by everything they are called."""
        return _index(self.catalogue.places)

    @cached_property
    def unit_states(self) -> Mapping[str, str]:
        """States that a person may say, by everything they are called."""
        rows = self.catalogue.unit_states
        return _index({key: row for key, row in rows.items() if row.by_person})

    @cached_property
    def units_of_measure(self) -> Mapping[str, str]:
        """Units of measure by every way they are printed."""
        return {
            name.replace(" ", "").casefold(): key
            for key, row in self.catalogue.units_of_measure.items()
            for name in (key, row.ru, row.en, row.tg)
            if name
        }

    def read(self, cell: Cell, known: Mapping[str, str]) -> str:
        """Return the key of what a cell names. Raises BadOperation with the nearest names."""
        text = text_of(cell)
        if key := known.get(plain(text)):
            return key
        nearest = get_close_matches(plain(text), list(known), n=3, cutoff=0.6)
        if nearest:
            raise BadOperation(
                "{value} is not in the catalogue; nearest are: {nearest}", value=text,
                nearest=", ".join(nearest),
            )  # fmt: skip
        raise BadOperation(
            "{value} is not in the catalogue: take a name from its list, or add a row of your own",
            value=text,
        )

    def type_row(self, key: str) -> VehicleType | PartType | None:
        """Return the row of a type."""
        return self.catalogue.vehicle_types.get(key) or self.catalogue.part_types.get(key)

    def schemes(self, type_key: str) -> tuple[str, ...]:
        """Return the schemes in which units of a type are numbered."""
        row = self.type_row(type_key)
        if isinstance(row, VehicleType):
            return self.catalogue.vehicle_classes[row.vehicle_class].number_schemes
        return (row.numbered_by,) if row else ()


def _index(rows: Mapping[str, Row]) -> dict[str, str]:
    return {
        plain(name): key for key, row in rows.items() for name in (row.tg, row.en, row.ru, key)
        if name
    }  # fmt: skip
