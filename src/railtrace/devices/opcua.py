"""OPC UA: results are read, never rebuilt from streams of tags. `opc.tcp://host:port/path`.

The nodes of a machine are `<prefix><path>` in one namespace, the paths those of its manifest. A
new ResultId is a new result: all nodes are read in one request. `AcknowledgeResults` (OPC
40001-101 1.01) is called after the trace's receipt. asyncua is LGPL and used as it is.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from railtrace.devices.emulate import Made
from railtrace.devices.gateway.certificates import address_in
from railtrace.devices.gateway.port import Port
from railtrace.devices.manifest import Manifest, places
from railtrace.devices.server_thread import ServerThread
from railtrace.errors import RailtraceError

NAMESPACE = "urn:railtrace:machine"
ACKNOWLEDGE = "ResultManagement.AcknowledgeResults"
_TIMEOUT_S = 4.0
_QUIETLY = 0.2


class OpcUaLink:
    """One session with one server."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._result, self._state = node_paths(port.manifest)

    def run(self) -> None:
        """Read results until the port ends."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        from asyncua import Client

        opened = Client(self._port.device.address, timeout=_TIMEOUT_S)
        await self._secure(opened)
        async with opened as client:
            space = await client.get_namespace_index(NAMESPACE)
            last = ""
            while not self._port.ended:
                last = await self._look(client, space, last)
                await self._acknowledge(client, space)
                await self._rest()

    async def _secure(self, client: Any) -> None:
        """Sign, and encrypt, with our own certificate, to a server whose certificate we hold."""
        from asyncua import ua
        from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

        port, device = self._port, self._port.device
        if device.user:
            client.set_user(device.user)
            client.set_password(port.file(device.password_file).read_text("utf-8").strip())
        if not device.security:
            return
        modes = ua.MessageSecurityMode
        own = port.file(device.client_certificate)
        client.application_uri = address_in(own)
        await client.set_security(
            SecurityPolicyBasic256Sha256, own, port.file(device.client_key),
            server_certificate=str(port.file(device.authority)),
            mode=modes.Sign if device.security == "sign" else modes.SignAndEncrypt,
        )

    async def _rest(self) -> None:
        left = self._port.device.every_s
        while left > 0 and not self._port.ended:
            await asyncio.sleep(min(_QUIETLY, left))
            left -= _QUIETLY

    async def _look(self, client: Any, space: int, last: str) -> str:
        state = await self._read(client, space, self._state)
        self._port.state(_json(state))
        number = str(self._port.manifest.envelope.result_id.at)
        told = await self._read(client, space, [number])
        new = str(told.get(number) or "")
        if not new or new == last:
            return last
        content = _json(await self._read(client, space, self._result))
        # A result that changed while it was read is read again at the next look.
        again = await self._read(client, space, [number])
        if again != told:
            return last
        return new if self._port.deliver(self._port.message(content)) else last

    def _node(self, client: Any, space: int, path: str) -> Any:
        return client.get_node(f"ns={space};s={self._port.device.prefix}{path}")

    async def _read(self, client: Any, space: int, paths: list[str]) -> dict[str, Any]:
        from asyncua import ua

        nodes = [self._node(client, space, path) for path in paths]
        values = await client.read_attributes(nodes, ua.AttributeIds.Value)
        return {
            path: value.Value.Value
            for path, value in zip(paths, values, strict=True)
            if value.StatusCode.is_good() and value.Value is not None
        }

    async def _acknowledge(self, client: Any, space: int) -> None:
        while ack := self._port.next_ack():
            parent = self._node(client, space, ACKNOWLEDGE.partition(".")[0])
            await parent.call_method(self._node(client, space, ACKNOWLEDGE), [ack.result_id])
            self._port.told(ack)


def node_paths(manifest: Manifest) -> tuple[list[str], list[str]]:
    """Return the paths of a result's nodes and of the state's nodes."""
    columns = [column for trace in manifest.traces for column in trace.columns]
    result = sorted({str(place.at) for place in [*dict(places(manifest)).values(), *columns]})
    live = manifest.live
    state = [str(tag.at) for tag in manifest.tags]
    if live is not None:
        state += [str(p.at) for p in (live.phase, live.part, live.recipe) if p is not None]
    return result, sorted(set(state))


def _json(flat: dict[str, Any]) -> bytes:
    document: dict[str, Any] = {}
    for path, value in flat.items():
        found = document
        *way, last = path.split(".")
        for step in way:
            found = found.setdefault(step, {})
        found[last] = value
    return json.dumps(document, ensure_ascii=False, default=str).encode()


class OpcUaMachine:
    """An emulated server, its nodes made by hand after the manifest."""

    def __init__(
        self, address: str, manifest: Manifest, secured: tuple[Path, Path] | None = None
    ) -> None:
        """`secured`: certificate and key; the server then takes signed and encrypted lines only."""
        self.address, self._manifest, self._secured = address, manifest, secured
        self._end = threading.Event()
        self._thread = ServerThread(self._serve)
        self._nodes: dict[str, Any] = {}
        self._empty = _empty_values(manifest)
        self._told: set[str] = set()

    def start(self) -> None:
        """Serve."""
        if not self._thread.start(120):
            raise RailtraceError("the emulated server at {address} does not start: {problem}",
                                 address=self.address, problem=self._thread.problem)  # fmt: skip

    async def _serve(self) -> None:
        from asyncua import Server

        server = Server()
        await server.init()
        server.set_endpoint(self.address)
        await self._close_line(server)
        space = await server.register_namespace(NAMESPACE)
        await self._make_nodes(server, space)
        async with server:
            self._thread.ready.set()
            while not self._end.is_set():
                await asyncio.sleep(0.05)

    async def _close_line(self, server: Any) -> None:
        from asyncua import ua

        policies = ua.SecurityPolicyType
        if self._secured is None:
            server.set_security_policy([policies.NoSecurity])
            return
        certificate, key = self._secured
        await server.set_application_uri(address_in(certificate))
        server.set_security_policy([
            policies.Basic256Sha256_SignAndEncrypt, policies.Basic256Sha256_Sign,
        ])  # fmt: skip
        await server.load_certificate(certificate)
        await server.load_private_key(key)

    async def _make_nodes(self, server: Any, space: int) -> None:
        from asyncua import ua, uamethod

        root = await server.nodes.objects.add_object(space, "Machine")
        for path, empty in self._empty.items():
            node = ua.NodeId(path, space)
            self._nodes[path] = await root.add_variable(node, f"{space}:{path}", empty)

        @uamethod  # type: ignore[untyped-decorator, unused-ignore]
        def acknowledge(parent: Any, numbers: list[str]) -> bool:
            self._told.update(numbers)
            return True

        place = ua.NodeId(ACKNOWLEDGE.partition(".")[0], space)
        management = await root.add_object(place, f"{space}:ResultManagement")
        await management.add_method(
            ua.NodeId(ACKNOWLEDGE, space), f"{space}:AcknowledgeResults", acknowledge,
            [ua.VariantType.String], [ua.VariantType.Boolean],
        )  # fmt: skip

    def show_state(self, content: bytes) -> None:
        """Write the state's nodes."""
        self._write(content)

    def send(self, made: Made) -> None:
        """Write the result's nodes, its number last, as the specification's order of events is."""
        self._write(made.content)

    def _write(self, content: bytes) -> None:
        flat = dict(_flat(json.loads(content)))
        number = str(self._manifest.envelope.result_id.at)
        paths = sorted(flat, key=lambda path: path == number)
        self._thread.ask(self._set(paths, flat), 10)

    async def _set(self, paths: list[str], flat: dict[str, Any]) -> None:
        from asyncua import ua

        for path in paths:
            if path in self._nodes:
                raw = flat[path]
                value = ua.Variant(
                    [float(one) for one in raw] if isinstance(raw, list)
                    else type(self._empty[path])(raw)
                )  # fmt: skip
                await self._nodes[path].write_attribute(
                    ua.AttributeIds.Value, ua.DataValue(value), indexrange=None
                )

    def acknowledged(self, result_id: str) -> bool:
        """Whether AcknowledgeResults was called with the number."""
        return result_id in self._told

    def stop(self) -> None:
        """End the server."""
        self._end.set()
        self._thread.join(10)


def _empty_values(manifest: Manifest) -> dict[str, Any]:
    """Return a first value of every node, of the type the node keeps."""
    found: dict[str, Any] = dict.fromkeys(node_paths(manifest)[1], "")
    for name, place in places(manifest):
        coded = bool(place.words) and all(code.isdigit() for code in place.words)
        flag = name in ("simulated", "partial") and not place.words
        found[str(place.at)] = (
            0.0 if place.type == "decimal" else False if flag else 0 if coded else ""
        )
    for column in (c for trace in manifest.traces for c in trace.columns):
        found[str(column.at)] = [0.0, 0.0]
    return found | {str(tag.at): 0.0 for tag in manifest.tags}


def _flat(document: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", float(value) if isinstance(value, Decimal) else value
