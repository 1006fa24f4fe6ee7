"""The manifest of a kind of machine, `device.toml`: what it sends, where each value stands.

Kinds are found by their folders. A kind that differs from another only by data says `like` and
the differences; it needs no decoder of its own. It is like a kind that ships, or like one whose
folder stands beside its own.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from railtrace.errors import ConfigError
from railtrace.trace.operation import UnitOfMeasure

FOLDER = Path(__file__).parent
FILE = "device.toml"

Protocol = Literal["mqtt", "opcua", "modbus", "s7", "serial", "folder"]
Fact = Literal["Washed", "Measured", "Tested", "Diagnosed", "Reprofiled"]
Layout = Literal["json", "registers", "bytes", "csv", "xlsx", "xml", "line"]
Type = Literal["text", "decimal", "bool", "u16", "i16", "u32", "i32", "f32", "time"]
Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z")]


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a value stands in a frame and how it is written there.

    `at` is a path in JSON, a word of a block of registers, a byte of a data block, a column, an
    XML path or a named group of a line. `words` turn codes of the machine into words of ours;
    `form` is how a time is written: iso, unix, dtl, or a strptime form.
    """

    at: str | int
    type: Type = "text"
    length: int = 0
    form: str = "iso"
    words: dict[str, str] = {}
    optional: bool = False


class Field(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured value: quantity, unit, scale, and the range the instrument can show at all."""

    quantity: Name
    unit: UnitOfMeasure
    range: tuple[Number, Number]
    typical: tuple[Number, Number]
    type: Type = "decimal"
    scale: Number = "1"
    decimals: int | None = None
    place: str = ""
    moment: Literal["", "as_found", "as_left"] = ""
    uncertainty: Number | None = None
    limit: Literal["", "low", "high"] = ""

    @property
    def name(self) -> str:
        """What tells this field from the others of its machine."""
        return ".".join(filter(None, (self.quantity, self.place, self.moment, self.limit)))


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the members of the envelope stand; what a machine does not tell is left out."""

    result_id: Place
    ended_at: Place | None = None
    started_at: Place | None = None
    serial: Place | None = None
    firmware: Place | None = None
    part: Place | None = None
    recipe: Place | None = None
    recipe_revision: Place | None = None
    job: Place | None = None
    operator: Place | None = None
    simulated: Place | None = None
    partial: Place | None = None
    state: Place | None = None
    evaluation: Place | None = None
    evaluation_code: Place | None = None
    evaluation_details: Place | None = None


class Frame(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a frame is laid out; `row` repeats: a frame may hold several results."""

    layout: Layout
    length: int = 0
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    pattern: str = ""
    checksum: Literal["", "xor"] = ""
    rows: str = ""
    word_order: Literal["big", "little"] = "big"


class Phase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the cycle, its usual length [s] and where its length stands in a frame."""

    key: Name
    ru: str
    tg: str
    en: str
    typical_s: float = 5
    duration: Place | None = None


class Tag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A live value shown while a cycle runs; never recorded by itself."""

    key: Name
    unit: UnitOfMeasure
    at: str | int
    type: Type = "decimal"
    scale: Number = "1"
    typical: tuple[Number, Number]


class Column(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal of a trace: a list at a path, or values one after another in a block."""

    key: Name
    unit: UnitOfMeasure
    type: Type = "decimal"
    scale: Number = "1"
    decimals: int | None = None


class Trace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signals a machine gives with its result, kept as a table of columns: evidence of the fact.

    A block holds `count` values of a column at the most; `points` says how many are filled.
    """

    name: Name
    columns: Annotated[tuple[Column, ...], Meta(min_length=2)]
    count: Annotated[int, Meta(ge=0, le=10_000)] = 0
    points: Place | None = None


class Live(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a machine tells what it is doing; `phase` holds a word of its phases, or idle."""

    phase: Place
    part: Place | None = None
    recipe: Place | None = None


class Poll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The block that is polled of a Modbus slave or an S7 data block, and where to acknowledge.

    The machine shows its next result once `ack` holds the number of the one it shows.
    """

    start: int = 0
    block: int = 1
    ack: int = 0


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that tells one kind of machine from another.

    `equipment` is the catalogue's kind of equipment where it has another key.
    """

    kind: Name
    ru: str
    tg: str
    en: str
    fact: Fact
    protocols: Annotated[tuple[Protocol, ...], Meta(min_length=1)]
    frame: Frame
    envelope: Envelope
    fields: tuple[Field, ...]
    source: str
    test: str = ""
    method: str = ""
    part_types: tuple[str, ...] = ()
    equipment: str = ""
    phases: tuple[Phase, ...] = ()
    tags: tuple[Tag, ...] = ()
    live: Live | None = None
    poll: Poll | None = None
    attachments: tuple[Place, ...] = ()
    traces: tuple[Trace, ...] = ()
    keep_raw: bool = False
    like: str = ""

    def name(self, language: str) -> str:
        """Return the name in a language."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru

    def field(self, name: str) -> Field:
        """Return the field of a name."""
        return next(field for field in self.fields if field.name == name)


def kinds() -> tuple[str, ...]:
    """Return the kinds that ship with Railtrace."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE}")))


