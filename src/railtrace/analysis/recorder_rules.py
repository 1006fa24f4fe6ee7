"""Second-by-second files of recorders: what is wrong with them, which modes were violated.

Everything works on whole columns. A rule is a list of conditions that must all hold; stretches
of seconds in which they do, joined over short breaks and long enough, are its violations. Where
a channel has no value no condition holds, and nothing is joined over a gap of the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Channels = Mapping[str, Floats]
Sign = Literal["over", "under", "at_least", "at_most", "is", "falls_below", "rises_above"]

KM = "km"
"""The channel of the recorder's own counter [km]."""


@dataclass(frozen=True)
class Condition:
    """One comparison of a channel (or of a group's spread, or of its rise) with a value.

    `over`, `under`, `at_least`, `at_most`, `is` hold second by second; `falls_below` and
    `rises_above` only in the second of the crossing. `rise_s`: what is compared is the change
    over so many seconds. `other`: `value` is added to that channel. `absolute`: the size counts.
    """

    channel: str
    sign: Sign
    value: float
    other: str = ""
    rise_s: int = 0
    absolute: bool = False
    spread_of: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the channels it cannot do without."""
        own = self.spread_of or (self.channel,)
        return (*own, self.other) if self.other else own


@dataclass(frozen=True)
class Rule:
    """Conditions that together are a violation when they hold for `least_s`."""

    key: str
    conditions: tuple[Condition, ...]
    least_s: float = 1.0
    join_s: float = 0.0


@dataclass(frozen=True)
class Violation:
    """One stretch: seconds from the file's beginning, its length and the worst value in it."""

    rule: str
    start_s: float
    duration_s: float
    worst: float


@dataclass(frozen=True)
class Finding:
    """Something wrong with a file, by a name that never changes; the file is used all the same."""

    name: str
    at_s: float | None = None
    count: int = 1
    values: Mapping[str, str] = field(default_factory=dict)


def violations(seconds: Floats, channels: Channels, rules: Sequence[Rule], gap_s: float = 5.0
               ) -> list[Violation]:  # fmt: skip
    """Return the violations of every rule whose channels are there, in order of time.

    Parameters
    ----------
    seconds : shape (n,), ascending
        Time from the file's beginning [s].
    channels : each of shape (n,)
    gap_s : steps of time longer than this end every stretch.
    """
    if len(seconds) == 0:
        return []
    breaks = np.flatnonzero(np.diff(seconds) > gap_s) + 1
    found: list[Violation] = []
    for rule in rules:
        if all(name in channels for c in rule.conditions for name in c.needs):
            found += _of_rule(seconds, channels, rule, breaks)
    return sorted(found, key=lambda v: (v.start_s, v.rule))


