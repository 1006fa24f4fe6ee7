"""Which column is which: by names, synonyms and small slips, in three languages."""

import pytest

from railtrace.interchange.columns import LANGUAGES, Header, find_header, guess, purposes
from railtrace.interchange.workbook import Row

VEHICLES = purposes()["vehicles"]


@pytest.mark.parametrize("purpose", purposes())
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_understood_in_its_language(purpose: str, language: str) -> None:
    columns = purposes()[purpose].columns
    header = Header(1, tuple(column.name(language) for column in columns))
    assert guess(header, purposes()[purpose]) == {c.key: n for n, c in enumerate(columns)}


def test_headings_are_found_with_slips_signs_and_in_any_order() -> None:
    header = Header(1, ("№ п/п", "ДАТА ПОСЛЕДНЕГО ДР.", "Тип_вагона", "Номер вагонa", "Прочее"))
    assert guess(header, VEHICLES) == {"last_dr": 1, "type": 2, "number": 3}


def test_the_heading_row_is_found_below_a_title() -> None:
    rows = [Row(1, ("Инвентарная опись депо Душанбе",)), Row(2, (None, "на 01.06.2026")),
            Row(4, ("№ вагона", "Тип вагона", "Год постройки")), Row(5, ("07312051", "x", 1987))]
    assert find_header(rows, VEHICLES).row == 4  # fmt: skip


def test_a_sheet_without_known_headings_gets_no_guess() -> None:
    header = find_header([Row(1, ("a", "b")), Row(2, (1, 2))], VEHICLES)
    assert guess(header, VEHICLES) == {}


def test_the_fingerprint_forgets_case_and_signs_only() -> None:
    one, same = Header(1, ("№ вагона", "Тип")), Header(3, ("вагона №", "тип"))
    assert Header(1, ("Вагона", "ТИП.")).fingerprint("vehicles") == same.fingerprint("vehicles")
    assert one.fingerprint("vehicles") != one.fingerprint("parts")
