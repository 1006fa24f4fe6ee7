import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.press_fit import (
    PressRule,
    ProofLoads,
    judge,
    judge_final_force,
    per_100mm,
    press_curve,
    proves,
)
from railtrace.analysis.reasons import codes
from railtrace.errors import BadEvidence

WHEEL_CENTRE = PressRule(low_kn_per_100mm=392, high_kn_per_100mm=588)
SEAT_MM = 185.0
GOOD_KN = 900.0


def pressed(final_kn=GOOD_KN, seat=SEAT_MM, noise=1.0, seed=0):
    """A slightly convex rise with a gauge's flicker: displacement and force."""
    x = np.arange(0, seat + 1.01, 0.5)
    rise = final_kn * (np.clip(x / seat, 0, 1)) ** 0.8
    return x, rise + np.random.default_rng(seed).normal(0, noise, len(x))


def judged(x, force, seat=SEAT_MM, **rest):
    return judge(press_curve(x, force, seat, **rest), WHEEL_CENTRE)


def test_scenario_21_is_unfit_below_the_band_and_both_verdicts_stand():
    """Final force 612 kN on a hub of 185 mm; the press, which reads one limit twice, says OK."""
    verdict = judge_final_force(612, 185, WHEEL_CENTRE, machine_verdict="fit")
    assert verdict.final_kn_per_100mm == pytest.approx(330.8, abs=0.05)
    assert verdict.verdict == "unfit"
    assert codes(verdict.reasons) == ("below_band",)
    assert "330.8" in verdict.reasons[0].text
    assert verdict.proof is None
    assert verdict.disagrees
    curve = judge(press_curve(*pressed(612), 185), WHEEL_CENTRE, machine_verdict="fit")
    assert curve.verdict == "unfit"
    assert curve.disagrees


def test_a_good_curve_is_fit_for_any_flicker():
    for seed in range(20):
        assert judged(*pressed(seed=seed)).reasons == ()


@given(st.floats(100, 1500), st.floats(100, 250))
def test_both_limits_are_tested(final_kn, seat):
    reached = per_100mm(final_kn, seat)
    fit = judge_final_force(final_kn, seat, WHEEL_CENTRE).verdict == "fit"
    assert fit == (392 <= reached <= 588)


def test_proof_loads_are_offered_only_within_a_tenth_of_the_lower_limit():
    short = judge_final_force(0.95 * 392 * 1.85, 185, WHEEL_CENTRE)
    assert short.proof == ProofLoads(3, pytest.approx(1.2 * 0.95 * 392 * 1.85), 5.0)
    assert judge_final_force(0.899 * 392 * 1.85, 185, WHEEL_CENTRE).proof is None
    assert judge_final_force(1.05 * 588 * 1.85, 185, WHEEL_CENTRE).proof is None
    assert judge_final_force(450 * 1.85, 185, WHEEL_CENTRE).proof is None


def test_a_joint_is_proved_by_three_full_loads_that_move_nothing():
    proof = ProofLoads(3, 800.0, 5.0)
    assert proves([800, 810, 805], [5, 6, 5], shifted=False, proof=proof)
    assert not proves([800, 810, 805], [5, 6, 5], shifted=True, proof=proof)
    assert not proves([800, 810, 790], [5, 6, 5], shifted=False, proof=proof)
    assert not proves([800, 810, 805], [5, 6, 4], shifted=False, proof=proof)


def fault(name):
    x, force = pressed(noise=0.5)
    if name == "start_jump":
        force = np.where(x < 4, force, np.maximum(force, 200))
    if name == "dip":
        force = force - 60 * np.exp(-(((x - 110) / 6) ** 2))
    if name == "ripple":
        force = force + 18 * np.sin(2 * np.pi * x / 12) * (x > 60)
    if name == "not_convex":
        force = GOOD_KN * np.clip(x / SEAT_MM, 0, 1) ** 1.6
    return x, force


@pytest.mark.parametrize("name", ["start_jump", "dip", "ripple", "not_convex"])
def test_each_fault_of_shape_is_named(name):
    verdict = judged(*fault(name))
    assert verdict.verdict == "unfit"
    assert ("ripple" if name == "dip" else name) in codes(verdict.reasons)


def test_a_ram_too_fast_is_named_and_allows_no_proof():
    x, force = pressed(0.95 * 392 * 1.85)
    verdict = judged(x, force, ram_speed_mm_s=4.0)
    assert codes(verdict.reasons) == ("below_band", "ram_speed")
    assert verdict.proof is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x, f: (x / 1000, f, SEAT_MM), "units"),
        (lambda x, f: (x, f * 1000, SEAT_MM), "units"),
        (lambda x, f: (x, f, 0.185), "seat_length"),
        (lambda x, f: (x[:200], f[:200], SEAT_MM), "truncated"),
        (lambda x, f: (x[40:], f[40:], SEAT_MM), "truncated"),
        (lambda x, f: (x[::8], f[::8], SEAT_MM), "too_coarse"),
        (lambda x, f: (x, np.where(x > 90, np.nan, f), SEAT_MM), "not_a_number"),
        (lambda x, f: (x, np.full_like(f, 7.0), SEAT_MM), "constant"),
        (lambda x, f: (x[::-1], f, SEAT_MM), "goes_back"),
        (lambda x, f: (x, f[:-1], SEAT_MM), "not_a_curve"),
    ],
)
def test_a_curve_that_cannot_be_judged_is_refused_by_name(make, reason):
    with pytest.raises(BadEvidence) as refused:
        press_curve(*make(*pressed()))
    assert refused.value.reason == reason


@pytest.mark.parametrize("force", [0.0, -5.0, float("nan")])
def test_a_final_force_that_cannot_be_is_refused(force):
    with pytest.raises(BadEvidence):
        judge_final_force(force, 185, WHEEL_CENTRE)
