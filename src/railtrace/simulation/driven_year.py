"""The runs of a simulated railway as files of on-board recorders, with what truly is in them.

The railway writes violations itself; here a recorder file stands in their place: a stretch of the
run, as many violations planted as the railway says there were, decoys that are none, and nothing
else. What the rules make of the files is then held against the truth.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from railtrace.simulation.clerks import Sent
from railtrace.simulation.recorder_days import (
    PLANTS,
    Planted,
    RecorderDay,
    recorder_run,
    write_parquet,
)
from railtrace.trace.operation import ModeViolated, RunRecorded, SectionsCoupled

SPEED_KMH = 52.0
"""A recorder runs about as long as the kilometres take at this speed."""
APART_S = 2.0
"""A violation is found when it is told within so many seconds of where it was planted."""


@dataclass(frozen=True)
class Drive:
    """One recorded stretch of a run: whose, from when, how long, what is planted in it."""

    unit: str
    start: datetime
    seconds: int
    rules: tuple[str, ...]
    seed: int

    @property
    def file(self) -> str:
        """The name of its file: the unit's id, then the moment."""
        return f"{self.unit}_{self.start:%Y%m%dT%H%M}.parquet"

    def made(self) -> RecorderDay:
        """Make the stretch, the same each time."""
        return recorder_run(self.seed, self.seconds, self.rules)


@dataclass(frozen=True)
class Year:
    """A railway whose violations are in recorder files: the other operations, and the files."""

    sent: tuple[Sent, ...]
    drives: tuple[Drive, ...]


def driven_year(sent: Iterable[Sent], since: datetime, hours: float, seed: int = 1) -> Year:
    """Turn the runs since a moment into recorder files of at most so many hours each.

    Violations before it stay as the railway wrote them.
    """
    kept, runs, violated, heads = [], list[RunRecorded](), list[ModeViolated](), dict[str, str]()
    for one in sent:
        operation = one.operation
        if isinstance(operation, ModeViolated) and operation.happened_at >= since:
            violated.append(operation)
            continue
        kept.append(one)
        if isinstance(operation, SectionsCoupled):
            heads[operation.locomotive] = operation.units[0]
        elif isinstance(operation, RunRecorded) and _is_new(operation, since):
            runs.append(operation)
    return Year(tuple(kept), tuple(_drives(runs, violated, heads, hours, seed)))


def _is_new(run: RunRecorded, since: datetime) -> bool:
    return run.started_at is not None and run.started_at >= since


def _drives(
    runs: Sequence[RunRecorded], violated: Iterable[ModeViolated], heads: Mapping[str, str],
    hours: float, seed: int,
) -> Iterator[Drive]:  # fmt: skip
    counts = _counted(runs, violated)
    for number, run in enumerate(sorted(runs, key=lambda r: (r.happened_at, r.id))):
        rng = np.random.default_rng((seed, number))
        seconds = round(3600 * min(hours, max(float(run.distance_km), 0.0) / SPEED_KMH))
        assert run.started_at is not None
        yield Drive(heads.get(run.units[0], run.units[0]), run.started_at, seconds,
                    tuple(rng.choice(_SHORT, counts[run.id]).tolist()), 1_000_003 * seed + number)


_SHORT = [name for name, (_plant, _least, most) in PLANTS.items() if most <= 600]
"""Rules whose violations fit into a stretch of an hour."""


def _counted(runs: Sequence[RunRecorded], violated: Iterable[ModeViolated]) -> Counter[str]:
    """How many violations the recorder of each run saw."""
    by_device: dict[str | None, list[RunRecorded]] = {}
    for run in runs:
        by_device.setdefault(run.device, []).append(run)
    found: Counter[str] = Counter()
    for violation in violated:
        at = violation.happened_at
        found.update(run.id for run in by_device.get(violation.device, ())
                     if run.started_at is not None and run.started_at <= at <= run.happened_at)
    return found


def write_drive(drive: Drive, folder: Path, header: Mapping[str, str]) -> tuple[Path, RecorderDay]:
    """Write a stretch as the file of a recorder whose columns `header` names by channel."""
    path, day = folder / drive.file, drive.made()
    write_parquet(day, path, drive.start, header)
    return path, day


# --- what was found of it -----------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """How many were planted, found of these, and told at all."""

    planted: int = 0
    hits: int = 0
    told: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.planted + other.planted, self.hits + other.hits, self.told + other.told)

    @property
    def recall(self) -> float:
        """Share of the planted that was found."""
        return self.hits / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Share of the told that truly is."""
        return self.hits / self.told if self.told else 1.0


def scored(planted: Iterable[Planted], told: Sequence[tuple[str, float]]) -> Score:
    """Hold what was told, as (rule, second), against what was planted; each is used once."""
    left, hits, count = list(told), 0, 0
    for one in planted:
        count += 1
        found = next((t for t in left if t[0] == one.rule and abs(t[1] - one.start_s) <= APART_S),
                     None)  # fmt: skip
        if found is not None:
            left.remove(found)
            hits += 1
    return Score(count, hits, len(told))

