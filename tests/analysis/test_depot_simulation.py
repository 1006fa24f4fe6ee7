from dataclasses import replace

import numpy as np
import pytest
import simpy
from scipy.stats import ks_2samp

from railtrace.analysis.depot_flow import Process, Shop, Station, Step, carried
from railtrace.analysis.depot_simulation import (
    estimate,
    percentile_h,
    replicate,
    simulate,
)
from tests.analysis.test_depot_flow import one_station, wheelset_shop


@pytest.mark.parametrize(("machines", "load", "cv", "batch"), [
    (1, 0.8, 1.0, 1), (3, 0.8, 1.0, 1), (2, 0.85, 0.3, 4),
])  # fmt: skip
def test_long_runs_agree_with_the_formulas(machines, load, cv, batch):
    shop = one_station(machines, load, cv, batch)
    runs = replicate(shop, 6_000, 8)
    simulated = estimate([run.wait_h["s"] for run in runs])
    told = carried(shop).now(carried(shop).wait_h)[0]
    assert simulated.low * 0.9 < told < simulated.high * 1.1


def test_one_seed_is_one_run_and_another_seed_another():
    shop = wheelset_shop()
    one, two, other = (simulate(shop, 2_000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.turnaround_h["wheelset"], two.turnaround_h["wheelset"])
    assert not np.array_equal(one.turnaround_h["wheelset"], other.turnaround_h["wheelset"])


def test_everything_that_came_is_finished_when_the_shop_can_carry_it():
    run = simulate(wheelset_shop(), 4_000, 3, warm_up=0.0)
    came = 0.25 * 4 * 4_000
    assert len(run.turnaround_h["wheelset"]) == pytest.approx(came, rel=0.15)
    assert np.min(run.turnaround_h["wheelset"]) > 0


def test_a_machine_off_the_bottleneck_adds_no_output_and_one_less_at_it_shows():
    shop = wheelset_shop(lathes=2)
    more = replace(shop, stations=(*shop.stations[:2], Station("press", 3)))
    less = wheelset_shop(lathes=1)
    weekly = [
        estimate([run.finished_per_week["wheelset"] for run in replicate(each, 3_000, 8)])
        for each in (shop, more, less)
    ]
    # Common random numbers: what is equal is equal up to the last items on their way.
    assert weekly[1].mean == pytest.approx(weekly[0].mean, rel=0.002)
    assert weekly[2].high < weekly[0].low


def test_closed_shifts_stop_the_work_and_the_load_shows_it():
    shop = one_station(1, 0.4, cv=0.2)
    shifts = replace(shop, stations=(Station("s", 1, hours_a_week=84),))
    open_, closed = (simulate(each, 8_000, 5) for each in (shop, shifts))
    assert closed.utilisation["s"] == pytest.approx(2 * open_.utilisation["s"], rel=0.05)
    assert np.mean(closed.turnaround_h["p"]) > np.mean(open_.turnaround_h["p"]) + 2


def test_what_is_worked_off_after_the_horizon_is_no_use_of_the_horizon_s_hours():
    run = simulate(one_station(1, 1.4), 4_000, 3)
    assert run.utilisation["s"] == pytest.approx(1.0, abs=0.02)


def test_a_washing_machine_takes_several_at_once():
    wash = Shop((Station("wash", 1, capacity=4),),
                (Process("p", (Step("wash", 1.0, 0.0),), 0.2, 4),))  # fmt: skip
    single = replace(wash, stations=(Station("wash", 1),))
    together, apart = (simulate(each, 4_000, 1).utilisation["wash"] for each in (wash, single))
    assert together == pytest.approx(apart / 4, rel=0.05)


def test_reports_carry_intervals():
    runs = replicate(wheelset_shop(), 2_000, 6)
    slow, fast = (percentile_h(runs, "wheelset", share) for share in (0.9, 0.5))
    assert fast.low < fast.mean < fast.high < slow.high


def test_long_work_tells_how_far_it_is_and_stops_when_told_to():
    heard: list[int] = []
    runs = replicate(wheelset_shop(), 500, 20, tell=lambda done: heard.append(done) or done < 3)
    assert heard == [1, 2, 3]
    assert len(runs) == 3


def test_two_processors_give_the_runs_of_one():
    one = replicate(wheelset_shop(), 500, 3)
    two = replicate(wheelset_shop(), 500, 3, processors=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.turnaround_h["wheelset"], b.turnaround_h["wheelset"])


# --- SimPy as the oracle ----------------------------------------------------------------------


def by_simpy(shop: Shop, horizon_h: float, seed: int) -> np.ndarray:
    """Run a shop of stations that neither close nor break down; return turnarounds."""
    rng = np.random.default_rng(seed)
    env = simpy.Environment()
    places = {s.key: simpy.Resource(env, s.machines) for s in shop.stations}
    found: list[float] = []

    def draw(mean: float, cv: float) -> float:
        return mean if cv == 0 else float(rng.gamma(cv**-2, mean * cv**2))

    def item(process: Process):
        came, step = env.now, 0
        while step < len(process.steps):
            spec = process.steps[step]
            with places[spec.station].request() as place:
                yield place
                yield env.timeout(draw(spec.mean_h, spec.cv))
            step = step if rng.random() < spec.rework else step + 1
        if came > 0.2 * horizon_h:
            found.append(env.now - came)

    def source(process: Process):
        while True:
            yield env.timeout(draw(1 / process.batches_per_h, process.arrival_cv))
            for _ in range(process.batch):
                env.process(item(process))

    for process in shop.processes:
        env.process(source(process))
    env.run(horizon_h)
    return np.array(found)


def test_turnarounds_are_distributed_as_simpy_has_them():
    shop = wheelset_shop()
    calm = replace(shop, stations=tuple(Station(s.key, s.machines) for s in shop.stations))
    # Items of one run depend on each other: every tenth run-wide quantile is compared, not items.
    ours = [np.quantile(simulate(calm, 3_000, s).turnaround_h["wheelset"], 0.5) for s in range(24)]
    theirs = [np.quantile(by_simpy(calm, 3_000, s), 0.5) for s in range(24)]
    assert ks_2samp(ours, theirs).pvalue > 0.01
