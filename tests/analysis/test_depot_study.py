"""What one failed machine costs, and purchases that go on until the lower bound meets a target."""

from dataclasses import replace

import numpy as np
import pytest

from railtrace.analysis.depot_flow import (
    HOURS_A_WEEK,
    Process,
    Shop,
    Station,
    Step,
    carried,
    visits,
)
from railtrace.analysis.depot_simulation import Run, simulate
from railtrace.analysis.depot_study import (
    Outcome,
    Target,
    bought_until_met,
    buying_order,
    chance_met,
    chance_of,
    harms,
    judged,
    outcome,
    runs_needed,
    shop_with,
    with_one_away,
    worked_off,
)
from railtrace.errors import BadData
from tests.analysis.test_depot_flow import one_station, wheelset_shop

YEAR_H = 3_000.0


def runs_of(shop: Shop, n: int = 6) -> list[Outcome]:
    return [outcome(shop, simulate(shop, YEAR_H, seed)) for seed in range(n)]


def test_the_failure_of_the_machine_that_is_short_harms_most_and_of_a_spare_one_nothing():
    shop = wheelset_shop(lathes=2)
    shop = replace(shop, stations=(*shop.stations[:2], Station("press", 4)))
    whole = runs_of(shop)
    away = {s.key: runs_of(with_one_away(shop, s.key, 500, YEAR_H)) for s in shop.stations}
    found = harms(whole, away)
    assert [harm.station for harm in found] == ["wash", "lathe", "press"]
    lathe, press = found[1], found[2]
    assert lathe.longer_h.low > 0
    assert press.longer_h.mean == pytest.approx(0, abs=0.05)
    # The same luck: without it the runs differ by more than a failed press does.
    assert press.longer_h.high - press.longer_h.low < 0.1
    assert np.ptp([each.mean_h for each in whole]) > 1


def test_the_only_machine_away_to_the_end_leaves_work_undone():
    shop = wheelset_shop(lathes=1)
    [harm] = harms(
        runs_of(shop, 3), {"press": runs_of(with_one_away(shop, "press", 9e9, YEAR_H), 3)}
    )
    assert harm.met.mean == 0
    assert harm.lost_per_week.low > 10


def outcomes(*hours: float, met: bool = True, left: int = 0) -> list[Outcome]:
    return [Outcome(1.0, each, met, left) for each in hours]


def test_a_mean_below_the_target_is_not_enough_while_the_lower_bound_is_not():
    found = judged(outcomes(8.0, 9.0, 12.0, 10.0), Target(mean_h=10.0))
    assert found.mean_h.mean < 10
    assert found.by_mean
    assert found.spare_h.low < 0
    assert not found.met
    assert judged(outcomes(8.0, 8.1, 8.2, 8.1), Target(mean_h=10.0)).met


def test_a_chance_is_met_by_its_lower_bound_and_unfinished_work_meets_nothing():
    sure = outcomes(*[5.0] * 20)
    assert chance_met(sure).low == pytest.approx(0.025 ** (1 / 20))
    assert judged(sure, Target(chance=0.8)).met
    assert runs_needed(Target(chance=0.8), 20) == 20
    assert judged(sure * 2, Target(chance=0.9)).met
    assert runs_needed(Target(chance=0.9), 20) == 36
    high = judged(sure, Target(chance=0.9))
    assert (high.by_mean, high.met) == (True, False)
    assert not judged(outcomes(5.0, 5.0, left=3), Target(mean_h=10.0)).by_mean


def test_purchases_go_on_where_the_mean_meets_the_target_and_its_lower_bound_does_not():
    shop = wheelset_shop(lathes=1)
    order = buying_order(shop, {"lathe": 1.0, "wash": 5.0}, most=6)
    assert order[0] == "lathe"
    steps = [runs_of(shop_with(shop, order[:n])) for n in range(4)]
    means = [np.mean([each.mean_h for each in runs]) for runs in steps]
    # A target just above the mean of the second shop: its mean meets it, its lower bound cannot.
    target = Target(mean_h=float(means[1]) * 1.01)
    found = bought_until_met(shop, order, target, runs_of)
    assert [each.by_mean for each in found] == [False, True, True]
    assert [each.met for each in found] == [False, False, True]


def test_an_order_that_ends_before_the_target_says_that_it_is_not_met():
    found = bought_until_met(wheelset_shop(), ["press"], Target(mean_h=0.1), runs_of)
    assert len(found) == 2
    assert not found[-1].met


