"""The laboratory: files of analysers in, metals by hours of the oil, refusals by row."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from railtrace.app import App
from railtrace.trace.operation import Number, Registered
from tests.operating.depot import NOW, record

ENGINE = "u-diesel-lab"
FILE = (
    "Проба;Дизель;Дата;Моточасы;Fe, мг/кг;Cu, мг/кг;Вода в масле, %;Гадание\r\n"
    + "".join(f"L{n};Д-77;{n + 1:02}.03.2026;{4000 + 100 * n};{4 + 4 * n},5;{2 + n};0,05;x\r\n"
              for n in range(6))
    + "L9;Д-99;09.03.2026;4600;5;2;0,05;x\r\n"
    + "L10;Д-77;10.03.2026;4700;много;2;0,05;x\r\n"
    + "L11;Д-77;32.13.2026;4700;5;2;0,05;x\r\n"
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(railway: App) -> App:
    record(railway, [
        Registered(id="rd", happened_at=NOW - timedelta(days=900), units=(ENGINE,), type="diesel",
                   numbers=(Number(scheme="serial", value="Д-77"),))])  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def send(browser, content: str | bytes):
    body = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("анализ.csv", body, "text/csv")
    return browser.post("/diagnostics/laboratory/file", {"file": file}, follow=True)


def test_an_analysers_file_is_taken_in_row_by_row(lab: App, reader_as) -> None:
    technologist = reader_as("technologist")
    page = send(technologist, FILE).content.decode()
    assert "6 samples are recorded" in page
    assert "Row 8 is refused" in page
    assert "Д-99" in page
    assert "Row 9 is refused: oil_iron много" in page
    assert "Row 10 is refused: date 32.13.2026" in page
    assert "Гадание" in page
    again = send(technologist, FILE).content.decode()
    assert "samples are recorded" not in again
    rows = lab.views.database.query("SELECT COUNT(*) FROM fluid_samples WHERE unit = ?", (ENGINE,))
    assert rows == [(6,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [("Проба;Дизель\r\nL1;Д-77\r\n", "no column for date"), ("", "no rows"),
     (b"PK\x03\x04\0\0\0", "no table of text"), ("a;b;c\r\n1;2;3\r\n", "no column for sample")],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_by_name(lab: App, reader_as, content, said) -> None:
    assert said in send(reader_as("technologist"), content).content.decode()


def test_metals_are_shown_by_hours_with_limit_rate_and_reset(lab: App, reader_as) -> None:
    technologist = reader_as("technologist")
    send(technologist, FILE)
    page = technologist.get(f"/diagnostics/laboratory/{ENGINE}").content.decode()
    iron = page.split("<h2>Iron in oil", 1)[1].split("</section>")[0]
    assert "4.00" in iron
    assert "≤ 100" in iron
    assert "unconfirmed" in iron
    changed = technologist.post(f"/diagnostics/laboratory/{ENGINE}/change", {
        "fluid": "oil", "whole": "yes", "engine_hours": "4250"})  # fmt: skip
    assert changed.status_code == 302
    page = technologist.get(f"/diagnostics/laboratory/{ENGINE}").content.decode()
    iron = page.split("<h2>Iron in oil", 1)[1].split("</section>")[0]
    assert iron.count('<path class="ours"') == 2
    assert "oil changed" in iron


def test_a_sample_is_typed_by_hand_and_nonsense_is_refused(lab: App, reader_as) -> None:
    technologist = reader_as("technologist")
    where = f"/diagnostics/laboratory/{ENGINE}/sample"
    good = {"sample": "H1", "fluid": "fuel", "quantity": "fuel_water", "value": "450"}
    assert technologist.post(where, good).status_code == 302
    assert technologist.post(where, good | {"value": "-3"}).status_code == 422
    page = technologist.get(f"/diagnostics/laboratory/{ENGINE}").content.decode()
    assert "verdict-unfit" in page.split("<h2>Water in fuel", 1)[1].split("</section>")[0]


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_the_pages_answer_in_every_language(lab: App, reader_as, language) -> None:
    browser = reader_as("laboratory", language)
    assert browser.get("/diagnostics/laboratory/").status_code == 200
    assert browser.get(f"/diagnostics/laboratory/{ENGINE}").status_code == 200
