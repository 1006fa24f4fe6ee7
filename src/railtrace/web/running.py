"""The one App of this process: opened at first use, its threads ended at exit."""

import atexit
import threading
from collections.abc import Callable

from django.conf import settings

from railtrace.app import App

_lock = threading.Lock()
_running: list[App] = []


def the_app(catch_up: Callable[[int], int] | None = None) -> App:
    """Return the running App; the first caller may say who takes entries into the views."""
    with _lock:
        if not _running:
            app = App(settings.CONFIG)
            app.prepare()
            app.start(catch_up)
            atexit.register(app.stop)
            _running.append(app)
        return _running[0]
