"""Whose signature counts: the trust file, and what a log's own entries make of it.

A checkpoint is checked with the key valid at its size. `KeyReplaced` at position p of a log
makes the old key valid up to size p and the new one from size p + 1. A compromised key marks
its window and rewrites nothing.
"""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from railtrace.errors import ProofFailed
from railtrace.trace.checkpoint import Checkpoint, Signer, VerifierKey, key_statement
from railtrace.trace.leaf import Entry, moment
from railtrace.trace.operation import KeyCompromised, KeyReplaced, KeySignature

KEY_KINDS = ("KeyReplaced", "KeyCompromised")


class _Part(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The manners of everything in a trust file."""


class Window(_Part, frozen=True):
    """From when to when somebody else may have held a key; an open window has no end."""

    since: datetime
    until: datetime | None = None

    def holds(self, when: datetime) -> bool:
        """Tell whether the moment lies in the window."""
        return self.since <= when and (self.until is None or when <= self.until)


class TrustedKey(_Part, frozen=True):
    """A key of one log: the smallest and the largest checkpoint size it may sign."""

    origin: str
    verifier_key: str
    valid_from: int = 0
    valid_to: int | None = None
    compromised: tuple[Window, ...] = ()

    def valid_at(self, size: int) -> bool:
        """Tell whether the key may sign a checkpoint of this size."""
        return self.valid_from <= size and (self.valid_to is None or size <= self.valid_to)


class Holder(_Part, frozen=True):
    """A person's key that together with the other role's may replace a lost log key."""

    role: Literal["administrator", "second_holder"]
    verifier_key: str


class Trust(_Part, frozen=True):
    """The trust file."""

    format: Literal[1] = 1
    keys: tuple[TrustedKey, ...] = ()
    holders: tuple[Holder, ...] = ()

    def keys_at(self, origin: str, size: int) -> list[VerifierKey]:
        """Return the keys that may sign the checkpoint of this size."""
        return [
            VerifierKey.parse(key.verifier_key)
            for key in self.keys
            if key.origin == origin and key.valid_at(size)
        ]

    def knows(self, origin: str) -> bool:
        """Tell whether any key is trusted for the log."""
        return any(key.origin == origin for key in self.keys)


@dataclass(frozen=True, slots=True)
class BadReplacement:
    """A `KeyReplaced` entry that replaces nothing, and why."""

    position: int
    reason: str


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Trust)


def write(trust: Trust) -> bytes:
    """Return the trust file's bytes."""
    body = msgspec.json.decode(_encoder.encode(trust)) | {"format": 1}
    return msgspec.json.format(_encoder.encode(body), indent=2) + b"\n"


def read(text: bytes) -> Trust:
    """Read a trust file. Raises ProofFailed naming the field that is wrong."""
    try:
        trust = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProofFailed("the trust file cannot be read: {error}", error=error) from error
    for verifier_key in (
        *(key.verifier_key for key in trust.keys),
        *(holder.verifier_key for holder in trust.holders),
    ):
        VerifierKey.parse(verifier_key)
    return trust


def trust_one(origin: str, verifier_key: VerifierKey) -> Trust:
    """Return the trust that knows one key of one log, valid for every size."""
    return Trust(keys=(TrustedKey(origin=origin, verifier_key=str(verifier_key)),))


def derive(
    trust: Trust, origin: str, entries: Iterable[Entry]
) -> tuple[Trust, list[BadReplacement]]:
    """Fold the key entries of the log `origin` into the trust.

    Who holds only the newest key learns the older ones from the newest backwards, so entries
    whose keys are not known yet are tried again while any other is understood.
    """
    waiting = [e for e in entries if _replaces(e, origin)]
    bad: list[BadReplacement] = []
    while waiting:
        later: list[Entry] = []
        bad = []
        for entry in waiting:
            reason = _fault(trust, entry)
            if reason:
                later.append(entry)
                bad.append(BadReplacement(entry.position, reason))
            else:
                trust = _replace(trust, entry)
        if len(later) == len(waiting):
            break
        waiting = later
    return trust, bad


def _replaces(entry: Entry, origin: str) -> bool:
    return isinstance(entry.operation, KeyReplaced) and entry.operation.origin == origin


def mark_compromised(trust: Trust, entries: Iterable[Entry]) -> Trust:
    """Add the windows that `KeyCompromised` entries of any log give to the keys they name."""
    for entry in entries:
        told = entry.operation
        if isinstance(told, KeyCompromised):
            window = Window(since=told.window_from, until=told.window_to)
            keys = tuple(_marked(key, told.verifier_key, window) for key in trust.keys)
            trust = msgspec.structs.replace(trust, keys=keys)
    return trust


def _marked(key: TrustedKey, verifier_key: str, window: Window) -> TrustedKey:
    """One installation signs several logs with one key, so the public half decides."""
    same = _public(key.verifier_key) == _public(verifier_key) is not None
    if not same or window in key.compromised:
        return key
    return msgspec.structs.replace(key, compromised=(*key.compromised, window))


def _public(verifier_key: str) -> bytes | None:
    try:
        return VerifierKey.parse(verifier_key).public
    except ProofFailed:
        return None


def _fault(trust: Trust, entry: Entry) -> str:
    """Return why the replacement does not hold, or nothing."""
    replaced = entry.operation
    assert isinstance(replaced, KeyReplaced)
    for text in (replaced.old_key, replaced.new_key):
        if _public(text) is None or VerifierKey.parse(text).name != replaced.origin:
            return f"{text} is not a key of {replaced.origin}"
    rows = {k.verifier_key: k for k in trust.keys if k.origin == replaced.origin}
    old, new = rows.get(replaced.old_key), rows.get(replaced.new_key)
    if old is not None:
        return _forward_fault(trust, entry, replaced, old, new)
    if new is None:
        return "neither key is trusted"
    if {replaced.old_key, replaced.new_key} <= _signed_by(replaced):
        return ""
    return "the old key is not trusted, and the statement lacks the signature of both keys"


def _forward_fault(
    trust: Trust, entry: Entry, replaced: KeyReplaced, old: TrustedKey, new: TrustedKey | None
) -> str:
    if not old.valid_at(entry.position):
        return "the old key was not in force there"
    if new is not None and new.valid_from <= entry.position:
        return "the new key was in use before"
    if new is not None and new.valid_from == entry.position + 1:
        # The trust file itself names this change of keys: whoever gave it vouches for it.
        return ""
    signed = _signed_by(replaced)
    stolen = any(window.holds(moment(entry.recorded_us)) for window in old.compromised)
    if replaced.old_key in signed and not stolen:
        return ""
    roles = {h.role for h in trust.holders if h.verifier_key in signed}
    if roles == {"administrator", "second_holder"} and _two_people(trust, signed):
        return ""
    if stolen:
        return "the old key was compromised then: administrator and second holder are to sign"
    return "neither the old key nor administrator and second holder signed it"


def _two_people(trust: Trust, signed: set[str]) -> bool:
    return len({_public(h.verifier_key) for h in trust.holders if h.verifier_key in signed}) > 1


def _signed_by(replaced: KeyReplaced) -> set[str]:
    """Return the verifier keys whose signature over the key statement holds."""
    statement = key_statement(replaced.origin, replaced.old_key, replaced.new_key)
    good: set[str] = set()
    for mark in replaced.signatures:
        try:
            signature = b64decode(mark.signature, validate=True)
            key = VerifierKey.parse(mark.verifier_key)
        except (BadBase64, ProofFailed, ValueError):
            continue
        if key.verify(statement, signature):
            good.add(mark.verifier_key)
    return good


def _replace(trust: Trust, entry: Entry) -> Trust:
    """Close the old key's validity and open the new one's; either may be the one known."""
    replaced, position = entry.operation, entry.position
    assert isinstance(replaced, KeyReplaced)
    rows = {(k.origin, k.verifier_key): k for k in trust.keys}
    old_place, new_place = ((replaced.origin, key) for key in (replaced.old_key, replaced.new_key))
    old = rows.get(old_place) or TrustedKey(origin=old_place[0], verifier_key=old_place[1])
    new = rows.get(new_place) or TrustedKey(origin=new_place[0], verifier_key=new_place[1])
    rows[old_place] = msgspec.structs.replace(old, valid_to=position)
    rows[new_place] = msgspec.structs.replace(new, valid_from=max(new.valid_from, position + 1))
    return msgspec.structs.replace(trust, keys=tuple(rows.values()))


def sign_statement(
    origin: str, old_key: str, new_key: str, signers: Sequence[Signer]
) -> tuple[KeySignature, ...]:
    """Return the signatures for a `KeyReplaced`: by both log keys, or by new key and holders."""
    statement = key_statement(origin, old_key, new_key)
    return tuple(
        KeySignature(
            verifier_key=str(signer.verifier), signature=b64encode(signer.sign(statement)).decode()
        )
        for signer in signers
    )


def in_window(trust: Trust, checkpoint: Checkpoint, last_recorded_at: datetime) -> bool:
    """Tell whether every trusted signature under the checkpoint is by a key compromised then.

    The earliest moment a checkpoint can have been signed is its last entry's recording.
    """
    good = {str(k) for k in checkpoint.signed_by(trust.keys_at(checkpoint.origin, checkpoint.size))}
    rows = [k for k in trust.keys if k.origin == checkpoint.origin and k.verifier_key in good]
    return bool(rows) and all(
        any(window.holds(last_recorded_at) for window in key.compromised) for key in rows
    )
