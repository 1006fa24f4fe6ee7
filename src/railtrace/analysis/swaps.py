"""Which exchange of a unit raises a consist's chance most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.life_data import Floats
from railtrace.analysis.run_reliability import shared_hazards


@dataclass(frozen=True)
class Swap:
    """A place of the consist, a free unit, and the chance of the consist with it there."""

    place: int
    candidate: int
    chance: float
    gain: float


def best_swaps(
    standing: Floats,
    kinds: Sequence[str],
    free: Floats,
    free_kinds: Sequence[str],
    shared_sd: float,
    fits: Callable[[int], bool],
    most: int,
) -> list[Swap]:
    """Return the best exchange of each of the places that gain most, the greatest gain first.

    Parameters
    ----------
    standing, free : shapes (u,), (c,)
        Chance of each unit of the consist, and of each free one, to complete the run.
    kinds, free_kinds : what may stand in a place is what is of its kind
    fits : whether a free unit may go at all, asked only of those that would be offered

    Notes
    -----
    The consist's chance falls with the sum of its hazards, so pairs are ordered by what they take
    off that sum; the answer is the one of trying every pair.
    """
    hazards, factor, weights = shared_hazards(np.concatenate([standing, free]), shared_sd)
    mine, others = hazards[: len(standing)], hazards[len(standing) :]
    less = mine[:, None] - others[None, :]
    less[np.asarray(kinds)[:, None] != np.asarray(free_kinds)[None, :]] = -np.inf
    total, found, done = float(np.sum(mine)), list[Swap](), set[int]()
    before = float(weights @ np.exp(-factor * total))
    asked: dict[int, bool] = {}
    for pair in np.argsort(-less, axis=None, kind="stable"):
        place, candidate = divmod(int(pair), len(others))
        if less[place, candidate] <= 0 or len(found) == most:
            break
        if place in done:
            continue
        if candidate not in asked:
            asked[candidate] = fits(candidate)
        if not asked[candidate]:
            continue
        done.add(place)
        chance = float(weights @ np.exp(-factor * (total - less[place, candidate])))
        found.append(Swap(place, candidate, chance, chance - before))
    return found
