"""One row of the table, and how two things are timed fairly: in turn, medians of the pairs."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured, against what, and the bar it is held to."""

    name: str
    ours: str
    floor: str
    ratio: str
    bar: str
    met: bool

    def __str__(self) -> str:
        mark = "✓" if self.met else "✗"
        return f"| {self.name} | {self.ours} | {self.floor} | {self.ratio} | {self.bar} | {mark} |"


HEAD = "| what | ours | floor | ratio | bar | |\n|---|---|---|---|---|---|"


def seconds(run: Callable[[], object]) -> float:
    """Return how long one run takes."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def in_turn(
    ours: Callable[[], object], floor: Callable[[], object], runs: int = 5
) -> tuple[float, float, float]:
    """Run two things A B A B …; return the median times and the median of the ratios A/B."""
    ours(), floor()
    pairs = [(seconds(ours), seconds(floor)) for _ in range(runs)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def at_most(name: str, ours: str, floor: str, ratio: float, bar: float) -> Row:
    """Return a row whose ratio must not exceed the bar."""
    return Row(name, ours, floor, f"{ratio:.2f}", f"≤ {bar:g}", ratio <= bar)


def at_least(name: str, ours: str, floor: str, ratio: float, bar: float) -> Row:
    """Return a row whose ratio must reach the bar."""
    return Row(name, ours, floor, f"{ratio:.2f}", f"≥ {bar:g}", ratio >= bar)


def rate(name: str, per_second: float, bar: float) -> Row:
    """Return a row for an absolute rate."""
    return Row(name, f"{per_second:,.0f}/s", "–", "–", f"≥ {bar:,.0f}/s", per_second >= bar)


def within(name: str, milliseconds: float, bar_ms: float) -> Row:
    """Return a row for an absolute time."""
    return Row(name, f"{milliseconds:.1f} ms", "–", "–", f"< {bar_ms:g} ms", milliseconds < bar_ms)
