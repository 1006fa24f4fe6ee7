#!/usr/bin/env python3
"""Check exported railway traces with nothing but this file, the export and a public key.

    python check.py EXPORT [--key VERIFIER_KEY | --trust FILE] [--checkpoint EARLIER ...]
    python check.py PROOF.json [--key VERIFIER_KEY | --trust FILE]
    python check.py CERTIFICATE.json [--key VERIFIER_KEY | --trust FILE] [--file FILE ...]

EXPORT is a folder or a .zip made by `railtrace export`; PROOF.json is the proof of one entry;
CERTIFICATE.json is the certificate of a release, whose rows are judged again.
It answers 0 when nothing is wrong, 1 when something is, 2 when it cannot be checked.

This file needs Python 3.9 or later and no package; it shares no code with the program that
writes the logs, and follows docs/trace-format.md, RFC 9162, RFC 8032, FIPS 186-5 and the C2SP texts
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
from datetime import datetime, timedelta, timezone
from decimal import Decimal
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
CERTIFICATE_FAULTS = {
    "certificate-rewritten": "{log}: the file is not as it was written, from byte {byte} on",
    "leaf-changed": (
        "{log} {position} ({id}): the entry or its proof was changed after it was recorded{told}"
    ),
    "leaf-missing": "{log} {position} ({id}): the decision leans on this entry, and it is not here",
    "leaf-unnamed": "{log} {position} ({id}): the decision does not lean on this entry",
    "untrusted": "{log}: no key of {origin} is trusted: nothing vouches for its entries",
    "decision-changed": "{log} {position}: the decision is not the file that was signed: {sha256}",
    "decision-differs": "{log} {position}: {field}: the entry says {told}, its file says {now}",
    "catalogue-changed": (
        "{log} {position}: the catalogue is not the one that was adopted: {sha256}"
    ),
    "signature-changed": "{log} {position}: the signature of {person} ({role}) does not hold",
    "unsigned-decision": "{log} {position}: nobody signed this release",
    "measurement-changed": (
        "{log} {position}: {what}: the decision stands on {told}, the entry says {now}"
    ),
    "row-unproven": "{log}: {what}: the decision names no entry of this file that says so",
    "row-limit": "{log}: {what}: the decision says {told}, the catalogue says {now} ({limit})",
    "row-days": (
        "{log}: {what}: the decision counts {told} days, from one date to the other are {now}"
    ),
    "row-misjudged": "{log}: {what}: the decision says {told}, by the rule it is {now}",
    "row-unreadable": "{log}: row {number} of the decision cannot be judged: {error}",
    "row-unsaid": "{log}: {what}: {now}, and the decision does not name it among its reasons",
    "gate-passed": "{log}: released against a mandatory gate: {what}",
    "not-overridden": "{log}: released against a warning that nobody overrode: {what}",
    "file-foreign": "{log}: {file} ({sha256}) is none of the files that the entries name",
}
REMARKS = {
    "promise": (
        "{log}: the promise (chances of delay and detachment) is kept here as it was told and is "
        "not judged again: that takes the history of the whole fleet"
    ),
    "nothing-found": (
        "{log}: {count} gates found nothing: whether there was nothing to find is shown by the "
        "whole logs, not by this file"
    ),
    "counted": (
        "{log}: {count} rows compare what was run or waited with what is allowed: the comparison "
        "is judged again, the counting is not"
    ),
    "heard": (
        "{log}: {count} rows hold how long another depot's log had a unit unheard against what is "
        "borne: the comparison is judged again, when the log was heard of is the issuer's word"
    ),
    "server-key": (
        "{log}: {person} signed with a key that the server holds, opened by password and code"
    ),
    "signed-on-paper": "{log}: {person} signed the paper form {number}: look at the form",
    "passkey": "{log}: {person} signed with a passkey for {host}, asked who they are",
    "key-unnamed": (
        "{log}: no entry of this file names the key of {person}: whose key it is, is the issuer's "
        "word"
    ),
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
        return self.name in FAULTS or self.name in CERTIFICATE_FAULTS

    def __str__(self) -> str:
        text = {**FAULTS, **CERTIFICATE_FAULTS, **REMARKS}[self.name]
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


# --- ECDSA on P-256 with SHA-256, FIPS 186-5 section 6.4 ---------------------------------------

_Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Place = tuple[int, int]


def _joined(p: Place | None, q: Place | None) -> Place | None:
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % _Q == 0:
            return None
        slope = 3 * (p[0] * p[0] - 1) * pow(2 * p[1], -1, _Q)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, _Q)
    x = (slope * slope - p[0] - q[0]) % _Q
    return x, (slope * (p[0] - x) - p[1]) % _Q


def _multiple(scalar: int, point: Place) -> Place | None:
    result, power = None, point
    while scalar:
        if scalar & 1:
            result = _joined(result, power)
        doubled = _joined(power, power)
        assert doubled is not None, "the order of the group is odd"
        power, scalar = doubled, scalar >> 1
    return result


def _der_pair(text: bytes) -> tuple[int, int] | None:
    """Read SEQUENCE { r INTEGER, s INTEGER } in its one DER form."""
    numbers, at = [], 2
    if text[:1] != b"\x30" or len(text) < 8 or text[1] != len(text) - 2:
        return None
    for _ in range(2):
        if text[at : at + 1] != b"\x02" or at + 2 > len(text):
            return None
        part = text[at + 2 : at + 2 + text[at + 1]]
        if len(part) != text[at + 1] or not part or part[0] & 0x80:
            return None
        if len(part) > 1 and part[0] == 0 and not part[1] & 0x80:
            return None
        numbers.append(int.from_bytes(part, "big"))
        at += 2 + len(part)
    return (numbers[0], numbers[1]) if at == len(text) else None


def p256_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the signature is the key's; the key is an uncompressed point."""
    pair = _der_pair(signature)
    if len(public) != 65 or public[0] != 4 or pair is None:
        return False
    key = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    x, y = key
    if max(key) >= _Q or (y * y - x * x * x + 3 * x - _B) % _Q:
        return False
    r, s = pair
    if not (0 < r < _N and 0 < s < _N):
        return False
    told = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, _N)
    point = _joined(_multiple(told * inverse % _N, _G), _multiple(r * inverse % _N, key))
    return point is not None and point[0] % _N == r


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


