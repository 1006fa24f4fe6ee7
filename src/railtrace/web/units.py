"""A unit's page: what it is, what is wrong, its life, its parts, its measurements, two dates."""

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.layout import drawing
from railtrace.projections.condition import judged, worst
from railtrace.projections.genealogy import Stay
from railtrace.projections.judgements import Judgements
from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.replicas import Replicas
from railtrace.trace.leaf import Entry, microseconds, moment, read
from railtrace.trace.operation import Installed, kind_of, named_units
from railtrace.web import words
from railtrace.web.clocks import clock
from railtrace.web.corrections import standing
from railtrace.web.draw import Sign, side_view
from railtrace.web.due.panel import unit_due
from railtrace.web.fleet import site_name
from railtrace.web.forms.pages import unit_forms
from railtrace.web.frame import AsKnown, as_known, home_zone
from railtrace.web.holdings.unit_tab import coupled_with, holding, restricted
from railtrace.web.leanings import gone_under, last_decision
from railtrace.web.live import entries_of
from railtrace.web.measurements import charts, findings, gaps, in_words, readings_of
from railtrace.web.names import Names
from railtrace.web.operations import Card, card, load_named
from railtrace.web.quality.unit_tab import unit_operation
from railtrace.web.release import reasons
from railtrace.web.reliability.unit_tab import unit_reliability
from railtrace.web.running import the_app
from railtrace.web.upkeep.unit_tab import unit_upkeep

CARDS = 60
_MOST_EVENTS = 30_000
_MOST_READINGS = 200
TABS = ("life", "structure", "measurements", "due", "upkeep", "reliability", "operation", "holding",
        "documents")  # fmt: skip


def unit(request: HttpRequest, unit: str) -> HttpResponse:
    """Show a unit as known; a list or a lot, which views keep like units, has a page of its own."""
    if unit.startswith("list:"):
        return redirect("sending-list", unit.removeprefix("list:"))
    if unit.startswith("campaign:"):
        return redirect("campaign", unit.removeprefix("campaign:"))
    if unit.startswith("lot:"):
        return redirect("lots")
    dates, app = as_known(request), the_app()
    if not dates.past and app.views.lag():
        # A decision is read here: what lags gives none, so it is hurried for whoever looks.
        app.wait_caught_up()
    if dates.past and app.about(unit) and not _known(unit, dates):
        context = {"section": "fleet", "dates": dates, "unit": unit}
        return render(request, "unit_not_yet.html", context)
    knowledge = app.about(unit, dates.at, dates.known)
    tab = request.GET.get("tab", "life")
    tab = tab if tab in TABS else "life"
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    tree = knowledge.tree(unit)
    context = _header(knowledge, names, unit, tree) | {
        "section": "fleet", "dates": dates, "kept": [("tab", tab)], "tab": tab,
        "tabs": [(key, _TAB_WORDS[key]) for key in TABS],
        "live": "" if dates.past else _live(unit),
    }  # fmt: skip
    context |= _TAB_CONTENT[tab](request, knowledge, names, tree)
    return render(request, _TEMPLATES.get(tab, f"unit_{tab}.html"), context)


def _live(unit: str) -> str:
    return f"{reverse('unit-pulse', args=[unit])}?seen={entries_of(unit)}"


_TAB_WORDS = {
    "life": _("Life"), "structure": _("Structure"), "measurements": _("Measurements"),
    "due": _("Due"), "reliability": _("Reliability"), "holding": _("State and holders"),
    "documents": _("Documents"), "operation": _("Operation"),
    "upkeep": _("Remarks and claims"),
}  # fmt: skip


def _known(unit: str, dates: AsKnown) -> bool:
    return the_app().knowledge(dates.at, dates.known).known(unit)


