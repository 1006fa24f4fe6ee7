"""Readings, their trend and their verdicts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.catalogue.load import load
from railtrace.projections.condition import CONDITION, judge, judged, slope_per_day, worst
from railtrace.projections.fold import fold, resolve
from railtrace.trace.operation import Reading
from tests.projections.railway import entries, op

decimals = st.decimals(-100, 100, places=2)


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [("25.4", "0.2", "fit"), ("25.1", "0.2", "doubtful"), ("24.9", "0.2", "doubtful"),
     ("24.7", "0.2", "unfit"), ("25.2", "0.2", "fit"), ("24.8", "0.2", "doubtful")],
)  # fmt: skip
def test_a_verdict_weighs_the_limit_against_the_whole_interval(value, uncertainty, verdict):
    assert judge(Decimal(value), Decimal(uncertainty), Decimal(25), None) == verdict


@given(decimals, st.decimals(0, 10, places=2), decimals)
def test_more_uncertainty_never_turns_a_doubt_into_a_verdict(value, uncertainty, limit):
    first = judge(value, uncertainty, limit, None)
    second = judge(value, uncertainty + 1, limit, None)
    assert second in (first, "doubtful")


def readings(value, moment=""):
    return (
        Reading(
            quantity="flange_thickness", place="left", value=value, unit="mm",
            uncertainty="0.2", moment=moment,
        ),
    )  # fmt: skip


def condition(*operations):
    return fold(CONDITION, "w-1", resolve(entries(operations), "w-1"))[0]


REGISTERED = op("Registered", "r1", 0, units=("w-1",), type="wheelset_freight")


def test_the_last_reading_by_life_order_is_judged_by_a_named_row():
    late = op("Measured", "m1", 9, units=("w-1",), readings=readings("23.6"))
    early = op("Measured", "m2", 3, units=("w-1",), readings=readings("30"))
    [result] = judged(condition(REGISTERED, late, early), load())
    assert (result.last.value, result.verdict) == ("23.6", "unfit")
    assert result.limit is not None
    assert result.limit.valid_from <= date(2024, 3, 10)


def test_a_unit_of_unknown_type_gets_no_verdict():
    measured = op("Measured", "m1", 1, units=("w-1",), readings=(
        Reading(quantity="nothing_known", value="1", unit="mm"),))  # fmt: skip
    [result] = judged(condition(measured), load())
    assert result.verdict == "unknown"


def test_turning_restarts_the_trend_from_the_reading_as_left():
    worn = [op("Measured", f"m{i}", i * 10, units=("w-1",), readings=readings(str(30 - i)))
            for i in range(4)]  # fmt: skip
    turned = op(
        "Reprofiled", "t1", 40, units=("w-1",),
        readings=(*readings("32.5", "as_left"), *readings("26", "as_found")),
    )  # fmt: skip
    before, after = condition(REGISTERED, *worn), condition(REGISTERED, *worn, turned)
    series = before.series["flange_thickness|left"].readings
    assert slope_per_day(series) == pytest.approx(-0.1)
    assert [r.value for r in after.series["flange_thickness|left"].readings] == ["32.5"]


def test_an_open_defect_is_closed_by_the_operation_that_names_it():
    found = op("DefectFound", "d1", 1, units=("w-1",), code="102", safety=True)
    closed = op("DefectClosed", "d2", 2, units=("w-1",), defect="d1")
    assert [d.code for d in condition(found).defects] == ["102"]
    assert condition(found, closed).defects == []
    assert [c.name for c in condition(closed).contradictions.values()] == ["defect_not_open"]


def test_the_worst_verdict_stands_for_the_whole():
    assert worst(["fit", "doubtful", "unknown"]) == "doubtful"
    assert worst([]) == "unknown"
