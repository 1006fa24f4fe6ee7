"""Is a rolling bearing damaged? Three ways of looking, one outcome, every reason named.

Recording -> speed from the signal -> envelope spectra (whole band, prewhitened, most impulsive
band) -> level of the harmonics of each damage -> outcome. No single way raises an alarm: the
prewhitened spectrum has to be joined by another one, and a second recording has to confirm.
Damage is named by the prewhitened spectrum alone: what vanishes when tones lose their weight did
not come from impacts with slip, and is reported as contradicting the declared bearing.

Of 30,000 locomotive bearings a month about 30 are damaged: at 5 % false alarms a single look
would call 50 sound ones for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log10
from os import cpu_count
from typing import Literal

import numpy as np

from railtrace.analysis import envelope
from railtrace.analysis.bearings import DAMAGES, Bearing, Damage, FaultOrders, fault_orders
from railtrace.analysis.envelope import Band, Lines
from railtrace.analysis.reasons import Reason, because
from railtrace.analysis.recording import Array, Recording
from railtrace.analysis.shaft_speed import ShaftSpeed, shaft_speed
from railtrace.errors import BadEvidence

Method = Literal["full_band", "prewhitened", "kurtogram"]
METHODS: tuple[Method, ...] = ("full_band", "prewhitened", "kurtogram")
Outcome = Literal["sound", "watch", "alarm", "contradiction"]

HARMONICS = 3
SLIP = 0.012
"""Rolling elements slip: −0.5 % (inner race) and +0.3 % (outer) were seen on test stands."""
BAND_FACTOR = 4.0
"""A band must be this many times as wide as the highest fault frequency, or holds no impact."""
LEAST_REVOLUTIONS = 40
"""Shorter, and a fault 1 % from a harmonic of the shaft is not told from it."""
SIDEBAND_WITHIN = 0.01
LOWEST_ORDER, HIGHEST_ORDER = 1.2, 8.0
"""Between these orders lines that no damage of the bearing explains are looked for."""


CLEAR_DB = 3.0
"""Over a threshold by this much (twice the power) one witness without the prewhitened one counts."""


@dataclass(frozen=True)
class Thresholds:
    """What sound bearings reach: noise, and per method what real machines add to it [dB].

    `noise_db` is what white noise reaches in 5 % of recordings when 100 bins are searched; each
    tenfold of bins adds 1 dB (simulated; the bench repeats it). `machine_db` is how far the 95th
    percentile of sound bearings lies above that. It is set on the sound bearing and channel pairs
    that `bench/bench_vibration.py` names, on no damaged one.
    """

    noise_db: float
    machine_db: Mapping[Method, float]
    unexplained_db: float

    def level_db(self, method: Method, searched_bins: float) -> float:
        """Return the level that 5 % of sound bearings exceed."""
        return self.noise_db + log10(max(searched_bins, 1) / 100) + self.machine_db[method]


THRESHOLDS = Thresholds(
    noise_db=6.9,
    machine_db={"full_band": 6.0, "prewhitened": 1.5, "kurtogram": 4.0},
    unexplained_db=16.0,
)


@dataclass(frozen=True)
class Evidence:
    """One damage as one method sees it: level [dB], order found, levels of its harmonics [dB]."""

    damage: Damage
    level_db: float
    order: float
    harmonics_db: tuple[float, ...]


@dataclass(frozen=True)
class MethodResult:
    """What one method says: its band, its threshold, the damages strongest first."""

    method: Method
    band: Band
    threshold_db: float
    evidence: tuple[Evidence, ...]

    @property
    def strongest(self) -> Evidence:
        """The damage with the highest level, over the threshold or not."""
        return self.evidence[0]

    @property
    def found(self) -> Damage | None:
        """The damage this method alone would name."""
        return self.strongest.damage if self.strongest.level_db >= self.threshold_db else None


@dataclass(frozen=True)
class Unexplained:
    """A line and its double that neither the bearing nor a neighbour gives: order, level [dB]."""

    order: float
    level_db: float


def envelope_lines(
    recording: Recording, speed: ShaftSpeed, orders: FaultOrders
) -> dict[Method, tuple[Band, Lines]]:
    """Return the envelope spectrum of each method, up to the last harmonic looked for."""
    bins = envelope.spectrum(recording.samples)
    step = 1 / recording.seconds
    quiet = envelope.without_discrete(bins)
    width = BAND_FACTOR * orders.highest * speed.hz
    whole = envelope.full_band(bins, step)
    impulsive = envelope.most_impulsive_band(quiet, step, width)
    highest = int((HARMONICS * orders.highest * (1 + SLIP) + 1) * speed.hz / step)
    views: dict[Method, tuple[Band, envelope.ComplexArray]] = {
        "full_band": (whole, bins[whole.first :]),
        "prewhitened": (whole, envelope.prewhitened(bins[whole.first :])),
        "kurtogram": (impulsive, quiet[impulsive.first : impulsive.last]),
    }
    return {
        method: (band, _lines(part, highest, step, speed)) for method, (band, part) in views.items()
    }


def _lines(bins: envelope.ComplexArray, highest: int, step_hz: float, speed: ShaftSpeed) -> Lines:
    magnitude = envelope.squared_envelope_spectrum(bins, highest)
    found = envelope.lines(magnitude, step_hz, 2 * speed.hz)
    return silenced(found, speed, range(int(highest * step_hz / speed.hz) + 2))


def silenced(found: Lines, speed: ShaftSpeed, orders: Iterable[float]) -> Lines:
    """Return lines without those at some orders; wider the higher: no speed is quite constant."""
    level = found.level_db.copy()
    for order in orders:
        at = round(order * speed.hz / found.step_hz)
        half = 2 + at // 1000
        level[max(0, at - half) : max(0, at + half + 1)] = 0.0
    return Lines(level, found.step_hz)


def evidence_of(found: Lines, speed: ShaftSpeed, damage: Damage, order: float) -> Evidence:
    """Return the best level of the harmonics of one order, slip allowed, the same for all."""
    tries = 2 * searched_bins(found, speed, order) + 1
    slips = np.linspace(-SLIP, SLIP, int(tries) | 1)
    places = np.outer(np.arange(1, HARMONICS + 1), order * (1 + slips)) * speed.hz / found.step_hz
    index = np.rint(places).astype(np.int64)
    levels = found.level_db[np.minimum(index, len(found.level_db) - 1)]
    best = int(np.argmax(levels.mean(axis=0)))
    return Evidence(
        damage,
        float(levels[:, best].mean()),
        float(order * (1 + slips[best])),
        tuple(float(level) for level in levels[:, best]),
    )


def searched_bins(found: Lines, speed: ShaftSpeed, order: float) -> float:
    """Return how many bins the highest harmonic may lie in."""
    return 2 * SLIP * HARMONICS * order * speed.hz / found.step_hz


def ranked(found: Lines, speed: ShaftSpeed, orders: FaultOrders) -> tuple[Evidence, ...]:
    """Return the evidence for each damage, strongest first.

    Inner race damage is modulated by the shaft: a "ball" line one order beside the inner race's is
    its sideband and goes last.
    """
    seen = {d: evidence_of(found, speed, d, orders.of(d)) for d in DAMAGES}
    apart = abs(abs(seen["inner"].order - seen["ball"].order) - 1)
    sideband = apart < SIDEBAND_WITHIN
    order = sorted(
        seen.values(), key=lambda e: (sideband and e.damage == "ball", -e.level_db)
    )
    return tuple(order)


def family(evidence: Evidence, cage: float) -> tuple[float, ...]:
    """Return the orders at which one damage shows: multiples and halves, with sidebands."""
    beside = [k * 1.0 for k in range(-4, 5)]
    if evidence.damage == "ball":
        beside += [k + c * cage for k in (-1, 0, 1) for c in (-2, -1, 1, 2)]
    return tuple(h * evidence.order / 2 + b for h in range(1, 9) for b in beside)


def without_louder_neighbours(
    found: Lines,
    speed: ShaftSpeed,
    own: FaultOrders,
    neighbours: Sequence[Bearing],
    threshold_db: float,
) -> Lines:
    """Return lines without those of neighbours that stand out more than the bearing's own.

    A neighbour of nearly the same orders cannot be told apart, so its lines stay.
    """
    own_level = ranked(found, speed, own)[0].level_db
    for neighbour in neighbours:
        orders = fault_orders(neighbour)
        best = ranked(found, speed, orders)[0]
        apart = min(abs(best.order / own.of(damage) - 1) for damage in DAMAGES)
        if best.level_db > max(own_level, threshold_db + CLEAR_DB) and apart > 2 * SLIP:
            found = silenced(found, speed, family(best, orders.cage))
    return found


def unexplained_lines(found: Lines, speed: ShaftSpeed) -> Unexplained:
    """Return the order whose line and its double stand out most, with the lower of both levels."""
    to_bin = speed.hz / found.step_hz
    first, last = int(LOWEST_ORDER * to_bin), int(HIGHEST_ORDER * to_bin)
    last = min(last, (len(found.level_db) - 3) // 2)
    once = found.level_db[first:last]
    twice = np.maximum.reduce(
        [found.level_db[2 * first + shift : 2 * last + shift : 2] for shift in (-1, 0, 1)]
    )
    both = np.minimum(once, twice)
    best = int(np.argmax(both))
    return Unexplained((first + best) / to_bin, float(both[best]))
