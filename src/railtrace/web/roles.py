"""Who may do what: one table. A role is a Django group; a permission is a word below."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop as _

ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "viewer": (_("Viewer"), frozenset({"read"})),
    "worker": (_("Worker"), frozenset({"read", "record"})),
    "technologist": (
        _("Technologist"),
        frozenset({"read", "record", "import", "correct", "resolve", "hold"}),
    ),
    "fleet_manager": (
        _("Fleet manager"),
        frozenset({"read", "record", "import", "correct", "resolve", "hold", "recall"}),
    ),
    "administrator": (
        _("Administrator"),
        frozenset(
            {"read", "record", "import", "correct", "resolve", "hold", "recall", "administer"}
        ),
    ),
}


_REMEMBERED = "_railtrace_permissions"


def permissions_of(user: User | AnonymousUser) -> frozenset[str]:
    """Return every permission a user's roles give; asked once a request."""
    if not user.is_active:
        return frozenset()
    if _REMEMBERED not in vars(user):
        names = user.groups.values_list("name", flat=True)
        granted = [ROLES[name][1] for name in names if name in ROLES]
        vars(user)[_REMEMBERED] = frozenset().union(*granted)
    permissions: frozenset[str] = vars(user)[_REMEMBERED]
    return permissions


def may(user: User | AnonymousUser, permission: str) -> bool:
    """Tell whether a user may do a thing."""
    return permission in permissions_of(user)


def allowed(
    permission: str,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let a view be reached by those with a permission only; others see the page for 403."""

    def wrap(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, permission):
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        return checked

    return wrap


def make_groups() -> None:
    """Make the group of every role; harmless when they are there."""
    for name in ROLES:
        Group.objects.get_or_create(name=name)
