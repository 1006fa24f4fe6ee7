import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from railtrace.analysis.distributions import LAWS
from railtrace.cli import cli
from railtrace.commands.analysis import Law
from tests.analysis.reliability_data import column, rows

RELIABILITY = Path(__file__).parents[1] / "data" / "reliability"


def run(*arguments: object) -> str:
    found = CliRunner().invoke(cli, [str(part) for part in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.fixture
def controls(tmp_path) -> Path:
    path = tmp_path / "controls.csv"
    text = (RELIABILITY / "locomotive_controls_96.csv").read_text("utf-8")
    path.write_text(text.replace("kmiles", "time_kmiles").replace("failed", "event"), "utf-8")
    return path


@pytest.fixture
def grids(tmp_path) -> Path:
    path = tmp_path / "grids.csv"
    found = [f"{r['locomotive']},{r['stop_day']},{r['replacement']},{r['batch']}"
             for r in rows("braking_grids_33_locomotives")]  # fmt: skip
    path.write_text("\n".join(["unit,time_days,event,group", *found]), "utf-8")
    return path


def test_life_prints_the_published_estimates_with_evidence_and_bound(controls):
    told = run("life", controls)
    assert "37 failures in 96 lives" in told
    assert "evidence ample (more than 20 events" in told
    assert "scale 183.4 (" in told
    assert "shape 2.331 (" in told
    assert "95% life 51.2" in told
    assert "with 95 % confidence" in told


def test_life_as_json_has_the_same_numbers(controls):
    report = json.loads(run("life", controls, "--json", "--law", "weibull"))
    (group,) = report["results"][0]["groups"]
    assert report["measure"] == "kmiles"
    assert group["parameters"]["shape"][0] == pytest.approx(2.331, abs=1e-3)
    low, estimate = group["gamma_life"]["lower_95"], group["gamma_life"]["estimate"]
    assert 0 < low < estimate
    assert group["reduced_bias"]["shape"] < 2.331


@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_offered_and_fitted(controls, law):
    assert Law(law) == law
    report = json.loads(run("life", controls, "--json", "--law", law))
    assert report["results"][0]["groups"][0]["why_not"] == ""


def test_life_fits_each_mode_with_the_others_censored(tmp_path):
    path = tmp_path / "device.csv"
    found = [f"{r['kilocycles']},{'' if r['mode'] == 'Suspended' else r['mode']}"
             for r in rows("device_g_competing_30")]  # fmt: skip
    path.write_text("\n".join(["time,mode", *found]), "utf-8")
    report = json.loads(run("life", path, "--json"))
    assert [result["mode"] for result in report["results"]] == ["Surge", "Wearout"]
    surge = report["results"][0]["groups"][0]["parameters"]
    assert surge["scale"][0] == pytest.approx(449.4, abs=0.1)
    assert "Wearout" not in run("life", path, "--mode", "Surge")


def test_a_group_without_failures_prints_its_bound_and_no_estimate(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("time,event,group\n5,1,A\n7,1,A\n9,1,A\n30,0,B\n", "utf-8")
    told = run("life", path, "--prior", "any")
    assert "B: 0 failures in 1 lives" in told
    assert "no estimate: no events" in told
    assert "mean life is above 10.01 (95 %)" in told
    assert "prior any of 2026-11, invented values" in told


def test_a_fit_that_did_not_converge_shows_no_number(tmp_path):
    path = tmp_path / "equal.csv"
    path.write_text("time\n5\n5\n5\n", "utf-8")
    told = run("life", path)
    assert "no estimate: the failures do not spread" in told
    assert "shape " not in told.split("no estimate")[1].replace("the shape runs", "")
    (group,) = json.loads(run("life", path, "--json"))["results"][0]["groups"]
    assert group["parameters"]["shape"] == [None, None, None]


def test_mcf_prints_the_means_and_compares_two_groups(grids):
    report = json.loads(run("mcf", grids, "--json"))
    first, second = report["groups"]
    means = {point["age"]: point["mean"] for point in second["points"]}
    assert means[382.0] == pytest.approx(1.4444, abs=1e-4)
    assert first["points"][-1]["mean"] == pytest.approx(1.6, abs=1e-4)
    assert report["difference"]["p_value"] == pytest.approx(0.085, abs=0.001)
    assert "no difference: z -1.721" in run("mcf", grids)


def test_trend_prints_tests_and_laws(tmp_path):
    path = tmp_path / "machine.csv"
    hours = column("lhd_single_machine_36", "hours")
    text = "".join(f"1,{hour},1\n" for hour in hours)
    path.write_text(f"unit,time_h,event\n{text}1,2000,0\n", "utf-8")
    report = json.loads(run("trend", path, "--json"))
    (group,) = report["groups"]
    assert group["tests"]["Laplace"]["statistic"] == pytest.approx(0.605, abs=5e-4)
    assert group["tests"]["Lewis-Robinson"]["p_value"] == pytest.approx(0.5, abs=5e-3)
    assert set(group["repair"]) == {"ARA-1", "ARA-infinity"}
    told = run("trend", path)
    assert "power law shape" in told
    assert "ARA-1 takes off" in told


def test_a_refused_file_is_told_by_line(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("time,event\n-5,1\n", "utf-8")
    found = CliRunner().invoke(cli, ["life", str(path)])
    assert found.exit_code != 0
    assert "line 2: the time -5 is negative" in str(found.exception or found.output)


def test_json_never_has_a_number_that_is_not_one():
    from railtrace.commands.failure_reports import plain

    assert plain({"a": [np.nan, np.inf, np.float64(1.5), np.int64(2)]}) == {
        "a": [None, None, 1.5, 2]
    }


@pytest.fixture
def cracks(tmp_path) -> Path:
    """Parts of a turbine, found cracked at inspections."""
    path = tmp_path / "cracks.csv"
    found = rows("turbine_part_cracks_167_interval")
    days, before = list[str](), "0"
    for row in found:
        days.append(f"{before},{row['days']},{row['n_cracked']}")
        before = row["days"]
    left = 167 - sum(int(float(row["n_cracked"])) for row in found)
    path.write_text("\n".join(["lower_d,upper_d,count", *days, f"{before},,{left}"]), "utf-8")
    return path


def test_life_with_a_threshold_names_it_and_tests_that_there_is_none(tmp_path):
    rng = np.random.default_rng(3)
    ages = 500 + 1000 * rng.weibull(2.5, 300)
    path = tmp_path / "late.csv"
    path.write_text("time_h\n" + "\n".join(f"{age:.2f}" for age in ages), "utf-8")
    told = run("life", path, "--threshold")
    assert "weibull law beyond a threshold" in told
    assert "no threshold instead: likelihood ratio" in told
    report = json.loads(run("life", path, "--threshold", "--json"))
    (group,) = report["results"][0]["groups"]
    at, low, high = group["parameters"]["threshold"]
    assert low < 500 < high
    assert low < at < ages.min()
    assert group["no_threshold"]["p_value"] < 0.01
    assert group["gamma_life"]["lower_95"] is None
    assert group["gamma_life"]["estimate"] == pytest.approx(np.quantile(ages, 0.05), rel=0.1)


def test_a_threshold_of_another_law_is_refused(controls):
    found = CliRunner().invoke(cli, ["life", str(controls), "--threshold", "--law", "gompertz"])
    assert found.exit_code != 0
    assert "goes with the Weibull law alone" in found.output + str(found.exception)


def test_life_tests_that_a_constant_rate_would_do(controls):
    report = json.loads(run("life", controls, "--json"))
    (group,) = report["results"][0]["groups"]
    narrow = json.loads(run("life", controls, "--json", "--law", "exponential"))
    wide = group["log_likelihood"] - narrow["results"][0]["groups"][0]["log_likelihood"]
    assert group["constant_rate"]["statistic"] == pytest.approx(2 * wide)
    assert group["constant_rate"]["p_value"] < 1e-4
    assert "a constant rate instead: likelihood ratio" in run("life", controls)


def test_life_draws_survival_without_a_law(controls, cracks):
    told = run("life", controls, "--curve")
    assert "survival by Kaplan-Meier" in told
    report = json.loads(run("life", cracks, "--curve", "--json"))
    curve = report["results"][0]["groups"][0]["curve"]
    assert curve["by"] == "Turnbull"
    found = rows("turbine_part_cracks_167_interval")
    shares = [int(float(row["n_cracked"])) / 167 for row in found]
    assert [point["probability"] for point in curve["points"]][: len(shares)] == pytest.approx(
        shares, abs=1e-4)  # fmt: skip


def test_two_groups_of_one_unit_each_are_not_tested(tmp_path):
    path = tmp_path / "two.csv"
    rows_of = ("u1,10,1,a", "u1,20,1,a", "u1,50,0,a", "u2,30,0,b")
    path.write_text("\n".join(["unit,time_h,event,group", *rows_of]), "utf-8")
    assert "no test: units of each group must differ" in run("mcf", path)
    assert json.loads(run("mcf", path, "--json"))["difference"]["p_value"] is None
    told = run("trend", path)
    assert "Laplace           no test: too few failures" in told
    assert "nan" not in told


def test_a_threshold_without_an_interval_says_so(tmp_path, controls):
    told = run("life", controls, "--threshold")
    assert "its interval cannot be told" in told
    assert "nan" not in told
