"""The effect of operation quality on the hazard, from violations that only count about it."""

import numpy as np
import pytest

from railtrace.analysis.driving_effect import (
    driving_effect,
    read_quality,
    rule_effects,
)
from railtrace.errors import BadData

UNITS, WEEKS = 60, 156


def fleet(seed, gamma=0.3, rate=0.8, spread=0.7, units=UNITS, weeks=WEEKS):
    rng = np.random.default_rng(seed)
    x = np.empty((units, weeks))
    x[:, 0] = rng.normal(size=units)
    for week in range(1, weeks):
        x[:, week] = 0.85 * x[:, week - 1] + np.sqrt(1 - 0.85**2) * rng.normal(size=units)
    exposure = rng.uniform(0.6, 1.4, (units, weeks))
    violations = rng.poisson(exposure * rate * np.exp(spread * x)).astype(float)
    frailty = rng.gamma(8, 1 / 8, (units, 1))
    failures = rng.poisson(exposure * 0.03 * frailty * np.exp(gamma * x)).astype(float)
    return x, exposure, violations, failures


def test_the_hidden_quality_is_read_from_its_counts():
    x, exposure, violations, _ = fleet(1)
    quality = read_quality(violations, exposure)
    assert quality.spread == pytest.approx(0.7, abs=0.1)
    assert quality.persistence == pytest.approx(0.85, abs=0.06)
    assert np.corrcoef(quality.mean.ravel(), x.ravel())[0, 1] > 0.65
    # What is said of its own doubt is true: errors are as large as the variances.
    off = (x - quality.mean) ** 2 / quality.variance
    assert np.mean(off) == pytest.approx(1, abs=0.15)


def test_a_week_without_kilometres_tells_nothing_and_breaks_nothing():
    _, exposure, violations, failures = fleet(2)
    exposure[:, 40:60] = violations[:, 40:60] = failures[:, 40:60] = 0
    quality = read_quality(violations, exposure)
    assert (quality.variance[:, 50] > quality.variance[:, 20]).all()
    assert np.isfinite(driving_effect(failures, exposure, quality).log)


def test_the_true_effect_lies_in_most_intervals_and_none_is_invented():
    held = invented = 0
    for seed in range(12):
        for gamma in (0.3, 0.0):
            _, exposure, violations, failures = fleet(100 + seed, gamma, units=40, weeks=100)
            effect = driving_effect(failures, exposure, read_quality(violations, exposure))
            inside = np.log(effect.low) <= gamma <= np.log(effect.high)
            held, invented = held + (gamma > 0 and inside), invented + (gamma == 0 and not inside)
    assert held >= 8
    assert invented <= 4


def test_a_rule_that_harms_is_told_from_one_that_does_not():
    rng = np.random.default_rng(5)
    exposure = np.ones((80, 156))
    harmful, harmless = (rng.random((2, 80, 156)) < 0.06).astype(float)
    acts = harmful.copy()
    for back in range(1, 4):
        acts[:, back:] = np.maximum(acts[:, back:], harmful[:, :-back])
    failures = rng.poisson(0.05 * exposure * np.where(acts > 0, 1.8, 1.0)).astype(float)
    bad, calm = rule_effects(failures, exposure, [harmful, harmless])
    assert bad.low <= 1.8 <= bad.high
    assert bad.low > 1.2
    assert calm.low < 1 < calm.high
    assert bad.estimated
    assert calm.estimated


def test_a_rule_that_was_hardly_ever_broken_is_not_estimated():
    _, exposure, _, failures = fleet(7)
    rare = np.zeros_like(exposure)
    rare[0, 3] = 1
    (effect,) = rule_effects(failures, exposure, [rare])
    assert not effect.estimated


def test_too_little_is_said_to_be_too_little():
    empty, exposure = np.zeros((5, 10)), np.ones((5, 10))
    with pytest.raises(BadData, match="0 violations"):
        read_quality(empty, exposure)
    with pytest.raises(BadData, match="0 failures"):
        rule_effects(empty, exposure, [empty])
