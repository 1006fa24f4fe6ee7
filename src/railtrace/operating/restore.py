"""Restoring a backup into an empty folder: each log goes on in a new epoch."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from railtrace.app import SYSTEM, databases, utc_now
from railtrace.config import Config
from railtrace.errors import Broken, ConfigError, NotFound, Refused
from railtrace.operating.backup import (
    CATALOGUE,
    EVIDENCE,
    TRACE,
    WEB,
    BackedUpLog,
    Manifest,
    Tell,
    check_copy,
    newest,
    read_manifest,
    require_whole,
)
from railtrace.operating.only_one import FILE as LOCK_FILE
from railtrace.store.copy import copy_in
from railtrace.store.evidence import EvidenceStore
from railtrace.store.folder import FORMAT, mark_format, mark_unfinished
from railtrace.store.keys import load_key
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.epochs import OPENING, epochs_of, next_origin, opening
from railtrace.trace.ledger import Submission, record, sign_head


class NewEpoch(NamedTuple):
    """How a log goes on: what it kept, and the positions known to be lost."""

    log: str
    origin: str
    kept: int
    lost: int


def restore(
    config: Config,
    folder: Path,
    seen_elsewhere: Sequence[str] = (),
    tell: Tell = lambda what, done, total: None,
    clock: Callable[[], datetime] = utc_now,
) -> list[NewEpoch]:
    """Restore the newest backup of a folder; `seen_elsewhere` are later checkpoints of its logs."""
    backup = newest(folder)
    manifest = read_manifest(backup)
    _require_fit(config, manifest)
    require_whole(backup, manifest)
    last = _last_checkpoints(manifest, seen_elsewhere)
    mark_unfinished(config.data_folder)
    _copy(config.data_folder, backup, manifest)
    _require_proven(config.data_folder, manifest, tell)
    if config.database:
        _move_in(config)
    epochs = _open_epochs(config, manifest, last, clock())
    mark_format(config.data_folder)
    return epochs


def _require_proven(data: Path, manifest: Manifest, tell: Tell) -> None:
    """The copy is checked, not the backup: opening a database changes its file."""
    files = EvidenceStore(data / EVIDENCE, keep_free_bytes=0)
    report = check_copy(data / TRACE, manifest.trust, files, tell)
    if not report.is_whole:
        fault = next(finding for finding in report.findings if finding.is_fault)
        raise Broken("what was restored into {folder} is not whole: {fault}", folder=data,
                     fault=fault)  # fmt: skip


def _move_in(config: Config) -> None:
    trace = _trace(config)
    copy_in(config.data_folder / TRACE, trace.database)
    trace.close()
    for path in config.data_folder.glob(f"{TRACE}*"):
        path.unlink()


def _require_fit(config: Config, manifest: Manifest) -> None:
    if manifest.data_format > FORMAT:
        raise ConfigError(
            "the backup has format {found}, this program knows {known}: install release {version}",
            found=manifest.data_format, known=FORMAT, version=manifest.version,
        )  # fmt: skip
    folder, keys = config.data_folder, config.keys_folder
    there = (
        [p for p in folder.iterdir() if p != keys and p.name != LOCK_FILE]
        if folder.exists()
        else []
    )
    if there:
        raise ConfigError(
            "{folder} is not empty ({what}): restore into an empty folder, set by `data` in the "
            "settings or by RAILTRACE_DATA",
            folder=folder, what=there[0].name,
        )  # fmt: skip
    if config.database:
        _require_empty_database(config)
    signer = load_key(keys)
    known = {key.verifier_key for key in manifest.trust.keys}
    if not any(str(signer.named(log.origin).verifier) in known for log in manifest.logs):
        raise ConfigError(
            "the key in {folder} is not the one that signed this backup: restore its recovery copy",
            folder=keys,
        )


def _require_empty_database(config: Config) -> None:
    trace = _trace(config)
    heads = trace.heads()
    trace.close()
    if heads:
        raise ConfigError("the database holds logs already: restore into an empty one")


def _trace(config: Config) -> DatabaseTraceStore:
    trace, _ = databases(config)
    return DatabaseTraceStore(trace)


def _last_checkpoints(manifest: Manifest, seen: Sequence[str]) -> dict[str, Checkpoint]:
    """Return, per log, the newest checkpoint anybody has; each is checked against its key."""
    by_origin = {log.origin: log for log in manifest.logs}
    last = {log.log: Checkpoint.parse(log.checkpoint) for log in manifest.logs if log.checkpoint}
    for note in seen:
        checkpoint = Checkpoint.parse(note)
        if checkpoint.origin not in by_origin:
            raise NotFound("{origin} is no log of this backup", origin=checkpoint.origin)
        checkpoint.require(manifest.trust.keys_at(checkpoint.origin, checkpoint.size))
        log = by_origin[checkpoint.origin].log
        if log not in last or last[log].size < checkpoint.size:
            last[log] = checkpoint
    return last


def _copy(data: Path, backup: Path, manifest: Manifest) -> None:
    for file in manifest.evidence:
        target = data / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(backup.parent / file.path, target)
    if (backup / CATALOGUE).exists():
        shutil.copytree(backup / CATALOGUE, data / CATALOGUE)
    for name in (TRACE, WEB):
        if (backup / name).exists():
            shutil.copyfile(backup / name, data / name)


def _open_epochs(
    config: Config, manifest: Manifest, last: dict[str, Checkpoint], now: datetime
) -> list[NewEpoch]:
    trace, signer = _trace(config), load_key(config.keys_folder)
    try:
        epochs = [
            _open_epoch(trace, log, last[log.log], now)
            for log in manifest.logs
            # What another installation writes goes on there; replication brings the rest.
            if log.log in last and not trace.head(log.log).foreign
        ]
        for epoch in epochs:
            sign_head(trace, epoch.log, signer, now)
    finally:
        trace.close()
    return epochs


def _open_epoch(
    trace: DatabaseTraceStore, log: BackedUpLog, last: Checkpoint, now: datetime
) -> NewEpoch:
    head = trace.head(log.log)
    openings = [
        leaves.read(leaf, log.log, position)
        for position, leaf in trace.leaves(log.log, 0, head.size, (OPENING,))
    ]
    number = epochs_of(head.origin, openings)[-1].number + 1
    origin = next_origin(head.origin, number, now)
    told = opening(origin, number, head.size, last, now)
    [result] = record(trace, log.log, [Submission(told, SYSTEM, "system")], now)
    if isinstance(result, Refused):
        raise result
    trace.rename_origin(log.log, origin)
    return NewEpoch(log.log, origin, head.size, last.size - head.size)
