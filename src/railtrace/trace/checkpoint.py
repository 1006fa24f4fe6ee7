"""Signed checkpoints: C2SP tlog-checkpoint inside C2SP signed-note, with Ed25519.

A checkpoint says "log `origin` has `size` entries and this root". Keys are named by the origin.
Sources: C2SP tlog-checkpoint and signed-note.
"""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from railtrace.errors import ConfigError, ProofFailed

_ED25519 = b"\x01"
_DASH = "\u2014"


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key: `name+hash+base64`."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        encoded = b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read `name+hash+base64`. Raises ProofFailed when it is not an Ed25519 key."""
        name, _, rest = text.strip().partition("+")
        short, _, encoded = rest.partition("+")
        try:
            raw = b64decode(encoded, validate=True)
        except BadBase64:
            raw = b""
        key = cls(name, raw[1:])
        if len(raw) != 33 or raw[:1] != _ED25519 or key.key_hash.hex() != short:
            raise ProofFailed("{text}: not an Ed25519 verifier key", text=text.strip())
        return key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """The private half of a key, under one name."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or self.name.split() != [self.name]:
            raise ConfigError(
                "{name}: the name of a log or an installation holds no space and no +",
                name=repr(self.name),
            )

    @classmethod
    def generate(cls, name: str) -> "Signer":
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    def named(self, name: str) -> "Signer":
        """Return the same key under another name (one installation, several logs)."""
        return Signer(name, self.seed)

    @property
    def verifier(self) -> VerifierKey:
        """Return the public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


@dataclass(frozen=True)
class Checkpoint:
    """A head of a log with the signatures under it: (name, key hash, signature)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    signatures: tuple[tuple[str, bytes, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        """The signed text, with its closing line feed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return ("\n".join(lines) + "\n").encode()

    def __str__(self) -> str:
        lines = [
            f"{_DASH} {name} {b64encode(key_hash + signature).decode()}\n"
            for name, key_hash, signature in self.signatures
        ]
        return self.body.decode() + "\n" + "".join(lines)

    def signed(self, signer: Signer) -> "Checkpoint":
        """Return the checkpoint with one more signature."""
        mark = (signer.name, signer.verifier.key_hash, signer.sign(self.body))
        return Checkpoint(
            self.origin, self.size, self.root, self.extensions, (*self.signatures, mark)
        )

    def signed_by(self, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return those of the keys whose signature stands under the checkpoint and holds."""
        return tuple(
            key
            for key in keys
            for name, key_hash, signature in self.signatures
            if (name, key_hash) == (key.name, key.key_hash) and key.verify(self.body, signature)
        )

    def require(self, keys: Sequence[VerifierKey]) -> "Checkpoint":
        """Return itself when one of the keys signed it. Raises ProofFailed."""
        if not self.signed_by(keys):
            raise ProofFailed(
                "checkpoint {size} of {origin} is not signed by a trusted key",
                size=self.size,
                origin=self.origin,
            )
        return self

    @classmethod
    def parse(cls, note: str) -> "Checkpoint":
        """Read a signed note. Raises ProofFailed when it is not a checkpoint."""
        bad = ProofFailed("this is not a signed checkpoint: {start}", start=note[:60])
        body, blank, tail = note.rpartition("\n\n")
        lines = body.split("\n")
        if not blank or len(lines) < 3 or not lines[0] or not lines[1].isascii():
            raise bad
        if not lines[1].isdigit() or (lines[1] != "0" and lines[1].startswith("0")):
            raise bad
        try:
            root = b64decode(lines[2], validate=True)
            signatures = tuple(_signature(line) for line in tail.removesuffix("\n").split("\n"))
        except (BadBase64, ValueError):
            raise bad from None
        if len(root) != 32 or not signatures:
            raise bad
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]), signatures)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, name, encoded = line.split(" ")
    raw = b64decode(encoded, validate=True)
    if dash != _DASH or len(raw) < 5:
        raise ValueError(line)
    return name, raw[:4], raw[4:]


def key_statement(origin: str, old_key: str, new_key: str) -> bytes:
    """Return what is signed when a log's key is replaced."""
    return f"railtrace key replacement v1\n{origin}\n{old_key}\n{new_key}\n".encode()
