"""Lives: how long units lasted, and what is not known of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from railtrace.errors import BadData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_FAULTS_TOLD = 20
SLIVER = 1e-9


@dataclass(frozen=True, eq=False)
class Lives:
    """Lives of units in groups, sorted by group; ages in one unit of measure.

    Attributes
    ----------
    lower, upper : shape (n,)
        The failure happened in (lower, upper]. Equal: exactly then. `upper` infinite: still
        running at `lower`. `lower` zero: found failed at `upper`.
    offsets : shape (groups + 1,)
        Group g is rows offsets[g]:offsets[g + 1].
    entry : shape (n,) or None
        Age at which watching began, below the exit; None: from new.
    count : shape (n,) or None
        Units that one row stands for; None: one.
    covariates : shape (n, q) or None
    """

    lower: Floats
    upper: Floats
    offsets: Ints
    entry: Floats | None = None
    count: Floats | None = None
    covariates: Floats | None = None

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.offsets) - 1

    @property
    def failed(self) -> Flags:
        """Which rows are failures, at a known age or within an interval."""
        return np.isfinite(self.upper)

    @property
    def exact(self) -> Flags:
        """Which rows are failures at a known age."""
        known: Flags = self.lower == self.upper
        return known

    @property
    def events(self) -> Floats:
        """Failures of each group, shape (groups,)."""
        return self.per_group(self.failed)

    @property
    def units(self) -> Floats:
        """Lives of each group, shape (groups,)."""
        return self.per_group(np.ones(len(self.lower)))

    @property
    def group(self) -> Ints:
        """The group of each row, shape (n,)."""
        return np.repeat(np.arange(self.groups), np.diff(self.offsets))

    def per_group(self, values: ArrayLike) -> Floats:
        """Return the sums by group of a value per row, each times its count."""
        weighted = np.asarray(values, dtype=np.float64)
        if self.count is not None:
            weighted = weighted * self.count
        return np.add.reduceat(weighted, self.offsets[:-1])

    def slice(self, groups: slice) -> "Lives":
        """Return some groups in a row, without copying."""
        first, last, _ = groups.indices(self.groups)
        rows = slice(self.offsets[first], self.offsets[last])
        return Lives(
            self.lower[rows], self.upper[rows], self.offsets[first : last + 1] - rows.start,
            *(None if a is None else a[rows] for a in (self.entry, self.count, self.covariates)),
        )  # fmt: skip

    def take_groups(self, groups: Ints) -> "Lives":
        """Return some groups, in the order given, copied."""
        sizes = np.diff(self.offsets)[groups]
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        rows = np.repeat(self.offsets[groups] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return Lives(
            self.lower[rows], self.upper[rows], offsets,
            *(None if a is None else a[rows] for a in (self.entry, self.count, self.covariates)),
        )  # fmt: skip

    def pooled(self) -> "Lives":
        """Return the same lives as one group."""
        return replace(self, offsets=np.array([0, len(self.lower)]))


def totals(place: Ints, values: ArrayLike, size: int) -> Floats:
    """Return the sum of the values that belong to each place, shape (size,)."""
    return np.bincount(place, np.asarray(values, np.float64), size).astype(np.float64, copy=False)


def right_censored(
    time: ArrayLike,
    failed: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    count: ArrayLike | None = None,
    group: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
) -> Lives:
    """Return lives that ended at `time` by failure, or were still running then.

    Parameters
    ----------
    time : shape (n,)
        Age at failure or at the last sight, any one unit of measure.
    failed : shape (n,)
        True where the life ended by the failure studied.
    entry, count, group, covariates
        As in `censored`.

    Raises
    ------
    BadData : see `censored`.
    """
    lower = np.asarray(time, dtype=np.float64)
    upper = np.where(np.asarray(failed, dtype=np.bool_), lower, np.inf)
    return censored(lower, upper, entry=entry, count=count, group=group, covariates=covariates)


def censored(
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    count: ArrayLike | None = None,
    group: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
) -> Lives:
    """Return lives whose failure lies between two ages.

    Parameters
    ----------
    lower, upper : shape (n,)
        See `Lives`.
    entry : shape (n,)
        Age at which watching began (left truncation): units that failed before are unknown.
    count : shape (n,)
        Units that each row stands for.
    group : shape (n,), integers from 0
        Every number up to the greatest must occur.
    covariates : shape (n, q)

    Raises
    ------
    BadData : an age is negative, not a number or zero at failure; the entry is not before the
        exit; an interval is reversed; a count is not positive; a group is empty.
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    enter, times, given = (_floats(a) for a in (entry, count, covariates))
    found = tuple(faults(low, high, enter, times))
    if found:
        raise BadData("{text}", found, text=_told(found))
    high = _without_slivers(low, high)
    if given is not None:
        _refuse_covariates(given)
    if group is None:
        return Lives(low, high, np.array([0, len(low)]), enter, times, given)
    return _sorted(low, high, enter, times, given, np.asarray(group))


def _without_slivers(low: Floats, high: Floats) -> Floats:
    """Take an interval as wide as rounding for an exact age: its probability would be noise."""
    sliver = (high > low) & (high - low < SLIVER * high) & np.isfinite(high)
    return np.where(sliver, low, high) if np.any(sliver) else high


