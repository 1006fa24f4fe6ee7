"""The data sets of tests/data/reliability as arrays."""

import csv
from pathlib import Path

import numpy as np

from railtrace.analysis.life_data import Lives, right_censored
from railtrace.analysis.recurrence import Histories, histories

FOLDER = Path(__file__).parents[1] / "data" / "reliability"


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(name: str, key: str) -> np.ndarray:
    return np.array([float(row[key]) for row in rows(name)])


def circuit_breakers(*, with_entry: bool = True) -> Lives:
    name = "rte_circuit_breaker_left_truncated"
    entry = column(name, "entry") if with_entry else None
    return right_censored(column(name, "time"), column(name, "event") == 1, entry=entry)


def bearings() -> Lives:
    return right_censored(column("lieblein_zelen_bearings_23", "megacycles"), np.ones(23))


def counted(name: str, age: str) -> Lives:
    return right_censored(
        column(name, age), column(name, "failed") == 1, count=column(name, "count")
    )


def watched(name: str, unit: str, age: str, event: str, group: str = "") -> Histories:
    """Return histories from rows of failures, each unit's last row ending its watch."""
    found = rows(name)
    units = sorted({row[unit] for row in found})
    stop = [max(float(row[age]) for row in found if row[unit] == u) for u in units]
    failures = [row for row in found if row[event] == "1"]
    groups = None
    if group:
        of_unit = {row[unit]: int(row[group]) - 1 for row in found}
        groups = [of_unit[u] for u in units]
    return histories(
        stop,
        [float(row[age]) for row in failures],
        [units.index(row[unit]) for row in failures],
        group=groups,
    )
