"""The sender: rows of the outbox to the trace, each kept until its receipt is here."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from railtrace.devices.gateway.door import PIECE, Away, Door, Shut, TooLong
from railtrace.devices.gateway.intake import utc_now
from railtrace.devices.gateway.outbox import Outbox, Row
from railtrace.errors import RailtraceError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
PROBE_EVERY_S = 60.0
_BATCH = 200


class Sender:
    """One thread that sends, oldest first; `received` is told of every row with a receipt."""

    def __init__(
        self, outbox: Outbox, door: Door, received: Callable[[Row, dict[str, Any]], None]
    ) -> None:
        self._outbox, self._door, self._received = outbox, door, received
        self._work, self._stopped = threading.Event(), threading.Event()
        self.error: RailtraceError | None = None
        self.sent = 0
        self.again = 0
        self._wait_s, self._most = FIRST_WAIT_S, _BATCH
        self._probe_at = 0.0
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._work.set()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stopped.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(30)
        self._door.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if not self.turn():
                    self._work.wait(1.0)
                    self._work.clear()
                self._wait_s = FIRST_WAIT_S
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Wait longer after each failure; after a silence the server may be another."""
        self._probe_at = 0.0
        self.error = error if isinstance(error, RailtraceError) else RailtraceError(
            "the trace at {url} does not answer: {problem}", url=self._door.server,
            problem=error or type(error).__name__,
        )  # fmt: skip
        self._stopped.wait(self._wait_s)
        self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)

    def turn(self) -> int:
        """Send one batch; return how many rows it had. Raises Away and Shut."""
        if time.monotonic() >= self._probe_at:
            self._look_for_restored()
        rows = self._outbox.waiting(self._most)
        if rows:
            self._send(rows)
        self.error = None
        return len(rows)

    def _look_for_restored(self) -> None:
        """Repeat what was receipted last: a trace that takes it anew was restored without it."""
        last = self._outbox.last_sent()
        if last is not None and last.body is not None:
            answers = self._door.record(_operations(last))
            if any(answer["status"] == "accepted" for answer in answers):
                self.again += self._outbox.send_all_again()
        self._outbox.try_held_again(utc_now())
        self._probe_at = time.monotonic() + PROBE_EVERY_S

    def _send(self, rows: Sequence[Row]) -> None:
        for sha256, _, size in self._outbox.unsent_files(rows):
            self._send_file(sha256, size)
        bodies = [_operations(row) for row in rows]
        try:
            answers = self._door.record([text for body in bodies for text in body])
        except TooLong:
            if len(rows) == 1:
                raise Shut("result {key} is too long for the trace", key=rows[0].key) from None
            self._most = max(1, len(rows) // 2)
            return
        self._note(rows, [len(body) for body in bodies], answers)

    def _note(
        self, rows: Sequence[Row], lengths: list[int], answers: list[dict[str, Any]]
    ) -> None:
        now, good, at = utc_now(), [], 0
        for row, length in zip(rows, lengths, strict=True):
            mine, at = answers[at : at + length], at + length
            refused = next((one for one in mine if one["status"] == "refused"), None)
            if refused is None:
                good.append((row, _receipt(mine[-1])))
            else:
                problem = RailtraceError("the trace refuses it: {reason}",
                                         reason=refused["reason"])  # fmt: skip
                self._outbox.refused(row, problem, now)
        self._outbox.receipt(good, now)
        self.sent += len(good)
        for row, told in good:
            self._received(row, told)

    def _send_file(self, sha256: str, size: int) -> None:
        """Send a file from where the trace has it; a cut line costs one piece."""
        received, whole = self._door.received(sha256)
        while not whole:
            piece = self._outbox.piece(sha256, received, PIECE)
            before = received
            received, whole = self._door.send_piece(sha256, received, size, piece)
            if not whole and received <= before and not piece:
                raise Away(f"file {sha256[:8]} does not arrive whole")
        self._outbox.file_sent(sha256)


def _operations(row: Row) -> list[bytes]:
    assert row.body is not None
    return [bytes(raw) for raw in msgspec.json.decode(row.body, type=list[msgspec.Raw])]


def _receipt(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("id", "log", "position", "recorded_at", "leaf_hash")}
