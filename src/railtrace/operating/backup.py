"""Backups: the trace, the web's own tables and the evidence, at one moment, checked.

    DIR/evidence/ab/abcd...         files by SHA-256, shared by all backups in DIR
    DIR/20261122T101500Z/           one backup: manifest.json, trace.db, app.db, catalogue/

The keys stay out of it: they have a recovery copy of their own. docs/how-to/back-up-and-restore.md
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path

import msgspec
from msgspec import Struct

from railtrace.app import App
from railtrace.config import Config, write
from railtrace.errors import Broken, ConfigError, NotFound, ProofFailed
from railtrace.operating.trust import trust_of_installation
from railtrace.store.copy import copy_out, copy_sqlite, seal
from railtrace.store.evidence import EvidenceStore, expired, is_sha256, named_in
from railtrace.store.folder import FORMAT
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.leaf import Entry
from railtrace.trace.trust import Trust
from railtrace.trace.verify import Plan, Report, verify_store

MANIFEST, TRACE, WEB, SETTINGS = "manifest.json", "trace.db", "app.db", "railtrace.toml"
CATALOGUE, EVIDENCE = "catalogue", "evidence"

Tell = Callable[[str, int, int], None]


class BackedUpLog(Struct, frozen=True):
    """A log as the backup holds it, with the signed checkpoint of that moment."""

    log: str
    origin: str
    size: int
    checkpoint: str


class BackedUpFile(Struct, frozen=True):
    """A file of the backup; evidence lies in the folder shared by all backups."""

    path: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What a backup holds. `findings` is empty when it was found whole after writing."""

    made_at: datetime
    version: str
    data_format: int
    name: str
    logs: tuple[BackedUpLog, ...]
    files: tuple[BackedUpFile, ...]
    evidence: tuple[BackedUpFile, ...]
    findings: tuple[str, ...]
    trust: Trust
    keys: str = "not in this backup: keep the recovery copy of `railtrace key recovery-copy`"
    format: int = 1


def back_up(app: App, folder: Path, tell: Tell = lambda what, done, total: None) -> Path:
    """Write a backup while recording goes on, read it back and return its folder.

    Raises Broken when what was written does not prove what the logs signed; it is kept then,
    with the findings in its manifest, for nothing better may be left.
    """
    now = app.clock()
    target = folder / f"{now:%Y%m%dT%H%M%SZ}"
    draft = folder / f".{target.name}.unfinished"
    if folder.resolve().is_relative_to(app.config.data_folder):
        raise ConfigError(
            "{folder} lies in the data it would copy: back up into another folder", folder=folder
        )
    if target.exists():
        raise ConfigError("{folder} is there already: try again in a second", folder=target)
    draft.mkdir(parents=True)
    try:
        manifest = _write(app, folder, draft, now, tell)
        (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        _sync(draft)
        draft.rename(target)
        _sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if manifest.findings:
        raise Broken(
            "the backup {folder} is written, but the store it copies is not whole: {finding} "
            "({count} findings): run `railtrace verify`",
            folder=target, finding=manifest.findings[0], count=len(manifest.findings),
        )  # fmt: skip
    return target


def _write(app: App, folder: Path, draft: Path, now: datetime, tell: Tell) -> Manifest:
    app.sign_heads()
    copy_out(app.trace.database, draft / TRACE)
    _copy_web(app.config, draft)
    copy = partial(open_trace, draft / TRACE)
    trace = copy()
    named = named_in(_readable(trace))
    pool = EvidenceStore(folder / EVIDENCE, keep_free_bytes=0)
    evidence = [file for sha in named for file in _copy_evidence(app.evidence, pool, sha)]
    logs = tuple(
        BackedUpLog(h.log, h.origin, h.size, (trace.last_checkpoint(h.log) or (0, ""))[1])
        for h in trace.heads()
    )
    trace.close()
    trust = trust_of_installation(app)
    report = check_copy(draft / TRACE, trust, pool, tell)
    seal(draft / TRACE)
    return Manifest(
        now, version("railtrace"), FORMAT, app.config.name, logs,
        tuple(_files(draft)), tuple(evidence),
        tuple(str(finding) for finding in report.findings if finding.is_fault), trust,
    )  # fmt: skip


def _readable(trace: DatabaseTraceStore) -> Iterator[Entry]:
    """A damaged leaf stops no backup: the check that follows names it."""
    for head in trace.heads():
        for position, leaf in trace.leaves(head.log, 0, head.size):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, KeyError):
                yield leaves.read(leaf, head.log, position)


