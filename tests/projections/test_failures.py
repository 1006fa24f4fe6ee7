"""Failures and renewals of a unit as history rows."""

from railtrace.projections.failures import FAILURES
from railtrace.projections.fold import fold, resolve
from tests.projections.railway import entries, op


def folded(*operations):
    return fold(FAILURES, "u", resolve(entries(operations), "u"))


def test_a_failure_keeps_its_mode_class_place_and_delay():
    failed = op("Failed", "f1", 2, units=("u",), mode="течь", place="diesel", failure_class=1,
                delay_min="72.5")  # fmt: skip
    state, history = folded(failed)
    assert state.failures == 1
    [(unit, _, mode, place, failure_class, delay, operation)] = history["failures"]
    assert (unit, mode, place, failure_class, delay, operation) == (
        "u", "течь", "diesel", 1, 72_500, "f1"
    )  # fmt: skip


def test_a_voided_failure_is_none_and_only_full_renewals_count_as_new():
    failed = op("Failed", "f1", 2, units=("u",), mode="m")
    void = op("Corrected", "c1", 3, units=("u",), target="f1", action="void", reason="wrong unit")
    partly = op("Repaired", "r1", 4, units=("u",), work="w", restored="partial")
    wholly = op("Repaired", "r2", 5, units=("u",), work="w", restored="as_new")
    state, history = folded(failed, void, partly, wholly)
    assert state.failures == 0
    assert [row[2] for row in history["renewals"]] == ["r2"]
