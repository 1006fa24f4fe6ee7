"""Reading over REST: units at two dates, operations with their proofs, logs, evidence."""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from railtrace.errors import BadOperation, NotFound, RailtraceError
from railtrace.projections.condition import judged
from railtrace.projections.passport import Passport
from railtrace.projections.usage import Usage
from railtrace.store.export import proof_of
from railtrace.store.knowledge import Knowledge
from railtrace.trace import ledger
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.leaf import microseconds, moment
from railtrace.trace.merkle import leaf_hash
from railtrace.web.api.access import READERS
from railtrace.web.api.answers import (
    ConsistencyAnswer,
    EntriesAnswer,
    EntryAnswer,
    LogAnswer,
    LogsAnswer,
    ProofAnswer,
    UnitAnswer,
    UnitFound,
    UnitsAnswer,
)
from railtrace.web.api.description import answers_with, json_of
from railtrace.web.api.problems import ApiProblem
from railtrace.web.people.names import WHOLE_ONLY, names_a_crew, sees_crews, without_crews
from railtrace.web.running import the_app

MOST_LISTED = 200
_FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_NOTE = {"text/plain": {"schema": {"type": "string"}}}
_STATE_KEYS = {"unit", "last", "contradictions", "resolutions", "unreadable"}

router = Router(auth=READERS)


# --- answering ------------------------------------------------------------------------------


def _tag(*parts: object) -> str:
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:20]}"'


def _as_it_was(request: HttpRequest, tag: str) -> bool:
    asked = request.headers.get("If-None-Match", "")
    return tag in {one.strip().removeprefix("W/") for one in asked.split(",")}


def _polled(request: HttpRequest, tag: str) -> HttpResponse | None:
    """Return 304 when the reader has this already."""
    return _tagged(HttpResponse(status=304), tag) if _as_it_was(request, tag) else None


def _tagged(response: HttpResponse, tag: str) -> HttpResponse:
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _json(answer: msgspec.Struct, tag: str = "") -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(answer), content_type="application/json")
    return _tagged(response, tag) if tag else response


def _iso(us: int | None) -> str | None:
    return None if us is None else moment(us).isoformat()


