import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.devices import drivers, samples
from tests.analysis.signals import RATE_HZ, damaged
from tests.analysis.test_press_fit import pressed
from tests.analysis.test_wheel_profile import analytic

RECORDS = Path(__file__).parents[1] / "data" / "vibration"
IR007 = RECORDS / "DE_IR007_0hp_105_12k.npz"
IR007_1HP = RECORDS / "DE_IR007_1hp_106_12k.npz"
BEARING = ("--bearing", "6205-2RS", "--channel", "DE")


def run(*arguments: object, code: int = 0) -> str:
    found = CliRunner().invoke(cli, ["diagnose", *map(str, arguments)])
    assert found.exit_code == code, found.output
    return found.output


def told(*arguments: object, code: int = 0) -> dict:
    (report,) = json.loads(run(*arguments, "--json", code=code))
    return report


def csv(path: Path, **columns: np.ndarray) -> Path:
    rows = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, rows, delimiter=",", header=",".join(columns), comments="", fmt="%.5f")
    return path


def test_a_damaged_bearing_is_watched_with_its_evidence():
    report = told(IR007, *BEARING, "--rpm", 1797)
    assert (report["outcome"], report["damage"]) == ("watch", "inner")
    assert [m["found"] for m in report["methods"]] == ["inner"] * 3
    assert report["speed"]["confirmed"]


def test_a_repeat_makes_it_an_alarm_and_a_copy_does_not(tmp_path):
    found = told(IR007, *BEARING, "--rpm", 1785, "--repeat", IR007_1HP)
    assert found["outcome"] == "alarm"
    copy = tmp_path / "copy.npz"
    copy.write_bytes(IR007.read_bytes())
    refused = told(IR007, *BEARING, "--rpm", 1797, "--repeat", copy, code=1)
    assert refused["refused"] == "duplicate"


def test_the_text_says_the_same_as_the_json():
    text = run(IR007, *BEARING, "--rpm", 1797)
    report = told(IR007, *BEARING, "--rpm", 1797)
    assert "watch, inner" in text
    assert all(reason["text"] in text for reason in report["reasons"])


def test_a_file_cut_short_or_strange_is_refused_by_name_and_the_others_are_judged(tmp_path):
    cut, odd = tmp_path / "cut.npz", tmp_path / "odd.doc"
    cut.write_bytes(IR007.read_bytes()[:50_000])
    odd.write_text("no recording")
    reports = json.loads(run(cut, odd, IR007, *BEARING, "--rpm", 1797, "--json", code=1))
    assert [r.get("refused") for r in reports] == ["unreadable", "file_kind", None]
    assert reports[2]["damage"] == "inner"


def test_a_wave_file_carries_its_rate_and_a_bare_array_needs_one(tmp_path):
    samples = damaged("outer")
    wave, bare = tmp_path / "a.wav", tmp_path / "a.npy"
    wavfile.write(wave, int(RATE_HZ), np.round(samples * 5000).astype(np.int16))
    np.save(bare, samples)
    options = ("--bearing", "6205-2RS", "--rpm", 1790)
    assert told(wave, *options)["damage"] == "outer"
    assert told(bare, *options, code=1)["refused"] == "sampling_rate"
    assert told(bare, *options, "--rate", RATE_HZ)["damage"] == "outer"


def test_a_recording_of_several_channels_asks_which():
    refused = told(IR007, "--bearing", "6205-2RS", code=1)
    assert refused["refused"] == "channel"
    assert "DE, FE" in refused["message"]


@pytest.mark.parametrize(
    "options", [("--bearing", "none"), (), ("--bearing", "6205-2RS", "--known", "rust")]
)
def test_a_bearing_or_damage_unknown_ends_the_command(options):
    found = CliRunner().invoke(cli, ["diagnose", str(IR007), "--channel", "DE", *options])
    assert found.exit_code == 1


def test_a_profile_is_measured(tmp_path):
    x = np.arange(0.5, 128, 0.1)
    found = told(csv(tmp_path / "w.csv", x_mm=x, y_mm=analytic(31.0)(x)), "--as", "profile")
    assert found["parameters"]["flange_thickness_mm"] == pytest.approx(31, abs=0.02)
    wrong = csv(tmp_path / "m.csv", x_mm=x / 1000, y_mm=analytic(31.0)(x) / 1000)
    assert told(wrong, "--as", "profile", code=1)["refused"] == "units"


def test_scenario_21_is_unfit_from_its_raw_curve(tmp_path):
    x, force = pressed(612)
    file = csv(tmp_path / "p.csv", displacement_mm=x, force_kn=force)
    found = told(file, "--as", "press", "--seat", 185)
    assert found["outcome"] == "unfit"
    assert found["final_kn_per_100mm"] == pytest.approx(330.8, abs=1)
    assert [reason["code"] for reason in found["reasons"]] == ["below_band"]
    assert found["proof_load_kn"] is None
    assert told(file, "--as", "press", code=1)["refused"] == "seat_length"


