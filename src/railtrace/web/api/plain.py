"""Recording without a detour: a post with a known token is answered before Django's chain.

A page needs sessions, forms, languages and fourteen middlewares; a gauge that posts one operation
needs none of them, and they take ten times longer than recording it. What is not plain (another
address, a token not looked up just now, a body that cannot be read, an error) goes on to Django
untouched: there it gets the same answer from the same functions, and every other.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.translation import get_language_from_request, override

from railtrace.errors import Refused
from railtrace.web.api.record import MOST_BYTES, Batch, Body, answer_to, read_batch
from railtrace.web.running import the_app
from railtrace.web.tokens import token_at_hand

ADDRESS = "/api/operations"
_BEARER = "Bearer "
_MEDIA_TYPES = frozenset({"application/json", "application/x-ndjson"})
_HEADERS = (("Content-Type", "application/json"), ("Content-Encoding", "identity"),
            ("X-Content-Type-Options", "nosniff"))  # fmt: skip

Environ = dict[str, Any]
Answer = tuple[list[tuple[str, str]], bytes]
"""The headers and the body of a 200."""
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def plain_first(django: WsgiApplication) -> WsgiApplication:
    """Answer plain posts of operations here and let Django answer everything else."""

    def respond(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = recorded_plainly(environ)
        if answer is None:
            return django(environ, start_response)
        headers, body = answer
        start_response("200 OK", headers)
        return [body]

    return respond


def recorded_plainly(environ: Environ) -> Answer | None:
    """Record a plain post and return its answer; None when Django is to answer."""
    sender = _sender(environ) if _is_plain(environ) else None
    if sender is None:
        return None
    length = int(environ["CONTENT_LENGTH"])
    content = _read(environ["wsgi.input"].read, length)
    environ["wsgi.input"] = BytesIO(content)
    if len(content) != length:
        return None
    body = Body(environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"], False, BytesIO(content).read)
    try:
        batch = read_batch(body)
        results = the_app().record(batch.operations, sender, "rest")
    except Exception:
        # Recording the same again does no harm; Django logs it and finds the words and the status.
        return None
    return _answer(environ, batch, results)


def _is_plain(environ: Environ) -> bool:
    length = str(environ.get("CONTENT_LENGTH", ""))
    return (
        environ.get("PATH_INFO") == ADDRESS
        and environ.get("REQUEST_METHOD") == "POST"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_TYPE") in _MEDIA_TYPES
        and "HTTP_TRANSFER_ENCODING" not in environ
        and length.isdecimal()
        and 0 < int(length) <= MOST_BYTES
    )


def _sender(environ: Environ) -> str | None:
    said = str(environ.get("HTTP_AUTHORIZATION", ""))
    if not said.startswith(_BEARER):
        return None
    token = token_at_hand(said[len(_BEARER) :], "record", datetime.now(UTC))
    return None if token is None else token.name


def _read(read: Callable[[int], bytes], length: int) -> bytes:
    content = read(length)
    while len(content) < length and (more := read(length - len(content))):
        content += more
    return content


def _answer(environ: Environ, batch: Batch, results: list[Any]) -> Answer:
    headers = [*_HEADERS]
    if any(isinstance(result, Refused) for result in results):
        language = get_language_from_request(WSGIRequest(environ))
        headers += [("Content-Language", language), ("Vary", "Accept-Language, Cookie")]
        with override(language):
            content = answer_to(batch, results)
    else:
        content = answer_to(batch, results)
    return [*headers, ("Content-Length", str(len(content)))], content
