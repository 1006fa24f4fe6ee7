"""A served Railtrace of its own for a measurement: a real process, a real port, a token."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TOKEN = """
from datetime import datetime, timedelta, timezone
from railtrace.web.console import open_web
open_web()
from railtrace.web.tokens import make_token
now = datetime.now(timezone.utc)
print(make_token("bench", ["record", "read"], now, now + timedelta(days=1))[1])
"""


@dataclass(frozen=True)
class Served:
    """Where the server answers and the token it takes."""

    port: int
    token: str
    data: Path

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection that stays open."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def post(self, connection: http.client.HTTPConnection, body: bytes) -> bytes:
        """Send operations and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/operations", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:300]!r}")
        return content


@contextmanager
def serving(data: Path, database: str = "") -> Iterator[Served]:
    """Serve a data folder until the measurement ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "RAILTRACE_DATA": str(data.resolve()), "RAILTRACE_NAME": "bench.local",
        "RAILTRACE_DATABASE": database, "PORT": str(port),
    }  # fmt: skip
    python = [sys.executable]
    token = subprocess.run(
        [*python, "-c", _TOKEN], env=environment, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    server = subprocess.Popen([*python, "-m", "railtrace.cli", "serve"], env=environment)
    try:
        _wait(port)
        yield Served(port, token, data)
    finally:
        server.terminate()
        server.wait(60)


def _wait(port: int) -> None:
    for _ in range(900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")
