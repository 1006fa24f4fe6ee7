"""Recording what a person does on a page: their pseudonym, the moment, the way in."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from railtrace.errors import BadOperation, Refused
from railtrace.projections.accident import WORK, Accidents
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation
from railtrace.web.accounts import person_of
from railtrace.web.frame import home_zone
from railtrace.web.people.terminals import session_of
from railtrace.web.people.where import chosen_site
from railtrace.web.roles import require
from railtrace.web.running import the_app


def record_one(request: HttpRequest, kind: type[Operation], **fields: Any) -> Receipt:
    """Record one operation by the person at the page, and wait until the pages show it."""
    return record_all(request, [made(request, kind, **fields)])[0]


def made(request: HttpRequest, kind: type[Operation], **fields: Any) -> Operation:
    """Return an operation of now, by the clock on the wall, by the person at the page."""
    # Browsers end the lines of a text box as old printers did; the trace keeps no control signs.
    fields = {k: v.replace("\r\n", "\n") if isinstance(v, str) else v for k, v in fields.items()}
    me = person_of(request.user).person_id
    said: dict[str, Any] = {
        "id": f"web:{uuid.uuid4()}", "happened_at": the_app().clock().astimezone(home_zone()),
        "performed_by": (me,),
    }  # fmt: skip
    if (session := session_of(request)) is not None:
        said |= {"site": session.terminal.site, "workplace": session.terminal.workplace}
    elif site := chosen_site(request):
        said["site"] = site
    return kind(**(said | fields))


def record_all(request: HttpRequest, operations: Sequence[Operation]) -> list[Receipt]:
    """Record operations of the person at the page together, and wait until the pages show them.

    The permission that opened the page is asked again, for the site of what is acted on. Raises
    PermissionDenied, and Refused for the first operation that cannot be recorded.
    """
    app, permission = the_app(), getattr(request, "permission", "record")
    for operation in operations:
        _require_no_accident(operation)
    for site in {site_of(operation) for operation in operations}:
        require(request.user, permission, site)
    results = app.record(operations, person_of(request.user).person_id, _channel(request))
    for result in results:
        if isinstance(result, Refused):
            raise result
    app.wait_caught_up()
    return [result for result in results if not isinstance(result, Refused)]


def _require_no_accident(operation: Operation) -> None:
    """Raise Refused when work is done to a unit that is held after an accident, or is on one."""
    if not isinstance(operation, WORK):
        return
    knowledge = the_app().knowledge()
    for unit in operation.units:
        root, chain = knowledge.root(unit)
        for one in dict.fromkeys([unit, *(stay.carrier for stay in chain), root]):
            state = knowledge.states(one).get("accident")
            if isinstance(state, Accidents) and (held := state.held) is not None:
                raise BadOperation(
                    "{unit} is held for accident {accident}: nothing may be done to it before the "
                    "commission lifts it", unit=one, accident=held.accident,
                )  # fmt: skip


def _channel(request: HttpRequest) -> str:
    """The way in: the pages, or the terminal by its key."""
    session = session_of(request)
    return "web" if session is None else f"terminal:{session.terminal.key}"


def site_of(operation: Operation) -> str | None:
    """Return whose thing is acted on: the operation's site, else the home of its first unit.

    None, any site, when neither is known.
    """
    if operation.site or not operation.units:
        return operation.site or None
    return the_app().knowledge().passport(operation.units[0]).home_site or None
