from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.bench_queues import ratio, rows
from railtrace.analysis.depot_flow import (
    People,
    Process,
    Shop,
    Station,
    Step,
    carried,
    next_machines,
    turnaround_h,
    visits,
)
from railtrace.errors import BadData


def one_station(machines: int, load: float, cv: float = 1.0, batch: int = 1) -> Shop:
    """Return a shop of one station with work of one hour."""
    process = Process("p", (Step("s", 1.0, cv),), load * machines / batch, batch)
    return Shop((Station("s", machines),), (process,))


def wheelset_shop(lathes: int = 2) -> Shop:
    stations = (Station("wash", 1), Station("lathe", lathes, mtbf_h=200, mttr_h=10),
                Station("press", 1))  # fmt: skip
    steps = (Step("wash", 0.5), Step("lathe", 1.6, rework=0.1), Step("press", 0.4))
    return Shop(stations, (Process("wheelset", steps, 0.25, 4),))


@pytest.mark.parametrize(("machines", "load", "wait_h"), [
    (1, 0.8, 4.0), (2, 0.8, 16 / 9), (3, 0.8, 1.0787), (1, 0.5, 1.0),
])  # fmt: skip
def test_waits_of_mmc_are_exact(machines, load, wait_h):
    # M/M/1: rho/(1-rho); M/M/2: rho^2/(1-rho^2); M/M/3 at 0.8: Erlang's tables.
    found = carried(one_station(machines, load))
    assert found.now(found.wait_h)[0] == pytest.approx(wait_h, rel=1e-3)


@given(st.floats(0.05, 0.95), st.floats(0, 2))
def test_waits_of_mg1_are_those_of_pollaczek_and_khinchine(load, cv):
    found = carried(one_station(1, load, cv))
    assert found.wait_h[0, 0] == pytest.approx(load / (1 - load) * (1 + cv**2) / 2, rel=1e-9)


@given(st.floats(0.05, 0.95), st.floats(0, 2), st.integers(1, 9))
def test_waits_of_batches_at_one_machine_are_exact(load, cv, batch):
    found = carried(one_station(1, load, cv, batch))
    queue = load / (1 - load) * (1 + cv**2) / 2
    assert found.wait_h[0, 0] == pytest.approx(queue + (batch - 1) / (2 * (1 - load)), rel=1e-9)


@pytest.mark.parametrize(("count", "batch", "load"), [(2, 3, 0.5), (3, 4, 0.8), (6, 2, 0.6)])
def test_waits_of_batches_of_random_work_are_those_of_the_chain_of_states(count, batch, load):
    rate, chances = load * count / batch, np.zeros(400)
    chances[0] = 1.0
    for n in range(1, len(chances)):
        # What goes down past n is what jumps above it.
        chances[n] = rate * chances[max(0, n - batch) : n].sum() / min(n, count)
    waiting = np.maximum(np.arange(len(chances)) - count, 0) @ chances / chances.sum()
    found = carried(one_station(count, load, batch=batch))
    assert found.now(found.wait_h)[0] == pytest.approx(waiting / (rate * batch), rel=1e-6)


@pytest.mark.parametrize(("count", "batch", "load", "cv"), [
    (2, 4, 0.5, 0.3), (3, 4, 0.6, 0.3), (6, 2, 0.5, 0.3), (4, 8, 0.7, 0.6),
])  # fmt: skip
def test_waits_of_batches_are_not_below_a_simulated_station_and_within_a_fifth(
    count, batch, load, cv
):
    assert 0.97 < ratio(count, batch, load, cv, items=40_000) < 1.2


@pytest.mark.nightly
def test_waits_of_batches_hold_over_the_whole_grid():
    [row] = rows()
    assert row.met, str(row)


