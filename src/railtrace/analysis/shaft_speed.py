"""The shaft speed as the signal itself tells it, beside what was stated."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from railtrace.analysis.envelope import hann, local_median
from railtrace.analysis.recording import Array, Recording
from railtrace.errors import BadEvidence

HARMONICS = 12
MAINS_HZ = (50.0, 60.0)
MAINS_TOLERANCE = 0.0015
"""Share by which mains and recorder clocks differ; lines there are no witness of a shaft."""
LEVEL_CAP_DB = 30.0
NEAR = 0.15
"""Share of the stated speed within which the signal's own is looked for."""
CONFIRMED_DB = 10.0
"""Level of the shaft's harmonics that confirms a speed: twice what white noise of 1e5 samples
reaches at the best of all candidates in 19 recordings of 20 (simulated, see the bench)."""
AGREES = 0.003
"""Stated and found speeds within this share are one: rounding of a stand's display, and drift."""
PUT_RIGHT = 0.05
"""A wrong statement is put right within this share, the slip of a motor under load; further off
something else is wrong too (the sampling rate, the channel), and the recording is refused."""
RIVAL = 0.5
"""Without a statement, candidates down to this share of the best level are rivals."""
SLOWER = 0.7
"""A slower comb carried to this share of the level makes the found speed one of its harmonics."""
BORROWED = 0.003
"""A louder comb at halves or thirds of the found speed, within this share, lends it its lines."""
LEAST_RPM, MOST_RPM = 120.0, 12_000.0


@dataclass(frozen=True)
class ShaftSpeed:
    """The speed used [rpm], how well the harmonics carry it [dB], and how the statement fares."""

    rpm: float
    level_db: float
    stated_rpm: float | None

    @property
    def confirmed(self) -> bool:
        """Whether the signal itself carries this speed."""
        return self.level_db >= CONFIRMED_DB

    @property
    def statement_contradicted(self) -> bool:
        """Whether the signal shows another speed than the one stated."""
        if self.stated_rpm is None or not self.confirmed:
            return False
        return abs(self.rpm / self.stated_rpm - 1) > AGREES

    @property
    def hz(self) -> float:
        """Revolutions per second."""
        return self.rpm / 60


def shaft_speed(recording: Recording) -> ShaftSpeed:
    """Return the shaft speed the signal shows: the best comb of harmonics in its spectrum.

    Mains lines are left out. With a statement, its neighbourhood is searched: within AGREES the
    two are one, within PUT_RIGHT the signal's is used and the statement called contradicted.
    Without a statement the whole range is searched. Good to about a tenth of a spectral bin. If no
    speed at all shows, the statement is returned unconfirmed.

    Raises
    ------
    BadEvidence : reason `stated_speed` if the signal turns at another speed, more than PUT_RIGHT
        from the stated one or a whole fraction of it (or the sampling rate is wrong),
        `speed_unknown` if nothing is stated and nothing shows, `speed_ambiguous` if two speeds fit
        alike.
    """
    comb = _comb(recording)
    stated = recording.stated_rpm
    return _unaided(comb) if stated is None else _beside(comb, stated)


def _beside(comb: "_Comb", stated_rpm: float) -> ShaftSpeed:
    frequency, level = comb.best(around_hz=stated_rpm / 60)
    if level < CONFIRMED_DB:
        for other_hz, other_level in comb.candidates():
            if other_level >= CONFIRMED_DB:
                raise _another(stated_rpm, other_hz)
        return ShaftSpeed(stated_rpm, level, stated_rpm)
    for divisor in (4, 3, 2):
        slower_hz, slower_level = comb.best(frequency / divisor, within_hz=comb.step_hz)
        if slower_level >= max(CONFIRMED_DB, SLOWER * level):
            raise _another(stated_rpm, slower_hz)
    for other_hz, other_level in comb.candidates():
        if other_level > level + 1 and _lends(other_hz / frequency):
            raise _another(stated_rpm, other_hz)
    found = ShaftSpeed(60 * comb.refined(frequency), level, stated_rpm)
    if found.statement_contradicted:
        _check_correction(comb, found, stated_rpm)
    return found


def _lends(ratio: float) -> bool:
    """Return whether a louder comb so many times faster leaves a slower one nothing of its own."""
    parts = [abs(ratio * q - round(ratio * q)) <= BORROWED * ratio * q for q in (1, 2, 3)]
    return 1.05 < ratio < 1.9 or (not parts[0] and any(parts[1:]) and 1.9 <= ratio < 4)


def _check_correction(comb: "_Comb", found: ShaftSpeed, stated_rpm: float) -> None:
    """Refuse a speed far from the stated one, and one that a slower shaft explains as well."""
    if abs(found.rpm / stated_rpm - 1) > PUT_RIGHT:
        raise _another(stated_rpm, found.hz)
    for other_hz, other_level in comb.candidates():
        if other_hz < 0.9 * found.hz and other_level >= max(CONFIRMED_DB, SLOWER * found.level_db):
            raise _another(stated_rpm, other_hz)


def _unaided(comb: "_Comb") -> ShaftSpeed:
    found = [pair for pair in comb.candidates() if pair[1] >= CONFIRMED_DB]
    if not found:
        raise BadEvidence(
            "No speed is stated and the signal shows none: state it or record a tachometer",
            reason="speed_unknown",
        )
    rivals = sorted(pair for pair in found if pair[1] >= RIVAL * found[0][1])
    lowest_hz, level = rivals[0]
    for other_hz, _ in rivals:
        if abs(other_hz / lowest_hz - round(other_hz / lowest_hz)) > 0.01:
            raise BadEvidence(
                "Both {one:.0f} and {other:.0f} rpm fit the signal: state the speed",
                reason="speed_ambiguous",
                one=60 * lowest_hz,
                other=60 * other_hz,
            )
    return ShaftSpeed(60 * comb.refined(lowest_hz), level, None)


