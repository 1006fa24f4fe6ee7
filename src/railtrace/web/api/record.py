"""Recording over REST: a batch of operations straight to the recorder, files to evidence."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from railtrace.errors import NotFound, RailtraceError, Refused
from railtrace.interchange.sent import id_in, read_operation
from railtrace.trace.ledger import Receipt
from railtrace.web.api.access import RECORDERS
from railtrace.web.api.answers import BatchAnswer, EvidenceAnswer, OperationAnswer
from railtrace.web.api.description import answers_with, json_of, ref
from railtrace.web.api.problems import ApiProblem
from railtrace.web.frame import in_words
from railtrace.web.running import the_app

MOST_OPERATIONS = 10_000
MOST_BYTES = 16 * 1024 * 1024
MOST_SIGNS = 2_000_000
"""Commas or lines in a body: ten thousand operations never have more, and each held costs room."""
_PIECE = 256 * 1024
_JSON = frozenset({"application/json"})
_LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines",
     "application/x-jsonlines"}
)  # fmt: skip
_UNSAID = frozenset({"", "application/octet-stream", "text/plain"})
_BYTE = re.compile(r"(?P<problem>.*) \(byte (?P<at>\d+)\)")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")

router = Router(tags=["recording"], auth=RECORDERS)

_BODIES = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    ref("Operation"),
                    {"type": "array", "items": ref("Operation"), "maxItems": MOST_OPERATIONS},
                ]
            }
        },
        "application/x-ndjson": {"schema": {"type": "string"}},
    },
}


@router.post(
    "/operations",
    summary="Record operations",
    openapi_extra={
        "requestBody": _BODIES,
        **answers_with(json_of(BatchAnswer), 400, 404, 411, 413, 415, 422, 503),
    },
)
def record_operations(
    request: HttpRequest,
    log: Annotated[str, Query(description="write to this log instead of the site's own")] = "",
) -> HttpResponse:
    """Record one operation, an array or JSON lines, at most 10,000 and 16 MB at once.

    The answer is 200 whenever the batch could be read: `results` tells of each operation whether
    it was accepted, was there before (`duplicate`, with its first receipt) or is refused and why.
    What is accepted is durable when the answer comes. The same batch may be sent again.
    """
    app = the_app()
    if log and log not in app.config.logs:
        raise NotFound("there is no log {log}", log=log)
    texts = read_batch(request)
    sender = request.auth.name  # type: ignore[attr-defined]
    operations = [read_operation(text) for text in texts]
    results = app.record(operations, sender, "rest", log or None)
    response = HttpResponse(_answer(texts, results), content_type="application/json")
    # Said here so that the answer of the hot path is not compressed.
    response.headers["Content-Encoding"] = "identity"
    return response


def _answer(texts: list[msgspec.Raw], results: list[Receipt | Refused]) -> bytes:
    answers = [
        OperationAnswer(
            index=index, id=result.id, status="duplicate" if result.duplicate else "accepted",
            log=result.log, position=result.position,
            recorded_at=result.recorded_at.isoformat(), leaf_hash=result.leaf_hash,
        )
        if isinstance(result, Receipt)
        else _refused(index, texts[index], result)
        for index, result in enumerate(results)
    ]  # fmt: skip
    duplicates = sum(a.status == "duplicate" for a in answers)
    refused = sum(a.status == "refused" for a in answers)
    accepted = len(answers) - duplicates - refused
    return msgspec.json.encode(BatchAnswer(accepted, duplicates, refused, answers))


def _refused(index: int, text: msgspec.Raw, refusal: Refused) -> OperationAnswer:
    field = getattr(refusal, "field", "") or None
    return OperationAnswer(
        index=index, id=id_in(text), status="refused", reason=in_words(refusal), field=field
    )


# --- the body -------------------------------------------------------------------------------


def read_batch(request: HttpRequest) -> list[msgspec.Raw]:
    """Return the operations of a body, each still as it was sent. Raises ApiProblem."""
    media_type = (request.content_type or "").lower()
    if media_type not in _JSON | _LINES | _UNSAID:
        raise ApiProblem(415, RailtraceError(
            "{given} is not taken here: send application/json or application/x-ndjson",
            given=media_type,
        ))  # fmt: skip
    body = b"".join(pieces(request, MOST_BYTES))
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise ApiProblem(400, RailtraceError("the body is empty: send an operation"))
    if max(text.count(b","), text.count(b"\n")) > MOST_SIGNS:
        raise ApiProblem(413, RailtraceError(
            "the body has more members than {most} operations can have: send smaller batches",
            most=MOST_OPERATIONS,
        ))  # fmt: skip
    operations = _lines(text) if media_type in _LINES else _parsed(text)
    if len(operations) > MOST_OPERATIONS:
        raise ApiProblem(413, RailtraceError(
            "{count} operations at once: send at most {most}", count=len(operations),
            most=MOST_OPERATIONS,
        ))  # fmt: skip
    return operations


def pieces(request: HttpRequest, most: int) -> Iterator[bytes]:
    """Yield a body piece by piece; one that is too long is refused unread. Raises ApiProblem."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    if not said.isdigit() or request.META.get("HTTP_TRANSFER_ENCODING"):
        raise ApiProblem(411, RailtraceError("say the length of the body: Content-Length"))
    if int(said) > most:
        raise _too_long(int(said), most)
    read = 0
    while piece := request.read(_PIECE):
        read += len(piece)
        if read > most:
            raise _too_long(read, most)
        yield piece


