"""Files by their SHA-256, beside the trace: written once, checked at every reading.

`ab/abcd...` is a file; `ab/abcd....expired` says that it was deleted after its retention.
"""

import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from railtrace.errors import BadOperation, NotFound, ProofFailed, StoreFull
from railtrace.trace.evidence import named_evidence
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import Evidence
from railtrace.trace.verify import FileState

EvidenceClass = Literal["document", "photo", "curve", "dataset", "catalogue"]
CLASSES: tuple[str, ...] = get_args(EvidenceClass)
KEEP_FREE_BYTES = 256 * 1024 * 1024
GRACE = timedelta(days=2)
"""How long a file waits for the operation that names it."""
_PIECE = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Named:
    """What the trace says of a file: its classes and when it was last named."""

    classes: frozenset[str]
    recorded_us: int


def is_sha256(text: str) -> bool:
    """Tell a SHA-256 in hexadecimal from anything else that an entry may name."""
    return _SHA256.fullmatch(text) is not None


def named_in(entries: Iterable[Entry]) -> dict[str, Named]:
    """Return every file that entries name."""
    found: dict[str, Named] = {}
    for entry in entries:
        take_named(found, entry)
    return found


def take_named(found: dict[str, Named], entry: Entry) -> None:
    """Add the files that one entry names."""
    for name, evidence_class in named_evidence(entry):
        before = found.get(name, Named(frozenset(), 0))
        found[name] = Named(
            before.classes | {evidence_class}, max(before.recorded_us, entry.recorded_us)
        )


