"""Is the true effect of operation quality on the hazard found? Fleets with known truth.

    python -m railtrace.simulation.driving_study 200 60

draws 200 fleets of 60 vehicles by the laws of `lives.py` (ages, repairs, factors of vehicles that
the estimator is not told of), lets recorders count violations of the hidden driving, and asks how
often the 90 % interval of the estimated effect holds the true one.
"""

import sys
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.driving_effect import driving_effect, read_quality
from railtrace.simulation.lives import DRIVING_EFFECT, RUN_KM, Seen, draw_fleet, run

RUNS_A_WEEK, WEEKS = 2, 156
VIOLATIONS_PER_WEEK, VIOLATION_EFFECT = 0.8, 0.7


@dataclass(frozen=True)
class Found:
    """One fleet: the estimated log hazard ratio and its error."""

    seed: int
    log: float
    error: float
    failures: int
    violations: int

    @property
    def holds(self) -> bool:
        """Whether the 90 % interval holds the truth."""
        return abs(self.log - DRIVING_EFFECT) <= 1.6448536269514722 * self.error


def study(seed: int, vehicles: int, weeks: int = WEEKS) -> Found:
    """Draw a fleet, watch it, estimate."""
    fleet, seen = draw_fleet(seed, vehicles), Seen()
    run(fleet, weeks * RUNS_A_WEEK, seen)
    shape = (weeks, RUNS_A_WEEK, vehicles)
    failures = np.array([f.sum(axis=1) for f in seen.failed]).reshape(shape).sum(axis=1).T
    driving = np.array(seen.driving).reshape(shape)
    rate = VIOLATIONS_PER_WEEK / RUNS_A_WEEK * np.exp(VIOLATION_EFFECT * driving)
    violations = np.random.default_rng(seed + 10**6).poisson(rate).sum(axis=1).T.astype(float)
    exposure = np.full((vehicles, weeks), RUN_KM * RUNS_A_WEEK / 1000)
    quality = read_quality(violations, exposure)
    effect = driving_effect(failures.astype(float), exposure, quality)
    return Found(seed, effect.log, effect.error, int(failures.sum()), int(violations.sum()))


def main(fleets: int, vehicles: int) -> float:
    """Print every fleet and return the share whose interval holds the truth."""
    found = []
    for seed in range(fleets):
        one = study(seed, vehicles)
        found.append(one)
        print(f"{seed}: {one.log:.3f} ± {one.error:.3f}, {one.failures} failures", flush=True)
    share = float(np.mean([one.holds for one in found]))
    mean = float(np.mean([one.log for one in found]))
    print(f"truth {DRIVING_EFFECT}, mean {mean:.3f}, {share:.1%} of {fleets} intervals hold it")
    return share


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
