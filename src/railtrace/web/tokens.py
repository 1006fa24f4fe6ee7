"""API tokens: made once, shown once, checked by hash."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_noop as _

from railtrace.web.models import ApiToken

SCOPES = {
    "record": _("Record operations"),
    "read": _("Read the trace and its views"),
    "crews": _("With reading: see which crew made a run, take proofs of runs"),
    "replicate": _("Carry logs to and from another installation"),
}
MARK = "rt_"


def make_token(
    name: str, scopes: list[str], now: datetime, expires_at: datetime, by: Any = None
) -> tuple[ApiToken, str]:
    """Make a token; the text returned here is never shown again."""
    prefix = secrets.token_hex(4)
    text = f"{MARK}{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        name=name, prefix=prefix, sha256=_sha256(text), scopes=sorted(scopes),
        created_at=now, expires_at=expires_at, created_by=by,
    )  # fmt: skip
    return token, text


_LOOKED_UP_FOR = timedelta(seconds=5)
_MOST_LOOKED_UP = 1000
_looked_up: dict[str, tuple[ApiToken, datetime]] = {}
"""Tokens by hash, for a moment: a machine that posts ten times a second is not read anew each time.

Another process learns of a revocation that much later; this one at once.
"""


def token_of(text: str, scope: str, now: datetime) -> ApiToken | None:
    """Return the token when it is known, unexpired, not revoked and has the scope."""
    hashed = _sha256(text)
    token = _just_looked_up(hashed, now) or _look_up(text, hashed, now)
    return token if _opens(token, scope, now) else None


def token_at_hand(text: str, scope: str, now: datetime) -> ApiToken | None:
    """Return the token when it was looked up a moment ago and is good; this reads no database."""
    token = _just_looked_up(_sha256(text), now)
    return token if _opens(token, scope, now) else None


def _opens(token: ApiToken | None, scope: str, now: datetime) -> bool:
    return (
        token is not None
        and token.revoked_at is None
        and token.expires_at > now
        and scope in token.scopes
    )


def _just_looked_up(hashed: str, now: datetime) -> ApiToken | None:
    token, since = _looked_up.get(hashed, (None, now))
    return token if timedelta(0) <= now - since < _LOOKED_UP_FOR else None


def _look_up(text: str, hashed: str, now: datetime) -> ApiToken | None:
    _looked_up.pop(hashed, None)
    if len(_looked_up) >= _MOST_LOOKED_UP:
        _looked_up.clear()
    prefix = text.removeprefix(MARK).partition("_")[0]
    token: ApiToken | None = ApiToken.objects.filter(prefix=prefix).first()
    if token is None or not constant_time_compare(token.sha256, hashed):
        return None
    if token.revoked_at is None and token.expires_at > now and token.last_used_on != now.date():
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=now.date())
    _looked_up[hashed] = (token, now)
    return token


def revoke(token: ApiToken, now: datetime, by: Any) -> None:
    """Revoke a token from this moment on; its row stays for the record."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now, revoked_by=by)
    _looked_up.clear()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
