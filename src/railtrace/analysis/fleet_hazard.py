"""The hazard of a fleet: component type by age, driving and vehicle, from a table of exposure.

A component of type k on vehicle v, at virtual age a and driving x, fails at the rate

    rho_k (a / a_k)^(beta_k - 1) exp(gamma x) u_v   [per km]

with a_k the middle age of the type's exposure, so that rate and shape are nearly independent.
The types' log rates and log shapes are normal about common means, u_v is gamma with mean 1. The
rate of a type is its posterior mean over a grid, never a plugged-in maximum: with seven failures
a fitted shape is seventeen per cent too great, its mean over the posterior is not.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from railtrace.analysis.evidence import ladder
from railtrace.analysis.exposure import Exposure, Ints, sum_by
from railtrace.analysis.life_data import Floats
from railtrace.analysis.pooling import Prior
from railtrace.errors import BadData

SHAPE_NODES, RATE_NODES = 19, 9
SHAPE_REACH = 3.0  # standard deviations of log shape that the grid spans to each side
ROUNDS, SETTLED = 60, 1e-4
FRAILTY_SD = np.linspace(0.05, 1.0, 39)
FRAILTY_MEDIAN, FRAILTY_SPREAD = 0.35, 0.35  # lognormal prior of the frailty's standard deviation
MOST_DEPOT = 3.0
"""By how much a depot may differ from the fleet, either way."""
DEPOT_MEDIAN, DEPOT_SPREAD = 0.1, 0.8
"""Lognormal prior of the standard deviation of depots' factors: invented, as public priors are."""
_FEWEST_DEPOTS = 2
DRIVING_SD = 0.25
"""Of the normal prior of gamma, driving in its own standard deviations: the worst driven of a fleet
(two deviations up) then fail 1.6 times as often as the middle, and hardly ever three times."""


@dataclass(frozen=True, eq=False)
class FleetHazard:
    """What a fleet's history says of the next kilometre.

    Attributes
    ----------
    reference_km : shape (k,)
        The age a_k at which a type's rate is told.
    log_shape, shape_weight : shape (k, j)
        Grid of log beta with posterior weights that sum to one.
    rate_at_shape, log_rate_at_shape, log_rate_variance : shape (k, j)
        Posterior mean rate [per km], mean and variance of its logarithm, at each shape.
    driving_effect, driving_variance : gamma and its variance
    frailty_shape, frailty_rate : shape (v,)
        Gamma posterior of each vehicle's factor.
    failures : shape (k,)
    frailty_sd : of the fleet's vehicles about each other
    fleet_rate : failures per km of one vehicle's run, all components together
    met, due : shape (v,)
        Failures of each vehicle, and how many its places and driving alone made expected.
    """

    reference_km: Floats
    log_shape: Floats
    shape_weight: Floats
    rate_at_shape: Floats
    log_rate_at_shape: Floats
    log_rate_variance: Floats
    driving_effect: float
    driving_variance: float
    frailty_shape: Floats
    frailty_rate: Floats
    failures: Floats
    frailty_sd: float
    fleet_rate: float
    converged: bool
    prior_version: str
    met: Floats
    due: Floats

    @property
    def evidence(self) -> NDArray[np.str_]:
        """The step of the evidence ladder of each type."""
        return ladder(self.failures)

    def rate(self, component: Ints, age_km: Floats) -> Floats:
        """Return the posterior mean rate [per km] of components at ages, driving 0, factor 1."""
        mean: Floats = np.sum(self._at(component, age_km) * self._mass()[component], axis=-1)
        return mean

    def log_variance(self, component: Ints, age_km: Floats) -> Floats:
        """Return the posterior variance of the logarithm of that rate."""
        slope = np.exp(self.log_shape[component]) - 1
        logs = self.log_rate_at_shape[component] + slope * self._lag(component, age_km)
        weight = self.shape_weight[component]
        mean = np.sum(weight * logs, axis=-1, keepdims=True)
        within = self.log_rate_variance[component]
        spread: Floats = np.sum(weight * ((logs - mean) ** 2 + within), axis=-1)
        return spread

    def _mass(self) -> Floats:
        return self.shape_weight * self.rate_at_shape

    def _lag(self, component: Ints, age_km: Floats) -> Floats:
        return np.log(age_km / self.reference_km[component])[..., None]

    def _at(self, component: Ints, age_km: Floats) -> Floats:
        slope = np.exp(self.log_shape[component]) - 1
        return np.exp(slope * self._lag(component, age_km))


