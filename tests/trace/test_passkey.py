"""Passkeys: what is taken of an authenticator's answer, here and in the checker."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from railtrace import check
from railtrace.errors import BadOperation, Refused
from railtrace.trace.checks import check as check_operation
from railtrace.trace.decision import challenge, holds, signed_by_passkey
from railtrace.trace.operation import DecisionSignature, SigningKeyNamed
from railtrace.trace.passkey import made, require_signed
from tests.authenticator import Authenticator

NOW = datetime(2026, 3, 18, 6, 30, tzinfo=UTC)
FILE, ASKED = "ab" * 32, b"c" * 32
New = Callable[[], Authenticator]
BOTH = pytest.mark.parametrize("new", [
    Authenticator, lambda: Authenticator(key=Ed25519PrivateKey.generate()),
], ids=["ES256", "Ed25519"])  # fmt: skip


def signature_of(device: Authenticator) -> DecisionSignature:
    asked = challenge(FILE, "p-1", "release_officer", NOW)
    return signed_by_passkey(
        device.signed(asked), device.public(), "p-1", "release_officer", NOW)  # fmt: skip


DEVICE = Authenticator()
SIGNED = signature_of(DEVICE)


def checked(signature: DecisionSignature) -> str:
    return check._passkey_host(asdict(signature) | {"signed_at": NOW.isoformat()}, FILE)


@BOTH
def test_a_passkey_is_made_and_signs(new: New) -> None:
    device = new()
    client, data = device.made(ASKED)
    credential = made(client, data, ASKED, device.host)
    assert (credential.public_key, credential.synced) == (device.public(), False)
    assert require_signed(device.signed(ASKED), credential.public_key, ASKED, device.host) == 1


@BOTH
def test_a_decision_signed_by_a_passkey_holds_and_for_the_checker_too(new: New) -> None:
    signature = signature_of(new())
    assert holds(signature, FILE)
    assert checked(signature) == "testserver"


@BOTH
@pytest.mark.parametrize("changed", [
    {"person": "p-2"}, {"role": "driver"}, {"signature": b64encode(b"0" * 64).decode()},
    {"public_key": b64encode(Authenticator().public()).decode()}, {"client_data": ""},
    {"authenticator_data": ""}, {"public_key": "?"},
])  # fmt: skip
def test_anything_else_signed_does_not_hold(new: New, changed: dict[str, str]) -> None:
    signature = replace(signature_of(new()), **changed)
    assert not holds(signature, FILE)
    assert checked(signature) == ""
    assert not holds(signature_of(new()), "cd" * 32)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["signature", "authenticator_data", "client_data"]), st.integers(0, 9999))
def test_a_bit_changed_anywhere_breaks_it_here_and_there(part: str, bit: int) -> None:
    content = bytearray(b64decode(getattr(SIGNED, part)))
    bit %= len(content) * 8
    content[bit // 8] ^= 1 << bit % 8
    broken = replace(SIGNED, **{part: b64encode(bytes(content)).decode()})
    assert not holds(broken, FILE)
    assert checked(broken) == ""


@pytest.mark.parametrize(("device", "origin", "said"), [
    (Authenticator(flags=0x01), "", "did not ask who you are"),
    (Authenticator(flags=0x04), "", "did not ask who you are"),
    (Authenticator(host="other.example"), "https://testserver", "made for another host"),
    (Authenticator(), "https://evil.example", "on another page: https://evil.example"),
    (Authenticator(), "http://testserver", "on another page"),
])  # fmt: skip
def test_an_answer_that_is_not_for_this_page_or_this_person_is_refused(
    device: Authenticator, origin: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        require_signed(device.signed(ASKED, origin), device.public(), ASKED, "testserver")


def test_the_answer_to_another_question_is_refused() -> None:
    with pytest.raises(Refused, match="answered another question"):
        require_signed(DEVICE.signed(b"d" * 32), DEVICE.public(), ASKED, "testserver")
    with pytest.raises(Refused, match="answered another question"):
        made(DEVICE.said("webauthn.get", ASKED), DEVICE.made(ASKED)[1], ASKED, "testserver")


def test_the_machine_itself_needs_no_https() -> None:
    device = Authenticator(host="localhost")
    assertion = device.signed(ASKED, "http://localhost:8000")
    assert require_signed(assertion, device.public(), ASKED, "localhost") == 1


def test_a_key_of_another_kind_is_refused_when_it_is_made() -> None:
    client, data = DEVICE.made(ASKED)
    for broken in (data[:-1], data.replace(bytes.fromhex("a50102"), bytes.fromhex("a50103"))):
        with pytest.raises(Refused, match="kind that is not known"):
            made(client, broken, ASKED, "testserver")


@pytest.mark.parametrize(("changed", "said"), [
    ({"public_key": "AAAA"}, "is no key of Ed25519 or P-256"),
    ({"public_key": b64encode(b"\4" + bytes(64)).decode()}, "is no key of Ed25519 or P-256"),
    ({"performed_by": ("p-2",)}, "is named by whose it is"),
    ({"relying_party": ""}, "names the host"),
    ({"method": "server_key"}, "names the host"),
])  # fmt: skip
def test_a_key_is_named_whole_and_by_its_owner(changed: dict[str, object], said: str) -> None:
    named = SigningKeyNamed(
        id="k-1", happened_at=NOW, performed_by=("p-1",), person="p-1", method="passkey",
        public_key=b64encode(DEVICE.public()).decode(), relying_party="depot.example",
    )  # fmt: skip
    check_operation(named, NOW)
    with pytest.raises(BadOperation, match=said):
        check_operation(replace(named, **changed), NOW)
