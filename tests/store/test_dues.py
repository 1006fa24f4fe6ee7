"""Dues of a whole fleet agree with those of each unit, and their dates with arithmetic."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

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


def test_the_repair_that_ends_an_interval_is_not_within_it(tmp_path) -> None:
    """ТР-1 ends ТО-3 and ТР-1; up to ТР-2 it comes between, as it did."""
    views = new_store(tmp_path)
    take(views, "north", [
        op("Registered", "r1", 0, units=("l-1",), type="2te10m"),
        *(op("Ran", f"l{d}", d, units=("l-1",), distance_km="200")
          for d in range(1, 361) if not 100 < d < 160),
        op("EnteredRepair", "e1", 100.5, units=("l-1",), repair_kind="ТР-1"),
        op("LeftRepair", "s1", 159, units=("l-1",), repair_kind="ТР-1"),
        op("LeftRepair", "s2", 350, units=("l-1",), repair_kind="ТР-2"),
    ])  # fmt: skip
    told = {kind: f.daily for (_, kind), f in standing(views).items() if f.meter}
    assert (told["ТО-3"], told["ТР-1"]) == pytest.approx((200, 200), rel=0.001)
    assert told["ТР-2"] < 185


# --- on parts ---------------------------------------------------------------------------------

FULL = "полное освидетельствование"


@pytest.fixture
def wheels(fleet):
    """A wheelset in a bogie of w-1 with a paper, one that came from w-9, one in the store."""
    wheel = {"type": "wheelset_freight"}
    take(fleet, "north", [
        op("Registered", "b1", 0, units=("b-1",), type="bogie_freight"),
        op("Registered", "x1", 0, units=("x-1",), **wheel),
        op("Manufactured", "x2", 0, units=("x-2",), **wheel),
        op("Registered", "x3", 0, units=("x-3",), **wheel),
        op("Registered", "r9", 0, units=("w-9",), type="gondola"),
        op("Ran", "q9", 50, units=("w-9",), distance_km="7000"),
        op("Installed", "n1", 1, units=("b-1",), carrier="w-1", position="1"),
        op("Installed", "n2", 2, units=("x-1",), carrier="b-1", position="1"),
        op("Installed", "n3", 2, units=("x-2",), carrier="w-9", position="1"),
        op("Removed", "n4", 90, units=("x-2",), carrier="w-9", position="1"),
        op("Installed", "n5", 160, units=("x-2",), carrier="b-1", position="2"),
        *(op("PaperIssued", f"p{n}", 10, units=(f"x-{n}",), service=FULL,
             valid_until="2030-05-01") for n in (1, 3)),
    ])  # fmt: skip
    return fleet


def on_parts(views, catalogue=CATALOGUE, units=None):
    reader = FleetDues(views, Lookup(views.database), catalogue, NOW_US)
    return {(f.due.unit, f.due.kind): f for f in reader.of(units, parts=True) if f.vehicle}


def test_a_part_s_paper_is_due_on_the_row_of_the_vehicle_that_carries_it(wheels) -> None:
    found = on_parts(wheels)
    assert {key: f.vehicle for key, f in found.items()} == {
        ("x-1", FULL): "w-1", ("x-1", "обыкновенное освидетельствование"): "w-1",
    }  # fmt: skip
    forecast = found["x-1", FULL]
    assert forecast.median_us == forecast.due.calendar_us == forecast.early_us


def with_interval(km):
    row = replace(CATALOGUE.services["papers.wheelset.full"], km=km, months=None)
    return replace(CATALOGUE, services={**CATALOGUE.services, row.key: row})


def test_a_part_runs_to_its_kilometres_by_the_vehicle_it_is_on(wheels) -> None:
    """It ran 7000 km on one wagon, then what the other runs: 500 km in five days."""
    forecast = on_parts(wheels, with_interval(40_000))["x-2", FULL]
    assert forecast.due.criteria[0].used == 7_000 + 500 * 40
    assert not forecast.due.criteria[0].at_least
    assert (forecast.median_us - NOW_US) / DAY_US == pytest.approx(13_000 / 100, rel=0.1)
    assert (forecast.meter, forecast.vehicle) == ("km", "w-1")


def test_the_fleet_s_dues_on_parts_are_those_of_each_part(wheels) -> None:
    catalogue = with_interval(40_000)
    knowledge = Knowledge(wheels, Lookup(wheels.database), catalogue, clock_us=NOW_US)
    found = on_parts(wheels, catalogue)
    assert {unit for unit, _ in found} == {"x-1", "x-2"}
    for (unit, kind), forecast in found.items():
        assert forecast.due in knowledge.dues(unit), kind


def test_only_the_parts_of_the_vehicles_asked_for_are_told(wheels) -> None:
    assert on_parts(wheels, units=["l-1"]) == {}
    assert {unit for unit, _ in on_parts(wheels, units=["w-1"])} == {"x-1"}


def test_without_asking_for_parts_none_is_told(wheels) -> None:
    found = FleetDues(wheels, Lookup(wheels.database), CATALOGUE, NOW_US).of()
    assert not [f for f in found if f.vehicle]