def _outward(value: Any) -> Any:
    """Times leave as text: `from_us` is `from_at`, `at_us` is `at`; milli-units as decimals."""
    if isinstance(value, list | tuple):
        return [_outward(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        ("at" if key == "at_us" else f"{key[:-3]}_at" if key.endswith("_us") else key): (
            _iso(part) if key.endswith("_us") else _outward(part)
        )
        for key, part in value.items()
    }


def _view_tag(*parts: object) -> str:
    views = the_app().views
    return _tag(sorted(views.positions().items()), views.adopted(), *parts)


# --- units ----------------------------------------------------------------------------------


@router.get(
    "/units", summary="Find units", tags=["units"],
    openapi_extra=answers_with(json_of(UnitsAnswer), 422, polled=True),
)  # fmt: skip
def find_units(
    request: HttpRequest,
    q: Annotated[str, Query(min_length=1, max_length=100, description="a number, part of it, id")],
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> HttpResponse:
    """Find units by number, part of a number or id."""
    tag = _view_tag(q, limit)
    if unchanged := _polled(request, tag):
        return unchanged
    names = UnitFound.__struct_fields__
    found = [
        UnitFound(*(getattr(row, name) for name in names))
        for row in the_app().lookup.search(q, limit)
    ]
    return _json(UnitsAnswer(found), tag)


@router.get(
    "/units/{path:unit_id}/operations", summary="What happened to a unit", tags=["units"],
    openapi_extra=answers_with(json_of(EntriesAnswer), 404, 422, polled=True),
)  # fmt: skip
def unit_operations(
    request: HttpRequest,
    unit_id: str,
    kind: Annotated[str, Query(description="this kind only")] = "",
    before: Annotated[str, Query(description="`before` of the last answer: older ones")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> HttpResponse:
    """List the operations that speak of a unit, newest first."""
    tag = _view_tag(unit_id, kind, before, limit, sees_crews(request))
    if unchanged := _polled(request, tag):
        return unchanged
    app = the_app()
    kinds = [kind] if kind else []
    rows = app.lookup.timeline([unit_id], kinds, _cursor(before), limit=limit + 1)
    if not rows:
        app.about(unit_id)
    shown = rows[:limit]
    leaves = app.trace.leaves_at([(row[3], row[4]) for row in shown])
    entries = [
        _entry(request, row[3], row[4], leaves[row[3], row[4]]) for row in shown
    ]
    more = json.dumps(shown[-1][1:5]) if len(rows) > limit else None
    return _json(EntriesAnswer(entries, more), tag)


def _cursor(before: str) -> tuple[int, int, str, int] | None:
    if not before:
        return None
    try:
        return msgspec.json.decode(before, type=tuple[int, int, str, int])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadOperation(
            "{before} is not where a list goes on: send `before` of the last answer",
            field="before", before=before[:100],
        ) from None  # fmt: skip


def _entry(request: HttpRequest, log: str, position: int, leaf: bytes) -> EntryAnswer:
    told = json.loads(leaf)
    id_ = told["operation"].get("id", "")
    corrections = [entry.operation.id for entry in the_app().corrections_of(id_)]
    shown = without_crews(request, told)
    withheld = ["crews"] if shown != told else []
    return EntryAnswer(
        log=log, position=position, leaf_hash=leaf_hash(leaf).hex(), corrected_by=corrections,
        withheld=withheld, leaf=msgspec.Raw(msgspec.json.encode(shown) if withheld else leaf),
    )  # fmt: skip


@router.get(
    "/units/{path:unit_id}", summary="A unit at two dates", tags=["units"],
    openapi_extra=answers_with(json_of(UnitAnswer), 404, 422, polled=True),
)  # fmt: skip
def unit(
    request: HttpRequest,
    unit_id: str,
    state_at: Annotated[datetime | None, Query(description="what had happened by then")] = None,
    known_at: Annotated[datetime | None, Query(description="what had been recorded")] = None,
) -> HttpResponse:
    """Give what is known of a unit; both moments need an offset."""
    for name, at in (("state_at", state_at), ("known_at", known_at)):
        _require_moment(name, at)
    tag = _view_tag(unit_id, state_at, known_at)
    if unchanged := _polled(request, tag):
        return unchanged
    knowledge = the_app().about(unit_id, state_at, known_at)
    return _json(_unit(knowledge, unit_id), tag)


def _require_moment(name: str, at: datetime | None) -> None:
    if at is None:
        return
    if at.tzinfo is None:
        raise BadOperation(
            "{name}: the time has no offset; write it like 2026-05-17T08:30:00+05:00", field=name,
            name=name,
        )  # fmt: skip
    if not 1 < at.year < 9999:
        raise BadOperation("{name}: the year {year} cannot be", field=name, name=name, year=at.year)


def _unit(knowledge: Knowledge, unit_id: str) -> UnitAnswer:
    passport, genealogy = knowledge.passport(unit_id), knowledge.genealogy(unit_id)
    catalogue, number = knowledge.catalogue, passport.primary()
    vehicle, carrier = catalogue.vehicle_types.get(passport.type), genealogy.carrier()
    return UnitAnswer(
        unit=unit_id, state_at=_iso(knowledge.state_us), known_at=_iso(knowledge.known_us),
        number=number.value if number else None, type=passport.type,
        vehicle_class=vehicle.vehicle_class if vehicle else "part" if passport.type else "",
        status=passport.status, passport=_passport(passport),
        carrier=_outward(msgspec.to_builtins(carrier)) if carrier else None,
        carries=[_outward(msgspec.to_builtins(stay)) for stay in genealogy.carried()],
        usage=_usage(knowledge, unit_id), condition=_condition(knowledge, unit_id),
        contradictions=[
            _outward(msgspec.to_builtins(contradiction)) | {"view": name}
            for name, state in knowledge.states(unit_id).items()
            for contradiction in state.contradictions.values()
        ],
        positions=the_app().views.positions(),
    )  # fmt: skip


def _passport(passport: Passport) -> dict[str, Any]:
    fields = msgspec.to_builtins(passport).items()
    described: dict[str, Any] = _outward({k: v for k, v in fields if k not in _STATE_KEYS})
    return described


def _usage(knowledge: Knowledge, unit_id: str) -> dict[str, Any]:
    usage: Usage = knowledge.usage(unit_id)
    at_us = knowledge.state_us
    now_us = microseconds(the_app().clock()) if at_us is None else at_us
    mileage_milli = knowledge.mileage().at(unit_id, now_us)
    return {
        "own_km": f"{usage.km.total / 1000:.3f}",
        "own_engine_hours": f"{usage.engine_hours.total / 1000:.3f}",
        "mileage_km": None if mileage_milli is None else f"{mileage_milli / 1000:.3f}",
        "runs": usage.runs,
        "first_run_at": _iso(usage.first_run_us),
        "last_run_at": _iso(usage.last_run_us),
    }


def _condition(knowledge: Knowledge, unit_id: str) -> list[dict[str, Any]]:
    return [
        {
            "quantity": j.quantity, "place": j.place, "value": j.last.value, "unit": j.last.unit,
            "uncertainty": j.last.uncertainty, "at": _iso(j.last.at_us), "verdict": j.verdict,
            "limit": j.limit.key if j.limit else None, "operation": j.last.operation,
        }
        for j in judged(knowledge.condition(unit_id), knowledge.catalogue)
    ]  # fmt: skip


# --- operations and logs --------------------------------------------------------------------


@router.get(
    "/operations/{path:operation_id}/proof", summary="The proof of an operation", tags=["trace"],
    openapi_extra=answers_with(json_of(ProofAnswer), 404),
)  # fmt: skip
def proof(request: HttpRequest, operation_id: str) -> HttpResponse:
    """Give leaf, inclusion path and signed checkpoint: enough for a checker of its own.

    The proof of a run whose crew is not for this reader is refused: a leaf is proved whole.
    """
    app = the_app()
    signed = app.checkpoint(app.entry(operation_id).log)
    proved = proof_of(app.trace, operation_id, signed)
    if not sees_crews(request) and names_a_crew(proved["leaf"].encode()):
        raise ApiProblem(403, RailtraceError(WHOLE_ONLY))
    return HttpResponse(msgspec.json.encode(proved), content_type="application/json")


@router.get(
    "/operations/{path:operation_id}", summary="An operation", tags=["trace"],
    openapi_extra=answers_with(json_of(EntryAnswer), 404),
)  # fmt: skip
def operation(request: HttpRequest, operation_id: str) -> HttpResponse:
    """Give a recorded operation, byte for byte as it is hashed; a crew to who may see crews."""
    found = the_app().trace.find([operation_id])
    if operation_id not in found:
        raise NotFound("operation {id} is not in this ledger", id=operation_id)
    return _json(_entry(request, *found[operation_id]))


@router.get(
    "/logs", summary="The logs", tags=["trace"],
    openapi_extra=answers_with(json_of(LogsAnswer), polled=True),
)  # fmt: skip
def logs(request: HttpRequest) -> HttpResponse:
    """List the logs with their sizes and roots."""
    heads = the_app().trace.heads()
    signed = [the_app().trace.last_checkpoint(head.log) for head in heads]
    tag = _tag([(h.log, h.size) for h in heads], [kept and kept[0] for kept in signed])
    if unchanged := _polled(request, tag):
        return unchanged
    answers = [
        LogAnswer(
            head.log, head.origin, head.size, head.frontier.root().hex(),
            _iso(head.recorded_us) if head.size else None, kept[0] if kept else None,
        )
        for head, kept in zip(heads, signed, strict=True)
    ]  # fmt: skip
    return _json(LogsAnswer(answers), tag)


@router.get(
    "/logs/{log}/checkpoint", summary="The signed head of a log", tags=["trace"],
    openapi_extra=answers_with(_NOTE, 404),
)  # fmt: skip
def checkpoint(request: HttpRequest, log: str) -> HttpResponse:
    """Sign the head and give it as a C2SP note."""
    signed: Checkpoint = the_app().checkpoint(log)
    return HttpResponse(str(signed), content_type="text/plain; charset=utf-8")


@router.get(
    "/logs/{log}/consistency", summary="That a log only grew", tags=["trace"],
    openapi_extra=answers_with(json_of(ConsistencyAnswer), 404, 422),
)  # fmt: skip
def consistency(
    request: HttpRequest,
    log: str,
    old: Annotated[int, Query(alias="from", ge=1, le=2**53 - 1)],
    new: Annotated[int, Query(alias="to", ge=1, le=2**53 - 1)],
) -> HttpResponse:
    """Prove that the log of `to` entries continues the log of `from` entries."""
    store = the_app().trace
    size = store.head(log).size
    if not old <= new <= size:
        raise BadOperation(
            "{log} has {size} entries: from {old} to {new} cannot be shown", field="to", log=log,
            size=size, old=old, new=new,
        )  # fmt: skip
    before, after = (ledger.root_then(store, log, n).hex() for n in (old, new))
    path = [node.hex() for node in ledger.prove_growth(store, log, old, new)]
    return _json(ConsistencyAnswer(log, old, new, before, after, path))


@router.get(
    "/evidence/{sha256}", summary="A file", tags=["trace"],
    openapi_extra=answers_with(_FILE, 404),
)  # fmt: skip
def evidence(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Give a kept file after checking it against its SHA-256."""
    response = FileResponse(
        the_app().evidence.open(sha256), content_type="application/octet-stream",
        as_attachment=True, filename=sha256,
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = "sandbox"
    return response
