"""The one App of this process: opened at first use, its threads ended at exit."""

import atexit
import threading

from django.conf import settings

from railtrace.app import App

_lock = threading.Lock()
_running: list[App] = []


def the_app() -> App:
    """Return the running App."""
    with _lock:
        if not _running:
            app = App(settings.CONFIG)
            app.prepare()
            app.start()
            atexit.register(app.stop)
            _running.append(app)
        return _running[0]
