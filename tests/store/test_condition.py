"""Verdicts and wear in a unit's chance: from the trace, as it was known, bit for bit."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from railtrace.store.lookup import Lookup
from railtrace.store.reliability import (
    all_answers,
    code_version,
    fleet_reliability,
    unit_answer,
)
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Reading
from tests.store.test_knowledge import START, take
from tests.store.test_views import CATALOGUE, new_store, op

OWNER = "TJ"
MOTORS = [f"m-{n}" for n in range(4)]


def at(day):
    return microseconds(START + timedelta(days=day))


def said(id_, day, unit, outcome, method="vibration"):
    return op("Diagnosed", id_, day, units=(unit,), method=method, outcome=outcome)


def flange(id_, day, unit, value):
    reading = Reading(quantity="flange_thickness", place="left", value=f"{value:.2f}", unit="mm",
                      uncertainty="0.1")  # fmt: skip
    return op("Measured", id_, day, units=(unit,), readings=(reading,))


def railway_in(folder, without=()):
    """Four sections of 1,000 km a day: a motor and a wheelset each, one motor failed.

    without : operations that were never recorded
    """
    views = new_store(folder)
    lived = []
    for n in range(4):
        lived += [
            op("Registered", f"r{n}", 0, units=(f"s-{n}",), type="2te10m", owner=OWNER),
            op("Registered", f"rm{n}", 0, units=(f"m-{n}",), type="traction_motor"),
            op("Registered", f"rw{n}", 0, units=(f"w-{n}",), type="wheelset_locomotive"),
            op("Installed", f"im{n}", 1, units=(f"m-{n}",), carrier=f"s-{n}",
               position="bogie.1/motor.1"),
            op("Installed", f"iw{n}", 1, units=(f"w-{n}",), carrier=f"s-{n}",
               position="bogie.1/wheelset.1"),
            *(op("Ran", f"run-{n}-{d}", d, units=(f"s-{n}",), distance_km="1000")
              for d in range(2, 201)),
        ]  # fmt: skip
    # The last wheelset was never measured; the first stands close to its limit.
    for n, start in ((0, 28.9), (1, 32.0), (2, 33.0)):
        lived += [flange(f"f-{n}-{day}", day, f"w-{n}", start - 0.02 * (day - 10))
                  for day in range(10, 200, 20)]  # fmt: skip
    lived += [
        op("Failed", "bad", 100, units=("m-3",), mode="пробой", failure_class=1),
        said("a-0", 190, "m-0", "alarm"), said("a-1", 190, "m-1", "sound"),
    ]  # fmt: skip
    take(views, [one for one in lived if one.id not in without], 201)
    return views


@pytest.fixture
def railway(tmp_path):
    return railway_in(tmp_path)


def fleet_of(views, day=200):
    return fleet_reliability(Lookup(views.database), CATALOGUE, "locomotive", OWNER,
                             views.positions(), at(day))  # fmt: skip


def share_of(fleet, unit, part):
    [one] = [s for s in unit_answer(fleet, unit, 500.0).shares if s.place.unit == part]
    return one


def grades(answer, name):
    return {one.grade: one.count for one in answer.inputs if one.name == name}


def test_a_verdict_and_worn_wheels_stand_in_the_shares_and_the_sum_is_whole(railway):
    answer = unit_answer(fleet_of(railway), "s-0", 500.0)
    assert sum(share.share for share in answer.shares) == pytest.approx(1)
    motor, wheels = (share_of(fleet_of(railway), "s-0", part) for part in ("m-0", "w-0"))
    assert (motor.judged.word, motor.judged.operation) == ("alarm", "a-0")
    assert wheels.by_wear > 0
    assert wheels.worn.readings == 10
    assert wheels.replaced > answer.reliability
    assert grades(answer, "diagnosis")["measured"] == 1
    assert grades(answer, "wear")["measured"] == 1


def test_what_nobody_measured_or_judged_is_graded_missing_and_lowers_the_floor(railway):
    fleet = fleet_of(railway)
    known, blank = (unit_answer(fleet, unit, 500.0) for unit in ("s-1", "s-3"))
    assert "measured" not in grades(blank, "wear")
    assert grades(blank, "wear")["missing"] > grades(known, "wear")["missing"]
    assert grades(blank, "diagnosis")["missing"] > grades(known, "diagnosis")["missing"]


def floors_of(folder, without=()):
    folder.mkdir()
    fleet = fleet_of(railway_in(folder, without))
    # Of the model alone: a stack with the fleet's one rate would hide what moves.
    return all_answers(fleet, 500.0)[1].floor


@pytest.mark.parametrize("gone", [("a-0",), ("a-1",), ("a-0", "a-1")])
def test_without_a_verdict_no_floor_of_the_fleet_is_higher_not_even_without_the_last(
    tmp_path, gone
):
    known, less = floors_of(tmp_path / "known"), floors_of(tmp_path / "less", gone)
    assert np.all(less <= known)


def test_without_the_readings_of_a_wheel_its_floor_is_no_higher(tmp_path):
    gone = [f"f-1-{day}" for day in range(10, 200, 20)]
    known, less = floors_of(tmp_path / "known"), floors_of(tmp_path / "less", gone)
    assert less[1] < known[1]


def test_a_fleet_whose_driving_nobody_wrote_down_is_bounded_as_if_driven_badly(railway):
    fleet = fleet_of(railway)
    assert grades(unit_answer(fleet, "s-1", 500.0), "driving") == {"missing": 1}
    well = replace(fleet, lives=replace(fleet.lives, driving=(0.0,) * 4))
    assert np.all(all_answers(fleet, 500.0)[1].floor < all_answers(well, 500.0)[1].floor)


def test_a_teardown_settles_a_verdict_and_teaches_what_the_method_is_worth(railway):
    before = share_of(fleet_of(railway), "s-1", "m-1").factor
    found = [said(f"x-{n}", 150 + n, "m-2", "alarm") for n in range(8)]
    torn = [op("TornDown", f"t-{n}", 150.5 + n, units=("m-2",), diagnoses=(f"x-{n}",),
               found="damage", damage_class="5.1") for n in range(8)]  # fmt: skip
    take(railway, [*found, *torn], 205)
    fleet = fleet_of(railway)
    assert share_of(fleet, "s-2", "m-2").judged is None
    alarm, sound = (share_of(fleet, unit, part).factor for unit, part in
                    (("s-0", "m-0"), ("s-1", "m-1")))  # fmt: skip
    assert alarm > 1 > sound
    assert sound < before
    assert fleet.condition.looked_into == 8


def test_a_sound_verdict_of_one_method_does_not_outweigh_anothers_alarm(railway):
    take(railway, [said("o-0", 195, "m-0", "sound", method="oil")], 206)
    assert share_of(fleet_of(railway), "s-0", "m-0").judged.word == "alarm"


def test_a_failure_of_the_part_settles_what_was_said_before_it(railway):
    take(railway, [op("Failed", "late", 195, units=("m-0",), mode="пробой")], 207)
    assert share_of(fleet_of(railway), "s-0", "m-0").judged is None


def test_what_was_found_out_later_is_not_known_before(railway):
    take(railway, [op("TornDown", "t", 199, units=("m-0",), diagnoses=("a-0",),
                     found="damage", damage_class="5.1")], 208)  # fmt: skip
    assert fleet_of(railway, 198).condition.looked_into == 0
    assert share_of(fleet_of(railway, 198), "s-0", "m-0").judged.word == "alarm"
    assert fleet_of(railway).condition.looked_into == 1


def test_a_failure_by_wear_is_told_by_wear_and_ends_a_life_without_failing_it(railway):
    failed = op("Failed", "worn-out", 195, units=("w-0",), mode="подрез гребня", failure_class=2)
    take(railway, [failed], 207)
    before = fleet_of(railway)
    wheels = before.lives.components.index("wheelset_locomotive")
    assert before.condition.told_by_wear == frozenset()
    assert before.hazard.failures[wheels] == 1
    take(railway, [flange("over", 199, "w-0", 24.9)], 208)
    fleet = fleet_of(railway)
    assert fleet.condition.told_by_wear == {"worn-out"}
    assert fleet.condition.wear.stops.crossed == 1
    # Its own hazard has no failure of wheels left; the fleet's rate has them all.
    assert fleet.hazard.failures[wheels] == 0
    assert fleet.table.failures.sum() == before.table.failures.sum() == 2
    assert fleet.per_km == pytest.approx(before.per_km)
    assert fleet.own[wheels] == pytest.approx((1 / 2) / (2 / 3))
    own, own_before = (s.share - s.by_wear for s in (
        share_of(fleet, "s-1", "w-1"), share_of(before, "s-1", "w-1")))  # fmt: skip
    assert own < own_before


def test_an_earlier_failure_of_a_wheel_that_crossed_later_had_another_cause(railway):
    take(railway, [
        op("Failed", "first", 40, units=("w-0",), mode="выщербина", failure_class=2),
        op("Failed", "last", 195, units=("w-0",), mode="подрез гребня", failure_class=2),
        flange("over", 199, "w-0", 24.9),
    ], 208)  # fmt: skip
    assert fleet_of(railway).condition.told_by_wear == {"last"}


# --- bit for bit ----------------------------------------------------------------------------------


def figures_of(views):
    """Every figure of the fleet as exact text."""
    fleet = fleet_of(views)
    told = []
    for n in range(4):
        answer = unit_answer(fleet, f"s-{n}", 500.0)
        told.append([float(x).hex() for x in (
            answer.reliability, answer.low, answer.high, answer.floor, answer.fleet_median,
            answer.factor, *(y for s in answer.shares for y in (s.share, s.replaced, s.by_wear)),
        )])  # fmt: skip
    return [fleet.standing.table_sha256, fleet.standing.code, told]


def test_every_figure_recomputes_bit_for_bit_in_another_process_and_after_a_rebuild(
    railway, tmp_path
):
    here = figures_of(railway)
    railway.rebuild()
    assert figures_of(railway) == here
    script = (
        "import sys; from pathlib import Path; from tests.store.test_condition import *;"
        "print(figures_of(railway_in(Path(sys.argv[1]))))"
    )
    for seed in ("1", "77"):
        folder = tmp_path / seed
        folder.mkdir()
        run = subprocess.run(
            [sys.executable, "-c", script, str(folder)], capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )  # fmt: skip
        assert run.stdout.strip() == str(here)


def test_the_code_version_covers_every_file_a_figure_is_computed_by(railway):
    """Whatever module of ours is loaded by computing a figure lies in a package that is hashed."""
    from railtrace.store.reliability import _CODE

    script = (
        "import sys, railtrace.store.reliability, railtrace.store.scoreboard;"
        "print(*(m.split('.')[1] for m in sys.modules if m.startswith('railtrace.')))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert set(run.stdout.split()) <= {*_CODE, "errors", "check", "config"}
    assert code_version().startswith("0.")


def test_another_reading_is_another_hash_and_another_figure(railway):
    before = figures_of(railway)
    take(railway, [flange("new", 199, "w-0", 24.9)], 209)
    after = figures_of(railway)
    assert before[0] != after[0]
    assert before[2][0] != after[2][0]
    assert not np.array_equal(before[2], after[2])