# --- the certificate of a release -------------------------------------------------------------

CERTIFICATE = "railtrace certificate v1"
_PARTS = {"catalogue", "checkpoints", "decision", "decision_file", "entries", "format", "trust"}
_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000
_CLOSE = 1e-9
"""How far two figures of one count may lie apart, for they were divided."""
_UTC = timezone(timedelta(0))
_EPOCH = datetime(1970, 1, 1, tzinfo=_UTC)
_MISSING: dict[str, Any] = {}
_MALFORMED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


class Certificate:
    """A certificate as it was read, and what is found wrong with it."""

    def __init__(self, body: dict[str, Any]) -> None:
        if set(body) != _PARTS:
            odd = ", ".join(sorted(set(body) ^ _PARTS))
            raise CannotCheck(f"this is not what a certificate holds: {odd}")
        self.body = body
        self.findings: list[Finding] = []
        self.log, self.position = str(body["decision"]["log"]), int(body["decision"]["position"])
        self.leaf = json.loads(body["decision"]["leaf"])
        self.released = self.leaf["operation"]
        self.decision = json.loads(body["decision_file"])
        self.catalogue = json.loads(body["catalogue"])
        self.operations: dict[str, tuple[str, int, dict[str, Any]]] = {}
        for entry in body["entries"]:
            operation = json.loads(entry["leaf"])["operation"]
            told = operation.get("replacement", operation)
            for id_ in (operation["id"], operation.get("target"), told["id"]):
                if id_:
                    self.operations[id_] = (entry["log"], entry["position"], told)

    def say(self, name: str, **values: Any) -> None:
        """Note something about the certificate as a whole."""
        log, position = values.pop("log", self.log), values.pop("position", self.position)
        self.findings.append(Finding(name, log, position, values))


