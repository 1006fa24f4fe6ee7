"""MQTT 3.1.1 and 5, acknowledged by hand: a broker forgets a message once our disk has it.

`<topic>/result` and `<topic>/state` come from a machine; `<topic>/ack` tells it that the trace
holds a result. PUBACK ends one hop only, so a machine keeps its result until `ack`.
"""

import json
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from railtrace.devices.emulate import Made
from railtrace.devices.gateway.port import Port
from railtrace.devices.message import Message
from railtrace.errors import RailtraceError

ACK = "{topic}/ack"
_SESSION_S = 30 * 24 * 3600


def client_of(
    address: str, name: str, version: str = "3.1.1", keep: bool = True,
    safe: ssl.SSLContext | None = None,
) -> Any:  # fmt: skip
    """Return a client that acknowledges by hand and whose session the broker keeps."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    parts = urlsplit(address)
    five = version == "5"
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=name, manual_ack=True,
        protocol=paho.MQTTv5 if five else paho.MQTTv311, clean_session=None if five else not keep,
    )  # fmt: skip
    if parts.scheme == "mqtts":
        client.tls_set_context(safe or ssl.create_default_context())
    client.max_queued_messages_set(0)
    return client


def safety_of(authority: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Return whom to believe and who we are; without an authority, those of the system."""
    context = ssl.create_default_context(cafile=authority or None)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def connect(client: Any, address: str, version: str = "3.1.1") -> None:
    """Open the session. Raises OSError when there is no broker."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    parts = urlsplit(address)
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    if version == "5":
        lasting = Properties(PacketTypes.CONNECT)
        lasting.SessionExpiryInterval = _SESSION_S
        client.connect(parts.hostname, port, keepalive=20, clean_start=False, properties=lasting)
    else:
        client.connect(parts.hostname, port, keepalive=20)


class MqttLink:
    """One session with one broker for all the machines that speak through it."""

    def __init__(
        self, name: str, ports: Sequence[Port], watch: Sequence[str] = (),
        stray: Callable[[Message], bool] = lambda message: True,
    ) -> None:  # fmt: skip
        self.address, self.version = ports[0].device.address, ports[0].device.version
        self._name, self._ports, self._watch, self._stray = name, list(ports), watch, stray
        self._by_topic = {port.device.topic.strip("/"): port for port in ports}
        self._lost = threading.Event()
        self._reason = ""

    def run(self) -> None:
        """Serve until every port ends. Raises RailtraceError when the broker goes."""
        port, device = self._ports[0], self._ports[0].device
        client = client_of(self.address, self._name, self.version, safe=_safety(port))
        if device.user:
            secret = port.file(device.password_file).read_text("utf-8").strip()
            client.username_pw_set(device.user, secret)
        client.on_message, client.on_connect = self._message, self._connected
        client.on_disconnect = self._disconnected
        connect(client, self.address, self.version)
        self._lost.clear()
        client.loop_start()
        try:
            while not self._ports[0].ended and not self._lost.wait(0.05):
                self._acknowledge(client)
        finally:
            client.disconnect()
            client.loop_stop()
        if self._lost.is_set() and not self._ports[0].ended:
            raise RailtraceError(
                "the broker {address} is gone: {problem}", address=self.address,
                problem=self._reason,
            )  # fmt: skip

    def _connected(self, client: Any, user: Any, flags: Any, reason: Any, extra: Any) -> None:
        if reason.is_failure:
            self._reason = str(reason)
            self._lost.set()
            return
        topics = [f"{topic}/{what}" for topic in self._by_topic for what in ("result", "state")]
        client.subscribe([(topic, 1) for topic in (*topics, *self._watch)])
        for port in self._ports:
            port.alive()

    def _disconnected(self, client: Any, user: Any, flags: Any, reason: Any, extra: Any) -> None:
        self._reason = str(reason)
        self._lost.set()

    def _message(self, client: Any, user: Any, message: Any) -> None:
        """Acknowledge after the outbox has it; a full outbox leaves it with the broker."""
        if self._take(message.topic, bytes(message.payload)):
            client.ack(message.mid, message.qos)

    def _take(self, full: str, payload: bytes) -> bool:
        topic, _, what = full.rpartition("/")
        port = self._by_topic.get(topic)
        if port is not None and what == "ack":
            return True  # our own receipt, heard through a wide `watch`
        if port is None:
            from railtrace.devices.gateway.intake import utc_now

            return self._stray(Message(content=payload, received_at=utc_now(), channel=full))
        if what == "state":
            port.state(payload)
            return True
        return port.deliver(port.message(payload, full))

    def _acknowledge(self, client: Any) -> None:
        for port in self._ports:
            while ack := port.next_ack():
                told = json.dumps({"id": ack.result_id, "leaf_hash": ack.leaf_hash})
                topic = ACK.format(topic=port.device.topic.strip("/"))
                client.publish(topic, told, qos=1)
                port.told(ack)


def _safety(port: Port) -> ssl.SSLContext | None:
    device = port.device
    if not device.authority:
        return None
    named = (device.authority, device.client_certificate, device.client_key)
    return safety_of(*(str(port.file(name)) if name else "" for name in named))


class MqttMachine:
    """An emulated machine behind a broker."""

    def __init__(
        self, address: str, topic: str, name: str = "", version: str = "3.1.1",
        safe: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.address, self._topic, self._version = address, topic.strip("/"), version
        self._safe = safe
        self._name = name or f"m-{topic.replace('/', '-')}"
        self._client: Any = None
        self._told: set[str] = set()

    def start(self) -> None:
        """Open the session; it is opened again whenever the broker went."""
        client = self._client = client_of(
            self.address, self._name, self._version, keep=False, safe=self._safe
        )
        client.on_message = self._message
        client.on_connect = lambda *_: client.subscribe(f"{self._topic}/ack", 1)
        client.reconnect_delay_set(1, 5)
        connect(client, self.address, self._version)
        client.loop_start()

    def _message(self, client: Any, user: Any, message: Any) -> None:
        self._told.add(str(json.loads(message.payload)["id"]))
        client.ack(message.mid, message.qos)

    def show_state(self, content: bytes) -> None:
        """Publish the state; a lost one is followed by another."""
        self._publish("state", content, 0)

    def send(self, made: Made) -> None:
        """Publish a result."""
        self._publish("result", made.content, 1)

    def _publish(self, what: str, content: bytes, qos: int) -> None:
        self._client.publish(f"{self._topic}/{what}", content, qos=qos)

    def acknowledged(self, result_id: str) -> bool:
        """Whether `ack` came."""
        return result_id in self._told

    def stop(self) -> None:
        """End the session."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
