"""Life distributions fitted to any number of groups at once, by maximum likelihood.

| data | laws | how |
|---|---|---|
| right-censored, entries, counts | exponential | closed form, batched |
| right-censored, entries, counts | Weibull | `weibull`: one unknown per group, batched |
| any censoring, entries, counts, covariates | all five | here: damped Newton, batched |
| any censoring, entries, counts | Weibull with threshold | a search around either, batched |

Competing modes: `life_data.of_mode` for each mode. Repeated failures of one unit are another
matter: `recurrence`, `imperfect_repair`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.distributions import LAWS, Law
from railtrace.analysis.estimates import (
    AT_FIRST_FAILURE,
    NO_EVENTS,
    NO_GROWTH,
    NO_SHAPE,
    NO_SPREAD,
    TOO_MANY_STEPS,
    Comparison,
    Fits,
    likelihood_ratio,
    withheld,
)
from railtrace.analysis.life_data import Flags, Floats, Ints, Lives
from railtrace.analysis.weibull import BLOCK_ROWS, fit_right_censored
from railtrace.errors import BadData

STEPS = 200
DECREMENT_SETTLED = 1e-12
LEAST_LOG_SPREAD, GREATEST_LOG_SPREAD = float(np.log(1 / 500)), float(np.log(50.0))
LEAST_GROWTH_OVER_LIFE = 1e-3


def fit(lives: Lives, law: str = "weibull") -> Fits:
    """Return a life distribution for each group.

    Parameters
    ----------
    lives : any censoring, entries, counts and covariates
    law : a name in `distributions.LAWS`

    Returns
    -------
    Fits; groups that did not converge have NaN and the reason in `why`.

    Notes
    -----
    Standard errors from the observed information. With covariates the location is
    theta[0] + sum(theta[k] * covariate k); for the Weibull law that is both accelerated life and
    proportional hazards. Checked against data/reliability R01–R16, R21, R29, R32.

    Source: Meeker & Escobar 1998, ch. 7, 8, 11, 17.
    """
    plain = lives.covariates is None and bool(np.all(lives.exact | ~lives.failed))
    if law == "exponential" and plain:
        return _exponential(lives)
    if law == "weibull" and plain:
        return fit_right_censored(lives)
    return _by_newton(lives, LAWS[law])


def _exponential(lives: Lives) -> Fits:
    exposure = lives.per_group(lives.lower if lives.entry is None else lives.lower - lives.entry)
    events = lives.events
    why = np.where(events > 0, "", NO_EVENTS).astype(object)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.log(exposure / events)[:, None]
        variance = (1 / events)[:, None, None]
        log_likelihood = -events * (mean[:, 0] + 1)
    return withheld(Fits("exponential", mean, variance, log_likelihood, events, lives.units, why))


# --- The likelihood of any row, with two derivatives ---------------------------------------------


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows that enter the likelihood in the same way; at most a block of them.

    `design` is a column of ones and the covariates, (n, q + 1).
    """

    term: str
    age: Floats
    upper: Floats
    weight: Floats
    group: Ints
    design: Floats


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Reduced ages z, slopes in theta (p, n), and the slopes of these in the last of theta."""

    z: Floats
    slopes: Floats
    cross: Floats


@dataclass(frozen=True, eq=False)
class _State:
    """Log likelihood (g,), gradient (g, p) and Hessian (g, p, p)."""

    value: Floats
    gradient: Floats
    hessian: Floats


def _reduced(law: Law, age: Floats, theta: Floats, design: Floats) -> _Reduced:
    """Return z of rows; theta is (n, p) by row."""
    location = np.einsum("nk,nk->n", theta[:, :-1], design)
    last = theta[:, -1]
    if law.on_log_age:
        z = (np.log(age) - location) * np.exp(-last)
        slopes = np.vstack([-design.T * np.exp(-last), -z])
        return _Reduced(z, slopes, -slopes)
    grown = np.exp(last) * age
    slopes = np.vstack([design.T, grown - 1])
    cross = np.zeros_like(slopes)
    cross[-1] = grown
    return _Reduced(grown + location - last, slopes, cross)


def _parts(law: Law, lives: Lives) -> list[_Part]:
    finite, weight = lives.failed, _weights(lives)
    design = np.ones((len(lives.lower), 1))
    if lives.covariates is not None:
        design = np.column_stack([design, lives.covariates])
    entry = np.zeros(len(lives.lower)) if lives.entry is None else lives.entry
    from_birth = lives.lower == 0
    wanted: dict[str, tuple[Flags, Floats]] = {
        "density": (lives.exact, lives.lower),
        "survival": (~finite, lives.lower),
        "failure": (finite & ~lives.exact & from_birth & law.on_log_age, lives.upper),
        "interval": (finite & ~lives.exact & ~(from_birth & law.on_log_age), lives.lower),
        # A Gompertz law is one on all ages seen from age zero, so that every row has an entry.
        "entry": ((entry > 0) | (not law.on_log_age), entry),
    }
    group = lives.group
    return [
        _Part(term, age[rows], lives.upper[rows], weight[rows], group[rows], design[rows])
        for term, (chosen, age) in wanted.items()
        for rows in _in_blocks(np.flatnonzero(chosen))
    ]


def _weights(lives: Lives) -> Floats:
    return np.ones(len(lives.lower)) if lives.count is None else lives.count


def _in_blocks(rows: Ints) -> list[Ints]:
    return [rows[k : k + BLOCK_ROWS] for k in range(0, len(rows), BLOCK_ROWS)]


def _state(law: Law, parts: list[_Part], theta: Floats) -> _State:
    groups, p = theta.shape
    total = _State(np.zeros(groups), np.zeros((groups, p)), np.zeros((groups, p, p)))
    for part in parts:
        by_row = theta[part.group]
        at_age = _reduced(law, part.age, by_row, part.design)
        if part.term == "interval":
            _add_interval(law, part, at_age, by_row, total)
        else:
            _add(part, at_age, *_term(law, part, at_age.z), total)
        if part.term == "density":
            _add_jacobian(law, part, by_row, total)
    return total


def _term(law: Law, part: _Part, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the log of a density, a survival, a failure or one over a survival, twice derived."""
    standard = law.standard
    if part.term == "density":
        return standard.log_density(z), standard.slope(z), standard.bend(z)
    if part.term == "failure":
        log_failure = standard.log_failure(z)
        rate = np.exp(standard.log_density(z) - log_failure)
        return log_failure, rate, rate * (standard.slope(z) - rate)
    log_survival = standard.log_survival(z)
    hazard = np.exp(standard.log_density(z) - log_survival)
    bend = hazard * (standard.slope(z) + hazard)
    sign = -1.0 if part.term == "entry" else 1.0
    return sign * log_survival, -sign * hazard, -sign * bend


