"""Cells as people fill them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.catalogue import load
from railtrace.errors import BadOperation
from railtrace.interchange.cells import (
    Words,
    ZeroLost,
    forms_of,
    known_text,
    read_decimal,
    read_moment,
    read_number,
    read_partial_date,
    text_of,
)
from railtrace.trace.numbers import network_check_digit

DUSHANBE = ZoneInfo("Asia/Dushanbe")
COACH = ("network8", "evn", "other")


def test_a_number_that_became_a_float_is_read() -> None:
    assert read_number(66345679.0, COACH, False).value == "66345679"
    assert read_number("073 12051", COACH, False).value == "07312051"


def test_a_lost_leading_zero_is_offered_and_put_back_when_asked() -> None:
    with pytest.raises(ZeroLost, match="lost the leading zero of 07312051") as caught:
        read_number(7312051.0, COACH, False)
    assert caught.value.offer == "07312051"
    assert read_number(7312051.0, COACH, True).value == "07312051"
    assert read_number(7312051.0, COACH, True).restored


def test_seven_digits_are_not_guessed_when_the_check_digit_says_no() -> None:
    with pytest.raises(BadOperation, match="07312052: check digit 2 is wrong, 1 wanted"):
        read_number(7312052, COACH, True)


@given(st.integers(0, 9_999_999))
def test_every_number_survives_a_spreadsheet(seven: int) -> None:
    digits = f"{seven:07}"
    number = f"{digits}{network_check_digit(digits)}"
    if number.startswith("000"):
        return
    assert read_number(float(number), COACH, True).value == number


def test_a_locomotive_is_called_by_its_series() -> None:
    schemes = ("series", "network8", "evn", "other")
    assert read_number("2тэ10м 2345а", schemes, False).value == "2ТЭ10М-2345А"
    assert "2ТЭ10М-2345А" in forms_of("2ТЭ10М-2345А")


@pytest.mark.parametrize(
    ("cell", "precision", "moment"),
    [
        (date(2025, 5, 17), "day", datetime(2025, 5, 16, 19, tzinfo=UTC)),
        (datetime(2025, 5, 17), "day", datetime(2025, 5, 16, 19, tzinfo=UTC)),
        (datetime(2025, 5, 17, 8, 30), "minute", datetime(2025, 5, 17, 3, 30, tzinfo=UTC)),
        ("17.05.2025", "day", datetime(2025, 5, 16, 19, tzinfo=UTC)),
        ("17.05.2025 08:30", "minute", datetime(2025, 5, 17, 3, 30, tzinfo=UTC)),
        ("2025-05-17", "day", datetime(2025, 5, 16, 19, tzinfo=UTC)),
        ("2025-05-17T08:30:00", "minute", datetime(2025, 5, 17, 3, 30, tzinfo=UTC)),
    ],
)
def test_dates_are_read_on_the_site_s_clock(
    cell: object, precision: str, moment: datetime
) -> None:
    read = read_moment(cell, DUSHANBE)  # type: ignore[arg-type]
    assert (read.at, read.precision) == (moment, precision)


@pytest.mark.parametrize(
    "cell", ["31.02.2025", "вчера", "17.05.25", "1987", "17.05.2025 25:00", True]
)
def test_what_is_no_date_is_said_with_what_was_typed(cell: object) -> None:
    with pytest.raises(BadOperation, match="is no date: write it like"):
        read_moment(cell, DUSHANBE)  # type: ignore[arg-type]


def test_a_day_number_is_named_as_what_it_is() -> None:
    with pytest.raises(BadOperation, match=r"45794 is a spreadsheet's day number \(17.05.2025\)"):
        read_moment(45794.0, DUSHANBE)


@pytest.mark.parametrize(
    ("cell", "text"),
    [(1987, "1987"), (1987.0, "1987"), ("1987 г.", "1987"), ("05.1987", "1987-05"),
     ("17.05.1987", "1987-05-17"), (date(1987, 5, 17), "1987-05-17"), ("1987-05", "1987-05")],
)  # fmt: skip
def test_a_year_of_building_may_be_a_year_a_month_or_a_day(cell: object, text: str) -> None:
    assert read_partial_date(cell) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "text"),
    [("30,1", "30.1"), ("30.10", "30.10"), ("1 250 300", "1250300"), ("1\u00a0250,5", "1250.5"),
     ("1,250.5", "1250.5"), ("1.250,5", "1250.5"), ("−3,5", "-3.5"), (25.400000000000002, "25.4"),
     (12, "12"), (1e-7, "0.0000001")],
)  # fmt: skip
def test_decimals_are_read_with_comma_or_point(cell: object, text: str) -> None:
    assert read_decimal(cell) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["много", "1,2,3", "12 км", date(2025, 1, 1), True, "nan", "1e5"])
def test_what_is_no_number_is_said_with_what_was_typed(cell: object) -> None:
    with pytest.raises(BadOperation, match="is no number: write it like 30,1"):
        read_decimal(cell)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", [None, "", "-", "—", "нет данных", "Неизвестно", "н/д"])
def test_what_says_that_nothing_is_known_is_empty(cell: str | None) -> None:
    assert known_text(cell) == ""


def test_text_loses_the_apostrophe_and_no_break_spaces() -> None:
    assert text_of("'073\u00a012051 ") == "073 12051"


def test_a_type_is_named_in_any_language_and_the_nearest_are_offered() -> None:
    words = Words(load.load())
    for name in ("Плацкартный вагон", "плацкартный  ВАГОН", "Open sleeping coach", "coach_open"):
        assert words.read(name, words.vehicle_types) == "coach_open"
    with pytest.raises(BadOperation, match="Плацкартый вагн is not in the catalogue; nearest are: "
                                           "плацкартный вагон"):  # fmt: skip
        words.read("Плацкартый вагн", words.vehicle_types)
