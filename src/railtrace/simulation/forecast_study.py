"""Forecasts of a known-truth fleet, scored: the model sees what an observer could, the scorer all.

`python -m railtrace.simulation.forecast_study 60 100` prints the table of docs/reliability.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np

from railtrace.analysis.exposure import (
    AgeSpread,
    Stretches,
    failing_ages,
    inferred_ages,
    tabulate,
)
from railtrace.analysis.fleet_hazard import FleetHazard, fit_hazard
from railtrace.analysis.forecast_scores import attained_share
from railtrace.analysis.public_priors import public_prior
from railtrace.analysis.run_reliability import Places, run_reliability
from railtrace.simulation import lives
from railtrace.simulation.lives import Fleet, Floats, Law, Seen


@dataclass(frozen=True)
class Score:
    """What one simulated fleet says of the model."""

    seed: int
    failures: int
    attained: float
    """Share of the attainable gain in expected log-loss over the fleet rate."""
    covered: float
    """Share of units whose true chance lies inside the 90 % band."""
    above_floor: float
    """Share of units whose true chance is not below the floor."""
    expected_over_true: float


def study(seed: int, vehicles: int, law: Law = lives.AS_ASSUMED) -> Score:
    """Watch a fleet for a year, forecast half a year of its runs, and score against the truth."""
    fleet = lives.draw_fleet(seed, vehicles, law)
    watched, ahead = Seen(), Seen()
    lives.run(fleet, lives.OBSERVED_RUNS, watched)
    hazard, ages, failing = fitted(fleet, watched)
    lives.run(fleet, lives.SCORED_RUNS, ahead)
    failures = int(np.sum(watched.failed))
    rate = failures / (vehicles * lives.OBSERVED_RUNS)
    told, inside, above = _forecasts(fleet, ahead, hazard, ages, failing)
    true = _chance(np.array(ahead.hazard).sum(axis=2) * fleet.frailty)
    oracle = _chance(np.array(ahead.hazard).sum(axis=2) * _exact_factor(fleet, watched))
    return Score(
        seed, failures,
        attained_share(true, told, np.full(true.shape, _chance(rate)), oracle),
        inside, above, float(np.sum(told) / np.sum(true)),
    )  # fmt: skip


def fitted(fleet: Fleet, watched: Seen) -> tuple[FleetHazard, AgeSpread, Floats]:
    """Return what the model learns of a fleet under watch, and at what age each type fails."""
    pieces = stretches_of(fleet, watched)
    failing = failing_ages(pieces)
    mended = np.array(watched.mended).ravel()
    table, ages = tabulate(replace(pieces, entry_km=inferred_ages(
        pieces.entry_km, mended, failing[pieces.component], lives.ASSUMED_KEPT_AGE,
    )))  # fmt: skip
    return fit_hazard(table, public_prior(), fleet.depot), ages, failing


def _chance(hazard: Floats | float) -> Floats:
    return np.asarray(-np.expm1(-np.asarray(hazard, float)))


def stretches_of(fleet: Fleet, seen: Seen) -> Stretches:
    """Return what was seen of a fleet as stretches of its components' lives."""
    age, known = np.array(seen.age), np.array(seen.known)
    runs, vehicles, places = age.shape
    return Stretches(
        component=np.tile(fleet.type_of, runs * vehicles),
        vehicle=np.tile(np.repeat(np.arange(vehicles), places), runs),
        entry_km=np.where(known, age, np.nan).ravel(),
        span_km=np.full(age.size, lives.RUN_KM),
        driving=np.repeat(np.array(seen.driving).ravel(), places),
        failed=np.array(seen.failed).ravel(),
        components=lives.TYPES, vehicles=vehicles,
    )  # fmt: skip


def _forecasts(
    fleet: Fleet, ahead: Seen, hazard: FleetHazard, ages: AgeSpread, failing: Floats
) -> tuple[Floats, float, float]:
    """Return the chance of failing told for every run, and how often bands and floors held."""
    told, inside, above = [], [], []
    for run in range(lives.SCORED_RUNS):
        age = np.where(ahead.known[run], ahead.age[run], np.nan)
        age = inferred_ages(age, ahead.mended[run], failing[fleet.type_of], lives.ASSUMED_KEPT_AGE)
        answer = run_reliability(
            hazard, places_of(fleet, age), lives.RUN_KM,
            ahead.driving[run], np.arange(len(fleet.frailty)), ages,
        )  # fmt: skip
        true = np.exp(-ahead.hazard[run].sum(axis=1) * fleet.frailty)
        told.append(1 - answer.reliability)
        inside.append((answer.low <= true) & (true <= answer.high))
        above.append(true >= answer.floor)
    return np.array(told), float(np.mean(inside)), float(np.mean(above))


def places_of(fleet: Fleet, age: Floats) -> Places:
    """Return the places of a fleet at some ages; every failure stops."""
    vehicles, places = age.shape
    return Places(
        unit=np.repeat(np.arange(vehicles), places), component=np.tile(fleet.type_of, vehicles),
        age_km=age.ravel(), stops=np.ones(age.size),
    )  # fmt: skip


def _exact_factor(fleet: Fleet, seen: Seen) -> Floats:
    """Return what one who knows every law would think of each vehicle's factor."""
    shape = lives.FRAILTY_SD**-2
    # Vehicles of one depot share their factor, where the law says so.
    _, shared = np.unique(fleet.frailty, return_inverse=True)
    met = np.bincount(shared, np.sum(seen.failed, axis=(0, 2)))
    due = np.bincount(shared, np.sum(seen.hazard, axis=(0, 2)))
    return np.asarray(((shape + met) / (shape + due))[shared])


LAWS = {"assumed": Law(), "lognormal": Law(hazard="lognormal"), "depots": Law(frailty_by="depot")}


def main(arguments: list[str]) -> None:
    """Print the scores of `seeds` fleets of `vehicles`, under a law of `LAWS`, from a seed on."""
    vehicles, seeds, law, first = [*arguments, *("60", "100", "assumed", "0")[len(arguments) :]]
    count = int(seeds)
    some = range(int(first), int(first) + count)
    scores = [study(seed, int(vehicles), LAWS[law]) for seed in some]
    attained = np.array([score.attained for score in scores])
    error = np.std(attained, ddof=1) / np.sqrt(count)
    print(f"{vehicles} vehicles, seeds {some.start} to {some.stop - 1}, law: {law}")
    print(f"attained {np.mean(attained):.3f} ± {1.96 * error:.3f} (95 %)")
    print(f"5th percentile {np.quantile(attained, 0.05):.3f}, worst {np.min(attained):.3f}")
    for name in ("covered", "above_floor", "expected_over_true", "failures"):
        print(f"{name} {np.mean([getattr(score, name) for score in scores]):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
