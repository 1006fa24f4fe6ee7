"""The sufficient table of any number of lives, by one set of Narwhals expressions.

Type × series × age bin × covariate cell → entries, exits, events, and how far into their bin they
lie. From these the kilometres run in every bin follow exactly, so tables of several enterprises
add up and nobody needs the raw lives in one place. DuckDB runs the expressions here, Spark on a
cluster; both are given lives with the columns of `COLUMNS`.
"""

from math import exp, log
from typing import Any

import narwhals as nw
import numpy as np

from railtrace.analysis.life_data import Floats

Frame = nw.LazyFrame[Any]

COLUMNS = ("component", "series", "cell", "entry_km", "leave_km", "failed")
"""One row a life or a piece of one: from its entry age to its exit, failed there or not."""
KEYS = ("component", "series", "cell", "age_bin")
SUMS = ("entries", "entered_km", "exits", "left_km", "events")
YOUNGEST_KM, BINS = 1_000.0, 256
STEP = log(5_000.0) / (BINS - 2)
"""Of log age; five million kilometres lie in the last bin but one."""


def edges_km() -> Floats:
    """Return the lower edges of the bins, shape (256,)."""
    return np.append(0.0, YOUNGEST_KM * np.exp(STEP * np.arange(BINS - 1)))


def _bin(column: str) -> nw.Expr:
    age = nw.col(column)
    bins = ((age / YOUNGEST_KM).log() / STEP).floor() + 1
    return nw.when(age < YOUNGEST_KM).then(nw.lit(0.0)).otherwise(bins.clip(1.0, BINS - 1.0))


def _into(column: str) -> nw.Expr:
    """Return how far an age lies beyond the lower edge of its bin."""
    lower = YOUNGEST_KM * ((nw.col("age_bin") - 1) * STEP).exp()
    return nw.col(column) - nw.when(nw.col("age_bin") < 1).then(nw.lit(0.0)).otherwise(lower)


def sufficient(lives: Frame) -> Frame:
    """Return the table of some lives; rows in no order."""
    nought = nw.lit(0.0)
    began = lives.with_columns(_bin("entry_km").alias("age_bin")).select(
        *KEYS, nw.lit(1.0).alias("entries"), _into("entry_km").alias("entered_km"),
        nought.alias("exits"), nought.alias("left_km"), nought.alias("events"),
    )  # fmt: skip
    ended = lives.with_columns(_bin("leave_km").alias("age_bin")).select(
        *KEYS, nought.alias("entries"), nought.alias("entered_km"), nw.lit(1.0).alias("exits"),
        _into("leave_km").alias("left_km"), nw.col("failed").cast(nw.Float64).alias("events"),
    )  # fmt: skip
    return merged([_summed(began), _summed(ended)])


def merged(tables: list[Frame]) -> Frame:
    """Add up tables, of one enterprise or of several."""
    return _summed(nw.concat(tables))


def _summed(table: Frame) -> Frame:
    return table.group_by(*KEYS).agg(*(nw.col(name).sum() for name in SUMS))


def exposure_km(entries: Floats, entered_km: Floats, exits: Floats, left_km: Floats) -> Floats:
    """Return the kilometres run in each bin of one type, series and cell, shape (256,).

    Parameters
    ----------
    entries, entered_km, exits, left_km : shape (256,), by bin, 0 where the table has no row
    """
    width = np.diff(np.append(edges_km(), exp(log(YOUNGEST_KM) + STEP * (BINS - 1))))

    def run_until(count: Floats, into: Floats) -> Floats:
        beyond = np.cumsum(count[::-1])[::-1] - count
        return np.asarray(into + width * beyond)

    return run_until(exits, left_km) - run_until(entries, entered_km)
