"""What a fit says: parameters, errors, lives, bounds; nothing where it did not converge."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

from railtrace.analysis.distributions import LAWS, Law
from railtrace.analysis.evidence import ladder
from railtrace.analysis.life_data import Flags, Floats

NO_EVENTS = "no events"
NO_SPREAD = "the failures do not spread: the shape runs to infinity"
NO_SHAPE = "the shape falls to zero: entries hide the early ages"
NO_GROWTH = "the hazard does not grow with age: fit the exponential or the Weibull law"
TOO_MANY_STEPS = "no maximum was found"
AT_FIRST_FAILURE = "the threshold runs to the first failure: fit the law without it"


class Bounded(NamedTuple):
    """An estimate with its interval, each of shape (groups,); not a number where none is."""

    estimate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Fits:
    """One law fitted to each of several groups.

    Attributes
    ----------
    law : name in `distributions.LAWS`
    theta : shape (groups, p)
        Fitted parameters; NaN where the fit did not converge. Laws of log age: location, the
        effects of covariates on it, log spread. Gompertz: log rate, effects, log growth.
    covariance : shape (groups, p, p)
        Inverse of the observed information.
    log_likelihood, events, units : shape (groups,)
    why : shape (groups,), text
        Empty where converged, else why there is no estimate.
    """

    law: str
    theta: Floats
    covariance: Floats
    log_likelihood: Floats
    events: Floats
    units: Floats
    why: NDArray[np.object_]

    @property
    def converged(self) -> Flags:
        """Where an estimate exists."""
        found: Flags = self.why == ""
        return found

    @property
    def evidence(self) -> NDArray[np.str_]:
        """The step of the evidence ladder of each group."""
        return ladder(self.events)

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of `theta`, shape (groups, p)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))


def withheld(fits: Fits) -> Fits:
    """Return the fits with NaN wherever there is no estimate."""
    failed = ~fits.converged
    for values in (fits.theta, fits.covariance, fits.log_likelihood):
        values[failed] = np.nan
    return fits


def parameters(fits: Fits, confidence: float = 0.9) -> dict[str, Bounded]:
    """Return the parameters by the names readers know, with two-sided Wald intervals.

    The intervals are symmetric on the scale of `theta`, which is logarithmic for all but the
    lognormal log median. Effects of covariates are not among them: see `effects`.
    """
    law = LAWS[fits.law]
    columns = (0, -1) if law.has_spread else (0,)
    return {
        name: _told(_wald(fits, column, confidence), form)
        for (name, form), column in zip(law.told, columns, strict=True)
    }


def effects(fits: Fits, confidence: float = 0.9) -> list[Bounded]:
    """Return the effect of each covariate on log life (Gompertz: on log hazard).

    The proportional-hazards effect of a Weibull is minus this effect times the shape.
    """
    last = fits.theta.shape[1] - (1 if LAWS[fits.law].has_spread else 0)
    return [_wald(fits, column, confidence) for column in range(1, last)]


def _wald(fits: Fits, column: int, confidence: float) -> Bounded:
    estimate = fits.theta[:, column]
    reach = norm.ppf(0.5 + confidence / 2) * fits.standard_errors[:, column]
    return Bounded(estimate, estimate - reach, estimate + reach)


def _told(fitted: Bounded, form: int) -> Bounded:
    if form == 0:
        return fitted
    if form == 1:
        return Bounded(*(np.exp(part) for part in fitted))
    return Bounded(np.exp(-fitted.estimate), np.exp(-fitted.high), np.exp(-fitted.low))


def gamma_percent_life(fits: Fits, share: float = 0.95, confidence: float = 0.95) -> Bounded:
    """Return the age that a share of the units outlives, and a lower bound of it.

    Parameters
    ----------
    share : in (0, 1)
        The gamma of the gamma-percent life (GOST 27.002): 0.95 for 95 %.
    confidence : in (0, 1)
        Of the one-sided lower bound; `high` is the one-sided upper bound.

    Notes
    -----
    Delta method on log life, so bounds are positive; no covariates. With few failures the lower
    bound is too high: for right-censored Weibull lives take `weibull.gamma_percent_bound`.
    """
    log_life, slopes = _log_life(LAWS[fits.law], fits.theta, share)
    variance = np.einsum("gp,gpq,gq->g", slopes, fits.covariance, slopes)
    reach = norm.ppf(confidence) * np.sqrt(variance)
    with np.errstate(over="ignore"):
        return Bounded(*(np.exp(log_life + step) for step in (0, -reach, reach)))


def _log_life(law: Law, theta: Floats, share: float) -> tuple[Floats, Floats]:
    """Return the log of the age outlived by a share, and its slopes in theta."""
    if not law.on_log_age:
        return _log_life_gompertz(theta, share)
    z = float(law.standard.at_survival(np.asarray(share)))
    spread = np.exp(theta[:, -1]) if law.has_spread else np.ones(len(theta))
    slopes = np.ones_like(theta)
    if law.has_spread:
        slopes[:, -1] = spread * z
    return theta[:, 0] + spread * z, slopes


def _log_life_gompertz(theta: Floats, share: float) -> tuple[Floats, Floats]:
    growth = np.exp(theta[:, -1])
    excess = -np.log(share) * np.exp(theta[:, -1] - theta[:, 0])
    grown = np.log1p(excess)
    share_of_slope = excess / (1 + excess) / grown
    return np.log(grown / growth), np.column_stack([-share_of_slope, share_of_slope - 1])


def survival(fits: Fits, age: ArrayLike, confidence: float = 0.9) -> Bounded:
    """Return the probability of outliving an age, with two-sided bounds.

    Parameters
    ----------
    age : shape (groups,) or scalar, above 0

    Notes
    -----
    Wald on log(-log survival), so bounds stay within 0 and 1. No covariates.
    """
    law, ages = LAWS[fits.law], np.broadcast_to(np.asarray(age, float), fits.events.shape)
    log_hazard, slopes = _log_cumulative_hazard(law, fits.theta, ages)
    variance = np.einsum("gp,gpq,gq->g", slopes, fits.covariance, slopes)
    reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(variance)
    parts = (np.exp(-np.exp(log_hazard + step)) for step in (0, reach, -reach))
    return Bounded(*parts)


def _log_cumulative_hazard(law: Law, theta: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Return log(-log survival) at an age and its slopes in theta, (groups,) and (groups, p)."""
    if not law.on_log_age:
        growth = np.exp(theta[:, -1])
        grown = np.expm1(growth * age)
        by_growth = growth * age * (grown + 1) / grown - 1
        return theta[:, 0] - theta[:, -1] + np.log(grown), np.column_stack(
            [np.ones(len(age)), by_growth]
        )
    spread = np.exp(theta[:, -1]) if law.has_spread else np.ones(len(theta))
    z = (np.log(age) - theta[:, 0]) / spread
    log_survival = law.standard.log_survival(z)
    by_z = np.exp(law.standard.log_density(z) - log_survival) / -log_survival
    slopes = np.column_stack([-by_z / spread, -by_z * z])[:, : theta.shape[1]]
    return np.log(-log_survival), slopes


