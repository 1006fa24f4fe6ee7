"""Fleets of component lives with known truth, drawn as arrays: for scoring forecasts.

A faster, plainer relative of `railway.py`, by the law of docs/simulation.md: Weibull (or another)
hazard by type, Kijima repair, preventive replacement, a factor for each vehicle for ever, driving
that wanders. What an observer could know is told apart from the truth.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TYPES, PLACES_A_TYPE = 12, 3
RUN_KM = 600.0
HIDDEN_RUNS, OBSERVED_RUNS, SCORED_RUNS = 1300, 167, 84
FLEET_RATE = 16e-6
"""Failures per km of a vehicle at go-live, all components together."""
DRIVING_PERSISTENCE, DRIVING_EFFECT = 0.97, 0.3
FRAILTY_SD = 0.35
UNKNOWN_SHARE = 0.25
ASSUMED_KEPT_AGE = 0.25
"""The mean of what repairs keep of an age, the only thing an observer is told of repairs."""


@dataclass(frozen=True)
class Law:
    """How a simulated fleet departs from what a model assumes; the default does not."""

    hazard: str = "weibull"
    frailty_by: str = "vehicle"
    depots: int = 4


AS_ASSUMED = Law()


@dataclass(eq=False)
class Fleet:
    """One simulated fleet at a moment; columns are places, `type_of` names their types."""

    rng: np.random.Generator
    law: Law
    type_of: Ints
    shape: Floats
    scale_km: Floats
    kept_age: Floats
    replace_at: Floats
    frailty: Floats
    driving: Floats
    age: Floats
    repaired_at: Floats
    seen_age: Floats
    seen_repaired_at: Floats
    known: NDArray[np.bool_]
    mended: Floats
    mended_at: Floats
    depot: Ints
    """Of each vehicle: an observer knows it; only one law gives it a meaning."""


@dataclass(eq=False)
class Seen:
    """What an observer writes down of a stretch of runs: one row a run, vehicle and place."""

    age: list[Floats] = field(default_factory=list)
    known: list[NDArray[np.bool_]] = field(default_factory=list)
    mended: list[Floats] = field(default_factory=list)
    """Of an age that is not known, what was added to it since a failure was seen; NaN before."""
    driving: list[Floats] = field(default_factory=list)
    failed: list[NDArray[np.bool_]] = field(default_factory=list)
    hazard: list[Floats] = field(default_factory=list)
    """True cumulated hazard of each place over the run, without the vehicle's factor."""


def draw_fleet(seed: int, vehicles: int, law: Law = AS_ASSUMED) -> Fleet:
    """Return a fleet with a long hidden past, at the moment its trace begins."""
    rng = np.random.default_rng(seed)
    type_of = np.repeat(np.arange(TYPES), PLACES_A_TYPE)
    shape = np.exp(rng.normal(np.log(1.7), 0.4, TYPES))
    rate = np.exp(rng.normal(0, 0.8, TYPES))
    scale = PLACES_A_TYPE / (rate / rate.sum() * FLEET_RATE)
    replaced = rng.random(TYPES) < 0.4
    size = (vehicles, len(type_of))
    start = rng.random(size) * 0.8 * scale[type_of]
    fleet = Fleet(
        rng=rng, law=law, type_of=type_of, shape=shape, scale_km=scale,
        kept_age=rng.beta(1, 3, TYPES),
        replace_at=np.where(replaced, rng.uniform(0.5, 1.0, TYPES) * scale, np.inf),
        frailty=np.ones(vehicles), driving=rng.normal(size=vehicles),
        age=start, repaired_at=np.zeros(size), seen_age=start.copy(),
        seen_repaired_at=np.zeros(size), known=np.ones(size, bool),
        mended=np.full(size, np.nan), mended_at=np.zeros(size),
        depot=np.random.default_rng([seed, 1]).integers(law.depots, size=vehicles),
    )  # fmt: skip
    run(fleet, HIDDEN_RUNS)
    _set_rate(fleet)
    # From now on only: ages that a factor had shaped would tell of it, and nobody's posterior
    # of the factor from failures alone would be exact, the oracle's included.
    fleet.frailty = _frailty(rng, fleet.depot, law)
    fleet.known = rng.random(size) >= UNKNOWN_SHARE
    fleet.mended, fleet.mended_at = np.full(size, np.nan), np.zeros(size)
    return fleet


