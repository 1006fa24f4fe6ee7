"""Wheels: left and right over kilometres, turnings as steps, forecasts, the cut, the balance."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from railtrace.analysis.wear import crossing_chance, which_first
from railtrace.analysis.wheel_forecast import (
    CutLaw,
    WheelForecast,
    cut_law,
    fan,
    forecast,
    to_limit,
)
from railtrace.analysis.wheel_profile import MetalBalance, WheelVisit, metal_balance
from railtrace.catalogue.in_force import limit_for
from railtrace.catalogue.rows import Limit
from railtrace.errors import BadData
from railtrace.projections.fold import Contradiction
from railtrace.store.knowledge import Knowledge
from railtrace.store.wheel_lives import SIDES, WheelPoint, fellows, readings_for, wheel_points
from railtrace.trace.leaf import moment
from railtrace.web import words
from railtrace.web.diagnostics.differences import differences
from railtrace.web.diagnostics.plots import Line, Scale, scale
from railtrace.web.diagnostics.profiles import profiles
from railtrace.web.diagnostics.tyres import RetyringForm
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.measurements import limit_source
from railtrace.web.names import Names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

SHOWN = ("flange_thickness", "tread_wear", "tyre_thickness", "rim_thickness", "wheel_diameter",
         "flange_height", "flange_gradient", "uneven_wear", "flat_depth")  # fmt: skip
"""Parameters in the order of the page; others follow."""
METAL = ("tyre_thickness", "rim_thickness", "wheel_diameter")
HURTS = ("flat_depth", "spall_depth")
"""How deep damage of the tread is; a turning takes it off."""
WEARS = ("flange_thickness", "tread_wear", *METAL)
AHEAD_KM = (5_000, 10_000, 25_000, 50_000, 100_000)
USUAL_AHEAD = 25_000


@allowed("read")
def wheels(request: HttpRequest) -> HttpResponse:
    """List wheelsets by what was measured on them, the thinnest flanges first."""
    app, names = the_app(), the_names()
    rows = app.lookup.thin_flanges(100)
    knowledge = app.knowledge()
    knowledge.load([row["unit"] for row in rows])
    context = {
        "section": "depot", "tab": "diagnostics", "part": "wheels", "names": names,
        "now": app.clock(),
        "rows": [
            row | {"name": names.unit(knowledge.passport(row["unit"])),
                   "place_name": names.place(row["place"])} for row in rows
        ],
    }  # fmt: skip
    return render(request, "diagnostics/wheels.html", context)


@allowed("read")
def wheelset(request: HttpRequest, unit: str) -> HttpResponse:
    """Show the wheels of one wheelset."""
    app, names = the_app(), the_names()
    knowledge = app.about(unit)
    points = wheel_points(knowledge, app.lookup, unit)
    ahead = _ahead(request)
    found, untold = _forecasts(knowledge, unit, points)
    limits = {q: _limit(knowledge, names, unit, q, points) for q in {p.quantity for p in points}}
    context = {
        "section": "depot", "tab": "diagnostics", "part": "wheels", "names": names, "unit": unit,
        "name": names.unit(knowledge.passport(unit)), "ahead": ahead, "all_ahead": AHEAD_KM,
        "charts": _charts(points, found, limits, ahead, names, unit),
        "untold": untold, "first": _first(found, limits, unit, ahead, names),
        "turnings": _turnings(points, names), "cut": _cut(knowledge, unit, points, names),
        "balances": _balances(knowledge, unit, points), "now": app.clock(),
        "questions": _questions(knowledge, names, unit), "root": _root(knowledge, names, unit),
        "differences": differences(knowledge, names, unit), "retyring": RetyringForm(),
        "profiles": profiles(knowledge, names, unit),
    }  # fmt: skip
    return render(request, "diagnostics/wheelset.html", context)


def _ahead(request: HttpRequest) -> int:
    asked = request.GET.get("ahead", "")
    return int(asked) if asked.isdigit() and int(asked) in AHEAD_KM else USUAL_AHEAD


def _root(knowledge: Knowledge, names: Names, unit: str) -> dict[str, str] | None:
    root, chain = knowledge.root(unit)
    if not chain:
        return None
    return {"unit": root, "name": names.unit(knowledge.passport(root)),
            "position": names.position(chain[0].position)}  # fmt: skip


def _forecasts(
    knowledge: Knowledge, unit: str, points: Sequence[WheelPoint]
) -> tuple[dict[str, WheelForecast], str]:
    """Return the forecast of each parameter that wears, and why there is none."""
    others = fellows(knowledge, the_app().lookup, unit)
    found: dict[str, WheelForecast] = {}
    why = ""
    for quantity in {p.quantity for p in points} & set(WEARS):
        try:
            found[quantity] = forecast(
                readings_for(knowledge, the_app().lookup, [unit, *others], quantity)
            )
        except BadData as error:
            why = in_words(error)
    return found, why


def _limit(
    knowledge: Knowledge, names: Names, unit: str, quantity: str, points: Sequence[WheelPoint]
) -> Limit | None:
    last = max(p.at_us for p in points)
    type_ = knowledge.passport(unit).type
    return limit_for(names.catalogue, quantity, type_, "in_service", moment(last).date())


def _bound(limit: Limit | None, quantity: str) -> tuple[float, bool] | None:
    """Return the limit that wear runs into, and whether the parameter rises to it."""
    if limit is None or limit.unit != "mm":
        return None
    if quantity == "tread_wear":
        return (float(limit.max), True) if limit.max is not None else None
    return (float(limit.min), False) if limit.min is not None else None


# --- charts ---------------------------------------------------------------------------------------


def _charts(
    points: Sequence[WheelPoint], found: dict[str, WheelForecast], limits: dict[str, Limit | None],
    ahead: int, names: Names, unit: str,
) -> list[dict[str, Any]]:  # fmt: skip
    order = {q: i for i, q in enumerate(SHOWN)}
    ranked = sorted(points, key=lambda p: (order.get(p.quantity, 99), p.quantity))
    return [
        _chart(q, list(group), found.get(q), limits[q], ahead, names, unit)
        for q, group in groupby(ranked, key=lambda p: p.quantity)
    ]


def _chart(
    quantity: str, points: list[WheelPoint], model: WheelForecast | None, limit: Limit | None,
    ahead: int, names: Names, unit: str,
) -> dict[str, Any]:  # fmt: skip
    fans = {
        side: fan(model, unit, side, ahead)
        for side in SIDES
        if model is not None and (unit, side) in model.last_km
    }
    bounds = [float(b) for b in (limit.min, limit.max) if b is not None] if limit else []
    near = _near(bounds, [p.value for p in points])
    xs = [p.km for p in points] + [float(f.km[-1]) for f in fans.values()]
    ys = [p.value for p in points] + near
    for f in fans.values():
        ys += [float(f.middle.min()), float(f.middle.max())]
    box = scale(xs if max(xs) > min(xs) else [*xs, max(xs) + 1], ys)
    bound = _bound(limit, quantity)
    told = {
        side: to_limit(model, unit, side, *bound, ahead)
        for side in fans
        if bound is not None and model is not None
    }
    return {
        "quantity": quantity, "name": names.quantity(quantity), "unit": points[0].unit,
        "scale": box, "lines": [_line(s, points, fans.get(s), box, names) for s in SIDES],
        "limits": _limit_lines(limit, near, box, names), "told": told,
        "turned": [box.x(p.km) for p in points if p.moment == "as_left" and p.side == "left"],
        "rows": [_row(p, names) for p in sorted(points, key=lambda p: (p.at_us, p.stretch))],
    }  # fmt: skip


def _near(bounds: list[float], values: list[float]) -> list[float]:
    """Return the limits worth showing: those within three spans of what was read."""
    low, high = min(values), max(values)
    room = 3 * max(high - low, 2.0)
    return [b for b in bounds if low - room <= b <= high + room]


def _line(
    side: str, points: Sequence[WheelPoint], ahead: Any, box: Scale, names: Names
) -> Line:
    mine = sorted((p for p in points if p.side == side),
                  key=lambda p: (p.at_us, p.stretch, p.moment == "as_left"))  # fmt: skip
    line = Line(side, box.path([p.km for p in mine], [p.value for p in mine]))
    for p in mine:
        said = f"{names.place(side)}: {names.value(f'{p.value:g}', p.unit)}, " + names.value(
            f"{p.km:.0f}", "km")  # fmt: skip
        line.dots.append((box.x(p.km), box.y(p.value), said, p.operation))
        if p.uncertainty:
            line.doubts.append(
                (box.x(p.km), box.y(p.value - p.uncertainty), box.y(p.value + p.uncertainty))
            )
    if ahead is not None:
        low = ahead.low.clip(box.low_y, box.high_y)
        high = ahead.high.clip(box.low_y, box.high_y)
        line.fan = box.area(ahead.km.tolist(), low.tolist(), high.tolist())
        line.ahead = box.path(
            ahead.km.tolist(), ahead.middle.clip(box.low_y, box.high_y).tolist()
        )
    return line


def _limit_lines(
    limit: Limit | None, near: list[float], box: Scale, names: Names
) -> list[dict[str, Any]]:
    if limit is None:
        return []
    signs = [("≥", limit.min), ("≤", limit.max)]
    return [
        {"y": box.y(float(b)), "confirmed": limit.confirmed, "source": limit_source(limit, names),
         "word": f"{gettext(words.LIMIT_MOMENTS['in_service'])} {sign} "
                 f"{names.value(b, limit.unit)}"}
        for sign, b in signs if b is not None and float(b) in near
    ]  # fmt: skip


def _row(p: WheelPoint, names: Names) -> dict[str, Any]:
    return {
        "at_us": p.at_us, "km": p.km, "side": names.place(p.side), "moment": p.moment,
        "value": names.measured(f"{p.value:g}", f"{p.uncertainty:g}" if p.uncertainty else None,
                                p.unit), "operation": p.operation,
    }  # fmt: skip


def _first(
    found: dict[str, WheelForecast], limits: dict[str, Limit | None], unit: str, ahead: int,
    names: Names,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return which limit binds first, as chances within the kilometres ahead."""
    grid = np.linspace(ahead / 40, ahead, 40)
    chances, said = [], []
    for quantity, model in found.items():
        if (bound := _bound(limits[quantity], quantity)) is None:
            continue
        for side in SIDES:
            if (unit, side) in model.last_km:
                state = model.at(unit, side)
                limit, rising = bound
                chances.append(
                    crossing_chance(state, np.array([limit]), rising, grid[None, :])[0]
                )
                said.append(f"{names.quantity(quantity)}, {names.place(side)}")
    if not chances:
        return []
    first = which_first(np.array(chances))
    rows = [{"name": name, "chance": float(c)} for name, c in zip(said, first, strict=False)]
    rows.sort(key=lambda row: -float(row["chance"]))  # type: ignore[arg-type]
    return [*rows[:4], {"name": "", "chance": float(first[-1])}]


