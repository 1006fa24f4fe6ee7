"""Recorder days: the rules beside a loop over the rows, the file beside its parser."""

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from bench.table import Row, seconds, within
from railtrace.analysis.recorder_rules import Condition, Rule, violations
from railtrace.catalogue.load import load
from railtrace.catalogue.rows import RecorderColumn, RecorderType
from railtrace.interchange.recorder_files import read_recorder, rules_of
from railtrace.simulation.recorder_days import RecorderDay, recorder_day, write_csv

CHANNELS = 60


def rows() -> list[Row]:
    """Measure one recorder-day of 60 channels."""
    day, catalogue = _wide(recorder_day(1)), load()
    rules = rules_of(list(catalogue.mode_rules.values()))
    fast = min(seconds(lambda: violations(day.seconds, day.channels, rules)) for _ in range(5))
    return [
        within("rules on a recorder-day of 60 channels, decoded", fast * 1000, 500),
        _beside_a_loop(day),
        *_files(day, catalogue.recorder_types["reference"]),
    ]


def _wide(day: RecorderDay) -> RecorderDay:
    rng = np.random.default_rng(2)
    more = {f"x{n}": rng.normal(size=len(day.seconds))
            for n in range(CHANNELS - len(day.channels))}  # fmt: skip
    return RecorderDay(day.seconds, day.channels | more, day.planted)


def _beside_a_loop(day: RecorderDay) -> Row:
    rule = Rule("over", (Condition("speed", "over", 3.0, "speed_limit"),), 5.0, 5.0)
    fast = min(seconds(lambda: violations(day.seconds, day.channels, [rule])) for _ in range(5))
    slow = seconds(lambda: _loop(day))
    return Row("one rule, times faster than a loop over the rows", f"{slow / fast:.0f}×", "–", "–",
               "≥ 20×", slow / fast >= 20)  # fmt: skip


def _loop(day: RecorderDay) -> list[tuple[float, float]]:
    found, start = [], None
    for second, speed, limit in zip(
        day.seconds, day.channels["speed"], day.channels["speed_limit"], strict=True
    ):
        if speed - limit > 3.0 and start is None:
            start = second
        elif speed - limit <= 3.0 and start is not None:
            if second - start >= 5:
                found.append((start, second - start))
            start = None
    return found


def _files(day: RecorderDay, kind: RecorderType) -> list[Row]:
    header = {c.channel: c.column for c in kind.columns}
    header |= {name: name for name in day.channels if name not in header}
    columns = tuple(RecorderColumn(channel, column) for channel, column in header.items())
    wide = type(kind)(**{f: getattr(kind, f) for f in kind.__struct_fields__} | {
        "columns": columns})  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder) / "day.csv"
        write_csv(day, path, datetime(2026, 11, 20, tzinfo=UTC), header)
        ours = min(_cpu(lambda: read_recorder(path, wide)) for _ in range(3))
        own = min(_cpu(lambda: _parser(path)) for _ in range(3))
    return [Row("CSV of a recorder-day read, times the parser's own", f"{ours / own:.2f}×", "–",
                f"{own:.2f} s", "≤ 3×", ours / own <= 3)]  # fmt: skip


def _parser(path: Path) -> object:
    with duckdb.connect(config={"threads": 1}) as base:
        return base.execute(f"SELECT * FROM read_csv('{path}')").fetchnumpy()


def _cpu(work: object) -> float:
    assert callable(work)
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    for row in rows():
        print(row)
