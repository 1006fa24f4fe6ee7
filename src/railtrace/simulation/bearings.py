"""Recordings of bearings whose damage is known, as a stand would write them: 16-bit sound.

Tones of the shaft, coloured noise, and, where there is damage, impacts that slip and ring a
resonance. Anybody who sees through the simulation has not shown that he hears a real bearing:
real recordings are in the tests.
"""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.bearings import Bearing, Damage, fault_orders

Samples = NDArray[np.float64]

RATE_HZ, RESONANCE_HZ, DAMPING = 12_000, 3_200.0, 900.0
RING_SAMPLES = 60
FULL_SCALE = 8.0
"""g at the rails of the recorder."""


def vibration(
    bearing: Bearing, damage: Damage | None, rpm: float, seconds: float, seed: int,
    strength: float = 0.6,
) -> Samples:  # fmt: skip
    """Return acceleration [g] of a bearing at `RATE_HZ`; `strength` is the height of an impact."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE_HZ)
    white = rng.standard_normal(n)
    signal = 0.1 * (white + 0.5 * np.roll(white, 1) - 0.2 * np.roll(white, 2))
    angle = 2 * np.pi * rpm / 60 * np.arange(n) / RATE_HZ
    for k in range(1, 15):
        signal += 0.05 / k**0.5 * np.sin(k * angle + k * k)
    if damage is not None:
        signal += strength * _impacts(bearing, damage, rpm, n, rng)
    return signal


def _impacts(
    bearing: Bearing, damage: Damage, rpm: float, n: int, rng: np.random.Generator
) -> Samples:
    orders, turn_s = fault_orders(bearing), 60 / rpm
    count = int(n / RATE_HZ / turn_s * orders.of(damage))
    gaps = turn_s / orders.of(damage) * (1.003 + 0.005 * rng.standard_normal(count))
    times = np.cumsum(gaps)
    times = times[times < (n - RING_SAMPLES) / RATE_HZ]
    turns = {"inner": 1.0, "ball": orders.cage}.get(damage)
    force = np.ones_like(times)
    if turns is not None:
        force += 0.7 * np.cos(2 * np.pi * times / turn_s * turns)
    signal = np.zeros(n)
    ring = np.arange(RING_SAMPLES) / RATE_HZ
    for start, size in zip(times.tolist(), force.tolist(), strict=True):
        first = int(np.ceil(start * RATE_HZ))
        late = ring + first / RATE_HZ - start
        blow = np.exp(-DAMPING * late) * np.sin(2 * np.pi * RESONANCE_HZ * late)
        signal[first : first + RING_SAMPLES] += size * blow
    return signal


def as_wav(samples: Samples, rate_hz: int = RATE_HZ) -> bytes:
    """Return samples [g] as a 16-bit wave file."""
    counts = np.clip(np.round(samples / FULL_SCALE * 32_767), -32_767, 32_767).astype("<i2")
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setparams((1, 2, rate_hz, 0, "NONE", ""))
        sound.writeframes(counts.tobytes())
    return held.getvalue()
