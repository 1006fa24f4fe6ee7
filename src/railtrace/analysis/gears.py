"""Gears: mesh, sidebands and what is left of one turn when the regular mesh is taken away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy import fft

from railtrace.analysis.envelope import ComplexArray
from railtrace.analysis.reasons import Reason, because, codes
from railtrace.analysis.recording import Array, Recording, duplicates
from railtrace.analysis.shaft_speed import ShaftSpeed, shaft_speed
from railtrace.errors import BadEvidence

LEAST_TURNS = 20
"""An average of fewer turns still carries a fifth of everything else on the machine."""
SIDEBANDS = 3
MESH_HARMONICS = 3
KEPT_SIDEBANDS = 1
FM4_SIGMAS = 4.0
"""Standard errors of the kurtosis of noise: one tooth in 30,000 sound wheels by chance."""
SIDEBAND_LIMIT_DB = -6.0
"""Sidebands of half the mesh's amplitude: a common rule of thumb, unconfirmed; a gear's own level
is in its row of the catalogue."""


@dataclass(frozen=True)
class GearLook:
    """What one gear wheel shows; levels in dB are of the sidebands against the mesh."""

    teeth: int
    mesh_hz: float
    mesh_amplitude: float
    sidebands_db: float
    fm4: float
    fm4_limit: float
    outcome: Literal["sound", "watch"]
    reasons: tuple[Reason, ...]


def synchronous_average(
    samples: Array, sampling_rate_hz: float, shaft_hz: float, points_per_turn: int
) -> Array:
    """Return the mean of all whole turns of a shaft, shape (points_per_turn,).

    The turns are summed in the frequency domain: only exact multiples of the shaft remain, so no
    sample has to fall on the same angle twice.

    Raises
    ------
    BadEvidence : reason `too_short` if there are fewer than 20 turns, `sampling_rate` if a turn
        holds fewer samples than points.
    """
    turns = int(len(samples) / sampling_rate_hz * shaft_hz)
    if turns < LEAST_TURNS:
        raise BadEvidence(
            "The recording holds {turns} turns; an average needs {least}",
            reason="too_short",
            turns=turns,
            least=LEAST_TURNS,
        )
    if points_per_turn > sampling_rate_hz / shaft_hz:
        raise BadEvidence(
            "{points} points a turn are more than the {samples:.0f} recorded",
            reason="sampling_rate",
            points=points_per_turn,
            samples=sampling_rate_hz / shaft_hz,
        )
    used = samples[: round(turns * sampling_rate_hz / shaft_hz)]
    return np.asarray(fft.irfft(_multiples(used, sampling_rate_hz, shaft_hz, points_per_turn)))


def _multiples(used: Array, rate_hz: float, shaft_hz: float, points: int) -> ComplexArray:
    """Return the amplitudes of the multiples of the shaft, ready for an inverse transform."""
    angle = 2 * np.pi * shaft_hz / rate_hz * np.arange(len(used))
    turn = np.exp(-1j * angle)
    factor = np.ones(len(used), dtype=np.complex128)
    sums = np.zeros(points // 2 + 1, dtype=np.complex128)
    for k in range(1, points // 2):
        factor *= turn
        sums[k] = (used * factor).sum()
    return sums * (points / len(used))


def residual(average: Array, teeth: int) -> Array:
    """Return one turn without the mesh, its harmonics and their first sidebands."""
    bins = fft.rfft(average)
    bins[0] = 0
    for harmonic in range(1, len(bins) // teeth + 1):
        centre = harmonic * teeth
        bins[max(0, centre - KEPT_SIDEBANDS) : centre + KEPT_SIDEBANDS + 1] = 0
    return np.asarray(fft.irfft(bins, len(average)))


def fm4(difference: Array) -> float:
    """Return the kurtosis of a residual: 3 for noise, over 3 when one tooth stands out.

    Source: R. M. Stewart, Some useful data analysis techniques for gearbox diagnostics, University
    of Southampton MHM/R/10/77 (1977).
    """
    centred = difference - difference.mean()
    square = centred * centred
    mean = float(square.mean())
    return float((square * square).mean() / mean**2) if mean > 0 else 3.0


def look_at_gear(
    recording: Recording, speed: ShaftSpeed, teeth: int,
    sideband_limit_db: float = SIDEBAND_LIMIT_DB,
) -> GearLook:  # fmt: skip
    """Return what one gear wheel on the shaft shows.

    Raises
    ------
    BadEvidence : reason `sampling_rate` if the third mesh harmonic cannot be recorded, `too_short`
        for fewer than 20 turns, `speed_unconfirmed` if the signal does not carry the speed: an
        average over the wrong turn is an average of nothing.
    """
    if not speed.confirmed:
        raise BadEvidence(
            "The signal does not carry {rpm:.0f} rpm: measure the speed",
            reason="speed_unconfirmed",
            rpm=speed.rpm,
        )
    points = _points(recording, speed, teeth)
    average = synchronous_average(recording.samples, recording.sampling_rate_hz, speed.hz, points)
    amplitude, sidebands_db = mesh_and_sidebands(average, teeth)
    kurtosis = fm4(residual(average, teeth))
    limit = 3 + FM4_SIGMAS * sqrt(24 / points)
    reasons = tuple(_findings(kurtosis, limit, sidebands_db, sideband_limit_db))
    outcome: Literal["sound", "watch"] = "watch" if reasons else "sound"
    mesh_hz = teeth * speed.hz
    return GearLook(teeth, mesh_hz, amplitude, sidebands_db, kurtosis, limit, outcome, reasons)


@dataclass(frozen=True)
class GearDiagnosis:
    """The outcome of a gear with its reasons; `looks` holds the recording first, then repeats."""

    outcome: Literal["sound", "watch", "alarm"]
    finding: str
    reasons: tuple[Reason, ...]
    looks: tuple[GearLook, ...]


def diagnose_gear(
    recording: Recording, teeth: int, *, repeats: Sequence[Recording] = (),
    sideband_limit_db: float = SIDEBAND_LIMIT_DB,
) -> GearDiagnosis:  # fmt: skip
    """Return sound, watch or alarm for one gear wheel.

    One sign alone is watched. An alarm needs both, one tooth standing out and the sidebands, and a
    repeat that shows both.

    Raises
    ------
    BadEvidence : as `look_at_gear` and `shaft_speed`, and `duplicate` if a repeat is a copy.
    """
    for earlier, later in duplicates((recording, *repeats)):
        raise BadEvidence(
            "Recording {later} is a copy of recording {earlier}: a repeat is measured again",
            reason="duplicate", earlier=earlier + 1, later=later + 1,
        )  # fmt: skip
    looks = tuple(look_at_gear(one, shaft_speed(one), teeth, sideband_limit_db)
                  for one in (recording, *repeats))  # fmt: skip
    signs = [codes(one.reasons) for one in looks]
    if not signs[0]:
        calm = because("gear_calm", "FM4 {fm4:.2f} under {limit:.2f}, sidebands {db:.1f} dB: no "
                       "sign of damage", fm4=looks[0].fm4, limit=looks[0].fm4_limit,
                       db=looks[0].sidebands_db)  # fmt: skip
        return GearDiagnosis("sound", "", (calm,), looks)
    missing = tuple(_gear_missing(signs))
    outcome: Literal["watch", "alarm"] = "watch" if missing else "alarm"
    return GearDiagnosis(outcome, signs[0][0], (*looks[0].reasons, *missing), looks)


def _gear_missing(signs: Sequence[tuple[str, ...]]) -> Iterable[Reason]:
    """Yield what an alarm still needs."""
    if len(signs[0]) < 2:
        yield because("one_sign", "no alarm: only one of two signs shows")
    if len(signs) == 1:
        yield because("no_repeat", "no alarm: no repeat measurement; record again")
    elif not any(len(again) == 2 for again in signs[1:]):
        yield because("not_repeated", "no alarm: the repeat does not show it")


def mesh_and_sidebands(average: Array, teeth: int) -> tuple[float, float]:
    """Return the mesh amplitude, and the sidebands against it [dB], root of sum of squares."""
    amplitudes = np.abs(fft.rfft(average)) * 2 / len(average)
    centres = [h * teeth for h in range(1, MESH_HARMONICS + 1)]
    mesh = sqrt(sum(float(amplitudes[c]) ** 2 for c in centres))
    beside = sqrt(
        sum(
            float(amplitudes[c + s]) ** 2
            for c in centres
            for s in range(-SIDEBANDS, SIDEBANDS + 1)
            if s and c + s < len(amplitudes)
        )
    )
    ratio = beside / mesh if mesh else 0.0
    return mesh, 20 * float(np.log10(max(ratio, 1e-9)))


def _points(recording: Recording, speed: ShaftSpeed, teeth: int) -> int:
    most = int(recording.sampling_rate_hz / speed.hz)
    least = 2 * (MESH_HARMONICS * teeth + SIDEBANDS + 1)
    if most < least:
        raise BadEvidence(
            "{rate:.0f} Hz is too low a sampling rate for {teeth} teeth at {rpm:.0f} rpm",
            reason="sampling_rate",
            rate=recording.sampling_rate_hz,
            teeth=teeth,
            rpm=speed.rpm,
        )
    return min(most, 4 * least) // 2 * 2


def _findings(
    kurtosis: float, limit: float, sidebands_db: float, sideband_limit_db: float
) -> list[Reason]:
    found = []
    if kurtosis > limit:
        found.append(
            because("tooth", "FM4 {fm4:.2f} over {limit:.2f}: one tooth stands out",
                    fm4=kurtosis, limit=limit)
        )  # fmt: skip
    if sidebands_db > sideband_limit_db:
        found.append(
            because("sidebands", "sidebands {db:.1f} dB against the mesh, limit {limit:.0f} dB",
                    db=sidebands_db, limit=sideband_limit_db)
        )  # fmt: skip
    return found
