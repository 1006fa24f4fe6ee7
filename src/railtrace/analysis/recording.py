"""One vibration recording, refused by name when nothing true could be said from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from railtrace.errors import BadEvidence

Array = NDArray[np.float64]

LEAST_SAMPLES = 4096
"""Below this the medians behind every score stand on a handful of lines."""
LEAST_PEAK, MOST_PEAK = 1e-12, 1e12
DROPOUT_RUN = 32
"""So many equal samples in a row do not come from a sensor that is alive."""
RAIL_COUNT = 5
RAIL_RATIO = 3
"""Clipping piles samples up at one value; a coarse converter thins out towards its extremes."""
CLIPPED_SHARE = 2e-4
"""From this share on nothing is said; below it the recording is judged and the fact named."""
DEAD_BLOCK = 0.01
"""A hundredth of a recording with under this share of the median level: the signal was away."""


@dataclass(frozen=True)
class Recording:
    """A checked acceleration recording: shape (n,), any unit; rate in Hz; stated speed in rpm."""

    samples: Array
    sampling_rate_hz: float
    stated_rpm: float | None = None
    clipped_samples: int = 0

    @cached_property
    def sha256(self) -> str:
        """The hash of the waveform, whatever file it came in: equal hashes are one recording."""
        scaled = self.samples / np.abs(self.samples).max()
        return hashlib.sha256(np.round(scaled * 2**30).astype("<i8").tobytes()).hexdigest()

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sampling_rate_hz


def recording(
    samples: ArrayLike, sampling_rate_hz: float, stated_rpm: float | None = None
) -> Recording:
    """Return a recording that passed every integrity check.

    Parameters
    ----------
    samples : shape (n,), n >= 4096
        Acceleration, in any unit, evenly sampled.
    sampling_rate_hz : Hz
    stated_rpm : what the stand or the operator says of the shaft speed, if anything.

    Raises
    ------
    BadEvidence : with reason `not_a_signal`, `sampling_rate`, `stated_speed`, `not_a_number`,
        `too_short`, `units`, `constant`, `clipped` or `dropout`.
    """
    array = _array(samples)
    _check_numbers(sampling_rate_hz, stated_rpm)
    _check_content(array)
    clipped = _clipped(array)
    _check_dropout(array)
    return Recording(array, float(sampling_rate_hz), stated_rpm, clipped)


def duplicates(recordings: Sequence[Recording]) -> tuple[tuple[int, int], ...]:
    """Return the pairs (first, later) of recordings that are one and the same waveform."""
    first: dict[str, int] = {}
    pairs = []
    for index, one in enumerate(recordings):
        earlier = first.setdefault(one.sha256, index)
        if earlier != index:
            pairs.append((earlier, index))
    return tuple(pairs)


def _array(samples: ArrayLike) -> Array:
    array = np.asarray(samples)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise BadEvidence(
            "A recording is one row of real numbers, not {kind} of shape {shape}",
            reason="not_a_signal",
            kind=array.dtype,
            shape=array.shape,
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def _check_numbers(sampling_rate_hz: float, stated_rpm: float | None) -> None:
    if not np.isfinite(sampling_rate_hz) or sampling_rate_hz <= 0:
        raise BadEvidence(
            "The sampling rate {rate} Hz cannot be; give what the recorder was set to",
            reason="sampling_rate",
            rate=sampling_rate_hz,
        )
    if stated_rpm is not None and not (np.isfinite(stated_rpm) and stated_rpm > 0):
        raise BadEvidence(
            "The stated speed {rpm} rpm cannot be; leave it out if it is not known",
            reason="stated_speed",
            rpm=stated_rpm,
        )


def _check_content(array: Array) -> None:
    if len(array) < LEAST_SAMPLES:
        raise BadEvidence(
            "The recording has {n} samples; at least {least} are needed: record longer",
            reason="too_short",
            n=len(array),
            least=LEAST_SAMPLES,
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise BadEvidence(
            "{n} samples are not numbers, the first at {first}: read the file out again",
            reason="not_a_number",
            n=len(bad),
            first=int(bad[0]),
        )
    peak = float(np.abs(array).max())
    if peak > 0 and not LEAST_PEAK < peak < MOST_PEAK:
        raise BadEvidence(
            "The largest sample is {peak:g}: no sensor gives that; check the scale",
            reason="units",
            peak=peak,
        )
    if np.ptp(array) == 0:
        raise BadEvidence(
            "Every sample is {value}: the sensor was not connected",
            reason="constant",
            value=float(array[0]),
        )


def _clipped(array: Array) -> int:
    """Return how many samples stand at a rail: piled up there, unlike a coarse converter's."""
    count = 0
    for side in (array, -array):
        rail = side.max()
        at_rail = int(np.count_nonzero(side == rail))
        if at_rail >= RAIL_COUNT:
            below = side[side < rail]
            at_next = int(np.count_nonzero(below == below.max()))
            count += at_rail if at_rail >= RAIL_RATIO * at_next else 0
    if count >= CLIPPED_SHARE * len(array):
        raise BadEvidence(
            "{n} samples of {total} stand at the rails of the recorder: lower the gain and record "
            "again",
            reason="clipped",
            n=count,
            total=len(array),
        )
    return count


def _check_dropout(array: Array) -> None:
    changes = np.flatnonzero(np.diff(array) != 0)
    edges = np.concatenate(([-1], changes, [len(array) - 1]))
    longest = int(np.diff(edges).max())
    blocks = np.array([block.std() for block in np.array_split(array, 100)])
    dead = int(np.count_nonzero(blocks < DEAD_BLOCK * np.median(blocks)))
    if longest >= DROPOUT_RUN or dead:
        raise BadEvidence(
            "The signal drops out: {run} equal samples in a row, {dead} of 100 parts are silent; "
            "check the cable and record again",
            reason="dropout",
            run=longest,
            dead=dead,
        )
