"""A changed norm run over a fleet: who falls out, who is relieved, what it costs."""

from datetime import timedelta

import pytest
from msgspec.structs import replace as changed

from railtrace.catalogue.rows import KINDS, Catalogue
from railtrace.store.lookup import Lookup
from railtrace.store.replay import replay
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Reading
from tests.store.test_views import CATALOGUE, START, new_store, op, take

NOW_US = microseconds(START + timedelta(days=360))


@pytest.fixture
def fleet(tmp_path):
    views = new_store(tmp_path)
    reading = Reading(quantity="flange_thickness", place="left", value="24.6", unit="mm",
                      uncertainty="0.1")  # fmt: skip
    take(views, "north", [
        op("Manufactured", "m1", 0, units=("l-1",), type="2te10m"),
        op("LeftRepair", "s1", 300, units=("l-1",), repair_kind="ТО-3"),
        op("LeftRepair", "s2", 300, units=("l-1",), repair_kind="ТР-1"),
        *(op("Ran", f"l{d}", d, units=("l-1",), distance_km="100") for d in range(1, 361)),
        op("Registered", "w", 0, units=("ws-1",), type="wheelset_freight"),
        op("Measured", "mw", 10, units=("ws-1",), readings=(reading,)),
    ])  # fmt: skip
    return views


def with_km(kind_key: str, km: int):
    services = dict(CATALOGUE.services)
    services[kind_key] = changed(services[kind_key], km=km)
    return with_rows(services=services)


def with_rows(**kinds):
    """Return the catalogue with other rows; made anew, because it remembers what it sorted."""
    return Catalogue(**{key: getattr(CATALOGUE, key) for key in KINDS} | kinds)


def run(fleet, new, days=365):
    return replay(fleet, Lookup(fleet.database), CATALOGUE, new, NOW_US, days)


def test_the_same_norm_changes_nothing(fleet) -> None:
    found = run(fleet, CATALOGUE)
    assert (found.fallen, found.relieved) == ([], [])
    assert found.before == found.after


def test_a_shorter_interval_puts_a_unit_out_and_costs_depot_days(fleet) -> None:
    found = run(fleet, with_km("te10_m62.line.to3", 5_000))
    assert [(f.unit, f.what, f.before, f.after) for f in found.fallen] == [
        ("l-1", "ТО-3", "ok", "overdue")
    ]
    assert found.after.visits["ТО-3"] > found.before.visits["ТО-3"]
    assert found.after.depot_days > found.before.depot_days


def test_a_longer_interval_relieves_it_again(fleet) -> None:
    short = with_km("te10_m62.line.to3", 5_000)
    found = replay(fleet, Lookup(fleet.database), short, CATALOGUE, NOW_US, 365)
    assert [(f.unit, f.what) for f in found.relieved] == [("l-1", "ТО-3")]


def test_visits_follow_the_run_and_a_greater_repair_takes_in_the_lesser(fleet) -> None:
    visits = run(fleet, CATALOGUE, 365).before.visits
    # 100 km a day: a ТО-3 in each 100 days, once in the ТР-1 that is due after 440.
    assert visits["ТО-3"] in (3, 4)
    assert visits["ТР-1"] == 0
    longer = run(fleet, CATALOGUE, 500).before.visits
    assert (longer["ТО-3"], longer["ТР-1"]) == (4, 1)


def test_a_tighter_limit_names_the_wheel_and_the_row(fleet) -> None:
    row = next(limit for limit in CATALOGUE.limits.values()
               if (limit.quantity == "flange_thickness" and limit.moment == "in_service"
               and "freight_wagon" in limit.vehicle_classes) or ("wheelset_freight"
               in limit.part_types and limit.quantity == "flange_thickness"))  # fmt: skip
    limits = {key: changed(limit, min="26") if (limit.quantity == "flange_thickness"
              and limit.min is not None and limit.max is None) or key == row.key else limit
              for key, limit in CATALOGUE.limits.items()}  # fmt: skip
    found = run(fleet, with_rows(limits=limits))
    assert [(f.unit, f.what, f.after) for f in found.fallen] == [
        ("ws-1", "flange_thickness", "unfit")
    ]


def test_a_day_that_moves_is_told_with_both_days(fleet) -> None:
    told = []
    found = replay(fleet, Lookup(fleet.database), CATALOGUE, with_km("te10_m62.line.to3", 8_000),
                   NOW_US, 365, told.append)  # fmt: skip
    (moved,) = [m for m in found.moved if m.what == "ТО-3"]
    days = (moved.before_us - moved.after_us) / 86_400_000_000
    assert days == pytest.approx(2_000 / 100, abs=1.5)
    assert told == [1, 2, 3, 4]
    assert run(fleet, CATALOGUE).moved == []
