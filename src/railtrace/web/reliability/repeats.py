"""Failures that come back: after repairs by depot and kind, at one place, and on which units."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.store.lives import counters_of
from railtrace.store.repeats import (
    AfterRepairs,
    after_repairs,
    come_back,
    offenders,
    repairs,
)
from railtrace.store.service import Failure, Period
from railtrace.web import words
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.reliability.choice import CLASSES, Choice, choice, class_words, group_name
from railtrace.web.reliability.indicators import passports
from railtrace.web.reliability.words import EVIDENCE
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import Cells, saved

USUAL = {"days": 100.0, "km": 10_000.0}
MOST = {"days": 3650.0, "km": 1_000_000.0}
SPANS = {"days": _("days"), "km": _("kilometres")}
_MOST_SHOWN = 100
COLUMNS = (
    _("Home depot"), _("Repair"), _("Repairs"), _("Failed within it"), _("Of a hundred"),
    _("Drawn to the others"), _("Lower bound"), _("Upper bound"), _("Grade of evidence"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Repairs of a kind at a depot in words."""

    told: AfterRepairs
    depot: str
    raw: str
    drawn: str
    interval: str
    evidence: str


@dataclass(frozen=True)
class Asked:
    """The fleet chosen and within what a failure counts as one that came back."""

    choice: Choice
    by: str
    horizon: float
    corrected: str


@allowed("read")
def repeats(request: HttpRequest) -> HttpResponse:
    """Show what came back in a fleet."""
    names = the_names()
    asked = _asked(request)
    told, failures, rows = _read(asked)
    back = come_back(failures, asked.horizon if asked.by == "days" else USUAL["days"])
    worst = offenders(told, failures)
    units = {f.vehicle for pair in back[:_MOST_SHOWN] for f in (pair.first, pair.second)}
    units |= {one.vehicle for one in worst} | {r.vehicle for row in rows for r, _f in row.first}
    context: dict[str, Any] = {
        "section": "reliability", "tab": "repeats", "names": names, "asked": asked.choice,
        "by": asked.by, "horizon": asked.horizon, "corrected": asked.corrected, "spans": SPANS,
        "classes": {key: words.CLASSES[key] for key in CLASSES},
        "class_words": class_words(names),
        "types": [(key, group_name("type", key, names)) for key in asked.choice.types],
        "depots": [(key, group_name("home_site", key, names)) for key in asked.choice.depots],
        "rows": [_row(row, names.language) for row in rows], "back": back[:_MOST_SHOWN],
        "all_back": len(back), "offenders": worst, "passports": passports(units),
        "back_days": asked.horizon if asked.by == "days" else USUAL["days"],
        "query_string": request.GET.urlencode(),
    }  # fmt: skip
    return render(request, "reliability/repeats.html", context)


def _asked(request: HttpRequest) -> Asked:
    by = request.GET.get("span", "")
    by = by if by in SPANS else "days"
    text = request.GET.get("within", "")
    try:
        wanted = float(text.replace("\u00a0", "").replace(" ", "").replace(",", ".") or USUAL[by])
    except ValueError:
        wanted = -1.0
    said = ""
    if not 0 < wanted <= MOST[by]:
        said = gettext("{text} is no span: give a number above zero; {usual} is used").format(
            text=text[:40], usual=f"{USUAL[by]:g}")  # fmt: skip
        wanted = USUAL[by]
    chosen = choice(request, the_names().catalogue)
    return Asked(chosen, by, wanted, said or chosen.corrected)


def _read(asked: Asked) -> tuple[Period, tuple[Failure, ...], list[AfterRepairs]]:
    app, chosen = the_app(), asked.choice
    told = chosen.period()
    failures = told.counted(chosen.failure_classes)
    done = repairs(app.views.database, app.catalogue(), chosen.vehicles, told.from_us, told.to_us)
    counters = counters_of(app.lookup, chosen.vehicles) if asked.by == "km" else None
    return told, failures, after_repairs(told, failures, done, asked.horizon, counters)


def _row(told: AfterRepairs, language: str) -> Row:
    def share(value: float) -> str:
        return figure(100 * value, language, 1)

    return Row(
        told, group_name("home_site", told.depot, the_names()), share(told.raw),
        share(told.chance), f"{share(told.low)} – {share(told.high)}",
        gettext(EVIDENCE[told.evidence]),
    )  # fmt: skip


@allowed("read")
def repeats_csv(request: HttpRequest) -> HttpResponse:
    """Return what followed repairs as CSV, shares unrounded."""
    return saved(request, "after-repairs", COLUMNS, _cells(_read(_asked(request))[2]))


def _cells(rows: list[AfterRepairs]) -> Iterator[Cells]:
    names = the_names()
    for row in rows:
        yield [
            group_name("home_site", row.depot, names), row.kind, row.repairs, row.failed, row.raw,
            row.chance, row.low, row.high, row.evidence,
        ]  # fmt: skip