@dataclass(frozen=True, eq=False)
class _Type:
    """The rows of one type, with their ages at every shape of the grid."""

    rows: Ints
    powers: Floats
    events_lag: float
    events: float


@dataclass(frozen=True, eq=False)
class _Law:
    """The common law of the types: normal log rates and log shapes."""

    rate_mean: float
    rate_sd: float
    shape_mean: float
    shape_sd: float


@dataclass(frozen=True, eq=False)
class _Posterior:
    """Of every type on its grid (k, j), rates summed out."""

    weight: Floats
    rate: Floats
    log_rate: Floats
    variance: Floats


def fit_hazard(exposure: Exposure, prior: Prior, depot: Ints | None = None) -> FleetHazard:
    """Return the hazard that a fleet's table of exposure supports.

    Parameters
    ----------
    exposure : any number of rows; a type without failures is told by its sisters and the prior
    prior : of the fleet, from a public prior file
    depot : shape (v,), index from zero of each vehicle's depot; None where all stand in one

    Raises
    ------
    BadData : no kilometre in the table, or no failure in any type; a depot for too few vehicles.

    Notes
    -----
    Mean-field expectation–maximisation: types on their grids, driving by Newton's method, depots
    and vehicles as gamma factors, their spread summed out. Two products of the rows with the shape
    grid a round. Depots are fitted in the same rounds as driving: fitted after it, what the
    vehicles of a bad depot share goes to how they happened to be driven. Source: Carlin & Louis
    2000, ch. 3; Duchateau & Janssen 2008, ch. 4 (gamma frailty).
    """
    if not np.sum(exposure.span_km) > 0:
        raise BadData("nothing was run in this table: there is no hazard to tell")
    if not np.sum(exposure.failures) > 0:
        raise BadData("no component failed in this table: only a bound can be told")
    depot = np.zeros(exposure.vehicles, int) if depot is None else depot
    if len(depot) != exposure.vehicles:
        raise BadData("{depots} depots for {vehicles} vehicles: one each is wanted",
                      depots=len(depot), vehicles=exposure.vehicles)  # fmt: skip
    return _fitted(exposure, prior, depot)


def _fitted(exposure: Exposure, prior: Prior, depot: Ints) -> FleetHazard:
    law = _first_law(exposure, prior)
    log_shape = _shape_grid(prior, exposure.components)
    reference = _reference_ages(exposure)
    types = [_type(exposure, k, log_shape[k], reference[k]) for k in range(exposure.components)]
    factor, gamma, info, sd = np.ones(exposure.vehicles), 0.0, 1.0, FRAILTY_MEDIAN
    factor_variance = np.ones(exposure.vehicles)
    met = sum_by(exposure.vehicle, exposure.failures, exposure.vehicles)
    posterior, converged, before = None, False, np.zeros(0)
    due = np.zeros(exposure.vehicles)
    for _ in range(ROUNDS):
        weight = exposure.span_km * np.exp(gamma * exposure.driving) * factor[exposure.vehicle]
        posterior = _of_types(types, weight, log_shape, law)
        base = _expected(types, posterior, len(weight)) * exposure.span_km
        gamma, info = _driving(exposure, base * factor[exposure.vehicle], gamma)
        driven = base * np.exp(gamma * exposure.driving)
        due = sum_by(exposure.vehicle, driven, exposure.vehicles)
        factor, factor_variance, sd = _by_depot(met, due, depot, sd)
        law = _learnt(posterior, log_shape, prior, law)
        now = np.concatenate([posterior.log_rate.ravel(), factor, [gamma, sd]])
        converged = len(before) == len(now) and bool(np.max(np.abs(now - before)) < SETTLED)
        if converged:
            break
        before = now
    assert posterior is not None
    return FleetHazard(
        reference_km=reference, log_shape=log_shape, shape_weight=posterior.weight,
        rate_at_shape=posterior.rate, log_rate_at_shape=posterior.log_rate,
        log_rate_variance=posterior.variance, driving_effect=gamma, driving_variance=1 / info,
        frailty_shape=factor**2 / factor_variance, frailty_rate=factor / factor_variance,
        failures=sum_by(exposure.component, exposure.failures, exposure.components),
        frailty_sd=sd, fleet_rate=fleet_rate(exposure), converged=converged,
        prior_version=prior.version,
        met=met, due=due,
    )  # fmt: skip


