"""What a reader of reliability chose: vehicles, period, classes of failures, how to group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import Catalogue
from railtrace.store.lookup import Maintained
from railtrace.store.service import Period, period
from railtrace.trace.leaf import microseconds
from railtrace.web.fleet import site_name
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app

CLASSES = ("locomotive", "coach", "freight_wagon", "special")
UNCLASSED = "0"
"""Stands for failures of no class in a query."""
USUAL_MONTHS = 12
USUAL_DELAY_MIN = 3.0
"""Minutes of a technical incident, as UK operators count them; a reader asks for others."""
_MOST_DELAY_MIN = 10_000.0
BY = {
    "": _("not grouped"), "type": _("Series"), "home_site": _("Home depot"), "owner": _("Owner"),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The vehicles and the period of a page, and which failures it counts."""

    vehicle_class: str
    type: str
    home_site: str
    owner: str
    by: str
    first: date
    last: date
    counted: tuple[str, ...]
    delay_min: float
    vehicles: tuple[Maintained, ...]
    types: tuple[str, ...]
    depots: tuple[str, ...]
    owners: tuple[str, ...]
    corrected: str

    @property
    def failure_classes(self) -> frozenset[int | None]:
        """The classes counted; None stands for failures of no class."""
        return frozenset(None if c == UNCLASSED else int(c) for c in self.counted)

    @property
    def from_us(self) -> int:
        """The beginning of the first day."""
        return _midnight(self.first)

    @property
    def to_us(self) -> int:
        """The end of the last day, no later than now."""
        return min(_midnight(self.last + timedelta(days=1)), microseconds(the_app().clock()))

    def period(self) -> Period:
        """Read the period."""
        app = the_app()
        return period(app.views.database, app.lookup, app.catalogue(), self.vehicles,
                      self.from_us, max(self.to_us, self.from_us))  # fmt: skip

    def months(self) -> list[tuple[str, int, int]]:
        """Return the months of the period: name, beginning, end."""
        found, day = [], self.first
        while _midnight(day) < self.to_us:
            following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            found.append((day.strftime("%Y-%m"), _midnight(day),
                          min(_midnight(following), self.to_us)))  # fmt: skip
            day = following
        return found


def _midnight(day: date) -> int:
    return microseconds(datetime.combine(day, time.min, tzinfo=home_zone()))


def choice(request: HttpRequest, catalogue: Catalogue) -> Choice:
    """Read what is asked; what makes no sense becomes the usual, and `corrected` says so."""
    asked = request.GET
    vehicle_class = _one(asked.get("class", ""), CLASSES, CLASSES[0])
    every = [v for v in the_app().lookup.maintained() if v.vehicle_class == vehicle_class]
    chosen = {key: asked.get(key, "") for key in ("type", "home_site", "owner")}
    wanted = [(key, value) for key, value in chosen.items() if value]
    vehicles = [v for v in every if all(getattr(v, key) == value for key, value in wanted)]
    first, last, corrected = _days(asked.get("from", ""), asked.get("to", ""))
    delay, worry = _minutes(asked.get("delay", ""))
    return Choice(
        vehicle_class, **chosen, by=_one(asked.get("by", ""), tuple(BY), ""),
        first=first, last=last,
        counted=_classes(asked.getlist("c"), catalogue), delay_min=delay, vehicles=tuple(vehicles),
        types=_often(every, "type"), depots=_often(every, "home_site"),
        owners=_often(every, "owner"), corrected=corrected or worry,
    )  # fmt: skip


def _one(value: str, known: Sequence[str], usual: str) -> str:
    return value if value in known else usual


def _often(vehicles: Sequence[Maintained], column: str) -> tuple[str, ...]:
    return tuple(key for key, _n in Counter(getattr(v, column) for v in vehicles).most_common()
                 if key)  # fmt: skip


def _classes(asked: Sequence[str], catalogue: Catalogue) -> tuple[str, ...]:
    known = {str(row.number): row.counted for row in catalogue.failure_classes.values()}
    every = [*sorted(known), UNCLASSED]
    chosen = [key for key in every if key in asked]
    return tuple(chosen or [key for key in every if known.get(key, True)])


def _days(first: str, last: str) -> tuple[date, date, str]:
    """Return the two days asked for; a year up to today when none are."""
    today = the_app().clock().astimezone(home_zone()).date()
    wanted = [_day(text) for text in (first, last)]
    said = ""
    for text, day in zip((first, last), wanted, strict=True):
        if text and day is None:
            said = gettext("{text} is no day: the usual period is shown").format(text=text[:40])
    to = wanted[1] or today
    since = wanted[0] or _months_before(to)
    if since > to:
        said = gettext("The first day lies after the last: they are exchanged.")
        since, to = to, since
    return since, to, said


def _months_before(day: date) -> date:
    """Return the first of a month, so that the months of a chart are whole ones."""
    month = day.year * 12 + day.month - USUAL_MONTHS
    return date(month // 12, month % 12 + 1, 1)


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _minutes(text: str) -> tuple[float, str]:
    if not text:
        return USUAL_DELAY_MIN, ""
    try:
        asked = float(text.replace(",", "."))
    except ValueError:
        asked = -1.0
    if 0 < asked <= _MOST_DELAY_MIN:
        return asked, ""
    return USUAL_DELAY_MIN, gettext(
        "{text} minutes is no delay: give a number above zero; {usual} are used"
    ).format(text=text[:40], usual=f"{USUAL_DELAY_MIN:g}")


def group_name(by: str, key: str, names: Names) -> str:
    """Return the name of a group in words."""
    if not key:
        return gettext("not recorded")
    return {"type": names.type, "home_site": site_name}.get(by, str)(key)


def class_words(names: Names) -> list[tuple[str, str, bool]]:
    """Return the classes of failures: number, words, whether the row is confirmed."""
    rows = sorted(names.catalogue.failure_classes.values(), key=lambda row: row.number)
    found = [(str(row.number), row.name(names.language), row.confirmed) for row in rows]
    return [*found, (UNCLASSED, gettext("of no class"), True)]
