import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.devices import drivers, samples
from tests.analysis.signals import GEAR_RPM, RATE_HZ, damaged, gear_wheel
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


def test_a_contour_in_a_sites_row_is_offered_as_what_to_restore(tmp_path, monkeypatch):
    x = np.arange(0, 130.1, 2)
    points = ", ".join(f"[{a:g}, {b:.3f}]" for a, b in zip(x, analytic(33.0)(x), strict=True))
    rows = tmp_path / "data" / "catalogue"
    rows.mkdir(parents=True)
    head = """[[wheel_profiles]]
key = "own"
ru = "Свой"
en = "Own"
tg = "Худӣ"
source = "The railway"
jurisdiction = "-"
valid_from = 2020-01-01
below_tip_mm = 2
datum_mm = 70
above_datum_mm = 10
flange_height_mm = 28
"""
    (rows / "own.toml").write_text(f"{head}contour = [{points}]\n", encoding="utf-8")
    monkeypatch.setenv("RAILTRACE_DATA", str(tmp_path / "data"))
    fine = np.arange(0, 130, 0.2)
    worn = csv(tmp_path / "worn.csv", x_mm=fine, y_mm=analytic(28.0)(fine))
    (cut,) = told(worn, "--as", "profile", "--wheel-profile", "own")["cuts"]
    assert cut["target"] == "own"
    assert cut["depth_mm"] > 0
    (rows / "own.toml").write_text(f"{head}contour = [[0, 0], [0, 1]]\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="contour"):
        run(worn, "--as", "profile", "--wheel-profile", "own")


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


def test_a_stated_speed_the_signal_contradicts_is_caught_by_the_command():
    found = told(IR007, *BEARING, "--rpm", 1797 * 1.03)
    assert found["speed"]["statement_contradicted"]
    assert "stated_speed_wrong" in [r["code"] for r in found["reasons"]]
    for factor in (0.9, 1.1, 1.5):
        assert told(IR007, *BEARING, "--rpm", 1797 * factor, code=1)["refused"] == "stated_speed"


def test_a_gear_is_told_by_its_row_of_the_catalogue(tmp_path):
    np.save(tmp_path / "g.npy", gear_wheel(17, tooth=3.0, eccentric=0.9))
    asked = (tmp_path / "g.npy", "--as", "gear", "--rate", RATE_HZ, "--rpm", GEAR_RPM)
    found = told(*asked, "--gear", "traction.17")
    assert (found["outcome"], found["damage"]) == ("watch", "tooth")
    assert found == told(*asked, "--teeth", 17)
    with pytest.raises(AssertionError, match="traction"):
        run(*asked, "--gear", "none")


# --- tables ---------------------------------------------------------------------------------------


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def worn(slopes: dict[str, float], start: float = 33.0, more: str = "") -> str:
    """Return readings of wheels that wear by so much in 10,000 km, every 20,000 km."""
    rows = [f"{unit};left;{km};{start - rate * km / 1e4:.3f};0.1{more}"
            for unit, rate in slopes.items() for km in range(0, 100_001, 20_000)]  # fmt: skip
    return "unit;side;km;value;deviation\n" + "\n".join(rows) + "\n"


def test_wear_is_foretold_from_a_table_with_the_kilometres_to_its_limit(tmp_path):
    file = table(tmp_path / "w.csv", worn({"a": 0.4, "b": 0.5, "c": 0.6}))
    found = told(file, "--as", "wear", "--type", "wheelset_freight", "--ahead", 50_000)
    assert found["outcome"] == "forecast"
    assert list(found["limits"]) == ["flange_thickness"]
    for wheel, rate in zip(found["wheels"], (0.4, 0.5, 0.6), strict=True):
        one = wheel["parameters"]["flange_thickness"]
        assert one["rate_mm_per_10000_km"] == pytest.approx(-rate, abs=one["rate_within"])
        early, middle, late = one["km_to_limit"]
        assert early < middle < late
        left_mm = one["level_mm"] - one["limit_mm"]
        assert middle == pytest.approx(1e4 * left_mm / rate, rel=0.1)
        assert sum(wheel["binds_first"].values()) == pytest.approx(1, abs=1e-3)
    assert "in 10,000 km" in run(file, "--as", "wear", "--type", "wheelset_freight")
    table(file, worn({"a": 0.4, "b": 0.5}, more=";flange_gradient").replace(
        "deviation\n", "deviation;quantity\n"))  # fmt: skip
    free = told(file, "--as", "wear", "--type", "wheelset_freight")
    assert free["without_limit"] == ["flange_gradient"]
    assert "km_to_limit" not in free["wheels"][0]["parameters"]["flange_gradient"]


def test_which_limit_binds_first_is_told_of_several_parameters(tmp_path):
    rows = ["unit,side,km,value,quantity,vehicle"]
    for unit in ("a", "b"):
        for km in range(0, 100_001, 20_000):
            rows.append(f"{unit},left,{km},{33 - 0.1 * km / 1e4:.2f},flange_thickness,v")
            rows.append(f"{unit},left,{km},{0.6 * km / 1e4:.2f},tread_wear,v")
    file = table(tmp_path / "w.csv", "\n".join(rows) + "\n")
    found = told(file, "--as", "wear", "--type", "wheelset_freight", "--ahead", 100_000)
    first = found["wheels"][0]["binds_first"]
    assert max(first, key=first.__getitem__) == "tread_wear"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("unit;side;km\na;left;0\n", "columns"),
        ("unit;side;km;value\n", "too_short"),
        ("", "columns"),
        ("unit;side;km;value\na;left;0;33\na;left;1", "unreadable"),
        ("unit;side;km;value\na;left;0;33\n", "no_rate"),
        ("unit;side;km;value\na;left;0;33\na;left;9000;nan\n", "not_a_number"),
        ("unit;side;km;value\na;left;0;33\na;left;;32\n", "not_a_number"),
        ("unit;side;km;value\na;left;0;0.033\na;left;9000;0.032\n", "units"),
        ("unit;side;km;value\na;left;0;33000\na;left;9000;32000\n", "units"),
        ("unit;side;km;value;deviation\na;left;0;33;0\na;left;9000;32;0\n", "no_rate"),
    ],
)
def test_wear_that_cannot_be_told_is_refused_by_name(tmp_path, text, reason):
    file = table(tmp_path / "w.csv", text)
    assert told(file, "--as", "wear", "--type", "wheelset_freight", code=1)["refused"] == reason