def test_a_table_without_its_columns_or_cut_in_a_line_is_refused(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    assert told(file, "--as", "profile", code=1)["refused"] == "columns"
    file.write_text("x_mm,y_mm\n1,2\n3", encoding="utf-8")
    assert told(file, "--as", "profile", code=1)["refused"] == "unreadable"
    file.write_text("", encoding="utf-8")
    assert told(file, "--as", "profile", code=1)["refused"] == "unreadable"


def test_the_least_cut_of_a_profile_is_told_for_each_that_may_be_restored(tmp_path):
    x = np.arange(0, 130, 0.2)
    worn = csv(tmp_path / "worn.csv", x_mm=x, y_mm=analytic(28.0)(x))
    new, thin = (csv(tmp_path / f"{name}.csv", x_mm=x, y_mm=analytic(thickness)(x))
                 for name, thickness in (("new", 33.0), ("thin", 30.0)))  # fmt: skip
    found = told(worn, "--as", "profile", "--target", str(new), "--target", str(thin))
    assert [cut["target"] for cut in found["cuts"]] == ["thin", "new"]
    assert found["cuts"][0]["diameter_loss_mm"] == pytest.approx(
        2 * found["cuts"][0]["depth_mm"], abs=0.002)  # fmt: skip


def machine_table(tmp_path: Path, kind: str, name: str) -> Path:
    """Return the trace that a recorded sample of a machine carries, as the gateway keeps it."""
    driver = drivers.driver(kind)
    message = dict(samples.messages(driver, samples.expected(driver.folder)))[name]
    file = tmp_path / f"{kind}-{name}.csv"
    file.write_bytes(driver.decode(message)[0].files[0].content)
    return file


def test_traces_of_tests_are_judged_by_their_rule_from_the_command(tmp_path):
    for kind, method, name, outcome in (
        ("brake_rack", "brake_trace", "tight.bin", "fit"),
        ("brake_rack", "brake_trace", "leaks.bin", "unfit"),
        ("load_bank", "load_bank", "weak.bin", "unfit"),
    ):
        found = told(machine_table(tmp_path, kind, name), "--as", method)
        assert (found["outcome"], found["confirmed"]) == (outcome, False)
    cold = tmp_path / "bath.csv"
    cold.write_text("second;bath_temperature\n" + "".join(f"{s};45\n" for s in range(0, 400, 5)))
    stages = [part for key in ("wash", "rinse", "dry") for part in ("--stage", f"{key}=130")]
    found = told(cold, "--as", "wash", "--rule", "wash.wheelset", *stages)
    assert {"temperature", "too_short"} <= {r["code"] for r in found["reasons"]}
    assert told(cold, "--as", "wash", "--rule", "wash.bogie", code=1)["refused"] == "no_trace"
    assert told(cold, "--as", "brake_trace", code=1)["refused"] == "not_a_trace"


def test_readings_of_insulation_and_of_a_set_up_are_judged_from_the_command(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("insulation_resistance;insulation_resistance_15s;test_voltage\n20;19;1000\n")
    assert [r["code"] for r in told(file, "--as", "insulation")["reasons"]] == ["damp"]
    file.write_text("reference_echo;reference_echo_after;scan_coverage\n80;40;100\n")
    run(file, "--as", "ndt_set_up", code=1)
    found = told(file, "--as", "ndt_set_up", "--rule", "ndt.ultrasonic")
    assert found["outcome"] == "unfit"
    assert {"echo_after", "drift"} <= {r["code"] for r in found["reasons"]}


def test_oil_that_leaps_is_watched_and_a_gear_wants_its_teeth(tmp_path):
    file = tmp_path / "oil.csv"
    rows = [f"{100 * n};{10 + n};5" for n in range(7)]
    file.write_text("hours;iron;copper\n" + "\n".join(rows) + "\n")
    assert told(file, "--as", "oil")["outcome"] == "sound"
    file.write_text("hours;iron;copper\n" + "\n".join([*rows, "800;60;5"]) + "\n")
    found = told(file, "--as", "oil")
    assert found["outcome"] == "watch"
    assert [key for key, metal in found["metals"].items() if metal["rises"]] == ["iron"]
    assert told(IR007, "--as", "gear", "--channel", "DE", "--rpm", 1797, code=1)["refused"] == (
        "teeth")  # fmt: skip
    found = told(IR007, "--as", "gear", "--channel", "DE", "--rpm", 1797, "--teeth", 23)
    assert found["mesh_hz"] == pytest.approx(23 * 1797 / 60, rel=0.01)
