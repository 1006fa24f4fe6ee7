"""Beside the server: evidence that waits is judged in another process, and the answer recorded.

Nothing here is on the path of recording, and nothing heavy is loaded into the serving process.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from time import monotonic

import msgspec
from msgspec.structs import replace

from railtrace.app import SYSTEM, App
from railtrace.errors import RailtraceError, Refused
from railtrace.operating.rule_tests import machines_of
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace.operation import EvidenceDiagnosed


def waiting(app: App, limit: int) -> list[str]:
    """Return the entries whose evidence waits; what another installation wrote, it judges."""
    foreign = [head.log for head in app.trace.heads() if head.foreign]
    kinds = machines_of(app.catalogue())
    return Diagnostics(app.views.database).waiting(limit, foreign, kinds)


def record(app: App, made: EvidenceDiagnosed) -> bool:
    """Record a diagnosis; one that somebody else computed at the same time stays as theirs."""
    (result,) = app.record([made], SYSTEM, "system")
    return not isinstance(result, Refused)


class EvidenceFollower:
    """Looks for evidence that waits, has it judged by another process, and records the answers."""

    PAUSE_S, AGAIN_S, BATCH = 3.0, 3600.0, 40

    def __init__(self, app: App) -> None:
        self._app = app
        self._later: dict[str, float] = {}
        self._stopped = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is being computed is computed again at the next start."""
        self._stopped.set()
        if (child := self._child) is not None:
            child.terminate()
        self._thread.join()

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
            return 0
        self._later |= dict.fromkeys(batch, now + self.AGAIN_S)
        moment = self._app.clock()
        made = [replace(one, happened_at=moment) for one in self._computed(batch)]
        return sum(record(self._app, one) for one in made)

    def _computed(self, ids: Sequence[str]) -> list[EvidenceDiagnosed]:
        command = [sys.executable, "-m", "railtrace.operating.diagnoses"]
        asked = msgspec.json.encode(self._app.config) + b"\n" + msgspec.json.encode(list(ids))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        ) as child:
            self._child = child
            told, _ = child.communicate(asked + b"\n")
            self._child = None
        if child.returncode and not self._stopped.is_set():
            raise RailtraceError("the process that judges evidence ended with {code}",
                                 code=child.returncode)  # fmt: skip
        return [msgspec.json.decode(line, type=EvidenceDiagnosed) for line in told.splitlines()]
