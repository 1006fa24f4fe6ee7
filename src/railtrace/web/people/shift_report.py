"""The shift report: what was recorded in a shift, with the log's signed head as a code.

Who keeps the paper can show later that the log still holds everything it held that evening.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date

from railtrace.operating.trust import trust_of_installation
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.cosignature import cosigned_by
from railtrace.trace.leaf import Entry, microseconds, read
from railtrace.web.corrections import actions
from railtrace.web.fleet import the_names
from railtrace.web.operations import Card, card, load_named
from railtrace.web.people.shifts import Shift, shift_at, shift_of
from railtrace.web.people.users import site_choices
from railtrace.web.protocol import code_of
from railtrace.web.running import the_app

SHOWN = 500


@dataclass(frozen=True)
class Asked:
    """Which shift of which site, and which of its entries."""

    site: str
    shift: Shift
    day: str
    person: str
    kind: str


def shift_report(request: HttpRequest) -> HttpResponse:
    """Show the entries of a shift by kind and person, and the head of the log they are in."""
    app, names, knowledge = the_app(), the_names(), the_app().knowledge()
    asked = _asked(request)
    log = app.config.log_of(asked.site)
    everything, stop = recorded_in(log, asked.shift, asked.site)
    entries = [e for e in everything if _wanted(e, asked)]
    load_named(knowledge, entries[:SHOWN])
    corrected = actions([e.operation.id for e in entries[:SHOWN]])
    cards = [card(e, knowledge, names, "", corrected) for e in entries[:SHOWN]]
    head = head_for(log, stop)
    context = {
        "section": "trace", "tab": "shift", "asked": asked, "log": log, "total": len(entries),
        "rows": [(one, _units(one, knowledge, names)) for one in cards],
        "by_kind": Counter(e.kind for e in everything).most_common(),
        "by_person": Counter(p for e in everything for p in _people(e)).most_common(),
        "sites": site_choices(), "shifts": app.config.shifts_of(asked.site), "shown": SHOWN,
        "head": head, "root": head.root.hex() if head else "",
        "code": code_of(str(head)) if head else "",
        "cosigned": cosigned_by(head, trust_of_installation(app)) if head else {},
        "zone": str(app.config.zone_of(asked.site)), "previous": _near(asked, -1),
        "next": _near(asked, 1),
    }  # fmt: skip
    return render(request, "people/shift_report.html", context)


def _asked(request: HttpRequest) -> Asked:
    config, now = the_app().config, the_app().clock()
    site = request.GET.get("site", next(iter(config.sites), ""))
    site = site if site in config.sites else ""
    starts, zone = config.shifts_of(site), config.zone_of(site)
    shift = shift_at(now, starts, zone)
    number = request.GET.get("shift", "")
    if day := _day(request.GET.get("day", "")):
        chosen = int(number) if number.isdigit() and 1 <= int(number) <= len(starts) else 1
        shift = shift_of(day, chosen, starts, zone)
    return Asked(
        site, shift, f"{shift.begins.astimezone(zone):%Y-%m-%d}", request.GET.get("person", ""),
        request.GET.get("kind", ""),
    )  # fmt: skip


def _day(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _near(asked: Asked, step: int) -> tuple[str, int]:
    """Return day and number of the shift before or after."""
    config = the_app().config
    starts, zone = config.shifts_of(asked.site), config.zone_of(asked.site)
    at = asked.shift.ends if step > 0 else asked.shift.begins - timedelta(seconds=1)
    near = shift_at(at, starts, zone)
    return f"{near.begins.astimezone(zone):%Y-%m-%d}", near.number


def recorded_in(log: str, shift: Shift, site: str) -> tuple[list[Entry], int]:
    """Return the entries of a site that were recorded in a shift, and the log's size at its end."""
    trace = the_app().trace
    size = trace.head(log).size
    start = _first_from(log, size, microseconds(shift.begins))
    stop = _first_from(log, size, microseconds(shift.ends))
    entries = [read(leaf, log, at) for at, leaf in trace.leaves(log, start, stop)]
    mine = [e for e in entries if not site or getattr(e.operation, "site", "") in ("", site)]
    return mine, stop


def _first_from(log: str, size: int, us: int) -> int:
    """Return the first position recorded at a moment or later: within a log time never falls."""
    trace, low, high = the_app().trace, 0, size
    while low < high:
        middle = (low + high) // 2
        leaf = trace.leaves_at([(log, middle)])[log, middle]
        if read(leaf, log, middle).recorded_us < us:
            low = middle + 1
        else:
            high = middle
    return low


def head_for(log: str, size: int) -> Checkpoint | None:
    """Return the first signed head that covers a log up to a size; a reprint has the same one."""
    app = the_app()
    for kept_size, note in app.trace.checkpoints(log):
        if kept_size >= size:
            return Checkpoint.parse(note)
    return app.checkpoint(log) if app.trace.head(log).size else None


def _wanted(entry: Entry, asked: Asked) -> bool:
    return (not asked.kind or entry.kind == asked.kind) and (
        not asked.person or asked.person in _people(entry)
    )


def _people(entry: Entry) -> tuple[str, ...]:
    return getattr(entry.operation, "performed_by", ()) or (entry.submitter,)


def _units(one: Card, knowledge: Any, names: Any) -> tuple[str, list[tuple[str, str]]]:
    people = _people(one.entry)
    units = [(u, names.unit(knowledge.passport(u))) for u in one.entry.units[:2]]
    return people[0], units
