"""Which shift a moment is in; laws over a whole year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.web.people.shifts import shift_at, shift_of

DUSHANBE, MOSCOW = ZoneInfo("Asia/Dushanbe"), ZoneInfo("Europe/Moscow")
TWO = ("08:00", "20:00")


@pytest.mark.parametrize(
    ("clock", "begins", "ends", "number"),
    [
        ("2026-03-18 07:59", "2026-03-17 20:00", "2026-03-18 08:00", 2),
        ("2026-03-18 08:00", "2026-03-18 08:00", "2026-03-18 20:00", 1),
        ("2026-03-18 23:30", "2026-03-18 20:00", "2026-03-19 08:00", 2),
    ],
)
def test_a_moment_is_in_the_shift_that_began_last(
    clock: str, begins: str, ends: str, number: int
) -> None:
    texts = (clock, begins, ends)
    local = [datetime.fromisoformat(text).replace(tzinfo=DUSHANBE) for text in texts]
    shift = shift_at(local[0], TWO, DUSHANBE)
    assert (shift.begins, shift.ends, shift.number) == (local[1], local[2], number)


def test_one_shift_a_day_lasts_until_the_next_day() -> None:
    shift = shift_at(datetime(2026, 3, 18, 2, tzinfo=UTC), ("07:30",), DUSHANBE)
    assert shift.ends - shift.begins == timedelta(days=1)
    assert shift.begins.hour == 7 and shift.begins.minute == 30  # noqa: PT018


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    starts=st.lists(st.integers(0, 1439), min_size=1, max_size=4, unique=True),
)
def test_every_moment_is_in_exactly_one_shift(at: datetime, starts: list[int]) -> None:
    texts = tuple(f"{m // 60:02}:{m % 60:02}" for m in sorted(starts))
    shift = shift_at(at, texts, MOSCOW)
    assert shift.begins <= at < shift.ends
    assert shift_at(shift.ends, texts, MOSCOW).begins == shift.ends
    assert shift_of(shift.begins, shift.number, texts, MOSCOW) == shift
