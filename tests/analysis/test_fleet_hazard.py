from dataclasses import replace

import numpy as np
import pytest

from railtrace.analysis.exposure import Exposure
from railtrace.analysis.fleet_hazard import FleetHazard, fit_hazard
from railtrace.analysis.public_priors import public_prior
from railtrace.errors import BadData

SHAPES, RATES = np.array([1.0, 2.5]), np.array([2e-6, 8e-6])
GAMMA = 0.4


def drawn(seed: int, vehicles: int, km: float) -> tuple[Exposure, np.ndarray]:
    """Return failures drawn from a known law at ages 50 to 400 thousand km, and the factors."""
    rng = np.random.default_rng(seed)
    ages, driving = np.linspace(50_000, 400_000, 8), np.array([-1.0, 0.0, 1.0])
    k, v, a, x = (g.ravel() for g in np.meshgrid(
        np.arange(2), np.arange(vehicles), ages, driving, indexing="ij"
    ))  # fmt: skip
    factor = rng.gamma(8, 1 / 8, vehicles)
    rate = RATES[k] * (a / 200_000) ** (SHAPES[k] - 1) * np.exp(GAMMA * x) * factor[v]
    span = np.full(len(k), km)
    return Exposure(k, v, a, x, span, rng.poisson(rate * span).astype(float), 2, vehicles), factor


def fitted(table: Exposure) -> FleetHazard:
    return fit_hazard(table, public_prior())


def test_much_exposure_gives_back_the_law_it_was_drawn_from():
    table, factor = drawn(1, 200, 400_000)
    found = fitted(table)
    assert found.converged
    ages = np.array([60_000.0, 200_000.0, 380_000.0])
    for k in range(2):
        true = RATES[k] * (ages / 200_000) ** (SHAPES[k] - 1)
        np.testing.assert_allclose(found.rate(np.full(3, k), ages), true, rtol=0.12)
    assert found.driving_effect == pytest.approx(GAMMA, abs=4 * found.driving_variance**0.5)
    told = found.frailty_shape / found.frailty_rate
    assert np.corrcoef(told, factor)[0, 1] > 0.9
    assert found.frailty_sd == pytest.approx(8**-0.5, abs=0.08)
    assert list(found.evidence) == ["ample", "ample"]


def test_a_type_that_never_failed_is_told_by_its_exposure_and_its_sisters():
    table, _ = drawn(2, 60, 40_000)
    quiet = replace(table, failures=np.where(table.component == 0, 0.0, table.failures))
    found = fitted(quiet)
    age = np.array([200_000.0])
    silent, loud = (found.rate(np.array([k]), age)[0] for k in range(2))
    assert 0 < silent < 0.5 * loud
    assert found.log_variance(np.array([0]), age) > found.log_variance(np.array([1]), age)
    assert found.evidence[0] == "none"


def test_two_enterprises_tables_together_say_what_one_table_of_all_says():
    table, _ = drawn(3, 30, 60_000)
    half = replace(table, span_km=table.span_km / 2, failures=table.failures / 2)
    both = Exposure(
        *(np.concatenate([getattr(half, c), getattr(half, c)])
          for c in ("component", "vehicle", "age_km", "driving", "span_km", "failures")),
        components=2, vehicles=30,
    )  # fmt: skip
    one, two = fitted(table), fitted(both)
    np.testing.assert_allclose(one.rate_at_shape, two.rate_at_shape, rtol=1e-6)


def test_vehicles_without_a_difference_are_not_told_apart_much():
    table, _ = drawn(4, 40, 20_000)
    found = fitted(table)
    told = found.frailty_shape / found.frailty_rate
    assert 0.3 < np.min(told) < 1 < np.max(told) < 2.5


def test_tables_that_say_nothing_are_refused_in_words():
    table, _ = drawn(5, 3, 10_000)
    with pytest.raises(BadData, match="only a bound"):
        fitted(replace(table, failures=np.zeros(len(table.failures))))
    with pytest.raises(BadData, match="nothing was run"):
        fitted(replace(table, span_km=np.zeros(len(table.span_km))))
    with pytest.raises(BadData, match="never negative"):
        replace(table, failures=-table.failures - 1)
    with pytest.raises(BadData, match="differ in length"):
        replace(table, span_km=table.span_km[1:])


def of_depots(exposure: Exposure, depot: np.ndarray, factor: list[float], seed: int) -> Exposure:
    """Return the table with failures drawn anew, each depot's so many times as often."""
    rng = np.random.default_rng(seed)
    k, a = exposure.component, exposure.age_km
    rate = RATES[k] * (a / 200_000) ** (SHAPES[k] - 1) * np.exp(GAMMA * exposure.driving)
    rate *= np.array(factor)[depot[exposure.vehicle]]
    return replace(exposure, failures=rng.poisson(rate * exposure.span_km).astype(float))


def factors(hazard: FleetHazard) -> np.ndarray:
    return hazard.frailty_shape / hazard.frailty_rate


def test_vehicles_of_a_worse_depot_start_from_its_factor_and_alike_depots_change_little():
    exposure, depot = drawn(7, 40, 20_000)[0], np.arange(40) % 2
    worse = of_depots(exposure, depot, [0.6, 1.4], 1)
    alone, told = (factors(fit_hazard(worse, public_prior(), d)) for d in (None, depot))
    for one, drawn_up in ((0, False), (1, True)):
        before, after = alone[depot == one], told[depot == one]
        assert (np.mean(after) > np.mean(before)) == drawn_up
        assert np.std(after) < np.std(before)
    assert np.mean(told) == pytest.approx(1)
    alike = of_depots(exposure, depot, [1.0, 1.0], 2)
    alone, told = (factors(fit_hazard(alike, public_prior(), d)) for d in (None, depot))
    np.testing.assert_allclose(told, alone, rtol=0.1)


def test_a_fleet_of_one_depot_is_told_as_one_without_depots():
    exposure = drawn(8, 20, 20_000)[0]
    one = fit_hazard(exposure, public_prior(), np.zeros(20, int))
    np.testing.assert_array_equal(factors(one), factors(fitted(exposure)))
    with pytest.raises(BadData, match="3 depots for 20 vehicles"):
        fit_hazard(exposure, public_prior(), np.zeros(3, int))


def test_what_the_vehicles_of_a_bad_depot_share_is_not_put_down_to_how_they_were_driven():
    exposure, depot = drawn(9, 40, 40_000)[0], np.arange(40) % 2
    often = np.where((exposure.driving > 0) == (depot[exposure.vehicle] == 1), 2.0, 0.3)
    driven = replace(exposure, span_km=exposure.span_km * often)
    found = [
        [fit_hazard(of_depots(driven, depot, [0.5, 1.5], seed), public_prior(), d).driving_effect
         for d in (None, depot)] for seed in range(3, 8)
    ]  # fmt: skip
    alone, told = np.mean(found, axis=0)
    assert alone > GAMMA + 0.05
    assert abs(told - GAMMA) < abs(alone - GAMMA) / 1.5
