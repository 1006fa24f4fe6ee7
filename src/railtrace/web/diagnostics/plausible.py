"""What looks written at a desk: each finding names its operations and asks a person to look."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.projections.plausible import ANY_TRAVEL_MIN, KINDS, Looked, looked
from railtrace.trace.leaf import microseconds, read
from railtrace.trace.operation import Operation, SuspicionAnswered
from railtrace.web import words
from railtrace.web.diagnostics.recent import days_of
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.record import record_one
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
    answers = _answers(days)
    found = [(f, _answered(f, answers)) for f in looked(operations)]
    only, done = request.GET.get("name", ""), request.GET.get("answered") == "1"
    shown = [f for f, said in found if only in ("", f.name) and (said is not None) == done]
    said_of = {id(f): said for f, said in found}
    knowledge = app.knowledge()
    knowledge.load(list({u for f in shown[:SHOWN] for id_ in f.operations
                         for u in by_id[id_].units[:1]}))  # fmt: skip
    context = {
        "section": "depot", "tab": "diagnostics", "part": "plausibility", "names": names,
        "days": days, "all_days": (30, 90, 365), "looked": len(operations), "most": MOST,
        "left_out": _simulated(days),
        "only": only, "travel": ANY_TRAVEL_MIN,
        "counts": [(key, word, sum(f.name == key and (s is not None) == done for f, s in found))
                   for key, word in words.SUSPICIONS.items()],
        "rows": [_row(request, f, by_id, names) | {"answered": said_of[id(f)]}
                 for f in shown[:SHOWN]],
        "all": len(shown), "answers": words.SUSPICION_ANSWERS, "done": done,
        "kept": _record_of(answers), "waiting": sum(said is None for _, said in found),
    }  # fmt: skip
    return render(request, "diagnostics/plausibility.html", context)


@require_POST
@allowed("resolve")
def answer(request: HttpRequest) -> HttpResponse:
    """Record what a person found out about a finding: it is not asked again."""
    entries = tuple(dict.fromkeys(request.POST.getlist("entry")))[:50]
    said, reason = request.POST.get("answer", ""), request.POST.get("reason", "").strip()[:4000]
    if said not in words.SUSPICION_ANSWERS or not entries:
        raise BadOperation("say what it is: honest work, a mistake, or nobody read it")
    if not reason:
        raise BadOperation("Say what was found out: the reason is kept for ever.")
    name = request.POST.get("name", "")
    if name not in words.SUSPICIONS:
        raise NotFound("there is no suspicion {name}", name=name)
    operations = [the_app().entry(id_).operation for id_ in entries]
    units = dict.fromkeys(u for o in operations if isinstance(o, Operation) for u in o.units[:1])
    sites = {o.site for o in operations if isinstance(o, Operation) and o.site}
    record_one(
        request, SuspicionAnswered, units=tuple(units), suspicion=name, entries=entries,
        answer=said, reason=reason, **({"site": sites.pop()} if len(sites) == 1 else {}),
    )  # fmt: skip
    messages.success(request, gettext("The answer is recorded."))
    asked = {key: value for key in ("days", "name") if (value := request.GET.get(key, ""))}
    return redirect(f"{reverse('plausibility')}?{urlencode(asked)}")


def _answers(days: int) -> list[SuspicionAnswered]:
    return [o for o in _work(days, ("SuspicionAnswered",)) if isinstance(o, SuspicionAnswered)]


def _answered(found: Looked, answers: Sequence[SuspicionAnswered]) -> SuspicionAnswered | None:
    """Return the last answer to a finding: of all its entries; of a habit, of most of them."""
    mine = set(found.operations)
    for one in sorted(answers, key=lambda a: a.happened_at, reverse=True):
        known = len(mine & set(one.entries))
        enough = known == len(mine) if found.name != "favourite_digits" else 2 * known > len(mine)
        if one.suspicion == found.name and enough:
            return one
    return None


def _record_of(answers: Sequence[SuspicionAnswered]) -> list[dict[str, Any]]:
    """Return by kind how many findings turned out to be what: how far the search is believed."""
    rows = []
    for key, word in words.SUSPICIONS.items():
        mine = Counter(str(a.answer) for a in answers if a.suspicion == key)
        if mine:
            rows.append({"word": word, "of": mine.total(),
                         "counts": [mine[one] for one in words.SUSPICION_ANSWERS]})  # fmt: skip
    return rows


def _simulated(days: int) -> int:
    now_us = microseconds(the_app().clock())
    return the_app().lookup.simulated(now_us - days * _DAY_US, now_us)


def _work(days: int, kinds: Sequence[str] = KINDS) -> list[Operation]:
    """Return what was done; a simulated machine wears by no law, so its facts are left out."""
    app = the_app()
    now_us = microseconds(app.clock())
    rows = app.lookup.happened(now_us - days * _DAY_US, now_us, kinds, MOST, real=True)
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
    shown = {k: figure(float(f"{v:.3g}"), names.language) if isinstance(v, float) else v
             for k, v in values.items()}  # fmt: skip
    return {
        "name": found.name, "word": words.SUSPICIONS[found.name], "said": said.format(**shown),
        "by_chance": found.by_chance, "entries": found.operations,
        "operations": [
            {"id": id_, "at": by_id[id_].happened_at,
             "unit": next(iter(by_id[id_].units), ""),
             "unit_name": names.unit(knowledge.passport(by_id[id_].units[0]))
             if by_id[id_].units else ""}
            for id_ in found.operations[:4]
        ],
        "more": max(0, len(found.operations) - 4),
    }  # fmt: skip
