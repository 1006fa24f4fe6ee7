"""Specific fuel use against a norm: stated, or estimated from the same route, mass and season.

A norm is fuel for 10⁴ gross tonne-kilometres (or for an hour); what a unit burnt is compared with
what its own runs would have burnt by the norms of their cells, never with another route.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEASONS = ("winter", "spring", "summer", "autumn")
MASS_BAND_T = 500.0
"""Width of the bands of mean gross mass that share an estimated norm [t]."""
LEAST_RUNS = 8
"""Runs of a cell under which no norm is estimated."""
CONFIDENCE = 0.9


@dataclass(frozen=True)
class Norm:
    """Fuel for one unit of work [kg], its interval; a stated norm has none and names its row."""

    value: float
    low: float
    high: float
    runs: int = 0
    units: int = 0
    row: str = ""

    @property
    def estimated(self) -> bool:
        """Whether it was computed from runs."""
        return not self.row


def cell_norm(work: Floats, fuel: Floats, unit: Ints) -> Norm | None:
    """Return the norm that the runs of one cell show; None where they are too few.

    Parameters
    ----------
    work, fuel : shape (n,), work above zero
    unit : shape (n,), who ran

    Source: ratio estimator over clusters, W. G. Cochran, Sampling Techniques, 3rd ed., 1977,
    sections 6.3 and 9A.2; runs of one unit are a cluster, or runs themselves with one unit only.
    """
    if len(work) < LEAST_RUNS:
        return None
    _, group = np.unique(unit, return_inverse=True)
    if group.max() == 0:
        group = np.arange(len(work))
    works, fuels = np.bincount(group, work), np.bincount(group, fuel)
    ratio = float(fuels.sum() / works.sum())
    count = len(works)
    off = fuels - ratio * works
    error = float(np.sqrt(count / (count - 1) * np.sum(off**2)) / works.sum())
    reach = float(student.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return Norm(ratio, max(ratio - reach, 0.0), ratio + reach, len(work), len(np.unique(unit)))


@dataclass(frozen=True)
class Use:
    """What some runs burnt against the norms of their cells; `ratio` 1 is the norm.

    `bare` are runs of cells without a norm: they are counted and not compared.
    """

    runs: int
    work: float
    fuel: float
    expected: float
    ratio: float | None
    low: float | None
    high: float | None
    bare: int = 0
    estimated_share: float = 0.0


def use_against(
    work: Floats, fuel: Floats, cell: Ints, norms: list[Norm | None], where: NDArray[np.bool_]
) -> Use:
    """Return the use of the runs that `where` picks.

    The interval holds the scatter of these runs and the doubt of the norms they are held against.
    """
    named = np.array([norm is not None for norm in norms], dtype=np.bool_)
    picked = np.flatnonzero(where & named[cell]) if len(cell) else np.zeros(0, np.int64)
    bare = int(np.sum(where)) - len(picked)
    value = np.array([norm.value if norm else 0.0 for norm in norms])
    expected = work[picked] * value[cell[picked]]
    total, burnt = float(expected.sum()), float(fuel[picked].sum())
    if total <= 0:
        return Use(int(np.sum(where)), float(work[where].sum()), float(fuel[where].sum()), 0.0,
                   None, None, None, bare)  # fmt: skip
    ratio = burnt / total
    spread = np.sqrt(_own_variance(fuel[picked], expected, ratio)
                     + _norm_variance(expected, cell[picked], norms))  # fmt: skip
    reach = float(student.ppf((1 + CONFIDENCE) / 2, max(len(picked) - 1, 1)) * spread)
    estimated = sum(
        float(expected[cell[picked] == n].sum()) for n, one in enumerate(norms) if one is not None
        and one.estimated
    )  # fmt: skip
    return Use(
        int(np.sum(where)), float(work[where].sum()), float(fuel[where].sum()), total, ratio,
        ratio * float(np.exp(-reach)), ratio * float(np.exp(reach)), bare, estimated / total,
    )  # fmt: skip


def _own_variance(fuel: Floats, expected: Floats, ratio: float) -> float:
    """Return the variance of the logarithm of the ratio by the scatter of the runs."""
    count = len(fuel)
    if count < 2:
        return 1.0
    off = fuel - ratio * expected
    return float(count / (count - 1) * np.sum(off**2) / (expected.sum() * ratio) ** 2)


def _norm_variance(expected: Floats, cell: Ints, norms: list[Norm | None]) -> float:
    """Return the variance of the logarithm of the expected sum by the doubt of its norms."""
    shares = np.bincount(cell, expected, len(norms)) / expected.sum()
    total = 0.0
    for share, norm in zip(shares.tolist(), norms, strict=True):
        if norm is not None and norm.estimated and share:
            reach = float(student.ppf((1 + CONFIDENCE) / 2, max(norm.units - 1, 1)))
            total += (share * (norm.high - norm.value) / norm.value / reach) ** 2
    return total


def season_of(month: int) -> str:
    """Return the season of a month: winter is December to February."""
    return SEASONS[month % 12 // 3]


def mass_band(mass_t: float) -> float:
    """Return the lower end of the band that a mean gross mass falls in [t]."""
    return float(np.floor(mass_t / MASS_BAND_T) * MASS_BAND_T)
