"""The indicators of the standards as rows, their groups, their months, and what is behind each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.indicators import (
    INDICATORS,
    Control,
    Figure,
    Indicator,
    Trend,
    control_chart,
    gamma_life,
    trend_of,
)
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import NotFound
from railtrace.store.lives import FleetLives, fleet_lives
from railtrace.store.service import Period
from railtrace.trace.leaf import microseconds
from railtrace.web import words
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.plot import Axis, Plot, linear
from railtrace.web.reliability.choice import (
    BY,
    CLASSES,
    Choice,
    choice,
    class_words,
    group_name,
)
from railtrace.web.reliability.words import (
    DIRECTIONS,
    EVIDENCE,
    GAMMA_SAID,
    INDICATOR_NAMES,
    INDICATOR_SAID,
    SIGNALS,
    UNITS,
    standard,
)
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import Cells, saved

GAMMAS = (80, 90, 95)
_MILLION = 1e6


@dataclass(frozen=True)
class Line:
    """A figure in words: its name, its value and interval as written, how it lies in its chart."""

    key: str
    name: str
    said: str
    unit: str
    source: str
    behind: str
    figure: Figure
    value: str
    interval: str
    evidence: str
    left: float = 0.0
    width: float = 0.0
    middle: float | None = None


@allowed("read")
def indicators(request: HttpRequest) -> HttpResponse:
    """Show the indicators of a fleet and a period; one of them by groups and by months."""
    names = the_names()
    asked = choice(request, names.catalogue)
    told = asked.period()
    shown = next((i for i in INDICATORS if i.key == request.GET.get("show")), INDICATORS[0])
    gamma = next((g for g in GAMMAS if str(g) == request.GET.get("gamma")), 90)
    lives = _lives(names.catalogue, asked)
    component = _component(request, told, lives)
    rows = [_line(i, i.of(told.service(asked.failure_classes, asked.delay_min)), asked, names)
            for i in INDICATORS]  # fmt: skip
    middle, months, trend = _months(asked, told)
    context = {
        "section": "reliability", "tab": "indicators", "names": names, "asked": asked,
        "classes": {key: words.CLASSES[key] for key in CLASSES}, "by_words": BY,
        "class_words": class_words(names), "rows": rows, "shown": shown.key,
        "shown_name": gettext(INDICATOR_NAMES[shown.key]),
        "depots": _named("home_site", asked.depots, names),
        "types": _named("type", asked.types, names), "groups": _groups(shown, asked, told, names),
        "months": months, "middle": middle, "trend": gettext(DIRECTIONS[trend.direction]),
        "trend_p": trend.p, "chart": _chart(middle, months, names), "signals": SIGNALS,
        "life": _life_line(lives, component, gamma, names), "gammas": GAMMAS, "gamma": gamma,
        "component": component,
        "components": _named("type", lives.components if lives else (), names),
        "vehicles": len(asked.vehicles), "km": sum(told.km.values()),
        "unclassed": sum(f.failure_class is None for f in told.failures),
        "by_delay": sum(f.classed_by == "delay" for f in told.failures),
        "positions": the_app().views.positions(), "query_string": request.GET.urlencode(),
    }  # fmt: skip
    return render(request, "reliability/indicators.html", context)


def _named(by: str, keys: Iterable[str], names: Names) -> list[tuple[str, str]]:
    return sorted(((key, group_name(by, key, names)) for key in keys), key=lambda row: row[1])


# --- rows ---------------------------------------------------------------------------------------


def _line(indicator: Indicator, found: Figure, asked: Choice, names: Names) -> Line:
    said = gettext(INDICATOR_SAID[indicator.key])
    name = gettext(INDICATOR_NAMES[indicator.key])
    if indicator.key == "mtin":
        name = f"{name} ({figure(f'{asked.delay_min:g}', names.language)})"
    value, interval = written(found, indicator.unit, names.language)
    return Line(
        indicator.key, name, said, gettext(UNITS[indicator.unit]),
        standard(indicator.source, names.language), indicator.behind, found, value, interval,
        gettext(EVIDENCE[found.evidence]),
    )  # fmt: skip


def written(found: Figure, unit: str, language: str) -> tuple[str, str]:
    """Return a figure and its interval as people write them; only a bound where only one is."""
    def number(value: float) -> str:
        scaled = 100 * value if unit == "%" else value
        places = 0 if scaled >= 1000 else 1 if scaled >= 100 or unit == "%" else 2
        return figure(float(scaled), language, places)

    value = "—" if found.value is None else number(found.value)
    open_below = found.low <= 0
    open_above = isinf(found.high) or (unit == "%" and found.high >= 1)
    if open_below and open_above:
        return value, ""
    if open_above:
        return value, f"≥ {number(found.low)}"
    if open_below:
        return value, f"≤ {number(found.high)}"
    return value, f"{number(found.low)} – {number(found.high)}"


def _groups(shown: Indicator, asked: Choice, told: Period, names: Names) -> list[Line]:
    """Return an indicator of each group with its interval as a share of the widest one."""
    if not asked.by:
        return []
    keys = sorted({getattr(v, asked.by) for v in asked.vehicles})
    found = {}
    for key in keys:
        mine = told.of(v.unit for v in asked.vehicles if getattr(v, asked.by) == key)
        found[key] = shown.of(mine.service(asked.failure_classes, asked.delay_min))
    ends = [end for f in found.values() for end in (f.low, f.value or 0.0, f.high)]
    widest = max((end for end in ends if not isinf(end)), default=1.0) or 1.0
    return [_bar(shown, key, found[key], widest, asked, names) for key in keys]


def _bar(shown: Indicator, key: str, found: Figure, widest: float, asked: Choice,
         names: Names) -> Line:  # fmt: skip
    value, interval = written(found, shown.unit, names.language)
    left = 100 * found.low / widest
    right = min(100.0, 100 * found.high / widest)
    middle = None if found.value is None else min(100.0, 100 * found.value / widest)
    known = bool(interval)
    return Line(
        key, group_name(asked.by, key, names), "", gettext(UNITS[shown.unit]), "", shown.behind,
        found, value, interval, gettext(EVIDENCE[found.evidence]), left if known else 0.0,
        max(right - left, 0.0) if known else 0.0, middle,
    )  # fmt: skip


# --- months -------------------------------------------------------------------------------------


def _months(asked: Choice, told: Period) -> tuple[float, list[Control], Trend]:
    months = asked.months()
    km = [sum(told.km_between(v.unit, a, b) for v in told.vehicles) for _name, a, b in months]
    counted = told.counted(asked.failure_classes)
    counts = [sum(a <= f.at_us < b for f in counted) for _name, a, b in months]
    middle, found = control_chart([name for name, _a, _b in months], counts, km, _MILLION)
    return middle, found, trend_of(counts, km)


def _chart(middle: float, months: Sequence[Control], names: Names) -> str:
    ran = [(n, m) for n, m in enumerate(months) if m.rate is not None]
    if not ran:
        return ""
    every = max(1, -(-len(months) // 12))
    # "2026-03" is written 03.26: twelve of them stand side by side.
    ticks = tuple((float(n), f"{m.label[5:]}.{m.label[2:4]}")
                  for n, m in enumerate(months) if n % every == 0)  # fmt: skip
    x = Axis("", -0.5, len(months) - 0.5, ticks)
    heights = [h for _, m in ran for h in (m.high, m.rate or 0)]
    y = linear(gettext("failures per 10⁶ km"), heights, names.language)
    plot = Plot(x, y, gettext("Control chart of the failure intensity by month"))
    low = [(n + side, m.low) for n, m in ran for side in (-0.5, 0.5)]
    high = [(n + side, m.high) for n, m in ran for side in (-0.5, 0.5)]
    plot.band(low, high)
    plot.level(middle)
    plot.line([(float(n), m.rate or 0) for n, m in ran])
    for n, m in ran:
        said = f"{m.label}: {figure(float(m.rate or 0), names.language, 1)} ({m.count})"
        if m.signal:
            said += f" · {gettext(SIGNALS[m.signal])}"
        plot.dot(n, m.rate or 0, said, mark="diamond" if m.signal else "circle",
                 look="plot-dot plot-signal" if m.signal else "plot-dot")  # fmt: skip
    return plot.svg()


# --- lives --------------------------------------------------------------------------------------


def _lives(catalogue: Catalogue, asked: Choice) -> FleetLives | None:
    app = the_app()
    owner = asked.owner or (asked.owners[0] if asked.owners else "")
    try:
        return fleet_lives(app.lookup, catalogue, asked.vehicle_class, owner,
                           microseconds(app.clock()))  # fmt: skip
    except NotFound:
        return None


def _component(request: HttpRequest, told: Period, lives: FleetLives | None) -> str:
    known = lives.components if lives else ()
    wanted = request.GET.get("component", "")
    if wanted in known:
        return wanted
    failed = [f.component for f in told.failures if f.component in known]
    return max(set(failed), key=failed.count) if failed else (known[0] if known else "")


def _life_line(lives: FleetLives | None, component: str, gamma: int, names: Names) -> Line | None:
    if lives is None or component not in lives.components:
        return None
    k, pieces = lives.components.index(component), lives.pieces
    mine = (pieces.component == k) & (pieces.entry_km >= 0)
    entry = pieces.entry_km[mine]
    leave = entry + pieces.span_km[mine]
    found = gamma_life(entry.tolist(), leave.tolist(), pieces.failed[mine].tolist(), gamma / 100)
    value, interval = written(found, "km", names.language)
    return Line("gamma", gettext("Gamma-percent life"), gettext(GAMMA_SAID),
                gettext("km"), standard("GOST 27.002, IEC 60050-192", names.language), "",
                found, value, interval,
                gettext(EVIDENCE[found.evidence]))  # fmt: skip


# --- behind -------------------------------------------------------------------------------------


@allowed("read")
def behind(request: HttpRequest) -> HttpResponse:
    """Show the operations that an indicator counts."""
    names = the_names()
    asked = choice(request, names.catalogue)
    told = asked.period()
    if group := request.GET.get("group"):
        told = told.of(v.unit for v in asked.vehicles if asked.by and getattr(v, asked.by) == group)
    what = request.GET.get("what", "failures")
    context: dict[str, Any] = {
        "section": "reliability", "tab": "indicators", "names": names, "asked": asked,
        "what": what if what in _BEHIND else "failures", "query_string": request.GET.urlencode(),
        "passports": passports(v.unit for v in told.vehicles),
    }  # fmt: skip
    context |= _BEHIND.get(what, _failed)(told, asked, names)
    return render(request, "reliability/behind.html", context)


_MOST_BEHIND = 500


def passports(units: Iterable[str]) -> dict[str, Any]:
    """Return the passports of units, read together."""
    knowledge, some = the_app().knowledge(), sorted(set(units))
    knowledge.load(some)
    return {unit: knowledge.passport(unit) for unit in some}


def _failed(told: Period, asked: Choice, names: Names) -> dict[str, Any]:
    return {"failures": told.counted(asked.failure_classes)[-_MOST_BEHIND:][::-1],
            "all": len(told.counted(asked.failure_classes))}  # fmt: skip


def _incidents(told: Period, asked: Choice, names: Names) -> dict[str, Any]:
    found = told.incidents(asked.delay_min)
    return {"failures": found[-_MOST_BEHIND:][::-1], "all": len(found)}


def _repairs(told: Period, asked: Choice, names: Names) -> dict[str, Any]:
    stops = told.stops[-_MOST_BEHIND:][::-1]
    ends = [(s.vehicle, at) for s in stops for at in (s.from_us, s.to_us)]
    causes = the_holdings_causes(ends) if ends else {}
    return {
        "all": len(told.stops),
        "stops": [(s, causes.get((s.vehicle, s.from_us), ""), causes.get((s.vehicle, s.to_us), ""),
                   [(names.state(key), h) for key, h in sorted(s.waits.items())]) for s in stops],
    }  # fmt: skip


def the_holdings_causes(moments: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the operation behind each change of a unit's state."""
    from railtrace.web.holdings.lists import the_holdings

    return the_holdings().causes(moments)


