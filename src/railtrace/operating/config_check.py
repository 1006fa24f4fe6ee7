"""Does an installation fit its settings: what `railtrace config check` looks at."""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from railtrace.app import databases
from railtrace.config import Config
from railtrace.errors import RailtraceError
from railtrace.operating import tls
from railtrace.operating.backup import TRACE
from railtrace.operating.health import disk_free_mb
from railtrace.store.folder import FORMAT, format_of, require_format
from railtrace.store.keys import KEY_FILE, load_key


class Line(Struct, frozen=True):
    """One thing looked at."""

    what: str
    good: bool
    text: str


def check(config: Config) -> list[Line]:
    """Look at everything; nothing is written but empty folders."""
    looks: dict[str, Callable[[Config], str]] = {
        "settings": _settings,
        "data": _data,
        "format": _format,
        "key": _key,
        "database": _database,
        "disk": _disk,
        "https": _https,
        "backups": _backups,
    }
    return [_look(what, look, config) for what, look in looks.items()]


def _look(what: str, look: Callable[[Config], str], config: Config) -> Line:
    try:
        return Line(what, True, look(config))
    except RailtraceError as error:
        return Line(what, False, str(error))
    except OSError as error:
        return Line(what, False, f"{error.filename}: {error.strerror}")
    except Exception as error:
        return Line(what, False, f"{type(error).__name__}: {error}".strip().splitlines()[0])


def _settings(config: Config) -> str:
    return f"{config.name}, logs {', '.join(config.logs)}"


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".write-check-{os.getpid()}"
    probe.touch()
    probe.unlink()
    return str(folder)


def _data(config: Config) -> str:
    return _writable(config.data_folder)


def _format(config: Config) -> str:
    found = format_of(config.data_folder)
    if found is None:
        return "nothing is kept there yet"
    require_format(config.data_folder)
    return f"format {FORMAT}"


def _key(config: Config) -> str:
    path = config.keys_folder / KEY_FILE
    if not path.exists():
        if _has_entries(config):
            load_key(config.keys_folder)
        return f"none in {config.keys_folder} yet: it is made at the first start"
    apart = not config.keys_folder.is_relative_to(config.data_folder)
    load_key(config.keys_folder)
    return f"{path}{'' if apart else ' (inside the data folder: better apart, set `keys`)'}"


def _has_entries(config: Config) -> bool:
    """A key that is missing where something was recorded is lost, not yet to be made."""
    if not config.database and not (config.data_folder / TRACE).exists():
        return False
    trace, views = databases(config)
    try:
        return bool(trace.query("SELECT 1 FROM logs WHERE size > 0 LIMIT 1"))
    except Exception:
        return False
    finally:
        trace.close()
        views.close()


def _database(config: Config) -> str:
    if not config.database:
        return f"SQLite in {config.data_folder}"
    trace, views = databases(config)
    [(version,)] = trace.query("SHOW server_version")
    trace.close()
    views.close()
    return f"PostgreSQL {version}"


def _disk(config: Config) -> str:
    return f"{disk_free_mb(config.data_folder)} MB free, warning below {config.disk_warn_mb}"


def _https(config: Config) -> str:
    if not config.tls:
        return "off"
    certificate, _ = tls.server_files(config)
    return f"certificate valid until {tls.expiry_of(certificate):%Y-%m-%d}"


def _backups(config: Config) -> str:
    return _writable(config.backups_folder)