def _copy_web(config: Config, draft: Path) -> None:
    if (config.data_folder / WEB).exists():
        copy_sqlite(config.data_folder / WEB, draft / WEB)
    if (config.data_folder / CATALOGUE).exists():
        shutil.copytree(config.data_folder / CATALOGUE, draft / CATALOGUE)
    # Without the database's address, which holds a password.
    write(draft / SETTINGS, msgspec.structs.replace(config, database=""))


def _copy_evidence(source: EvidenceStore, pool: EvidenceStore, sha: str) -> Iterator[BackedUpFile]:
    """Copy what is not in the pool yet; of a file past its retention, the note that says so."""
    if not is_sha256(sha):
        return
    note, path = expired(source.path(sha)), pool.path(sha)
    if note.exists():
        path = expired(path)
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(note, path)
    elif not path.exists():
        with suppress(NotFound, ProofFailed), source.open(sha) as file:
            pool.put(file)
    if path.exists():
        name = path.relative_to(pool.folder).as_posix()
        yield BackedUpFile(f"{EVIDENCE}/{name}", path.stat().st_size, sha256_of(path))


def open_trace(path: Path) -> DatabaseTraceStore:
    """Open a copied trace."""
    return DatabaseTraceStore(Sqlite(path))


def check_copy(path: Path, trust: Trust, pool: EvidenceStore, tell: Tell) -> Report:
    """Re-check a copied trace: every leaf, every signed head, every file."""
    plan = Plan(trust, file_state=pool.state)
    return verify_store(partial(open_trace, path), plan, workers=1, progress=tell)


def _files(draft: Path) -> Iterator[BackedUpFile]:
    for path in sorted(draft.rglob("*")):
        if path.is_file():
            _sync(path)
            yield BackedUpFile(
                path.relative_to(draft).as_posix(), path.stat().st_size, sha256_of(path)
            )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on the disk."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def backups_in(folder: Path) -> list[Path]:
    """Return the finished backups in a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def newest(folder: Path) -> Path:
    """Return a backup's folder: itself, or the newest in it. Raises NotFound."""
    if (folder / MANIFEST).exists():
        return folder
    found = backups_in(folder)
    if not found:
        raise NotFound("there is no backup in {folder}", folder=folder)
    return found[-1]


def read_manifest(backup: Path) -> Manifest:
    """Read what a backup says of itself. Raises ProofFailed."""
    try:
        return msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise ProofFailed(
            "{path} cannot be read: {error}", path=backup / MANIFEST, error=error
        ) from error


def require_whole(backup: Path, manifest: Manifest) -> None:
    """Raise ProofFailed unless every file is there as it was written."""
    for file in manifest.files:
        _require_same(backup / file.path, file)
    for file in manifest.evidence:
        _require_same(backup.parent / file.path, file)


def _require_same(path: Path, file: BackedUpFile) -> None:
    if not path.exists():
        raise ProofFailed("{path} of the backup is missing", path=path)
    if sha256_of(path) != file.sha256:
        raise ProofFailed("{path} of the backup was changed after it was written", path=path)


def prune(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest backups, and the evidence that none of those left names."""
    gone = backups_in(folder)[:-keep]
    for backup in gone:
        shutil.rmtree(backup)
    named = {file.sha256 for left in backups_in(folder) for file in read_manifest(left).evidence}
    pool = EvidenceStore(folder / EVIDENCE, keep_free_bytes=0)
    for sha in list(pool.files()) if gone else ():
        if sha not in named:
            pool.path(sha).unlink()
    return gone
