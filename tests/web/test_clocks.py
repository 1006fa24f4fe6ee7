from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from railtrace.web.clocks import age, clock, from_us, to_us

MOMENT = datetime(2026, 1, 9, 23, 30, tzinfo=UTC)
DUSHANBE, MOSCOW = ZoneInfo("Asia/Dushanbe"), ZoneInfo("Europe/Moscow")


def test_a_moment_is_written_on_the_site_s_clock() -> None:
    assert clock(MOMENT, "ru", DUSHANBE, usual=DUSHANBE) == "10.01.2026 04:30"
    assert clock(MOMENT, "en", DUSHANBE, usual=DUSHANBE) == "10 Jan 2026 04:30"


def test_the_offset_is_named_where_it_differs_from_the_usual() -> None:
    assert clock(MOMENT, "ru", MOSCOW, usual=DUSHANBE) == "10.01.2026 02:30 +03"
    kathmandu = ZoneInfo("Asia/Kathmandu")
    assert clock(MOMENT, "ru", kathmandu, usual=DUSHANBE).endswith("+05:45")


@pytest.mark.parametrize(
    ("precision", "written"), [("year", "2026"), ("month", "01.2026"), ("day", "10.01.2026")]
)
def test_a_moment_is_not_written_more_precisely_than_it_is_known(
    precision: str, written: str
) -> None:
    assert clock(MOMENT, "ru", DUSHANBE, precision) == written


def test_microseconds_come_back() -> None:
    assert from_us(to_us(MOMENT)) == MOMENT


def test_age_uses_the_largest_fitting_unit() -> None:
    now = datetime(2026, 1, 12, tzinfo=UTC)
    assert age(datetime(2026, 1, 11, 23, 1, tzinfo=UTC), now) == (59, "minute")
    assert age(datetime(2026, 1, 10, 1, tzinfo=UTC), now) == (47, "hour")
    assert age(datetime(2026, 1, 9, tzinfo=UTC), now) == (3, "day")
