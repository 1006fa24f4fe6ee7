"""The kit on a line: a driver's emulated machine, over its real protocol, into an outbox.

No trace is needed: what is examined is what stands in the outbox, beside what the machine says
it made.
"""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from railtrace.devices import drivers
from railtrace.devices.emulate import Machine, Made, Maker
from railtrace.devices.emulators import machine_of
from railtrace.devices.gateway.config import Device, Gateway
from railtrace.devices.gateway.outbox import Row
from railtrace.devices.gateway.run import Running
from railtrace.devices.kit import Certificate, Fault
from railtrace.errors import RailtraceError

PATIENCE_S = 20.0
_TOPIC = "kit/machine"
_CHECK = "the emulated machine on its line"


def examine_line(folder: Path, certificate: Certificate, broker: str = "") -> None:
    """Run a driver's emulated machine against a gateway; add what is found to a certificate."""
    folder = folder.resolve()
    protocol = drivers.read(folder).manifest.protocols[0]
    try:
        with tempfile.TemporaryDirectory(prefix="railtrace-kit-") as name, _broker(
            protocol, broker, Path(name)
        ) as address:
            faults = list(_Line(folder, Path(name), address).faults())
    except (RailtraceError, OSError) as error:
        certificate.untried.append(f"{_CHECK}: {error}")
        return
    certificate.faults += [Fault(_CHECK, what, text) for what, text in faults]
    certificate.passed += [] if faults else [_CHECK]


@contextmanager
def _broker(protocol: str, given: str, folder: Path) -> Iterator[str]:
    """Give an MQTT broker: the one named, or a mosquitto for as long as it is needed."""
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if protocol != "mqtt" or given:
        yield given
        return
    if program is None:
        raise RailtraceError("there is no broker: name one with --broker, or install mosquitto")
    port = free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda: _answers(port))
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    return False


def free_port() -> int:
    """Return a loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(holds: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


class _Line:
    """A machine and a gateway with no trace behind it, in a folder that is thrown away."""

    def __init__(self, driver: Path, folder: Path, broker: str) -> None:
        self._folder, self._driver = folder, drivers.read(driver)
        self._manifest = self._driver.manifest
        self._protocol = self._manifest.protocols[0]
        schemes = {"opcua": "opc.tcp", "modbus": "tcp", "s7": "s7"}
        self._address = broker
        if self._protocol in schemes:
            self._address = f"{schemes[self._protocol]}://127.0.0.1:{free_port()}"
        elif self._protocol == "folder":
            self._address = str(folder / "machine")
        self._maker = Maker(self._driver, seed=11)

    def _machine(self) -> Machine:
        machine = machine_of(self._manifest, self._address, _TOPIC)
        machine.start()
        return machine

    def faults(self) -> Iterator[tuple[str, str]]:
        """Send results, one twice, one after a restart in mid-cycle; look at the outbox."""
        machine = self._machine()
        device = Device(
            address=machine.address, driver=str(self._driver.folder), topic=_TOPIC, every_s=0.1
        )
        config = Gateway(
            name="kit", server="http://127.0.0.1:9", token="kit", folder=str(self._folder),
            devices={"d-kit": device},
        )  # fmt: skip
        gateway = Running(config, first_wait_s=0.1)
        gateway.start()
        try:
            if not _until(lambda: gateway.ports["d-kit"].connected):
                yield "line", f"the gateway does not reach it: {gateway.ports['d-kit'].error}"
                return
            first = self._maker.make("KIT-1")
            machine.send(first)
            yield from self._arrived(gateway, first)
            machine.send(first)
            time.sleep(0.3)
            machine = self._restarted(machine)
            second = self._maker.make("KIT-2")
            self._send_cut(machine, second)
            yield from self._sent_until_there(gateway, machine, second)
            yield from self._once_each(gateway, [first, second])
        finally:
            gateway.stop()
            machine.stop()

    def _restarted(self, machine: Machine) -> Machine:
        """End the machine in the middle of a cycle and start it again at the same place."""
        phases = [phase.key for phase in self._manifest.phases]
        if phases:
            machine.show_state(self._maker.state(phases[0], "KIT-2"))
        if self._protocol == "serial":
            return machine
        machine.stop()
        return self._machine()

    def _send_cut(self, machine: Machine, made: Made) -> None:
        """Where frames can be cut on the line, a cut one goes before the whole."""
        if self._protocol == "serial":
            content = made.content[: len(made.content) // 2] + b"\n"
            machine.send(replace_made(made, content))

    def _sent_until_there(
        self, gateway: Running, machine: Machine, made: Made
    ) -> Iterator[tuple[str, str]]:
        stopped = threading.Event()

        def send() -> None:
            while not stopped.is_set():
                with suppress(Exception):
                    machine.send(made)
                stopped.wait(1.0)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield from self._arrived(gateway, made)
        stopped.set()
        thread.join(5)

    def _rows(self, gateway: Running, made: Made) -> list[Row]:
        return [row for row in gateway.outbox.waiting(1000) + gateway.outbox.held()
                if row.result_id == made.result_id]  # fmt: skip

    def _arrived(self, gateway: Running, made: Made) -> Iterator[tuple[str, str]]:
        rows = _until(lambda: self._rows(gateway, made))
        if not rows:
            held = gateway.outbox.held()
            yield made.result_id, f"it never arrives{': ' + held[0].why if held else ''}"
            return
        if rows[0].state == "held":
            yield made.result_id, f"it is held: {rows[0].why}"
        yield from self._as_made(rows[0], made)

    def _as_made(self, row: Row, made: Made) -> Iterator[tuple[str, str]]:
        operations = msgspec.json.decode(row.body or b"[]")
        # A machine whose frame has no such mark is never emulated beside a real trace.
        marked = self._manifest.envelope.simulated is not None
        if marked and not any(one.get("simulated") for one in operations):
            yield made.result_id, "an emulated result is not marked simulated"
        told = {
            (r["quantity"], r.get("place", ""), r.get("moment", "")): Decimal(r["value"])
            for one in operations for r in one.get("readings", ())
        }  # fmt: skip
        for field in (f for f in self._manifest.fields if not f.limit):
            wanted, found = Decimal(made.truth[field.name]), told.get(
                (field.quantity, field.place, field.moment))  # fmt: skip
            if found is None or abs(found - wanted) > Decimal("0.001"):
                yield field.name, f"{wanted} {field.unit} arrives as {found}"

    def _once_each(self, gateway: Running, made: list[Made]) -> Iterator[tuple[str, str]]:
        time.sleep(0.3)
        for one in made:
            if len(rows := self._rows(gateway, one)) > 1:
                yield one.result_id, f"sent again it is kept {len(rows)} times"
        known = {one.result_id for one in made}
        for row in gateway.outbox.waiting(1000):
            if row.result_id and row.result_id not in known:
                yield row.result_id, "a result appears that the machine never made"


def replace_made(made: Made, content: bytes) -> Made:
    """Return a result with other bytes."""
    return Made(made.result_id, content, made.files, made.truth)


