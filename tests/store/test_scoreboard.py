"""Promises tested forward in time: runs, outcomes, and what each model had said before."""

from datetime import timedelta

import pytest

from railtrace.analysis.forward_test import FLEET, MODEL
from railtrace.analysis.rival_rates import RIVALS
from railtrace.errors import BadData
from railtrace.store.lookup import Lookup
from railtrace.store.reliability import fleet_reliability, unit_answer
from railtrace.store.scoreboard import forward_issues, promised_runs, scored
from railtrace.trace.leaf import microseconds
from tests.store.test_knowledge import START, take
from tests.store.test_views import CATALOGUE, new_store, op

OWNER = "TJ"
SECTIONS = [f"s-{n}" for n in range(4)]


def at(day):
    return microseconds(START + timedelta(days=day))


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Four sections, 1,000 km a day; section 0 fails every fortnight, section 3 only once."""
    views = new_store(tmp_path_factory.mktemp("scoreboard"))
    take(views, [op("Registered", f"r{s}", 0, units=(s,), type="2te10m", owner=OWNER)
                 for s in SECTIONS], 1)  # fmt: skip
    take(views, [op("Ran", f"run-{s}-{day}", day, units=(s,), distance_km="1000")
                 for s in SECTIONS for day in range(1, 201)], 201)  # fmt: skip
    failures = [("s-0", day) for day in range(10, 200, 14)] + [("s-3", 50), ("s-1", 150)]
    take(views, [op("Failed", f"f-{s}-{day}", day + 0.5, units=(s,), mode="задир", place="diesel",
                    failure_class=3 if day == 150 else 2) for s, day in failures], 202)  # fmt: skip
    return views


def issues(views, *days):
    lookup = Lookup(views.database)
    return forward_issues(lookup, CATALOGUE, lookup.maintained(), [at(d) for d in days], {})


def runs(views, some, to=201):
    lookup = Lookup(views.database)
    return promised_runs(views.database, lookup, CATALOGUE, lookup.maintained(), some, at(to))[0]


def test_a_promise_stands_on_what_had_happened_before_it_alone(views):
    early, late = issues(views, 60, 120)
    assert set(early.rates) == {*RIVALS, MODEL}
    # Four failures of section 0 and one of section 3 in 4 × 60,000 km, all of class 2: a next one
    # stops a run to (5 + 1) of (5 + 2).
    stops = 6 / 7
    assert early.rates[FLEET]["s-0"] == pytest.approx(5 * stops / 240_000, rel=0.01)
    [alone] = issues(views, 60)
    assert alone.rates == early.rates
    assert late.rates[MODEL]["s-0"] > 2 * late.rates[MODEL]["s-2"]


def test_before_anything_failed_nothing_is_promised(views):
    assert issues(views, 5) == []
    with pytest.raises(BadData, match="nothing to score"):
        runs(views, [])


def test_a_run_counts_under_the_last_promise_before_it_and_class_three_stops_none(views):
    found = runs(views, issues(views, 60, 120))
    assert len(found.km) == 4 * 140
    assert (found.month == 0).sum() == 4 * 60
    # Section 0 fails ten times after day 60; those of day 150 are of class 3.
    assert found.failed.sum() == 9
    assert set(found.vehicle[found.failed]) == {0}


def test_a_fleet_of_unlike_sections_is_told_better_by_the_model_than_by_one_rate(views):
    lookup = Lookup(views.database)
    board = scored(views.database, lookup, CATALOGUE, lookup.maintained(),
                   issues(views, 60, 90, 120, 150), at(201))  # fmt: skip
    gain = {score.model: score.gain for score in board.scores}
    assert gain[MODEL] > 0
    assert gain["vehicle_bayes"] > 0
    assert gain[FLEET] == 0
    assert board.weight > 0


def test_a_fleet_told_by_its_one_rate_tells_every_unit_alike(views):
    lookup = Lookup(views.database)
    fleet = fleet_reliability(lookup, CATALOGUE, "locomotive", OWNER, {}, at(201))
    flat = [unit_answer(fleet.weighted(0.0), unit, 500.0) for unit in ("s-0", "s-2")]
    assert flat[0].reliability == pytest.approx(flat[1].reliability)
    half = unit_answer(fleet.weighted(0.5), "s-0", 500.0)
    whole = unit_answer(fleet, "s-0", 500.0)
    assert whole.reliability < half.reliability < flat[0].reliability
    assert half.floor <= half.low <= half.reliability <= half.high
    assert half.standing.weight == 0.5
