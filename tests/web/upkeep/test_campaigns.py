"""A campaign from its opening over a depot's vehicles to its act and its gate."""

from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import Inspected, Number, Registered

UNITS = ("u-camp-1", "u-camp-2", "u-camp-3")


@pytest.fixture(scope="module")
def fleet(railway: App) -> App:
    """Return a railway with three tank wagons at home in one depot."""
    then = railway.clock() - timedelta(days=40)
    railway.record([
        Registered(id=f"camp-r{n}", happened_at=then, units=(unit,), type="tank_wagon",
                   home_site="depot", numbers=(Number(scheme="other", value=f"CAMP {n}"),))
        for n, unit in enumerate(UNITS)
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def opened(manager: Client, **more: str) -> str:
    """Open a campaign over the three wagons; return its address."""
    said = {
        "title": "Осмотр воздушных резервуаров", "action": "inspect", "until": "2026-01-31",
        "effect": "stops", "service": "осмотр резервуара", "type": "tank_wagon",
    }  # fmt: skip
    answer = manager.post("/fleet/campaigns/", said | more)
    assert answer.status_code == 302, answer.context["form"].errors
    return str(answer["Location"])


def test_a_campaign_is_opened_over_a_type_and_shows_its_progress(
    fleet: App, manager: Client
) -> None:
    page = manager.get(opened(manager))
    assert page.context["progress"].counts == {"overdue": 3}
    assert {row["unit"] for row in page.context["rows"]} == set(UNITS)


def test_what_is_overdue_stops_the_unit_and_done_lets_it_go(fleet: App, manager: Client) -> None:
    address = opened(manager, title="Стопорная")
    reasons = manager.get(f"/units/{UNITS[0]}").context["reasons"]
    stopped = [r for r in reasons if r.name == "campaign_overdue" and r.href == address]
    assert [r.force for r in stopped] == ["stops"]
    manager.post(f"{address}/done", {"unit": [UNITS[0]], "what": "passed", "act": "7",
                                     "said": "годен"})  # fmt: skip
    reasons = manager.get(f"/units/{UNITS[0]}").context["reasons"]
    assert not [r for r in reasons if r.href == address]
    assert manager.get(address).context["progress"].percent == 33


def test_an_inspection_of_the_kind_it_names_does_it(fleet: App, manager: Client) -> None:
    address = opened(manager, title="По записи")
    fleet.record([Inspected(id="camp-i1", happened_at=fleet.clock(), units=(UNITS[1],),
                            scope="осмотр резервуара")], "p-test", "test")  # fmt: skip
    assert fleet.wait_caught_up(10)
    rows = {r["unit"]: r["state"] for r in manager.get(address).context["rows"]}
    assert rows[UNITS[1]] == "done"


def test_the_act_of_a_unit_is_printed(fleet: App, manager: Client) -> None:
    address = opened(manager, title="С актом")
    manager.post(f"{address}/done", {"unit": [UNITS[2]], "what": "failed", "act": "12-в",
                                     "said": "трещина"})  # fmt: skip
    row = next(r for r in manager.get(address).context["rows"] if r["unit"] == UNITS[2])
    assert row["state"] == "overdue"
    act = manager.get(f"/forms/commission_act/{row['standing'].member.done_by}.pdf")
    assert act.content.startswith(b"%PDF")


def test_a_unit_is_taken_out_with_a_reason_only(fleet: App, manager: Client) -> None:
    address = opened(manager, title="Лишний")
    manager.post(f"{address}/done", {"unit": [UNITS[0]], "what": "out", "said": ""})
    assert manager.get(address).context["progress"].total == 3
    manager.post(f"{address}/done", {"unit": [UNITS[0]], "what": "out", "said": "нет резервуара"})
    assert manager.get(address).context["progress"].total == 2


def test_a_closed_campaign_keeps_nobody_back(fleet: App, manager: Client) -> None:
    address = opened(manager, title="Закрытая")
    manager.post(f"{address}/close", {"reason": "сделано иначе"})
    reasons = manager.get(f"/units/{UNITS[1]}").context["reasons"]
    assert not [r for r in reasons if r.href == address]


def test_a_campaign_of_nothing_is_a_slip_and_an_unknown_number_is_named(
    fleet: App, manager: Client
) -> None:
    said = {"title": "x", "action": "inspect", "until": "2026-12-31", "effect": "none"}
    page = manager.post("/fleet/campaigns/", said)
    assert "No vehicle is chosen" in page.text
    page = manager.post("/fleet/campaigns/", said | {"numbers": "99999999"})
    assert "no vehicle bears the number 99999999" in page.text


def test_a_viewer_sees_the_campaign_and_cannot_open_one(fleet: App, viewer: Client) -> None:
    page = viewer.get("/fleet/campaigns/")
    assert "Open a campaign" not in page.text
    assert viewer.post("/fleet/campaigns/x/close", {}).status_code == 403


def test_the_sheet_has_every_unit(fleet: App, manager: Client) -> None:
    address = opened(manager, title="Таблица")
    answer = manager.get(f"{address}?as=csv")
    assert answer.text.count("CAMP") == 3
    assert manager.get(f"{address}?as=xlsx").content.startswith(b"PK")
