"""Catching up in a process of its own, so that folding never holds up recording.

Python runs one thread at a time; folding is arithmetic, recording mostly waits for the disk.
The child yields to everything else and ends with its parent, whose pipe it reads.
"""

import os
import subprocess
import sys
import threading

import msgspec

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import RailtraceError, StoreFull

_NICENESS = 15


class _Failed(msgspec.Struct):
    """An error on its way to the parent: whether the disk is full, its template and its values."""

    full: bool
    template: str
    values: dict[str, str]


def _failed(error: Exception) -> bytes:
    if not isinstance(error, RailtraceError):
        return msgspec.json.encode(_Failed(False, type(error).__name__, {}))
    values = {key: str(value) for key, value in error.values.items()}
    return msgspec.json.encode(_Failed(isinstance(error, StoreFull), error.template, values))


def _told(line: bytes) -> RailtraceError:
    """Return the error again: what tells of it may show its template and leave out its values."""
    failed = msgspec.json.decode(line, type=_Failed)
    kind = StoreFull if failed.full else RailtraceError
    return kind(failed.template, **failed.values)


class CatchUpProcess:
    """Takes one batch into the views with every call, in a child that is started when needed."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._child: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()

    def __call__(self, batch: int) -> int:
        """Take `batch` entries at most and return how many. Raises RailtraceError in its words."""
        with self._guard:
            answer = self._ask(batch)
        if not answer:
            self.close()
            raise RailtraceError("the process that keeps the views ended: it is started again")
        if answer.startswith(b"!"):
            raise _told(answer[1:])
        return int(answer)

    def _ask(self, batch: int) -> bytes:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "railtrace.operating.follow"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl+C is for the server, which ends this process in its own order.
                start_new_session=True,
            )
            self._tell(msgspec.json.encode(self._config))
        self._tell(b"%d" % batch)
        assert self._child.stdout is not None
        return self._child.stdout.readline()

    def _tell(self, line: bytes) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            return

    def close(self) -> None:
        """End the child after the batch in hand."""
        with self._guard:
            child, self._child = self._child, None
        if child is not None and child.stdin is not None:
            child.stdin.close()
            child.wait()


def main() -> None:
    """Catch up a batch as large as each line says; answer with its size or what went wrong."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    app = App(msgspec.json.decode(sys.stdin.buffer.readline(), type=Config))
    for line in sys.stdin.buffer:
        try:
            answer = str(app.views.catch_up(most=1, batch=int(line)))
        except Exception as error:
            answer = "!" + _failed(error).decode()
        print(answer, flush=True)


if __name__ == "__main__":
    main()