def lacking(channels: Channels, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Return the rules that could not be looked at, each with the channels it lacks."""
    wanted = {
        rule.key: [n for c in rule.conditions for n in c.needs if n not in channels]
        for rule in rules
    }
    return {key: sorted(set(names)) for key, names in wanted.items() if names}


def _of_rule(
    seconds: Floats, channels: Channels, rule: Rule, breaks: NDArray[np.int64]
) -> list[Violation]:
    compared = [_compared(seconds, channels, c) for c in rule.conditions]
    mask = np.ones(len(seconds), dtype=np.bool_)
    for condition, values in zip(rule.conditions, compared, strict=True):
        mask &= _holds(values, condition, breaks)
    starts, stops = _stretches(mask, seconds, rule.join_s, breaks)
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    lengths = seconds[stops] - seconds[starts] + step
    kept = lengths >= rule.least_s
    low = rule.conditions[0].sign in ("under", "at_most", "falls_below")
    return [
        Violation(rule.key, float(seconds[a]), float(length),
                  float(np.nanmin(compared[0][a : b + 1]) if low
                        else np.nanmax(compared[0][a : b + 1])))
        for a, b, length in zip(starts[kept], stops[kept], lengths[kept], strict=True)
    ]  # fmt: skip


def _compared(seconds: Floats, channels: Channels, condition: Condition) -> Floats:
    if condition.spread_of:
        group = np.stack([channels[name] for name in condition.spread_of])
        values: Floats = group.max(axis=0) - group.min(axis=0)
    else:
        values = channels[condition.channel]
    if condition.absolute:
        values = np.abs(values)
    if condition.rise_s:
        before = np.searchsorted(seconds, seconds - condition.rise_s)
        values = values - values[before]
    if condition.other:
        values = values - channels[condition.other]
    return values


def _holds(values: Floats, condition: Condition, breaks: NDArray[np.int64]) -> Mask:
    limit = condition.value
    with np.errstate(invalid="ignore"):
        match condition.sign:
            case "over":
                return np.asarray(values > limit)
            case "under":
                return np.asarray(values < limit)
            case "at_least":
                return np.asarray(values >= limit)
            case "at_most":
                return np.asarray(values <= limit)
            case "is":
                return np.asarray(values == limit)
            case "falls_below":
                crossing = (values[1:] < limit) & (values[:-1] >= limit)
            case "rises_above":
                crossing = (values[1:] > limit) & (values[:-1] <= limit)
    mask = np.concatenate([[False], crossing])
    mask[breaks] = False
    return mask


def _stretches(
    mask: Mask, seconds: Floats, join_s: float, breaks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last indexes of the stretches in which a mask holds."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    if len(breaks):
        inside = breaks[mask[breaks] & mask[breaks - 1]]
        starts, stops = np.sort(np.append(starts, inside)), np.sort(np.append(stops, inside - 1))
    if len(starts) > 1 and join_s > 0:
        apart = seconds[starts[1:]] - seconds[stops[:-1]] > join_s
        if len(breaks):
            first = np.searchsorted(breaks, stops[:-1], side="right")
            crosses = np.searchsorted(breaks, starts[1:], side="right") > first
            apart |= crosses
        starts, stops = starts[np.append(True, apart)], stops[np.append(apart, True)]
    return starts, stops


def findings(
    seconds: Floats, channels: Channels, wanted: Sequence[str], gap_s: float = 5.0
) -> list[Finding]:
    """Return what is wrong with a file by itself: gaps, times that go back, its counter, channels.

    Parameters
    ----------
    seconds : shape (n,), in the order of the file
    wanted : the channels its recorder type promises
    """
    found = [Finding("missing_channel", values={"channel": n}) for n in wanted if n not in channels]
    found += [
        Finding("empty_channel", values={"channel": name})
        for name in wanted
        if name in channels and not np.isfinite(channels[name]).any()
    ]
    steps = np.diff(seconds)
    found += _counted("time_goes_back", seconds, steps < 0, -steps)
    found += _counted("second_twice", seconds, steps == 0)
    found += _counted("recorder_gap", seconds, steps > gap_s, steps)
    return found + _of_counter(seconds, channels)


def _of_counter(seconds: Floats, channels: Channels) -> list[Finding]:
    if KM not in channels:
        return []
    km = channels[KM]
    with np.errstate(invalid="ignore"):
        negative, back = km < 0, np.diff(km) < -1e-6
    found = []
    if negative.any():
        first = int(np.argmax(negative))
        found.append(Finding("negative_km", float(seconds[first]), int(negative.sum()),
                             {"km": f"{np.nanmin(km):.3f}"}))  # fmt: skip
    return found + _counted("counter_goes_back", seconds, back, -np.diff(km))


def _counted(
    name: str, seconds: Floats, where: Mask, size: Floats | None = None
) -> list[Finding]:
    """One finding for all places of one fault: the first, how many, and the greatest size."""
    if not where.any():
        return []
    first = int(np.argmax(where))
    values = {} if size is None else {"greatest": f"{np.nanmax(size[where]):.3f}"}
    return [Finding(name, float(seconds[first + 1]), int(where.sum()), values)]


def ordered(seconds: Floats, channels: Channels) -> tuple[Floats, Channels]:
    """Return the rows in order of time; of a second that stands twice the first row counts."""
    if (np.diff(seconds) > 0).all():
        return seconds, channels
    order = np.argsort(seconds, kind="stable")
    order = order[np.append(True, np.diff(seconds[order]) > 0)]
    return seconds[order], {name: values[order] for name, values in channels.items()}


def wrong_zone_hours(stated_offset_h: float, clock_s: float, satellite_s: float) -> float:
    """Return by how many whole or half hours a recorder's clock differs from the satellites'.

    0.0 when it agrees, or when it is off by no zone's difference (a slow clock is no wrong zone).
    """
    apart_h = (clock_s - stated_offset_h * 3600 - satellite_s) / 3600
    nearest = round(apart_h * 2) / 2
    return nearest if nearest and abs(apart_h - nearest) < 1 / 60 else 0.0
