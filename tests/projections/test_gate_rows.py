"""Rows of a decision: judged by the table the checker is judged by, and true to the gates."""

import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from railtrace.catalogue import load as catalogue_files
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.consist_gates import ROW_CHECKS, findings, judged_rows
from railtrace.projections.gate_rows import _RULES, GateRow, outcome
from railtrace.simulation.departures import FAULTS, ROWS, Departure
from tests.release_cases import CASES


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    with TemporaryDirectory() as folder:
        shutil.copy(ROWS, Path(folder) / "rows.toml")
        return catalogue_files.load(Path(folder))


@pytest.mark.parametrize("case", CASES)
def test_a_row_is_judged_as_the_table_says(case: str) -> None:
    row, expected = CASES[case]
    assert outcome(msgspec.convert(row, GateRow)) == expected


def test_every_rule_has_a_case_for_and_one_against() -> None:
    told = {(row["rule"], expected == "fit") for row, expected in CASES.values()}
    assert told == {(rule, fit) for rule in _RULES for fit in (True, False)}


@pytest.mark.parametrize("fault", sorted(FAULTS)[::2])
def test_what_a_row_finds_is_a_reason_and_what_is_found_has_its_row(fault: str) -> None:
    sow, _, act = FAULTS[fault]
    departure = Departure()
    sow(departure)
    facts = departure.facts(catalogue(), act)
    if facts.behind:
        return
    checks = {key: row.check for key, row in catalogue().release_gates.items()}
    # A doubt has a row under the gate of limits too; what is overdue on parts is read elsewhere.
    from_rows = {
        (row.gate, row.unit) for row in judged_rows(facts)
        if row.outcome != "fit" and not (row.outcome == "doubtful" and checks[row.gate] == "unfit")
    }  # fmt: skip
    found = {(f.row, f.gate.unit) for f in findings(facts) if checks[f.row] in ROW_CHECKS}
    assert from_rows == found


def test_every_last_reading_under_a_limit_has_a_row_with_its_entry() -> None:
    rows = judged_rows(Departure().facts(catalogue(), "depart"))
    limits = [row for row in rows if row.rule == "limit"]
    wheels, couplers = 4 * 2 * 3, 2
    assert len(limits) == 4 * (wheels + couplers)
    assert all(row.looked[0].position is not None for row in limits)
    assert {row.rule for row in rows} >= {"limit", "paper", "amount", "height", "brake_force"}