WHEELS = "vehicle;bogie;axle;diameter_mm\n"


def test_wheels_that_run_together_are_compared_with_what_is_allowed(tmp_path):
    file = table(tmp_path / "w.csv", WHEELS + "v;1;a;950\nv;1;a;950,4\nv;1;b;962\nv;2;c;991\n")
    found = told(file, "--as", "wheels", "--type", "wheelset_freight")
    of = {(level, one["of"]): one for level, some in found["differences"].items() for one in some}
    assert of["axle", "v / 1 / a"]["mm"] == pytest.approx(0.4)
    assert of["bogie", "v / 1"]["mm"] == pytest.approx(12)
    assert of["vehicle", "v"]["mm"] == pytest.approx(41)
    assert of["axle", "v / 1 / a"]["verdict"] == "fit"
    assert of["vehicle", "v"]["mm"] > of["vehicle", "v"]["limit_mm"]
    assert (found["outcome"], of["vehicle", "v"]["verdict"]) == ("unfit", "unfit")
    assert told(file, "--as", "wheels")["outcome"] == "measured"
    metres = table(tmp_path / "m.csv", WHEELS + "v;1;a;0.950\nv;1;a;0.951\n")
    assert told(metres, "--as", "wheels", code=1)["refused"] == "units"


def test_roundness_and_flats_are_measured_and_metres_refused(tmp_path):
    radius = np.full(360, 475.0)
    radius[100:104] -= 1.5
    found = told(csv(tmp_path / "r.csv", radius_mm=radius), "--as", "roundness")["parameters"]
    assert found["flat_depth_mm"] == pytest.approx(1.5)
    assert 100 <= found["flat_at_deg"] < 104
    metres = csv(tmp_path / "m.csv", radius_mm=radius / 1000)
    assert told(metres, "--as", "roundness", code=1)["refused"] == "units"
    few = csv(tmp_path / "f.csv", radius_mm=radius[:10])
    assert told(few, "--as", "roundness", code=1)["refused"] == "not_a_profile"
    flat = table(tmp_path / "flat.csv", "length_mm,diameter_mm\n60,950\n20,950\n")
    depths = [one["depth_mm"] for one in told(flat, "--as", "flats")["flats"]]
    assert depths == pytest.approx([0.948, 0.105], abs=0.001)
    for row, reason in (("0.06,0.95", "units"), ("960,950", "units"), ("x,950", "not_a_number")):
        table(flat, f"length_mm,diameter_mm\n{row}\n")
        assert told(flat, "--as", "flats", code=1)["refused"] == reason


