"""Scenario 19: gauge 0417 is withdrawn; nothing is rewritten, everything suspect is found."""

from datetime import timedelta
from decimal import Decimal

import pytest

from railtrace.store.knowledge import leaned_on_at
from railtrace.store.lookup import Lookup
from railtrace.store.suspects import gauge_recall
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Range, Reading
from tests.store.test_knowledge import knowledge, take
from tests.store.test_views import START, new_store, op

GAUGE, GOOD = "d-gauge-0417", "d-gauge-0502"
CHECKED, FOUND = 5, 20
"""Days of the last good check and of the finding: 05.03 and 20.03 of the scenario."""


def measured(id_, day, unit, values, device=GAUGE):
    readings = tuple(
        Reading(quantity="flange_thickness", place=place, value=value, unit="mm",
                uncertainty="0.2")
        for place, value in zip(("left", "right"), values, strict=False)
    )  # fmt: skip
    return op("Measured", id_, day, units=(unit,), readings=readings, device=device)


@pytest.fixture
def railway(tmp_path):
    """63 wheels on 32 wheelsets measured in the window; 11 vehicles on the line lean on them."""
    views = new_store(tmp_path)
    span = Range(quantity="flange_thickness", unit="mm", low="20", high="40", uncertainty="0.2")
    take(views, [
        op("Registered", "rg", 0, units=(GAUGE,), type="wheel_gauge"),
        op("Verified", "vg", CHECKED, units=(GAUGE,), valid_from=START + timedelta(days=CHECKED),
           valid_to=START + timedelta(days=370), register_entry="А/05-03/1", ranges=(span,)),
        *(op("Registered", f"rv{v}", 0, units=(f"v-{v}",), type="coach_compartment")
          for v in range(12)),
        *(op("Registered", f"rw{w}", 0, units=(f"w-{w}",), type="wheelset_passenger")
          for w in range(32)),
        *(op("Installed", f"i{w}", 1, units=(f"w-{w}",), carrier=f"v-{w // 2}",
             position=f"bogie.1/wheelset.{w % 2 + 1}") for w in range(24)),
        op("EnteredRepair", "er", 2, units=("v-11",), repair_kind="ДР"),
    ], 6)  # fmt: skip
    wheels = [(f"{27 + w * 0.1:.1f}", f"{27 + w * 0.1:.1f}") for w in range(32)]
    wheels[6] = ("25.4", "29.0")
    wheels[31] = wheels[31][:1]
    take(views, [measured(f"m{w}", 6 + w % 13, f"w-{w}", values)
                 for w, values in enumerate(wheels)], 19.5)  # fmt: skip
    return views


def withdraw(views):
    take(views, [op("InstrumentWithdrawn", "wd", FOUND, units=(GAUGE,),
                    window_from=START + timedelta(days=CHECKED),
                    window_to=START + timedelta(days=FOUND), finding="flanges read too thick",
                    quantity="flange_thickness", bias="0.6", bias_unit="mm")], FOUND)  # fmt: skip


def recalled(views):
    known = knowledge(views)
    [withdrawal] = known.instrument(GAUGE).withdrawals
    return gauge_recall(known, Lookup(views.database), GAUGE, withdrawal)


def test_63_readings_are_suspect_none_changed_and_11_vehicles_are_listed(railway):
    before = railway.database.query("SELECT * FROM readings ORDER BY unit, place")
    withdraw(railway)
    recall = recalled(railway)
    assert (recall.readings, recall.units, len(recall.on_line)) == (63, 32, 11)
    assert railway.database.query("SELECT * FROM readings ORDER BY unit, place") == before


def test_the_smallest_margin_over_the_uncertainty_comes_first_the_corrected_value_beside(railway):
    withdraw(railway)
    first, second = recalled(railway).on_line[:2]
    assert (first.unit, first.worst.value, first.worst.corrected) == (
        "v-3", Decimal("25.4"), Decimal("24.8"),
    )  # fmt: skip
    assert first.worst.over_uncertainty == Decimal("-1")
    assert second.worst.over_uncertainty > first.worst.over_uncertainty
    ratios = [suspect.worst.over_uncertainty for suspect in recalled(railway).on_line]
    assert ratios == sorted(ratios)


def test_what_is_in_repair_or_on_the_shelf_is_listed_apart(railway):
    withdraw(railway)
    elsewhere = {suspect.unit for suspect in recalled(railway).elsewhere}
    assert elsewhere == {"v-11", *(f"w-{w}" for w in range(24, 32))}


def test_release_is_refused_until_it_is_measured_again_with_a_valid_gauge(railway):
    assert [g.name for g in knowledge(railway).gates("v-3")] == []
    withdraw(railway)
    assert {g.name for g in knowledge(railway).gates("v-3")} == {"instrument"}
    take(railway, [measured("again", 21, unit, ("26.0", "29.0"), GOOD) for unit in ("w-6",)]
         + [measured("again7", 21, "w-7", ("27.0", "27.0"), GOOD)], 22)  # fmt: skip
    assert knowledge(railway).gates("v-3") == []


def test_a_reading_of_a_withdrawn_gauge_does_not_release(railway):
    withdraw(railway)
    take(railway, [measured("late", 25, "w-6", ("30.0", "30.0")),
                   measured("late7", 25, "w-7", ("30.0", "30.0"))], 26)  # fmt: skip
    gates = knowledge(railway).gates("v-3")
    assert {(g.name, g.values["why"]) for g in gates} == {("instrument", "withdrawn")}


def test_what_was_released_in_the_window_leaned_on_a_suspect_instrument(railway):
    day = START + timedelta(days=19)
    assert leaned(railway, day) == {"valid"}
    withdraw(railway)
    assert leaned(railway, day) == {"suspect"}


def leaned(views, day):
    """How what stood on a day may be trusted, the instruments as known today."""
    found = leaned_on_at(knowledge(views), "v-3", microseconds(day))
    return {trust.word for trusts in found.values() for _, trust in trusts}
