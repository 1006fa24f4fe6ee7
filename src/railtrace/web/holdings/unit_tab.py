"""On a unit's page: its states over time, holders, restrictions, last repairs, couplings."""

from typing import Any

from django.http import HttpRequest

from railtrace.projections.availability import availability, clipped
from railtrace.projections.last_repairs import LastRepair
from railtrace.projections.maintenance import Done
from railtrace.projections.standing import Permission, Restriction
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import microseconds, moment
from railtrace.web.frame import home_zone
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
        "last_services": _services(knowledge, names, unit),
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


def _services(
    knowledge: Knowledge, names: Names, unit: str
) -> list[tuple[str, Done, int | None, tuple[str, str] | None]]:
    """Return (kind, when, mileage then, locomotive it was done to) of the last services but repairs

    of a section, or of a locomotive: ТО-2 is done to the locomotive.
    """
    if names.vehicle_class(knowledge.passport(unit).type) not in ("locomotive", "coupling"):
        return []
    repairs, mileage = knowledge.last_repairs(unit).by_kind, knowledge.mileage()
    found = []
    for kind, done in sorted(knowledge.maintenance(unit).done.items()):
        if kind in repairs:
            continue
        through = _done_to(knowledge, names, unit, done)
        found.append((kind, done, mileage.at(unit, done.at_us) or None, through))
    return found


def _done_to(
    knowledge: Knowledge, names: Names, unit: str, done: Done
) -> tuple[str, str] | None:
    for stay in knowledge.coupling(unit).stays:
        if stay.covers(done.at_us) and any(
            operation == done.operation
            for *_, operation in knowledge.locomotive_services(stay.carrier)
        ):
            return stay.carrier, names.number(knowledge.passport(stay.carrier))
    return None


def coupled_with(knowledge: Knowledge, names: Names, unit: str) -> list[tuple[str, str]]:
    """Return (unit, name) of the locomotive a section is in, or of a locomotive's sections."""
    state = knowledge.coupling(unit)
    others = [stay.carrier for stay in [state.locomotive()] if stay]
    others += [stay.part for stay in state.coupled()]
    knowledge.load(others)
    return [(other, names.number(knowledge.passport(other))) for other in others]


def restricted(
    knowledge: Knowledge, names: Names, unit: str, at_us: int
) -> list[dict[str, Any]]:
    """Return the restrictions and permissions of a unit, and of a locomotive's sections."""
    sections = [stay.part for stay in knowledge.coupling(unit).coupled()]
    day = moment(at_us).astimezone(home_zone()).date().isoformat()
    found = []
    for one in (unit, *sections):
        passport = knowledge.passport(one)
        shared = {"unit": one, "of": names.number(passport) if one != unit else ""}
        found += [shared | _chip(r, r.restriction, "gauge", day) for r in passport.restrictions]
        found += [shared | _chip(p, p.permission, "certificate", day) for p in passport.permissions]
    return found


def _chip(said: Restriction | Permission, text: str, icon: str, day: str) -> dict[str, Any]:
    return {
        "id": said.id, "icon": icon, "text": text, "area": said.area, "from_us": said.from_us,
        "speed": getattr(said, "max_speed_kmh", None), "until": said.until,
        "holds": said.holds_on(day),
    }  # fmt: skip
