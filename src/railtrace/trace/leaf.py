"""Leaves: the bytes a log keeps, and entries, the same bytes read for the views.

A leaf is written once by the recorder and hashed as stored; nothing ever re-encodes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from railtrace.trace.operation import KINDS, AnyOperation, Operation, kind_of, named_units

FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Leaf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the recorder adds to an operation: when, from whom and through which door."""

    channel: str
    format: Literal[1] = 1
    operation: AnyOperation
    recorded_at: datetime
    submitter: str


class Unreadable(Struct, frozen=True, kw_only=True):
    """A recorded operation of a kind or shape this program does not know; kept and shown."""

    id: str
    kind: str
    units: tuple[str, ...]
    happened_at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded operation as views see it; times are whole microseconds since 1970 UTC."""

    log: str
    position: int
    happened_us: int
    recorded_us: int
    submitter: str
    channel: str
    operation: Operation | Unreadable

    @property
    def life_key(self) -> tuple[int, int, str, int]:
        """The order of a unit's life: by data only, never by arrival."""
        return (self.happened_us, self.recorded_us, self.log, self.position)

    @property
    def kind(self) -> str:
        """The kind's name, also of an unreadable operation."""
        if isinstance(self.operation, Unreadable):
            return self.operation.kind
        return kind_of(self.operation)

    @property
    def read_as(self) -> str:
        """The kind as views take it: of what is unreadable a name that no view handles."""
        operation = self.operation
        if not isinstance(operation, Unreadable):
            return kind_of(operation)
        later = operation.kind in KINDS
        return f"{operation.kind}/{operation.body.get('shape')}" if later else operation.kind

    @property
    def units(self) -> tuple[str, ...]:
        """Every unit the operation speaks of."""
        if isinstance(self.operation, Unreadable):
            return self.operation.units
        return named_units(self.operation)


_encode = msgspec.json.Encoder(order="sorted").encode
_decoder = msgspec.json.Decoder(Leaf)


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC of an aware moment."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(us: int) -> datetime:
    """Return the aware UTC moment of microseconds since 1970."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)


def encode(operation: Operation, recorded_at: datetime, submitter: str, channel: str) -> bytes:
    """Write a leaf: JSON, keys sorted, no white space, defaults left out, no floats."""
    return enclose(encode_operation(operation), recorded_at, submitter, channel)


def enclose(operation: bytes, recorded_at: datetime, submitter: str, channel: str) -> bytes:
    """Write a leaf around an operation that is encoded already."""
    begin, end = cover(recorded_at, submitter, channel)
    return begin + operation + end


def cover(recorded_at: datetime, submitter: str, channel: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the operation, alike for a whole batch."""
    return (
        b'{"channel":%b,"format":%d,"operation":' % (_encode(channel), FORMAT),
        b',"recorded_at":%b,"submitter":%b}' % (_encode(recorded_at), _encode(submitter)),
    )


def encode_operation(operation: Operation) -> bytes:
    """Write one operation alone, in the same encoding."""
    return _encode(operation)


def read(leaf: bytes, log: str, position: int) -> Entry:
    """Read a stored leaf; what this program does not know becomes an `Unreadable`."""
    try:
        known = _decoder.decode(leaf)
    except msgspec.ValidationError:
        return _read_unknown(leaf, log, position)
    return Entry(
        log,
        position,
        microseconds(known.operation.happened_at),
        microseconds(known.recorded_at),
        known.submitter,
        known.channel,
        known.operation,
    )


def _read_unknown(leaf: bytes, log: str, position: int) -> Entry:
    body = msgspec.json.decode(leaf)
    recorded_at = msgspec.convert(body["recorded_at"], datetime)
    operation = _unreadable(body["operation"], recorded_at)
    return Entry(
        log,
        position,
        microseconds(operation.happened_at),
        microseconds(recorded_at),
        body["submitter"],
        body["channel"],
        operation,
    )


def _unreadable(body: dict[str, Any], recorded_at: datetime) -> Unreadable:
    try:
        happened_at = msgspec.convert(body["happened_at"], datetime)
    except (KeyError, msgspec.ValidationError):
        happened_at = recorded_at
    return Unreadable(
        id=str(body.get("id", "")),
        kind=str(body.get("kind", "")),
        units=tuple(dict.fromkeys(_units_in(body))),
        happened_at=happened_at,
        body=body,
    )


_NAMING = (
    "units", "carrier", "device", "locomotive", "instead_of", "not_returned", "parts", "left",
    "wheelsets", "donor", "recipient", "replacement",
)  # fmt: skip
"""Fields of kinds known today that name units: a later shape of a kind keeps their names."""


def _units_in(body: dict[str, Any]) -> Iterator[str]:
    """Yield the units that an unreadable operation names, its subjects first."""
    for value in filter(None, map(body.get, _NAMING)):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict):
                yield from [one["unit"]] if isinstance(one.get("unit"), str) else _units_in(one)
