import numpy as np
import pytest

from railtrace.analysis.order_tracking import (
    by_angle,
    revolutions_from_pulses,
    revolutions_from_signal,
)
from railtrace.analysis.recording import Recording, recording
from railtrace.analysis.vibration import diagnose
from railtrace.errors import BadEvidence
from tests.analysis.signals import BALL, RATE_HZ, damaged

RPM = 1790.0


def drifting(seed: int = 0, drift: float = 0.03) -> tuple[Recording, np.ndarray]:
    """A damaged machine whose speed swings by 3 %, and the turns it made."""
    steady = damaged("outer", seconds=12, rpm=RPM, seed=seed)
    time = np.arange(int(11 * RATE_HZ)) / RATE_HZ
    own_time = time + drift * 4 / (2 * np.pi) * np.sin(2 * np.pi * time / 4)
    warped = np.interp(own_time, np.arange(len(steady)) / RATE_HZ, steady)
    return recording(warped, RATE_HZ, RPM), own_time * RPM / 60


def test_turns_from_a_tachometer_are_those_made():
    taken, turns = drifting()
    time = np.arange(len(turns)) / RATE_HZ
    pulses = np.interp(np.arange(0, turns[-1], 0.25), turns, time)
    found = revolutions_from_pulses(taken, pulses, per_turn=4)
    known = np.isfinite(found)
    assert known.mean() > 0.98
    assert np.abs((found - turns)[known]).max() < 0.01


def test_turns_from_the_signal_are_those_made():
    taken, turns = drifting()
    found = revolutions_from_signal(taken, RPM / 60, harmonic=1)
    middle = slice(len(turns) // 20, -len(turns) // 20)
    error = (found - turns)[middle]
    assert np.abs(error - np.median(error)).max() < 0.05


def test_damage_lost_in_a_drifting_speed_is_found_by_angle():
    taken, turns = drifting()
    lost = diagnose(taken, BALL)
    assert lost.damage is None or not lost.looks[0].speed.confirmed
    found = diagnose(by_angle(taken, turns), BALL)
    assert found.damage == "outer"
    assert found.looks[0].speed.confirmed
    assert found.looks[0].speed.rpm == pytest.approx(RPM, rel=0.01)


@pytest.mark.parametrize("spoil", [lambda p: np.delete(p, 20), lambda p: p[:3], lambda p: p[::-1]])
def test_missing_pulses_are_refused(spoil):
    taken, turns = drifting()
    pulses = np.interp(np.arange(0, turns[-1]), turns, np.arange(len(turns)) / RATE_HZ)
    with pytest.raises(BadEvidence) as refused:
        revolutions_from_pulses(taken, spoil(pulses))
    assert refused.value.reason == "tachometer"


def test_a_harmonic_lost_in_noise_is_refused():
    white = recording(np.random.default_rng(0).standard_normal(60_000), RATE_HZ)
    with pytest.raises(BadEvidence) as refused:
        revolutions_from_signal(white, RPM / 60, harmonic=3, drift=0.3)
    assert refused.value.reason == "no_harmonic"
