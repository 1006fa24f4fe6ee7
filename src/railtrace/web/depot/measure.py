"""Measuring by hand: a number, an instrument, at most four values; the rest is known already.

The unit comes from a scan, the instrument from the last time, unit of measure, limit and
uncertainty from the catalogue and the instrument's papers. The protocol prints from what was
recorded.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext

from railtrace.catalogue.in_force import limit_for
from railtrace.errors import BadOperation, Refused
from railtrace.projections.condition import judge
from railtrace.projections.metrology import standing
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Measured, Reading
from railtrace.web.depot.orders import FIELDS_BY_HAND, decimal_of, photos, unit_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

VALUES = FIELDS_BY_HAND - 1
_KEPT = "measured_with"


@dataclass(frozen=True)
class Asked:
    """One value to be typed."""

    field: str
    label: str
    unit: str
    limit: str


@allowed("record")
def measure(request: HttpRequest) -> HttpResponse:
    """Show what can be measured on a unit, a few values at a time; record them."""
    app, names, knowledge = the_app(), the_names(), the_app().knowledge()
    number = request.GET.get("number", "").strip()
    context: dict[str, Any] = {"section": "depot", "tab": "measure", "number": number}
    try:
        unit = unit_of(number) if number else ""
        groups = groups_of(knowledge, names, unit, app.clock().date()) if unit else []
        at = _chosen(request, len(groups))
        if request.method == "POST" and groups:
            return _record(request, knowledge, unit, groups, at)
    except Refused as error:
        context |= {"refused": in_words(error)}
        unit, groups, at = "", [], 0
    context |= {
        "unit": unit, "groups": [(i, _said(group)) for i, group in enumerate(groups)], "at": at,
        "asked": groups[at] if groups else [], "names": names, "now": app.clock(),
        "passport": knowledge.passport(unit) if unit else None,
        "instruments": _instruments(request, knowledge, names, groups[at]) if groups else [],
        "recent": _recent(unit), "typed": request.POST,
    }  # fmt: skip
    return render(request, "depot/measure.html", context,
                  status=422 if "refused" in context else 200)  # fmt: skip


def _chosen(request: HttpRequest, count: int) -> int:
    text = request.GET.get("group", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) < count else 0


def groups_of(
    knowledge: Knowledge, names: Names, unit: str, day: date
) -> list[list[Asked]]:
    """Return what is measured on a unit of its type, no more values together than fit a screen."""
    type_ = knowledge.passport(unit).type
    found: list[list[Asked]] = []
    for wanted in names.catalogue.part_types[type_].measured if (
        type_ in names.catalogue.part_types) else _of_vehicle(names, type_):  # fmt: skip
        asked = [_asked(names, type_, wanted.quantity, place, day)
                 for place in wanted.places or ("",)]  # fmt: skip
        if found and len(found[-1]) + len(asked) <= VALUES:
            found[-1] += asked
        else:
            found += [asked[i : i + VALUES] for i in range(0, len(asked), VALUES)]
    return found


def _of_vehicle(names: Names, type_: str) -> Any:
    row = names.catalogue.vehicle_classes.get(names.catalogue.class_of(type_))
    return row.measured if row else ()


def _asked(names: Names, type_: str, quantity: str, place: str, day: date) -> Asked:
    row = names.catalogue.quantities[quantity]
    limit = limit_for(names.catalogue, quantity, type_, "in_service", day, place=place)
    where = f" ({names.place(place)})" if place else ""
    return Asked(f"{quantity}|{place}", f"{names.quantity(quantity)}{where}", row.unit,
                 limit_text(limit, names))  # fmt: skip


def _said(group: list[Asked]) -> str:
    """Name a group by its quantities, each once."""
    return ", ".join(dict.fromkeys(one.label.partition(" (")[0] for one in group))


def _instruments(
    request: HttpRequest, knowledge: Knowledge, names: Names, asked: list[Asked]
) -> list[dict[str, Any]]:
    """Return the instruments that measure something of this, the one used last chosen."""
    wanted = {one.field.partition("|")[0] for one in asked}
    kinds = {
        key for key, row in names.catalogue.equipment_types.items() if wanted & set(row.measures)
    }
    rows = [row for row in the_app().lookup.equipment() if row.type in kinds]
    knowledge.load([row.unit for row in rows])
    last, now_us = request.session.get(_KEPT, ""), microseconds(the_app().clock())
    return [
        {"unit": row.unit, "name": names.unit(knowledge.passport(row.unit)),
         "word": standing(knowledge.instrument(row.unit), now_us).word, "chosen": row.unit == last}
        for row in rows
    ]  # fmt: skip


def _record(
    request: HttpRequest, knowledge: Knowledge, unit: str, groups: list[list[Asked]], at: int
) -> HttpResponse:
    device = request.POST.get("device", "")
    readings = tuple(
        reading for one in groups[at]
        if (reading := _reading(request, knowledge, device, one)) is not None
    )
    if not readings:
        raise BadOperation("write at least one value")
    site = knowledge.passport(unit).home_site
    where = {"site": site} if site else {}
    receipt = record_one(
        request, Measured, units=(unit,), device=device or None, readings=readings,
        evidence=photos(request), **where,
    )  # fmt: skip
    request.session[_KEPT] = device
    messages.success(request, gettext("The measurement is recorded."))
    bad = [r for r in readings if _unfit(knowledge, unit, r)]
    if bad:
        names = ", ".join(the_names().quantity(r.quantity) for r in bad)
        messages.warning(request, gettext("Outside the limit: {what}").format(what=names))
    following = at + 1 if at + 1 < len(groups) else at
    query = f"number={request.GET.get('number', '')}&group={following}&made={receipt.id}"
    return redirect(f"{reverse('measure')}?{query}")


def _reading(
    request: HttpRequest, knowledge: Knowledge, device: str, asked: Asked
) -> Reading | None:
    text = request.POST.get(asked.field, "").strip()
    if not text:
        return None
    quantity, _, place = asked.field.partition("|")
    return Reading(
        quantity=quantity, place=place, unit=asked.unit,  # type: ignore[arg-type]
        value=decimal_of(text, asked.label),
        uncertainty=_uncertainty(knowledge, device, quantity),
    )  # fmt: skip


def _uncertainty(knowledge: Knowledge, device: str, quantity: str) -> str | None:
    """Return how exactly an instrument reads a quantity, by the proof in force."""
    proof = knowledge.instrument(device).proof_at(microseconds(the_app().clock())) if device else (
        None
    )  # fmt: skip
    ranges = proof.ranges if proof else []
    return next((r.uncertainty for r in ranges if r.quantity == quantity and r.uncertainty), None)


def _unfit(knowledge: Knowledge, unit: str, reading: Reading) -> bool:
    limit = limit_for(
        knowledge.catalogue, reading.quantity, knowledge.passport(unit).type, "in_service",
        the_app().clock().date(), place=reading.place,
    )  # fmt: skip
    if limit is None:
        return False
    low, high = (None if end is None else Decimal(end) for end in (limit.min, limit.max))
    word = judge(Decimal(reading.value), Decimal(reading.uncertainty or 0), low, high)
    return word == "unfit"


def _recent(unit: str) -> list[dict[str, Any]]:
    """Return the last measurements of a unit, each with its protocol."""
    if not unit:
        return []
    rows = the_app().lookup.timeline([unit], ("Measured",), limit=5)
    return [
        {"at_us": row[1], "id": row[6],
         "print": reverse("form-of-entry", args=["protocol", row[6]])}
        for row in rows
    ]  # fmt: skip
