"""Shifts of a site: when the one that a moment is in began and when it ends."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


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
