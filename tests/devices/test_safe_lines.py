"""Lines that are signed and encrypted: a real broker over TLS, a real OPC UA server."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from railtrace.config import Config
from railtrace.devices import drivers, manifest
from railtrace.devices.emulate import Cycle, Maker, around
from railtrace.devices.gateway import certificates
from railtrace.devices.gateway.config import Device, Gateway, mistakes
from railtrace.devices.gateway.run import Running
from railtrace.devices.mqtt import MqttMachine, safety_of
from railtrace.devices.opcua import OpcUaMachine
from railtrace.errors import ConfigError
from railtrace.operating import tls
from tests.devices.conftest import Broker, eventually, free_port
from tests.devices.trace_door import TraceDoor


class SafeBroker(Broker):
    """A mosquitto that speaks TLS only, to who shows a certificate it knows."""

    def __init__(self, folder: Path, server: tuple[Path, Path], known: Path) -> None:
        self._lines = (
            f"cafile {known}\ncertfile {server[0]}\nkeyfile {server[1]}\n"
            "require_certificate true\nuse_identity_as_username true\n"
        )
        super().__init__(folder)

    @property
    def address(self) -> str:
        return f"mqtts://localhost:{self.port}"

    def start(self) -> None:
        self._settings.write_text(self._settings.read_text() + self._lines)
        super().start()


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, tuple[Path, Path]]:
    """Return a gateway's folder with its certificate, an authority, and a server's two files."""
    folder = tmp_path_factory.mktemp("papers")
    config = Config(data=str(folder / "data"), name="tests")
    tls.issue(config, ["localhost"], datetime.now(UTC))
    own = folder / "gateway"
    own.mkdir()
    certificates.make(own, "g-1", datetime.now(UTC))
    server = tls.server_files(config)
    return own, tls.folder_of(config) / tls.AUTHORITY.certificate, server


@pytest.fixture
def safe_broker(tmp_path: Path, papers: tuple[Path, Path, tuple[Path, Path]]) -> Iterator[Broker]:
    own, _, server = papers
    found = SafeBroker(tmp_path / "broker", server, own / certificates.CERTIFICATE)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.kill()


def carried(device: Device, folder: Path, machine: object, trace: TraceDoor) -> list[str]:
    """Let a machine make two results; return the numbers the trace got and the machine heard of."""
    config = Gateway(name="g-1", server=trace.address, token="t", folder=str(folder),
                     devices={"d-1": device})  # fmt: skip
    assert mistakes(config) == []
    gateway, maker = Running(config, first_wait_s=0.1), Maker(drivers.driver(device.kind), seed=3)
    cycle = Cycle(machine, maker, around(["29-14873-09"]), phase_s=0, pause_s=0)  # type: ignore[arg-type]
    try:
        gateway.start()
        threading.Thread(target=cycle.run, args=(2,), daemon=True).start()
        eventually(lambda: len(trace.of("MachineResult")) >= 2, 60)
        eventually(lambda: machine.acknowledged(cycle.made[-1].result_id), 20)  # type: ignore[attr-defined]
    finally:
        cycle.stopped.set()
        gateway.stop()
    return [one["result_id"] for one in trace.of("MachineResult")]


def own_files(own: Path) -> dict[str, str]:
    return {"client_certificate": str(own / certificates.CERTIFICATE),
            "client_key": str(own / certificates.KEY)}  # fmt: skip


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_results_come_over_mqtt_with_tls_and_both_sides_known(
    version: str, tmp_path: Path, papers: tuple[Path, Path, tuple[Path, Path]], safe_broker: Broker,
    trace: TraceDoor,
) -> None:
    own, authority, _ = papers
    device = Device(address=safe_broker.address, kind="wheel_gauge", topic="depot/gauge",
                    version=version, authority=str(authority), **own_files(own))  # type: ignore[arg-type]
    safe = safety_of(str(authority), *own_files(own).values())
    machine = MqttMachine(safe_broker.address, "depot/gauge", version=version, safe=safe)
    machine.start()
    try:
        assert len(carried(device, tmp_path, machine, trace)) == 2
    finally:
        machine.stop()


def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(
    tmp_path: Path, papers: tuple[Path, Path, tuple[Path, Path]], safe_broker: Broker,
    trace: TraceDoor,
) -> None:
    own, _, _ = papers
    stranger = Device(address=safe_broker.address, kind="wheel_gauge", topic="depot/gauge",
                      authority=str(own / certificates.CERTIFICATE), **own_files(own))  # fmt: skip
    config = Gateway(name="g-1", server=trace.address, token="t", folder=str(tmp_path),
                     devices={"d-1": stranger})  # fmt: skip
    gateway = Running(config, first_wait_s=0.1)
    gateway.start()
    try:
        said = eventually(lambda: gateway.ports["d-1"].error)
        assert "certificate" in str(said).lower()
    finally:
        gateway.stop()


@pytest.mark.parametrize("mode", ["sign_encrypt", "sign"])
def test_results_come_over_opc_ua_signed_and_encrypted(
    mode: str, tmp_path: Path, papers: tuple[Path, Path, tuple[Path, Path]], trace: TraceDoor
) -> None:
    own, _, _ = papers
    theirs = tmp_path / "machine"
    theirs.mkdir()
    certificates.make(theirs, "washer", datetime.now(UTC))
    pair = (theirs / certificates.CERTIFICATE, theirs / certificates.KEY)
    told = manifest.manifest("wheelset_washer")
    machine = OpcUaMachine(f"opc.tcp://127.0.0.1:{free_port()}", told, pair)
    machine.start()
    device = Device(address=machine.address, kind="wheelset_washer", every_s=0.1,
                    security=mode, authority=str(pair[0]), **own_files(own))  # type: ignore[arg-type]
    try:
        assert len(carried(device, tmp_path, machine, trace)) == 2
        open_line = replace(device, security="", authority="", client_certificate="", client_key="")
        config = Gateway(name="g-1", server=trace.address, token="t", data="other",
                         folder=str(tmp_path), devices={"d-1": open_line})  # fmt: skip
        gateway = Running(config, first_wait_s=0.1)
        gateway.start()
        try:
            assert eventually(lambda: gateway.ports["d-1"].error), "an open line is not taken"
        finally:
            gateway.stop()
    finally:
        machine.stop()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"security": "sign_encrypt"}, "security sign_encrypt needs authority"),
        ({"client_key": "key.pem"}, "client_certificate and client_key belong together"),
        ({"authority": "none.pem"}, "authority .*none.pem is not there"),
        ({"authority": "there.pem"}, "the line is open"),
        ({"address": "mqtt://b", "kind": "wheel_gauge", "topic": "t", "security": "sign"},
         "security is of OPC UA"),
    ],
)  # fmt: skip
def test_half_a_safe_line_is_named(tmp_path: Path, more: dict[str, str], said: str) -> None:
    (tmp_path / "there.pem").write_text("x")
    device = Device(**({"address": "opc.tcp://m:4840", "kind": "wheelset_washer"} | more))  # type: ignore[arg-type]
    config = Gateway(name="g-1", server="http://t", token="t", folder=str(tmp_path),
                     devices={"d-1": device})  # fmt: skip
    with pytest.raises(AssertionError, match=said):
        assert not mistakes(config), " ".join(map(str, mistakes(config)))


def test_a_gateway_s_certificate_is_made_once_and_names_its_application(tmp_path: Path) -> None:
    from tests.operating.served import environment

    (tmp_path / "gateway.toml").write_text('name = "g-7"\nserver = "http://t"\ntoken = "t"\n')
    told = subprocess.run(
        [sys.executable, "-m", "railtrace.cli", "gateway", "certificate", "gateway.toml"],
        cwd=tmp_path, text=True, capture_output=True, env=environment(tmp_path), check=False,
    )  # fmt: skip
    made = tmp_path / certificates.CERTIFICATE
    assert certificates.address_in(made) == "urn:railtrace:gateway:g-7", told.stderr
    assert (tmp_path / certificates.KEY).stat().st_mode & 0o77 == 0
    with pytest.raises(ConfigError, match="is there"):
        certificates.make(tmp_path, "g-7", datetime.now(UTC))
    with pytest.raises(ConfigError, match="no certificate"):
        certificates.address_in(tmp_path / "gateway.toml")