def _add(
    part: _Part, at: _Reduced, value: Floats, first: Floats, second: Floats, total: _State
) -> None:
    weight, groups = part.weight, len(total.value)
    total.value[:] += np.bincount(part.group, weight * value, groups)
    for k, slope in enumerate(at.slopes):
        total.gradient[:, k] += np.bincount(part.group, weight * first * slope, groups)
    _add_hessian(part, total, lambda j, k: second * at.slopes[j] * at.slopes[k])
    _add_cross(part, total, weight * first * at.cross)


def _add_hessian(part: _Part, total: _State, of: Callable[[int, int], Floats]) -> None:
    groups, p = total.gradient.shape
    for j in range(p):
        for k in range(j, p):
            found = np.bincount(part.group, part.weight * of(j, k), groups)
            total.hessian[:, j, k] += found
            if j != k:
                total.hessian[:, k, j] += found


def _add_cross(part: _Part, total: _State, cross: Floats) -> None:
    groups, last = len(total.value), total.gradient.shape[1] - 1
    for k, values in enumerate(cross):
        found = np.bincount(part.group, values, groups)
        total.hessian[:, k, last] += found
        if k != last:
            total.hessian[:, last, k] += found


def _add_jacobian(law: Law, part: _Part, theta: Floats, total: _State) -> None:
    """Add the log of dz / d age: the spread and the age, or the growth."""
    groups, last = len(total.value), theta[:, -1]
    sign = -1.0 if law.on_log_age else 1.0
    value = sign * last - (np.log(part.age) if law.on_log_age else 0.0)
    total.value[:] += np.bincount(part.group, part.weight * value, groups)
    total.gradient[:, -1] += sign * np.bincount(part.group, part.weight, groups)


