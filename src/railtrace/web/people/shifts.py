"""Shifts of a site, the days of its reports, and when its equipment is to work.

A shift that runs over midnight belongs to the day of reports it begins in. A day of reports that
begins after noon is named by the date it ends on, as on the railway (18:00 to 18:00).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from railtrace.config import Calendar


@dataclass(frozen=True)
class Shift:
    """A shift from one moment to the next one's beginning; `number` counts from 1 in a day."""

    begins: datetime
    ends: datetime
    number: int


def shift_at(now: datetime, starts: tuple[str, ...], zone: ZoneInfo) -> Shift:
    """Return the shift a moment is in; a day's last shift goes on into the next day."""
    today = now.astimezone(zone).date()
    begins = [
        (datetime.combine(today + timedelta(days=day), time.fromisoformat(start), zone), number)
        for day in (-1, 0, 1, 2)
        for number, start in enumerate(starts, 1)
    ]
    begun = max(index for index, (moment, _) in enumerate(begins) if moment <= now)
    (start, number), (end, _) = begins[begun], begins[begun + 1]
    return Shift(start, end, number)


def shift_of(day: datetime, number: int, starts: tuple[str, ...], zone: ZoneInfo) -> Shift:
    """Return a shift of a day by its number."""
    local = datetime.combine(day.date(), time.fromisoformat(starts[number - 1]), zone)
    return shift_at(local, starts, zone)


def report_day(moment: datetime, begins: str, zone: ZoneInfo) -> date:
    """Return the day of reports that a moment belongs to; `begins` is HH:MM on the site's clock."""
    local, start = moment.astimezone(zone), time.fromisoformat(begins)
    day = local.date() if local.time() >= start else local.date() - timedelta(days=1)
    return day + timedelta(days=_named_ahead(start))


def report_span(day: date, begins: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a day of reports begins and ends."""
    start = time.fromisoformat(begins)
    first = day - timedelta(days=_named_ahead(start))
    return tuple(  # type: ignore[return-value]
        datetime.combine(first + timedelta(days=n), start, zone) for n in (0, 1)
    )


def _named_ahead(start: time) -> int:
    return int(start >= time(12))


def shifts_in(
    first: datetime, last: datetime, starts: tuple[str, ...], zone: ZoneInfo
) -> list[Shift]:
    """Return the shifts that begin within a span."""
    found, shift = [], shift_at(first, starts, zone)
    while shift.begins < last:
        if shift.begins >= first:
            found.append(shift)
        shift = shift_at(shift.ends, starts, zone)
    return found


def planned_spans(
    calendar: Calendar, starts: tuple[str, ...], zone: ZoneInfo, first: datetime, last: datetime
) -> list[tuple[datetime, datetime]]:
    """Return when equipment was to work between two moments; breaks stand at a shift's end."""
    found = []
    for shift in shifts_in(first - timedelta(days=1), last, starts, zone):
        if calendar.works(shift.begins.astimezone(zone).date(), shift.number):
            ends = shift.ends - timedelta(minutes=calendar.break_min)
            begin, end = max(shift.begins, first), min(ends, last)
            if begin < end:
                found.append((begin, end))
    return found
