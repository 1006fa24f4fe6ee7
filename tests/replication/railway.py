"""A headquarters and depots, each in a folder of its own, and what they have to agree on."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

from railtrace.app import App
from railtrace.config import Config
from railtrace.operating.line import Cut, Line
from railtrace.operating.replicate import trust_keys
from railtrace.operating.side import Side, answer
from railtrace.trace.epochs import first_origin
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation, Ran
from tests.operating.depot import NOW, Clock

HQ, NORTH, SOUTH = "hq", "north", "south"


def config_of(folder: Path, name: str, log: str = "") -> Config:
    """Return the settings of one installation, its log named like itself."""
    return Config(
        name=name, data=str(folder / name / "data"), keys=str(folder / name / "keys"),
        default_log=log or name,
    )  # fmt: skip


@contextmanager
def railway(folder: Path, *names: str) -> Iterator[list[App]]:
    """Open installations that trust each other's keys."""
    made = _made(names)
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    apps = [App(config_of(folder, name), Clock()) for name in names]
    try:
        yield apps
    finally:
        for app in apps:
            app.stop()


@cache
def _made(names: tuple[str, ...]) -> "tempfile.TemporaryDirectory[str]":
    """Return a folder of fresh installations, made once: adopting a catalogue takes its time."""
    folder = tempfile.TemporaryDirectory(prefix="railtrace-tests-")
    # Started at one microsecond, all would adopt the catalogue under one id.
    clocks = [Clock(NOW - timedelta(minutes=minutes)) for minutes in range(len(names))]
    apps = [App(config_of(Path(folder.name), n), c) for n, c in zip(names, clocks, strict=True)]
    for app in apps:
        app.prepare()
    introduce(*apps)
    for app in apps:
        app.stop()
    return folder


def key_of(app: App) -> str:
    """Return the key that an installation's operator reads out."""
    [head] = [head for head in app.trace.heads() if not head.foreign]
    return str(app.signer.named(head.origin).verifier)


def introduce(*apps: App) -> None:
    """Let every operator confirm every other installation's key."""
    for app in apps:
        trust_keys(app, [key_of(other) for other in apps if other is not app], [])


def ran(id_: str, unit: str = "u-1", km: str = "10") -> Operation:
    """Return a run of a unit."""
    return Ran(
        id=id_, happened_at=NOW - timedelta(days=1), units=(unit,), distance_km=km,
    )  # fmt: skip


def record(app: App, *operations: Operation) -> None:
    """Record what must be taken."""
    results = app.record(operations, "worker-1", "test")
    assert all(isinstance(result, Receipt) for result in results), results


def fill(app: App, count: int, first: int = 0) -> None:
    """Record runs under ids of the installation's own."""
    name = app.config.name
    record(app, *(ran(f"{name}-{i}", f"u-{i % 5}") for i in range(first, first + count)))


class Loopback:
    """A transport without a network: what is said is answered by the other side at once."""

    def __init__(self, app: App, sender: str = "caller") -> None:
        self.side = Side(app)
        self.sender = sender
        self.bytes_sent = self.bytes_received = 0

    def __call__(self, door: str, body: bytes) -> bytes:
        self.bytes_sent += len(body)
        told = answer(self.side, door, body, self.sender)
        self.bytes_received += len(told)
        return told


class Weak(Loopback):
    """A line that loses messages and answers, cuts them short and says things twice.

    `faults` says what befalls each message in turn; when they run out the line is sound.
    """

    def __init__(self, app: App, faults: Iterator[str]) -> None:
        super().__init__(app)
        self._faults = faults

    def __call__(self, door: str, body: bytes) -> bytes:
        fault = next(self._faults, "")
        if fault == "lost":
            raise Cut("lost")
        if fault == "half":
            body = body[: len(body) // 2]
        told = super().__call__(door, body)
        if fault == "twice":
            told = super().__call__(door, body)
        if fault == "no answer":
            raise Cut("no answer")
        return told[: len(told) // 2] if fault == "half answer" else told


FAULTS = ("", "lost", "half", "twice", "no answer", "half answer")


def line_to(app: App, faults: Iterable[str] = (), tries: int = 1000) -> Line:
    """Return a line that waits for nothing."""
    return Line(Weak(app, iter(faults)), tries, wait=lambda seconds: None)


def content(app: App) -> dict[str, list[tuple[int, str, str, bytes, bytes]]]:
    """Return every log by its origin, row by row, with the files named."""
    return {
        first_origin(head.origin): list(app.trace.rows(head.log, 0)) for head in app.trace.heads()
    }


def files_of(app: App) -> set[str]:
    """Return the files that an installation keeps, the catalogue's aside."""
    return set(app.evidence.files())
