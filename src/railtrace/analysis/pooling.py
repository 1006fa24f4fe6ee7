"""Empirical Bayes: groups with few failures borrow from the others, and from a public prior.

Groups have Weibull laws; log shape and log scale of the groups are normal about common means.
The posterior of each group is summed over a grid of its own, so that a group with no failure or
one is treated exactly, not by a normal curve about a maximum it does not have.
"""

import tomllib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from railtrace.analysis.estimates import Bounded
from railtrace.analysis.evidence import ladder
from railtrace.analysis.life_data import Floats, Lives
from railtrace.analysis.weibull import Exposure, exposure_of
from railtrace.errors import BadData, CatalogueError

SHAPE_NODES, SCALE_NODES = 21, 15
REACH = 4.5  # standard deviations that a grid spans to each side
ZOOMS = 5
CYCLES = 100
LEAP = 30.0
LAID_AGAIN = (0, 1, 3, 7, 15, 31, 63)
SETTLED = 1e-5
MOST_GROUPS_TO_LEARN = 2000  # their common law is then known to a hundredth; more only cost time


@dataclass(frozen=True)
class Prior:
    """What is assumed of the groups of a fleet before their data; see the files in `priors`.

    `log_scale_mean` is None where the data shall say. `worth_groups` is how many observed groups
    the two deviations and the shape mean weigh as much as.
    """

    log_shape_mean: float
    log_shape_deviation: float
    log_scale_deviation: float
    worth_groups: float
    log_scale_mean: float | None = None
    version: str = ""
    status: str = ""


PRIOR_KEYS = {
    "component", "log_shape_mean", "log_shape_deviation", "log_scale_deviation", "worth_groups",
}  # fmt: skip
FILE_KEYS = {"version", "status", "source", "license", "priors"}


def read_priors(text: str) -> dict[str, Prior]:
    """Return the priors of a public prior file by component.

    Raises
    ------
    CatalogueError : not TOML, a key is missing or unknown, a deviation is not above zero.
    """
    try:
        file = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError("prior file: {why}", why=str(error)) from error
    if file.keys() != FILE_KEYS:
        raise CatalogueError("prior file: wants {keys}", keys=", ".join(sorted(FILE_KEYS)))
    of_file = {key: str(file[key]) for key in ("version", "status")}
    return {str(row["component"]): _prior(row, **of_file) for row in _rows(file["priors"])}


def _rows(rows: list[dict[str, str | float]]) -> list[dict[str, str | float]]:
    for row in rows:
        if row.keys() - {"log_scale_mean"} != PRIOR_KEYS:
            raise CatalogueError(
                "prior of {component}: wants {keys}",
                component=row.get("component", "?"), keys=", ".join(sorted(PRIOR_KEYS)),
            )  # fmt: skip
    return rows


def _prior(row: dict[str, str | float], version: str, status: str) -> Prior:
    numbers = {key: float(value) for key, value in row.items() if key != "component"}
    for key in ("log_shape_deviation", "log_scale_deviation", "worth_groups"):
        if not numbers[key] > 0:
            raise CatalogueError(
                "prior of {component}: {key} {value} is not above zero",
                component=row["component"], key=key, value=numbers[key],
            )  # fmt: skip
    return Prior(**numbers, version=version, status=status)


@dataclass(frozen=True)
class Spread:
    """The law that the groups come from: normal in log shape and in log scale, independent."""

    log_shape_mean: float
    log_shape_deviation: float
    log_scale_mean: float
    log_scale_deviation: float


