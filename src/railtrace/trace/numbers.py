"""The numbers painted and stamped on rolling stock: normal form and check digits.

`?` stands for a character nobody can read; a number that holds one is taken without a check.
"""

import re
import unicodedata
from collections.abc import Callable

from railtrace.errors import BadOperation

_LATIN, _CYRILLIC = "ABCEHKMOPTXY", "АВСЕНКМОРТХУ"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_CHARACTER = r"(?:[^\W_]|\?)"
_SERIES = re.compile(
    rf"({_CHARACTER}*[^\W\d_]{_CHARACTER}*(?:-[0-9])?)[ -]+([0-9?]{{1,5}})[ -]?([^\W\d_]|\?)?"
)
_FIELD = rf"((?:{_CHARACTER}|[/.])+)"
_SERIAL = re.compile(rf"{_FIELD}(?: ?- ?{_FIELD}(?: ?- ?(?:[0-9]{{2}})?([0-9?]{{2}}))?)?")


def network_check_digit(seven_digits: str) -> int:
    """Return the 8th digit of a 1520 mm network number (weights 2, 1, 2, 1, 2, 1, 2)."""
    return _luhn(seven_digits, 7)


def evn_check_digit(eleven_digits: str) -> int:
    """Return the 12th digit of a European vehicle number."""
    return _luhn(eleven_digits, 11)


def esr_check_digit(five_digits: str) -> int:
    """Return the 6th digit of a station code: weights 1 to 5, modulo 11.

    A remainder of ten is weighed again with 3 to 7, and is 0 if ten comes back: so do the
    All-Russian classifiers; that stations follow them in this is unconfirmed.
    """
    _want_digits(five_digits, 5)
    for first_weight in (1, 3):
        remainder = sum(int(d) * w for w, d in enumerate(five_digits, first_weight)) % 11
        if remainder < 10:
            return remainder
    return 0


def check_number(scheme: str, value: str) -> str:
    """Return a number in its normal form. Raises BadOperation saying what is wrong with it."""
    if scheme not in _SCHEMES:
        raise BadOperation(
            "number scheme {scheme} is not known; known are {known}",
            scheme=scheme,
            known=", ".join(_SCHEMES),
        )
    return _SCHEMES[scheme](_plain(value))


def painted(value: str, vehicle_class: str) -> str:
    """Return an 8-digit number as it is painted: a coach's road and type stand apart."""
    if vehicle_class == "coach" and len(value) == 8:
        return f"{value[:3]} {value[3:]}"
    return value


def _luhn(digits: str, length: int) -> int:
    _want_digits(digits, length)
    doubled = (int(digit) * 2 for digit in digits[::-2])
    return -(sum(map(int, digits[-2::-2])) + sum(d // 10 + d % 10 for d in doubled)) % 10


def _want_digits(value: str, length: int, also: str = "") -> None:
    if len(value) != length or not set("0123456789" + also).issuperset(value):
        raise BadOperation("{value}: {length} digits wanted", value=value, length=length)


def _plain(value: str) -> str:
    """Dashes of every make become "-", spaces of every make one space."""
    composed = unicodedata.normalize("NFC", value)
    dashed = "".join("-" if unicodedata.category(c) == "Pd" or c == "−" else c for c in composed)
    return " ".join(dashed.split())


def _checked(length: int, check_digit: Callable[[str], int]) -> Callable[[str], str]:
    def check(value: str) -> str:
        number = re.sub("[ -]", "", value)
        _want_digits(number, length, also="?")
        if "?" in number or int(number[-1]) == (wanted := check_digit(number[:-1])):
            return number
        raise BadOperation(
            "{number}: check digit {digit} is wrong, {wanted} wanted",
            number=number,
            digit=number[-1],
            wanted=wanted,
        )

    return check


def _one_alphabet(value: str) -> str:
    """Latin letters that look Cyrillic become so; a word that stays Latin is Latin throughout."""
    cyrillic = value.translate(_TO_CYRILLIC)
    return value.translate(_TO_LATIN) if re.search("[A-Z]", cyrillic) else cyrillic


def in_both_alphabets(value: str) -> tuple[str, str]:
    """Return a text with the letters that look alike all Cyrillic, and all Latin."""
    return value.translate(_TO_CYRILLIC), value.translate(_TO_LATIN)


def _series(value: str) -> str:
    match = _SERIES.fullmatch(value.upper())
    if match is None:
        raise BadOperation(
            "{value}: series, running number and section letter wanted, like 2ТЭ10М-2345А",
            value=value,
        )
    series, number, section = match.groups(default="")
    return f"{_one_alphabet(series)}-{number}{section.translate(_TO_CYRILLIC)}"


def _serial(value: str) -> str:
    """Plant, serial number, year as stamped; a serial number may stand alone or without year."""
    match = _SERIAL.fullmatch(value.upper())
    if match is None:
        raise BadOperation(
            "{value}: plant, serial number and year wanted, like 5-88121-09", value=value
        )
    return "-".join(_one_alphabet(field) for field in match.groups() if field)


def _other(value: str) -> str:
    if not value or not value.isprintable():
        raise BadOperation("{value}: a number in printed characters wanted", value=repr(value))
    return value


_SCHEMES: dict[str, Callable[[str], str]] = {
    "network8": _checked(8, network_check_digit),
    "series": _series,
    "evn": _checked(12, evn_check_digit),
    "serial": _serial,
    "other": _other,
}
