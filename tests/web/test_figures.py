from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from railtrace.catalogue.load import load
from railtrace.web.figures import figure, number_as_painted, with_unit
from railtrace.web.names import Names


@pytest.mark.parametrize(
    ("value", "language", "written"),
    [
        ("28.90", "ru", "28,90"),
        ("28.90", "tg", "28,90"),
        ("28.90", "en", "28.90"),
        (1408136, "ru", "1\u202f408\u202f136"),
        ("1234", "ru", "1234"),
        ("-0.5", "ru", "−0,5"),
        (0, "en", "0"),
        (5.0, "ru", "5"),
        (2.25, "ru", "2,25"),
        ("unreadable", "ru", "unreadable"),
    ],
)
def test_figures_are_written_as_the_reader_does(
    value: object, language: str, written: str
) -> None:
    assert figure(value, language) == written


@given(st.decimals(-(10**12), 10**12, places=6))
def test_a_figure_keeps_every_digit_of_the_measurement(value: Decimal) -> None:
    text = format(value, "f")
    back = figure(text, "ru").replace("\u202f", "").replace(",", ".").replace("−", "-")
    assert Decimal(back) == value


def test_a_unit_stands_after_a_thin_space_and_never_alone_on_a_line() -> None:
    assert with_unit("28.9", "мм", "ru") == "28,9\u202fмм"
    assert with_unit("3", "1", "ru") == "3"


def test_numbers_are_written_as_painted_and_not_broken() -> None:
    assert number_as_painted("network8", "07312317", "coach") == "073\u00a012317"
    assert number_as_painted("network8", "66345679", "freight_wagon") == "66345679"
    assert number_as_painted("series", "2ТЭ10М-2345А", "locomotive") == "2ТЭ10М\u20112345А"


def test_what_a_meter_shows_is_written_by_the_language_s_rule() -> None:
    values = {"shown": "196384.700", "counted": "200000.000"}
    with override("ru"):
        said = Names(load(), "ru").contradiction("counter_goes_back", values)
    assert "196\u202f384,7" in said
    assert said.endswith("200\u202f000")
