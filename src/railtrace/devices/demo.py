"""Simulated machines and a gateway beside the demo: `python -m railtrace.devices.demo FOLDER`.

`FOLDER/machines.json` says where the trace is and which parts are worked on. A wheelset goes from
machine to machine; others work by themselves. Everything is marked simulated, and everything ends
with the process that started it.
"""

import itertools
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import msgspec
from msgspec import Struct

from railtrace.devices import drivers
from railtrace.devices.emulate import Cycle, Machine, Maker
from railtrace.devices.emulators import machine_of
from railtrace.devices.gateway.config import Device, Gateway
from railtrace.devices.gateway.page import Page
from railtrace.devices.gateway.run import Running
from railtrace.devices.manifest import Protocol

SETTINGS = "machines.json"
_SCHEMES = {"opcua": "opc.tcp", "modbus": "tcp", "s7": "s7"}


class Setting(Struct, frozen=True, kw_only=True):
    """What the demo tells its machines."""

    server: str
    token: str
    site: str
    wheelsets: list[str]
    vehicles: list[str]
    language: str = "ru"
    page: str = ""
    phase_s: float = 5.0
    pause_s: float = 20.0
    kinds: list[str] = []


@dataclass(frozen=True)
class _Place:
    kind: str
    serial: str
    workplace: str
    recipe: str = ""
    works_on: str = "wheelsets"


LINE = (
    _Place("wheelset_washer", "WW-2207", "Колёсный участок", "WS-FREIGHT-2"),
    _Place("wheel_gauge", "0417", "Колёсный участок"),
    _Place("ultrasonic_set", "УДС2-123", "Участок НК"),
    _Place("wheel_lathe", "КЖ20-118", "Токарный участок"),
)
"""A wheelset is washed, measured, inspected and turned, in this order."""
ALONE = (
    _Place("brake_rack", "СТ-9", "Автоконтрольный пункт", works_on="vehicles"),
    _Place("body_washer", "МК-66", "Моечный путь", works_on="vehicles"),
    _Place("insulation_tester", "4471", "Электроцех", works_on="vehicles"),
)


def main(folder: Path) -> None:
    """Run until a signal, or until the process that started this one is gone."""
    setting = msgspec.json.decode((folder / SETTINGS).read_bytes(), type=Setting)
    ended, parent = threading.Event(), os.getppid()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    depot = Depot(setting, folder)
    depot.start()
    while not ended.wait(1.0):
        if os.name == "posix" and os.getppid() != parent:
            break
    depot.stop()


class Depot:
    """The machines, their gateway and, where mosquitto is installed, a broker."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting, self.folder = setting, folder
        self._broker: subprocess.Popen[bytes] | None = None
        self._address = self._start_broker()
        self.machines: list[tuple[_Place, Machine, Device]] = []
        self.cycles: list[Cycle] = []
        self.gateway: Running | None = None
        self._page: Page | None = None

    def start(self) -> None:
        """Start what works by itself first; a slow OPC UA server comes later."""
        chosen = [p for p in (*LINE, *ALONE) if p.kind in (self.setting.kinds or [p.kind])]
        for place in chosen:
            self.machines.append(self._machine(place))
        self.gateway = Running(self._config())
        self.gateway.start()
        if self.setting.page:
            self._page = Page(self.gateway)
        self._work()

    def stop(self) -> None:
        """End everything; what was not sent stays in the outbox for the next time."""
        for cycle in self.cycles:
            cycle.stopped.set()
        if self._page is not None:
            self._page.stop()
        if self.gateway is not None:
            self.gateway.stop()
        for _, machine, _ in self.machines:
            machine.stop()
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait(10)

    def _machine(self, place: _Place) -> tuple[_Place, Machine, Device]:
        manifest = drivers.driver(place.kind).manifest
        protocol = self._protocol(manifest.protocols)
        address = self._address
        if protocol in _SCHEMES:
            address = f"{_SCHEMES[protocol]}://127.0.0.1:{_free_port()}"
        elif protocol == "folder":
            address = str(self.folder / place.kind)
        topic = f"demo/{place.kind}"
        machine = machine_of(manifest, address, topic, protocol)
        machine.start()
        return place, machine, Device(
            address=machine.address, kind=place.kind, serial=place.serial, protocol=protocol,
            topic=topic, workplace=place.workplace, every_s=0.5, model="Имитатор",
        )  # fmt: skip

    def _protocol(self, spoken: Sequence[Protocol]) -> Protocol:
        usable = [p for p in spoken if p != "mqtt" or self._address]
        return usable[0]

    def _config(self) -> Gateway:
        setting = self.setting
        return Gateway(
            name="g-demo", server=setting.server, token=setting.token, site=setting.site,
            folder=str(self.folder), page=setting.page, language=setting.language,  # type: ignore[arg-type]
            devices={
                f"d-{place.kind.replace('_', '-')}": device
                for place, _, device in self.machines
            },
        )  # fmt: skip

    # --- what is worked on -------------------------------------------------------------------

    def _work(self) -> None:
        kinds = {place.kind: (place, machine) for place, machine, _ in self.machines}
        source: Iterator[str] = itertools.cycle(self.setting.wheelsets)
        for place in LINE:
            if place.kind in kinds:
                source = self._begin(*kinds[place.kind], source)
        for place in ALONE:
            if place.kind in kinds:
                self._begin(*kinds[place.kind], itertools.cycle(self.setting.vehicles))

    def _begin(self, place: _Place, machine: Machine, source: Iterator[str]) -> Iterator[str]:
        """Let a machine work on what comes; return what has gone through it."""
        # The number of the first result is the moment, so that a new start repeats none.
        first = int(time.time()) % 100_000_000
        maker = Maker(drivers.driver(place.kind), place.serial, seed=first, first=first)
        done: queue.Queue[str] = queue.Queue(maxsize=2)
        cycle = Cycle(
            machine, maker, source, phase_s=self.setting.phase_s, pause_s=self.setting.pause_s,
            recipe=place.recipe, after=_unless_full(done),
        )  # fmt: skip
        self.cycles.append(cycle)
        threading.Thread(target=cycle.run, name=place.kind, daemon=True).start()
        return _from(done, cycle.stopped)

    # --- the broker --------------------------------------------------------------------------

    def _start_broker(self) -> str:
        program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
        if program is None:
            return ""
        port = _free_port()
        settings = self.folder / "mosquitto.conf"
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", "utf-8")
        self._broker = subprocess.Popen(
            [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        return f"mqtt://127.0.0.1:{port}"


def _unless_full(done: "queue.Queue[str]") -> Callable[[str], None]:
    def put(part: str) -> None:
        if not done.full():
            done.put(part)

    return put


def _from(done: "queue.Queue[str]", stopped: threading.Event) -> Iterator[str]:
    while not stopped.is_set():
        try:
            yield done.get(timeout=0.5)
        except queue.Empty:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_setting(folder: Path, setting: Setting) -> None:
    """Leave the settings where the machines look; the token is for the owner's eyes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS
    path.touch(mode=0o600)
    path.write_text(json.dumps(msgspec.to_builtins(setting), ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
