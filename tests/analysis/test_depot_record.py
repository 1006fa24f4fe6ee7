from itertools import pairwise

import numpy as np
import pytest

from railtrace.analysis.depot_flow import Process, Shop, Station, Step, visits
from railtrace.analysis.depot_record import flows, standing_at
from railtrace.analysis.depot_simulation import DONE, NOWHERE, Record, recorded, simulate
from railtrace.errors import BadData

HORIZON_H = 2000.0


def shop(per_h: float = 0.3, back_to: int | None = 0, rework: float = 0.2) -> Shop:
    """Return a shop of three stations with rework, a washer for three, shifts and breakdowns."""
    test = Step("test", 0.5, rework=rework, back_to=back_to)
    steps = (Step("wash", 1.0), Step("lathe", 1.5), test)
    return Shop(
        (Station("wash", 1, capacity=3), Station("lathe", 2, mtbf_h=80.0, mttr_h=8.0),
         Station("test", 1, hours_a_week=84)),
        (Process("set", steps, per_h / 2, 2), Process("axle", steps[:2], 0.05)),
    )  # fmt: skip


def station_of(record: Record, some: Shop, key: str) -> np.ndarray:
    steps = [[step.station for step in process.steps] for process in some.processes]
    at = [steps[p][s] == key for p, s in zip(record.process, record.step, strict=True)]
    return np.array(at)


def test_a_recorded_run_is_the_run_itself():
    run, record = recorded(shop(), HORIZON_H, 3)
    bare = simulate(shop(), HORIZON_H, 3)
    assert run.wait_h == bare.wait_h
    assert run.utilisation == bare.utilisation
    np.testing.assert_array_equal(run.turnaround_h["set"], bare.turnaround_h["set"])
    counted = (record.arrived_h >= 0.2 * HORIZON_H) & (record.after == DONE)
    done = counted & (record.process == 0)
    order = np.argsort(record.end_h[done], kind="stable")
    took = (record.end_h - record.arrived_h)[done][order]
    np.testing.assert_allclose(np.sort(took), np.sort(run.turnaround_h["set"]))


def test_waits_of_the_record_are_those_of_the_run():
    run, record = recorded(shop(), HORIZON_H, 5)
    for key in ("wash", "lathe", "test"):
        mine = station_of(record, shop(), key) & np.isfinite(record.begin_h)
        mine &= record.begin_h >= 0.2 * HORIZON_H
        waits = (record.begin_h - record.queued_h)[mine]
        assert float(np.mean(waits)) == pytest.approx(run.wait_h[key])


def test_no_machine_takes_more_than_it_can_and_nobody_begins_while_it_is_down():
    _, record = recorded(shop(), HORIZON_H, 1)
    for key, machines, capacity in (("wash", 1, 3), ("lathe", 2, 1), ("test", 1, 1)):
        for machine in range(machines):
            mine = station_of(record, shop(), key) & (record.machine == machine)
            spans = sorted(set(zip(record.begin_h[mine], record.end_h[mine], strict=True)))
            assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
            counts = np.unique(record.begin_h[mine], return_counts=True)[1]
            assert counts.max() <= capacity
            begins, ends = record.down[key][machine]
            for begin, _ in spans:
                at = int(np.searchsorted(begins, begin, side="right")) - 1
                assert at < 0 or ends[at] <= begin


@pytest.mark.parametrize(("per_h", "overloaded"), [(0.3, False), (3.0, True)])
def test_what_comes_to_a_step_goes_on_back_or_stays(per_h: float, overloaded: bool):
    some = shop(per_h)
    _, record = recorded(some, HORIZON_H, 7)
    found = flows(record, some)
    wash, lathe, test = found["set"]
    items = len({(p, n) for p, n in zip(record.process, record.number, strict=True) if p == 0})
    assert wash.came == items + test.again
    assert lathe.came == wash.on
    assert test.came == lathe.on
    for flow in (*found["set"], *found["axle"]):
        assert flow.came == flow.on + flow.again + flow.left
        assert 0 <= flow.waited <= flow.came
    assert (wash.left + lathe.left + test.left > 0) is overloaded
    assert int(np.sum(record.after == NOWHERE)) == sum(
        f.left for flow in found.values() for f in flow
    )


def test_rework_flows_as_often_as_it_is_expected():
    some = shop()
    came = np.array([
        [flow.came for flow in flows(recorded(some, HORIZON_H, seed)[1], some)["set"]]
        for seed in range(6)
    ])  # fmt: skip
    times = came.sum(0) / (came[:, 0].sum() / visits(some.processes[0])[0])
    np.testing.assert_allclose(times, visits(some.processes[0]), rtol=0.05)


def test_flows_count_only_who_came_since_then():
    some = shop()
    _, record = recorded(some, HORIZON_H, 2)
    whole, later = (flows(record, some, at)["set"][0].came for at in (0.0, 0.5 * HORIZON_H))
    assert 0.35 * whole < later < 0.65 * whole


def test_at_every_moment_everybody_who_came_works_waits_or_is_done():
    some = shop()
    _, record = recorded(some, HORIZON_H, 4)
    first = {(p, n): at for p, n, at in
             zip(record.process, record.number, record.arrived_h, strict=True)}  # fmt: skip
    for at in (0.0, 10.0, 333.25, 1200.0):
        stood = standing_at(record, some, at)
        inside = [v for on in (*stood.working.values(), *stood.waiting.values()) for v in on]
        who = [(record.process[v], record.number[v]) for v in inside]
        assert len(set(who)) == len(who)
        assert len(who) + stood.done == sum(came <= at for came in first.values())
    everywhere = [v for on in stood.working.values() for v in on]
    assert all(record.begin_h[v] <= 1200.0 < record.end_h[v] for v in everywhere)


def test_a_shop_that_cannot_be_is_not_recorded():
    nowhere = Shop((Station("wash", 1),), (Process("set", (Step("lathe", 1.0),), 0.1),))
    with pytest.raises(BadData, match="there is no machine lathe"):
        recorded(nowhere, 10.0, 1)
