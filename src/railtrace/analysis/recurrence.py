"""Repeated failures of repaired units: mean cumulative function, power law, log-linear law.

Ages run on through a repair. A system is one unit, or one position, watched over one span.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm

from railtrace.analysis.estimates import NO_EVENTS, TOO_MANY_STEPS, Bounded
from railtrace.analysis.evidence import ladder
from railtrace.analysis.life_data import MOST_FAULTS_TOLD, Flags, Floats, Ints, totals
from railtrace.analysis.weibull import exposure_of, profile_shape, scale_and_shape
from railtrace.errors import BadData

# --- Histories -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Histories:
    """Failures of systems watched over spans of age, in groups.

    Attributes
    ----------
    start, stop : shape (systems,)
        A system is watched over (start, stop]; systems are sorted by group.
    offsets : shape (groups + 1,)
        Systems of group g are offsets[g]:offsets[g + 1].
    age, system : shape (m,)
        Failures, sorted by system and age.
    ended_by_failure : shape (systems,)
        True where watching was to stop at a failure, not at an age (failure-truncated).
    """

    start: Floats
    stop: Floats
    offsets: Ints
    age: Floats
    system: Ints
    ended_by_failure: Flags

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.offsets) - 1

    @property
    def group_of_system(self) -> Ints:
        """The group of each system, shape (systems,)."""
        return np.repeat(np.arange(self.groups), np.diff(self.offsets))

    @property
    def group(self) -> Ints:
        """The group of each failure, shape (m,)."""
        return self.group_of_system[self.system]

    @property
    def failures(self) -> Floats:
        """Failures of each system, shape (systems,)."""
        return np.bincount(self.system, minlength=len(self.stop)).astype(np.float64)

    @property
    def events(self) -> Floats:
        """Failures of each group, shape (groups,)."""
        return np.bincount(self.group, minlength=self.groups).astype(np.float64)

    def take_group(self, group: int) -> "Histories":
        """Return one group by itself."""
        systems = slice(self.offsets[group], self.offsets[group + 1])
        rows = (self.system >= systems.start) & (self.system < systems.stop)
        return Histories(
            self.start[systems],
            self.stop[systems],
            np.array([0, systems.stop - systems.start]),
            self.age[rows],
            self.system[rows] - systems.start,
            self.ended_by_failure[systems],
        )

    def of_group(self, values: ArrayLike) -> Floats:
        """Return the sums by group of a value per failure."""
        return totals(self.group, values, self.groups)

    def of_systems(self, values: ArrayLike) -> Floats:
        """Return the sums by group of a value per system."""
        return totals(self.group_of_system, values, self.groups)


def histories(
    stop: ArrayLike,
    age: ArrayLike,
    system: ArrayLike,
    *,
    start: ArrayLike | None = None,
    group: ArrayLike | None = None,
    ended_by_failure: ArrayLike = False,
) -> Histories:
    """Return failure histories, checked and sorted.

    Parameters
    ----------
    stop, start : shape (systems,); start is 0 if not given
    age, system : shape (m,)
        Age at each failure and the number of its system, from 0.
    group : shape (systems,), integers from 0; every number up to the greatest must occur
    ended_by_failure : shape (systems,) or one value

    Raises
    ------
    BadData : a span is empty, a failure lies outside its system's span, a group is empty.
    """
    until, ages = np.asarray(stop, float), np.asarray(age, float)
    since = np.zeros(len(until)) if start is None else np.asarray(start, float)
    owner = np.asarray(system, dtype=np.int64)
    found = tuple(_faults(since, until, ages, owner))
    if found:
        told = "; ".join(f"row {row + 1}: {why}" for row, why in found[:MOST_FAULTS_TOLD])
        raise BadData("{text}", found, text=told)
    of = np.zeros(len(until), np.int64) if group is None else np.asarray(group, np.int64)
    sizes = np.bincount(of)
    if np.any(sizes == 0):
        raise BadData("group {group} has no systems", group=int(np.flatnonzero(sizes == 0)[0]))
    order = np.argsort(of, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    by_failure = np.broadcast_to(np.asarray(ended_by_failure, np.bool_), until.shape)[order]
    rows = np.lexsort((ages, place[owner]))
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    owner = place[owner][rows]
    return Histories(since[order], until[order], offsets, ages[rows], owner, by_failure)


def _faults(start: Floats, stop: Floats, age: Floats, system: Ints) -> Iterator[tuple[int, str]]:
    if len(stop) == 0:
        yield 0, "there are no systems"
        return
    for k in np.flatnonzero(~(np.isfinite(stop) & np.isfinite(start) & (start >= 0))):
        yield int(k), f"system {k}: the span {start[k]:g} to {stop[k]:g} is not one of ages"
    for k in np.flatnonzero(stop <= start):
        yield int(k), f"system {k}: the entry {start[k]:g} is not before the exit {stop[k]:g}"
    unknown = (system < 0) | (system >= len(stop))
    for row in np.flatnonzero(unknown):
        yield int(row), f"system {system[row]} has no span"
    owner = np.where(unknown, 0, system)
    outside = ~((age > start[owner]) & (age <= stop[owner])) & ~unknown
    for row in np.flatnonzero(outside):
        k = owner[row]
        span = f"({start[k]:g}, {stop[k]:g}]"
        yield int(row), f"the failure at {age[row]:g} is outside the span {span} of its system"


# --- Mean cumulative function --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class MeanCumulative:
    """Mean cumulative number (or cost) of failures per system; groups one after another.

    Attributes
    ----------
    offsets : shape (groups + 1,)
        Ages of group g are offsets[g]:offsets[g + 1].
    age, mean, variance, at_risk, failures : shape (k,)
    """

    offsets: Ints
    age: Floats
    mean: Floats
    variance: Floats
    at_risk: Floats
    failures: Floats

    def bounded(self, confidence: float = 0.9) -> Bounded:
        """Return the mean with pointwise bounds, Wald on its logarithm."""
        reach = np.exp(norm.ppf(0.5 + confidence / 2) * np.sqrt(self.variance) / self.mean)
        return Bounded(self.mean, self.mean / reach, self.mean * reach)

    def at(self, age: float, group: int = 0) -> tuple[float, float]:
        """Return the mean and its variance at an age."""
        rows = slice(self.offsets[group], self.offsets[group + 1])
        place = int(np.searchsorted(self.age[rows], age, side="right")) - 1
        if place < 0:
            return 0.0, 0.0
        return float(self.mean[rows][place]), float(self.variance[rows][place])


def mean_cumulative(
    data: Histories, cost: ArrayLike | None = None, *, increments_independent: bool = False
) -> MeanCumulative:
    """Return the mean cumulative function of each group.

    Parameters
    ----------
    data : histories of the groups
    cost : shape (m,)
        Of each failure, in the order of `data.age`; None: each counts one.
    increments_independent : bool
        False: the robust variance, which holds whatever ties a system's failures together.
        True: the variance that some texts print, right only where increments are independent.

    Notes
    -----
    A sort and cumulative sums, whatever the number of groups. The robust variance is the sum over
    systems of the square of (own cost / at risk) minus its expected value so far.

    Source: Nelson 1995, Technometrics 37(2), 147–157; Lawless & Nadeau 1995, Technometrics 37(2),
    158–168. The independent form: ReliaWiki, recurrent event data analysis. Checked against
    data/reliability R18, R20, R37.
    """
    paid = np.ones(len(data.age)) if cost is None else np.asarray(cost, float)
    marks = _marks(data)
    at_risk = np.cumsum(marks.change)[marks.is_failure]
    rows = marks.row[marks.is_failure]
    group, age, paid = data.group[rows], data.age[rows], paid[rows]
    fresh = np.concatenate(([True], (age[1:] != age[:-1]) | (group[1:] != group[:-1])))[: len(age)]
    last = np.flatnonzero(np.concatenate((fresh[1:], [True]))[: len(age)])
    offsets = np.searchsorted(group[last], np.arange(data.groups + 1))
    mean = _within_group(np.cumsum(paid / at_risk)[last], offsets)
    if increments_independent:
        variance = _independent_variance(paid, at_risk, last, offsets)
    else:
        variance = _robust_variance(data, marks, paid, at_risk, last)
    failures = np.diff(last, prepend=-1).astype(np.float64)
    return MeanCumulative(offsets, age[last], mean, variance, at_risk[last], failures)


@dataclass(frozen=True, eq=False)
class _Marks:
    """Failures, entries and exits in order of group and age; failures come before at equal age."""

    row: Ints
    is_failure: Flags
    change: Floats


def _marks(data: Histories) -> _Marks:
    m, systems = len(data.age), len(data.stop)
    group = np.concatenate([data.group, data.group_of_system, data.group_of_system])
    age = np.concatenate([data.age, data.start, data.stop])
    row = np.concatenate([np.arange(m), np.arange(systems), np.arange(systems)])
    kind = np.repeat([0, 1, 2], [m, systems, systems])
    order = np.lexsort((kind, age, group))
    change = np.array([0.0, 1.0, -1.0])[kind[order]]
    return _Marks(row[order], kind[order] == 0, change)


def _within_group(cumulative: Floats, offsets: Ints) -> Floats:
    """Take from a running total what earlier groups brought."""
    base = np.concatenate(([0.0], cumulative))[offsets[:-1]]
    fresh: Floats = cumulative - np.repeat(base, np.diff(offsets))
    return fresh


def _independent_variance(paid: Floats, at_risk: Floats, last: Ints, offsets: Ints) -> Floats:
    steps = (paid**2 - paid**2 / at_risk) / at_risk**2
    return _within_group(np.cumsum(steps)[last], offsets)


def _robust_variance(
    data: Histories, marks: _Marks, paid: Floats, at_risk: Floats, last: Ints
) -> Floats:
    """Return the sum over systems of (own - expected) ** 2 at each age, by running totals.

    With N the own sum of cost / at risk, and K the sum over all failures of cost / at risk ** 2,
    a system's expected part is K(now or its stop) - K(its start). The square is multiplied out, and
    each product is a running total over failures, entries and exits.
    """
    rows = marks.row[marks.is_failure]
    own_step = np.empty(len(rows))
    own_step[rows] = paid / at_risk
    own_before = _before_within(own_step, data.system)
    own_final = totals(data.system, own_step, len(data.stop))
    mark_offsets = np.concatenate(([0], np.cumsum(data.events + 2 * np.diff(data.offsets))))
    mark_offsets = mark_offsets.astype(np.int64)
    expected = np.zeros(len(marks.row))
    expected[marks.is_failure] = paid / at_risk**2
    expected = _within_group(np.cumsum(expected), mark_offsets)
    at_start, at_stop = np.empty(len(data.stop)), np.empty(len(data.stop))
    enters, leaves = marks.change > 0, marks.change < 0
    at_start[marks.row[enters]] = expected[enters]
    at_stop[marks.row[leaves]] = expected[leaves]

    def running(failing: Floats, entering: Floats, leaving: Floats) -> Floats:
        steps = np.empty(len(marks.row))
        steps[marks.is_failure] = failing[rows]
        steps[enters], steps[leaves] = entering[marks.row[enters]], leaving[marks.row[leaves]]
        return _within_group(np.cumsum(steps), mark_offsets)[marks.is_failure][last]

    none, one = np.zeros(len(rows)), np.ones(len(data.stop))
    zero = np.zeros(len(data.stop))
    share = at_stop - at_start
    squares = running(
        2 * own_before * own_step + own_step**2, zero, share**2 - 2 * own_final * share
    )
    now = expected[marks.is_failure][last]
    active = running(none, one, -one)
    starts = running(none, at_start, -at_start)
    start_squares = running(none, at_start**2, -(at_start**2))
    own = running(own_step, zero, -own_final)
    own_starts = running(own_step * at_start[data.system], zero, -own_final * at_start)
    of_active = active * now**2 - 2 * now * starts + start_squares - 2 * (now * own - own_starts)
    return np.maximum(squares + of_active, 0.0)


def _before_within(steps: Floats, system: Ints) -> Floats:
    """Return the running total before each step, within its system; systems are in order."""
    before = np.cumsum(steps) - steps
    first = np.searchsorted(system, system, side="left")
    return before - before[first]


@dataclass(frozen=True)
class MeanDifference:
    """How two mean cumulative functions differ."""

    age: Floats
    difference: Floats
    low: Floats
    high: Floats
    z: float
    p_value: float


def compare_means(one: Histories, other: Histories, confidence: float = 0.9) -> MeanDifference:
    """Return the difference of two mean cumulative functions and one test of no difference.

    Parameters
    ----------
    one, other : one group each
    confidence : in (0, 1)
        Of the pointwise two-sided bounds on `difference`, one minus other.

    Notes
    -----
    Variances are robust. The test sums the differences of the rates, weighted by
    at risk * at risk / both, and takes its variance from the systems (a log-rank test for
    recurrences).

    Source: Doganaksoy & Nelson 1998, Lifetime Data Analysis 4, 271–281; Cook, Lawless & Nadeau
    1996, Biometrics 52, 557–571.
    """
    curves = mean_cumulative(one), mean_cumulative(other)
    age = np.unique(np.concatenate([curve.age for curve in curves]))
    age = age[age <= min(one.stop.max(), other.stop.max())]
    values = [np.array([curve.at(t) for t in age]) for curve in curves]
    difference = values[0][:, 0] - values[1][:, 0]
    reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(values[0][:, 1] + values[1][:, 1])
    z = _recurrence_log_rank(one, other, age)
    return MeanDifference(
        age, difference, difference - reach, difference + reach, z, float(2 * norm.sf(abs(z)))
    )


def _recurrence_log_rank(one: Histories, other: Histories, age: Floats) -> float:
    at_risk = [_watched(data, age) for data in (one, other)]
    both = at_risk[0] + at_risk[1]
    with np.errstate(all="ignore"):
        weight = np.where(np.minimum(*at_risk) > 0, at_risk[0] * at_risk[1] / both, 0.0)
    parts = [
        _weighted_parts(data, age, r, weight) for data, r in zip((one, other), at_risk, strict=True)
    ]
    total = parts[0][0] - parts[1][0]
    with np.errstate(all="ignore"):
        return float(total / np.sqrt(parts[0][1] + parts[1][1]))


def _watched(data: Histories, age: Floats) -> Floats:
    entered = np.searchsorted(np.sort(data.start), age, side="left")
    left = np.searchsorted(np.sort(data.stop), age, side="left")
    return (entered - left).astype(np.float64)


def _weighted_parts(
    data: Histories, age: Floats, at_risk: Floats, weight: Floats
) -> tuple[float, float]:
    """Return the weighted sum of rates of one group, and the robust variance of it."""
    with np.errstate(all="ignore"):
        step = np.where(at_risk > 0, weight / at_risk, 0.0)
    inside = data.age <= age[-1]
    place = np.searchsorted(age, data.age[inside])
    failures = np.bincount(place, minlength=len(age))
    own = np.bincount(data.system[inside], step[place], len(data.stop))
    with np.errstate(all="ignore"):
        rate = np.where(at_risk > 0, failures / at_risk, 0.0)
    expected = np.concatenate(([0.0], np.cumsum(step * rate)))
    reached = [np.searchsorted(age, t, side="right") for t in (data.stop, data.start)]
    surplus = own - (expected[reached[0]] - expected[reached[1]])
    return float(np.sum(own)), float(np.sum(surplus**2))


# --- Power law (Crow-AMSAA) ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Failure intensity scale ** -shape * shape * age ** (shape - 1), one for each group.

    Attributes
    ----------
    theta : shape (groups, 2)
        Log scale, -log shape; NaN where not converged.
    covariance : shape (groups, 2, 2)
    unbiased_shape : shape (groups,)
        NaN where a system was not watched from age zero.
    log_likelihood, events : shape (groups,)
    why : shape (groups,), text; empty where converged
    """

    theta: Floats
    covariance: Floats
    unbiased_shape: Floats
    log_likelihood: Floats
    events: Floats
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

    def shape(self, confidence: float = 0.9) -> Bounded:
        """Return the shape with Wald bounds on its logarithm: above 1, failures come faster."""
        middle = -self.theta[:, 1]
        reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(self.covariance[:, 1, 1])
        return Bounded(*(np.exp(middle + step) for step in (0, -reach, reach)))

    def scale(self, confidence: float = 0.9) -> Bounded:
        """Return the age of the first expected failure, with Wald bounds on its logarithm."""
        middle = self.theta[:, 0]
        reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(self.covariance[:, 0, 0])
        return Bounded(*(np.exp(middle + step) for step in (0, -reach, reach)))

    def intensity(self, age: ArrayLike, confidence: float = 0.9) -> Bounded:
        """Return failures per unit of age at an age, with Wald bounds on the logarithm."""
        shape, ages = np.exp(-self.theta[:, 1]), np.asarray(age, float)
        reduced = np.log(ages) - self.theta[:, 0]
        middle = np.log(shape) + shape * reduced - np.log(ages)
        slopes = np.column_stack([-shape, -(1 + shape * reduced)])
        variance = np.einsum("gp,gpq,gq->g", slopes, self.covariance, slopes)
        reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(variance)
        return Bounded(*(np.exp(middle + step) for step in (0, -reach, reach)))


