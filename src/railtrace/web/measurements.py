"""Readings as people judge them: what was measured, what was not, by which limit, as charts."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from railtrace.catalogue.in_force import limits_for
from railtrace.catalogue.rows import Catalogue, Limit, Measured, Moment
from railtrace.projections.condition import WORST, Judged, Taken, judged
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import microseconds, moment
from railtrace.web import words
from railtrace.web.corrections import corrected_places
from railtrace.web.figures import figure
from railtrace.web.names import Names
from railtrace.web.running import the_app

_MOST_POINTS = 2_000
_MOMENTS: tuple[Moment, ...] = ("in_service", "at_departure", "after_repair")


@dataclass(frozen=True)
class Finding:
    """One judged reading of a unit or of a part on it, in words."""

    unit: str
    where: str
    verdict: str
    quantity: str
    place: str
    value: str
    limit: str
    limit_said: str
    confirmed: bool
    trend: str
    at_us: int
    operation: str


@dataclass(frozen=True)
class Gap:
    """What nobody has measured: of parts of one type, everything or one quantity."""

    type: str
    quantity: str
    missing: int
    total: int


def findings(tree: Node, names: Names) -> list[Finding]:
    """Return every judged reading of a unit and the parts on it, the worst first."""
    found = [
        _finding(node, result, names)
        for node in tree.walk()
        for result in judged(node.condition, names.catalogue)
    ]
    return sorted(found, key=lambda f: WORST.index(f.verdict))


def _finding(node: Node, result: Judged, names: Names) -> Finding:
    last, limit = result.last, result.limit
    return Finding(
        unit=node.unit, where=names.position(node.stay.position) if node.stay else "",
        verdict=result.verdict, quantity=names.quantity(result.quantity),
        place=names.place(result.place),
        value=names.measured(last.value, last.uncertainty, last.unit),
        limit=limit_text(limit, names), limit_said=limit_source(limit, names) if limit else "",
        confirmed=limit.confirmed if limit else True,
        trend=_trend(result, names), at_us=last.at_us, operation=last.operation,
    )  # fmt: skip


def _trend(result: Judged, names: Names) -> str:
    if not result.slope_per_day:
        return ""
    per_year = result.slope_per_day * 365.25
    sign = "+" if per_year > 0 else ""
    text = f"{per_year:.3g}" if abs(per_year) < 1 else f"{per_year:.1f}"
    return sign + names.value(text, result.last.unit)


def limit_text(limit: Limit | None, names: Names) -> str:
    """Write a limit: at least, at most or between."""
    if limit is None:
        return ""
    low = names.value(limit.min, limit.unit) if limit.min is not None else ""
    high = names.value(limit.max, limit.unit) if limit.max is not None else ""
    if limit.min is not None and limit.max is not None:
        return f"{figure(limit.min, names.language)} … {high}"
    return f"≥ {low}" if low else f"≤ {high}"


def limit_source(limit: Limit, names: Names) -> str:
    """Write where a limit comes from, and that nobody has checked it where that is so."""
    whose = names.jurisdiction(limit.jurisdiction)
    text = f"{names.source(limit)} · {whose} · {limit.valid_from:%d.%m.%Y}"
    return text if limit.confirmed else " · ".join((gettext("unconfirmed"), text))


# --- what is missing --------------------------------------------------------------------------


def gaps(tree: Node, knowledge: Knowledge, names: Names) -> list[Gap]:
    """Return what has a limit and was never measured: a fit of the others must not hide it."""
    nodes, day = tree.walk(), _day(knowledge)
    types = Counter(node.passport.type for node in nodes)
    wanted = {type_: _wanted(names.catalogue, type_, day) for type_ in types}
    missing: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        type_ = node.passport.type
        lacking = [key for key in wanted[type_] if key not in node.condition.series]
        everything = len(lacking) == len(wanted[type_])
        for quantity in {"" if everything else key.partition("|")[0] for key in lacking}:
            missing[type_, quantity] += 1
    return [
        Gap(names.type(type_), names.quantity(quantity), count, types[type_])
        for (type_, quantity), count in sorted(missing.items())
    ]


def _day(knowledge: Knowledge) -> date:
    us = knowledge.state_us or microseconds(the_app().clock())
    return moment(us).date()


def _wanted(catalogue: Catalogue, type_: str, day: date) -> list[str]:
    """Return the series (quantity|place) of a type that a limit in service judges."""
    vehicle, part = catalogue.vehicle_types.get(type_), catalogue.part_types.get(type_)
    class_ = vehicle.vehicle_class if vehicle else None
    rows: tuple[Measured, ...] = part.measured if part else ()
    if class_:
        rows = catalogue.vehicle_classes[class_].measured
    return [
        f"{row.quantity}|{place}"
        for row in rows
        for place in row.places or ("",)
        if limits_for(catalogue, row.quantity, type_, class_, "in_service", day, place=place)
    ]


# --- charts -----------------------------------------------------------------------------------


def readings_of(knowledge: Knowledge, unit: str) -> list[dict[str, Any]]:
    """Return the readings of a unit as known, oldest first."""
    if knowledge.now:
        return the_app().lookup.readings(unit)
    names = (
        "quantity", "place", "moment", "at_us", "value", "uom", "uncertainty", "device", "log",
        "position", "operation",
    )  # fmt: skip
    rows = knowledge.history(unit, "condition", "readings")
    return [dict(zip(names, row[1:], strict=True)) for row in rows]


def in_words(readings: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
    """Write readings for a table, the newest first; corrected ones say so."""
    corrected = corrected_places({r["operation"] for r in readings})
    return [
        reading | {
            "name": names.quantity(reading["quantity"]), "where": names.place(reading["place"]),
            "text": names.measured(reading["value"], reading["uncertainty"], reading["uom"]),
            "corrected": (reading["log"], reading["position"]) in corrected,
        }
        for reading in reversed(readings)
    ]  # fmt: skip


def charts(
    readings: list[dict[str, Any]], tree: Node, names: Names
) -> list[dict[str, Any]]:
    """Return what the browser draws: a chart per quantity, a line per place."""
    results = {(j.quantity, j.place): j for j in judged(tree.condition, names.catalogue)}
    ordered = sorted(readings, key=lambda r: (r["quantity"], r["place"], r["at_us"]))
    return [
        _chart(quantity, list(group), results, names, tree.passport.type)
        | {"element": f"chart-{number}"}
        for number, (quantity, group) in enumerate(groupby(ordered, lambda r: r["quantity"]), 1)
    ]


def _chart(
    quantity: str, readings: list[dict[str, Any]], results: dict[tuple[str, str], Judged],
    names: Names, type_: str,
) -> dict[str, Any]:  # fmt: skip
    series = []
    limits: dict[str, tuple[Limit, str]] = {}
    for place, group in groupby(readings, lambda r: r["place"]):
        result = results.get((quantity, place))
        points = [_point(r) for r in list(group)[-_MOST_POINTS:]]
        series.append({
            "name": names.place(place) or names.quantity(quantity), "points": points,
            "trend": result.slope_per_day if result else None,
        })  # fmt: skip
        if result:
            limits |= _limits(quantity, place, type_, result.last, names)
    unit = names.unit_of_measure(readings[0]["uom"])
    unit = "" if unit == "1" else unit
    said = [line for limit, when in limits.values() for line in _lines(limit, when, names)]
    return {
        "quantity": quantity, "name": names.quantity(quantity), "unit": unit,
        "data": {
            "series": series, "unit": unit, "limits": said, "language": names.language,
            "trend_word": gettext("trend"), "turned_word": gettext("as left by turning"),
            "operation": reverse("operation", args=["ID"]),
        },
    }  # fmt: skip


def _point(reading: dict[str, Any]) -> tuple[int, float, float, str, str]:
    return (
        reading["at_us"] // 1000, float(Decimal(reading["value"])),
        float(Decimal(reading["uncertainty"] or "0")), reading["operation"], reading["moment"],
    )  # fmt: skip


def _limits(
    quantity: str, place: str, type_: str, last: Taken, names: Names
) -> dict[str, tuple[Limit, str]]:
    """Return the limits in force of every moment; one that stands in for another shows once."""
    vehicle = names.catalogue.vehicle_types.get(type_)
    class_ = vehicle.vehicle_class if vehicle else None
    found: dict[str, tuple[Limit, str]] = {}
    for when in _MOMENTS:
        fitting = limits_for(
            names.catalogue, quantity, type_, class_, when, moment(last.at_us).date(), place=place
        )
        if fitting and fitting[0].unit == last.unit:
            limit = fitting[0]
            found.setdefault(limit.key, (limit, limit.moment or "in_service"))
    return found


def _lines(limit: Limit, when: str, names: Names) -> list[dict[str, Any]]:
    doubt = gettext("unconfirmed")
    mark = "" if limit.confirmed else f" ({doubt})"
    said = gettext(words.LIMIT_MOMENTS[when])
    return [
        {
            "value": float(bound), "confirmed": limit.confirmed, "moment": when,
            "name": f"{said} {sign} {names.value(bound, limit.unit)}{mark}",
            "source": limit_source(limit, names),
        }
        for sign, bound in (("≥", limit.min), ("≤", limit.max))
        if bound is not None
    ]  # fmt: skip