def canonical(body: dict[str, Any]) -> str:
    """Return a certificate as it is written: keys sorted, no white space."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def check_certificate(text: str, trust: Trust | None) -> Certificate:
    """Check proofs, signatures and hashes, then judge every row again."""
    certificate = Certificate(json.loads(text))
    written = canonical(certificate.body)
    if text != written:
        pairs = enumerate(zip(text, written))  # noqa: B905 (3.9)
        byte = next((n for n, (a, b) in pairs if a != b), min(len(text), len(written)))
        certificate.say("certificate-rewritten", byte=byte)
    vouched = _vouched(certificate, trust)
    for entry in [certificate.body["decision"], *certificate.body["entries"]]:
        _check_entry(certificate, entry, vouched)
    _check_leaned(certificate)
    _check_decision(certificate)
    _check_signatures(certificate)
    for number, row in enumerate(certificate.decision["rows"], 1):
        try:
            _check_row(certificate, row)
        except _MALFORMED as error:
            said = f"{type(error).__name__} {error}"
            certificate.say("row-unreadable", number=number, error=said)
    _check_reasons(certificate)
    _remark(certificate)
    return certificate


def _vouched(certificate: Certificate, trust: Trust | None) -> dict[str, Note]:
    """Return the checkpoint of each log that a trusted key signed: no other counts."""
    trust = trust or Trust(certificate.body["trust"])
    vouched = {}
    for name, text in certificate.body["checkpoints"].items():
        note = read_note(text)
        if note is None:
            certificate.say("checkpoint-unreadable", log=name, start=repr(text[:40]))
            continue
        log = Log(name, note.origin)
        if not trust.of(note.origin):
            certificate.say("untrusted", log=name, origin=note.origin)
            continue
        good = check_notes(log, [text], trust)
        certificate.findings += log.findings
        if good:
            vouched[name] = note
    return vouched


def _check_entry(
    certificate: Certificate, entry: dict[str, Any], vouched: dict[str, Note]
) -> None:
    log, position = entry["log"], entry["position"]
    note = vouched.get(log)
    if note is None:
        if log not in certificate.body["checkpoints"]:
            certificate.say("proof-wrong", log=log, position=position, size=0)
        return
    path = [bytes.fromhex(part) for part in entry["path"]]
    hashed = leaf_hash(entry["leaf"].encode())
    if root_from_path(hashed, position, note.size, path) != note.root:
        told = "; ".join(_leaning_on(certificate, log, position))
        certificate.say(
            "leaf-changed", log=log, position=position, told=told and f": {told}",
            id=json.loads(entry["leaf"])["operation"]["id"],
        )  # fmt: skip


def _leaning_on(certificate: Certificate, log: str, position: int) -> Iterator[str]:
    """Say what the decision takes from an entry."""
    for row in certificate.decision["rows"]:
        for looked in row.get("looked", ()):
            place = certificate.operations.get(looked["operation"], ("", -1, _MISSING))[:2]
            if place == (log, position):
                yield f"the decision takes from it {_named(row, looked)} = {_valued(looked)}"


def _named(row: dict[str, Any], looked: dict[str, Any] = _MISSING) -> str:
    looked = looked or next(iter(row.get("looked", ())), _MISSING)
    what = [looked.get("what", ""), looked.get("place", "")]
    words = " ".join(word for word in what if word) or row["gate"]
    unit = looked.get("unit") or row.get("unit")
    return f"{words} of {unit}" if unit else words


def _valued(looked: dict[str, Any]) -> str:
    if not looked.get("value"):
        until = looked.get("until_us")
        return "without an end" if until is None else f"valid until {_moment(until)}"
    spread = f" ± {looked['uncertainty']}" if looked.get("uncertainty") else ""
    return f"{looked['value']}{spread} {looked.get('unit_of_measure', '')}".rstrip()


def _moment(us: int) -> str:
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="seconds")


def _us(text: str) -> int:
    return (_time(text) - _EPOCH) // timedelta(microseconds=1)


def _check_leaned(certificate: Certificate) -> None:
    """Every entry that the decision leans on is here, and no other."""
    leaned = {
        (one["log"], one["position"]): one["operation"]
        for one in certificate.released.get("leaned_on", ())
    }
    here = {
        (entry["log"], entry["position"]): json.loads(entry["leaf"])["operation"]["id"]
        for entry in certificate.body["entries"]
    }
    for (log, position), id_ in leaned.items():
        if (log, position) not in here:
            certificate.say("leaf-missing", log=log, position=position, id=id_)
    for (log, position), id_ in here.items():
        if (log, position) not in leaned:
            certificate.say("leaf-unnamed", log=log, position=position, id=id_)


def _check_decision(certificate: Certificate) -> None:
    released, decision = certificate.released, certificate.decision
    for name, part in (("decision", "decision_file"), ("catalogue", "catalogue")):
        sha = hashlib.sha256(certificate.body[part].encode()).hexdigest()
        if sha != released.get(part):
            certificate.say(f"{name}-changed", sha256=released.get(part))
    kind = "refused" if released["kind"] == "ReleaseRefused" else "released"
    same = {
        "decision": released["decision"], "outcome": kind, "scope": released["scope"],
        "units": released.get("units", []), "act": released.get("act", ""),
        "consist": released.get("consist", ""), "catalogue": released.get("catalogue"),
        "reasons": released.get("reasons", []), "positions": released.get("positions", []),
    }  # fmt: skip
    for name, told in same.items():
        if decision.get(name) != told:
            certificate.say("decision-differs", field=name, told=told, now=decision.get(name))


def _check_signatures(certificate: Certificate) -> None:
    released = certificate.released
    signatures = released.get("signatures", [])
    if not signatures and released["kind"] == "Released":
        certificate.say("unsigned-decision")
    for signature in signatures:
        person, method = signature["person"], signature["method"]
        if method == "paper":
            number = released.get("number") or "without a number"
            certificate.say("signed-on-paper", person=person, number=number)
            continue
        verify = _passkey_host if method == "passkey" else _signature_holds
        host = verify(signature, released.get("decision_file", ""))
        if not host:
            certificate.say("signature-changed", person=person, role=signature["role"])
            continue
        if method == "passkey":
            certificate.say("passkey", person=person, host=host)
        else:
            certificate.say("server-key", person=person)
        _check_whose_key(certificate, signature)


def _check_whose_key(certificate: Certificate, signature: dict[str, Any]) -> None:
    """A person named their key in an entry before; without it the issuer says whose it is."""
    named = [
        operation
        for _, _, operation in certificate.operations.values()
        if operation["kind"] == "SigningKeyNamed" and operation["person"] == signature["person"]
    ]
    if not named:
        certificate.say("key-unnamed", person=signature["person"])
    elif signature["public_key"] not in {operation["public_key"] for operation in named}:
        certificate.say(
            "signature-changed", person=signature["person"], role=signature["role"]
        )


def _passkey_host(signature: dict[str, Any], decision_file: str) -> str:
    """Return for which host a passkey signed the decision; "" when it did not.

    The authenticator signs its own data with the hash of what the browser said; the browser said
    what was asked: the hash of the statement. Flags 1 and 4: somebody was there, and was asked who.
    """
    names = ("public_key", "signature", "authenticator_data", "client_data")
    key, signed, authenticator, client = (_unbase64(signature.get(name, "")) for name in names)
    if not (key and signed and authenticator and client):
        return ""
    try:
        said = dict(json.loads(client))
    except (TypeError, ValueError):
        return ""
    asked = hashlib.sha256(_statement(signature, decision_file)).digest()
    challenge = base64.urlsafe_b64encode(asked).rstrip(b"=").decode()
    if said.get("type") != "webauthn.get" or said.get("challenge") != challenge:
        return ""
    host = str(said.get("origin", "")).partition("://")[2].partition(":")[0]
    bound = authenticator[:32] == hashlib.sha256(host.encode()).digest()
    if not bound or len(authenticator) < 37 or authenticator[32] & 5 != 5:
        return ""
    verify = ed25519_verify if len(key) == 32 else p256_verify
    return host if verify(key, authenticator + hashlib.sha256(client).digest(), signed) else ""


def _statement(signature: dict[str, Any], decision_file: str) -> bytes:
    """Return what is signed: the hash of the decision's file, the person, the role, the moment."""
    at = _time(signature["signed_at"]).astimezone(_UTC).isoformat(timespec="seconds")
    return "\n".join(
        ("railtrace-decision/1", decision_file, signature["person"], signature["role"], at, "")
    ).encode()


