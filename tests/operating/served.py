"""A served installation: a process of its own, ended as the system would end it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from railtrace.operating.demo_check import free_port

START_LIMIT_S = 60


@dataclass
class Server:
    """A running `railtrace serve`."""

    process: "subprocess.Popen[str]"
    port: int
    folder: Path

    def get(self, path: str) -> tuple[int, bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.status, answer.read()

    def send(self, operations: list[dict[str, Any]], token: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/operations",
            json.dumps(operations).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            told: dict[str, Any] = json.loads(answer.read())
            return told

    def end(self, with_: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Signal the server; return its exit code and what it said to stderr."""
        self.process.send_signal(with_)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def kill(self) -> None:
        """Kill parent and worker at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of an installation in a folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAILTRACE", "DJANGO"))}
    places = {"RAILTRACE_DATA": str(folder / "data"), "RAILTRACE_KEYS": str(folder / "keys")}
    return kept | places | {"RAILTRACE_NAME": "tests"} | more


def railtrace(folder: Path, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command on the installation in a folder."""
    text = more.pop("input", "")
    return subprocess.run(
        [sys.executable, "-m", "railtrace.cli", *arguments],
        env=environment(folder, **more), cwd=folder, input=text, text=True, capture_output=True,
        timeout=300,
    )  # fmt: skip


def started(folder: Path, port: int = 0, *arguments: str, **more: str) -> Server:
    """Start a server and wait until it answers."""
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "serve", *arguments],
        env=environment(folder, PORT=str(port), **more), cwd=folder, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    server = Server(process, port, folder)
    give_up_at = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < give_up_at:
        with suppress(OSError):
            server.get("/health")
            return server
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        server.kill()
    raise AssertionError("the server did not start")


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[Server]:
    """Serve for a while; nothing of it is left running."""
    server = started(folder, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            with suppress(ProcessLookupError):
                server.kill()


def token_for(folder: Path) -> str:
    """Make an API token that may record and read."""
    done = railtrace(
        folder, "token", "create", "tests", "--scope", "record", "--scope", "read", "--json"
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["token"])
