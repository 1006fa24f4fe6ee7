import duckdb
import narwhals as nw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.sufficient import BINS, COLUMNS, KEYS, SUMS, edges_km, exposure_km, merged
from railtrace.analysis.sufficient import sufficient as table_of

RNG = np.random.default_rng(8)
ENTRY = np.concatenate([[0.0, 500.0, 999.0], RNG.uniform(0, 400_000, 300)])
LEAVE = ENTRY + np.concatenate([[200.0, 700.0, 5e5], RNG.uniform(1, 90_000, 300)])
FAILED = RNG.random(303) < 0.2
ROWS = [(f"c{n % 2}", "s", "", float(a), float(b), bool(f))
        for n, (a, b, f) in enumerate(zip(ENTRY, LEAVE, FAILED, strict=True))]  # fmt: skip


def frame(base, rows, name):
    base.execute(f"CREATE TABLE {name} (component VARCHAR, series VARCHAR, cell VARCHAR,"
                 " entry_km DOUBLE, leave_km DOUBLE, failed BOOLEAN)")  # fmt: skip
    base.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?)", rows)
    return nw.from_native(base.table(name))


def read(table):
    rows = table.select(*KEYS, *SUMS).to_native().fetchall()
    return {row[:4]: row[4:] for row in rows}


def by_bin(table, component):
    found = np.zeros((len(SUMS), BINS))
    for (key, _series, _cell, age_bin), sums in table.items():
        if key == component:
            found[:, int(age_bin)] += sums
    return found


def test_kilometres_of_every_bin_follow_exactly_and_add_up_to_what_was_run():
    with duckdb.connect() as base:
        table = read(table_of(frame(base, ROWS, "lives")))
    low = edges_km()
    high = np.append(low[1:], np.inf)
    for n, component in enumerate(("c0", "c1")):
        entries, entered, exits, left, events = by_bin(table, component)
        mine = np.arange(len(ENTRY)) % 2 == n
        overlap = np.minimum(LEAVE[mine, None], high) - np.maximum(ENTRY[mine, None], low)
        direct = np.maximum(overlap, 0).sum(axis=0)
        np.testing.assert_allclose(exposure_km(entries, entered, exits, left), direct, atol=1e-4)
        assert events.sum() == FAILED[mine].sum()
        assert entries.sum() == exits.sum() == mine.sum()


def test_tables_of_two_enterprises_add_up_to_the_table_of_both():
    with duckdb.connect() as base:
        whole = read(table_of(frame(base, ROWS, "whole")))
        parts = [table_of(frame(base, some, f"part{n}"))
                 for n, some in enumerate((ROWS[:100], ROWS[100:]))]  # fmt: skip
        both = read(merged(parts))
    assert whole.keys() == both.keys()
    for key, sums in whole.items():
        assert both[key] == pytest.approx(sums)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 4e6), st.floats(0.1, 1e5)), min_size=1, max_size=8))
def test_whatever_the_ages_nothing_run_is_lost(spans):
    rows = [("c", "s", "", a, a + span, False) for a, span in spans]
    with duckdb.connect() as base:
        entries, entered, exits, left, _ = by_bin(read(table_of(frame(base, rows, "t"))), "c")
    total = sum(b - a for *_, a, b, _f in rows)
    assert exposure_km(entries, entered, exits, left).sum() == pytest.approx(total, abs=1e-3)


def test_the_columns_of_lives_are_those_of_the_expressions():
    assert COLUMNS == ("component", "series", "cell", "entry_km", "leave_km", "failed")