def _signature_holds(signature: dict[str, Any], decision_file: str) -> bool:
    statement = _statement(signature, decision_file)
    public, signed = _unbase64(signature["public_key"]), _unbase64(signature["signature"])
    return bool(public and signed and ed25519_verify(public, statement, signed))


def _check_row(certificate: Certificate, row: dict[str, Any]) -> None:
    for looked in row.get("looked", ()):
        found = certificate.operations.get(looked["operation"])
        if found is None:
            certificate.say("row-unproven", what=_named(row, looked))
        elif row["rule"] != "due" or _is_by_its_date(row, found[2]):
            _compare(certificate, row, looked, *found)
    _check_limit(certificate, row)
    if row["rule"] == "due":
        _check_interval(certificate, row)
    now, told = judge_row(row), row.get("outcome", "fit")
    if now != told:
        certificate.say("row-misjudged", what=_named(row), told=told, now=now)
    said = {reason.get("row") for reason in certificate.decision["reasons"]}
    if now != "fit" and row["gate"] not in said and not _is_doubtful_twin(certificate, row, said):
        certificate.say("row-unsaid", what=_named(row), now=now)


def _is_doubtful_twin(certificate: Certificate, row: dict[str, Any], said: set[Any]) -> bool:
    """A doubtful reading is the reason of the gate for doubts, which has a row of its own."""
    if judge_row(row) != "doubtful":
        return False
    gates = certificate.catalogue.get("release_gates", {})
    doubts = {key for key, gate in gates.items() if gate.get("check") == "doubtful"}
    return bool(doubts & said) or not doubts & set(certificate.decision["gates"])


