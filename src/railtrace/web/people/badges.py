"""Badges and PINs: what a person holds against the reader, and what they know."""

import hashlib
import hmac
from itertools import pairwise

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.http import HttpRequest

from railtrace.errors import Refused
from railtrace.web.attempts import too_many_attempts
from railtrace.web.models import Badge

SHORTEST_PIN, LONGEST_PIN = 4, 8


def mark_of(badge: str) -> str:
    """Return what is kept of a badge: without the installation's secret it names nothing."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, b"badge\0" + badge.strip().encode(), hashlib.sha256).hexdigest()


def set_badge(user: User, badge: str, pin: str) -> None:
    """Give a person a badge and a PIN. Raises Refused for a weak PIN or a badge of another."""
    if not badge.strip():
        raise Refused("hold the badge against the reader, or type its number")
    _require_strong(pin)
    other = Badge.objects.filter(mark=mark_of(badge)).exclude(user=user).first()
    if other is not None:
        raise Refused("this badge belongs to {name} already", name=other.user.username)
    Badge.objects.update_or_create(
        user=user, defaults={"mark": mark_of(badge), "pin": make_password(pin)}
    )


def _require_strong(pin: str) -> None:
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise Refused(
            "a PIN has {shortest} to {longest} digits", shortest=SHORTEST_PIN, longest=LONGEST_PIN
        )
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise Refused("the PIN {pin} is the first that anybody would try: choose another", pin=pin)


def holder(request: HttpRequest, badge: str, pin: str) -> User | None:
    """Return whose badge and PIN these are, if anybody's who may log in.

    Wrong ones are counted for the badge wherever it is tried. Raises Refused while one waits.
    """
    mark = mark_of(badge)
    with too_many_attempts(request, f"badge {mark}", anywhere=True) as attempt:
        found = Badge.objects.filter(mark=mark).select_related("user").first()
        right = found is not None and found.user.is_active and check_password(pin, found.pin)
        attempt.failed = not right
    return found.user if found is not None and right else None
