"""Lives of components from the trace, and the chance of a unit's run that follows from them."""

from datetime import timedelta
from math import isnan

import numpy as np
import pytest

from railtrace.errors import NotFound
from railtrace.store.lives import KEPT_AGE, fleet_lives, with_inferred_ages
from railtrace.store.lookup import Lookup
from railtrace.store.reliability import (
    all_answers,
    component_rows,
    fleet_reliability,
    unit_answer,
)
from railtrace.trace.leaf import microseconds
from tests.store.test_knowledge import START, take
from tests.store.test_views import CATALOGUE, new_store, op

OWNER = "TJ"
NOW_US = microseconds(START + timedelta(days=300))


@pytest.fixture
def railway(tmp_path):
    """Four sections that ran 1,000 km a day; section 1 got a new turbocharger that failed."""
    views = new_store(tmp_path)
    sections = [f"s-{n}" for n in range(4)]
    take(views, [op("Registered", f"r{s}", 0, units=(s,), type="2te10m", owner=OWNER)
                 for s in sections], 1)  # fmt: skip
    take(views, [op("Ran", f"run-{s}-{day}", day, units=(s,), distance_km="1000")
                 for s in sections for day in range(1, 201)], 201)  # fmt: skip
    take(views, [
        op("Manufactured", "m1", 10, units=("t-1",), type="turbocharger"),
        op("Installed", "i1", 20, units=("t-1",), carrier="s-0", position="diesel/turbocharger"),
        op("Failed", "f1", 60.5, units=("t-1",), mode="помпаж", failure_class=2),
        op("Failed", "f2", 100.5, units=("s-1",), mode="задир", place="diesel", failure_class=1),
        op("Failed", "f3", 150.5, units=("s-2",), mode="задир", place="diesel", failure_class=3),
    ], 202)  # fmt: skip
    return views


def lives(views):
    return fleet_lives(Lookup(views.database), CATALOGUE, "locomotive", OWNER, NOW_US)


def reliability(views):
    return fleet_reliability(Lookup(views.database), CATALOGUE, "locomotive", OWNER,
                             views.positions(), NOW_US)  # fmt: skip


def test_a_part_made_under_watch_has_an_age_and_keeps_a_share_of_it_after_a_repair(railway):
    found = lives(railway)
    turbo = found.components.index("turbocharger")
    [here] = [p for p in found.places if p.unit == "t-1"]
    # 40 runs to its failure, then 140 more; it kept a quarter of its age.
    assert here.age_km == pytest.approx(KEPT_AGE * 40_000 + 140_000)
    assert (here.failures, here.last_failure) == (1, "f1")
    mine = (found.pieces.component == turbo) & ~np.isnan(found.pieces.entry_km)
    assert sorted(found.pieces.entry_km[mine].tolist()) == pytest.approx([0, KEPT_AGE * 40_000])


def test_what_was_old_when_the_trace_began_has_no_age_and_all_its_kilometres(railway):
    found = lives(railway)
    diesel = found.components.index("diesel")
    mine = found.pieces.component == diesel
    assert np.all(np.isnan(found.pieces.entry_km[mine]))
    assert np.sum(found.pieces.span_km[mine]) == pytest.approx(4 * 200_000)
    assert np.sum(found.pieces.failed[mine]) == 2
    assert all(isnan(p.age_km) for p in found.places if p.component == diesel)


def test_a_part_of_unknown_age_that_failed_under_watch_has_an_age_inferred_from_then_on(tmp_path):
    views = new_store(tmp_path)
    take(views, [
        *(op("Registered", f"r{n}", 0, units=(f"s-{n}",), type="2te10m", owner=OWNER)
          for n in range(3)),
        op("Registered", "old", 0, units=("t-old",), type="turbocharger"),
        *(op("Manufactured", f"m{n}", 1, units=(f"t-{n}",), type="turbocharger") for n in (1, 2)),
        op("Installed", "i-old", 1, units=("t-old",), carrier="s-0",
           position="diesel/turbocharger"),
        *(op("Installed", f"i{n}", 2, units=(f"t-{n}",), carrier=f"s-{n}",
             position="diesel/turbocharger") for n in (1, 2)),
        *(op("Ran", f"run-{n}-{d}", d, units=(f"s-{n}",), distance_km="1000")
          for n in range(3) for d in range(3, 203)),
        op("Failed", "f-1", 102.5, units=("t-1",), mode="помпаж", failure_class=2),
        op("Failed", "f-old", 152.5, units=("t-old",), mode="помпаж", failure_class=2),
    ], 210)  # fmt: skip
    found = lives(views)
    [raw] = [p for p in found.places if p.unit == "t-old"]
    assert isnan(raw.age_km)
    assert raw.mended_km == pytest.approx(50_000)
    [told] = [p for p in with_inferred_ages(found).places if p.unit == "t-old"]
    # One failure at 100,000 km beside the middle age of what is known: pieces of 100,000 km from
    # 0, of 100,000 km from 25,000, of 200,000 km from 0.
    middle = (100 * 50_000 + 100 * 75_000 + 200 * 100_000) / 400
    assert told.age_km == pytest.approx(KEPT_AGE * (100_000 + middle) / 2 + 50_000)
    assert {p.age_km for p in found.places if p.unit == "t-1"} == {
        p.age_km for p in with_inferred_ages(found).places if p.unit == "t-1"
    }


