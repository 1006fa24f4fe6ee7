"""The due board: what stands on it, how it is filtered, and what leaves it as a file."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import (
    Counter,
    Installed,
    LeftRepair,
    Number,
    PaperIssued,
    Ran,
    Registered,
    WrittenOff,
)

LATE, SOON, GONE = "u-board-late", "u-board-soon", "u-board-gone"


@pytest.fixture(scope="module")
def yard(railway: App) -> App:
    """Return a railway with railway refrigerated wagons overdue, due soon and written off."""
    now = railway.clock()

    def wagon(
        unit: str, number: str, days: int, type_: str = "refrigerated_wagon"
    ) -> list[object]:
        then = now - timedelta(days=days)
        return [
            Registered(id=f"{unit}-1", happened_at=then, units=(unit,), home_site="depot",
                       counters=(Counter(meter="km", value="0"),), type=type_,
                       numbers=(Number(scheme="other", value=number),)),
            LeftRepair(id=f"{unit}-2", happened_at=then, units=(unit,), repair_kind="ДР"),
            Ran(id=f"{unit}-3", happened_at=then + timedelta(days=40), units=(unit,),
                distance_km="9000"),
        ]  # fmt: skip

    railway.record([
        *wagon(LATE, "BRD 1", 1000), *wagon(SOON, "BRD 2", 890), *wagon(GONE, "BRD 3", 1000),
        *wagon("u-board-sly", "=1+1", 2000, "gondola"),
        WrittenOff(id="board-x", happened_at=now - timedelta(days=5), units=(GONE,)),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


URL = "/fleet/due/?class=freight_wagon"


def test_what_is_overdue_stands_first_and_what_is_gone_nowhere(yard: App, viewer: Client) -> None:
    page = viewer.get(f"{URL}&type=refrigerated_wagon")
    assert [row["unit"] for row in page.context["units"]] == [LATE, SOON]
    late, soon = page.context["units"]
    assert [one.kind for one in late["over"]] == ["ДР"]
    assert [cell.kinds for cell in soon["cells"]].count("ДР") == 1
    assert "BRD 3" not in page.text


@pytest.mark.parametrize("view", ["heat", "list", "calendar"])
@pytest.mark.parametrize("language", ["en", "ru", "tg"])
def test_every_view_is_read_in_every_language(
    yard: App, reader_as: Callable[..., Client], view: str, language: str
) -> None:
    page = reader_as("viewer", language).get(f"{URL}&view={view}")
    assert page.status_code == 200
    assert "ДР" in page.text


def test_counts_are_filters(yard: App, viewer: Client) -> None:
    page = viewer.get(f"{URL}&type=refrigerated_wagon&shown=overdue&view=list")
    assert [vehicle.unit for vehicle, *_ in page.context["rows"]] == [LATE]
    counts = {key: units for key, _, _, units in page.context["counts"]}
    assert (counts["overdue"], counts["soon"]) == (1, 1)


def test_a_class_without_vehicles_says_that_nothing_is_due(yard: App, viewer: Client) -> None:
    assert "Nothing is due in these weeks." in viewer.get("/fleet/due/?class=special").text


def test_what_nobody_can_have_asked_for_is_shown_as_the_usual_page(
    yard: App, viewer: Client
) -> None:
    page = viewer.get("/fleet/due/?class=ship&view=x&weeks=-1&page=0&type=zeppelin&kind=%00")
    assert page.status_code == 200


def test_the_list_is_exported_with_rule_and_source(yard: App, viewer: Client) -> None:
    text = viewer.get("/fleet/due/due.csv?class=freight_wagon&type=refrigerated_wagon")
    rows = list(csv.DictReader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert [(row["Number"], row["State"]) for row in rows] == [
        ("BRD 1", "overdue"), ("BRD 2", "in time"),
    ]  # fmt: skip
    assert rows[0]["Confirmed"] == "no"
    assert "teaching page" in rows[0]["Source"]
    sheet = viewer.get("/fleet/due/due.xlsx?class=freight_wagon")
    assert sheet.content[:2] == b"PK"


def test_a_number_that_is_a_formula_is_harmless_in_the_list(yard: App, viewer: Client) -> None:
    text = viewer.get("/fleet/due/due.csv?class=freight_wagon&type=gondola").text
    assert "\n'=1+1," in text


# --- on parts and by a counter that is only the least ------------------------------------------


@pytest.fixture(scope="module")
def parts(yard: App) -> App:
    """Return the yard with a wheelset on the wagon due soon, whose paper ends in three weeks."""
    now = yard.clock()
    then, ends = now - timedelta(days=100), (now + timedelta(days=21)).date()
    yard.record([
        Registered(id="bp-1", happened_at=then, units=("u-board-wheel",), type="wheelset_freight",
                   numbers=(Number(scheme="other", value="WS 7"),)),
        Installed(id="bp-2", happened_at=then, units=("u-board-wheel",), carrier=SOON,
                  position="axle1"),
        PaperIssued(id="bp-3", happened_at=then, units=("u-board-wheel",), service=PAPER,
                    valid_until=ends.isoformat()),
        Registered(id="bp-4", happened_at=now - timedelta(days=900), units=("u-board-old",),
                   type="gondola", numbers=(Number(scheme="other", value="OLD 1"),)),
        LeftRepair(id="bp-5", happened_at=now - timedelta(days=10), units=("u-board-old",),
                   repair_kind="ДР"),
        Ran(id="bp-6", happened_at=now - timedelta(days=5), units=("u-board-old",),
            distance_km="900"),
    ], "p-test", "test")  # fmt: skip
    assert yard.wait_caught_up(10)
    return yard


PAPER = "полное освидетельствование"


def test_a_part_stands_on_the_row_of_its_vehicle_with_its_name(parts: App, viewer: Client) -> None:
    page = viewer.get(f"{URL}&type=refrigerated_wagon")
    (row,) = (row for row in page.context["units"] if row["unit"] == SOON)
    (cell,) = (cell for cell in row["cells"] if PAPER in cell.kinds)
    assert "WS\u00a07" in cell.said
    assert cell.anchor == "due-u-board-wheel-papers.wheelset.ordinary"
    assert f'id="{cell.anchor}"' in viewer.get(f"/units/{SOON}?tab=due").text


def test_a_part_is_listed_on_its_day_and_named_in_the_file(parts: App, viewer: Client) -> None:
    listed = viewer.get(f"{URL}&type=refrigerated_wagon&view=list&kind={PAPER}")
    ((vehicle, _, _, one),) = listed.context["rows"]
    assert (vehicle.unit, one.unit) == (SOON, "u-board-wheel")
    assert "WS\u00a07" in one.part
    calendar = viewer.get(f"{URL}&type=refrigerated_wagon&view=calendar&kind={PAPER}")
    days = [day for week in calendar.context["calendar"] for day, kinds, _ in week if kinds]
    assert len(days) == 1
    text = viewer.get(f"/fleet/due/due.csv?class=freight_wagon&kind={PAPER}")
    (row,) = csv.DictReader(io.StringIO(text.content.decode("utf-8-sig")))
    assert row["Number"] == "BRD 2"
    assert "WS\u00a07" in row["Part"]


def test_in_time_is_not_said_of_a_counter_known_only_as_the_least(
    parts: App, viewer: Client
) -> None:
    own = viewer.get("/units/u-board-old?tab=due").context["own"]
    repair = {one.kind: one for one in own}["ДР"]
    assert repair.counts[0].at_least
    assert (repair.state, repair.sign) == ("least", "unknown")
    assert repair.said == "not known, more may have been run"
