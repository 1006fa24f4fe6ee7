"""The chance that a unit, and a consist of units, completes its next run.

Hazards of places add up, so every share of the risk is exact and every "replace this" is the same
sum computed again. A consist shares one random effect (crew, route, weather): its chance is
averaged over that effect, never a product of the units' chances.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

from railtrace.analysis.condition import Condition, nothing_known
from railtrace.analysis.exposure import AgeSpread, Ints, sum_by
from railtrace.analysis.fleet_hazard import FleetHazard
from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

NORMAL_90 = 1.6448536269514722
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
WORST_DRIVING = 3.0
"""What a missing quality of operation is bounded by, in its own standard deviations."""
SHARED_NODES, _KEEP_MARGINALS = 21, 6


@dataclass(frozen=True, eq=False)
class Places:
    """The components of some units as they stand before a run; one row a place.

    Attributes
    ----------
    unit, component : shape (n,), indexes from zero
    age_km : shape (n,)
        Virtual age, NaN where it is missing.
    stops : shape (n,)
        Chance that a failure of this place ends the run, 0..1.
    condition : of each place over this run; None where nothing is judged and nothing wears
    """

    unit: Ints
    component: Ints
    age_km: Floats
    stops: Floats
    condition: Condition | None = None

    @property
    def bent(self) -> Condition:
        """The condition of each place, told or not."""
        return self.condition or nothing_known(len(self.unit))


@dataclass(frozen=True, eq=False)
class RunReliability:
    """The answer for some units.

    Attributes
    ----------
    reliability, low, high : shape (v,)
        Chance of completing the run and its 90 % band.
    floor : shape (v,)
        The lower bound with every missing input at the worst value the fleet has: taking
        evidence away never raises it.
    hazard : shape (n,)
        Expected stopping failures of each place over the run; they add up to the unit's.
    worn : shape (n,)
        What wear adds to each of them.
    log_deviation : shape (v,)
        Of the logarithm of a unit's summed hazard.
    missing : shape (v,)
        How many places have no age.
    """

    reliability: Floats
    low: Floats
    high: Floats
    floor: Floats
    hazard: Floats
    worn: Floats
    log_deviation: Floats
    missing: Ints


def run_reliability(
    fleet: FleetHazard,
    places: Places,
    distance_km: float,
    driving: Floats,
    vehicle: Ints,
    ages: AgeSpread,
) -> RunReliability:
    """Return each unit's chance of completing a run.

    Parameters
    ----------
    distance_km : of the run, above zero
    driving : shape (v,)
        Quality of operation of each unit, NaN where it is missing.
    vehicle : shape (v,)
        Index of each unit in the fleet's table, -1 for one that is not in it.
    ages : of the fleet

    Raises
    ------
    BadData : a distance not above zero, an age below zero, a stopping chance outside 0..1.
    """
    _require(distance_km, places)
    known = ~np.isnan(places.age_km) & ~ages.ageless[places.component]
    mean, square, most = _by_place(fleet, places, distance_km, ages, known)
    units = len(driving)
    scale, spread, lag = _unit_factor(fleet, np.nan_to_num(driving), vehicle)
    total = np.bincount(places.unit, mean, units)
    # Within one unit, places of one type err together; types err apart.
    variance = _variance(fleet, places, mean, square, known, units)
    relative = variance / np.maximum(total, 1e-300) ** 2
    deviation = np.sqrt(np.log1p(relative) + spread)
    centre = np.log(np.maximum(total * scale, 1e-300)) - np.log1p(relative) / 2 - lag
    worn = places.bent.added
    wear, least_wear, most_wear, bound_wear = _worn(places, units)
    # Bounds of places are added, not their variances: only so is the floor the lower the less
    # is known.
    factor = _worst_factor(fleet, driving, vehicle)
    floor_hazard = np.bincount(places.unit, most, units) * factor + bound_wear
    return RunReliability(
        reliability=np.exp(-total * scale - wear),
        low=np.exp(-np.exp(centre + NORMAL_90 * deviation) - most_wear),
        high=np.exp(-np.exp(centre - NORMAL_90 * deviation) - least_wear),
        floor=np.exp(-floor_hazard),
        hazard=mean * scale[places.unit] + worn,
        worn=worn,
        log_deviation=deviation,
        missing=np.bincount(places.unit, np.isnan(places.age_km), units).astype(np.int64),
    )


def _worn(places: Places, units: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, 90 % band and bound of what wear adds to each unit's hazard.

    A wheel's own factor and driving are in its measured rate already: neither multiplies this.
    """
    bent = places.bent
    mean, variance, bound = (
        sum_by(places.unit, values, units)
        for values in (bent.added, bent.added_variance, bent.added_most)
    )
    half = NORMAL_90 * np.sqrt(variance)
    return mean, np.maximum(mean - half, 0.0), np.minimum(mean + half, bound), bound


