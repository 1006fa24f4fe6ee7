import numpy as np
import pytest

from railtrace.analysis.imperfect_repair import MEMORIES, fit_imperfect_repair
from railtrace.analysis.life_data import right_censored
from railtrace.analysis.lifetimes import fit
from railtrace.analysis.recurrence import Histories, fit_power_law, histories
from railtrace.errors import BadData


def repaired(
    seed: int, groups: int, systems: int, rho: float, memory: str, shape=2.5, stop=6.0
) -> Histories:
    """Return failures of units whose repairs take off a share of virtual age; scale one."""
    rng = np.random.default_rng(seed)
    size = groups * systems
    age, virtual, found = np.zeros(size), np.zeros(size), []
    while np.any(age < stop):
        wait = (virtual**shape + rng.exponential(size=size)) ** (1 / shape) - virtual
        age = age + wait
        inside = np.flatnonzero(age < stop)
        found.append(np.column_stack([inside, age[inside]]))
        virtual = (1 - rho) * (age if memory == "ARA-1" else virtual + wait)
    rows = np.vstack(found)
    return histories(np.full(size, stop), rows[:, 1], rows[:, 0].astype(int),
                     group=np.repeat(np.arange(groups), systems))  # fmt: skip


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("rho", [0.3, 0.7])
def test_the_share_taken_off_is_found_and_covered_as_often_as_said(memory, rho):
    found = fit_imperfect_repair(repaired(1, 200, 20, rho, memory), memory)
    assert np.median(found.rho.estimate) == pytest.approx(rho, abs=0.05)
    inside = (found.rho.low <= rho) & (rho <= found.rho.high)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("memory", MEMORIES)
def test_groups_fitted_together_are_as_fitted_one_by_one(memory):
    data = repaired(2, 4, 6, 0.5, memory)
    together = fit_imperfect_repair(data, memory)
    for g in range(4):
        alone = fit_imperfect_repair(data.take_group(g), memory)
        assert together.rho.estimate[g] == pytest.approx(alone.rho.estimate[0], abs=1e-5)
        assert together.log_likelihood[g] == pytest.approx(alone.log_likelihood[0], abs=1e-8)


def test_its_ends_are_the_power_law_and_the_renewal_law():
    data = repaired(3, 1, 10, 0.5, "ARA-1")
    found = fit_imperfect_repair(data)
    minimal = fit_power_law(data).log_likelihood[0]
    first = np.concatenate(([True], data.system[1:] != data.system[:-1]))
    gap = data.age - np.where(first, 0, np.concatenate(([0.0], data.age[:-1])))
    last = np.zeros(10)
    np.maximum.at(last, data.system, data.age)
    renewal = fit(right_censored([*gap, *(6.0 - last)], [*np.ones(len(gap)), *np.zeros(10)]))
    assert found.log_likelihood[0] >= max(minimal, renewal.log_likelihood[0])
    for chance, value in (
        (found.p_minimal, minimal), (found.p_perfect, renewal.log_likelihood[0])
    ):  # fmt: skip
        root = np.sqrt(2 * (found.log_likelihood[0] - value))
        assert chance[0] == pytest.approx(0.5 * np.exp(log_tail(root)), rel=1e-6)


def log_tail(root: float) -> float:
    from scipy.stats import chi2

    return float(chi2.logsf(root**2, 1))


@pytest.mark.parametrize(("rho", "end"), [(0.0, "p_minimal"), (1.0, "p_perfect")])
def test_a_true_end_is_seldom_rejected(rho, end):
    found = fit_imperfect_repair(repaired(4, 300, 12, rho, "ARA-1"))
    assert np.mean(getattr(found, end) < 0.05) < 0.09


def test_what_is_not_covered_is_refused():
    with pytest.raises(BadData, match="age zero"):
        fit_imperfect_repair(histories([9.0], [5.0], [0], start=[1.0]))
    with pytest.raises(BadData, match="twice at the age 5"):
        fit_imperfect_repair(histories([9.0], [5.0, 5.0], [0, 0]))
    with pytest.raises(BadData, match="is not one of"):
        fit_imperfect_repair(histories([9.0], [5.0], [0]), "ARA-2")


def test_repeats_are_the_failures_after_the_first():
    data = histories([9.0, 9.0, 9.0], [2.0, 5.0, 7.0, 3.0], [0, 0, 0, 1])
    assert fit_imperfect_repair(data).repeats.tolist() == [2]
