"""Operation quality on pages: the index with its interval, and files with what is wrong."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import (
    ModeViolated,
    Number,
    Ran,
    Reading,
    RecorderFinding,
    RecorderRead,
    Registered,
)

LOCO = "u-quality-loco"


@pytest.fixture(scope="module")
def driven(railway: App) -> App:
    """Return a railway with a locomotive driven badly over 2000 km."""
    then = railway.clock() - timedelta(days=20)
    worst = Reading(quantity="speed_over", value="8.000", unit="km/h")
    railway.record([
        Registered(id="q-1", happened_at=then, units=(LOCO,), type="m62", home_site="depot",
                   numbers=(Number(scheme="series", value="М62-1054"),)),
        Ran(id="q-2", happened_at=then + timedelta(days=5), units=(LOCO,), distance_km="2000"),
        *(ModeViolated(id=f"q-v{n}", happened_at=then + timedelta(days=2, minutes=n),
                       units=(LOCO,), rule="overspeed", duration_s="12", readings=(worst,))
          for n in range(4)),
        RecorderRead(id="q-r", happened_at=then + timedelta(days=3), units=(LOCO,),
                     recorder="reference", first_at=then + timedelta(days=2), rows=86400,
                     last_at=then + timedelta(days=3),
                     findings=(RecorderFinding(name="recorder_gap", count=3, text="greatest 40"),
                               RecorderFinding(name="negative_km"),
                               RecorderFinding(name="rule_not_run",
                                               text="rule overspeed, channel coolant"))),
        RecorderRead(id="q-f", happened_at=railway.clock(), units=(LOCO,), recorder="reference",
                     first_at=railway.clock() + timedelta(hours=4), rows=3600,
                     last_at=railway.clock() + timedelta(hours=5),
                     findings=(RecorderFinding(name="time_in_future", text="hours 5.0"),)),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_the_index_of_a_type_is_weighted_and_per_thousand_kilometres(
    driven: App, viewer: Client
) -> None:
    page = viewer.get("/fleet/quality?months=1")
    line = next(one for one in page.context["units"] if one.unit == LOCO)
    assert (line.index.violations, line.index.km) == (4, 2000.0)
    assert line.index.value == pytest.approx(4 * 3.0 / 2)
    assert line.index.low < line.index.value < line.index.high
    assert line.counts == {"overspeed": 4}
    assert "Overspeed" in page.text


def test_what_is_wrong_with_a_file_stands_on_the_unit_s_page(driven: App, viewer: Client) -> None:
    page = viewer.get(f"/units/{LOCO}?tab=operation")
    for said in ("gaps in the record × 3: 40\u202fs", "negative kilometres", "Overspeed",
                 "a rule was not run for want of a channel: Overspeed, Coolant temperature",
                 "the time is ahead of now: 5\u202fh", "8\u202fkm/h"):  # fmt: skip
        assert said in page.text
    assert page.context["all_violations"] == 4


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_both_pages_are_read_in_every_language(
    driven: App, reader_as: Callable[..., Client], language: str
) -> None:
    browser = reader_as("viewer", language)
    assert browser.get("/fleet/quality").status_code == 200
    assert browser.get(f"/units/{LOCO}?tab=operation").status_code == 200


def test_a_unit_that_nobody_recorded_says_so(driven: App, viewer: Client) -> None:
    assert "No recorder file" in viewer.get("/units/u-coach-1?tab=operation").text