def fleet_rate(exposure: Exposure) -> float:
    """Return failures per component-kilometre: the constant that any model must beat."""
    return float(np.sum(exposure.failures) / np.sum(exposure.span_km))


def _shape_grid(prior: Prior, components: int) -> Floats:
    reach = SHAPE_REACH * prior.log_shape_deviation
    nodes = np.linspace(prior.log_shape_mean - reach, prior.log_shape_mean + reach, SHAPE_NODES)
    return np.tile(nodes, (components, 1))


def _reference_ages(exposure: Exposure) -> Floats:
    """Return the geometric mean age of each type's kilometres; 1 where nothing was run."""
    logs = np.bincount(
        exposure.component, exposure.span_km * np.log(exposure.age_km), exposure.components
    )
    spans = np.bincount(exposure.component, exposure.span_km, exposure.components)
    return np.exp(logs / np.maximum(spans, 1e-300))


def _type(exposure: Exposure, component: int, log_shape: Floats, reference: float) -> _Type:
    rows = np.flatnonzero(exposure.component == component)
    lag = np.log(exposure.age_km[rows] / reference)
    failures = exposure.failures[rows]
    powers = np.exp(np.outer(lag, np.exp(log_shape) - 1))
    return _Type(rows, powers, float(failures @ lag), float(np.sum(failures)))


def _first_law(exposure: Exposure, prior: Prior) -> _Law:
    mean = prior.log_scale_mean
    rate = np.log(fleet_rate(exposure)) if mean is None else -mean
    return _Law(
        float(rate), prior.log_scale_deviation, prior.log_shape_mean, prior.log_shape_deviation
    )


_POINTS, _POINT_WEIGHTS = np.polynomial.hermite_e.hermegauss(RATE_NODES)
_POINT_LOGS = np.log(_POINT_WEIGHTS) + _POINTS**2 / 2


def _of_types(types: list[_Type], weight: Floats, log_shape: Floats, law: _Law) -> _Posterior:
    """Return the posterior of every type; the rate is summed out by Gauss–Hermite points."""
    exposed = np.array([weight[t.rows] @ t.powers for t in types])
    events = np.array([t.events for t in types])[:, None]
    lag = np.array([t.events_lag for t in types])[:, None]
    mode, sd = _rate_modes(events, exposed, law)
    log_rate = mode[..., None] + sd[..., None] * _POINTS
    height = (
        events[..., None] * log_rate
        - exposed[..., None] * np.exp(log_rate)
        - (log_rate - law.rate_mean) ** 2 / (2 * law.rate_sd**2)
        + _POINT_LOGS
    )
    top = np.max(height, axis=2, keepdims=True)
    inner = np.exp(height - top)
    summed = np.sum(inner, axis=2)
    inner /= summed[..., None]
    outer = (
        np.log(summed) + top[..., 0] + np.log(sd) + np.expm1(log_shape) * lag
        - (log_shape - law.shape_mean) ** 2 / (2 * law.shape_sd**2)
    )  # fmt: skip
    shares = np.exp(outer - np.max(outer, axis=1, keepdims=True))
    mean = np.sum(inner * log_rate, axis=2)
    return _Posterior(
        shares / np.sum(shares, axis=1, keepdims=True),
        np.sum(inner * np.exp(log_rate), axis=2),
        mean,
        np.sum(inner * (log_rate - mean[..., None]) ** 2, axis=2),
    )


def _rate_modes(events: Floats, exposed: Floats, law: _Law) -> tuple[Floats, Floats]:
    """Return where each log rate is likeliest and how wide it is there; the curve is concave."""
    precision = law.rate_sd**-2
    mode = np.log((events + precision) / (exposed + precision * np.exp(-law.rate_mean)))
    for _ in range(25):
        expected = exposed * np.exp(mode)
        slope = events - expected - precision * (mode - law.rate_mean)
        mode = mode + np.clip(slope / (expected + precision), -1, 1)
    return mode, 1 / np.sqrt(exposed * np.exp(mode) + precision)


def _expected(types: list[_Type], posterior: _Posterior, rows: int) -> Floats:
    """Return the posterior mean rate of each row."""
    found = np.empty(rows)
    for t, mass in zip(types, posterior.weight * posterior.rate, strict=True):
        found[t.rows] = t.powers @ mass
    return found


