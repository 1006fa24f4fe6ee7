"""Loading spreadsheets by the pages: choices, faults, stopping, results."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import python_calamine
from django.test import Client

from railtrace.app import App
from railtrace.interchange.columns import purposes
from tests.web.import_sheets import (
    examine,
    load,
    network_number,
    railway_of_its_own,
    record,
    wait,
    xlsx,
)

pytestmark = pytest.mark.django_db(transaction=True)
GOOD, OTHER = "07312051", "07312317"
ONE = (("Номер", "Тип"), (GOOD, "coach_open"))


@pytest.fixture
def depot(railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    with railway_of_its_own(tmp_path / "data", monkeypatch) as app:
        yield app


@pytest.fixture
def technologist(depot: App, reader_as: Callable[..., Client]) -> Client:
    return reader_as("technologist")


def _page(technologist: Client, address: str) -> str:
    answer = technologist.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_who_may_import_sees_the_pages(
    depot: App, technologist: Client, reader_as: Callable[..., Client]
) -> None:
    address = load(technologist, xlsx(ONE), "a.xlsx", "vehicles")
    for role in ("viewer", "worker"):
        assert reader_as(role).get("/import/").status_code == 403
    other = reader_as("fleet_manager")
    assert other.get("/import/").status_code == 200
    assert other.get(address).status_code == 403
    assert reader_as("administrator").get(address).status_code == 200


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
@pytest.mark.parametrize("purpose", purposes())
def test_a_template_is_understood_by_the_form_it_came_from(
    depot: App, reader_as: Callable[..., Client], purpose: str, language: str
) -> None:
    technologist = reader_as("technologist", language)
    sheet = technologist.get(f"/import/templates/{purpose}.xlsx").content
    address = load(technologist, sheet, "t.xlsx", purpose)
    job = examine(technologist, address)
    assert job.state == "checked", job.problem
    assert len(job.mapping) == len(purposes()[purpose].columns)
    assert job.change["rows"] == 0, "the example is never recorded"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"%PDF-1.4", "this is a PDF, not a spreadsheet"),
     (b"PK\x03\x04", "the file is damaged")],
)  # fmt: skip
def test_what_cannot_be_opened_is_said_on_the_page(
    technologist: Client, content: bytes, said: str
) -> None:
    address = load(technologist, content, "a.xlsx", "vehicles")
    assert said in _page(technologist, address)


def test_only_headings_leave_nothing_to_record(technologist: Client, depot: App) -> None:
    address = load(technologist, xlsx([("Номер", "Тип")]), "a.xlsx", "vehicles")
    job = examine(technologist, address)
    assert job.change["rows"] == 0
    assert "disabled" in _page(technologist, address)


def test_needed_columns_are_asked_for(technologist: Client) -> None:
    address = load(technologist, xlsx([("a", "b"), (GOOD, "coach_open")]), "a.xlsx", "vehicles")
    technologist.post(f"{address}columns", {"sheet": 0, "header_row": 1})
    assert "Say which column is: Number, Type." in _page(technologist, address)


def test_columns_chosen_once_are_chosen_for_the_same_headings_again(technologist: Client) -> None:
    rows = [("что это", "какой"), (GOOD, "coach_open")]
    first = load(technologist, xlsx(rows), "a.xlsx", "vehicles")
    examine(technologist, first, **{"column-number": 0, "column-type": 1})
    second = load(technologist, xlsx([*rows, (OTHER, "coach_open")]), "b.xlsx", "vehicles")
    assert "As you chose for a sheet with the same headings." in _page(technologist, second)
    assert examine(technologist, second).change["outcomes"] == {"ready": 2}


def test_lost_zeros_are_put_back_by_one_button(technologist: Client, depot: App) -> None:
    address = load(technologist, xlsx([ONE[0], (7312051, "coach_open")]), "a.xlsx", "vehicles")
    job = examine(technologist, address)
    assert (job.change["outcomes"], job.change["offers"]) == ({"wrong": 1}, 1)
    assert "Put back 1 lost zero" in _page(technologist, address)
    technologist.post(f"{address}offers")
    wait()
    assert record(technologist, address).result == {"recorded": 1}
    assert depot.wait_caught_up(10)
    assert len(depot.lookup.bearers(GOOD)) == 1


def test_rows_go_to_the_log_of_their_depot_by_its_clock(technologist: Client, depot: App) -> None:
    rows = [("Номер", "Тип", "Депо"), (GOOD, "coach_open", "Куляб"), (OTHER, "coach_open", None)]
    address = load(technologist, xlsx(rows), "a.xlsx", "vehicles")
    examine(technologist, address, site="dushanbe", as_of="2026-05-17")
    record(technologist, address)
    kulob = depot.entry_at("kulob", 1).operation
    assert kulob.happened_at.isoformat() == "2026-05-17T00:00:00+05:00"
    assert (kulob.zone_source, kulob.time_precision) == ("site", "day")  # type: ignore[union-attr]
    assert depot.trace.head("dushanbe").size == 2
    person = depot.entry_at("kulob", 1).submitter
    assert person.startswith("p-"), "a pseudonym, never a name"
    sha256 = kulob.evidence[0].sha256  # type: ignore[union-attr]
    assert depot.evidence.state(sha256) == "kept"


def test_stopping_keeps_what_was_recorded_and_going_on_adds_the_rest(
    technologist: Client, depot: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web import import_jobs
    from railtrace.web.models import ImportJob

    monkeypatch.setattr(import_jobs, "BATCH_ROWS", 2)
    rows = [("Номер", "Тип"), *((network_number(n), "coach_open") for n in range(900, 910))]
    address = load(technologist, xlsx(rows), "a.xlsx", "vehicles")
    examine(technologist, address)
    was = import_jobs._progress

    def stop_after_four(job: ImportJob, done: int) -> None:
        if done == 4:
            ImportJob.objects.filter(pk=job.pk).update(cancel_asked=True)
        was(job, done)

    monkeypatch.setattr(import_jobs, "_progress", stop_after_four)
    stopped = record(technologist, address)
    assert (stopped.state, stopped.result) == ("cancelled", {"recorded": 4})
    assert "record again to go on" in _page(technologist, address)

    monkeypatch.setattr(import_jobs, "_progress", was)
    assert record(technologist, address).result == {"known": 4, "recorded": 6}


def test_what_a_stopped_program_left_is_interrupted_and_may_be_recorded_again(
    technologist: Client, depot: App
) -> None:
    from railtrace.web.models import ImportJob

    address = load(technologist, xlsx(ONE), "a.xlsx", "vehicles")
    examine(technologist, address)
    ImportJob.objects.update(state="recording", runner="another process")
    page = _page(technologist, address)
    assert "nothing is recorded twice" in page
    assert technologist.get(f"{address}progress").status_code == 205
    assert record(technologist, address).result == {"recorded": 1}


def test_a_full_disk_stops_the_import_with_words(
    technologist: Client, depot: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.errors import StoreFull

    address = load(technologist, xlsx(ONE), "a.xlsx", "vehicles")
    examine(technologist, address)

    def full(*_: object) -> None:
        raise StoreFull("the disk of {folder} is full: nothing is recorded until room is made; "
                        "reading goes on", folder="/data")  # fmt: skip

    with monkeypatch.context() as patch:
        patch.setattr(depot, "record", full)
        assert record(technologist, address).state == "failed"
    assert "the disk of /data is full" in _page(technologist, address)
    assert record(technologist, address).result == {"recorded": 1}


def test_the_result_tells_of_every_row_and_no_cell_runs(technologist: Client) -> None:
    evil = "=HYPERLINK(0)"
    rows = [("Номер", "Тип", "Примечание"), (GOOD, "coach_open", "+7 900"),
            ("07312052", "coach_open", evil)]  # fmt: skip
    content = "\n".join(";".join(row) for row in rows).encode()
    address = load(technologist, content, "a.csv", "vehicles")
    examine(technologist, address)
    record(technologist, address)
    text = b"".join(technologist.get(f"{address}result.csv").streaming_content).decode("utf-8-sig")
    head, good, wrong = csv.reader(io.StringIO(text), delimiter=";")
    assert head[:2] == ["Row", "Outcome"]
    assert (good[0], good[1], good[-1]) == ("2", "recorded", "'+7 900")
    assert (wrong[1], wrong[-1]) == ("refused: to be mended", f"'{evil}")
    assert "A Номер: 07312052: check digit 2 is wrong, 1 wanted" in wrong[2]
    assert good[5].startswith("sheet:")
    book = b"".join(technologist.get(f"{address}result.xlsx").streaming_content)
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book))
    assert sheet.get_sheet_by_index(0).to_python()[2][-1] == evil, "text, not a formula"


def test_what_is_taken_off_the_list_stays_in_the_trace(technologist: Client, depot: App) -> None:
    address = load(technologist, xlsx(ONE), "a.xlsx", "vehicles")
    examine(technologist, address)
    record(technologist, address)
    size = depot.trace.head("main").size
    technologist.post(f"{address}forget")
    assert technologist.get(address).status_code == 404
    assert depot.trace.head("main").size == size
    assert not list((depot.config.data_folder / "imports").iterdir())
