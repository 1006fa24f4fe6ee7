"""States, holders, sections, guests and gates in introduction, through the pages."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from railtrace.app import App
from railtrace.store.replicas import Fork, Heard, Replicas
from railtrace.trace.leaf import microseconds
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Counter,
    EnteredRepair,
    Inspected,
    LastRepairStated,
    LocationReported,
    Number,
    Operation,
    Ran,
    Registered,
    SectionsCoupled,
    SectionsUncoupled,
    StateChanged,
)
from railtrace.web.frame import home_zone
from railtrace.web.holdings import jobs
from tests.web.import_sheets import railway_of_its_own

pytestmark = pytest.mark.django_db(transaction=True)
T0 = datetime(2026, 1, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def _section(unit: str, number: str, km: str, tr1: str) -> list[Operation]:
    return [
        Registered(id=f"r-{unit}", happened_at=T0, units=(unit,), type="2te10m",
                   home_site="kulob", numbers=(Number(scheme="series", value=number),),
                   counters=(Counter(meter="km", value=km),)),
        LastRepairStated(id=f"t-{unit}", happened_at=T0, units=(unit,), repair_kind="ТР-1",
                         grade="document", km=tr1),
    ]  # fmt: skip


def _life() -> list[Operation]:
    wagon = Number(scheme="network8", value="66345679")
    return [
        *_section("s-a", "2ТЭ10М-2345А", "412300", "395000"),
        *_section("s-b", "2ТЭ10М-2345Б", "409900", "395000"),
        *_section("s-c", "2ТЭ10М-2411Б", "288150", "241000"),
        Registered(id="r-l", happened_at=T0, units=("L",), type="locomotive_2te10m",
                   numbers=(Number(scheme="series", value="2ТЭ10М-2345"),)),
        SectionsCoupled(id="c1", happened_at=T0 + DAY, units=("s-a", "s-b"), locomotive="L",
                        places=("А", "Б")),
        SectionsUncoupled(id="u1", happened_at=T0 + 9 * DAY, units=("s-b",), locomotive="L",
                          reason="ТР-3"),
        SectionsCoupled(id="c2", happened_at=T0 + 10 * DAY, units=("s-c",), locomotive="L",
                        places=("Б",)),
        Ran(id="run", happened_at=T0 + 20 * DAY, units=("L",), distance_km="1840"),
        Registered(id="r-w", happened_at=T0, units=("w-1",), type="gondola", numbers=(wagon,),
                   home_site="dushanbe"),
        LastRepairStated(id="t-w", happened_at=T0, units=("w-1",), repair_kind="ДР",
                         grade="unknown"),
        LocationReported(id="p-w", happened_at=T0 + 2 * DAY, units=("w-1",), place="Бекабад"),
        StateChanged(id="st-w", happened_at=T0 + 4 * DAY, units=("w-1",), state="reserve"),
    ]  # fmt: skip


@pytest.fixture
def stock(railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    with railway_of_its_own(tmp_path / "data", monkeypatch) as app:
        results = app.record(_life(), "p-test", "test")
        assert all(isinstance(result, Receipt) for result in results), results
        assert app.wait_caught_up(10)
        yield app


@pytest.fixture
def technologist(stock: App, reader_as: Callable[..., Client]) -> Client:
    return reader_as("technologist")


PAGES = (
    "/holdings/", "/holdings/?by=place&scope=guests", "/holdings/?state=reserve&at=2026-01-15",
    "/holdings/movements?from=2026-01-01&to=2026-03-01", "/holdings/availability?by=type",
    "/holdings/locomotives", "/holdings/guests", "/holdings/introduction", "/holdings/sites",
    "/holdings/jobs/",
    "/units/L?tab=holding", "/units/w-1?tab=holding", "/units/s-a?tab=holding&at=2026-01-12",
    "/holdings/holdings.csv", "/holdings/movements.csv?from=2026-01-01&to=2026-03-01",
)  # fmt: skip


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_every_page_answers_in_every_language(
    stock: App, reader_as: Callable[..., Client], language: str
) -> None:
    browser = reader_as("technologist", language)
    answers = {address: browser.get(address).status_code for address in PAGES}
    assert set(answers.values()) == {200}, answers


def test_scenario_3_a_run_is_refused_because_of_the_section_named(technologist: Client) -> None:
    page = technologist.get(
        "/units/L?tab=holding&repair_kind=ТР-1&interval_km=50000&run_km=1200"
    ).content.decode()
    for figure in ("414\u202f140", "289\u202f990", "30\u202f860", "1010"):
        assert figure in page, figure
    assert "A run of 1200 km does not fit because of 2ТЭ10М\u20112411Б." in page
    section_b = technologist.get("/units/s-b").content.decode()
    assert "409\u202f900" in section_b


def test_a_run_is_asked_of_every_kind_of_the_sections_own_programme(technologist: Client) -> None:
    page = technologist.get("/units/L?tab=holding&run_km=1200")
    left = {(row["number"][-1], row["kind"]): row for row in page.context["run_rows"]}
    assert left["Б", "ТР-1"]["left_milli"] == 1_010_000
    assert left["Б", "ТР-1"]["covers"] is False
    assert [number[-1] for number in page.context["run_refused"]] == ["Б"]
    assert "does not fit because of" in page.text
    fits = technologist.get("/units/L?tab=holding&run_km=1000")
    assert fits.context["run_refused"] == []


def test_counts_by_state_and_depot_lead_to_the_units(technologist: Client) -> None:
    page = technologist.get("/holdings/?by=home_site").content.decode()
    assert "home_site=dushanbe&amp;state=reserve" in page
    found = technologist.get("/holdings/?by=home_site&state=reserve&home_site=dushanbe")
    assert "66345679" in found.content.decode()
    then = technologist.get("/holdings/?state=reserve&at=2026-01-11").content.decode()
    assert "66345679" not in then


def test_movements_name_what_was_before_and_after(technologist: Client) -> None:
    page = technologist.get("/holdings/movements?from=2026-01-01&to=2026-03-01").content.decode()
    assert "in use → <strong>serviceable reserve" in page
    assert "Бекабад" in page


def test_a_state_is_changed_from_the_page_of_the_unit(stock: App, technologist: Client) -> None:
    form = technologist.get("/holdings/change/state/w-1").content.decode()
    assert form.count('class="field') <= 5
    assert "preserved" not in form, "no wagon is put into preservation"
    said = {"state": "awaiting_parts", "at": "2026-02-01T10:00", "reason": "тележка"}
    answer = technologist.post("/holdings/change/state/w-1", said)
    assert answer.status_code == 302, answer.content.decode()
    passport = stock.knowledge().passport("w-1")
    assert passport.status == "awaiting_parts"
    assert passport.contradictions == {}


def test_within_a_repair_a_unit_waits_or_goes_on_being_repaired(
    stock: App, technologist: Client
) -> None:
    entered = EnteredRepair(id="e-w", happened_at=T0 + 5 * DAY, units=("w-1",), repair_kind="ДР")
    assert isinstance(stock.record([entered], "p-test", "test")[0], Receipt)
    stock.wait_caught_up(10)
    form = technologist.get("/holdings/change/state/w-1").content.decode()
    assert 'value="awaiting_parts"' in form
    assert 'value="reserve"' not in form
    said = {"state": "awaiting_parts", "at": "2026-02-01T10:00"}
    technologist.post("/holdings/change/state/w-1", said)
    technologist.post("/holdings/change/state/w-1", said | {"state": "in_repair",
                                                            "at": "2026-02-02T10:00"})  # fmt: skip
    passport = stock.knowledge().passport("w-1")
    assert (passport.status, passport.contradictions) == ("in_repair", {})


def test_a_moment_in_the_future_stands_as_an_error_at_its_field(technologist: Client) -> None:
    said = {"state": "awaiting_parts", "at": "2096-02-01T10:00"}
    page = technologist.post("/holdings/change/state/w-1", said).content.decode()
    assert "is in the future" in page
    assert "field-wrong" in page


def test_a_holder_form_that_changes_nothing_is_refused(technologist: Client) -> None:
    said = {"keeper": "", "owner": "", "home_site": "dushanbe", "at": "2026-02-01T10:00"}
    page = technologist.post("/holdings/change/holder/w-1", said).content.decode()
    assert "Name a new keeper" in page


def test_a_restriction_is_shown_warns_and_is_lifted(stock: App, technologist: Client) -> None:
    said = {"restriction": "трещина котла", "effect": "stops", "area": "юг", "until": ""}
    assert technologist.post("/holdings/change/restriction/w-1", said).status_code == 302
    page = technologist.get("/units/w-1").content.decode()
    assert "Restriction: трещина котла, юг" in page
    header = page[page.index('class="unit-head"'): page.index('class="unit-facts"')]
    assert 'class="chip"' in header
    assert "трещина котла, юг" in header
    run_out = {"permission": "проезд без АЛСН", "area": "", "until": "2099-01-31"}
    technologist.post("/holdings/change/permission/w-1", run_out)
    header = technologist.get("/units/w-1?at=2099-03-01").text
    assert 'class="chip off"' in header
    assert "run out" in header
    [restriction] = stock.knowledge().passport("w-1").restrictions
    ended = {"unit": "w-1", "operation": restriction.id, "reason": "заварено"}
    technologist.post("/holdings/end/restriction", ended)
    assert stock.knowledge().passport("w-1").restrictions == []


def test_a_section_in_another_locomotive_is_not_coupled(stock: App, technologist: Client) -> None:
    new = {"number": "2ТЭ10М-2411", "type": "locomotive_2te10m", "home_site": "kulob"}
    address = technologist.post("/holdings/locomotives", new).headers["Location"]
    unit = address.removeprefix("/units/").partition("?")[0]
    said = {"section": "2тэ10м 2345а", "place": "А", "at": "2026-02-01T10:00"}
    page = technologist.post(f"/holdings/locomotives/couple/{unit}", said).content.decode()
    assert "uncouple it there first" in page
    said["section"] = "2ТЭ10М-2345Б"
    assert technologist.post(f"/holdings/locomotives/couple/{unit}", said).status_code == 302
    assert [s.part for s in stock.knowledge().coupling(unit).coupled()] == ["s-b"]
    technologist.post(f"/holdings/locomotives/uncouple/{unit}", {"section": "s-b", "reason": "ТО"})
    assert stock.knowledge().coupling(unit).coupled() == []


def test_a_number_that_is_borne_is_no_new_locomotive(technologist: Client) -> None:
    new = {"number": "2ТЭ10М-2345", "type": "locomotive_2te10m"}
    assert "borne already" in technologist.post("/holdings/locomotives", new).content.decode()


def test_strangers_of_a_pasted_list_become_guests_with_no_dues(
    stock: App, technologist: Client
) -> None:
    said = {"numbers": "66345679, 24123457 52456787", "place": "Душанбе-2", "owner_state": "27"}
    page = technologist.post("/holdings/guests", said, follow=True).content.decode()
    assert "2 guests opened, 1 units were known already." in page
    [guest] = stock.lookup.bearers("24123457")
    knowledge = stock.knowledge()
    assert knowledge.passport(guest).place == "Душанбе-2"
    assert knowledge.gates(guest, day="2026-02-01") == []
    assert "guest in transit" in technologist.get(f"/units/{guest}").content.decode()


def test_a_wrong_check_digit_in_a_pasted_list_is_named(technologist: Client) -> None:
    page = technologist.post("/holdings/guests", {"numbers": "66345670"}).content.decode()
    assert "check digit 0 is wrong, 9 wanted" in page


def test_a_gate_in_introduction_lets_go_under_its_order_until_its_day(
    stock: App, technologist: Client
) -> None:
    assert "May not be released" in technologist.get("/units/w-1").content.decode()
    said = {"gate": "history_unknown", "site": "dushanbe", "order": "№ 14 от 01.06"}
    day = stock.clock().astimezone(home_zone()).date()
    technologist.post("/holdings/introduction", said | {"until": day.isoformat()})
    page = technologist.get("/units/w-1").content.decode()
    assert "May go under order № 14 от 01.06" in page
    assert "May not be released" not in page
    knowledge = stock.knowledge()
    after = (day + timedelta(days=1)).isoformat()
    assert [(g.name, g.force) for g in knowledge.gates("w-1", day=after)] == [
        ("history_unknown", "stops")
    ]


def test_what_is_found_out_of_a_last_repair_refines_the_unknown(
    stock: App, technologist: Client
) -> None:
    said = {"repair_kind": "ДР", "grade": "document", "done": "2024-05"}
    assert technologist.post("/holdings/change/last-repair/w-1", said).status_code == 302
    assert stock.knowledge().last_repairs("w-1").by_kind["ДР"].grade == "document"
    empty = {"repair_kind": "КР", "grade": "stated", "done": ""}
    page = technologist.post("/holdings/change/last-repair/w-1", empty).content.decode()
    assert "nothing is said of the last КР" in page


def test_a_viewer_changes_nothing(stock: App, reader_as: Callable[..., Client]) -> None:
    viewer = reader_as("viewer")
    assert viewer.get("/holdings/change/state/w-1").status_code == 403
    assert viewer.post("/holdings/locomotives/uncouple/L", {"section": "s-a"}).status_code == 403
    assert viewer.post("/holdings/end/restriction", {"unit": "w-1"}).status_code == 403
    viewer.post("/holdings/introduction", {"gate": "on_hold", "site": "dushanbe", "order": "1",
                                           "until": "2030-01-01"})  # fmt: skip
    assert stock.views.database.query("SELECT COUNT(*) FROM introductions") == [(0,)]


def test_a_fleet_job_is_asked_for_watched_and_taken_away(stock: App, technologist: Client) -> None:
    days = {"state_day": "2026-01-15", "known_day": "2030-01-01"}
    address = technologist.post("/holdings/jobs/", days).headers["Location"]
    for _ in range(200):
        answer = technologist.get(f"{address}/progress")
        if answer.status_code == 205:
            break
        time.sleep(0.1)
    page = technologist.get(address).content.decode()
    assert "5 units." in page, page
    [job] = jobs.jobs()
    sheet = b"".join(technologist.get(f"{address}/result.csv")).decode()  # type: ignore[arg-type]
    assert "66345679" in sheet
    assert "serviceable reserve" in sheet
    assert technologist.get(f"/evidence/{job.sha256}").status_code == 200
    assert stock.entry(job.operation).operation.rows == 5  # type: ignore[union-attr]
    assert technologist.get("/holdings/jobs/").status_code == 200
    assert technologist.get("/holdings/jobs/none").status_code == 404


def test_a_site_that_was_not_heard_of_for_days_says_how_old_its_data_are(
    stock: App, technologist: Client
) -> None:
    now_us = microseconds(stock.clock())
    stock.trace.open_log("konibodom", "north.railway/konibodom", foreign=True)
    nine_days = now_us - int(timedelta(days=9).total_seconds() * 1_000_000)
    Replicas(stock.trace).hear("konibodom", Heard("hq", now_us, nine_days))
    page = technologist.get("/holdings/sites").content.decode()
    assert "9 days old" in page
    assert "written here" in page


def test_a_log_that_was_rewritten_is_named_among_the_sites(
    stock: App, technologist: Client
) -> None:
    stock.trace.open_log("konibodom", "north.railway/konibodom", foreign=True)
    why = "konibodom was rewritten"
    Replicas(stock.trace).keep_aside(Fork("konibodom", microseconds(T0), why, "", "", b""))
    page = technologist.get("/holdings/sites")
    assert [row["fork"].why for row in page.context["rows"] if row["fork"]] == [why]
    assert "contradicts what is held here" in page.content.decode()


def test_a_section_s_life_holds_the_journal_of_its_locomotive(
    stock: App, technologist: Client
) -> None:
    looked = Inspected(id="to-2", happened_at=T0 + 12 * DAY, units=("L",), scope="ТО-2")
    before = Inspected(id="to-1", happened_at=T0 + 5 * DAY, units=("L",), scope="ТО-1")
    [*receipts] = stock.record([looked, before], "p-test", "test")
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert stock.wait_caught_up(10)
    page = technologist.get("/units/s-c").text
    assert "With the journal of the locomotive while it was in it:" in page
    assert "ТО-2 · passed" in page
    assert "ТО-1" not in page
    held = technologist.get("/units/s-c?tab=holding").text
    assert "on the locomotive" in held


def test_depot_equipment_is_no_rolling_stock(stock: App, technologist: Client) -> None:
    gauge = Registered(id="r-g", happened_at=T0, units=("g-1",), type="wheel_gauge",
                       numbers=(Number(scheme="other", value="0417"),))  # fmt: skip
    stock.record([gauge], "p-test", "test")
    assert stock.wait_caught_up(10)
    found = technologist.get("/holdings/?scope=vehicles&text=0417").context["rows"]
    assert found == []
    [row] = technologist.get("/holdings/?scope=equipment&text=0417").context["rows"]
    assert row["unit"] == "g-1"
    hours = technologist.get("/holdings/availability?by=vehicle_class").context["rows"]
    assert "equipment" not in {key for _said, key, _found in hours}


ACT = {
    "number": "17", "issuer": "ПТО Кандыагаш", "at": "2026-02-03T14:20", "place": "Кандыагаш",
    "whereabouts": "abroad", "uncoupled": "on", "found": "flat on the tread",
}  # fmt: skip


def _act(browser: Client, photograph: bytes = b"the act", **said: str) -> str:
    paper = SimpleUploadedFile("act.png", photograph, "image/png")
    return str(browser.post("/holdings/act/w-1", ACT | said | {"paper": paper}).content.decode())


def test_what_a_paper_act_says_is_in_the_log_of_the_vehicle_s_depot(
    stock: App, technologist: Client
) -> None:
    before = stock.trace.head("dushanbe").size
    _act(technologist)
    assert stock.trace.head("dushanbe").size == before + 2
    entries = stock.entries_at([("dushanbe", before), ("dushanbe", before + 1)])
    assert {entry.operation.site for entry in entries} == {""}, "it was done elsewhere"


def test_an_act_in_which_no_part_changed_is_entered_once_however_it_is_written(
    stock: App, technologist: Client
) -> None:
    _act(technologist)
    size = stock.trace.head("dushanbe").size
    again = "This act was entered on"
    assert again in _act(technologist, b"by post", issuer="Кандыагаш, ПТО", number="№ 17")
    assert again in _act(technologist, number="71", issuer="illegible")
    assert stock.trace.head("dushanbe").size == size
    assert again not in _act(technologist, b"another sheet", number="18")
    assert stock.trace.head("dushanbe").size == size + 2
