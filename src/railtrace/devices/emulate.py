"""Emulated machines: plausible cycles by manifest, marked simulated, over the real protocol.

A frame is a sample of the kind with other values put into it, so an emulator writes what a
machine writes. What a manifest cannot say (a curve, a waveform) a kind's own `emulate.py` adds.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from railtrace.devices import samples
from railtrace.devices.drivers import Driver
from railtrace.devices.frames import put, records
from railtrace.devices.manifest import Field, Manifest, Place
from railtrace.devices.message import File, Raw

WAIT_ACK_S = 5.0


@dataclass(frozen=True)
class Made:
    """A result as a machine sends it, and the truth it was made from, by field name."""

    result_id: str
    content: bytes
    files: tuple[File, ...] = ()
    truth: dict[str, str] = field(default_factory=dict)


def raw_of(manifest: Manifest, place: Field, value: Decimal) -> Raw:
    """Return a value as it stands in a frame: unscaled, whole where the frame holds integers."""
    raw = value / Decimal(place.scale)
    if place.type in ("u16", "i16", "u32", "i32"):
        return int(raw)
    if place.type == "f32":
        return float(raw)
    return Decimal(f"{raw.normalize():f}") if raw else Decimal(0)


def drawn(place: Field, chance: random.Random) -> Decimal:
    """Return a typical value that the frame can hold exactly."""
    low, high = map(Decimal, place.typical)
    step = Decimal(place.scale) if place.type in ("u16", "i16", "u32", "i32") else Decimal("0.01")
    step = Decimal("0.125") if place.type == "f32" else step
    return _stepped(low + (high - low) * chance.randrange(1001) / 1000, step)


def _stepped(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value() * step


class Maker:
    """Makes the results of one emulated machine, one after the other."""

    def __init__(
        self, driver: Driver, serial: str = "", seed: int = 1, first: int = 1,
        zone: str = "Asia/Dushanbe",
    ) -> None:  # fmt: skip
        self.driver, self.manifest = driver, driver.manifest
        self._serial, self._zone, self._number = serial, zone, first
        self._chance = random.Random(seed)
        told = samples.expected(driver.folder)
        self._template = next(iter(samples.messages(driver, told)))[1]
        self._block = self._template.content
        if self.manifest.poll:
            # Before its first result a machine shows none.
            place = self.manifest.envelope.result_id
            self._block = put(self.manifest.frame, self._block, place, 0)

    def make(
        self, part: str, at: datetime | None = None, recipe: str = "", seconds: float = 60,
        values: dict[str, Decimal] | None = None,
    ) -> Made:  # fmt: skip
        """Return the next result: typical values, or those given by field name."""
        at = (at or datetime.now(UTC)).replace(microsecond=0)
        number, self._number = self._number, self._number + 1
        truth, content = {}, self._block if self.manifest.poll else self._template.content
        for one in self.manifest.fields:
            value = (values or {}).get(one.name, drawn(one, self._chance))
            truth[one.name] = f"{value:f}"
            content = put(self.manifest.frame, content, one, raw_of(self.manifest, one, value))
        for name, told in self._envelope(number, part, at, recipe, seconds).items():
            place: Place | None = getattr(self.manifest.envelope, name)
            if place is not None:
                content = put(self.manifest.frame, content, place, told)
        own = getattr(self.driver.emulate, "finish", None)
        files: tuple[File, ...] = self._template.files
        if own is not None:
            content, files = own(self.manifest, content, truth, number, self._chance)
        self._block = content
        return Made(self._shown(content), content, files, truth)

    def _envelope(
        self, number: int, part: str, at: datetime, recipe: str, seconds: float
    ) -> dict[str, Raw]:
        places = self.manifest.envelope
        numeric = places.result_id.type in ("u16", "u32")
        told: dict[str, Raw] = {
            "result_id": number if numeric else f"{self._serial or 'E'}-{number:06}",
            "simulated": self._flag(places.simulated),
            "evaluation": self._word(places.evaluation, "ok"),
            "state": self._word(places.state, "completed"), "part": part,
        }  # fmt: skip
        if self._serial:
            told["serial"] = self._serial
        if recipe:
            told["recipe"] = recipe
        for name, moment in (("ended_at", at), ("started_at", at - timedelta(seconds=seconds))):
            place: Place | None = getattr(places, name)
            if place is not None:
                told[name] = time_raw(place, moment, self._zone)
        return {name: value for name, value in told.items() if value != ""}

    def _flag(self, place: Place | None) -> Raw:
        if place is None:
            return ""
        if place.words:
            return self._word(place, "true")
        numeric = place.type in ("u16", "i16", "u32") or self.manifest.frame.layout in (
            "line", "csv", "xlsx", "xml")  # fmt: skip
        return 1 if numeric else True

    def _word(self, place: Place | None, word: str) -> Raw:
        if place is None:
            return ""
        code = next((code for code, ours in place.words.items() if ours == word), word)
        whole = place.type != "text" or self.manifest.frame.layout == "json"
        return int(code) if code.isdigit() and whole else code

    def _shown(self, content: bytes) -> str:
        raw = records(self.manifest.frame, content)[0].get(self.manifest.envelope.result_id)
        return str(raw).strip()

    def state(self, phase: str, part: str = "", recipe: str = "") -> bytes:
        """Return what the machine shows while it works, or `idle`."""
        live = self.manifest.live
        if live is None:
            return b""
        told: list[tuple[Place, Raw]] = [(live.phase, self._word(live.phase, phase))]
        for place, text in ((live.part, part), (live.recipe, recipe)):
            if place is not None:
                told.append((place, text))
        for tag in self.manifest.tags:
            low, high = map(float, tag.typical)
            shown = Decimal(str(round(self._chance.uniform(low, high), 1))) / Decimal(tag.scale)
            told.append((
                Place(at=tag.at, type=tag.type), shown if tag.type == "decimal" else int(shown)
            ))  # fmt: skip
        if self.manifest.poll:
            for place, raw in told:
                self._block = put(self.manifest.frame, self._block, place, raw)
            return self._block
        document: dict[str, Any] = {}
        for place, raw in told:
            found = document
            *way, last = str(place.at).split(".")
            for step in way:
                found = found.setdefault(step, {})
            found[last] = float(raw) if isinstance(raw, Decimal) else raw
        return json.dumps(document, ensure_ascii=False).encode()


def time_raw(place: Place, moment: datetime, zone: str) -> Raw:
    """Return a moment as a machine writes it."""
    local = moment.astimezone(ZoneInfo(zone))
    match place.form:
        case "unix":
            return int(moment.timestamp())
        case "unix_ms":
            return int(moment.timestamp() * 1000)
        case "iso":
            return local.isoformat()
        case "dtl":
            return local.replace(tzinfo=None).isoformat()
    return local.strftime(place.form)


class Machine(Protocol):
    """An emulated machine on a real line; it keeps a result until it is told to forget it."""

    address: str

    def start(self) -> None:
        """Open the line."""

    def show_state(self, content: bytes) -> None:
        """Show what the machine does now."""

    def send(self, made: Made) -> None:
        """Send a result, or show it; it may be sent again."""

    def acknowledged(self, result_id: str) -> bool:
        """Whether the gateway told that the trace has the result."""

    def stop(self) -> None:
        """Close the line."""


@dataclass
class Cycle:
    """What an emulated machine does over and over: phases, then a result until acknowledged."""

    machine: Machine
    maker: Maker
    parts: Iterator[str]
    phase_s: float = 3.0
    pause_s: float = 2.0
    recipe: str = ""
    after: Callable[[str], None] = lambda part: None
    made: list[Made] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    error: str = ""

    def run(self, cycles: int = 0) -> None:
        """Work for so many cycles; 0: until stopped."""
        done = 0
        while not self.stopped.is_set() and (not cycles or done < cycles):
            try:
                self._once()
            except OSError as error:
                # The line is gone, or goes with the program.
                self.error = str(error)
                self.stopped.wait(1.0)
                continue
            done += 1

    def _once(self) -> None:
        part, began = next(self.parts, ""), time.monotonic()
        if not part:
            return
        for phase in self.maker.manifest.phases:
            deadline = time.monotonic() + self.phase_s
            while not self.stopped.is_set():
                self.machine.show_state(self.maker.state(phase.key, part, self.recipe))
                left = deadline - time.monotonic()
                if left <= 0 or self.stopped.wait(min(1.0, left)):
                    break
        if self.stopped.is_set():
            return
        made = self.maker.make(part, seconds=round(time.monotonic() - began), recipe=self.recipe)
        self.machine.show_state(self.maker.state("idle"))
        self.made = [*self.made[-99:], made]
        self._until_acknowledged(made)
        self.after(part)
        self.stopped.wait(self.pause_s)

    def _until_acknowledged(self, made: Made) -> None:
        while not self.stopped.is_set():
            self.machine.send(made)
            deadline = time.monotonic() + WAIT_ACK_S
            while time.monotonic() < deadline:
                if self.machine.acknowledged(made.result_id) or self.stopped.wait(0.05):
                    return


def around(parts: Sequence[str]) -> Iterator[str]:
    """Yield part numbers over and over."""
    while True:
        yield from parts
