"""Cosignatures: a second holder's word that a log only grew. C2SP tlog-cosignature, Ed25519.

An installation cosigns with its log key under its own name; the signed text begins with a line
of its own, so that it can never be taken for a checkpoint of a log.
"""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from railtrace.errors import ProofFailed
from railtrace.trace.checkpoint import Checkpoint, Signer, VerifierKey
from railtrace.trace.epochs import installation_of
from railtrace.trace.trust import Trust

_COSIGNATURE = b"\x04"
_TIME_BYTES = 8


def key_hash(key: VerifierKey) -> bytes:
    """Return the four bytes that tell a cosigner's keys of one name apart."""
    return sha256(key.name.encode() + b"\n" + _COSIGNATURE + key.public).digest()[:4]


def verifier_key(key: VerifierKey) -> str:
    """Return the cosigner's key as other witnesses' programs read it: `name+hash+base64`."""
    encoded = b64encode(_COSIGNATURE + key.public).decode()
    return f"{key.name}+{key_hash(key).hex()}+{encoded}"


def cosigned_text(checkpoint: Checkpoint, at_s: int) -> bytes:
    """Return what a cosigner signs: that at this second the log was seen as large as this."""
    return f"cosignature/v1\ntime {at_s}\n".encode() + checkpoint.body


def cosign(checkpoint: Checkpoint, signer: Signer, now: datetime) -> Checkpoint:
    """Return the checkpoint with a cosignature. The caller has seen that the log only grew."""
    at_s = int(now.timestamp())
    signature = at_s.to_bytes(_TIME_BYTES, "big") + signer.sign(cosigned_text(checkpoint, at_s))
    mark = (signer.name, key_hash(signer.verifier), signature)
    return replace(checkpoint, signatures=(*checkpoint.signatures, mark))


def cosigned_at(checkpoint: Checkpoint, key: VerifierKey) -> datetime | None:
    """Return when a cosigner vouched for the checkpoint; None when its mark is not under it."""
    for name, hashed, mark in checkpoint.signatures:
        at_s = int.from_bytes(mark[:_TIME_BYTES], "big")
        known = (name, hashed) == (key.name, key_hash(key)) and at_s < 1 << 63
        if known and key.verify(cosigned_text(checkpoint, at_s), mark[_TIME_BYTES:]):
            return datetime.fromtimestamp(at_s, UTC)
    return None


def cosigners(trust: Trust) -> list[VerifierKey]:
    """Return the keys that may cosign: each installation's, by the keys of its trusted logs."""
    keys = [VerifierKey.parse(key.verifier_key) for key in trust.keys]
    found = {(installation_of(key.name), key.public) for key in keys}
    return [VerifierKey(name, public) for name, public in sorted(found) if name]


def cosigned_by(checkpoint: Checkpoint, trust: Trust) -> dict[str, datetime]:
    """Return which installations vouch for the checkpoint, and since when."""
    told = {key.name: cosigned_at(checkpoint, key) for key in cosigners(trust)}
    return {name: at for name, at in told.items() if at is not None}


def with_marks_of(checkpoint: Checkpoint, other: Checkpoint, trust: Trust) -> Checkpoint:
    """Return the checkpoint with what trusted cosigners put under the other copy of it."""
    if checkpoint.body != other.body:
        raise ProofFailed(
            "the checkpoint of {size} entries of {origin} came back with another text",
            size=checkpoint.size, origin=checkpoint.origin,
        )  # fmt: skip
    new = [mark for mark in other.signatures if mark not in checkpoint.signatures]
    good = tuple(
        mark for mark in new if cosigned_by(replace(checkpoint, signatures=(mark,)), trust)
    )
    return replace(checkpoint, signatures=(*checkpoint.signatures, *good))
