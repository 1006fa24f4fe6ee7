"""Ghosts and twins as pairs on a page, judged by a person."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Installed, Number, Ran, Registered
from tests.web.conftest import T0

REAL, GHOST, PART, ONE, OTHER = "u-tw-real", "u-tw-ghost", "u-tw-part", "u-tw-1", "u-tw-2"
PLATE, MISREAD = "63090914", "63900914"


@pytest.fixture(scope="module")
def doubled(railway: App) -> App:
    """Return a railway with a misread plate, an impossible run and a part on two wagons."""
    day = timedelta(days=1)

    def plate(value: str) -> tuple[Number, ...]:
        return (Number(scheme="network8", value=value),)

    sent = [
        Registered(id="tw-1", happened_at=T0, units=(REAL,), type="gondola", made="1998",
                   numbers=plate(PLATE)),
        *(Ran(id=f"tw-r{n}", happened_at=T0 + n * 7 * day, units=(REAL,), distance_km="1400")
          for n in (1, 2, 3, 6, 7, 8)),
        Registered(id="tw-2", happened_at=T0 + 23 * day, units=(GHOST,), type="gondola",
                   numbers=plate(MISREAD)),
        Ran(id="tw-g1", happened_at=T0 + 30 * day, units=(GHOST,), distance_km="700"),
        Ran(id="tw-far", happened_at=T0 + 57 * day, units=(REAL,), distance_km="4300"),
        *(Registered(id=f"tw-{u}", happened_at=T0, units=(u,), type="gondola")
          for u in (ONE, OTHER)),
        Registered(id="tw-3", happened_at=T0, units=(PART,), type="wheelset_freight",
                   numbers=(Number(scheme="serial", value="5-11111-09"),)),
        Installed(id="tw-4", happened_at=T0, units=(PART,), carrier=ONE, position="w.1"),
        Installed(id="tw-5", happened_at=T0 + day, units=(PART,), carrier=OTHER, position="w.1"),
    ]  # fmt: skip
    results = railway.record(sent, "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    railway.look_for_twins()
    return railway


def _judge(client: Client, app: App, kind: str, **fields: str) -> str:
    (finding,) = [f for f in app.twins.kept(kind) if f.units[0].startswith("u-tw")
                  or REAL in f.units]  # fmt: skip
    answer = client.post("/trace/twins/judge", {"key": finding.key, **fields}, follow=True)
    return str(answer.text)


def test_pairs_are_shown_with_the_evidence_for_and_against(
    doubled: App, viewer: Client
) -> None:
    text = viewer.get("/trace/twins").text
    assert "one ran for 7 days only while nothing was heard of the other" in text
    assert "4300 km a day" in text
    assert "more than the 2880 that are possible" in text
    assert "entered on" in text
    assert "Record what was found out" not in text
    only = viewer.get("/trace/twins?kind=look_alike").text
    assert "that are possible" not in only
    alone = viewer.get(f"/trace/twins?unit={GHOST}").text
    assert PLATE in alone
    assert "4300 km a day" not in alone


def test_a_viewer_judges_nothing(doubled: App, viewer: Client) -> None:
    assert viewer.post("/trace/twins/judge", {"key": "x"}).status_code == 403
    assert viewer.post("/trace/twins/look").status_code == 403


def test_a_wrong_number_is_put_right_by_the_person_who_found_it_out(
    doubled: App, reader_as: Callable[..., Client]
) -> None:
    clerk = reader_as("technologist")
    fields = {"verdict": "wrong_number", "reason": "the plate was read again"}
    assert "Say whose number is wrong" in _judge(clerk, doubled, "look_alike", **fields)
    said = _judge(clerk, doubled, "look_alike", **fields, wrong=GHOST, right="63090919")
    assert "63090919: check digit 9 is wrong, 4 wanted" in said
    said = _judge(clerk, doubled, "look_alike", **fields, wrong=GHOST, right=PLATE)
    assert "It is recorded; both records stay as they are." in said
    passport = doubled.knowledge().passport(GHOST)
    number = passport.primary()
    assert number is not None
    assert number.value == PLATE
    assert "the plate was read again" not in clerk.get("/trace/twins").text
    assert "the plate was read again" in clerk.get("/trace/twins?judged=1").text
    assert "one number is wrong" in clerk.get(f"/units/{REAL}").text


def test_a_serial_on_two_vehicles_is_judged_and_its_contradiction_closed(
    doubled: App, reader_as: Callable[..., Client]
) -> None:
    clerk = reader_as("technologist")
    assert [c["name"] for c in doubled.lookup.contradictions(PART)] == ["installed_twice"]
    assert f"/trace/twins?unit={PART}" in clerk.get(f"/trace/contradictions?unit={PART}").text
    _judge(clerk, doubled, "two_places", verdict="two", reason="both were seen in the shop")
    assert doubled.lookup.contradictions(PART) == []
    assert "there is no finding" in clerk.post("/trace/twins/judge", {"key": "gone"}).text


def test_looking_anew_says_how_many_were_found(
    doubled: App, reader_as: Callable[..., Client]
) -> None:
    said = reader_as("technologist").post("/trace/twins/look", follow=True).text
    assert "Looked through everything:" in said
