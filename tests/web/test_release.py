"""Why a unit may not go out, said on its page, and what a person can do about it there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.store.views import ViewStore
from railtrace.trace.operation import (
    DefectFound,
    Held,
    Installed,
    Measured,
    Number,
    Reading,
    Registered,
)
from tests.web.conftest import T0, _types

VEHICLE, PART, BARE = "u-release-coach", "u-release-wheelset", "u-release-bare"


@pytest.fixture(scope="module")
def held(railway: App) -> App:
    """Return a railway with a coach that a defect, a hold and a reading keep from going out."""
    coach, wheelset = _types(railway)
    flange = Reading(quantity="flange_thickness", place="left", value="20.1", unit="mm",
                     uncertainty="0.2")  # fmt: skip
    railway.record([
        Registered(id="rel-1", happened_at=T0, units=(VEHICLE,), type=coach,
                   numbers=(Number(scheme="other", value="REL 1"),)),
        Registered(id="rel-2", happened_at=T0, units=(PART,), type=wheelset),
        Registered(id="rel-2b", happened_at=T0, units=(BARE,), type=wheelset),
        Installed(id="rel-3", happened_at=T0, units=(PART,), carrier=VEHICLE,
                  position="bogie.1/wheelset.1"),
        Installed(id="rel-3b", happened_at=T0, units=(BARE,), carrier=VEHICLE,
                  position="bogie.1/wheelset.2"),
        Measured(id="rel-4", happened_at=T0 + timedelta(days=1), units=(PART,), readings=(flange,)),
        DefectFound(id="rel-5", happened_at=T0, units=(VEHICLE,), code="brake rod", safety=True),
        Held(id="rel-6", happened_at=T0, units=(PART,), reason="strange sound"),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_every_reason_stands_on_the_page_with_what_to_do(held: App, viewer: Client) -> None:
    text = viewer.get(f"/units/{VEHICLE}").text
    for said in ("May not be released", "brake rod", "strange sound", "20.1", "What now:"):
        assert said in text
    assert "3 reasons" in viewer.get(f"/units/{VEHICLE}?tab=structure").text


def test_a_part_nobody_measured_is_not_hidden_by_a_fit_of_the_others(
    held: App, viewer: Client
) -> None:
    gaps = viewer.get(f"/units/{VEHICLE}").context["gaps"]
    wheelsets = {gap.quantity: (gap.missing, gap.total) for gap in gaps if gap.total == 2}
    assert wheelsets[""] == (1, 2)
    assert "not everything is measured" in viewer.get(f"/units/{VEHICLE}").text


def test_views_that_lag_give_no_decision(
    held: App, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ViewStore, "lag", lambda _: 7)
    monkeypatch.setattr(ViewStore, "pending", lambda _: None)
    text = viewer.get(f"/units/{VEHICLE}").text
    assert "No decision: the pages are 7 entries behind" in text
    assert "May not be released" not in text


def test_only_a_unit_that_something_waits_for_gets_no_decision(
    held: App, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ViewStore, "lag", lambda _: 7)
    monkeypatch.setattr(ViewStore, "pending", lambda _: {"another": 7})
    assert "No decision" not in viewer.get(f"/units/{VEHICLE}").text
    monkeypatch.setattr(ViewStore, "pending", lambda _: {"another": 5, VEHICLE: 2})
    assert "No decision: the pages are 2 entries behind" in viewer.get(f"/units/{VEHICLE}").text


def test_a_viewer_sees_reasons_and_closes_none(
    held: App, viewer: Client, reader_as: Callable[..., Client]
) -> None:
    fields = {"unit": VEHICLE, "operation": "rel-5", "reason": "mended"}
    assert "Close the defect" not in viewer.get(f"/units/{VEHICLE}").text
    assert viewer.post("/release/defect", fields).status_code == 403
    assert reader_as("worker").post("/release/hold", fields).status_code == 403


def test_what_keeps_a_unit_is_closed_from_its_page(
    held: App, reader_as: Callable[..., Client]
) -> None:
    technologist = reader_as("technologist")
    defect = {"unit": VEHICLE, "page": VEHICLE, "operation": "rel-5", "reason": ""}
    assert "kept for ever" in technologist.post("/release/defect", defect, follow=True).text
    technologist.post("/release/defect", defect | {"reason": "rod replaced"})
    hold = {"unit": PART, "page": VEHICLE, "operation": "rel-6", "reason": "bearing is sound"}
    lifted = technologist.post("/release/hold", hold)
    assert lifted["Location"] == f"/units/{VEHICLE}"
    assert [gate.name for gate in held.knowledge().gates(VEHICLE)] == ["unfit"]
    assert technologist.post("/release/hold", hold).status_code == 404
