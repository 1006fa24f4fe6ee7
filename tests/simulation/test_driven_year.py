"""A railway's runs as recorder files: what is planted is what the rules find, and nothing else."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from railtrace.analysis.recorder_rules import violations
from railtrace.catalogue.load import load
from railtrace.interchange.recorder_files import rules_of
from railtrace.simulation.driven_year import Score, Year, driven_year, scored, write_drive
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.recorder_days import Planted, recorder_run
from railtrace.trace.operation import ModeViolated, RunRecorded

END = datetime(2026, 11, 1, tzinfo=UTC)
SINCE = END - timedelta(days=60)
RULES = rules_of(list(load().mode_rules.values()))
KEYS = sorted(rule.key for rule in RULES if rule.key != "long_idle")


@cache
def as_written() -> tuple:
    laws = replace(load_laws(), weeks=30)
    return tuple(generate(laws, load(), seed=3, end=END, scale=0.1))


@cache
def railway() -> Year:
    return driven_year(as_written(), SINCE, 1.0)


def test_every_new_run_has_a_file_and_everything_else_stays_as_it_was() -> None:
    runs = [s.operation for s in as_written() if isinstance(s.operation, RunRecorded)
            and s.operation.started_at >= SINCE]  # fmt: skip
    gone = [s for s in as_written() if isinstance(s.operation, ModeViolated)
            and s.operation.happened_at >= SINCE]  # fmt: skip
    assert len(railway().drives) == len(runs) > 30
    assert set(as_written()) - set(railway().sent) == set(gone)
    assert all(drive.seconds <= 3600 for drive in railway().drives)


def test_a_file_has_as_many_violations_as_the_railway_wrote_of_its_run() -> None:
    wanted = sum(len(drive.rules) for drive in railway().drives)
    at = [s.operation.happened_at for s in as_written() if isinstance(s.operation, ModeViolated)]
    # A run that began before the first moment has no file, nor have its violations.
    sure = sum(one >= SINCE + timedelta(days=8) for one in at)
    assert 0 < sure <= wanted <= sum(one >= SINCE for one in at)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.sampled_from(KEYS), max_size=3),
       st.integers(1200, 3600))  # fmt: skip
def test_what_is_planted_in_a_stretch_is_found_and_nothing_else(seed, rules, seconds) -> None:
    run = recorder_run(seed, seconds, rules)
    assert not Counter(p.rule for p in run.planted) - Counter(rules)
    found = violations(run.seconds, run.channels, RULES)
    score = scored(run.planted, [(v.rule, v.start_s) for v in found])
    assert score == Score(len(run.planted), len(run.planted), len(run.planted))


def test_a_file_is_the_same_each_time_it_is_made(tmp_path: Path) -> None:
    drive = next(d for d in railway().drives if d.rules and d.seconds > 1000)
    header = {c.channel: c.column for c in load().recorder_types["reference"].columns}
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(write_drive(drive, tmp_path / name, header)[0].read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([("a", 10.0)], Score(2, 1, 1)), ([("a", 13.0)], Score(2, 0, 1)),
        ([("a", 10.0), ("a", 11.0), ("b", 50.0)], Score(2, 2, 3)), ([], Score(2, 0, 0)),
    ],
)  # fmt: skip
def test_each_told_violation_counts_once(told, wanted) -> None:
    assert scored([Planted("a", 10.0, 5.0), Planted("b", 50.0, 5.0)], told) == wanted
