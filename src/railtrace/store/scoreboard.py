"""What was promised of runs and what came of them: tests forward in time, and sealed promises.

A forward test tells each month by what had happened before it and scores the runs made in it; a
sealed promise was written into the log before the runs it is scored by. Both end as `Runs`.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.forward_test import MODEL, Runs, Scoreboard, scoreboard
from railtrace.analysis.life_data import Floats
from railtrace.analysis.rival_rates import Fleet, rival_rates
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadData, NotFound
from railtrace.store.condition import fleet_condition
from railtrace.store.database import Database
from railtrace.store.lives import lives_of
from railtrace.store.lookup import Lookup, Maintained
from railtrace.store.reliability import FleetReliability, all_answers, reliability_of
from railtrace.store.service import period

TOLD_KM = 500.0
"""The distance a rate is read from: hazards hardly move over one run."""
STOPPING = frozenset({1, 2})
"""Classes of failures that stop a run."""


@dataclass(frozen=True)
class Issue:
    """Promised rates [stopping failures per km] from a moment on, by model and vehicle."""

    at_us: int
    rates: Mapping[str, Mapping[str, float]]


def issue_of(fleet: FleetReliability) -> Issue:
    """Return what the model and its rivals promise of a fleet as it stands.

    Raises NotFound where no component has failed yet.
    """
    if fleet.hazard is None:
        raise NotFound("no component of this class has failed yet: only a bound can be told")
    vehicles = fleet.lives.vehicles
    rivals = rival_rates(_rival_view(fleet))
    rates = {key: dict(zip((v.unit for v in vehicles), rate.tolist(), strict=True))
             for key, rate in rivals.items()}  # fmt: skip
    units, answer = all_answers(fleet, TOLD_KM)
    told = (-np.log(answer.reliability) / TOLD_KM).tolist()
    rates[MODEL] = dict(zip(units, told, strict=True))
    return Issue(fleet.computed_us, rates)


def _rival_view(fleet: FleetReliability) -> Fleet:
    places, vehicles = fleet.lives.places, fleet.lives.vehicles
    return Fleet(
        fleet.table, fleet.stops, np.array([p.vehicle for p in places], int),
        np.array([p.component for p in places], int), np.array([p.age_km for p in places], float),
        _index([v.type for v in vehicles]), _index([v.home_site for v in vehicles]),
        np.array(fleet.lives.vehicle_km),
    )  # fmt: skip


def _index(keys: Sequence[str]) -> np.ndarray:
    return np.unique(np.array(keys, str), return_inverse=True)[1].astype(np.int64)


def forward_issues(
    lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained],
    moments: Sequence[int], positions: Mapping[str, int],
) -> list[Issue]:  # fmt: skip
    """Return what would have been promised at each moment by what had happened before it.

    A moment before anything ran or failed has no promise.
    """
    found = []
    for at_us in moments:
        lives = lives_of(lookup, catalogue, vehicles, at_us)
        try:
            condition = fleet_condition(lookup, catalogue, lives, at_us)
            found.append(issue_of(reliability_of(lives, condition, "", "", positions, at_us)))
        except NotFound:
            continue
    return found


def promised_runs(
    database: Database, lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained],
    issues: Sequence[Issue], to_us: int,
) -> tuple[Runs, dict[str, list[str]]]:  # fmt: skip
    """Return the runs made under each promise with their outcome, and the names of groups.

    A run counts under the last promise made before it ended; a failure of class 1 or 2, recorded
    or by its delay, stops the run that was under way. Raises BadData where there is no run.
    """
    if not issues:
        raise BadData("no run was promised and made: there is nothing to score")
    stopped = _stopping(database, lookup, catalogue, vehicles, issues[0].at_us, to_us)
    names = {"series": sorted({v.type for v in vehicles}),
             "depot": sorted({v.home_site for v in vehicles})}  # fmt: skip
    number = {v.unit: n for n, v in enumerate(vehicles)}
    starts = [issue.at_us for issue in issues]
    rows: list[tuple[int, int, float, bool]] = []
    for unit, ends, lengths in _runs_of(lookup, vehicles):
        failed = {bisect_left(ends, at_us) for at_us in stopped.get(unit, ())}
        for n, (at_us, km) in enumerate(zip(ends, lengths, strict=True)):
            issue = bisect_left(starts, at_us) - 1
            if issue >= 0 and at_us < to_us and km > 0 and unit in issues[issue].rates[MODEL]:
                rows.append((issue, number[unit], km, n in failed))
    rows.sort()
    return _as_runs(rows, vehicles, issues, names), names


def _stopping(
    database: Database, lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained],
    from_us: int, to_us: int,
) -> dict[str, list[int]]:  # fmt: skip
    told = period(database, lookup, catalogue, vehicles, from_us, to_us)
    found: dict[str, list[int]] = defaultdict(list)
    for failure in told.counted(STOPPING):
        if failure.component:
            found[failure.vehicle].append(failure.at_us)
    return found


def _runs_of(
    lookup: Lookup, vehicles: Sequence[Maintained]
) -> list[tuple[str, list[int], list[float]]]:
    wanted = {v.unit for v in vehicles}
    runs, _anchors = lookup.all_counter_rows(sorted({v.type for v in vehicles}), "km")
    found: dict[str, tuple[list[int], list[float]]] = {}
    for unit, at_us, length in runs:
        if unit in wanted:
            ends, lengths = found.setdefault(unit, ([], []))
            ends.append(at_us)
            lengths.append(length / 1000)
    return [(unit, ends, lengths) for unit, (ends, lengths) in sorted(found.items())]


def _as_runs(
    rows: Sequence[tuple[int, int, float, bool]], vehicles: Sequence[Maintained],
    issues: Sequence[Issue], names: Mapping[str, list[str]],
) -> Runs:  # fmt: skip
    issue = np.array([row[0] for row in rows], int)
    vehicle = np.array([row[1] for row in rows], int)
    series = np.array([names["series"].index(v.type) for v in vehicles])
    depot = np.array([names["depot"].index(v.home_site) for v in vehicles])
    return Runs(
        vehicle, issue, depot[vehicle] if len(rows) else vehicle,
        series[vehicle] if len(rows) else vehicle, np.array([row[2] for row in rows], float),
        np.array([row[3] for row in rows], bool),
        {key: _told(key, issue, vehicle, vehicles, issues) for key in issues[0].rates},
    )  # fmt: skip


def _told(
    key: str, issue: np.ndarray, vehicle: np.ndarray, vehicles: Sequence[Maintained],
    issues: Sequence[Issue],
) -> Floats:  # fmt: skip
    table = np.array([[one.rates[key].get(v.unit, 0.0) for v in vehicles] for one in issues])
    return np.asarray(table[issue, vehicle])


def scored(
    database: Database, lookup: Lookup, catalogue: Catalogue, vehicles: Sequence[Maintained],
    issues: Sequence[Issue], to_us: int,
) -> Scoreboard:  # fmt: skip
    """Score promises by the runs made under them. Raises BadData where there is none."""
    runs, names = promised_runs(database, lookup, catalogue, vehicles, issues, to_us)
    return scoreboard(runs, names)
