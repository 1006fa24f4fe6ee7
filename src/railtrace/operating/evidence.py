"""Beside the server: evidence that waits is judged in another process, and the answer recorded.

Nothing here is on the path of recording, and nothing heavy is loaded into the serving process.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

import msgspec
from msgspec.structs import replace

from railtrace.app import SYSTEM, App
from railtrace.config import Config
from railtrace.errors import RailtraceError, Refused
from railtrace.operating.rule_tests import machines_of
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace.operation import EvidenceDiagnosed

END = b"\n"
"""What the process that judges says after the diagnoses of one batch."""


def waiting(app: App, limit: int) -> list[str]:
    """Return the entries whose evidence waits; what another installation wrote, it judges."""
    foreign = [head.log for head in app.trace.heads() if head.foreign]
    kinds = machines_of(app.catalogue())
    return Diagnostics(app.views.database).waiting(limit, foreign, kinds)


def record(app: App, made: EvidenceDiagnosed) -> bool:
    """Record a diagnosis; one that somebody else computed at the same time stays as theirs."""
    (result,) = app.record([made], SYSTEM, "system")
    return not isinstance(result, Refused)


class JudgingProcess:
    """The process that judges: it stays while there is work, for what it loads takes seconds."""

    IDLE_S = 60.0

    def __init__(self, config: Config) -> None:
        self._config = config
        self._child: subprocess.Popen[bytes] | None = None
        self._used_at = monotonic()

    def judged(self, ids: Sequence[str]) -> list[EvidenceDiagnosed]:
        """Return the diagnoses of entries. Raises RailtraceError when the process ended."""
        child = self._child = self._child or self._begun()
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(list(ids)) + b"\n")
            child.stdin.flush()
        made = []
        while (line := child.stdout.readline()) != END:
            if not line:
                self._child = None
                raise RailtraceError("the process that judges evidence ended with {code}",
                                     code=child.wait())  # fmt: skip
            made.append(msgspec.json.decode(line, type=EvidenceDiagnosed))
        self._used_at = monotonic()
        return made

    def rest(self) -> None:
        """End it when it has had nothing to do for a minute."""
        if self._child is not None and monotonic() > self._used_at + self.IDLE_S:
            self.stop()

    def stop(self) -> None:
        """End it, whatever it is at; its answer is lost and asked for again."""
        if (child := self._child) is not None:
            child.terminate()
            child.wait()
            self._child = None

    def _begun(self) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            [sys.executable, "-m", "railtrace.operating.diagnoses"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(self._config) + b"\n")
        return child


class EvidenceFollower:
    """Looks for evidence that waits, has it judged by another process, and records the answers."""

    PAUSE_S, AGAIN_S, BATCH = 3.0, 3600.0, 40

    def __init__(self, app: App) -> None:
        self._app = app
        self._later: dict[str, float] = {}
        self._stopped = threading.Event()
        self._process = JudgingProcess(app.config)
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is being computed is computed again at the next start."""
        self._stopped.set()
        self._process.stop()
        self._thread.join()
        self._process.stop()

    def _run(self) -> None:
        while not self._stopped.wait(self.PAUSE_S):
            try:
                self.follow()
                self.error = None
            except Exception as error:
                self.error = error

    def follow(self) -> int:
        """Judge one batch of what waits; return how many diagnoses were recorded."""
        now = monotonic()
        found = [id_ for id_ in waiting(self._app, 1000) if self._later.get(id_, 0) <= now]
        batch = found[: self.BATCH]
        if not batch:
            self._process.rest()
            return 0
        self._later |= dict.fromkeys(batch, now + self.AGAIN_S)
        moment = self._app.clock()
        made = [replace(one, happened_at=moment) for one in self._process.judged(batch)]
        return sum(record(self._app, one) for one in made)
