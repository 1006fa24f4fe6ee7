"""Promises of trains on a known-truth fleet, scored: O/E by tenths, beside two plainer rivals.

Trains of twenty are drawn from a fleet that was watched for a year and go there and back; on a trip
all units share one effect of crew, route and weather.

`python -m railtrace.simulation.train_study 20 60` prints what twenty fleets of sixty say.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.exposure import AgeSpread, inferred_ages
from railtrace.analysis.fleet_hazard import FleetHazard
from railtrace.analysis.forecast_scores import (
    Ratio,
    deciles,
    expected_loss,
    log_loss,
    observed_expected,
)
from railtrace.analysis.run_reliability import consist_chance, run_reliability
from railtrace.simulation import lives
from railtrace.simulation.forecast_study import fitted, places_of
from railtrace.simulation.lives import Floats

COACHES, TRIP_KM, SHARED_SD, STOPS = 20, 8_400.0, 0.3, 0.2
"""One failure in five stops a train; the shared effect is as `store/promise.py` assumes it."""
MOMENTS, RUNS_BETWEEN, TRAINS = 7, 12, 6


@dataclass(frozen=True)
class Trips:
    """Of every trip: the true chance of a failure, what three rivals told, and what came."""

    true: Floats
    told: Floats
    product: Floats
    """The same units' chances multiplied, as if nothing were shared."""
    fleet: Floats
    """Every train by the fleet's one rate."""
    failed: NDArray[np.bool_]


def study(seed: int, vehicles: int) -> Trips:
    """Watch a fleet for a year, promise trips of trains drawn from it, and let them run."""
    fleet = lives.draw_fleet(seed, vehicles)
    watched = lives.Seen()
    lives.run(fleet, lives.OBSERVED_RUNS, watched)
    hazard, ages, failing = fitted(fleet, watched)
    km = vehicles * lives.OBSERVED_RUNS * lives.RUN_KM
    flat = float(np.exp(-STOPS * np.sum(watched.failed) / km * TRIP_KM * COACHES))
    rows = []
    for _ in range(MOMENTS):
        lives.run(fleet, RUNS_BETWEEN)
        rows += _trips(fleet, hazard, ages, failing, flat)
    return Trips(*map(np.array, zip(*rows, strict=True)))


def _trips(
    fleet: lives.Fleet, hazard: FleetHazard, ages: AgeSpread, failing: Floats, flat: float
) -> list[tuple[float, float, float, float, bool]]:
    """Promise some trains of the fleet as it stands, and draw what comes of each."""
    age = inferred_ages(np.where(fleet.known, fleet.seen_age, np.nan), fleet.mended,
                        failing[fleet.type_of], lives.ASSUMED_KEPT_AGE)  # fmt: skip
    units = np.arange(len(fleet.frailty))
    places = replace(places_of(fleet, age), stops=np.full(age.size, STOPS))
    told = run_reliability(hazard, places, TRIP_KM, fleet.driving, units, ages).reliability
    truth = STOPS * fleet.frailty * lives.hazard_over(fleet, TRIP_KM).sum(axis=1)
    rows = []
    for _ in range(TRAINS):
        train = fleet.rng.choice(units, COACHES, replace=False)
        true = _shared(float(np.sum(truth[train])))
        failed = bool(fleet.rng.random() < 1 - true)
        rows.append((1 - true, 1 - consist_chance(told[train], SHARED_SD),
                     1 - float(np.prod(told[train])), 1 - flat, failed))  # fmt: skip
    return rows


def _shared(hazard: float) -> float:
    """Return the true chance of a train whose hazards all carry one lognormal effect of mean 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    factor = np.exp(SHARED_SD * nodes - SHARED_SD**2 / 2)
    return float(np.sum(weights * np.exp(-factor * hazard)) / np.sum(weights))


def joined(some: list[Trips]) -> Trips:
    """Return the trips of several fleets as one list."""
    names = Trips.__dataclass_fields__
    return Trips(*(np.concatenate([getattr(one, name) for one in some]) for name in names))


def by_tenths(trips: Trips) -> list[Ratio]:
    """Return observed over expected failures by tenth of the promise, with exact 95 % bands."""
    return observed_expected(trips.told, trips.failed, deciles(trips.told))


def main(arguments: list[str]) -> None:
    """Print the scores of some fleets of so many vehicles."""
    fleets, vehicles = (int(text) for text in [*arguments, *("20", "60")[len(arguments) :]])
    trips = joined([study(seed, vehicles) for seed in range(fleets)])
    print(f"{fleets} fleets of {vehicles}, {len(trips.true)} trips, {np.sum(trips.failed)} failed")
    for one in by_tenths(trips):
        print(f"{one.group} O/E {one.observed}/{one.expected:.1f} = {one.ratio:.2f}, "
              f"exact 95 % band {one.low:.2f} to {one.high:.2f}")  # fmt: skip
    for name in ("told", "product", "fleet"):
        rival = getattr(trips, name)
        print(f"{name}: log-loss {log_loss(rival, trips.failed):.4f}, expected over the truth "
              f"{1000 * expected_loss(trips.true, rival):.2f} · 10⁻³ nats")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
