"""Who may do what, where and until when.

A role is a row of `people/roles.toml`, a permission a word below. A person holds a role at a site,
or at every site, from a day to a day (`RoleAt`); what one may do depends on the site of the thing
acted on.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _
from msgspec import Struct

from railtrace.errors import ConfigError
from railtrace.web.models import RoleAt

Somebody = User | AnonymousUser

PERMISSIONS = {
    "read": _("look at everything that names nobody"),
    "record": _("record what was done"),
    "import": _("import spreadsheets"),
    "correct": _("correct entries and confirm corrections"),
    "resolve": _("close contradictions"),
    "inspect": _("sign steps of work or send them back"),
    "hold": _("put on hold and lift holds"),
    "recall": _("open and close recalls"),
    "release": _("sign releases"),
    "promise": _("see what is promised of a train, where not everybody does"),
    "persons": _("see who did what by name"),
    "crews": _("see which crew made a run"),
    "audit": _("see who looked at what"),
    "administer": _("administer people, terminals and keys"),
}


class Role(Struct, frozen=True, forbid_unknown_fields=True):
    """What people call a role and what it may do."""

    ru: str
    may: tuple[str, ...]
    en: str = ""
    tg: str = ""

    @property
    def name(self) -> str:
        """The name in the reader's language; Russian stands in where there is none."""
        return getattr(self, (get_language() or "ru")[:2], "") or self.ru


def load_roles(*files: Path) -> dict[str, Role]:
    """Read roles, a later file's over an earlier one's. Raises ConfigError naming file and key."""
    roles: dict[str, Role] = {}
    for file in files:
        try:
            found = msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Role])
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise ConfigError("{file}: {problem}", file=file, problem=error) from error
        for key, role in found.items():
            for word in set(role.may) - set(PERMISSIONS):
                raise ConfigError(
                    "{file}: role {key}: there is no permission {word}: choose of {known}",
                    file=file, key=key, word=word, known=", ".join(PERMISSIONS),
                )  # fmt: skip
        roles |= found
    return roles


SHIPPED = Path(__file__).with_name("people") / "roles.toml"


def _files() -> Iterable[Path]:
    own = Path(settings.DATA) / "roles.toml"
    return (SHIPPED, own) if own.exists() else (SHIPPED,)


ROLES = load_roles(*_files())


# --- what one may do --------------------------------------------------------------------------

_REMEMBERED = "_railtrace_roles"


def held(user: Somebody) -> tuple[RoleAt, ...]:
    """Return every role a user was ever given, ended ones too; asked once a request."""
    if not user.is_active or user.pk is None:
        return ()
    if _REMEMBERED not in vars(user):
        vars(user)[_REMEMBERED] = tuple(RoleAt.objects.filter(user=user, role__in=ROLES))
    found: tuple[RoleAt, ...] = vars(user)[_REMEMBERED]
    return found


def forget(user: Somebody) -> None:
    """Ask anew what a user holds: it was changed."""
    vars(user).pop(_REMEMBERED, None)


def permissions_of(user: Somebody, site: str | None = None) -> frozenset[str]:
    """Return what a user may do at a site today; at any site when none is named."""
    today = timezone.localdate()
    granted = (
        ROLES[given.role].may
        for given in held(user)
        if given.holds_on(today) and (site is None or given.site in ("", site))
    )
    return frozenset(word for may in granted for word in may)


def may(user: Somebody, permission: str, site: str | None = None) -> bool:
    """Tell whether a user may do a thing: at a site, or anywhere when none is named."""
    return permission in permissions_of(user, site)


def allowed(
    permission: str,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let a view be reached by those with a permission at some site; others are told why not.

    Where the thing acted on has a site, `require` asks again for that one; `record_one` does.
    """

    def wrap(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request.user, permission)
            vars(request)["permission"] = permission
            return view(request, *args, **kwargs)

        return checked

    return wrap


def require(user: Somebody, permission: str, site: str | None = None) -> None:
    """Raise PermissionDenied, saying why, unless a user may do a thing at a site."""
    if not may(user, permission, site):
        raise PermissionDenied(why_not(user, permission, site))


def why_not(user: Somebody, permission: str, site: str | None) -> str:
    """Say what is in the way: a role that ended, one of another site, or none at all."""
    giving = [given for given in held(user) if permission in ROLES[given.role].may]
    here = [given for given in giving if site is None or given.site in ("", site)]
    if ended := _ended(here, timezone.localdate()):
        return gettext(
            "Your role {role} ended on {day}. An administrator can give it to you again."
        ).format(role=ROLES[ended.role].name, day=ended.until_text)
    now = [given for given in giving if given.holds_on(timezone.localdate())]
    if site is not None and now:
        return gettext(
            "This belongs to {site}; your role {role} holds at {others}."
        ).format(
            site=site_word(site), role=ROLES[now[0].role].name,
            others=", ".join(dict.fromkeys(site_word(given.site) for given in now)),
        )  # fmt: skip
    return gettext("Your role does not allow this. An administrator can give you another role.")


def _ended(given: Sequence[RoleAt], today: date) -> RoleAt | None:
    over = [one for one in given if one.to_day is not None and one.to_day < today]
    return max(over, key=lambda one: str(one.to_day), default=None)


def site_word(site: str) -> str:
    """Return what people call a site; the empty one is all of them."""
    if not site:
        return gettext("every site")
    known = settings.CONFIG.sites.get(site)
    return known.name((get_language() or "ru")[:2]) if known else site


# --- giving and taking --------------------------------------------------------------------------


def give(
    user: User, role: str, site: str = "", from_day: date | None = None,
    to_day: date | None = None, by: User | None = None,
) -> RoleAt:  # fmt: skip
    """Give a person a role at a site from a day to a day, the last included."""
    given = RoleAt.objects.create(
        user=user, role=role, site=site, from_day=from_day or timezone.localdate(),
        to_day=to_day, given_by=by,
    )  # fmt: skip
    forget(user)
    return given


def set_only_role(user: User, role: str) -> None:
    """Give a person one role at every site in place of all they had."""
    RoleAt.objects.filter(user=user).delete()
    give(user, role)


def holders(permission_or_role: str, site: str = "") -> list[User]:
    """Return who holds a role, or a permission, at a site today."""
    today = timezone.localdate()
    found: dict[int, User] = {}
    for given in RoleAt.objects.filter(user__is_active=True).select_related("user"):
        named = permission_or_role == given.role or (
            given.role in ROLES and permission_or_role in ROLES[given.role].may
        )
        if named and given.holds_on(today) and (not site or given.site in ("", site)):
            found[given.user_id] = given.user
    return list(found.values())
