"""The catalogue in force: types drawn, parts, limits, each with its source and its doubt."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.bearings import DAMAGES, fault_orders
from railtrace.catalogue.layout import Drawing, drawing
from railtrace.catalogue.rows import Catalogue, CheckRule, Limit, Measured, PartType, VehicleType
from railtrace.devices.manifest import kinds as device_kinds
from railtrace.devices.manifest import manifest
from railtrace.errors import NotFound
from railtrace.operating.diagnoses import bearing_of
from railtrace.web import words
from railtrace.web.depot.orders import needs_of
from railtrace.web.draw import Sign, side_view
from railtrace.web.frame import as_known
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.running import the_app
from railtrace.web.wheel_drawn import wheel_profile_view

KINDS = {
    "vehicle_types": _("Vehicle types"), "part_types": _("Part types"), "limits": _("Limits"),
    "equipment_types": _("Kinds of equipment"), "processes": _("Route cards"),
    "check_rules": _("Rules of our own judgement"), "wheel_profiles": _("Wheel profiles"),
    "rotating": _("Bearings and gear wheels"), "adoptions": _("Adopted"),
}  # fmt: skip

_PROOFS = {"verification": _("verification"), "calibration": _("calibration")}


def catalogue(request: HttpRequest) -> HttpResponse:
    """Show one kind of rows, as the catalogue stood on the date asked for."""
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    kind = request.GET.get("kind", "vehicle_types")
    kind = kind if kind in KINDS else "vehicle_types"
    context = {
        "section": "trace", "dates": dates, "kinds": KINDS, "kind": kind, "names": names,
        "kept": [("kind", kind)], "rows": _ROWS[kind](names), "hash": knowledge.catalogue.hash,
    }  # fmt: skip
    return render(request, "catalogue.html", context)


def _vehicle_types(names: Names) -> list[dict[str, Any]]:
    """Return the vehicle types by class, then name."""
    rows = names.catalogue.vehicle_types.values()
    order = list(names.catalogue.vehicle_classes)
    found = [
        {"row": row, "name": row.name(names.language), "class": row.vehicle_class} for row in rows
    ]
    return sorted(found, key=lambda item: (order.index(str(item["class"])), str(item["name"])))


def _equipment_types(names: Names) -> list[dict[str, Any]]:
    """Return the kinds of depot equipment, with the machines we have a driver for."""
    drivers: dict[str, list[str]] = {}
    for kind in device_kinds():
        told = manifest(kind)
        spoken = (gettext(words.word(words.PROTOCOLS, one)) for one in told.protocols)
        drivers.setdefault(told.equipment or kind, []).append(", ".join(spoken))
    rows = sorted(names.catalogue.equipment_types.values(), key=lambda r: r.name(names.language))
    return [
        {
            "row": row, "name": row.name(names.language), "proof": _PROOFS.get(row.proof, ""),
            "months": row.interval_months, "protocols": ", ".join(drivers.get(row.key, [])),
            "measures": ", ".join(names.quantity(key) for key in row.measures),
        }
        for row in rows
    ]  # fmt: skip


def _processes(names: Names) -> list[dict[str, Any]]:
    rows = sorted(names.catalogue.processes.values(), key=lambda r: r.name(names.language))
    return [
        {
            "row": row, "name": row.name(names.language),
            "applies_to": ", ".join(names.type(key) for key in row.applies_to),
            "minutes": sum(step.norm_min or 0 for step in row.steps),
            "steps": [
                {"name": step.name(names.language), "needs": needs_of(step, names), "step": step}
                for step in row.steps
            ],
        }
        for row in rows
    ]  # fmt: skip


def _check_rules(names: Names) -> list[dict[str, Any]]:
    rows = sorted(names.catalogue.check_rules.values(), key=lambda r: r.name(names.language))
    return [
        {
            "row": row, "name": row.name(names.language), "asks": _asks(row),
            "equipment": ", ".join(
                names.catalogue.equipment_types[key].name(names.language) for key in row.equipment
            ),
        }
        for row in rows
    ]  # fmt: skip


def _asks(rule: CheckRule) -> list[str]:
    """Return what a rule asks, as its row says it: key = value."""
    told = msgspec.to_builtins(rule)
    shown = [told[key] for key in ("wash", "ndt", "brake", "insulation", "notches", "press")
             if told.get(key)]  # fmt: skip
    groups = [part for one in shown for part in ([one] if isinstance(one, dict) else one)]
    return [", ".join(f"{key} = {value}" for key, value in group.items()) for group in groups]


def _wheel_profiles(names: Names) -> list[dict[str, Any]]:
    rows = sorted(names.catalogue.wheel_profiles.values(), key=lambda r: r.name(names.language))
    return [
        {
            "row": row, "name": row.name(names.language),
            "picture": mark_safe(wheel_profile_view(row)),
            "applies": ", ".join(names.type(key) for key in row.part_types)
            or gettext("everything"),
        }
        for row in rows
    ]  # fmt: skip


def _rotating(names: Names) -> list[dict[str, Any]]:
    """Return bearings with their fault orders, and gear wheels with their teeth."""
    bearings = [
        {"row": row, "name": row.name(names.language), "orders": _orders(names.catalogue, row.key)}
        for row in names.catalogue.bearing_types.values()
    ]  # fmt: skip
    gears = [{"row": row, "name": row.name(names.language), "teeth": row.teeth}
             for row in names.catalogue.gear_types.values()]  # fmt: skip
    return sorted([*bearings, *gears], key=lambda item: str(item["name"]))


def _orders(catalogue: Catalogue, key: str) -> list[tuple[str, float]]:
    """Return at which multiples of the shaft's speed damage of a bearing shows."""
    orders = fault_orders(bearing_of(catalogue, key))
    return [(words.DAMAGES[damage], getattr(orders, damage)) for damage in (*DAMAGES, "cage")]