def test_a_programme_is_judged_by_what_came():
    shop = one_station(1, 0.3)
    run = simulate(shop, YEAR_H, 1)
    assert outcome(shop, run).met
    doubled = replace(shop, processes=(replace(shop.processes[0], batches_per_h=9.0),))
    assert outcome(doubled, run).met


def test_a_process_is_worked_off_by_its_share_of_the_plan_or_of_what_came_where_less_came():
    """The one definition of the programme, of one process as of all."""
    process = Process("p", (Step("a", 1.0),), 1 / HOURS_A_WEEK, batch=10)
    for came, finished, off in ((10, 9.5, True), (10, 9.4, False), (4, 3.8, True), (4, 3.7, False),
                                (20, 9.5, True)):  # fmt: skip
        run = Run({"p": np.ones(3)}, {}, {}, {"p": finished}, {"p": came}, {"p": 0})
        assert worked_off(process, run) is off
        assert outcome(Shop((Station("a", 1),), (process,)), run).met is off


def test_a_chance_of_all_or_of_no_runs_has_an_interval():
    sure, never = chance_of([True] * 6), chance_of([False] * 6)
    assert (sure.mean, sure.high, never.mean, never.low) == (1.0, 1.0, 0.0, 0.0)
    assert 0.5 < sure.low < 1
    assert 0 < never.high < 0.5


# --- what the shop has learnt: steps left out, days off, calibrations, weeks ---------------------


def test_a_step_that_some_items_take_is_worked_by_that_share():
    steps = (Step("a", 1.0), Step("b", 1.0, share=0.25, rework=0.5), Step("c", 1.0))
    process = Process("p", steps, 0.2)
    assert visits(process) == pytest.approx([1, 0.5, 1])
    shop = Shop(tuple(Station(key, 1) for key in "abc"), (process,))
    loads = dict(zip("abc", carried(shop).load[:, 0], strict=True))
    worked = simulate(shop, 8_000, 2).utilisation
    assert {k: round(v, 1) for k, v in worked.items()} == pytest.approx(
        {k: round(v, 1) for k, v in loads.items()}, abs=0.051
    )


def test_items_that_take_no_step_are_done_at_once():
    process = Process("p", (Step("a", 1.0, share=0.0), Step("b", 1.0, share=0.5)), 0.2)
    run = simulate(Shop((Station("a", 1), Station("b", 1)), (process,)), 4_000, 2)
    assert np.mean(run.turnaround_h["p"] == 0) == pytest.approx(0.5, abs=0.1)
    assert run.left["p"] == 0


def test_days_off_stand_still():
    shop = one_station(1, 0.2, cv=0.2)
    weekend = replace(shop, stations=(Station("s", 1, hours_a_week=60, days_a_week=5),))
    seven = replace(shop, stations=(Station("s", 1, hours_a_week=60),))
    off, on = (
        np.quantile(simulate(each, 8_000, 3).turnaround_h["p"], 0.99) for each in (weekend, seven)
    )
    assert off > on + 24


def test_calibrations_take_a_machine_away_in_formula_and_run():
    shop = one_station(1, 0.5)
    away = replace(shop, stations=(Station("s", 1, calibration_every_h=500, calibration_h=100),))
    assert carried(away).load[0, 0] == pytest.approx(0.5 / 0.8)
    run = simulate(away, 12_000, 4)
    assert run.utilisation["s"] == pytest.approx(0.5 / 0.8, rel=0.08)
    assert np.max(run.turnaround_h["p"]) > 100


def test_a_week_of_twice_the_demand_brings_twice_the_items():
    shop = one_station(1, 0.3)
    process = replace(shop.processes[0], weekly=(0.5, 1.5), arrival_cv=0.0)
    seasons = replace(shop, processes=(process,))
    run = simulate(seasons, 336 * 10, 1, warm_up=0.0)
    assert run.came_per_week["p"] == pytest.approx(0.3 * 168, rel=0.01)
    slow = simulate(seasons, 168.0, 1, warm_up=0.0).came_per_week["p"]
    assert slow == pytest.approx(0.5 * 0.3 * 168, abs=1)


@pytest.mark.parametrize(("station", "words"), [
    (Station("s", 1, hours_a_week=130, days_a_week=5), "station s: 26.0 hours a day on 5 days"),
    (Station("s", 1, days_a_week=8), "station s: 8 days a week"),
    (Station("s", 1, calibration_every_h=10, calibration_h=10), "station s: a calibration takes"),
])  # fmt: skip
def test_a_day_of_26_hours_is_refused_by_the_name_of_its_station(station, words):
    with pytest.raises(BadData, match=words):
        carried(replace(one_station(1, 0.3), stations=(station,)))
