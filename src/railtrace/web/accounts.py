"""Logging in and out, a person's language, theme and password, and the demo's log-ins."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language, gettext
from django.views.decorators.http import require_POST

from railtrace.errors import Refused
from railtrace.web.attempts import too_many_attempts
from railtrace.web.frame import LANGUAGE_NAMES, THEMES, in_words
from railtrace.web.models import Person, new_person_id
from railtrace.web.roles import ROLES, held, set_only_role, site_word

_YEAR_S = 365 * 86_400


@dataclass(frozen=True)
class Login:
    """A demo log-in, printed by the demo."""

    username: str
    password: str
    role: str


def person_of(user: Any) -> Person:
    """Return a user's pseudonym and preferences, making them at first use."""
    try:
        found: Person = user.person  # kept by the user: a page asks many times
    except Person.DoesNotExist:
        found, _ = Person.objects.get_or_create(user=user)
    return found


def reader(request: HttpRequest) -> User:
    """Return the person at the page; pages behind the log-in always have one."""
    return cast(User, request.user)


def demo_users() -> list[Login]:
    """Make one user per role with a known password. For demonstrations only."""
    logins = [Login(role, f"{role.replace('_', '-')}-demo", role) for role in ROLES]
    for demo in logins:
        user, made = User.objects.get_or_create(username=demo.username)
        if made:
            user.password = _of_the_demo(demo.password)
            user.save()
            set_only_role(user, demo.role)
        person_of(user)
    return logins


def _of_the_demo(password: str) -> str:
    """Hash in no time what the demo prints anyway; the first log-in hashes it as others."""
    hasher, salt = get_hasher(), new_person_id()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return hasher.encode(password, salt, iterations=1)
    return hasher.encode(password, salt)


@login_not_required
def log_in(request: HttpRequest) -> HttpResponse:
    """Log a person in and bring their language and theme along."""
    form, wait = AuthenticationForm(request, request.POST or None), ""
    if request.method == "POST":
        try:
            with too_many_attempts(request, request.POST.get("username", "")) as attempt:
                attempt.failed = not form.is_valid()
        except Refused as error:
            wait = in_words(error)
        if not wait and form.is_valid():
            return _logged_in(request, form.get_user())
    status = 429 if wait else 422 if request.method == "POST" else 200
    context = {"form": form, "wait": wait, "next": request.GET.get("next", "")}
    return render(request, "account/login.html", context, status=status)


def _logged_in(request: HttpRequest, user: User) -> HttpResponse:
    login(request, user)
    person = person_of(user)
    # Who never chose a theme keeps what this device shows.
    return remember(HttpResponseRedirect(_next(request)), person.language, person.theme or None)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """Log out."""
    logout(request)
    return redirect("login")


@login_not_required
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember a language or a theme, on this device and for this person."""
    language, theme = request.POST.get("language", ""), request.POST.get("theme")
    language = language if language in LANGUAGE_NAMES and check_for_language(language) else ""
    theme = theme if theme in THEMES else None
    if request.user.is_authenticated:
        person = person_of(request.user)
        person.language = language or person.language
        person.theme = person.theme if theme is None else theme
        person.save(update_fields=["language", "theme"])
    return remember(HttpResponseRedirect(_next(request)), language, theme)


def remember(response: HttpResponse, language: str, theme: str | None) -> HttpResponse:
    """Keep language and theme in this browser."""
    if language:
        response.set_cookie("language", language, max_age=5 * _YEAR_S, samesite="Lax")
    if theme is not None:
        response.set_cookie("theme", theme, max_age=5 * _YEAR_S, samesite="Lax")
    return response


def account(request: HttpRequest) -> HttpResponse:
    """Show a person's own settings and change the password."""
    form = PasswordChangeForm(request.user, request.POST or None)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, gettext("The password is changed."))
        return redirect("account")
    context = {
        "form": form,
        "person": person_of(request.user),
        "roles": [(given, ROLES[given.role].name, site_word(given.site))
                  for given in held(request.user)],
    }
    return render(request, "account/account.html", context)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("home")
