"""Demand by week: dues, campaigns before a season, and what failures bring."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from railtrace.analysis.fuel import SEASONS
from railtrace.projections.campaigns import Campaign
from railtrace.store.demand import (
    WEEKS,
    demand,
    loads_seen,
    season_factors,
    unplanned,
    wagon_load,
)
from railtrace.store.workload import WEEK_US
from railtrace.trace.leaf import microseconds
from tests.store.test_views import CATALOGUE

NOW = datetime(2026, 11, 26, tzinfo=UTC)
NOW_US = microseconds(NOW)
HOUR = 3_600_000_000


class _Lookup:
    """A coach that failed forty times, each in a winter week of the last two years."""

    def maintained(self) -> list[Any]:
        return [SimpleNamespace(unit="c", type="coach_open", vehicle_class="coach")]

    def failures_of(self, units: list[str]) -> Any:
        weeks = [week for week in range(104) if (NOW - timedelta(weeks=week)).month in (12, 1, 2)]
        times = [NOW_US - weeks[n % len(weeks)] * WEEK_US for n in range(40)]
        return {"c": [(at, "", None, f"f{n}") for n, at in enumerate(sorted(times))]}, {}


def test_failures_tell_a_rate_with_its_interval_and_the_seasons() -> None:
    found = unplanned(cast(Any, _Lookup()), NOW_US)["coach"]
    assert found.n == 40
    assert found.low < found.per_week < found.high
    assert found.seasons["winter"] > 2
    assert found.seasons["summer"] == 0


def test_too_few_failures_tell_no_season() -> None:
    assert season_factors([NOW_US] * 29, NOW_US - 52 * WEEK_US, NOW_US) == dict.fromkeys(SEASONS, 1)


def test_orders_of_one_hour_and_site_are_one_load() -> None:
    at = [0, 1 * HOUR, 2 * HOUR, 3 * HOUR, 90 * HOUR]
    rows = [{"process": "p", "site": "s", "opened_us": us} for us in at]
    assert loads_seen([*rows, {"process": "p", "site": "t", "opened_us": 0}]) == {"p": (3, 2.0)}


def test_a_wagon_brings_its_wheelsets() -> None:
    assert wagon_load(CATALOGUE, "wheelset_freight") == 4
    assert wagon_load(CATALOGUE, "coach_open") == 1


def test_dues_come_in_their_week_campaigns_until_their_day_and_failures_by_season() -> None:
    def due(weeks: float) -> Any:
        return SimpleNamespace(due=SimpleNamespace(unit="c", kind="ТО-3"),
                               median_us=NOW_US + round(weeks * WEEK_US))  # fmt: skip

    until = (NOW + timedelta(weeks=3)).date().isoformat()
    campaign = Campaign(unit="campaign:w", campaign="w", until=until, service="ТО-3", opened_us=1)
    failures = unplanned(cast(Any, _Lookup()), NOW_US)
    found = demand(
        CATALOGUE, cast(Any, _Lookup()), [due(2.5), due(2.6), due(-1), due(40)],
        [(campaign, ["c"])], {"coach_to3": 1.0}, failures, NOW_US,
    )["coach_to3"]  # fmt: skip
    assert found.due[2] == 2
    assert sum(found.due) == 2
    assert found.overdue == 1
    assert found.season[:5] == pytest.approx((0.25, 0.25, 0.25, 0.25, 0))
    assert found.unplanned[4] > 2 > found.unplanned[-1]
    assert sum(found.weeks) == pytest.approx(3 + 1 + sum(found.unplanned))
    assert len(found.weeks) == WEEKS
