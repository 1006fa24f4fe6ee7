"""Passenger comfort: faults per 1,000 coach-hours, kept apart from safety."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from scipy.stats import chi2

from railtrace.catalogue.rows import ComfortFault
from railtrace.store.faults import Fault, faults
from railtrace.store.lookup import Maintained
from railtrace.web.fleet import site_name, the_names
from railtrace.web.names import Names
from railtrace.web.quality.asked import asked, number, offered, sent_as_csv, vehicles_of
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

_SHOWN = 100
_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Rate:
    """Faults for a thousand coach-hours with the exact interval that holds nine times in ten."""

    name: str
    faults: int
    hours: float
    unit: str = ""

    @property
    def value(self) -> float | None:
        """The rate; None where nothing ran."""
        return 1000 * self.faults / self.hours if self.hours > 0 else None

    @property
    def low(self) -> float | None:
        """The lower bound of the interval."""
        if self.hours <= 0:
            return None
        return 500 * float(chi2.ppf(0.05, 2 * self.faults)) / self.hours if self.faults else 0.0

    @property
    def high(self) -> float | None:
        """The upper bound of the interval."""
        if self.hours <= 0:
            return None
        return 500 * float(chi2.ppf(0.95, 2 * self.faults + 2)) / self.hours


@dataclass(frozen=True)
class Comfort:
    """Comfort faults of coaches, the hours they ran, and what was left out and why."""

    faults: list[tuple[Fault, ComfortFault]]
    hours: dict[str, float]
    untimed: int
    safety: int
    other: int
    vehicles: list[Maintained]


@allowed("read")
def comfort(request: HttpRequest) -> HttpResponse:
    """Show the comfort of coaches."""
    one, names = asked(request, ("coach",)), the_names()
    vehicles, offer = vehicles_of(one)
    found = _comfort(vehicles, one.since_us)
    units = sorted(_by(found, number), key=lambda rate: (-(rate.low or 0), rate.name))
    context = {
        "section": "fleet", "names": names, "tab_of": "comfort", **offered(names, offer),
        "found": found, "all": Rate("", len(found.faults), sum(found.hours.values())),
        "kinds": _by_kind(found, names),
        "by_type": _by(found, lambda v: names.type(v.type)),
        "by_depot": _by(found, lambda v: site_name(v.home_site)),
        "units": [rate for rate in units if rate.faults][:_SHOWN],
        "latest": [(fault, row.name(names.language), number(fault.vehicle))
                   for fault, row in found.faults[:_SHOWN]],
    }  # fmt: skip
    return render(request, "quality/comfort.html", context)


def _comfort(vehicles: list[Maintained], since_us: int) -> Comfort:
    app = the_app()
    known, kept, safety, other = app.catalogue().comfort_of, [], 0, 0
    for fault in faults(app.lookup, vehicles, since_us):
        row = known.get(str(fault.row["what"]).casefold())
        if fault.row["safety"]:
            safety += 1
        elif row is None or fault.vehicle.vehicle_class not in row.vehicle_classes:
            other += 1
        else:
            kept.append((fault, row))
    hours, untimed = _hours([v.unit for v in vehicles], since_us)
    return Comfort(kept, hours, untimed, safety, other, vehicles)


def _hours(units: Sequence[str], since_us: int) -> tuple[dict[str, float], int]:
    """Return the hours that coaches ran; a run without a beginning gives none and is counted."""
    hours: dict[str, float] = {}
    untimed = 0
    for unit, at_us, started_us in the_app().lookup.run_times(units, since_us):
        if started_us is None:
            untimed += 1
        else:
            hours[unit] = hours.get(unit, 0.0) + (at_us - max(started_us, since_us)) / _HOUR_US
    return hours, untimed


def _by_kind(found: Comfort, names: Names) -> list[Rate]:
    hours = sum(found.hours.values())
    rows = sorted(names.catalogue.comfort_faults.values(), key=lambda row: (row.order, row.key))
    return [
        Rate(row.name(names.language), sum(one is row for _, one in found.faults), hours)
        for row in rows
    ]


def _by(found: Comfort, name: Callable[[Maintained], str]) -> list[Rate]:
    hours: dict[str, float] = {}
    counts: dict[str, int] = {}
    unit_of: dict[str, str] = {}
    for vehicle in found.vehicles:
        key = name(vehicle)
        hours[key] = hours.get(key, 0.0) + found.hours.get(vehicle.unit, 0.0)
        unit_of[key] = vehicle.unit
    for fault, _row in found.faults:
        key = name(fault.vehicle)
        counts[key] = counts.get(key, 0) + 1
    single = len(unit_of) == len(found.vehicles)
    return [
        Rate(key, counts.get(key, 0), hours[key], unit_of[key] if single else "")
        for key in sorted(hours)
    ]


_HEADINGS = (_("By"), _("Name"), _("Faults"), _("Coach-hours"), _("For 1000 coach-hours"),
             _("Lower bound"), _("Upper bound"))  # fmt: skip


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the rates as CSV."""
    one, names = asked(request, ("coach",)), the_names()
    vehicles, _offer = vehicles_of(one)
    return sent_as_csv("comfort", _rows(_comfort(vehicles, one.since_us), names))


def _rows(found: Comfort, names: Names) -> Iterable[Sequence[object]]:
    yield [gettext(word) for word in _HEADINGS]
    parts: dict[str, list[Rate]] = {
        _("Kind"): _by_kind(found, names), _("Type"): _by(found, lambda v: names.type(v.type)),
        _("Depot"): _by(found, lambda v: site_name(v.home_site)), _("Unit"): _by(found, number),
    }  # fmt: skip
    for word, rates in parts.items():
        for rate in rates:
            yield [gettext(word), rate.name, rate.faults, f"{rate.hours:.1f}",
                   *("" if x is None else f"{x:.4f}"
                     for x in (rate.value, rate.low, rate.high))]  # fmt: skip
