"""States, places and holders of many units: counts, movements and hours."""

import pytest

from railtrace.store.holdings import Holdings
from railtrace.trace.leaf import microseconds
from tests.store.test_views import START, new_store, op, take

DAY_US = 86_400_000_000
START_US = microseconds(START)


@pytest.fixture
def holdings(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", [
        op("Registered", "r1", 0, units=("v-1",), type="gondola", home_site="north"),
        op("Registered", "r2", 0, units=("v-2",), type="gondola", home_site="south"),
        op("Registered", "r3", 0, units=("w-1",), type="wheelset_freight", home_site="north"),
        op("LocationReported", "l1", 2, units=("v-1",), place="Бекабад"),
        op("StateChanged", "s1", 4, units=("v-1",), state="awaiting_parts"),
        op("HolderChanged", "k1", 6, units=("v-1",), keeper="south"),
        op("StateChanged", "s2", 8, units=("v-1",), state="in_use"),
    ])  # fmt: skip
    return Holdings(views.database)


def test_units_are_counted_by_state_and_depot_now_and_at_a_past_moment(holdings):
    now = holdings.counts("home_site", {"scope": "vehicles"})
    assert sorted(now) == [("in_use", "north", 1), ("in_use", "south", 1)]
    then = holdings.counts("home_site", {"scope": "vehicles"}, START_US + 5 * DAY_US)
    assert sorted(then) == [("awaiting_parts", "north", 1), ("in_use", "south", 1)]
    assert holdings.counts("home_site", {}, START_US - DAY_US) == []


def test_a_part_is_where_what_carries_it_in_the_end_is(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", [
        op("Registered", "r1", 0, units=("v-1",), type="gondola", home_site="north"),
        op("Registered", "r2", 0, units=("w-1",), type="wheelset_freight", home_site="north"),
        op("Registered", "r3", 0, units=("b-1",), type="bearing"),
        op("LocationReported", "l1", 1, units=("v-1",), place="Бекабад"),
        op("Installed", "i1", 2, units=("w-1",), carrier="v-1", position="1"),
        op("Installed", "i2", 2, units=("b-1",), carrier="w-1", position="left"),
        op("LocationReported", "l2", 4, units=("v-1",), place="Куляб"),
        op("Removed", "m1", 6, units=("w-1",), carrier="v-1", position="1"),
        op("LocationReported", "l3", 7, units=("w-1",), place="Вахдат"),
    ])  # fmt: skip
    holdings = Holdings(views.database)

    def places(day: float | None) -> dict[str, int]:
        at_us = None if day is None else START_US + int(day * DAY_US)
        return {place: n for _, place, n in holdings.counts("place", {"scope": "parts"}, at_us)}

    assert places(3) == {"Бекабад": 2}
    assert places(5) == {"Куляб": 2}
    assert places(None) == {"Вахдат": 2}
    held = holdings.units({"scope": "parts", "place": "Куляб"}, START_US + 5 * DAY_US)
    assert [(unit.unit, unit.home_site) for unit in held] == [("b-1", "north"), ("w-1", "north")]


def test_a_part_on_nothing_is_in_its_store(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", [
        op("Registered", "r1", 0, units=("w-1",), type="wheelset_freight", home_site="north"),
        op("PartStored", "p1", 1, units=("w-1",), site="north", store="wheels", bin="3"),
    ])  # fmt: skip
    assert [row[1:] for row in Holdings(views.database).counts("place", {"scope": "parts"})] == [
        ("wheels", 1)
    ]


def test_the_units_behind_a_count_are_listed(holdings):
    [unit] = holdings.units({"state": "awaiting_parts"}, START_US + 5 * DAY_US)
    assert (unit.unit, unit.place, unit.at_us) == ("v-1", "Бекабад", START_US + 4 * DAY_US)


@pytest.mark.parametrize(("what", "days"), [
    ("", [8, 6, 4, 2]), ("place", [2]), ("holder", [6]), ("state", [8, 4]),
])  # fmt: skip
def test_movements_say_what_was_before_and_what_after(holdings, what, days):
    found = holdings.movements(START_US, START_US + 30 * DAY_US, what)
    assert [(m.after.at_us - START_US) // DAY_US for m in found] == days
    causes = holdings.causes([(m.after.unit, m.after.at_us) for m in found])
    assert len(causes) == len(found)


def test_a_movement_outside_the_window_is_left_out(holdings):
    assert holdings.movements(START_US + 7 * DAY_US, START_US + 8 * DAY_US) == []


def test_hours_are_cut_to_the_window(holdings):
    hours = holdings.hours("home_site", START_US + 3 * DAY_US, START_US + 10 * DAY_US,
                           {"scope": "vehicles"})  # fmt: skip
    found = {(key, some.state): some.us // DAY_US for key, some in hours}
    assert found == {
        ("north", "in_use"): 3, ("north", "awaiting_parts"): 4, ("south", "in_use"): 7,
    }  # fmt: skip


def test_every_span_of_a_unit_joins_the_next(holdings):
    spans = holdings.spans("v-1")
    assert [span["to_us"] for span in spans[:-1]] == [span["at_us"] for span in spans[1:]]
    assert spans[-1]["to_us"] is None
