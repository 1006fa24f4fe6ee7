"""The analysis bench: one component type of a fleet, by groups, in four pictures and a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, log
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.estimates import Fits, gamma_percent_life, parameters
from railtrace.analysis.indicators import Figure, rate
from railtrace.analysis.nonparametric import kaplan_meier
from railtrace.analysis.recurrence import compare_means, histories, mean_cumulative
from railtrace.analysis.repeats import shrunken_rates
from railtrace.analysis.trend import laplace
from railtrace.analysis.weibull import fit_right_censored
from railtrace.errors import BadData
from railtrace.store.bench import MILLION_KM, Group, groups
from railtrace.store.lives import FleetLives, lives_of
from railtrace.store.service import Failure
from railtrace.web import words
from railtrace.web.accounts import reader
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.models import SavedFilter
from railtrace.web.names import Names
from railtrace.web.plot import Axis, Plot, linear, logarithmic
from railtrace.web.reliability.choice import (
    CLASSES,
    Choice,
    choice,
    class_words,
    group_name,
)
from railtrace.web.reliability.indicators import passports, written
from railtrace.web.reliability.words import EVIDENCE
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import Cells, saved

BY = {
    "": _("not grouped"), "type": _("Series"), "home_site": _("Home depot"),
    "maker": _("Maker"), "batch": _("Batch"),
}  # fmt: skip
LOOKS = ("plot-line", "plot-line-2", "plot-line-3")
_FEWEST_FOR_SHAPE = 5
_MOST_SAVED, _MOST_SHOWN = 30, 200
_PARETO = 12
_AGE_BINS = 8
_MOST_NAMED = 6
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.99)


@dataclass(frozen=True, eq=False)
class Row:
    """A group in words, with what was fitted; `why` says why a shape is not told."""

    group: Group
    name: str
    look: str
    rate: tuple[str, str]
    drawn_rate: str
    shape: tuple[str, str]
    scale: str
    life: str
    why: str
    evidence: str
    trend: str
    trend_p: float | None
    differs_p: float | None
    fits: Fits | None

    @property
    def millions(self) -> float:
        """Million kilometres of all components."""
        return self.group.km / MILLION_KM


@allowed("read")
def bench(request: HttpRequest) -> HttpResponse:
    """Show lives of a component type of the fleet chosen, by groups."""
    names = the_names()
    asked = choice(request, names.catalogue)
    by = request.GET.get("by", "")
    by = by if by in BY else ""
    failures, lives, component, mode = _looked_at(request, asked, names)
    mine = [f for f in failures if f.component == component]
    rows = _rows(lives, component, by, mode, failures, names)
    context: dict[str, Any] = {
        "section": "reliability", "tab": "bench", "names": names, "asked": asked, "by": by,
        "classes": {key: words.CLASSES[key] for key in CLASSES}, "by_words": BY,
        "class_words": class_words(names), "rows": rows, "component": component, "mode": mode,
        "components": _often([f.component for f in failures], lives.components, names),
        "modes": Counter(f.mode for f in mine).most_common(),
        "types": [(key, group_name("type", key, names)) for key in asked.types],
        "depots": [(key, group_name("home_site", key, names)) for key in asked.depots],
        "charts": _charts(rows, mine, names), "query_string": request.GET.urlencode(),
        "saved": _saved(request),
        "operations": [f for f in mine if not mode or f.mode == mode][::-1][:_MOST_SHOWN],
    }  # fmt: skip
    context["passports"] = passports(f.vehicle for f in context["operations"])
    return render(request, "reliability/bench.html", context)


def _looked_at(
    request: HttpRequest, asked: Choice, names: Names
) -> tuple[list[Failure], FleetLives, str, str]:
    app = the_app()
    told = asked.period()
    failures = [f for f in told.counted(asked.failure_classes) if f.component]
    lives = lives_of(app.lookup, names.catalogue, asked.vehicles, asked.to_us, asked.from_us)
    component = request.GET.get("component", "")
    if component not in lives.components:
        often = Counter(f.component for f in failures if f.component in lives.components)
        component = often.most_common(1)[0][0] if often else next(iter(lives.components), "")
    mode = request.GET.get("mode", "")
    known = {f.mode for f in failures if f.component == component}
    return failures, lives, component, mode if mode in known else ""


def _often(failed: Sequence[str], known: Sequence[str], names: Names) -> list[tuple[str, str, int]]:
    count = Counter(failed)
    rows = [(key, names.type(key), count[key]) for key in known]
    return sorted(rows, key=lambda row: (-row[2], row[1]))


# --- table --------------------------------------------------------------------------------------


def _rows(
    lives: FleetLives, component: str, by: str, mode: str, failures: Sequence[Failure],
    names: Names,
) -> list[Row]:  # fmt: skip
    found = groups(the_app().views.database, lives, component, by,
                   {f.operation: f.mode for f in failures}, mode)  # fmt: skip
    found = sorted((g for g in found if g.km > 0), key=lambda g: (-len(g.event_km), g.key))
    if not found:
        return []
    drawn = shrunken_rates([len(g.event_km) for g in found], [g.km for g in found])
    return [
        _row(group, LOOKS[n] if n < len(LOOKS) else "", by,
             float(drawn.rate[n]) * MILLION_KM, found, names)
        for n, group in enumerate(found)
    ]  # fmt: skip


def _row(
    group: Group, look: str, by: str, drawn: float, every: Sequence[Group], names: Names
) -> Row:
    fits, why = _fitted(group)
    shape, scale, life = ("—", ""), "—", "—"
    if fits is not None:
        told = parameters(fits)
        b = told["shape"]
        shape = (figure(float(b.estimate[0]), names.language, 2),
                 f"{figure(float(b.low[0]), names.language, 2)} – "
                 f"{figure(float(b.high[0]), names.language, 2)}")  # fmt: skip
        scale = figure(float(told["scale"].estimate[0]), names.language, 0)
        life = figure(float(gamma_percent_life(fits, 0.9).estimate[0]), names.language, 0)
    trend = _trend(group)
    return Row(
        group, group_name(by, group.key, names) if by else gettext("all"), look,
        written(group.rate, "", names.language), figure(drawn, names.language, 2), shape, scale,
        life, why, gettext(EVIDENCE[group.rate.evidence]), _trend_words(trend), trend[1],
        _differs(group, every), fits,
    )  # fmt: skip


def _fitted(group: Group) -> tuple[Fits | None, str]:
    """Return the Weibull law of a group, or why none is told."""
    events = int(np.sum(group.failed))
    if not len(group.leave_km):
        return None, gettext("no age is known: shape and life cannot be told")
    if events < _FEWEST_FOR_SHAPE:
        return None, gettext("{n} failures at a known age: too few for a shape").format(n=events)
    try:
        fits = fit_right_censored(group.lives(), reduced_bias=True)
    except BadData as error:
        return None, in_words(error)
    return (fits, "") if not fits.why[0] else (None, str(fits.why[0]))


def _trend(group: Group) -> tuple[float, float | None]:
    if len(group.event_km) < _FEWEST_FOR_SHAPE:
        return 0.0, None
    found = laplace(group.histories())
    p = float(found.p_value[0])
    return float(found.statistic[0]), p if isfinite(p) else None


def _trend_words(trend: tuple[float, float | None]) -> str:
    statistic, p = trend
    if p is None:
        return "—"
    if p > 0.1:
        return gettext("none visible")
    return gettext("sooner and sooner") if statistic > 0 else gettext("later and later")


def _differs(group: Group, every: Sequence[Group]) -> float | None:
    """Return the chance of so great a difference to all the others if there were none."""
    rest = [other for other in every if other is not group]
    if not rest or len(group.event_km) + sum(len(o.event_km) for o in rest) < _FEWEST_FOR_SHAPE:
        return None
    shift = np.cumsum([0, *(len(o.system_km) for o in rest)])
    others = histories(
        np.concatenate([o.system_km for o in rest]), np.concatenate([o.event_km for o in rest]),
        np.concatenate([o.event_system + s for o, s in zip(rest, shift, strict=False)]),
    )  # fmt: skip
    try:
        p = compare_means(group.histories(), others).p_value
    except BadData:
        return None
    return p if isfinite(p) else None


# --- pictures -----------------------------------------------------------------------------------


def _charts(rows: Sequence[Row], mine: Sequence[Failure], names: Names) -> dict[str, str]:
    drawn = [row for row in rows if row.look]
    return {
        "probability": _probability(drawn, names), "hazard": _hazard(drawn, names),
        "mcf": _mcf(drawn, names), "pareto": _pareto(mine, names),
    }  # fmt: skip


def _weibull_share(share: float) -> float:
    return log(-log(1 - share))


def _probability(rows: Sequence[Row], names: Names) -> str:
    """Weibull paper: failed share against age, both bent so that a Weibull law is a line."""
    curves = []
    for row in rows:
        if int(np.sum(row.group.failed)):
            curve = kaplan_meier(row.group.lives())
            keep = (curve.survival > 0) & (curve.survival < 1)
            if keep.any():
                curves.append((row, curve.age[keep], 1 - curve.survival[keep]))
    if not curves:
        return ""
    ages = np.concatenate([ages for _, ages, _ in curves])
    x = logarithmic(gettext("age, km"), [float(a) for a in ages], names.language)
    shares = np.concatenate([s for *_, s in curves])
    low, high = min(float(shares.min()), 0.05), max(float(shares.max()), 0.5)
    ticks = tuple((s, f"{figure(f'{100 * s:g}', names.language)} %") for s in _SHARES
                  if low * 0.9 <= s <= high * 1.1)  # fmt: skip
    y = Axis(gettext("failed"), low, min(high, 0.995), ticks, _weibull_share)
    plot = Plot(x, y, gettext("Probability plot"))
    for row, age, share in curves:
        for a, s in zip(age, share, strict=True):
            plot.dot(float(a), float(s), f"{row.name}: {figure(float(a), names.language, 0)}",
                     "plot-dot" if row.look == LOOKS[0] else "plot-dot-2")  # fmt: skip
        if row.fits is not None:
            plot.line(_law_line(row.fits, x, y), row.look)
    return plot.svg()


def _law_line(fits: Fits, x: Axis, y: Axis) -> list[tuple[float, float]]:
    scale, spread = float(fits.theta[0, 0]), exp(float(fits.theta[0, 1]))
    found = []
    for age in np.geomspace(x.low, x.high, 60):
        share = -np.expm1(-exp(min((log(age) - scale) / spread, 5.0)))
        if y.low <= share <= y.high:
            found.append((float(age), float(share)))
    return found


def _hazard(rows: Sequence[Row], names: Names) -> str:
    """Failures per million kilometres by age, bounds exact; the fitted law as a line."""
    known = [row for row in rows if len(row.group.leave_km)]
    if not known:
        return ""
    oldest = max(float(row.group.leave_km.max()) for row in known)
    edges = np.linspace(0, oldest, _AGE_BINS + 1)
    bars = [(row, _by_age(row.group, edges)) for row in known]
    heights = [f.value or 0 for _, figures in bars for f in figures] + [
        f.high for _, figures in bars for f in figures if f.events
    ]
    x = linear(gettext("age, km"), [oldest], names.language)
    plot = Plot(x, linear(gettext("failures per 10⁶ km"), heights or [1.0], names.language),
                gettext("Hazard by age"))  # fmt: skip
    for _row, figures in bars[:1]:
        ends = [(float(e), f) for n, f in enumerate(figures) for e in edges[n : n + 2]
                if f.high < 1e300]  # fmt: skip
        plot.band([(e, f.low) for e, f in ends], [(e, f.high) for e, f in ends])
    for row, figures in bars:
        points = [(float(e), f.value or 0.0) for n, f in enumerate(figures)
                  for e in edges[n : n + 2]]  # fmt: skip
        plot.line(points, row.look)
        if row.fits is not None:
            plot.line(_law_hazard(row.fits, oldest, plot.y.high), "plot-line-3")
    return plot.svg()


def _by_age(group: Group, edges: np.ndarray) -> list[Figure]:
    found = []
    for low, high in pairwise(edges):
        inside = np.minimum(group.leave_km, high) - np.maximum(group.entry_km, low)
        failed = group.failed & (group.leave_km > low) & (group.leave_km <= high)
        found.append(rate(int(failed.sum()), float(np.maximum(inside, 0).sum()), MILLION_KM))
    return found


def _law_hazard(fits: Fits, oldest: float, top: float) -> list[tuple[float, float]]:
    scale, shape = exp(float(fits.theta[0, 0])), exp(-float(fits.theta[0, 1]))
    ages = np.linspace(oldest / 200, oldest, 100)
    rates = MILLION_KM * shape / scale * (ages / scale) ** (shape - 1)
    return [(float(a), float(r)) for a, r in zip(ages, rates, strict=True) if r <= top]


def _mcf(rows: Sequence[Row], names: Names) -> str:
    """Mean failures of one component against kilometres under watch, with 90 % bands."""
    curves = []
    for row in rows:
        if len(row.group.event_km):
            curve = mean_cumulative(row.group.histories())
            curves.append((row, curve.age, curve.bounded(), float(row.group.system_km.max())))
    if not curves:
        return ""
    x = linear(gettext("kilometres under watch"), [end for *_, end in curves], names.language)
    tops = [float(np.nanmin([b.high.max(), 2.5 * b.estimate.max()])) for _, _, b, _ in curves]
    plot = Plot(x, linear(gettext("failures of one component"), tops, names.language),
                gettext("Mean cumulative function"))  # fmt: skip
    for n, (row, age, told, end) in enumerate(curves):
        def stair(values: Any, age: Any = age, end: float = end) -> list[tuple[float, float]]:
            return [(0.0, 0.0), *zip(age.tolist(), values.tolist(), strict=True),
                    (end, float(values[-1]))]  # fmt: skip

        plot.band(stair(told.low), stair(told.high), "plot-band" if n == 0 else "plot-band-2",
                  steps=True)  # fmt: skip
        plot.line(stair(told.estimate), row.look, steps=True)
    return plot.svg()


def _pareto(mine: Sequence[Failure], names: Names) -> str:
    """Failures by mode, the most frequent first, with the share they make up together."""
    counted = Counter(f.mode for f in mine).most_common(_PARETO)
    if not counted:
        return ""
    total = len(mine)
    ticks = tuple((n + 0.5, _short(mode)) for n, (mode, _c) in enumerate(counted))
    x = Axis("", 0, len(counted), ticks if len(counted) <= _MOST_NAMED else ())
    plot = Plot(x, linear(gettext("failures"), [total], names.language), gettext("Pareto"))
    running = 0
    points = []
    for n, (mode, count) in enumerate(counted):
        plot.bar(n + 0.1, n + 0.9, count, f"{mode}: {count}")
        running += count
        points.append((n + 0.5, float(running)))
    plot.line(points, "plot-line-3")
    return plot.svg()


def _short(text: str) -> str:
    return text if len(text) <= 14 else text[:13] + "…"


# --- saved and exported -------------------------------------------------------------------------


def _saved(request: HttpRequest) -> Any:
    return SavedFilter.objects.filter(user=reader(request), page="bench")


@allowed("read")
def save(request: HttpRequest) -> HttpResponse:
    """Keep a question under a name, or forget one."""
    query, name = request.POST.get("query", "")[:2000], request.POST.get("name", "").strip()[:80]
    mine = _saved(request)
    if forget := request.POST.get("forget"):
        mine.filter(name=forget).delete()
    elif name and (mine.count() < _MOST_SAVED or mine.filter(name=name).exists()):
        SavedFilter.objects.update_or_create(
            user=reader(request), page="bench", name=name, defaults={"query": query}
        )
    return redirect(f"{reverse('bench')}?{query}")


@allowed("read")
def bench_csv(request: HttpRequest) -> HttpResponse:
    """Return the pieces of lives that the pictures are made of, for any other program.

    The columns are those of `railtrace life`: unit, entry, time, event, group.
    """
    names = the_names()
    asked = choice(request, names.catalogue)
    by = request.GET.get("by", "")
    failures, lives, component, mode = _looked_at(request, asked, names)
    found = groups(the_app().views.database, lives, component, by if by in BY else "",
                   {f.operation: f.mode for f in failures}, mode)  # fmt: skip
    head = ["unit", "entry", "time", "event", "group"]
    rows: list[Cells] = [
        [f"{component}-{n}", f"{entry:.3f}", f"{leave:.3f}", int(failed), group.key or "all"]
        for group in found
        for n, (entry, leave, failed) in enumerate(
            zip(group.entry_km, group.leave_km, group.failed, strict=True)
        )
    ]
    return saved(request, f"lives-{component}", head, rows)
