"""Tracks by hours: placing is an operation, two units on one position are told."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.config import Site, Track
from railtrace.trace.operation import Registered
from tests.web.conftest import _types

ONE, TWO = "u-board-1", "u-board-2"


@pytest.fixture
def depot(railway: App) -> Iterator[App]:
    """Return a railway whose depot has two tracks."""
    tracks = {"1": Track(ru="Путь 1", en="Track 1", positions=2, norm_h=10),
              "2": Track(ru="Путь 2", en="Track 2")}  # fmt: skip
    sites = railway.config.sites
    sites["board-depot"] = Site(ru="Депо", en="Board depot", log="main", tracks=tracks)
    coach, _ = _types(railway)
    railway.record([
        Registered(id=f"bo-{u}", happened_at=railway.clock() - timedelta(days=3), units=(u,),
                   type=coach, home_site="board-depot") for u in (ONE, TWO)
    ], "p-test", "test", "main")  # fmt: skip
    assert railway.wait_caught_up(10)
    yield railway
    del sites["board-depot"]


def place(page: Client, **fields: str) -> str:
    form = {"site": "board-depot", "act": "place", "track": "1", "position": "1"} | fields
    return page.post("/depot/place", form, follow=True).text


def test_units_are_placed_planned_moved_and_leave(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    assert "The unit is placed" in place(page, number=ONE)
    standing = depot.knowledge().placement(ONE).now()
    assert standing is not None
    assert (standing.track, standing.position) == ("1", "1")
    soon = (depot.clock() + timedelta(hours=5)).isoformat()
    assert "The place is planned" in place(page, **{"number": TWO, "track": "2", "from": soon})
    plan = depot.knowledge().placement(TWO).plan
    assert plan is not None
    assert plan.until_us - plan.from_us == 12 * 3_600_000_000
    both = place(page, number=TWO)
    assert "Two units on one position" in both
    moved = place(page, number=TWO, position="2")
    assert "Two units on one position" not in moved
    assert "The track is free" in place(page, number=TWO, act="leave")
    assert depot.knowledge().placement(TWO).now() is None


def test_a_place_that_the_settings_do_not_name_is_refused(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    page = reader_as("technologist")
    assert "has no track 9" in place(page, number=ONE, track="9")
    assert "has no track 1 with position 7" in place(page, number=ONE, position="7")
    assert "no unit bears" in place(page, number="00000")
    assert reader_as("viewer").post("/depot/place", {}).status_code == 403