def _compare(
    certificate: Certificate, row: dict[str, Any], looked: dict[str, Any], log: str,
    position: int, operation: dict[str, Any],
) -> None:  # fmt: skip
    """Hold what the decision says of an entry against the entry."""
    now = _said_by(certificate, row["rule"], looked, operation)
    told = {key: looked.get(key) for key in now if looked.get(key) not in (None, "")}
    if told != {key: value for key, value in now.items() if value not in (None, "")}:
        shown = _valued(now) if "value" in now or "until_us" in now else "nothing of it"
        at = f", taken at {_moment(now['at_us'])}" if now.get("at_us") != looked["at_us"] else ""
        certificate.say(
            "measurement-changed", log=log, position=position, what=_named(row, looked),
            told=_valued(looked), now=shown + at,
        )  # fmt: skip


def _said_by(
    certificate: Certificate, rule: str, looked: dict[str, Any], operation: dict[str, Any]
) -> dict[str, Any]:
    """Return what an operation says of what a row looked at."""
    said: dict[str, Any] = {"at_us": _us(operation["happened_at"])}
    if rule in ("limit", "own_limits", "fresh", "height"):
        readings = [
            {"value": r["value"], "uncertainty": r.get("uncertainty"), "unit_of_measure": r["unit"]}
            for r in operation.get("readings", ())
            if (r["quantity"], r.get("place", "")) == (looked["what"], looked.get("place", ""))
        ]
        same = [r for r in readings if r["value"] == looked["value"]]
        return {**said, **next(iter([*same, *readings]), {"value": "nothing"})}
    if rule == "paper":
        until = operation.get("valid_until") if operation["kind"] == "PaperIssued" else None
        return {**said, "until_us": until and _day_end(certificate, looked, operation)}
    if rule == "amount":
        amount = {"value": operation["amount"], "unit_of_measure": operation["unit_of_measure"]}
        return {**said, **amount, "what": operation["supply"]}
    if rule == "due" and operation["kind"] == "PaperIssued" and operation.get("valid_until"):
        return {**said, "until_us": _day_end(certificate, looked, operation)}
    if rule in ("heard", "due"):
        return said
    return {**said, "value": operation[looked["what"]]}


def _day_end(
    certificate: Certificate, looked: dict[str, Any], operation: dict[str, Any]
) -> int:
    """Return when the last day of a paper ends, by the rule that the row names [µs].

    A row of railtrace-decision/2 and before names none: its days end at midnight UTC.
    """
    ends = _last_moment(operation["valid_until"])
    if certificate.decision["format"] in _DAYS_OF_UTC:
        return ends
    if looked["day_ends"] != "entry":
        raise ValueError(f"no rule of this checker: day_ends {looked['day_ends']}")
    ahead = _time(operation["happened_at"]).utcoffset() or timedelta()
    return ends - ahead // timedelta(microseconds=1)


_DAYS_OF_UTC = ("railtrace-decision/1", "railtrace-decision/2")


def _last_moment(text: str) -> int:
    """Return the end of a day, a month or a year [µs UTC]."""
    year, month, day = [*map(int, text.split("-")), 0, 0][:3]
    if day:
        following = datetime(year, month, day, tzinfo=_UTC) + timedelta(days=1)
    elif month:
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=_UTC)
    else:
        following = datetime(year + 1, 1, 1, tzinfo=_UTC)
    return (following - _EPOCH) // timedelta(microseconds=1) - 1


