"""Serving the web app: one process that records, several threads that answer."""

import gc
import logging
import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import sys
import threading
from functools import partial
from importlib import import_module
from multiprocessing.synchronize import Event
from typing import Any

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import ConfigError, RailtraceError
from railtrace.operating import logs, tls
from railtrace.operating.evidence import EvidenceFollower
from railtrace.operating.follow import CatchUpProcess
from railtrace.operating.health import health
from railtrace.operating.logs import WsgiApplication
from railtrace.operating.only_one import sharing

SIGN_EVERY_S = 60
_TURN_S = 0.0005
_NEW_OBJECTS = 50_000
"""After how many new objects the collector looks for circles; a batch makes some thousands."""
_TARGET = "railtrace.web.wsgi"
_log = logging.getLogger("railtrace.serve")


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


def address(config: Config) -> str:
    """Return the address a person types in."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    scheme = "https" if config.tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.port}"


def serve(config: Config) -> None:
    """Serve until a signal ends it; what was handed in is written first."""
    from granian import Granian
    from granian.constants import Interfaces, SSLProtocols
    from granian.log import LogLevels

    require_free(config.host, config.port)
    certificate, key = tls.server_files(config) if config.tls else (None, None)
    server = Granian(
        _TARGET,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=config.threads,
        log_level=LogLevels.error,
        ssl_cert=certificate,
        ssl_key=key,
        # Depot tablets live long: Android 7 to 9 know no TLS 1.3.
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=30,
        respawn_failed_workers=True,
    )
    failed = multiprocessing.Event()
    with sharing(config.data_folder):
        loader = partial(load_application, config, failed)
        server.serve(target_loader=loader, wrap_loader=False)
    if failed.is_set():
        sys.exit(1)


def load_application(config: Config, failed: Event) -> WsgiApplication:
    """Open everything in the serving process and return what answers requests."""
    try:
        logs.start(config, f"serve-{config.port}")
        return _opened(config)
    except RailtraceError as error:
        print(f"railtrace: {error}", file=sys.stderr, flush=True)
    except Exception as error:
        id_ = logs.failure(error)
        print(f"railtrace: the start failed ({type(error).__name__}); it is in "
              f"{config.own_logs_folder} under id {id_}", file=sys.stderr, flush=True)  # fmt: skip
    # Started again it would fail again: the parent ends too.
    failed.set()
    os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(1)


def _opened(config: Config) -> WsgiApplication:
    import_module("railtrace.web.console").open_web()
    follower = CatchUpProcess(config)
    app: App = import_module("railtrace.web.running").the_app(follower)
    application: WsgiApplication = import_module(_TARGET).application
    # Else the first reader would wait while every page is loaded.
    import_module("railtrace.web.urls")
    keeper = Keeper(app, os.getppid())
    evidence = EvidenceFollower(app)
    freezer = import_module("railtrace.web.trains.freezing").Freezer(app)
    # A worker process leaves without running atexit handlers.
    parts = (freezer, keeper, evidence, app, follower)
    multiprocessing.util.Finalize(None, _close, parts, exitpriority=100)
    _settle_down()
    _log.info("started")
    print(f"Railtrace serves at {address(config)}  (Ctrl+C stops it)", flush=True)
    return logs.logged(application, config.log_addresses)


def _settle_down() -> None:
    """Suit Python to what follows: short turns of many threads over what is loaded for good."""
    # A recorder that waits for the disk gives its turn away several times a commit, and would
    # wait five milliseconds each time to get it back.
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _close(
    freezer: Any, keeper: "Keeper", evidence: EvidenceFollower, app: App, follower: CatchUpProcess
) -> None:
    freezer.stop()
    evidence.stop()
    keeper.stop()
    app.stop()
    follower.close()
    _log.info("stopped")


class Keeper:
    """Signs the heads that moved, tells the log of troubles, and ends an orphaned server."""

    def __init__(self, app: App, parent: int) -> None:
        self._app, self._parent = app, parent
        self._stopped = threading.Event()
        self._told: frozenset[str] = frozenset()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sign what moved since, and end."""
        self._stopped.set()
        self._thread.join()
        self._sign()

    def _run(self) -> None:
        seconds = 0
        self._sign()
        while not self._stopped.wait(1.0):
            seconds += 1
            if seconds % SIGN_EVERY_S == 0:
                self._sign()
                self._tell()
            # Killed alone, the parent cannot end this process, which would hold the port.
            if os.name == "posix" and os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)

    def _sign(self) -> None:
        try:
            self._app.sign_heads()
        except Exception:
            _log.exception("signing failed")

    def _tell(self) -> None:
        """Log each trouble once while it lasts."""
        try:
            words = frozenset(problem.word for problem in health(self._app).problems)
        except Exception:
            _log.exception("looking at the state failed")
            return
        for word in sorted(words - self._told):
            _log.warning("trouble", extra={"word": word})
        self._told = words
        if error := self._app.follower_error:
            _log.error("the views stopped", exc_info=error)