def fit_power_law(data: Histories) -> PowerLaw:
    """Return the power-law process of each group, by maximum likelihood.

    Parameters
    ----------
    data : histories; systems of a group share one law, entries allowed

    Notes
    -----
    `unbiased_shape` is (M - 1) / sum of log(stop / age), with M the failures less one for each
    system that was to stop at a failure.

    Source: Crow 1974; MIL-HDBK-189C, 6.2; IEC 61710. Checked against data/reliability R22, R24.
    """
    exposure = exposure_of(data.stop, data.start, None, data.offsets)
    log_age = np.log(data.age) - exposure.log_reference[data.group]
    events, sum_log = data.events, data.of_group(log_age)
    shape = profile_shape(exposure, events, sum_log)
    theta, covariance = scale_and_shape(shape, exposure.log_reference, events, sum_log)
    beta = np.exp(-theta[:, 1])
    total_log = data.of_group(np.log(data.age))
    with np.errstate(invalid="ignore"):
        value = events * (-theta[:, 1] - beta * theta[:, 0] - 1) + (beta - 1) * total_log
    failed = shape.why != ""
    theta[failed], covariance[failed], value[failed] = np.nan, np.nan, np.nan
    return PowerLaw(theta, covariance, _unbiased_shape(data), value, events, shape.why)


