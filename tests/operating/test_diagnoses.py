"""Evidence passes through our own methods beside the path of recording, once, with its reasons."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from railtrace.app import App
from railtrace.errors import RailtraceError
from railtrace.operating.diagnoses import EvidenceJudge, diagnosis_id
from railtrace.operating.evidence import EvidenceFollower, JudgingProcess
from railtrace.projections.diagnoses import VERSIONS
from railtrace.simulation.bearings import as_wav
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace.operation import EvidenceDiagnosed, TornDown
from tests.analysis.signals import GEAR_RPM, gear_wheel
from tests.operating.depot import NOW, Clock, config_in, record
from tests.operating.stand import (
    BEARING,
    PRESS_SAMPLES,
    depot,
    pressed,
    real_wave,
    recorded,
)

IR007, IR007_1HP = "DE_IR007_0hp_105_12k", "DE_IR007_1hp_106_12k"


@pytest.fixture
def app(tmp_path: Path) -> App:
    found = App(config_in(tmp_path), Clock())
    found.prepare()
    record(found, depot())
    found.catch_up()
    yield found
    found.stop()


def codes(made: EvidenceDiagnosed) -> list[str]:
    return [reason.code for reason in made.reasons]


def test_a_recording_is_judged_beside_the_machine_that_said_sound(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.finding, ours.declared) == ("watch", "inner", "6205-2RS")
    assert (ours.entry, ours.method, ours.version) == ("one", "vibration", "3")
    assert codes(ours) == ["damage", "no_repeat"]
    said = Diagnostics(app.views.database).said("unit = ?", [BEARING])
    assert {(row["made_by"], row["outcome"]) for row in said} == {
        ("machine", "sound"), ("system", "watch")}  # fmt: skip


def test_what_was_judged_is_not_judged_again_and_twice_is_once(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    judge = EvidenceJudge(app)
    (ours,) = judge.take()
    assert judge.take() == []
    again = judge.judged("one")
    assert again is not None
    assert again.id == ours.id == diagnosis_id("one", "vibration")
    size = app.trace.head("dushanbe").size
    app.record([again], "railtrace", "system")
    assert app.trace.head("dushanbe").size == size


def test_a_repeat_of_the_same_bearing_makes_an_alarm_and_is_named(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 5)
    recorded(app, "two", real_wave(IR007_1HP), 2, rpm=1772)
    ours = {made.entry: made for made in EvidenceJudge(app).take()}
    assert ours["one"].outcome == "watch"
    assert (ours["two"].outcome, ours["two"].repeats) == ("alarm", ("one",))


def test_a_recording_before_a_teardown_is_no_repeat(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 5)
    record(app, [TornDown(id="t", happened_at=NOW - timedelta(days=3), units=(BEARING,),
                          found="no_damage", site="dushanbe")])  # fmt: skip
    recorded(app, "two", real_wave(IR007_1HP), 2, rpm=1772)
    ours = {made.entry: made for made in EvidenceJudge(app).take()}
    assert (ours["two"].outcome, ours["two"].repeats) == ("watch", ())


def test_a_stated_speed_that_the_signal_contradicts_is_caught(app: App) -> None:
    recorded(app, "little", real_wave(IR007), 3, rpm=1750)
    recorded(app, "far", real_wave(IR007_1HP), 2, rpm=1500)
    ours = {made.entry: made for made in EvidenceJudge(app).take()}
    assert "stated_speed_wrong" in codes(ours["little"])
    assert ours["little"].finding == "inner"
    assert (ours["far"].outcome, codes(ours["far"])) == ("refused", ["stated_speed"])


@pytest.mark.parametrize(
    ("content", "recipe", "reason"),
    [
        (real_wave(IR007)[:100_000], "6205-2RS", "unreadable"),
        (b"no sound at all", "6205-2RS", "unreadable"),
        (real_wave(IR007), "42726", "bearing_unknown"),
        (real_wave(IR007), "", "bearing_unknown"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(
    app: App, content: bytes, recipe: str, reason: str
) -> None:
    recorded(app, "one", content, 2, recipe=recipe)
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.finding) == ("refused", reason)
    assert codes(ours) == [reason]
    assert ours.reasons[0].text


def test_a_file_that_has_not_come_yet_is_waited_for(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    sha = app.entry("one").operation.evidence[0].sha256  # type: ignore[union-attr]
    path = app.evidence.path(sha)
    content = path.read_bytes()
    path.unlink()
    judge = EvidenceJudge(app)
    assert judge.take() == []
    app.evidence.put(content)
    assert [made.outcome for made in judge.take()] == ["watch"]


def test_scenario_21_is_unfit_by_the_raw_curve_and_both_verdicts_stand(app: App) -> None:
    pressed(app, "p", "612", (PRESS_SAMPLES / "4412.kriv").read_bytes())
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.method) == ("unfit", "press_fit")
    assert ours.declared == "press_force.wheel_centre.locomotive"
    assert codes(ours) == ["below_band"]
    assert float(ours.finding.split()[0]) == pytest.approx(330.8, abs=1)
    assert app.entry("p:r").operation.evaluation == "ok"  # type: ignore[union-attr]


def test_a_pressing_without_its_curve_is_judged_by_its_final_force(app: App) -> None:
    pressed(app, "p", "900", None)
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.file) == ("fit", None)


def test_a_curve_that_is_cut_is_refused_and_never_fit(app: App) -> None:
    curve = (PRESS_SAMPLES / "4411.kriv").read_bytes()
    pressed(app, "p", "900", curve[: len(curve) // 2])
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.finding) == ("refused", "truncated")


def test_the_follower_has_it_computed_by_another_process_and_records_it(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    follower = EvidenceFollower(app)
    try:
        assert follower.follow() == 1
        app.catch_up()
        assert follower.follow() == 0
    finally:
        follower.stop()
    made = app.entry(diagnosis_id("one", "vibration"))
    assert (made.submitter, made.channel) == ("railtrace", "system")
    assert made.operation.outcome == "watch"  # type: ignore[union-attr]


def test_the_process_stays_for_the_next_batch_and_ends_when_it_has_rested(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    recorded(app, "two", b"no recording", 3)
    process = JudgingProcess(app.config)
    (one,) = process.judged(["one"])
    child = process._child
    assert child is not None
    (two,) = process.judged(["two"])
    assert (one.outcome, two.outcome) == ("watch", "refused")
    process.rest()
    assert child.poll() is None
    process.IDLE_S = 0.0
    process.rest()
    assert child.poll() is not None
    assert [made.entry for made in process.judged(["two"])] == ["two"]
    process.stop()


def test_a_process_that_ended_is_named_and_another_judges_the_next_batch(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    process = JudgingProcess(app.config)
    assert process.judged([]) == []
    assert process._child is not None
    process._child.kill()
    with pytest.raises(RailtraceError, match="judges evidence ended with -9"):
        process.judged(["one"])
    assert [made.outcome for made in process.judged(["one"])] == ["watch"]
    process.stop()


def test_a_new_version_of_a_method_judges_anew_and_both_stand(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    EvidenceJudge(app).take()
    monkeypatch.setitem(VERSIONS, "vibration", "4")
    (again,) = EvidenceJudge(app).take()
    assert (again.entry, again.version) == ("one", "4")
    rows = app.views.database.query("SELECT version FROM diagnoses WHERE made_by = 'system'")
    assert sorted(rows) == [("3",), ("4",)]


def test_what_another_installation_wrote_it_judges_itself(app: App) -> None:
    recorded(app, "one", real_wave(IR007), 2)
    assert Diagnostics(app.views.database).waiting(9) == ["one"]
    assert Diagnostics(app.views.database).waiting(9, ["dushanbe"]) == []


def test_a_gear_is_diagnosed_by_its_row_as_a_bearing_is(app: App) -> None:
    samples = gear_wheel(17, tooth=3.0, eccentric=0.9)
    recorded(app, "gear", as_wav(samples), 2, rpm=GEAR_RPM, recipe="traction.17")
    (ours,) = EvidenceJudge(app).take()
    assert (ours.method, ours.version, ours.declared) == ("gear", "1", "traction.17")
    assert (ours.outcome, ours.finding) == ("watch", "tooth")
    assert codes(ours)[-1] == "no_repeat"
    again = gear_wheel(17, tooth=3.0, eccentric=0.9, seed=1)
    recorded(app, "gear-again", as_wav(again), 1, rpm=GEAR_RPM, recipe="traction.17")
    (ours,) = EvidenceJudge(app).take()
    assert (ours.outcome, ours.repeats) == ("alarm", ("gear",))
    torn = TornDown(id="t", happened_at=NOW, units=(BEARING,), site="dushanbe", found="damage",
                    damage_class="fatigue.subsurface")  # fmt: skip
    record(app, [torn])
    app.catch_up()
    rows = app.views.database.query("SELECT truth FROM diagnoses WHERE method = 'gear'")
    assert rows == [("damage",), ("damage",)]


def test_a_gear_whose_shaft_is_not_heard_is_refused(app: App) -> None:
    samples = 0.1 * np.random.default_rng(1).standard_normal(60_000)
    recorded(app, "gear", as_wav(samples), 2, rpm=900, recipe="traction.75")
    (ours,) = EvidenceJudge(app).take()
    assert (ours.method, ours.outcome, codes(ours)) == ("gear", "refused", ["speed_unconfirmed"])