@given(st.floats(0.05, 0.9), st.integers(1, 6), st.integers(1, 8))
def test_more_machines_never_wait_longer_and_greater_batches_never_shorter(load, machines, batch):
    found = carried(one_station(machines, load, batch=batch))
    finite = found.wait_h[0][np.isfinite(found.wait_h[0])]
    assert np.all(np.diff(finite) <= 1e-12)
    greater = carried(one_station(machines, load, batch=batch + 1))
    assert greater.now(greater.wait_h)[0] > found.now(found.wait_h)[0]


def test_rework_is_visited_as_often_as_it_comes_back():
    steps = (Step("a", 1, rework=0.5), Step("b", 1, rework=0.2, back_to=0), Step("c", 1))
    # From step b one in five begins at a again.
    assert visits(Process("p", steps, 1)) == pytest.approx([2 / 0.8, 1 / 0.8, 1])


def test_the_bottleneck_is_named_and_a_machine_elsewhere_adds_nothing_to_what_can_pass():
    shop = wheelset_shop()
    found = carried(shop)
    assert found.bottleneck == "lathe"
    more_press = replace(shop, stations=(*shop.stations[:2], Station("press", 2)))
    top = [np.max(carried(each).now(carried(each).load)) for each in (shop, more_press)]
    assert top[0] == top[1]
    assert np.max(carried(wheelset_shop(3)).now(carried(wheelset_shop(3)).load)) < top[0]


def test_shifts_and_breakdowns_take_their_share():
    whole = carried(one_station(1, 0.3)).load[0, 0]
    shop = one_station(1, 0.3)
    shifts = replace(shop, stations=(Station("s", 1, hours_a_week=84),))
    broken = replace(shop, stations=(Station("s", 1, mtbf_h=30, mttr_h=10),))
    assert carried(shifts).load[0, 0] == pytest.approx(2 * whole)
    assert carried(broken).load[0, 0] == pytest.approx(whole / 0.75)


def test_an_overloaded_station_waits_for_ever_and_says_so():
    found = carried(one_station(1, 1.2))
    assert found.wait_h[0, 0] == np.inf
    assert np.isfinite(found.wait_h[0, 1])


def test_what_to_buy_next_is_the_machine_that_takes_most_time_for_its_cost():
    costs = {"wash": 1.0, "lathe": 1.0, "press": 1.0}
    bought = next_machines(wheelset_shop(lathes=1), costs, steps=4)
    assert [station for station, _ in bought][:1] == ["lathe"]
    times = [hours for _, hours in bought]
    assert times == sorted(times, reverse=True)
    dear = next_machines(wheelset_shop(lathes=2), costs | {"lathe": 1e9}, steps=1)
    assert dear[0][0] != "lathe"


def test_turnaround_is_work_and_waits_together():
    shop = one_station(1, 0.8)
    assert turnaround_h(shop, carried(shop))["p"] == pytest.approx(5.0)


def broken(**change):
    shop = one_station(1, 0.5)
    step = replace(shop.processes[0].steps[0], **change)
    return replace(shop, processes=(replace(shop.processes[0], steps=(step,)),))


@pytest.mark.parametrize(("shop", "words"), [
    (broken(station="x"), "process p, step 1: there is no machine x"),
    (broken(station="x", name="wash"), "process p, step wash: there is no machine x"),
    (broken(mean_h=0.0), "its time is not above zero"),
    (broken(rework=1.0), "goes round for ever"),
    (broken(back_to=3), "goes to an earlier step"),
    (Shop((Station("s", 0),), ()), "station s: 0 machines"),
    (Shop((Station("s", 1, hours_a_week=182),), ()), "station s: 182 hours a week"),
    (Shop((Station("s", 1), Station("s", 1)), ()), "two stations have one name"),
    (Shop((Station("s", 1),), (Process("p", (), 1),)), "process p has no steps"),
])  # fmt: skip
def test_a_shop_that_cannot_be_is_refused_by_name(shop, words):
    with pytest.raises(BadData, match=words):
        carried(shop)


