"""Re-checking what an installation or one of its backups holds."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import NotFound
from railtrace.operating.backup import (
    EVIDENCE,
    MANIFEST,
    TRACE,
    Tell,
    check_copy,
    newest,
    open_trace,
    read_manifest,
    require_whole,
)
from railtrace.operating.trust import trust_of_installation
from railtrace.store.evidence import EvidenceStore
from railtrace.store.folder import FILE as FORMAT_FILE
from railtrace.store.keys import load_trust
from railtrace.store.postgres import Postgres
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.verify import Plan, Report, verify_store


def verify_installation(
    app: App,
    earlier: Sequence[str] = (),
    since: Sequence[str] = (),
    *,
    trust: Path | None = None,
    jobs: int = 0,
    evidence: bool = True,
    tell: Tell = lambda what, done, total: None,
) -> Report:
    """Re-check the store against its own checkpoints and those kept elsewhere."""
    origins = _logs_by_origin(app)
    plan = Plan(
        load_trust(trust) if trust else trust_of_installation(app),
        _by_log(earlier, origins),
        {log: notes[-1] for log, notes in _by_log(since, origins).items()},
        app.evidence.state if evidence else None,
    )
    return verify_store(_opener(app.config), plan, jobs or os.cpu_count() or 1, tell)


def _opener(config: Config) -> Callable[[], DatabaseTraceStore]:
    if config.database:
        return partial(_open_postgres, config.database)
    return partial(open_trace, config.data_folder / TRACE)


def _open_postgres(dsn: str) -> DatabaseTraceStore:
    return DatabaseTraceStore(Postgres(dsn))


def _logs_by_origin(app: App) -> dict[str, str]:
    """An older checkpoint may carry the origin the log had before a restore."""
    return {
        origin: head.log
        for head in app.trace.heads()
        for origin in (head.origin, app.config.origin_of(head.log))
    }


def _by_log(notes: Iterable[str], origins: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for note in sorted(notes, key=lambda note: Checkpoint.parse(note).size):
        origin = Checkpoint.parse(note).origin
        log = origins.get(origin) or origins.get(origin.partition("/epoch-")[0])
        if log is None:
            raise NotFound("no log here has the origin {origin}", origin=origin)
        found.setdefault(log, []).append(note)
    return found


def is_backup(path: Path) -> bool:
    """Tell a backup, or a folder of them, from an export."""
    if (path / MANIFEST).exists():
        return (path / TRACE).exists()
    return path.is_dir() and (path / EVIDENCE).is_dir()


def is_data_folder(path: Path) -> bool:
    """Tell the folder of an installation from what left one."""
    return (path / FORMAT_FILE).exists()


def verify_backup(path: Path, tell: Tell = lambda what, done, total: None) -> Report:
    """Re-check a backup without touching it: opening a database changes its file."""
    backup = newest(path)
    manifest = read_manifest(backup)
    require_whole(backup, manifest)
    pool = EvidenceStore(backup.parent / EVIDENCE, keep_free_bytes=0)
    with tempfile.TemporaryDirectory(prefix="railtrace-") as folder:
        copy = Path(folder) / TRACE
        shutil.copyfile(backup / TRACE, copy)
        return check_copy(copy, manifest.trust, pool, tell)
