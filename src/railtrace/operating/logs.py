"""The program's own log: JSON lines that hold no person, no address and no operation's content.

An exception is logged by its type and the places it passed, an error of Railtrace by its
template: the values that would fill it may be a name or a number.
"""

import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable, Iterable
from logging.handlers import RotatingFileHandler
from types import TracebackType
from typing import Any

import structlog

from railtrace.config import Config
from railtrace.errors import RailtraceError

_WORD = re.compile(r"[a-z][a-z._-]{0,30}")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MB = 1024 * 1024
_FIELDS = {"method", "page", "status", "status_code", "ms", "address", "id", "word"}
"""What a line may hold beside its event; a library's other extras are dropped."""
_log = logging.getLogger("railtrace.requests")

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def start(config: Config, name: str) -> RotatingFileHandler:
    """Write logs to `name.jsonl` from now on; each process has a name of its own."""
    folder = config.own_logs_folder
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / f"{name}.jsonl",
        maxBytes=config.log_file_mb * _MB,
        backupCount=config.log_files,
        encoding="utf-8",
    )
    handler.setFormatter(_formatter())
    root = logging.getLogger()
    for before in [h for h in root.handlers if isinstance(h, RotatingFileHandler)]:
        root.removeHandler(before)
        before.close()
    root.addHandler(handler)
    root.setLevel(config.log_level.upper())
    return handler


def _formatter() -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(_FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            _without_content,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _without_content(_: Any, __: str, event: Any) -> Any:
    """Leave the type and the places of an error, and of libraries' texts the template."""
    raised = event.pop("exc_info", None)
    if isinstance(raised, tuple) and raised[1] is not None:
        event |= described(raised[1], raised[2])
    record = event["_record"]
    if not record.name.startswith("railtrace"):
        event["event"] = str(record.msg)
    return event


def described(error: BaseException, passed: TracebackType | None) -> dict[str, Any]:
    """Return what is logged of an exception."""
    places = [
        f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(passed)
    ]
    told = {"error": type(error).__name__, "where": places}
    return told | ({"template": error.template} if isinstance(error, RailtraceError) else {})


def failure(error: BaseException) -> str:
    """Log an unexpected exception; return the id under which it stands."""
    id_ = secrets.token_hex(4)
    logging.getLogger("railtrace").error(
        "unexpected error", exc_info=(type(error), error, error.__traceback__), extra={"id": id_}
    )
    return id_


# --- requests -----------------------------------------------------------------------------


def page_of(path: str) -> str:
    """Return a path without what names one unit, operation or person."""
    parts = [part if _WORD.fullmatch(part) else "*" for part in path.split("/")[1:] if part]
    return "/" + "/".join(parts)


def logged(application: WsgiApplication, addresses: bool = False) -> WsgiApplication:
    """Give every request an id, in its answer too, and one line of log."""

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = str(environ.get("HTTP_X_REQUEST_ID", ""))
        id_ = given if _ID.fullmatch(given) else secrets.token_hex(8)
        began, statuses = time.monotonic(), []

        def start_logged(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", id_)], *rest)

        structlog.contextvars.bind_contextvars(request_id=id_)
        try:
            return application(environ, start_logged)
        finally:
            _tell(environ, statuses, time.monotonic() - began, addresses)
            structlog.contextvars.unbind_contextvars("request_id")

    return respond


def _tell(environ: dict[str, Any], statuses: list[str], seconds: float, addresses: bool) -> None:
    status = int(statuses[-1]) if statuses else 500
    path = str(environ.get("PATH_INFO", ""))
    if path.startswith("/static/") and status < 400:
        return
    told: dict[str, Any] = {
        "method": environ.get("REQUEST_METHOD", ""), "page": page_of(path), "status": status,
        "ms": round(seconds * 1000, 1),
    }  # fmt: skip
    if addresses:
        told["address"] = environ.get("REMOTE_ADDR", "")
    _log.info("request", extra=told)