def _hours(told: Period, asked: Choice, names: Names) -> dict[str, Any]:
    km = told.km
    rows = [(v.unit, told.hours.get(v.unit), km[v.unit]) for v in told.vehicles]
    rows.sort(key=lambda row: -(row[1].active + row[1].waiting if row[1] else 0))
    return {"vehicle_hours": rows[:_MOST_BEHIND], "all": len(rows)}


_BEHIND: dict[str, Callable[[Period, Choice, Names], dict[str, Any]]] = {
    "failures": _failed, "incidents": _incidents, "repairs": _repairs, "hours": _hours,
}  # fmt: skip


# --- export -------------------------------------------------------------------------------------


COLUMNS = (
    _("Group"), _("Indicator"), _("Unit of measure"), _("Value"), _("Lower bound"),
    _("Upper bound"), _("Events"), _("Grade of evidence"), _("From"), _("To"), _("Source"),
)  # fmt: skip


@allowed("read")
def indicators_csv(request: HttpRequest) -> HttpResponse:
    """Return the indicators of the fleet and of each group as CSV."""
    names = the_names()
    asked = choice(request, names.catalogue)
    return saved(request, "indicators", COLUMNS, _cells(asked, asked.period(), names))


def _cells(asked: Choice, told: Period, names: Names) -> Iterator[Cells]:
    for group, some in _parts(asked, told, names):
        service = some.service(asked.failure_classes, asked.delay_min)
        for indicator in INDICATORS:
            found = indicator.of(service)
            yield [
                group, gettext(INDICATOR_NAMES[indicator.key]), gettext(UNITS[indicator.unit]),
                *("" if v is None or isinf(v) else f"{v:.6g}"
                  for v in (found.value, found.low, found.high)),
                found.events, found.evidence, asked.first, asked.last,
                standard(indicator.source, names.language),
            ]  # fmt: skip


def _parts(asked: Choice, told: Period, names: Names) -> list[tuple[str, Period]]:
    found = [(gettext("all"), told)]
    for key in sorted({getattr(v, asked.by) for v in asked.vehicles}) if asked.by else ():
        mine = told.of(v.unit for v in asked.vehicles if getattr(v, asked.by) == key)
        found.append((group_name(asked.by, key, names), mine))
    return found
