"""Machines: 200 of them, 1,000 results a minute, from an emulated machine to the trace's receipt.

A real broker, the gateway as a process of its own, a served trace. The time is from publishing a
result to the message that tells its machine that the trace holds it.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.serving import Served, serving
from bench.table import Row
from railtrace.devices import drivers
from railtrace.devices.emulate import Maker
from railtrace.devices.kit_line import free_port
from railtrace.devices.mqtt import client_of, connect

MACHINES, A_MINUTE, SECONDS = 200, 1000, 60
MEDIAN_S = 2.0
_UNITS = 500


def rows() -> list[Row]:
    """Measure the way of a result."""
    with tempfile.TemporaryDirectory(prefix="railtrace-bench-") as name:
        folder = Path(name)
        with serving(folder / "data") as served, broker(folder) as address:
            _register(served)
            with gateway(folder, served, address):
                return _rows(*_send(address))


def _rows(sent: dict[str, float], told: dict[str, float]) -> list[Row]:
    times = sorted(told[id_] - sent[id_] for id_ in told)
    median = statistics.median(times) if times else float("inf")
    late = times[int(len(times) * 0.95)] if times else float("inf")
    span = max(told.values()) - min(sent.values()) if told else float("inf")
    rate = len(told) / span * 60
    everything = len(told) == len(sent)
    return [
        Row(f"{MACHINES} machines: result to receipt, median (p95 {late:.2f} s)",
            f"{median:.2f} s", "–", "–", f"≤ {MEDIAN_S:g} s", median <= MEDIAN_S),
        Row(f"{MACHINES} machines: results sustained, {len(told)} of {len(sent)} arrived",
            f"{rate:,.0f}/min", f"sent {A_MINUTE:,}/min", f"{rate / A_MINUTE:.2f}", "≥ 0.95",
            everything and rate >= 0.95 * A_MINUTE),
    ]  # fmt: skip


def _register(served: Served) -> None:
    units = [
        {"kind": "Registered", "id": f"reg-{n}", "happened_at": "2026-01-01T00:00:00Z",
         "units": [f"u-{n}"], "type": "wheelset_freight",
         "numbers": [{"scheme": "other", "value": f"29-{n:05}"}]}
        for n in range(_UNITS)
    ]  # fmt: skip
    served.post(served.connect(), json.dumps(units).encode())


def _send(address: str) -> tuple[dict[str, float], dict[str, float]]:
    """Send at an even pace; return when each result was sent and when its machine was told."""
    makers = [Maker(drivers.driver("wheel_gauge"), f"S{n}", seed=n) for n in range(MACHINES)]
    sent: dict[str, float] = {}
    told: dict[str, float] = {}
    client: Any = client_of(address, "machines", keep=False)

    def message(_client: Any, _user: Any, got: Any) -> None:
        told.setdefault(json.loads(got.payload)["id"], time.perf_counter())
        client.ack(got.mid, got.qos)

    subscribed = threading.Event()
    client.on_message = message
    client.on_subscribe = lambda *_: subscribed.set()
    connect(client, address)
    client.loop_start()
    client.subscribe("bench/+/ack", 1)
    subscribed.wait(10)
    begin = time.perf_counter()
    for number in range(A_MINUTE * SECONDS // 60):
        machine = number % MACHINES
        made = makers[machine].make(f"29-{number % _UNITS:05}")
        time.sleep(max(0.0, begin + number * 60 / A_MINUTE - time.perf_counter()))
        sent[made.result_id] = time.perf_counter()
        client.publish(f"bench/{machine}/result", made.content, qos=1)
    give_up = time.perf_counter() + 60
    while len(told) < len(sent) and time.perf_counter() < give_up:
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    return sent, told


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run mosquitto."""
    port, settings = free_port(), folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
    )
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    process = subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def gateway(folder: Path, served: Served, address: str) -> Iterator[None]:
    """Run a gateway with all the machines; wait until it has registered them."""
    settings = folder / "gateway.toml"
    machines = "".join(
        f'[devices.d-{n}]\nkind = "wheel_gauge"\nserial = "S{n}"\naddress = "{address}"\n'
        f'topic = "bench/{n}"\n'
        for n in range(MACHINES)
    )
    page = free_port()
    settings.write_text(
        f'name = "g-bench"\nserver = "http://127.0.0.1:{served.port}"\ntoken = "{served.token}"\n'
        f'page = "127.0.0.1:{page}"\n{machines}'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "gateway", "run", str(settings)],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_connected(page)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_connected(page: int) -> None:
    import urllib.request

    for _ in range(600):
        time.sleep(0.2)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/status.json", timeout=5) as told:
                status = json.loads(told.read())
        except OSError:
            continue
        if status["depth"] == 0 and all(d["connected"] for d in status["devices"].values()):
            return


if __name__ == "__main__":
    for row in rows():
        print(row)