def _require(distance_km: float, places: Places) -> None:
    if not distance_km > 0:
        raise BadData("a run of {distance} km: say how far it goes", distance=distance_km)
    if np.any(places.age_km < 0):
        raise BadData("an age below zero: measured from which moment?")
    if np.any((places.stops < 0) | (places.stops > 1)):
        raise BadData("the chance that a failure stops a run lies between 0 and 1")


def _by_place(
    fleet: FleetHazard,
    places: Places,
    distance_km: float,
    ages: AgeSpread,
    known: NDArray[np.bool_],
) -> tuple[Floats, Floats, Floats]:
    """Return of each place mean, mean square and upper bound of its hazard over the run."""
    mean, square, most = (of[places.component] for of in _of_types(fleet, distance_km, ages))
    age, component = places.age_km[known], places.component[known]
    mean[known], square[known] = _moments(fleet, component, age, distance_km)
    most[known] = _upper(mean[known], square[known])
    stops, bent = places.stops, places.bent
    return (mean * stops * bent.factor, square * stops**2 * bent.factor_square,
            most * stops * bent.factor_most)  # fmt: skip


def _of_types(
    fleet: FleetHazard, distance_km: float, ages: AgeSpread
) -> tuple[Floats, Floats, Floats]:
    """Return mean, mean square and greatest upper bound of each type over the fleet's ages."""
    types, bins = ages.age_km.shape
    component = np.repeat(np.arange(types), bins)
    mean, square = _moments(fleet, component, ages.age_km.ravel(), distance_km)
    most = _upper(mean, square).reshape(types, bins)
    mean, square = mean.reshape(types, bins), square.reshape(types, bins)
    return (
        np.sum(mean * ages.share, axis=1),
        np.sum(square * ages.share, axis=1),
        np.max(np.where(ages.share > 0, most, 0.0), axis=1),
    )


def _upper(mean: Floats, square: Floats) -> Floats:
    """Return the upper end of a place's band, its logarithm taken as normal."""
    relative = np.maximum(square / np.maximum(mean, 1e-300) ** 2, 1.0)
    return np.asarray(mean * np.exp(NORMAL_90 * np.sqrt(np.log(relative))))


def _moments(
    fleet: FleetHazard, component: Ints, age_km: Floats, distance_km: float
) -> tuple[Floats, Floats]:
    """Return posterior mean and mean square of the hazard from an age over a distance."""
    slope = np.exp(fleet.log_shape) - 1
    over = np.zeros((len(component), slope.shape[1]))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        at = np.maximum(age_km + distance_km * (node + 1) / 2, 1.0)
        lag = np.log(at / fleet.reference_km[component])
        over += weight / 2 * distance_km * np.exp(slope[component] * lag[:, None])
    first = fleet.shape_weight * fleet.rate_at_shape
    second = fleet.shape_weight * np.exp(2 * fleet.log_rate_at_shape + 2 * fleet.log_rate_variance)
    return np.sum(over * first[component], axis=1), np.sum(over**2 * second[component], axis=1)


def hazards_at(
    fleet: FleetHazard, component: Ints, age_km: Floats, distance_km: float
) -> Floats:
    """Return the expected failures over a distance of components at ages, factor 1."""
    return _moments(fleet, component, age_km, distance_km)[0]


