"""Sealed segments: hashes in the log, positions that follow on, the same bytes again."""

from hashlib import sha256

import duckdb
import pytest

from railtrace.analysis.sufficient import KEYS
from railtrace.errors import BadData, ConfigError, NotFound
from railtrace.operating.segments import copy_out, seal, sealed_segments
from railtrace.store import segments
from railtrace.store.segments import about_file, sufficient_by_duckdb, sufficient_by_spark
from railtrace.trace.operation import ResultSealed
from tests.operating.test_promises import app, failed, life

__all__ = ["app"]


@pytest.fixture
def lived(app):
    life(app)
    failed(app, "f-1", 20.5)
    return app


def by_table(made):
    return {one.table: one for one in made}


def test_every_file_is_kept_and_its_hash_stands_in_the_log(lived):
    made = seal(lived, "p-test")
    lived.catch_up()
    assert {"trace", "lives", "view.units", "view.failures"} <= by_table(made).keys()
    for one in made:
        assert sha256(lived.evidence.read(one.sha256)).hexdigest() == one.sha256
        recorded = lived.entry(one.operation).operation
        assert isinstance(recorded, ResultSealed)
        assert (recorded.job, recorded.result, recorded.rows) == ("segment", one.sha256, one.rows)
        assert recorded.evidence[0].sha256 == one.sha256


def test_a_segment_of_the_trace_begins_where_the_last_one_ended_and_what_stands_stays(lived):
    first = by_table(seal(lived, "p-test"))
    lived.catch_up()
    failed(lived, "f-2", 40.5)
    second = by_table(seal(lived, "p-test"))
    end = first["trace"].name.split("-")[-1].removesuffix(".parquet")
    assert second["trace"].name.split(".")[-2].startswith(f"{end}-")
    assert second["view.failures"].sha256 != first["view.failures"].sha256
    same = [one for one in second.values() if not one.new]
    assert same
    assert all(one == first[one.table] or one.sha256 == first[one.table].sha256 for one in same)


def test_the_leaves_of_segments_are_those_of_the_trace(lived, tmp_path):
    seal(lived, "p-test")
    lived.catch_up()
    files = copy_out(lived, tmp_path / "out")
    [trace] = [path for path in files if path.name.startswith("trace.")]
    rows = duckdb.read_parquet(str(trace)).fetchall()
    log = rows[0][0]
    stored = [(position, leaf.decode(), hashed.hex())
              for position, _, _, leaf, hashed in lived.trace.rows(log, 0)]  # fmt: skip
    assert [(row[1], row[4], row[5]) for row in rows] == stored[: len(rows)]
    about = about_file(trace)
    assert (about["log"], about["from"], about["to"]) == (log, "0", str(len(rows)))


def test_the_same_rows_give_the_same_bytes_and_other_rows_others(tmp_path):
    rows = [("м", n, f"i{n}", 'k"', "{}", None) for n in range(50)]
    paths = [tmp_path / f"{n}.parquet" for n in range(3)]
    for path, some in zip(paths, (rows, rows, rows[1:]), strict=True):
        segments.write_parquet(path, segments.TRACE, some, {"table": "trace", "log": "о'к"})
    one, two, other = (path.read_bytes() for path in paths)
    assert one == two != other
    assert duckdb.read_parquet(str(paths[0])).fetchall() == rows


def test_the_sufficient_table_of_sealed_lives_counts_every_failure_and_piece(lived, tmp_path):
    seal(lived, "p-test")
    lived.catch_up()
    files = copy_out(lived, tmp_path / "out")
    [lives] = [path for path in files if path.name == "lives.parquet"]
    table = sufficient_by_duckdb([lives])
    pieces = duckdb.read_parquet(str(lives)).fetchall()
    entries, exits, events = (sum(row[len(KEYS) + n] for row in table) for n in (0, 2, 4))
    assert (entries, exits, events) == (len(pieces), len(pieces), 1)
    twice = sufficient_by_duckdb([lives, lives])
    assert [row[4] for row in twice] == [2 * row[4] for row in table]


def test_what_is_no_segment_of_lives_is_refused_by_name(lived, tmp_path):
    seal(lived, "p-test", views=False)
    lived.catch_up()
    assert len(sealed_segments(lived)) == 2
    [trace] = [p for p in copy_out(lived, tmp_path / "out") if p.name.startswith("trace.")]
    other = tmp_path / "other.parquet"
    other.write_text("no Parquet")
    with pytest.raises(BadData, match="something else than lives"):
        sufficient_by_duckdb([trace])
    with pytest.raises(BadData, match=r"other\.parquet is no segment"):
        sufficient_by_duckdb([other])
    with pytest.raises(NotFound, match="railtrace segments"):
        sufficient_by_duckdb([])


def test_without_java_spark_says_what_to_install(lived, tmp_path, monkeypatch):
    seal(lived, "p-test", views=False)
    lived.catch_up()
    [lives] = [p for p in copy_out(lived, tmp_path / "out") if p.name == "lives.parquet"]
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError, match="openjdk-17-jre-headless"):
        sufficient_by_spark([lives], "local[1]")
