"""Scenarios 19 and 23 for a train: a gauge withdrawn, readings entered for the wrong coach."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import KINDS, LeanedOn, LogSize, Operation, Range, Reading
from tests.web.trains.yard import departure, send, written, yard

HOUR = timedelta(hours=1)
TRAIN, OTHER = "C-19", "C-23"
SUSPECT, GOOD = "g-0417", "g-0500"


def op(app: App, kind: str, id_: str, hours: float, *units: str, **fields: Any) -> Operation:
    at = (app.clock() - hours * HOUR).replace(microsecond=0)
    return KINDS[kind](id=id_, happened_at=at, units=units, site="depot", **fields)


def gauges(app: App) -> list[Operation]:
    """Two gauges, each with a proof of a year."""
    span = Range(quantity="flange_thickness", unit="mm", low="15", high="40", uncertainty="0.2")
    return [
        one for gauge in (SUSPECT, GOOD) for one in (
            op(app, "Registered", f"r-{gauge}", 3000, gauge, type="wheel_gauge"),
            op(app, "Verified", f"v-{gauge}", 2900, gauge, ranges=(span,),
               valid_from=app.clock() - 2900 * HOUR, valid_to=app.clock() + 5000 * HOUR,
               register_entry=gauge),
        )
    ]  # fmt: skip


def measured(app: App, id_: str, hours: float, unit: str, device: str) -> Operation:
    reading = Reading(quantity="flange_thickness", value="29.4", unit="mm", place="left",
                      uncertainty="0.1")  # fmt: skip
    return op(app, "Measured", id_, hours, unit, device=device, readings=(reading,))


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("suspect")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        send(app, gauges(app))
        send(app, [op(app, "QualificationGranted", "q-otk", 2000, person="p-wagons",
                      qualification="otk", valid_from=app.clock() - 2000 * HOUR,
                      valid_to=app.clock() + 2000 * HOUR)])  # fmt: skip
        send(app, written(departure(4, 3, minutes=60), TRAIN, 4))
        send(app, written(departure(5, 3, minutes=60), OTHER, 5))
        yield app


@pytest.fixture
def officer(reader_as: Callable[..., Client]) -> Client:
    return reader_as("release_officer", "en")


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def stops(answer: Any) -> list[str]:
    """Return the reasons that stop, in words."""
    cards = re.findall(r'<li class="gate gate-mandatory">(.*?)</li>', text_of(answer), re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", one)).strip() for one in cards]


def released(app: App, id_: str, consist: str, leaned_on: Operation) -> Operation:
    [(log, position, _)] = app.trace.find([leaned_on.id]).values()
    units = app.knowledge().states(f"consist:{consist}")["consist"].units  # type: ignore[attr-defined]
    return op(app, "Released", id_, 0.2, *units, decision=id_, scope="consist", act="ready",
              consist=consist, leaned_on=(
                  LeanedOn(operation=leaned_on.id, log=log, position=position),),
              positions=(LogSize(log=log, size=position + 1),))  # fmt: skip


def test_a_gauge_found_wrong_stops_the_train_until_it_is_measured_again(
    railway: App, officer: Client
) -> None:
    wheelset, page = f"{TRAIN}-w-v-2-1", f"/trains/{TRAIN}?act=ready"
    taken = measured(railway, "19-m", 3, wheelset, SUSPECT)
    send(railway, [taken])
    send(railway, [released(railway, "19-released", TRAIN, taken)])
    assert stops(officer.get(page)) == []
    send(railway, [op(railway, "InstrumentWithdrawn", "19-w", 0.1, SUSPECT,
                      window_from=railway.clock() - 400 * HOUR, window_to=railway.clock(),
                      finding="reads 0,6 mm thick")])  # fmt: skip
    [why] = stops(officer.get(page))
    assert "№ 2" in why
    assert "suspect" in why
    assert railway.entry("19-m").operation == taken, "the reading is not changed"
    suspects = text_of(officer.get("/depot/suspects/19-w"))
    assert f"{TRAIN}-v-2" in suspects or "Compartment" in suspects
    send(railway, [measured(railway, "19-again", 0.01, wheelset, GOOD)])
    assert stops(officer.get(page)) == []


def test_readings_of_the_wrong_coach_leave_the_train_and_its_officer_is_told(
    railway: App, officer: Client
) -> None:
    wrong, right = f"{OTHER}-w-v-2-1", f"{OTHER}-w-v-3-1"
    taken = measured(railway, "23-m", 3, wrong, GOOD)
    send(railway, [taken])
    send(railway, [released(railway, "23-released", OTHER, taken)])
    assert "holds no more" not in text_of(officer.get(f"/units/{OTHER}-v-2"))
    again = measured(railway, "23-right", 3, right, GOOD)
    results = railway.record([op(
        railway, "Corrected", "23-c", 0, target="23-m", action="replace", replacement=again,
        reason="the neighbour's coach")], "p-other", "test")  # fmt: skip
    assert isinstance(results[0], Receipt), results
    assert railway.wait_caught_up(20)
    series = railway.knowledge().condition(right).series["flange_thickness|left"].readings
    assert [taken.value for taken in series][-1] == "29.4"
    told = text_of(officer.get("/operations/23-released"))
    assert "orrected entry" in told
    unit = text_of(officer.get(f"/units/{OTHER}-v-2"))
    assert "leaned on a corrected entry" in unit
