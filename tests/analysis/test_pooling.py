import numpy as np
import pytest

from railtrace.analysis.life_data import Lives, censored
from railtrace.analysis.pooling import Prior, pool, read_priors
from railtrace.analysis.public_priors import public_prior
from railtrace.analysis.weibull import fit_right_censored
from railtrace.errors import BadData, CatalogueError
from tests.analysis.simulated_lives import drawn

FILE = """
version = "test"
status = "invented"
source = "a test"
license = "Apache-2.0"
[[priors]]
component = "any"
log_shape_mean = 0.4
log_shape_deviation = 0.4
log_scale_deviation = 0.8
worth_groups = 2.0
"""


def fleet(seed: int, groups: int, rows: int) -> tuple[Lives, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    log_shape, log_scale = rng.normal(0.5, 0.25, groups), rng.normal(7, 0.4, groups)
    return drawn(seed, groups, rows, np.exp(log_shape), np.exp(log_scale)), log_shape, log_scale


@pytest.mark.parametrize("rows", [4, 15, 60])
def test_pooled_groups_err_less_than_separate_ones_and_their_intervals_hold(rows):
    lives, log_shape, log_scale = fleet(1, 400, rows)
    found, alone = pool(lives, public_prior()), fit_right_censored(lives)
    assert found.converged
    ok = alone.converged
    pooled_error = np.sqrt(np.mean((found.mean[ok, 1] - log_shape[ok]) ** 2))
    assert pooled_error < 0.75 * np.sqrt(np.mean((-alone.theta[ok, 1] - log_shape[ok]) ** 2))
    for told, true in ((found.shape(), log_shape), (found.scale(), log_scale)):
        inside = (np.log(told.low) < true) & (true < np.log(told.high))
        # Four rows teach a group little beyond the wide prior: too careful, not too bold.
        assert 0.86 < np.mean(inside) < (0.98 if rows == 4 else 0.945)


def test_the_chance_of_failing_next_is_covered_as_often_as_said():
    lives, log_shape, log_scale = fleet(2, 600, 12)
    found = pool(lives, public_prior()).failure_chance(400.0, 50.0)
    beta, eta = np.exp(log_shape), np.exp(log_scale)
    true = -np.expm1((400 / eta) ** beta - (450 / eta) ** beta)
    assert np.mean((found.low < true) & (true < found.high)) == pytest.approx(0.9, abs=0.04)


def test_much_data_leave_the_prior_behind():
    lives, _, _ = fleet(3, 5, 20_000)
    found, alone = pool(lives, public_prior("electronics")), fit_right_censored(lives)
    # The prior's shapes are far from the truth; a hundredth of a standard error is left of it.
    away = (found.mean[:, 1] + alone.theta[:, 1]) / alone.standard_errors[:, 1]
    assert np.max(np.abs(away)) < 0.1
    sure = np.sqrt(found.covariance[:, 1, 1])
    np.testing.assert_allclose(sure, alone.standard_errors[:, 1], rtol=0.03)


def test_a_group_without_failures_gets_a_law_that_its_exposure_has_moved():
    lives, _, _ = fleet(4, 30, 20)
    quiet = lives.group == 7
    lives = Lives(lives.lower, np.where(quiet, np.inf, lives.upper), lives.offsets, lives.entry)
    found = pool(lives, public_prior())
    assert found.events[7] == 0
    assert found.evidence[7] == "none"
    assert found.mean[7, 0] > found.spread.log_scale_mean
    assert np.all(np.isfinite(found.scale().high))


def test_the_posterior_is_what_a_fine_grid_gives():
    lives, _, _ = fleet(5, 12, 6)
    found = pool(lives, public_prior())
    spread, rows = found.spread, lives.slice(slice(3, 4))
    log_shape = np.linspace(-2.5, 3.5, 601)
    log_scale = np.linspace(2, 12, 601)
    beta, eta = np.exp(log_shape)[:, None], np.exp(log_scale)[None, :]
    value = np.zeros((601, 601))
    for exit_age, entry, failed in zip(rows.lower, rows.entry, rows.failed, strict=True):
        value += (entry / eta) ** beta - (exit_age / eta) ** beta
        if failed:
            value += np.log(beta) + (beta - 1) * np.log(exit_age) - beta * np.log(eta)
    value -= 0.5 * ((log_shape[:, None] - spread.log_shape_mean) / spread.log_shape_deviation) ** 2
    value -= 0.5 * ((log_scale - spread.log_scale_mean) / spread.log_scale_deviation) ** 2
    weight = np.exp(value - value.max())
    weight /= weight.sum()
    assert found.mean[3, 1] == pytest.approx(np.sum(weight * log_shape[:, None]), abs=2e-4)
    assert found.mean[3, 0] == pytest.approx(np.sum(weight * log_scale[None, :]), abs=2e-4)
    away = np.sum(weight * (log_scale[None, :] - found.mean[3, 0]) ** 2)
    assert found.covariance[3, 0, 0] == pytest.approx(away, rel=2e-3)


def test_more_groups_than_are_learnt_from_still_each_get_their_law():
    lives, log_shape, _ = fleet(6, 2500, 10)
    found = pool(lives, public_prior())
    assert found.mean.shape == (2500, 2)
    assert np.corrcoef(found.mean[:, 1], log_shape)[0, 1] > 0.2
    again = pool(lives, public_prior())
    assert np.array_equal(found.mean, again.mean)


def test_one_new_group_leans_on_the_prior():
    lives, _, _ = fleet(7, 1, 8)
    prior = Prior(0.9, 0.05, 0.3, 1e6, log_scale_mean=7.0)
    assert pool(lives, prior).mean[0, 1] == pytest.approx(0.9, abs=0.05)


def test_what_cannot_be_pooled_is_refused():
    with pytest.raises(BadData, match="right-censored"):
        pool(censored([1.0], [2.0]), public_prior())
    with pytest.raises(BadData, match="no group has a failure"):
        pool(censored([1.0], [np.inf]), public_prior())


def test_a_public_file_names_its_version_and_what_its_values_are():
    prior = public_prior("wearing_part")
    assert (prior.version, prior.status) == ("2026-11", "invented")
    assert prior.log_shape_mean > public_prior("electronics").log_shape_mean


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('version = "test"\n', "", "wants license, priors"),
        ("worth_groups = 2.0", "worth = 2.0", "prior of any: wants"),
        ("log_shape_deviation = 0.4", "log_shape_deviation = 0.0", "0.0 is not above zero"),
        ("version", "version = = ", "prior file"),
    ],
)
def test_a_wrong_prior_file_is_refused_by_key(old, new, reason):
    with pytest.raises(CatalogueError, match=reason):
        read_priors(FILE.replace(old, new, 1))


def test_an_unknown_component_or_file_is_refused_by_name():
    assert read_priors(FILE)["any"].log_shape_mean == 0.4
    with pytest.raises(CatalogueError, match="no prior of wings; it has any"):
        public_prior("wings")
    with pytest.raises(CatalogueError, match="no prior file nowhere"):
        public_prior(file="nowhere")
