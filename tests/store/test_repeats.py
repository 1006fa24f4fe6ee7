"""What comes back: after repairs by depot and kind, at one place, and on which units."""

from datetime import timedelta

import pytest

from railtrace.store.lives import counters_of
from railtrace.store.lookup import Lookup
from railtrace.store.repeats import after_repairs, come_back, offenders, repairs
from railtrace.store.service import period
from railtrace.trace.leaf import microseconds
from tests.store.test_knowledge import START, take
from tests.store.test_views import CATALOGUE, new_store, op


def at(day):
    return microseconds(START + timedelta(days=day))


def repair(id_, day, unit, kind="ТР-1"):
    return [op("EnteredRepair", f"in-{id_}", day, units=(unit,), repair_kind=kind),
            op("LeftRepair", f"out-{id_}", day + 1, units=(unit,), repair_kind=kind)]  # fmt: skip


def failed(id_, day, unit, place="diesel", mode="течь"):
    return op("Failed", id_, day, units=(unit,), mode=mode, place=place, failure_class=2)


@pytest.fixture
def railway(tmp_path):
    """Four sections of 100 km a day; the first fails soon after each of its two repairs."""
    views = new_store(tmp_path)
    lived = []
    for n in range(4):
        lived.append(op("Registered", f"r{n}", 0, units=(f"s-{n}",), type="2te10m"))
        lived += [op("Ran", f"run-{n}-{d}", d, units=(f"s-{n}",), distance_km="100")
                  for d in range(1, 300)]  # fmt: skip
        lived += repair(f"a{n}", 50, f"s-{n}")
    lived += repair("b", 150, "s-0")
    lived += [failed("f-1", 60, "s-0"), failed("f-2", 171, "s-0"), failed("f-3", 290, "s-2")]
    take(views, lived, 300)
    return views


def told_of(views, to=300):
    lookup = Lookup(views.database)
    vehicles = [v for v in lookup.maintained() if v.vehicle_class == "locomotive"]
    told = period(views.database, lookup, CATALOGUE, vehicles, at(0), at(to))
    done = repairs(views.database, CATALOGUE, vehicles, at(0), at(to))
    return told, done, counters_of(lookup, vehicles)


def test_repairs_are_stays_that_ended_with_their_kind(railway):
    _, done, _ = told_of(railway)
    assert [(r.vehicle, r.kind) for r in done] == [
        *((f"s-{n}", "ТР-1") for n in range(4)), ("s-0", "ТР-1")]  # fmt: skip
    assert done[-1].at_us == at(151)


def test_failures_within_the_days_after_a_repair_are_counted_by_depot_and_kind(railway):
    told, done, _ = told_of(railway)
    [row] = after_repairs(told, told.failures, done, 100)
    assert (row.repairs, row.failed, row.kind) == (5, 2, "ТР-1")
    assert [(r.vehicle, f.operation) for r, f in row.first] == [("s-0", "f-1"), ("s-0", "f-2")]
    assert row.low < row.chance < row.high
    # Three watched for 100 days, one for 9 and one for 20: two failures in 329 days.
    assert row.raw == pytest.approx(1 - 2.718281828 ** (-2 / 329 * 100), rel=1e-3)
    [short] = after_repairs(told, told.failures, done, 10)
    assert short.failed == 1


def test_the_span_after_a_repair_may_be_counted_in_kilometres(railway):
    told, done, counters = told_of(railway)
    [row] = after_repairs(told, told.failures, done, 1000, counters)
    assert row.failed == 1
    [row] = after_repairs(told, told.failures, done, 2500, counters)
    assert row.failed == 2


def test_what_failed_again_at_its_place_stands_with_both_operations(railway):
    told, _, _ = told_of(railway)
    [pair] = come_back(told.failures, 120)
    assert (pair.first.operation, pair.second.operation) == ("f-1", "f-2")
    assert pair.apart == pytest.approx(111)
    assert come_back(told.failures, 100) == []
    assert come_back((), 100) == []


def test_failures_whose_place_nobody_recorded_come_back_only_by_their_mode(railway):
    take(railway, [failed("y-1", 200, "s-1", "", "реле"), failed("y-2", 205, "s-1", "", "обрыв"),
                   failed("y-3", 210, "s-1", "", "реле")], 301)  # fmt: skip
    told, _, _ = told_of(railway)
    [pair] = come_back([f for f in told.failures if f.unit == "s-1"], 100)
    assert (pair.first.operation, pair.second.operation) == ("y-1", "y-3")


def test_a_unit_that_fails_far_oftener_than_its_fleet_is_named_and_chance_is_not(railway):
    told, _, _ = told_of(railway)
    assert offenders(told, told.failures) == []
    take(railway, [failed(f"x-{n}", 200 + 3 * n, "s-3", place=f"p-{n}") for n in range(12)], 301)
    told, _, _ = told_of(railway)
    [one] = offenders(told, told.failures)
    assert (one.vehicle, one.failures) == ("s-3", 12)
    assert one.expected == pytest.approx(15 / 4, rel=0.05)
    assert offenders(told, ()) == []


def test_a_period_without_repairs_has_no_rows(railway):
    told, done, _ = told_of(railway, 20)
    assert done == []
    assert after_repairs(told, told.failures, done, 100) == []