def _add_interval(law: Law, part: _Part, low: _Reduced, theta: Floats, total: _State) -> None:
    standard, groups = law.standard, len(total.value)
    high = _reduced(law, part.upper, theta, part.design)
    log_share = _log_share(law, low.z, high.z)
    out = np.exp(standard.log_density(low.z) - log_share)
    into = np.exp(standard.log_density(high.z) - log_share)
    total.value[:] += np.bincount(part.group, part.weight * log_share, groups)
    for k in range(len(low.slopes)):
        slope = into * high.slopes[k] - out * low.slopes[k]
        total.gradient[:, k] += np.bincount(part.group, part.weight * slope, groups)
    bend_out = -out * (standard.slope(low.z) + out)
    bend_into = into * (standard.slope(high.z) - into)

    def of(j: int, k: int) -> Floats:
        a, b = low.slopes, high.slopes
        mixed = out * into * (a[j] * b[k] + a[k] * b[j])
        bent: Floats = bend_out * a[j] * a[k] + bend_into * b[j] * b[k] + mixed
        return bent

    _add_hessian(part, total, of)
    _add_cross(part, total, part.weight * (into * high.cross - out * low.cross))


def _log_share(law: Law, low: Floats, high: Floats) -> Floats:
    """Return the log probability between two reduced ages, from the nearer tail."""
    standard = law.standard
    up, down = standard.log_survival(low), standard.log_survival(high)
    right = up + np.log(-np.expm1(np.minimum(down - up, -1e-300)))
    left_high, left_low = standard.log_failure(high), standard.log_failure(low)
    left = left_high + np.log(-np.expm1(np.minimum(left_low - left_high, -1e-300)))
    return np.where(left_high < np.log(0.5), left, right)


# --- Newton steps, damped, for all groups of a block ---------------------------------------------


def _by_newton(lives: Lives, law: Law) -> Fits:
    scaled, back = _scaled_covariates(lives)
    found = [_newton(scaled.slice(groups), law) for groups in _blocks(lives.offsets)]
    theta, covariance, value, why = (np.concatenate(part) for part in zip(*found, strict=True))
    used = theta.shape[1] if law.has_spread else theta.shape[1] - 1
    turn = back[:used, :used]
    theta, covariance = theta[:, :used] @ turn.T, turn @ covariance[:, :used, :used] @ turn.T
    return withheld(Fits(law.name, theta, covariance, value, lives.events, lives.units, why))


def _blocks(offsets: Ints) -> list[slice]:
    """Return runs of whole groups, of about a block of rows each."""
    groups, first, found = len(offsets) - 1, 0, []
    while first < groups:
        last = int(np.searchsorted(offsets, offsets[first] + BLOCK_ROWS, side="right")) - 1
        found.append(slice(first, max(last, first + 1)))
        first = max(last, first + 1)
    return found


def _scaled_covariates(lives: Lives) -> tuple[Lives, Floats]:
    """Return lives with standardised covariates, and the matrix that takes theta back."""
    x = lives.covariates
    if x is None:
        return lives, np.eye(2)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    if np.any(spread == 0):
        column = int(np.flatnonzero(spread == 0)[0]) + 1
        raise BadData(
            "covariate {column} is the same in every row: its effect cannot be told", column=column
        )
    back = np.eye(x.shape[1] + 2)
    middle = slice(1, -1)
    back[middle, middle] = np.diag(1 / spread)
    back[0, middle] = -centre / spread
    return replace(lives, covariates=(x - centre) / spread), back


