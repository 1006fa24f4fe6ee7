"""The running gateway: a supervisor for every session, one sender, one watchdog, one page."""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from railtrace.devices.gateway.config import Gateway
from railtrace.devices.gateway.door import Away, Door, Shut
from railtrace.devices.gateway.intake import Intake, unknown_machine, utc_now
from railtrace.devices.gateway.links import groups, link_of
from railtrace.devices.gateway.outbox import Draft, Outbox, Row
from railtrace.devices.gateway.port import Link, Port, Told
from railtrace.devices.gateway.sender import Sender
from railtrace.devices.message import Message
from railtrace.errors import BadOperation, RailtraceError, StoreFull
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import MachineRegistered, Number, Registered

LIVE_EVERY_S = 1.0
TAGS_EVERY_S = 5.0
PRUNE_EVERY_S = 3600.0
FIRST_WAIT_S, LONGEST_WAIT_S, LASTED_S = 1.0, 60.0, 30.0
_log = logging.getLogger("railtrace.gateway")


class Running:
    """A gateway at work; it starts with no machine and no trace present."""

    def __init__(self, config: Gateway, first_wait_s: float = FIRST_WAIT_S) -> None:
        self.config, self.started_at = config, utc_now()
        self._first_wait_s = first_wait_s
        self.outbox = Outbox(config.path(config.data), config.quota_mb << 20)
        self.sender = Sender(self.outbox, self._door(), self._received)
        self.ports = {
            name: Port(Intake(config, name, device), self.outbox, self.sender.wake)
            for name, device in config.devices.items()
        }
        self.groups = groups(config, list(self.ports.values()))
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.last_error: tuple[datetime, RailtraceError] | None = None

    def _door(self) -> Door:
        config = self.config
        authority = str(config.path(config.authority)) if config.authority else ""
        return Door(config.server, config.secret(), config.language, authority)

    def start(self) -> None:
        """Begin; returns at once."""
        self._register()
        for row in self.outbox.unacknowledged():
            self._acknowledge(row, row.receipt or {})
        self.sender.start()
        for ports in self.groups:
            self._thread(f"supervisor {ports[0].name}", self._supervise, ports)
        self._thread("watchdog", self._watch)
        self._thread("live", self._tell_live)

    def stop(self) -> None:
        """End sessions and the sender; what is in the outbox stays there."""
        self._stopped.set()
        for port in self.ports.values():
            port.stop()
        self.sender.stop()
        for thread in self._threads:
            thread.join(10)
        self.outbox.close()

    def _thread(self, name: str, work: Any, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- machines ----------------------------------------------------------------------------

    def _register(self) -> None:
        """Say once, and again when it changed, which machines are connected here."""
        self.outbox.put(_registration(self.config, port) for port in self.ports.values())

    def _supervise(self, ports: Sequence[Port]) -> None:
        wait_s = self._first_wait_s
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                for port in ports:
                    port.begin()
                self._link(ports).run()
            except Exception as error:
                self._failed(ports, error)
            if time.monotonic() - began > LASTED_S:
                wait_s = self._first_wait_s
            self._stopped.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _link(self, ports: Sequence[Port]) -> Link:
        return link_of(self.config, ports, self.stray)

    def _failed(self, ports: Sequence[Port], error: Exception) -> None:
        for port in ports:
            told = error if isinstance(error, RailtraceError) else RailtraceError(
                "{device} at {address} does not answer: {problem}", device=port.name,
                address=port.device.address, problem=str(error) or type(error).__name__,
            )  # fmt: skip
            if str(port.error) != str(told):
                _log.warning("%s: %s", port.name, told)
            port.fail(told)

    def stray(self, message: Message) -> bool:
        """Keep what came from where no machine is registered, for a person."""
        try:
            self.outbox.put([unknown_machine(message)])
        except StoreFull:
            return False
        return True

    def _watch(self) -> None:
        prune_at = 0.0
        while not self._stopped.wait(1.0):
            for ports in self.groups:
                self._look_at(ports)
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY_S
                self.outbox.prune(utc_now(), self.config.keep_days)

    def _look_at(self, ports: Sequence[Port]) -> None:
        """A session is as alive as its newest data; a socket that stays open proves nothing."""
        silent = [p for p in ports if p.connected and p.silent_s() > p.device.silent_after_s]
        for port in silent:
            port.fail(RailtraceError(
                "no data of {device} for {seconds} s", device=port.name,
                seconds=int(port.silent_s()),
            ))  # fmt: skip
        if silent and not any(port.connected for port in ports):
            for port in ports:
                port.restart()

    # --- the trace ---------------------------------------------------------------------------

    def _received(self, row: Row, receipt: dict[str, Any]) -> None:
        self._acknowledge(row, receipt)

    def _acknowledge(self, row: Row, receipt: dict[str, Any]) -> None:
        port = self.ports.get(row.device)
        if port is None or not row.result_id:
            self.outbox.acknowledged(row.seq)
            return
        port.acks.put(Told(row.seq, row.result_id, row.channel, receipt.get("leaf_hash", "")))

    def _tell_live(self) -> None:
        """What machines are doing goes to the page of the trace; when it cannot, it is not kept."""
        door, tags_at = self._door(), 0.0
        while not self._stopped.wait(LIVE_EVERY_S):
            changed = [port for port in self.ports.values() if port.live_changed]
            for port in changed:
                port.live_changed = False
            states = [self.live_of(port) for port in changed]
            if states and time.monotonic() >= tags_at:
                tags_at = time.monotonic() + TAGS_EVERY_S
                self.outbox.keep_tags(
                    utc_now(), [(s["device"], msgspec.json.encode(s)) for s in states]
                )
            if states and self.sender.error is None:
                try:
                    door.tell_live(states)
                except (Away, Shut):
                    continue
        door.close()

    def live_of(self, port: Port) -> dict[str, Any]:
        """Return a machine's live state as the trace's page takes it."""
        return {
            **port.live, "device": port.name, "machine": port.manifest.kind,
            "serial": port.device.serial, "site": port.device.site or self.config.site,
            "workplace": port.device.workplace, "gateway": self.config.name,
            "connected": port.connected,
        }  # fmt: skip


def _serial_number(serial: str) -> tuple[Number, ...]:
    """A maker's number in a form the trace takes; another stays in `MachineRegistered` only."""
    try:
        normal = check_number("serial", serial) if serial else ""
    except BadOperation:
        return ()
    return (Number(scheme="serial", value=normal),) if normal else ()


def _registration(config: Gateway, port: Port) -> Draft:
    device, now = port.device, utc_now()
    told: dict[str, Any] = {
        "machine": port.manifest.kind, "serial": device.serial, "maker": device.maker,
        "model": device.model, "protocol": config.protocol_of(device), "gateway": config.name,
    }  # fmt: skip
    mark = sha256(msgspec.json.encode(told)).hexdigest()
    key = f"machine:{port.name}:{mark[:12]}"
    where: dict[str, Any] = {
        "happened_at": now, "units": (port.name,), "site": device.site or config.site,
    }  # fmt: skip
    unit = Registered(
        id=f"{key}:u", type=port.manifest.equipment or port.manifest.kind,
        maker=device.maker, home_site=where["site"],
        numbers=_serial_number(device.serial), **where,
    )  # fmt: skip
    operation = MachineRegistered(
        id=key, device=port.name, workplace=device.workplace, **where, **told,
    )  # fmt: skip
    return Draft(
        key=key, device=port.name, fingerprint=mark, received_at=now,
        body=msgspec.json.encode([unit, operation]), message=port.message(b""),
    )
