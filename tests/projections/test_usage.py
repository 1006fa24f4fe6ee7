"""Counters by runs and meters; a part's kilometres by its stays."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from railtrace.projections.fold import fold, resolve
from railtrace.projections.genealogy import Stay
from railtrace.projections.mileage import Counter, Mileage
from railtrace.projections.usage import USAGE
from railtrace.trace.operation import Counter as OpeningCounter
from tests.projections.railway import entries, op


def usage(*operations):
    return fold(USAGE, "v-1", resolve(entries(operations), "v-1"))[0]


def ran(id_, day, km):
    return op("Ran", id_, day, units=("v-1",), distance_km=km)


def read(id_, day, value):
    return op("MeterRead", id_, day, units=("v-1",), meter="km", value=value)


def test_runs_add_to_the_opening_figure_exactly():
    opening = op(
        "Registered", "r1", 0, units=("v-1",), type="te10m",
        counters=(OpeningCounter(meter="km", value="412300"),),
    )  # fmt: skip
    runs = [ran(f"a{i}", i + 1, "0.1") for i in range(10)]
    assert usage(opening, *runs).km.total == 412_301_000


def test_a_replaced_meter_goes_on_counting_the_same_life():
    swapped = op(
        "MeterReplaced", "s1", 2, units=("v-1",), meter="km", removed_value="1000",
        fitted_value="5",
    )  # fmt: skip
    state = usage(read("m1", 1, "900"), swapped, read("m2", 3, "105"))
    assert state.km.total == 1_100_000
    assert not state.contradictions


def test_a_counter_going_back_is_raised_and_nothing_is_dropped():
    state = usage(read("m1", 1, "900"), read("m2", 2, "800"))
    assert [c.name for c in state.contradictions.values()] == ["counter_goes_back"]
    assert state.km.total == 800_000


def test_rotable_motor_of_the_working_day_keeps_its_own_kilometres():
    """Scenario 5: on at 121 900 km, off at 186 400: 64 500 km plus what it had."""
    carrier = Counter([(0, 121_900_000)], [(10, 30_000_000), (20, 34_500_000), (40, 9_000_000)])
    stays = {"motor": [Stay("motor", "loco", "traction_motor.4", 1, 30)]}
    had = Counter([(0, 7_000)])
    mileage = Mileage(
        lambda unit: carrier if unit == "loco" else had, lambda unit: stays.get(unit, [])
    )
    assert mileage.at("motor", 50) == 64_500_000 + 7_000


def test_nested_carriers_count_once():
    loco = Counter([], [(5, 100), (15, 200), (25, 400)])
    stays = {
        "bearing": [Stay("bearing", "box", "", 0, 20)],
        "box": [Stay("box", "loco", "", 10, None)],
    }
    mileage = Mileage(
        lambda unit: loco if unit == "loco" else Counter(), lambda unit: stays.get(unit, [])
    )
    assert mileage.at("bearing", 30) == 200
    assert mileage.at("box", 30) == 600


def test_a_ring_of_carriers_does_not_hang():
    stays = {"a": [Stay("a", "b", "", 0, None)], "b": [Stay("b", "a", "", 0, None)]}
    mileage = Mileage(lambda unit: Counter([], [(1, 10)]), lambda unit: stays[unit])
    assert mileage.at("a", 5) == 20


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=20),
       st.lists(st.tuples(st.integers(0, 50), st.integers(0, 99)), max_size=5),
       st.integers(0, 60))  # fmt: skip
def test_a_counter_is_the_last_anchor_plus_the_runs_since(runs, anchors, us):
    anchors = sorted({at: (at, total) for at, total in anchors}.values())
    since, total = max(((at, v) for at, v in anchors if at <= us), default=(-1, 0))
    if since < 0 and anchors:
        total = max(anchors[0][1] - sum(length for at, length in runs if at <= anchors[0][0]), 0)
    expected = total + sum(length for at, length in runs if since < at <= us)
    assert Counter(anchors, runs).at(us) == expected


def test_what_the_first_reading_reveals_was_run_before_and_not_in_that_moment():
    loco = Counter([(10, 1_000_000)], [(5, 200), (15, 300)])
    assert [loco.at(us) for us in (4, 5, 10, 15)] == [999_800, 1_000_000, 1_000_000, 1_000_300]
    stays = {"wheelset": [Stay("wheelset", "loco", "", 2, None)]}
    mileage = Mileage(
        lambda unit: loco if unit == "loco" else Counter(), lambda unit: stays.get(unit, [])
    )
    assert mileage.at("wheelset", 20) == 500


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=20),
       st.integers(1, 50), st.integers(500, 900), st.integers(0, 60),
       st.integers(0, 60))  # fmt: skip
def test_a_part_registered_with_a_figure_late_runs_what_its_carrier_ran(runs, at, had, one, two):
    stays = {"part": [Stay("part", "loco", "", 0, None)]}
    own = {"loco": Counter([], runs), "part": Counter([(at, had)])}
    mileage = Mileage(own.__getitem__, lambda unit: stays.get(unit, []))
    first, last = sorted((one, two))
    ran = sum(length for when, length in runs if first < when <= last)
    assert mileage.at("part", last) - mileage.at("part", first) == ran
    assert mileage.at("part", at) == had


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(0, 9_000)), max_size=9,
             unique_by=lambda run: run[0]),
    st.lists(st.tuples(st.integers(1, 99), st.integers(0, 90_000)), max_size=4,
             unique_by=lambda anchor: anchor[0]),
    st.integers(0, 60), st.integers(0, 60),
)  # fmt: skip
def test_what_is_told_of_a_window_is_what_the_counter_ran_in_it(runs, anchors, start, length):
    counter = Counter(anchors, runs)
    times, ran = counter.told(start, start + length)
    assert times == sorted(set(times))
    assert all(start < at <= start + length for at in times)
    ends = {at for at, _ in runs if start < at <= start + length}
    assert ends <= set(times)
    for (one, so_far), (other, then) in pairwise(zip(times, ran, strict=True)):
        by_runs = sum(km for at, km in runs if one < at <= other)
        shown = counter.at(other) - counter.at(one)
        assert then - so_far == (by_runs if len(anchors) < 2 else shown)


def test_kilometres_that_only_a_meter_shows_are_told_when_it_was_read() -> None:
    counter = Counter([(0, 5_000), (30, 95_000), (50, 96_500)], [(10, 40_000), (60, 2_000)])
    assert counter.told(0, 99) == ([10, 30, 50, 60], [45_000, 95_000, 96_500, 98_500])
    assert counter.told(-1, 20)[0] == [0, 10]
