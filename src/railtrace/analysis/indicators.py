"""The indicators of the dependability standards, with the interval each figure stands in.

What vehicles did and suffered in a period is summed into a `Service`; every indicator is a row of
`INDICATORS` computed from one. Nothing happened is never told as "for ever": then only the bound
stands. Terms: GOST 27.002, GOST 32192, GOST 33943, IEC 60050-192.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np
from scipy.stats import chi2, norm, poisson
from scipy.stats import t as student

from railtrace.analysis.evidence import Evidence, evidence
from railtrace.errors import BadData

MILLION_KM = 1e6
CONFIDENCE = 0.9
"""Two-sided; each end holds nineteen times in twenty."""
RUN_OF_POINTS = 8
"""So many months in a row on one side of the middle are a signal (Western Electric, rule 4)."""
OUTSIDE = 0.0027
"""Chance that a month of a steady process lies outside the limits: three standard deviations."""


@dataclass(frozen=True)
class Hours:
    """One vehicle's hours of states in a period; waits are hours without work on a failure."""

    available: float = 0.0
    planned: float = 0.0
    active: float = 0.0
    waiting: float = 0.0


@dataclass(frozen=True)
class Service:
    """What vehicles of a group did and suffered in a period.

    Attributes
    ----------
    km : run by all of them
    failures : of the classes that are counted
    incidents : failures that delayed a train for at least the minutes asked for
    hours : of each vehicle
    restorations : (hours of work, hours of waiting) of each stop for an unplanned repair
    """

    km: float
    failures: int
    incidents: int
    hours: tuple[Hours, ...]
    restorations: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.km >= 0 or min(self.failures, self.incidents) < 0:
            raise BadData("kilometres and failures of an indicator are never negative")


@dataclass(frozen=True)
class Figure:
    """A value in its 90 % interval; None where only a bound, or nothing, can be told."""

    value: float | None
    low: float
    high: float
    events: int

    @property
    def evidence(self) -> Evidence:
        """The step of the evidence ladder it stands on."""
        return evidence(self.events)


NOTHING = Figure(None, 0.0, inf, 0)


@dataclass(frozen=True)
class Indicator:
    """An indicator: how it is computed, what it is counted in, and where it is defined."""

    key: str
    unit: str
    of: Callable[[Service], Figure]
    source: str
    behind: str
    """What a reader finds behind the number: failures, incidents, repairs or hours."""


def rate(count: int, exposure: float, scale: float = 1.0) -> Figure:
    """Return events for so much exposure, its exact Poisson interval; without events the bound.

    Source: F. Garwood, Biometrika 28 (1936); IEC 60605-4.
    """
    if exposure <= 0:
        return NOTHING
    tail = (1 - CONFIDENCE) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(1 - tail, 2 * (count + 1))) / 2
    by = scale / exposure
    return Figure(count * by if count else None, low * by, high * by, count)


def mean_between(count: int, exposure: float) -> Figure:
    """Return exposure for each event: the inverse of the rate, with its bounds exchanged."""
    if exposure <= 0:
        return NOTHING
    found = rate(count, exposure)
    return Figure(
        exposure / count if count else None,
        1 / found.high, 1 / found.low if found.low else inf, count,
    )  # fmt: skip


def mean_of(values: Sequence[float]) -> Figure:
    """Return the mean of times above zero; its interval on the log scale, from three values on."""
    n = len(values)
    if not n:
        return NOTHING
    mean = float(np.mean(values))
    if n < 3 or mean <= 0:
        return Figure(mean, 0.0, inf, n)
    error = float(np.std(values, ddof=1)) / sqrt(n) / mean
    reach = exp(float(student.ppf((1 + CONFIDENCE) / 2, n - 1)) * error)
    return Figure(mean, mean / reach, mean * reach, n)


def share_of_hours(up: Sequence[float], counted: Sequence[float], events: int) -> Figure:
    """Return up over counted hours; its interval from the differences between vehicles.

    One vehicle, or none that was ever down, tells no spread: then the whole range is open.
    """
    a, b = np.asarray(up, float), np.asarray(counted, float)
    total = float(b.sum())
    if total <= 0:
        return NOTHING
    value, n = float(a.sum()) / total, int(np.sum(b > 0))
    if n < 2 or not 0 < value < 1:
        return Figure(value, 0.0, 1.0, events)
    variance = n / (n - 1) * float(np.sum((a - value * b) ** 2)) / total**2
    reach = float(norm.ppf((1 + CONFIDENCE) / 2)) * sqrt(variance) / (value * (1 - value))
    centre = log(value / (1 - value))
    return Figure(value, _share(centre - reach), _share(centre + reach), events)


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit > -700 else 0.0


def _up(service: Service) -> list[float]:
    return [some.available for some in service.hours]


def _among(service: Service, *parts: str) -> Figure:
    counted = [some.available + sum(getattr(some, part) for part in parts)
               for some in service.hours]  # fmt: skip
    return share_of_hours(_up(service), counted, len(service.restorations))


