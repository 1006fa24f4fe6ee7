"""The quality index: violations weighted by the damage they do, for every thousand kilometres."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import gamma


@dataclass(frozen=True)
class Index:
    """Weighted violations for 1000 km with an interval; None where nothing was run."""

    violations: int
    km: float
    value: float | None
    low: float | None
    high: float | None


def quality_index(
    counts: Mapping[str, int], weights: Mapping[str, float], km: float, confidence: float = 0.9,
    errors: Mapping[str, float] | None = None,
) -> Index:  # fmt: skip
    """Return the index of what was violated over some kilometres.

    Parameters
    ----------
    counts : violations by rule
    weights : how much one violation of a rule weighs; a rule without a weight weighs 1
    km : run in the same time [km]
    errors : standard deviations of weights that were estimated

    Source of the interval: M. P. Fay, E. J. Feuer, Confidence intervals for directly standardized
    rates: a method based on the gamma distribution, Statistics in Medicine 16 (1997) 791-801.
    """
    total = sum(counts.values())
    if km <= 0:
        return Index(total, km, None, None, None)
    used = {rule: weights.get(rule, 1.0) * 1000 / km for rule in counts}
    value = sum(used[rule] * count for rule, count in counts.items())
    variance = sum(used[rule] ** 2 * count for rule, count in counts.items())
    told = errors or {}
    variance += sum(
        (told.get(rule, 0.0) * 1000 / km * count) ** 2 for rule, count in counts.items()
    )
    largest = max([*used.values(), *(w * 1000 / km for w in weights.values())], default=1000 / km)
    tail = (1 - confidence) / 2
    low = 0.0
    if value > 0:
        low = float(gamma.ppf(tail, value**2 / variance, scale=variance / value))
    above, spread = value + largest, variance + largest**2
    high = float(gamma.ppf(1 - tail, above**2 / spread, scale=spread / above))
    return Index(total, km, value, low, high)
