"""A person corrects an entry: both stay, what stands is shown, nobody corrects their own alone."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import Corrected, Installed, Measured, Number, Reading, Registered
from tests.web.conftest import T0, _types

UNIT, OTHER = "u-correct-1", "u-correct-2"
_serial = count(1)


@pytest.fixture(scope="module")
def wheelsets(railway: App) -> App:
    """Return a railway with two wheelsets that bear numbers."""
    _coach, wheelset = _types(railway)
    railway.record([
        Registered(id=f"cor-{unit}", happened_at=T0, units=(unit,), type=wheelset,
                   numbers=(Number(scheme="serial", value=serial),))
        for unit, serial in ((UNIT, "5-77001-09"), (OTHER, "5-77002-09"))
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


@pytest.fixture
def measured(wheelsets: App) -> str:
    """Return a fresh measurement of the first wheelset, entered by somebody unknown."""
    return _measure(wheelsets, "p-gauge")


def _measure(app: App, by: str) -> str:
    id_ = f"cor-m-{next(_serial)}"
    reading = Reading(quantity="flange_thickness", place="left", value="30.5", unit="mm")
    app.record([
        Measured(id=id_, happened_at=T0 + timedelta(days=9), units=(UNIT,), readings=(reading,),
                 performed_by=(by,)),
    ], by, "test")  # fmt: skip
    assert app.wait_caught_up(10)
    return id_


def _filled(page: Any, **changes: str) -> dict[str, str]:
    fields = {
        name: field.value() for name, field in
        ((f.name, f) for f in page.context["form"])
        if field.value() is not None
    }  # fmt: skip
    return fields | {"reason": "slip of the pen"} | changes


def _values(app: App, unit: str) -> list[tuple[str, str]]:
    return [(r["operation"], r["value"]) for r in app.lookup.readings(unit)]


@pytest.fixture
def technologist(reader_as: Callable[..., Client]) -> Client:
    """Return a technologist's browser."""
    return reader_as("technologist")


def test_a_void_entry_is_read_no_more_and_still_shown(
    wheelsets: App, technologist: Client, measured: str
) -> None:
    page = technologist.get(f"/correct/{measured}")
    shown = technologist.post(f"/correct/{measured}", _filled(page, action="void"), follow=True)
    assert "Made void" in shown.text
    assert "slip of the pen" in shown.text
    assert "30.5" in shown.text
    assert measured not in dict(_values(wheelsets, UNIT))
    assert "made void by a correction" in technologist.get(f"/units/{UNIT}").text


def test_a_replaced_value_says_so_and_keeps_its_time(
    wheelsets: App, technologist: Client, measured: str
) -> None:
    page = technologist.get(f"/correct/{measured}")
    fields = _filled(page, action="replace", **{"reading-0": "29,5"})
    shown = technologist.post(f"/correct/{measured}", fields, follow=True).text
    assert "What stands in its place" in shown
    assert "29.5" in shown
    reading = next(r for r in wheelsets.lookup.readings(UNIT) if r["operation"] == measured)
    assert reading["value"] == "29.5"
    assert reading["at_us"] == wheelsets.entry(measured).happened_us
    assert wheelsets.entry(measured).operation.readings[0].value == "30.5"
    assert "corrected" in technologist.get(f"/units/{UNIT}?tab=measurements").text


def test_readings_of_the_wrong_unit_go_to_the_right_one(
    wheelsets: App, technologist: Client, measured: str
) -> None:
    page = technologist.get(f"/correct/{measured}")
    technologist.post(f"/correct/{measured}", _filled(page, unit="5-77002-09"))
    assert measured not in dict(_values(wheelsets, UNIT))
    assert measured in dict(_values(wheelsets, OTHER))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "nothing is changed"),
        ({"reading-0": "thirty"}, "thirty"),
        ({"unit": "nobody"}, "no unit bears the number nobody"),
        ({"reading-0": "29.5", "reason": ""}, "required"),
    ],
)
def test_what_does_not_hold_is_said_in_the_form(
    technologist: Client, measured: str, changes: dict[str, str], said: str
) -> None:
    page = technologist.get(f"/correct/{measured}")
    answer = technologist.post(f"/correct/{measured}", _filled(page, **changes))
    assert answer.status_code == 422
    assert said in answer.text


def _me(client: Client) -> str:
    found = re.search(r"<code>(p-[^<]+)</code>", client.get("/account/").text)
    assert found
    return found[1]


def test_one_s_own_entry_needs_a_second_person(
    wheelsets: App, technologist: Client, reader_as: Callable[..., Client]
) -> None:
    own = _measure(wheelsets, _me(technologist))
    page = technologist.get(f"/correct/{own}")
    assert "Second person" in page.text
    fields = _filled(page, action="void")
    nobody = {"second": "fleet_manager", "second_password": "wrong"}
    oneself = {"second": "technologist", "second_password": "technologist-demo"}
    viewer = {"second": "viewer", "second_password": "viewer-demo"}
    for wrong in (nobody, oneself, viewer):
        refused = technologist.post(f"/correct/{own}", fields | wrong)
        assert refused.status_code == 422
        assert "somebody else" in refused.text
    right = {"second": "fleet_manager", "second_password": "fleet-manager-demo"}
    technologist.post(f"/correct/{own}", fields | right)
    correction = wheelsets.corrections_of(own)[0].operation
    assert isinstance(correction, Corrected)
    assert correction.confirmed_by == _me(reader_as("fleet_manager"))


def test_only_those_who_may_correct_see_the_way(
    viewer: Client, technologist: Client, measured: str
) -> None:
    assert "Correct this entry" not in viewer.get(f"/operations/{measured}").text
    assert viewer.get(f"/correct/{measured}").status_code == 403
    assert "Correct this entry" in technologist.get(f"/operations/{measured}").text


def test_what_the_log_says_of_itself_is_not_corrected(
    railway: App, technologist: Client
) -> None:
    head = railway.trace.heads()[0]
    opened = railway.entry_at(head.log, 0).operation.id
    assert technologist.get(f"/correct/{opened}").status_code == 422


def test_a_replacement_with_an_id_of_its_own_is_found_by_it(
    wheelsets: App, viewer: Client, measured: str
) -> None:
    replacement = Installed(id="cor-own-id", happened_at=T0, units=(UNIT,), carrier="u-elsewhere")
    wheelsets.record([
        Corrected(id="cor-c-1", happened_at=T0 + timedelta(days=20), target=measured,
                  action="replace", reason="other kind", replacement=replacement),
    ], "p-test", "test")  # fmt: skip
    assert wheelsets.wait_caught_up(10)
    assert viewer.get("/operations/cor-own-id")["Location"] == "/operations/cor-c-1"
