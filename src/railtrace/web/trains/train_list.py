"""A train list that comes as a file: the numbers of its wagons, in the order of its rows."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from railtrace.errors import BadOperation
from railtrace.interchange.workbook import Cell, Row, open_workbook, read_rows

MOST_BYTES = 2_000_000
_NUMBER = re.compile(r"\d{8}")


def numbers_in(file: "UploadedFile[Any]") -> list[str]:
    """Return what stands in the column of wagon numbers of a file's first sheet.

    A wrong number between right ones is returned as it stands, for the form to name it. Raises
    BadOperation saying what is wrong with the file.
    """
    if (file.size or 0) > MOST_BYTES:
        raise BadOperation("{file} is larger than a train list is", file=file.name)
    with tempfile.TemporaryDirectory(prefix="railtrace-list-") as folder:
        path = Path(folder) / "list"
        path.write_bytes(file.read())
        manifest = open_workbook(path, Path(folder) / "unpacked")
        rows = list(read_rows(Path(folder) / "unpacked", manifest.sheets[0].index))
    numbers = _numbers(rows)
    if not numbers:
        raise BadOperation("{file} has no column of 8-digit wagon numbers", file=file.name)
    return numbers


def _numbers(rows: list[Row]) -> list[str]:
    """Take the column that has most numbers, from its first number to its last."""
    found = Counter(column for row in rows for column, cell in enumerate(row.cells)
                    if _is_number(cell))  # fmt: skip
    if not found:
        return []
    column = min(found, key=lambda one: (-found[one], one))
    cells = [row.cell(column) for row in rows]
    places = [place for place, cell in enumerate(cells) if _is_number(cell)]
    return [text for cell in cells[places[0] : places[-1] + 1] for text in _texts([cell])]


def _is_number(cell: Cell) -> bool:
    return any(_NUMBER.fullmatch(text) for text in _texts([cell]))


def _texts(cells: Iterable[Cell]) -> list[str]:
    """Return the words of cells; a spreadsheet's number has no fraction."""
    words = (str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
             for cell in cells if cell is not None)  # fmt: skip
    return [text for word in words for text in word.split()]
