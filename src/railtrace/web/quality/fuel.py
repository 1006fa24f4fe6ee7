"""The fuel page: what runs burnt against norms, by series, unit, route and season; no people."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.fuel import Norm, Use
from railtrace.store.fuel import Cell, FuelBook, FuelRun, fuel_book, fuel_runs
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.quality.asked import (
    GROUPS,
    SEASONS,
    Asked,
    asked,
    number,
    offered,
    sent_as_csv,
    vehicles_of,
)
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

_CELLS = 120
_WIDEST = 0.3
"""How far from the norm the drawn band reaches to each side."""


@dataclass(frozen=True)
class Line:
    """One group against its norms, with its band in hundredths of the drawing."""

    name: str
    use: Use
    unit: str = ""

    @property
    def left(self) -> float:
        """Where the band begins."""
        return _along(self.use.low)

    @property
    def width(self) -> float:
        """How wide it is."""
        return max(_along(self.use.high) - self.left, 0.5)

    @property
    def middle(self) -> float:
        """Where the ratio stands."""
        return _along(self.use.ratio)

    @property
    def over_percent(self) -> float | None:
        """How much more than the norm was burnt, in per cent."""
        return None if self.use.ratio is None else 100 * (self.use.ratio - 1)


def _along(ratio: float | None) -> float:
    return 50 + 50 * max(-1.0, min(1.0, ((ratio or 1) - 1) / _WIDEST))


@allowed("read")
def fuel(request: HttpRequest) -> HttpResponse:
    """Show the fuel of recorded runs."""
    one, names = asked(request, ("locomotive", "special")), the_names()
    book, offer = _book(one)
    grouped = {key: _lines(book, names, key) for key in GROUPS}
    context = {
        "section": "fleet", "names": names, "tab_of": "fuel", **offered(names, offer),
        "book": book, "all": Line("", book.all_use()) if book.runs else None,
        "grouped": [(key, GROUPS[key], grouped[key]) for key in GROUPS],
        "cells": _cells_said(book, names)[:_CELLS], "all_cells": len(book.cells),
    }  # fmt: skip
    return render(request, "quality/fuel.html", context)


def _book(one: Asked) -> tuple[FuelBook, dict[str, Any]]:
    app = the_app()
    vehicles, offer = vehicles_of(one)
    runs, without = fuel_runs(app.lookup, vehicles, one.since_us, home_zone())
    return fuel_book(app.catalogue(), runs, without), offer


def _lines(book: FuelBook, names: Names, key: str) -> list[Line]:
    keys: dict[str, Callable[[FuelRun], str]] = {
        "type": lambda run: names.type(run.vehicle.type),
        "depot": lambda run: site_name(run.vehicle.home_site),
        "route": lambda run: run.route,
        "season": lambda run: gettext(SEASONS[run.season]),
        "unit": lambda run: number(run.vehicle),
    }
    if not book.runs:
        return []
    unit_of = {number(r.vehicle): r.vehicle.unit for r in book.runs} if key == "unit" else {}
    lines = [Line(name, use, unit_of.get(name, "")) for name, use in book.use(keys[key]).items()]
    return sorted(lines, key=lambda line: -(line.use.low or 0)) if key == "unit" else lines


def _cells_said(
    book: FuelBook, names: Names
) -> list[tuple[str, str, str, Cell, Norm | None, Any]]:
    """Return (type, route, season, cell, norm, catalogue row) of each cell."""
    rows = names.catalogue.fuel_norms
    return [
        (names.type(cell.type), cell.route, gettext(SEASONS[cell.season]), cell, norm,
         rows.get(norm.row) if norm else None)
        for cell, norm in sorted(zip(book.cells, book.norms, strict=True), key=lambda pair: (
            pair[0].type, pair[0].route, pair[0].season, pair[0].mass_from_t))
    ]  # fmt: skip


_HEADINGS = (
    _("By"), _("Name"), _("Runs"), _("Work [10⁴ t·km]"), _("Fuel [kg]"), _("By the norm [kg]"),
    _("Of the norm"), _("Lower bound"), _("Upper bound"), _("Runs without a norm"),
)  # fmt: skip


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the groups of the fuel page as CSV."""
    one, names = asked(request, ("locomotive", "special")), the_names()
    return sent_as_csv("fuel", _rows(_book(one)[0], names))


def _rows(book: FuelBook, names: Names) -> Iterable[Sequence[object]]:
    yield [gettext(word) for word in _HEADINGS]
    for key, word in GROUPS.items():
        for line in _lines(book, names, key):
            use = line.use
            yield [
                gettext(word), line.name or "—", use.runs, f"{use.work:.2f}", f"{use.fuel:.0f}",
                f"{use.expected:.0f}",
                *("" if x is None else f"{x:.4f}" for x in (use.ratio, use.low, use.high)),
                use.bare,
            ]  # fmt: skip