def _header(knowledge: Knowledge, names: Names, unit: str, tree: Node) -> dict[str, Any]:
    passport = tree.passport
    root, chain = knowledge.root(unit)
    knowledge.load([stay.carrier for stay in chain])
    at_us = knowledge.state_us or microseconds(the_app().clock())
    mileage, usage = knowledge.mileage(), knowledge.usage(unit)
    verdict = worst(
        j.verdict for node in tree.walk() for j in judged(node.condition, names.catalogue)
    )
    km = mileage.at(unit, at_us)
    why = reasons(knowledge, names, unit)
    counted = km or usage.km.known or usage.runs
    return {
        "unit": unit, "passport": passport, "number": names.number(passport),
        "name": names.unit(passport), "type": names.type(passport.type),
        "vehicle_class": names.vehicle_class(passport.type),
        "type_row": _type_row(names, passport.type),
        "other_numbers": [n for n in passport.numbers if n is not passport.primary()],
        "primary": passport.primary(), "km_milli": km if counted else None,
        "hours_milli": usage.engine_hours.total,
        "verdict": verdict, "gaps": gaps(tree, knowledge, names),
        "defects": [
            (node, defect) for node in tree.walk() for defect in node.condition.defects
            if not defect.safety
        ],
        "decision": _decision(unit, knowledge),
        "reasons": why, "stops": [reason for reason in why if reason.force == "stops"],
        "under_order": next((reason for reason in why if reason.order), None), "names": names,
        "unknown_repairs": [
            last for last in knowledge.last_repairs(unit).by_kind.values() if not last.known
        ],
        "crumbs": _crumbs(knowledge, names, chain), "root": root,
        "coupled_with": coupled_with(knowledge, names, unit),
        "restricted": restricted(knowledge, names, unit, at_us),
    }  # fmt: skip


def _decision(unit: str, knowledge: Knowledge) -> tuple[Entry, int] | None:
    """Return the last decision on a unit's release with how much it leaned on holds no more."""
    entry = last_decision([unit], knowledge.known_us)
    if entry is None:
        return None
    return entry, len(gone_under([entry], knowledge.known_us).get((entry.log, entry.position), ()))


def _judged(knowledge: Knowledge, names: Names, unit: str) -> list[tuple[str, Any]]:
    """Return what persons found out about the unit and its doubles, with the others' names."""
    state = knowledge.states(unit).get("judgements")
    found = state.judged.values() if isinstance(state, Judgements) else ()
    return [
        (", ".join(names.unit(knowledge.passport(other)) for other in one.others), one)
        for one in found
    ]


def _type_row(names: Names, key: str) -> Any:
    catalogue = names.catalogue
    return (
        catalogue.vehicle_types.get(key)
        or catalogue.part_types.get(key)
        or catalogue.equipment_types.get(key)
    )


def _crumbs(knowledge: Knowledge, names: Names, chain: list[Stay]) -> list[tuple[str, str]]:
    """Fleet › vehicle › carrier …: the structure above the unit, outermost first."""
    return [
        (stay.carrier, names.unit(knowledge.passport(stay.carrier))) for stay in reversed(chain)
    ]


# --- life -----------------------------------------------------------------------------------


def _life(request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node) -> dict[str, Any]:
    lane = request.GET.get("lane", "")
    with_parts = "parts" in request.GET
    units = [node.unit for node in tree.walk()] if with_parts else [tree.unit]
    kinds = [k for k, of in words.LANE_OF_KIND.items() if of == lane] if lane else []
    before = _cursor(request)
    journal = journal_of(knowledge, tree.unit)
    rows = the_app().lookup.timeline(
        units[:500], kinds, before, knowledge.state_us, knowledge.known_us, CARDS + 1, journal
    )
    locomotives = list(dict.fromkeys(locomotive for locomotive, *_ in journal))
    named = [*units, *locomotives]
    cards = _cards(knowledge, names, rows[:CARDS], tree, named)
    return {
        "picture": _picture(knowledge, names, tree), "lanes": words.LANES, "lane": lane,
        "with_parts": with_parts, "days": _days(cards), "later": before is not None,
        "before": json.dumps(rows[CARDS - 1][1:5]) if len(rows) > CARDS else "",
        "lifeline_url": f"{reverse('lifeline', args=[tree.unit])}?{request.GET.urlencode()}",
        "verdict_words": list(words.VERDICTS), "provenance": _provenance(tree.unit),
        "now": the_app().clock(),
        "journals": [(u, names.number(knowledge.passport(u))) for u in locomotives],
    }  # fmt: skip


def journal_of(knowledge: Knowledge, unit: str) -> list[tuple[str, int, int | None]]:
    """Return the locomotives a section was in, from when to when: their journal is its own too."""
    return [
        (stay.carrier, stay.from_us or 0, stay.to_us) for stay in knowledge.coupling(unit).stays
    ]


