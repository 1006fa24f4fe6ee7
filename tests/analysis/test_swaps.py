"""Exchanges of units: the answer is that of trying every pair, and never an unfit one."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.run_reliability import consist_chance
from railtrace.analysis.swaps import best_swaps

CHANCES = st.floats(0.80, 0.9999)
KINDS = st.sampled_from(["compartment", "open"])


def tried(standing, kinds, free, free_kinds, sd, fit, most):
    """Try every pair: each place's best, those that gain most first."""
    before, best = consist_chance(standing, sd), {}
    for place in range(len(standing)):
        for candidate in range(len(free)):
            if kinds[place] == free_kinds[candidate] and fit[candidate]:
                swapped = standing.copy()
                swapped[place] = free[candidate]
                gain = consist_chance(swapped, sd) - before
                if gain > 1e-12 and gain > best.get(place, 0):
                    best[place] = gain
    return sorted(best.values(), reverse=True)[:most]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CHANCES, KINDS), min_size=1, max_size=6),
    st.lists(st.tuples(CHANCES, KINDS, st.booleans()), min_size=1, max_size=8),
    st.sampled_from([0.0, 0.3, 0.8]),
)
def test_the_search_finds_what_trying_every_pair_finds(train, yard, sd) -> None:
    standing, kinds = np.array([c for c, _ in train]), [k for _, k in train]
    free, free_kinds = np.array([c for c, _, _ in yard]), [k for _, k, _ in yard]
    fit = [f for _, _, f in yard]
    swaps = best_swaps(standing, kinds, free, free_kinds, sd, lambda c: fit[c], 3)
    expected = tried(standing, kinds, free, free_kinds, sd, fit, 3)
    # Gains under a millionth of a millionth are no gain.
    gains = [swap.gain for swap in swaps if swap.gain > 1e-12]
    assert gains == pytest.approx(expected, abs=1e-9)
    for swap in swaps:
        assert fit[swap.candidate]
        assert kinds[swap.place] == free_kinds[swap.candidate]
        with_it = standing.copy()
        with_it[swap.place] = free[swap.candidate]
        assert swap.chance == pytest.approx(consist_chance(with_it, sd), abs=1e-9)


def test_four_hundred_free_coaches_are_searched_in_a_second() -> None:
    drawn = np.random.default_rng(1)
    standing, free = 1 - drawn.uniform(0.001, 0.02, 20), 1 - drawn.uniform(0.001, 0.02, 400)
    began = time.process_time()
    swaps = best_swaps(standing, ["c"] * 20, free, ["c"] * 400, 0.3, lambda c: c % 3 > 0, 5)
    assert time.process_time() - began < 1
    assert len(swaps) == 5
    assert swaps[0].place == int(np.argmin(standing))


def test_a_unit_is_asked_whether_it_fits_only_when_it_would_be_offered() -> None:
    asked: list[int] = []

    def fits(candidate: int) -> bool:
        asked.append(candidate)
        return True

    free = np.linspace(0.9, 0.999, 400)
    best_swaps(np.array([0.95] * 20), ["c"] * 20, free, ["c"] * 400, 0.3, fits, 3)
    assert asked == [399]
