"""The decoder by manifest: a frame to results. Pure: no clock, no network.

A kind with a `decode.py` of its own uses these for what its manifest can say, and adds what it
cannot: a curve, a list, a value computed from others.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

from railtrace.devices.frames import Record, exact, records
from railtrace.devices.manifest import Column, Field, Manifest, Place, Trace
from railtrace.devices.message import (
    Evaluation,
    File,
    Limit,
    Message,
    PhaseRun,
    Raw,
    Result,
    State,
    Value,
)
from railtrace.errors import BadFrame

_WORDS: dict[str, tuple[str, ...]] = {
    "state": get_args(State), "evaluation": get_args(Evaluation),
}  # fmt: skip
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_MOST_DIGITS = Decimal(10) ** 18


def decode(manifest: Manifest, message: Message) -> tuple[Result, ...]:
    """Return the results in a message. Raises BadFrame when it cannot be read."""
    return tuple(
        result_of(manifest, record, message)
        for record in records(manifest.frame, message.content)
    )


def attachments(manifest: Manifest, content: bytes) -> tuple[str, ...]:
    """Return the names of the files that a message says belong to it. Raises BadFrame."""
    found = records(manifest.frame, content)
    raws = [record.get(place) for record in found for place in manifest.attachments]
    return tuple(str(raw) for raw in raws if raw not in (None, ""))


def attached(message: Message, name: str) -> File:
    """Return a file that came with a message. Raises BadFrame."""
    for file in message.files:
        if file.name == name:
            return file
    raise BadFrame("the file {name} that belongs to the result did not come", name=name)


def result_of(manifest: Manifest, record: Record, message: Message, **more: Any) -> Result:
    """Return the result that stands in one record; `more` says what the record cannot."""
    envelope = envelope_of(manifest, record, message)
    measured = [field for field in manifest.fields if not field.limit]
    values = tuple(v for field in measured if (v := value_of(manifest, record, field)))
    return Result(**{
        **envelope, "values": values, "limits": limits_of(manifest, record),
        "phases": phases_of(manifest, record), "files": traces_of(manifest, record), **more,
    })  # fmt: skip


def traces_of(manifest: Manifest, record: Record) -> tuple[File, ...]:
    """Return the traces that came with a result, each a table of columns. Raises BadFrame."""
    found = (_trace(manifest, record, trace) for trace in manifest.traces)
    return tuple(file for file in found if file is not None)


def _trace(manifest: Manifest, record: Record, trace: Trace) -> File | None:
    count = trace.count if trace.points is None else int(exact(record.get(trace.points) or 0))
    if not 0 <= count <= trace.count:
        raise BadFrame("trace {name} holds {count} points, at most {most}",
                       name=trace.name, count=count, most=trace.count)  # fmt: skip
    columns = [record.series(column, count) for column in trace.columns]
    if not any(columns):
        return None
    if len({len(column) for column in columns}) > 1:
        raise BadFrame("trace {name}: its columns differ in length", name=trace.name)
    head = ";".join(f"{column.key} [{column.unit}]" for column in trace.columns)
    told = [_figures(manifest, c, raw) for c, raw in zip(trace.columns, columns, strict=True)]
    text = "\n".join([head, *(";".join(row) for row in zip(*told, strict=True)), ""])
    return File(f"{trace.name}.csv", text.encode(), "text/csv")


def _figures(manifest: Manifest, column: Column, raws: Sequence[Raw]) -> list[str]:
    return [
        decimal_text(exact(raw, manifest.frame.decimal) * Decimal(column.scale), column.decimals,
                     column.key)
        for raw in raws
    ]  # fmt: skip


def envelope_of(manifest: Manifest, record: Record, message: Message) -> dict[str, Any]:
    """Return the members of the envelope that the machine tells."""
    told: dict[str, Any] = {"ended_at": message.received_at}
    for name in manifest.envelope.__struct_fields__:
        place: Place | None = getattr(manifest.envelope, name)
        if place is None:
            continue
        raw = _present(name, place, record.get(place))
        if raw is not None:
            told[name] = _member(name, place, raw, message.zone)
    return told


def _present(name: str, place: Place, raw: Raw | None) -> Raw | None:
    if raw in (None, "") and not place.optional:
        raise BadFrame("{name} is missing at {at}", name=name, at=place.at)
    return None if raw == "" else raw


def _member(name: str, place: Place, raw: Raw, zone: str) -> Any:
    if place.type == "time":
        return moment(place, raw, zone)
    text = str(raw).strip().lower() if isinstance(raw, bool) else str(raw).strip()
    if place.words:
        if text not in place.words:
            raise BadFrame(
                "{name} is {text!r}: the manifest knows {known}",
                name=name, text=text, known=", ".join(place.words),
            )  # fmt: skip
        text = place.words[text]
    if name in ("simulated", "partial"):
        return _flag(name, text)
    if text not in _WORDS.get(name, (text,)):
        raise BadFrame("{name} is {text!r}, no word of ours", name=name, text=text)
    return text[:200]


def _flag(name: str, text: str) -> bool:
    if text not in _FLAGS:
        raise BadFrame("{name} is {text!r}, true or false wanted", name=name, text=text)
    return _FLAGS[text]


def moment(place: Place, raw: Raw, zone: str) -> datetime:
    """Return an aware moment; one without an offset is in the machine's zone."""
    try:
        if place.form in ("unix", "unix_ms"):
            seconds = exact(raw) / (1000 if place.form == "unix_ms" else 1)
            return datetime.fromtimestamp(float(seconds), UTC)
        text = str(raw)
        at = datetime.fromisoformat(text) if place.form in ("iso", "dtl") else (
            datetime.strptime(text, place.form)  # noqa: DTZ007 - the zone follows
        )  # fmt: skip
    except (ValueError, OverflowError, OSError) as error:
        raise BadFrame("{raw} is no moment: {problem}", raw=raw, problem=error) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


