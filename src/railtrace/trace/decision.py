"""What a person signs of a decision, and whether a signature holds.

The statement names the file of the decision by its hash, the person, the role and the moment; any
of them changed, the signature does not hold.
"""

from base64 import b64decode, b64encode
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from railtrace.trace.operation import DecisionSignature


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


def holds(signature: DecisionSignature, decision_file: str) -> bool:
    """Tell whether a signature by a server-held key holds for a decision's file."""
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(signature.public_key, validate=True))
        said = statement(decision_file, signature.person, signature.role, signature.signed_at)
        key.verify(b64decode(signature.signature, validate=True), said)
    except (InvalidSignature, ValueError):
        return False
    return True
