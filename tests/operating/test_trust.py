"""The log key changes hands, is lost, is stolen, and every check afterwards still holds."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from railtrace import check
from railtrace.app import NEXT_KEY, App
from railtrace.errors import ConfigError, NotFound
from railtrace.operating import trust as trusting
from railtrace.operating.backup import open_trace
from railtrace.operating.trust import (
    add_holder,
    export_trust,
    mark_compromised,
    replace_key,
    restore_key,
    trust_of_installation,
)
from railtrace.store.export import export
from railtrace.store.keys import KEY_FILE, KeyIsThere, load_key, load_trust, recovery_copy
from railtrace.trace.checkpoint import Signer
from railtrace.trace.trust import Trust
from railtrace.trace.verify import Plan, Report, verify_store
from tests.operating.depot import NOW, Clock, config_in, opened, record, sent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = opened(config_in(tmp_path), clock)
    record(app, sent(0, 20))
    app.sign_heads()
    yield app
    app.stop()


def verified(app: App, trust: Trust) -> Report:
    return verify_store(partial(open_trace, app.config.data_folder / "trace.db"), Plan(trust))


def faults(report: Report) -> list[str]:
    return [finding.name for finding in report.findings if finding.is_fault]


def test_a_replaced_key_leaves_old_and_new_checkpoints_provable(app: App, clock: Clock) -> None:
    stranger = trust_of_installation(app)
    old = app.signer.seed
    replace_key(app, "p-1")
    assert app.signer.seed != old
    clock.go()
    record(app, sent(20, 40))
    app.sign_heads()
    assert verified(app, trust_of_installation(app)).findings == ()
    assert verified(app, stranger).findings == (), "who holds the old trust file learns of it"


def test_the_old_key_stays_beside_the_new_one(app: App) -> None:
    old = app.signer.seed
    replace_key(app, "p-1")
    folder = app.config.keys_folder
    [kept] = folder.glob("log.*.replaced")
    assert load_key(folder).seed != old
    assert (kept.stat().st_mode & 0o777, (folder / NEXT_KEY).exists()) == (0o600, False)


def test_who_has_the_new_key_alone_checks_an_export_of_both(app: App, tmp_path: Path) -> None:
    replace_key(app, "p-1")
    record(app, sent(20, 40))
    app.sign_heads()
    export(app.trace, tmp_path / "out", trust_of_installation(app))
    for log in ("dushanbe", "khujand"):
        key = str(app.signer.named(f"tests/{log}").verifier)
        assert check.main([str(tmp_path / "out"), "--key", key]) == 0
    export_trust(app, tmp_path / "trust.json")
    assert check.main([str(tmp_path / "out"), "--trust", str(tmp_path / "trust.json")]) == 0


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_interrupted_replacement_goes_on_with_the_same_key(
    app: App, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    stranger, calls = trust_of_installation(app), iter(range(99))
    recorded = app.record

    def interrupted(*arguments: object, **named: object) -> object:
        if next(calls) == at:
            raise KeyboardInterrupt
        return recorded(*arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(app, "record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            replace_key(app, "p-1")
    begun = load_key(app.config.keys_folder / NEXT_KEY).seed
    with pytest.raises(ConfigError, match="was interrupted: run `railtrace key replace` again"):
        App(app.config).prepare()
    replace_key(app, "p-1")
    assert app.signer.seed == begun
    assert verified(app, stranger).findings == ()


def test_a_lost_key_is_never_replaced_by_a_fresh_one_in_silence(app: App) -> None:
    (app.config.keys_folder / KEY_FILE).unlink()
    other = App(app.config)
    with pytest.raises(NotFound, match=r"there is no log key.*restore its recovery copy"):
        other.prepare()
    other.stop()


def test_a_recovery_copy_brings_a_lost_key_back(app: App) -> None:
    copy = recovery_copy(app.signer)
    (app.config.keys_folder / KEY_FILE).unlink()
    restore_key(app.config.keys_folder, copy)
    app.forget_key()
    record(app, sent(20, 22))
    app.sign_heads()
    assert verified(app, trust_of_installation(app)).findings == ()
    with pytest.raises(KeyIsThere, match="never replaced silently"):
        restore_key(app.config.keys_folder, copy)


def test_administrator_and_second_holder_replace_a_key_that_is_lost(app: App) -> None:
    people = [Signer.generate("p-admin"), Signer.generate("p-second")]
    for role, person in zip(("administrator", "second_holder"), people, strict=True):
        add_holder(app, role, str(person.verifier))
    stranger = trust_of_installation(app)
    (app.config.keys_folder / KEY_FILE).unlink()
    export_trust(app, app.config.keys_folder / trusting.FILE)
    replace_key(app, "p-admin", people)
    record(app, sent(20, 40))
    app.sign_heads()
    assert faults(verified(app, stranger)) == []
    assert load_trust(app.config.keys_folder / trusting.FILE).holders == stranger.holders


def test_one_holder_alone_replaces_nothing(app: App) -> None:
    person = Signer.generate("p-admin")
    add_holder(app, "administrator", str(person.verifier))
    before = [head.size for head in app.trace.heads()]
    with pytest.raises(ConfigError, match="neither the old key nor administrator and second"):
        replace_key(app, "p-admin", [person])
    assert [head.size for head in app.trace.heads()] == before
    assert not (app.config.keys_folder / NEXT_KEY).exists()


def test_a_stolen_key_is_replaced_by_two_people_only(app: App, clock: Clock) -> None:
    key = app.signer.named("tests/dushanbe").verifier
    mark_compromised(app, str(key), NOW - timedelta(hours=2), None, "a copy was found", "p-1")
    with pytest.raises(ConfigError, match="administrator and second holder are to sign"):
        replace_key(app, "p-1")
    people = [Signer.generate("p-admin"), Signer.generate("p-second")]
    for role, person in zip(("administrator", "second_holder"), people, strict=True):
        add_holder(app, role, str(person.verifier))
    clock.go()
    replace_key(app, "p-admin", people)
    assert faults(verified(app, trust_of_installation(app))) == []


def test_a_theft_noticed_after_the_key_was_replaced_leaves_the_store_whole(
    app: App, clock: Clock
) -> None:
    key = app.signer.named("tests/dushanbe").verifier
    replace_key(app, "p-1")
    clock.go()
    mark_compromised(app, str(key), NOW - timedelta(hours=2), None, "a copy was found", "p-1")
    assert faults(verified(app, trust_of_installation(app))) == []
    replace_key(app, "p-1")
    assert faults(verified(app, trust_of_installation(app))) == []


def test_a_compromised_key_marks_its_window_and_rewrites_nothing(app: App, clock: Clock) -> None:
    key = app.signer.named("tests/dushanbe").verifier
    before = {head.log: head.size for head in app.trace.heads()}
    clock.go()
    since = NOW - timedelta(hours=2)
    mark_compromised(app, str(key), since, None, "a copy was found", "p-1")
    grown = {head.log: head.size - before[head.log] for head in app.trace.heads()}
    assert grown == {"dushanbe": 0, "khujand": 0, "main": 1}
    report = verified(app, trust_of_installation(app))
    assert faults(report) == []
    assert {f.name for f in report.findings} >= {"compromised"}
    rows = [k for k in trust_of_installation(app).keys if k.origin == "tests/dushanbe"]
    assert [window.since for row in rows for window in row.compromised] == [since]


def test_the_trust_file_tells_when_each_key_was_valid(app: App, tmp_path: Path) -> None:
    replace_key(app, "p-1")
    export_trust(app, tmp_path / "trust.json")
    rows = [k for k in load_trust(tmp_path / "trust.json").keys if k.origin == "tests/khujand"]
    old, new = sorted(rows, key=lambda row: row.valid_from)
    assert old.valid_to is not None
    assert (new.valid_from, new.valid_to) == (old.valid_to + 1, None)
