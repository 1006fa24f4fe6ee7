"""What a machine sends and what is understood of it, before it becomes operations."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

Raw = str | int | float | bool | Decimal
"""A value as it stands in a frame: a text or a number, not yet scaled."""

State = Literal["completed", "aborted", "failed"]
Evaluation = Literal["ok", "not_ok", "undecided"]
Moment = Literal["", "as_found", "as_left"]


class File(Struct, frozen=True):
    """A file that came with a message: a curve, a waveform, a picture."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


class Message(Struct, frozen=True):
    """Bytes from one machine: a payload, a block of registers, a file with those beside it.

    `zone` is the time zone of the machine's clock where its times carry none.
    """

    content: bytes
    received_at: datetime
    channel: str = ""
    zone: str = "UTC"
    files: tuple[File, ...] = ()


class Value(Struct, frozen=True):
    """One measured value; `value` and `uncertainty` are decimal texts in `unit`."""

    quantity: str
    value: str
    unit: str
    place: str = ""
    uncertainty: str | None = None
    moment: Moment = ""


class Limit(Struct, frozen=True):
    """What the machine held a quantity against."""

    quantity: str
    unit: str
    place: str = ""
    low: str | None = None
    high: str | None = None


class PhaseRun(Struct, frozen=True):
    """A part of the cycle and how long it took [s]."""

    phase: str
    duration_s: str | None = None


class Result(Struct, frozen=True, kw_only=True):
    """One cycle of a machine: the envelope of OPC 40001-101 and its values."""

    result_id: str
    ended_at: datetime
    started_at: datetime | None = None
    serial: str = ""
    firmware: str = ""
    part: str = ""
    recipe: str = ""
    recipe_revision: str = ""
    job: str = ""
    operator: str = ""
    simulated: bool = False
    partial: bool = False
    state: State = "completed"
    evaluation: Evaluation = "undecided"
    evaluation_code: str = ""
    evaluation_details: str = ""
    values: tuple[Value, ...] = ()
    limits: tuple[Limit, ...] = ()
    phases: tuple[PhaseRun, ...] = ()
    files: tuple[File, ...] = ()
    remarks: tuple[str, ...] = ()