def _provenance(unit: str) -> list[dict[str, Any]]:
    """Return the logs a unit's trace is merged of, each with the head known of it and its age."""
    app = the_app()
    heads = {head.log: head for head in app.trace.heads()}
    heard = Replicas(app.trace).heard()
    return [
        {
            "log": log, "entries": count, "head": heads[log],
            "as_of_us": heard[log].as_of_us if heads[log].foreign and log in heard else None,
        }
        for log, count in app.lookup.logs_of(unit)
        if log in heads
    ]  # fmt: skip


def _cursor(request: HttpRequest) -> tuple[int, int, str, int] | None:
    try:
        happened, recorded, log, position = json.loads(request.GET.get("before", ""))
        return int(happened), int(recorded), str(log), int(position)
    except (ValueError, TypeError):
        return None


def _entries(places: list[tuple[str, int]]) -> dict[tuple[str, int], Entry]:
    found = the_app().trace.leaves_at(places)
    return {place: read(leaf, *place) for place, leaf in found.items()}


def _cards(
    knowledge: Knowledge, names: Names, rows: list[Any], tree: Node, units: Collection[str]
) -> list[Card]:
    """Return the entries of units as cards; a corrected one as entered where it was, and as it

    stands where it belongs: no unit shows as its own what was taken from it.
    """
    entries = _entries([(row[3], row[4]) for row in rows])
    stands = standing([row[6] for row in rows], knowledge.known_us)
    corrected = {id_: c.operation.action for id_, c in stands.items()}  # type: ignore[union-attr]
    right = [e for id_, c in stands.items() if (e := _rightly(entries.values(), id_, c))]
    load_named(knowledge, [*entries.values(), *right])
    lost = gone_under(entries.values(), knowledge.known_us)
    cards = [
        card(e, knowledge, names, tree.unit, corrected, lost=len(lost.get((e.log, e.position), ())))
        for e in entries.values()
        if e.kind == "Corrected" or not set(units).isdisjoint(e.units)
    ]
    cards += [
        card(e, knowledge, names, tree.unit, {}, rightly=True)
        for e in right
        if not set(units).isdisjoint(e.units)
    ]
    return sorted(cards, key=lambda item: item.entry.life_key, reverse=True)


def _rightly(entries: Iterable[Entry], id_: str, correction: Entry) -> Entry | None:
    """Return what a correction put in the place of an entry, if anything."""
    replacement = getattr(correction.operation, "replacement", None)
    entry = next((e for e in entries if e.operation.id == id_), None)
    if replacement is None or entry is None:
        return None
    return replace(entry, operation=replacement, happened_us=microseconds(replacement.happened_at))


def _days(cards: list[Card]) -> list[tuple[str, list[Card]]]:
    def its_day(item: Card) -> str:
        precision = item.precision if item.precision in {"year", "month"} else "day"
        language = (get_language() or "ru")[:2]
        return clock(moment(item.entry.happened_us), language, home_zone(), precision)

    return [(name, list(group)) for name, group in groupby(cards, its_day)]


def _picture(knowledge: Knowledge, names: Names, tree: Node) -> str:
    """Draw a vehicle of a known type; parts of parts are found by the path of their positions."""
    if tree.passport.type not in names.catalogue.vehicle_types:
        return ""
    plan = drawing(names.catalogue, tree.passport.type)
    signs = {p.path: Sign(names.position(p.path)) for p in plan.positions}
    for path, node in _by_path(tree, ""):
        if path in signs:
            signs[path] = _sign(path, node, names)
    return mark_safe(side_view(plan, signs, names.unit(tree.passport)))


def _by_path(node: Node, above: str) -> list[tuple[str, Node]]:
    found = []
    for child in node.children:
        position = child.stay.position if child.stay else ""
        path = f"{above}/{position}" if above else position
        found += [(path, child), *_by_path(child, path)]
    return found


def _sign(path: str, node: Node, names: Names) -> Sign:
    verdict = worst(j.verdict for j in judged(node.condition, names.catalogue))
    said = gettext(words.VERDICTS[verdict])
    title = f"{names.position(path)}: {names.unit(node.passport)} · {said}"
    return Sign(title, reverse("unit", args=[node.unit]), verdict)


