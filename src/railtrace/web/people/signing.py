"""Signing keys: held by the server, opened by a person's password and a one-time code together.

The code is RFC 6238 (SHA-1, 30 s, 6 digits), as telephones make it; each is taken once. The seed
of the key is sealed with AES-GCM under scrypt of the password: without it nobody can sign, the
administrator included. A changed password needs a new key.
"""

import hashlib
import hmac
import secrets
import struct
from base64 import b32decode, b32encode, b64decode, b64encode
from datetime import datetime
from urllib.parse import quote

import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from railtrace.errors import Refused
from railtrace.trace.operation import SigningKeyNamed, SigningKeyWithdrawn
from railtrace.web.accounts import person_of, reader
from railtrace.web.attempts import too_many_attempts
from railtrace.web.frame import in_words
from railtrace.web.models import Passkey, SigningKey
from railtrace.web.people.passkeys import host_of, to_make
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

STEP_S, DIGITS = 30, 6
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


def code_at(secret: str, step: int) -> str:
    """Return the code of a step of thirty seconds."""
    digest = hmac.new(b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, now: datetime, after: int = -1) -> int | None:
    """Return the step a code is of: now, or one beside it, later than the last one taken."""
    now_step = int(now.timestamp()) // STEP_S
    typed = "".join(code.split())
    for step in (now_step, now_step - 1, now_step + 1):
        if step > after and hmac.compare_digest(code_at(secret, step), typed):
            return step
    return None


def _key_of(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def make_key(user: User, secret: str, password: str, step: int) -> SigningKey:
    """Make a person's key in place of the one there was."""
    private, salt, nonce = Ed25519PrivateKey.generate(), secrets.token_bytes(16), b"\0" * 12
    sealed = AESGCM(_key_of(password, salt)).encrypt(nonce, private.private_bytes_raw(), None)
    public = b64encode(private.public_key().public_bytes_raw()).decode()
    key, _ = SigningKey.objects.update_or_create(user=user, defaults={
        "secret": secret, "salt": b64encode(salt).decode(),
        "sealed": b64encode(sealed).decode(), "public_key": public, "last_step": step,
        "entry": "",
    })  # fmt: skip
    return key


def open_key(request: HttpRequest, password: str, code: str, now: datetime) -> bytes:
    """Return the seed of the reader's key. Raises Refused saying what is in the way."""
    user = reader(request)
    key = SigningKey.objects.filter(user=user).first()
    if key is None:
        raise Refused("you have no signing key yet: make one in your account")
    with too_many_attempts(request, f"sign:{user.username}", anywhere=True) as attempt:
        attempt.failed = True
        step = step_of(key.secret, code, now, key.last_step)
        # Taken before it is used: two requests with one code do not both sign.
        taken = step is not None and SigningKey.objects.filter(
            user=user, last_step__lt=step).update(last_step=step)  # fmt: skip
        if not taken:
            raise Refused("the one-time code is wrong or was used: wait for the next one")
        try:
            seed = AESGCM(_key_of(password, b64decode(key.salt))).decrypt(
                b"\0" * 12, b64decode(key.sealed), None)  # fmt: skip
        except InvalidTag as error:
            raise Refused("the password does not open your signing key") from error
        attempt.failed = False
    return seed


@allowed("release")
def signing(request: HttpRequest) -> HttpResponse:
    """Make a signing key: the secret goes to the telephone, password and code prove both."""
    user, now = reader(request), the_app().clock()
    secret = request.session.get("signing_secret") or b32encode(secrets.token_bytes(20)).decode()
    request.session["signing_secret"] = secret
    if request.method == "POST":
        try:
            _enrol(request, user, secret, now)
        except Refused as error:
            messages.error(request, in_words(error))
        else:
            del request.session["signing_secret"]
            messages.success(request, gettext("Your signing key is made."))
        return redirect("signing")
    address = (
        f"otpauth://totp/{quote(settings.CONFIG.name)}:{quote(user.username)}"
        f"?secret={secret}&issuer=Railtrace"
    )
    context = {
        "key": SigningKey.objects.filter(user=user).first(), "secret": secret,
        "passkeys": Passkey.objects.filter(user=user), "host": host_of(request),
        "to_make": to_make(request),
        "picture": segno.make(address, error="m").svg_data_uri(scale=5, border=2),
    }  # fmt: skip
    return render(request, "account/signing.html", context)


def _enrol(request: HttpRequest, user: User, secret: str, now: datetime) -> None:
    password, code = request.POST.get("password", ""), request.POST.get("code", "")
    with too_many_attempts(request, f"sign:{user.username}", anywhere=True) as attempt:
        attempt.failed = True
        if not user.check_password(password):
            raise Refused("the password is wrong")
        step = step_of(secret, code, now)
        if step is None:
            raise Refused("the one-time code is wrong: check the clock of your telephone")
        attempt.failed = False
    person, old = person_of(user).person_id, SigningKey.objects.filter(user=user).first()
    key = make_key(user, secret, password, step)
    if old is not None and old.entry:
        record_one(request, SigningKeyWithdrawn, person=person, public_key=old.public_key)
    named = record_one(request, SigningKeyNamed, person=person, method="server_key",
                       public_key=key.public_key)  # fmt: skip
    SigningKey.objects.filter(pk=key.pk).update(entry=named.id)
