"""Days to a limit: arithmetic where nothing is in doubt, and wider where it is."""

import numpy as np
import pytest

from railtrace.analysis.run_rate import PERIOD_DAYS, run_rates
from railtrace.analysis.wear import WearState
from railtrace.analysis.wear_due import days_to_limit

STEADY = run_rates(np.full((3, 36), 3000.0), 0)


def state(level, rate, level_sd=1e-3, rate_sd=1e-9):
    one = np.ones(1)
    return WearState(one * 0, one * level, one * rate, one * level_sd**2, one * rate_sd**2, one * 0)


def days(state, limit, rising=False, quantiles=(0.05, 0.5, 0.95)):
    return days_to_limit(state, np.array([limit]), np.array([rising]), STEADY, np.array([0]), 0.0,
                         quantiles)[0]  # fmt: skip


def test_a_sure_wheel_on_a_steady_unit_comes_when_division_says() -> None:
    # 3 mm at 0.1 mm per 1000 km are 30,000 km, ten periods of 3,000 km.
    assert days(state(28.0, -1e-4), 25.0)[1] == pytest.approx(10 * PERIOD_DAYS, rel=0.03)
    assert days(state(4.0, 1e-4), 7.0, rising=True)[1] == pytest.approx(10 * PERIOD_DAYS, rel=0.03)


def test_what_is_over_its_limit_is_due_now_and_what_does_not_wear_never() -> None:
    assert days(state(24.0, -1e-4), 25.0)[1] == 0
    assert np.isinf(days(state(28.0, 0.0), 25.0)).all()


def test_a_less_sure_rate_makes_the_band_wider_and_the_order_stays() -> None:
    sure, unsure = days(state(28.0, -1e-4), 25.0), days(state(28.0, -1e-4, rate_sd=2e-5), 25.0)
    assert unsure[0] < sure[0] < sure[1] < sure[2] < unsure[2]
