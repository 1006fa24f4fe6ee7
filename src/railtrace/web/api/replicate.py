"""Where another installation calls: packed messages in, packed answers out.

It is a protocol between two programs of Railtrace, not an API for others: docs/how-to/replicate.md.
"""

from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from ninja import Router

from railtrace.app import App
from railtrace.errors import ProofFailed
from railtrace.operating.side import Side, answer
from railtrace.trace.replicate import MOST_UNPACKED
from railtrace.web.api.access import ApiTokenAuth
from railtrace.web.api.problems import ApiProblem
from railtrace.web.api.record import pieces
from railtrace.web.running import the_app

router = Router(auth=[ApiTokenAuth("replicate")])


@lru_cache(maxsize=1)
def _side(app: App) -> Side:
    """One for all requests: it remembers the key entries it has read."""
    return Side(app)


@router.post("/replicate/{door}", include_in_schema=False)
def replicate(request: HttpRequest, door: str) -> HttpResponse:
    """Answer one message of another installation."""
    body = b"".join(pieces(request, MOST_UNPACKED))
    sender = request.auth.name  # type: ignore[attr-defined]
    try:
        content = answer(_side(the_app()), door, body, sender)
    except ProofFailed as error:
        raise ApiProblem(400, error) from error
    response = HttpResponse(content, content_type="application/octet-stream")
    # It is compressed already.
    response.headers["Content-Encoding"] = "identity"
    return response
