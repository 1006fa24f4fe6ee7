"""Recording over REST: a batch of operations straight to the recorder, files to evidence."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Annotated, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from railtrace.errors import BadOperation, NotFound, RailtraceError, Refused
from railtrace.interchange.sent import id_in, read_array, read_operation
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation
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
    batch = read_batch(_body_of(request))
    sender = request.auth.name  # type: ignore[attr-defined]
    results = app.record(batch.operations, sender, "rest", log or None)
    response = HttpResponse(answer_to(batch, results), content_type="application/json")
    # Said here so that the answer of the hot path is not compressed.
    response.headers["Content-Encoding"] = "identity"
    return response


def answer_to(batch: "Batch", results: Sequence[Receipt | Refused]) -> bytes:
    """Return the body that tells what became of each operation, reasons in the active language."""
    receipts = [result for result in results if isinstance(result, Receipt)]
    moments = {at: at.isoformat() for at in {receipt.recorded_at for receipt in receipts}}
    answers = [
        OperationAnswer(
            index, result.id, "duplicate" if result.duplicate else "accepted", result.log,
            result.position, moments[result.recorded_at], result.leaf_hash,
        )
        if isinstance(result, Receipt)
        else _refused(index, batch.id_at(index), result)
        for index, result in enumerate(results)
    ]  # fmt: skip
    statuses = [answer.status for answer in answers]
    duplicates, refused = statuses.count("duplicate"), statuses.count("refused")
    accepted = len(answers) - duplicates - refused
    return msgspec.json.encode(BatchAnswer(accepted, duplicates, refused, answers))


def _refused(index: int, id_: str, refusal: Refused) -> OperationAnswer:
    field = getattr(refusal, "field", "") or None
    return OperationAnswer(
        index=index, id=id_, status="refused", reason=in_words(refusal), field=field
    )


# --- the body -------------------------------------------------------------------------------


class Body(NamedTuple):
    """What came with a request, not read yet; `length` as it was said, "" when it was not."""

    media_type: str
    length: str
    chunked: bool
    read: Callable[[int], bytes]


class Batch(NamedTuple):
    """The operations of a body; `texts` as they were sent, unless all of them could be read."""

    operations: Sequence[Operation | BadOperation]
    texts: Sequence[msgspec.Raw] = ()

    def id_at(self, index: int) -> str:
        """Return the id an operation came with, "" where none can be read."""
        operation = self.operations[index]
        return operation.id[:96] if isinstance(operation, Operation) else id_in(self.texts[index])


def _body_of(request: HttpRequest) -> Body:
    said = request.META.get
    length, chunked = said("CONTENT_LENGTH") or "", bool(said("HTTP_TRANSFER_ENCODING"))
    return Body((request.content_type or "").lower(), length, chunked, request.read)


def read_batch(body: Body) -> Batch:
    """Return the operations of a body. Raises ApiProblem."""
    if body.media_type not in _JSON | _LINES | _UNSAID:
        raise ApiProblem(415, RailtraceError(
            "{given} is not taken here: send application/json or application/x-ndjson",
            given=body.media_type,
        ))  # fmt: skip
    text = b"".join(_pieces(body, MOST_BYTES)).removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise ApiProblem(400, RailtraceError("the body is empty: send an operation"))
    if len(text) > MOST_SIGNS < max(text.count(b","), text.count(b"\n")):
        raise ApiProblem(413, RailtraceError(
            "the body has more members than {most} operations can have: send smaller batches",
            most=MOST_OPERATIONS,
        ))  # fmt: skip
    if body.media_type not in _LINES and text[:1] == b"[" and (batch := _at_one_stroke(text)):
        return batch
    texts = _lines(text) if body.media_type in _LINES else _parsed(text)
    _refuse_too_many(len(texts))
    return Batch([read_operation(text) for text in texts], texts)


def _at_one_stroke(text: bytes) -> Batch | None:
    """Read an array whose every operation can be read; any other is read one by one."""
    # An operation has one kind, a correction two: what has many more is refused before it is held.
    if len(text) > MOST_SIGNS and text.count(b'"kind"') > 2 * MOST_OPERATIONS:
        return None
    operations = read_array(text)
    # What is no operation of anybody's is refused with the text it came in.
    if not operations or any(type(item) is BadOperation for item in operations):
        return None
    _refuse_too_many(len(operations))
    return Batch(operations)


def _refuse_too_many(count: int) -> None:
    if count > MOST_OPERATIONS:
        raise ApiProblem(413, RailtraceError(
            "{count} operations at once: send at most {most}", count=count, most=MOST_OPERATIONS,
        ))  # fmt: skip


def pieces(request: HttpRequest, most: int) -> Iterator[bytes]:
    """Yield a body piece by piece; one that is too long is refused unread. Raises ApiProblem."""
    return _pieces(_body_of(request), most)


def _pieces(body: Body, most: int) -> Iterator[bytes]:
    said = body.length or "0"
    if not said.isdigit() or body.chunked:
        raise ApiProblem(411, RailtraceError("say the length of the body: Content-Length"))
    if int(said) > most:
        raise _too_long(int(said), most)
    read = 0
    while piece := body.read(_PIECE):
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


