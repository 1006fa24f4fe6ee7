"""Who may use the API: a token with a scope, or a reader who is logged in."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthorizationError
from ninja.security import APIKeyCookie, HttpBearer

from railtrace.web.models import ApiToken
from railtrace.web.roles import may
from railtrace.web.tokens import SCOPES, token_of


class ApiTokenAuth(HttpBearer):
    """A token with a scope; a good one without that scope is told so."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """Return the token when it opens this door."""
        now = datetime.now(UTC)
        found = token_of(token, self._scope, now)
        if found is None and any(token_of(token, scope, now) for scope in SCOPES):
            raise AuthorizationError
        return found


class SessionAuth(APIKeyCookie):
    """A person who is logged in to the pages and may read."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return the person."""
        if not request.user.is_authenticated:
            return None
        if not may(request.user, "read"):
            raise AuthorizationError
        return request.user


RECORDERS = [ApiTokenAuth("record")]
READERS = [ApiTokenAuth("read"), SessionAuth()]
