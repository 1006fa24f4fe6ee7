"""Clients that cost next to nothing: one loop over raw sockets, so that the server is measured."""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.serving import Served


@dataclass
class _Connection:
    sock: socket.socket
    head: bytes
    bodies: list[bytes]
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0

    def send(self) -> None:
        body = self.bodies.pop()
        self.sent_at = time.perf_counter()
        self.sock.sendall(self.head % len(body) + body)

    def receive(self) -> bytes:
        """Take what has come; return the whole answer when it is there."""
        self.received += self.sock.recv(1 << 20)
        head, end, body = bytes(self.received).partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return b""
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError((head + body)[:600])
        self.received.clear()
        return body


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return int(next(line[15:] for line in lines if line.startswith(b"content-length:")))


def post_all(served: Served, shares: Sequence[Sequence[bytes]], wanted: bytes) -> list[float]:
    """Send each share over a connection of its own, one body after another; return the times [s].

    Raises RuntimeError for an answer without the wanted text.
    """
    times: list[float] = []
    selector = selectors.DefaultSelector()
    for share in shares:
        connection = _Connection(_connected(served.port), _head(served), list(reversed(share)))
        selector.register(connection.sock, selectors.EVENT_READ, connection)
        connection.send()
    while selector.get_map():
        for key, _ in selector.select():
            answer = key.data.receive()
            if not answer:
                continue
            times.append(time.perf_counter() - key.data.sent_at)
            if wanted not in answer[:100]:
                raise RuntimeError(answer[:600])
            if key.data.bodies:
                key.data.send()
            else:
                selector.unregister(key.fileobj)
                key.data.sock.close()
    return times


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=120)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _head(served: Served) -> bytes:
    return (
        f"POST /api/operations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}"
        "\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ).encode()
