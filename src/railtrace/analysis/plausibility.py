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
COPIES_BY_CHANCE = 1.0
"""The same for copies: six readings in tenths cannot tell a copy surer than that."""
FEWEST_PAIRS = 10
"""Pairs under which a count is too unsure to carry on from."""


@dataclass(frozen=True)
class Suspicion:
    """A finding: its name, rows of the input it concerns, and how many such chance would give."""

    name: str
    rows: tuple[int, ...]
    by_chance: float
    values: Mapping[str, float | str]


@dataclass(frozen=True)
class Series:
    """Readings written at one time of one thing, in a fixed order of places, in tenths.

    `blank` says which places those are: only series on the same blank are compared.
    """

    readings: tuple[int, ...]
    unit: str
    blank: str = ""


def copied(series: Sequence[Series], expected: float = COPIES_BY_CHANCE) -> list[Suspicion]:
    """Return pairs of series that agree in more places than honest pairs among them do.

    Notes
    -----
    Places of one wheelset go together (left with right, flange with tread), and wheelsets of one
    age are alike, so agreement in one place makes agreement in the next likelier: chances of single
    places must not be multiplied. How fast honest pairs thin out is read from all pairs themselves,
    up to agreement in half of the places, which a few copies cannot shift, and carried on from
    there. A pair is named when at most `expected` honest ones like it are expected in the whole
    search. It agrees in more than half of its places: a copy with one number changed is found.
    """
    by_blank: dict[tuple[str, int], list[int]] = {}
    for row, each in enumerate(series):
        by_blank.setdefault((each.blank, len(each.readings)), []).append(row)
    looked = {key: rows for key, rows in by_blank.items() if key[1] > 1 and len(rows) > 2}
    found: list[Suspicion] = []
    for rows in looked.values():
        values = np.array([series[row].readings for row in rows])
        found += _copied(values, rows, expected / len(looked))
    return sorted(found, key=lambda s: (s.by_chance, s.rows))


def _copied(values: Ints, rows: list[int], expected: float) -> list[Suspicion]:
    honest = honest_pairs(_pairs_agreeing(values))
    half = values.shape[1] // 2
    few = np.flatnonzero(honest[half + 1 :] < expected) + half + 1
    if not len(few):
        return []
    found: list[Suspicion] = []
    for first in range(len(rows) - 1):
        same = np.sum(values[first + 1 :] == values[first], axis=1)
        for other in np.flatnonzero(same >= few[0]):
            places = int(same[other])
            found.append(Suspicion(
                "copied", (rows[first], rows[first + 1 + int(other)]), float(honest[places]),
                {"places": places, "of": values.shape[1]},
            ))  # fmt: skip
    return found


def _pairs_agreeing(values: Ints) -> Ints:
    """Return how many pairs agree in exactly 0, 1, ... places."""
    counts = np.zeros(values.shape[1] + 1, int)
    for first in range(len(values) - 1):
        same = np.sum(values[first + 1 :] == values[first], axis=1)
        counts += np.bincount(same, minlength=len(counts))
    return counts


def honest_pairs(counts: Ints) -> Floats:
    """Return how many honest pairs are expected to agree in at least 0, 1, ... places.

    `counts` are all pairs by places they agree in. Beyond the last count that is sure (at most
    half of the places, ten pairs or more) the odds of agreeing in one place more grow as they last
    grew, never shrink: the more two agree, the more alike they are.
    """
    places = len(counts) - 1
    sure = [k for k in range(1, places // 2 + 1) if counts[k] >= FEWEST_PAIRS]
    last = sure[-1] if sure else 1
    told = counts[: last + 1].astype(float)
    told[last] = max(told[last], 1.0)
    odds = [told[k] / max(told[k - 1], 1.0) * k / (places - k + 1) for k in range(1, last + 1)]
    growth = max(1.0, odds[-1] / odds[-2]) if len(odds) > 2 else 1.0
    exact = [*told]
    for k in range(last, places):
        odds.append(odds[-1] * growth)
        exact.append(exact[-1] * odds[-1] * (places - k) / (k + 1))
    return np.asarray(np.cumsum(exact[::-1])[::-1])


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
