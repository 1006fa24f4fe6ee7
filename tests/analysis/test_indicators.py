from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.indicators import (
    INDICATORS,
    Hours,
    Service,
    control_chart,
    gamma_life,
    mean_between,
    mean_of,
    rate,
    share_of_hours,
    trend_of,
)
from railtrace.errors import BadData

BY_KEY = {indicator.key: indicator for indicator in INDICATORS}


def service(**changed):
    usual = {
        "km": 2e6, "failures": 10, "incidents": 4,
        "hours": (Hours(800, 100, 50, 50), Hours(900, 50, 25, 25)),
        "restorations": ((10.0, 20.0), (20.0, 0.0), (30.0, 10.0)),
    }  # fmt: skip
    return Service(**(usual | changed))


def told(key, some):
    return BY_KEY[key].of(some)


def test_ten_failures_in_two_million_km_are_five_in_a_million_within_the_exact_interval():
    found = told("failure_intensity", service())
    assert found.value == pytest.approx(5)
    # chi-square(20; 0.05) / 2 = 5.4254 and chi-square(22; 0.95) / 2 = 16.9622: tables.
    assert (found.low, found.high) == pytest.approx((5.4254 / 2, 16.9622 / 2), rel=1e-4)


def test_no_failure_prints_the_bound_and_never_for_ever():
    found = told("mdbf", service(failures=0))
    assert (found.value, found.high) == (None, inf)
    assert found.low == pytest.approx(2e6 / -log(0.05))
    bound = told("failure_intensity", service(failures=0))
    assert (bound.value, bound.low) == (None, 0)
    assert bound.high == pytest.approx(-log(0.05) / 2)


def test_distances_and_times_between_are_the_rates_turned_over():
    assert told("mdbf", service()).value == 200_000
    assert told("mtbf", service()).value == 170
    assert told("mtin", service()).value == 500_000


def test_a_restoration_is_told_whole_and_in_its_parts():
    assert told("mttr", service()).value == 30
    assert told("mttr_active", service()).value == 20
    assert told("mttr_waiting", service()).value == 10


def test_availabilities_leave_out_what_their_names_say():
    assert told("inherent", service()).value == pytest.approx(1700 / 1775)
    assert told("technical", service()).value == pytest.approx(1700 / 1925)
    assert told("operational", service()).value == pytest.approx(1700 / 2000)


def test_one_vehicle_tells_no_interval_of_availability():
    one = share_of_hours([90], [100], 3)
    assert (one.value, one.low, one.high) == (0.9, 0.0, 1.0)


def test_two_repairs_tell_a_mean_and_no_interval():
    found = mean_of([10.0, 20.0])
    assert (found.value, found.low, found.high) == (15.0, 0.0, inf)


def test_nothing_run_tells_nothing():
    assert rate(0, 0.0).high == inf
    assert mean_between(3, 0.0).value is None
    assert share_of_hours([], [], 0).value is None
    assert gamma_life([], [], [], 0.9).value is None


def test_negative_kilometres_are_refused():
    with pytest.raises(BadData, match="never negative"):
        service(km=-1.0)
    with pytest.raises(BadData, match="never negative"):
        service(failures=-1)


@given(st.integers(0, 500), st.floats(1, 1e9))
def test_every_rate_lies_in_its_interval_and_more_events_never_lower_it(count, exposure):
    one, more = rate(count, exposure), rate(count + 1, exposure)
    assert one.low <= (one.value or 0.0) <= one.high
    assert more.low > one.low
    assert more.high > one.high


def test_the_interval_of_availability_holds_the_truth_nine_times_in_ten():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        down = rng.gamma(2.0, 50.0, 30)
        found = share_of_hours((1000 - down).tolist(), [1000.0] * 30, 30)
        held += found.low <= 0.9 <= found.high
    assert 0.84 <= held / 400 <= 0.95


def test_gamma_percent_life_of_the_exponential_law_is_known():
    rng = np.random.default_rng(3)
    lives = rng.exponential(100_000, 4000)
    seen = np.minimum(lives, 150_000)
    found = gamma_life(np.zeros(4000), seen, lives <= 150_000, 0.9)
    assert found.value == pytest.approx(-log(0.9) * 100_000, rel=0.1)
    assert found.low < found.value


def test_gamma_percent_life_without_failures_is_a_bound():
    found = gamma_life([0.0] * 10, [100_000.0] * 10, [False] * 10, 0.9)
    assert found.value is None
    assert found.low == pytest.approx(-log(0.9) * 1e6 / -log(0.05), rel=1e-6)


def test_a_month_far_above_the_middle_is_a_signal_and_an_idle_one_is_none():
    middle, months = control_chart(
        list("abcde"), [2, 3, 2, 20, 0], [1e5, 1e5, 1e5, 1e5, 0.0], 1e6
    )
    assert middle == pytest.approx(27 / 4e5 * 1e6)
    assert [m.signal for m in months] == ["", "", "", "above", ""]
    assert months[4].rate is None


def test_eight_months_on_one_side_are_a_signal():
    _, months = control_chart(list("abcdefghijkl"), [12] * 9 + [2, 2, 2], [1e5] * 12)
    assert [m.signal for m in months][7:9] == ["run", "run"]
    assert months[6].signal == ""


def test_a_steady_process_signals_seldom():
    rng = np.random.default_rng(11)
    counts = rng.poisson(8, 5000)
    _, months = control_chart([""] * 5000, counts.tolist(), [1e5] * 5000)
    outside = np.mean([m.signal in ("above", "below") for m in months])
    assert outside < 0.0035


def test_failures_that_come_sooner_are_a_growing_trend_and_five_are_needed():
    assert trend_of([1, 2, 4, 8, 12], [1e5] * 5).direction == "growing"
    assert trend_of([12, 8, 4, 2, 1], [1e5] * 5).direction == "falling"
    assert trend_of([0, 0, 0, 0, 4], [1e5] * 5).direction == ""
    assert trend_of([5, 5, 5, 5, 5], [1e5] * 5).p == pytest.approx(1)
