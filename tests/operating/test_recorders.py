"""Recorder files into the trace: once each, with what is wrong with them, by one command."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from railtrace.app import App
from railtrace.cli import cli
from railtrace.config import write
from railtrace.operating.recorders import Intake, files_in
from railtrace.simulation.recorder_days import RecorderDay, recorder_day, write_csv
from railtrace.trace.operation import ModeViolated, Number, RecorderRead, Registered
from tests.operating.depot import NOW, Clock, config_in, record

UNIT = "u-loco"
START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
def app(tmp_path: Path) -> App:
    found = App(config_in(tmp_path), Clock())
    found.prepare()
    record(found, [
        Registered(id="r1", happened_at=NOW - timedelta(days=90), units=(UNIT,), type="2te10m",
                   site="dushanbe",
                   numbers=(Number(scheme="series", value="2ТЭ10М-2345А"),)),
    ])  # fmt: skip
    found.catch_up()
    yield found
    found.stop()


def header(app: App) -> dict[str, str]:
    return {c.channel: c.column for c in app.catalogue().recorder_types["reference"].columns}


def a_file(app: App, folder: Path, name: str = "2ТЭ10М-2345А_20.csv", seed: int = 1,
           start: datetime = START, change=None) -> Path:  # fmt: skip
    day = recorder_day(seed, 9000)
    if change is not None:
        day = RecorderDay(day.seconds, change(dict(day.channels)), day.planted)
    write_csv(day, folder / name, start, header(app))
    return folder / name


def operations(app: App, kind) -> list:
    rows = app.lookup.timeline([UNIT], [kind.__name__], limit=999)
    return [app.entry(row[6]).operation for row in reversed(rows)]


def test_a_file_becomes_evidence_and_its_violations_operations(app: App, tmp_path: Path) -> None:
    path = a_file(app, tmp_path)
    (told,) = Intake(app, "reference").take([path])
    planted = recorder_day(1, 9000).planted
    assert (told.state, told.unit, told.violations) == ("recorded", UNIT, len(planted))
    app.catch_up()
    (read,) = operations(app, RecorderRead)
    assert app.evidence.read(read.evidence[0].sha256) == path.read_bytes()
    assert (read.rows, read.first_at) == (9000, START)
    violated = operations(app, ModeViolated)
    assert {v.rule for v in violated} == {p.rule for p in planted}
    assert [v.happened_at for v in violated] == sorted(
        START + timedelta(seconds=v.start_s) for v in _found(app, path)
    )
    assert violated[0].evidence == read.evidence


def _found(app: App, path: Path) -> list:
    from railtrace.operating.recorders import judge, rules_for

    catalogue = app.catalogue()
    kind = catalogue.recorder_types["reference"]
    return judge(path, kind, rules_for(catalogue, "2te10m")).violations


def test_a_file_given_again_is_known_and_nothing_is_doubled(app: App, tmp_path: Path) -> None:
    path = a_file(app, tmp_path)
    list(Intake(app, "reference").take([path]))
    size = sum(head.size for head in app.trace.heads())
    (again,) = Intake(app, "reference").take([path])
    assert again.state == "known"
    assert sum(head.size for head in app.trace.heads()) == size


def test_an_intake_that_died_before_the_end_goes_on_with_the_same_operations(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_file(app, tmp_path)
    whole = App.record

    def dies(self, operations, submitter, channel, log=None):
        whole(self, list(operations)[:3], submitter, channel, log)
        raise KeyboardInterrupt

    monkeypatch.setattr(App, "record", dies)
    with pytest.raises(KeyboardInterrupt):
        list(Intake(app, "reference").take([path]))
    monkeypatch.setattr(App, "record", whole)
    (told,) = Intake(app, "reference").take([path])
    app.catch_up()
    assert told.state == "recorded"
    assert len(operations(app, ModeViolated)) == told.violations


def names_of(told) -> set[str]:
    return set(told.findings)


def _without_coolant(channels):
    del channels["coolant"]
    return channels


def _counter_back(channels):
    channels["km"][4000:] -= 50
    return channels


def _negative(channels):
    channels["km"] -= 200_010
    return channels


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (_without_coolant, {"missing_channel", "rule_not_run"}),
        (_counter_back, {"counter_goes_back"}),
        (_negative, {"negative_km"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_recorded_by_name(
    app: App, tmp_path: Path, change, names
) -> None:
    (told,) = Intake(app, "reference").take([a_file(app, tmp_path, change=change)])
    assert (told.state, names_of(told)) == ("recorded", names)
    app.catch_up()
    (read,) = operations(app, RecorderRead)
    assert {finding.name for finding in read.findings} == names


def test_gaps_doubled_seconds_and_rows_without_a_time_are_named(app: App, tmp_path: Path) -> None:
    path = a_file(app, tmp_path)
    lines = path.read_text("utf-8").splitlines()
    broken = [*lines[:500], *lines[700:900], lines[899], *lines[900:], "," * lines[1].count(",")]
    path.write_text("\n".join(broken) + "\n", "utf-8")
    (told,) = Intake(app, "reference").take([path])
    assert names_of(told) == {"recorder_gap", "second_twice", "row_without_time"}


def test_two_files_of_one_unit_at_one_time_are_named(app: App, tmp_path: Path) -> None:
    first = a_file(app, tmp_path)
    second = a_file(app, tmp_path, "2ТЭ10М-2345А_x.csv", seed=2, start=START + timedelta(hours=1))
    told = list(Intake(app, "reference").take([first, second]))
    assert [names_of(one) for one in told] == [set(), {"two_runs_at_once"}]


def test_a_clock_that_is_ahead_is_named_and_its_violations_are_kept(
    app: App, tmp_path: Path
) -> None:
    path = a_file(app, tmp_path, start=NOW - timedelta(hours=1))
    (told,) = Intake(app, "reference").take([path])
    assert names_of(told) == {"time_in_future"}
    app.catch_up()
    assert len(operations(app, ModeViolated)) == told.violations
    assert max(v.happened_at for v in operations(app, ModeViolated)) <= NOW


def test_a_recorder_clock_of_another_zone_is_named(app: App, tmp_path: Path) -> None:
    seconds = np.arange(600) + START.timestamp()
    rows = ["unix_s,ODO,V,KM_POS,RPM,T_WATER,T_OIL,I_G,GPS_UTC"]
    rows += [f"{s + 18_000:.0f},1,50,6,600,80,70,2.5,{s:.0f}" for s in seconds]
    path = tmp_path / f"{UNIT}_zone.csv"
    path.write_text("\n".join(rows), "utf-8")
    (told,) = Intake(app, "reference_epoch").take([path])
    assert "wrong_zone" in names_of(told)


def test_what_cannot_be_read_or_has_no_bearer_is_refused_and_the_others_are_taken(
    app: App, tmp_path: Path
) -> None:
    good = a_file(app, tmp_path)
    cut = tmp_path / f"{UNIT}_cut.parquet"
    cut.write_bytes(b"PAR1" + b"\x00" * 40)
    other = tmp_path / f"{UNIT}_other.csv"
    other.write_text("a,b\n1,2\n", "utf-8")
    stranger = a_file(app, tmp_path, "9999_day.csv")
    told = {Path(one.file).name: one for one in
            Intake(app, "reference").take([cut, other, stranger, good])}  # fmt: skip
    assert told[good.name].state == "recorded"
    assert "has no column time" in told[other.name].reason
    assert "no unit bears the number 9999" in told[stranger.name].reason
    assert told[cut.name].state == "refused"


def test_parquet_says_the_same_as_csv(app: App, tmp_path: Path) -> None:
    import duckdb

    path = a_file(app, tmp_path)
    parquet = tmp_path / f"{UNIT}_p.parquet"
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{path}')) TO '{parquet}'")
    assert _found(app, parquet) == _found(app, path)


def test_one_command_takes_a_folder_and_goes_on_where_it_ended(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for n in range(3):
        a_file(app, folder, f"2ТЭ10М-2345А_{n}.csv", n, START + timedelta(hours=3 * n))
    settings = tmp_path / "railtrace.toml"
    write(settings, app.config)
    for name in ("RAILTRACE_DATA", "RAILTRACE_KEYS", "RAILTRACE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAILTRACE_CONFIG", str(settings))
    assert [path.name[-5] for path in files_in([folder])] == ["0", "1", "2"]

    def run(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(cli, ["recorder", str(folder), *arguments])
        return found.exit_code, found.output

    code, text = run("--jobs", "2", "--json")
    told = json.loads(text)
    assert (code, {one["state"] for one in told}) == (0, {"recorded"}), told
    a_file(app, folder, "2ТЭ10М-2345А_3.csv", 7, START + timedelta(hours=12))
    code, text = run()
    assert "_0.csv: known" in text
    assert "4 files" in text
    (folder / "4_bad.csv").write_text("x\n", "utf-8")
    assert run()[0] == 1


def test_a_command_killed_in_the_middle_goes_on_and_nothing_is_missing_or_twice(
    app: App, tmp_path: Path
) -> None:
    """Power fails while a folder is taken in: given again, the command ends what it began."""
    folder, count = tmp_path / "files", 3
    folder.mkdir()
    found = 0
    for n in range(count):
        path = a_file(app, folder, f"2ТЭ10М-2345А_{n}.csv", n, START - timedelta(hours=3 * n))
        found += len(_found(app, path))
    settings = tmp_path / "railtrace.toml"
    write(settings, app.config)
    app.stop()
    environment = {**os.environ, "RAILTRACE_CONFIG": str(settings)}
    for name in ("RAILTRACE_DATA", "RAILTRACE_KEYS", "RAILTRACE_NAME"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "railtrace.cli", "recorder", str(folder), "--jobs", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    assert "violations" in first
    rest = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ": known" in rest.stdout
    again = App(app.config, Clock())
    again.prepare()
    again.catch_up()
    try:
        assert len(operations(again, RecorderRead)) == count
        ids = [op.id for op in operations(again, ModeViolated)]
        assert (len(ids), len(set(ids))) == (found, found)
    finally:
        again.stop()
