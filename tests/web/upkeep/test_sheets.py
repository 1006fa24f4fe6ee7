"""Tables that are saved: nothing in a cell is run by the program that opens it."""

import pytest

from railtrace.web.depot.stock import csv_line


@pytest.mark.parametrize("cell", ["=1+1", "+7 992", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "+A1"])
def test_a_cell_that_begins_like_a_formula_is_made_harmless(cell: str) -> None:
    assert csv_line([cell]).lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-2.5", "-2,5", "+3", "0", "", "ДР", "073 12317"])
def test_a_number_and_a_word_stay_as_they_are(cell: str) -> None:
    assert csv_line([cell, ""], ";") == f"{cell};\r\n"
