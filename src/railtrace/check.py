#!/usr/bin/env python3
"""Check exported railway traces with nothing but this file, the export and a public key.

    python check.py EXPORT [--key VERIFIER_KEY | --trust FILE] [--checkpoint EARLIER ...]
    python check.py PROOF.json [--key VERIFIER_KEY | --trust FILE]

EXPORT is a folder or a .zip made by `railtrace export`; PROOF.json is the proof of one entry.
It answers 0 when nothing is wrong, 1 when something is, 2 when it cannot be checked.

This file needs Python 3.9 or later and no package; it shares no code with the program that
writes the logs, and follows docs/trace-format.md, RFC 9162, RFC 8032 and the C2SP texts
signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

FAULTS = {
    "entry-changed": "{log} {position} ({id}): the entry was changed after it was recorded",
    "hash-changed": "{log} {position} ({id}): the stored hash was changed; the entry is intact",
    "entry-unreadable": "{log} {position}: this is not a leaf of the record format",
    "entry-removed": "{log} {position}: {count} entries were removed here",
    "entry-added": "{log} {position}: an entry was added that the log does not hold",
    "entry-moved": "{log} {position} ({id}): the entry belongs at position {proper}",
    "id-twice": "{log} {position}: id {id} is recorded at {other} too",
    "time-backwards": "{log} {position} ({id}): recorded at {recorded_at}, earlier than before",
    "cut-off": "{log} {position}: the log ends here, {size} entries were signed: its tail is gone",
    "rewritten": (
        "{log} {position}: entries {position} to {last} were changed, removed or put in another "
        "order: they are not those of the checkpoint signed at {size}"
    ),
    "checkpoint-unreadable": "{log}: {start}: this is not a checkpoint",
    "checkpoint-foreign": "{log}: the checkpoint of {size} entries is of another log, {origin}",
    "lost-unnamed": (
        "{log} {position}: entries {position} to {last} were signed under {origin} and are gone; "
        "the restore that began a new epoch did not name them"
    ),
    "signature": "{log}: the checkpoint of {size} entries is not signed by a key trusted then",
    "key-replacement": "{log} {position}: the key is not replaced: {reason}",
    "evidence-missing": "{log} {position}: the file {sha256} named here is missing",
    "evidence-changed": "{log} {position}: the file {sha256} named here was changed",
    "proof-wrong": "{log} {position}: the entry is not under the checkpoint of {size} entries",
}
REMARKS = {
    "unsigned": "{log} {position}: no trusted checkpoint vouches for the entries from here on",
    "no-key": "{log}: no key of {origin} is trusted: signatures were not checked",
    "compromised": (
        "{log}: the checkpoint of {size} entries was signed while its key was compromised: "
        "by itself it proves nothing"
    ),
    "lost": (
        "{log} {position}: entries {position} to {last}, signed under {origin}, were lost in a "
        "restore, as the log itself says"
    ),
    "evidence-expired": "{log} {position}: the file {sha256} was deleted after its retention",
    "evidence-awaited": "{log} {position}: the file {sha256} has not come from its depot yet",
    "id-elsewhere": (
        "{log} {position}: another installation recorded id {id} too, at {other}: the same "
        "operation counts once, another one counts beside it"
    ),
}


class Finding(NamedTuple):
    """One thing found."""

    name: str
    log: str
    position: int | None
    values: dict[str, Any]

    @property
    def is_fault(self) -> bool:
        """Tell a fault from a remark."""
        return self.name in FAULTS

    def __str__(self) -> str:
        text = FAULTS.get(self.name) or REMARKS[self.name]
        return text.format(log=self.log, position=self.position, **self.values)


class CannotCheck(Exception):
    """What was given is not an export, a proof or a key."""


# --- Ed25519, RFC 8032 section 5.1 and 6 ------------------------------------------------------

Point = tuple[int, int, int, int]
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)


def _recover_x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (x * x - square) % _P:
        return None
    return _P - x if x & 1 != sign else x


def _point(text: bytes) -> Point | None:
    number = int.from_bytes(text, "little")
    y = number & (1 << 255) - 1
    x = _recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE = _point(_BASE_Y.to_bytes(32, "little"))


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the signature is the key's: R = [S]B - [h]A."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= _L or _BASE is None:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % _L
    minus_key = (_P - key[0], key[1], key[2], _P - key[3])
    return _encoded(_add(_times(s, _BASE), _times(h, minus_key))) == signature[:32]


# --- hashes, RFC 9162 section 2.1 -------------------------------------------------------------


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def roots_at(hashes: bytes, sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the root at each of the sizes that the hashes reach."""
    wanted, roots = set(sizes), {}
    peaks: list[bytes] = []
    for size in range(len(hashes) // 32 + 1):
        if size:
            node, rest = hashes[size * 32 - 32 : size * 32], size
            while not rest & 1:
                node, rest = node_hash(peaks.pop(), node), rest >> 1
            peaks.append(node)
        if size in wanted:
            roots[size] = _root(peaks)
    return roots


def _root(peaks: list[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256().digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_from_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Return the root an inclusion path leads to; RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return None
    node, here, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if here & 1 or here == last:
            node = node_hash(sibling, node)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        here, last = here >> 1, last >> 1
    return node if last == 0 else None


# --- keys, notes, trust -----------------------------------------------------------------------


class Key(NamedTuple):
    """A verifier key `name+hash+base64`."""

    name: str
    short: bytes
    public: bytes


def read_key(text: str) -> Key:
    """Read a verifier key. Raises CannotCheck."""
    name, _, rest = text.strip().partition("+")
    short, _, encoded = rest.partition("+")
    raw = _unbase64(encoded)
    if raw is None or len(raw) != 33 or raw[:1] != b"\x01":
        raise CannotCheck(f"{text.strip()}: not an Ed25519 verifier key (name+hash+base64)")
    computed = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if computed.hex() != short:
        raise CannotCheck(f"{text.strip()}: the key's name, hash and bytes do not fit together")
    return Key(name, computed, raw[1:])


def rename_key(text: str, name: str) -> str:
    """Return the verifier key under another name."""
    raw = b"\x01" + read_key(text).public
    short = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex()
    return f"{name}+{short}+{base64.b64encode(raw).decode()}"


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class Note(NamedTuple):
    """A signed checkpoint."""

    origin: str
    size: int
    root: bytes
    body: bytes
    signatures: list[tuple[str, bytes, bytes]]


def read_note(text: str) -> Note | None:
    """Read a signed checkpoint, or nothing when it is none."""
    body, blank, tail = text.rpartition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) < 3 or not lines[0]:
        return None
    size, root = lines[1], _unbase64(lines[2])
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size:
        return None
    signatures = []
    for line in tail.rstrip("\n").split("\n"):
        parts = line.split(" ")
        raw = _unbase64(parts[-1])
        if len(parts) != 3 or parts[0] != "\u2014" or raw is None or len(raw) < 5:
            return None
        signatures.append((parts[1], raw[:4], raw[4:]))
    if root is None or len(root) != 32:
        return None
    return Note(lines[0], int(size), root, (body + "\n").encode(), signatures)


def signed_by(note: Note, verifier_key: str) -> bool:
    """Tell whether the key's signature stands under the note and holds."""
    key = read_key(verifier_key)
    return any(
        (name, short) == (key.name, key.short) and ed25519_verify(key.public, note.body, signature)
        for name, short, signature in note.signatures
    )


class Trust:
    """The trust file, and what a log's own entries add to it."""

    def __init__(self, body: dict[str, Any]) -> None:
        try:
            self.keys = [dict(row) for row in body.get("keys", [])]
            self.holders = [dict(row) for row in body.get("holders", [])]
            for row in [*self.keys, *self.holders]:
                read_key(row["verifier_key"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CannotCheck(f"the trust file cannot be read: {error}") from error

    def of(self, origin: str) -> list[dict[str, Any]]:
        """Return the keys of a log."""
        return [row for row in self.keys if row["origin"] == origin]

    def at(self, origin: str, size: int) -> list[dict[str, Any]]:
        """Return the keys that may sign the checkpoint of this size."""
        return [row for row in self.of(origin) if _valid_at(row, size)]

    def derive(self, origin: str, entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Finding]:
        """Fold in the log's key replacements, from the known key onward and backward."""
        waiting = [entry for entry in entries if entry[1]["operation"]["origin"] == origin]
        while waiting:
            later, faults = [], []
            for position, leaf in waiting:
                reason = self._fault(origin, position, leaf)
                if reason:
                    later.append((position, leaf))
                    faults.append(Finding("key-replacement", "", position, {"reason": reason}))
                else:
                    self._replace(origin, position, leaf["operation"])
            if len(later) == len(waiting):
                yield from faults
                return
            waiting = later

    def _fault(self, origin: str, position: int, leaf: dict[str, Any]) -> str:
        replaced = leaf["operation"]
        for text in (replaced["old_key"], replaced["new_key"]):
            if not _is_key_of(text, origin):
                return f"{text} is not a key of {origin}"
        rows = {row["verifier_key"]: row for row in self.of(origin)}
        old, new = rows.get(replaced["old_key"]), rows.get(replaced["new_key"])
        signed = _statement_signers(origin, replaced)
        if old is None and new is None:
            return "neither key is trusted"
        if old is None:
            if {replaced["old_key"], replaced["new_key"]} <= signed:
                return ""
            return "the old key is not trusted, and the statement lacks the signature of both keys"
        if not _valid_at(old, position):
            return "the old key was not in force there"
        if new is not None and new.get("valid_from", 0) <= position:
            return "the new key was in use before"
        if new is not None and new.get("valid_from", 0) == position + 1:
            return ""  # The trust file itself names this change of keys.
        return self._signers_fault(replaced, signed, _in_window(old, _time(leaf["recorded_at"])))

    def _signers_fault(self, replaced: dict[str, Any], signed: set[str], stolen: bool) -> str:
        if replaced["old_key"] in signed and not stolen:
            return ""
        people = [row for row in self.holders if row["verifier_key"] in signed]
        publics = {read_key(row["verifier_key"]).public for row in people}
        if {row["role"] for row in people} == {"administrator", "second_holder"} and len(
            publics
        ) > 1:
            return ""
        if stolen:
            return "the old key was compromised then: administrator and second holder are to sign"
        return "neither the old key nor administrator and second holder signed it"

    def _replace(self, origin: str, position: int, replaced: dict[str, Any]) -> None:
        rows = {row["verifier_key"]: row for row in self.of(origin)}
        for text in (replaced["old_key"], replaced["new_key"]):
            if text not in rows:
                rows[text] = {"origin": origin, "verifier_key": text}
                self.keys.append(rows[text])
        rows[replaced["old_key"]]["valid_to"] = position
        new = rows[replaced["new_key"]]
        new["valid_from"] = max(new.get("valid_from", 0), position + 1)

    def inherit(self, before: Epoch, after: Epoch) -> None:
        """Trust, for a new epoch, the keys its predecessor ended with, under the new name."""
        if self.of(after.origin):
            return
        for row in self.at(before.origin, after.smallest - 1):
            named = rename_key(row["verifier_key"], after.origin)
            added = {"origin": after.origin, "verifier_key": named, "valid_from": after.smallest}
            self.keys.append({**added, "compromised": row.get("compromised", [])})

    def mark(self, told: list[dict[str, Any]]) -> None:
        """Add the windows in which keys were in other hands."""
        for operation in told:
            window = {"since": operation["window_from"], "until": operation.get("window_to")}
            for row in self.keys:
                same = _is_same_key(row["verifier_key"], operation["verifier_key"])
                windows = row.setdefault("compromised", [])
                if same and window not in windows:
                    row["compromised"] = [*windows, window]


def _is_key_of(text: str, origin: str) -> bool:
    try:
        return read_key(text).name == origin
    except CannotCheck:
        return False


def _is_same_key(one: str, other: str) -> bool:
    try:
        return read_key(one).public == read_key(other).public
    except CannotCheck:
        return False


def _valid_at(row: dict[str, Any], size: int) -> bool:
    until = row.get("valid_to")
    return bool(row.get("valid_from", 0) <= size and (until is None or size <= until))


def _in_window(row: dict[str, Any], when: datetime) -> bool:
    for window in row.get("compromised", ()):
        until = window.get("until")
        if _time(window["since"]) <= when and (until is None or when <= _time(until)):
            return True
    return False


def _statement_signers(origin: str, replaced: dict[str, Any]) -> set[str]:
    statement = "railtrace key replacement v1\n{}\n{}\n{}\n".format(
        origin, replaced["old_key"], replaced["new_key"]
    ).encode()
    good = set()
    for mark in replaced["signatures"]:
        signature = _unbase64(mark["signature"])
        try:
            key = read_key(mark["verifier_key"])
        except CannotCheck:
            continue
        if signature is not None and ed25519_verify(key.public, statement, signature):
            good.add(mark["verifier_key"])
    return good


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


# --- exports ----------------------------------------------------------------------------------


class Export:
    """A folder or a zip file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        self._names = set(self._zip.namelist()) if self._zip else set()

    def has(self, name: str) -> bool:
        """Tell whether the export holds a file."""
        return name in self._names if self._zip else (self._path / name).is_file()

    def open(self, name: str) -> BinaryIO:
        """Open one file. Raises CannotCheck when it is not there."""
        try:
            if self._zip:
                return self._zip.open(name)  # type: ignore[return-value]
            return (self._path / name).open("rb")
        except (KeyError, OSError) as error:
            raise CannotCheck(f"the export has no file {name}") from error

    def read(self, name: str) -> bytes:
        """Return one file."""
        with self.open(name) as file:
            return file.read()


class Epoch(NamedTuple):
    """A stretch of a log under one origin, from a restore to the next."""

    number: int
    origin: str
    smallest: int
    largest: int | None = None
    lost_to: int | None = None


class Log:
    """One exported log as it was read."""

    def __init__(self, name: str, origin: str) -> None:
        self.name, self.origin = name, origin
        self.hashes = bytearray()
        self.ids: list[str] = []
        self.times: list[datetime | None] = []
        self.key_entries: list[tuple[int, dict[str, Any]]] = []
        self.openings: list[tuple[int, dict[str, Any]]] = []
        self.compromises: list[dict[str, Any]] = []
        self.files: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.lost: list[tuple[Epoch, Note]] = []
        self.vouched_size = 0

    @property
    def size(self) -> int:
        """How many entries were read."""
        return len(self.hashes) // 32

    def epochs(self) -> dict[str, Epoch]:
        """Return the stretches of the log by origin: each restore opens another."""
        found: list[Epoch] = []
        for position, told in self.openings:
            number = int(told.get("epoch", 1))
            if found and number <= found[-1].number:
                continue
            if found:
                found[-1] = found[-1]._replace(largest=position, lost_to=told.get("lost_to"))
            found.append(Epoch(number, told["origin"], position + 1 if found else 0))
        return {epoch.origin: epoch for epoch in found or [Epoch(1, self.origin, 0)]}

    def say(self, fault: str, where: int | None = None, **values: Any) -> None:
        """Note a finding."""
        self.findings.append(Finding(fault, self.name, where, values))


def read_log(name: str, origin: str, lines: Iterable[bytes]) -> Log:
    """Read the leaves: one a line, hashed as they stand."""
    log = Log(name, origin)
    for line in lines:
        leaf = line[:-1] if line.endswith(b"\n") else line
        log.hashes += leaf_hash(leaf)
        try:
            _read_leaf(log, json.loads(leaf))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            log.ids.append("")
            log.times.append(None)
    return log


def _read_leaf(log: Log, leaf: dict[str, Any]) -> None:
    operation, position = leaf["operation"], len(log.ids)
    id_, recorded_at = str(operation["id"]), _time(leaf["recorded_at"])
    kind = operation["kind"]
    if kind == "KeyReplaced":
        log.key_entries.append((position, leaf))
    elif kind == "LogOpened":
        log.openings.append((position, operation))
    elif kind == "KeyCompromised":
        log.compromises.append(operation)
    elif kind == "CatalogueAdopted":
        log.files.setdefault(operation["catalogue"], position)
    for sha in _files_in(operation):
        log.files.setdefault(sha, position)
    log.ids.append(id_)
    log.times.append(recorded_at)


def _files_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("sha256"), str):
            yield part["sha256"]
        if part.get("kind") == "CatalogueAdopted":
            yield part["catalogue"]
        for value in part.values():
            yield from _files_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from _files_in(value)


def compare(log: Log, told: bytes, notes: list[Note]) -> None:
    """Compare the entries with the checkpoints, and name what differs by the exported hashes."""
    actual = bytes(log.hashes)
    sizes = {note.size for note in notes}
    roots = roots_at(actual, sizes)
    told_roots = roots if told == actual else roots_at(told, sizes)
    proven, hashes_hold = 0, True
    for note in sorted(notes, key=lambda note: note.size):
        if note.size > max(len(actual), len(told)) // 32:
            break
        if note.root not in (roots.get(note.size), told_roots.get(note.size)):
            last = min(note.size, log.size) - 1
            log.say("rewritten", min(proven, last), last=last, size=note.size)
            return
        hashes_hold = note.root == told_roots.get(note.size)
        proven = note.size
    signed = max([*sizes, 0])
    if not hashes_hold:
        _name_changed_hashes(log, actual, told)
        told = actual
    signed = max(signed, len(told) // 32) if notes else len(told) // 32
    if told != actual:
        _name_differences(log, actual, told)
    _name_cut(log, actual, told, signed)


def _name_changed_hashes(log: Log, actual: bytes, told: bytes) -> None:
    for position in range(log.size):
        place = slice(position * 32, position * 32 + 32)
        if actual[place] != told[place]:
            log.say("hash-changed", position, id=log.ids[position])


def _parts(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]


def _name_differences(log: Log, actual: bytes, told: bytes) -> None:
    """Walk both lists; a hash in neither place was changed, one told only was removed."""
    here, there = _parts(actual), _parts(told)
    places = {hashed: position for position, hashed in enumerate(there)}
    present = set(here)
    i = j = 0
    while i < len(here) and j < len(there):
        if here[i] == there[j]:
            i, j = i + 1, j + 1
        elif here[i] not in places and there[j] not in present:
            log.say("entry-changed", j, id=log.ids[i])
            i, j = i + 1, j + 1
        elif there[j] not in present:
            first = j
            while j < len(there) and there[j] not in present:
                j += 1
            log.say("entry-removed", first, count=j - first)
        elif here[i] not in places:
            log.say("entry-added", i)
            i += 1
        else:
            log.say("entry-moved", i, id=log.ids[i], proper=places[here[i]])
            i, j = i + 1, j + 1
    for position in range(i, len(here)):
        log.say("entry-added", position)


def _name_cut(log: Log, actual: bytes, told: bytes, signed: int) -> None:
    """Entries are missing at the end, beyond those that are missing between others."""
    removed = sum(f.values["count"] for f in log.findings if f.name == "entry-removed")
    added = sum(f.name == "entry-added" for f in log.findings)
    if log.size + removed - added < signed:
        log.say("cut-off", log.size + removed - added, size=signed)


def check_leaves(log: Log, told: bytes) -> None:
    """Check times and shape of the entries that stand where they belong."""
    before: datetime | None = None
    for position, (id_, recorded_at) in enumerate(zip(log.ids, log.times)):  # noqa: B905 (3.9)
        place = slice(position * 32, position * 32 + 32)
        if log.hashes[place] != told[place]:
            continue
        if recorded_at is None:
            log.say("entry-unreadable", position)
        elif before is not None and recorded_at < before:
            log.say("time-backwards", position, id=id_, recorded_at=recorded_at.isoformat())
        else:
            before = recorded_at


def check_notes(log: Log, texts: Iterable[str], trust: Trust) -> list[Note]:
    """Return the checkpoints to compare with; the others become findings."""
    if not trust.of(log.origin):
        log.say("no-key", origin=log.origin)
    good, epochs = [], log.epochs()
    for text in dict.fromkeys(texts):
        note = read_note(text)
        if note is None:
            log.say("checkpoint-unreadable", start=repr(text[:40]))
        elif note.origin not in epochs or note.size < epochs[note.origin].smallest:
            log.say("checkpoint-foreign", size=note.size, origin=note.origin)
        elif not trust.of(log.origin):
            good += _of_its_epoch(log, note, epochs[note.origin])
        elif signers := _signers(log, note, trust):
            for kept in _of_its_epoch(log, note, epochs[note.origin]):
                _vouch(log, kept, signers)
                good.append(kept)
    _name_lost(log, bool(trust.of(log.origin)))
    return good


def _of_its_epoch(log: Log, note: Note, epoch: Epoch) -> list[Note]:
    """A checkpoint beyond what a restore kept names what was lost; it fits no entry here."""
    if epoch.largest is None or note.size <= epoch.largest:
        return [note]
    log.lost.append((epoch, note))
    return []


def _name_lost(log: Log, has_keys: bool) -> None:
    """An opening excuses a loss only under a trusted checkpoint: anybody can append one."""
    for epoch, note in log.lost:
        first = epoch.largest or 0
        if has_keys and log.vouched_size <= first:
            log.say("cut-off", first, size=note.size)
            continue
        named = epoch.lost_to is not None and note.size <= epoch.lost_to + 1
        name = "lost" if named else "lost-unnamed"
        log.say(name, first, last=note.size - 1, origin=note.origin)


def _signers(log: Log, note: Note, trust: Trust) -> list[dict[str, Any]]:
    keys = trust.at(note.origin, note.size)
    signers = [row for row in keys if signed_by(note, row["verifier_key"])]
    if not signers:
        log.say("signature", size=note.size)
    return signers


def _vouch(log: Log, note: Note, signers: list[dict[str, Any]]) -> None:
    last = log.times[note.size - 1] if 0 < note.size <= log.size else None
    if last is not None and all(_in_window(row, last) for row in signers):
        log.say("compromised", size=note.size)
    else:
        log.vouched_size = max(log.vouched_size, note.size)


def check_export(
    export: Export, trust: Trust | None, earlier: list[str]
) -> tuple[list[Log], list[Finding]]:
    """Check every log of an export."""
    manifest = _json(export, "manifest.json")
    if manifest.get("format") != 1:
        raise CannotCheck("this export is of a format this checker does not know")
    if trust is None:
        trust = Trust(_json(export, "trust.json"))
    logs = []
    for row in manifest["logs"]:
        with export.open(f"logs/{row['folder']}/leaves.jsonl") as lines:
            logs.append((row, read_log(row["log"], row["origin"], lines)))
    told = [operation for _, log in logs for operation in log.compromises]
    trust.mark(told)
    for row, log in logs:
        _check_log(export, row, log, trust, told, earlier)
    _check_ids([log for _, log in logs])
    if manifest.get("evidence"):
        for _, log in logs:
            _check_files(export, log)
    return [log for _, log in logs], list(_foreign(earlier, [log for _, log in logs]))


def _json(export: Export, name: str) -> dict[str, Any]:
    try:
        body = json.loads(export.read(name))
    except ValueError as error:
        raise CannotCheck(f"{name} cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise CannotCheck(f"{name} is not what an export holds")
    return body


def _check_log(
    export: Export,
    row: dict[str, Any],
    log: Log,
    trust: Trust,
    compromises: list[dict[str, Any]],
    earlier: list[str],
) -> None:
    folder = f"logs/{row['folder']}"
    before: Epoch | None = None
    for epoch in log.epochs().values():
        if before is not None:
            trust.inherit(before, epoch)
        faults = trust.derive(epoch.origin, log.key_entries) if trust.of(epoch.origin) else ()
        log.findings += [fault._replace(log=log.name) for fault in faults]
        before = epoch
    trust.mark(compromises)
    texts = [json.loads(line) for line in export.read(f"{folder}/checkpoints.jsonl").splitlines()]
    if export.has(f"{folder}/checkpoint"):
        texts.append(export.read(f"{folder}/checkpoint").decode("utf-8", "replace"))
    mine = [text for text in earlier if text.split("\n", 1)[0] in log.epochs()]
    notes = check_notes(log, [*texts, *mine], trust)
    told = export.read(f"{folder}/hashes") if export.has(f"{folder}/hashes") else bytes(log.hashes)
    compare(log, told, notes)
    check_leaves(log, told)
    if trust.of(log.origin) and log.vouched_size < log.size:
        log.say("unsigned", log.vouched_size)


def _check_ids(logs: list[Log]) -> None:
    """No installation records an id twice; two that are cut off from each other may."""
    seen: dict[str, tuple[str, str]] = {}
    for log in logs:
        writer = log.origin.partition("/epoch-")[0].rpartition("/")[0]
        for position, id_ in enumerate(log.ids):
            if id_ and id_ in seen:
                first_writer, place = seen[id_]
                name = "id-twice" if writer == first_writer else "id-elsewhere"
                log.say(name, position, id=id_, other=place)
            seen.setdefault(id_, (writer, f"{log.name} {position}"))


def _check_files(export: Export, log: Log) -> None:
    for sha, position in log.files.items():
        name = f"evidence/{sha[:2]}/{sha}"
        if not export.has(name):
            notes = ("expired", "awaited")
            said = next((note for note in notes if export.has(f"{name}.{note}")), "missing")
            gone = f"evidence-{said}"
            log.say(gone, position, sha256=sha)
            continue
        hashed = hashlib.sha256()
        with export.open(name) as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
        if hashed.hexdigest() != sha:
            log.say("evidence-changed", position, sha256=sha)


def _foreign(earlier: list[str], logs: list[Log]) -> Iterator[Finding]:
    origins = {origin for log in logs for origin in log.epochs()}
    for text in earlier:
        note = read_note(text)
        if note is None:
            raise CannotCheck(f"{text[:40]!r}: this is not a checkpoint")
        if note.origin not in origins:
            yield Finding("cut-off", note.origin, 0, {"size": note.size})


# --- one entry --------------------------------------------------------------------------------


def check_proof(proof: dict[str, Any], trust: Trust | None) -> Log:
    """Check the proof of one entry."""
    note = read_note(proof["checkpoint"])
    if note is None:
        raise CannotCheck("the proof holds no checkpoint")
    leaf = proof["leaf"].encode()
    log = Log(proof["log"], note.origin)
    log.hashes += leaf_hash(leaf)
    path = [bytes.fromhex(part) for part in proof["path"]]
    if trust is None:
        trust = Trust(proof.get("trust", {}))
    log.times = [None]
    if not check_notes(log, [proof["checkpoint"]], trust):
        return log
    if root_from_path(leaf_hash(leaf), proof["position"], note.size, path) != note.root:
        log.say("proof-wrong", proof["position"], size=note.size)
    return log


# --- the command ------------------------------------------------------------------------------


def _trust_from(arguments: argparse.Namespace, origins: list[str]) -> Trust | None:
    if arguments.trust:
        try:
            return Trust(json.loads(Path(arguments.trust).read_bytes()))
        except (OSError, ValueError) as error:
            raise CannotCheck(f"{arguments.trust} cannot be read: {error}") from error
    if arguments.key:
        names = {read_key(key).name for key in arguments.key}
        first = {origin.partition("/epoch-")[0] for origin in origins}
        if not names & (first | set(origins)):
            raise CannotCheck(
                f"the key is of {', '.join(sorted(names))}; here is {', '.join(origins)}"
            )
        return Trust(
            {"keys": [{"origin": read_key(k).name, "verifier_key": k} for k in arguments.key]}
        )
    return None


def _say_whose_key(trust: Trust | None) -> None:
    if trust is None:
        print(
            "note: the key was taken from the files themselves: this shows that they fit "
            "together, not who made them; give --key or --trust"
        )


def _check_proof_file(arguments: argparse.Namespace) -> int:
    try:
        proof = json.loads(Path(arguments.path).read_bytes())
        note = read_note(proof["checkpoint"])
        trust = _trust_from(arguments, [note.origin] if note else [])
        log = check_proof(proof, trust)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CannotCheck(f"{arguments.path} is not a proof: {error}") from error
    _say_whose_key(trust)
    print(f"{log.name} {proof['position']}: {proof['leaf']}")
    return _report(log.findings)


def _check_export_files(arguments: argparse.Namespace) -> int:
    try:
        export = Export(Path(arguments.path))
        manifest = _json(export, "manifest.json")
        trust = _trust_from(arguments, [row["origin"] for row in manifest["logs"]])
        earlier = [Path(name).read_text("utf-8") for name in arguments.checkpoint]
        logs, others = check_export(export, trust, earlier)
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise CannotCheck(f"{arguments.path} cannot be read: {error}") from error
    _say_whose_key(trust)
    for log in logs:
        print(f"{log.name}: {log.size} entries, {log.vouched_size} under a trusted checkpoint")
    return _report([*others, *(finding for log in logs for finding in log.findings)])


def _report(findings: list[Finding]) -> int:
    for finding in findings:
        print(f"{'FAULT' if finding.is_fault else 'note'} {finding.name}: {finding}")
    faults = sum(finding.is_fault for finding in findings)
    print(f"{faults} faults" if faults else "nothing is wrong")
    return 1 if faults else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 1 or 2."""
    parser = argparse.ArgumentParser(prog="check.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("path", metavar="EXPORT|PROOF.json", help="folder, .zip or .json")
    parser.add_argument("--key", action="append", default=[], help="a trusted verifier key")
    parser.add_argument("--trust", help="a trust file")
    parser.add_argument(
        "--checkpoint", action="append", default=[], help="a checkpoint you kept earlier"
    )
    given = parser.parse_args(arguments)
    try:
        if given.path.endswith(".json"):
            return _check_proof_file(given)
        return _check_export_files(given)
    except (CannotCheck, OSError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
