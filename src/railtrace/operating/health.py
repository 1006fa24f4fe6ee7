"""How an installation is: what `/health` and `railtrace health` tell."""

import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec import Struct

from railtrace.app import App
from railtrace.errors import RailtraceError, StoreFull
from railtrace.operating.tls import SERVER, expiry_of, folder_of
from railtrace.trace import leaf as leaves

LAG_WARNS = 5_000
UNSIGNED_WARNS_S = 300
CERTIFICATE_WARNS_DAYS = 30
_MB = 1024 * 1024

Level = Literal["ok", "warning", "failing"]


class Problem(Struct, frozen=True):
    """One thing that is wrong or soon will be; `word` never changes, `text` says what to do."""

    word: str
    level: Level
    text: str


class Health(Struct, frozen=True):
    """The state of an installation; nothing in it names a person or an operation."""

    status: Level
    version: str
    store_writable: bool
    views_lag: int
    disk_free_mb: int
    unsigned_entries: int
    last_checkpoint_age_s: int | None
    problems: tuple[Problem, ...]


def health(app: App) -> Health:
    """Look at an installation."""
    now = app.clock()
    free_mb = disk_free_mb(app.config.data_folder)
    store = _store_problem(app)
    lag, age_s = app.views.lag(), _checkpoint_age_s(app, now)
    unsigned, waiting_s = _unsigned(app, now)
    problems = tuple(
        problem
        for problem in (
            store,
            disk_problem(app),
            _views_problem(app, lag),
            _signing_problem(unsigned, waiting_s),
            _certificate_problem(app, now),
        )
        if problem is not None
    )
    return Health(
        _worst(problems),
        version("railtrace"),
        store is None,
        lag,
        free_mb,
        unsigned,
        age_s,
        problems,
    )


def _worst(problems: tuple[Problem, ...]) -> Level:
    levels = {problem.level for problem in problems}
    return "failing" if "failing" in levels else "warning" if levels else "ok"


def disk_free_mb(folder: Path) -> int:
    """Return the free room of the disk that holds a folder."""
    return shutil.disk_usage(folder).free // _MB


def disk_problem(app: App) -> Problem | None:
    """Warn while there is still time to make room."""
    free, wanted = disk_free_mb(app.config.data_folder), app.config.disk_warn_mb
    if free >= wanted:
        return None
    text = (
        f"{free} MB are free on the disk of {app.config.data_folder}, {wanted} MB are wanted "
        "(disk_warn_mb): make room before recording stops"
    )
    return Problem("disk-low", "warning", text)


def _store_problem(app: App) -> Problem | None:
    """Begin and end a write that changes nothing."""
    try:
        with app.trace.database.write() as writer:
            writer.query("SELECT 1")
    except StoreFull as error:
        return Problem("disk-full", "failing", str(error))
    except Exception as error:
        text = f"the store cannot be written ({type(error).__name__}): see the log"
        return Problem("store", "failing", text)
    return None


def _views_problem(app: App, lag: int) -> Problem | None:
    error = app.follower_error
    if error is not None and not isinstance(error, StoreFull):
        where = error.template if isinstance(error, RailtraceError) else type(error).__name__
        text = f"the views stopped {lag} entries behind ({where}): see the log"
        return Problem("views", "failing", text)
    if lag > LAG_WARNS:
        return Problem("lag", "warning", f"the views are {lag} entries behind")
    return None


def _unsigned(app: App, now: datetime) -> tuple[int, int]:
    """Return how many entries no checkpoint covers, and for how long [s] the oldest waits."""
    count, oldest_us = 0, leaves.microseconds(now)
    for head in app.trace.heads():
        if head.foreign:
            continue
        signed = (app.trace.last_checkpoint(head.log) or (0, ""))[0]
        count += head.size - signed
        for leaf in app.trace.leaves_at([(head.log, signed)]).values():
            oldest_us = min(oldest_us, leaves.read(leaf, head.log, signed).recorded_us)
    return count, (leaves.microseconds(now) - oldest_us) // 1_000_000


def _checkpoint_age_s(app: App, now: datetime) -> int | None:
    [(signed_us,)] = app.trace.database.query("SELECT MAX(signed_us) FROM checkpoints")
    if signed_us is None:
        return None
    return max(0, int((now.astimezone(UTC) - leaves.moment(signed_us)).total_seconds()))


def _signing_problem(unsigned: int, waiting_s: int) -> Problem | None:
    if waiting_s <= UNSIGNED_WARNS_S:
        return None
    text = (
        f"{unsigned} entries wait for a signature, for {waiting_s // 60} minutes: see the log; "
        "is the log key readable?"
    )
    return Problem("unsigned", "warning", text)


def _certificate_problem(app: App, now: datetime) -> Problem | None:
    path = folder_of(app.config) / SERVER.certificate
    if not app.config.tls or not path.exists():
        return None
    days = (expiry_of(path) - now).days
    if days >= CERTIFICATE_WARNS_DAYS:
        return None
    return Problem(
        "certificate", "warning",
        f"the server's certificate ends in {days} days: run `railtrace tls` and restart",
    )  # fmt: skip