INDICATORS = (
    Indicator("failure_intensity", "1/10⁶ km",
              lambda s: rate(s.failures, s.km, MILLION_KM), "GOST 27.002, GOST 32192", "failures"),
    Indicator("mdbf", "km", lambda s: mean_between(s.failures, s.km),
              "EN 50126-1, IEC 60050-192", "failures"),
    Indicator("mtbf", "h", lambda s: mean_between(s.failures, sum(_up(s))),
              "GOST 27.002, IEC 60050-192", "failures"),
    Indicator("mtin", "km", lambda s: mean_between(s.incidents, s.km),
              "UK national fleet reliability: miles per technical incident", "incidents"),
    Indicator("mttr", "h", lambda s: mean_of([a + w for a, w in s.restorations]),
              "GOST 27.002, IEC 60050-192", "repairs"),
    Indicator("mttr_active", "h", lambda s: mean_of([a for a, _ in s.restorations]),
              "IEC 60050-192", "repairs"),
    Indicator("mttr_waiting", "h", lambda s: mean_of([w for _, w in s.restorations]),
              "IEC 60050-192", "repairs"),
    Indicator("inherent", "%", lambda s: _among(s, "active"),
              "GOST 27.002, GOST 33943, IEC 60050-192", "hours"),
    Indicator("technical", "%", lambda s: _among(s, "active", "planned"),
              "GOST 33943", "hours"),
    Indicator("operational", "%", lambda s: _among(s, "active", "planned", "waiting"),
              "EN 50126-1, IEC 60050-192", "hours"),
)  # fmt: skip
"""In the order of the page. The gamma-percent life needs lives, not sums: `gamma_life`."""


def gamma_life(entry: Sequence[float], leave: Sequence[float], failed: Sequence[bool],
               share: float) -> Figure:  # fmt: skip
    """Return the age that a share outlives, with its lower 95 % bound, of left-truncated lives.

    Parameters
    ----------
    entry, leave, failed : one piece of a life each, ages in one unit of measure
    share : the gamma of GOST 27.002, 0.9 for 90 %

    Notes
    -----
    Weibull, by the likelihood-ratio bound of `weibull.gamma_percent_bound`. Without failures the
    bound takes a constant hazard; above it nothing is told.
    """
    from railtrace.analysis.estimates import gamma_percent_life
    from railtrace.analysis.life_data import right_censored
    from railtrace.analysis.weibull import fit_right_censored, gamma_percent_bound

    events = int(np.sum(failed))
    watched = float(np.sum(np.subtract(leave, entry)))
    if watched <= 0:
        return NOTHING
    if events < 3:
        most = float(chi2.ppf(0.95, 2 * (events + 1))) / 2
        return Figure(None, -log(share) * watched / most, inf, events)
    lives = right_censored(leave, failed, entry=entry)
    fits = fit_right_censored(lives)
    if fits.why[0]:
        return Figure(None, 0.0, inf, events)
    life = gamma_percent_life(fits, share)
    low = float(gamma_percent_bound(lives, share)[0])
    return Figure(float(life.estimate[0]), low if low > 0 else 0.0, float(life.high[0]), events)


# --- control ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Control:
    """One period on a control chart of counts: the rate, the limits around the common middle."""

    label: str
    count: int
    exposure: float
    rate: float | None
    low: float
    high: float
    signal: str
    """Why a steady process does not do so: `above`, `below`, `run`; "" if it may."""


def control_chart(
    labels: Sequence[str], counts: Sequence[int], exposures: Sequence[float], scale: float = 1.0
) -> tuple[float, list[Control]]:
    """Return the middle and the periods of a u-chart with exact Poisson limits.

    Source: ISO 7870-2 for the chart; limits by the Poisson law instead of its normal neighbour,
    which fails at two or three failures a month.
    """
    total = float(np.sum(exposures))
    middle = float(np.sum(counts)) / total if total > 0 else 0.0
    found, side, length = [], 0, 0
    for label, count, exposure in zip(labels, counts, exposures, strict=True):
        if exposure <= 0:
            found.append(Control(label, count, 0.0, None, 0.0, 0.0, ""))
            continue
        expected = middle * exposure
        low = float(poisson.ppf(OUTSIDE / 2, expected))
        high = float(poisson.ppf(1 - OUTSIDE / 2, expected))
        now = (count > expected) - (count < expected)
        length = length + 1 if now and now == side else int(now != 0)
        side = now
        signal = "above" if count > high else "below" if count < low else (
            "run" if length >= RUN_OF_POINTS else "")  # fmt: skip
        by = scale / exposure
        found.append(Control(label, count, exposure, count * by, low * by, high * by, signal))
    return middle * scale, found


@dataclass(frozen=True)
class Trend:
    """Whether events come sooner or later than their share of the exposure."""

    statistic: float
    p: float
    direction: str
    """`growing`, `falling`, or "" where chance alone may do it, or too few events tell."""


def trend_of(counts: Sequence[int], exposures: Sequence[float]) -> Trend:
    """Return the Laplace test of counts by period, each in the middle of its exposure.

    Source: IEC 60605-6; five events at least.
    """
    total, events = float(np.sum(exposures)), int(np.sum(counts))
    if events < 5 or total <= 0:
        return Trend(0.0, 1.0, "")
    share = np.asarray(exposures, float) / total
    middle = np.cumsum(share) - share / 2
    # Of periods the middles vary a little less than a uniform moment does.
    variance = float(share @ middle**2) - float(share @ middle) ** 2
    u = (float(np.asarray(counts) @ middle) - events / 2) / sqrt(events * variance)
    p = 2 * float(norm.sf(abs(u)))
    return Trend(u, p, "" if p > 1 - CONFIDENCE else "growing" if u > 0 else "falling")
