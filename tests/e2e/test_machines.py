"""From a machine to the trace's pages through a real broker, a real gateway and a served app.

Results are sent while the server is down; the gateway is killed again and again, the broker too.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from railtrace.devices import drivers
from railtrace.devices.emulate import Made, Maker
from railtrace.devices.mqtt import MqttMachine
from tests.devices.conftest import Broker, broker, eventually  # noqa: F401 - a fixture
from tests.operating.served import Server, railtrace, started, token_for

UNIT = {
    "kind": "Registered", "id": "reg-ws", "happened_at": "2026-01-01T08:00:00+05:00",
    "units": ["u-ws"], "type": "wheelset_freight",
    "numbers": [{"scheme": "other", "value": "29-14873-09"}],
}  # fmt: skip


def settings(folder: Path, server: Server, token: str, of: Broker) -> Path:
    path = folder / "gateway.toml"
    path.write_text(
        f'name = "g-1"\nserver = "http://127.0.0.1:{server.port}"\ntoken = "{token}"\n'
        f'[devices.d-gauge]\nkind = "wheel_gauge"\naddress = "{of.address}"\n'
        'topic = "depot/gauge"\n',
        "utf-8",
    )
    return path


def gateway(settings: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "gateway", "run", str(settings)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


class Sender:
    """A machine that sends a result again until it is acknowledged, as many at once as it has."""

    def __init__(self, address: str, made: list[Made]) -> None:
        self.waiting = {one.result_id: one for one in made}
        self._machine = MqttMachine(address, "depot/gauge")
        self._stopped = threading.Event()
        self._machine.start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for id_, made in list(self.waiting.items()):
                if self._machine.acknowledged(id_):
                    del self.waiting[id_]
                else:
                    self._machine.send(made)
            self._stopped.wait(3.0)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(10)
        self._machine.stop()


def carried(folder: Path, mosquitto: Broker, results: int, kills: int) -> dict[str, int]:
    """Send results while the server is down and things are killed; return ids by how often."""
    depot = folder / "depot"
    depot.mkdir()
    token = token_for(depot)
    server = started(depot)
    server.send([UNIT], token)
    path = settings(folder, server, token, mosquitto)
    port = server.port
    server.kill()
    maker = Maker(drivers.driver("wheel_gauge"), seed=5)
    made = [maker.make("29-14873-09") for _ in range(results)]
    running, sender = gateway(path), Sender(mosquitto.address, made)
    try:
        for number in range(kills):
            time.sleep(1.5)
            running.send_signal(signal.SIGKILL)
            running.wait(10)
            if number == kills // 2:
                mosquitto.kill()
                time.sleep(0.5)
                mosquitto.start()
            running = gateway(path)
        server = started(depot, port)
        eventually(lambda: not sender.waiting, 60 + results / 2)
    finally:
        sender.stop()
        running.terminate()
        running.wait(30)
        server.end()
    return _recorded(depot, {one.result_id for one in made})


def _recorded(depot: Path, wanted: set[str]) -> dict[str, int]:
    from railtrace.config import load as load_config
    from railtrace.store.sqlite import Sqlite
    from railtrace.store.trace import DatabaseTraceStore

    config = load_config(environment={"RAILTRACE_DATA": str(depot / "data")})
    store = DatabaseTraceStore(Sqlite(config.data_folder / "trace.db"))
    found: dict[str, int] = dict.fromkeys(wanted, 0)
    for _, leaf in store.leaves("main", 0, store.head("main").size, ["MachineResult"]):
        operation: dict[str, Any] = json.loads(leaf)["operation"]
        found[operation["result_id"]] += 1
    store.close()
    return found


@pytest.mark.slow
def test_results_sent_while_everything_falls_arrive_exactly_once(
    tmp_path: Path, broker: Broker  # noqa: F811
) -> None:
    assert set(carried(tmp_path, broker, results=20, kills=2).values()) == {1}


@pytest.mark.nightly
def test_a_thousand_results_arrive_exactly_once_through_ten_kills(
    tmp_path: Path, broker: Broker  # noqa: F811
) -> None:
    found = carried(tmp_path, broker, results=1000, kills=10)
    assert len(found) == 1000
    assert set(found.values()) == {1}


@pytest.mark.nightly
def test_a_restored_server_gets_again_what_its_backup_lacks(
    tmp_path: Path, broker: Broker  # noqa: F811
) -> None:
    depot = tmp_path / "depot"
    depot.mkdir()
    token = token_for(depot)
    server = started(depot)
    server.send([UNIT], token)
    path, port = settings(tmp_path, server, token, broker), server.port
    done = railtrace(depot, "backup", str(tmp_path / "backups"))
    assert done.returncode == 0, done.stderr
    maker = Maker(drivers.driver("wheel_gauge"), seed=5)
    made = [maker.make("29-14873-09") for _ in range(5)]
    running, sender = gateway(path), Sender(broker.address, made)
    try:
        eventually(lambda: not sender.waiting, 60)
        server.kill()
        os.rename(depot / "data", depot / "lost")
        done = railtrace(depot, "restore", str(tmp_path / "backups"))
        assert done.returncode == 0, done.stderr
        assert set(_recorded(depot, {one.result_id for one in made}).values()) == {0}
        server = started(depot, port)
        eventually(
            lambda: set(_recorded(depot, {one.result_id for one in made}).values()) == {1}, 90
        )
    finally:
        sender.stop()
        running.terminate()
        running.wait(30)
        server.end()

