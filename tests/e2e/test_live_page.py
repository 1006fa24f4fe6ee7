"""From an emulated machine to what stands on an open page: how long it takes, and under load."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page

from railtrace.devices import drivers
from railtrace.devices.emulate import Made, Maker
from railtrace.devices.mqtt import MqttMachine
from tests.devices.conftest import Broker, broker, eventually  # noqa: F401 - a fixture
from tests.e2e.conftest import SPARE, Depot

GAUGE = "d-live-gauge"
BAR_S = 2.0


@contextmanager
def gateway(folder: Path, depot: Depot, of: Broker, devices: dict[str, str]) -> Iterator[None]:
    """Run a gateway of some gauges, each on its topic."""
    environment = os.environ | {"RAILTRACE_DATA": str(depot.folder)}
    made = subprocess.run(
        [sys.executable, "-m", "railtrace.cli", "token", "create", f"live-{len(devices)}",
         "--scope", "record", "--json"],
        env=environment, capture_output=True, text=True, check=True, cwd=depot.folder,
    )  # fmt: skip
    token = json.loads(made.stdout)["token"]
    path = folder / "gateway.toml"
    path.write_text(
        f'name = "g-live-{len(devices)}"\nserver = "{depot.url}"\ntoken = "{token}"\n' + "".join(
            f'[devices.{name}]\nkind = "wheel_gauge"\naddress = "{of.address}"\n'
            f'topic = "{topic}"\n'
            for name, topic in devices.items()
        ), "utf-8",
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "gateway", "run", str(path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def lag_of(page: Page, machine: MqttMachine, one: Made) -> float:
    """Return the seconds from sending a result to its entry standing on the open page."""
    began = time.monotonic()
    machine.send(one)
    seal = page.locator(f"[data-part=made] a.seal[href*='{one.result_id}']")
    seal.first.wait_for(state="attached", timeout=20_000)
    return time.monotonic() - began


def opened(at_work: Callable[..., Page]) -> Page:
    """Return the gauge's page, open and never loaded again by hand."""
    page = at_work("worker")
    eventually(lambda: page.goto(f"/depot/equipment/{GAUGE}").status == 200, 30)  # type: ignore[union-attr]
    return page


@pytest.mark.slow
def test_a_result_stands_on_an_open_page_within_two_seconds(
    tmp_path: Path, depot: Depot, at_work: Callable[..., Page], broker: Broker  # noqa: F811
) -> None:
    machine = MqttMachine(broker.address, "depot/live")
    maker = Maker(drivers.driver("wheel_gauge"), "L", seed=11)
    with gateway(tmp_path, depot, broker, {GAUGE: "depot/live"}):
        machine.start()
        page = opened(at_work)
        lags = [lag_of(page, machine, maker.make(SPARE)) for _ in range(5)]
        machine.stop()
    print("lags [s]:", [round(lag, 2) for lag in lags])
    assert median(lags) < BAR_S


@pytest.mark.nightly
def test_two_hundred_machines_send_a_thousand_results_a_minute_beside_a_live_page(
    tmp_path: Path, depot: Depot, at_work: Callable[..., Page], broker: Broker  # noqa: F811
) -> None:
    devices = {GAUGE: "depot/live"} | {f"d-load-{n:03}": f"load/{n:03}" for n in range(199)}
    machine = MqttMachine(broker.address, "depot/live")
    others = MqttMachine(broker.address, "load/000", name="m-load")
    maker = Maker(drivers.driver("wheel_gauge"), serial="N", seed=12)
    others_maker = Maker(drivers.driver("wheel_gauge"), serial="O", seed=13)
    lags, sent = [], 0
    with gateway(tmp_path, depot, broker, devices):
        machine.start()
        others.start()
        page = opened(at_work)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < 60:
            while sent < passed * 1000 / 60:
                others._client.publish(
                    f"load/{sent % 199:03}/result", others_maker.make(SPARE).content, qos=1
                )
                sent += 1
            if passed > 4 * (len(lags) + 1):
                lags.append(lag_of(page, machine, maker.make(SPARE)))
            time.sleep(0.02)
        eventually(lambda: recorded(depot) >= sent + len(lags), 20)
        machine.stop()
        others.stop()
    print(f"sent {sent} in 60 s, lags [s]:", [round(lag, 2) for lag in lags])
    assert sent >= 1000
    assert median(lags) < BAR_S


def recorded(depot: Depot) -> int:
    """Return how many results of these gateways the trace holds."""
    from railtrace.store.sqlite import Sqlite

    database = Sqlite(depot.folder / "views.db")
    try:
        rows = database.query(
            "SELECT COUNT(*) FROM made_with WHERE kind = 'MachineResult' AND"
            " (device LIKE 'd-load-%' OR device = ?)", (GAUGE,)
        )
        return int(rows[0][0])
    finally:
        database.close()