def handed(counts=(1, 1, 1), crew=1.0, shift_h=8.0, days=7):
    """Return a shop of one station of two machines whose work of an hour takes people."""
    step = Step("s", 1.0, people="fitter", crew=crew)
    return Shop((Station("s", 2),), (Process("p", (step,), 0.8),),
                (People("fitter", counts, shift_h, days),))  # fmt: skip


def test_people_are_loaded_by_the_hours_of_their_shifts_and_named_where_they_are_the_bottleneck():
    found = carried(handed())
    assert found.people_load == pytest.approx([0.8])
    assert found.now(found.load) == pytest.approx([0.4])
    assert found.bottleneck == "fitter"
    assert carried(handed((2, 2, 2))).bottleneck == "s"
    assert carried(handed((1, 1, 0), days=5)).people_load == pytest.approx([0.8 * 168 / 80])
    assert carried(handed((2, 2, 2), crew=2.0)).people_load == pytest.approx([0.8])
    assert turnaround_h(handed(), found)["p"] > turnaround_h(handed((9, 9, 9)), carried(
        handed((9, 9, 9))))["p"]  # fmt: skip


def test_people_of_many_processes_have_a_wait_whatever_the_rounding():
    steps = tuple(Step("s", 1.0, people="fitter") for _ in range(3))
    for rates in ((0.1, 0.2, 0.3), (0.01, 0.07, 0.13), (0.03, 0.011, 0.17)):
        routes = tuple(Process(str(n), steps, rate / 9) for n, rate in enumerate(rates))
        shop = Shop((Station("s", 2),), routes, handed().people)
        assert np.all(np.isfinite(carried(shop).people_wait_h))


def test_people_who_are_not_counted_are_never_short():
    shop = replace(handed(), people=())
    assert carried(shop).bottleneck == "s"
    assert turnaround_h(shop, carried(shop))["p"] < turnaround_h(handed(), carried(handed()))["p"]


def test_a_person_is_the_next_purchase_where_people_are_short():
    bought = next_machines(handed((1, 0, 0)), {"s": 1.0, "fitter": 1.0}, steps=3)
    assert bought[0][0] == "fitter"


@pytest.mark.parametrize(("shop", "words"), [
    (handed(shift_h=26.0, counts=(1,)), "people fitter: 1 shifts of 26 hours; a day has 24"),
    (handed(shift_h=12.0), "people fitter: 3 shifts of 12 hours; a day has 24"),
    (handed(counts=(0, 0)), "people fitter: 0, 0 by shift"),
    (handed(counts=()), "people fitter: none by shift"),
    (handed(counts=(1, -1)), "none below zero"),
    (handed(days=8), "people fitter: 8 days a week"),
    (handed(crew=2.0), "process p, step 1: it takes 2 of people fitter, at most 1 are there"),
    (replace(handed(), people=(*handed().people, People("s", (1,)))), "have one name"),
])  # fmt: skip
def test_people_who_cannot_be_are_refused_by_name(shop, words):
    with pytest.raises(BadData, match=words):
        carried(shop)


@pytest.mark.parametrize("moves", [
    (((1, 1.0),), ((0, 1.0),)), (((1, 1.0),), ((0, 0.9999), (2, 0.0001))),
])  # fmt: skip
def test_a_route_in_a_circle_is_refused_by_the_name_of_its_step(moves):
    steps = tuple(Step("s", 1.0, name=name, moves=to)
                  for name, to in zip(("turn", "test"), moves, strict=True))  # fmt: skip
    shop = Shop((Station("s", 1),), (Process("p", steps, 0.1),))
    with pytest.raises(BadData, match="process p, step turn: the route comes back to it again"):
        carried(shop)


def test_chances_that_are_none_are_refused():
    with pytest.raises(BadData, match="process p, step 1: the chances of where it goes"):
        carried(broken(moves=((1, 0.5),)))


def test_costs_that_are_no_costs_are_refused():
    with pytest.raises(BadData, match="above zero"):
        next_machines(wheelset_shop(), {"lathe": 0.0}, steps=1)
