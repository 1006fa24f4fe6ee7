"""Passwords tried: after a few wrong ones a user at an address waits, longer each time."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F
from django.http import HttpRequest

from railtrace.errors import Refused
from railtrace.web.models import FailedAttempt

FREE_ATTEMPTS = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 30, 15 * 60
_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass
class Attempt:
    """One password tried."""

    failed: bool = False


@contextmanager
def too_many_attempts(
    request: HttpRequest, user_name: str, anywhere: bool = False
) -> Iterator[Attempt]:
    """Let a password be tried and remember how it went. Raises Refused while one has to wait.

    `anywhere` counts the tries of all addresses together: a PIN is short.
    """
    now = datetime.now(UTC)
    key = _key("" if anywhere else request.META.get("REMOTE_ADDR", ""), user_name)
    if (wait_s := _wait_s(key, now)) > 0:
        said = {"minutes": wait_s // 60, "seconds": wait_s % 60}
        if anywhere:
            raise Refused("too many wrong PINs: try again in {minutes} min {seconds} s", **said)
        raise Refused("too many wrong passwords: try again in {minutes} min {seconds} s", **said)
    attempt = Attempt()
    yield attempt
    if attempt.failed:
        _remember(key, now)
    else:
        FailedAttempt.objects.filter(key=key).delete()


def _key(address: str, user_name: str) -> str:
    """A hash: names and addresses that somebody typed are not kept."""
    return hashlib.sha256(f"{user_name.strip().lower()}\0{address}".encode()).hexdigest()


def _wait_s(key: str, now: datetime) -> int:
    """Return how long to wait still: 30 s after the fifth wrong password, doubling to 15 min."""
    row = FailedAttempt.objects.filter(key=key, last_at__gt=now - _FORGOTTEN_AFTER).first()
    if row is None or row.count < FREE_ATTEMPTS:
        return 0
    wait_s = min(_FIRST_WAIT_S * 2 ** min(row.count - FREE_ATTEMPTS, 10), _LONGEST_WAIT_S)
    return max(int(wait_s - (now - row.last_at).total_seconds()), 0)


def _remember(key: str, now: datetime) -> None:
    FailedAttempt.objects.filter(last_at__lte=now - _FORGOTTEN_AFTER).delete()
    FailedAttempt.objects.get_or_create(key=key, defaults={"count": 0, "last_at": now})
    FailedAttempt.objects.filter(key=key).update(count=F("count") + 1, last_at=now)
