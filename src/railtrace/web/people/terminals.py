"""Shop terminals: a registered tablet or PC, a badge and a PIN, one session a person and shift."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import Refused
from railtrace.web.accounts import person_of, reader, remember
from railtrace.web.attempts import too_many_attempts
from railtrace.web.clocks import clock
from railtrace.web.frame import Respond, home_zone, in_words
from railtrace.web.models import ShiftSession, Terminal
from railtrace.web.people.badges import holder
from railtrace.web.people.shifts import shift_at
from railtrace.web.people.users import site_choices
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

COOKIE = "terminal"
CODE_FOR = timedelta(minutes=30)
_YEARS_S = 5 * 365 * 86_400


# --- for administrators -------------------------------------------------------------------------


class NewTerminal(forms.Form):
    """A place of work where people log in by badge."""

    key = forms.SlugField(
        label=_("Key"), max_length=40,
        help_text=_("Latin letters, digits, - and _; it stands in every entry made there."),
    )  # fmt: skip
    name = forms.CharField(label=_("Name"), max_length=80)
    site = forms.ChoiceField(label=_("Site"), required=False)
    workplace = forms.CharField(label=_("Workplace"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = site_choices()  # type: ignore[attr-defined]

    def clean_key(self) -> str:
        """Refuse a key that is taken: it tells terminals apart for ever."""
        key = str(self.cleaned_data["key"])
        if Terminal.objects.filter(key=key).exists():
            said = gettext("There is a terminal {key} already.")
            raise forms.ValidationError(said.format(key=key))
        return key


@allowed("administer")
def terminals(request: HttpRequest) -> HttpResponse:
    """List terminals, make one, give one a new code."""
    form, code = NewTerminal(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        terminal = Terminal.objects.create(made_by=reader(request), **form.cleaned_data)
        code, form = new_code(terminal), NewTerminal()
    open_now = ShiftSession.objects.filter(ended_at=None, ends_at__gt=datetime.now(UTC))
    context = {
        "section": "administration", "tab": "terminals", "form": form, "code": code,
        "terminals": Terminal.objects.all(), "open": open_now.select_related("user", "terminal"),
    }  # fmt: skip
    return render(request, "administration/terminals.html", context)


@allowed("administer")
@require_POST
def change_terminal(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a terminal a new code, or close it for good."""
    terminal = get_object_or_404(Terminal, pk=pk)
    if "code" in request.POST:
        messages.success(
            request,
            gettext("Code of {name}: {code}. Type it at the terminal within 30 minutes.").format(
                name=terminal.name, code=new_code(terminal)
            ),
        )
    if "revoke" in request.POST:
        terminal.revoked_at, terminal.secret = datetime.now(UTC), ""
        terminal.save(update_fields=["revoked_at", "secret"])
        for session in ShiftSession.objects.filter(terminal=terminal, ended_at=None):
            end(session, "revoked")
        messages.success(request, gettext("{name} is closed.").format(name=terminal.name))
    return redirect("terminals")


def new_code(terminal: Terminal) -> str:
    """Return a code that is typed once at the terminal; what it had before ends."""
    code = f"{secrets.randbelow(10**8):08}"
    terminal.code, terminal.code_until = _hash(code), datetime.now(UTC) + CODE_FOR
    terminal.save(update_fields=["code", "code_until"])
    return f"{code[:4]} {code[4:]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- at the terminal --------------------------------------------------------------------------


def terminal_of(request: HttpRequest) -> Terminal | None:
    """Return the terminal that this browser was registered as."""
    secret = request.COOKIES.get(COOKIE, "")
    if not secret:
        return None
    return Terminal.objects.filter(secret=_hash(secret), revoked_at=None).first()


@login_not_required
def entrance(request: HttpRequest) -> HttpResponse:
    """Ask for badge and PIN; of a browser that is no terminal yet, for its code."""
    if request.user.is_authenticated and session_of(request) is not None:
        return redirect("home")
    return _entrance(request)


def _entrance(request: HttpRequest, status: int = 200, **said: Any) -> HttpResponse:
    context = {"terminal": terminal_of(request), "badge": "", "at_pin": False} | said
    return render(request, "people/terminal.html", context, status=status)


