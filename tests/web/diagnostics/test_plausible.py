"""The plausibility page: what was planted is found and named, honest work is silent."""

import random
from datetime import timedelta

import pytest

from railtrace.app import App
from railtrace.trace.operation import (
    Inspected,
    MachineResult,
    Measured,
    Reading,
    Registered,
    Washed,
)
from tests.operating.depot import NOW, record


def measured(n: int, chance: random.Random, values=None, unit=None, by="p-honest"):
    values = values or [f"{chance.gauss(29, 1.2):.1f}" for _ in range(6)]
    readings = tuple(
        Reading(quantity=q, place=side, value=v, unit="mm", uncertainty="0.2")
        for (q, side), v in zip(
            ((q, s) for q in ("flange_thickness", "tread_wear", "rim_thickness")
             for s in ("left", "right")), values, strict=True)
    )  # fmt: skip
    return Measured(id=f"pl-{n}", happened_at=NOW - timedelta(days=3, minutes=7 * n), site="depot",
                    units=(unit or f"u-pl-{n}",), readings=readings, performed_by=(by,))


@pytest.fixture(scope="module")
def desk(railway: App) -> App:
    chance = random.Random(4)
    units = [Registered(id=f"rpl-{n}", happened_at=NOW - timedelta(days=99), units=(f"u-pl-{n}",),
                        type="wheelset_passenger") for n in range(60)]  # fmt: skip
    work = [measured(n, chance) for n in range(40)]
    copy = [r.value for r in work[3].readings]
    work.append(measured(50, chance, copy))
    at = NOW - timedelta(days=2)
    shared = {"units": ("u-pl-1",), "site": "depot", "work_order": "W-PL"}
    record(railway, [
        *units, *work,
        Inspected(id="pl-look", happened_at=at, **shared),
        Washed(id="pl-wash", happened_at=at + timedelta(minutes=90), **shared),
        Inspected(id="pl-a", happened_at=at, units=("u-pl-2",), site="depot",
                  performed_by=("p-twice",)),
        Inspected(id="pl-b", happened_at=at + timedelta(minutes=4), units=("u-pl-3",), site="far",
                  performed_by=("p-twice",)),
    ])  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_the_page_answers_in_every_language(desk: App, reader_as, language) -> None:
    assert reader_as("foreman", language).get("/diagnostics/plausibility/").status_code == 200


def test_what_was_planted_is_found_and_honest_work_is_silent(desk: App, viewer) -> None:
    page = viewer.get("/diagnostics/plausibility/").content.decode()
    rows = page.split("<tbody>")[1].split("</tbody>")[0]
    assert rows.count("<tr>") == 3
    assert "two series agree in 6 of 6 readings" in rows
    assert "/operations/pl-3" in rows
    assert "/operations/pl-50" in rows
    assert "looked at 90 min before" in rows
    assert "within 4 min" in rows
    assert "looked through" in page


def test_readings_of_a_simulated_machine_raise_no_finding(railway: App, viewer) -> None:
    grown = [r.value for r in measured(1, random.Random(5)).readings]
    thicker = [f"{float(v) + 9:.1f}" for v in grown]
    at = {"unit": "u-pl-59"}
    facts = [measured(202, random.Random(5), grown, **at),
             measured(201, random.Random(5), thicker, **at)]  # fmt: skip

    def result(fact: Measured, simulated: bool) -> MachineResult:
        return MachineResult(
            id=f"{fact.id}:{simulated:d}", happened_at=fact.happened_at, site="depot",
            units=fact.units, device="u-pl-gauge", result_id=fact.id, machine="wheel_gauge",
            simulated=simulated, facts=(fact.id,),
        )  # fmt: skip

    path = "/diagnostics/plausibility/?name=grown"
    record(railway, [*facts, *(result(f, simulated=False) for f in facts)])
    assert railway.wait_caught_up(10)
    assert "/operations/pl-201" in viewer.get(path).text
    record(railway, [result(f, simulated=True) for f in facts])
    assert railway.wait_caught_up(10)
    page = viewer.get(path).text
    assert "/operations/pl-201" not in page
    assert "Results of simulated machines are left out: 2." in page


def test_one_kind_is_chosen_by_its_count(desk: App, viewer) -> None:
    page = viewer.get("/diagnostics/plausibility/?name=in_two_places").content.decode()
    assert page.split("<tbody>")[1].count("<tr>") == 1


def test_a_finding_is_answered_by_a_person_and_not_asked_again(desk: App, reader_as) -> None:
    page = reader_as("technologist")
    form = {"name": "copied", "entry": ["pl-3", "pl-50"], "answer": "honest", "reason": "same axle"}
    for bad, said in (
        (form | {"reason": " "}, "Say what was found out"),
        (form | {"answer": "maybe"}, "say what it is"),
        (form | {"name": "odd"}, "there is no suspicion odd"),
        (form | {"entry": []}, "say what it is"),
    ):  # fmt: skip
        assert said in page.post("/diagnostics/plausibility/answer", bad).text
    assert reader_as("viewer").post("/diagnostics/plausibility/answer", form).status_code == 403
    assert page.post("/diagnostics/plausibility/answer", form).status_code == 302
    waiting = page.get("/diagnostics/plausibility/").text
    assert "two series agree in 6 of 6 readings" not in waiting
    answered = page.get("/diagnostics/plausibility/?answered=1").text
    assert "two series agree in 6 of 6 readings" in answered
    assert "same axle" in answered
    assert "What findings turned out to be" in waiting
    again = measured(60, random.Random(9), [r.value for r in desk.entry("pl-3").operation.readings])
    record(desk, [again])
    assert desk.wait_caught_up(10)
    assert "two series agree in 6 of 6 readings" in page.get("/diagnostics/plausibility/").text
