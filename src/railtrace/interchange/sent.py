"""One operation as somebody sends it: read, or refused in words that name the field."""

import re
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from railtrace.errors import BadOperation
from railtrace.trace.operation import (
    KINDS,
    AnyOperation,
    Corrected,
    Operation,
    decode,
    kind_of,
)

OWN_KINDS = frozenset({"LogOpened", "KeyReplaced", "KeyCompromised", "CatalogueAdopted"})
"""What an installation writes about itself; nobody sends these."""

_MAY_BE_OWN = {kind for name, kind in KINDS.items() if name in OWN_KINDS} | {Corrected}
_read_array = msgspec.json.Decoder(list[AnyOperation]).decode
_WHERE = re.compile(r"(?P<problem>.*?)(?: - at `\$?\.?(?P<path>.*)`)?", re.DOTALL)


class _Identified(Struct):
    id: str = ""


@dataclass(frozen=True)
class _Saying:
    """How a complaint of the JSON reader is put to a person."""

    form: re.Pattern[str]
    template: str


def _said(form: str, error: BadOperation) -> _Saying:
    return _Saying(re.compile(form), error.template)


_SAYINGS = (
    _said(r"Object missing required field `(?P<name>.*)`",
          BadOperation("the field {where} is missing")),
    _said(r"Object contains unknown field `(?P<name>.*)`",
          BadOperation("there is no field {where} here: leave it out or correct its name")),
    _said(r"Invalid value '?(?P<value>.*?)'?",
          BadOperation("there is no kind of operation {value}; docs/trace-format.md lists them")),
    _said(r"Invalid enum value (?P<value>.*)",
          BadOperation("{where}: {value} is not one of the words allowed there")),
    _said(r"Expected `datetime` with a timezone component",
          BadOperation("{where}: the time has no offset; write it like 2026-05-17T08:30:00+05:00")),
    _said(r"Invalid RFC3339 encoded datetime",
          BadOperation("{where}: no moment; write it like 2026-05-17T08:30:00+05:00")),
    _said(r"Expected `str` of length >= 1", BadOperation("{where} is empty")),
    _said(r"Expected `str` of length <= (?P<limit>\d+)",
          BadOperation("{where} is longer than {limit} signs")),
    _said(r"Expected `array` of length <= (?P<limit>\d+)",
          BadOperation("{where} has more than {limit} members")),
    _said(r"Expected `array` of length >= (?P<limit>\d+)",
          BadOperation("{where} has fewer than {limit} members")),
    _said(r"Expected `int` (?P<bound>[<>]=) (?P<limit>-?\d+)",
          BadOperation("{where}: the number is to be {bound} {limit}")),
    _said(r"Expected `(?P<wanted>.*?)`, got `(?P<given>.*?)`",
          BadOperation("{where}: {wanted} wanted, {given} sent")),
    _said(r"Expected `(?P<wanted>.*?)`", BadOperation("{where}: {wanted} wanted")),
)  # fmt: skip


def read_operation(text: bytes | Raw) -> Operation | BadOperation:
    """Read one operation, or return why it cannot be taken."""
    try:
        operation = decode(text)
    except msgspec.ValidationError as error:
        return explain(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BadOperation("the operation is not JSON: {problem}", problem=error)
    except RecursionError:
        return BadOperation("the operation is nested too deep to be one")
    return _refuse_own(operation) or operation


def read_array(text: bytes) -> list[Operation | BadOperation] | None:
    """Read an array of operations at one stroke; None when one of them is to be told what is wrong.

    It takes three quarters of the time that `read_operation` takes for each alone.
    """
    try:
        operations = _read_array(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return [(type(op) in _MAY_BE_OWN and _refuse_own(op)) or op for op in operations]


def explain(problem: str) -> BadOperation:
    """Put a complaint of the JSON reader into words; `field` is its path, as `readings[0].unit`."""
    match = _WHERE.fullmatch(problem)
    said, path = (match["problem"], match["path"] or "") if match else (problem, "")
    for saying in _SAYINGS:
        if found := saying.form.fullmatch(said):
            values = found.groupdict()
            field = ".".join(filter(None, (path, values.pop("name", ""))))
            return BadOperation(saying.template, field=field, where=field or "$", **values)
    return BadOperation("the operation cannot be read: {problem}", field=path, problem=said)


def _refuse_own(operation: Operation) -> BadOperation | None:
    of = operation.replacement if isinstance(operation, Corrected) else operation
    if of is None or kind_of(of) not in OWN_KINDS:
        return None
    return BadOperation(
        "{kind} is written by the installation itself and cannot be sent", field="kind",
        kind=kind_of(of),
    )  # fmt: skip


def id_in(text: bytes | Raw) -> str:
    """Return the id of what may not be an operation, "" where none can be read."""
    try:
        return msgspec.json.decode(text, type=_Identified).id[:96]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def sendable_kinds() -> tuple[str, ...]:
    """Return the kinds that may be sent."""
    return tuple(kind for kind in KINDS if kind not in OWN_KINDS)
