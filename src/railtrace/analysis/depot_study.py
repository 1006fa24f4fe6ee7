"""Questions put to a shop by many runs: what one machine's failure costs, what is to be bought.

Every variant of a shop meets the same luck run by run, so differences are taken run by run and
carry their own, much narrower, intervals.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta

from railtrace.analysis.depot_flow import (
    HOURS_A_WEEK,
    Outage,
    Process,
    Shop,
    next_machines,
    with_one_more,
)
from railtrace.analysis.depot_simulation import Estimate, Run, estimate

PROGRAMME_SHARE = 0.95
"""A run works its programme off when every process finishes this share of what the plan brings, or
of what came where less came. The one definition of all pages: `worked_off`."""


@dataclass(frozen=True)
class Outcome:
    """What one run comes to, over all processes.

    finished_per_week : items
    mean_h : mean turnaround of the finished [h]; 0 where nothing was finished
    met : whether every process is worked off
    left : items that were never finished
    """

    finished_per_week: float
    mean_h: float
    met: bool
    left: int


def outcome(shop: Shop, run: Run, share: float = PROGRAMME_SHARE) -> Outcome:
    """Sum a run up."""
    times = np.concatenate([np.zeros(0), *run.turnaround_h.values()])
    return Outcome(
        sum(run.finished_per_week.values()), float(times.mean()) if len(times) else 0.0,
        all(worked_off(process, run, share) for process in shop.processes),
        sum(run.left.values()),
    )  # fmt: skip


def worked_off(process: Process, run: Run, share: float = PROGRAMME_SHARE) -> bool:
    """Return whether a run finished its share of what the plan brings of a process, or of what
    came if less came: what did not come is no fault of the machines."""
    planned = process.batches_per_h * process.batch * HOURS_A_WEEK
    asked = share * min(planned, run.came_per_week[process.key])
    return run.finished_per_week[process.key] >= asked


def chance_met(outcomes: Sequence[Outcome]) -> Estimate:
    """Return the chance that the programme is worked off, with the exact interval of a share."""
    return chance_of([each.met for each in outcomes])


def chance_of(came_true: Sequence[bool]) -> Estimate:
    """Return the share of independent runs in which something was true; exact interval."""
    met, n = sum(came_true), len(came_true)
    low = float(beta.ppf(0.025, met, n - met + 1)) if met else 0.0
    high = float(beta.ppf(0.975, met + 1, n - met)) if met < n else 1.0
    return Estimate(met / n, low, high)


# --- one machine away ----------------------------------------------------------------------------


def with_one_away(
    shop: Shop, key: str, away_h: float, horizon_h: float, warm_up: float = 0.2
) -> Shop:
    """Return the shop whose first machine of a station fails for some hours of a run.

    It fails in the middle of the time that is counted, or for the whole of it.
    """
    counted = horizon_h * (1 - warm_up)
    begin = horizon_h * warm_up + max(counted - away_h, 0.0) / 2
    outage = Outage(0, begin, begin + min(away_h, counted))
    return replace(shop, stations=tuple(
        replace(s, outages=(*s.outages, outage)) if s.key == key else s for s in shop.stations
    ))  # fmt: skip


@dataclass(frozen=True)
class Harm:
    """What the failure of one machine of a station does, run against run of the same luck.

    lost_per_week : items less that are finished a week
    longer_h : by how much the mean turnaround grows
    met : the chance that the programme is still worked off
    left : items that are never finished, mean over the runs
    """

    station: str
    lost_per_week: Estimate
    longer_h: Estimate
    met: Estimate
    left: float


def harms(whole: Sequence[Outcome], away: Mapping[str, Sequence[Outcome]]) -> list[Harm]:
    """Return the stations by what a failed machine costs, the worst first: items lost, then hours.

    Both are differences run against run; a chance of few runs would order by luck.
    """
    found = [_harm(key, whole[: len(runs)], runs) for key, runs in away.items() if runs]
    return sorted(
        found,
        key=lambda h: (-round(h.lost_per_week.mean, 2), -h.longer_h.mean, h.met.mean, h.station),
    )


def _harm(key: str, whole: Sequence[Outcome], away: Sequence[Outcome]) -> Harm:
    pairs = list(zip(whole, away, strict=True))
    return Harm(
        key,
        estimate([a.finished_per_week - b.finished_per_week for a, b in pairs]),
        estimate([b.mean_h - a.mean_h for a, b in pairs]),
        chance_met(away), float(np.mean([b.left for b in away])),
    )  # fmt: skip


# --- what to buy ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """What a depot is to reach; 0 is not asked for.

    mean_h : mean turnaround of all items at most [h]
    chance : chance that the programme is worked off at least
    """

    mean_h: float = 0.0
    chance: float = 0.0

    @property
    def asked(self) -> bool:
        """Whether anything is asked for."""
        return self.mean_h > 0 or self.chance > 0


def runs_needed(target: Target, least: int) -> int:
    """Return how many runs can show a target: the lower bound of a chance met in all of n runs is
    0.025 ** (1/n), so a greater chance needs more of them."""
    if target.chance <= 0:
        return least
    return max(least, math.ceil(math.log(0.025) / math.log(target.chance)))


@dataclass(frozen=True)
class Judged:
    """How a shop stands to a target: figures with intervals, and whether it is met.

    spare_h : hours that the mean turnaround lies below the target
    by_mean : the means meet it; `met`: the lower bounds of spare hours and chance do
    """

    mean_h: Estimate
    spare_h: Estimate
    chance: Estimate
    left: float
    by_mean: bool
    met: bool


def judged(outcomes: Sequence[Outcome], target: Target) -> Judged:
    """Hold runs against a target. It is met with the lower bound of the 95 % interval: what might
    be luck of twenty runs is not bought by. Work that is never finished meets nothing."""
    mean_h, chance = estimate([each.mean_h for each in outcomes]), chance_met(outcomes)
    spare = estimate([target.mean_h - each.mean_h for each in outcomes])
    left = float(np.mean([each.left for each in outcomes]))
    wanted = [(spare, 0.0)] if target.mean_h > 0 else []
    wanted += [(chance, target.chance)] if target.chance > 0 else []
    return Judged(
        mean_h, spare, chance, left,
        left == 0 and all(found.mean >= least for found, least in wanted),
        left == 0 and all(found.low >= least for found, least in wanted),
    )  # fmt: skip


def buying_order(
    shop: Shop, cost: Mapping[str, float], most: int,
    may: Callable[[Sequence[str]], bool] = lambda bought: True,
) -> list[str]:  # fmt: skip
    """Return which machines are bought one after another, by hours saved for their cost."""
    return [key for key, _ in next_machines(shop, cost, most, may=may)]


def shop_with(shop: Shop, bought: Sequence[str]) -> Shop:
    """Return the shop with some machines more."""
    for key in bought:
        shop = with_one_more(shop, key)
    return shop


def bought_until_met(
    shop: Shop, order: Sequence[str], target: Target, run: Callable[[Shop], Sequence[Outcome]]
) -> list[Judged]:
    """Buy machine after machine until the lower bound meets the target; `run` runs a shop.

    The first of what is returned is the shop as it is; the last meets the target, unless the
    order ended before.
    """
    found: list[Judged] = []
    for count in range(len(order) + 1):
        found.append(judged(run(shop_with(shop, order[:count])), target))
        if found[-1].met:
            break
    return found
