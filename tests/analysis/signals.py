"""Machines that shake as they are told: known bearing damage, known gears, known speed."""

import numpy as np

from railtrace.analysis.bearings import Bearing, Damage, fault_orders
from railtrace.analysis.recording import Array

BALL = Bearing("6205", 9, 7.94, 39.04)
OTHER = Bearing("6203", 8, 6.746, 28.499)
RATE_HZ = 12_000.0


def shaft_tones(n: int, rpm: float, rate_hz: float = RATE_HZ, level: float = 0.05) -> Array:
    """The harmonics that give every shaft away."""
    angle = 2 * np.pi * rpm / 60 * np.arange(n) / rate_hz
    return np.asarray(sum(level / k**0.5 * np.sin(k * angle + k * k) for k in range(1, 15)))


def noise(n: int, seed: int) -> Array:
    """Background: white noise through one soft resonance."""
    white = np.random.default_rng(seed).standard_normal(n)
    return white + 0.5 * np.roll(white, 1) - 0.2 * np.roll(white, 2)


def sound(seconds: float = 10.0, rpm: float = 1790.0, seed: int = 0) -> Array:
    """A sound machine."""
    n = int(seconds * RATE_HZ)
    return 0.1 * noise(n, seed) + shaft_tones(n, rpm)


def damaged(
    damage: Damage,
    bearing: Bearing = BALL,
    *,
    seconds: float = 10.0,
    rpm: float = 1790.0,
    strength: float = 0.6,
    seed: int = 0,
) -> Array:
    """A machine with one damaged bearing: slipping impacts ring a resonance at 3.2 kHz."""
    rng = np.random.default_rng(seed + 1000)
    order = fault_orders(bearing).of(damage)
    turn_s = 60 / rpm
    gaps = turn_s / order * (1.003 + 0.005 * rng.standard_normal(int(seconds / turn_s * order)))
    times = np.cumsum(gaps)
    times = times[times < seconds - 0.01]
    if damage == "inner":
        force = 1 + 0.8 * np.cos(2 * np.pi * times / turn_s)
    elif damage == "ball":
        force = 1 + 0.6 * np.cos(2 * np.pi * times / turn_s * fault_orders(bearing).cage)
    else:
        force = np.ones_like(times)
    return sound(seconds, rpm, seed) + strength * _ringing(times, force, int(seconds * RATE_HZ))


def _ringing(times: Array, force: Array, n: int) -> Array:
    signal = np.zeros(n)
    ring = np.arange(60) / RATE_HZ
    for start, size in zip(times, force, strict=True):
        first = int(np.ceil(start * RATE_HZ))
        late = ring + first / RATE_HZ - start
        last = min(n, first + len(ring))
        wave = size * np.exp(-900 * late) * np.sin(2 * np.pi * 3200 * late)
        signal[first:last] += wave[: last - first]
    return signal


GEAR_RPM = 1500.0 * 1.01


def gear_wheel(
    teeth: int, tooth: float = 0.0, eccentric: float = 0.1, seconds: float = 10.0, seed: int = 0
) -> np.ndarray:
    """Return a gear wheel's mesh, its eccentricity, and how far one tooth stands out [g]."""
    n = int(seconds * RATE_HZ)
    angle = 2 * np.pi * GEAR_RPM / 60 * np.arange(n) / RATE_HZ
    mesh = sum(np.cos(h * teeth * angle) / h for h in (1, 2, 3))
    turn = np.mod(angle, 2 * np.pi)
    chip = tooth * np.exp(-(((turn - 2) / 0.05) ** 2)) * np.sin(90 * turn)
    return sound(seconds, GEAR_RPM, seed) + mesh * (1 + eccentric * np.cos(angle)) + chip