def _variance(
    fleet: FleetHazard,
    places: Places,
    mean: Floats,
    square: Floats,
    known: NDArray[np.bool_],
    units: int,
) -> Floats:
    """Return the variance of each unit's sum: deviations of one type add before they square."""
    types = len(fleet.failures)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    key = places.unit * types + places.component
    together = np.bincount(key, np.where(known, deviation, 0), units * types)
    # Of a missing age every place has its own draw.
    apart = np.bincount(places.unit, np.where(known, 0, deviation**2), units)
    return np.asarray(np.sum(together.reshape(units, types) ** 2, axis=1) + apart)


def _unit_factor(
    fleet: FleetHazard, driving: Floats, vehicle: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return the mean factor of driving and vehicle on each unit, its log variance, and by how
    much the mean of its logarithm lies under the logarithm of its mean."""
    stranger = vehicle < 0
    shape = np.where(stranger, fleet.frailty_sd**-2, fleet.frailty_shape[vehicle])
    rate = np.where(stranger, fleet.frailty_sd**-2, fleet.frailty_rate[vehicle])
    driven = fleet.driving_variance * driving**2
    scale = shape / rate * np.exp(fleet.driving_effect * driving + driven / 2)
    # Of a gamma factor; a lognormal one of that mean and variance would be too narrow.
    return scale, polygamma(1, shape) + driven, np.log(shape) - digamma(shape) + driven / 2


def _worst_factor(fleet: FleetHazard, driving: Floats, vehicle: Ints) -> Floats:
    """Return the upper end of each unit's factor; a missing driving is as bad as driving gets."""
    bad = np.copysign(WORST_DRIVING, fleet.driving_effect)
    scale, spread, _ = _unit_factor(fleet, np.where(np.isnan(driving), bad, driving), vehicle)
    return np.asarray(scale * np.exp(NORMAL_90 * np.sqrt(spread)))


def without(answer: RunReliability, places: Places, place: int, new_hazard: float = 0.0) -> float:
    """Return the unit's reliability when one place is replaced by one of another hazard."""
    unit = places.unit[place]
    mine = places.unit == unit
    left = float(np.sum(answer.hazard[mine])) - float(answer.hazard[place])
    return float(np.exp(-(left + new_hazard)))


def consist_chance(reliability: Floats, shared_sd: float, needed: int | None = None) -> float:
    """Return the chance that at least `needed` units of a consist complete the run.

    Parameters
    ----------
    reliability : shape (v,)
        Each unit's chance with the shared effect averaged out, above 0 and at most 1.
    shared_sd : standard deviation of the shared effect on log hazard
    needed : how many must complete; all of them by default

    Notes
    -----
    The effect is normal with mean hazard factor 1, at Gauss–Hermite nodes; at each node the
    units are independent and their number is Poisson-binomial.
    """
    needed = len(reliability) if needed is None else needed
    hazard, factor, weights = shared_hazards(reliability, shared_sd)
    return float(weights @ _at_least(np.exp(-np.outer(factor, hazard)), needed))


def shared_hazards(reliability: Floats, shared_sd: float) -> tuple[Floats, Floats, Floats]:
    """Return each unit's hazard where the shared effect is 1, and the effect's nodes and weights.

    Averaged over the effect every unit keeps the chance it came with.
    """
    told = np.asarray(reliability, float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(SHARED_NODES)
    weights = weights / np.sum(weights)
    factor = np.exp(shared_sd * nodes - shared_sd**2 / 2)
    hazard = -np.log(told)
    for _ in range(_KEEP_MARGINALS):
        average = weights @ np.exp(-np.outer(factor, hazard))
        hazard = hazard * np.log(told) / np.minimum(np.log(average), -1e-300)
    return hazard, factor, weights


def _at_least(works: Floats, needed: int) -> Floats:
    """Return of each row of independent chances the chance that at least `needed` come true."""
    rows, units = works.shape
    count = np.zeros((rows, units + 1))
    count[:, 0] = 1.0
    for unit in range(units):
        p = works[:, unit : unit + 1]
        count[:, 1 : unit + 2] = count[:, 1 : unit + 2] * (1 - p) + count[:, : unit + 1] * p
        count[:, 0] *= 1 - p[:, 0]
    total: Floats = np.sum(count[:, needed:], axis=1)
    return total
