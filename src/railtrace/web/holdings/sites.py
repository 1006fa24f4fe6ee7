"""Sites and the age of what is known of each: the head of its log, and when it was heard."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext

from railtrace.store.replicas import Replicas
from railtrace.trace.ledger import LogHead
from railtrace.web.clocks import from_us
from railtrace.web.running import the_app

_DAY_US = 86_400_000_000


def sites(request: HttpRequest) -> HttpResponse:
    """Show how old the data of each site are here."""
    app = the_app()
    replicas, now_us = Replicas(app.trace), _now_us()
    heard, forks = replicas.heard(), {fork.log: fork for fork in replicas.forks()}
    rows = [
        _row(head, heard.get(head.log), now_us) | {"fork": forks.get(head.log)}
        for head in app.trace.heads()
    ]
    context = {"section": "trace", "tab": "sites", "rows": rows, "now": app.clock()}
    return render(request, "holdings/sites.html", context)


def _now_us() -> int:
    return int(the_app().clock().timestamp() * 1_000_000)


def _row(head: LogHead, heard: Any, now_us: int) -> dict[str, Any]:
    """A log written here is as old as this moment; another one as old as its last message."""
    as_of_us = heard.as_of_us if head.foreign and heard else None if head.foreign else now_us
    days = None if as_of_us is None else max(now_us - as_of_us, 0) // _DAY_US
    return {
        "head": head, "days": days, "as_of": from_us(as_of_us) if as_of_us else None,
        "said": age_said(days), "sender": heard.sender if heard else "",
        "received": from_us(heard.received_us) if heard else None,
        "last_us": head.recorded_us or None,
        "sites": [key for key, site in the_app().config.sites.items()
                  if the_app().config.log_of(key) == head.log],
    }  # fmt: skip


def age_said(days: int | None) -> str:
    """Return the age of a site's data in words; "" when it never was heard."""
    if days is None:
        return ""
    return ngettext("{days} day old", "{days} days old", days).format(days=days)
