"""What a reader of the pages of operation quality asks for, and how their tables are sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_noop as _

from railtrace.store.dues import GONE
from railtrace.store.lookup import Maintained
from railtrace.trace.leaf import microseconds
from railtrace.web.figures import number_as_painted
from railtrace.web.fleet import site_name
from railtrace.web.names import Names
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import csv_file

MONTHS = (1, 3, 6, 12, 36)
TABS = {
    "quality": _("Violations"), "fuel": _("Fuel"), "comfort": _("Comfort"),
    "alarms": _("Wayside alarms"), "origins": _("Origins of failures"),
}  # fmt: skip
GROUPS = {
    "type": _("Type"), "depot": _("Depot"), "route": _("Route"), "season": _("Season"),
    "unit": _("Unit"),
}  # fmt: skip
"""What a table of the room may be grouped by."""
SEASONS = {
    "winter": _("winter"), "spring": _("spring"), "summer": _("summer"), "autumn": _("autumn"),
}


@dataclass(frozen=True)
class Asked:
    """A class of vehicles, narrowed to a type, a depot and some months."""

    vehicle_class: str
    months: int
    type: str
    home_site: str
    since_us: int


def asked(request: HttpRequest, classes: Sequence[str] = ("locomotive",)) -> Asked:
    """Read the filter of a request; what makes no sense is as if it were not asked."""
    months = request.GET.get("months", "12")
    whole = int(months) if months.isdecimal() and int(months) in MONTHS else 12
    vehicle_class = request.GET.get("class", classes[0])
    since = the_app().clock() - timedelta(days=30.4375 * whole)
    return Asked(
        vehicle_class if vehicle_class in classes else classes[0], whole,
        request.GET.get("type", ""), request.GET.get("home_site", ""), microseconds(since),
    )  # fmt: skip


def vehicles_of(one: Asked) -> tuple[list[Maintained], dict[str, Any]]:
    """Return the vehicles asked for, and what the form offers to choose from."""
    app = the_app()
    rows = app.catalogue().vehicle_types.items()
    types = [key for key, row in rows if row.vehicle_class == one.vehicle_class]
    every = [v for v in app.lookup.maintained(types) if v.status not in GONE]
    kept = [
        v for v in every
        if one.type in ("", v.type) and one.home_site in ("", v.home_site)
    ]  # fmt: skip
    return kept, {
        "types": sorted({v.type for v in every}), "depots": sorted({v.home_site for v in every}),
        "asked": one, "choices": MONTHS,
    }  # fmt: skip


def offered(names: Names, offer: dict[str, Any]) -> dict[str, Any]:
    """Put what the form offers in words."""
    return offer | {
        "types": sorted(((t, names.type(t)) for t in offer["types"]), key=lambda t: t[1]),
        "depots": sorted((d, site_name(d)) for d in offer["depots"] if d), "tabs": TABS,
    }  # fmt: skip


def number(vehicle: Maintained) -> str:
    """Return a vehicle's number as it is painted."""
    return (
        number_as_painted(vehicle.scheme, vehicle.number, vehicle.vehicle_class) or vehicle.unit
    )


def sent_as_csv(name: str, rows: Iterable[Sequence[object]]) -> HttpResponse:
    """Return rows as a CSV file that a spreadsheet of the reader's language opens."""
    separator = "," if get_language() == "en" else ";"
    return csv_file(name, map(_plain, rows), separator)


def _plain(row: Sequence[object]) -> list[object]:
    """Painted numbers never break over lines; in a sheet they are to be found by typing them."""
    return [cell.translate(_TYPED) if isinstance(cell, str) else cell for cell in row]


_TYPED = {0x2011: "-", 0xA0: " ", 0x202F: " "}
