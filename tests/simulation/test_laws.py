"""The laws by themselves: inverse of each other, mean one, read from data."""

import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.simulation.laws import (
    SHIPPED,
    cumulative_hazard,
    kijima_age,
    km_to_failure,
    laws_from,
    load_laws,
    lognormal_mean_one,
    wave,
)


def array(value):
    return np.array([value], dtype=float)


@given(
    age=st.floats(0, 3e6),
    left=st.floats(1e-3, 20),
    factor=st.floats(0.1, 5),
    shape=st.floats(0.7, 4),
    scale=st.floats(1e3, 2e7),
)
def test_the_way_to_failure_uses_up_exactly_the_hazard_that_was_left(
    age, left, factor, shape, scale
):
    way = km_to_failure(array(age), array(left), array(factor), array(shape), array(scale))
    used = cumulative_hazard(age + way, array(shape), array(scale)) - cumulative_hazard(
        array(age), array(shape), array(scale)
    )
    start = float(cumulative_hazard(array(age), array(shape), array(scale))[0])
    assert float((factor * used)[0]) == pytest.approx(left, rel=1e-6, abs=1e-9 * (1 + start) * 1e3)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1))
def test_repair_leaves_an_age_between_that_of_the_start_and_that_of_the_failure(start, lived, q):
    assert start <= kijima_age(start, start + lived, q) <= start + lived


def test_a_year_of_waves_has_mean_one_and_its_peak_where_it_says():
    weeks = np.linspace(0, 52.17857, 1000, endpoint=False)
    values = [wave(week, 0.15, 3.0) for week in weeks]
    assert np.mean(values) == pytest.approx(1, abs=1e-6)
    assert weeks[int(np.argmax(values))] == pytest.approx(3.0, abs=0.06)


def test_lognormal_factors_have_mean_one():
    factors = lognormal_mean_one(np.random.default_rng(1), 0.35, 200_000)
    assert np.mean(factors) == pytest.approx(1, abs=0.004)
    assert np.std(np.log(factors)) == pytest.approx(0.35, abs=0.003)


def test_the_shipped_laws_have_the_size_of_tajik_railways():
    fleet = [row for row in load_laws().fleet if row.joins_week is None]
    assert sum(row.count for row in fleet if row.duty == "freight") == 2269
    assert sum(row.count for row in fleet if row.duty == "coach") == 441
    assert sum(row.count for row in fleet if row.series) == 56


def test_every_duty_has_a_programme_and_every_home_a_site():
    laws = load_laws()
    logs = {site.log for site in laws.sites}
    for row in laws.fleet:
        assert laws.programme(row.duty), row.duty
        assert set(row.homes) <= logs


def test_failure_classes_of_a_component_are_shares_of_one():
    for component in load_laws().components:
        assert sum(component.classes) == pytest.approx(1), component.part_type


def test_a_misspelt_parameter_is_refused():
    tables = tomllib.loads(SHIPPED.read_text("utf-8"))
    tables["frailty"]["sdd"] = 0.3
    with pytest.raises(msgspec.ValidationError, match="sdd"):
        laws_from(tables)


def test_the_page_explains_every_table_of_the_laws():
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text("utf-8")
    tables = tomllib.loads(SHIPPED.read_text("utf-8"))
    assert f"version {tables['version']}" in page
    for name, value in tables.items():
        if isinstance(value, dict | list):
            assert f"`{name}`" in page, name