def _unbiased_shape(data: Histories) -> Floats:
    freedom, total = power_law_pivot(data)
    with np.errstate(all="ignore"):
        return np.where(freedom > 1, (freedom - 1) / total, np.nan)


def power_law_pivot(data: Histories) -> tuple[Floats, Floats]:
    """Return M and the sum of log(stop / age): twice shape times the sum is chi-square with 2 M.

    Shape (groups,) each; NaN sum where a system was not watched from age zero.
    """
    lost = data.of_systems(data.ended_by_failure & (data.failures > 0))
    total = data.of_group(np.log(data.stop[data.system] / data.age))
    whole = data.of_systems(data.start > 0) == 0
    return data.events - lost, np.where(whole, total, np.nan)


def exact_shape_interval(data: Histories, confidence: float = 0.9) -> Bounded:
    """Return the unbiased power-law shape of each group with its exact two-sided interval.

    Source: MIL-HDBK-189C, 6.2.
    """
    freedom, total = power_law_pivot(data)
    tail = (1 - confidence) / 2
    with np.errstate(all="ignore"):
        low, high = (chi2.ppf(q, 2 * freedom) / (2 * total) for q in (tail, 1 - tail))
    return Bounded(_unbiased_shape(data), low, high)


# --- Log-linear law (Cox-Lewis) ------------------------------------------------------------------

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)
LOG_LINEAR_STEPS = 60
GREATEST_GROWTH = 60.0


