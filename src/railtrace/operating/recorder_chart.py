"""What a recorder saw around a moment: channels of its file, few enough points to be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.recorder_rules import ordered
from railtrace.analysis.thinning import kept
from railtrace.catalogue.rows import Catalogue, ModeRule, RecorderType
from railtrace.errors import NotFound
from railtrace.interchange.recorder_files import Recorded, read_recorder
from railtrace.store.evidence import EvidenceStore

BUCKETS = 600


@dataclass(frozen=True)
class Drawn:
    """One channel in a window: moments [s from the file's beginning] and values, None in a gap."""

    channel: str
    seconds: list[float]
    values: list[float | None]


@dataclass(frozen=True)
class Line:
    """A limit of a rule on a channel: a value, or one added to another channel."""

    rule: str
    channel: str
    value: float
    other: str = ""


@dataclass(frozen=True)
class Window:
    """A part of a recorder's file: where it lies in the whole, what was in it."""

    first_us: int
    length_s: float
    from_s: float
    to_s: float
    rows: int
    drawn: tuple[Drawn, ...]


def open_recorded(
    evidence: EvidenceStore, catalogue: Catalogue, sha: str, recorder: str, parquet: bool
) -> Recorded:
    """Return a kept recorder file in its channels.

    Raises
    ------
    NotFound : the file is not kept here any more, or the catalogue has no such recorder.
    BadEvidence : it cannot be read.
    """
    kind = catalogue.recorder_types.get(recorder)
    if kind is None:
        raise NotFound("{kind} is no recorder of the catalogue", kind=recorder)
    path = evidence.path(sha)
    if not path.exists():
        raise NotFound("the recorder's file {sha} is not kept here any more", sha=sha[:12])
    return read_recorder(path, kind, parquet)


def window(
    recorded: Recorded, channels: Sequence[str], from_s: float, to_s: float, gap_s: float = 5.0
) -> Window:
    """Return some channels of a file between two moments; the window is cut to the file."""
    seconds, all_channels = ordered(recorded.seconds, recorded.channels)
    length = float(seconds[-1])
    from_s, to_s = max(0.0, min(from_s, length)), min(max(to_s, 0.0), length)
    inside = slice(*np.searchsorted(seconds, [from_s, to_s + 1e-9]).tolist())
    own = seconds[inside]
    drawn = tuple(
        _drawn(name, own, all_channels[name][inside], gap_s)
        for name in channels
        if name in all_channels
    )
    return Window(recorded.first_us, length, from_s, to_s, len(own), drawn)


def _drawn(
    name: str, seconds: NDArray[np.float64], values: NDArray[np.float64], gap_s: float
) -> Drawn:
    if len(seconds) == 0:
        return Drawn(name, [], [])
    index = kept(seconds, values, BUCKETS)
    times, seen = seconds[index].tolist(), [_known(v) for v in values[index].tolist()]
    breaks = np.flatnonzero(np.diff(seconds) > gap_s)
    for at in sorted((float(seconds[n]) for n in breaks), reverse=True):
        place = int(np.searchsorted(times, at, side="right"))
        times.insert(place, at + gap_s / 2)
        seen.insert(place, None)
    return Drawn(name, times, seen)


def _known(value: float) -> float | None:
    return None if value != value else round(value, 3)


def limits_of(rules: Sequence[ModeRule], channels: Mapping[str, object]) -> list[Line]:
    """Return the limits that can be drawn on channels: those of single values, not of rises."""
    return [
        Line(rule.key, condition.channel, condition.value, condition.other)
        for rule in rules
        for condition in rule.conditions
        if condition.channel in channels and not condition.rise_s and not condition.spread_of
        and condition.sign != "is" and (not condition.other or condition.other in channels)
    ]  # fmt: skip


def promised(kind: RecorderType) -> list[str]:
    """Return the channels of a recorder in the order of its columns."""
    return [column.channel for column in kind.columns]
