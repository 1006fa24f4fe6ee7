"""The depot engine beside SimPy on one shop with batches and breakdowns, and the instant answer."""

from dataclasses import replace
from typing import Any

import numpy as np
import simpy

from bench.table import Row, at_least, in_turn, seconds, within
from railtrace.analysis.depot_flow import People, Process, Shop, Station, Step, carried
from railtrace.analysis.depot_simulation import replicate, simulate

YEAR_H, REPLICATIONS = 8760.0, 20
_STEPS = (
    ("wash", 1, 0.5, 0.0), ("strip", 3, 1.2, 0.0), ("ndt", 2, 1.0, 0.02), ("lathe", 3, 1.5, 0.03),
    ("press", 1, 0.5, 0.02), ("assemble", 4, 1.9, 0.0), ("vibration", 2, 0.8, 0.05),
    ("paint", 1, 0.5, 0.0), ("accept", 1, 0.4, 0.01),
)  # fmt: skip
MTBF_H, MTTR_H = 200.0, 6.0
_HANDS = {
    "wash": "fitter", "strip": "fitter", "ndt": "inspector", "lathe": "turner",
    "press": "fitter", "assemble": "fitter", "vibration": "inspector", "paint": "fitter",
    "accept": "inspector",
}  # fmt: skip
_COUNTS = {"fitter": 7, "inspector": 3, "turner": 3}


def shop() -> Shop:
    """Return a wheelset shop of nine stations; its times are invented."""
    return Shop(
        tuple(Station(key, n, mtbf_h=MTBF_H, mttr_h=MTTR_H) for key, n, _, _ in _STEPS),
        (Process("wheelset", tuple(Step(k, h, 0.4, again) for k, _, h, again in _STEPS), 0.4, 4),),
    )


def staffed_shop() -> Shop:
    """Return the shop with people of three qualifications around the clock, one at a machine."""
    some = shop()
    routes = tuple(
        replace(p, steps=tuple(replace(s, people=_HANDS[s.station]) for s in p.steps))
        for p in some.processes
    )
    return Shop(some.stations, routes, tuple(
        People(key, (count,) * 3, days_a_week=7) for key, count in _COUNTS.items()
    ))  # fmt: skip


def rows() -> list[Row]:
    """Measure a shop-year in both engines, twenty of them in ours, and the closed answer."""
    some, staffed = shop(), staffed_shop()
    theirs, ours, ratio = in_turn(lambda: _by_simpy(some), lambda: simulate(some, YEAR_H, 1), 3)
    they, we, times = in_turn(
        lambda: _by_simpy(staffed), lambda: simulate(staffed, YEAR_H, 1), 3
    )
    instant = min(seconds(lambda: carried(some)) for _ in range(20))
    return [
        at_least("a shop-year, nine stations, batches and breakdowns, beside SimPy",
                 f"{ours:.2f} s", f"{theirs:.2f} s, SimPy", ratio, 5),
        at_least("the same with people of three qualifications as a second resource",
                 f"{we:.2f} s", f"{they:.2f} s, SimPy", times, 5),
        within(f"{REPLICATIONS} replications of it, two processors", 1000 * seconds(
            lambda: replicate(some, YEAR_H, REPLICATIONS, processors=2)), 15_000),
        within(f"{REPLICATIONS} of it with people, two processors", 1000 * seconds(
            lambda: replicate(staffed, YEAR_H, REPLICATIONS, processors=2)), 15_000),
        within("the instant answer for 1 to 12 machines at every station", 1000 * instant, 10),
    ]  # fmt: skip


def _by_simpy(some: Shop) -> None:
    rng, env = np.random.default_rng(1), simpy.Environment()
    places = {s.key: simpy.PreemptiveResource(env, s.machines) for s in some.stations}
    hands = {p.key: simpy.PriorityResource(env, p.counts[0]) for p in some.people}
    for process in some.processes:
        env.process(_arrive(env, process, places, hands, rng))
    for station in some.stations:
        for _ in range(station.machines):
            env.process(_break(env, places[station.key], rng))
    env.run(YEAR_H)


def _arrive(
    env: Any, process: Process, places: dict[str, Any], hands: dict[str, Any], rng: Any
) -> Any:
    while True:
        yield env.timeout(rng.exponential(1 / process.batches_per_h))
        for _ in range(process.batch):
            env.process(_item(env, process, places, hands, rng))


def _item(
    env: Any, process: Process, places: dict[str, Any], hands: dict[str, Any], rng: Any
) -> Any:
    step = 0
    while step < len(process.steps):
        spec = process.steps[step]
        left, came = rng.gamma(spec.cv**-2, spec.mean_h * spec.cv**2), env.now
        while left > 0:
            with places[spec.station].request(priority=1) as place:
                try:
                    yield place
                    if spec.people not in hands:
                        began = env.now
                        yield env.timeout(left)
                    else:
                        with hands[spec.people].request(priority=came) as hand:
                            began = env.now
                            yield hand
                            began = env.now
                            yield env.timeout(left)
                    left = 0
                except simpy.Interrupt:
                    left -= env.now - began
        step += rng.random() >= spec.rework


def _break(env: Any, place: Any, rng: Any) -> Any:
    while True:
        yield env.timeout(rng.exponential(MTBF_H))
        with place.request(priority=0) as seized:
            yield seized
            yield env.timeout(rng.exponential(MTTR_H))
