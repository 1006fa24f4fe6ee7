"""Group commit: many threads hand in operations, one thread writes them in shared commits.

A synced commit costs the same for one operation as for a thousand, so what waits while one
commit is under way goes into the next together.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple

from railtrace.errors import RailtraceError, Refused, StoreFull
from railtrace.trace.ledger import (
    Checked,
    Receipt,
    Submission,
    TraceStore,
    check_all,
    record_checked,
)

Results = list[Receipt | Refused]
_MOST_IN_ONE_COMMIT = 10_000


class _Item(NamedTuple):
    log: str
    batch: Sequence[Submission]
    checked: Checked
    future: "Future[Results]"


class Recorder:
    """One recording thread over one trace store."""

    def __init__(
        self,
        store: TraceStore,
        clock: Callable[[], datetime],
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._recorded = store, clock, recorded
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._stopping = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def submit(self, log: str, batch: Sequence[Submission]) -> "Future[Results]":
        """Hand in a batch, checked in this thread; the future is done when it is durable."""
        future: Future[Results] = Future()
        item = _Item(log, batch, check_all(batch, self._clock()), future)
        with self._stopping:
            if self._stopped:
                raise RailtraceError("the program is ending: nothing was recorded, send it again")
            self._queue.put(item)
        return future

    def stop(self) -> None:
        """Write what was handed in and end; what comes later is refused."""
        with self._stopping:
            self._stopped = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            items: list[_Item] = []
            waiting = self._queue.get()
            while True:
                if waiting is None:
                    going = False
                    break
                items.append(waiting)
                full = sum(len(item.batch) for item in items) >= _MOST_IN_ONE_COMMIT
                if full or self._queue.empty():
                    break
                waiting = self._queue.get()
            for log in dict.fromkeys(item.log for item in items):
                self._commit(log, [item for item in items if item.log == log])
            self._recorded()

    def _commit(self, log: str, items: list[_Item]) -> None:
        everything = [submission for item in items for submission in item.batch]
        checked = [text for item in items for text in item.checked]
        try:
            results = record_checked(self._store, log, everything, checked, self._clock())
        except Exception as error:
            self._one_by_one(log, items, error)
            return
        done = 0
        for item in items:
            item.future.set_result(results[done : done + len(item.batch)])
            done += len(item.batch)

    def _one_by_one(self, log: str, items: list[_Item], error: Exception) -> None:
        """One batch must not spoil the others that shared its commit."""
        if len(items) == 1 or isinstance(error, StoreFull):
            for item in items:
                item.future.set_exception(error)
            return
        for item in items:
            self._commit(log, [item])
