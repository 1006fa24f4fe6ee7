"""Which files the trace names: evidence stands in operations by its SHA-256 only."""

from collections.abc import Iterator

from railtrace.trace.leaf import Entry, Unreadable
from railtrace.trace.operation import CatalogueAdopted, Corrected, Operation


def named_evidence(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield (sha256, evidence class) of every file an entry names."""
    if isinstance(entry.operation, Unreadable):
        yield from _in_unknown(entry.operation.body)
    else:
        yield from _in_operation(entry.operation)


def _in_operation(operation: Operation) -> Iterator[tuple[str, str]]:
    for file in operation.evidence:
        yield file.sha256, file.evidence_class
    if isinstance(operation, CatalogueAdopted):
        yield operation.catalogue, "catalogue"
    if isinstance(operation, Corrected) and operation.replacement is not None:
        yield from _in_operation(operation.replacement)


def _in_unknown(body: object) -> Iterator[tuple[str, str]]:
    """A kind of a later program: whatever has a `sha256` is taken for a file to be kept."""
    if isinstance(body, dict):
        if isinstance(body.get("sha256"), str):
            yield body["sha256"], str(body.get("evidence_class", "document"))
        for part in body.values():
            yield from _in_unknown(part)
    elif isinstance(body, list):
        for part in body:
            yield from _in_unknown(part)
