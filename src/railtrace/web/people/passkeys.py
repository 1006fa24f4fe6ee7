"""Passkeys of a person: made and removed in the account, asked to sign a decision.

A passkey signs the hash of what is decided on the person's own device; the server holds nothing
that could sign. Browsers give pages passkeys over https, or on the machine itself.
"""

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound, Refused
from railtrace.trace.decision import challenge, signed_by_passkey
from railtrace.trace.operation import DecisionSignature, SigningKeyNamed, SigningKeyWithdrawn
from railtrace.trace.passkey import (
    EDDSA,
    ES256,
    Assertion,
    Credential,
    from_base64url,
    made,
    require_signed,
    to_base64url,
)
from railtrace.web.accounts import person_of, reader
from railtrace.web.attempts import too_many_attempts
from railtrace.web.frame import in_words
from railtrace.web.models import AskedDecision, Passkey
from railtrace.web.record import record_one
from railtrace.web.roles import allowed

ANSWERED_WITHIN = timedelta(minutes=5)
MOST = 20
_ASKED = "passkey_asked"


def host_of(request: HttpRequest) -> str:
    """Return the host a passkey is bound to: that of the page, without its port."""
    return split_domain_port(request.get_host())[0]


def to_make(request: HttpRequest) -> dict[str, Any]:
    """Return what a browser needs to make a passkey; the challenge waits in the session."""
    user = reader(request)
    asked = request.session.get(_ASKED) or to_base64url(secrets.token_bytes(32))
    request.session[_ASKED] = asked
    handle = person_of(user).person_id
    return {
        "challenge": asked, "rp": {"id": host_of(request), "name": "Railtrace"},
        "user": {"id": to_base64url(handle.encode()), "name": user.username,
                 "displayName": user.get_full_name() or user.username},
        "algorithms": [ES256, EDDSA],
        "exclude": [key.credential for key in keys_of(request)],
    }  # fmt: skip


def keys_of(request: HttpRequest) -> list[Passkey]:
    """Return the reader's passkeys that work on this page's host."""
    if not request.user.is_authenticated:
        return []
    return list(Passkey.objects.filter(user_id=request.user.pk, host=host_of(request)))


@require_POST
@allowed("release")
def add(request: HttpRequest) -> HttpResponse:
    """Take a passkey that the browser made; the password says who asks."""
    try:
        _add(request, reader(request))
    except Refused as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, gettext("Your passkey is known now."))
    return redirect("signing")


def _add(request: HttpRequest, user: User) -> None:
    asked = request.session.pop(_ASKED, "")
    with too_many_attempts(request, f"sign:{user.username}", anywhere=True) as attempt:
        attempt.failed = True
        if not user.check_password(request.POST.get("password", "")):
            raise Refused("the password is wrong")
        attempt.failed = False
    if Passkey.objects.filter(user=user).count() >= MOST:
        raise Refused("you have {most} passkeys: remove one first", most=MOST)
    client, data = _parts(request.POST.get("made", ""), "client_data", "authenticator_data")
    new = made(client, data, from_base64url(asked), host_of(request))
    _keep(request, user, new, request.POST.get("name", "").strip()[:60])


def _keep(request: HttpRequest, user: User, new: Credential, name: str) -> None:
    if Passkey.objects.filter(credential=new.id).exists():
        raise Refused("this passkey is known already")
    key = b64encode(new.public_key).decode()
    entry = record_one(
        request, SigningKeyNamed, person=person_of(user).person_id, method="passkey",
        public_key=key, relying_party=host_of(request), synced=new.synced,
    )  # fmt: skip
    try:
        Passkey.objects.create(
            user=user, name=name or gettext("passkey"), credential=new.id, public_key=key,
            host=host_of(request), count=new.counter, synced=new.synced, entry=entry.id,
        )  # fmt: skip
    except IntegrityError as error:
        raise Refused("this passkey is known already") from error


@require_POST
@allowed("release")
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Sign with a passkey no more; what it signed stands."""
    user = reader(request)
    key = Passkey.objects.filter(user=user, pk=number).first()
    if key is None:
        raise NotFound("you have no such passkey")
    record_one(request, SigningKeyWithdrawn, person=person_of(user).person_id,
               public_key=key.public_key)  # fmt: skip
    key.delete()
    messages.success(request, gettext("The passkey is removed; what it signed stands."))
    return redirect("signing")


# --- signing a decision -----------------------------------------------------------------------


def ask(
    request: HttpRequest, operation: str, content: bytes, sha256: str, role: str, now: datetime
) -> dict[str, Any]:
    """Keep a decision until it is signed; return what a passkey is asked. Raises Refused."""
    keys = keys_of(request)
    if not keys:
        raise Refused("you have no passkey for {host}: make one in your account",
                      host=host_of(request))  # fmt: skip
    AskedDecision.objects.filter(asked_at__lt=now - ANSWERED_WITHIN).delete()
    one = AskedDecision.objects.create(
        user=reader(request), key=secrets.token_urlsafe(24), operation=operation,
        content=content, asked_at=now,
    )  # fmt: skip
    asked = challenge(sha256, person_of(request.user).person_id, role, now)
    return {"asked": one.key, "challenge": to_base64url(asked), "host": host_of(request),
            "credentials": [key.credential for key in keys]}  # fmt: skip


def asked_decision(request: HttpRequest, now: datetime) -> AskedDecision:
    """Take back what the passkey was asked about, once. Raises Refused."""
    mine = AskedDecision.objects.filter(
        user=reader(request), key=request.POST.get("asked", ""),
        asked_at__gte=now - ANSWERED_WITHIN,
    )  # fmt: skip
    one = mine.first()
    if one is None or not AskedDecision.objects.filter(pk=one.pk).delete()[0]:
        raise Refused("the passkey was asked too long ago: ask it again")
    return one


def signature(
    request: HttpRequest, sha256: str, role: str, asked_at: datetime
) -> tuple[DecisionSignature, Passkey]:
    """Return the signature that a passkey gave, and the passkey. Raises Refused."""
    said = request.POST.get("assertion", "")
    (id_,) = _parts(said, "credential")
    key = next((k for k in keys_of(request) if k.credential == to_base64url(id_)), None)
    if key is None:
        raise Refused("this passkey is not one of yours")
    client, data, signed = _parts(said, "client_data", "authenticator_data", "signature")
    assertion = Assertion(client, data, signed)
    person, public = person_of(request.user).person_id, b64decode(key.public_key)
    asked = challenge(sha256, person, role, asked_at)
    count = require_signed(assertion, public, asked, key.host)
    if count and count <= key.count:
        raise Refused("the counter of this passkey went back: it may have been copied")
    key.count, key.used_at = count, asked_at
    key.save(update_fields=["count", "used_at"])
    return signed_by_passkey(assertion, public, person, role, asked_at), key


def _parts(text: str, *names: str) -> list[bytes]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, Mapping) or not all(isinstance(told.get(n), str) for n in names):
        raise Refused("the answer of the passkey cannot be read")
    return [from_base64url(told[name]) for name in names]
