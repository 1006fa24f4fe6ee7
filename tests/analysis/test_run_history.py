"""Runs told by their ends become periods; what is not a unit's pace is left out of them."""

import numpy as np
import pytest

from railtrace.analysis.run_history import RunHistory
from railtrace.analysis.run_rate import PERIOD_DAYS

FIRST, COUNT = 600, 24
START = FIRST * PERIOD_DAYS
NOW = START + COUNT * PERIOD_DAYS + 3


def weekly(km=700.0, until=NOW, every=7.0, skip=lambda day: False):
    days = [d for d in np.arange(START + 1, until, every) if not skip(d - START)]
    return days, list(km * np.arange(1, len(days) + 1))


def history(*told):
    return RunHistory(list(told), FIRST, COUNT, NOW)


def days(*of_start):
    return np.array(of_start) + START


def test_a_steady_unit_has_steady_periods_however_its_runs_fall_into_them() -> None:
    (runs,) = history(weekly()).runs()
    assert runs[1:-1] == pytest.approx(100 * PERIOD_DAYS, rel=1e-9)
    assert runs[[0, -1]] == pytest.approx(100 * PERIOD_DAYS, rel=1e-9)


def test_units_do_not_run_into_each_other() -> None:
    runs = history(weekly(700), ([], []), weekly(70), weekly(1400, every=14.0)).runs()
    assert np.isnan(runs[1]).all()
    assert [float(np.nanmean(runs[n])) for n in (0, 2, 3)] == pytest.approx(
        [100 * PERIOD_DAYS, 10 * PERIOD_DAYS, 100 * PERIOD_DAYS])  # fmt: skip


def test_a_gap_with_a_repair_in_it_is_neither_time_nor_way() -> None:
    told = history(weekly(skip=lambda day: 100 < day < 160))
    stays = told.stays(np.array([0]), days(101.0), days(130.0))
    (runs,) = told.runs(stays)
    assert np.isnan(runs).sum() == 1
    assert runs[np.isfinite(runs)] == pytest.approx(100 * PERIOD_DAYS, rel=1e-9)
    assert np.nanmin(told.runs()[0]) < 60 * PERIOD_DAYS


def test_a_repair_counts_for_the_unit_it_was_of() -> None:
    told = history(weekly(), weekly(skip=lambda day: 100 < day < 160))
    other = told.runs(told.stays(np.array([0]), days(101.0), days(130.0)))
    assert np.nanmin(other[1]) < 60 * PERIOD_DAYS


def test_long_standing_without_a_repair_counts_as_standing() -> None:
    told = history(weekly(until=START + 300))
    assert told.runs()[0][-8:] == pytest.approx(0)
    stays = told.stays(np.array([0]), days(310.0), days(NOW - START))
    assert np.isnan(told.runs(stays)[0][-8:]).all()
    assert told.untold(stays)[0] == 0


def test_what_may_have_been_run_since_is_no_longer_than_from_run_to_run() -> None:
    lately, long_ago = weekly(until=NOW - 2), weekly(until=START + 300)
    untold = history(lately, long_ago, ([], [])).untold()
    assert untold[0] == pytest.approx(NOW - lately[0][-1])
    assert untold[0] < 7
    assert list(untold[1:]) == [7, 0]


def test_before_the_first_run_nothing_is_known() -> None:
    late = [d + 400 for d in weekly()[0] if d + 400 < NOW], list(range(len(weekly()[0])))
    (runs,) = history((late[0], late[1][: len(late[0])])).runs()
    assert np.isnan(runs[:13]).all()
    assert np.isfinite(runs[14:]).all()
