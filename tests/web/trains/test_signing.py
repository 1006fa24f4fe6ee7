"""A decision is signed by a server-held key, opened by a password and a one-time code together."""

import re
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.test import Client

from railtrace.app import App
from railtrace.trace.decision import holds
from railtrace.trace.operation import DefectClosed, DefectFound, Released
from railtrace.trace.passkey import from_base64url, to_base64url
from tests.authenticator import Authenticator
from tests.web.trains.yard import departure, send, written, yard

SECRET = b32encode(b"12345678901234567890").decode()


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return a railway with a fit train."""
    folder = tmp_path_factory.mktemp("signing")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        fit = departure(2, 3)
        fit.say("QualificationGranted", -900, person="p-wagons", qualification="otk",
                valid_from=fit.departs - timedelta(days=90))  # fmt: skip
        send(app, written(fit, "C-359", 2))
        yield app


@pytest.mark.parametrize(("seconds", "code"), [
    (59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130"),
])  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    from railtrace.web.people.signing import code_at

    assert code_at(SECRET, seconds // 30) == code


def keyed(reader_as: Callable[..., Client], when: datetime) -> tuple[Client, str, str]:
    """Return the officer's browser, password and a code that was not used."""
    from railtrace.web.accounts import demo_users
    from railtrace.web.people.signing import code_at, make_key

    browser = reader_as("release_officer")
    password = next(u.password for u in demo_users() if u.role == "release_officer")
    make_key(User.objects.get(username="release_officer"), SECRET, password, -1)
    ahead = when - datetime.now(UTC)
    # The first page of a process takes its time, a code is good for a minute: it is made after it.
    browser.get("/trains/C-359?act=ready")
    when = datetime.now(UTC) + ahead
    return browser, password, code_at(SECRET, int(when.timestamp()) // 30)


def decide(browser: Client, **fields: str) -> Any:
    page = unescape(browser.get("/trains/C-359?act=ready").content.decode())
    standing = re.search(r'name="composition" value="([^"]+)', page)
    assert standing is not None
    said = {"act": "ready", "decision": "release", "composition": standing.group(1)}
    answer = browser.post("/trains/C-359/decide", said | fields, follow=True)
    page = unescape(answer.content.decode())
    return re.sub(r"\s+", " ", page)


def last_release(app: App) -> Released:
    rows = app.lookup.timeline(["C-359-v-1"], ("Released",), limit=1)
    operation = app.entry(rows[0][6]).operation
    assert isinstance(operation, Released)
    return operation


def test_a_release_is_signed_and_any_change_of_its_file_breaks_the_signature(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser, password, code = keyed(reader_as, datetime.now(UTC))
    assert "Released; what it stands on is kept." in decide(
        browser, password=password, code=code)  # fmt: skip
    released = last_release(railway)
    [signature] = released.signatures
    assert released.decision_file is not None
    assert holds(signature, released.decision_file)
    assert not holds(signature, "0" * 64)
    assert not holds(msgspec.structs.replace(signature, person="p-other"), released.decision_file)
    file = msgspec.json.decode(railway.evidence.read(released.decision_file))
    assert file["units"] == list(released.units)
    assert {row.get("outcome", "fit") for row in file["rows"]} == {"fit"}
    again = decide(browser, password=password, code=code)
    assert "the one-time code is wrong or was used" in again


def test_the_certificate_of_a_release_is_downloaded_and_holds(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace import check

    browser, password, code = keyed(reader_as, datetime.now(UTC) + timedelta(seconds=30))
    decide(browser, password=password, code=code)
    id_ = last_release(railway).id
    answer = browser.get(f"/trains/certificate/{id_}.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    certificate = check.check_certificate(answer.content.decode(), None)
    assert [str(found) for found in certificate.findings if found.is_fault] == []
    assert len(certificate.decision["rows"]) > 70
    assert f"/trains/certificate/{id_}.json" in browser.get("/trains/C-359").content.decode()


def test_the_code_alone_and_the_password_alone_do_not_sign(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser, password, code = keyed(reader_as, datetime.now(UTC))
    assert "does not open your signing key" in decide(browser, password="guess", code=code)
    assert "the one-time code is wrong" in decide(browser, password=password, code="000000")
    assert "sign it: a passkey, or password and one-time code" in decide(
        browser, password=password)  # fmt: skip


def test_a_paper_form_is_named_by_its_number(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    assert "what it stands on is kept" in decide(browser, paper="В-17")
    released = last_release(railway)
    assert (released.number, released.signatures[0].method) == ("В-17", "paper")


def test_a_key_is_made_with_password_and_code(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace.web.accounts import demo_users
    from railtrace.web.models import SigningKey
    from railtrace.web.people.signing import code_at

    browser = reader_as("release_officer")
    page = browser.get("/account/signing").content.decode()
    found = re.search(r'<code class="secret">(\w+)<', page)
    assert found is not None
    password = next(u.password for u in demo_users() if u.role == "release_officer")
    code = code_at(found.group(1), int(datetime.now(UTC).timestamp()) // 30)
    wrong = browser.post("/account/signing", {"password": "x", "code": code}, follow=True)
    assert "the password is wrong" in wrong.content.decode()
    made = browser.post("/account/signing", {"password": password, "code": code}, follow=True)
    assert "Your signing key is made." in made.content.decode()
    assert SigningKey.objects.get(user__username="release_officer").public_key


# --- passkeys ---------------------------------------------------------------------------------


def made_passkey(browser: Client, device: Authenticator, **fields: str) -> str:
    """Make a passkey in the officer's account; return what the page says then."""
    page = browser.get("/account/signing").content.decode()
    told = re.search(r'id="passkey-to-make"[^>]*>(.*?)</script>', page)
    assert told is not None
    asked = from_base64url(msgspec.json.decode(unescape(told.group(1)))["challenge"])
    client_data, data = map(to_base64url, device.made(asked))
    made = msgspec.json.encode({"client_data": client_data, "authenticator_data": data}).decode()
    posted = {"password": officer_password(), "name": "telephone", "made": made} | fields
    answer = browser.post("/account/passkeys", posted, follow=True)
    return unescape(answer.content.decode())


def officer_password() -> str:
    from railtrace.web.accounts import demo_users

    return next(u.password for u in demo_users() if u.role == "release_officer")


def asked(browser: Client, **fields: str) -> Any:
    """Ask for what a passkey is to sign; return what the browser is told."""
    page = unescape(browser.get("/trains/C-359?act=ready").content.decode())
    standing = re.search(r'name="composition" value="([^"]+)', page)
    assert standing is not None
    said = {"act": "ready", "decision": "release", "composition": standing.group(1), "ask": "1"}
    return browser.post("/trains/C-359/decide", said | fields)


def answered(device: Authenticator, told: dict[str, str], **changed: bytes) -> dict[str, str]:
    """Return the fields that the browser posts when the passkey has signed."""
    assertion = device.signed(from_base64url(told["challenge"]))
    parts = assertion._asdict() | {"credential": device.id} | changed
    said = msgspec.json.encode({k: to_base64url(v) for k, v in parts.items()}).decode()
    return {"asked": told["asked"], "assertion": said}


def test_a_passkey_signs_the_decision_and_the_certificate_proves_whose_it_is(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace import check

    browser, device = reader_as("release_officer"), Authenticator()
    assert "Your passkey is known now." in made_passkey(browser, device)
    assert "Release with a passkey" in browser.get("/trains/C-359?act=ready").content.decode()
    fields = answered(device, asked(browser).json())
    assert "Released; what it stands on is kept." in decide(browser, **fields)
    released = last_release(railway)
    [signature] = released.signatures
    assert signature.method == "passkey"
    assert holds(signature, released.decision_file or "")
    answer = browser.get(f"/trains/certificate/{released.id}.json")
    certificate = check.check_certificate(answer.content.decode(), None)
    names = {found.name for found in certificate.findings}
    assert [str(found) for found in certificate.findings if found.is_fault] == []
    assert "passkey" in names
    assert "key-unnamed" not in names
    assert browser.get(f"/trains/certificate/{released.id}.pdf").content[:5] == b"%PDF-"
    # Asked once, signed once: the same answer does not sign again.
    assert "asked too long ago" in decide(browser, **fields)


def test_a_certificate_with_another_signature_or_another_s_key_is_named(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace import check

    browser, device = reader_as("release_officer"), Authenticator()
    made_passkey(browser, device)
    decide(browser, **answered(device, asked(browser).json()))
    content = browser.get(f"/trains/certificate/{last_release(railway).id}.json").content.decode()
    body = msgspec.json.decode(content)
    other = b64encode(Authenticator().public()).decode()
    mine = b64encode(device.public()).decode()
    for old, new in ((mine, other), ('"role":"release_officer"', '"role":"driver"')):
        changed = body | {"decision": body["decision"] | {
            "leaf": body["decision"]["leaf"].replace(old, new)}}  # fmt: skip
        found = check.check_certificate(check.canonical(changed), None).findings
        assert {"signature-changed", "leaf-changed"} <= {one.name for one in found}


def test_a_passkey_of_another_a_wrong_answer_and_a_copied_one_do_not_sign(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser, device = reader_as("release_officer"), Authenticator(count=7)
    assert asked(browser).json()["why"].startswith("you have no passkey for testserver")
    assert "the password is wrong" in made_passkey(browser, device, password="guess")
    made_passkey(browser, device)
    assert "known already" in made_passkey(browser, device)
    stranger = answered(Authenticator(), asked(browser).json())
    assert "this passkey is not one of yours" in decide(browser, **stranger)
    forged = answered(device, asked(browser).json(), signature=b"0" * 70)
    assert "signature does not hold" in decide(browser, **forged)
    assert "cannot be read" in decide(browser, asked=asked(browser).json()["asked"],
                                      assertion="{")  # fmt: skip
    device.count = 3
    assert "may have been copied" in decide(browser, **answered(device, asked(browser).json()))


def test_what_changed_while_the_passkey_signed_is_looked_at_again(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser, device = reader_as("release_officer"), Authenticator()
    made_passkey(browser, device)
    fields = answered(device, asked(browser).json())
    found = DefectFound(id="while-signing", happened_at=datetime.now(UTC), safety=True,
                        units=("C-359-v-1",), code="102")  # fmt: skip
    send(railway, [found])
    assert "1 mandatory gates stand against it" in decide(browser, **fields)
    assert asked(browser).json()["why"].startswith("1 mandatory gates stand against it")
    refuse = {"decision": "refuse", "reason": "the officer's own"}
    refusal = refuse | answered(device, asked(browser, **refuse).json())
    send(railway, [DefectClosed(id="mended", happened_at=datetime.now(UTC),
                                units=("C-359-v-1",), defect="while-signing")])  # fmt: skip
    assert "changed while you signed: look again" in decide(browser, **refusal)
    again = refuse | answered(device, asked(browser, **refuse).json())
    assert "Refused; the reasons are kept." in decide(browser, **again)


def test_a_removed_passkey_signs_no_more_and_the_trace_says_so(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    from railtrace.web.models import Passkey

    browser, device = reader_as("release_officer"), Authenticator()
    made_passkey(browser, device)
    fields = answered(device, asked(browser).json())
    [key] = Passkey.objects.filter(user__username="release_officer")
    page = browser.post(f"/account/passkeys/{key.pk}/remove", follow=True).content.decode()
    assert "The passkey is removed" in page
    assert "not one of yours" in decide(browser, **fields)
    last = "SELECT kind FROM operations ORDER BY key DESC LIMIT 1"
    assert railway.trace.database.query(last) == [("SigningKeyWithdrawn",)]


@pytest.mark.parametrize(
    ("language", "said"),
    [("ru", "Свидетельство о выпуске"), ("tg", "Шаҳодатномаи баровардан"),
     ("en", "Certificate of release")],
)  # fmt: skip
def test_the_certificate_is_printed_in_three_languages(
    language: str, said: str, railway: App, reader_as: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from railtrace.web.trains import certificate

    printed: list[dict[str, Any]] = []

    def note(filled: dict[str, Any], address: str) -> bytes:
        printed.append(filled)
        return real(filled, address)

    real = certificate.printed
    monkeypatch.setattr(certificate, "printed", note)
    browser = reader_as("release_officer")
    decide(browser, paper="В-17")
    id_ = last_release(railway).id
    answer = browser.get(f"/trains/certificate/{id_}.pdf?in={language}")
    assert answer.content[:5] == b"%PDF-"
    [filled] = printed
    assert filled["title"] == said
    rows = [row for table in filled["tables"] for row in table["rows"]]
    assert any("± 0" in row[2] and len(row) == 8 and len(row[7]) == 12 for row in rows)
    assert filled["tables"][0]["rows"][0][:2] == ["1", "073\u00a001013"]
