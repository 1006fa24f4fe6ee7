"""The fuel of recorded runs against norms: catalogue rows, else the runs of the same cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

import numpy as np

from railtrace.analysis.fuel import (
    Floats,
    Ints,
    Norm,
    Use,
    cell_norm,
    mass_band,
    season_of,
    use_against,
)
from railtrace.catalogue.rows import Catalogue, FuelNorm
from railtrace.store.lookup import Lookup, Maintained
from railtrace.trace.leaf import moment

_TKM_UNIT = 1e4


@dataclass(frozen=True)
class FuelRun:
    """One unit's share of a recorded run with fuel: when, where, work [10⁴ t·km], hours, kg."""

    vehicle: Maintained
    day: date
    route: str
    work: float
    hours: float
    mass_t: float
    fuel_kg: float
    operation: str

    @property
    def season(self) -> str:
        """The season the run ended in."""
        return season_of(self.day.month)


@dataclass(frozen=True)
class Cell:
    """Runs that one norm holds for: a type on a route, in a season, at a band of mass."""

    type: str
    route: str
    season: str
    mass_from_t: float
    per: str = "10000_tkm"


@dataclass(frozen=True)
class FuelBook:
    """Every run with fuel, the cell of each, the norm of each cell."""

    runs: tuple[FuelRun, ...]
    cells: tuple[Cell, ...]
    norms: list[Norm | None]
    work: Floats
    fuel: Floats
    cell: Ints
    without_work: int

    def use(self, key: Callable[[FuelRun], str]) -> dict[str, Use]:
        """Return the use of the runs grouped by a key."""
        names = np.array([key(run) for run in self.runs])
        return {
            str(name): use_against(self.work, self.fuel, self.cell, self.norms, names == name)
            for name in np.unique(names)
        }

    def all_use(self) -> Use:
        """Return the use of every run."""
        every = np.ones(len(self.runs), np.bool_)
        return use_against(self.work, self.fuel, self.cell, self.norms, every)


def fuel_runs(
    lookup: Lookup, vehicles: Sequence[Maintained], since_us: int, zone: tzinfo
) -> tuple[list[FuelRun], int]:
    """Return the runs with fuel and work, and how many had fuel and no work to hold it against."""
    by_unit = {vehicle.unit: vehicle for vehicle in vehicles}
    runs, without = [], 0
    for row in lookup.run_records(list(by_unit), since_us):
        if row["fuel_milli"] is None:
            continue
        together = max(row["together"], 1)
        work_tkm = (row["work_milli"] or 0) / 1000
        if work_tkm <= 0 and row["hours_milli"] <= 0:
            without += 1
            continue
        km = row["km_milli"] / 1000
        runs.append(FuelRun(
            by_unit[row["unit"]], moment(row["at_us"]).astimezone(zone).date(), row["route"],
            work_tkm / _TKM_UNIT / together, row["hours_milli"] / 1000,
            work_tkm / km if km > 0 else 0.0, row["fuel_milli"] / 1000 / together,
            row["operation"],
        ))  # fmt: skip
    return runs, without


def fuel_book(catalogue: Catalogue, runs: Sequence[FuelRun], without_work: int = 0) -> FuelBook:
    """Give every run its cell and every cell its norm."""
    index: dict[tuple[Cell, str], int] = {}
    rows: list[FuelNorm | None] = []
    at, work, kept = [], [], []
    for run in runs:
        row = norm_row(catalogue, run)
        per = row.per if row else "10000_tkm"
        done = run.hours if per == "hour" else run.work
        if done <= 0:
            without_work += 1
            continue
        cell = Cell(run.vehicle.type, run.route, run.season, mass_band(run.mass_t), per)
        key = (cell, row.key if row else "")
        if key not in index:
            index[key] = len(rows)
            rows.append(row)
        at.append(index[key])
        work.append(done)
        kept.append(run)
    cell_of, works = np.array(at, np.int64), np.array(work, float)
    fuel = np.array([run.fuel_kg for run in kept], float)
    norms = _norms(rows, kept, works, fuel, cell_of)
    cells = tuple(cell for cell, _ in index)
    return FuelBook(tuple(kept), cells, norms, works, fuel, cell_of, without_work)


def _norms(
    rows: Sequence[FuelNorm | None], runs: Sequence[FuelRun], work: Floats, fuel: Floats, cell: Ints
) -> list[Norm | None]:
    units = {unit: n for n, unit in enumerate({run.vehicle.unit: None for run in runs})}
    who = np.array([units[run.vehicle.unit] for run in runs], np.int64)
    order = np.argsort(cell, kind="stable")
    ends = np.cumsum(np.bincount(cell, minlength=len(rows)))
    found: list[Norm | None] = []
    for n, row in enumerate(rows):
        mine = order[(ends[n - 1] if n else 0) : ends[n]]
        if row is not None:
            found.append(Norm(row.kg, row.kg, row.kg, len(mine), row=row.key))
        else:
            found.append(cell_norm(work[mine], fuel[mine], who[mine]))
    return found


def norm_row(catalogue: Catalogue, run: FuelRun) -> FuelNorm | None:
    """Return the catalogue's norm of a run: the first by jurisdiction, then the most exact."""
    fitting = [row for row in catalogue.fuel_norms.values() if _fits(catalogue, row, run)]
    return min(fitting, key=lambda row: _rank(catalogue, row), default=None)


def _fits(catalogue: Catalogue, row: FuelNorm, run: FuelRun) -> bool:
    return (
        row.valid_from <= run.day <= (row.valid_to or date.max)
        and catalogue.jurisdictions[row.jurisdiction].precedence > 0
        and (not row.vehicle_types or run.vehicle.type in row.vehicle_types)
        and row.route in ("", run.route)
        and (not row.months or run.day.month in row.months)
        and (row.mass_t_from < run.mass_t or row.mass_t_from == 0)
        and run.mass_t <= (float("inf") if row.mass_t_to is None else row.mass_t_to)
    )


def _rank(catalogue: Catalogue, row: FuelNorm) -> tuple[object, ...]:
    return (
        catalogue.jurisdictions[row.jurisdiction].precedence, not row.route, not row.months,
        row.mass_t_to is None, not row.vehicle_types, not row.confirmed,
        -row.valid_from.toordinal(), row.key,
    )  # fmt: skip
