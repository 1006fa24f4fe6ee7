import numpy as np
import pytest

from railtrace.analysis.gears import (
    diagnose_gear,
    fm4,
    look_at_gear,
    residual,
    synchronous_average,
)
from railtrace.analysis.reasons import codes
from railtrace.analysis.recording import recording
from railtrace.analysis.shaft_speed import ShaftSpeed, shaft_speed
from railtrace.errors import BadEvidence
from tests.analysis.signals import GEAR_RPM, RATE_HZ, gear_wheel

TEETH, RPM = 23, GEAR_RPM


def gear(tooth: float = 0.0, eccentric: float = 0.1, seconds: float = 10.0, seed: int = 0):
    return gear_wheel(TEETH, tooth, eccentric, seconds, seed)


def looked_at(samples):
    taken = recording(samples, RATE_HZ, RPM)
    return look_at_gear(taken, shaft_speed(taken), TEETH)


def test_a_sound_gear_shows_its_mesh_and_nothing_else():
    for seed in range(10):
        found = looked_at(gear(seed=seed))
        assert found.outcome == "sound"
        assert found.mesh_hz == pytest.approx(TEETH * RPM / 60, rel=1e-3)
        assert found.mesh_amplitude == pytest.approx((1 + 1 / 4 + 1 / 9) ** 0.5, rel=0.02)


def test_sidebands_are_measured_against_the_mesh():
    """An eccentricity e gives two sidebands of e/2 each: e/√2 of the mesh."""
    found = looked_at(gear(eccentric=0.2))
    assert found.sidebands_db == pytest.approx(20 * np.log10(0.2 / 2**0.5), abs=0.3)
    assert codes(looked_at(gear(eccentric=0.9)).reasons) == ("sidebands",)


def test_one_chipped_tooth_stands_out_of_the_residual():
    found = looked_at(gear(tooth=0.5))
    assert "tooth" in codes(found.reasons)
    assert found.fm4 > 5


def test_the_average_keeps_the_turn_and_loses_the_rest():
    n, hz = 120_000, 25.3
    angle = 2 * np.pi * hz * np.arange(n) / RATE_HZ
    wanted = np.cos(5 * angle)
    other = 3 * np.cos(7.37 * angle)
    average = synchronous_average(wanted + other, RATE_HZ, hz, 64)
    expected = np.cos(5 * 2 * np.pi * np.arange(64) / 64)
    assert np.abs(average - expected).max() < 0.05


def test_fm4_of_noise_is_three_and_a_residual_has_no_mesh():
    assert fm4(np.random.default_rng(0).standard_normal(100_000)) == pytest.approx(3, abs=0.05)
    turn = 2 * np.pi * np.arange(512) / 512
    assert np.abs(residual(np.cos(TEETH * turn) + np.cos(3 * TEETH * turn), TEETH)).max() < 1e-9


def test_what_cannot_be_averaged_is_refused_by_name():
    taken = recording(gear(), RATE_HZ, RPM)
    for speed, teeth, reason in [
        (ShaftSpeed(RPM, 2.0, RPM), TEETH, "speed_unconfirmed"),
        (ShaftSpeed(RPM, 20.0, RPM), 400, "sampling_rate"),
        (ShaftSpeed(60.0, 20.0, 60.0), TEETH, "too_short"),
    ]:
        with pytest.raises(BadEvidence) as refused:
            look_at_gear(taken, speed, teeth)
        assert refused.value.reason == reason


def taken(**how: float):
    return recording(gear(**how), RATE_HZ, RPM)


def test_one_sign_is_watched_and_both_alarm_only_when_a_repeat_shows_them():
    calm = diagnose_gear(taken(), TEETH)
    assert (calm.outcome, calm.finding) == ("sound", "")
    assert codes(calm.reasons) == ("gear_calm",)
    eccentric = diagnose_gear(taken(eccentric=0.9), TEETH)
    assert (eccentric.outcome, eccentric.finding) == ("watch", "sidebands")
    assert codes(eccentric.reasons)[-2:] == ("one_sign", "no_repeat")
    bad = {"tooth": 3.0, "eccentric": 0.9}
    once = diagnose_gear(taken(**bad), TEETH)
    assert (once.outcome, once.finding, codes(once.reasons)[-1]) == ("watch", "tooth", "no_repeat")
    again = diagnose_gear(taken(**bad), TEETH, repeats=[taken(seed=1, **bad)])
    assert again.outcome == "alarm"
    quiet = diagnose_gear(taken(**bad), TEETH, repeats=[taken(seed=1)])
    assert codes(quiet.reasons)[-1] == "not_repeated"
    with pytest.raises(BadEvidence) as refused:
        diagnose_gear(taken(**bad), TEETH, repeats=[taken(**bad)])
    assert refused.value.reason == "duplicate"


def test_the_level_of_sidebands_is_the_rows_to_say():
    assert diagnose_gear(taken(eccentric=0.3), TEETH).outcome == "sound"
    assert diagnose_gear(taken(eccentric=0.3), TEETH, sideband_limit_db=-20).outcome == "watch"
