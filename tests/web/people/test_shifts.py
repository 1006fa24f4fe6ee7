"""Which shift a moment is in; laws over a whole year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.config import Calendar
from railtrace.web.people.shifts import (
    planned_spans,
    report_day,
    report_span,
    shift_at,
    shift_of,
    shifts_in,
)

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


@pytest.mark.parametrize(
    ("clock", "begins", "day"),
    [
        ("2026-03-18 17:59", "18:00", "2026-03-18"),
        ("2026-03-18 18:00", "18:00", "2026-03-19"),
        ("2026-03-19 02:00", "18:00", "2026-03-19"),
        ("2026-03-18 23:59", "00:00", "2026-03-18"),
        ("2026-03-18 05:00", "06:00", "2026-03-17"),
    ],
)
def test_a_night_after_eighteen_is_already_of_the_next_day_of_reports(
    clock: str, begins: str, day: str
) -> None:
    moment = datetime.fromisoformat(clock).replace(tzinfo=DUSHANBE)
    assert report_day(moment, begins, DUSHANBE).isoformat() == day


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    begins=st.sampled_from(["00:00", "06:00", "12:00", "18:00", "20:00"]),
)
def test_every_moment_is_in_the_one_day_of_reports_that_spans_it(
    at: datetime, begins: str
) -> None:
    day = report_day(at, begins, DUSHANBE)
    first, last = report_span(day, begins, DUSHANBE)
    assert first <= at < last
    shifts = shifts_in(first, last, TWO, DUSHANBE)
    assert len(shifts) == 2
    assert all(report_day(s.begins, begins, DUSHANBE) == day for s in shifts)


def test_planned_time_leaves_out_days_off_shifts_not_worked_and_breaks() -> None:
    calendar = Calendar(
        days=("mon", "tue", "wed", "thu", "fri"), shifts=(1,), break_min=60,
        off=(date(2026, 3, 18),), also=(date(2026, 3, 21),),
    )  # fmt: skip
    monday = datetime(2026, 3, 16, tzinfo=DUSHANBE)
    spans = planned_spans(calendar, TWO, DUSHANBE, monday, monday + timedelta(days=7))
    assert [f"{begin:%d %H:%M}-{end:%H:%M}" for begin, end in spans] == [
        f"{day} 08:00-19:00" for day in (16, 17, 19, 20, 21)
    ]


def test_a_night_shift_over_midnight_is_planned_whole() -> None:
    monday = datetime(2026, 3, 16, tzinfo=DUSHANBE)
    night = Calendar(shifts=(2,))
    spans = planned_spans(night, TWO, DUSHANBE, monday, monday + timedelta(days=1))
    assert sum((end - begin for begin, end in spans), timedelta()) == timedelta(hours=12)
    assert spans[0] == (monday, monday.replace(hour=8)), "the night of Sunday ends in this day"
