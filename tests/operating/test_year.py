"""A year of a railway's locomotives by their recorders, run whole; in `make nightly`."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.nightly


def test_what_was_planted_in_a_year_of_recorder_files_is_found_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.bench_year import year

    monkeypatch.chdir(tmp_path)
    found = year(float(os.environ.get("RAILTRACE_YEAR_SCALE", "0.1")), 0.5)
    assert found.wrong == []
    assert found.files > 400
    assert found.again > 0
    assert found.score.planted > 30
    assert found.score.recall >= 0.99
    assert found.score.precision >= 0.99
    assert found.dues_ms < 1000
    value, low, high = found.index
    assert 0 < low < value < high
