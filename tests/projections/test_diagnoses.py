"""What became of a diagnosis: confirmed, refuted, or never looked into."""

from railtrace.catalogue.load import load
from railtrace.projections.condition import CONDITION, Condition, judged
from railtrace.projections.diagnoses import DIAGNOSES, Diagnoses
from railtrace.projections.fold import fold
from railtrace.projections.release import gates
from railtrace.trace.operation import Reading
from tests.projections.railway import entries, op

B = ("b-1",)


def said(*operations):
    state, _ = fold(DIAGNOSES, "b-1", entries(operations))
    assert isinstance(state, Diagnoses)
    return {s.operation: s for s in state.said}


def diagnosed(id_, day, outcome="alarm", **more):
    return op("Diagnosed", id_, day, units=B, method="vibration", outcome=outcome,
              device="d-1", performed_by=("p-1",), **more)  # fmt: skip


def ours(id_, day, entry, outcome="watch"):
    return op("EvidenceDiagnosed", id_, day, units=B, entry=entry, method="vibration",
              version="1", outcome=outcome, device="d-1")  # fmt: skip


def test_nobody_has_looked_and_it_stays_unknown():
    assert said(diagnosed("a", 1))["a"].truth == "unknown"


def test_a_teardown_settles_what_was_said_since_the_one_before():
    found = said(
        diagnosed("old", 1), op("TornDown", "t1", 2, units=B, found="no_damage"),
        diagnosed("new", 3), ours("ours", 4, "new"),
        op("TornDown", "t2", 5, units=B, found="damage", damage_class="fatigue.surface",
           element="inner"),
    )  # fmt: skip
    assert (found["old"].truth, found["old"].truth_by) == ("no_damage", "t1")
    assert (found["new"].truth, found["ours"].truth) == ("damage", "damage")
    assert (found["ours"].damage_class, found["ours"].element) == ("fatigue.surface", "inner")


def test_a_teardown_that_names_diagnoses_settles_those_and_ours_of_the_same_evidence():
    found = said(
        diagnosed("a", 1), diagnosed("b", 2), ours("of-a", 3, "a"), ours("of-b", 3, "b"),
        op("TornDown", "t", 4, units=B, found="damage", damage_class="wear.abrasive",
           diagnoses=("a",)),
    )  # fmt: skip
    assert {name for name, one in found.items() if one.truth == "damage"} == {"a", "of-a"}


def test_ours_that_comes_after_the_teardown_shares_the_fate_of_its_evidence():
    found = said(
        diagnosed("a", 1),
        op("TornDown", "t", 2, units=B, found="damage", damage_class="wear.abrasive"),
        ours("late", 3, "a"),
    )
    assert (found["late"].truth, found["late"].truth_by) == ("damage", "t")


def test_a_failure_in_service_shows_that_damage_was_there():
    found = said(
        diagnosed("a", 1, "sound"),
        op("FailureAscribed", "f", 9, units=B, failure="failed", diagnoses=("a",)),
    )
    assert (found["a"].outcome, found["a"].truth) == ("sound", "damage")


# --- wheels that grew ---------------------------------------------------------------------------


def tyre(id_, day, value, **more):
    reading = Reading(quantity="tyre_thickness", place="left", value=value, unit="mm",
                      uncertainty="0.3", **more)  # fmt: skip
    return op("Measured", id_, day, units=("w-1",), readings=(reading,))


def growth(*operations):
    state, _ = fold(CONDITION, "w-1", entries(operations))
    assert isinstance(state, Condition)
    return state


def test_a_wheel_larger_than_before_is_questioned():
    state = growth(tyre("a", 1, "45.0"), tyre("b", 30, "75.0"))
    (one,) = state.contradictions.values()
    assert (one.name, one.values["before"], one.values["now"]) == (
        "larger_than_before", "45.0", "75.0")  # fmt: skip


def test_what_a_simulated_machine_read_is_compared_with_nothing():
    def told(fact, day, simulated=True):
        return op("MachineResult", f"{fact}:r", day, units=("w-1",), device="g-1", result_id=fact,
                  machine="wheel_gauge", simulated=simulated, facts=(fact,))  # fmt: skip

    larger = (tyre("a", 1, "45.0"), tyre("b", 30, "75.0"))
    assert growth(*larger, told("b", 30, simulated=False)).contradictions
    after = growth(*larger, told("b", 30), tyre("c", 40, "44.9"), tyre("d", 50, "74.0"))
    (one,) = after.contradictions.values()
    assert (one.values["before"], one.values["now"]) == ("44.9", "74.0")
    smaller = growth(tyre("a", 1, "45.0"), tyre("b", 30, "40.0"), told("b", 30),
                     tyre("c", 40, "44.9"))  # fmt: skip
    assert not smaller.contradictions


def test_what_was_read_after_the_gateway_s_certificate_ended_is_marked_and_stops_the_unit():
    def told(*remarks):
        return op("MachineResult", "a:r", 1, units=("w-1",), device="g-1", result_id="a",
                  machine="wheel_gauge", facts=("a",), remarks=remarks)  # fmt: skip

    def stops(state):
        found = gates([("w-1", {"condition": state})], [], load())
        return [(g.force, g.values["why"], g.values["operation"])
                for g in found if g.name == "instrument"]  # fmt: skip

    ended = growth(tyre("a", 1, "75.0"), told("certificate_expired 2026-10-31"))
    assert stops(ended) == [("stops", "expired", "a:r")]
    assert stops(growth(tyre("a", 1, "75.0"), told("operator_unknown"))) == []


def test_after_re_tyring_it_is_accepted():
    fitted = op("Retyred", "r", 20, units=("w-1",))
    state = growth(tyre("a", 1, "45.0"), fitted, tyre("b", 30, "75.0"))
    assert not state.contradictions
    (last,) = judged(state, load())
    assert last.last.value == "75.0"


def test_re_tyring_the_other_wheel_does_not_excuse_this_one():
    fitted = op("Retyred", "r", 20, units=("w-1",), places=("right",))
    assert growth(tyre("a", 1, "45.0"), fitted, tyre("b", 30, "75.0")).contradictions


def test_what_the_gauges_explain_is_not_questioned():
    assert not growth(tyre("a", 1, "45.0"), tyre("b", 30, "45.9")).contradictions


def test_a_re_tyring_entered_late_takes_the_question_away():
    state = growth(tyre("a", 1, "45.0"), op("Retyred", "r", 20, units=("w-1",)),
                   tyre("b", 30, "75.0"))  # fmt: skip
    assert not state.contradictions
