import numpy as np
import pytest

from railtrace.analysis.casing_vibration import velocity_rms_mm_s, zone
from railtrace.analysis.recording import recording
from railtrace.errors import BadEvidence


@pytest.mark.parametrize("frequency", [20.07, 50.31, 400.3])
def test_a_sine_of_one_g_has_the_velocity_of_its_frequency(frequency):
    samples = np.sin(2 * np.pi * frequency * np.arange(60_000) / 12_000)
    found = velocity_rms_mm_s(recording(samples, 12_000))
    assert found == pytest.approx(9806.65 / (2 * np.pi * frequency) / 2**0.5, rel=0.01)


def test_what_lies_outside_the_band_does_not_count():
    time = np.arange(60_000) / 12_000
    samples = np.sin(2 * np.pi * 3 * time) + np.sin(2 * np.pi * 3000 * time)
    assert velocity_rms_mm_s(recording(samples, 12_000)) < 0.5


def test_the_zones_meet_at_their_boundaries():
    assert [zone(v, 1.8, 4.5, 11.2) for v in (1.8, 1.81, 4.5, 11.2, 11.3)] == list("ABBCD")


def test_too_low_a_rate_is_refused():
    with pytest.raises(BadEvidence) as refused:
        velocity_rms_mm_s(recording(np.random.default_rng(0).standard_normal(5000), 1000))
    assert refused.value.reason == "sampling_rate"
