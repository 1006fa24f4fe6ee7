"""The fleet's page: component types by failures, and the units least likely to come through."""

from dataclasses import dataclass
from math import floor, log10

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop as _

from railtrace.errors import NotFound
from railtrace.projections.passport import Passport
from railtrace.store.reliability import (
    ComponentRow,
    FleetReliability,
    all_answers,
    component_rows,
)
from railtrace.web import words
from railtrace.web.figures import figure
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.reliability.choice import CLASSES
from railtrace.web.reliability.computed import computed, owners
from railtrace.web.reliability.words import EVIDENCE
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import saved

USUAL_KM = 500.0
MOST_KM = 20_000.0
_WORST = 25
COLUMNS = (
    _("Component"), _("Failures"), _("Kilometres"), _("Failures per 10⁶ km"), _("Lower bound"),
    _("Upper bound"), _("Grade of evidence"), _("Table, SHA-256"),
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A component row with its interval as shares of the widest one."""

    row: ComponentRow
    name: str
    millions: float
    left: float
    width: float
    middle: float
    evidence: str
    rate: str
    interval: str


@dataclass(frozen=True)
class Unit:
    """A unit in the list of the least likely to come through."""

    passport: Passport
    name: str
    reliability: float
    low: float
    high: float
    missing: int


@allowed("read")
def reliability(request: HttpRequest) -> HttpResponse:
    """Show a class: component types with intervals, units by the chance of a run."""
    vehicle_class = _class_of(request)
    owned = owners(vehicle_class)
    owner = request.GET.get("owner", owned[0])
    distance = distance_km(request)
    names = the_names()
    context = {
        "classes": {key: words.CLASSES[key] for key in CLASSES},
        "vehicle_class": vehicle_class, "distance_km": distance, "names": names,
        "owners": owned, "owner": owner, "tab": "runs",
    }  # fmt: skip
    try:
        fleet = computed(vehicle_class, owner)
    except NotFound as error:
        context["nothing"] = in_words(error)
        return render(request, "reliability/fleet.html", context)
    context |= {
        "bars": _bars(component_rows(fleet), names), "fleet": fleet,
        "failures": round(float(fleet.table.failures.sum())),
        "units": [] if fleet.hazard is None else _worst(fleet, distance, names),
        "vehicles": len({place.vehicle for place in fleet.lives.places}),
        "spread": None if fleet.hazard is None else fleet.hazard.frailty_sd,
    }  # fmt: skip
    return render(request, "reliability/fleet.html", context)


def _class_of(request: HttpRequest) -> str:
    asked = request.GET.get("class", CLASSES[0])
    return asked if asked in CLASSES else CLASSES[0]


def distance_km(request: HttpRequest) -> float:
    """Return the distance asked for, the usual one when none or no sensible one is."""
    try:
        asked = float(request.GET.get("km", "").replace(",", ".").replace(" ", ""))
    except ValueError:
        return USUAL_KM
    return asked if 0 < asked <= MOST_KM else USUAL_KM


def _bars(rows: list[ComponentRow], names: Names) -> list[Bar]:
    widest = max((row.high for row in rows), default=1.0) or 1.0
    return [
        Bar(row, names.type(row.component), row.exposure_km / 1e6, 100 * row.low / widest,
            100 * (row.high - row.low) / widest, 100 * row.rate / widest,
            EVIDENCE[row.evidence], *_told(row, names.language))
        for row in rows
    ]  # fmt: skip


def _told(row: ComponentRow, language: str) -> tuple[str, str]:
    """Return a rate and its interval with two digits that say something; no failure is a bound."""
    places = max(2, 1 - floor(log10(row.high))) if row.high > 0 else 2

    def number(value: float) -> str:
        return figure(value, language, places)

    if not row.failures:
        return "—", f"≤ {number(row.high)}"
    return number(row.rate), f"{number(row.low)} – {number(row.high)}"


def _worst(fleet: FleetReliability, distance: float, names: Names) -> list[Unit]:
    units, answer = all_answers(fleet, distance)
    told, low, high = (fleet.stacked(some, distance)
                       for some in (answer.reliability, answer.low, answer.high))  # fmt: skip
    order = sorted(range(len(units)), key=lambda n: (told[n], units[n]))[:_WORST]
    knowledge = the_app().knowledge()
    knowledge.load([units[n] for n in order])
    found: list[Unit] = []
    for n in order:
        passport = knowledge.passport(units[n])
        found.append(Unit(
            passport, names.unit(passport), float(told[n]), float(low[n]), float(high[n]),
            int(answer.missing[n]),
        ))  # fmt: skip
    return found


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Return the component types of a class as CSV, with what they stand on."""
    vehicle_class = _class_of(request)
    fleet = computed(vehicle_class, request.GET.get("owner", owners(vehicle_class)[0]))
    names = the_names()
    return saved(request, "components", COLUMNS, ([
        names.type(row.component), row.failures, round(row.exposure_km), f"{row.rate:.4g}",
        f"{row.low:.4g}", f"{row.high:.4g}", row.evidence, fleet.standing.table_sha256,
    ] for row in component_rows(fleet)))  # fmt: skip
