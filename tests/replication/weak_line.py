"""A proxy on the loopback that is as bad as a depot's line: slow, stalling, cutting, repeating.

It passes whole HTTP messages, so that it can cut one in the middle or send one twice.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle

_PIECE = 64 << 10


@dataclass
class Manners:
    """What the line does to messages; bandwidth is halved and doubled again in turns."""

    latency_s: float = 0.2
    bytes_per_s: float = 2e6
    cut_every_s: float = 30.0
    stall_s: float = 0.0
    cuts: int = 0
    repeats: int = 0
    stalls: int = 0
    bytes_passed: int = 0
    faults: Iterator[str] = field(
        default_factory=lambda: cycle(("request", "response", "repeat", "stall"))
    )


class _Cut(Exception):
    pass


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True
    block_on_close = False

    def __init__(self, port: int, manners: Manners) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream, self.manners = port, manners
        self._next_fault_at = time.monotonic() + manners.cut_every_s
        self._guard = threading.Lock()

    def fault(self) -> str:
        """Return what befalls the next message."""
        with self._guard:
            if time.monotonic() < self._next_fault_at:
                return ""
            self._next_fault_at = time.monotonic() + self.manners.cut_every_s
            return next(self.manners.faults)

    def pace(self, count: int) -> None:
        """Wait as long as the line needs for so many bytes."""
        halved = 1 + int(time.monotonic() / 2) % 2
        self.manners.bytes_passed += count
        time.sleep(count * halved / self.manners.bytes_per_s)


class _Passing(socketserver.BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        with (
            suppress(_Cut, OSError),
            socket.create_connection(("127.0.0.1", self.server.upstream), timeout=60) as upstream,
        ):
            while message := _message(self.request):
                self._pass_on(message, upstream)

    def _pass_on(self, message: bytes, upstream: socket.socket) -> None:
        manners, fault = self.server.manners, self.server.fault()
        time.sleep(manners.latency_s)
        self.server.pace(len(message))
        if fault == "request":
            manners.cuts += 1
            upstream.sendall(message[: len(message) // 2])
            raise _Cut
        if fault == "repeat":
            manners.repeats += 1
            upstream.sendall(message)
            _message(upstream)
        upstream.sendall(message)
        answer = _message(upstream)
        self.server.pace(len(answer))
        if fault == "stall":
            manners.stalls += 1
            time.sleep(manners.stall_s)
            raise _Cut
        if fault == "response":
            manners.cuts += 1
            self.request.sendall(answer[: len(answer) // 2])
            raise _Cut
        self.request.sendall(answer)


def _message(source: socket.socket) -> bytes:
    """Return one HTTP message, head and body; nothing when the other end is done."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = source.recv(_PIECE)
        if not piece:
            return b""
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = source.recv(_PIECE)
        if not piece:
            raise _Cut
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def weak_line(port: int, manners: Manners) -> Iterator[int]:
    """Listen before a server; return the port that leads to it over the weak line."""
    with _Proxy(port, manners) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy.server_address[1]
        finally:
            proxy.shutdown()