@dataclass(frozen=True, eq=False)
class LogLinear:
    """Failure intensity exp(level + growth * age), one for each group.

    theta (groups, 2) is level and growth, NaN where not converged; covariance (groups, 2, 2);
    log_likelihood, events and why (groups,).
    """

    theta: Floats
    covariance: Floats
    log_likelihood: Floats
    events: Floats
    why: NDArray[np.object_]

    @property
    def converged(self) -> Flags:
        """Where an estimate exists."""
        found: Flags = self.why == ""
        return found

    def growth(self, confidence: float = 0.9) -> Bounded:
        """Return the growth with Wald bounds: above 0, failures come faster."""
        middle = self.theta[:, 1]
        reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(self.covariance[:, 1, 1])
        return Bounded(middle, middle - reach, middle + reach)


def fit_log_linear(data: Histories) -> LogLinear:
    """Return the log-linear process of each group, by maximum likelihood.

    Parameters
    ----------
    data : histories; systems of a group share one law, entries allowed

    Notes
    -----
    The level is eliminated; what is left is concave in the growth. Integrals of exp(growth * age)
    over a span are 32-point Gauss–Legendre sums, exact to rounding for growth * span up to 60.

    Source: Cox & Lewis 1966, ch. 3.
    """
    oldest = np.maximum.reduceat(data.stop, data.offsets[:-1])
    reference = oldest[data.group_of_system]
    half = (data.stop - data.start) / reference / 2
    age = (data.stop + data.start)[:, None] / reference[:, None] / 2 + half[:, None] * NODES
    weight = half[:, None] * NODE_WEIGHTS
    events, total = data.events, data.of_group(data.age / oldest[data.group])
    growth, why = np.zeros(data.groups), np.full(data.groups, TOO_MANY_STEPS, dtype=object)
    for _ in range(LOG_LINEAR_STEPS):
        log_span, mean, square = _tilted(data, growth, age, weight)
        variance = square - mean**2
        with np.errstate(all="ignore"):
            step = np.clip((total / events - mean) / variance, -5, 5)
        why[np.abs(step) < 1e-9] = ""
        growth = np.clip(growth + np.where(why == "", 0.0, step), -GREATEST_GROWTH, GREATEST_GROWTH)
    why[events == 0] = NO_EVENTS
    return _log_linear(growth, oldest, events, total, (log_span, mean, square), why)


def _tilted(
    data: Histories, growth: Floats, age: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the log integral of exp(growth * age), and the first two moments of age in it."""
    power = np.exp(growth[data.group_of_system, None] * (age - 1)) * weight
    sums = [data.of_systems((power * age**k).sum(axis=1)) for k in range(3)]
    return np.log(sums[0]) + growth, sums[1] / sums[0], sums[2] / sums[0]


def _log_linear(
    growth: Floats,
    oldest: Floats,
    events: Floats,
    total: Floats,
    tilted: tuple[Floats, Floats, Floats],
    why: NDArray[np.object_],
) -> LogLinear:
    log_span, mean, square = tilted
    with np.errstate(all="ignore"):
        level = np.log(events) - log_span - np.log(oldest)
        theta = np.column_stack([level, growth / oldest])
        value = events * (level - 1) + growth * total
        mean, square = mean * oldest, square * oldest**2
        scale = events * (square - mean**2)
        covariance = np.array([[square, -mean], [-mean, np.ones_like(mean)]]) / scale
    covariance = np.moveaxis(covariance, -1, 0)
    failed = why != ""
    theta[failed], covariance[failed], value[failed] = np.nan, np.nan, np.nan
    return LogLinear(theta, covariance, value, events, why)
