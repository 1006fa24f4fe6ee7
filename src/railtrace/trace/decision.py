"""What a person signs of a decision, and whether a signature holds.

The statement names the file of the decision by its hash, the person, the role and the moment; any
of them changed, the signature does not hold.
"""

import hashlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from railtrace.trace.operation import DecisionSignature
from railtrace.trace.passkey import Assertion, is_said, verifies


def statement(decision_file: str, person: str, role: str, signed_at: datetime) -> bytes:
    """Return the bytes that are signed."""
    moment = signed_at.astimezone(UTC).isoformat(timespec="seconds")
    return f"railtrace-decision/1\n{decision_file}\n{person}\n{role}\n{moment}\n".encode()


def signed(
    seed: bytes, decision_file: str, person: str, role: str, signed_at: datetime
) -> DecisionSignature:
    """Sign a decision with a key that the server holds for a person."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = key.sign(statement(decision_file, person, role, signed_at))
    return DecisionSignature(
        person=person, role=role, method="server_key", signed_at=signed_at,
        public_key=b64encode(key.public_key().public_bytes_raw()).decode(),
        signature=b64encode(signature).decode(),
    )  # fmt: skip


def challenge(decision_file: str, person: str, role: str, signed_at: datetime) -> bytes:
    """Return what a passkey is asked to sign: the hash of the statement."""
    return hashlib.sha256(statement(decision_file, person, role, signed_at)).digest()


def signed_by_passkey(
    assertion: Assertion, public_key: bytes, person: str, role: str, signed_at: datetime
) -> DecisionSignature:
    """Return a passkey's assertion over a challenge as the decision keeps it."""
    parts = (public_key, assertion.signature, assertion.authenticator_data, assertion.client_data)
    key, signature, authenticator, client = (b64encode(part).decode() for part in parts)
    return DecisionSignature(
        person=person, role=role, method="passkey", signed_at=signed_at, public_key=key,
        signature=signature, authenticator_data=authenticator, client_data=client,
    )  # fmt: skip


def holds(signature: DecisionSignature, decision_file: str) -> bool:
    """Tell whether a signature by a passkey or a server-held key holds for a decision's file."""
    if signature.method == "passkey":
        return _passkey_holds(signature, decision_file)
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(signature.public_key, validate=True))
        said = statement(decision_file, signature.person, signature.role, signature.signed_at)
        key.verify(b64decode(signature.signature, validate=True), said)
    except (InvalidSignature, ValueError):
        return False
    return True


def _passkey_holds(signature: DecisionSignature, decision_file: str) -> bool:
    parts = (signature.client_data, signature.authenticator_data, signature.signature,
             signature.public_key)  # fmt: skip
    try:
        *said, key = (b64decode(part, validate=True) for part in parts)
    except ValueError:
        return False
    asked = challenge(decision_file, signature.person, signature.role, signature.signed_at)
    assertion = Assertion(*said)
    return is_said(assertion.client_data, "webauthn.get", asked) is not None and verifies(
        assertion, key)  # fmt: skip