class EvidenceStore:
    """A folder of files named by their SHA-256."""

    def __init__(
        self,
        folder: Path,
        keep_free_bytes: int = KEEP_FREE_BYTES,
        max_bytes: int = 1 << 30,
        retention_days: Mapping[str, int | None] | None = None,
    ) -> None:
        self.folder = folder
        self._keep_free_bytes, self._max_bytes = keep_free_bytes, max_bytes
        self._retention_days = dict(retention_days or {})
        self._drafts = folder / "incoming"
        self._drafts.mkdir(parents=True, exist_ok=True)

    def path(self, sha: str) -> Path:
        """Return where a file is kept. Raises NotFound for what is not a SHA-256."""
        if not is_sha256(sha):
            raise NotFound("{sha256} is not a SHA-256", sha256=sha[:80])
        return self.folder / sha[:2] / sha

    def put(
        self,
        content: bytes | BinaryIO,
        name: str = "",
        media_type: str = "",
        evidence_class: EvidenceClass = "document",
    ) -> Evidence:
        """Keep a file durably and return how an operation names it."""
        source = BytesIO(content) if isinstance(content, bytes) else content
        draft = self._drafts / secrets.token_hex(16)
        try:
            sha, size = self._write(source, draft)
            self._adopt(draft, self.path(sha))
        finally:
            draft.unlink(missing_ok=True)
        return Evidence(
            sha256=sha, name=name, media_type=media_type, size=size, evidence_class=evidence_class
        )

    def _write(self, source: BinaryIO, draft: Path) -> tuple[str, int]:
        hashed, size = sha256(), 0
        with draft.open("xb") as file:
            while piece := source.read(_PIECE):
                size += len(piece)
                self._require_room(size)
                hashed.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return hashed.hexdigest(), size

    def _require_room(self, size: int) -> None:
        if size > self._max_bytes:
            raise BadOperation(
                "the file is longer than {limit} MB", field="evidence", limit=self._max_bytes >> 20
            )
        if shutil.disk_usage(self._drafts).free < self._keep_free_bytes:
            raise StoreFull(
                "the disk of {folder} is full: no file is taken until room is made; "
                "reading goes on",
                folder=self.folder,
            )

    def _adopt(self, draft: Path, path: Path) -> None:
        """A file that is there already, whole, stays; it is touched so that no sweep takes it."""
        path.parent.mkdir(exist_ok=True)
        if self.state(path.name) == "kept":
            os.utime(path)
            return
        draft.replace(path)
        expired(path).unlink(missing_ok=True)
        for folder in (path.parent, self.folder):
            _sync(folder)

    # --- files that come piece by piece -----------------------------------------------------

    def _part(self, sha: str) -> Path:
        return self._drafts / f"{self.path(sha).name}.part"

    def received(self, sha: str) -> int:
        """Return how many bytes have come of a file that comes piece by piece."""
        part = self._part(sha)
        return part.stat().st_size if part.exists() else 0

    def add_piece(self, sha: str, start: int, content: bytes, size: int) -> bool:
        """Add the next piece of a file of `size` bytes; tell whether it is whole now.

        A piece that does not begin where the last one ended is left: it came twice, or too late.
        Raises ProofFailed when the whole has another hash; it begins anew then.
        """
        part = self._part(sha)
        if start == self.received(sha):
            self._require_room(size)
            with part.open("ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if self.received(sha) < size:
            return False
        with part.open("rb") as file:
            same = file_digest(file, "sha256").hexdigest() == sha
        if not same:
            part.unlink()
            raise ProofFailed("the file {sha256} came with other bytes: it begins anew", sha256=sha)
        self._adopt(part, self.path(sha))
        part.unlink(missing_ok=True)
        return True

    def note_expired(self, sha: str, now: datetime) -> None:
        """Note of a file that never came here that its holder deleted it after its retention."""
        self.path(sha).parent.mkdir(exist_ok=True)
        expired(self.path(sha)).write_text(f"{now.isoformat()}\n")

    def open(self, sha: str) -> BinaryIO:
        """Open a file after checking it. Raises NotFound or ProofFailed."""
        path = self.path(sha)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise NotFound("the file {sha256} is not here", sha256=sha) from None
        if file_digest(file, "sha256").hexdigest() != sha:
            file.close()
            raise ProofFailed("the file {sha256} was changed on the disk", sha256=sha)
        file.seek(0)
        return file

    def read(self, sha: str) -> bytes:
        """Return a whole file after checking it. Raises NotFound or ProofFailed."""
        with self.open(sha) as file:
            return file.read()

    def state(self, sha: str) -> FileState:
        """Tell whether a file is kept as it was, missing, changed or deleted after retention."""
        try:
            self.open(sha).close()
        except NotFound:
            gone = is_sha256(sha) and expired(self.path(sha)).exists()
            return "expired" if gone else "missing"
        except ProofFailed:
            return "changed"
        return "kept"

    def missing(self, shas: Iterable[str]) -> list[str]:
        """Return those that are not here, without reading the others."""
        return [sha for sha in shas if not self.path(sha).exists()]

    def files(self) -> Iterator[str]:
        """Yield the SHA-256 of every file."""
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if len(path.name) == 64:
                yield path.name

    def sweep(
        self, named: Mapping[str, Named], now: datetime, held: Collection[str] = ()
    ) -> list[str]:
        """Delete what no entry names and what outlived its retention; return what went.

        `named` must come from every entry of the ledger, read after `now` was taken. A file the
        trace names is kept for the longest retention of its classes; without one, for ever. What
        is `held` stays in any case.
        """
        gone = [sha for sha in self.files()
                if sha not in held and self._has_passed(sha, named.get(sha), now)]  # fmt: skip
        for sha in gone:
            path = self.path(sha)
            if sha in named:
                expired(path).write_text(f"{now.isoformat()}\n")
                _sync(path.parent)
            path.unlink()
        return gone

    def _has_passed(self, sha: str, named: Named | None, now: datetime) -> bool:
        if named is None:
            return self.path(sha).stat().st_mtime < (now - GRACE).timestamp()
        days = [self._retention_days.get(name) for name in named.classes]
        kept_days = [day for day in days if day is not None]
        if len(kept_days) < len(days):
            return False
        return microseconds(now - timedelta(days=max(kept_days))) > named.recorded_us


def expired(path: Path) -> Path:
    """Return the note beside a file that says that it was deleted after its retention."""
    return path.with_name(f"{path.name}.expired")


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
