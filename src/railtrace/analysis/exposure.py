"""The sufficient table: kilometres and failures by type, vehicle, age and driving.

Everything a fleet's hazard needs of any number of lives; tables of several enterprises add up.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

Ints = NDArray[np.int64]

AGE_BINS, DRIVING_CELLS = 24, 5
YOUNGEST_KM = 3000.0
"""Upper edge of the first age bin; below it a log bin would split what nobody can tell apart."""
LEAST_KNOWN = 0.5
"""Share of a type's kilometres with a known age under which age is not used."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """Kilometres run and failures met, by type, vehicle, age and driving; one row a cell.

    Attributes
    ----------
    component, vehicle : shape (n,), indexes from zero
    age_km : shape (n,)
        Virtual age in the middle of the cell, above zero.
    driving : shape (n,)
        Quality of operation, centred; 0 where it is not known.
    span_km, failures : shape (n,), not negative
    components, vehicles : how many there are
    """

    component: Ints
    vehicle: Ints
    age_km: Floats
    driving: Floats
    span_km: Floats
    failures: Floats
    components: int
    vehicles: int

    def __post_init__(self) -> None:
        columns = (self.component, self.vehicle, self.age_km, self.driving, self.span_km,
                   self.failures)  # fmt: skip
        if len({len(column) for column in columns}) != 1:
            raise BadData("the columns of an exposure table differ in length")
        if len(self.age_km) and not (np.min(self.age_km) > 0 and np.isfinite(self.driving).all()):
            raise BadData("an exposure table wants ages above zero and a driving in every row")
        if len(self.span_km) and min(np.min(self.span_km), np.min(self.failures)) < 0:
            raise BadData("kilometres and failures of an exposure table are never negative")


@dataclass(frozen=True, eq=False)
class AgeSpread:
    """Ages that components of each type run at in the fleet, for places whose age is missing.

    age_km, share : shape (k, b); the shares of a type sum to one
    ageless : shape (k,)
        Types of which the ages are mostly unknown: what is known of them is the young part of the
        fleet and would pass for all of it, so age is not used.
    """

    age_km: Floats
    share: Floats
    ageless: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Stretches:
    """Pieces of components' lives under watch, each at one driving; one row a piece.

    Attributes
    ----------
    component, vehicle : shape (n,), indexes from zero
    entry_km : shape (n,)
        Virtual age at the start of the piece, NaN where it is missing.
    span_km : shape (n,), above zero
    driving : shape (n,), 0 where it is not known
    failed : shape (n,), whether the piece ends by a failure
    components, vehicles : how many there are
    """

    component: Ints
    vehicle: Ints
    entry_km: Floats
    span_km: Floats
    driving: Floats
    failed: NDArray[np.bool_]
    components: int
    vehicles: int


def sum_by(index: Ints, values: Floats, size: int) -> Floats:
    """Return the sums of values by index, shape (size,)."""
    return np.bincount(index, values, size).astype(np.float64)


def tabulate(pieces: Stretches) -> tuple[Exposure, AgeSpread]:
    """Return the exposure table of pieces of lives, and the ages the types run at.

    A piece without an age counts at the ages of its type's pieces that have one, in proportion to
    their kilometres; a type of which less than half is known counts without age.

    Raises
    ------
    BadData : no piece, a span not above zero, an age below zero.
    """
    _require(pieces)
    ageless = _ageless(pieces)
    known = ~np.isnan(pieces.entry_km) & ~ageless[pieces.component]
    edges = _edges(pieces, known)
    cell, driving = _cells(pieces.driving)
    size = (pieces.components, pieces.vehicles, len(edges) - 1, len(driving))
    row, age_bin, span = _by_age(pieces.entry_km[known], pieces.span_km[known], edges)
    rows = np.flatnonzero(known)[row]
    at = (pieces.component[rows], pieces.vehicle[rows], age_bin, cell[rows])
    last = np.append(row[1:] != row[:-1], True)
    spans = _sum(size, at, span)
    failures = _sum(size, at, np.where(last, pieces.failed[rows], 0.0))
    spread = _spread(spans, edges, ageless)
    spans += _missing(pieces, ~known, cell, size, pieces.span_km, spread)
    failures += _missing(pieces, ~known, cell, size, pieces.failed.astype(float), spread)
    k, v, b, c = np.nonzero(spans)
    table = Exposure(
        component=k, vehicle=v, age_km=spread.age_km[k, b], driving=driving[c],
        span_km=spans[k, v, b, c], failures=failures[k, v, b, c],
        components=pieces.components, vehicles=pieces.vehicles,
    )  # fmt: skip
    return table, spread


def failing_ages(pieces: Stretches) -> Floats:
    """Return the age at which components of each type fail, NaN for types that go without age.

    The mean age of the failures whose age is known, the middle age of the type's kilometres beside
    them as one failure more.
    """
    known = ~np.isnan(pieces.entry_km) & ~_ageless(pieces)[pieces.component]
    kind, span, entry = pieces.component[known], pieces.span_km[known], pieces.entry_km[known]
    failed, size = pieces.failed[known].astype(float), pieces.components
    with np.errstate(invalid="ignore"):
        middle = sum_by(kind, span * (entry + span / 2), size) / sum_by(kind, span, size)
    total = sum_by(kind, failed * (entry + span), size)
    return np.asarray((total + middle) / (sum_by(kind, failed, size) + 1))


def inferred_ages(age_km: Floats, mended_km: Floats, failing_km: Floats, kept: float) -> Floats:
    """Return ages, the missing ones of components that failed under watch inferred.

    Parameters
    ----------
    age_km : shape (n,), NaN where it is missing
    mended_km : shape (n,)
        What was added to the age since the first failure under watch, NaN before one.
    failing_km : shape (n,), the age at which components of its type fail
    kept : share of its age that a repaired component keeps

    A component of unknown age that failed and was mended is younger than its sisters: left at the
    ages of them all, it would be expected to fail more often than it can, and what its vehicle
    differs by would be laid on that.
    """
    return np.where(np.isnan(age_km), kept * failing_km + mended_km, age_km)


def _ageless(pieces: Stretches) -> NDArray[np.bool_]:
    told = np.where(np.isnan(pieces.entry_km), 0.0, pieces.span_km)
    known = sum_by(pieces.component, told, pieces.components)
    return known < LEAST_KNOWN * sum_by(pieces.component, pieces.span_km, pieces.components)


def _require(pieces: Stretches) -> None:
    if not len(pieces.span_km):
        raise BadData("no piece of any life is under watch")
    if not np.all(pieces.span_km > 0):
        raise BadData("piece {row}: its kilometres are not above zero",
                      row=int(np.argmin(pieces.span_km > 0)) + 1)  # fmt: skip
    if np.any(pieces.entry_km < 0):
        raise BadData("an age below zero: measured from which moment?")


def _edges(pieces: Stretches, known: NDArray[np.bool_]) -> Floats:
    ends = pieces.entry_km[known] + pieces.span_km[known]
    oldest = float(np.max(ends, initial=YOUNGEST_KM)) * 1.001
    return np.append(0.0, np.geomspace(YOUNGEST_KM, max(oldest, 2 * YOUNGEST_KM), AGE_BINS))


def _cells(driving: Floats) -> tuple[Ints, Floats]:
    """Cut driving into cells of as many pieces each; return cell of each piece, mean of each."""
    inner = np.unique(np.quantile(driving, np.linspace(0, 1, DRIVING_CELLS + 1)[1:-1]))
    cell = np.digitize(driving, inner)
    cells, index = np.unique(cell, return_inverse=True)
    return index, np.bincount(index, driving, len(cells)) / np.bincount(index)


def _by_age(entry: Floats, span: Floats, edges: Floats) -> tuple[Ints, Ints, Floats]:
    """Cut pieces at the edges of age bins; return piece, bin and kilometres of each cut."""
    leave = entry + span
    first = np.searchsorted(edges, entry, side="right") - 1
    final = np.searchsorted(edges, leave, side="left") - 1
    count = final - first + 1
    piece = np.repeat(np.arange(len(entry)), count)
    step = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    age_bin = first[piece] + step
    low = np.maximum(entry[piece], edges[age_bin])
    return piece, age_bin, np.minimum(leave[piece], edges[age_bin + 1]) - low


def _sum(size: tuple[int, ...], at: tuple[Ints, ...], values: Floats) -> Floats:
    return sum_by(np.ravel_multi_index(at, size), values, int(np.prod(size))).reshape(size)


def _spread(spans: Floats, edges: Floats, ageless: NDArray[np.bool_]) -> AgeSpread:
    by_age = spans.sum(axis=(1, 3))
    # All in one bin: the same age for everything is no age.
    by_age[ageless, 0] = 1.0
    total = by_age.sum(axis=1, keepdims=True)
    middle = np.sqrt(np.maximum(edges[:-1], edges[1] / 4) * edges[1:])
    share = by_age / np.where(total > 0, total, 1)
    return AgeSpread(np.tile(middle, (len(by_age), 1)), share, ageless)


def _missing(
    pieces: Stretches, missing: NDArray[np.bool_], cell: Ints, size: tuple[int, ...],
    values: Floats, spread: AgeSpread,
) -> Floats:  # fmt: skip
    """Lay what has no age over the ages of its type."""
    kinds, vehicles, _, cells = size
    at = (pieces.component[missing], pieces.vehicle[missing], cell[missing])
    total = _sum((kinds, vehicles, cells), at, values[missing])
    laid: Floats = total[:, :, None, :] * spread.share[:, None, :, None]
    return laid
