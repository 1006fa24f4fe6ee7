"""Moments as people read them: on the site's clock, the offset named when it differs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_DATE = {"en": "%-d %b %Y"}
_DATE_ELSE = "%d.%m.%Y"
_MONTH = {"en": "%b %Y"}


def from_us(us: int) -> datetime:
    """Return the UTC moment of microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def to_us(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def day(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """Write the day of a moment."""
    return moment.astimezone(zone).strftime(_DATE.get(language, _DATE_ELSE))


def clock(
    moment: datetime,
    language: str,
    zone: ZoneInfo,
    precision: str = "second",
    usual: ZoneInfo | None = None,
) -> str:
    """Write a moment as precisely as it is known, with the offset where it is not the usual."""
    local = moment.astimezone(zone)
    match precision:
        case "year":
            return local.strftime("%Y")
        case "month":
            return local.strftime(_MONTH.get(language, "%m.%Y"))
        case "day":
            return day(moment, language, zone)
    text = local.strftime(f"{_DATE.get(language, _DATE_ELSE)} %H:%M")
    if usual is not None and local.utcoffset() != moment.astimezone(usual).utcoffset():
        text += f" {offset(local)}"
    return text


def offset(local: datetime) -> str:
    """Write the offset of a local moment, like +05 or +05:30."""
    text = local.strftime("%z")
    return text[:3] if text.endswith("00") else f"{text[:3]}:{text[3:5]}"


def age(since: datetime, now: datetime) -> tuple[int, str]:
    """Return how long ago in the largest fitting unit: (count, minute | hour | day)."""
    minutes = max(int((now - since).total_seconds() // 60), 0)
    if minutes < 60:
        return minutes, "minute"
    if minutes < 48 * 60:
        return minutes // 60, "hour"
    return minutes // (24 * 60), "day"
