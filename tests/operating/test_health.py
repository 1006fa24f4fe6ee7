"""Health: every trouble has a word, a level and what to do about it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from railtrace.app import App
from railtrace.errors import StoreFull
from railtrace.operating import tls
from railtrace.operating.health import Health, health
from railtrace.store import sqlite
from railtrace.trace.operation import Operation
from tests.operating.depot import NOW, Clock, config_in, inspected, opened, record, sent

MB = 1024 * 1024


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = opened(config_in(tmp_path), clock)
    app.sign_heads()
    yield app
    app.stop()


def words(state: Health) -> dict[str, str]:
    return {problem.word: problem.level for problem in state.problems}


def room(monkeypatch: pytest.MonkeyPatch, free_mb: int) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free_mb * MB))


def test_an_installation_at_rest_is_well(app: App) -> None:
    state = health(app)
    assert (state.status, state.problems, state.store_writable) == ("ok", (), True)
    assert (state.views_lag, state.unsigned_entries, state.last_checkpoint_age_s) == (0, 0, 0)


def test_low_room_warns_with_how_much_is_wanted(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 500)
    state = health(app)
    assert (state.status, words(state)) == ("warning", {"disk-low": "warning"})
    assert "500 MB are free" in state.problems[0].text
    assert "2048 MB are wanted" in state.problems[0].text


def test_the_room_that_warns_can_be_set(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 500)
    app.config = replace(app.config, disk_warn_mb=400)
    assert health(app).status == "ok"


def test_a_full_disk_fails_and_says_that_reading_goes_on(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 10)
    state = health(app)
    assert (state.status, state.store_writable) == ("failing", False)
    assert words(state) == {"disk-full": "failing", "disk-low": "warning"}
    assert "reading goes on" in state.problems[0].text


def test_a_store_that_cannot_be_written_is_told_without_its_content(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("op-00001 of unit 07312317")

    monkeypatch.setattr(app.trace.database, "write", broken)
    state = health(app)
    assert words(state) == {"store": "failing"}
    assert "RuntimeError" in state.problems[0].text
    assert "07312317" not in state.problems[0].text


def test_views_that_lag_far_behind_are_a_warning(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    record(app, sent(0, 30))
    monkeypatch.setattr("railtrace.operating.health.LAG_WARNS", 20)
    state = health(app)
    assert (state.views_lag, words(state)) == (30, {"lag": "warning"})


def test_views_that_stopped_are_a_failure_and_the_next_success_ends_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ValueError("unit 07312317")

    with monkeypatch.context() as patched:
        patched.setattr(app.views, "catch_up", broken)
        app.start()
        record(app, sent(0, 3))
        app.wait_caught_up(0.5)
        state = health(app)
        assert words(state) == {"views": "failing"}
        assert "ValueError" in state.problems[0].text
        assert "07312317" not in state.problems[0].text
    assert app.wait_caught_up(10)
    assert health(app).status == "ok"


def test_entries_that_nobody_signs_for_minutes_are_a_warning(app: App, clock: Clock) -> None:
    clock.go(timedelta(days=1))
    record(app, sent(0, 3))
    app.catch_up()
    assert health(app).status == "ok"
    clock.go(timedelta(minutes=6))
    state = health(app)
    assert (state.unsigned_entries, words(state)) == (3, {"unsigned": "warning"})
    app.sign_heads()
    assert health(app).status == "ok"


def test_a_certificate_about_to_end_is_a_warning(app: App, clock: Clock) -> None:
    app.config = replace(app.config, tls=True)
    tls.issue(app.config, ["localhost"], NOW)
    assert health(app).status == "ok"
    clock.go(timedelta(days=380))
    app.sign_heads()
    assert words(health(app)) == {"certificate": "warning"}


def test_nothing_it_tells_names_an_operation_or_a_person(app: App) -> None:
    record(app, sent(0, 3))
    told = repr(health(app))
    assert "op-0000" not in told
    assert "worker-1" not in told


# --- a real small disk --------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 24 MB; only root may."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts nothing: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def of_one_log(first: int, last: int) -> list[Operation]:
    return [inspected(n) for n in range(first, last)]


def fill(app: App, first: int) -> int:
    """Record until the store refuses; return how many operations were taken."""
    for start in range(first, 1_000_000, 500):
        try:
            record(app, of_one_log(start, start + 500))
        except StoreFull:
            return start
    raise AssertionError("the disk never filled")


@pytest.mark.parametrize("kept_mb", [4, 0])
def test_on_a_full_disk_nothing_is_recorded_by_halves_and_reading_goes_on(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_mb: int
) -> None:
    """With room kept, recording stops in time; without, the disk itself stops it."""
    monkeypatch.setattr(sqlite, "ROOM_KEPT_BYTES", kept_mb * MB)
    config = replace(config_in(tmp_path), data=str(small_disk / "data"))
    app = App(config, Clock())
    app.evidence._keep_free_bytes = 0
    app.prepare()
    taken = fill(app, 0)
    assert taken >= 500
    state = health(app)
    assert "disk-low" in words(state)
    assert all(app.entry(f"op-{n:05d}") for n in (0, taken - 1))
    assert app.trace.find([f"op-{taken:05d}"]) == {}
    with pytest.raises(StoreFull, match="nothing is recorded until room is made; reading goes on"):
        record(app, of_one_log(taken, taken + 5000))
    app.stop()
    if kept_mb:
        # A power cut meanwhile: what is there is read again, and the views say that they stand.
        app = App(config, Clock())
        app.prepare()
        assert app.entry("op-00000").operation.id == "op-00000"
        assert words(health(app))["disk-full"] == "failing"
        app.stop()
    monkeypatch.setattr(sqlite, "ROOM_KEPT_BYTES", 0)
    subprocess.run(["mount", "-o", "remount,size=96m", str(small_disk)], check=True)
    app = opened(config)
    assert [r.duplicate for r in record(app, of_one_log(taken - 10, taken + 10))] == [True] * 10 + [
        False
    ] * 10
    app.stop()