@cache
def manifest(kind: str) -> Manifest:
    """Return a shipped kind's manifest. Raises ConfigError for a kind that is not there."""
    if kind not in kinds():
        raise ConfigError(
            "there is no kind of machine {kind}: choose of {known}",
            kind=kind, known=", ".join(kinds()),
        )  # fmt: skip
    return read(FOLDER / kind)


@cache
def manifest_of(type_: str) -> Manifest | None:
    """Return the manifest of a kind of equipment, by the machine's own key or the catalogue's."""
    return next((m for m in map(manifest, kinds()) if type_ in (m.kind, m.equipment)), None)


def read(folder: Path) -> Manifest:
    """Read the manifest of a folder. Raises ConfigError naming the file and the key."""
    path = folder / FILE
    try:
        found = msgspec.convert(_document(folder), Manifest)
    except msgspec.ValidationError as error:
        known = f"; units are {' '.join(get_args(UnitOfMeasure))}" if ".unit`" in str(error) else ""
        raise ConfigError("{file}: {problem}", file=path, problem=f"{error}{known}") from error
    if wrong := next(_mistakes(found), ""):
        raise ConfigError("{file}: {problem}", file=path, problem=wrong)
    return found


def _mistakes(found: Manifest) -> Iterator[str]:
    """Say what no machine could be read by; the keys themselves are in order."""
    layout = found.frame.layout
    if layout in ("registers", "bytes"):
        if not found.frame.length:
            yield f"frame.length: say how many {layout} a frame has"
        for name, place in places(found):
            yield from _in_block(name, place, found.frame)
    if found.poll is None and {"modbus", "s7"} & set(found.protocols):
        yield "poll: say where the block is polled (start or block) and acknowledged (ack)"
    if layout == "line":
        groups = set(re.compile(found.frame.pattern).groupindex)
        for name, place in places(found):
            if place.at not in groups:
                yield f"{name}: frame.pattern has no group named {place.at}"


def _in_block(name: str, place: Place, frame: Frame) -> Iterator[str]:
    if not isinstance(place.at, int):
        yield f"{name}: at is the number of its first place in the block, not {place.at!r}"
    elif not 0 <= place.at < frame.length:
        yield f"{name}: at {place.at} is outside the frame of {frame.length}"
    elif place.type == "decimal":
        yield f"{name}: a block holds no decimal; type is one of u16, i16, u32, i32, f32"
    elif place.type == "text" and not place.length:
        yield f"{name}: give the type of the number, or the length of the text"


def _document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for one in reversed(lineage(folder)):
        document = _over(document, _table(one / FILE))
    return document


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError("{file} is not there", file=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("{file}: {problem}", file=path, problem=error) from error


def lineage(folder: Path) -> tuple[Path, ...]:
    """Return a kind's folder, that of the kind it is like, and so on. Raises ConfigError."""
    found: list[Path] = []
    while True:
        if any(folder.samefile(other) for other in found if folder.is_dir()):
            raise ConfigError("{file}: a kind cannot be like itself", file=found[0] / FILE)
        like = _table(folder / FILE).get("like")
        found.append(folder)
        if not like:
            return tuple(found)
        folder = _folder_of(str(like), folder)


def _folder_of(like: str, folder: Path) -> Path:
    """Return where the kind stands that another is like: beside it, else among those that ship."""
    beside = folder.resolve().parent / like
    for found in (beside, FOLDER / like):
        if (found / FILE).exists():
            return found
    raise ConfigError(
        "{file}: like {kind}: there is no such kind beside it or among those that ship",
        file=folder / FILE, kind=like,
    )  # fmt: skip


def _over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Lay a kind's own values over those of the kind it is like; lists are replaced whole."""
    merged = dict(base)
    for key, value in own.items():
        old = base.get(key)
        merged[key] = _over(old, value) if isinstance(value, dict) and isinstance(old, dict) else (
            value
        )  # fmt: skip
    return merged


def places(manifest: Manifest) -> Iterator[tuple[str, Place]]:
    """Yield every place of a frame with the name of what stands there."""
    for name in manifest.envelope.__struct_fields__:
        if (place := getattr(manifest.envelope, name)) is not None:
            yield name, place
    for field in manifest.fields:
        yield field.name, field
    for phase in manifest.phases:
        if phase.duration is not None:
            yield f"phase.{phase.key}", phase.duration


