"""States, holders and restrictions of a unit, and what they say against each other."""

import pytest

from railtrace.catalogue.load import load
from railtrace.projections.availability import Hours, availability, clipped
from railtrace.projections.fold import fold, resolve
from railtrace.projections.passport import PASSPORT
from railtrace.trace.operation import Painted
from tests.projections.railway import START, entries, op

DAY_US = 86_400_000_000
START_US = int(START.timestamp()) * 1_000_000
CATALOGUE = load()
REGISTERED = op("Registered", "r1", 0, units=("v-1",), type="gondola", owner="ТЖД",
                home_site="north")  # fmt: skip


def folded(*operations):
    return fold(PASSPORT, "v-1", resolve(entries([REGISTERED, *operations]), "v-1"))


def changed(day, state, id_="s1", **fields):
    return op("StateChanged", id_, day, units=("v-1",), state=state, **fields)


def names(state):
    return [c.name for c in state.contradictions.values()]


def spans(history):
    rows = history.get("state_spans", [])
    return [((r[1] - START_US) // DAY_US, (r[2] - START_US) // DAY_US, r[3], r[4]) for r in rows]


def test_a_state_lasts_until_the_next_one_begins():
    state, history = folded(changed(3, "reserve"), changed(10, "in_use", "s2"))
    assert spans(history) == [(0, 3, "in_use", ""), (3, 10, "reserve", "")]
    assert (state.status, state.span.from_us) == ("in_use", START_US + 10 * DAY_US)


def test_waiting_for_parts_within_a_repair_shows_and_ends_with_it():
    state, history = folded(
        op("EnteredRepair", "e1", 1, units=("v-1",), repair_kind="ДР"),
        changed(2, "awaiting_parts"),
        op("LeftRepair", "l1", 9, units=("v-1",), repair_kind="ДР"),
    )
    assert [row[2:] for row in spans(history)] == [
        ("in_use", ""), ("in_repair", "ДР"), ("awaiting_parts", "ДР"),
    ]  # fmt: skip
    assert state.status == "in_use"


def test_a_hold_covers_the_state_and_gives_it_back():
    state, history = folded(
        changed(1, "preserved"), op("Held", "h1", 2, units=("v-1",), reason="look"),
        op("HoldLifted", "h2", 4, units=("v-1",), hold="h1"),
    )  # fmt: skip
    assert [row[2] for row in spans(history)] == ["in_use", "preserved", "on_hold"]
    assert state.status == "preserved"


@pytest.mark.parametrize(("operations", "name"), [
    ([changed(3, "reserve"), changed(3, "on_hire", "s2")], "two_states_at_once"),
    ([changed(3, "reserve", from_state="preserved")], "state_was_other"),
    ([op("EnteredRepair", "e1", 1, units=("v-1",), repair_kind="ДР"), changed(2, "in_use")],
     "in_use_while_in_repair"),
    ([op("HolderChanged", "k1", 1, units=("v-1",), keeper="a"),
      op("HolderChanged", "k2", 1, units=("v-1",), keeper="b")], "two_holders_at_once"),
    ([op("HolderChanged", "k1", 1, units=("v-1",), keeper="a"),
      op("HolderChanged", "k2", 5, units=("v-1",), keeper="c", from_keeper="b")],
     "holder_was_other"),
    ([op("RestrictionLifted", "x1", 1, units=("v-1",), restricted="x0")], "restriction_not_set"),
    ([op("PermissionEnded", "x1", 1, units=("v-1",), permitted="x0")], "permission_not_given"),
])  # fmt: skip
def test_what_cannot_both_be_true_is_a_named_contradiction(operations, name):
    assert names(folded(*operations)[0]) == [name]


def test_owner_keeper_and_home_depot_change_apart():
    state, _ = folded(
        op("HolderChanged", "k1", 1, units=("v-1",), keeper="south", from_keeper="north"),
        op("HolderChanged", "k2", 2, units=("v-1",), home_site="east", from_home_site="north"),
    )
    assert (state.owner, state.keeper, state.home_site) == ("ТЖД", "south", "east")
    assert names(state) == []


def test_a_restriction_runs_out_on_its_last_day():
    state, _ = folded(op("Restricted", "x1", 1, units=("v-1",), restriction="40 км/ч",
                         until="2024-06-30"))  # fmt: skip
    [restriction] = state.restrictions
    assert restriction.holds_on("2024-06-30")
    assert not restriction.holds_on("2024-07-01")


def test_a_guest_is_known_by_its_paint_alone_until_it_is_registered():
    seen = op("GuestSeen", "g1", 0, units=("g-1",), owner_state="27",
              painted=(Painted(label="ДР", value="12.23"),))  # fmt: skip
    state, _ = fold(PASSPORT, "g-1", resolve(entries([seen]), "g-1"))
    assert (state.status, state.guest, state.owner_state) == ("guest", True, "27")
    registered = op("Registered", "r9", 1, units=("g-1",), type="gondola")
    state, _ = fold(PASSPORT, "g-1", resolve(entries([seen, registered]), "g-1"))
    assert (state.status, state.guest) == ("in_use", False)


def test_availability_follows_from_the_hours_of_states():
    _, history = folded(
        op("EnteredRepair", "e1", 10, units=("v-1",), repair_kind="ДР"),
        op("LeftRepair", "l1", 14, units=("v-1",), repair_kind="ДР"),
        op("EnteredRepair", "e2", 20, units=("v-1",), repair_kind="ТР-2"),
        op("LeftRepair", "l2", 21, units=("v-1",), repair_kind="ТР-2"),
        changed(30, "preserved"), changed(40, "in_use", "s2"),
    )  # fmt: skip
    rows = [
        {"at_us": r[1], "to_us": r[2], "state": r[3], "detail": r[4]}
        for r in history["state_spans"]
    ] + [{"at_us": START_US + 40 * DAY_US, "to_us": None, "state": "in_use", "detail": ""}]
    hours = clipped("freight_wagon", rows, START_US, START_US + 50 * DAY_US)
    found = availability(CATALOGUE, hours)
    days = [us / DAY_US for us in (found.available_us, found.planned_us, found.unplanned_us,
                                   found.not_counted_us)]  # fmt: skip
    assert days == [35, 4, 1, 10]
    assert found.operational == found.technical == pytest.approx(35 / 40)
    assert found.inherent == pytest.approx(35 / 36)


def test_waiting_lowers_operational_availability_alone():
    day = DAY_US
    hours = [Hours("locomotive", *some) for some in (
        ("in_use", "", 80 * day), ("in_repair", "ТР-1", 5 * day), ("in_repair", "НР", 5 * day),
        ("awaiting_parts", "", 10 * day),
    )]  # fmt: skip
    found = availability(CATALOGUE, hours)
    assert found.operational == pytest.approx(80 / 100)
    assert found.technical == pytest.approx(80 / 90)
    assert found.inherent == pytest.approx(80 / 85)


def test_without_hours_there_is_no_availability():
    assert availability(CATALOGUE, []).technical is None
