"""The release of a unit by itself: its gates, the decision, its certificates."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from railtrace.errors import Refused
from railtrace.projections.consist_gates import findings
from railtrace.store.trains import Trains
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Released, ReleaseRefused
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.models import SigningKey
from railtrace.web.people.passkeys import keys_of
from railtrace.web.roles import allowed, may, require
from railtrace.web.running import the_app
from railtrace.web.trains.decide import ASK, Case, asked, decide_on, not_decided
from railtrace.web.trains.said import told

_SHOWN = 20


def case_of(unit: str) -> Case:
    """Return a unit alone with the reasons against it, as known now. Raises NotFound."""
    app = the_app()
    reader = Trains(app.about(unit), app.lookup)
    lag, pending = app.views.waiting()
    zone = app.config.zone_of(reader.knowledge.site_of(unit))
    if pending is None:
        pending = {unit: lag}
    facts = reader.unit_alone(unit, zone, pending)
    return Case(facts.consist, facts, findings(facts), "")


def page(request: HttpRequest, unit: str) -> HttpResponse:
    """Show what stands against a unit that goes out by itself, and what was decided so far."""
    case, names, app = case_of(unit), the_names(), the_app()
    knowledge = app.knowledge()
    said = told(case.reasons, case.facts, knowledge, names)
    context: dict[str, Any] = {
        "section": "fleet", "unit": unit, "names": names, "said": said,
        "number": names.number(knowledge.passport(unit)), "name": names.unit(
            knowledge.passport(unit)), "consist": case.state,
        "refusals": [s for s in said if s.weight == "mandatory"],
        "warnings": [s for s in said if s.weight == "warning"],
        "until": app.clock().astimezone(home_zone()) + timedelta(days=1),
        "releases": may(request.user, "release", case.state.site or None),
        "signing_key": SigningKey.objects.filter(user_id=request.user.pk or 0).exists(),
        "passkey": bool(keys_of(request)),
        "decisions": decisions_of(unit),
    }  # fmt: skip
    return render(request, "trains/unit_release.html", context)


def decisions_of(unit: str) -> list[Entry]:
    """Return the decisions on a unit by itself, the latest first."""
    rows = the_app().lookup.timeline([unit], ("Released", "ReleaseRefused"), limit=_SHOWN)
    return [
        entry for entry in the_app().entries_at((row[3], row[4]) for row in rows)
        if isinstance(op := entry.operation, Released | ReleaseRefused) and op.scope == "unit"
    ]  # fmt: skip


@require_POST
@allowed("release")
def decide(request: HttpRequest, unit: str) -> HttpResponse:
    """Release or refuse a unit by itself."""
    try:
        case = case_of(unit)
        require(request.user, "release", case.state.site or None)
        if ASK in request.POST:
            return JsonResponse(asked(request, case))
        decide_on(request, case)
    except Refused as error:
        return not_decided(request, error, reverse("unit-release", args=[unit]))
    return redirect("unit-release", unit)
