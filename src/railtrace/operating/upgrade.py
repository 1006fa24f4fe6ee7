"""Bringing a data folder up to this program: back up, migrate, rebuild what changed."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from railtrace.app import App, utc_now
from railtrace.config import Config
from railtrace.errors import ConfigError
from railtrace.operating.backup import back_up
from railtrace.operating.only_one import alone
from railtrace.store.copy import copy_sqlite
from railtrace.store.folder import FORMAT, format_of, mark_format, require_format

MIGRATIONS: dict[int, Callable[[Config], None]] = {}
"""The step from each older format to the next; every one may be run twice."""

_NOT_COPIED = ("evidence", "logs", "keys", "views.db*", "*-wal", "*-shm", "*.lock")


class Upgraded(NamedTuple):
    """What an upgrade did."""

    backup: Path
    from_format: int
    rebuilt: Sequence[str]


def upgrade(
    config: Config,
    backups: Path,
    migrate_web: Callable[[], object],
    tell: Callable[[str, int], None] = lambda what, done: None,
) -> Upgraded:
    """Upgrade a data folder. Raises ConfigError when a newer program wrote it or one serves it."""
    found = format_of(config.data_folder)
    if found is None:
        raise ConfigError(
            "{folder} holds nothing yet: there is nothing to upgrade", folder=config.data_folder
        )
    if found > FORMAT:
        require_format(config.data_folder)
    with alone(config.data_folder):
        backup = _back_up(config, backups, found)
        for step in range(found, FORMAT):
            MIGRATIONS[step](config)
        mark_format(config.data_folder)
        migrate_web()
        return Upgraded(backup, found, _rebuild(config, tell))


def _back_up(config: Config, backups: Path, found: int) -> Path:
    if found < FORMAT:
        return _copy_old(config.data_folder, backups, found, utc_now())
    app = App(config)
    try:
        return back_up(app, backups)
    finally:
        app.stop()


def _copy_old(data: Path, backups: Path, found: int, now: datetime) -> Path:
    """Copy what a migration may change, as it lies: this program cannot read it yet.

    Evidence is left out, for no migration touches files named by their content.
    """
    target = backups / f"format-{found}-{now:%Y%m%dT%H%M%S.%fZ}"
    shutil.copytree(data, target, ignore=shutil.ignore_patterns(*_NOT_COPIED, "*.db"))
    for path in data.glob("*.db"):
        if path.name != "views.db":
            copy_sqlite(path, target / path.name)
    return target


def _rebuild(config: Config, tell: Callable[[str, int], None]) -> list[str]:
    """Rebuild the views of another version; readers see the old rows until all is there."""
    app = App(config)
    try:
        changed = app.views.outdated()
        if changed:
            app.views.rebuild(changed, tell)
        app.prepare()
        return changed
    finally:
        app.stop()