def lifeline(request: HttpRequest, unit: str) -> JsonResponse:
    """Give the life line its events and spans, as known."""
    dates = as_known(request)
    app = the_app()
    knowledge = app.knowledge(dates.at, dates.known)
    rows = app.lookup.timeline(
        [unit], (), None, knowledge.state_us, knowledge.known_us, _MOST_EVENTS,
        journal_of(knowledge, unit),
    )  # fmt: skip
    if not rows:
        raise Http404
    rows = _standing_rows(rows, unit, knowledge.known_us)
    lanes, kinds = list(words.LANES), sorted({row[5] for row in rows})
    events = [
        (row[1] // 1000, lanes.index(words.LANE_OF_KIND[row[5]]), kinds.index(row[5]), row[6])
        for row in reversed(rows)
        if row[5] in words.LANE_OF_KIND
    ]
    now_ms = (knowledge.state_us or microseconds(app.clock())) // 1000
    made = knowledge.passport(unit).made
    return JsonResponse({
        "lanes": [gettext(word) for word in words.LANES.values()],
        "kinds": [gettext(words.word(words.KINDS, kind)) for kind in kinds],
        "bad": [kinds.index(k) for k in kinds if k in {"Failed", "DefectFound", "ModeViolated"}],
        "events": events, "spans": _spans(rows, lanes, now_ms, unit, knowledge), "now": now_ms,
        "born": _day_ms(made), "made": f"{gettext(_MADE)} {made}", "nothing": gettext(_NOTHING),
        "operation": reverse("operation", args=["ID"]), "language": get_language(),
    })  # fmt: skip


_MADE, _NOTHING = _("Made"), _("no records")


def _day_ms(made: str) -> int | None:
    """Return the first moment of a year, month or day of making."""
    try:
        day = datetime.fromisoformat(f"{made}-01-01"[:10])
    except ValueError:
        return None
    return int(day.replace(tzinfo=home_zone()).timestamp() * 1000)


_BEGINS = frozenset({"LocationReported", "EnteredRepair", "Installed"})
_ENDS = frozenset({"LeftRepair", "Removed"})


def _standing_rows(rows: list[Any], unit: str, known_us: int | None) -> list[Any]:
    """Leave out what corrections took from a unit, and put what they gave it in its time."""
    if all(row[5] != "Corrected" for row in rows):
        return rows
    stands = standing([row[6] for row in rows], known_us)
    kept = [row for row in rows if row[6] not in stands]
    for row in (row for row in rows if row[6] in stands):
        operation = getattr(stands[row[6]].operation, "replacement", None)
        if operation is not None and unit in named_units(operation):
            kept.append((row[0], microseconds(operation.happened_at), *row[2:5],
                         kind_of(operation), row[6]))  # fmt: skip
    return sorted(kept, key=lambda row: row[1:5], reverse=True)


def _spans(
    rows: list[Any], lanes: list[str], now_ms: int, unit: str, knowledge: Knowledge
) -> list[tuple[int, int, int, str]]:
    """Return the times in repair, at places and on carriers as (from, to, lane, words)."""
    entries = _entries([(row[3], row[4]) for row in rows if row[5] in _BEGINS | _ENDS])
    # On the carrier's own line a part that comes and goes is an event, not a stay.
    wanted = [
        row for row in reversed(rows)
        if (row[3], row[4]) in entries and unit in entries[row[3], row[4]].operation.units
    ]  # fmt: skip
    knowledge.load([
        operation.carrier for row in wanted
        if isinstance(operation := entries[row[3], row[4]].operation, Installed)
    ])  # fmt: skip
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    spans: list[tuple[int, int, int, str]] = []
    started: dict[int, tuple[int, str]] = {}
    for row in wanted:
        lane, at_ms = lanes.index(words.LANE_OF_KIND[row[5]]), row[1] // 1000
        if lane in started:
            since, word = started.pop(lane)
            spans.append((since, at_ms, lane, word))
        if row[5] in _BEGINS:
            started[lane] = (at_ms, _stays_at(entries[row[3], row[4]].operation, knowledge, names))
    spans += [(since, now_ms, lane, word) for lane, (since, word) in started.items()]
    return spans


def _stays_at(operation: Any, knowledge: Knowledge, names: Names) -> str:
    if carrier := getattr(operation, "carrier", ""):
        return names.unit(knowledge.passport(carrier))
    place = getattr(operation, "place", "")
    return site_name(place) if place else str(getattr(operation, "repair_kind", ""))


# --- structure ------------------------------------------------------------------------------


def _structure(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    genealogy = knowledge.genealogy(tree.unit)
    others = [s.part for s in genealogy.parts] + [s.carrier for s in genealogy.stays]
    knowledge.load(others[:1000])
    at_us = knowledge.state_us or microseconds(the_app().clock())
    mileage = knowledge.mileage()
    return {
        "branches": _branches(tree, names, mileage, at_us),
        "was_on": [
            _stay(s, s.carrier, knowledge, names, mileage, tree.unit, at_us)
            for s in reversed(genealogy.stays)
        ],
        "had": [
            _stay(s, s.part, knowledge, names, mileage, s.part, at_us)
            for s in reversed(genealogy.parts)
            if s.to_us is not None
        ][:300],
    }


def _branches(node: Node, names: Names, mileage: Any, at_us: int) -> list[dict[str, Any]]:
    """Return what a unit carries as a tree: a place that holds others is a branch of its own."""
    order, top = _order(node, names), list[dict[str, Any]]()
    found: dict[str, dict[str, Any]] = {}
    for child in sorted(node.children, key=lambda c: order(_path(c))):
        path, above = _path(child), top
        steps = path.split("/")
        for depth in range(1, len(steps)):
            place = "/".join(steps[:depth])
            if place not in found:
                found[place] = {"position": names.step(place), "children": []}
                above.append(found[place])
            above = found[place]["children"]
        found[path] = _branch(child, names, mileage, at_us)
        above.append(found[path])
    return top


def _path(node: Node) -> str:
    return node.stay.position if node.stay else ""


def _order(node: Node, names: Names) -> Callable[[str], Any]:
    """Order places as the drawing of the type does, others by name and number."""
    plan: list[str] = []
    if node.passport.type in names.catalogue.vehicle_types:
        plan = [place.path for place in drawing(names.catalogue, node.passport.type).positions]
    rank = {path: index for index, path in enumerate(plan)}

    def key(path: str) -> Any:
        parts = [int(p) if p.isdigit() else 0 for p in re.split(r"[./]", path)]
        return rank.get(path, len(rank)), path.split("/")[0], parts, path

    return key


def _branch(node: Node, names: Names, mileage: Any, at_us: int) -> dict[str, Any]:
    return {
        "unit": node.unit, "name": names.type(node.passport.type),
        "number": names.number(node.passport),
        "position": names.step(_path(node)), "stay": node.stay,
        "km_milli": mileage.at(node.unit, at_us) or None,
        "verdict": worst(j.verdict for j in judged(node.condition, names.catalogue)),
        "children": _branches(node, names, mileage, at_us),
    }  # fmt: skip


def _stay(
    stay: Stay, other: str, knowledge: Knowledge, names: Names, mileage: Any, part: str, at_us: int
) -> dict[str, Any]:
    km = None
    if stay.from_us is not None:
        km = mileage.at(part, stay.to_us or at_us) - mileage.at(part, stay.from_us)
    return {
        "stay": stay, "unit": other, "name": names.unit(knowledge.passport(other)),
        "position": names.position(stay.position), "km_milli": km or None,
    }  # fmt: skip


# --- measurements ---------------------------------------------------------------------------


def _measurements(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    readings = readings_of(knowledge, tree.unit)
    return {
        "findings": findings(tree, names), "charts": charts(readings, tree, names),
        "readings": in_words(readings[-_MOST_READINGS:], names), "all_readings": len(readings),
    }  # fmt: skip


_TAB_CONTENT = {
    "life": _life, "structure": _structure, "measurements": _measurements, "due": unit_due,
    "holding": holding, "reliability": unit_reliability, "documents": unit_forms,
    "operation": unit_operation, "upkeep": unit_upkeep,
}  # fmt: skip
_TEMPLATES = {
    "due": "due/unit_due.html", "holding": "holdings/unit_holding.html",
    "reliability": "reliability/unit_reliability.html", "documents": "forms/unit_forms.html",
    "operation": "quality/unit_operation.html", "upkeep": "upkeep/unit_upkeep.html",
}  # fmt: skip
