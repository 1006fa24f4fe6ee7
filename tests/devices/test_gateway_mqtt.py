"""A gateway between a real broker and the trace's door."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from railtrace.devices import drivers
from railtrace.devices.gateway.config import Gateway, load
from railtrace.devices.gateway.run import Running
from railtrace.devices.mqtt import MqttLink, client_of, connect
from tests.devices.conftest import Broker, eventually
from tests.devices.trace_door import TraceDoor

SAMPLES = drivers.driver("wheel_gauge").folder / "samples"
SETTINGS = """
name = "g-1"
server = "{server}"
token = "t"
site = "depot"
language = "en"
watch = ["depot/+/result"]
{more}
[devices.d-gauge]
kind = "wheel_gauge"
serial = "0417"
address = "{address}"
topic = "depot/gauge"
{device}
"""
Start = Callable[..., Running]


def profile(**changes: Any) -> dict[str, Any]:
    told = json.loads((SAMPLES / "worn.json").read_text())
    for path, value in changes.items():
        if "__" in path:
            side, name = path.split("__")
            told[side][name] = value
        else:
            told[path] = value
    return told


class Gauge:
    """A gauge that keeps its result until the trace has it."""

    def __init__(self, address: str) -> None:
        self.acks: list[dict[str, Any]] = []
        self._client = client_of(address, "gauge", keep=False)
        self._client.on_message = self._told
        connect(self._client, address)
        self._client.subscribe("depot/gauge/ack", 1)
        self._client.loop_start()

    def _told(self, client: Any, user: Any, message: Any) -> None:
        self.acks.append(json.loads(message.payload))
        client.ack(message.mid, message.qos)

    def send(self, told: object, topic: str = "depot/gauge/result") -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self._client.publish(topic, body, qos=1).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def gauge(broker: Broker) -> Iterator[Gauge]:
    found = Gauge(broker.address)
    yield found
    found.close()


def settings(folder: Path, server: str, address: str, more: str = "", device: str = "") -> Gateway:
    path = folder / "gateway.toml"
    path.write_text(SETTINGS.format(server=server, address=address, more=more, device=device))
    return load(path)


@pytest.fixture
def start(tmp_path: Path, broker: Broker, trace: TraceDoor) -> Iterator[Start]:
    running: list[Running] = []

    def begin(more: str = "", device: str = "", connected: bool = True) -> Running:
        config = settings(tmp_path, trace.address, broker.address, more, device)
        found = Running(config, first_wait_s=0.1)
        running.append(found)
        found.start()
        if connected:
            eventually(lambda: found.ports["d-gauge"].connected)
        return found

    yield begin
    for one in running:
        one.stop()


def test_a_result_goes_into_the_trace_and_its_machine_is_told(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    start()
    gauge.send(profile())
    ack = eventually(lambda: gauge.acks)[0]
    (measured,) = trace.of("Measured")
    (envelope,) = trace.of("MachineResult")
    assert ack["id"] == "0417-20261120-0007"
    assert len(ack["leaf_hash"]) == 64
    assert measured["readings"][0] == {
        "quantity": "flange_thickness", "place": "left", "value": "28.35", "unit": "mm",
        "uncertainty": "0.2",
    }  # fmt: skip
    assert envelope["facts"] == [measured["id"]]
    assert (envelope["gateway"], envelope["evaluation"]) == ("g-1", "ok")


def test_the_machine_is_registered_once_whatever_the_number_of_starts(
    start: Start, trace: TraceDoor
) -> None:
    start().stop()
    start()
    eventually(lambda: trace.of("MachineRegistered"))
    (registered,) = trace.of("MachineRegistered")
    assert registered["units"] == ["d-gauge"]
    assert registered["serial"] == "0417"
    (unit,) = trace.of("Registered")
    assert (unit["type"], unit["units"]) == ("wheel_gauge", ["d-gauge"])


def test_a_repeated_result_is_recorded_once_and_acknowledged_again(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    start()
    gauge.send(profile())
    eventually(lambda: gauge.acks)
    gauge.send(profile())
    eventually(lambda: len(gauge.acks) == 2)
    assert len(trace.of("Measured")) == 1


def test_a_live_state_reaches_the_trace_and_is_not_recorded(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    start()
    gauge.send({"phase": "left", "part": "29-14873-09", "battery": 80}, "depot/gauge/state")
    live = eventually(lambda: [one for one in trace.live if one.get("phase") == "left"])[0]
    assert live["tags"]["battery"] == {"value": "80", "unit": "%"}
    assert trace.of("MachineResult") == []


def test_results_wait_while_the_trace_is_away_and_go_when_it_is_back(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    trace.away = True
    gateway = start()
    for number in range(5):
        gauge.send(profile(id=f"r-{number}"))
    eventually(lambda: gateway.outbox.depth() == 6)
    assert gauge.acks == []
    trace.away = False
    eventually(lambda: len(gauge.acks) == 5, 20)
    assert len(trace.of("Measured")) == 5
    assert gateway.outbox.depth() == 0


# --- what waits for a person ------------------------------------------------------------------


def held(gateway: Running) -> Any:
    return eventually(gateway.outbox.held)[0]


def test_an_unknown_machine_is_named_by_its_topic(start: Start, gauge: Gauge) -> None:
    gateway = start()
    gauge.send(profile(), "depot/other/result")
    assert "no machine is registered at depot/other/result" in held(gateway).why


def test_another_serial_number_in_a_machines_place_is_held(start: Start, gauge: Gauge) -> None:
    gateway = start()
    gauge.send(profile(serial="0999"))
    assert "registered with serial number 0417, and 0999 sends in its place" in held(gateway).why


def test_two_machines_with_one_serial_are_noticed_by_their_results(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    gateway = start()
    gauge.send(profile())
    gauge.send(profile(left__sd=26.1))
    assert "two machines have one serial number" in held(gateway).why
    eventually(lambda: trace.of("Measured"))


def test_a_reading_no_such_gauge_can_show_is_held(start: Start, gauge: Gauge) -> None:
    gateway = start(device='ranges = { flange_thickness = ["20", "40"] }')
    gauge.send(profile(left__sd=41.2))
    assert "Flange thickness (left): 41.2 [20 … 40] mm" in held(gateway).why


def test_an_expired_certificate_is_remarked_and_the_result_goes_on(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    start(device="certificate = { valid_to = 2026-10-31 }")
    gauge.send(profile())
    (envelope,) = eventually(lambda: trace.of("MachineResult"))
    assert envelope["remarks"] == ["certificate_expired 2026-10-31"]


def test_a_part_that_is_not_in_this_depot_waits_and_can_be_mended(
    start: Start, gauge: Gauge, trace: TraceDoor
) -> None:
    trace.unknown_parts = {"29-14873-09"}
    gateway = start()
    gauge.send(profile())
    row = held(gateway)
    assert row.why == "the trace refuses it: no unit bears the number"
    from railtrace.devices.gateway.by_hand import send

    send(gateway.outbox, row.seq, part="29-14873-08")
    gateway.sender.wake()
    (measured,) = eventually(lambda: trace.of("Measured"))
    assert measured["marks"] == ["29-14873-08"]
    assert trace.of("MachineResult")[0]["part"] == "29-14873-09"
    assert trace.of("MachineResult")[0]["remarks"] == ["part_corrected"]


def test_a_frame_that_cannot_be_read_is_kept_with_its_bytes(start: Start, gauge: Gauge) -> None:
    gateway = start()
    gauge.send(json.dumps(profile()).encode()[:80])
    row = held(gateway)
    assert "the frame cannot be read" in row.why
    assert len(gateway.outbox.message(row.seq).content) == 80


def test_the_gateway_s_own_receipt_heard_through_a_wide_watch_is_no_message() -> None:
    taken: list[Any] = []
    port: Any = SimpleNamespace(
        device=SimpleNamespace(address="mqtt://h", version="5", topic="depot/gauge"),
        message=lambda payload, channel: (channel, payload),
        deliver=lambda message: taken.append(message) is None,
    )
    link = MqttLink("g", [port], ("depot/#",), lambda message: taken.append(message) is None)
    assert link._take("depot/gauge/ack", b"{}")
    assert taken == []
    assert link._take("depot/gauge/result", b"{}")
    assert taken == [("depot/gauge/result", b"{}")]
