"""What looks written at a desk: each finding names its operations and asks a person to look."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from railtrace.projections.plausible import ANY_TRAVEL_MIN, KINDS, Looked, looked
from railtrace.trace.leaf import microseconds, read
from railtrace.trace.operation import Operation
from railtrace.web import words
from railtrace.web.diagnostics.recent import days_of
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

MOST = 6_000
"""Operations looked through at one time; the page says so when there are more."""
SHOWN = 100
_DAY_US = 86_400_000_000


@allowed("read")
def plausibility(request: HttpRequest) -> HttpResponse:
    """Look through what happened in some days, and show what asks for a look."""
    names, app = the_names(), the_app()
    days = days_of(request, 90)
    operations = _work(days)
    by_id = {o.id: o for o in operations}
    found = looked(operations)
    only = request.GET.get("name", "")
    shown = [f for f in found if not only or f.name == only]
    knowledge = app.knowledge()
    knowledge.load(list({u for f in shown[:SHOWN] for id_ in f.operations
                         for u in by_id[id_].units[:1]}))  # fmt: skip
    context = {
        "section": "depot", "tab": "diagnostics", "part": "plausibility", "names": names,
        "days": days, "all_days": (30, 90, 365), "looked": len(operations), "most": MOST,
        "only": only, "travel": ANY_TRAVEL_MIN,
        "counts": [(key, word, sum(f.name == key for f in found))
                   for key, word in words.SUSPICIONS.items()],
        "rows": [_row(request, f, by_id, names) for f in shown[:SHOWN]], "all": len(shown),
    }  # fmt: skip
    return render(request, "diagnostics/plausibility.html", context)


def _work(days: int) -> list[Operation]:
    app = the_app()
    now_us = microseconds(app.clock())
    rows = app.lookup.happened(now_us - days * _DAY_US, now_us, KINDS, MOST)
    leaves = app.trace.leaves_at([(row["log"], row["position"]) for row in rows])
    gone = {
        target for (target,) in app.views.database.query("SELECT DISTINCT target FROM corrections")
    }
    entries = (read(leaf, log, position) for (log, position), leaf in leaves.items())
    return [e.operation for e in entries
            if isinstance(e.operation, Operation) and e.operation.id not in gone]  # fmt: skip


def _row(
    request: HttpRequest, found: Looked, by_id: dict[str, Operation], names: Names
) -> dict[str, Any]:
    knowledge = the_app().knowledge()
    values = dict(found.values)
    if "worker" in values:
        values["worker"] = person_name(request, str(values["worker"]))
    said = gettext(words.SUSPICION_SENTENCES[found.name])
    shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in values.items()}
    return {
        "name": found.name, "word": words.SUSPICIONS[found.name], "said": said.format(**shown),
        "by_chance": found.by_chance,
        "operations": [
            {"id": id_, "at": by_id[id_].happened_at,
             "unit": next(iter(by_id[id_].units), ""),
             "unit_name": names.unit(knowledge.passport(by_id[id_].units[0]))
             if by_id[id_].units else ""}
            for id_ in found.operations[:4]
        ],
        "more": max(0, len(found.operations) - 4),
    }  # fmt: skip
