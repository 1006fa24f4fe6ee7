"""What is around every page: rail, dates, theme, security headers, errors in words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext, gettext_noop

from railtrace.errors import Behind, NotFound, RailtraceError, Refused, StoreFull
from railtrace.web import words
from railtrace.web.roles import Somebody, may, permissions_of

Respond = Callable[[HttpRequest], HttpResponse]

# Charts set style attributes; nothing else inline is let in.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; script-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

THEMES = {
    "": gettext_noop("As the device"),
    "light": gettext_noop("Light"),
    "dark": gettext_noop("Dark"),
    "sun": gettext_noop("Sun (high contrast)"),
}
LANGUAGE_NAMES = {"ru": "Русский", "tg": "Тоҷикӣ", "en": "English"}


@dataclass(frozen=True)
class RailItem:
    """One word of the rail; a word whose pages do not exist yet is not shown."""

    name: str
    word: str
    icon: str
    route: str = ""
    permission: str = "read"
    also: tuple[str, ...] = ()


RAIL = (
    RailItem("fleet", gettext_noop("Fleet"), "train", "fleet",
             also=("units", "search", "recalls", "holdings")),
    RailItem("depot", gettext_noop("Depot"), "building-warehouse", "depot"),
    RailItem("trains", gettext_noop("Trains"), "route", "trains"),
    RailItem("reliability", gettext_noop("Reliability"), "chart-line", "reliability"),
    RailItem("planning", gettext_noop("Planning"), "adjustments", "planning"),
    RailItem("trace", gettext_noop("Trace"), "fingerprint", "trace",
             also=("operations", "import", "contradictions")),
    RailItem("administration", gettext_noop("Administration"), "settings", "users",
             permission="administer"),
)  # fmt: skip


@dataclass(frozen=True)
class AsKnown:
    """The two dates of a page: the state at one, as known at the other; None is now."""

    at: datetime | None = None
    known: datetime | None = None
    at_text: str = ""
    known_text: str = ""

    @property
    def past(self) -> bool:
        """Tell whether the page shows anything but now."""
        return self.at is not None or self.known is not None

    @property
    def query(self) -> str:
        """The dates as a query string, to be carried along."""
        pairs = {"at": self.at_text, "known": self.known_text}
        return urlencode({key: text for key, text in pairs.items() if text})


def as_known(request: HttpRequest) -> AsKnown:
    """Read the two dates of a request; a bare day means its end on the installation's clock."""
    at_text, known_text = (request.GET.get(key, "") for key in ("at", "known"))
    at, known = _end_of(at_text), _end_of(known_text)
    return AsKnown(at, known, at_text if at else "", known_text if known else "")


def _end_of(text: str) -> datetime | None:
    zone = timezone.get_default_timezone()
    try:
        # The day first: parsed as a moment, a bare day would be its midnight.
        if day := parse_date(text):
            return datetime.combine(day, time.max, tzinfo=zone).astimezone(UTC)
        if moment := parse_datetime(text):
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except ValueError:
        return None
    return None


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give every template what the frame shows."""
    user = getattr(request, "user", None)
    theme = request.COOKIES.get("theme", "")
    return {
        "rail": _rail(user) if user else [],
        "permissions": permissions_of(user) if user else frozenset(),
        "themes": THEMES,
        "theme": theme if theme in THEMES else "",
        "language_names": LANGUAGE_NAMES,
        "asked_dates": as_known(request),
        "zone_name": settings.TIME_ZONE,
        "has_import": is_valid_path("/import/"),
    }


def _rail(user: Somebody) -> list[RailItem]:
    """Return the words a person may follow; of administration an auditor sees one page."""
    words = [item for item in RAIL if item.route and may(user, item.permission)]
    if may(user, "audit") and not may(user, "administer"):
        words.append(replace(RAIL[-1], route="access"))
    return words


def home_zone() -> ZoneInfo:
    """Return the clock of the installation."""
    return ZoneInfo(settings.TIME_ZONE)


def content_security(get_response: Respond) -> Respond:
    """Let pages load their own files only, and run no script written into a page."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "geolocation=(), microphone=(), payment=(), usb=()"
        )
        return response

    return respond


def in_words(error: RailtraceError) -> str:
    """Return an error in the reader's language, with the values it names."""
    template = gettext(error.template)
    said = {
        key: gettext(words.FORMS[value])
        if key in _OF_FORM and isinstance(value, str) and value in words.FORMS
        else value
        for key, value in error.values.items()
    }
    return template.format(**said) if said else template


_OF_FORM = frozenset({"form", "wanted", "given"})


_STATUS: tuple[tuple[type[RailtraceError], int], ...] = (
    (NotFound, 404), (StoreFull, 507), (Refused, 422), (Behind, 503), (RailtraceError, 500),
)  # fmt: skip


class ExplainErrors:
    """Shows an error of Railtrace as a page in the reader's language."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Respond) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer with the error's own page; what is not Railtrace's goes on."""
        if isinstance(error, OperationalError) and "is full" in str(error):
            # Logging in, a saved filter: Django's own file finds no room.
            error = StoreFull(
                "the disk of {folder} is full: nothing is recorded until room is made; "
                "reading goes on",
                folder=settings.CONFIG.data_folder,
            )
        if not isinstance(error, RailtraceError) or request.path.startswith("/api/"):
            return None
        status = next(code for kind, code in _STATUS if isinstance(error, kind))
        return render(
            request, "error.html", {"status": status, "message": in_words(error)}, status=status
        )