# --- turnings -------------------------------------------------------------------------------------


def _turning_pairs(
    points: Sequence[WheelPoint],
) -> dict[str, dict[tuple[str, str], dict[str, float]]]:
    """Return by operation and (quantity, side) what was found and what was left."""
    pairs: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for p in points:
        if p.moment in ("as_found", "as_left"):
            of = pairs.setdefault(p.operation, {}).setdefault((p.quantity, p.side), {})
            of[p.moment] = p.value
    return pairs


def _turnings(points: Sequence[WheelPoint], names: Names) -> list[dict[str, Any]]:
    told = []
    at = {p.operation: p for p in points}
    for operation, of in _turning_pairs(points).items():
        told.append({
            "operation": operation, "at_us": at[operation].at_us, "km": at[operation].km,
            "rows": [
                {"name": f"{names.quantity(q)}, {names.place(side)}", "found": v["as_found"],
                 "left": v["as_left"], "change": v["as_left"] - v["as_found"]}
                for (q, side), v in of.items() if len(v) == 2
            ],
        })  # fmt: skip
    return told


def _cut(
    knowledge: Knowledge, unit: str, points: Sequence[WheelPoint], names: Names
) -> dict[str, Any] | None:
    """Return the cut that would restore the thinner flange, by what turnings here have cost."""
    lookup = the_app().lookup
    restored, metal, left = [], [], []
    for wheel in [unit, *fellows(knowledge, lookup, unit)]:
        for of in _turning_pairs(wheel_points(knowledge, lookup, wheel)).values():
            for side in SIDES:
                flange = of.get(("flange_thickness", side), {})
                rim = next((of[q, side] for q in METAL[:2] if (q, side) in of), {})
                if len(flange) == len(rim) == 2:
                    restored.append(flange["as_left"] - flange["as_found"])
                    metal.append(rim["as_found"] - rim["as_left"])
                    left.append(flange["as_left"])
    last = {p.side: p.value for p in points if p.quantity == "flange_thickness"}
    try:
        law: CutLaw = cut_law(restored, metal)
    except BadData as error:
        return {"untold": in_words(error)}
    if not last:
        return None
    wanted = sorted(left)[len(left) // 2] - min(last.values())
    # Both wheels of an axle are turned to one diameter: the thinner flange says how deep.
    middle, half = law.cut(max(wanted, 0.0))
    return {"law": law, "wanted": max(wanted, 0.0), "cut": middle, "half": half,
            "flange": sorted(left)[len(left) // 2]}  # fmt: skip


# --- metal ----------------------------------------------------------------------------------------


def _balances(
    knowledge: Knowledge, unit: str, points: Sequence[WheelPoint]
) -> list[dict[str, Any]]:
    """Return where the metal of each wheel went, in the parameter it was measured by."""
    renewed = [row[1] for row in the_app().lookup.timeline([unit], ["Retyred"], limit=100)]
    told = []
    for quantity in METAL:
        for side in SIDES:
            mine = [p for p in points if p.quantity == quantity and p.side == side]
            hurt = [p for p in points if p.quantity in HURTS and p.side == side]
            visits = _visits(mine, renewed, hurt, 2 if quantity == "wheel_diameter" else 1)
            if len(mine) > 1 and visits:
                balance: MetalBalance = metal_balance(visits)
                told.append({
                    "quantity": quantity, "side": side, "balance": balance,
                    "first": visits[0].came_mm, "last": visits[-1].left_mm,
                    "rest": visits[0].came_mm - visits[-1].left_mm - balance.total_mm,
                })  # fmt: skip
    return told


def _visits(
    points: Sequence[WheelPoint], renewed: Sequence[int], hurt: Sequence[WheelPoint], sides: int
) -> list[WheelVisit]:
    """Return each visit: a measurement comes and leaves alike, a turning leaves less.

    Of a turning's cut, damage took as much as it was deep, counted on both ends of a diameter.
    """
    visits: list[WheelVisit] = []
    before = turned = 0
    ordered = sorted(points, key=lambda p: (p.at_us, p.operation, p.moment == "as_left"))
    for _, group in groupby(ordered, key=lambda p: p.operation):
        some = list(group)
        fresh = any(before < at <= some[0].at_us for at in renewed) and bool(visits)
        at_us, cut = some[0].at_us, some[0].value - some[-1].value
        damage = min(max(cut, 0.0), sides * _damage(hurt, turned, at_us))
        visits.append(WheelVisit(some[0].value, some[-1].value, damage, fresh))
        before = at_us
        turned = at_us if cut > 0 else turned
    return visits


def _damage(hurt: Sequence[WheelPoint], after_us: int, until_us: int) -> float:
    """Return how deep a wheel was damaged when it was turned, as last found on its way there [mm].

    What stood on it at an earlier turning was turned off then.
    """
    found: dict[str, tuple[int, float]] = {}
    for p in hurt:
        if after_us < p.at_us <= until_us and p.moment != "as_left":
            found[p.quantity] = max(found.get(p.quantity, (0, 0.0)), (p.at_us, p.value))
    return max((depth for _, depth in found.values()), default=0.0)


def _questions(knowledge: Knowledge, names: Names, unit: str) -> list[dict[str, Any]]:
    """Return what is questioned of this wheelset's size."""
    open_: list[Contradiction] = [
        c for c in knowledge.condition(unit).contradictions.values()
        if c.name == "larger_than_before" and not c.resolution
    ]  # fmt: skip
    return [{"text": names.contradiction(c.name, c.values), "at_us": c.at_us, "key": c.key}
            for c in open_]  # fmt: skip
