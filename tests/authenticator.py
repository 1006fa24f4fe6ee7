"""An authenticator in a few lines: what a telephone answers a browser that asks for a passkey."""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from secrets import token_bytes

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from railtrace.trace.passkey import Assertion, to_base64url

HERE = "testserver"


@dataclass
class Authenticator:
    """One passkey for one host."""

    host: str = HERE
    key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    id: bytes = field(default_factory=lambda: token_bytes(16))
    count: int = 0
    flags: int = 0x05
    """Present and verified."""

    def said(self, type_: str, challenge: bytes, origin: str = "") -> bytes:
        """Return what the browser says that it was asked."""
        told = {"type": type_, "challenge": to_base64url(challenge),
                "origin": origin or f"https://{self.host}", "crossOrigin": False}  # fmt: skip
        return json.dumps(told).encode()

    def made(self, challenge: bytes) -> tuple[bytes, bytes]:
        """Return client data and authenticator data of a passkey that is made."""
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + self._cose()
        return self.said("webauthn.create", challenge), self._head(0x40) + attested

    def signed(self, challenge: bytes, origin: str = "") -> Assertion:
        """Return the answer to a challenge."""
        self.count += 1
        client, data = self.said("webauthn.get", challenge, origin), self._head()
        said = data + hashlib.sha256(client).digest()
        if isinstance(self.key, Ed25519PrivateKey):
            return Assertion(client, data, self.key.sign(said))
        return Assertion(client, data, self.key.sign(said, ECDSA(SHA256())))

    def public(self) -> bytes:
        """Return the bare public key."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.public_key().public_bytes_raw()
        point = self.key.public_key().public_numbers()
        return b"\4" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")

    def _head(self, more: int = 0) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(
            ">BI", self.flags | more, self.count)  # fmt: skip

    def _cose(self) -> bytes:
        """Return the key as CBOR, in the order of CTAP2."""
        key = self.public()
        if len(key) == 32:
            return bytes.fromhex("a4010103272006215820") + key
        return bytes.fromhex("a5010203262001215820") + key[1:33] + b"\x22\x58\x20" + key[33:]
