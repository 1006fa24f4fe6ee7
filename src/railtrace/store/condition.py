"""The condition of a fleet's places as the trace tells it: the last verdict, and worn wheels.

Only what was known at the moment counts: a verdict that a teardown, a failure or a renewal has
settled since is history, and goes into the record of its method instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from railtrace.analysis.condition import (
    WORDS,
    Condition,
    ConditionPrior,
    Verdicts,
    WearAt,
    condition_prior,
    crossing_stops,
    faded,
    verdicts,
)
from railtrace.analysis.exposure import Ints
from railtrace.analysis.life_data import Floats
from railtrace.analysis.wear import WearState
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.maintenance import DAY_US
from railtrace.store.lives import FleetLives
from railtrace.store.lookup import Lookup
from railtrace.store.wear import WearDues, WornNow

STOPPING = (1, 2)
"""Classes of failures that end a run."""


class Judged(NamedTuple):
    """The last verdict on a component that nothing has settled since."""

    word: str
    made_by: str
    method: str
    days: float
    operation: str


class Worn(NamedTuple):
    """What the wear of a component is told from: the fewest readings of a wheel, the last one."""

    readings: int
    operation: str


@dataclass(frozen=True, eq=False)
class FleetCondition:
    """The condition of the places of a fleet, in their order.

    factor, factor_square, factor_most : shape (n,), see `Condition`
    wear : None where nothing of this fleet wears by readings
    judged, worn : by place
    wears : shape (n,), whether components of that type wear
    looked_into : verdicts of this railway whose truth is known
    told_by_wear : operations of the failures that wear stands for: not counted as lives' ends again
    sha256 : of all of it
    """

    factor: Floats
    factor_square: Floats
    factor_most: Floats
    wear: WearAt | None
    judged: Mapping[int, Judged]
    worn: Mapping[int, Worn]
    wears: np.ndarray
    looked_into: int
    prior: str
    sha256: str
    told_by_wear: frozenset[str] = frozenset()

    def at(self, rows: Ints, distance_km: float) -> Condition:
        """Return the condition of some places over a run."""
        places = len(self.factor)
        added = (np.zeros(places),) * 3
        if self.wear is not None:
            added = self.wear.added(places, distance_km)
        return Condition(self.factor[rows], self.factor_square[rows], self.factor_most[rows],
                         *(each[rows] for each in added))  # fmt: skip


def fleet_condition(
    lookup: Lookup, catalogue: Catalogue, lives: FleetLives, now_us: int
) -> FleetCondition:
    """Read the condition of every place of a fleet as it was known at a moment."""
    prior, said = condition_prior(), lookup.verdicts_until(now_us)
    worth = _worth(said, prior)
    factors, judged = _factors(lives, said, worth, _judged(lookup, lives, said, now_us), prior)
    wear, worn, wears, by_wear = _wear(lookup, catalogue, lives, prior, now_us)
    component = np.array([place.component for place in lives.places], int)
    return FleetCondition(
        *factors, wear, judged, worn, wears[component],
        sum(row["truth"] != "unknown" for row in said), prior.version,
        _hash(factors, wear, by_wear), by_wear,
    )  # fmt: skip


# --- diagnoses ----------------------------------------------------------------------------------


def _group(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["made_by"], row["method"]


def _worth(
    said: Sequence[Mapping[str, Any]], prior: ConditionPrior
) -> dict[tuple[str, str], Verdicts]:
    """Return what verdicts are worth, by who gave them and by which method."""
    rows = defaultdict[tuple[str, str], list[Mapping[str, Any]]](list)
    for row in said:
        rows[_group(row)].append(row)
    return {
        group: verdicts([r["outcome"] for r in some], [r["truth"] for r in some], prior)
        for group, some in sorted(rows.items())
    }


def _judged(
    lookup: Lookup, lives: FleetLives, said: Sequence[Mapping[str, Any]], now_us: int
) -> dict[int, list[Judged]]:
    """Return the last verdict of each method on each place."""
    judged = {row["unit"] for row in said}
    number = {place.unit: n for n, place in enumerate(lives.places)
              if place.unit in judged and not _is_vehicle(lives, n)}  # fmt: skip
    mine = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in said:
        if row["unit"] in number:
            mine[row["unit"]].append(row)
    failures, renewals = lookup.failures_of(sorted(mine))
    found = defaultdict[int, list[Judged]](list)
    for unit, rows in mine.items():
        settled = [row["truth_us"] for row in rows if row["truth_us"] is not None]
        settled += [at_us for at_us, *_ in (*failures.get(unit, ()), *renewals.get(unit, ()))
                    if at_us <= now_us]  # fmt: skip
        left = [row for row in rows if row["at_us"] > max(settled, default=-1)]
        for method in sorted({row["method"] for row in left}):
            last = _last([row for row in left if row["method"] == method])
            days = (now_us - last["at_us"]) / DAY_US
            found[number[unit]].append(Judged(last["outcome"], last["made_by"], method, days,
                                              last["operation"]))  # fmt: skip
    return found


def _is_vehicle(lives: FleetLives, place: int) -> bool:
    """Tell whether a place is a bare position: a verdict on its vehicle is none on it."""
    row = lives.places[place]
    return row.unit == lives.vehicles[row.vehicle].unit


def _last(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the last verdict: our own of that evidence before the machine's, the worst first."""
    newest = rows[-1]["entry"] or rows[-1]["operation"]
    same = [row for row in rows if newest in (row["entry"], row["operation"])]
    return max(same, key=lambda r: (r["made_by"] == "system", WORDS.index(r["outcome"]),
                                    r["operation"]))  # fmt: skip


