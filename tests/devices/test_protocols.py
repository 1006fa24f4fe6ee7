"""Every kind over its real protocol: an emulated machine, a gateway, the trace's door."""

import os
import select
import threading
import tty
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from railtrace.devices import drivers, manifest
from railtrace.devices.emulate import Cycle, Machine, Maker, around
from railtrace.devices.emulators import machine_of
from railtrace.devices.gateway.config import Device, Gateway
from railtrace.devices.gateway.run import Running
from tests.devices.conftest import Broker, eventually, free_port
from tests.devices.trace_door import TraceDoor

SCHEMES = {"opcua": "opc.tcp://127.0.0.1:{port}", "modbus": "tcp://127.0.0.1:{port}",
           "s7": "s7://127.0.0.1:{port}"}  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    found = Broker(tmp_path_factory.mktemp("broker"))
    yield found
    found.kill()


def emulated(kind: str, folder: Path, broker: Broker) -> Machine:
    told = manifest.manifest(kind)
    protocol = told.protocols[0]
    address = SCHEMES.get(protocol, "").format(port=free_port())
    if protocol == "folder":
        address = str(folder / "machine")
    machine = machine_of(told, address or broker.address, f"depot/{kind}")
    machine.start()
    return machine


def gateway_for(kind: str, machine: Machine, folder: Path, trace: TraceDoor) -> Running:
    device = Device(address=machine.address, kind=kind, every_s=0.1, topic=f"depot/{kind}")
    config = Gateway(
        name="g-1", server=trace.address, token="t", site="depot", folder=str(folder),
        devices={"d-1": device},
    )  # fmt: skip
    return Running(config, first_wait_s=0.1)


def _kinds() -> list[object]:
    """A kind like another differs by data only, which its samples show; a server is slow."""
    return [
        pytest.param(kind, marks=pytest.mark.nightly if manifest.manifest(kind).like else ())
        for kind in manifest.kinds()
    ]


@pytest.mark.parametrize("kind", _kinds())
def test_results_of_a_machine_reach_the_trace_as_they_were(
    kind: str, tmp_path: Path, broker: Broker, trace: TraceDoor
) -> None:
    maker = Maker(drivers.driver(kind), seed=7)
    machine = emulated(kind, tmp_path, broker)
    gateway = gateway_for(kind, machine, tmp_path, trace)
    cycle = Cycle(machine, maker, around(["29-14873-09", "5-88121-16"]), phase_s=0, pause_s=0)
    try:
        gateway.start()
        threading.Thread(target=cycle.run, args=(2,), daemon=True).start()
        envelopes = eventually(lambda: len(trace.of("MachineResult")) >= 2 and
                               trace.of("MachineResult"), 60)  # fmt: skip
        eventually(lambda: machine.acknowledged(cycle.made[-1].result_id))
    finally:
        cycle.stopped.set()
        machine.stop()
        gateway.stop()
    assert [one["result_id"] for one in envelopes] == [made.result_id for made in cycle.made]
    assert all(one["simulated"] for one in envelopes)
    for envelope, made in zip(envelopes, cycle.made, strict=True):
        fact = trace.entries[envelope["facts"][0]]
        told = {
            ".".join(filter(None, (r["quantity"], r.get("place", ""), r.get("moment", "")))): r
            for r in fact["readings"]
        }  # fmt: skip
        for field in manifest.manifest(kind).fields:
            if not field.limit:
                assert Decimal(told[field.name]["value"]) == Decimal(made.truth[field.name])
                assert told[field.name]["unit"] == field.unit
        for evidence in fact.get("evidence", ()):
            assert len(trace.files[evidence["sha256"]]) == evidence["size"]


def _bridge(ends: list[int], stopped: threading.Event) -> None:
    """Carry bytes between two pseudo-terminals, as a cable does."""
    while not stopped.is_set():
        for ready in select.select(ends, [], [], 0.1)[0]:
            other = ends[1 - ends.index(ready)]
            os.write(other, os.read(ready, 256))


@pytest.fixture
def cable() -> Iterator[tuple[str, str]]:
    masters, slaves = zip(*(os.openpty() for _ in range(2)), strict=True)
    for end in slaves:
        tty.setraw(end)
    stopped = threading.Event()
    carrier = threading.Thread(target=_bridge, args=(list(masters), stopped), daemon=True)
    carrier.start()
    yield os.ttyname(slaves[0]), os.ttyname(slaves[1])
    stopped.set()
    carrier.join(5)
    for end in (*masters, *slaves):
        os.close(end)


def test_a_meter_speaks_modbus_rtu_over_a_serial_line(
    cable: tuple[str, str], tmp_path: Path, trace: TraceDoor
) -> None:
    told = manifest.manifest("fuel_meter")
    machine = machine_of(told, f"rtu://{cable[0]}")
    machine.start()
    made = Maker(drivers.driver("fuel_meter")).make("2411")
    machine.send(made)
    device = Device(address=f"rtu://{cable[1]}", kind="fuel_meter", every_s=0.1)
    config = Gateway(name="g-1", server=trace.address, token="t", folder=str(tmp_path),
                     devices={"d-1": device})  # fmt: skip
    gateway = Running(config, first_wait_s=0.1)
    gateway.start()
    try:
        eventually(lambda: machine.acknowledged(made.result_id), 60)
    finally:
        gateway.stop()
        machine.stop()
    assert trace.of("Measured")[0]["marks"] == ["2411"]


def test_a_machine_that_is_off_at_the_start_is_found_when_it_comes(
    tmp_path: Path, trace: TraceDoor
) -> None:
    told = manifest.manifest("load_bank")
    address = SCHEMES["modbus"].format(port=free_port())
    config = Gateway(
        name="g-1", server=trace.address, token="t", folder=str(tmp_path),
        devices={"d-1": Device(address=address, kind="load_bank", every_s=0.1)},
    )  # fmt: skip
    gateway = Running(config, first_wait_s=0.1)
    gateway.start()
    try:
        eventually(lambda: "no Modbus slave answers" in str(gateway.ports["d-1"].error))
        machine = machine_of(told, address)
        machine.start()
        machine.send(Maker(drivers.driver("load_bank")).make("2411"))
        eventually(lambda: trace.of("Tested"), 60)
        machine.stop()
    finally:
        gateway.stop()