def value_of(manifest: Manifest, record: Record, field: Field) -> Value | None:
    """Return a field's value, None for an optional one that is not there. Raises BadFrame."""
    raw = _present(field.name, field, record.get(field))
    if raw is None:
        return None
    return Value(
        quantity=field.quantity, value=scaled(manifest, field, raw), unit=field.unit,
        place=field.place, uncertainty=field.uncertainty, moment=field.moment,
    )  # fmt: skip


def scaled(manifest: Manifest, field: Field, raw: Raw) -> str:
    """Return a raw number in the field's unit, as decimal text."""
    number = exact(raw, manifest.frame.decimal) * Decimal(field.scale)
    decimals = field.decimals if field.decimals is not None or field.type != "f32" else 3
    return decimal_text(number, decimals, field.name)


def decimal_text(number: Decimal, decimals: int | None, name: str = "") -> str:
    """Return a number as the trace writes it. Raises BadFrame for one it cannot hold."""
    if abs(number) >= _MOST_DIGITS:
        raise BadFrame("{name} is {number}: no measured value", name=name, number=number)
    if decimals is not None:
        number = round(number, decimals)
    text = f"{round(number, 12) if -number.as_tuple().exponent > 12 else number:f}"  # type: ignore[operator]
    return "0" if text in ("-0", "0") else text.removeprefix("-") if float(text) == 0 else text


def limits_of(manifest: Manifest, record: Record) -> tuple[Limit, ...]:
    """Return what the machine held its values against: one limit a quantity and place."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for field in manifest.fields:
        if field.limit and (value := value_of(manifest, record, field)):
            limit = found.setdefault((field.quantity, field.place), {"unit": field.unit})
            limit[field.limit] = value.value
    return tuple(Limit(quantity=q, place=place, **limit) for (q, place), limit in found.items())


def phases_of(manifest: Manifest, record: Record) -> tuple[PhaseRun, ...]:
    """Return how long each phase took, where the machine tells."""
    runs = []
    for phase in manifest.phases:
        if phase.duration is None:
            continue
        raw = _present(f"phase.{phase.key}", phase.duration, record.get(phase.duration))
        if raw is not None:
            seconds = decimal_text(exact(raw, manifest.frame.decimal), None, phase.key)
            runs.append(PhaseRun(phase.key, seconds))
    return tuple(runs)