def _factors(
    lives: FleetLives, said: Iterable[Mapping[str, Any]],
    worth: Mapping[tuple[str, str], Verdicts], last: Mapping[int, Sequence[Judged]],
    prior: ConditionPrior,
) -> tuple[tuple[Floats, Floats, Floats], dict[int, Judged]]:  # fmt: skip
    """Return mean, mean square and bound of the factor of each place, and what it is told by.

    Of several methods the one that says worst: a sound verdict never outweighs another's alarm.
    What nobody judged is bounded by the worst that any verdict could say, also where no component
    of its type was ever judged: else the floor would rise with the last verdict taken away.
    """
    methods = defaultdict[str, set[tuple[str, str]]](set)
    for row in said:
        methods[row["type"]].add(_group(row))
    worst = max(one.worst for one in (verdicts((), (), prior), *worth.values()))
    square = np.ones(len(lives.components))
    for k, name in enumerate(lives.components):
        known = [worth[group] for group in sorted(methods.get(name, ()))]
        square[k] = max((one.unknown_square for one in known), default=1.0)
    component = np.array([place.component for place in lives.places], int)
    mean, square = np.ones(len(component)), square[component]
    most = np.full(len(component), worst)
    judged = {}
    for n, some in sorted(last.items()):
        told = [(faded(worth[one.made_by, one.method], one.word, one.days, prior), one)
                for one in some]  # fmt: skip
        (mean[n], square[n], bound), judged[n] = max(
            told, key=lambda one: (one[0], WORDS.index(one[1].word), one[1])
        )
        most[n] = bound
    return (mean, square, most), judged


# --- wear ---------------------------------------------------------------------------------------


