"""JSON lines: one operation a line, streamed in batches, every refusal named by its line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Protocol

from railtrace.errors import BadOperation, Refused
from railtrace.interchange.sent import id_in, read_operation
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation

BATCH = 1000
LONGEST_LINE = 1_100_000
"""An operation is at most 1 MB: a longer line is none, and is not held in memory."""
_BOM = b"\xef\xbb\xbf"


class Recording(Protocol):
    """Whoever records: the running application."""

    def record(
        self,
        operations: Iterable[Operation | BadOperation],
        submitter: str,
        channel: str,
        log: str | None = None,
    ) -> list[Receipt | Refused]:
        """Record operations; results in order."""


@dataclass(frozen=True)
class Line:
    """A line that was refused: its number in the file, the id it may have, why."""

    number: int
    id: str
    refusal: Refused


@dataclass
class Summary:
    """How a file went; `refused_lines` holds the first refusals only."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    refused_lines: list[Line] = field(default_factory=list)
    most_kept: int = 1000


def record_jsonl(
    app: Recording,
    stream: BinaryIO,
    submitter: str,
    channel: str = "file",
    log: str | None = None,
    progress: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Record a file of operations; what was recorded before is known and not repeated.

    Raises StoreFull; everything before it is recorded and the file may be sent again.
    """
    summary = Summary()
    numbered = read_lines(stream)
    while batch := list(islice(numbered, BATCH)):
        items = [read_operation(text) if text else _too_long() for _, text in batch]
        results = app.record(items, submitter, channel, log)
        _count(summary, batch, results)
        progress(summary)
    return summary


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (number, text) of the lines that hold something; b"" stands for one too long."""
    number = 0
    while text := stream.readline(LONGEST_LINE):
        number += 1
        if len(text) == LONGEST_LINE and not text.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, b""
        elif stripped := (text.removeprefix(_BOM) if number == 1 else text).strip():
            yield number, stripped


def _too_long() -> BadOperation:
    return BadOperation("the line is longer than 1 MB: send its data as evidence files")


def _count(
    summary: Summary, batch: Sequence[tuple[int, bytes]], results: Sequence[Receipt | Refused]
) -> None:
    summary.lines = batch[-1][0]
    for (number, text), result in zip(batch, results, strict=True):
        if isinstance(result, Receipt):
            summary.duplicates += result.duplicate
            summary.accepted += not result.duplicate
            continue
        summary.refused += 1
        if len(summary.refused_lines) < summary.most_kept:
            summary.refused_lines.append(Line(number, id_in(text) if text else "", result))