def _newton(lives: Lives, law: Law) -> tuple[Floats, Floats, Floats, NDArray[np.object_]]:
    parts, theta = _parts(law, lives), _start(lives, law)
    free = theta.shape[1] if law.has_spread else theta.shape[1] - 1
    damping = np.full(lives.groups, 1e-3)
    solved = np.zeros(lives.groups, dtype=np.bool_)
    with np.errstate(all="ignore"):
        state = _state(law, parts, theta)
        for _ in range(STEPS):
            step, decrement = _step(state, damping, free)
            last = (decrement >= 0) & (decrement < DECREMENT_SETTLED * (1 + lives.events))
            last &= ~solved
            theta, solved = theta + np.where(last[:, None], step, 0.0), solved | last
            if np.all(solved):
                break
            step[solved] = 0
            trial = _state(law, parts, theta + step)
            better = (trial.value >= state.value - 1e-12 * np.abs(state.value)) & ~solved
            theta, state = _taken(better, theta, step, state, trial)
            damping = np.clip(np.where(better, damping * 0.1, damping * 8), 1e-12, 1e12)
    covariance = _inverse(-state.hessian[:, :free, :free], theta.shape[1])
    return theta, covariance, state.value, _why_not(lives, law, theta, solved)


def _step(state: _State, damping: Floats, free: int) -> tuple[Floats, Floats]:
    """Return the damped Newton step, and twice the gain Newton foresees (negative: not concave)."""
    groups, p = state.gradient.shape
    curvature = np.nan_to_num(-state.hessian[:, :free, :free], posinf=0, neginf=0)
    gradient = np.nan_to_num(state.gradient[:, :free], posinf=0, neginf=0)
    least = np.linalg.eigvalsh(curvature)[:, 0]
    diagonal = np.abs(np.diagonal(curvature, axis1=1, axis2=2)) + 1e-12
    ridge = damping + np.where(least > 0, 0.0, 1.0 - 2 * least / diagonal.min(axis=1))
    damped = curvature + (ridge[:, None] * diagonal)[:, :, None] * np.eye(free)
    step = np.zeros((groups, p))
    step[:, :free] = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
    decrement = np.einsum("gp,gp->g", gradient, step[:, :free])
    return np.clip(step, -3, 3), np.where(least > 0, decrement, -1.0)


def _taken(
    better: Flags, theta: Floats, step: Floats, state: _State, trial: _State
) -> tuple[Floats, _State]:
    one, two = better[:, None], better[:, None, None]
    return np.where(one, theta + step, theta), _State(
        np.where(better, trial.value, state.value),
        np.where(one, trial.gradient, state.gradient),
        np.where(two, trial.hessian, state.hessian),
    )


def _inverse(information: Floats, p: int) -> Floats:
    groups, free, _ = information.shape
    finite = np.all(np.isfinite(information), axis=(1, 2))
    found = np.full((groups, p, p), np.nan)
    whole = np.where(finite[:, None, None], information, np.eye(free))
    sound = np.linalg.eigvalsh(whole)[:, 0] > 0
    whole[~sound] = np.eye(free)
    inverse = np.linalg.inv(whole)
    inverse[~(finite & sound)] = np.nan
    found[:, :free, :free] = inverse
    return found


def _why_not(lives: Lives, law: Law, theta: Floats, solved: Flags) -> NDArray[np.object_]:
    why = np.where(solved, "", TOO_MANY_STEPS).astype(object)
    last = theta[:, -1]
    if law.on_log_age:
        why[last < LEAST_LOG_SPREAD] = NO_SPREAD
        why[last > GREATEST_LOG_SPREAD] = NO_SHAPE
    else:
        oldest = np.maximum.reduceat(lives.lower, lives.offsets[:-1])
        why[np.exp(last) * oldest < LEAST_GROWTH_OVER_LIFE] = NO_GROWTH
    why[lives.events == 0] = NO_EVENTS
    return why


