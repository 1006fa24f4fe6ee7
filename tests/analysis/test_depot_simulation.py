from dataclasses import replace

import numpy as np
import pytest
import simpy
from scipy.stats import ks_2samp

from railtrace.analysis.depot_flow import (
    People,
    Process,
    Shop,
    Station,
    Step,
    carried,
    visits,
    with_one_more,
)
from railtrace.analysis.depot_simulation import (
    estimate,
    percentile_h,
    recorded,
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


# --- people as a second resource ---------------------------------------------------------------

DAY_SHIFT = 8.0


def staffed(*counts: int, inspectors: int = 1) -> Shop:
    """Return a shop of four stations, worked around the clock by people of two qualifications."""
    stations = (Station("wash", 2), Station("lathe", 3), Station("test", 2), Station("accept", 2))
    steps = (
        Step("wash", 0.5, 0.4, people="fitter"), Step("lathe", 1.4, 0.4, people="fitter"),
        Step("test", 0.7, 0.4, 0.1, people="inspector"),
        Step("accept", 0.3, 0.4, people="inspector"),
    )  # fmt: skip
    people = (People("fitter", counts, DAY_SHIFT, 7),
              People("inspector", (inspectors,) * 3, DAY_SHIFT, 7))  # fmt: skip
    return Shop(stations, (Process("wheelset", steps, 0.15, 4),), people)


def by_simpy_with_people(shop: Shop, horizon_h: float, seed: int) -> np.ndarray:
    """Run a staffed shop in SimPy; return turnarounds. Who is at a machine waits there for a
    person by how long it has waited; a place that a shift has not filled is held by nobody."""
    rng, env = np.random.default_rng(seed), simpy.Environment()
    places = {s.key: simpy.Resource(env, s.machines) for s in shop.stations}
    hands = {p.key: simpy.PriorityResource(env, max(p.counts)) for p in shop.people}
    found: list[float] = []

    def item(process: Process):
        arrived, step = env.now, 0
        while step < len(process.steps):
            spec, came = process.steps[step], env.now
            with places[spec.station].request() as place:
                yield place
                with hands[spec.people].request(priority=came) as hand:
                    yield hand
                    yield env.timeout(float(rng.gamma(spec.cv**-2, spec.mean_h * spec.cv**2)))
            step = step if rng.random() < spec.rework else step + 1
        if arrived > 0.2 * horizon_h:
            found.append(env.now - arrived)

    def away(people: People, place: int):
        """Keep one of the places of the people empty in the shifts that have fewer."""
        while True:
            for count in people.counts:
                if place < count:
                    yield env.timeout(people.shift_h)
                    continue
                begin = env.now
                with hands[people.key].request(priority=-1) as empty:
                    yield empty
                    yield env.timeout(max(people.shift_h - (env.now - begin), 0))

    def source(process: Process):
        while True:
            yield env.timeout(float(rng.exponential(1 / process.batches_per_h)))
            for _ in range(process.batch):
                env.process(item(process))

    for people in shop.people:
        for place in range(min(people.counts), max(people.counts)):
            env.process(away(people, place))
    for process in shop.processes:
        env.process(source(process))
    env.run(horizon_h)
    return np.array(found)


@pytest.mark.parametrize("shop", [staffed(2, 2, 2), staffed(3, 1, 2, inspectors=2)])
def test_turnarounds_with_people_are_distributed_as_simpy_has_them(shop):
    ours = [simulate(shop, 800, s).turnaround_h["wheelset"] for s in range(100, 116)]
    theirs = [by_simpy_with_people(shop, 800, s) for s in range(16)]
    for share in (0.5, 0.9):
        of = ([np.quantile(each, share) for each in runs] for runs in (ours, theirs))
        assert ks_2samp(*of).pvalue > 0.01


def test_a_machine_adds_nothing_where_people_are_short_and_a_person_shows():
    shop = staffed(1, 1, 1, inspectors=3)
    shop = replace(shop, processes=(replace(shop.processes[0], batches_per_h=0.3),))
    more_lathes, more_fitters = with_one_more(shop, "lathe"), with_one_more(shop, "fitter")
    runs = [replicate(each, 600, 4) for each in (shop, more_lathes, more_fitters)]
    now, lathe, fitter = (
        np.array([run.finished_per_week["wheelset"] for run in each]) for each in runs
    )
    assert np.mean(lathe) == pytest.approx(np.mean(now), rel=0.01)
    assert estimate((fitter - now).tolist()).low > 0
    assert runs[0][1].people["fitter"] == pytest.approx(1, abs=0.03)


def test_work_rests_while_none_of_its_people_is_there():
    day = replace(staffed(4, 0, 0, inspectors=9), processes=(
        replace(staffed(4).processes[0], batches_per_h=0.05),))  # fmt: skip
    _run, record = recorded(day, 600, 1)
    by_fitters = record.step < 2
    begun, ended = record.begin_h[by_fitters] % 24, record.end_h[by_fitters] % 24
    assert np.all(begun < 8)
    assert np.all((ended <= 8 + 1e-9) | (ended > 24 - 1e-9))
    assert np.any(record.begin_h[record.step == 3] % 24 > 8)


def test_who_waits_longest_for_people_is_first_and_no_smaller_crew_passes_by():
    stations = (Station("lift", 1), Station("check", 1))
    lift = Process("lift", (Step("lift", 10.0, 0, people="fitter", crew=2),), 0.02)
    check = Process("check", (Step("check", 3.0, 0, people="fitter"),), 0.2)
    shop = Shop(stations, (lift, check), (People("fitter", (2, 2, 2), 8, 7),))
    _run, record = recorded(shop, 2_000, 4)
    at = np.argsort(record.queued_h, kind="stable")
    begun = record.begin_h[at]
    assert np.all(np.diff(begun[record.process[at] == 0]) >= 10 - 1e-9)
    assert np.max((record.begin_h - record.queued_h)[record.process == 0]) < 60


def test_items_go_where_their_chances_say():
    steps = (Step("a", 0.1, 0.0, moves=((1, 0.3), (2, 0.6), (3, 0.1))),
             Step("b", 0.1, 0.0, moves=((0, 0.5), (3, 0.5))), Step("c", 0.1, 0.0))  # fmt: skip
    shop = Shop(tuple(Station(key, 9) for key in "abc"), (Process("p", steps, 1.0),))
    _run, record = recorded(shop, 4_000, 1, warm_up=0.0)
    items = len(set(record.number.tolist()))
    seen = [np.sum(record.step == n) / items for n in range(3)]
    assert seen == pytest.approx(visits(shop.processes[0]), abs=0.03)
    assert seen == pytest.approx([1 / 0.85, 0.3 / 0.85, 0.6 / 0.85], abs=0.03)
