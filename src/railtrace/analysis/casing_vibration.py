"""Velocity of a casing against screening zones: is this machine shaking, never which bearing."""

from math import sqrt
from typing import Literal

import numpy as np
from scipy import fft

from railtrace.analysis.recording import Recording
from railtrace.errors import BadEvidence

Zone = Literal["A", "B", "C", "D"]

LOW_HZ, HIGH_HZ = 10.0, 1000.0
STANDARD_GRAVITY_M_S2 = 9.80665


def velocity_rms_mm_s(recording: Recording, per_unit_m_s2: float = STANDARD_GRAVITY_M_S2) -> float:
    """Return the RMS velocity from 10 to 1000 Hz [mm/s] of an acceleration recording.

    Parameters
    ----------
    per_unit_m_s2 : what one unit of the samples is [m/s²]; by default they are in g.

    Raises
    ------
    BadEvidence : reason `sampling_rate` below 2000 Hz, where the band is not covered.

    Source: band of ISO 10816-1 / ISO 20816-1. Integrated in the frequency domain.
    """
    if recording.sampling_rate_hz < 2 * HIGH_HZ:
        raise BadEvidence(
            "{rate:.0f} Hz does not cover the band up to {high:.0f} Hz",
            reason="sampling_rate",
            rate=recording.sampling_rate_hz,
            high=HIGH_HZ,
        )
    n = len(recording.samples)
    # The Hann window holds leakage of the mean away from 10 Hz; 8/3 gives its power back.
    bins = fft.rfft((recording.samples - recording.samples.mean()) * np.hanning(n))
    frequency = np.arange(len(bins)) / recording.seconds
    inside = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    velocity = np.abs(bins[inside]) / (2 * np.pi * frequency[inside])
    mean_square = 8 / 3 * 2 * float(np.sum(velocity**2)) / n**2
    return 1000 * per_unit_m_s2 * sqrt(mean_square)


def zone(velocity_mm_s: float, a_to: float, b_to: float, c_to: float) -> Zone:
    """Return the zone of a velocity; a boundary belongs to the better zone."""
    if velocity_mm_s <= a_to:
        return "A"
    if velocity_mm_s <= b_to:
        return "B"
    return "C" if velocity_mm_s <= c_to else "D"
