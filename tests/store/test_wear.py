"""Wear dues read from the trace: since the wheelset came on, by its vehicle's run."""

from datetime import timedelta

import pytest

from railtrace.projections.maintenance import DAY_US
from railtrace.store.lookup import Lookup
from railtrace.store.wear import WearDues
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Reading
from tests.store.test_views import CATALOGUE, START, new_store, op, take

NOW_US = microseconds(START + timedelta(days=360))
KM_A_DAY = 200


def reading(value, moment="", uncertainty="0.1"):
    return Reading(quantity="flange_thickness", place="left", value=f"{value:.2f}", unit="mm",
                   uncertainty=uncertainty, moment=moment)  # fmt: skip


def worn(unit, start, days, rate_mm_per_1000_km, tag):
    """Readings every thirty days of a flange that wears evenly."""
    return [
        op("Measured", f"{tag}-{day}", day, units=(unit,),
           readings=(reading(start - rate_mm_per_1000_km * KM_A_DAY * (day - days[0]) / 1000),))
        for day in days
    ]  # fmt: skip


@pytest.fixture
def fleet(tmp_path):
    views = new_store(tmp_path)
    lived = []
    for n in (1, 2):
        lived += [
            op("Registered", f"v{n}", 0, units=(f"v-{n}",), type="coach_open"),
            op("Registered", f"w{n}", 0, units=(f"w-{n}",), type="wheelset_passenger"),
            op("Installed", f"i{n}", 30, units=(f"w-{n}",), carrier=f"v-{n}", position="b.1"),
            *(op("Ran", f"r{n}-{d}", d, units=(f"v-{n}",), distance_km=str(KM_A_DAY))
              for d in range(1, 361)),
            *worn(f"w-{n}", 32 - n, range(40, 341, 30), 0.03 * n, f"m{n}"),
        ]  # fmt: skip
    # Before it came on: another life, that does not count; and one reading nobody knows how sure.
    lived += worn("w-1", 40, range(1, 20, 6), 1.0, "old")
    lived.append(op("Measured", "unsure", 350, units=("w-1",),
                    readings=(reading(10.0, uncertainty=None),)))  # fmt: skip
    take(views, "north", lived)
    return views


def dues_of(fleet, vehicles=None):
    reader = WearDues(Lookup(fleet.database), CATALOGUE, NOW_US)
    return {due.part: due for due in reader.of("coach_open", vehicles)}


def test_kilometres_and_days_to_the_limit_are_those_of_arithmetic(fleet) -> None:
    due = dues_of(fleet)["w-2"]
    worn_mm = 0.06 * KM_A_DAY * 320 / 1000
    left_mm = 30 - worn_mm - float(due.bound)
    assert due.rate == pytest.approx(-0.06, abs=0.003)
    assert due.km[1] == pytest.approx(1000 * left_mm / 0.06, rel=0.05)
    days = (due.days_us[1] - NOW_US) / DAY_US
    assert days == pytest.approx(due.km[1] / KM_A_DAY, rel=0.05)
    assert due.days_us[0] < due.days_us[1] < due.days_us[2]


def test_only_readings_since_it_came_on_and_with_an_uncertainty_count(fleet) -> None:
    due = dues_of(fleet)["w-1"]
    assert (due.readings, due.value, due.operation) == (11, "29.20", "m1-340")


def test_a_turning_begins_again_and_what_was_learnt_stays(fleet) -> None:
    turned = [reading(29.0, "as_found"), reading(32.5, "as_left")]
    take(fleet, "north", [op("Reprofiled", "t", 345, units=("w-1",), readings=tuple(turned))], 5)
    due = dues_of(fleet)["w-1"]
    assert (due.readings, due.value) == (1, "32.50")
    assert due.level == pytest.approx(32.5, abs=0.15)
    assert due.rate == pytest.approx(-0.03, abs=0.004)


def test_one_vehicle_asked_for_is_told_as_among_all(fleet) -> None:
    assert dues_of(fleet, ["v-1"]) == {"w-1": dues_of(fleet)["w-1"]}


def test_a_type_that_nobody_measured_has_no_wear(fleet) -> None:
    assert WearDues(Lookup(fleet.database), CATALOGUE, NOW_US).of("gondola") == []
