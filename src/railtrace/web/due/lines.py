"""How a kind of maintenance stands, in the reader's words: rule, count, rate, dates."""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import Service
from railtrace.projections.maintenance import BUILD, Criterion, Done, Due
from railtrace.store.dues import Forecast
from railtrace.web.figures import figure
from railtrace.web.names import Names

STATES = {
    "ok": _("in time"),
    "least": _("not known, more may have been run"),
    "tolerated": _("over, within tolerance"),
    "overdue": _("overdue"),
    "unknown": _("unknown, not overdue"),
    "blank": _("no interval in the catalogue"),
    "other": _("not due by itself"),
}
WHEN = {
    "need": _("by need"),
    "trip": _("before every trip"),
    "crew": _("by the crew"),
    "campaign": _("by a campaign"),
    "interval": _("by interval"),
}
METERS = {
    "km": _("run"),
    "engine_hours": _("engine-hours"),
    "hours": _("hours since the last"),
    "calendar": _("days since the last"),
    "paper": _("days of the paper"),
}


@dataclass(frozen=True)
class Count:
    """One criterion: what is used of what is allowed."""

    meter: str
    used: str
    allowed: str
    left: str
    percent: int
    at_least: bool
    over: bool


@dataclass(frozen=True)
class Line:
    """One kind of maintenance of a unit."""

    unit: str
    part: str
    kind: str
    name: str
    state: str
    said: str
    sign: str
    stops: bool
    service: Service
    rule: str
    last_kind: str
    last: Done | None
    counts: tuple[Count, ...]
    forecast: Forecast
    daily: str

    @property
    def confirmed(self) -> bool:
        """Whether the row's source was checked."""
        return self.service.confirmed

    @property
    def anchor(self) -> str:
        """Its place on the unit's page."""
        return anchor_of(self.forecast.due)


def anchor_of(due: Due) -> str:
    """Return the place of a due on the unit's page."""
    return f"due-{due.unit}-{due.service}"


def line(forecast: Forecast, names: Names, part: str = "") -> Line:
    """Put a due into words."""
    due = forecast.due
    service = names.catalogue.services[due.service]
    last_kind = gettext("making") if due.last_kind == BUILD else due.last_kind
    return Line(
        due.unit, part, due.kind, service.name(names.language), standing(due), _said(due, service),
        sign_of(due), due.stops, service, rule_said(service, names), last_kind, due.last,
        tuple(_count(c, names) for c in due.criteria), forecast, _daily(forecast, names),
    )  # fmt: skip


def standing(due: Due) -> str:
    """Return the state; nobody knows that it is in time when the counter is only the least."""
    least = due.state == "ok" and any(criterion.at_least for criterion in due.criteria)
    return "least" if least else due.state


def sign_of(due: Due) -> str:
    """Return the verdict whose sign the state carries; "" for what is not due by itself."""
    if due.state == "overdue" and due.stops:
        return "unfit"
    return {"overdue": "doubtful", "tolerated": "doubtful", "ok": "fit", "other": ""}.get(
        standing(due), "unknown"
    )


def _said(due: Due, service: Service) -> str:
    if due.state == "other":
        return gettext(WHEN[service.when])
    return gettext(STATES[standing(due)])


def rule_said(service: Service, names: Names) -> str:
    """Say an interval: 50 000 km or 6 months, whichever comes first."""
    values = (
        (service.km, _("{n} km")), (service.engine_hours, _("{n} engine-hours")),
        (service.months, _("{n} months")), (service.days, _("{n} days")),
        (service.hours, _("{n} hours")),
    )  # fmt: skip
    said = [
        gettext(word).format(n=figure(value, names.language)) for value, word in values if value
    ]
    if not said:
        return gettext(WHEN[service.when]) if service.when != "interval" else "—"
    return gettext(" or ").join(said)


def _count(criterion: Criterion, names: Names) -> Count:
    unit = criterion.unit
    used, allowed, left = (
        names.value(f"{value:.0f}", unit)
        for value in (criterion.used, criterion.allowed, criterion.remaining)
    )
    return Count(
        gettext(METERS[criterion.meter]), used, allowed, left,
        min(max(round(criterion.share * 100), 0), 999), criterion.at_least, criterion.share > 1,
    )  # fmt: skip


def _daily(forecast: Forecast, names: Names) -> str:
    if not forecast.meter:
        return ""
    unit = "km" if forecast.meter == "km" else "h"
    return names.measured(f"{forecast.daily:.0f}", f"{2 * forecast.daily_sd:.0f}", unit)