def mean_with_few_failures(
    exposure: ArrayLike, events: ArrayLike, confidence: float = 0.9
) -> Bounded:
    """Return the mean life under a constant hazard, with exact bounds.

    Zero events give an infinite estimate and a finite lower bound: print the bound.

    Parameters
    ----------
    exposure, events : shape (groups,)
        Total time on test and failures; the end of watching does not depend on a failure.
    confidence : in (0, 1)
        Of each bound taken by itself is (1 + confidence) / 2.

    Source: IEC 60605-4, time-terminated; chi-square with 2r + 2 degrees below, 2r above.
    """
    total, r = np.asarray(exposure, float), np.asarray(events, float)
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore"):
        low = 2 * total / chi2.ppf(1 - tail, 2 * r + 2)
        high = np.where(r > 0, 2 * total / chi2.ppf(tail, np.maximum(2 * r, 1e-300)), np.inf)
        return Bounded(total / r, low, high)


@dataclass(frozen=True)
class Comparison:
    """A likelihood-ratio test."""

    statistic: float
    freedom: int
    p_value: float


def likelihood_ratio(wide: float, narrow: float, freedom: int) -> Comparison:
    """Return the test of a narrow hypothesis within a wide one, from their log likelihoods."""
    statistic = max(0.0, 2 * (wide - narrow))
    return Comparison(statistic, freedom, float(chi2.sf(statistic, freedom)))
