"""The REST API: its frame, who may use it, and the OpenAPI description of every shape."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from ninja import NinjaAPI
from ninja.errors import AuthorizationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import APIKeyCookie, HttpBearer

from railtrace.errors import RailtraceError
from railtrace.trace.operation import KINDS, AnyOperation, Corrected
from railtrace.web import api_answers, problems
from railtrace.web.models import ApiToken
from railtrace.web.problems import problem
from railtrace.web.roles import may
from railtrace.web.tokens import SCOPES, token_of

_DESCRIPTION = (
    "Operations go in, what is known comes out. Send an API token: `Authorization: Bearer rt_…`; "
    "tokens are made under Administration, with the scopes `record` and `read`. Failures are "
    "RFC 9457 problems whose `detail` follows Accept-Language (ru, tg, en)."
)


class TokenWith(HttpBearer):
    """A token with a scope; a good one without the scope is told so."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """Return the token."""
        now = datetime.now(UTC)
        found = token_of(token, self._scope, now)
        if found is None and any(token_of(token, scope, now) for scope in SCOPES):
            raise AuthorizationError
        return found


class ReaderAtPage(APIKeyCookie):
    """A person who is logged in and may read."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return the person."""
        if not request.user.is_authenticated:
            return None
        if not may(request.user, "read"):
            raise AuthorizationError
        return request.user


RECORDERS = [TokenWith("record")]
READERS = [TokenWith("read"), ReaderAtPage()]


class Described(NinjaAPI):
    """An API whose description holds the shapes of the trace, from the trace itself."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI description."""
        schema = super().get_openapi_schema(**options)
        schema["components"].setdefault("schemas", {}).update(_shapes())
        return schema


def _shapes() -> dict[str, Any]:
    kinds = (*KINDS.values(), AnyOperation, *api_answers.SHAPES)
    (*_, operation), shapes = _components((*kinds, AnyOperation))
    # The replacement of a correction refers to the whole union, which has no name of its own.
    return shapes | {"Operation": operation}


def _components(types: tuple[Any, ...]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")


api = Described(
    title="Railtrace",
    version="1",
    description=_DESCRIPTION,
    docs_url="/docs",
    openapi_url="/openapi.json",
    urls_namespace="api",
)
problems.attach(api)


def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Say that there is nothing at an address below /api/."""
    return problem(404, gettext("There is nothing at this address."))


def failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """Say that the program failed, in the shape programs read."""
    return problem(500, gettext("The program failed; everything recorded before is safe."))


def _urls() -> list[URLPattern]:
    """Every address asks for its token itself, so that no program is sent to the log-in page."""
    from railtrace.web import api_read, api_record

    api.add_router("", api_record.router)
    api.add_router("", api_read.router)
    patterns: list[Any] = [*api.urls[0], path("<path:rest>", nowhere), path("", nowhere)]
    for pattern in patterns:
        pattern.callback = login_not_required(pattern.callback)
    return patterns