def _wear(
    lookup: Lookup, catalogue: Catalogue, lives: FleetLives, prior: ConditionPrior, now_us: int
) -> tuple[WearAt | None, dict[int, Worn], np.ndarray, frozenset[str]]:
    """Return what wears at which place, which component types do, and failures that were wear."""
    reader = WearDues(lookup, catalogue, now_us)
    read = [worn for type_ in sorted({v.type for v in lives.vehicles})
            for worn in reader.worn_now(type_)]  # fmt: skip
    parts = {on[1] for worn in read for on in worn.on}
    number = {(lives.vehicles[p.vehicle].unit, p.unit): n for n, p in enumerate(lives.places)
              if p.unit in parts}  # fmt: skip
    rows = [(number[on[0], on[1]], worn, row, on) for worn in read
            for row, on in enumerate(worn.on) if (on[0], on[1]) in number]  # fmt: skip
    wears = np.zeros(len(lives.components), bool)
    if not rows:
        return None, {}, wears, frozenset()
    keys: dict[tuple[int, str, str], int] = {}
    for place, worn, _, on in rows:
        keys.setdefault((lives.places[place].component, worn.quantity, on[2]), len(keys))
        wears[lives.places[place].component] = True
    crossed, ended = _crossings(lookup, read)
    at = np.array([place for place, *_ in rows], int)
    key = np.array([keys[lives.places[p].component, w.quantity, on[2]] for p, w, _, on in rows],
                   int)  # fmt: skip
    wear = WearAt(
        at, key, _states(rows), np.array([w.limits[row] for _, w, row, _ in rows]),
        np.array([w.rising for _, w, *_ in rows], bool),
        crossing_stops(sum(one != "" for one in ended), crossed, prior),
        _unmeasured(lives, keys, at, key),
    )  # fmt: skip
    return wear, _worn(rows), wears, frozenset(ended) - {""}


def _crossings(lookup: Lookup, read: Sequence[WornNow]) -> tuple[int, list[str]]:
    """Return how many wheels were found beyond a limit, and the failure that ended each, or "".

    A wheel beyond two limits, or with two sides, counts once a stretch. The last failure before
    it was found beyond the limit is the crossing's: an earlier one had another cause.
    """
    crossed = sorted({one for worn in read for one in worn.crossed})
    failures, _ = lookup.failures_of(sorted({part for part, *_ in crossed}))
    return len(crossed), [
        max(((at_us, operation) for at_us, _, kind, operation in failures.get(part, ())
             if from_us <= at_us <= to_us and kind in STOPPING), default=(0, ""))[1]
        for part, from_us, to_us in crossed
    ]  # fmt: skip


_Row = tuple[int, WornNow, int, tuple[str, str, str, int, str]]


def _states(rows: Sequence[_Row]) -> WearState:
    return WearState(*(
        np.array([getattr(worn.state, name)[row] for _, worn, row, _ in rows])
        for name in WearState.__dataclass_fields__
    ))  # fmt: skip


def _unmeasured(
    lives: FleetLives, keys: Mapping[tuple[int, str, str], int], at: Ints, key: Ints
) -> Ints:
    by_component = defaultdict[int, list[int]](list)
    for (component, *_), number in keys.items():
        by_component[component].append(number)
    measured = set(zip(at.tolist(), key.tolist(), strict=True))
    rest = [(n, k) for n, place in enumerate(lives.places)
            for k in by_component.get(place.component, ()) if (n, k) not in measured]  # fmt: skip
    return np.array(rest, int).reshape(-1, 2)


def _worn(rows: Sequence[_Row]) -> dict[int, Worn]:
    found: dict[int, Worn] = {}
    for place, _, _, (_, _, _, readings, operation) in rows:
        if place not in found or readings < found[place].readings:
            found[place] = Worn(readings, operation)
    return found


def _hash(factors: Iterable[Floats], wear: WearAt | None, by_wear: Iterable[str]) -> str:
    digest = sha256(repr(sorted(by_wear)).encode())
    for factor in factors:
        digest.update(np.ascontiguousarray(factor).tobytes())
    if wear is not None:
        for column in (wear.place, wear.key, wear.limit, wear.state.level, wear.state.rate,
                       wear.state.level_variance, wear.state.rate_variance):  # fmt: skip
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(repr(wear.stops).encode())
    return digest.hexdigest()