@dataclass(frozen=True, eq=False)
class Pooled:
    """The Weibull law of each group, given its own data and the other groups.

    Attributes
    ----------
    spread : the law of the groups
    mean : shape (groups, 2)
        Posterior mean of log scale and log shape.
    covariance : shape (groups, 2, 2)
    log_scale, log_shape, weight : shape (groups, nodes)
        The posterior itself, as points with weights that sum to one.
    events : shape (groups,)
    converged : bool
    prior : the one started from
    """

    spread: Spread
    mean: Floats
    covariance: Floats
    log_scale: Floats
    log_shape: Floats
    weight: Floats
    events: Floats
    converged: bool
    prior: Prior

    @property
    def evidence(self) -> NDArray[np.str_]:
        """The step of the evidence ladder of each group."""
        return ladder(self.events)

    def scale(self, confidence: float = 0.9) -> Bounded:
        """Return the scale of each group: exponential of the mean log, and equal-tailed bounds."""
        return _bounded(self.log_scale, self.weight, confidence)

    def shape(self, confidence: float = 0.9) -> Bounded:
        """Return the shape of each group, likewise."""
        by_node = self.weight.reshape(len(self.events), -1, SCALE_NODES).sum(axis=2)
        return _bounded(self.log_shape[:, ::SCALE_NODES], by_node, confidence)

    def failure_chance(self, age: ArrayLike, ahead: ArrayLike, confidence: float = 0.9) -> Bounded:
        """Return the probability of failing within `ahead` of an age reached, with bounds.

        Parameters
        ----------
        age, ahead : shape (groups,) or scalar
        """
        shape = np.exp(self.log_shape)
        begin = np.broadcast_to(np.asarray(age, float), self.events.shape)[:, None]
        end = begin + np.broadcast_to(np.asarray(ahead, float), self.events.shape)[:, None]
        scale = np.exp(self.log_scale)
        chance = -np.expm1((begin / scale) ** shape - (end / scale) ** shape)
        tail = (1 - confidence) / 2
        low, high = (_quantile(chance, self.weight, q) for q in (tail, 1 - tail))
        return Bounded(np.sum(chance * self.weight, axis=1), low, high)


def _bounded(logs: Floats, weight: Floats, confidence: float) -> Bounded:
    tail = (1 - confidence) / 2
    low, high = (_quantile(logs, weight, q) for q in (tail, 1 - tail))
    return Bounded(*(np.exp(v) for v in (np.sum(logs * weight, axis=1), low, high)))


def _quantile(values: Floats, weight: Floats, share: float) -> Floats:
    """Return weighted quantiles of each row, between the middles of the points' weights."""
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    taken = np.take_along_axis(weight, order, axis=1)
    reached = np.cumsum(taken, axis=1) - 0.5 * taken
    return np.array(
        [np.interp(share, r, v) for r, v in zip(reached, ordered, strict=True)], dtype=np.float64
    )


@dataclass(frozen=True, eq=False)
class _Grid:
    """Log shapes of each group (g, k), and the exposure at each, over the group's reference."""

    log_shape: Floats
    log_exposure: Floats


@dataclass(frozen=True, eq=False)
class _Posterior:
    """Points (g, k, j) with weights, and the two log scales and shapes there."""

    weight: Floats
    log_shape: Floats
    log_scale: Floats


def pool(lives: Lives, prior: Prior) -> Pooled:
    """Return the Weibull law of each group by empirical Bayes.

    Parameters
    ----------
    lives : right-censored; entries and counts allowed; any number of failures in a group
    prior : of the fleet, from a public prior file

    Raises
    ------
    BadData : intervals or covariates; no failure in any group and a prior without a scale.

    Notes
    -----
    Expectation–maximisation, with leaps, over means and deviations; the prior's values enter as
    `worth_groups` groups. The intervals take the means and deviations as known. Of more than
    2,000 groups the common law is learnt from 2,000, the same at every call. Cost: 21 passes over
    the rows for each time the grids are laid, then none.

    Source: Carlin & Louis 2000, ch. 3.
    """
    if lives.covariates is not None or not np.all(lives.exact | ~lives.failed):
        raise BadData("pooling takes right-censored lives without covariates")
    learnt_from = lives
    if lives.groups > MOST_GROUPS_TO_LEARN:
        some = np.random.default_rng(0).choice(lives.groups, MOST_GROUPS_TO_LEARN, replace=False)
        learnt_from = lives.take_groups(np.sort(some))
    spread, converged = _learnt(learnt_from, prior)
    exposure, sums = _sums(lives)
    posterior = _posterior(_zoomed(exposure, sums, spread), sums, spread)
    return _pooled(posterior, spread, sums[0], converged, prior)


