"""At which site a thing is done: the terminal's, the only one possible, or the one chosen.

A form that asks shows the choice beside its fields; what was chosen last is offered first.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from railtrace.web.people.terminals import session_of
from railtrace.web.roles import ROLES, Somebody, held, site_word

FIELD = "done_at"


def sites_of(user: Somebody, permission: str = "record") -> tuple[str, ...]:
    """Return the sites a user may do a thing at; who may at every site, at all of the settings."""
    today = timezone.localdate()
    given = {r.site for r in held(user) if permission in ROLES[r.role].may and r.holds_on(today)}
    known = settings.CONFIG.depots
    return tuple(known) if "" in given else tuple(sorted(given))


def chosen_site(request: HttpRequest) -> str:
    """Return the site a form that asks was sent for, "" when it did not ask or nobody said."""
    site = request.POST.get(FIELD, "")
    if site not in sites_of(request.user):
        return ""
    request.session[FIELD] = site
    return site


def not_said(request: HttpRequest) -> str:
    """Say what is missing when somebody of several sites did not say at which one."""
    several = len(sites_of(request.user)) > 1
    if not several or chosen_site(request) or session_of(request) is not None:
        return ""
    # Who works for every site may leave it open.
    if any(r.site == "" for r in held(request.user) if r.holds_on(timezone.localdate())):
        return ""
    return gettext("You work at several sites: choose at which one this is done.")


def in_frame(request: HttpRequest) -> dict[str, Any]:
    """Give the forms that ask the sites to choose from."""
    if not hasattr(request, "session"):
        return {}
    return {"done_at": SimpleLazyObject(lambda: _choice(request))}


def _choice(request: HttpRequest) -> dict[str, Any]:
    sites: Sequence[str] = () if session_of(request) else sites_of(request.user)
    last = request.POST.get(FIELD) or request.session.get(FIELD, "")
    chosen = sites[0] if len(sites) == 1 else last if last in sites else ""
    return {"sites": [(site, site_word(site)) for site in sites], "chosen": chosen}
