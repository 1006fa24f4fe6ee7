"""Scenarios 9 and 15 as far as dues and papers own them: the notice prints, seasons hold."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import (
    CampaignJoined,
    CampaignOpened,
    DefectFound,
    EnteredRepair,
    GuestSeen,
    Inspected,
    Number,
    PaperIssued,
    Registered,
)
from tests.web.conftest import quick_passwords  # noqa: F401
from tests.web.import_sheets import railway_of_its_own

COACHES = ("u-coach-7", "u-coach-10")
WAGON, STRANGER = "u-66345679", "u-stranger"


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory):
    """Two coaches in December: one not made ready for winter, one whose paper ran out."""
    folder = tmp_path_factory.mktemp("seasons")
    with pytest.MonkeyPatch.context() as patch, railway_of_its_own(Path(folder), patch) as app:
        now = app.clock()
        then = now - timedelta(days=200)
        app.record([
            *(Registered(id=f"r-{unit}", happened_at=then, units=(unit,), type="coach_open",
                         home_site="dushanbe",
                         numbers=(Number(scheme="other", value=unit),)) for unit in COACHES),
            PaperIssued(id="paper", happened_at=then, units=(COACHES[1],), service="дезинфекция",
                        valid_until=(now - timedelta(days=2)).date().isoformat()),
            CampaignOpened(id="winter", happened_at=then, campaign="winter", title="К зиме",
                           until=(now - timedelta(days=30)).date().isoformat(), effect="stops",
                           service="ТО-2"),
            CampaignJoined(id="winter-j", happened_at=then, campaign="winter", units=COACHES),
            Inspected(id="to2", happened_at=now - timedelta(days=60), units=(COACHES[1],),
                      scope="ТО-2"),
            Registered(id="wag", happened_at=then, units=(WAGON,), type="gondola", made="2009",
                       numbers=(Number(scheme="network8", value="66345679"),)),
            DefectFound(id="flange", happened_at=now, units=(WAGON,), code="102 тонкий гребень",
                        safety=True),
            EnteredRepair(id="uncoupled", happened_at=now, units=(WAGON,), repair_kind="ТР-2",
                          reason="102: гребень 23,6 мм при норме 24"),
            GuestSeen(id="guest", happened_at=now, units=(STRANGER,), owner_state="27",
                      type="gondola", numbers=(Number(scheme="network8", value="57135303"),)),
        ], "p-1", "test")  # fmt: skip
        assert app.wait_caught_up(10)
        yield app


@pytest.fixture
def manager(winter: App, db: None) -> Client:
    """Return a fleet manager's browser."""
    from railtrace.web.accounts import demo_users

    login = next(one for one in demo_users() if one.role == "fleet_manager")
    browser = Client()
    browser.cookies["language"] = "ru"
    browser.login(username=login.username, password=login.password)
    return browser


def forces(winter: App, unit: str, days: int = 0) -> dict[str, str]:
    at = winter.clock() + timedelta(days=days)
    knowledge = winter.knowledge(at, None) if days else winter.knowledge()
    gates = knowledge.gates(unit, 0, at.date().isoformat())
    return {gate.name: gate.force for gate in gates if gate.name != "history_unknown"}


def test_a_coach_not_ready_for_winter_is_refused_and_one_that_is_goes(winter: App) -> None:
    assert forces(winter, COACHES[0])["campaign_overdue"] == "stops"
    assert "campaign_overdue" not in forces(winter, COACHES[1])


def test_a_paper_that_ran_out_is_named_with_its_entry(winter: App, manager: Client) -> None:
    page = manager.get(f"/units/{COACHES[1]}?tab=due")
    line = next(one for one in page.context["own"] if one.kind == "дезинфекция")
    assert (line.state, line.last.operation) == ("overdue", "paper")
    assert line.service.source
    assert "overdue" in forces(winter, COACHES[1])


def test_in_another_season_the_closed_winter_campaign_blocks_nobody(winter: App) -> None:
    from railtrace.trace.operation import CampaignClosed

    winter.record([CampaignClosed(id="spring", happened_at=winter.clock(), campaign="winter",
                                  reason="зима кончилась")], "p-1", "test")  # fmt: skip
    assert winter.wait_caught_up(10)
    assert "campaign_overdue" not in forces(winter, COACHES[0], days=180)


def test_the_notice_of_uncoupling_prints_and_its_code_opens_the_proof(
    winter: App, manager: Client
) -> None:
    answer = manager.get("/forms/vu23m/uncoupled.pdf")
    assert answer.content.startswith(b"%PDF")
    page = manager.get("/operations/uncoupled")
    assert "/proof/uncoupled" in page.text


def test_no_dues_are_invented_for_a_guest(winter: App, manager: Client) -> None:
    page = manager.get(f"/units/{STRANGER}?tab=due")
    assert not [one for one in page.context["own"] if one.counts]
    assert page.context["life"] is None
