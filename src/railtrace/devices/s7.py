"""Siemens S7: a data block is polled, a double word in it acknowledges. `s7://host:port`."""

import struct
import threading
from typing import Any
from urllib.parse import urlsplit

from railtrace.devices.emulate import Made
from railtrace.devices.gateway.config import Device
from railtrace.devices.gateway.port import Port
from railtrace.devices.manifest import Manifest, Poll
from railtrace.devices.polled import poll_of, serve


class S7Link:
    """One session with one controller."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def run(self) -> None:
        """Poll the data block until the port ends."""
        poll = poll_of(self._port)
        serve(self._port, DataBlock(self._port.device, poll, self._port.manifest.frame.length))


class DataBlock:
    """One data block of one controller."""

    def __init__(self, device: Device, poll: Poll, length: int) -> None:
        from snap7.client import Client

        parts = urlsplit(device.address)
        self._client: Any = Client()
        self._poll, self._length = poll, length
        self._client.connect(parts.hostname, device.rack, device.slot, parts.port or 102)

    def read(self) -> bytes:
        """Return the block."""
        return bytes(self._client.db_read(self._poll.block, self._poll.start, self._length))

    def acknowledge(self, number: int) -> None:
        """Write the number, four bytes."""
        content = bytearray(struct.pack(">I", number))
        self._client.db_write(self._poll.block, self._poll.ack, content)

    def close(self) -> None:
        """Close the line."""
        self._client.disconnect()


class S7Machine:
    """An emulated controller: snap7's server."""

    def __init__(self, address: str, manifest: Manifest) -> None:
        assert manifest.poll is not None
        self.address, self._poll, self._length = address, manifest.poll, manifest.frame.length
        self._memory = bytearray(max(self._length, self._poll.ack + 4) + self._poll.start)
        self._server: Any = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Serve."""
        from snap7.server import Server
        from snap7.type import SrvArea

        self._server = Server(log=False)
        self._server.register_area(SrvArea.DB, self._poll.block, self._memory)
        self._server.start_to("127.0.0.1", urlsplit(self.address).port or 102)

    def show_state(self, content: bytes) -> None:
        """Show the block."""
        self._write(content)

    def send(self, made: Made) -> None:
        """Show a result."""
        self._write(made.content)

    def _write(self, content: bytes) -> None:
        with self._lock:
            self._memory[self._poll.start : self._poll.start + self._length] = content

    def acknowledged(self, result_id: str) -> bool:
        """Whether the acknowledgement holds the number."""
        (number,) = struct.unpack_from(">I", self._memory, self._poll.ack)
        return str(number) == result_id

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()
            self._server.destroy()