def _check_limit(certificate: Certificate, row: dict[str, Any]) -> None:
    """Hold the limits of a row against the catalogue, and their dates against the reading's."""
    gate = certificate.catalogue.get("release_gates", {}).get(row["gate"], _MISSING)
    asked = certificate.catalogue.get("limits", {}).get(row.get("limit"), _MISSING)
    if row["rule"] in ("limit", "height"):
        asked = {key: asked.get(key) for key in ("min", "max", "valid_from", "valid_to")}
        if row["rule"] == "height":
            asked["min"] = None
    elif row["rule"] == "due":
        asked = {"min": None, "max": row.get("max")}
    else:
        asked = {key: gate.get(key) for key in ("min", "max")}
        if row["rule"] in ("fresh", "paper", "heard"):
            asked = {"min": None, "max": None}
        if row["rule"] == "amount":
            asked["max"] = None
    told, now = (row.get("min"), row.get("max")), (asked.get("min"), asked.get("max"))
    age = gate.get("max_age_h")
    aged = row["rule"] in ("fresh", "amount", "heard")
    if aged and float(row.get("max_age_h") or 0) != float(age or 0):
        told, now = (row.get("max_age_h"), "h"), (age, "h")
    if row["rule"] in ("paper", "amount") and row.get("required", False) != gate.get(
        "required", False
    ):
        told, now = ("required", ""), ("not required", "")
    name = row.get("limit") or row["gate"]
    if told != now or gate is _MISSING:
        certificate.say("row-limit", what=_named(row), told=told, now=now, limit=name)
    elif row.get("looked") and asked.get("valid_from"):
        day = _moment(row["looked"][0]["at_us"])[:10]
        if row["rule"] == "height":
            day = certificate.decision["day"]
        if not asked["valid_from"] <= day <= (asked.get("valid_to") or "9999"):
            span = f"{asked['valid_from']} to {asked.get('valid_to') or 'now'}"
            certificate.say("row-limit", what=_named(row), told=day, now=span, limit=name)


