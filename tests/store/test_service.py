"""What vehicles did in a period: failures put to vehicles, stops in parts, kilometres."""

from datetime import timedelta

import pytest

from railtrace.store.lookup import Lookup
from railtrace.store.service import down_hours, failure_class, period
from railtrace.trace.leaf import microseconds
from tests.store.test_knowledge import START, take
from tests.store.test_views import CATALOGUE, new_store, op


def at(day):
    return microseconds(START + timedelta(days=day))


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Two sections; a turbocharger that failed on one and then went over to the other."""
    views = new_store(tmp_path_factory.mktemp("service"))
    take(views, [op("Registered", f"r{s}", 0, units=(s,), type="2te10m")
                 for s in ("s-0", "s-1")], 1)  # fmt: skip
    take(views, [op("Ran", f"run-{s}-{day}", day, units=(s,), distance_km="1000")
                 for s in ("s-0", "s-1") for day in range(1, 101)], 101)  # fmt: skip
    take(views, [
        op("Manufactured", "m1", 10, units=("t-1",), type="turbocharger"),
        op("Installed", "i1", 20, units=("t-1",), carrier="s-0", position="diesel/turbocharger"),
        op("Failed", "f1", 40.5, units=("t-1",), mode="помпаж", delay_min="75"),
        op("EnteredRepair", "e1", 41, units=("s-0",), repair_kind="НР"),
        op("Removed", "x1", 42, units=("t-1",), carrier="s-0"),
        op("StateChanged", "w1", 43, units=("s-0",), state="awaiting_parts"),
        op("EnteredRepair", "e2", 45, units=("s-0",), repair_kind="НР"),
        op("LeftRepair", "l2", 46, units=("s-0",), repair_kind="НР"),
        op("Installed", "i2", 50, units=("t-1",), carrier="s-1", position="diesel/turbocharger"),
        op("Failed", "f2", 60.5, units=("t-1",), mode="помпаж", failure_class=3),
        op("Failed", "f3", 70.5, units=("s-1",), mode="задир", place="diesel"),
        op("EnteredRepair", "e3", 80, units=("s-1",), repair_kind="ТР-1"),
        op("LeftRepair", "l3", 84, units=("s-1",), repair_kind="ТР-1"),
    ], 102)  # fmt: skip
    return views


def told(views, first=0, last=101):
    lookup = Lookup(views.database)
    return period(views.database, lookup, CATALOGUE, lookup.maintained(), at(first), at(last))


def test_a_failure_of_a_part_is_one_of_the_vehicle_that_carried_it_then(views):
    found = told(views)
    assert [(f.operation, f.vehicle, f.component) for f in found.failures] == [
        ("f1", "s-0", "turbocharger"), ("f2", "s-1", "turbocharger"), ("f3", "s-1", "diesel"),
    ]  # fmt: skip


def test_a_failure_without_a_class_is_put_by_its_delay_and_says_so(views):
    classed = {f.operation: (f.failure_class, f.classed_by) for f in told(views).failures}
    assert classed == {"f1": (1, "delay"), "f2": (3, "recorded"), "f3": (None, "")}
    assert failure_class(CATALOGUE, 3, 500.0) == (3, "recorded")
    assert failure_class(CATALOGUE, None, 30.0) == (2, "delay")
    assert failure_class(CATALOGUE, None, 0.0) == (3, "delay")


def test_an_unplanned_stop_is_told_in_its_parts_and_a_planned_one_is_none(views):
    [stop] = told(views).stops
    assert (stop.vehicle, stop.active_h, dict(stop.waits)) == (
        "s-0", pytest.approx(72), {"awaiting_parts": pytest.approx(48)}
    )  # fmt: skip
    hours = told(views).hours["s-1"]
    assert hours.planned == pytest.approx(4 * 24)
    assert hours.available == pytest.approx(97 * 24)


def test_a_stop_counts_where_it_ended_and_kilometres_where_they_were_run(views):
    assert not told(views, 0, 45).stops
    assert len(told(views, 45, 101).stops) == 1
    assert told(views, 10.5, 20.5).km == {"s-0": 10_000, "s-1": 10_000}


def test_a_group_is_a_part_of_the_whole(views):
    found = told(views)
    parts = [found.of([unit]).service(frozenset({1, 2, 3, None}), 3) for unit in ("s-0", "s-1")]
    whole = found.service(frozenset({1, 2, 3, None}), 3)
    assert sum(part.km for part in parts) == pytest.approx(whole.km)
    assert sum(part.failures for part in parts) == whole.failures == 3
    assert whole.incidents == 1
    assert found.service(frozenset({3}), 80).failures == 1


def test_hours_down_are_told_by_stretches_and_planned_apart(views):
    lookup = Lookup(views.database)
    found = down_hours(views.database, CATALOGUE, lookup.maintained(), [at(40), at(44), at(85)])
    # In repair from day 41, waiting for parts from 43 to 45, then a day of repair.
    assert found["s-0"] == [(pytest.approx(72), 0), (pytest.approx(48), 0)]
    assert found["s-1"] == [(0, 0), (0, pytest.approx(96))]