def _part_types(names: Names) -> list[dict[str, Any]]:
    rows = sorted(names.catalogue.part_types.values(), key=lambda r: r.name(names.language))
    return [
        {
            "row": row, "name": row.name(names.language),
            "measured": ", ".join(names.quantity(m.quantity) for m in row.measured),
            "limits": len(_limits_of(names.catalogue, row)),
        }
        for row in rows
    ]  # fmt: skip


def _limits(names: Names) -> list[dict[str, Any]]:
    rows = sorted(
        names.catalogue.limits.values(), key=lambda r: (names.quantity(r.quantity), r.key)
    )
    return [_limit(row, names) for row in rows]


def _limit(row: Limit, names: Names) -> dict[str, Any]:
    types = [names.type(key) for key in row.part_types]
    classes = [gettext(words.CLASSES[key]) for key in row.vehicle_classes]
    return {
        "row": row, "quantity": names.quantity(row.quantity), "text": limit_text(row, names),
        "applies": ", ".join([*types, *classes]) or gettext("everything"),
        "place": names.place(row.place), "speed": _speed(row),
        "moment": gettext(words.LIMIT_MOMENTS[row.moment]) if row.moment else gettext("always"),
        "guard": gettext(words.GUARDS[row.guard]),
    }  # fmt: skip


def _speed(row: Limit) -> str:
    """Write the band of the highest speed allowed: over one bound, up to and with the other."""
    low, high = row.max_speed_kmh_from, row.max_speed_kmh_to
    if high is None:
        return f"> {low}" if low else ""
    return f"{low} … {high}" if low else f"≤ {high}"


def _adoptions(names: Names) -> list[dict[str, Any]]:
    return the_app().lookup.adoptions()


_ROWS = {
    "vehicle_types": _vehicle_types, "part_types": _part_types, "limits": _limits,
    "equipment_types": _equipment_types, "processes": _processes, "check_rules": _check_rules,
    "wheel_profiles": _wheel_profiles, "rotating": _rotating,
    "adoptions": _adoptions,
}  # fmt: skip


def catalogue_type(request: HttpRequest, key: str) -> HttpResponse:
    """Show one vehicle or part type: its drawing, its positions, the limits that judge it."""
    dates = as_known(request)
    names = Names(
        the_app().knowledge(dates.at, dates.known).catalogue, (get_language() or "ru")[:2]
    )
    vehicle = names.catalogue.vehicle_types.get(key)
    row = vehicle or names.catalogue.part_types.get(key)
    if row is None:
        raise NotFound("type {key} is not in the catalogue", key=key)
    plan = drawing(names.catalogue, key) if vehicle else None
    context = {
        "section": "trace", "dates": dates, "row": row, "name": row.name(names.language),
        "names": names, "kind": "vehicle_types" if vehicle else "part_types", "kinds": KINDS,
        "vehicle": vehicle, "picture": _picture(plan, names) if plan else "",
        "positions": _positions(plan, names) if plan else [],
        "limits": [_limit(limit, names) for limit in _limits_of(names.catalogue, row)],
        "measured": _measured(names, row),
    }  # fmt: skip
    return render(request, "catalogue_type.html", context)


def _picture(plan: Drawing, names: Names) -> str:
    signs = {
        p.path: Sign(f"{names.position(p.path)}: {names.type(p.part_type)}", verdict="unknown")
        for p in plan.positions
    }
    return mark_safe(side_view(plan, signs, ""))


def _positions(plan: Drawing, names: Names) -> list[tuple[str, str, str]]:
    return [(p.path, names.position(p.path), names.type(p.part_type)) for p in plan.positions]


def _measured(names: Names, row: VehicleType | PartType) -> list[str]:
    return [
        names.quantity(m.quantity)
        + (f" ({', '.join(names.place(p) for p in m.places)})" if m.places else "")
        for m in _rows_measured(names.catalogue, row)
    ]


def _rows_measured(catalogue: Catalogue, row: VehicleType | PartType) -> tuple[Measured, ...]:
    if isinstance(row, VehicleType):
        return catalogue.vehicle_classes[row.vehicle_class].measured
    return row.measured


def _limits_of(catalogue: Catalogue, row: VehicleType | PartType) -> list[Limit]:
    """Return the limits that can judge a type: those that name it, and those for everything."""
    class_ = row.vehicle_class if isinstance(row, VehicleType) else ""
    quantities = {m.quantity for m in _rows_measured(catalogue, row)}
    found = [
        limit
        for limit in catalogue.limits.values()
        if limit.quantity in quantities
        and (not limit.part_types or row.key in limit.part_types)
        and (not limit.vehicle_classes or class_ in limit.vehicle_classes)
    ]
    return sorted(found, key=lambda limit: (limit.quantity, limit.key))
