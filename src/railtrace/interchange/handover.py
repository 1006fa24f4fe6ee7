"""What goes with a consist to a foreign depot, and what comes back signed.

A packet holds the consist as it is known, its open items and the names of everything in three
languages. A return names the packet by its hash, holds the operations byte for byte as they were
written there and the files they name, and is signed with the depot's own key over all of it.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from msgspec import Struct

from railtrace.errors import BadOperation, ProofFailed
from railtrace.interchange.sent import read_operation
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import Operation, kind_of, named_units

PACKET, RETURN = "railtrace-handover/1", "railtrace-return/1"
LANGUAGES = ("ru", "tg", "en")
MAY_COME_BACK = frozenset({
    "Inspected", "Measured", "Tested", "Repaired", "Reprofiled", "DefectFound", "DefectClosed",
    "Serviced", "Washed", "LocationReported", "UnitDetached", "Removed", "Installed",
    "EnteredRepair", "LeftRepair", "AlarmChecked", "Failed", "PaperIssued",
})  # fmt: skip
"""Work, findings and whereabouts; what a railway decides itself never comes from abroad."""


class Packet(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag=PACKET):
    """A consist as it is handed over; `told` is what each language says of it."""

    consist: str
    train: str
    installation: str
    made_at_us: int
    composition: str
    units: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    positions: Mapping[str, int]
    told: Mapping[str, Any]

    @property
    def everything(self) -> frozenset[str]:
        """Every unit and part that the packet speaks of."""
        return frozenset(self.units).union(*self.parts.values())


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that an operation names, as it is, in base64."""

    name: str
    media_type: str
    evidence_class: str
    content: str


class Return(Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag=RETURN):
    """What was done with the units of a packet, signed; operations are kept as their own bytes."""

    packet: str
    consist: str
    depot: str
    operations: tuple[str, ...]
    files: Mapping[str, File]
    public_key: str
    signature: str = ""

    @property
    def fingerprint(self) -> str:
        """What the depot reads out when its key is compared, four letters at a time."""
        digest = hashlib.sha256(b64decode(self.public_key)).hexdigest()[:24]
        return " ".join(digest[n : n + 4] for n in range(0, 24, 4))


_packets, _returns = msgspec.json.Decoder(Packet), msgspec.json.Decoder(Return)


def written(packet: Packet) -> bytes:
    """Return a packet as its file, the same bytes for the same packet."""
    return msgspec.json.encode(packet, order="sorted")


def read_packet(content: bytes) -> Packet:
    """Read a packet. Raises BadOperation."""
    try:
        return _packets.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadOperation("this is no handover packet: {error}", error=str(error)) from error


def made_return(
    packet: bytes, depot: str, operations: Sequence[Operation], files: Mapping[str, File],
    seed: bytes,
) -> bytes:  # fmt: skip
    """Return what was done as a signed file. Raises BadOperation for what may not come back."""
    about = read_packet(packet)
    _require_own(operations, about)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    bare = Return(
        hashlib.sha256(packet).hexdigest(), about.consist, depot,
        tuple(encode_operation(one).decode() for one in operations), dict(files),
        b64encode(key.public_key().public_bytes_raw()).decode(),
    )  # fmt: skip
    signature = b64encode(key.sign(_statement(bare))).decode()
    return msgspec.json.encode(msgspec.structs.replace(bare, signature=signature), order="sorted")


def _statement(bare: Return) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(bare, signature=""), order="sorted")


def read_return(content: bytes) -> Return:
    """Read a return whose signature holds. Raises BadOperation or ProofFailed."""
    try:
        found = _returns.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadOperation("this is no return of a handover: {error}", error=str(error)) from error
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(found.public_key, validate=True))
        key.verify(b64decode(found.signature, validate=True), _statement(found))
    except (InvalidSignature, ValueError) as error:
        raise ProofFailed("the signature of {depot} does not hold: something was changed",
                          depot=found.depot) from error  # fmt: skip
    for sha256, file in found.files.items():
        if hashlib.sha256(content_of(file)).hexdigest() != sha256:
            raise ProofFailed("the file {name} is not the one that was named", name=file.name)
    return found


def content_of(file: File) -> bytes:
    """Return the bytes of a file. Raises ProofFailed."""
    try:
        return b64decode(file.content, validate=True)
    except ValueError as error:
        raise ProofFailed("the file {name} cannot be read", name=file.name) from error


def operations_of(found: Return, packet: Packet) -> list[Operation]:
    """Return the operations of a return, checked against its packet. Raises BadOperation."""
    operations = [read(text.encode()) for text in found.operations]
    _require_own(operations, packet)
    return operations


def read(line: bytes) -> Operation:
    """Read one operation as somebody wrote it. Raises BadOperation."""
    found = read_operation(line)
    if isinstance(found, BadOperation):
        raise found
    return found


def _require_own(operations: Sequence[Operation], packet: Packet) -> None:
    new = {unit for one in operations for unit in _brought(one)}
    for one in operations:
        if kind_of(one) not in MAY_COME_BACK:
            raise BadOperation("{kind} does not come back from a handover: {id}",
                               kind=kind_of(one), id=one.id)  # fmt: skip
        if strange := set(named_units(one)) - packet.everything - new:
            raise BadOperation("{id} speaks of {unit}, which is not in the packet",
                               id=one.id, unit=min(strange))  # fmt: skip


def _brought(operation: Operation) -> tuple[str, ...]:
    """Parts that a foreign depot put on are new to the packet."""
    return operation.units if kind_of(operation) == "Installed" else ()
