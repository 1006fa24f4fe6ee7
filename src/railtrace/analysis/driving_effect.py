"""By how much bad operation raises the hazard: from violations and failures of a fleet by weeks.

How a unit is driven is not seen, its violations are. They are counts about a hidden quality x that
wanders from week to week,

    violations ~ Poisson(exposure · r · exp(v·x)),   x′ = φ·x + √(1 − φ²)·ε,   Var x = 1,

and failures follow exposure · λ · u · exp(γ·x), u a gamma factor of the unit. The quality is read
as its posterior given the counts, mean m and variance s²; the hazard averaged over it is
exp(γ·m + γ²·s²/2), so that the little that counts tell of x does not draw γ towards nought.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky_banded, solveh_banded
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from railtrace.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NORMAL_90 = 1.6448536269514722
LEAST_FAILURES, LEAST_VIOLATIONS = 20, 20
WINDOW_WEEKS = 4
"""A violation is held to act on the hazard in its own week and the three after it."""
WIDEST = 2.5
"""Upper over lower end of a rule's hazard ratio, over which it counts as not estimated."""
_STEPS = 60


@dataclass(frozen=True)
class Effect:
    """A hazard ratio with its 90 % interval; `log` and `error` are of its logarithm."""

    ratio: float
    low: float
    high: float
    log: float
    error: float
    failures: int

    @property
    def estimated(self) -> bool:
        """Whether the interval is narrow enough to lean on."""
        return self.high <= WIDEST * self.low


@dataclass(frozen=True, eq=False)
class Quality:
    """The hidden quality read from violations: mean and variance, shape (units, weeks)."""

    mean: Floats
    variance: Floats
    rate: float
    spread: float
    persistence: float


# --- the hidden quality ------------------------------------------------------------------------


def read_quality(violations: Floats, exposure: Floats) -> Quality:
    """Return what counts of violations tell of how units were driven.

    Parameters
    ----------
    violations, exposure : shape (units, weeks)
        Counts, and kilometres in thousands; a week without kilometres tells nothing.

    Raises
    ------
    BadData : fewer than 20 violations in all.

    Notes
    -----
    Laplace's approximation over a tridiagonal precision; r, v and φ by its marginal likelihood.
    Source: Rue, Martino & Chopin, J. R. Statist. Soc. B 71 (2009) 319-392, section 3.
    """
    if np.sum(violations) < LEAST_VIOLATIONS:
        raise BadData("{count} violations tell nothing of how units are driven",
                      count=int(np.sum(violations)))  # fmt: skip
    start = np.array([np.log(violations.sum() / exposure.sum()), np.log(0.7), np.arctanh(0.85)])

    def unlikely(at: Floats) -> float:
        return -_laplace(violations, exposure, *_natural(at))[2] + 0.5 * float(
            ((at[1] - start[1]) / 1.0) ** 2 + ((at[2] - start[2]) / 1.0) ** 2
        )

    best = minimize(unlikely, start, method="Nelder-Mead",
                    options={"xatol": 0.01, "fatol": 0.02, "maxfev": 200}).x  # fmt: skip
    rate, spread, persistence = _natural(best)
    mean, curvature, _ = _laplace(violations, exposure, rate, spread, persistence)
    return Quality(
        mean, _variances(curvature, persistence), rate, spread, persistence
    )  # fmt: skip


def _natural(at: Floats) -> tuple[float, float, float]:
    return float(np.exp(at[0])), float(np.exp(at[1])), float(np.clip(np.tanh(at[2]), 0, 0.995))


def _precision(units: int, weeks: int, persistence: float) -> tuple[Floats, float]:
    """Return the diagonal of one AR(1) precision, repeated for each unit, and its off-diagonal."""
    inner = (1 + persistence**2) / (1 - persistence**2)
    diagonal = np.full(weeks, inner)
    diagonal[[0, -1]] = 1 / (1 - persistence**2) if weeks > 1 else 1.0
    return np.tile(diagonal, units), -persistence / (1 - persistence**2)


