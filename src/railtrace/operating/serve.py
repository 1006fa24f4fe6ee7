"""Serving the web app: one process that records, several threads that answer."""

import logging
import multiprocessing.util
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import ConfigError, RailtraceError

SIGN_EVERY = timedelta(minutes=1)
_TARGET = "railtrace.web.wsgi"
_log = logging.getLogger("railtrace.serve")

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Certificate(NamedTuple):
    """The files a server shows and keeps to itself."""

    certificate: Path
    key: Path


def require_free(host: str, port: int) -> None:
    """Raise ConfigError when somebody listens at the port already.

    The server shares its port between processes, so a second one would not fail by itself: it
    would answer half of the requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno in (48, 98, 10048):
        return ConfigError(
            "port {port} of {host} is taken by another program: stop that one, or choose "
            "another port, like PORT={other}",
            port=port, host=host, other=port + 1,
        )  # fmt: skip
    return ConfigError(
        "cannot listen at {host} port {port} ({problem}): choose another host or port, "
        "like PORT=8080",
        host=host, port=port, problem=error.strerror or error,
    )  # fmt: skip


def address(config: Config, secure: bool = False) -> str:
    """Return the address a person types in."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{config.port}"


def serve(config: Config, certificate: Certificate | None = None) -> None:
    """Serve until a signal ends it; what was handed in is written first."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    require_free(config.host, config.port)
    files = certificate._asdict() if certificate else {"certificate": None, "key": None}
    server = Granian(
        _TARGET,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=config.threads,
        log_level=LogLevels.error,
        ssl_cert=files["certificate"],
        ssl_key=files["key"],
        ssl_protocol_min=_oldest_tls(),
        workers_kill_timeout=30,
        respawn_failed_workers=True,
    )
    os.environ["RAILTRACE_ADDRESS"] = address(config, certificate is not None)
    server.serve(target_loader=load_application)


def _oldest_tls() -> Any:
    from granian.constants import SSLProtocols

    # Depot tablets live long: Android 7 to 9 know no TLS 1.3.
    return SSLProtocols.tls12


def load_application(target: str) -> WsgiApplication:
    """Open everything in the serving process and return what answers requests."""
    try:
        return _opened(target)
    except RailtraceError as error:
        print(f"railtrace: {error}", file=sys.stderr, flush=True)
    except Exception:
        _log.exception("start failed")
        print("railtrace: the start failed, see the log", file=sys.stderr, flush=True)
    # Started again it would fail again: the parent ends too.
    os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(1)


def _opened(target: str) -> WsgiApplication:
    import_module("railtrace.web.console").open_web()
    app: App = import_module("railtrace.web.running").the_app()
    application: WsgiApplication = import_module(target).application
    keeper = Keeper(app, os.getppid())
    # A worker process leaves without running atexit handlers.
    multiprocessing.util.Finalize(None, _close, (keeper, app), exitpriority=100)
    print(f"Railtrace serves at {os.environ.get('RAILTRACE_ADDRESS', '')}  (Ctrl+C stops it)",
          flush=True)  # fmt: skip
    return application


def _close(keeper: "Keeper", app: App) -> None:
    keeper.stop()
    app.stop()
    _log.info("stopped")


class Keeper:
    """Signs the heads that moved, and ends an orphaned server."""

    def __init__(self, app: App, parent: int) -> None:
        self._app, self._parent = app, parent
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sign what moved since and end."""
        self._stopped.set()
        self._thread.join()
        self._sign()

    def _run(self) -> None:
        seconds = 0
        while not self._stopped.wait(1.0):
            seconds += 1
            if seconds % SIGN_EVERY.seconds == 0:
                self._sign()
            # Killed alone, the parent cannot end this process, which would hold the port.
            if os.name == "posix" and os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)

    def _sign(self) -> None:
        try:
            self._app.sign_heads()
        except Exception:
            _log.exception("signing failed")
