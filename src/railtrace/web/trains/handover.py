"""The handover packet of a consist: to a foreign depot, and what was done there back again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, override
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound, RailtraceError, Refused
from railtrace.interchange.handover import (
    LANGUAGES,
    Packet,
    Return,
    content_of,
    operations_of,
    read_packet,
    read_return,
    written,
)
from railtrace.projections.consist import Consist
from railtrace.store.trains import Trains
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import LogSize, Operation, ResultSealed
from railtrace.web.accounts import person_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may, require
from railtrace.web.running import the_app
from railtrace.web.trains.board import trains
from railtrace.web.trains.chief import told
from railtrace.web.trains.page import found

OUT, BACK = "handover:", "return:"
MOST_BYTES = 64 << 20


@allowed("read")
def handover(request: HttpRequest, consist: str) -> HttpResponse:
    """Show what a foreign depot is told, in three languages, and what came back."""
    reader = trains()
    state = found(reader, consist)
    context = {
        "section": "trains", "tab": "board", "consist": state, "names": the_names(),
        "sheets": sheets(reader, state), "packets": sealed(f"{OUT}{consist}"),
        "returns": sealed(f"{BACK}{consist}"), "records": may(request.user, "record"),
        "now": the_app().clock(),
    }  # fmt: skip
    return render(request, "trains/handover.html", context)


def sheets(reader: Trains, state: Consist) -> list[tuple[str, Any]]:
    """Return the consist as each language tells of it."""
    said = []
    for language in LANGUAGES:
        with override(language):
            said.append((language, told(reader, state, Names(reader.catalogue, language))))
    return said


def sealed(job: str) -> list[ResultSealed]:
    """Return the files that were made or taken of a kind, the newest first."""
    rows = the_app().lookup.timeline([f"results:{job}"], ("ResultSealed",), limit=50)
    entries = the_app().entries_at((row[3], row[4]) for row in rows)
    return [op for entry in entries if isinstance(op := entry.operation, ResultSealed)]


def packet_of(reader: Trains, state: Consist) -> Packet:
    """Return a consist as it is handed over now."""
    assert state.composition is not None
    knowledge, app = reader.knowledge, the_app()
    knowledge.load_trees(state.units)
    return Packet(
        state.consist, state.train, app.config.name, microseconds(app.clock()),
        state.composition.id, tuple(state.units),
        {u: tuple(n.unit for n in knowledge.tree(u).walk()) for u in state.units},
        app.views.positions(), dict(sheets(reader, state)),
    )  # fmt: skip


@require_POST
@allowed("record")
def make(request: HttpRequest, consist: str) -> HttpResponse:
    """Make a packet, keep it as evidence that the log names, and send it."""
    reader = trains()
    state = found(reader, consist)
    content = written(packet_of(reader, state))
    file = the_app().evidence.put(content, f"handover-{consist}.json", "application/json",
                                  "dataset")  # fmt: skip
    record_one(
        request, ResultSealed, job=f"{OUT}{consist}", result=file.sha256, rows=len(state.units),
        positions=_positions(), evidence=(file,), site=state.site,
    )  # fmt: skip
    response = HttpResponse(content, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="handover-{consist}.json"'
    return response


def _positions() -> tuple[LogSize, ...]:
    return tuple(LogSize(log=log, size=size)
                 for log, size in sorted(the_app().views.positions().items()))  # fmt: skip


@require_POST
@allowed("record")
def take(request: HttpRequest, consist: str) -> HttpResponse:
    """Take in what a foreign depot signed, once, when its key is the one that was compared."""
    state = found(trains(), consist)
    require(request.user, "record", state.site or None)
    upload = request.FILES.get("file")
    try:
        if upload is None or (upload.size or 0) > MOST_BYTES:
            raise BadOperation("choose the file that the depot sent, {mb} MB at most",
                               mb=MOST_BYTES >> 20)  # fmt: skip
        content = upload.read()
        returned = read_return(content)
        _require_compared(returned, request.POST.get("fingerprint", ""))
        count = _taken(request, state, returned, content)
        messages.success(request, gettext("{n} operations of {depot} are in the trace.").format(
            n=count, depot=returned.depot))  # fmt: skip
    except RailtraceError as error:
        messages.error(request, in_words(error))
    return redirect("handover", consist)


def _require_compared(returned: Return, typed: str) -> None:
    if "".join(typed.split()).lower() != "".join(returned.fingerprint.split()):
        raise BadOperation(
            "the key's fingerprint is {fingerprint}: have {depot} read it out, then type it",
            fingerprint=returned.fingerprint, depot=returned.depot,
        )  # fmt: skip


def _taken(request: HttpRequest, state: Consist, returned: Return, content: bytes) -> int:
    """Record the operations as they are, their files and the signed file itself."""
    app, packet = the_app(), _packet_named(state, returned)
    operations: list[Operation] = operations_of(returned, packet)
    for file in returned.files.values():
        app.evidence.put(content_of(file), file.name, file.media_type,
                         file.evidence_class)  # type: ignore[arg-type]  # fmt: skip
    for result in app.record(operations, person_of(request.user).person_id, "handover"):
        if isinstance(result, Refused):
            raise result
    kept = app.evidence.put(content, f"return-{state.consist}.json", "application/json", "dataset")
    if kept.sha256 not in {one.result for one in sealed(f"{BACK}{state.consist}")}:
        record_one(
            request, ResultSealed, job=f"{BACK}{state.consist}", result=kept.sha256,
            rows=len(operations), positions=_positions(), evidence=(kept,), site=state.site,
            note=f"{returned.depot}, {returned.fingerprint}",
        )  # fmt: skip
    app.wait_caught_up()
    return len(operations)


def _packet_named(state: Consist, returned: Return) -> Packet:
    """Return the packet that a return answers. Raises BadOperation: it is none of this consist."""
    if returned.packet not in {one.result for one in sealed(f"{OUT}{state.consist}")}:
        raise BadOperation("the return of {depot} answers no packet of this consist",
                           depot=returned.depot)  # fmt: skip
    try:
        return read_packet(the_app().evidence.read(returned.packet))
    except NotFound as error:
        raise BadOperation("the packet it answers is not kept here any more") from error