def _laplace(
    violations: Floats, exposure: Floats, rate: float, spread: float, persistence: float
) -> tuple[Floats, Floats, float]:
    """Return mode, diagonal of its curvature and marginal log-likelihood."""
    units, weeks = violations.shape
    y, e = violations.ravel(), exposure.ravel() * rate
    diagonal, beside = _precision(units, weeks, persistence)
    off = np.full(units * weeks, beside)
    off[::weeks] = 0.0  # solveh_banded's upper form: entry i couples i - 1 and i
    x = np.zeros(units * weeks)
    for _ in range(_STEPS):
        mu = e * np.exp(spread * x)
        slope = spread * (y - mu) - _times(diagonal, off, x)
        step = solveh_banded(np.stack([off, diagonal + spread**2 * mu]), slope)
        x = x + np.clip(step, -2, 2)
        if float(np.max(np.abs(step))) < 1e-6:
            break
    mu = e * np.exp(spread * x)
    curved = diagonal + spread**2 * mu
    root = cholesky_banded(np.stack([off, curved]))
    seen = np.sum(y * np.log(np.maximum(mu, 1e-300)) - mu)
    prior = 0.5 * float(x @ _times(diagonal, off, x))
    logs = -0.5 * units * (weeks - 1) * np.log(1 - persistence**2) - np.sum(np.log(root[1]))
    return x.reshape(units, weeks), curved.reshape(units, weeks), float(seen - prior + logs)


def _times(diagonal: Floats, off: Floats, x: Floats) -> Floats:
    product = diagonal * x
    product[1:] += off[1:] * x[:-1]
    product[:-1] += off[1:] * x[1:]
    return np.asarray(product)


def _variances(curved: Floats, persistence: float) -> Floats:
    """Return the diagonal of the inverse of each unit's tridiagonal curvature, by two sweeps."""
    weeks = curved.shape[1]
    beside = -persistence / (1 - persistence**2)
    ahead, behind = curved.copy(), curved.copy()
    for week in range(1, weeks):
        ahead[:, week] -= beside**2 / ahead[:, week - 1]
        behind[:, weeks - 1 - week] -= beside**2 / behind[:, weeks - week]
    return np.asarray(1 / (ahead + behind - curved))


# --- the hazard --------------------------------------------------------------------------------


def driving_effect(
    failures: Floats, exposure: Floats, quality: Quality, season: Floats | None = None
) -> Effect:
    """Return the hazard ratio of a standard deviation of worse driving.

    Parameters
    ----------
    failures, exposure : shape (units, weeks)
    season : shape (weeks,), a known factor of the hazard

    Raises
    ------
    BadData : fewer than 20 failures in all.
    """
    _require(failures)
    offset = _offset(exposure, season)
    gamma = 0.0
    for _ in range(8):
        shifted = offset + gamma**2 * quality.variance / 2
        fit = _frailty_fit(failures, shifted, quality.mean[:, :, None])
        if abs(fit[0][0] - gamma) < 1e-4:
            break
        gamma = float(np.clip(fit[0][0], -3, 3))
    return _effect(fit[0][0], fit[1][0], int(failures.sum()))


def rule_effects(
    failures: Floats, exposure: Floats, violated: Sequence[Floats], season: Floats | None = None
) -> list[Effect]:
    """Return for each rule the hazard ratio of the weeks that a violation of it acts on.

    Parameters
    ----------
    violated : for each rule, counts of shape (units, weeks)

    All rules are held against each other at once; a factor of each unit is taken out, so that a
    unit that fails and is driven badly for ever proves nothing.
    """
    _require(failures)
    acted = np.stack([_acts(counts) for counts in violated], axis=2)
    used = np.array([bool(acted[..., n].any()) for n in range(acted.shape[2])])
    log, error = np.zeros(len(used)), np.full(len(used), np.inf)
    if used.any():
        log[used], error[used] = _frailty_fit(failures, _offset(exposure, season), acted[..., used])
    met = [int(failures[acted[..., n] > 0].sum()) for n in range(len(used))]
    return [_effect(*one) for one in zip(log.tolist(), error.tolist(), met, strict=True)]


