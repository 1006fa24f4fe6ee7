"""Files as they come: what can be read is read, what cannot is said in words."""

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from railtrace.errors import BadOperation
from railtrace.interchange import unpack
from railtrace.interchange.unpack import Manifest
from railtrace.interchange.workbook import Row, column_letters, open_workbook, read_rows
from tests.interchange.files import bomb, changed, ods, ods_row, table, xlsx

SHEET1 = "xl/worksheets/sheet1.xml"


def _opened(path: Path) -> tuple[Manifest, list[Row]]:
    folder = path.with_suffix(".rows")
    manifest = open_workbook(path, folder)
    return manifest, list(read_rows(folder, manifest.sheets[0].index))


def _text(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_numbers_text_and_dates_keep_their_kind(tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", [("Номер", "км", "когда"), ("07312051", 12.5, None)])

    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["07312051", 12.5])
        sheet.write_datetime(0, 2, date(2025, 5, 17), book.add_format({"num_format": "dd.mm.yy"}))

    xlsx(path, fill)
    assert _opened(path)[1] == [Row(1, ("07312051", 12.5, date(2025, 5, 17)))]


def test_cells_stand_in_their_columns_wherever_the_sheet_begins(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", lambda book, sheet: sheet.write_row(2, 1, ["Номер", "Тип"]))
    assert _opened(path)[1] == [Row(3, (None, "Номер", "Тип"))]


def test_what_is_merged_downwards_stands_in_every_row(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["Вагон", "Ось"])
        sheet.merge_range(1, 0, 3, 0, "07312051")
        for row in range(1, 4):
            sheet.write(row, 1, f"ось {row}")

    manifest, rows = _opened(xlsx(tmp_path / "a.xlsx", fill))
    assert [row.cells for row in rows[1:]] == [("07312051", f"ось {n}") for n in (1, 2, 3)]
    assert manifest.sheets[0].merged == 1


def test_a_formula_is_its_value_and_one_without_a_value_is_counted(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_formula(0, 0, "=1+1", None, 2)
        sheet.write_formula(0, 1, "=1+2", None, "")

    path = changed(xlsx(tmp_path / "a.xlsx", fill), SHEET1,
                   lambda xml: xml.replace(b"<v></v>", b""))  # fmt: skip
    manifest, rows = _opened(path)
    assert rows == [Row(1, (2.0,))]
    assert manifest.uncalculated == 1


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "seen")
        hidden = book.add_worksheet("secret")
        hidden.write(0, 0, "unseen")
        hidden.hide()

    manifest, _ = _opened(xlsx(tmp_path / "a.xlsx", fill))
    assert [sheet.name for sheet in manifest.sheets] == ["Лист1"]
    assert manifest.hidden == 1


def test_a_million_empty_rows_cost_nothing(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        blank = book.add_format({"bold": True})
        sheet.write_row(0, 0, ["Номер", "Тип"])
        for row in range(1, 200_000):
            sheet.write_blank(row, 0, None, blank)
        sheet.write(1_000_000, 0, "last")

    _, rows = _opened(xlsx(tmp_path / "a.xlsx", fill))
    assert [row.number for row in rows] == [1, 1_000_001]


def test_a_million_empty_rows_of_an_open_document_cost_nothing(tmp_path: Path) -> None:
    empty = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'  # noqa: E501
    _, rows = _opened(ods(tmp_path / "a.ods", ods_row("Номер", "Тип") + empty))
    assert rows == [Row(1, ("Номер", "Тип"))]


def test_two_hundred_columns_are_read(tmp_path: Path) -> None:
    manifest, rows = _opened(table(tmp_path / "a.xlsx", [[f"c{n}" for n in range(200)]]))
    assert manifest.sheets[0].columns == 200
    assert rows[0].cells[199] == "c199"


def test_a_cell_at_the_far_corner_harms_nobody(tmp_path: Path) -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    path = changed(table(tmp_path / "a.xlsx", [("Номер",)]), SHEET1,
                   lambda xml: xml.replace(b"</sheetData>", far))  # fmt: skip
    with pytest.raises(BadOperation, match="too large to be read"):
        _opened(path)


def test_a_bomb_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_UNPACKED_BYTES", 4 << 20)
    with pytest.raises(BadOperation, match="unpacked the file has 8 MB, at most 4 MB"):
        unpack.unpack(bomb(tmp_path / "a.xlsx", 8 << 20), tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"  \r\n\r\n", "the file is empty"),
        (b";;;\r\n;;;\r\n", "the file is empty"),
        (b"%PDF-1.7 ...", "this is a PDF, not a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n", "this is a PNG, not a spreadsheet"),
        (b"MZ\x00\x01\x02", "this is no spreadsheet"),
        (b"PK\x03\x04 broken", "the file is damaged"),
        (b"\xff\xfe\x00\x41\xd0", "the file is damaged"),
        (b"\xff\xfe\n\x00", "the file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken", "the file is damaged"),
        (b"\x98\xff\xfe\x98" * 20, "neither UTF-8 nor Windows-1251"),
    ],
)
def test_what_is_no_spreadsheet_is_said_to_be_none(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(BadOperation, match=said):
        _opened(_text(tmp_path / "вагоны.xlsx", content))


def test_an_archive_that_is_no_spreadsheet_is_said_to_be_none(tmp_path: Path) -> None:
    path = changed(table(tmp_path / "a.xlsx", [("x",)]), SHEET1, lambda xml: xml)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(BadOperation, match="this is an archive, not a spreadsheet"):
        _opened(path)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    manifest, rows = _opened(_text(tmp_path / "a.xlsx", "Номер;Тип\n07312051;х\n".encode()))
    assert manifest.format == "csv"
    assert rows[1].cells == ("07312051", "х")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_text_is_read_in_every_usual_encoding_and_separator(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    lines = [["Номер", "Тип", "Пробег"], ["07312051", "Плацкартный вагон", '"1 250,5"']]
    content = "\r\n".join(separator.join(line) for line in lines).encode(encoding)
    manifest, rows = _opened(_text(tmp_path / "a.csv", content))
    assert [row.cells for row in rows] == [
        ("Номер", "Тип", "Пробег"), ("07312051", "Плацкартный вагон", "1 250,5"),
    ]  # fmt: skip
    assert manifest.separator == separator


def test_a_quotation_mark_that_never_closes_is_found(tmp_path: Path) -> None:
    content = b'a;b\n"' + b"x" * 200_000
    with pytest.raises(BadOperation, match="line 2 cannot be read as CSV"):
        _opened(_text(tmp_path / "a.csv", content))


def test_columns_are_lettered_as_spreadsheets_do() -> None:
    assert [column_letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
