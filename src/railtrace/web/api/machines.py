"""The gateways' doors: files piece by piece, and what machines are doing at this moment."""

import threading
import time
from collections.abc import Callable
from typing import Annotated

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from railtrace.errors import ProofFailed, RailtraceError
from railtrace.web.api.access import READERS, RECORDERS
from railtrace.web.api.answers import LiveMachine, LiveMachinesAnswer, PiecesAnswer
from railtrace.web.api.description import answers_with, json_of
from railtrace.web.api.problems import ApiProblem
from railtrace.web.api.record import pieces
from railtrace.web.running import the_app

MOST_PIECE = 4 << 20
MOST_STATES = 1 << 20
MOST_MACHINES = 5000
_PIECE_BODY = {
    "requestBody": {
        "required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
}  # fmt: skip
_LIVE_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {
            "type": "array", "items": {"$ref": "#/components/schemas/LiveMachine"},
        }}},
    },
}  # fmt: skip

router = Router(tags=["machines"])


IDLE = ("", "idle")


class LiveMachines:
    """What each machine was doing when its gateway told last: in memory, gone with the process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._states: dict[str, LiveMachine] = {}
        self._cycles: dict[str, list[tuple[str, float]]] = {}
        self._versions: dict[str, int] = {}
        self.version = 0

    def tell(self, states: list[LiveMachine]) -> None:
        """Take new states; the longest unheard machine goes when there are too many."""
        with self._lock:
            self.version += 1
            for state in states:
                self._states.pop(state.device, None)
                self._states[state.device] = state
                self._versions[state.device] = self.version
                self._follow(state)
            while len(self._states) > MOST_MACHINES:
                gone = next(iter(self._states))
                for kept in (self._states, self._versions, self._cycles):
                    kept.pop(gone, None)

    def _follow(self, state: LiveMachine) -> None:
        """Note when a phase began; a cycle ends with idleness or a repeated phase."""
        cycle = self._cycles.get(state.device, [])
        if state.phase in IDLE:
            self._cycles.pop(state.device, None)
        elif not cycle or cycle[-1][0] != state.phase:
            kept = [] if state.phase in dict(cycle) else cycle
            self._cycles[state.device] = [*kept, (state.phase, self._clock())]

    def cycle_of(self, device: str) -> dict[str, float]:
        """Return the phases of a machine's cycle under way, each with how long it took [s]."""
        with self._lock:
            cycle = self._cycles.get(device, [])
            ends = [*(began for _, began in cycle[1:]), self._clock()][: len(cycle)]
        return {phase: end - began for (phase, began), end in zip(cycle, ends, strict=True)}

    def version_of(self, device: str) -> int:
        """Return a number that grows with each thing told of a machine."""
        with self._lock:
            return self._versions.get(device, 0)

    def all(self) -> list[LiveMachine]:
        """Return every machine's state, by device."""
        with self._lock:
            return [self._states[device] for device in sorted(self._states)]

    def of(self, device: str) -> LiveMachine | None:
        """Return what a machine is doing, None when nothing was heard of it."""
        with self._lock:
            return self._states.get(device)


live_machines = LiveMachines()


def _json(answer: object) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


@router.get(
    "/evidence/{sha256}/pieces", summary="How much of a file has arrived", auth=RECORDERS,
    openapi_extra=answers_with(json_of(PiecesAnswer), 404),
)  # fmt: skip
def pieces_of_evidence(request: HttpRequest, sha256: str) -> HttpResponse:
    """Say from which byte on a file that was cut off is to be sent."""
    return _json(_arrived(sha256))


@router.post(
    "/evidence/{sha256}/pieces", summary="Send a piece of a file", auth=RECORDERS,
    openapi_extra={
        **_PIECE_BODY, **answers_with(json_of(PiecesAnswer), 400, 404, 411, 413, 422, 503),
    },
)  # fmt: skip
def add_piece_of_evidence(
    request: HttpRequest,
    sha256: str,
    start: Annotated[int, Query(ge=0, le=2**40, description="the first byte of this piece")],
    size: Annotated[int, Query(ge=1, le=2**40, description="bytes of the whole file")],
) -> HttpResponse:
    """Add the next piece; one that came before is left, and the answer says where to go on."""
    evidence = the_app().evidence
    content = b"".join(pieces(request, MOST_PIECE))
    if _arrived(sha256).whole:
        return _json(PiecesAnswer(size, True))
    if start + len(content) > size:
        raise ApiProblem(400, RailtraceError(
            "the piece ends at byte {end} of a file of {size}", end=start + len(content),
            size=size,
        ))  # fmt: skip
    try:
        whole = evidence.add_piece(sha256, start, content, size)
    except ProofFailed as error:
        raise ApiProblem(400, error) from error
    return _json(PiecesAnswer(size if whole else evidence.received(sha256), whole))


def _arrived(sha256: str) -> PiecesAnswer:
    evidence = the_app().evidence
    path = evidence.path(sha256)
    if path.exists():
        return PiecesAnswer(path.stat().st_size, True)
    return PiecesAnswer(evidence.received(sha256), False)


@router.post(
    "/machines/live", summary="What machines are doing", auth=RECORDERS,
    openapi_extra={
        **_LIVE_BODY, **answers_with(json_of(LiveMachinesAnswer), 400, 411, 413),
    },
)  # fmt: skip
def tell_live_machines(request: HttpRequest) -> HttpResponse:
    """Take the states of machines from their gateway; they are shown and never recorded."""
    body = b"".join(pieces(request, MOST_STATES))
    try:
        states = msgspec.json.decode(body, type=list[LiveMachine])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiProblem(400, RailtraceError(
            "these are no states of machines: {problem}", problem=error
        )) from None  # fmt: skip
    live_machines.tell(states)
    return _json(LiveMachinesAnswer(states))


@router.get(
    "/machines/live", summary="Machines at this moment", auth=READERS,
    openapi_extra=answers_with(json_of(LiveMachinesAnswer)),
)  # fmt: skip
def read_live_machines(request: HttpRequest) -> HttpResponse:
    """Give what every machine was doing when it was heard of last."""
    return _json(LiveMachinesAnswer(live_machines.all()))
