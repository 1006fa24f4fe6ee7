"""Figures as people read them: grouped, with the language's decimal sign and the unit."""

from decimal import Decimal

from railtrace.trace.numbers import painted

THIN = "\u202f"
"""Narrow no-break space: between thousands and before the unit."""

_COMMA = {"ru", "tg"}


def figure(value: object, language: str, places: int | None = None) -> str:
    """Write a number given as decimal text, int or float; text that is no number stays.

    A float without `places` is written as short as it is: 5.0 as 5.
    """
    if isinstance(value, float):
        text = f"{Decimal(f'{value:.12g}'):f}" if places is None else f"{value:.{places}f}"
    else:
        text = str(value)
    sign, text = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, point, fraction = text.partition(".")
    if not whole.isdigit():
        return str(value)
    if places is not None and point and not isinstance(value, float):
        return figure(float(value), language, places)  # type: ignore[arg-type]
    return sign + _grouped(whole) + (f"{_point(language)}{fraction}" if fraction else "")


def with_unit(value: object, unit: str, language: str, places: int | None = None) -> str:
    """Write a number and its unit, never broken over lines; the unit `1` is not written."""
    text = figure(value, language, places)
    return text if unit in {"", "1"} else f"{text}{THIN}{unit}"


def number_as_painted(scheme: str, value: str, vehicle_class: str) -> str:
    """Write a unit's number as it stands on the unit, unbroken."""
    text = painted(value, vehicle_class) if scheme == "network8" else value
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


def _grouped(whole: str) -> str:
    return f"{int(whole):,}".replace(",", THIN) if len(whole) > 4 else whole


def _point(language: str) -> str:
    return "," if language in _COMMA else "."
