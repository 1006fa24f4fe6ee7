"""Warranty and claims, repairs elsewhere: from sending out to the claim's cost."""

from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import DefectFound, LeftRepair, Number, Registered

COACH = "u-claim-coach"
NUMBER = "CLAIM 1"


@pytest.fixture(scope="module")
def coach(railway: App) -> App:
    """Return a railway with a coach."""
    then = railway.clock() - timedelta(days=90)
    railway.record([
        Registered(id="cl-1", happened_at=then, units=(COACH,), type="coach_open",
                   home_site="depot", numbers=(Number(scheme="other", value=NUMBER),)),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_a_coach_goes_away_comes_back_fails_and_is_claimed(coach: App, manager: Client) -> None:
    sent = {"number": NUMBER, "to": "Завод", "where": "abroad", "repair_kind": "КР-1",
            "contract": "17/26", "expected": "2026-01-10"}  # fmt: skip
    assert manager.post("/depot/away/", sent).status_code == 302
    page = manager.get("/depot/away/")
    (row,) = [r for r in page.context["rows"] if r["unit"] == COACH]
    assert "has passed" in page.text
    assert manager.post("/depot/away/", sent).context["form"].errors["number"]
    stay = {"unit": COACH, "stay": row["away"].stay}
    manager.post("/depot/away/hear", stay | {"stage": "кузов на стапеле", "expected": "2026-12-20"})
    unit = manager.get(f"/units/{COACH}?tab=upkeep")
    assert "кузов на стапеле" in unit.text
    assert [r.force for r in unit.context["reasons"] if r.name == "not_taken_over"] == ["stops"]

    manager.post("/depot/away/taken", stay | {"outcome": "failed", "findings": "течёт крыша"})
    assert "течёт крыша" in manager.get("/depot/away/").text
    until = (coach.clock() + timedelta(days=300)).date().isoformat()
    manager.post("/depot/away/taken", stay | {"outcome": "passed", "warranty": until})
    unit = manager.get(f"/units/{COACH}?tab=upkeep")
    assert not [r for r in unit.context["reasons"] if r.name == "not_taken_over"]
    assert unit.context["passport"].status != "in_repair"
    (warranty,) = unit.context["warranty_rows"]
    assert (warranty["warranty"].by, warranty["holds"]) == ("Завод", True)

    coach.record([DefectFound(id="cl-d", happened_at=coach.clock(), units=(COACH,),
                              code="трещина стекла")], "p-test", "test")  # fmt: skip
    assert coach.wait_caught_up(10)
    (offered,) = manager.get(f"/units/{COACH}?tab=upkeep").context["claimable"]
    assert (offered["id"], offered["against"]) == ("cl-d", "Завод")
    answer = manager.post("/depot/claims/new", {"defect": "cl-d"})
    claim = manager.get(answer["Location"])
    found = claim.context["claim"]
    assert (found.against, found.warranty) == ("Завод", warranty["warranty"].operation)
    assert manager.get(f"/forms/vu41m/{found.opened_by}.pdf").content.startswith(b"%PDF")

    say = f"{answer['Location']}/say"
    manager.post(say, {"what": "rejected", "reason": "износ"})
    manager.post(say, {"what": "dispute", "reason": "300 км"})
    manager.post(say, {"what": "close", "result": "paid", "cost": "1200.50", "currency": "TJS"})
    closed = manager.get(answer["Location"])
    assert closed.context["claim"].state == "closed"
    assert "1200.50" in closed.text
    assert manager.post(say, {"what": "accepted"}).status_code == 404
    assert "1200.50" in manager.get("/depot/claims/?shown=closed&as=csv").text
    assert "Завод" in manager.get("/depot/claims/?shown=warranties").text


def test_the_act_names_the_defect_and_who_stands_for_it(coach: App, manager: Client) -> None:
    from django.utils.translation import override

    from railtrace.web.forms.values import Source, filled
    from railtrace.web.names import Names

    coach.record([DefectFound(id="cl-e", happened_at=coach.clock(), units=(COACH,),
                              code="102", place="bogie.1")], "p-test", "test")  # fmt: skip
    assert coach.wait_caught_up(10)
    manager.post("/depot/claims/new", {"defect": "cl-e", "against": "Депо Север"})
    rows = manager.get(f"/units/{COACH}?tab=upkeep").context["claim_rows"]
    opened = next(r["claim"].opened_by for r in rows if r["claim"].defect == "cl-e")
    names = Names(coach.catalogue(), "ru")
    with override("ru"):
        source = Source(coach.knowledge(), names, COACH, coach.entry(opened))
        fields = dict(filled(names.catalogue.forms["vu41m"], source, "дорога")["fields"])
    assert (fields["Код неисправности"], fields["Виновное предприятие"]) == ("102", "Депо Север")
    assert fields["Неисправный узел"]


def test_a_claim_without_a_warranty_asks_against_whom(coach: App, manager: Client) -> None:
    wagon = Registered(id="cl-w", happened_at=coach.clock() - timedelta(days=9),
                       units=("u-claim-w",), type="tank_wagon")  # fmt: skip
    defect = DefectFound(id="cl-f", happened_at=coach.clock(), units=("u-claim-w",), code="220")
    coach.record([wagon, defect], "p-test", "test")
    assert coach.wait_caught_up(10)
    answer = manager.post("/depot/claims/new", {"defect": "cl-f"}, follow=True)
    assert "say against whom" in answer.text
    assert manager.post("/depot/claims/new", {"defect": "cl-w"}).status_code == 404


def test_a_depot_repair_is_stood_for_until_the_next_one(coach: App, manager: Client) -> None:
    wagon, day = "u-claim-dr", timedelta(days=1)
    then = coach.clock() - 30 * day
    coach.record([
        Registered(id="cl-g", happened_at=then, units=(wagon,), type="tank_wagon"),
        LeftRepair(id="cl-h", happened_at=then, units=(wagon,), repair_kind="ДР"),
    ], "p-test", "test")  # fmt: skip
    assert coach.wait_caught_up(10)
    page = f"/depot/claims/warranty/{wagon}"
    unknown = manager.post(page, {"by": "ВЧД Восток", "after": "покраска"})
    assert "the catalogue knows no term after this work" in unknown.text
    assert manager.post(page, {"by": "ВЧД Восток", "after": "ДР"}).status_code == 302
    (held,) = manager.get(f"/units/{wagon}?tab=upkeep").context["warranty_rows"]
    assert (held["holds"], held["warranty"].works) == (True, ("ДР", "КР", "КРП"))
    listed = manager.get("/depot/claims/?shown=warranties").text
    assert "until the next ДР, КР, КРП" in listed
    assert "write it once as a row" in listed
    again = LeftRepair(id="cl-i", happened_at=coach.clock(), units=(wagon,), repair_kind="КР")
    coach.record([again], "p-test", "test")
    assert coach.wait_caught_up(10)
    (over,) = manager.get(f"/units/{wagon}?tab=upkeep").context["warranty_rows"]
    assert not over["holds"]