def _learnt(lives: Lives, prior: Prior) -> tuple[Spread, bool]:
    """Return the law of the groups, and whether its steps settled."""
    exposure, sums = _sums(lives)
    spread = _first_spread(lives, exposure, prior)
    grid = _zoomed(exposure, sums, spread)
    for cycle in range(CYCLES):
        one = _maximised(_posterior(grid, sums, spread), prior)
        two = _maximised(_posterior(grid, sums, one), prior)
        if _distance(one, two) < SETTLED:
            return two, True
        spread = _maximised(_posterior(grid, sums, _leapt(spread, one, two)), prior)
        if cycle in LAID_AGAIN:
            grid = _zoomed(exposure, sums, spread)
    return spread, False


def _leapt(spread: Spread, one: Spread, two: Spread) -> Spread:
    """Go on in the direction of two steps, as far as their shortening tells.

    Source: Varadhan & Roland 2008, Scandinavian J. Statistics 35, 335–353.
    """
    start, first, second = (_vector(each) for each in (spread, one, two))
    step, bend = first - start, second - 2 * first + start
    length = np.clip(np.linalg.norm(step) / max(float(np.linalg.norm(bend)), 1e-12), 1, LEAP)
    mean, deviation, scale, spread_of_scale = start + 2 * length * step + length**2 * bend
    return Spread(mean, float(np.exp(deviation)), scale, float(np.exp(spread_of_scale)))


def _vector(spread: Spread) -> Floats:
    return np.array(
        [
            spread.log_shape_mean,
            np.log(spread.log_shape_deviation),
            spread.log_scale_mean,
            np.log(spread.log_scale_deviation),
        ]
    )


def _sums(lives: Lives) -> tuple[Exposure, "Sums"]:
    """Return the exposure; and the failures, their log ages and the reference of each group."""
    exposure = exposure_of(lives.lower, lives.entry, lives.count, lives.offsets)
    sum_log = lives.per_group(np.where(lives.failed, exposure.log_exit, 0.0))
    return exposure, (lives.events, sum_log, exposure.log_reference)


Sums = tuple[Floats, Floats, Floats]


def _first_spread(lives: Lives, exposure: Exposure, prior: Prior) -> Spread:
    if prior.log_scale_mean is not None:
        log_scale = prior.log_scale_mean
    elif not lives.events.sum():
        raise BadData("no group has a failure: give a prior with log_scale_mean")
    else:
        shape = np.full(lives.groups, np.exp(prior.log_shape_mean))
        with np.errstate(divide="ignore"):
            log_total = np.log(exposure.sums(shape)[0]) + shape * exposure.log_reference
        together = np.logaddexp.reduce(log_total)
        log_scale = float((together - np.log(lives.events.sum())) / shape[0])
    return Spread(
        prior.log_shape_mean, prior.log_shape_deviation, log_scale, prior.log_scale_deviation
    )


def _zoomed(exposure: Exposure, sums: Sums, spread: Spread) -> _Grid:
    """Lay the grid of log shapes of each group about its posterior, ever closer."""
    groups = len(sums[0])
    centre = np.full(groups, spread.log_shape_mean)
    half = np.full(groups, REACH * spread.log_shape_deviation)
    steps = np.linspace(-1, 1, SHAPE_NODES)
    for _ in range(ZOOMS):
        grid = _laid(exposure, centre[:, None] + half[:, None] * steps)
        of_shape = _posterior(grid, sums, spread).weight.sum(axis=2)
        centre = np.sum(of_shape * grid.log_shape, axis=1)
        deviation = np.sqrt(np.sum(of_shape * (grid.log_shape - centre[:, None]) ** 2, axis=1))
        spacing = 2 * half / (SHAPE_NODES - 1)
        fitting = REACH * np.maximum(deviation, 0.6 * spacing)
        if np.all(half <= 1.3 * fitting):
            break
        half = fitting
    return grid


def _laid(exposure: Exposure, log_shape: Floats) -> _Grid:
    with np.errstate(divide="ignore"):
        columns = [np.log(exposure.sums(shape)[0]) for shape in np.exp(log_shape.T)]
    return _Grid(log_shape, np.column_stack(columns))


