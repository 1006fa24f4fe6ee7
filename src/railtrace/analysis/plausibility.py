"""What looks written at a desk: copied series, favourite digits, impossible growth, two places.

None of it proves anything: each finding carries how often it would come about by chance among all
that was looked at, and asks a person to look. Chances are per search, not per pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy.stats import chi2, norm

from railtrace.analysis.exposure import Ints
from railtrace.analysis.life_data import Floats
from railtrace.errors import BadData

FEWEST_FOR_DIGITS = 50
"""Readings under which favourite digits cannot be told from luck."""
NEVER_BY_CHANCE = 0.01
"""Findings expected by chance in one whole search, above which nothing is said."""


@dataclass(frozen=True)
class Suspicion:
    """A finding: its name, rows of the input it concerns, and how many such chance would give."""

    name: str
    rows: tuple[int, ...]
    by_chance: float
    values: Mapping[str, float | str]


@dataclass(frozen=True)
class Series:
    """Readings written at one time of one thing, in a fixed order of places, in tenths."""

    readings: tuple[int, ...]
    unit: str


def copied(series: Sequence[Series], expected: float = NEVER_BY_CHANCE) -> list[Suspicion]:
    """Return pairs of series that agree in more places than chance would have them.

    Notes
    -----
    Two honest readings of a place agree with a chance taken from how all series differ there
    (neighbouring pairs, so that wear within one unit does not count as honesty). A pair is named
    when agreement in as many places is expected less than `expected` times among all pairs.
    Compared by places they agree in, so that a copy with one number changed is found.
    """
    by_length: dict[int, list[int]] = {}
    for row, each in enumerate(series):
        by_length.setdefault(len(each.readings), []).append(row)
    found: list[Suspicion] = []
    for length, rows in by_length.items():
        if length > 1 and len(rows) > 2:
            found += _copied(np.array([series[row].readings for row in rows]), rows, expected)
    return sorted(found, key=lambda s: (s.by_chance, s.rows))


def _copied(values: Ints, rows: list[int], expected: float) -> list[Suspicion]:
    agree = _agreement(values)
    pairs = len(rows) * (len(rows) - 1) / 2
    tails = _tails(agree)
    wanted = int(np.argmax(tails * pairs < expected)) if np.any(tails * pairs < expected) else 0
    if not wanted:
        return []
    found: list[Suspicion] = []
    for first in range(len(rows) - 1):
        same = np.sum(values[first + 1 :] == values[first], axis=1)
        for other in np.flatnonzero(same >= wanted):
            places = int(same[other])
            found.append(Suspicion(
                "copied", (rows[first], rows[first + 1 + int(other)]), float(tails[places] * pairs),
                {"places": places, "of": values.shape[1]},
            ))  # fmt: skip
    return found


def _agreement(values: Ints) -> Floats:
    """Return the chance that two series agree in each place, kept off nought."""
    found = np.empty(values.shape[1])
    n = len(values)
    for place in range(values.shape[1]):
        _, counts = np.unique(values[:, place], return_counts=True)
        pairs = np.sum(counts * (counts - 1.0))
        found[place] = (pairs + 2) / (n * (n - 1.0) + 4)
    return found


def _tails(agree: Floats) -> Floats:
    """Return the chance of agreeing in at least 0, 1, ... places: Poisson-binomial."""
    count = np.zeros(len(agree) + 1)
    count[0] = 1.0
    for p in agree:
        count[1:] = count[1:] * (1 - p) + count[:-1] * p
        count[0] *= 1 - p
    return np.asarray(np.cumsum(count[::-1])[::-1])


def favourite_digits(
    tenths: Ints, worker: Ints, expected: float = NEVER_BY_CHANCE
) -> list[Suspicion]:
    """Return workers whose last digits are not spread as those of a continuous quantity are.

    Parameters
    ----------
    tenths : shape (n,)
        Readings in units of their last written digit.
    worker : shape (n,)
        Indexes from zero; those with fewer than 50 readings are left alone.
    """
    found: list[Suspicion] = []
    workers = np.unique(worker)
    for who in workers:
        rows = np.flatnonzero(worker == who)
        if len(rows) < FEWEST_FOR_DIGITS:
            continue
        counts = np.bincount(np.abs(tenths[rows]) % 10, minlength=10)
        even = len(rows) / 10
        chance = float(chi2.sf(np.sum((counts - even) ** 2) / even, 9)) * len(workers)
        if chance < expected:
            digit = int(np.argmax(counts))
            found.append(Suspicion(
                "favourite_digits", tuple(int(row) for row in rows), chance,
                {"worker": float(who), "digit": digit, "share": float(counts[digit] / len(rows))},
            ))  # fmt: skip
    return sorted(found, key=lambda s: s.by_chance)


def grown(
    value: Floats,
    deviation: Floats,
    wheel: Ints,
    order: Ints,
    allowed: Sequence[bool],
    expected: float = NEVER_BY_CHANCE,
) -> list[Suspicion]:
    """Return readings greater than the one before by more than the gauge explains.

    Parameters
    ----------
    value, deviation : shape (n,)
        Of something that only wears: rim or tyre thickness, diameter, flange.
    wheel, order : shape (n,)
        Which wheel, and the order in time within it.
    allowed : shape (n,)
        Whether something between this reading and the one before makes growth right: re-tyring,
        another wheel, for flanges a turning.
    """
    if not np.all(deviation > 0):
        raise BadData("a gauge without any error explains no difference at all")
    sequence = np.lexsort((order, wheel))
    found: list[Suspicion] = []
    for before, after in pairwise(sequence.tolist()):
        if wheel[before] != wheel[after] or allowed[after]:
            continue
        growth = float(value[after] - value[before])
        spread = float(np.hypot(deviation[before], deviation[after]))
        chance = float(norm.sf(growth / spread)) * len(value)
        if chance < expected:
            found.append(Suspicion("grown", (before, after), chance, {"growth": growth}))
    return sorted(found, key=lambda s: s.by_chance)


@dataclass(frozen=True)
class Presence:
    """Somebody worked somewhere from a minute to a minute."""

    person: str
    site: str
    from_min: float
    to_min: float


def in_two_places(
    presences: Sequence[Presence], travel_min: Mapping[frozenset[str], float]
) -> list[Suspicion]:
    """Return pairs of works of one person at two sites, closer in time than the way takes.

    `travel_min` gives the least minutes between two sites; without one, only overlap counts.
    """
    found: list[Suspicion] = []
    rows = sorted(range(len(presences)), key=lambda r: (presences[r].person, presences[r].from_min))
    for person in dict.fromkeys(presences[row].person for row in rows):
        mine = [row for row in rows if presences[row].person == person]
        for one, other in combinations(mine, 2):
            first, second = presences[one], presences[other]
            least = travel_min.get(frozenset({first.site, second.site}), 0.0)
            between = second.from_min - first.to_min
            if first.site != second.site and between < least:
                found.append(Suspicion("in_two_places", (one, other), 0.0,
                                       {"between_min": between, "least_min": least}))  # fmt: skip
    return found


@dataclass(frozen=True)
class Done:
    """Something done to a unit within an order: a `wash`, or a `look` that needs one before."""

    unit: str
    order: str
    at_min: float
    what: str


def inspected_before_wash(done: Sequence[Done]) -> list[Suspicion]:
    """Return looks at a unit that was washed only afterwards, within the same order.

    Where nothing was washed at all there is nothing to compare with: the route card asks for it.
    """
    washed: dict[tuple[str, str], float] = {}
    for each in done:
        if each.what == "wash":
            key = (each.unit, each.order)
            washed[key] = min(each.at_min, washed.get(key, each.at_min))
    found: list[Suspicion] = []
    for row, each in enumerate(done):
        at = washed.get((each.unit, each.order))
        if each.what == "look" and at is not None and each.at_min < at:
            found.append(Suspicion("inspected_before_wash", (row,), 0.0,
                                   {"earlier_min": at - each.at_min}))  # fmt: skip
    return found
