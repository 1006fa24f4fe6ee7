from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from railtrace.analysis.reasons import codes
from railtrace.analysis.rule_checks import (
    BrakeRule,
    Insulation,
    LoadPoint,
    NdtSetUp,
    NotchRule,
    WashRun,
    WashStage,
    check_brake,
    check_insulation,
    check_load_bank,
    check_ndt,
    check_wash,
    trace,
)
from railtrace.errors import BadEvidence

WASH = WashStage("wash", 600, least_temperature_c=45, most_temperature_c=50, least_pressure_bar=12)
RINSE = WashStage("rinse", 120, least_temperature_c=30)


def flat(value, seconds):
    time = np.arange(0, seconds + 1.0)
    return trace(time, np.full(len(time), value), "log")


def washed(temperature=48, pressure=15, seconds=600):
    return WashRun(WASH, flat(temperature, seconds), flat(pressure, seconds))


def test_a_wash_stands_when_every_stage_ran_long_enough_within_limits():
    assert check_wash([washed(), WashRun(RINSE, flat(40, 130))], [WASH, RINSE]).valid


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([washed(temperature=40)], ("temperature",)),
        ([washed(temperature=55)], ("temperature",)),
        ([washed(pressure=8)], ("pressure",)),
        ([washed(seconds=500)], ("too_short", "too_short")),
        ([WashRun(WASH, flat(48, 600), None)], ("no_pressure",)),
        ([WashRun(RINSE, flat(40, 130))], ("stages",)),
        ([], ("stages",)),
    ],
)
def test_a_wash_that_does_not_stand_says_why(runs, found):
    assert codes(check_wash(runs, [WASH]).reasons) == found


ON = date(2026, 5, 4)
SET_UP = NdtSetUp(0.8, 0.75, date(2026, 12, 1), date(2026, 5, 4), 1.0)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ()),
        ({"reference_echo_before": 0.4, "reference_echo_after": 0.5}, ("echo_before",)),
        ({"reference_echo_after": None}, ("no_echo_after",)),
        ({"reference_echo_after": 0.55}, ("drift",)),
        ({"block_certificate_to": None}, ("block_certificate",)),
        ({"inspector_certificate_to": date(2026, 5, 3)}, ("inspector_certificate",)),
        ({"coverage": 0.9}, ("coverage",)),
    ],
)
def test_an_ndt_set_up_stands_or_says_why(changes, found):
    assert codes(check_ndt(replace(SET_UP, **changes), ON).reasons) == found


BRAKE = BrakeRule(0.04, 0.06, 0.01, 5.0, 20.0, 0.10)


def braked(reduction=0.05, apply_s=2.0, release_s=8.0, leak=0.0, reached=0.15):
    time = np.arange(0, 200, 0.1)
    pipe = 0.5 - reduction * np.clip((time - 10) / 2, 0, 1) * (time < 120)
    held = reached * np.clip(
        (time - 10) / (apply_s * reached / 0.1), 0, 1
    ) - leak / 60 * np.maximum(time - 20, 0)
    cylinder = np.where(
        time < 120, held, np.maximum(0, held[1199] * (1 - (time - 120) / release_s / 1.2))
    )
    return check_brake(trace(time, pipe, "p"), trace(time, cylinder, "c"), 10.0, 120.0, BRAKE)


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ({}, ()),
        ({"reduction": 0.03}, ("reduction",)),
        ({"reduction": 0.08}, ("reduction",)),
        ({"apply_s": 7.0}, ("apply_time",)),
        ({"reached": 0.05}, ("no_apply",)),
        ({"release_s": 40.0}, ("release_time",)),
        ({"leak": 0.02}, ("leak",)),
    ],
)
def test_a_brake_test_stands_or_says_why(case, found):
    assert codes(braked(**case).reasons) == found


def test_brake_pressures_in_bar_and_cut_traces_are_refused():
    time = np.arange(0, 100, 0.1)
    bar, cut = trace(time, np.full(len(time), 5.0), "p"), trace(time, np.zeros(len(time)), "p")
    for signal, released, reason in ((bar, 50.0, "units"), (cut, 150.0, "truncated")):
        with pytest.raises(BadEvidence) as refused:
            check_brake(signal, signal, 10.0, released, BRAKE)
        assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (Insulation(8, 12, 1000), ()),
        (Insulation(8, 9, 1000), ("resistance", "damp")),
        (Insulation(None, 12, 1000), ("no_ratio",)),
        (Insulation(8, 12, 500), ("voltage",)),
    ],
)
def test_insulation_stands_or_says_why(found, wanted):
    assert codes(check_insulation(found, 10, 1000, least_ratio=1.3).reasons) == wanted


@pytest.mark.parametrize(
    ("value", "reason"), [(0.0, "not_a_number"), (float("nan"), "not_a_number"), (1.2e8, "units")]
)
def test_insulation_that_no_instrument_shows_is_refused(value, reason):
    with pytest.raises(BadEvidence) as refused:
        check_insulation(Insulation(8, value, 1000), 10, 1000)
    assert refused.value.reason == reason


RULES = {1: NotchRule(400, 10, 90, 130), 8: NotchRule(750, 10, 1100, 1300, 80)}
POINTS = [LoadPoint(1, 402, 220, 500), LoadPoint(8, 748, 480, 2500, (410, 430, 455))]


@pytest.mark.parametrize(
    ("points", "found"),
    [
        (POINTS, ()),
        (POINTS[:1], ("notch_missing",)),
        ([POINTS[0], replace(POINTS[1], rpm=730)], ("rpm",)),
        ([POINTS[0], replace(POINTS[1], amperes=2000)], ("power",)),
        ([POINTS[0], replace(POINTS[1], exhaust_c=(380, 470))], ("cylinders",)),
        ([POINTS[0], replace(POINTS[1], amperes=200)], ("power", "power_falls")),
    ],
)
def test_a_load_bank_run_stands_or_says_why(points, found):
    assert codes(check_load_bank(points, RULES).reasons) == found


@pytest.mark.parametrize(
    ("time", "values", "reason"),
    [
        ([0, 1, 2], [1, 2], "not_a_trace"),
        ([0], [1], "not_a_trace"),
        ([0, 1, 2], [1, float("nan"), 2], "not_a_number"),
        ([0, 2, 1], [1, 2, 3], "time"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_by_name(time, values, reason):
    with pytest.raises(BadEvidence) as refused:
        trace(time, values, "log")
    assert refused.value.reason == reason
