"""A port: where a protocol hands in what a machine sent, and learns what to acknowledge."""

import queue
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from railtrace.devices.frames import exact, records
from railtrace.devices.gateway.intake import Intake, utc_now
from railtrace.devices.gateway.outbox import Draft, Outbox
from railtrace.devices.manifest import Manifest, Place
from railtrace.devices.message import File, Message
from railtrace.errors import BadFrame, RailtraceError, StoreFull


class Told(NamedTuple):
    """A result that the trace holds: its machine may forget it."""

    seq: int
    result_id: str
    channel: str
    leaf_hash: str


class Port:
    """One machine's state in the gateway, shared by its link, the sender and the page."""

    def __init__(self, intake: Intake, outbox: Outbox, wake: Callable[[], None]) -> None:
        self.intake, self._outbox, self._wake = intake, outbox, wake
        self.name, self.device = intake.name, intake.device
        self.acks: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self.live: dict[str, Any] = {}
        self.live_changed = False
        self.error: RailtraceError | None = None
        self.last_error: RailtraceError | None = None
        self.connected = False
        self.restarts = 0
        self.results = 0
        self.simulated = False
        self._stop, self._restart = threading.Event(), threading.Event()
        self._last_data = time.monotonic()

    @property
    def manifest(self) -> Manifest:
        """The manifest of the machine's kind."""
        return self.intake.driver.manifest

    # --- for links ----------------------------------------------------------------------------

    def message(self, content: bytes, channel: str = "", files: tuple[File, ...] = ()) -> Message:
        """Return bytes as a message of this machine, arrived now."""
        return Message(
            content=content, received_at=utc_now(), channel=channel, zone=self.intake.zone,
            files=files,
        )  # fmt: skip

    def deliver(self, message: Message) -> bool:
        """Keep a message's results durably; tell whether they are, so that no hop need keep them.

        A repeat of what the trace holds is acknowledged to the machine once more.
        """
        self.alive()
        drafts = self.intake.drafts(message)
        try:
            kept = self._outbox.put(drafts)
        except StoreFull as error:
            self.fail(error)
            return False
        self.simulated = any(b'"simulated":true' in (draft.body or b"") for draft in drafts)
        self.results += sum(one != "repeat" for one in kept)
        for draft, one in zip(drafts, kept, strict=True):
            if one == "repeat":
                self._acknowledge_again(draft)
        self._wake()
        return True

    def _acknowledge_again(self, draft: Draft) -> None:
        row = self._outbox.by_key(draft.key)
        if row is not None and row.receipt is not None:
            self.acks.put(Told(row.seq, row.result_id, row.channel, row.receipt["leaf_hash"]))

    def told(self, ack: Told) -> None:
        """Note that the machine was told."""
        self._outbox.acknowledged(ack.seq)

    def next_ack(self, wait_s: float = 0.0) -> Told | None:
        """Return the next acknowledgement to give, if there is one."""
        try:
            return self.acks.get(timeout=wait_s) if wait_s else self.acks.get_nowait()
        except queue.Empty:
            return None

    def state(self, content: bytes) -> None:
        """Take what a machine says it is doing now; never recorded."""
        self.alive()
        try:
            said = live_state(self.manifest, content)
        except BadFrame as error:
            self.last_error = error
            return
        if said != {k: v for k, v in self.live.items() if k != "at"}:
            self.live_changed = True
        self.live = {**said, "at": utc_now().isoformat()}

    def file(self, name: str) -> Path:
        """Return a file that the machine's settings name; a relative one stands beside them."""
        return self.intake.config.path(name)

    def alive(self) -> None:
        """Note that data came: the watchdog looks at this, not at a socket."""
        self._last_data = time.monotonic()
        self.connected, self.error = True, None

    @property
    def ended(self) -> bool:
        """Whether the link is to end: the gateway stops, or the watchdog wants a new session."""
        return self._stop.is_set() or self._restart.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait a while; tell whether to end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.ended:
            self._stop.wait(min(0.2, left))
        return self.ended

    # --- for the supervisor -------------------------------------------------------------------

    def fail(self, error: RailtraceError) -> None:
        """Note what is wrong now."""
        self.error = self.last_error = error
        self.connected = False

    def begin(self) -> None:
        """A new session begins."""
        self._restart.clear()
        self._last_data = time.monotonic()

    def silent_s(self) -> float:
        """Return the age of the last data [s]."""
        return time.monotonic() - self._last_data

    def restart(self) -> None:
        """End the session; the supervisor begins another."""
        self.restarts += 1
        self._restart.set()

    def stop(self) -> None:
        """End for good."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the gateway stops."""
        return self._stop.is_set()


class Link(Protocol):
    """One session with one machine, or with a broker that speaks for several."""

    def run(self) -> None:
        """Serve until the port ends. Raises anything when the line breaks."""


def live_state(manifest: Manifest, content: bytes) -> dict[str, Any]:
    """Return what a machine says of itself: phase, part, recipe, live values. Raises BadFrame."""
    if manifest.live is None:
        return {}
    record = records(manifest.frame, content)[0]
    said: dict[str, Any] = {"tags": {}}
    for name in ("phase", "part", "recipe"):
        place = getattr(manifest.live, name)
        raw = None if place is None else record.get(place)
        if raw not in (None, ""):
            said[name] = place.words.get(str(raw), str(raw))[:200]
    for tag in manifest.tags:
        raw = record.get(Place(at=tag.at, type=tag.type))
        if raw is not None:
            value = exact(raw, manifest.frame.decimal) * Decimal(tag.scale)
            said["tags"][tag.key] = {"value": f"{value:f}", "unit": tag.unit}
    return said