FIRST_SPREAD = {"weibull": 1.0, "exponential": 1.0, "lognormal": 1.2, "loglogistic": 0.7}


def _start(lives: Lives, law: Law) -> Floats:
    """Return a theta to begin with: a Weibull law with each interval's failure at its middle."""
    middle = np.where(lives.failed, 0.5 * (lives.lower + lives.upper), np.inf)
    known = np.where(lives.failed, middle, lives.lower)
    entry = lives.entry
    if entry is not None:
        known = np.maximum(known, entry * (1 + 1e-9) + 1e-300)
    simple = replace(
        lives, lower=known, upper=np.where(lives.failed, known, np.inf), covariates=None
    )
    q = 0 if lives.covariates is None else lives.covariates.shape[1]
    theta = np.zeros((lives.groups, q + 2))
    events = np.maximum(lives.events, 0.5)
    exposure = lives.per_group(known if entry is None else known - entry)
    if not law.on_log_age:
        theta[:, 0] = np.log(events / exposure) - 0.5
        theta[:, -1] = -np.log(np.maximum.reduceat(known, lives.offsets[:-1]))
        return theta
    theta[:, 0] = np.log(exposure / events)
    if law.has_spread:
        guess = fit_right_censored(simple)
        near = guess.converged & (np.abs(guess.theta[:, 1]) < 3)
        theta[near, 0], theta[near, -1] = guess.theta[near, 0], guess.theta[near, 1]
        theta[:, -1] += np.log(FIRST_SPREAD[law.name])
    return theta


# --- The Weibull law with a threshold ------------------------------------------------------------

THRESHOLD_SHARES = 1 - np.geomspace(1.0, 1e-4, 48)
LEAST_REGULAR_SHAPE = 2.0  # Smith 1985
GOLDEN = (np.sqrt(5.0) - 1) / 2


@dataclass(frozen=True, eq=False)
class ThresholdFits:
    """Weibull laws of age less a threshold; `fits` has the law beyond it.

    `threshold` and its standard error are of shape (groups,). The error is NaN, and the errors of
    `fits` are those for a known threshold, at zero and where the shape is not above two: there the
    likelihood has no usual curvature.
    """

    threshold: Floats
    standard_error: Floats
    fits: Fits


def fit_threshold(lives: Lives) -> ThresholdFits:
    """Return the three-parameter Weibull law of each group, with the threshold not below zero.

    The threshold is where the likelihood of the two-parameter law of the shifted ages has its
    first local maximum; the likelihood is unbounded at the first failure when the shape is below
    one, and a group that only rises towards it has no estimate. With a few hundred lives the
    threshold is found too high, by one standard error at shape 3 and 300 lives.

    Parameters
    ----------
    lives : any censoring, entries and counts, no covariates

    Source: Meeker & Escobar 1998, ch. 11.7; Smith 1985, Biometrika 72(1), 67–90.
    """
    first = _first_failure(lives)
    curve = np.array([_shifted_value(lives, share * first) for share in THRESHOLD_SHARES])
    peak, found = _first_peak(curve)
    threshold = _refined(lives, first, peak)
    fits = fit(_shifted(lives, threshold))
    fits.why[~found & fits.converged] = AT_FIRST_FAILURE
    error = _threshold_error(lives, threshold, first)
    error[~(fits.theta[:, -1] < -np.log(LEAST_REGULAR_SHAPE))] = np.nan
    _widen(fits, lives, threshold, first, error)
    withheld(fits)
    return ThresholdFits(
        np.where(fits.converged, threshold, np.nan), np.where(fits.converged, error, np.nan), fits
    )


