"""After departure: what happened on the way, what came of the promise, whose hands were last."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.store.promise import Chance, Promise
from railtrace.trace.operation import KINDS, Operation, Reading
from railtrace.web.trains.promised import encoded
from tests.web.trains.yard import departure, send, written, yard

CONSIST, HOUR = "C-901", timedelta(hours=1)


def promise(app: App) -> Operation:
    """A promise frozen at departure, in the format that the release keeps."""
    chances = (Chance("delay", 0.93, 0.9, 0.95, 6.0), Chance("rescue", 0.985, 0.97, 0.99))
    body = encoded(Promise(8400.0, chances, (), (), {}, (), "test", 0))
    file = app.evidence.put(body, "promise.json", "application/json", "dataset")
    return KINDS["ResultSealed"](
        id="t-promise", happened_at=app.clock() - 30 * HOUR, job=f"consist-promise:{CONSIST}",
        result=file.sha256, rows=1, evidence=(file,),
    )


def way(app: App, composition: str) -> list[Operation]:
    """A trip of 30 hours: a hot box on coach 3 that was repaired a week ago, uncoupled, late."""
    now, coach, wheelset = app.clock(), f"{CONSIST}-v-3", f"{CONSIST}-w-v-3-1"
    photo = app.evidence.put(b"picture", "seal.jpg", "image/jpeg", "photo")

    def op(kind: str, id_: str, hours: float, *units: str, **fields: Any) -> Operation:
        return KINDS[kind](id=id_, happened_at=now - hours * HOUR, units=units, **fields)

    of = {"consist": CONSIST, "composition": composition}
    air = Reading(quantity="ambient_temperature", value="-4", unit="°C")
    return [
        op("Registered", "t-gauge", 9000, "g-901", type="wheel_gauge"),
        op("Repaired", "t-repair", 170, wheelset, work="ревизия буксы", performed_by=("p-smith",),
           evidence=(photo,), readings=(air,)),
        op("Measured", "t-measured", 168, wheelset, device="g-901", performed_by=("p-gauger",),
           readings=(Reading(quantity="flange_thickness", value="30.1", unit="mm", place="left"),)),
        op("InstrumentWithdrawn", "t-withdrawn", 100, "g-901", finding="reads thick",
           window_from=now - 300 * HOUR, window_to=now - 100 * HOUR),
        op("ConsistDeparted", "t-left", 30, **of),
        promise(app),
        op("WaysideAlarmed", "t-alarm", 20, coach, alarm="hot_box", place="bogie.1/wheelset.2",
           post="КТСМ 412 км"),
        op("UnitDetached", "t-gone", 19, coach, reason="нагрев буксы", place="Актобе", **of),
        op("ConsistClosed", "t-closed", 1, f"{CONSIST}-v-1", delay_min="55",
           stock_delay_min="41", **of),
        op("Repaired", "t-after", 0.5, wheelset, work="after the event"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("way")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        found = departure(9, 4, minutes=-30 * 60)
        send(app, written(found, CONSIST, 9))
        composition = app.knowledge().states(f"consist:{CONSIST}")["consist"]
        send(app, way(app, composition.composition.id))  # type: ignore[attr-defined]
        yield app


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


@pytest.fixture
def officer(reader_as: Callable[..., Client]) -> Client:
    return reader_as("release_officer", "en")


def test_a_trip_is_scored_against_its_promise(railway: App, officer: Client) -> None:
    page = text_of(officer.get(f"/trains/{CONSIST}/trip"))
    assert "93.0 %" in page
    assert page.count("<strong>broken</strong>") == 2
    assert "2.66" in page, "the surprise: -ln 0.07"
    assert "№ 3" in page
    board = text_of(officer.get("/trains/scoreboard"))
    assert "Of 1 trips that are over, 1 left with a frozen promise." in board
    assert "0.07" in board


def test_last_hands_of_a_coach_uncoupled_lead_to_the_wheelset_that_was_hot(
    railway: App, officer: Client
) -> None:
    page = text_of(officer.get("/trains/hands/t-gone"))
    assert f'href="/units/{CONSIST}-w-v-3-1"' in page
    head, _, rows = page.partition("<tbody>")
    assert "КТСМ 412 км" in head
    assert "ревизия буксы" in rows
    assert "-4" in rows.replace("−", "-"), "the conditions stand with the operation"
    assert "seal.jpg" in rows
    assert "suspect" in rows, "the gauge was withdrawn for that time"
    assert "after the event" not in rows


def test_a_train_that_has_not_left_has_no_trip_and_a_fault_has_no_place(
    railway: App, officer: Client
) -> None:
    send(railway, written(departure(8, 3, minutes=60), "C-902", 8))
    assert "has not left yet" in text_of(officer.get("/trains/C-902/trip"))
    assert officer.get("/trains/hands/nobody").status_code == 404
    leak = KINDS["DefectFound"](id="t-water", happened_at=railway.clock(), code="water.leak",
                                units=("C-902-v-2",))  # fmt: skip
    send(railway, [leak])
    assert "C-902-v-2" in text_of(officer.get("/trains/hands/t-water"))


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_the_pages_are_whole_in_every_language(
    railway: App, reader_as: Callable[..., Client], language: str
) -> None:
    reader = reader_as("release_officer", language)
    for path in (f"/trains/{CONSIST}/trip", "/trains/hands/t-gone", "/trains/scoreboard"):
        assert reader.get(path).status_code == 200