def _frailty(rng: np.random.Generator, depot: Ints, law: Law) -> Floats:
    shape = FRAILTY_SD**-2
    if law.frailty_by == "vehicle":
        return rng.gamma(shape, 1 / shape, len(depot))
    return np.asarray(rng.gamma(shape, 1 / shape, law.depots)[depot])


def _set_rate(fleet: Fleet) -> None:
    """Stretch the kilometres so that the fleet fails as often as it should; laws stay alike."""
    hazard = _cumulative(fleet, fleet.age + RUN_KM) - _cumulative(fleet, fleet.age)
    stretch = hazard.sum(axis=1).mean() / RUN_KM / FLEET_RATE
    fleet.scale_km = fleet.scale_km * stretch
    fleet.replace_at = fleet.replace_at * stretch
    for ages in (fleet.age, fleet.repaired_at, fleet.seen_age, fleet.seen_repaired_at):
        ages *= stretch


def _cumulative(fleet: Fleet, age: Floats) -> Floats:
    relative = age / fleet.scale_km[fleet.type_of]
    shape = fleet.shape[fleet.type_of]
    if fleet.law.hazard == "weibull":
        return np.asarray(relative**shape)
    # Lognormal: the hazard rises and falls again; as spread as the Weibull of that shape.
    spread = 1.2 / shape
    return np.asarray(-norm.logsf(np.log(np.maximum(relative, 1e-12)) / spread))


def hazard_over(fleet: Fleet, km: float) -> Floats:
    """Return the cumulated hazard of each place over a distance, driven as now, nothing renewed."""
    hazard = _cumulative(fleet, fleet.age + km) - _cumulative(fleet, fleet.age)
    return np.asarray(hazard * np.exp(DRIVING_EFFECT * fleet.driving)[:, None])


def run(fleet: Fleet, runs: int, seen: Seen | None = None) -> None:
    """Let every vehicle make some runs; write down what is seen, when asked."""
    rng = fleet.rng
    for _ in range(runs):
        noise = rng.normal(size=len(fleet.driving))
        fleet.driving = (
            DRIVING_PERSISTENCE * fleet.driving + np.sqrt(1 - DRIVING_PERSISTENCE**2) * noise
        )
        hazard = hazard_over(fleet, RUN_KM)
        failed = rng.random(hazard.shape) < -np.expm1(-hazard * fleet.frailty[:, None])
        if seen is not None:
            seen.age.append(fleet.seen_age.copy())
            seen.known.append(fleet.known.copy())
            seen.mended.append(fleet.mended.copy())
            seen.driving.append(fleet.driving.copy())
            seen.failed.append(failed)
            seen.hazard.append(hazard)
        _after(fleet, failed)


def _after(fleet: Fleet, failed: NDArray[np.bool_]) -> None:
    """Age everything by the run, mend what failed, replace what is due."""
    fleet.mended[failed & np.isnan(fleet.mended)] = -RUN_KM
    for age in (fleet.age, fleet.seen_age, fleet.mended):
        age += RUN_KM
    kept = fleet.kept_age[fleet.type_of]
    for age, since, share in (
        (fleet.age, fleet.repaired_at, kept),
        (fleet.seen_age, fleet.seen_repaired_at, np.full(len(kept), ASSUMED_KEPT_AGE)),
        (fleet.mended, fleet.mended_at, np.full(len(kept), ASSUMED_KEPT_AGE)),
    ):
        age[failed] = (since + share * (age - since))[failed]
        since[failed] = age[failed]
    # Service replaces by kilometres since the last renewal, which the virtual age stands for.
    renewed = fleet.age > fleet.replace_at[fleet.type_of]
    for ages in (fleet.age, fleet.repaired_at, fleet.seen_age, fleet.seen_repaired_at):
        ages[renewed] = 0.0
    fleet.mended[renewed], fleet.mended_at[renewed] = np.nan, 0.0
    fleet.known[renewed] = True