def test_the_metal_of_a_wheel_closes_to_the_millimetre_and_growth_is_asked_about(tmp_path):
    head = "came_mm,left_mm,damage_mm,renewed\n"
    file = table(tmp_path / "v.csv", head + "957,957,,\n951,943,3.5,\n940.25,940.25,,\n"
                 "1050,1050,,1\n1047.5,1041,6.5,\n")  # fmt: skip
    found = told(file, "--as", "metal")
    assert found["outcome"] == "measured"
    assert found["parameters"] == {
        "wear_mm": 11.25, "turning_mm": 4.5, "damage_mm": 10.0, "renewed_mm": 109.75,
        "lost_mm": -84.0, "rest_mm": 0.0,
    }  # fmt: skip
    table(file, head + "957,957,,\n1050,1050,,\n")
    found = told(file, "--as", "metal")
    assert (found["outcome"], found["grown_at_visits"]) == ("questioned", [2])
    table(file, head + "0.957,0.957,,\n")
    assert told(file, "--as", "metal", code=1)["refused"] == "units"


def operation(at: str, site: str, unit: str, id_: str) -> str:
    return json.dumps({
        "kind": "Inspected", "id": id_, "happened_at": at, "units": [unit], "site": site,
        "performed_by": ["person:7"], "findings": "",
    })  # fmt: skip


def test_what_was_written_down_is_looked_through_by_the_command(tmp_path):
    twice = [operation("2026-03-01T08:00:00Z", "a", "wheelset:1", "o1"),
             operation("2026-03-01T08:05:00Z", "b", "wheelset:2", "o2")]  # fmt: skip
    file = table(tmp_path / "o.jsonl", "\n".join(twice) + "\n")
    found = told(file, "--as", "plausibility")
    assert (found["outcome"], found["looked_at"]) == ("questioned", 2)
    assert [(f["name"], f["operations"]) for f in found["findings"]] == [
        ("in_two_places", ["o1", "o2"])]  # fmt: skip
    assert "in_two_places: o1, o2" in run(file, "--as", "plausibility")
    table(file, twice[0] + "\n")
    assert told(file, "--as", "plausibility")["outcome"] == "plausible"
    table(file, twice[0][:40])
    assert told(file, "--as", "plausibility", code=1)["refused"] == "unreadable"
    table(file, "")
    assert told(file, "--as", "plausibility", code=1)["refused"] == "too_short"


def test_diagnoses_are_counted_against_what_was_found(tmp_path):
    rows = ["alarm,damage,stand", "alarm,no_damage,stand", "sound,damage,stand",
            "sound,unknown,stand"]  # fmt: skip
    file = table(tmp_path / "l.csv", "said,found,group\n" + "\n".join(rows) + "\n")
    (group,) = told(file, "--as", "ledger")["groups"]
    assert [group[key]["count"] for key in ("hit", "miss", "false_alarm")] == [1, 1, 1]
    assert group["miss"]["low"] < 0.5 < group["miss"]["high"]
    table(file, "said,found,group\nperhaps,damage,stand\n")
    assert told(file, "--as", "ledger", code=1)["refused"] == "words"


def test_the_casing_is_put_in_its_zone(tmp_path):
    rate, seconds = 12_000, 5
    time = np.arange(rate * seconds) / rate
    # 10 mm/s of velocity at 100 Hz, in g; a little noise, as no sensor is without it.
    shaking = np.sqrt(2) * 0.010 * 2 * np.pi * 100 / 9.80665 * np.sin(2 * np.pi * 100 * time)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(len(time))
    np.save(tmp_path / "c.npy", shaking + noise)
    asked = (tmp_path / "c.npy", "--as", "casing", "--rate", rate)
    found = told(*asked)
    assert found["outcome"] == "zone D"
    assert found["parameters"]["velocity_rms_mm_s"] == pytest.approx(10, rel=0.02)
    assert told(*asked, "--zones", "iso10816.class4")["outcome"] == "zone C"
