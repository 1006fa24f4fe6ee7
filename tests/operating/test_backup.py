"""A backup is whole when it is written, found out when it is not, and restored as a new epoch."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from railtrace import check
from railtrace.app import App
from railtrace.errors import Broken, ConfigError, NotFound, ProofFailed
from railtrace.operating.backup import (
    back_up,
    backups_in,
    newest,
    open_trace,
    prune,
    read_manifest,
    require_whole,
)
from railtrace.operating.restore import restore
from railtrace.operating.sweep import sweep
from railtrace.operating.trust import trust_of_installation
from railtrace.store.evidence import named_in
from railtrace.store.export import export
from railtrace.store.keys import KEY_FILE, recovery_copy, save_key
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import Evidence
from railtrace.trace.verify import Plan, Report, verify_store
from tests.operating.depot import Clock, config_in, inspected, opened, record, sent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = opened(config_in(tmp_path), clock)
    yield app
    app.stop()


def verified(app: App, earlier: dict[str, list[str]] | None = None) -> Report:
    plan = Plan(trust_of_installation(app), earlier or {}, file_state=app.evidence.state)
    return verify_store(partial(open_trace, app.config.data_folder / "trace.db"), plan)


def with_file(app: App, number: int, content: bytes) -> Evidence:
    file = app.evidence.put(content)
    record(app, [inspected(number, files=(file,))])
    return file


def elsewhere(app: App, folder: Path) -> Path:
    """Return the place of a second machine that has the key, and nothing else."""
    save_key(folder / "keys", app.signer)
    return folder


def test_a_backup_holds_trace_evidence_and_the_sites_own_catalogue(
    app: App, tmp_path: Path
) -> None:
    own = app.config.data_folder / "catalogue"
    own.mkdir()
    (own / "limits.toml").write_text("")
    record(app, sent(0, 50))
    file = with_file(app, 900, b"a photo")
    backup = back_up(app, tmp_path / "backups")
    manifest = read_manifest(backup)
    assert {log.log: log.size for log in manifest.logs} == {
        head.log: head.size for head in app.trace.heads()
    }
    assert (backup.parent / f"evidence/{file.sha256[:2]}/{file.sha256}").read_bytes() == b"a photo"
    assert {"trace.db", "railtrace.toml", "catalogue/limits.toml"} <= {
        f.path for f in manifest.files
    }
    require_whole(backup, manifest)


def test_no_key_is_in_a_backup(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 3))
    backup = back_up(app, tmp_path / "backups")
    everything = b"".join(p.read_bytes() for p in backup.parent.rglob("*") if p.is_file())
    assert app.signer.seed not in everything
    assert (app.config.keys_folder / KEY_FILE).read_bytes().strip() not in everything
    assert "not in this backup" in read_manifest(backup).keys


def test_a_second_backup_copies_only_new_evidence(app: App, clock: Clock, tmp_path: Path) -> None:
    first = with_file(app, 900, b"the first")
    back_up(app, tmp_path / "backups")
    pool = tmp_path / "backups/evidence"
    kept = (pool / first.sha256[:2] / first.sha256).stat()
    clock.go()
    second = with_file(app, 901, b"the second")
    manifest = read_manifest(back_up(app, tmp_path / "backups"))
    after = (pool / first.sha256[:2] / first.sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    assert {first.sha256, second.sha256} <= {file.sha256 for file in manifest.evidence}


def test_old_backups_go_with_the_evidence_only_they_name(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    file = with_file(app, 900, b"kept by every backup")
    for _ in range(3):
        back_up(app, tmp_path / "backups")
        clock.go()
    stray = tmp_path / "backups/evidence/00" / ("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"named by none")
    gone = prune(tmp_path / "backups", keep=1)
    assert (len(gone), len(backups_in(tmp_path / "backups"))) == (2, 1)
    assert not stray.exists()
    assert (tmp_path / "backups/evidence" / file.sha256[:2] / file.sha256).exists()


def test_a_backup_of_a_store_that_was_changed_is_kept_and_says_so(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 20))
    app.sign_heads()
    with sqlite3.connect(app.config.data_folder / "trace.db") as behind:
        behind.execute("UPDATE operations SET leaf = CAST(replace(CAST(leaf AS TEXT), 'ТО-1',"
                       " 'ТО-2') AS BLOB) WHERE id = 'op-00004'")  # fmt: skip
    with pytest.raises(Broken, match=r"op-00004.*changed"):
        back_up(app, tmp_path / "backups")
    assert "op-00004" in read_manifest(newest(tmp_path / "backups")).findings[0]


def test_a_backup_inside_the_data_folder_is_refused(app: App) -> None:
    with pytest.raises(ConfigError, match="another folder"):
        back_up(app, app.config.data_folder / "backups")


def test_an_unfinished_backup_leaves_no_folder_that_looks_finished(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("railtrace.operating.backup.copy_out", full)
    with pytest.raises(OSError, match="No space left"):
        back_up(app, tmp_path / "backups")
    assert backups_in(tmp_path / "backups") == []


def test_recording_goes_on_while_a_backup_is_written(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 200))
    steps = iter(range(200, 400, 2))

    def record_more(log: str, done: int, total: int) -> None:
        first = next(steps)
        record(app, sent(first, first + 2))

    backup = back_up(app, tmp_path / "backups", record_more)
    sizes = {log.log: log.size for log in read_manifest(backup).logs}
    assert all(app.trace.head(log).size >= size for log, size in sizes.items())
    assert app.trace.find(["op-00201"])


def test_a_file_deleted_after_its_retention_is_no_fault_of_a_backup(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    file = with_file(app, 900, b"a photo of a person")
    back_up(app, tmp_path / "backups")
    clock.go(timedelta(days=40))
    app.evidence._retention_days = {"document": 30}
    assert sweep(app) == [file.sha256]
    back_up(app, tmp_path / "backups")
    other = config_in(elsewhere(app, tmp_path / "other"))
    restore(other, tmp_path / "backups")
    restored = opened(other, clock)
    assert restored.evidence.state(file.sha256) == "expired"
    assert b"a photo of a person" not in {
        path.read_bytes() for path in other.data_folder.rglob("*") if path.is_file()
    }
    restored.stop()


def test_a_name_that_is_no_sha_256_stops_no_backup(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_path(entries: Iterable[Entry]) -> dict[str, object]:
        return {**named_in(entries), "../../etc/passwd": None}

    monkeypatch.setattr("railtrace.operating.backup.named_in", with_a_path)
    [catalogue] = read_manifest(back_up(app, tmp_path / "backups")).evidence
    assert catalogue.sha256 == app.catalogue().hash


# --- restoring ----------------------------------------------------------------------------


def test_after_a_restore_every_operation_a_sender_still_holds_is_recorded_again(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    before = record(app, sent(0, 300))
    backups = tmp_path / "backups"
    back_up(app, backups)
    clock.go()
    record(app, sent(300, 500))
    other = config_in(elsewhere(app, tmp_path / "other"))
    restore(other, backups)
    restored = opened(other, clock)
    again = record(restored, sent(0, 500))
    assert [r.id for r in again] == [op.id for op in sent(0, 500)]
    assert [r.duplicate for r in again] == [True] * 300 + [False] * 200
    assert [(r.log, r.position, r.leaf_hash) for r in again[:300]] == [
        (r.log, r.position, r.leaf_hash) for r in before
    ]
    restored.sign_heads()
    assert verified(restored).is_whole
    assert restored.catch_up() >= 0
    assert restored.views.lag() == 0
    restored.stop()


def test_a_restored_log_opens_an_epoch_that_names_the_last_checkpoint_and_what_is_lost(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    record(app, sent(0, 10))
    back_up(app, tmp_path / "backups")
    record(app, sent(10, 30))
    seen = {c.origin: c for c in app.sign_heads()}
    kept = read_manifest(newest(tmp_path / "backups"))
    other = config_in(elsewhere(app, tmp_path / "other"))
    epochs = restore(other, tmp_path / "backups", [str(seen["tests/khujand"])])
    restored = opened(other, clock)
    size = next(log.size for log in kept.logs if log.log == "khujand")
    told = restored.entry_at("khujand", size).operation
    last = seen["tests/khujand"]
    assert (told.epoch, told.previous_checkpoint) == (2, str(last))
    assert (told.lost_from, told.lost_to) == (size, last.size - 1)
    assert told.origin.startswith("tests/khujand/epoch-2-")
    assert {e.log: e.lost for e in epochs} == {"dushanbe": 0, "khujand": 10, "main": 0}
    restored.stop()


def test_a_restored_log_signs_under_a_new_origin_that_the_old_ones_key_vouches_for(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    record(app, sent(0, 10))
    stranger = trust_of_installation(app)
    back_up(app, tmp_path / "backups")
    other = config_in(elsewhere(app, tmp_path / "other"))
    restore(other, tmp_path / "backups")
    restored = opened(other, clock)
    assert "/epoch-2-" in restored.checkpoint("khujand").origin
    path = other.data_folder / "trace.db"
    assert verify_store(partial(open_trace, path), Plan(stranger)).findings == ()
    restored.stop()


def test_who_kept_a_checkpoint_of_the_lost_entries_is_told_of_the_loss(
    app: App, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(app, sent(0, 10))
    trust = trust_of_installation(app)
    back_up(app, tmp_path / "backups")
    record(app, sent(10, 30))
    seen = {c.origin: str(c) for c in app.sign_heads()}
    other = config_in(elsewhere(app, tmp_path / "other"))
    restore(other, tmp_path / "backups", [seen["tests/khujand"]])
    restored = opened(other, clock)
    record(restored, sent(30, 40))
    restored.sign_heads()
    report = verified(restored, {log: [seen[f"tests/{log}"]] for log in ("khujand", "dushanbe")})
    assert [(f.name, f.log) for f in report.findings] == [
        ("lost-unnamed", "dushanbe"), ("lost", "khujand"),
    ]  # fmt: skip
    export(restored.trace, tmp_path / "out", trust, evidence=restored.evidence)
    for log, code in {"khujand": 0, "dushanbe": 1}.items():
        note = tmp_path / f"{log}.note"
        note.write_text(seen[f"tests/{log}"])
        key = str(app.signer.named(f"tests/{log}").verifier)
        assert check.main([str(tmp_path / "out"), "--key", key, "--checkpoint", str(note)]) == code
    told = capsys.readouterr().out
    assert "were lost in a restore, as the log itself says" in told
    assert "the restore that began a new epoch did not name them" in told
    restored.stop()


def test_two_restores_of_one_backup_are_two_origins(app: App, clock: Clock, tmp_path: Path) -> None:
    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    origins = set()
    for name in ("one", "two"):
        other = config_in(elsewhere(app, tmp_path / name))
        [*_, epoch] = restore(other, tmp_path / "backups", clock=clock)
        origins.add(epoch.origin)
        clock.go()
    assert len(origins) == 2


def test_a_restored_log_can_be_restored_again(app: App, clock: Clock, tmp_path: Path) -> None:
    record(app, sent(0, 10))
    back_up(app, tmp_path / "first")
    one = config_in(elsewhere(app, tmp_path / "one"))
    restore(one, tmp_path / "first")
    restored = opened(one, clock)
    record(restored, sent(10, 20))
    clock.go()
    back_up(restored, tmp_path / "second")
    two = config_in(elsewhere(app, tmp_path / "two"))
    epochs = restore(two, tmp_path / "second")
    assert all("/epoch-3-" in epoch.origin for epoch in epochs)
    assert all(epoch.origin.count("/epoch-") == 1 for epoch in epochs)
    again = opened(two, clock)
    assert [r.duplicate for r in record(again, sent(0, 21))] == [True] * 20 + [False]
    assert verified(again).is_whole
    restored.stop()
    again.stop()


def test_restoring_needs_an_empty_folder(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    with pytest.raises(ConfigError, match=r"not empty \(.*\): restore into an empty folder"):
        restore(app.config, tmp_path / "backups")


def test_restoring_needs_the_key_that_signed(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    other = config_in(tmp_path / "other")
    with pytest.raises(NotFound, match="recovery copy"):
        restore(other, tmp_path / "backups")
    save_key(other.keys_folder, Signer.generate("tests"))
    with pytest.raises(ConfigError, match="not the one that signed this backup"):
        restore(other, tmp_path / "backups")


@pytest.mark.parametrize("damaged", ["trace.db", "evidence"])
def test_a_damaged_backup_is_not_restored(app: App, tmp_path: Path, damaged: str) -> None:
    with_file(app, 900, b"a photo")
    backup = back_up(app, tmp_path / "backups")
    path = backup / "trace.db"
    if damaged == "evidence":
        path = next(p for p in (tmp_path / "backups/evidence").rglob("*") if p.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    other = config_in(elsewhere(app, tmp_path / "other"))
    with pytest.raises(ProofFailed, match="was changed after it was written"):
        restore(other, tmp_path / "backups")
    assert not other.data_folder.exists()


def test_a_checkpoint_that_the_key_did_not_sign_is_not_taken_for_the_last(
    app: App, tmp_path: Path
) -> None:
    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    forged = Checkpoint("tests/khujand", 999, bytes(32)).signed(Signer.generate("tests/khujand"))
    other = config_in(elsewhere(app, tmp_path / "other"))
    with pytest.raises(ProofFailed, match="not signed by a trusted key"):
        restore(other, tmp_path / "backups", [str(forged)])


def test_an_interrupted_restore_cannot_be_opened(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    other = config_in(elsewhere(app, tmp_path / "other"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("railtrace.operating.restore._open_epochs", killed)
    with pytest.raises(KeyboardInterrupt):
        restore(other, tmp_path / "backups")
    with pytest.raises(ConfigError, match="unfinished restore: empty it"):
        App(other)


def test_the_manifest_is_plain_json(app: App, tmp_path: Path) -> None:
    record(app, sent(0, 4))
    manifest = json.loads((back_up(app, tmp_path / "backups") / "manifest.json").read_bytes())
    assert [log["log"] for log in manifest["logs"]] == ["dushanbe", "khujand", "main"]
    assert manifest["logs"][0]["checkpoint"].startswith("tests/dushanbe\n")


def test_a_backup_moves_from_either_database_into_the_other(
    app: App, clock: Clock, tmp_path: Path, postgres_schema: Callable[[], str]
) -> None:
    record(app, sent(0, 300))
    back_up(app, tmp_path / "from-sqlite")
    server = config_in(elsewhere(app, tmp_path / "server"), postgres_schema())
    restore(server, tmp_path / "from-sqlite")
    moved = opened(server, clock)
    assert [r.duplicate for r in record(moved, sent(0, 310))] == [True] * 300 + [False] * 10
    clock.go()
    back_up(moved, tmp_path / "from-postgres")
    moved.stop()
    back = config_in(elsewhere(app, tmp_path / "back"))
    restore(back, tmp_path / "from-postgres")
    returned = opened(back, clock)
    assert [r.duplicate for r in record(returned, sent(0, 320))] == [True] * 310 + [False] * 10
    assert verified(returned).is_whole
    returned.stop()
    with pytest.raises(ConfigError, match="holds logs already"):
        restore(
            config_in(elsewhere(app, tmp_path / "twice"), server.database), tmp_path / "from-sqlite"
        )


def test_the_recovery_copy_is_all_a_new_machine_needs_beside_the_backup(
    app: App, clock: Clock, tmp_path: Path
) -> None:
    from railtrace.operating.trust import restore_key

    record(app, sent(0, 4))
    back_up(app, tmp_path / "backups")
    copy = recovery_copy(app.signer)
    other = config_in(tmp_path / "other")
    restore_key(other.keys_folder, copy)
    clock.go(timedelta(days=1))
    assert len(restore(other, tmp_path / "backups")) == 3