def _posterior(grid: _Grid, sums: Sums, spread: Spread) -> _Posterior:
    """Return the posterior on the shape grid times a grid of log scales laid about its own mode."""
    events, sum_log, reference = (part[:, None] for part in sums)
    shape = np.exp(grid.log_shape)
    mean = spread.log_scale_mean - reference
    precision = spread.log_scale_deviation**-2
    mode, curvature = _scale_mode(events, shape, grid.log_exposure, mean, precision)
    deviation = curvature**-0.5
    steps = np.linspace(-REACH, REACH, SCALE_NODES)
    log_scale = mode[:, :, None] + deviation[:, :, None] * steps
    value = (
        events[:, :, None] * (grid.log_shape[:, :, None] - shape[:, :, None] * log_scale)
        + (shape * sum_log)[:, :, None]
        - np.exp(grid.log_exposure[:, :, None] - shape[:, :, None] * log_scale)
        - 0.5 * precision * (log_scale - mean[:, :, None]) ** 2
        - 0.5 * ((grid.log_shape - spread.log_shape_mean) / spread.log_shape_deviation)[
            :, :, None] ** 2
        + np.log(deviation)[:, :, None]
    )  # fmt: skip
    weight = np.exp(value - value.max(axis=(1, 2), keepdims=True))
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    return _Posterior(weight, grid.log_shape, log_scale + reference[:, :, None])


def _scale_mode(
    events: Floats, shape: Floats, log_exposure: Floats, mean: Floats, precision: float
) -> tuple[Floats, Floats]:
    """Return the log scale of greatest posterior for each shape, and the curvature there."""
    with np.errstate(divide="ignore"):
        own = (log_exposure - np.log(np.maximum(events, 0.3))) / shape
    log_scale = np.where(events > 0, own, np.maximum(mean, own))
    for _ in range(30):
        expected = np.exp(np.minimum(log_exposure - shape * log_scale, 300.0))
        slope = shape * (expected - events) - precision * (log_scale - mean)
        curvature = shape**2 * expected + precision
        step = np.clip(slope / curvature, -2, 2)
        log_scale = log_scale + step
        if np.max(np.abs(step)) < 1e-6:
            break
    return log_scale, curvature


def _maximised(posterior: _Posterior, prior: Prior) -> Spread:
    weight, groups, worth = posterior.weight, len(posterior.weight), prior.worth_groups
    of_shape = weight.sum(axis=2)
    shape_sum = float(np.sum(of_shape * posterior.log_shape))
    shape_mean = (shape_sum + worth * prior.log_shape_mean) / (groups + worth)
    shape_square = float(np.sum(of_shape * (posterior.log_shape - shape_mean) ** 2))
    scale_sum, scale_count = float(np.sum(weight * posterior.log_scale)), float(groups)
    if prior.log_scale_mean is not None:
        scale_sum, scale_count = scale_sum + worth * prior.log_scale_mean, groups + worth
    scale_mean = scale_sum / scale_count
    scale_square = float(np.sum(weight * (posterior.log_scale - scale_mean) ** 2))
    return Spread(
        shape_mean,
        float(np.sqrt((shape_square + worth * prior.log_shape_deviation**2) / (groups + worth))),
        scale_mean,
        float(np.sqrt((scale_square + worth * prior.log_scale_deviation**2) / (groups + worth))),
    )


def _distance(one: Spread, other: Spread) -> float:
    return float(np.max(np.abs(_vector(one) - _vector(other))))


def _pooled(
    posterior: _Posterior, spread: Spread, events: Floats, converged: bool, prior: Prior
) -> Pooled:
    groups = len(events)
    weight = posterior.weight.reshape(groups, -1)
    log_shape = np.repeat(posterior.log_shape, posterior.weight.shape[2], axis=1)
    log_scale = posterior.log_scale.reshape(groups, -1)
    mean = np.column_stack([np.sum(weight * v, axis=1) for v in (log_scale, log_shape)])
    away = np.stack([log_scale - mean[:, :1], log_shape - mean[:, 1:]])
    covariance = np.einsum("pgn,qgn,gn->gpq", away, away, weight)
    return Pooled(spread, mean, covariance, log_scale, log_shape, weight, events, converged, prior)