@login_not_required
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """Make this browser the terminal whose code is typed."""
    code = "".join(request.POST.get("code", "").split())
    try:
        with too_many_attempts(request, "terminal code") as attempt:
            found = Terminal.objects.filter(
                code=_hash(code), code_until__gt=datetime.now(UTC), revoked_at=None
            ).first()
            attempt.failed = found is None
    except Refused as error:
        return _entrance(request, 429, problem=in_words(error))
    if found is None:
        said = gettext("This code opens no terminal: an administrator gives a new one.")
        return _entrance(request, 422, problem=said)
    secret = secrets.token_urlsafe(32)
    found.secret, found.code = _hash(secret), ""
    found.save(update_fields=["secret", "code"])
    response = redirect("terminal")
    response.set_cookie(
        COOKIE, secret, max_age=_YEARS_S, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    return response


@login_not_required
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Log a person in by badge and PIN until the shift ends, at one terminal at a time."""
    terminal = terminal_of(request)
    if terminal is None:
        return redirect("terminal")
    badge, pin = request.POST.get("badge", "").strip(), request.POST.get("pin", "").strip()
    if not badge or not pin:
        return _entrance(request, badge=badge, at_pin=bool(badge))
    try:
        user = holder(request, badge, pin)
    except Refused as error:
        return _entrance(request, 429, problem=in_words(error))
    if user is None:
        said = gettext("The badge or the PIN is wrong.")
        return _entrance(request, 422, problem=said, badge=badge, at_pin=True)
    return _at_one_terminal(request, terminal, user, badge)


def _at_one_terminal(
    request: HttpRequest, terminal: Terminal, user: User, badge: str
) -> HttpResponse:
    now = datetime.now(UTC)
    if (before := session_of(request)) is not None:
        end(before, "another")
    for other in ShiftSession.objects.filter(user=user, ended_at=None).select_related("terminal"):
        elsewhere = other.terminal != terminal and other.ends_at > now
        if elsewhere and "end_other" not in request.POST:
            return _in_use(request, badge, other)
        end(other, "moved" if elsewhere else "again")
    return _begin(request, terminal, user, badge, now)


def _in_use(request: HttpRequest, badge: str, other: ShiftSession) -> HttpResponse:
    said = gettext(
        "This badge is in use at {terminal} since {moment}. Log out there, or end it there "
        "and go on here."
    ).format(terminal=other.terminal.name, moment=_when(other.began_at))
    return _entrance(request, 409, problem=said, badge=badge, at_pin=True, in_use=True)


def _when(moment: datetime) -> str:
    return clock(moment, (get_language() or "ru")[:2], home_zone())


def _begin(
    request: HttpRequest, terminal: Terminal, user: User, badge: str, now: datetime
) -> HttpResponse:
    config = the_app().config
    shift = shift_at(now, config.shifts_of(terminal.site), config.zone_of(terminal.site))
    try:
        with transaction.atomic():
            session = ShiftSession.objects.create(
                user=user, terminal=terminal, began_at=now, ends_at=shift.ends
            )
    except IntegrityError:
        # Held against two readers at one moment: the database let one of them in.
        return _in_use(request, badge, ShiftSession.objects.get(user=user, ended_at=None))
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    request.session["terminal"], request.session["terminal_key"] = terminal.pk, terminal.key
    request.session.set_expiry(shift.ends)
    request.session.save()
    session.session_key = request.session.session_key or ""
    session.save(update_fields=["session_key"])
    person = person_of(user)
    return remember(redirect("home"), person.language, person.theme)


def end(session: ShiftSession, why: str) -> None:
    """End a person's session at a terminal, and what is open in the browser there."""
    session.ended_at, session.ended_why = datetime.now(UTC), why
    session.save(update_fields=["ended_at", "ended_why"])
    Session.objects.filter(session_key=session.session_key).delete()


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the reader's session at this terminal."""
    if (session := session_of(request)) is not None:
        end(session, "logged_out")
    logout(request)
    return redirect("terminal")


# --- around every request -----------------------------------------------------------------------


def session_of(request: HttpRequest) -> ShiftSession | None:
    """Return the reader's session at a terminal, asked once a request."""
    if not request.session.get("terminal"):
        return None
    if "shift_session" not in vars(request):
        vars(request)["shift_session"] = (
            ShiftSession.objects.filter(session_key=request.session.session_key, ended_at=None)
            .select_related("terminal")
            .first()
        )
    found: ShiftSession | None = vars(request)["shift_session"]
    return found


def shift_ends(get_response: Respond) -> Respond:
    """Log a person out of a terminal when the shift has ended, or the session was ended."""

    def respond(request: HttpRequest) -> HttpResponse:
        if request.session.get("terminal"):
            session, now = session_of(request), datetime.now(UTC)
            if session is None or session.ends_at <= now:
                if session is not None:
                    end(session, "shift")
                logout(request)
                return redirect("terminal")
        return get_response(request)

    return respond


def in_frame(request: HttpRequest) -> dict[str, Any]:
    """Give the frame the reader's shift at a terminal."""
    if not hasattr(request, "session"):
        return {}
    return {"shift": SimpleLazyObject(lambda: session_of(request))}
