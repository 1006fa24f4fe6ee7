"""The tab Due of a unit: what stands there, and why."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import (
    Counter,
    LeftRepair,
    LifeExtended,
    Manufactured,
    Number,
    PaperIssued,
    Ran,
    Registered,
)

COACH, SISTER, LOCO = "u-due-coach", "u-due-sister", "u-due-loco"


@pytest.fixture(scope="module")
def aged(railway: App) -> App:
    """Return a railway with a coach overdue for ТО-3, one of unknown history, a locomotive."""
    then = railway.clock() - timedelta(days=300)
    runs = [
        Ran(id=f"due-run-{n}", happened_at=then + timedelta(days=15 * n), units=(COACH,),
            distance_km="6000")
        for n in range(1, 20)
    ]  # fmt: skip
    railway.record([
        Registered(id="due-1", happened_at=then, units=(COACH,), type="coach_open",
                   counters=(Counter(meter="km", value="0"),),
                   numbers=(Number(scheme="other", value="DUE 1"),)),
        LeftRepair(id="due-2", happened_at=then, units=(COACH,), repair_kind="ТО-3",
                   basis="document"),
        Registered(id="due-3", happened_at=then, units=(SISTER,), type="coach_open", made="1985"),
        Manufactured(id="due-4", happened_at=then, units=(LOCO,), type="2te10m"),
        PaperIssued(id="due-5", happened_at=then, units=(COACH,), service="дезинфекция",
                    valid_until=(then + timedelta(days=30)).date().isoformat()),
        LifeExtended(id="due-6", happened_at=then, units=(SISTER,), until="2020",
                     document="протокол 7"),
        *runs,
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_the_tab_tells_rule_count_rate_and_what_it_is_counted_from(
    aged: App, viewer: Client
) -> None:
    page = viewer.get(f"/units/{COACH}?tab=due")
    lines = {one.kind: one for one in page.context["own"]}
    assert (lines["ТО-3"].state, lines["ТО-3"].stops, lines["ТО-3"].sign) == (
        "overdue", True, "unfit",
    )  # fmt: skip
    assert lines["ТО-3"].last.operation == "due-2"
    assert [c.used for c in lines["ТО-3"].counts] == ["114\u202f000\u202fkm", "300\u202fd"]
    assert lines["ТО-3"].forecast.meter == "km"
    assert lines["дезинфекция"].state == "overdue"
    for said in ("overdue", "stops the unit", "from a document", "150\u202f000 km or 6 months"):
        assert said in page.text


def test_a_coach_of_unknown_history_is_not_overdue(aged: App, viewer: Client) -> None:
    page = viewer.get(f"/units/{SISTER}?tab=due")
    assert {one.state for one in page.context["own"]} <= {"unknown", "other"}
    assert "unknown, not overdue" in page.text


def test_overdue_maintenance_keeps_a_unit_in_and_says_why(aged: App, viewer: Client) -> None:
    page = viewer.get(f"/units/{COACH}")
    due = [r for r in page.context["reasons"] if r.name == "overdue"]
    overdue = due[0]
    assert overdue.said.startswith("ТО-3 is overdue by")
    assert overdue.href == f"/units/{COACH}?tab=due"
    assert "May not be released" in page.text

    assert [(r.said.split(" is")[0], r.force) for r in due] == [
        ("ТО-3", "stops"), ("дезинфекция", "warns"),
    ]  # fmt: skip


def test_a_service_life_that_ended_is_a_reason(aged: App, viewer: Client) -> None:
    page = viewer.get(f"/units/{SISTER}")
    assert "The service life has ended: протокол 7" in page.text


def test_kinds_without_an_interval_stand_apart_with_their_source(
    aged: App, viewer: Client
) -> None:
    page = viewer.get(f"/units/{COACH}?tab=due")
    assert [one.kind for one in page.context["blank"]] == [
        "проверка огнетушителей", "поверка манометров",
    ]  # fmt: skip
    assert "nobody has found a norm" in page.text


def test_a_past_date_counts_as_was_known_and_forecasts_nothing(
    aged: App, viewer: Client
) -> None:
    day = (aged.clock() - timedelta(days=200)).date().isoformat()
    page = viewer.get(f"/units/{COACH}?tab=due&at={day}")
    line = {one.kind: one for one in page.context["own"]}["ТО-3"]
    assert (line.state, line.forecast.meter) == ("ok", "")
    assert line.counts[0].used == "36\u202f000\u202fkm"


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_the_tab_is_read_in_every_language(
    aged: App, reader_as: Callable[..., Client], language: str
) -> None:
    page = reader_as("viewer", language).get(f"/units/{COACH}?tab=due")
    assert page.status_code == 200
    assert {"ru": "просрочено", "tg": "мӯҳлаташ гузашт"}[language] in page.text
