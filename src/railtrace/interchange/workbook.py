"""A spreadsheet file opened safely: unpacked by another process, read row by row."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import msgspec

from railtrace.errors import BadOperation
from railtrace.interchange.unpack import FAULT, MANIFEST, MOST_SECONDS, Fault, Manifest

Cell = str | int | float | bool | date | datetime | None
_Packed = str | int | float | bool | None | tuple[str, str]
MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "xls": "application/vnd.ms-excel", "xlsb": "application/vnd.ms-excel", "csv": "text/csv",
}  # fmt: skip
"""What files are called by the format found in them."""
_PATIENCE_S = 2 * MOST_SECONDS
_LOOK_EVERY_S = 0.05

_lines = msgspec.json.Decoder(tuple[int, list[_Packed]])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet that holds something."""

    number: int
    cells: tuple[Cell, ...]

    def cell(self, column: int) -> Cell:
        """Return a cell; what is right of the last one is empty."""
        return self.cells[column] if column < len(self.cells) else None


def open_workbook(
    path: Path, folder: Path, cancelled: Callable[[], bool] = lambda: False
) -> Manifest:
    """Unpack a file into a folder. Raises BadOperation that tells a person what to do."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in (MANIFEST, FAULT):
        (folder / left).unlink(missing_ok=True)
    command = [sys.executable, "-m", "railtrace.interchange.unpack", str(path), str(folder)]
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        _await(process, cancelled)
    if (folder / MANIFEST).exists():
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    if (folder / FAULT).exists():
        fault = msgspec.json.decode((folder / FAULT).read_bytes(), type=Fault)
        raise BadOperation(fault.template, **fault.values)
    raise BadOperation(
        "the file is too large to be read: a cell far to the right or far below, or far too much "
        "in it. Copy only what is needed into a new file"
    )


def _environment() -> dict[str, str]:
    """Let the process find this program however it was started."""
    here = str(Path(__file__).parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}


def _await(process: "subprocess.Popen[bytes]", cancelled: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None:
        if cancelled() or time.monotonic() > until:
            process.kill()
        time.sleep(_LOOK_EVERY_S)


def read_rows(folder: Path, sheet: int) -> Iterator[Row]:
    """Yield the rows of a sheet that hold something."""
    with (folder / f"{sheet}.jsonl").open("rb") as file:
        for line in file:
            number, cells = _lines.decode(line)
            yield Row(number, tuple(map(_inward, cells)))


def _inward(cell: _Packed) -> Cell:
    match cell:
        case ("t", text):
            return datetime.fromisoformat(text)
        case ("d", text):
            return date.fromisoformat(text)
        case (_, text):
            return str(text)
    return cell


def column_letters(index: int) -> str:
    """Return A, B … Z, AA for a column counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
