"""The life distributions, each a standard law of a reduced age z.

Exponential, Weibull, lognormal and loglogistic: z = (log age - location) / spread. Gompertz: the
hazard rate * exp(growth * age) is the smallest-extreme-value hazard of z = growth * age +
log(rate / growth), seen from age 0. Source: Meeker & Escobar 1998, ch. 4 and 5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_ndtr, ndtri

from railtrace.analysis.life_data import Floats

OfZ = Callable[[Floats], Floats]

_LOG_ROOT_2PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Standard:
    """A law of the reduced age z, and the first two derivatives of its log density."""

    log_density: OfZ
    slope: OfZ
    bend: OfZ
    log_survival: OfZ
    log_failure: OfZ
    at_survival: OfZ


SMALLEST_EXTREME = Standard(
    log_density=lambda z: z - np.exp(z),
    slope=lambda z: 1 - np.exp(z),
    bend=lambda z: -np.exp(z),
    log_survival=lambda z: -np.exp(z),
    log_failure=lambda z: np.log(-np.expm1(-np.exp(z))),
    at_survival=lambda share: np.log(-np.log(share)),
)
NORMAL = Standard(
    log_density=lambda z: -0.5 * z * z - _LOG_ROOT_2PI,
    slope=lambda z: -z,
    bend=lambda z: np.full_like(z, -1.0),
    log_survival=lambda z: log_ndtr(-z),
    log_failure=log_ndtr,
    at_survival=lambda share: -ndtri(share),
)
LOGISTIC = Standard(
    log_density=lambda z: -z - 2 * np.logaddexp(0, -z),
    slope=lambda z: 1 - 2 * expit(z),
    bend=lambda z: -2 * expit(z) * expit(-z),
    log_survival=lambda z: -np.logaddexp(0, z),
    log_failure=lambda z: -np.logaddexp(0, -z),
    at_survival=lambda share: np.log1p(-share) - np.log(share),
)


@dataclass(frozen=True)
class Law:
    """A life distribution as it is fitted and as it is told.

    `told` names each parameter that a reader knows, and how it comes from the fitted one:
    +1 its exponential, -1 the exponential of its negative, 0 itself.
    """

    name: str
    standard: Standard
    told: tuple[tuple[str, int], ...]
    on_log_age: bool = True

    @property
    def has_spread(self) -> bool:
        """Whether there is a second parameter to fit."""
        return len(self.told) > 1


LAWS = {
    law.name: law
    for law in (
        Law("exponential", SMALLEST_EXTREME, (("mean", 1),)),
        Law("weibull", SMALLEST_EXTREME, (("scale", 1), ("shape", -1))),
        Law("lognormal", NORMAL, (("log_median", 0), ("log_deviation", 1))),
        Law("loglogistic", LOGISTIC, (("median", 1), ("shape", -1))),
        Law("gompertz", SMALLEST_EXTREME, (("rate", 1), ("growth", 1)), on_log_age=False),
    )
}
