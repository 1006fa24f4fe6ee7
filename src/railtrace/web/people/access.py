"""Who looked at, changed or took away what, and when: written beside every page, never changed."""

import csv
import io
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.web.accounts import person_of
from railtrace.web.frame import Respond, home_zone
from railtrace.web.models import AccessEntry, ApiToken, Person
from railtrace.web.roles import allowed, require

PAGE = 100
ACTIONS = {
    "looked": _("looked"), "changed": _("changed"), "exported": _("exported"),
    "logged_in": _("logged in"), "refused": _("refused"),
}  # fmt: skip
_QUIET = {"pulse", "unit-pulse", "notices-pulse", "depot-pulse", "health", "tell_live_machines"}
_AGAIN_S = 600.0
"""A page that renews itself before the same person is noted once in this time."""
_DOORS = {"login", "terminal-login"}
_log = logging.getLogger("railtrace.access")
_pruned: list[date] = []


def access_log(get_response: Respond) -> Respond:
    """Note each page a person or a machine was given; a page is never lost for a note."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        try:
            _note(request, response)
        except DatabaseError:
            _log.exception("the access log could not be written")
        return response

    return respond


def _note(request: HttpRequest, response: HttpResponse) -> None:
    route = request.resolver_match.url_name or "" if request.resolver_match else ""
    who = _who(request)
    if not who or not route or route in _QUIET or response.status_code in (304, 404):
        return
    terminal = str(request.session.get("terminal_key", ""))[:40]
    action = _action(request, response, route)
    if action == "looked" and _renewed(request, who, route):
        return
    _write(who, terminal, action, route[:60], _thing(request)[:200], response.status_code)
    _prune()


_shown: dict[tuple[str, str, str], float] = {}


def _renewed(request: HttpRequest, who: str, route: str) -> bool:
    """Whether a page renews itself before somebody who is noted with it already."""
    key, now = (who, route, _thing(request)), monotonic()
    if request.headers.get("X-Renewed") and now - _shown.get(key, -_AGAIN_S) < _AGAIN_S:
        return True
    for old in [k for k, at in list(_shown.items()) if now - at >= _AGAIN_S]:
        _shown.pop(old, None)
    _shown[key] = now
    return False


def _write(*said: Any) -> None:
    """Add a row by hand: it stands beside every page, and an object costs as much again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO web_accessentry (at, person, terminal, action, page, thing, status)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [connection.ops.adapt_datetimefield_value(datetime.now(UTC)), *said],
        )


def _who(request: HttpRequest) -> str:
    """Return a pseudonym, or the token's name for machines."""
    token = getattr(request, "auth", None)
    if isinstance(token, ApiToken):
        return f"token:{token.prefix}"
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    return person_of(user).person_id


def _action(request: HttpRequest, response: HttpResponse, route: str) -> str:
    if response.status_code in (401, 403):
        return "refused"
    if route in _DOORS:
        return "logged_in"
    if "attachment" in response.headers.get("Content-Disposition", ""):
        return "exported"
    return "looked" if request.method in ("GET", "HEAD") else "changed"


def _thing(request: HttpRequest) -> str:
    """Say what it was about: the unit, entry or file of the address, else what was asked for."""
    named = request.resolver_match.kwargs.values() if request.resolver_match else ()
    return " ".join(map(str, named)) or request.META.get("QUERY_STRING", "")


def _prune() -> None:
    """Take away what is older than the settings keep, once a day."""
    today = datetime.now(UTC).date()
    if _pruned and _pruned[-1] == today:
        return
    _pruned[:] = [today]
    kept_from = datetime.now(UTC) - timedelta(days=settings.CONFIG.access_log_days)
    AccessEntry.objects.filter(at__lt=kept_from).delete()


# --- the page -----------------------------------------------------------------------------------


@allowed("audit")
def access(request: HttpRequest) -> HttpResponse:
    """Show who did what, newest first, filtered."""
    found = _found(request.GET)
    if (before := request.GET.get("before", "")).isdigit():
        found = found.filter(pk__lt=int(before))
    rows = list(found[: PAGE + 1])
    context = {
        "section": "administration", "tab": "access", "rows": rows[:PAGE], "actions": ACTIONS,
        "asked": request.GET, "before": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "days": settings.CONFIG.access_log_days,
    }  # fmt: skip
    return render(request, "administration/access.html", context)


def _found(asked: Any) -> QuerySet[AccessEntry]:
    found = AccessEntry.objects.order_by("-pk")
    if start := _day(asked.get("from", "")):
        found = found.filter(at__gte=start)
    if end := _day(asked.get("to", "")):
        found = found.filter(at__lt=end + timedelta(days=1))
    if asked.get("action") in ACTIONS:
        found = found.filter(action=asked["action"])
    if who := asked.get("who", "").strip():
        found = found.filter(person__in=_persons(who))
    if thing := asked.get("thing", "").strip():
        found = found.filter(thing__icontains=thing)
    return found


def _day(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time.min, tzinfo=home_zone()) if day else None


def _persons(text: str) -> list[str]:
    """Return the pseudonyms and tokens that a name or a part of one stands for."""
    parts = ("user__username", "user__last_name", "user__first_name", "person_id")
    wanted = Q()
    for part in parts:
        wanted |= Q(**{f"{part}__icontains": text})
    tokens = ApiToken.objects.filter(Q(name__icontains=text) | Q(prefix__icontains=text))
    return [
        *Person.objects.filter(wanted).values_list("person_id", flat=True),
        *(f"token:{prefix}" for prefix in tokens.values_list("prefix", flat=True)),
        text,
    ]


def access_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send everything the filter leaves over as CSV."""
    require(request.user, "audit")
    found = _found(request.GET)
    heads = [gettext(_("Moment")), gettext(_("Person")), gettext(_("Terminal")),
             gettext(_("Action")), gettext(_("Page")), gettext(_("Thing")), "HTTP"]  # fmt: skip

    def lines() -> Iterator[str]:
        yield "\ufeff" + _line(heads)
        for row in found.iterator(2000):
            yield _line([row.at.astimezone(home_zone()).isoformat(timespec="seconds"), row.person,
                         row.terminal, row.action, row.page, _harmless(row.thing), row.status])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="access.csv"'
    return response


def _harmless(cell: str) -> str:
    """A cell that begins like a formula would be run by the program that opens the file."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell


def _line(cells: list[Any]) -> str:
    output = io.StringIO()
    csv.writer(output).writerow(cells)
    return output.getvalue()
