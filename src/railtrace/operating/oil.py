"""Samples of fluids judged: reject limits, and wear metals against the engine's own past."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from railtrace.analysis.fluid_laboratory import MetalTrend, metal_trend, oil_hours
from railtrace.analysis.reasons import Reason, because
from railtrace.app import App
from railtrace.catalogue.in_force import limit_for
from railtrace.errors import BadData
from railtrace.operating.outcomes import Outcome
from railtrace.projections.condition import judge
from railtrace.store.diagnostics import Diagnostics
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import FluidSampled

METHOD = "fluid_sample"
METALS = ("oil_iron", "oil_copper", "oil_lead", "oil_aluminium", "oil_chromium", "oil_silicon")
UNSTATED = 1.0
"""A laboratory that does not state its error is taken to scatter by this much [mg/kg]."""
SURE = 0.01
"""A metal rises when luck gives as much less often than this."""


def series_of(
    app: App, knowledge: Knowledge, unit: str, until_us: int = 2**62
) -> dict[str, dict[str, Any]]:
    """Return each quantity of an engine's samples over engine-hours and hours of the oil."""
    reader = Diagnostics(app.views.database)
    samples = {r["operation"]: r for r in reader.samples(unit) if r["at_us"] <= until_us}
    mileage = knowledge.mileage("engine_hours")

    def hours(row: dict[str, Any]) -> float:
        own = row["hours_milli"]
        return (mileage.at(unit, row["at_us"]) if own is None else own) / 1000

    changes = [hours(c) for c in reader.fluid_changes(unit) if c["whole"] and c["fluid"] == "oil"]
    found: dict[str, dict[str, Any]] = {}
    for row in app.lookup.readings(unit):
        if (sample := samples.get(row["operation"])) is not None:
            one = found.setdefault(row["quantity"], {"points": [], "changes": sorted(changes)})
            one["points"].append(row | {"hours": hours(sample), "sample": sample["sample"],
                                        "fluid": sample["fluid"]})  # fmt: skip
    for key, one in found.items():
        one["trend"] = _trend(key, one)
    return found


def _trend(key: str, one: dict[str, Any]) -> MetalTrend | None:
    """Return the trend of a wear metal since the oil is what it is; None where nothing is told."""
    points = one["points"]
    if key not in METALS or len(points) < 2:
        return None
    at = np.array([p["hours"] for p in points])
    if np.any(np.diff(at) < 0):
        return None
    age = oil_hours(at, np.array(one["changes"]))
    stated = [float(p["uncertainty"]) / 2 for p in points if p["uncertainty"]]
    try:
        return metal_trend(age, np.array([float(p["value"]) for p in points]),
                           max(stated, default=UNSTATED))  # fmt: skip
    except BadData:
        return None


def rises(trend: MetalTrend | None) -> bool:
    """Tell whether a metal stands above its own past by more than luck; no past says nothing."""
    return trend is not None and trend.chance == trend.chance and trend.chance < SURE


def judged_sample(app: App, operation: FluidSampled) -> tuple[str, Outcome]:
    """Return what a sample says: alarm and watch are of the engine, unfit is the fluid itself."""
    knowledge, unit = app.knowledge(), operation.units[0]
    series = series_of(app, knowledge, unit, microseconds(operation.happened_at))
    over = list(_over(app, knowledge.passport(unit).type, operation))
    rising = [
        because("metal_rises", "{quantity}: {last:.1f} mg/kg, {expected:.1f} foretold by this "
                "engine's own past", quantity=key, last=one["trend"].last,
                expected=one["trend"].expected)
        for key, one in series.items()
        if rises(one["trend"]) and any(r.quantity == key for r in operation.readings)
    ]  # fmt: skip
    reasons = (*(reason for _, _, reason in over if reason is not None), *rising)
    judged = [word for word, _, _ in over]
    trends = any(one["trend"] is not None for one in series.values())
    if not judged and not trends:
        why = because("no_limit", "the catalogue has no limit for what was measured")
        return METHOD, Outcome("refused", why.code, "", (why,))
    return METHOD, Outcome(_outcome([(w, q) for w, q, _ in over], bool(rising)),
                           reasons[0].code if reasons else "", "", reasons)  # fmt: skip


def _over(
    app: App, type_: str, operation: FluidSampled
) -> Iterator[tuple[str, str, Reason | None]]:
    """Yield (verdict, quantity, why) of each reading that has a limit."""
    day = operation.happened_at.date()
    for r in operation.readings:
        limit = limit_for(app.catalogue(), r.quantity, type_, "in_service", day)
        if limit is None or limit.unit != r.unit:
            continue
        low, high = (None if b is None else Decimal(b) for b in (limit.min, limit.max))
        word = judge(Decimal(r.value), Decimal(r.uncertainty or 0), low, high)
        why = None if word == "fit" else because(
            f"fluid_{word}", "{quantity}: {value} {unit}, {low}…{high} allowed ({limit})",
            quantity=r.quantity, value=r.value, unit=r.unit, low=limit.min or "",
            high=limit.max or "", limit=limit.key,
        )  # fmt: skip
        yield word, r.quantity, why


def _outcome(words: list[tuple[str, str]], rising: bool) -> str:
    bad = {quantity for word, quantity in words if word == "unfit"}
    if bad & set(METALS):
        return "alarm"
    if bad:
        return "unfit"
    return "watch" if rising or any(word == "doubtful" for word, _ in words) else "sound"