def _first_failure(lives: Lives) -> Floats:
    """Return the age of each group that a threshold stays below."""
    bound = np.where(lives.exact, lives.lower, np.where(lives.failed, lives.upper, np.inf))
    first = np.minimum.reduceat(bound, lives.offsets[:-1])
    return np.where(np.isfinite(first), first, 0.0)


def _shifted(lives: Lives, threshold: Floats) -> Lives:
    by_row = threshold[lives.group]
    least = 1e-9 * np.maximum(lives.lower, 1e-300)
    running = ~lives.failed
    lower = np.maximum(lives.lower - by_row, np.where(running | lives.exact, least, 0.0))
    upper = np.where(lives.exact, lower, np.maximum(lives.upper - by_row, lower + least))
    entry = None
    if lives.entry is not None:
        entry = np.minimum(np.maximum(lives.entry - by_row, 0.0), lower * (1 - 1e-9))
    return replace(lives, lower=lower, upper=upper, entry=entry)


def _shifted_value(lives: Lives, threshold: Floats) -> Floats:
    return np.nan_to_num(fit(_shifted(lives, threshold)).log_likelihood, nan=-np.inf)


def _first_peak(curve: Floats) -> tuple[Ints, Flags]:
    """Return the first local maximum of each column, and whether there is one."""
    # Without a failure the curve is flat at minus infinity: it falls nowhere.
    with np.errstate(invalid="ignore"):
        falls = np.diff(curve, axis=0) < 0
    found = np.any(falls, axis=0)
    return np.where(found, np.argmax(falls, axis=0), len(curve) - 1), found


def _refined(lives: Lives, first: Floats, peak: Ints) -> Floats:
    """Narrow the threshold by golden section, all groups together."""
    shares = THRESHOLD_SHARES
    low = shares[np.maximum(peak - 1, 0)] * first
    high = shares[np.minimum(peak + 1, len(shares) - 1)] * first
    for _ in range(40):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        rises = _shifted_value(lives, right) > _shifted_value(lives, left)
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    middle = 0.5 * (low + high)
    return np.where(middle < 1e-6 * first, 0.0, middle)


def _probe(threshold: Floats, first: Floats) -> Floats:
    return 1e-3 * np.minimum(threshold, first - threshold)


def _threshold_error(lives: Lives, threshold: Floats, first: Floats) -> Floats:
    """Return the standard error from the curvature of the profile."""
    step = _probe(threshold, first)
    with np.errstate(all="ignore"):
        here = _shifted_value(lives, threshold)
        around = _shifted_value(lives, threshold - step) + _shifted_value(lives, threshold + step)
        return np.sqrt(step**2 / (2 * here - around))


def _widen(fits: Fits, lives: Lives, threshold: Floats, first: Floats, error: Floats) -> None:
    """Add to the covariance what comes from not knowing the threshold (block inverse)."""
    step = _probe(threshold, first)
    with np.errstate(all="ignore"):
        up, down = (fit(_shifted(lives, threshold + s)).theta for s in (step, -step))
        turn = (up - down) / (2 * step[:, None]) * error[:, None]
    known = np.isfinite(error) & fits.converged
    fits.covariance[known] += turn[known, :, None] * turn[known, None, :]


# --- Comparisons ---------------------------------------------------------------------------------


def compare_groups(lives: Lives, law: str = "weibull") -> Comparison:
    """Return the likelihood-ratio test that all groups follow one law of the family.

    Raises
    ------
    BadData : a fit of a group, or of all together, did not converge.
    """
    apart, together = fit(lives, law), fit(lives.pooled(), law)
    for fits in (apart, together):
        if not np.all(fits.converged):
            group = int(np.flatnonzero(~fits.converged)[0])
            raise BadData(
                "group {group} cannot be compared: {why}", group=group, why=fits.why[group]
            )
    freedom = apart.theta.size - together.theta.size
    return likelihood_ratio(
        float(apart.log_likelihood.sum()), float(together.log_likelihood.sum()), freedom
    )
