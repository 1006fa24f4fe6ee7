"""The pages of reliability, read through Django."""

import re

import pytest

from tests.web.conftest import COACH, WHEELSET

pytestmark = pytest.mark.django_db


def text_of(client, address):
    page = client.get(address)
    assert page.status_code == 200
    return page.content.decode()


def test_a_class_that_never_failed_shows_bounds_and_what_they_stand_on(manager):
    text = text_of(manager, "/reliability/?class=coach")
    assert "Component types" in text
    assert "only a bound can be told" in text
    assert "Table, SHA-256" in text
    # Nothing failed: the bound stands, and no rate of nought.
    assert '<td class="right" data-label="per 10⁶ km">—</td>' in text
    assert "≤ " in text
    assert "0.00 – " not in text


def test_a_class_that_never_ran_says_so(manager):
    assert "no run of this class is recorded yet" in text_of(manager, "/reliability/?class=special")


def test_an_unknown_class_shows_the_first_one(manager):
    assert "Locomotives" in text_of(manager, "/reliability/?class=rocket")


def test_a_distance_that_is_none_is_the_usual_one(manager):
    for asked in ("xyz", "-5", "1e9", "nan"):
        assert 'value="500"' in text_of(manager, f"/reliability/?class=coach&km={asked}")
    assert 'value="1200"' in text_of(manager, "/reliability/?class=coach&km=1200")


def test_a_unit_without_a_fleet_that_failed_and_a_part_say_why_there_is_no_chance(manager):
    assert "only a bound can be told" in text_of(manager, f"/units/{COACH}?tab=reliability")
    assert "told for vehicles" in text_of(manager, f"/units/{WHEELSET}?tab=reliability")
    past = text_of(manager, f"/units/{COACH}?tab=reliability&at=2099-01-01")
    assert "for now only" in past


def test_component_types_leave_as_a_table(manager):
    page = manager.get("/reliability/components.csv?class=coach")
    rows = page.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Component,Failures,Kilometres")
    assert len(rows) > 5


# --- indicators -----------------------------------------------------------------------------------

YEAR = "from=2026-01-01&to=2026-12-31"


def test_indicators_stand_as_rows_with_interval_evidence_and_definition(manager):
    text = text_of(manager, f"/reliability/indicators?class=coach&{YEAR}")
    for word in ("Failure intensity", "MDBF", "MTBF", "MTTR", "КВГ", "КТГ", "Gamma-percent life"):
        assert word in text
    assert "1–4 events" in text
    assert "GOST 27.002" in text
    # One failure in 1250.5 km.
    assert "799.7" in text


def test_without_failures_the_bound_stands_and_no_value(manager):
    text = text_of(manager, f"/reliability/indicators?class=coach&{YEAR}&c=1&show=mdbf")
    assert "≥ 417" in text
    assert "≤ 2" in text


def test_a_number_opens_to_the_operations_behind_it(manager):
    text = text_of(manager, f"/reliability/indicators/behind?class=coach&{YEAR}&what=failures")
    assert "/operations/f-1" in text
    assert "&lt;b&gt;heated&lt;/b&gt; box" in text
    for what in ("incidents", "repairs", "hours", "nonsense"):
        text_of(manager, f"/reliability/indicators/behind?class=coach&{YEAR}&what={what}")


def test_days_that_are_none_and_delays_below_zero_are_told_to_the_reader(manager):
    text = text_of(manager, "/reliability/indicators?class=coach&from=2026-13-40")
    assert "2026-13-40 is no day" in text
    text = text_of(manager, "/reliability/indicators?class=coach&delay=-3")
    assert "-3 minutes is no delay" in text
    text = text_of(manager, "/reliability/indicators?class=coach&from=2026-05-01&to=2026-04-01")
    assert "they are exchanged" in text


def test_groups_show_the_indicator_chosen_and_a_fleet_without_vehicles_says_so(manager):
    text = text_of(manager, f"/reliability/indicators?class=coach&{YEAR}&by=home_site&show=mtbf")
    assert "Mean operating time between failures, MTBF · Home depot" in text
    assert "take a filter off" in text_of(manager, "/reliability/indicators?class=coach&type=none")


def test_indicators_leave_as_a_table_with_unrounded_bounds(manager):
    page = manager.get(f"/reliability/indicators.csv?class=coach&{YEAR}&by=type")
    rows = page.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Group,Indicator")
    assert len(rows) == 1 + 2 * 10
    assert "799.68" in rows[1]


def test_a_group_that_begins_like_a_formula_leaves_harmless(manager, monkeypatch):
    monkeypatch.setattr("railtrace.web.reliability.indicators.group_name", lambda *_: "=1+1")
    address = f"/reliability/indicators.csv?class=coach&{YEAR}&by=type"
    page = manager.get(address).content.decode("utf-8-sig")
    assert "\n'=1+1," in page
    assert "\n=" not in page
    book = manager.get(address + "&as=xlsx")
    assert book.headers["Content-Type"].endswith("spreadsheetml.sheet")


# --- bench ----------------------------------------------------------------------------------------


def test_the_bench_shows_a_component_of_a_fleet_and_says_what_it_cannot_tell(manager):
    text = text_of(manager, f"/reliability/bench?class=coach&{YEAR}&component=wheelset_coach")
    assert "Analysis bench" in text
    assert "Nothing failed in this period" in text


def test_a_question_is_saved_under_a_name_and_forgotten(manager):
    query = f"class=coach&{YEAR}"
    manager.post("/reliability/bench/save", {"query": query, "name": "coaches of 2026"})
    text = text_of(manager, f"/reliability/bench?{query}")
    assert "coaches of 2026" in text
    manager.post("/reliability/bench/save", {"query": query, "forget": "coaches of 2026"})
    assert "coaches of 2026" not in text_of(manager, f"/reliability/bench?{query}")


def test_lives_leave_in_the_columns_that_the_command_life_reads(manager):
    page = manager.get(f"/reliability/bench/lives.csv?class=coach&{YEAR}")
    assert page.content.decode("utf-8-sig").splitlines()[0] == "unit,entry,time,event,group"


# --- scoreboard -----------------------------------------------------------------------------------


def test_the_scoreboard_says_when_there_is_nothing_to_score(manager):
    text = text_of(manager, "/reliability/scoreboard?class=coach")
    assert "there is nothing to score" in text
    assert "railtrace promise" in text
    page = manager.get("/reliability/scoreboard.csv?class=coach")
    assert page.content.decode("utf-8-sig").startswith("kind,model,runs")


# --- heat map -------------------------------------------------------------------------------------


def test_units_stand_by_weeks_with_their_failures_and_hours_down(manager):
    text = text_of(manager, "/reliability/weeks?class=coach&weeks=52")
    assert "073" in text
    assert "A figure: failures in the week." in text
    assert text.count('class="week"') == 52
    assert "take a filter off" in text_of(manager, "/reliability/weeks?class=coach&type=none")


# --- repeats --------------------------------------------------------------------------------------


def test_what_comes_back_says_where_there_is_nothing_and_what_span_it_takes(manager):
    text = text_of(manager, f"/reliability/repeats?class=coach&{YEAR}")
    assert "Failures within 100 days after repair" in text
    assert "No unit stands out of its fleet" in text
    text = text_of(manager, f"/reliability/repeats?class=coach&{YEAR}&span=km&within=-5")
    assert "-5 is no span" in text
    assert re.search(r"Failures within 10.?000 km after repair", text)
    page = manager.get(f"/reliability/repeats.csv?class=coach&{YEAR}")
    assert page.content.decode("utf-8-sig").startswith("Home depot,Repair,Repairs")
