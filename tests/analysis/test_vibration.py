from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.bearings import DAMAGES, Bearing, fault_orders
from railtrace.analysis.reasons import codes
from railtrace.analysis.recording import Recording, duplicates, recording
from railtrace.analysis.shaft_speed import shaft_speed
from railtrace.analysis.vibration import (
    LEAST_SHARE,
    SLIP,
    THRESHOLDS,
    Diagnosis,
    diagnose,
    diagnose_batch,
    look,
)
from railtrace.errors import BadEvidence
from railtrace.simulation.bearings import vibration as simulated
from tests.analysis.signals import BALL, OTHER, RATE_HZ, damaged, sound

DATA = Path(__file__).parent.parent / "data" / "vibration"
ENDS = {
    "DE": Bearing("6205-2RS", 9, 0.3126 * 25.4, 1.537 * 25.4),
    "FE": Bearing("6203-2RS", 8, 0.2656 * 25.4, 1.122 * 25.4),
}


@cache
def recorded(name: str, end: str) -> Recording:
    (path,) = DATA.glob(f"*_{name}_*.npz")
    with np.load(path) as file:
        return recording(file[end] * float(file[f"scale_{end}"]), float(file["fs"]))


def record(name: str, end: str, rpm: float) -> Recording:
    return replace(recorded(name, end), stated_rpm=rpm)


def of_record(name: str, end: str, rpm: float, **rest: object) -> Diagnosis:
    other = ENDS["FE" if end == "DE" else "DE"]
    return diagnose(record(name, end, rpm), ENDS[end], neighbours=[other], **rest)  # type: ignore[arg-type]


# --- the geometry -------------------------------------------------------------------------------


def test_fault_orders_are_those_published_for_both_bearings():
    drive, fan = fault_orders(ENDS["DE"]), fault_orders(ENDS["FE"])
    assert (drive.outer, drive.inner, drive.ball, drive.cage) == pytest.approx(
        (3.5848, 5.4152, 4.7134, 0.3983), abs=5e-4
    )
    assert (fan.outer, fan.inner, fan.ball, fan.cage) == pytest.approx(
        (3.0531, 4.9469, 3.9877, 0.3816), abs=5e-4
    )


@given(st.integers(5, 30), st.floats(0.05, 0.5), st.floats(0, 40))
def test_both_races_share_the_passes_of_all_elements(n, ratio, angle):
    orders = fault_orders(Bearing("any", n, ratio * 100, 100, angle))
    assert orders.outer + orders.inner == pytest.approx(n)
    assert orders.outer == pytest.approx(n * orders.cage)


@pytest.mark.parametrize("wrong", [(2, 8, 39), (9, 39, 8), (9, 0, 39), (9, 8, 0)])
def test_a_geometry_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadEvidence):
        Bearing("odd", *wrong)


# --- what is refused ----------------------------------------------------------------------------


def with_nan(x):
    return np.where(np.arange(len(x)) == 500, np.nan, x)


def with_dropout(x):
    return np.where((np.arange(len(x)) > 50_000) & (np.arange(len(x)) < 52_000), 0.0, x)


@pytest.mark.parametrize(
    ("make", "rate", "rpm", "reason"),
    [
        (lambda x: x[:10], RATE_HZ, 1790, "too_short"),
        (lambda x: x[:8000], RATE_HZ, 1790, "too_short"),
        (with_nan, RATE_HZ, 1790, "not_a_number"),
        (lambda x: np.full_like(x, 3.0), RATE_HZ, 1790, "constant"),
        (lambda x: np.zeros_like(x), RATE_HZ, 1790, "constant"),
        (lambda x: np.clip(x, -0.2, 0.2), RATE_HZ, 1790, "clipped"),
        (with_dropout, RATE_HZ, 1790, "dropout"),
        (lambda x: np.stack([x, x]), RATE_HZ, 1790, "not_a_signal"),
        (lambda x: x.astype(complex), RATE_HZ, 1790, "not_a_signal"),
        (lambda x: x * 1e200, RATE_HZ, 1790, "units"),
        (lambda x: x * 1e-200, RATE_HZ, 1790, "units"),
        (lambda x: x, 0.0, 1790, "sampling_rate"),
        (lambda x: x, float("nan"), 1790, "sampling_rate"),
        (lambda x: x, RATE_HZ, -5.0, "stated_speed"),
        (lambda x: x, 4 * RATE_HZ, 1790, "stated_speed"),
        (lambda x: x, RATE_HZ, 1e6, "stated_speed"),
        (lambda x: x, 5.0, 1790, "stated_speed"),
        (lambda x: x, RATE_HZ / 2, 1790, "stated_speed"),
        (lambda x: x[::12], RATE_HZ / 12, 1790, "sampling_rate"),
    ],
)
def test_bad_input_is_refused_by_name_and_gets_no_verdict(make, rate, rpm, reason):
    with pytest.raises(BadEvidence) as refused:
        diagnose(recording(make(sound()), rate, rpm), BALL)
    assert refused.value.reason == reason


