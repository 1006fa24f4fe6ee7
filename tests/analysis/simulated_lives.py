"""Lives drawn from a known Weibull law, watched from an entry to a censoring age."""

import numpy as np

from railtrace.analysis.life_data import Lives, right_censored


def drawn(
    seed: int,
    groups: int,
    rows: int,
    shape: float | np.ndarray = 1.8,
    scale: float | np.ndarray = 1000.0,
    latest_entry: float = 800.0,
    longest_watch: float = 900.0,
) -> Lives:
    """Return `rows` lives in each group: truncated at an entry, censored after a watch."""
    rng = np.random.default_rng(seed)
    size, group = groups * rows, np.repeat(np.arange(groups), rows)
    beta = np.broadcast_to(shape, groups)[group]
    eta = np.broadcast_to(scale, groups)[group]
    entry = rng.uniform(0, latest_entry, size) if latest_entry else np.zeros(size)
    life = ((entry / eta) ** beta + rng.exponential(size=size)) ** (1 / beta) * eta
    until = entry + rng.uniform(0.1 * longest_watch, longest_watch, size)
    return right_censored(np.minimum(life, until), life <= until, entry=entry, group=group)
