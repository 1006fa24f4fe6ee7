"""What a program is told when a request fails: RFC 9457 problems in the reader's language."""

import logging
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from msgspec import Struct
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from railtrace.errors import Behind, NotFound, RailtraceError, Refused, StoreFull
from railtrace.web.frame import in_words

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "60"
_log = logging.getLogger("railtrace.api")

_STATUS: tuple[tuple[type[RailtraceError], int], ...] = (
    (NotFound, 404), (StoreFull, 503), (Refused, 422), (Behind, 503), (RailtraceError, 500),
)  # fmt: skip


class Problem(Struct, omit_defaults=True, kw_only=True):
    """Why a request failed; `detail` is for a person, in the language of Accept-Language."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str = ""


class ApiProblem(Exception):
    """A failure with a status of its own, its words a RailtraceError."""

    def __init__(self, status: int, error: RailtraceError) -> None:
        self.status, self.error = status, error
        super().__init__(str(error))


_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 411: "Length Required", 413: "Content Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Content", 500: "Internal Server Error",
    503: "Service Unavailable",
}  # fmt: skip


def problem(status: int, detail: str, field: str = "") -> HttpResponse:
    """Answer with a problem."""
    title = _TITLES.get(status, "Error")
    body = msgspec.json.encode(Problem(title=title, status=status, detail=detail, field=field))
    response = HttpResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="railtrace"'
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return response


def of_error(error: RailtraceError) -> HttpResponse:
    """Answer with an error of the tree."""
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    return problem(status, in_words(error), getattr(error, "field", ""))


def attach(api: NinjaAPI) -> None:
    """Let every failure of the API be a problem."""
    for kind, answer in _ANSWERS.items():
        api.add_exception_handler(kind, answer)


def _of_own(request: HttpRequest, error: Any) -> HttpResponse:
    return of_error(error)


def _of_status(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status, in_words(error.error), getattr(error.error, "field", ""))


def _no_token(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(401, gettext("Send a valid API token: Authorization: Bearer rt_…"))


def _not_allowed(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(403, gettext("The token or the role does not allow this."))


def _bad_parameters(request: HttpRequest, error: Any) -> HttpResponse:
    first = error.errors[0]
    name = str(first["loc"][-1]) if first.get("loc") else ""
    said = gettext("the parameter {name} is not right: {problem}")
    return problem(422, said.format(name=name, problem=first.get("msg", "")), name)


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return nowhere(request)


def _plain(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, str(error))


def _failed(request: HttpRequest, error: Any) -> HttpResponse:
    _log.error("request failed", exc_info=error)
    return problem(500, gettext("The program failed; everything recorded before is safe."))


def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Say that there is nothing at an address."""
    return problem(404, gettext("There is nothing at this address."))


_ANSWERS: dict[type[Exception], Any] = {
    RailtraceError: _of_own,
    ApiProblem: _of_status,
    AuthenticationError: _no_token,
    AuthorizationError: _not_allowed,
    ValidationError: _bad_parameters,
    Http404: _not_found,
    HttpError: _plain,
    Exception: _failed,
}
