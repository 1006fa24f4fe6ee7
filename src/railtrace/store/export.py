"""Exports: logs as files that railtrace/check.py checks without this program.

The layout is docs/trace-format.md, "Exports".
"""

import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote

from msgspec import MsgspecError

from railtrace import check
from railtrace.errors import ConfigError, NotFound
from railtrace.store.evidence import EvidenceStore
from railtrace.trace import leaf as leaves
from railtrace.trace import trust as trust_file
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.evidence import named_evidence
from railtrace.trace.ledger import LogHead, TraceStore, prove
from railtrace.trace.trust import Trust

FORMAT = 1
PROOF_FORMAT = "railtrace proof v1"
_READ_ME = """\
The trace of railway rolling stock, exported by Railtrace.

To check that nothing in it was altered, with Python 3.9 or later and nothing else:

    python check.py . --key VERIFIER_KEY

VERIFIER_KEY is the public key that the owner of the log gave you another way. For a checker that
did not travel with the data, take check.py from the Railtrace source.
"""


class _Target(Protocol):
    def file(self, name: str) -> Any:
        """Open a new file of the export."""


class _Folder:
    def __init__(self, path: Path) -> None:
        if path.exists() and any(path.iterdir()):
            raise ConfigError("{path} is not empty: export into a new folder", path=path)
        self._path = path

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        path = self._path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield file


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        with self._archive.open(name, "w", force_zip64=True) as file:
            yield file


def export(
    store: TraceStore,
    target: Path,
    trust: Trust,
    logs: Sequence[str] = (),
    evidence: EvidenceStore | None = None,
) -> None:
    """Write logs (all of them when none is named) into a new folder or a `.zip`."""
    heads = [head for head in store.heads() if not logs or head.log in logs]
    missing = set(logs) - {head.log for head in heads}
    if missing:
        raise NotFound("there is no log {log}", log=", ".join(sorted(missing)))
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
            _write(store, _Zip(archive), trust, heads, evidence)
    else:
        _write(store, _Folder(target), trust, heads, evidence)


def _write(
    store: TraceStore,
    target: _Target,
    trust: Trust,
    heads: Sequence[LogHead],
    evidence: EvidenceStore | None,
) -> None:
    rows = [
        {"log": h.log, "origin": h.origin, "folder": quote(h.log, safe=""), "size": h.size}
        for h in heads
    ]
    manifest = {"format": FORMAT, "logs": rows, "evidence": evidence is not None}
    _put(target, "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False).encode())
    _put(target, "trust.json", trust_file.write(trust))
    _put(target, "check.py", Path(check.__file__).read_bytes())
    _put(target, "READ-ME.txt", _READ_ME.encode())
    files: dict[str, None] = {}
    for head in heads:
        files |= _write_log(store, target, head)
    if evidence is not None:
        for sha in files:
            _copy_evidence(store, evidence, target, sha)


def _put(target: _Target, name: str, content: bytes) -> None:
    with target.file(name) as file:
        file.write(content)


def _write_log(store: TraceStore, target: _Target, head: LogHead) -> dict[str, None]:
    """Write one log; return the files of evidence that it names, in order."""
    folder = f"logs/{quote(head.log, safe='')}"
    notes = [note for size, note in store.checkpoints(head.log) if size <= head.size]
    lines = "".join(json.dumps(note, ensure_ascii=False) + "\n" for note in notes)
    _put(target, f"{folder}/checkpoints.jsonl", lines.encode())
    if notes:
        newest = max(notes, key=lambda note: Checkpoint.parse(note).size)
        _put(target, f"{folder}/checkpoint", newest.encode())
    files: dict[str, None] = {}
    hashes = bytearray()
    with target.file(f"{folder}/leaves.jsonl") as file:
        for position, _, _, leaf, hashed in store.rows(head.log, 0):
            if position >= head.size:
                continue
            file.write(leaf + b"\n")
            hashes += hashed
            if b'"sha256":' in leaf or b'"catalogue":' in leaf:
                files |= dict.fromkeys(_files_of(leaf, head.log, position))
    _put(target, f"{folder}/hashes", bytes(hashes))
    return files


def _files_of(leaf: bytes, log: str, position: int) -> list[str]:
    """A damaged leaf is exported as it stands; what it named is not known."""
    try:
        return [sha for sha, _ in named_evidence(leaves.read(leaf, log, position))]
    except (MsgspecError, UnicodeDecodeError, KeyError):
        return []


def _copy_evidence(
    store: TraceStore, evidence: EvidenceStore, target: _Target, sha: str
) -> None:
    """A file that is missing or changed is left out: the checker names it."""
    state = evidence.state(sha)
    if state == "kept":
        with evidence.open(sha) as source, target.file(f"evidence/{sha[:2]}/{sha}") as file:
            while piece := source.read(1 << 20):
                file.write(piece)
    elif state == "expired" or store.awaits(sha):
        word = "expired" if state == "expired" else "awaited"
        _put(target, f"evidence/{sha[:2]}/{sha}.{word}", b"")


def proof_of(
    store: TraceStore, id_: str, checkpoint: Checkpoint | None = None, trust: Trust | None = None
) -> dict[str, Any]:
    """Return the proof of one entry, to be written as JSON. Raises NotFound.

    Without a checkpoint the log's newest serves; an entry it does not cover yet has no proof.
    """
    found = store.find([id_])
    if id_ not in found:
        raise NotFound("operation {id} is not in this ledger", id=id_)
    log, position, leaf = found[id_]
    note = str(checkpoint) if checkpoint else (store.last_checkpoint(log) or (0, ""))[1]
    size = Checkpoint.parse(note).size if note else 0
    if position >= size:
        raise NotFound(
            "no checkpoint covers {log} {position} yet: sign the head of the log",
            log=log,
            position=position,
        )
    path = prove(store, log, position, size)
    proof = {
        "format": PROOF_FORMAT,
        "log": log,
        "position": position,
        "leaf": leaf.decode(),
        "path": [part.hex() for part in path],
        "checkpoint": note,
    }
    if trust is not None:
        proof["trust"] = json.loads(trust_file.write(trust))
    return proof
