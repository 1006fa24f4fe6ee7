"""Mode violations of recorder days with known truth, and files that are wrong by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.analysis.recorder_rules import (
    Condition,
    Rule,
    findings,
    lacking,
    ordered,
    violations,
    wrong_zone_hours,
)
from railtrace.catalogue.load import load
from railtrace.interchange.recorder_files import rules_of
from railtrace.simulation.recorder_days import PLANTS, recorder_day

RULES = rules_of(list(load().mode_rules.values()))


def scored(seeds) -> tuple[int, int, int]:
    """Return how many violations were planted, found of these, and found at all."""
    planted = hit = told = 0
    for seed in seeds:
        day = recorder_day(seed)
        found = violations(day.seconds, day.channels, RULES)
        planted, told = planted + len(day.planted), told + len(found)
        hit += sum(
            any(v.rule == p.rule and abs(v.start_s - p.start_s) <= 2 for v in found)
            for p in day.planted
        )
    return planted, hit, told


def test_planted_violations_are_found_and_decoys_are_not() -> None:
    planted, hit, told = scored(range(6))
    assert planted > 200
    assert hit / planted >= 0.99
    assert hit / told >= 0.99


def test_every_shipped_rule_is_planted_somewhere() -> None:
    assert set(PLANTS) == {rule.key for rule in RULES}
    assert {p.rule for seed in range(6) for p in recorder_day(seed).planted} == set(PLANTS)


@pytest.mark.nightly
def test_planted_violations_are_found_in_many_days() -> None:
    planted, hit, told = scored(range(200))
    assert hit / planted >= 0.99
    assert hit / told >= 0.99


OVER = Rule("over", (Condition("x", "over", 10.0),), least_s=3, join_s=2)


def stretches(x, seconds=None, rule=OVER):
    x = np.asarray(x, dtype=float)
    seconds = np.arange(len(x), dtype=float) if seconds is None else np.asarray(seconds, float)
    return [(v.start_s, v.duration_s, v.worst) for v in violations(seconds, {"x": x}, [rule])]


def test_a_stretch_must_be_long_enough_and_short_breaks_are_joined() -> None:
    assert stretches([0, 11, 12, 0, 0]) == []
    assert stretches([0, 11, 12, 13, 0]) == [(1, 3, 13)]
    assert stretches([11, 11, 0, 14, 11, 0]) == [(0, 5, 14)]
    assert stretches([11] * 3 + [0] * 4 + [11] * 3) == [(0, 3, 11), (7, 3, 11)]


def test_nothing_is_joined_over_a_gap_of_the_file() -> None:
    seconds = [0, 1, 2, 3, 60, 61, 62]
    assert stretches([11] * 7, seconds) == [(0, 4, 11), (60, 3, 11)]
    crossing = Rule("c", (Condition("x", "falls_below", 5.0),), least_s=0)
    assert stretches([9, 9, 9, 9, 1, 1, 1], seconds, crossing) == []
    assert stretches([9, 9, 1, 1, 1, 1, 1], seconds, crossing) == [(2, 1, 1)]


def test_where_there_is_no_value_nothing_holds() -> None:
    assert stretches([11, 11, np.nan, np.nan, np.nan, np.nan, 11]) == []


@given(st.lists(st.integers(0, 20), min_size=2, max_size=80))
def test_a_loop_over_the_rows_finds_the_same(values) -> None:
    rule = Rule("over", (Condition("x", "over", 10.0),), least_s=2)
    slow, start = [], None
    for second, value in enumerate([*values, 0]):
        if value > 10 and start is None:
            start = second
        elif value <= 10 and start is not None:
            if second - start >= 2:
                slow.append((start, second - start, max(values[start:second])))
            start = None
    assert stretches(values, rule=rule) == slow


def test_a_rule_without_its_channel_is_told_and_not_run() -> None:
    day = recorder_day(1)
    channels = {name: values for name, values in day.channels.items() if name != "coolant"}
    blind = lacking(channels, RULES)
    assert blind == {key: ["coolant"] for key in
                     ("coolant_over_limit", "loaded_cold", "stopped_hot")}  # fmt: skip
    assert {v.rule for v in violations(day.seconds, channels, RULES)}.isdisjoint(blind)


def named(seconds, channels, wanted=("km",)) -> dict[str, int]:
    found = findings(np.asarray(seconds, float), channels, wanted)
    return {finding.name: finding.count for finding in found}


def test_bad_files_are_named_and_used() -> None:
    km = np.array([5.0, 5.1, 5.2, 5.3, 5.4])
    assert named([0, 1, 2, 3, 4], {"km": km}) == {}
    assert named([0, 1, 2, 30, 31], {"km": km}) == {"recorder_gap": 1}
    assert named([0, 1, 1, 2, 3], {"km": km}) == {"second_twice": 1}
    assert named([0, 5, 2, 3, 4], {"km": km}) == {"time_goes_back": 1}
    assert named([0, 1, 2, 3, 4], {"km": km - 5.2}) == {"negative_km": 2}
    assert named([0, 1, 2, 3, 4], {"km": km[::-1]}) == {"counter_goes_back": 4}
    assert named([0, 1, 2, 3, 4], {}) == {"missing_channel": 1}
    assert named([0, 1, 2, 3, 4], {"km": np.full(5, np.nan)}) == {"empty_channel": 1}


def test_rows_are_put_in_order_and_a_second_counts_once() -> None:
    seconds, channels = ordered(np.array([0.0, 2, 1, 1]), {"x": np.array([0.0, 2, 1, 9])})
    assert (seconds.tolist(), channels["x"].tolist()) == ([0, 1, 2], [0, 1, 2])


@pytest.mark.parametrize(("apart_s", "hours"), [(0, 0), (18_000, 5), (19_800, 5.5), (700, 0)])
def test_a_clock_in_another_zone_is_no_slow_clock(apart_s: float, hours: float) -> None:
    assert wrong_zone_hours(0.0, 1_000_000.0 + apart_s, 1_000_000.0) == hours
