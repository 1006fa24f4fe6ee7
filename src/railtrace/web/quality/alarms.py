"""Alarms of wayside devices: hot boxes, wheel impacts; what was found when somebody looked."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST
from scipy.stats import beta

from railtrace.store.lookup import Maintained
from railtrace.trace.operation import AlarmChecked
from railtrace.web.clocks import clock, from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.quality.asked import asked, number, offered, sent_as_csv, vehicles_of
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

CLASSES = ("freight_wagon", "coach", "locomotive", "special")
RESULTS = {"": _("nobody looked yet"), "confirmed": _("confirmed"),
           "not_confirmed": _("not confirmed")}  # fmt: skip
_SHOWN = 200


@dataclass(frozen=True)
class Share:
    """Of the alarms that somebody looked at, how many were true, with the exact interval."""

    name: str
    confirmed: int
    not_confirmed: int
    waiting: int

    @property
    def checked(self) -> int:
        """How many were looked at."""
        return self.confirmed + self.not_confirmed

    @property
    def bounds(self) -> tuple[float, float, float] | None:
        """The share confirmed, lower and upper bound; None where nobody looked."""
        if not self.checked:
            return None
        low = float(beta.ppf(0.05, self.confirmed, self.not_confirmed + 1) if self.confirmed else 0)
        high = float(
            beta.ppf(0.95, self.confirmed + 1, self.not_confirmed) if self.not_confirmed else 1
        )
        return self.confirmed / self.checked, low, high


@allowed("read")
def alarms(request: HttpRequest) -> HttpResponse:
    """Show the alarms of a class of vehicles."""
    one, names = asked(request, CLASSES), the_names()
    vehicles, offer = vehicles_of(one)
    rows = the_app().lookup.wayside_alarms([v.unit for v in vehicles], one.since_us)
    shown = request.GET.get("result", "any")
    kept = [row for row in rows if shown in ("any", row["result"] or "waiting")]
    by_unit = {v.unit: v for v in vehicles}
    context = {
        "section": "fleet", "names": names, "tab_of": "alarms", **offered(names, offer),
        "classes": CLASSES, "rows": [_row(row, by_unit, names) for row in kept[:_SHOWN]],
        "all_rows": len(kept), "shown": shown, "counts": _counts(rows),
        "by_kind": _shares(rows, lambda row: alarm_name(row["alarm"], names)),
        "by_post": _shares(rows, lambda row: row["post"] or "—"),
        "may_answer": may(request.user, "record"), "here": request.get_full_path(),
    }  # fmt: skip
    return render(request, "quality/alarms.html", context)


def _row(row: dict[str, Any], by_unit: dict[str, Maintained], names: Names) -> dict[str, Any]:
    return alarm_words(row, names) | {"number": number(by_unit[row["unit"]])}


def alarm_words(row: dict[str, Any], names: Names) -> dict[str, Any]:
    """Return an alarm with its words: what of, where, how much, what was found."""
    return row | {
        "name": alarm_name(row["alarm"], names),
        "where": _where(row["place"], names),
        "read": names.value(row["value"], row["uom"]) if row["value"] else "—",
        "said": gettext(RESULTS[row["result"]]),
    }  # fmt: skip


def _where(place: str, names: Names) -> str:
    """Name a place on a vehicle; its last step may be a side."""
    position, _slash, last = place.rpartition("/")
    if last in names.catalogue.places and position:
        return f"{names.position(position)}, {names.place(last)}"
    return names.position(place)


def alarm_name(key: str, names: Names) -> str:
    """Return the name of a kind of alarm; one the catalogue lacks is shown as it is."""
    row = names.catalogue.alarm_kinds.get(key)
    return row.name(names.language) if row else key


def _counts(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    found = Counter(row["result"] for row in rows)
    return [("any", _("all"), len(rows)), ("waiting", RESULTS[""], found[""]),
            *((key, RESULTS[key], found[key]) for key in ("confirmed", "not_confirmed"))]


def _shares(rows: list[dict[str, Any]], name: Any) -> list[Share]:
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(name(row), Counter())[row["result"]] += 1
    return [Share(key, c["confirmed"], c["not_confirmed"], c[""])
            for key, c in sorted(counts.items())]


@require_POST
@allowed("record")
def answer(request: HttpRequest) -> HttpResponse:
    """Record what was found when somebody looked."""
    unit, alarmed = request.POST.get("unit", ""), request.POST.get("alarm", "")
    result, finding = request.POST.get("result", ""), request.POST.get("finding", "").strip()[:200]
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, None):
        back = "alarms"
    if result not in ("confirmed", "not_confirmed") or not finding:
        messages.error(request, gettext("Say whether it was confirmed, and what was found."))
        return redirect(back)
    record_one(
        request, AlarmChecked, units=(unit,), alarmed=alarmed, result=result, finding=finding
    )
    messages.success(request, gettext("The answer is recorded."))
    return redirect(back)


_HEADINGS = (_("Number"), _("When"), _("Alarm"), _("Wayside post"), _("Level of the alarm"),
             _("Place"), _("Value"), _("Unit of measure"), _("Result"), _("Finding"),
             _("Operation"))  # fmt: skip


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send the alarms as CSV."""
    one, names = asked(request, CLASSES), the_names()
    vehicles, _offer = vehicles_of(one)
    return sent_as_csv("alarms", _cells(vehicles, one.since_us, names))


def _cells(
    vehicles: list[Maintained], since_us: int, names: Names
) -> Iterable[Sequence[object]]:
    yield [gettext(word) for word in _HEADINGS]
    by_unit = {v.unit: v for v in vehicles}
    for row in the_app().lookup.wayside_alarms(list(by_unit), since_us):
        one = alarm_words(row, names)
        yield [number(by_unit[row["unit"]]),
               clock(from_us(row["at_us"]), names.language, home_zone()), one["name"],
               row["post"], row["level"], one["where"], row["value"], row["uom"], one["said"],
               row["finding"], row["operation"]]  # fmt: skip