def _too_long(size: int, most: int) -> ApiProblem:
    return ApiProblem(413, RailtraceError(
        "the body has {size} MB, at most {most} MB are taken: send smaller batches",
        size=-(-size // (1 << 20)), most=most >> 20,
    ))  # fmt: skip


def _parsed(text: bytes) -> list[msgspec.Raw]:
    """An array is a batch; anything else is one operation, or several on lines of their own."""
    if text[:1] == b"[":
        try:
            return msgspec.json.decode(text, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable(text, error) from None
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if b"\n" in text and _stands_alone(text.partition(b"\n")[0]):
            return _lines(text)
        raise _unreadable(text, error) from None
    return [msgspec.Raw(text)]


def _stands_alone(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _lines(text: bytes) -> list[msgspec.Raw]:
    return [msgspec.Raw(line) for line in text.split(b"\n") if line.strip()]


def _unreadable(text: bytes, error: Exception) -> ApiProblem:
    if isinstance(error, RecursionError):
        return ApiProblem(400, RailtraceError("the body is nested too deep to be operations"))
    match = _BYTE.fullmatch(str(error))
    if match is None:
        return ApiProblem(400, RailtraceError(
            "the body is not JSON: it ends in the middle, after byte {at}", at=len(text)
        ))  # fmt: skip
    at = int(match["at"])
    line = text.count(b"\n", 0, at) + 1
    return ApiProblem(400, RailtraceError(
        "the body is not JSON at byte {at}, line {line}: {problem}", at=at, line=line,
        problem=match["problem"],
    ))  # fmt: skip


# --- evidence -------------------------------------------------------------------------------


class _Upload:
    """A body as a file to read from."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._pieces = chain([first], rest)

    def read(self, size: int = -1) -> bytes:
        """Return the next piece, whatever its size."""
        return next(self._pieces, b"")


@router.post(
    "/evidence",
    summary="Keep a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        **answers_with(json_of(EvidenceAnswer), 400, 411, 413, 422, 503, status=201),
    },
)
def keep_evidence(request: HttpRequest) -> HttpResponse:
    """Send a file as the body, as it is; operations then name it by its SHA-256.

    A file that no operation names is swept after two days.
    """
    app = the_app()
    body = pieces(request, app.config.evidence_limit_mb << 20)
    first = next(body, b"")
    if not first:
        raise ApiProblem(400, RailtraceError("the body is empty: send a file"))
    media_type = request.content_type or ""
    media_type = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    kept = app.evidence.put(_Upload(first, body), media_type=media_type)  # type: ignore[arg-type]
    answer = EvidenceAnswer(kept.sha256, kept.size, media_type)
    return HttpResponse(
        msgspec.json.encode(answer), status=201, content_type="application/json"
    )


