"""Recordings of a shaft whose speed drifts, laid out by its turning instead of by time."""

import numpy as np
from scipy import fft
from scipy.interpolate import CubicSpline, PchipInterpolator

from railtrace.analysis.recording import Array, Recording
from railtrace.errors import BadEvidence

OVERSAMPLING = 2.0
"""Most points against samples: a shaft that nearly stands for a while must not fill the memory."""


def revolutions_from_pulses(recording: Recording, pulses_s: Array, per_turn: float = 1) -> Array:
    """Return the turns made up to each sample, from a tachometer.

    Parameters
    ----------
    pulses_s : shape (m,), ascending
        Times of the pulses from the first sample [s]; they must span the recording but for one
        turn at each end.
    per_turn : pulses per turn of the shaft.

    Returns
    -------
    shape (n,)
        Turns, not a number before the first and after the last pulse.

    Raises
    ------
    BadEvidence : reason `tachometer` if pulses are missing or doubled.
    """
    gaps = np.diff(pulses_s)
    if len(pulses_s) < 4 or np.any(gaps <= 0) or gaps.max() > 1.8 * np.median(gaps):
        raise BadEvidence(
            "The tachometer gives {n} pulses, the gaps between {least:.4g} and {most:.4g} s: "
            "pulses are missing or doubled",
            reason="tachometer",
            n=len(pulses_s),
            least=float(gaps.min()) if len(gaps) else 0.0,
            most=float(gaps.max()) if len(gaps) else 0.0,
        )
    times = np.arange(len(recording.samples)) / recording.sampling_rate_hz
    turns = PchipInterpolator(pulses_s, np.arange(len(pulses_s)) / per_turn, extrapolate=False)
    return np.asarray(turns(times))


def revolutions_from_signal(
    recording: Recording, shaft_hz: float, harmonic: int, drift: float = 0.05
) -> Array:
    """Return the turns made up to each sample, from the phase of one strong shaft harmonic.

    Parameters
    ----------
    shaft_hz, harmonic : the mean speed, and which multiple of it to follow.
    drift : largest share by which the speed strays; no other line may lie within it.

    Raises
    ------
    BadEvidence : reason `no_harmonic` if the phase does not run forward all the time.

    Source: phase demodulation, F. Bonnardot, M. El Badaoui, R. B. Randall, J. Danière, F. Guillet,
    Mechanical Systems and Signal Processing 19 (2005) 766-785.
    """
    n = len(recording.samples)
    bins = fft.rfft(recording.samples - recording.samples.mean())
    centre = harmonic * shaft_hz * recording.seconds
    first, last = int(centre * (1 - drift)), int(centre * (1 + drift)) + 1
    alone = np.zeros(n, dtype=np.complex128)
    alone[first:last] = bins[first:last]
    turns = np.unwrap(np.angle(fft.ifft(alone))) / (2 * np.pi * harmonic)
    if np.any(np.diff(turns) <= 0):
        raise BadEvidence(
            "Harmonic {harmonic} of {hz:.2f} Hz is too weak to follow the shaft by",
            reason="no_harmonic",
            harmonic=harmonic,
            hz=shaft_hz,
        )
    return np.asarray(turns - turns[0])


def by_angle(recording: Recording, revolutions: Array) -> Recording:
    """Return the recording resampled at equal angles, as if the shaft had kept its mean speed.

    Parameters
    ----------
    revolutions : shape (n,)
        Turns made up to each sample, ascending; not a number where unknown.
    """
    known = np.flatnonzero(np.isfinite(revolutions))
    turns, samples = revolutions[known], recording.samples[known]
    total = float(turns[-1] - turns[0])
    seconds = (known[-1] - known[0]) / recording.sampling_rate_hz
    # The slowest turn holds the most samples; fewer points than those would fold high notes down.
    points = int(min(total / float(np.diff(turns).min()), OVERSAMPLING * len(known)))
    angles = np.linspace(turns[0], turns[-1], points)
    resampled = np.asarray(CubicSpline(turns, samples)(angles))
    mean_rpm = 60 * total / seconds
    return Recording(resampled, (points - 1) / seconds, mean_rpm, recording.clipped_samples)
