"""Passkeys: what an authenticator says (W3C Web Authentication), and whether its signature holds.

Keys are ES256 (a point of P-256) or Ed25519; attestation is not asked for, as nothing would be
decided by the make of a telephone.
"""

import hashlib
import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from railtrace.errors import Refused

ES256, EDDSA = -7, -8
"""The algorithms that are asked for, as COSE numbers them."""
_PRESENT, _VERIFIED, _SYNCED, _ATTESTED = 0x01, 0x04, 0x08, 0x40
_HEAD = 37
_COSE_P256 = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")
"""A key as CTAP2 writes it, in the one order there is: EC2, ES256, P-256, x; y."""
_COSE_ED25519 = bytes.fromhex("a4010103272006215820")


class Credential(NamedTuple):
    """A passkey as it was made: base64url of its id, the bare bytes of its public key."""

    id: str
    public_key: bytes
    counter: int
    synced: bool


class Assertion(NamedTuple):
    """What an authenticator gives for a challenge."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes


def to_base64url(content: bytes) -> str:
    """Return base64url without padding, as browsers write it."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Read base64url with or without padding. Raises Refused."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Refused("the answer of the passkey cannot be read") from error


def is_key(text: str) -> bool:
    """Tell whether base64 text is a key of Ed25519 or an uncompressed point of P-256."""
    try:
        return _key(b64decode(text, validate=True)) is not None
    except ValueError:
        return False


def _key(content: bytes) -> EllipticCurvePublicKey | Ed25519PublicKey | None:
    if len(content) == 32:
        return Ed25519PublicKey.from_public_bytes(content)
    if len(content) == 65 and content[0] == 4:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), content)
    return None


def made(client_data: bytes, authenticator_data: bytes, challenge: bytes, host: str) -> Credential:
    """Read a passkey that was just made for a host. Raises Refused."""
    _require_said(client_data, "webauthn.create", challenge, host)
    _require_flags(authenticator_data, host, _PRESENT | _VERIFIED | _ATTESTED)
    length = int.from_bytes(authenticator_data[_HEAD + 16 : _HEAD + 18], "big")
    id_, cose = (authenticator_data[_HEAD + 18 :][:length],
                 authenticator_data[_HEAD + 18 + length :])  # fmt: skip
    key = _read_cose(cose)
    if not id_ or key is None or _key(key) is None:
        raise Refused("the passkey is of a kind that is not known here: ES256 and Ed25519 are")
    return Credential(to_base64url(id_), key, _count(authenticator_data),
                      bool(authenticator_data[32] & _SYNCED))  # fmt: skip


def _read_cose(cose: bytes) -> bytes | None:
    before, between = _COSE_P256
    x, rest = cose[len(before) :][:32], cose[len(before) + 32 :]
    if cose.startswith(before) and rest.startswith(between) and len(rest) >= 35:
        return b"\4" + x + rest[len(between) :][:32]
    if cose.startswith(_COSE_ED25519) and len(cose) >= len(_COSE_ED25519) + 32:
        return cose[len(_COSE_ED25519) :][:32]
    return None


def require_signed(assertion: Assertion, public_key: bytes, challenge: bytes, host: str) -> int:
    """Return the counter of a passkey that signed a challenge for a host. Raises Refused."""
    _require_said(assertion.client_data, "webauthn.get", challenge, host)
    _require_flags(assertion.authenticator_data, host, _PRESENT | _VERIFIED)
    if not verifies(assertion, public_key):
        raise Refused("the passkey's signature does not hold")
    return _count(assertion.authenticator_data)


def verifies(assertion: Assertion, public_key: bytes) -> bool:
    """Tell whether the key signed what the authenticator said."""
    said = assertion.authenticator_data + hashlib.sha256(assertion.client_data).digest()
    try:
        match _key(public_key):
            case Ed25519PublicKey() as key:
                key.verify(assertion.signature, said)
            case EllipticCurvePublicKey() as point:
                point.verify(assertion.signature, said, ECDSA(SHA256()))
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True


def is_said(client_data: bytes, type_: str, challenge: bytes) -> dict[str, Any] | None:
    """Return what a browser said of a challenge, None when it was another one or another act."""
    try:
        said = json.loads(client_data)
        right = said["type"] == type_ and said["challenge"] == to_base64url(challenge)
    except (KeyError, TypeError, ValueError):
        return None
    return said if right else None


def _require_said(client_data: bytes, type_: str, challenge: bytes, host: str) -> None:
    said = is_said(client_data, type_, challenge)
    if said is None:
        raise Refused("the passkey answered another question: ask again")
    scheme, _, rest = str(said.get("origin", "")).partition("://")
    named = rest.rpartition(":")[0] or rest
    if named != host or (scheme != "https" and host != "localhost"):
        raise Refused("the passkey was used on another page: {origin}", origin=said.get("origin"))


def _require_flags(authenticator_data: bytes, host: str, flags: int) -> None:
    if len(authenticator_data) < _HEAD:
        raise Refused("the answer of the passkey cannot be read")
    if authenticator_data[:32] != hashlib.sha256(host.encode()).digest():
        raise Refused("the passkey was made for another host than {host}", host=host)
    if authenticator_data[32] & flags != flags:
        raise Refused("the passkey did not ask who you are: set a PIN, finger or face on it")


def _count(authenticator_data: bytes) -> int:
    return int.from_bytes(authenticator_data[33:_HEAD], "big")
