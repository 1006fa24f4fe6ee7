"""Warnings that somebody overrode, for who answers for the fleet: which, why, until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_noop as _

from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import GateReason, Released
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import Cells, saved

DAYS = 30
_MOST = 2000
_HEAD = (
    _("Released"), _("Train"), _("Unit"), _("Gate"), _("Reason"), _("Why it goes all the same"),
    _("Until"), _("Entry"),
)  # fmt: skip


@dataclass(frozen=True)
class Overridden:
    """A warning, the release it was overridden in, and whether the override still holds."""

    entry: Entry
    released: Released
    reason: GateReason
    gate: str
    unit: str
    holds: bool

    @property
    def whom(self) -> str:
        """The train or the unit that was released."""
        return self.released.train or self.unit


def overrides(request: HttpRequest) -> HttpResponseBase:
    """Show the overrides of some days, those that still hold first; or send them as a table."""
    app = the_app()
    since = parse_date(request.GET.get("since", "")) or (
        app.clock().astimezone(home_zone()) - timedelta(days=DAYS)).date()
    rows = sorted(_found(since), key=lambda row: (not row.holds, -row.entry.happened_us))
    site = request.GET.get("site", "")
    rows = [row for row in rows if not site or row.released.site == site]
    if request.GET.get("as") == "csv":
        return _sheet(request, rows)
    sites = [(key, s.name(the_names().language)) for key, s in app.config.depots.items()]
    context = {"section": "trains", "tab": "overrides", "rows": rows, "since": since,
               "site": site, "sites": sites, "holding": sum(row.holds for row in rows)}
    return render(request, "trains/overrides.html", context)


def _found(since: date) -> Iterator[Overridden]:
    app, names, now = the_app(), the_names(), the_app().clock()
    begins = datetime.combine(since, time.min, home_zone())
    places = app.lookup.happened(microseconds(begins), microseconds(now), ["Released"], _MOST)
    knowledge = app.knowledge()
    for place in places:
        entry = app.entry_at(place["log"], place["position"])
        released = entry.operation
        if not isinstance(released, Released):
            continue
        for reason in released.reasons:
            if reason.overridden:
                row = names.catalogue.release_gates.get(reason.row)
                until = reason.override_until
                yield Overridden(
                    entry, released, reason, row.name(names.language) if row else reason.gate,
                    names.number(knowledge.passport(reason.unit)) if reason.unit else "",
                    until is not None and until > now,
                )  # fmt: skip


def _sheet(request: HttpRequest, rows: list[Overridden]) -> HttpResponseBase:
    return saved(request, "overrides", _HEAD, map(_cells, rows))


def _cells(row: Overridden) -> Cells:
    until = row.reason.override_until
    return [
        row.released.happened_at.isoformat(timespec="minutes"), row.released.train, row.unit,
        row.gate, row.reason.text, row.reason.override_reason,
        until.isoformat(timespec="minutes") if until else "", row.released.id,
    ]  # fmt: skip
