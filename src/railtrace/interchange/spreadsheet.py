"""Rows of a spreadsheet become operations, or faults that name row, column and what was typed.

Nothing here records: a dry run and the recording after it examine the rows the same way. An
operation's id comes from the file's hash, the sheet and the row, so the same file loaded twice
records nothing twice.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from railtrace.errors import BadOperation
from railtrace.interchange.cells import Words, forms_of, read_number, with_zeros
from railtrace.interchange.row import (
    Examined,
    Fault,
    Found,
    Job,
    Known,
    RowReader,
    twin_key,
    type_of,
)
from railtrace.interchange.row_kinds import BUILDERS
from railtrace.interchange.sent import read_operation
from railtrace.interchange.workbook import Row
from railtrace.trace.checks import check
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import Operation, kind_of

CHUNK = 500
_COMMENT = "#"
_OWN_NUMBER = {"vehicles", "parts"}
_Twins = dict[tuple[str, str], list[int]]


def examine(
    job: Job, rows: Callable[[], Iterable[Row]], known: Known, now: datetime
) -> Iterator[Examined]:
    """Yield every row with what it becomes; rows that begin with # are comments.

    `rows` gives them from the beginning each time: twins are looked for first.
    """
    words = Words(known.catalogue)
    twins = _twins(job, rows(), words) if job.purpose.key in _OWN_NUMBER else {}
    moved: dict[str, str | None] = {}
    data = _data_rows(job, rows())
    while chunk := list(islice(data, CHUNK)):
        found = _found(job, chunk, known, twins, moved)
        for row in chunk:
            yield _examined(RowReader(job, row, words, found), now)


def _data_rows(job: Job, rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        if row.number > job.header.row and not _is_comment(row):
            yield row


def _is_comment(row: Row) -> bool:
    first = next((cell for cell in row.cells if cell is not None), None)
    return isinstance(first, str) and first.startswith(_COMMENT)


def _twins(job: Job, rows: Iterable[Row], words: Words) -> _Twins:
    """Return the numbers that stand in several rows, with those rows."""
    first: dict[tuple[str, str], int] = {}
    twins: _Twins = {}
    for row in _data_rows(job, rows):
        key = _own_key(job, row, words)
        if key is None:
            continue
        if key in first:
            twins.setdefault(key, [first[key]]).append(row.number)
        first.setdefault(key, row.number)
    return twins


def _own_key(job: Job, row: Row, words: Words) -> tuple[str, str] | None:
    if "number" not in job.mapping or "type" not in job.mapping:
        return None
    try:
        type_key = type_of(job, words, row.cell(job.mapping["type"]))
        schemes = words.schemes(type_key)
        number = read_number(row.cell(job.mapping["number"]), schemes, job.options.restore_zeros)
    except BadOperation:
        return None
    return twin_key(job, type_key, number)


def _found(
    job: Job, rows: Sequence[Row], known: Known, twins: _Twins, moved: dict[str, str | None]
) -> Found:
    """Ask the trace once for many rows."""
    bearers = known.bearers(_numbers(job, rows))
    units = sorted({unit for bearing in bearers.values() for unit in bearing})
    ids = [job.source.id_of(row.number, job.purpose.key) for row in rows]
    return Found(
        known, bearers, known.types(units), known.carriers(units), known.recorded(ids), twins,
        moved, known.away(units),
    )  # fmt: skip


def _numbers(job: Job, rows: Sequence[Row]) -> list[str]:
    columns = [
        job.mapping[column.key]
        for column in job.purpose.columns
        if column.kind in ("number", "unit") and column.key in job.mapping
    ]
    cells = [row.cell(column) for row in rows for column in columns]
    forms = {form for cell in cells for form in (*forms_of(cell), with_zeros(cell))}
    return sorted(forms - {""})


def _examined(reader: RowReader, now: datetime) -> Examined:
    number, job = reader.row.number, reader.job
    if job.source.id_of(number, job.purpose.key) in reader.found.recorded:
        return Examined(number, reader.number, "known")
    operations = BUILDERS[job.purpose.key](reader)
    if not reader.wrong:
        _check(reader, operations, now)
    if reader.wrong:
        reader.outcome = "wrong"
    taken = reader.outcome in ("ready", "questioned")
    faults = sorted(reader.faults, key=lambda fault: (len(fault.letters), fault.letters))
    return Examined(
        number, reader.number, reader.outcome, tuple(operations) if taken else (), faults
    )


def _check(reader: RowReader, operations: Sequence[Operation], now: datetime) -> None:
    """Read them as if they were sent: a sheet cannot record what a machine could not send."""
    for operation in operations:
        read = read_operation(encode_operation(operation))
        try:
            if isinstance(read, BadOperation):
                raise read
            check(read, now)
        except BadOperation as error:
            reader.faults.append(Fault(reader.row.number, "", "", "", error))


# --- what would change ------------------------------------------------------------------------


@dataclass
class Change:
    """What a sheet would change, counted."""

    rows: int = 0
    outcomes: Tally[str] = field(default_factory=Tally)
    kinds: Tally[str] = field(default_factory=Tally)
    empty: Tally[str] = field(default_factory=Tally)
    faults: int = 0
    warnings: int = 0
    offers: int = 0

    def count(self, job: Job, examined: Examined) -> None:
        """Count one row."""
        self.rows += 1
        self.outcomes[examined.outcome] += 1
        self.kinds.update(kind_of(operation) for operation in examined.operations)
        self.faults += sum(fault.grave for fault in examined.faults)
        self.warnings += sum(not fault.grave for fault in examined.faults)
        self.offers += sum(bool(fault.offer) for fault in examined.faults)
        if examined.outcome in ("ready", "questioned"):
            self.empty.update(_left_empty(job, examined))


def _left_empty(job: Job, examined: Examined) -> list[str]:
    """Return the repairs of a row that stay unknown."""
    said = {
        getattr(operation, "repair_kind", "")
        for operation in examined.operations
        if getattr(operation, "grade", "") != "unknown"
    }
    return [
        column.key
        for column in job.purpose.columns
        if column.kind == "repair" and column.key in job.mapping and column.repair_kind not in said
    ]


