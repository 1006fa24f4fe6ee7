"""Working day 5: a rotable traction motor, sent away, scanned in too early, accepted, fitted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.leaf import microseconds

MOTOR, OLD, NEW = "u-motor-30517", "u-tem2-1203", "u-m62-1054"
SPARES = ("u-motor-30600", "u-motor-30601")
HAD_KM = "18250"
_TYPE = "traction_motor"


def _at(day: str) -> str:
    return f"2026-{day}T09:00:00+05:00"


def _motor(id_: str, unit: str, number: str, **more: Any) -> dict[str, Any]:
    return {"kind": "Registered", "id": id_, "happened_at": _at("01-10"), "units": [unit],
            "type": _TYPE, "numbers": [{"scheme": "serial", "value": number}]} | more  # fmt: skip


def _loco(id_: str, unit: str, type_: str, number: str, km: str) -> dict[str, Any]:
    return {"kind": "Registered", "id": id_, "happened_at": _at("01-10"), "units": [unit],
            "type": type_, "numbers": [{"scheme": "series", "value": number}],
            "counters": [{"meter": "km", "value": km}]}  # fmt: skip


def _history() -> list[dict[str, Any]]:
    """The motor runs 64 500 km in ТЭМ2-1203, is taken off and leaves for the contractor."""
    meter = {"kind": "MeterRead", "units": [OLD], "meter": "km"}
    place = {"units": [MOTOR], "carrier": OLD, "position": "bogie.2/traction_motor.4"}
    stored = {"kind": "PartStored", "store": "Motors"}
    return [
        _loco("rm-1", OLD, "tem2", "ТЭМ2-1203", "121000"),
        _loco("rm-2", NEW, "m62", "М62-1054", "300000"),
        _motor("rm-3", MOTOR, "30517", counters=[{"meter": "km", "value": HAD_KM}]),
        *(_motor(f"rm-4{n}", unit, unit[8:]) for n, unit in enumerate(SPARES)),
        meter | {"id": "rm-5", "happened_at": _at("01-20"), "value": "121900"},
        {"kind": "Installed", "id": "rm-6", "happened_at": _at("01-20")} | place,
        meter | {"id": "rm-7", "happened_at": _at("07-01"), "value": "186400"},
        {"kind": "Removed", "id": "rm-8", "happened_at": _at("07-01"), "reason": "КЗ"} | place,
        stored | {"id": "rm-9", "happened_at": _at("07-01"), "units": list(SPARES)},
        {"kind": "SendingListOpened", "id": "rm-10", "happened_at": _at("07-03"),
         "list": "M-30", "to": "Motor works"},
        {"kind": "PartSent", "id": "rm-11", "happened_at": _at("07-03"), "units": [MOTOR],
         "list": "M-30", "to": "Motor works"},
    ]  # fmt: skip


@pytest.fixture
def api(railway: App, db: None) -> Callable[[list[dict[str, Any]]], Any]:
    """Return the door other programs use."""
    from datetime import UTC, datetime, timedelta

    from railtrace.web.tokens import make_token

    now = datetime.now(UTC)
    token = make_token("shop", ["record", "read"], now - timedelta(days=2), now + timedelta(days=1))
    client = Client(headers={"authorization": f"Bearer {token[1]}", "accept-language": "en"})

    def send(operations: list[dict[str, Any]]) -> Any:
        answer = client.post(
            "/api/operations", json.dumps(operations), content_type="application/json"
        )
        assert answer.json()["refused"] == 0, answer.content
        assert railway.wait_caught_up(10)
        return answer.json()

    return send


def _fit(client: Client) -> Any:
    fields = {"parts": "30517", "vehicle": "М62-1054", "position": "2"}
    return client.post("/depot/stock/do/fit", fields, follow=True)


def test_the_day_of_a_rotable_motor(
    railway: App, api: Callable[..., Any], reader_as: Callable[..., Client]
) -> None:
    api(_history())
    fitter, storekeeper = reader_as("worker"), reader_as("technologist")

    # The fitter scans it in before it is accepted: the form refuses and says why.
    refused = _fit(fitter)
    assert "30517: in repair since 3 Jul 2026, not accepted" in refused.text
    assert railway.knowledge().genealogy(MOTOR).carrier() is None

    # Another program sends the same installation: it is recorded, and contradicted by name.
    there = {"units": [MOTOR], "carrier": NEW, "position": "bogie.1/traction_motor.2"}
    api([{"kind": "Installed", "id": "rm-12", "happened_at": _at("07-20")} | there])
    (found,) = railway.lookup.contradictions(MOTOR)
    assert found["name"] == "installed_not_accepted"
    assert json.loads(found["detail"])["since"] == "2026-07-03"
    page = storekeeper.get(f"/trace/contradictions?unit={MOTOR}").text
    assert "though in repair since 2026-07-03 and not accepted" in page
    assert "Contradiction" in storekeeper.get(f"/units/{NEW}").text

    # It was a slip of the sender: the entry is made void, and the motor comes back from the works.
    api([{"kind": "Corrected", "id": "rm-13", "happened_at": _at("07-21"), "target": "rm-12",
          "action": "void", "reason": "entered too early"}])  # fmt: skip
    assert railway.lookup.contradictions(MOTOR) == []
    back = {"form": "return", "parts": "30517", "paper": "M-30/1", "store": "Motors"}
    storekeeper.post("/depot/lists/M-30", back)
    assert railway.knowledge().stock(MOTOR).status == "awaiting"

    # Without a measured insulation nobody accepts an electrical machine.
    accept = {"parts": "30517", "outcome": "passed", "act": "118"}
    said = storekeeper.post("/depot/stock/do/accept", accept).text
    assert "30517: measure its insulation and enter the value" in said
    storekeeper.post("/depot/stock/do/accept", accept | {"insulation": "12"})
    knowledge = railway.knowledge()
    assert knowledge.stock(MOTOR).status == "free"
    (reading,) = knowledge.condition(MOTOR).series["insulation_resistance|"].readings
    assert (reading.value, reading.unit) == ("12", "MΩ")

    # Three are free, two are wanted; one of them is kept for an order, then this one is fitted.
    storekeeper.post("/depot/stock/do/reserve", {"parts": "30600", "order": "17"})
    fitted = _fit(fitter)
    assert "The part is fitted." in fitted.text
    assert "Traction motor: 1 free, 2 wanted at least" in fitted.text
    stay = railway.knowledge().genealogy(MOTOR).carrier()
    assert stay is not None
    assert (stay.carrier, stay.position) == (NEW, "bogie.1/traction_motor.2")
    warned = storekeeper.get("/depot/stock/").text
    assert "1 free, 2 wanted at least" in warned

    # Its own mileage: 64 500 km plus what it had.
    at_us = microseconds(railway.clock())
    assert railway.knowledge().mileage().at(MOTOR, at_us) == (64_500 + int(HAD_KM)) * 1000


def test_a_reserved_part_is_fitted_where_it_belongs_only(
    railway: App, api: Callable[..., Any], reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    again = worker.post("/depot/stock/do/reserve", {"parts": "30600", "order": "18"}).text
    assert "30600: it is reserved for 17: lift the reservation first" in again
    other = {"parts": "30600", "vehicle": "М62-1054", "position": "3"}
    said = worker.post("/depot/stock/do/fit", other).text
    assert "30600: it is reserved for 17" in said
    taken = {"parts": "30601", "vehicle": "М62-1054", "position": "2"}
    assert "Traction motor 30517 is there: take it off first" in worker.post(
        "/depot/stock/do/fit", taken
    ).text
    nowhere = worker.post("/depot/stock/do/fit", taken | {"position": "9"}).text
    assert "9 is no position for this part there" in nowhere
    unknown = worker.post("/depot/stock/do/fit", taken | {"parts": "99999", "vehicle": "Х-1"}).text
    assert "no part bears the number 99999" in unknown
    assert "no vehicle bears the number Х-1" in unknown
    worker.post("/depot/stock/free", {"unit": SPARES[0]})
    assert railway.knowledge().stock(SPARES[0]).status == "free"
