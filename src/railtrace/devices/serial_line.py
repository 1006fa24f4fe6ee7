"""Serial lines: one line of text a result. `serial:///dev/ttyS0`.

An instrument that can be told gets `ACK <number>` after the trace's receipt; others ignore it.
"""

import contextlib
import os
import threading
from urllib.parse import urlsplit

from railtrace.devices.emulate import Made
from railtrace.devices.gateway.port import Port

MOST_LINE = 4096


class SerialLink:
    """One instrument on one line."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def run(self) -> None:
        """Read lines until the port ends. A line cut by a new session is never taken for whole."""
        import serial

        device = self._port.device
        with serial.Serial(urlsplit(device.address).path, device.baud, timeout=0.2) as line:
            self._port.connected, self._port.error = True, None
            held = b""
            while not self._port.ended:
                held = self._taken(held + line.read(max(1, line.in_waiting)))
                while ack := self._port.next_ack():
                    line.write(f"ACK {ack.result_id}\r\n".encode())
                    self._port.told(ack)

    def _taken(self, held: bytes) -> bytes:
        *lines, rest = held.split(b"\n")
        for line in lines:
            if line.strip():
                self._port.deliver(self._port.message(line + b"\n"))
        return rest[-MOST_LINE:]


class SerialMachine:
    """An emulated instrument on a pseudo-terminal; `address` is the end for the gateway."""

    def __init__(self) -> None:
        import tty

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.address = f"serial://{os.ttyname(self._slave)}"
        self._told: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Listen for acknowledgements."""
        self._thread.start()

    def _listen(self) -> None:
        held = b""
        while not self._stopped.is_set():
            try:
                held += os.read(self._master, 256)
            except OSError:
                return
            *lines, held = held.split(b"\n")
            self._told |= {line.decode().removeprefix("ACK").strip() for line in lines}

    def show_state(self, content: bytes) -> None:
        """A line shows no state."""

    def send(self, made: Made) -> None:
        """Write the line."""
        os.write(self._master, made.content)

    def acknowledged(self, result_id: str) -> bool:
        """Whether `ACK` came with the number."""
        return result_id in self._told

    def stop(self) -> None:
        """Close both ends."""
        self._stopped.set()
        for end in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(end)


