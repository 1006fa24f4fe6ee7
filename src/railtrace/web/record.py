"""Recording what a person does on a page: their pseudonym, the moment, the way in."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest

from railtrace.errors import BadOperation, Refused
from railtrace.projections.accident import WORK, Accidents
from railtrace.store.knowledge import Knowledge
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation
from railtrace.web.accounts import person_of
from railtrace.web.frame import home_zone
from railtrace.web.people.terminals import session_of
from railtrace.web.people.where import chosen_site, sites_of
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


def record_all(
    request: HttpRequest, operations: Sequence[Operation], whose: str = ""
) -> list[Receipt]:
    """Record operations of the person at the page together, and wait until the pages show them.

    The permission that opened the page is asked again, for the site of what is acted on; `whose`
    is the unit that all are about, where some name only what is on it. Raises PermissionDenied,
    and Refused for the first operation that cannot be recorded.
    """
    app, permission = the_app(), getattr(request, "permission", "record")
    knowledge = app.knowledge()
    for operation in operations:
        _require_no_accident(knowledge, operation)
    for site in {site_of(knowledge, operation) for operation in operations}:
        require(request.user, permission, site)
    logs = [log_of(request, knowledge, operation, whose) for operation in operations]
    results = _written(request, list(zip(logs, operations, strict=True)))
    for result in results:
        if isinstance(result, Refused):
            raise result
    app.wait_caught_up()
    return [result for result in results if not isinstance(result, Refused)]


def _written(
    request: HttpRequest, logged: Sequence[tuple[str, Operation]]
) -> list[Receipt | Refused]:
    """Write operations into their logs; return what became of each, in their order."""
    app, me, channel = the_app(), person_of(request.user).person_id, _channel(request)
    results: dict[int, Receipt | Refused] = {}
    for log in dict.fromkeys(log for log, _ in logged):
        places = [n for n, (its, _) in enumerate(logged) if its == log]
        done = app.record([logged[n][1] for n in places], me, channel, log)
        results |= dict(zip(places, done, strict=True))
    return [results[n] for n in range(len(logged))]


def log_of(
    request: HttpRequest, knowledge: Knowledge, operation: Operation, whose: str = ""
) -> str:
    """Return the log of a site: the operation's, else that of whose thing it is, else of who says.

    So the shift report of a depot holds what its people enter, a paper of elsewhere too.
    """
    site = operation.site or _home(knowledge, (whose, *operation.units)) or _only_site(request)
    return the_app().config.log_of(site)


def _home(knowledge: Knowledge, units: Iterable[str]) -> str:
    """Return the home depot of the first unit that has one, or of what carries it."""
    for unit in filter(None, units):
        if site := knowledge.site_of(unit) or knowledge.site_of(knowledge.root(unit)[0]):
            return site
    return ""


def _only_site(request: HttpRequest) -> str:
    """Return where a person records when that is at one site only."""
    sites = sites_of(request.user)
    return sites[0] if len(sites) == 1 else ""


def _require_no_accident(knowledge: Knowledge, operation: Operation) -> None:
    """Raise Refused when work is done to a unit that is held after an accident, or is on one."""
    if not isinstance(operation, WORK):
        return
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


def site_of(knowledge: Knowledge, operation: Operation) -> str | None:
    """Return whose thing is acted on: the operation's site, else the home of its first unit.

    None, any site, when neither is known.
    """
    if operation.site or not operation.units:
        return operation.site or None
    return knowledge.passport(operation.units[0]).home_site or None
