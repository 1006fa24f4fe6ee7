"""Dues of a whole fleet agree with those of each unit, and their dates with arithmetic."""

from datetime import timedelta

import pytest

from railtrace.projections.maintenance import DAY_US
from railtrace.store.dues import FleetDues, by_unit
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Counter
from tests.store.test_views import CATALOGUE, START, new_store, op, take

NOW_US = microseconds(START + timedelta(days=360))


@pytest.fixture
def fleet(tmp_path):
    views = new_store(tmp_path)
    km = Counter(meter="km", value="700000")
    take(views, "north", [
        op("Registered", "r1", 0, units=("l-1",), type="2te10m", counters=(km,)),
        op("LeftRepair", "s0", -60, units=("l-1",), repair_kind="ТР-1"),
        op("LeftRepair", "s1", 330, units=("l-1",), repair_kind="ТО-3"),
        op("Registered", "r2", 0, units=("w-1",), type="tank_wagon"),
        op("LeftRepair", "s2", 0, units=("w-1",), repair_kind="ДР"),
        op("Registered", "r3", 0, units=("w-2",), type="tank_wagon"),
        op("LeftRepair", "s3", 0, units=("w-2",), repair_kind="ДР"),
        op("WrittenOff", "x3", 5, units=("w-2",)),
        op("Registered", "r4", 0, units=("s-1",), type="2te10m", counters=(km,)),
        op("SectionsCoupled", "c4", 1, units=("s-1",), locomotive="L"),
        op("Inspected", "i4", 340, units=("L",), scope="ТО-2"),
        *(op("Ran", f"L{d}", d, units=("L",), distance_km="100") for d in range(10, 361, 10)),
        *(op("Ran", f"l{d}", d, units=("l-1",), distance_km="200") for d in range(1, 361)),
        *(op("Ran", f"w{d}", d, units=("w-1",), distance_km="500") for d in range(5, 361, 5)),
    ])  # fmt: skip
    return views


def standing(fleet):
    found = FleetDues(fleet, Lookup(fleet.database), CATALOGUE, NOW_US).of()
    return {(f.due.unit, f.due.kind): f for f in found}


def test_the_fleet_s_dues_are_those_of_each_unit(fleet) -> None:
    knowledge = Knowledge(fleet, Lookup(fleet.database), CATALOGUE, clock_us=NOW_US)
    fleetwide = by_unit(FleetDues(fleet, Lookup(fleet.database), CATALOGUE, NOW_US).of())
    for unit in ("l-1", "w-1", "s-1"):
        own = [d for d in knowledge.dues(unit) if d.state != "other"]
        assert [f.due for f in fleetwide[unit]] == own


def test_a_section_is_due_by_what_its_locomotive_ran_and_what_was_done_to_it(fleet) -> None:
    to2 = standing(fleet)["s-1", "ТО-2"].due
    assert (to2.last_kind, to2.last.operation) == ("ТО-2", "i4")


def test_what_is_written_off_is_due_for_nothing(fleet) -> None:
    assert "w-2" not in {unit for unit, _ in standing(fleet)}


def test_a_steady_locomotive_is_due_when_division_says(fleet) -> None:
    forecast = standing(fleet)["l-1", "ТО-3"]
    assert forecast.due.criteria[0].used == 6_000
    days = (forecast.median_us - NOW_US) / DAY_US
    assert days == pytest.approx(4_000 / 200, abs=2)
    assert forecast.early_us <= forecast.median_us <= forecast.late_us
    assert forecast.daily == pytest.approx(200, rel=0.05)


def test_kilometres_before_go_live_are_the_least_that_was_run(fleet) -> None:
    criterion = standing(fleet)["l-1", "ТР-1"].due.criteria[0]
    assert (criterion.used, criterion.at_least) == (72_000, True)
    assert standing(fleet)["w-1", "ДР"].due.criteria[0].used == 36_000


def test_a_calendar_end_cuts_every_quantile(fleet) -> None:
    forecast = standing(fleet)["w-1", "ДР"]
    assert forecast.due.calendar_us is not None
    assert forecast.late_us <= forecast.due.calendar_us


def test_rates_of_a_few_units_are_drawn_from_all_of_their_type(fleet) -> None:
    found = FleetDues(fleet, Lookup(fleet.database), CATALOGUE, NOW_US).of(["l-1"], ["2te10m"])
    assert {f.due.unit for f in found} == {"l-1"}
    assert standing(fleet)["l-1", "ТО-3"] in found