def test_a_position_is_no_place_of_its_own_while_a_part_is_recorded_there(railway):
    found = lives(railway)
    at = [p.unit for p in found.places if p.vehicle == 0 and p.position == "diesel/turbocharger"]
    assert at == ["t-1"]


def test_another_owners_vehicles_are_another_fleet(railway):
    with pytest.raises(NotFound, match="no run of this class"):
        fleet_reliability(Lookup(railway.database), CATALOGUE, "locomotive", "KZ", {}, NOW_US)


def test_a_units_chance_has_shares_that_add_up_and_names_what_it_stands_on(railway):
    fleet = reliability(railway)
    answer = unit_answer(fleet, "s-1", 500.0)
    assert sum(share.share for share in answer.shares) == pytest.approx(1)
    assert answer.floor <= answer.low <= answer.reliability <= answer.high < 1
    assert answer.standing.positions == railway.positions()
    assert answer.missing == len(answer.shares)
    again = unit_answer(reliability(railway), "s-1", 500.0)
    assert (again.reliability, again.low, again.floor) == (
        answer.reliability, answer.low, answer.floor
    )  # fmt: skip
    assert again.standing == answer.standing


def test_failures_of_class_three_count_and_do_not_stop(railway):
    fleet = reliability(railway)
    [diesel] = [row for row in component_rows(fleet) if row.component == "diesel"]
    assert diesel.failures == 2
    assert diesel.low < diesel.rate < diesel.high
    assert diesel.stops == pytest.approx((1 + 1) / (2 + 2))
    assert not diesel.age_used


def test_every_vehicle_gets_the_answer_it_gets_alone(railway):
    fleet = reliability(railway)
    units, answers = all_answers(fleet, 500.0)
    told = fleet.stacked(answers.reliability, 500.0)
    assert len(units) == 4
    for n, unit in enumerate(units):
        assert told[n] == pytest.approx(unit_answer(fleet, unit, 500.0).reliability)


def test_a_fleet_without_a_failure_has_bounds_and_no_chance(tmp_path):
    views = new_store(tmp_path)
    take(views, [op("Registered", "r", 0, units=("s",), type="2te10m", owner=OWNER),
                 op("Ran", "run", 1, units=("s",), distance_km="1000")], 2)  # fmt: skip
    fleet = reliability(views)
    assert all(row.rate == 0 < row.high for row in component_rows(fleet))
    with pytest.raises(NotFound, match="only a bound"):
        unit_answer(fleet, "s", 500.0)


def test_driving_is_standardised_over_the_fleet_and_missing_where_no_recorder_tells(tmp_path):
    views = new_store(tmp_path)
    units = [f"s-{n}" for n in range(7)]
    take(views, [op("Registered", f"r{u}", 0, units=(u,), type="2te10m", owner=OWNER)
                 for u in units], 1)  # fmt: skip
    take(views, [op("Ran", f"run-{u}-{day}", day, units=(u,), distance_km="1000")
                 for u in units for day in range(1, 101)], 101)  # fmt: skip
    take(views, [op("ModeViolated", f"v-{n}-{k}", 50 + k / 10, units=(u,), rule="loaded_cold")
                 for n, u in enumerate(units[:6]) for k in range(3 * n + 1)], 102)  # fmt: skip
    take(views, [op("Failed", "f", 60, units=("s-5",), mode="задир", place="diesel",
                    failure_class=2)], 103)  # fmt: skip
    found = lives(views)
    assert found.driving_grade == ("inferred",) * 6 + ("missing",)
    assert np.isnan(found.driving[6])
    assert np.nanmean(found.driving) == pytest.approx(0)
    assert list(found.driving[:6]) == sorted(found.driving[:6])
    fleet = reliability(views)
    answers = {unit: unit_answer(fleet, unit, 500.0) for unit in units}
    # What nobody knows is as bad as it gets, for the floor alone.
    assert answers["s-6"].floor < answers["s-0"].floor
    assert [one.grade for one in answers["s-6"].inputs if one.name == "driving"] == ["missing"]
    assert [one.grade for one in answers["s-0"].inputs if one.name == "driving"] == ["inferred"]
    early = fleet_lives(Lookup(views.database), CATALOGUE, "locomotive", OWNER,
                        microseconds(START + timedelta(days=40)))  # fmt: skip
    assert all(np.isnan(early.driving))
