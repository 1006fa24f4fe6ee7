"""Spectra of the squared envelope: where repeated impacts show as lines.

All spectra here are over the whole recording, so that a line is one bin wide. An envelope is taken
from the bins of its band alone: forward transform, inverse transform of those bins, forward
transform. Nothing is filtered in time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from railtrace.analysis.recording import Array

ComplexArray = NDArray[np.complex128]

EDGE_TAPER = 0.02
"""Share of the recording faded in and out: its two ends do not fit, and the jump between them
would look like an impact in every band."""
LINE_LIMIT = 4.0
"""A spectral line over this many local medians is discrete: of Rayleigh noise 1.5e-5 are."""
MEDIAN_BINS = 200


@dataclass(frozen=True)
class Band:
    """A frequency band, as bins [first, last) of the forward spectrum and in Hz."""

    first: int
    last: int
    low_hz: float
    high_hz: float
    kurtosis: float = 0.0


@dataclass(frozen=True)
class Lines:
    """An envelope spectrum: level over its local median [dB], one value per bin of `step_hz`."""

    level_db: Array
    step_hz: float


def spectrum(samples: Array) -> ComplexArray:
    """Return the one-sided spectrum of samples of shape (n,), mean removed, ends faded."""
    faded = samples - samples.mean()
    edge = max(1, int(EDGE_TAPER * len(samples) / 2))
    rise = np.sin(np.pi / 2 * np.arange(edge) / edge) ** 2
    faded[:edge] *= rise
    faded[-edge:] *= rise[::-1]
    return np.asarray(fft.rfft(faded, overwrite_x=True))


def hann(bins: ComplexArray) -> ComplexArray:
    """Return bins as if their samples had been under a Hann window: strong lines leak less."""
    smooth = bins / 2
    smooth[1:] -= bins[:-1] / 4
    smooth[:-1] -= bins[1:] / 4
    return smooth


def prewhitened(bins: ComplexArray) -> ComplexArray:
    """Return bins with every magnitude set to one: cepstrum prewhitening.

    Discrete tones and resonances lose their weight, what repeats with slip stays in the phases.

    Source: P. Borghesani, P. Pennacchi, R. B. Randall, N. Sawalhi, R. Ricci, Mechanical Systems
    and Signal Processing 36 (2013) 370-384: zeroing the whole real cepstrum but its origin.
    """
    return bins * (1 / np.maximum(_magnitude(bins), np.finfo(float).tiny))


def _magnitude(bins: ComplexArray) -> Array:
    # np.abs guards against overflow, which costs a third of an envelope spectrum and cannot happen.
    return np.asarray(np.sqrt(bins.real**2 + bins.imag**2))


def without_discrete(bins: ComplexArray) -> ComplexArray:
    """Return bins with lines over LINE_LIMIT local medians cut down to that limit."""
    magnitude = _magnitude(bins)
    limit = LINE_LIMIT * local_median(magnitude)
    return bins * np.minimum(1.0, limit / np.maximum(magnitude, np.finfo(float).tiny))


def local_median(values: Array, width: int = MEDIAN_BINS) -> Array:
    """Return the running median of values of shape (n,), by blocks, straight between them."""
    blocks = np.array_split(values, max(1, len(values) // width))
    centres = np.cumsum([len(block) for block in blocks]) - np.array([len(b) / 2 for b in blocks])
    medians = [np.partition(block, len(block) // 2)[len(block) // 2] for block in blocks]
    return np.asarray(np.interp(np.arange(len(values)), centres, medians))


def squared_envelope_spectrum(bins: ComplexArray, highest_bin: int) -> Array:
    """Return the magnitude of the spectrum of the squared envelope of one band.

    Parameters
    ----------
    bins : shape (m,)
        The band's bins of the one-sided spectrum, in order.
    highest_bin : below m
        The last bin wanted; the step is that of the forward spectrum.

    Returns
    -------
    shape (highest_bin + 1,)
        Bin 0 is zero: the mean square is no line.
    """
    # The squared envelope is twice as wide as the band: without this room the high end would fold
    # back on the wanted bins.
    length = fft.next_fast_len(len(bins) + highest_bin + 1)
    envelope = fft.ifft(bins, length)
    squared = envelope.real**2 + envelope.imag**2
    low: ComplexArray = fft.rfft(squared, overwrite_x=True)[: highest_bin + 2]
    low[0] = 0
    # Strong lines of the shaft would leak over their neighbours: the ball line is often next door.
    return _magnitude(hann(low)[: highest_bin + 1])


def lines(magnitude: Array, step_hz: float, median_hz: float) -> Lines:
    """Return an envelope spectrum as levels over its local median [dB], zero where below it."""
    width = max(16, round(median_hz / step_hz))
    floor = np.maximum(local_median(magnitude, width), np.finfo(float).tiny)
    level = 20 * np.log10(np.maximum(magnitude, np.finfo(float).tiny) / floor)
    return Lines(np.maximum(level, 0.0), step_hz)


def full_band(bins: ComplexArray, step_hz: float) -> Band:
    """Return the band of everything but the mean."""
    return Band(1, len(bins), step_hz, (len(bins) - 1) * step_hz)


def bands(bin_count: int, step_hz: float, least_width_hz: float) -> tuple[Band, ...]:
    """Return the halves, thirds, quarters, sixths and so on of the spectrum down to a width.

    Source of the 1/3-binary tree: J. Antoni, Mechanical Systems and Signal Processing 21 (2007)
    108-124, fast computation of the kurtogram.
    """
    whole_hz = (bin_count - 1) * step_hz
    counts = [c for level in range(12) for c in (2**level, 3 * 2**level)]
    return tuple(
        Band(first, first + width, first * step_hz, (first + width) * step_hz)
        for count in counts
        if whole_hz / count >= least_width_hz
        for width in [(bin_count - 1) // count]
        for first in range(1, bin_count - width + 1, width)
    )


def most_impulsive_band(bins: ComplexArray, step_hz: float, least_width_hz: float) -> Band:
    """Return the band whose complex envelope has the highest kurtosis: the kurtogram's maximum.

    Gaussian noise has kurtosis 0 (E|c|⁴/E²|c|² − 2), a constant tone −1. Discrete components
    should be removed before. A band narrower than 4× the highest fault frequency finds nothing:
    `least_width_hz` must be at least that.
    """
    choice = bands(len(bins), step_hz, least_width_hz)
    kurtoses = [_kurtosis(bins[band.first : band.last]) for band in choice]
    best = int(np.argmax(kurtoses))
    found = choice[best]
    return Band(found.first, found.last, found.low_hz, found.high_hz, kurtoses[best])


def _kurtosis(bins: ComplexArray) -> float:
    envelope = fft.ifft(bins, fft.next_fast_len(len(bins)))
    squared = envelope.real**2 + envelope.imag**2
    mean = float(squared.mean())
    # Not np.dot: its threads would fight those of a batch for the same processors.
    return float((squared * squared).mean() / mean**2 - 2) if mean > 0 else -1.0
