"""An asyncio server in a thread of its own, for the emulated machines that speak by one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


class ServerThread:
    """Runs a server until it ends; `ready` is set by it when it serves, or by what went wrong."""

    def __init__(self, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._serve, self._loop = serve, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()
        self.problem: BaseException | None = None

    def start(self, seconds: float) -> bool:
        """Serve; tell whether it does so within the time."""
        self._thread.start()
        return self.ready.wait(seconds) and self.problem is None

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self.problem = error
            self.ready.set()

    def ask(self, question: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """Return what a coroutine answers in the server's loop."""
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(seconds)

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)