def test_a_coarse_converter_is_not_taken_for_clipping():
    coarse = np.round(sound() / 0.03) * 0.03
    assert recording(coarse, RATE_HZ).clipped_samples == 0


def test_copies_are_found_by_hash_whatever_their_scale():
    one, other = sound(seed=1), sound(seed=2)
    found = [recording(x, RATE_HZ) for x in (one, other, one * 9.81)]
    assert duplicates(found) == ((0, 2),)


def test_a_copy_is_no_repeat():
    one = recording(damaged("outer"), RATE_HZ, 1790)
    with pytest.raises(BadEvidence) as refused:
        diagnose(one, BALL, repeats=[one])
    assert refused.value.reason == "duplicate"


# --- the speed ----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.floats(600, 2900), st.floats(-0.048, 0.048))
def test_the_speed_is_the_signals_whatever_was_stated(rpm, untruth):
    found = shaft_speed(recording(sound(rpm=rpm), RATE_HZ, rpm * (1 + untruth)))
    assert found.confirmed
    assert found.rpm == pytest.approx(rpm, rel=0.002)
    assert found.statement_contradicted or abs(untruth) < 0.006


@settings(max_examples=10, deadline=None)
@given(st.floats(900, 2500), st.sampled_from([-1, 1]), st.floats(0.055, 0.5))
def test_a_statement_off_by_more_than_a_twentieth_is_refused(rpm, side, untruth):
    with pytest.raises(BadEvidence) as refused:
        shaft_speed(recording(sound(rpm=rpm), RATE_HZ, rpm * (1 + side * untruth)))
    assert refused.value.reason == "stated_speed"


RECORDINGS = [("105", "DE", 1795.9), ("105", "FE", 1795.9), ("106", "DE", 1771.9),
              ("294", "FE", 1796.5), ("3001", "DE", 1795.8)]  # fmt: skip


@pytest.mark.parametrize(("name", "end", "rpm"), RECORDINGS)
@pytest.mark.parametrize("factor", [0.5, 0.9, 0.94, 1.06, 1.1, 2])
def test_a_recording_with_a_speed_far_from_its_own_is_refused(name, end, rpm, factor):
    with pytest.raises(BadEvidence) as refused:
        shaft_speed(record(name, end, rpm * factor))
    assert refused.value.reason == "stated_speed"


@pytest.mark.parametrize(("name", "end", "rpm"), RECORDINGS)
@pytest.mark.parametrize("factor", [0.96, 0.995, 1.01, 1.04])
def test_a_speed_falsified_by_less_is_put_right_and_named(name, end, rpm, factor):
    found = shaft_speed(record(name, end, rpm * factor))
    assert found.statement_contradicted
    assert found.rpm == pytest.approx(rpm, rel=2e-4)


def test_a_falsified_speed_changes_nothing_of_the_verdict_and_is_told_with_it():
    found = of_record("105", "DE", 1797 * 0.97)
    assert found.damage == "inner"
    assert "stated_speed_wrong" in codes(found.reasons)
    with pytest.raises(BadEvidence):
        of_record("105", "DE", 1797 * 1.1)


@pytest.mark.parametrize("factor", [0.8, 0.95, 0.98, 1.05, 1.15])
def test_where_no_shaft_is_heard_a_false_speed_names_no_damage_and_the_doubt_is_told(factor):
    found = of_record("3007", "DE", 1750 * factor)
    assert found.damage is None
    assert "speed_unheard" in codes(found.reasons)


def test_a_signal_without_a_shaft_leaves_the_statement_unconfirmed():
    white = np.random.default_rng(3).standard_normal(120_000)
    assert not shaft_speed(recording(white, RATE_HZ, 1790)).confirmed
    with pytest.raises(BadEvidence) as refused:
        shaft_speed(recording(white, RATE_HZ))
    assert refused.value.reason == "speed_unknown"


# --- the outcome --------------------------------------------------------------------------------


@cache
def machine(damage: str | None, seed: int) -> Recording:
    samples = damaged(damage, seed=seed) if damage else sound(seed=seed)  # type: ignore[arg-type]
    return recording(samples, RATE_HZ, 1790)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_watched_and_alarmed_only_when_a_repeat_confirms(damage):
    once = diagnose(machine(damage, 0), BALL)
    assert (once.outcome, once.damage) == ("watch", damage)
    assert "no_repeat" in codes(once.reasons)
    twice = diagnose(machine(damage, 0), BALL, repeats=[machine(damage, 1)])
    assert (twice.outcome, twice.damage) == ("alarm", damage)
    quiet = diagnose(machine(damage, 0), BALL, repeats=[machine(None, 1)])
    assert quiet.outcome == "watch"
    assert "not_repeated" in codes(quiet.reasons)


