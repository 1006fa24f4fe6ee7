"""Two dates, recalls, structure and gates: scenario 11 with its numbers."""

from datetime import timedelta

import pytest

from railtrace.projections.recall import Recall
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.trace.leaf import microseconds
from railtrace.trace.ledger import Submission, record
from tests.store.test_views import CATALOGUE, START, new_store, op

FRAME = {"type": "side_frame", "maker": "5", "heat": "7731", "batch": ""}
TODAY = START + timedelta(days=100)


def take(views, operations, day):
    """Record operations as of a day, so that known-at dates can tell them apart."""
    now = START + timedelta(days=day)
    results = record(views.trace, "north", [Submission(o, "t", "test") for o in operations], now)
    assert all(hasattr(result, "position") for result in results), results
    views.catch_up()


@pytest.fixture
def railway(tmp_path):
    """Nine side frames of plant 5, heat 7731, 2009: the working day of scenario 11."""
    views = new_store(tmp_path)
    wagons = [f"v-{i}" for i in range(1, 6)]
    frames = [f"f-{i}" for i in range(1, 10)]
    take(views, [op("Registered", f"rv{v}", 0, units=(v,), type="gondola") for v in wagons], 1)
    take(views, [op("Manufactured", f"rf{f}", -5000, units=(f,), time_precision="year", **FRAME)
                 for f in frames], 1)  # fmt: skip
    homes = ["v-1", "v-1", "v-2", "v-3", "v-4", "v-5"]
    take(views, [op("Installed", f"i{n}", 0.5, units=(f"f-{n}",), carrier=wagon,
                    position=f"bogie.{n}/side_frame.left")
                 for n, wagon in enumerate(homes, 1)], 2)  # fmt: skip
    take(views, [op("Condemned", "x9", 60, units=("f-9",), reason="crack")], 60)
    take(views, [op("LocationReported", "l5", 89, units=("v-5",), place="Ташкент",
                    whereabouts="abroad")], 89)  # fmt: skip
    return views


def knowledge(views, state=None, known=None):
    at = [None if d is None else microseconds(START + timedelta(days=d)) for d in (state, known)]
    return Knowledge(views, Lookup(views.database), CATALOGUE, *at)


RECALL = Recall(unit="recall:h7731", recall="h7731", maker="5", heat="7731")


def test_scenario_11_the_recall_lists_in_service_first_then_abroad_stock_and_condemned(railway):
    affected = knowledge(railway).affected(RECALL)
    assert [a.where for a in affected] == (
        ["in_service"] * 5 + ["abroad"] + ["stock"] * 2 + ["condemned"]
    )
    in_service = {a.vehicle.unit for a in affected if a.where == "in_service"}
    assert in_service == {"v-1", "v-2", "v-3", "v-4"}
    [abroad] = [a for a in affected if a.where == "abroad"]
    assert abroad.vehicle.place == "Ташкент"
    assert abroad.vehicle.place_us == microseconds(START + timedelta(days=89))


def test_scenario_11_the_list_as_known_thirty_days_ago_is_the_list_of_that_day(railway):
    affected = knowledge(railway, known=50).affected(RECALL)
    assert [a.where for a in affected].count("condemned") == 0
    assert [a.where for a in affected].count("abroad") == 0
    assert [a.where for a in affected].count("in_service") == 6


def test_scenario_11_a_wagon_of_the_recall_cannot_be_released(railway):
    assert knowledge(railway).gates("v-1") == []
    take(railway, [op("RecallOpened", "open", 99, recall="h7731", title="heat 7731", maker="5",
                      heat="7731")], 99)  # fmt: skip
    reasons = [(g.name, g.unit) for g in knowledge(railway).gates("v-1")]
    assert reasons == [("recalled", "f-1"), ("recalled", "f-2")]
    take(railway, [op("RecallClosed", "close", 100, recall="h7731")], 100)
    assert knowledge(railway).gates("v-1") == []


def test_scenario_11_stock_put_on_hold_is_held(railway):
    take(railway, [op("Held", "h7", 99, units=("f-7", "f-8"), reason="recall", recall="h7731")], 99)
    assert knowledge(railway).passport("f-7").status == "on_hold"


def test_a_recall_needs_every_criterion_it_names_to_match(railway):
    other_year = Recall(unit="recall:x", maker="5", heat="7731", made="2019")
    assert knowledge(railway).affected(other_year) == []


def test_views_behind_the_ledger_mean_no_decision(railway):
    assert [g.name for g in knowledge(railway).gates("v-1", behind=3)] == ["views_behind"]


def test_the_structure_at_an_earlier_date_is_the_structure_of_that_day(railway):
    removed = op("Removed", "out1", 70, units=("f-1",), carrier="v-1", reason="wear")
    take(railway, [removed], 70)
    assert [n.unit for n in knowledge(railway).tree("v-1").children] == ["f-2"]
    assert [n.unit for n in knowledge(railway, state=65).tree("v-1").children] == ["f-1", "f-2"]
    assert [n.unit for n in knowledge(railway, known=65).tree("v-1").children] == ["f-1", "f-2"]


def test_a_part_on_a_vehicle_counts_the_vehicle_s_kilometres_at_any_two_dates(railway):
    take(railway, [op("Ran", f"r{d}", d, units=("v-1",), distance_km="100")
                   for d in (10, 20, 30)], 35)  # fmt: skip
    us = microseconds(TODAY)
    assert knowledge(railway).mileage().at("f-1", us) == 300_000
    assert knowledge(railway, state=25).mileage().at("f-1", us) == 200_000
    assert knowledge(railway, known=5).mileage().at("f-1", us) == 0
