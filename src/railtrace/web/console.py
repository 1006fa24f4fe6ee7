"""What the command line asks of the web's own database; `open_web()` comes first."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

from railtrace.errors import ConfigError, NotFound


def open_web() -> None:
    """Load Django with this installation's settings, and bring its tables up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "railtrace.web.settings")
    django.setup()
    migrate()


def migrate() -> None:
    """Bring the web's tables up to date."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def demo_logins() -> list[tuple[str, str, str]]:
    """Make the demo's users; return (role, user name, password)."""
    from railtrace.web.accounts import demo_users

    return [(login.role, login.username, login.password) for login in demo_users()]


def create_user(name: str, role: str, password: str) -> str:
    """Make a person who may log in; return their pseudonym in the trace."""
    from django.contrib.auth.models import User
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from railtrace.web.accounts import person_of
    from railtrace.web.roles import set_only_role

    _require_role(role)
    if User.objects.filter(username=name).exists():
        raise ConfigError("there is a user {name} already", name=name)
    try:
        User.username_validator(name)
        validate_password(password)
    except ValidationError as error:
        raise ConfigError(
            "user {name}: {problem}", name=name, problem=" ".join(error.messages)
        ) from error
    user = User.objects.create_user(name, password=password)
    set_only_role(user, role)
    return person_of(user).person_id


def set_role(name: str, role: str) -> None:
    """Give a user one role at every site in place of all there were."""
    from railtrace.web.roles import set_only_role

    _require_role(role)
    set_only_role(_user(name), role)


def disable_user(name: str) -> None:
    """Let a user log in no more, and end what they have open; the trace is not touched."""
    from django.contrib.sessions.models import Session

    user = _user(name)
    user.is_active = False
    user.save(update_fields=["is_active"])
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def users() -> list[dict[str, Any]]:
    """Return everybody who may log in, and who may no more."""
    from django.contrib.auth.models import User

    from railtrace.web.accounts import person_of

    return [
        {
            "user": user.username,
            "roles": sorted({given.role for given in user.roles.all()}),
            "active": user.is_active,
            "person": person_of(user).person_id,
        }
        for user in User.objects.order_by("username")
    ]


def create_token(name: str, scopes: list[str], days: int) -> tuple[str, datetime]:
    """Make an API token; return its text, shown this once, and when it ends."""
    from railtrace.web.tokens import SCOPES, make_token

    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ConfigError(
            "there is no scope {scope}: choose of {known}",
            scope=unknown[0], known=", ".join(SCOPES),
        )  # fmt: skip
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days)
    return make_token(name, scopes, now, expires_at)[1], expires_at


def export_texts(path: Path) -> None:
    """Write the sheet of all texts for a native speaker."""
    from railtrace.web import texts

    path.write_bytes(texts.sheet())


def import_texts(path: Path) -> int:
    """Take a speaker's sheet; return how many texts changed."""
    from railtrace.web import texts

    changed = texts.read_sheet(path.read_bytes())
    texts.compile_all()
    return changed


def _require_role(role: str) -> None:
    from railtrace.web.roles import ROLES

    if role not in ROLES:
        raise ConfigError(
            "there is no role {role}: choose of {known}", role=role, known=", ".join(ROLES)
        )


def _user(name: str) -> Any:
    from django.contrib.auth.models import User

    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotFound("there is no user {name}", name=name)
    return user