def _acts(counts: Floats) -> Floats:
    """Return 1 in the weeks that a violation acts on."""
    acted = counts > 0
    for back in range(1, WINDOW_WEEKS):
        acted[:, back:] |= counts[:, :-back] > 0
    return acted.astype(np.float64)


def _require(failures: Floats) -> None:
    if failures.sum() < LEAST_FAILURES:
        raise BadData("{count} failures are too few to hold against how units are driven",
                      count=int(failures.sum()))  # fmt: skip


def _offset(exposure: Floats, season: Floats | None) -> Floats:
    with np.errstate(divide="ignore"):
        offset = np.log(exposure)
    return offset if season is None else offset + np.log(season)


def _effect(log: float, error: float, failures: int) -> Effect:
    reach = NORMAL_90 * error
    with np.errstate(over="ignore"):
        return Effect(float(np.exp(log)), float(np.exp(log - reach)),
                      float(np.exp(min(log + reach, 700.0))), log, error, failures)  # fmt: skip


_PRIOR_SD = 1.0
"""Of a rule's log hazard ratio: weak, it only keeps what nothing tells of from running away."""


def _frailty_fit(failures: Floats, offset: Floats, covariates: Floats) -> tuple[Floats, Floats]:
    """Return log ratios and errors of covariates in a Poisson law with a gamma factor a unit.

    The factor is summed out: its likelihood is closed. Source: Duchateau & Janssen, The Frailty
    Model, 2008, section 2.2; errors from the curvature at the maximum.
    """
    count = covariates.shape[2]
    met = failures.sum(axis=1)
    base = np.exp(offset)
    start = np.concatenate(
        [np.zeros(count), [np.log(failures.sum() / base.sum()), np.log(1 / 0.35**2)]]
    )

    def unlikely(at: Floats) -> tuple[float, Floats]:
        beta, level, shape = at[:count], at[count], float(np.exp(np.clip(at[-1], -3, 8)))
        effect = covariates @ beta
        mean = base * np.exp(effect + level)
        total = mean.sum(axis=1)
        value = (
            np.sum(gammaln(shape + met) - gammaln(shape) + shape * np.log(shape)
                   - (shape + met) * np.log(shape + total))
            + np.sum(failures * (effect + level))
            - 0.5 * np.sum((beta / _PRIOR_SD) ** 2) - 0.5 * ((at[-1] - start[-1]) / 1.0) ** 2
        )  # fmt: skip
        weight = (shape + met) / (shape + total)
        off = failures - weight[:, None] * mean
        slopes = np.einsum("uw,uwk->k", off, covariates) - beta / _PRIOR_SD**2
        of_shape = shape * np.sum(
            digamma(shape + met) - digamma(shape) + np.log(shape) + 1
            - np.log(shape + total) - weight
        ) - (at[-1] - start[-1])  # fmt: skip
        return -float(value), -np.concatenate([slopes, [off.sum(), of_shape]])

    found = minimize(unlikely, start, jac=True, method="L-BFGS-B",
                     bounds=[(-4, 4)] * count + [(None, None), (-3, 8)]).x  # fmt: skip
    curvature = _curvature(lambda at: unlikely(at)[1], found)
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(curvature)), 0))
    return found[:count], errors[:count]


def _curvature(slope: Callable[[Floats], Floats], at: Floats) -> Floats:
    step = 1e-4
    rows = []
    for n in range(len(at)):
        ahead, behind = at.copy(), at.copy()
        ahead[n] += step
        behind[n] -= step
        rows.append((slope(ahead) - slope(behind)) / (2 * step))
    matrix = np.array(rows)
    return np.asarray((matrix + matrix.T) / 2)
