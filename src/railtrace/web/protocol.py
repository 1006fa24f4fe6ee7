"""A protocol on paper: what was measured together, with a code that tells whether it holds."""

from dataclasses import dataclass
from typing import Any

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from railtrace.trace.leaf import Entry, moment
from railtrace.trace.merkle import leaf_hash
from railtrace.web.corrections import standing, together
from railtrace.web.facts import reading_text
from railtrace.web.fleet import the_names
from railtrace.web.leanings import gone_under
from railtrace.web.names import Names
from railtrace.web.running import the_app


@dataclass(frozen=True)
class Line:
    """One entry on the paper."""

    entry: Entry
    unit: str
    readings: list[str]
    corrected: bool


def code_of(address: str, border: int = 2) -> SafeString:
    """Draw a code that a telephone opens."""
    code = segno.make(address, error="m")
    # Drawn as a path in the page: nothing else of a page's own is let in by its policy.
    return mark_safe(code.svg_inline(scale=3, border=border, svgclass="qr", lineclass=None))


def protocol(request: HttpRequest, id_: str) -> HttpResponse:
    """Show an entry, with those entered with it, as a page to print."""
    app, names = the_app(), the_names()
    entry = app.entry(id_)
    entries = together(entry)
    stands = standing([e.operation.id for e in entries])
    knowledge = app.knowledge()
    knowledge.load([u for e in entries for u in e.units[:20]])
    root = knowledge.root(entry.units[0])[0] if entry.units else ""
    address = request.build_absolute_uri(reverse("operation", args=[id_]))
    context = {
        "section": "trace", "entry": entry, "item": entry.operation, "address": address,
        "vehicle": names.unit(knowledge.passport(root)) if root else "",
        "lines": [_line(e, names, knowledge, e.operation.id in stands) for e in entries],
        "corrected": [stands[e.operation.id] for e in entries if e.operation.id in stands],
        "lost": gone_under(entries), "code": code_of(address),
        "happened_at": moment(entry.happened_us), "recorded_at": moment(entry.recorded_us),
        "leaf_hash": leaf_hash(app.trace.find([id_])[id_][2]).hex(),
        "zone": str(app.config.zone_of(getattr(entry.operation, "site", ""))),
        "site": getattr(entry.operation, "site", ""),
    }  # fmt: skip
    return render(request, "people/protocol.html", context)


def _line(entry: Entry, names: Names, knowledge: Any, corrected: bool) -> Line:
    unit = names.unit(knowledge.passport(entry.units[0])) if entry.units else ""
    readings = [reading_text(r, names) for r in getattr(entry.operation, "readings", ())]
    return Line(entry, unit, readings, corrected)

