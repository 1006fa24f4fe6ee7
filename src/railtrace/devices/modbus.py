"""Modbus TCP and RTU; pymodbus renames its parts in minor releases, so only this file knows it.

Addresses: `tcp://host:port`, `rtu:///dev/ttyUSB0`.
"""

import asyncio
import contextlib
import struct
from typing import Any
from urllib.parse import urlsplit

from railtrace.devices.emulate import Made
from railtrace.devices.gateway.config import Device
from railtrace.devices.gateway.port import Port
from railtrace.devices.manifest import Manifest, Poll
from railtrace.devices.polled import poll_of, serve
from railtrace.devices.server_thread import ServerThread
from railtrace.errors import RailtraceError

MOST_REGISTERS = 120
_TIMEOUT_S = 3


class ModbusLink:
    """One session with one slave."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def run(self) -> None:
        """Poll the holding registers until the port ends."""
        poll = poll_of(self._port)
        serve(self._port, Registers(self._port.device, poll, self._port.manifest.frame.length))


class Registers:
    """The holding registers of one slave."""

    def __init__(self, device: Device, poll: Poll, length: int) -> None:
        self._client, self._unit = _client(device), device.unit
        self._poll, self._length, self._address = poll, length, device.address
        if not self._client.connect():
            raise RailtraceError("no Modbus slave answers at {address}", address=device.address)

    def read(self) -> bytes:
        """Return the block, read in as many requests as the protocol needs."""
        words: list[int] = []
        while len(words) < self._length:
            count = min(MOST_REGISTERS, self._length - len(words))
            answer = self._client.read_holding_registers(
                self._poll.start + len(words), count=count, device_id=self._unit
            )
            words += self._checked(answer).registers
        return struct.pack(f">{self._length}H", *words[: self._length])

    def acknowledge(self, number: int) -> None:
        """Write the number, two words, high first."""
        words = [number >> 16 & 0xFFFF, number & 0xFFFF]
        self._checked(self._client.write_registers(self._poll.ack, words, device_id=self._unit))

    def _checked(self, answer: Any) -> Any:
        if answer.isError():
            raise RailtraceError("the Modbus slave at {address} answers with an error: {problem}",
                                 address=self._address, problem=answer)  # fmt: skip
        return answer

    def close(self) -> None:
        """Close the line."""
        self._client.close()


def _client(device: Device) -> Any:
    from pymodbus import FramerType
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient

    parts = urlsplit(device.address)
    if parts.scheme == "rtu":
        return ModbusSerialClient(
            parts.path, framer=FramerType.RTU, baudrate=device.baud, timeout=_TIMEOUT_S, retries=1
        )
    return ModbusTcpClient(parts.hostname, port=parts.port or 502, timeout=_TIMEOUT_S, retries=1)


class ModbusMachine:
    """An emulated slave: pymodbus's server in a thread of its own."""

    def __init__(self, address: str, manifest: Manifest, baud: int = 9600) -> None:
        assert manifest.poll is not None
        self.address, self._poll, self._baud = address, manifest.poll, baud
        self._length = manifest.frame.length
        self._server: Any = None
        self._thread = ServerThread(self._serve)

    def start(self) -> None:
        """Serve."""
        if not self._thread.start(10):
            raise RailtraceError("the emulated slave at {address} does not start: {problem}",
                                 address=self.address, problem=self._thread.problem)  # fmt: skip

    async def _serve(self) -> None:
        from pymodbus import FramerType
        from pymodbus.server import ModbusSerialServer, ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        memory = SimData(0, count=1000, values=0, datatype=DataType.REGISTERS)
        context = SimDevice(0, simdata=[memory])
        parts = urlsplit(self.address)
        if parts.scheme == "rtu":
            self._server = ModbusSerialServer(
                context, framer=FramerType.RTU, port=parts.path, baudrate=self._baud
            )
        else:
            self._server = ModbusTcpServer(context, address=(parts.hostname, parts.port))
        await self._server.serve_forever(background=True)
        self._thread.ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._server.serving

    def show_state(self, content: bytes) -> None:
        """Show the block; its result part is as it was."""
        self._write(content)

    def send(self, made: Made) -> None:
        """Show a result."""
        self._write(made.content)

    def _write(self, content: bytes) -> None:
        words = list(struct.unpack(f">{self._length}H", content))
        self._ask(self._server.async_setValues(0, 16, self._poll.start, words))

    def _ask(self, question: Any) -> Any:
        return self._thread.ask(question, 5)

    def acknowledged(self, result_id: str) -> bool:
        """Whether the acknowledgement holds the number."""
        high, low = self._ask(self._server.async_getValues(0, 3, self._poll.ack, 2))
        return str(high << 16 | low) == result_id

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._ask(self._server.shutdown())