def _floats(values: ArrayLike | None) -> Floats | None:
    return None if values is None else np.asarray(values, dtype=np.float64)


def _sorted(
    low: Floats,
    high: Floats,
    entry: Floats | None,
    count: Floats | None,
    covariates: Floats | None,
    group: Ints,
) -> Lives:
    sizes = np.bincount(group)
    _refuse_empty(sizes)
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    if np.all(group[1:] >= group[:-1]):
        return Lives(low, high, offsets, entry, count, covariates)
    order = np.argsort(group, kind="stable")
    return Lives(
        low[order], high[order], offsets,
        *(None if a is None else a[order] for a in (entry, count, covariates)),
    )  # fmt: skip


def _refuse_empty(sizes: Ints) -> None:
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        raise BadData(
            "group {group} has no rows: leave it out or give its lives", group=int(empty[0])
        )


def _refuse_covariates(covariates: Floats) -> None:
    found = tuple(
        (int(row), "a covariate is missing or not a number")
        for row in np.flatnonzero(~np.all(np.isfinite(covariates), axis=1))
    )
    if found:
        raise BadData("{text}", found, text=_told(found))


def faults(
    lower: Floats, upper: Floats, entry: Floats | None = None, count: Floats | None = None
) -> Iterator[tuple[int, str]]:
    """Yield each row that cannot be a life, counted from 0, and the reason.

    Parameters
    ----------
    lower, upper, entry, count : shape (n,)
        See `Lives`.
    """
    if len(lower) == 0:
        yield 0, "there are no rows"
    shapes = {len(a) for a in (lower, upper, entry, count) if a is not None}
    if len(shapes) > 1:
        yield 0, "columns differ in length"
        return
    for rows, reason in _checks(lower, upper, entry, count):
        for row in np.flatnonzero(rows):
            values = {"lower": lower[row], "upper": upper[row]}
            values |= {"entry": 0.0 if entry is None else entry[row]}
            values |= {"count": 1.0 if count is None else count[row]}
            yield int(row), reason.format(**{k: f"{v:g}" for k, v in values.items()})


def _checks(
    lower: Floats, upper: Floats, entry: Floats | None, count: Floats | None
) -> Iterator[tuple[Flags, str]]:
    yield ~np.isfinite(lower) | np.isnan(upper), "the time is missing or not a number"
    yield lower < 0, "the time {lower} is negative"
    yield upper < lower, "the interval {lower} to {upper} is reversed"
    yield upper == 0, "a failure at age zero has no logarithm: give an interval from 0"
    if count is not None:
        yield ~(np.isfinite(count) & (count > 0)), "the count {count} is not above zero"
    if entry is None:
        yield (lower == 0) & np.isinf(upper), "a unit last seen at age zero tells nothing"
        return
    yield ~np.isfinite(entry), "the entry is missing or not a number"
    yield entry < 0, "the entry {entry} is negative"
    exact_or_running = (lower == upper) | np.isinf(upper)
    yield exact_or_running & (entry >= lower), "the entry {entry} is not before the exit {lower}"
    yield ~exact_or_running & (entry > lower), "the entry {entry} is after the last sight {lower}"


def _told(found: tuple[tuple[int, str], ...]) -> str:
    lines = [f"row {row + 1}: {reason}" for row, reason in found[:MOST_FAULTS_TOLD]]
    if len(found) > MOST_FAULTS_TOLD:
        lines.append(f"and {len(found) - MOST_FAULTS_TOLD} more")
    return "; ".join(lines)


def of_mode(lives: Lives, modes: NDArray[np.str_] | Ints, mode: object) -> Lives:
    """Return the lives as seen by one failure mode: a failure of another mode ends the watch.

    Valid when the modes are independent given age; each is then fitted by itself.

    Parameters
    ----------
    modes : shape (n,)
        The mode of each failed row, in the order of `lives`.

    Raises
    ------
    BadData : another mode's failure is known only to an interval.
    """
    other = lives.failed & (modes != mode)
    if np.any(other & ~lives.exact):
        row = int(np.flatnonzero(other & ~lives.exact)[0])
        reason = "a failure of another mode must be at a known age"
        raise BadData("row {row}: {why}", ((row, reason),), row=row + 1, why=reason)
    return replace(lives, upper=np.where(other, np.inf, lives.upper))


def merged(lives: Lives) -> Lives:
    """Return the lives with equal rows counted together; every estimate stays the same."""
    columns = [lives.group, lives.lower, lives.upper]
    columns += [] if lives.entry is None else [lives.entry]
    columns += [] if lives.covariates is None else list(lives.covariates.T)
    _, first, back = np.unique(
        np.column_stack(columns), axis=0, return_index=True, return_inverse=True
    )
    weight = np.ones(len(lives.lower)) if lives.count is None else lives.count
    count = totals(back.ravel(), weight, len(first))
    offsets = np.searchsorted(lives.group[first], np.arange(lives.groups + 1))
    return Lives(
        lives.lower[first], lives.upper[first], offsets,
        None if lives.entry is None else lives.entry[first], count,
        None if lives.covariates is None else lives.covariates[first],
    )  # fmt: skip
