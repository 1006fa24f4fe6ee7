"""A data folder of every earlier format opens, and what was recorded in it is as it was."""

import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import ConfigError
from railtrace.operating import upgrade as upgrading
from railtrace.operating.backup import newest, open_trace, read_manifest
from railtrace.operating.only_one import sharing
from railtrace.operating.restore import restore
from railtrace.operating.trust import trust_of_installation
from railtrace.operating.upgrade import upgrade
from railtrace.projections import all as every_view
from railtrace.projections.adoption import ADOPTION
from railtrace.projections.fold import View
from railtrace.store import folder as folders
from railtrace.store.folder import FORMAT, format_of, mark_format, require_format
from railtrace.store.views import ViewStore
from railtrace.trace.verify import Plan, verify_store
from tests.data.make_format_1 import fill
from tests.operating.depot import Clock, config_in, opened
from tests.operating.served import railtrace

STORED = Path(__file__).parents[1] / "data"
FORMATS = range(1, FORMAT + 1)


def unpacked(number: int, folder: Path) -> Config:
    with zipfile.ZipFile(STORED / f"format-{number}.zip") as archive:
        archive.extractall(folder)
    (folder / "keys/log.key").chmod(0o600)
    return config_in(folder)


def leaves_in(path: Path) -> list[tuple[int, bytes]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT key, leaf FROM operations ORDER BY key").fetchall()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = opened(config_in(tmp_path), Clock())
    fill(app)
    app.catch_up()
    yield app
    app.stop()


@pytest.mark.parametrize("number", FORMATS)
def test_a_folder_of_every_format_is_upgraded_and_opens(tmp_path: Path, number: int) -> None:
    config = unpacked(number, tmp_path)
    before = leaves_in(config.data_folder / "trace.db")
    done = upgrade(config, tmp_path / "backups", lambda: None)
    assert (done.from_format, format_of(config.data_folder)) == (number, FORMAT)
    assert leaves_in(config.data_folder / "trace.db")[: len(before)] == before
    app = opened(config)
    assert app.lookup.bearers("52000007") == ["u-wagon"]
    assert app.entry("k-1").operation.distance_km == "120.5"
    assert [entry.operation.id for entry in app.corrections_of("k-1")] == ["c-1"]
    assert app.evidence.read(app.entry("op-00001").operation.evidence[0].sha256) == b"a photo"
    plan = Plan(trust_of_installation(app), file_state=app.evidence.state)
    assert verify_store(partial(open_trace, config.data_folder / "trace.db"), plan).is_whole
    app.stop()


@pytest.mark.parametrize("number", FORMATS)
def test_the_people_of_a_folder_of_every_format_are_there(tmp_path: Path, number: int) -> None:
    unpacked(number, tmp_path)
    done = railtrace(tmp_path, "upgrade")
    assert done.returncode == 0, done.stderr
    told = json.loads(railtrace(tmp_path, "user", "list", "--json").stdout)
    assert [(p["user"], p["roles"], p["active"]) for p in told] == [("ann", ["worker"], True)]


@pytest.mark.parametrize("number", FORMATS)
def test_a_folder_of_every_format_that_is_backed_up_can_be_restored(
    tmp_path: Path, number: int
) -> None:
    config = unpacked(number, tmp_path)
    upgrade(config, tmp_path / "backups", lambda: None)  # which backs it up first, as it is
    other = replace_data(config, tmp_path / "other")
    assert len(restore(other, tmp_path / "backups")) == 3


def replace_data(config: Config, data: Path) -> Config:
    from msgspec.structs import replace as with_

    return with_(config, data=str(data))


def test_an_upgrade_begins_with_a_verified_backup(app: App, tmp_path: Path) -> None:
    app.stop()
    done = upgrade(app.config, tmp_path / "backups", lambda: None)
    assert newest(tmp_path / "backups") == done.backup
    assert read_manifest(done.backup).findings == ()


def test_an_upgrade_while_a_server_runs_is_refused(app: App, tmp_path: Path) -> None:
    with sharing(app.config.data_folder), pytest.raises(ConfigError, match="stop it first"):
        upgrade(app.config, tmp_path / "backups", lambda: None)


def test_there_is_nothing_to_upgrade_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds nothing yet"):
        upgrade(config_in(tmp_path), tmp_path / "backups", lambda: None)


# --- formats ------------------------------------------------------------------------------


def test_a_folder_of_a_newer_program_is_not_opened(app: App) -> None:
    (app.config.data_folder / folders.FILE).write_text("7\n")
    with pytest.raises(ConfigError, match=r"has format 7, this program knows 1: .*newer Railtrace"):
        App(app.config)


def test_a_folder_without_the_file_is_of_the_first_format(app: App) -> None:
    (app.config.data_folder / folders.FILE).unlink()
    assert format_of(app.config.data_folder) == 1
    require_format(app.config.data_folder)


def test_a_new_folder_is_marked_at_once(tmp_path: Path) -> None:
    require_format(tmp_path / "new")
    assert format_of(tmp_path / "new") == FORMAT


@pytest.fixture
def next_format(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that this program writes the next format."""

    def pretend(step: Callable[[Config], None]) -> None:
        monkeypatch.setattr(folders, "FORMAT", FORMAT + 1)
        monkeypatch.setattr(upgrading, "FORMAT", FORMAT + 1)
        monkeypatch.setitem(upgrading.MIGRATIONS, FORMAT, step)

    return pretend


def test_an_older_folder_says_what_to_do_and_is_migrated_once(
    app: App, tmp_path: Path, next_format: Callable[..., None]
) -> None:
    app.stop()
    migrated: list[Config] = []
    next_format(migrated.append)
    with pytest.raises(ConfigError, match="this program writes 2: run `railtrace upgrade`"):
        App(app.config)
    done = upgrade(app.config, tmp_path / "backups", lambda: None)
    assert (migrated, format_of(app.config.data_folder)) == ([app.config], 2)
    assert done.backup.name.startswith("format-1-")
    assert leaves_in(done.backup / "trace.db") == leaves_in(app.config.data_folder / "trace.db")
    assert not (done.backup / "keys").exists()
    upgrade(app.config, tmp_path / "backups", lambda: None)
    assert len(migrated) == 1


def test_a_migration_that_fails_leaves_the_old_format_to_be_migrated_again(
    app: App, tmp_path: Path, next_format: Callable[..., None]
) -> None:
    app.stop()

    def fails(config: Config) -> None:
        raise OSError(28, "No space left on device")

    next_format(fails)
    with pytest.raises(OSError, match="No space"):
        upgrade(app.config, tmp_path / "backups", lambda: None)
    assert format_of(app.config.data_folder) == 1
    next_format(lambda config: None)
    upgrade(app.config, tmp_path / "backups", lambda: None)
    assert format_of(app.config.data_folder) == 2


# --- views --------------------------------------------------------------------------------


def states(app: App) -> list[tuple[object, ...]]:
    return app.views.database.query("SELECT view, unit, state FROM states ORDER BY view, unit")


def changed(view: View) -> View:
    """The same view in a later version, with one more column that an index names."""
    [(table, columns), *others] = view.tables.items()
    tables = {table: (*columns, "fresh TEXT"), **dict(others)}

    def rows(state: object, catalogue: object) -> dict[str, list[tuple[object, ...]]]:
        told = view.rows(state, catalogue)
        return told | {table: [(*row, "new") for row in told[table]]}

    return replace(view, version=view.version + 1, tables=tables, rows=rows)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Pretend that this program has a later version of the passport."""

    def pretend() -> None:
        views = tuple(
            changed(view) if view.name == "passport" else view for view in every_view.VIEWS
        )
        monkeypatch.setattr("railtrace.app.VIEWS", views)
        monkeypatch.setattr("railtrace.store.views._EXTRA_INDEXES", {"units": ("fresh",)})

    return pretend


def test_views_of_another_version_are_not_served(app: App, later: Callable[[], None]) -> None:
    app.stop()
    later()
    with pytest.raises(ConfigError, match="the views passport were built by another version"):
        opened(app.config)


def test_only_the_views_that_changed_are_rebuilt_and_get_their_new_columns(
    app: App, tmp_path: Path, later: Callable[[], None]
) -> None:
    before = states(app)
    app.stop()
    later()
    told: list[str] = []
    done = upgrade(app.config, tmp_path / "b", lambda: None, lambda view, n: told.append(view))
    assert (done.rebuilt, set(told)) == (["passport"], {"passport"})
    after = opened(app.config)
    assert states(after) == before
    assert {row[0] for row in after.views.database.query("SELECT fresh FROM units")} == {"new"}
    after.stop()


def test_readers_see_the_old_rows_until_the_rebuild_is_whole(
    app: App, later: Callable[[], None]
) -> None:
    app.stop()
    later()
    reader = sqlite3.connect(app.config.data_folder / "views.db")
    [(count,)] = reader.execute("SELECT COUNT(*) FROM units")
    seen: list[tuple[int, ...]] = []

    def look(view: str, done: int) -> None:
        seen.extend(reader.execute("SELECT COUNT(*) FROM units"))

    other = App(app.config)
    other.views.rebuild(other.views.outdated(), look)
    assert set(seen) == {(count,)}
    assert count > 0
    reader.close()
    other.stop()


def test_a_view_that_is_new_to_a_folder_in_use_is_built(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.stop()
    without = tuple(view for view in every_view.VIEWS if view.name != "usage")
    with monkeypatch.context() as patched:
        patched.setattr("railtrace.app.VIEWS", without)
        earlier = App(replace_data(app.config, tmp_path / "new"), Clock())
        earlier.prepare()
        fill(earlier)
        earlier.catch_up()
        earlier.stop()
    now = App(earlier.config)
    assert now.views.outdated() == ["usage"]
    now.stop()
    done = upgrade(earlier.config, tmp_path / "b", lambda: None)
    assert done.rebuilt == ["usage"]


def test_the_catalogue_in_force_is_known_before_any_view_is_judged_by_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force = app.views.adopted()
    app.stop()
    others = tuple(view for view in every_view.VIEWS if view.name != "adoption")
    monkeypatch.setattr("railtrace.app.VIEWS", (*others, replace(ADOPTION, version=99)))
    with sqlite3.connect(app.config.data_folder / "views.db") as earlier:
        earlier.execute("ALTER TABLE adoptions DROP COLUMN position")
    now = App(app.config)
    now.views.rebuild(["usage"])
    assert now.views.outdated() == []
    assert now.views.adopted() == in_force is not None
    now.stop()


def test_a_fresh_folder_has_no_view_to_rebuild(tmp_path: Path) -> None:
    app = App(config_in(tmp_path))
    assert isinstance(app.views, ViewStore)
    assert app.views.outdated() == []
    mark_format(app.config.data_folder)
    app.stop()
