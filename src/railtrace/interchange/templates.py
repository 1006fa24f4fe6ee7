"""Empty sheets to fill in: the columns of a purpose, what belongs in them, lists to choose from."""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from railtrace.catalogue.rows import Catalogue, Row
from railtrace.interchange.columns import Column, Purpose

_ROWS = 5000
_LISTS = "choices"
_SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def template(
    purpose: Purpose,
    catalogue: Catalogue,
    sites: Sequence[str],
    language: str,
    example_word: str,
) -> bytes:
    """Return an XLSX to fill in; its example row begins with # and is never recorded."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, _SAFE)
    page, lists = book.add_worksheet(purpose.key), book.add_worksheet(_LISTS)
    head = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    needed = book.add_format(
        {"bold": True, "bottom": 2, "text_wrap": True, "valign": "top", "bg_color": "#E7F0FA"}
    )
    grey = book.add_format({"italic": True, "font_color": "#5B6875", "num_format": "@"})
    text = book.add_format({"num_format": "@"})
    for index, column in enumerate(purpose.columns):
        page.write_string(0, index, column.name(language), needed if column.required else head)
        if column.hint(language):
            page.write_comment(0, index, column.hint(language))
        width = max(14, len(column.name(language)) + 2)
        page.set_column(index, index, width, _format(column, text))
        page.write_string(1, index, _example(column, catalogue, language), grey)
        _offer(page, lists, index, _choices(column, purpose, catalogue, sites, language))
    page.write_string(1, 0, f"# {example_word} {purpose.columns[0].example}".rstrip(), grey)
    page.freeze_panes(1, 1)
    lists.hide()
    book.close()
    return output.getvalue()


def _format(column: Column, text: Any) -> Any:
    """Numbers of units are text, so that a spreadsheet takes no leading zero away."""
    return None if column.kind in ("decimal", "repair_km") else text


def _example(column: Column, catalogue: Catalogue, language: str) -> str:
    row = _row(column, catalogue, column.example)
    if row is not None:
        return row.name(language)
    if column.choices and column.example:
        return _worded(column, column.example, language)
    is_figure = column.kind in ("decimal", "repair_km")
    return column.example.replace(".", ",") if is_figure else column.example


def _row(column: Column, catalogue: Catalogue, key: str) -> Row | None:
    match column.kind:
        case "type":
            return catalogue.vehicle_types.get(key) or catalogue.part_types.get(key)
        case "quantity":
            return catalogue.quantities.get(key)
        case "place":
            return catalogue.places.get(key)
        case "unit_of_measure":
            return catalogue.units_of_measure.get(key)
        case "state":
            return catalogue.unit_states.get(key)
    return None


def _worded(column: Column, key: str, language: str) -> str:
    """Return the first word of a choice in a language's letters."""
    words = column.choices[key]
    place = {"ru": 0, "tg": len(words) - 1}.get(language)
    return next(w for w in words if w.isascii()) if place is None else words[place]


def _choices(
    column: Column,
    purpose: Purpose,
    catalogue: Catalogue,
    sites: Sequence[str],
    language: str,
) -> list[str]:
    rows: Any = ()
    match column.kind:
        case "type" if purpose.key == "vehicles":
            rows = catalogue.vehicle_types.values()
        case "type":
            rows = catalogue.part_types.values()
        case "quantity":
            rows = catalogue.quantities.values()
        case "unit_of_measure":
            rows = catalogue.units_of_measure.values()
        case "state":
            rows = [row for row in catalogue.unit_states.values() if row.by_person]
        case "site":
            return list(sites)
        case "choice":
            return [_worded(column, key, language) for key in column.choices]
    return list(dict.fromkeys(row.name(language) for row in rows))


def _offer(page: Any, lists: Any, index: int, choices: Sequence[str]) -> None:
    """Let a cell be chosen from a list; what is not in it warns and is let through."""
    if not choices:
        return
    lists.write_column(0, index, choices)
    letters = xlsxwriter.utility.xl_col_to_name(index)
    page.data_validation(1, index, _ROWS, index, {
        "validate": "list", "source": f"={_LISTS}!${letters}$1:${letters}${len(choices)}",
        "error_type": "warning",
    })  # fmt: skip