def _is_by_its_date(row: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Tell whether an interval runs from when an entry says it happened; a stated one does not."""
    stated = ("LastRepairStated", "Registered", "Manufactured")
    return row.get("departs_us") is not None and operation["kind"] not in stated


def _check_interval(certificate: Certificate, row: dict[str, Any]) -> None:
    """Hold an interval against the catalogue, and its days against the calendar."""
    if row.get("departs_us") is None or not row.get("looked"):
        return
    looked, told = row["looked"][0], float(row.get("max") or 0)
    service = certificate.catalogue.get("services", {}).get(row.get("limit"), _MISSING)
    asked = _intervals(service, looked)
    if not any(abs(told - one) <= _CLOSE * max(one, 1) for one in asked):
        now = " or ".join(map(str, asked)) or "nothing"
        certificate.say("row-limit", what=_named(row), told=told, now=now, limit=row.get("limit"))
    used, gone = float(looked["value"]), (row["departs_us"] - looked["at_us"]) / _DAY_US
    if looked.get("unit_of_measure") == "d" and used > gone + _CLOSE * max(gone, 1):
        certificate.say("row-days", what=_named(row), told=used, now=gone)


def _intervals(service: dict[str, Any], looked: dict[str, Any]) -> list[float]:
    """Return what a row of maintenance allows in the unit that was counted in."""
    names = {"km": ("km",), "h": ("engine_hours", "hours")}.get(looked["unit_of_measure"])
    if names:
        return [float(service[name]) for name in names if service.get(name)]
    if looked.get("until_us") is not None:
        return [max((looked["until_us"] - looked["at_us"]) / _DAY_US, 1e-3)]
    if service.get("days"):
        return [float(service["days"])]
    if not service.get("months"):
        return []
    return [(_months_on(looked["at_us"], service["months"]) - looked["at_us"]) / _DAY_US]


def _months_on(us: int, months: int) -> int:
    """Return the same day of a later month, or its last [µs]."""
    start = _EPOCH + timedelta(microseconds=us)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in (start.day, 30, 29, 28):
        try:
            moved = start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
        return (moved - _EPOCH) // timedelta(microseconds=1)
    raise AssertionError("every month has 28 days")


def _is_counted(certificate: Certificate, row: dict[str, Any]) -> bool:
    """Tell whether what is used of an interval is the issuer's word: no dates show it."""
    if row["rule"] != "due":
        return False
    try:
        return row.get("departs_us") is None or not _is_shown_by_dates(certificate, row)
    except _MALFORMED:
        return True


def _is_shown_by_dates(certificate: Certificate, row: dict[str, Any]) -> bool:
    looked = row["looked"][0]
    found = certificate.operations.get(looked["operation"])
    gone = (row["departs_us"] - looked["at_us"]) / _DAY_US
    shown = gone <= float(row["max"]) or float(looked["value"]) >= gone * (1 - _CLOSE)
    by_date = found is not None and _is_by_its_date(row, found[2]) and (
        looked.get("until_us") is None or found[2]["kind"] == "PaperIssued"
    )
    return bool(looked.get("unit_of_measure") == "d" and by_date and shown)


def _check_reasons(certificate: Certificate) -> None:
    if certificate.released["kind"] != "Released":
        return
    for reason in certificate.decision["reasons"]:
        what = f"{reason.get('row') or reason['gate']}: {reason.get('text', '')}"
        if reason["weight"] == "mandatory":
            certificate.say("gate-passed", what=what)
        if reason["weight"] == "warning" and not (
            reason.get("overridden") and reason.get("override_reason")
        ):
            certificate.say("not-overridden", what=what)


def _remark(certificate: Certificate) -> None:
    decision = certificate.decision
    looked = {row["gate"] for row in decision["rows"]}
    silent = set(decision["gates"]) - looked - {r.get("row") for r in decision["reasons"]}
    if silent:
        certificate.say("nothing-found", count=len(silent))
    counted = sum(_is_counted(certificate, row) for row in decision["rows"])
    if counted:
        certificate.say("counted", count=counted)
    heard = sum(row["rule"] == "heard" for row in decision["rows"])
    if heard:
        certificate.say("heard", count=heard)
    if decision.get("promise"):
        certificate.say("promise")


# --- the rules of the rows --------------------------------------------------------------------


def judge_row(row: dict[str, Any]) -> str:
    """Judge a row by what it holds: fit, doubtful, unfit, missing or old."""
    return _RULES[row["rule"]](row, list(row.get("looked", ())))


def _outcome(row: dict[str, Any]) -> str:
    """Return what a row comes out as, and of one that cannot be judged that it cannot."""
    try:
        return judge_row(row)
    except _MALFORMED:
        return "unreadable"


def _judge(row: dict[str, Any], looked: dict[str, Any], bare: bool = False) -> str:
    """The whole interval value ± uncertainty against the limits; JCGM 106:2012, 8.3."""
    value = Decimal(looked["value"])
    spread = Decimal(0) if bare else Decimal(looked.get("uncertainty") or 0)
    low, high = value - spread, value + spread
    least = Decimal(row["min"]) if row.get("min") is not None else None
    most = Decimal(row["max"]) if row.get("max") is not None else None
    if (least is not None and high < least) or (most is not None and low > most):
        return "unfit"
    if (least is not None and low < least) or (most is not None and high > most):
        return "doubtful"
    return "fit"


def _by_limit(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    """A doubtful reading is decided by its value once it was repeated within a day."""
    verdict = _judge(row, looked[0])
    if verdict != "doubtful" or len(looked) < 2:
        return verdict
    apart = looked[0]["at_us"] - looked[1]["at_us"]
    if 0 < apart <= _DAY_US and _judge(row, looked[1]) != "fit":
        return _judge(row, looked[0], True)
    return verdict


def _by_own_limits(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    return "unfit" if _judge(row, looked[0]) == "unfit" else "fit"


def _is_old(row: dict[str, Any], looked: dict[str, Any]) -> bool:
    if row.get("max_age_h") is None:
        return False
    return bool(row["departs_us"] - looked["at_us"] > round(float(row["max_age_h"]) * _HOUR_US))


def _by_freshness(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    return "missing" if not looked else "old" if _is_old(row, looked[0]) else "fit"


def _by_paper(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    if not looked:
        return "missing" if row.get("required") else "fit"
    until = looked[0].get("until_us")
    return "old" if until is not None and until < row["departs_us"] else "fit"


def _by_amount(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    if not looked or _is_old(row, looked[0]):
        return "missing" if row.get("required") else "fit"
    least = row.get("min")
    return "unfit" if least is not None and Decimal(looked[0]["value"]) < Decimal(least) else "fit"


def _by_height(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    apart = abs(Decimal(looked[0]["value"]) - Decimal(looked[1]["value"]))
    return "unfit" if row.get("max") is not None and apart > Decimal(row["max"]) else "fit"


def _by_brake_force(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    per_100_t = 100 * Decimal(looked[0]["value"]) / Decimal(looked[1]["value"])
    return "unfit" if row.get("min") is not None and per_100_t < Decimal(row["min"]) else "fit"


def _by_use(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    return "unfit" if float(looked[0]["value"]) > float(row.get("max") or 0) else "fit"


def _by_silence(row: dict[str, Any], looked: list[dict[str, Any]]) -> str:
    unheard = row["departs_us"] - looked[0]["until_us"]
    return "old" if unheard > round(float(row.get("max_age_h") or 0) * _HOUR_US) else "fit"


_RULES = {
    "limit": _by_limit, "own_limits": _by_own_limits, "fresh": _by_freshness,
    "paper": _by_paper, "amount": _by_amount, "height": _by_height,
    "brake_force": _by_brake_force, "due": _by_use, "heard": _by_silence,
}  # fmt: skip


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


def _check_json(arguments: argparse.Namespace) -> int:
    try:
        content = Path(arguments.path).read_bytes().decode()
        body = json.loads(content)
        certified = body["format"] == CERTIFICATE
    except (LookupError, TypeError, ValueError) as error:
        raise CannotCheck(f"{arguments.path} cannot be read: {error}") from error
    if certified:
        return _check_certificate_file(arguments, content, body)
    return _check_proof_file(arguments, body)


def _check_certificate_file(
    arguments: argparse.Namespace, content: str, body: dict[str, Any]
) -> int:
    try:
        notes = [read_note(text) for text in body["checkpoints"].values()]
        trust = _trust_from(arguments, [note.origin for note in notes if note])
        certificate = check_certificate(content, trust)
    except _MALFORMED as error:
        said = f"{type(error).__name__} {error}"
        raise CannotCheck(f"{arguments.path} is not a certificate: {said}") from error
    for name in arguments.file:
        _check_named(certificate, Path(name))
    _say_whose_key(trust)
    _describe(certificate)
    return _report(certificate.findings)


def _check_named(certificate: Certificate, path: Path) -> None:
    """Tell whether a file at hand is one that the entries name."""
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    parts = [certificate.body["decision"], *certificate.body["entries"]]
    named = {s for part in parts for s in _files_in(json.loads(part["leaf"])["operation"])}
    if sha in named:
        print(f"{path.name}: as it was named, {sha}")
    else:
        certificate.say("file-foreign", file=path.name, sha256=sha)


def _describe(certificate: Certificate) -> None:
    decision, rows = certificate.decision, certificate.decision["rows"]
    whom = decision.get("train") or decision.get("consist") or ", ".join(decision["units"])
    act = f" ({decision['act']})" if decision.get("act") else ""
    when = certificate.released["happened_at"]
    print(f"{whom}{act}: {decision['outcome']}, {len(decision['units'])} units, {when}")
    counted: dict[str, int] = {}
    for row in rows:
        outcome = _outcome(row)
        counted[outcome] = counted.get(outcome, 0) + 1
    told = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    print(f"{len(rows)} rows judged again: {told or 'none'}")
    print(
        f"{len(certificate.body['entries']) + 1} entries with their proofs, "
        f"{len(certificate.body['checkpoints'])} checkpoints"
    )


def _check_proof_file(arguments: argparse.Namespace, proof: dict[str, Any]) -> int:
    try:
        note = read_note(proof["checkpoint"])
        trust = _trust_from(arguments, [note.origin] if note else [])
        log = check_proof(proof, trust)
    except _MALFORMED as error:
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
    unsigned = sum(finding.name == "no-key" for finding in findings)
    sound = f"nothing else is wrong, but {unsigned} logs have no trusted key"
    print(f"{faults} faults" if faults else sound if unsigned else "nothing is wrong")
    return 1 if faults else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 1 or 2."""
    parser = argparse.ArgumentParser(prog="check.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "path", metavar="EXPORT|PROOF.json|CERTIFICATE.json", help="folder, .zip or .json"
    )
    parser.add_argument("--key", action="append", default=[], help="a trusted verifier key")
    parser.add_argument("--trust", help="a trust file")
    parser.add_argument(
        "--checkpoint", action="append", default=[], help="a checkpoint you kept earlier"
    )
    parser.add_argument(
        "--file", action="append", default=[], help="a file that a certificate's entries may name"
    )
    given = parser.parse_args(arguments)
    try:
        if given.path.endswith(".json"):
            return _check_json(given)
        return _check_export_files(given)
    except (CannotCheck, OSError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
