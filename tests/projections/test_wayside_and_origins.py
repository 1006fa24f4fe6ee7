"""Wayside alarms are answered later; origins are decided, disputed, decided again."""

from railtrace.projections.fold import fold
from railtrace.projections.origins import ORIGINS
from railtrace.projections.wayside import WAYSIDE
from railtrace.trace.operation import Evidence, Reading
from tests.projections.railway import entries, op


def rows(view, operations):
    state, _ = fold(view, "v-1", entries(operations))
    (table,) = view.tables
    names = [column.split()[0] for column in view.tables[table]]
    return state, [dict(zip(names, row, strict=True)) for row in view.rows(state, None)[table]]


def alarm(id_="w", day=1):
    read = Reading(quantity="box_temperature", value="84", unit="°C")
    return op("WaysideAlarmed", id_, day, units=("v-1",), alarm="hot_box", post="km 42",
              readings=(read,))  # fmt: skip


def checked(id_="c", day=2, alarmed="w", result="confirmed"):
    return op("AlarmChecked", id_, day, units=("v-1",), alarmed=alarmed, result=result,
              finding="seen")  # fmt: skip


def test_an_alarm_waits_for_its_answer_and_then_has_it():
    _, (row,) = rows(WAYSIDE, [alarm()])
    assert (row["result"], row["value"]) == ("", "84")
    _, (row,) = rows(WAYSIDE, [alarm(), checked()])
    assert (row["result"], row["finding"], row["checked_by"]) == ("confirmed", "seen", "c")


def test_an_answer_to_nothing_and_two_other_answers_are_named():
    state, _ = rows(WAYSIDE, [checked()])
    assert [c.name for c in state.contradictions.values()] == ["checked_without_alarm"]
    state, _ = rows(WAYSIDE, [alarm(), checked(), checked("d", 3, result="not_confirmed")])
    assert [c.name for c in state.contradictions.values()] == ["alarm_checked_otherwise"]


def failed():
    return op("Failed", "f", 1, units=("v-1",), mode="crack")


def decided(id_="o", day=2, origin="repair", entry="f", **fields):
    return op("OriginDecided", id_, day, units=("v-1",), entry=entry, origin=origin,
              decided_by="commission", **fields)  # fmt: skip


def disputed(day=3):
    return op("OriginDisputed", "x", day, units=("v-1",), entry="f", disputed_by="works",
              claims="operation")  # fmt: skip


def test_a_failure_is_there_before_anybody_decides():
    _, (row,) = rows(ORIGINS, [failed()])
    assert (row["origin"], row["what"], row["dispute"]) == ("", "crack", "")


def test_a_decision_names_who_and_how_much_evidence_and_a_dispute_keeps_it():
    paper = Evidence(sha256="5f" * 32)
    _, (row,) = rows(ORIGINS, [failed(), decided(evidence=(paper,)), disputed()])
    assert (row["origin"], row["decided_by"], row["evidence"]) == ("repair", "commission", 1)
    assert (row["disputed_by"], row["claims"], row["dispute"]) == ("works", "operation", "x")


def test_a_later_decision_ends_the_dispute():
    _, (row,) = rows(ORIGINS, [failed(), decided(), disputed(), decided("p", 4, "operation")])
    assert (row["origin"], row["dispute"], row["disputed_by"]) == ("operation", "", "")


def test_an_origin_of_what_is_not_there_is_named():
    state, _ = rows(ORIGINS, [decided()])
    assert [c.name for c in state.contradictions.values()] == ["origin_of_nothing"]