def _another(stated_rpm: float, found_hz: float) -> BadEvidence:
    return BadEvidence(
        "Stated are {stated:.0f} rpm, the signal turns at {found:.0f} rpm: the speed, the sampling "
        "rate or the channel is wrong",
        reason="stated_speed",
        stated=stated_rpm,
        found=60 * found_hz,
    )


class _Comb:
    """Mean levels of the harmonics of every candidate frequency."""

    def __init__(self, level: Array, step_hz: float, low_hz: float, high_hz: float) -> None:
        self.level, self.step_hz = level, step_hz
        self.candidates_hz = np.arange(low_hz, high_hz, step_hz / HARMONICS / 2)
        self.harmonics = np.stack([self._at(h) for h in range(1, HARMONICS + 1)])
        self.scores = _carried(self.harmonics)

    def _at(self, harmonic: int) -> Array:
        index = np.rint(harmonic * self.candidates_hz / self.step_hz).astype(np.int64)
        inside = index < len(self.level)
        return np.where(inside, self.level[np.minimum(index, len(self.level) - 1)], np.nan)

    def best(self, around_hz: float, within_hz: float | None = None) -> tuple[float, float]:
        """Return frequency and level of the best candidate near a frequency."""
        width = NEAR * around_hz if within_hz is None else within_hz
        first, last = np.searchsorted(self.candidates_hz, (around_hz - width, around_hz + width))
        if first == last:
            return around_hz, 0.0
        at = int(first) + int(np.argmax(self.scores[first:last]))
        return float(self.candidates_hz[at]), float(self.scores[at])

    def candidates(self) -> list[tuple[float, float]]:
        """Return the best candidate of every twentieth of an octave, best first."""
        octave = np.floor(20 * np.log2(self.candidates_hz)).astype(np.int64)
        starts = np.flatnonzero(np.diff(octave, prepend=octave[0] - 1))
        parts = np.split(self.scores, starts[1:])
        places = [
            int(start) + int(np.argmax(part)) for start, part in zip(starts, parts, strict=True)
        ]
        found = [(float(self.candidates_hz[i]), float(self.scores[i])) for i in places]
        return sorted(found, key=lambda pair: -pair[1])

    def refined(self, frequency: float) -> float:
        """Return the frequency that fits the peaks of all harmonics best, weighted by level."""
        orders, places, weights = [], [], []
        for harmonic in range(1, HARMONICS + 1):
            index = round(harmonic * frequency / self.step_hz)
            around = self.level[max(0, index - 1) : index + 2]
            if len(around) == 3 and not np.isnan(around).any() and around.max() > 10:
                orders.append(harmonic)
                places.append((index + _vertex(around)) * self.step_hz)
                weights.append(float(around.max()))
        if not orders:
            return frequency
        h, f, w = np.array(orders), np.array(places), np.array(weights)
        return float(np.sum(w * h * f) / np.sum(w * h * h))


def _vertex(three: Array) -> float:
    left, middle, right = three
    bend = left - 2 * middle + right
    return float(np.clip((left - right) / (2 * bend), -1, 1)) if bend < 0 else 0.0


def _carried(harmonics: Array) -> Array:
    """Return the mean of the weaker two thirds: a shaft carries nearly all of its harmonics.

    Four fifths of a shaft's speed, or half of it, borrows a few strong lines and misses the rest.
    """
    count = (~np.isnan(harmonics)).sum(axis=0)
    weaker = np.maximum(1, 2 * count // 3)
    ordered = np.sort(harmonics, axis=0)
    ordered[np.isnan(ordered)] = 0
    total = np.take_along_axis(np.cumsum(ordered, axis=0), weaker[None, :] - 1, axis=0)[0]
    return np.where(count >= HARMONICS / 2, total / weaker, 0.0)


def _comb(recording: Recording) -> _Comb:
    stated = recording.stated_rpm
    low = max(LEAST_RPM, stated / 6 if stated else 0.0) / 60
    high = min(MOST_RPM, stated * 6 if stated else MOST_RPM) / 60
    high = min(high, recording.sampling_rate_hz / HARMONICS)
    step = 1 / recording.seconds
    low, high = max(low, 10 * step), max(high, 20 * step)
    if low >= high or HARMONICS * low > recording.sampling_rate_hz:
        raise BadEvidence(
            "{rpm:.0f} rpm cannot be heard at {rate:g} Hz: the speed or the sampling rate is wrong",
            reason="stated_speed",
            rpm=stated or 60 * high,
            rate=recording.sampling_rate_hz,
        )
    return _Comb(_levels(recording, HARMONICS * high), step, low, high)


def _levels(recording: Recording, highest_hz: float) -> Array:
    samples, step = recording.samples, 1 / recording.seconds
    bins = np.asarray(fft.rfft(samples - samples.mean())[: int(highest_hz / step) + 8])
    magnitude = np.abs(hann(bins))
    floor = np.maximum(local_median(magnitude), np.finfo(float).tiny)
    level = 20 * np.log10(np.maximum(magnitude, np.finfo(float).tiny) / floor)
    level = np.clip(level, 0.0, LEVEL_CAP_DB)
    return _without_mains(level, step)


def _without_mains(level: Array, step_hz: float) -> Array:
    for mains in MAINS_HZ:
        for multiple in np.arange(mains, len(level) * step_hz, mains):
            half = max(2, int(MAINS_TOLERANCE * multiple / step_hz))
            at = round(multiple / step_hz)
            level[max(0, at - half) : at + half + 1] = np.nan
    return level