def test_sound_machines_keep_the_promised_rate_of_false_alarms():
    false = 0
    for seed in range(40):
        seen = look(recording(sound(seconds=5, seed=seed), RATE_HZ, 1790), BALL)
        false += seen.prewhitened.found is not None
        assert seen.damage is None
    assert false <= 4


def test_a_louder_neighbour_is_not_held_against_a_sound_bearing():
    shouting = recording(damaged("outer", OTHER), RATE_HZ, 1790)
    assert diagnose(shouting, BALL, neighbours=[OTHER]).outcome == "sound"


def test_impacts_the_bearing_cannot_give_contradict_it():
    strange = Bearing("not catalogued", 7, 8.0, 31.0)
    found = diagnose(recording(damaged("outer", strange), RATE_HZ, 1790), BALL)
    assert found.outcome == "contradiction"
    assert codes(found.reasons) == ("unexplained",)
    order = dict(found.reasons[0].values)["order"]
    assert order == pytest.approx(fault_orders(strange).outer, rel=0.006)


def test_evidence_of_other_damage_than_declared_contradicts_it():
    found = diagnose(machine("outer", 0), BALL, known_damage="inner")
    assert found.outcome == "contradiction"
    assert found.damage is None
    assert codes(found.reasons) == ("other_damage",)


@pytest.mark.parametrize(
    ("name", "end", "rpm", "damage"),
    [
        ("105", "DE", 1797, "inner"),
        ("106", "DE", 1772, "inner"),
        ("294", "FE", 1797, "outer"),
        ("3007", "DE", 1750, "ball"),
    ],
)
def test_real_damage_is_named(name, end, rpm, damage):
    assert of_record(name, end, rpm).damage == damage


@pytest.mark.parametrize(
    ("name", "end", "rpm"),
    [("105", "FE", 1797), ("106", "FE", 1772), ("197", "FE", 1797), ("294", "DE", 1797)],
)
def test_real_sound_bearings_are_silent(name, end, rpm):
    assert of_record(name, end, rpm).outcome == "sound"


def test_the_same_bearing_at_another_load_confirms():
    found = of_record("105", "DE", 1797, repeats=[record("106", "DE", 1772)])
    assert (found.outcome, found.damage) == ("alarm", "inner")


@pytest.mark.parametrize(
    ("name", "rpm", "reason"), [("197", 1797, "only_tones"), ("3001", 1797, "unexplained")]
)
def test_records_that_contradict_their_bearing_are_named(name, rpm, reason):
    found = of_record(name, "DE", rpm)
    assert (found.outcome, found.damage) == ("contradiction", None)
    assert codes(found.reasons) == (reason,)


def test_an_unconfirmed_speed_raises_no_alarm():
    found = of_record("3007", "DE", 1750)
    assert found.outcome == "watch"
    assert "speed_unconfirmed" in codes(found.reasons)


def test_a_batch_keeps_its_order_and_its_refusals():
    silent = recording(sound(seconds=0.7), RATE_HZ, 1790)
    found = diagnose_batch([(machine("inner", 0), BALL), (silent, BALL), (machine(None, 0), BALL)])
    assert isinstance(found[0], Diagnosis)
    assert isinstance(found[1], BadEvidence)
    assert isinstance(found[2], Diagnosis)
    assert (found[0].damage, found[2].outcome) == ("inner", "sound")


def test_a_large_batch_goes_to_other_processes_and_comes_back_the_same():
    short = recording(sound(seconds=0.5), RATE_HZ, 1790)
    brief = recording(damaged("outer", seconds=2), RATE_HZ, 1790)
    jobs = [(brief, BALL), (short, BALL)] * LEAST_SHARE
    found = diagnose_batch(jobs, workers=2)
    assert len(found) == len(jobs)
    alone = diagnose(brief, BALL)
    for one, refusal in zip(found[::2], found[1::2], strict=True):
        assert isinstance(one, Diagnosis)
        assert (one.outcome, codes(one.reasons)) == (alone.outcome, codes(alone.reasons))
        assert isinstance(refusal, BadEvidence)
        assert refusal.reason == "too_short"


def test_thresholds_rise_with_the_bins_searched():
    low, high = (THRESHOLDS.level_db("prewhitened", bins) for bins in (100, 1000))
    assert high - low == pytest.approx(1.0)


def test_damages_that_show_at_one_order_are_found_and_never_named_wrongly():
    roller = Bearing("great rollers", 14, 32.0, 190.0)
    orders = fault_orders(roller)
    assert abs(orders.outer / orders.ball - 1) < 2 * SLIP
    for seed, damage in enumerate(("outer", "ball")):
        taken = recording(simulated(roller, damage, 1790, 4.0, seed), 12_000, 1790)
        found = diagnose(taken, roller)
        assert found.outcome == "watch"
        assert found.damage is None
        assert "alike" in [reason.code for reason in found.reasons]
