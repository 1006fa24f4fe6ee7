"""Scenario 25: two axles derail in a yard; an alarm before it was closed "not confirmed"."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.operating.sweep import sweep
from railtrace.trace.operation import KINDS, Number, Operation, Reading
from tests.web.trains.yard import send, yard

HERE = timezone(timedelta(hours=5))
YESTERDAY = (datetime.now(HERE) - timedelta(days=1)).replace(second=0, microsecond=0)
DERAILED = YESTERDAY.replace(hour=16, minute=5)
ALARM, WAGON, NUMBER = DERAILED.replace(hour=14, minute=20), "w-25", "95123451"
SETS = [f"{WAGON}-{n}" for n in range(4)]
PLACES = [f"bogie.{b}/wheelset.{n}" for b in (1, 2) for n in (1, 2)]


def op(kind: str, id_: str, at: datetime, *units: str, **fields: Any) -> Operation:
    return KINDS[kind](id=id_, happened_at=at, units=units, site="depot", **fields)


def life(app: App) -> list[Operation]:
    """A wagon on four wheelsets, measured with a gauge that nobody proved, repaired in spring."""
    then = DERAILED - timedelta(days=40)
    photo = app.evidence.put(b"the box when closed", "box.jpg", "image/jpeg", "photo")
    thick = Reading(quantity="flange_thickness", value="27.1", unit="mm", place="left")
    return [
        op("Registered", "25-r", then, WAGON, type="tank_wagon", home_site="depot",
           numbers=(Number(scheme="network8", value=NUMBER),)),
        op("Registered", "25-g", then, "g-25", type="wheel_gauge"),
        *(op("Registered", f"25-{unit}", then, unit, type="wheelset_freight") for unit in SETS),
        *(op("Installed", f"25-on-{unit}", then, unit, carrier=WAGON, position=place)
          for unit, place in zip(SETS, PLACES, strict=True)),
        op("Repaired", "25-box", then + timedelta(days=2), SETS[1], work="ревизия буксы",
           performed_by=("p-smith",), evidence=(photo,)),
        op("Measured", "25-m", then + timedelta(days=3), SETS[1], device="g-25",
           performed_by=("p-gauger",), readings=(thick,)),
        op("WaysideAlarmed", "25-alarm", ALARM, WAGON, alarm="hot_box", post="КТСМ ст. Душанбе",
           place="bogie.1/wheelset.2"),
        op("AlarmChecked", "25-closed", ALARM + timedelta(minutes=12), WAGON, alarmed="25-alarm",
           result="not_confirmed", finding="на ощупь холодная", performed_by=("p-crew",)),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("derailed")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        send(app, life(app))
        yield app


def text_of(answer: Any) -> str:
    html = unescape(answer.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


def declare(reader: Client) -> str:
    answer = reader.post("/trains/accidents/", {
        "units": NUMBER, "event": "derailment", "happened_at": DERAILED.strftime("%Y-%m-%dT%H:%M"),
        "place": "парк А, ст. Душанбе", "derailed": "1, 2", "speed_kmh": "8",
        "what": "сошли две оси первой тележки",
    })  # fmt: skip
    assert answer.status_code == 302, text_of(answer)
    return str(answer.headers["Location"])




def test_a_derailment_holds_the_wagon_and_two_truths_stand(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    inspector, officer = reader_as("inspector"), reader_as("release_officer")
    before = officer.get(f"/units/{WAGON}").content
    page = declare(inspector)

    # One page: the alarm, who closed it on what, last measurements, hands, gauges.
    said = text_of(officer.get(page))
    for text in ("Hot box", "КТСМ ст. Душанбе", "на ощупь холодная",
                 "no file behind it", "27.1", "no proof is recorded", "ревизия буксы", "box.jpg",
                 "8 km/h", "until the commission lifts it"):
        assert text in said, text
    assert said.count("not yet") == 4, "every wheelset is to be examined"

    # Nobody orders its repair, by the page; what comes another way contradicts by name.
    process = next(p.key for p in railway.catalogue().processes.values()
                   if "tank_wagon" in p.applies_to)  # fmt: skip
    form = {"number": NUMBER, "process": process, "reason": "mend it"}
    refused = reader_as("foreman").post("/depot/orders/", form)
    assert "nothing may be done to it before the commission lifts it" in text_of(refused)
    send(railway, [op("EnteredRepair", "25-in", railway.clock(), WAGON, repair_kind="ТР-2")])
    assert "Work on it while it is held for accident" in text_of(officer.get(f"/units/{WAGON}"))

    # The evidence stays, past its retention too.
    railway.evidence._retention_days = {"photo": 0}
    assert sweep(railway) == []

    # As known a minute before, nothing of it is known.
    minute = (DERAILED - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    dated = text_of(officer.get(f"/units/{WAGON}?at={minute}&known={railway.clock():%Y-%m-%d}"))
    assert "until the commission lifts it" not in dated
    assert b"until the commission lifts it" not in before

    # The commission says track, the depot says axle box: both stand.
    send(railway, [
        op("DefectFound", "25-d", DERAILED, WAGON, code="сход"),
        op("OriginDecided", "25-o", railway.clock(), WAGON, entry="25-d", origin="track",
           decided_by="комиссия"),
        op("OriginDisputed", "25-x", railway.clock(), WAGON, entry="25-d", claims="axle_box",
           disputed_by="депо"),
    ])  # fmt: skip
    state = railway.knowledge().states(WAGON)["origins"]
    assert "25-x" in str(state)

    # Who declared it does not lift it; another enters the commission's act.
    own = inspector.post(f"{page}/lift", {"act": "17", "decided_by": "председатель"}, follow=True)
    assert "somebody else enters the act" in text_of(own)
    bare = officer.post(f"{page}/lift", {"act": ""}, follow=True)
    assert "Give the number of the commission's act" in text_of(bare)
    done = officer.post(f"{page}/lift", {"act": "17", "decided_by": "председатель"}, follow=True)
    assert "The hold is lifted." in text_of(done)
    assert {g.name for g in railway.knowledge().gates(WAGON)} >= {"not_examined"}

    # Each wheelset is examined in full, then nothing of the accident stops it.
    send(railway, [op("LeftRepair", f"25-x-{unit}", railway.clock(), unit,
                      repair_kind="полное освидетельствование") for unit in SETS])  # fmt: skip
    left = {g.name for g in railway.knowledge().gates(WAGON)}
    assert not left & {"not_examined", "accident_hold"}
    assert sweep(railway) != [], "after the commission's act retention holds again"


def test_bad_input_is_refused_by_name(railway: App, reader_as: Callable[..., Client]) -> None:
    reader = reader_as("inspector")
    said = text_of(reader.post("/trains/accidents/", {
        "units": "12345678", "event": "fire", "happened_at": "2026-01-01T10:00", "place": "x",
        "what": "x", "speed_kmh": "fast"}))  # fmt: skip
    assert "no unit bears the number 12345678" in said
    assert "fast is not a number" in said
    ahead = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
    future = reader.post("/trains/accidents/", {
        "units": NUMBER, "event": "fire", "happened_at": ahead, "place": "x", "what": "x",
    })  # fmt: skip
    assert future.status_code == 422
    assert reader.get("/trains/accidents/A-none").status_code == 404
    assert reader_as("viewer").post("/trains/accidents/A-none/lift", {}).status_code == 403


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_the_pages_are_whole_in_every_language(
    railway: App, reader_as: Callable[..., Client], language: str
) -> None:
    reader = reader_as("inspector", language)
    assert reader.get("/trains/accidents/").status_code == 200
    rows = railway.lookup.accidents()
    assert reader.get(f"/trains/accidents/{rows[0]['accident']}").status_code == 200
