"""On a unit's page: its states over time, holders, restrictions, last repairs, couplings."""

from typing import Any

from django.http import HttpRequest

from railtrace.projections.availability import availability, clipped
from railtrace.projections.last_repairs import LastRepair
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import microseconds
from railtrace.web.holdings.lists import the_holdings, window_of
from railtrace.web.holdings.locomotives import RunCheck, coupled_said, run_checked
from railtrace.web.names import Names
from railtrace.web.running import the_app

_YEAR = 365


def holding(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return what the tab shows, at two dates as every tab."""
    unit, at_us = tree.unit, knowledge.state_us or microseconds(the_app().clock())
    spans, window = spans_of(knowledge, unit), window_of(request, _YEAR)
    vehicle_class = names.catalogue.class_of(tree.passport.type)
    hours = clipped(vehicle_class, spans, window.from_us, min(window.to_us, at_us))
    repairs = knowledge.last_repairs(unit).by_kind.values()
    run = RunCheck(request.GET if "run_km" in request.GET else None)
    return {
        "spans": list(reversed(spans)), "window": window,
        "hours": availability(names.catalogue, hours), "no_hours": not hours,
        "last_repairs": [(last, _km_then(knowledge, unit, last)) for last in repairs],
        **coupled_said(knowledge, names, unit, at_us),
        **run_checked(knowledge, names, unit, run),
    }  # fmt: skip


def spans_of(knowledge: Knowledge, unit: str) -> list[dict[str, Any]]:
    """Return a unit's spans, oldest first: stored ones now, refolded ones at two dates."""
    if knowledge.now:
        return the_holdings().spans(unit)
    names = (
        "at_us", "to_us", "state", "detail", "place", "whereabouts", "owner", "keeper",
        "home_site",
    )  # fmt: skip
    rows = knowledge.history(unit, "passport", "state_spans")
    spans = [dict(zip(names, row[1:10], strict=True)) for row in rows]
    if span := knowledge.passport(unit).span:
        row = span.row(unit, 0)
        spans.append(dict(zip(names, row[1:10], strict=True)) | {"to_us": None})
    return spans


def _km_then(knowledge: Knowledge, unit: str, last: LastRepair) -> int | None:
    """Return the mileage at a repair: as stated, else as the unit's counter showed then."""
    if last.km_milli is not None or last.done_us is None:
        return last.km_milli
    return knowledge.mileage().at(unit, last.done_us) or None


def coupled_with(knowledge: Knowledge, names: Names, unit: str) -> list[tuple[str, str]]:
    """Return (unit, name) of the locomotive a section is in, or of a locomotive's sections."""
    state = knowledge.coupling(unit)
    others = [stay.carrier for stay in [state.locomotive()] if stay]
    others += [stay.part for stay in state.coupled()]
    knowledge.load(others)
    return [(other, names.number(knowledge.passport(other))) for other in others]
