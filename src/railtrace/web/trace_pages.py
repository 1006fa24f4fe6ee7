"""The trace itself: logs, heads and checkpoints, the latest entries, what is contradicted."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.leaf import Entry, read
from railtrace.trace.operation import ContradictionResolved
from railtrace.web.corrections import actions
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.operations import card, load_named
from railtrace.web.record import record_one
from railtrace.web.release import with_names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

LATEST = 40


def trace(request: HttpRequest) -> HttpResponse:
    """Show the logs and what came into them last."""
    app = the_app()
    names, knowledge = the_names(), app.knowledge()
    heads = app.trace.heads()
    own = [head.origin for head in heads if not head.foreign]
    entries = sorted(
        (entry for head in heads for entry in _latest(head.log, head.size)),
        key=lambda e: (e.recorded_us, e.log, e.position), reverse=True,
    )[:LATEST]  # fmt: skip
    load_named(knowledge, entries)
    corrected = actions([entry.operation.id for entry in entries])
    context = {
        "section": "trace", "now": app.clock(), "lag": app.views.lag(),
        "logs": [_log(head) for head in heads],
        "cards": [card(entry, knowledge, names, "", corrected) for entry in entries],
        "live": f"{reverse('pulse')}?seen={sum(head.size for head in heads)}",
        "contradicted": len(app.lookup.contradictions(limit=1000)),
        "signer": str(app.signer.named(own[0]).verifier) if own else "",
    }  # fmt: skip
    return render(request, "trace.html", context)


def _latest(log: str, size: int) -> list[Entry]:
    leaves = the_app().trace.leaves(log, max(size - LATEST, 0), size)
    return [read(leaf, log, position) for position, leaf in leaves]


def _log(head: Any) -> dict[str, Any]:
    kept = the_app().trace.checkpoints(head.log)
    last = Checkpoint.parse(kept[-1][1]) if kept else None
    return {
        "head": head, "root": head.frontier.root().hex(), "checkpoint": last,
        "unsigned": head.size - last.size if last else head.size,
        "recorded_us": head.recorded_us or None,
    }  # fmt: skip


def checkpoint(request: HttpRequest, log: str) -> HttpResponse:
    """Send the signed head of a log, in the note format other programs read."""
    response = HttpResponse(str(the_app().checkpoint(log)), content_type="text/plain")
    response.headers["Content-Disposition"] = 'attachment; filename="checkpoint.txt"'
    return response


def contradictions(request: HttpRequest) -> HttpResponse:
    """List what is contradicted, each to be closed by a person with a reason."""
    app, names = the_app(), the_names()
    unit, resolved = request.GET.get("unit") or None, "resolved" in request.GET
    rows = app.lookup.contradictions(unit, open_only=not resolved)
    knowledge = app.knowledge()
    details = [json.loads(row["detail"]) for row in rows]
    mentioned = [v for d in details for k, v in d.items() if k in {"carrier", "other", "part"}]
    knowledge.load([*(row["unit"] for row in rows), *mentioned])
    context = {
        "section": "trace", "resolved": resolved, "unit": unit,
        "rows": [_contradiction(r, d, knowledge, names)
                 for r, d in zip(rows, details, strict=True)],
        "twins": [] if unit else [
            (number, [(u, names.unit(knowledge.passport(u))) for u in units])
            for number, units in app.lookup.twins().items()
        ],
    }  # fmt: skip
    return render(request, "contradictions.html", context)


def _contradiction(
    row: dict[str, Any], detail: dict[str, str], knowledge: Any, names: Names
) -> dict[str, Any]:
    named = with_names(knowledge, names, detail)
    return row | {
        "name_of_unit": names.unit(knowledge.passport(row["unit"])),
        "said": names.contradiction(row["name"], named),
        "operation": row["key"].partition(":")[2],
    }


@require_POST
@allowed("resolve")
def resolve(request: HttpRequest) -> HttpResponse:
    """Close a contradiction with a person's reason."""
    unit, key = request.POST.get("unit", ""), request.POST.get("key", "")
    reason = request.POST.get("reason", "").strip()[:4000]
    back = f"{reverse('contradictions')}?{urlencode({'unit': unit})}"
    if not reason:
        messages.error(request, gettext("Say what was found out: the reason is kept for ever."))
        return redirect(back)
    record_one(
        request, ContradictionResolved, units=(unit,), contradiction=key[:200], resolution=reason
    )
    messages.success(request, gettext("The contradiction is closed."))
    return redirect(back)
