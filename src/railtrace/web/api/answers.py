"""The shapes of what the API answers; the description shows them as they are here."""

from typing import Any, Literal

from msgspec import Raw, Struct


class OperationAnswer(Struct, omit_defaults=True, gc=False):
    """What became of one operation: where it stands, or why it was refused and at which field."""

    index: int
    id: str
    status: Literal["accepted", "duplicate", "refused"]
    log: str | None = None
    position: int | None = None
    recorded_at: str | None = None
    leaf_hash: str | None = None
    reason: str | None = None
    field: str | None = None


class BatchAnswer(Struct):
    """What became of a batch, in the order it was sent."""

    accepted: int
    duplicate: int
    refused: int
    results: list[OperationAnswer]


class EvidenceAnswer(Struct):
    """A file that is kept; an operation names it by these."""

    sha256: str
    size: int
    media_type: str


class UnitFound(Struct):
    """One unit in a list."""

    unit: str
    type: str
    vehicle_class: str
    number: str
    scheme: str
    status: str
    home_site: str
    matched: str


class UnitsAnswer(Struct):
    """Units that a number, a part of one or an id belongs to, exact ones first."""

    units: list[UnitFound]


class UnitAnswer(Struct, kw_only=True):
    """A unit at two dates; `positions` says how much of each log that knowledge stands on."""

    unit: str
    state_at: str | None
    known_at: str | None
    number: str | None
    type: str
    vehicle_class: str
    status: str
    passport: dict[str, Any]
    carrier: dict[str, Any] | None
    carries: list[dict[str, Any]]
    usage: dict[str, Any]
    condition: list[dict[str, Any]]
    contradictions: list[dict[str, Any]]
    positions: dict[str, int]


class EntryAnswer(Struct, kw_only=True):
    """A recorded operation: where it stands and the leaf, byte for byte as it is hashed.

    `withheld` is "crews" where the crew of a run, and the files that name it, are not for this
    reader: they are "…" in the leaf, which then no longer gives `leaf_hash`.
    """

    log: str
    position: int
    leaf_hash: str
    corrected_by: list[str]
    withheld: list[str]
    leaf: Raw


class EntriesAnswer(Struct):
    """Operations of a unit, newest first; `before` asks for the older ones."""

    operations: list[EntryAnswer]
    before: str | None


class ProofAnswer(Struct):
    """What a checker without this program needs to see that an operation is in a log."""

    format: str
    log: str
    position: int
    leaf: str
    path: list[str]
    checkpoint: str


class LogAnswer(Struct):
    """A log as it stands."""

    log: str
    origin: str
    size: int
    root: str
    recorded_at: str | None
    signed_size: int | None


class LogsAnswer(Struct):
    """Every log."""

    logs: list[LogAnswer]


class ConsistencyAnswer(Struct):
    """That the log of `to` entries continues the log of `from` entries."""

    log: str
    from_size: int
    to_size: int
    from_root: str
    to_root: str
    proof: list[str]


class PiecesAnswer(Struct):
    """How much of a file that comes piece by piece has arrived."""

    received: int
    whole: bool


class LiveTag(Struct, frozen=True):
    """A live value of a machine."""

    value: str
    unit: str


class LiveMachine(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a machine is doing, as its gateway told last; it is never recorded."""

    device: str
    machine: str = ""
    serial: str = ""
    gateway: str = ""
    site: str = ""
    workplace: str = ""
    connected: bool = True
    phase: str = ""
    part: str = ""
    recipe: str = ""
    at: str = ""
    tags: dict[str, LiveTag] = {}


class LiveMachinesAnswer(Struct):
    """Machines that were heard of since this program started."""

    machines: list[LiveMachine]
