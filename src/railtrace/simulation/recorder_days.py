"""Days of an on-board recorder with known truth: violations planted in calm running, and decoys.

A decoy looks like a violation and is none: too short, or a little under the limit. Nothing here
is a norm; the calm values only lie away from every limit of the shipped rules.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb

Floats = NDArray[np.float64]
DAY_S = 86_400
AXLES = tuple(f"axle_{n}" for n in range(1, 7))


@dataclass(frozen=True)
class Planted:
    """A violation that truly is in the day."""

    rule: str
    start_s: float
    duration_s: float


@dataclass(frozen=True)
class RecorderDay:
    """One second a row: seconds, channels, and what was planted."""

    seconds: Floats
    channels: dict[str, Floats]
    planted: tuple[Planted, ...]


Plant = Callable[[dict[str, Floats], int, int], None]


def _level(channel: str, value: float) -> Plant:
    def plant(day: dict[str, Floats], start: int, length: int) -> None:
        day[channel][start : start + length] = value

    return plant


def _overspeed(day: dict[str, Floats], start: int, length: int) -> None:
    faster = slice(start, start + length)
    for name in ("speed", *AXLES):
        day[name][faster] += day["speed_limit"][start] + 8 - day["speed"][faster]


def _notch_up(day: dict[str, Floats], start: int, length: int) -> None:
    day["notch"][start - 90 : start] = 1.0


def _cold(day: dict[str, Floats], start: int, length: int) -> None:
    day["coolant"][start : start + length] = 30.0


def _stop_hot(day: dict[str, Floats], start: int, length: int) -> None:
    day["engine_rpm"][start : start + 120] = 0.0
    _coast(day, start, 120)


def _slip(day: dict[str, Floats], start: int, length: int) -> None:
    day["axle_3"][start : start + length] += 15.0


def _coupling(day: dict[str, Floats], start: int, length: int) -> None:
    for name in ("speed", *AXLES):
        day[name][start - 30 : start + 30] = 4.0
    day["shock"][start] = -20.0


def _idle(day: dict[str, Floats], start: int, length: int) -> None:
    day["engine_rpm"][start : start + length] = 300.0
    for name in ("speed", *AXLES):
        day[name][start : start + length] = 0.0
    _coast(day, start, length)


def _coast(day: dict[str, Floats], start: int, length: int) -> None:
    """Notch at zero, then taken up one by one, slowly enough for every rule."""
    day["notch"][start : start + length] = 0.0
    for notch in range(1, 6):
        begin = start + length + 10 * (notch - 1)
        day["notch"][begin : begin + 10] = float(notch)


PLANTS: dict[str, tuple[Plant, int, int]] = {
    "overspeed": (_overspeed, 8, 120), "notch_up_too_fast": (_notch_up, 5, 6),
    "loaded_cold": (_cold, 60, 400), "stopped_hot": (_stop_hot, 1, 2),
    "wheel_slip": (_slip, 5, 30), "overload": (_level("generator_current", 4600.0), 90, 300),
    "hard_coupling": (_coupling, 1, 2), "long_idle": (_idle, 3700, 5000),
    "coolant_over_limit": (_level("coolant", 100.0), 60, 300),
    "oil_over_limit": (_level("oil", 92.0), 60, 300),
    "oil_pressure_low": (_level("oil_pressure", 100.0), 10, 60),
}  # fmt: skip
_DECOYS: tuple[tuple[Plant, int], ...] = (
    (_overspeed, 3), (_cold, 15), (_slip, 1), (_level("generator_current", 4600.0), 40),
    (_level("coolant", 95.0), 300), (_level("oil", 87.0), 300),
    (_level("oil_pressure", 160.0), 60), (_idle, 1800),
)  # fmt: skip
_SHORT_DECOYS = [index for index, (_plant, length) in enumerate(_DECOYS) if length <= 600]
_MARGIN_S = 300


def recorder_day(seed: int, seconds: int = DAY_S) -> RecorderDay:
    """Return a day with violations of every kind planted, each apart from the others."""
    rng = np.random.default_rng(seed)
    day = _calm(rng, seconds)
    return _planted(rng, day, _order(rng))


def recorder_run(seed: int, seconds: int, rules: Sequence[str]) -> RecorderDay:
    """Return a stretch with violations of these rules, as far as they fit, and two decoys."""
    rng = np.random.default_rng(seed)
    day = _calm(rng, seconds)
    decoys = [("", int(index)) for index in rng.choice(_SHORT_DECOYS, 2, replace=False)]
    wanted = [*((rule, 0) for rule in rules), *decoys]
    return _planted(rng, day, [wanted[n] for n in rng.permutation(len(wanted))])


def _planted(
    rng: np.random.Generator, day: dict[str, Floats], order: Sequence[tuple[str, int]]
) -> RecorderDay:
    seconds, planted, at = len(day["speed"]), list[Planted](), _MARGIN_S
    for name, index in order:
        plant, length = _chosen(rng, name, index)
        if at + length + 2 * _MARGIN_S > seconds:
            break
        plant(day, at, length)
        if name:
            planted.append(Planted(name, float(at), float(length)))
        at += length + _MARGIN_S + int(rng.integers(0, 200))
    day["km"] = 200_000.0 + np.cumsum(day["speed"]) / 3600
    return RecorderDay(np.arange(seconds, dtype=float), day, tuple(planted))


def _order(rng: np.random.Generator) -> list[tuple[str, int]]:
    """Every kind at least once, in any order, with decoys between, long idling twice at most."""
    kinds = [(name, 0) for name in PLANTS]
    kinds += [(name, 0) for name in PLANTS if name != "long_idle"] * 4
    kinds += [("", index) for index in range(len(_DECOYS))] * 2
    return [kinds[n] for n in rng.permutation(len(kinds))]


def _chosen(rng: np.random.Generator, name: str, index: int) -> tuple[Plant, int]:
    if not name:
        return _DECOYS[index]
    plant, least, most = PLANTS[name]
    return plant, int(rng.integers(least, most))


def _calm(rng: np.random.Generator, seconds: int) -> dict[str, Floats]:
    def around(value: float, spread: float) -> Floats:
        return value + spread * rng.uniform(-1, 1, seconds)

    speed = 52 + 4 * np.sin(np.arange(seconds) / 900) + 0.3 * rng.uniform(-1, 1, seconds)
    day = {
        "speed": speed, "speed_limit": np.full(seconds, 80.0), "notch": np.full(seconds, 6.0),
        "engine_rpm": around(620, 8), "coolant": around(80, 1), "oil": around(70, 1),
        "oil_pressure": around(400, 10), "generator_current": around(2500, 60),
        "shock": around(0, 1.5),
    }  # fmt: skip
    return day | {name: speed + 0.4 * rng.uniform(-1, 1, seconds) for name in AXLES}


def write_csv(day: RecorderDay, path: Path, start: datetime, header: Mapping[str, str]) -> None:
    """Write a day as the file of a recorder whose columns `header` names by channel."""
    names = [name for name in header if name in day.channels]
    begin = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "ms")
    times = (begin + (day.seconds * 1000).astype("timedelta64[ms]")).astype(str)
    rows = np.column_stack([day.channels[name] for name in names]).tolist()
    line = "%sZ" + ",%.3f" * len(names) + "\n"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["time", *(header[name] for name in names)]) + "\n")
        file.writelines(line % (at, *row) for at, row in zip(times, rows, strict=True))


def write_parquet(
    day: RecorderDay, path: Path, start: datetime, header: Mapping[str, str]
) -> None:
    """Write a day as Parquet, its columns as in the file of `write_csv`."""
    names = [name for name in header if name in day.channels]
    begin = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "us")
    table: dict[str, object] = {"time": begin + (day.seconds * 1e6).astype("timedelta64[us]")}
    table |= {header[name]: np.round(day.channels[name], 3) for name in names}
    target = str(path).replace("'", "''")
    with _base(os.getpid()).cursor() as base:
        base.register("day", table)
        base.execute(f"COPY day TO '{target}' (FORMAT parquet)")


@cache
def _base(process: int) -> "duckdb.DuckDBPyConnection":
    """Open one for a process: opening takes longer than writing an hour."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def main(folder: Path, numbers: Sequence[str], days: int, first: datetime) -> None:
    """Write a file a day for each locomotive, of days that are all different."""
    from railtrace.catalogue.load import load

    header = {c.channel: c.column for c in load().recorder_types["reference"].columns}
    folder.mkdir(parents=True, exist_ok=True)
    for n, number in enumerate(numbers):
        for day in range(days):
            path = folder / f"{number}_{first + timedelta(days=day):%Y%m%d}.parquet"
            seed = 1_000_003 * n + day
            write_parquet(recorder_day(seed), path, first + timedelta(days=day), header)


if __name__ == "__main__":
    # python -m railtrace.simulation.recorder_days FOLDER DAYS FIRST NUMBER [NUMBER ...]
    main(Path(sys.argv[1]), sys.argv[4:], int(sys.argv[2]),
         datetime.fromisoformat(sys.argv[3]).replace(tzinfo=UTC))  # fmt: skip
