"""Run records: what is wrong with them is named, and nothing of it is lost or counted."""

import json

from railtrace.projections.fold import fold
from railtrace.projections.runs import RUNS
from railtrace.projections.usage import USAGE
from tests.projections.railway import START, entries, op


def record(id_, day, hours=6, **fields):
    from datetime import timedelta

    start = START + timedelta(days=day, hours=-hours)
    return op("RunRecorded", id_, day, units=("v-1",), started_at=start, **fields)


def named(operations, view=RUNS):
    state, _ = fold(view, "v-1", entries(operations))
    return {c.name: c for c in state.contradictions.values()}


def test_a_run_keeps_crew_work_fuel_and_delay():
    run = record("a", 1, distance_km="120.5", crew=("p-7", "p-9"), gross_tonne_km="240000",
                 fuel_kg="410", delay_min="12", delay_cause="wait", remarks="knock")  # fmt: skip
    _, history = fold(RUNS, "v-1", entries([run]))
    (row,) = history["run_records"]
    kept = dict(zip([c.split()[0] for c in RUNS.history["run_records"]], row, strict=True))
    assert json.loads(kept["crew"]) == ["p-7", "p-9"]
    assert (kept["km_milli"], kept["work_milli"], kept["fuel_milli"]) == (
        120_500, 240_000_000, 410_000)  # fmt: skip
    assert (kept["delay_milli"], kept["delay_cause"], kept["remarks"]) == (12_000, "wait", "knock")


def test_two_runs_at_once_are_a_contradiction_that_names_the_other():
    found = named([record("a", 1), record("b", 1.1)])
    assert found["two_runs_at_once"].values == {"run": "a"}
    assert found["two_runs_at_once"].key == "two_runs_at_once:b"


def test_a_run_that_begins_as_the_other_ends_is_none():
    assert named([record("a", 1), record("b", 1.25)]) == {}


def test_kilometres_below_zero_are_named_and_count_for_nothing():
    runs = [record("a", 1, distance_km="100"), record("b", 2, distance_km="-40")]
    assert named(runs)["negative_km"].values == {"shown": "-40"}
    state, history = fold(USAGE, "v-1", entries(runs))
    assert state.km.total == 100_000
    assert len(history["runs"]) == 2


def test_a_counter_that_goes_back_within_a_run_or_from_one_to_the_next_is_named():
    within = [record("a", 1, counter_from_km="500", counter_to_km="420")]
    assert named(within)["run_counter_goes_back"].values == {"shown": "420.0", "counted": "500.0"}
    between = [record("a", 1, counter_to_km="500"), record("b", 2, counter_from_km="300")]
    assert named(between)["run_counter_goes_back"].key == "run_counter_goes_back:b"


def test_a_replaced_meter_and_a_rounded_kilometre_are_no_counter_going_back():
    new = op("MeterReplaced", "m", 1.5, units=("v-1",), meter="km", removed_value="500")
    runs = [record("a", 1, counter_to_km="500"), new, record("b", 2, counter_from_km="0")]
    assert named(runs) == {}
    assert named([record("a", 1, counter_to_km="500"),
                  record("b", 2, counter_from_km="499")]) == {}  # fmt: skip