def _driving(exposure: Exposure, expected: Floats, gamma: float) -> tuple[float, float]:
    """Return gamma after a Newton step, and the information about it."""
    x = exposure.driving
    if not np.any(x):
        return 0.0, DRIVING_SD**-2
    now = expected * np.exp(gamma * x)
    slope = float(x @ exposure.failures - x @ now) - gamma / DRIVING_SD**2
    info = float((x * x) @ now) + DRIVING_SD**-2
    return gamma + slope / info, info


def _by_depot(
    met: Floats, due: Floats, depot: Ints, sd: float
) -> tuple[Floats, Floats, float]:
    """Return mean and variance of each vehicle's factor, drawn to its depot's, and their spread.

    A depot's factor is met over due of its vehicles, drawn to the fleet's: with four depots their
    spread is hardly known, so it is summed out over a prior that holds it small.
    """
    mean = _depot_means(met, due, depot, sd)[depot]
    factor, variance, sd = _factors(met, due * mean)
    factor, variance = factor * mean, variance * mean**2
    # The level belongs to the types.
    level = float(np.mean(factor))
    return factor / level, variance / level**2, sd


def _depot_means(met: Floats, due: Floats, depot: Ints, sd: float) -> Floats:
    """Return each depot's factor; 1 where there is one depot."""
    depots = int(np.max(depot, initial=0)) + 1
    if depots < _FEWEST_DEPOTS:
        return np.ones(depots)
    level = float(np.sum(met) / max(np.sum(due), 1e-300))
    met, due = sum_by(depot, met, depots), sum_by(depot, due, depots) * level
    # Vehicles differ too: a depot of few says less than its failures would alone.
    worth = 1 / (1 + due * sd**2 / np.maximum(np.bincount(depot, minlength=depots), 1))
    mean = _factors(met * worth, due * worth, DEPOT_MEDIAN, DEPOT_SPREAD)[0]
    return np.clip(mean, 1 / MOST_DEPOT, MOST_DEPOT)


def _factors(
    met: Floats, due: Floats, median: float = FRAILTY_MEDIAN, wide: float = FRAILTY_SPREAD
) -> tuple[Floats, Floats, float]:
    """Return mean and variance of each vehicle's factor, and the mean of their spread.

    The spread is summed out over its posterior: with one or two failures a vehicle it is known
    poorly, and a plugged-in value makes every band too narrow.
    """
    a = FRAILTY_SD[:, None] ** -2
    logs = gammaln(a + met) - gammaln(a) + a * np.log(a) - (a + met) * np.log(a + due)
    away = np.log(FRAILTY_SD / median) / wide
    height = np.sum(logs, axis=1) - away**2 / 2 - np.log(FRAILTY_SD)
    weight = np.exp(height - np.max(height))
    weight /= np.sum(weight)
    mean = (a + met) / (a + due)
    square = mean * (mean + 1 / (a + due))
    middle = weight @ mean
    # The level belongs to the types: shared with the factors it would creep for many rounds.
    level = np.mean(middle)
    return middle / level, (weight @ square - middle**2) / level**2, float(weight @ FRAILTY_SD)


def _learnt(posterior: _Posterior, log_shape: Floats, prior: Prior, law: _Law) -> _Law:
    """Return the common law anew; the prior counts as `worth_groups` types."""
    shape = np.sum(posterior.weight * log_shape, axis=1)
    shape_variance = np.sum(posterior.weight * log_shape**2, axis=1) - shape**2
    rate = np.sum(posterior.weight * posterior.log_rate, axis=1)
    square = posterior.variance + posterior.log_rate**2
    rate_variance = np.sum(posterior.weight * square, axis=1) - rate**2
    worth, n = prior.worth_groups, len(rate)
    rate_mean = float(np.mean(rate))
    shape_mean = float((worth * prior.log_shape_mean + np.sum(shape)) / (worth + n))

    def spread(start: float, values: Floats, mean: float, variance: Floats) -> float:
        return float(
            np.sqrt(
                (worth * start**2 + np.sum(variance + (values - mean) ** 2)) / (worth + n)
            )
        )

    return replace(
        law,
        rate_mean=rate_mean,
        rate_sd=spread(prior.log_scale_deviation, rate, rate_mean, rate_variance),
        shape_mean=shape_mean,
        shape_sd=spread(prior.log_shape_deviation, shape, shape_mean, shape_variance),
    )
