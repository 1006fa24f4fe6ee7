"""Notices: what somebody must know, told to the holders of a role at a site and to persons.

    notify(gettext_noop("{part} is below its minimum stock"), roles=("storekeeper",),
           site="dushanbe", href=reverse("stock"), key=f"minimum:{part}:{day}", part=name)

A notice is an English text with values; `unit` (an id), `kind` and `at_us` among the values are
put in the reader's words. The same `key` is told once.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST

from railtrace.trace.leaf import moment
from railtrace.web import words
from railtrace.web.accounts import person_of, reader
from railtrace.web.clocks import clock
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.models import Notice, NoticeTo
from railtrace.web.roles import Somebody, held
from railtrace.web.running import the_app

SHOWN = 200


def notify(
    said: str, *, roles: Sequence[str] = (), persons: Sequence[str] = (), site: str = "",
    href: str = "", key: str = "", **values: Any,
) -> None:  # fmt: skip
    """Tell the holders of roles at a site, and persons by pseudonym; once for each key."""
    notice, new = Notice.objects.get_or_create(
        key=(key or str(uuid.uuid4()))[:200],
        defaults={"at": datetime.now(UTC), "said": said, "values": values, "site": site,
                  "href": href},
    )  # fmt: skip
    if new:
        NoticeTo.objects.bulk_create([
            *(NoticeTo(notice=notice, role=role) for role in dict.fromkeys(roles)),
            *(NoticeTo(notice=notice, person=person) for person in dict.fromkeys(persons)),
        ])  # fmt: skip


def mine(user: Somebody) -> QuerySet[Notice]:
    """Return the notices that are for a user, in the roles held today."""
    if not isinstance(user, User):
        return Notice.objects.none()
    today = timezone.localdate()
    told = Q(to__person=person_of(user).person_id)
    for given in held(user):
        if given.holds_on(today):
            here = Q(to__role=given.role)
            told |= here & Q(site__in=["", given.site]) if given.site else here
    return Notice.objects.filter(told).distinct()


def unread(user: Somebody) -> int:
    """Return how many notices a user has not read."""
    if not isinstance(user, User):
        return 0
    return mine(user).exclude(read_by=user.pk).count()


def in_frame(request: HttpRequest) -> dict[str, Any]:
    """Give the frame the number of unread notices, counted when a page shows it."""
    user = getattr(request, "user", AnonymousUser())
    return {"unread_notices": SimpleLazyObject(lambda: unread(user))}


def in_words(notice: Notice) -> str:
    """Return a notice in the reader's language."""
    values, language = dict(notice.values), (get_language() or "ru")[:2]
    if "unit" in values:
        values["unit"] = the_names().unit(the_app().knowledge().passport(values["unit"]))
    if "kind" in values:
        values["kind"] = gettext(words.word(words.KINDS, values["kind"]))
    if "at_us" in values:
        values["at_us"] = clock(moment(values["at_us"]), language, home_zone())
    return gettext(notice.said).format(**values)


def inbox(request: HttpRequest) -> HttpResponse:
    """Show the reader's notices, unread ones first."""
    user, everything = reader(request), "all" in request.GET
    wanted = mine(user) if everything else mine(user).exclude(read_by=user.pk)
    notices = list(wanted[:SHOWN])
    through = Notice.read_by.through.objects
    read = set(
        through.filter(user_id=user.pk, notice__in=notices).values_list("notice_id", flat=True)
    )
    context = {
        "rows": [(notice, in_words(notice), notice.pk in read) for notice in notices],
        "everything": everything, "unread": unread(user),
    }  # fmt: skip
    return render(request, "people/notices.html", context)


def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Open what a notice is about; it is read by that."""
    notice = get_object_or_404(mine(reader(request)), pk=pk)
    notice.read_by.add(reader(request))
    return redirect(notice.href or "notices")


@require_POST
def mark_read(request: HttpRequest) -> HttpResponse:
    """Mark one notice as read, or all of them."""
    user = reader(request)
    wanted = mine(user).exclude(read_by=user.pk)
    if pk := request.POST.get("notice"):
        wanted = wanted.filter(pk=int(pk)) if pk.isdigit() else wanted.none()
    for notice in wanted:
        notice.read_by.add(user)
    return redirect("notices")

