"""Fuel against norms: estimated where none is stated, with the doubt that is in it."""

import numpy as np
import pytest

from railtrace.analysis.fuel import Norm, cell_norm, mass_band, season_of, use_against


def runs(rng, units=6, each=30, norm=40.0, unit_sd=0.05, noise=0.06):
    unit = np.repeat(np.arange(units), each)
    work = rng.uniform(50, 150, len(unit))
    factor = np.exp(rng.normal(0, unit_sd, units))
    fuel = work * norm * factor[unit] * np.exp(rng.normal(0, noise, len(unit)))
    return work, fuel, unit, factor


def test_a_norm_of_few_runs_is_no_norm():
    assert cell_norm(np.ones(7), np.ones(7), np.arange(7)) is None


def test_the_estimated_norm_holds_the_true_one_nine_times_in_ten():
    held = 0
    for seed in range(400):
        work, fuel, unit, _ = runs(np.random.default_rng(seed))
        norm = cell_norm(work, fuel, unit)
        held += norm.low <= 40.0 * np.exp(0.05**2 / 2 + 0.06**2 / 2) <= norm.high
    assert 0.86 <= held / 400 <= 0.94


def test_runs_of_one_unit_are_no_independent_witnesses():
    """Six units that differ by a twentieth: many runs of each must not narrow the norm."""
    rng = np.random.default_rng(1)
    few, many = (cell_norm(*runs(rng, each=each)[:3]) for each in (20, 400))
    assert (many.high - many.low) > 0.4 * (few.high - few.low)


def test_what_a_unit_burnt_more_is_found_and_its_interval_holds_the_truth():
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        work, fuel, _, _ = runs(rng, units=1, each=60, unit_sd=0)
        use = use_against(work, fuel * 1.1, np.zeros(60, int), [Norm(40, 40, 40, row="x")],
                          np.ones(60, bool))  # fmt: skip
        held += use.low <= 1.1 * np.exp(0.06**2 / 2) <= use.high
        assert use.ratio == pytest.approx(1.1, abs=0.05)
    assert 0.85 <= held / 300 <= 0.95


def test_the_doubt_of_an_estimated_norm_widens_the_interval():
    work, fuel = np.full(50, 100.0), np.full(50, 4000.0) * np.linspace(0.95, 1.05, 50)
    cell, every = np.zeros(50, int), np.ones(50, bool)
    sure = use_against(work, fuel, cell, [Norm(40, 40, 40, row="x")], every)
    doubtful = use_against(work, fuel, cell, [Norm(40, 36, 44, 50, 5)], every)
    assert doubtful.high - doubtful.low > 3 * (sure.high - sure.low)
    assert (sure.estimated_share, doubtful.estimated_share) == (0.0, 1.0)


def test_runs_without_a_norm_are_counted_and_not_compared():
    use = use_against(np.ones(3), np.ones(3), np.array([0, 0, 1]), [None, Norm(1, 1, 1, row="x")],
                      np.ones(3, bool))  # fmt: skip
    assert (use.runs, use.bare, use.ratio) == (3, 2, 1.0)


def test_seasons_and_bands():
    assert [season_of(m) for m in (12, 2, 3, 8, 11)] == [
        "winter", "winter", "spring", "summer", "autumn"]  # fmt: skip
    assert (mass_band(499.9), mass_band(500.0)) == (0.0, 500.0)
