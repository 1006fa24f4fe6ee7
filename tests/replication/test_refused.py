"""What is not taken, by its name, and what stays as it was."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from railtrace.app import App
from railtrace.errors import ConfigError, RailtraceError, Refused
from railtrace.operating.backup import back_up
from railtrace.operating.replicate import heads_known, replicate, trust_keys, write_aside
from railtrace.operating.restore import restore
from railtrace.operating.side import Side
from railtrace.operating.trust import mark_compromised, replace_key
from railtrace.operating.verify import verify_installation
from railtrace.store.folder import require_format
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.replicate import Parcel, Wanted, pack
from tests.operating.depot import NOW, Clock
from tests.replication.railway import (
    HQ,
    NORTH,
    SOUTH,
    config_of,
    content,
    fill,
    key_of,
    line_to,
    railway,
    ran,
    record,
)


@pytest.fixture
def hq_and_north(tmp_path: Path) -> Iterator[tuple[App, App]]:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        yield hq, north


def reopened(app: App) -> App:
    again = App(app.config, app.clock)
    again.prepare()
    return again


def refusals(caller: App, hq: App) -> list[str]:
    return [log.refused for log in replicate(caller, line_to(hq)).logs if log.refused]


def test_a_key_nobody_confirmed_is_shown_and_nothing_is_taken(tmp_path: Path) -> None:
    with railway(tmp_path, HQ) as [hq]:
        stranger = App(config_of(tmp_path, NORTH), Clock())
        stranger.prepare()
        [up, down] = refusals(stranger, hq)
        assert key_of(stranger) in up
        assert "railtrace replicate --trust" in up
        assert key_of(hq) in down
        assert [head.log for head in hq.trace.heads()] == ["hq"]
        assert trust_keys(hq, [key_of(stranger)], []) == ["north/north"]
        assert trust_keys(stranger, [key_of(hq)], []) == ["hq/hq"]
        assert refusals(stranger, hq) == []
        assert trust_keys(hq, [key_of(stranger)], []) == []
        stranger.stop()


def test_another_key_for_a_log_that_has_one_is_not_simply_trusted(
    hq_and_north: tuple[App, App],
) -> None:
    other = Signer.generate("north/north").verifier
    with pytest.raises(ConfigError, match="has a trusted key already"):
        trust_keys(hq_and_north[0], [str(other)], [])


@pytest.mark.parametrize("more", [2, 30])
def test_a_rewritten_log_is_refused_named_and_kept_aside(tmp_path: Path, more: int) -> None:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        fill(north, 5)
        north.stop()
        shutil.copytree(tmp_path / NORTH, tmp_path / "before")
        north = reopened(north)
        fill(north, 10, 5)
        fill(hq, 3)
        assert replicate(north, line_to(hq)).is_good
        before = content(hq)
        north.stop()
        shutil.rmtree(tmp_path / NORTH)
        shutil.move(tmp_path / "before", tmp_path / NORTH)
        forged = reopened(north)
        record(forged, *(ran(f"other-{i}", km="999") for i in range(more)))
        fill(hq, 2, 3)
        call = replicate(forged, line_to(hq))
        [refused, taken] = call.logs
        assert "north was rewritten" in refused.refused
        assert (taken.refused, taken.size) == ("", 7)
        assert content(hq)["north/north"] == before["north/north"]
        assert replicate(forged, line_to(hq)).logs[0].refused
        [known] = [head for head in heads_known(hq) if not head.own]
        assert "north was rewritten" in known.refused
        [folder] = write_aside(hq, tmp_path / "auditor")
        ours, theirs = (
            Checkpoint.parse((folder / f"{whose}.checkpoint").read_text("utf-8"))
            for whose in ("ours", "theirs")
        )
        key = forged.signer.named("north/north").verifier
        assert ours.require([key]).root != theirs.require([key]).root
        assert (ours.size, theirs.size) == (17, 7 + more)
        forged.stop()


def test_an_installation_that_lost_its_newest_entries_is_told(tmp_path: Path) -> None:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        fill(north, 5)
        north.sign_heads()
        north.stop()
        shutil.copytree(tmp_path / NORTH, tmp_path / "before")
        north = reopened(north)
        fill(north, 10, 5)
        assert replicate(north, line_to(hq)).is_good
        north.stop()
        shutil.rmtree(tmp_path / NORTH)
        shutil.move(tmp_path / "before", tmp_path / NORTH)
        older = reopened(north)
        [told] = refusals(older, hq)
        assert "17 entries are held there, 7 here" in told
        older.stop()


def test_nobody_records_in_another_installation_s_log(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    replicate(north, line_to(hq))
    before = content(hq)
    with pytest.raises(Refused, match="north is the log of north/north"):
        hq.record([ran("stray")], "worker-1", "test", "north")
    assert content(hq) == before


def test_a_site_whose_log_is_another_installation_s_is_told_at_the_start(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    replicate(north, line_to(hq))
    config = msgspec.structs.replace(hq.config, default_log="north")
    again = App(config, hq.clock)
    with pytest.raises(ConfigError, match="another installation writes"):
        again.prepare()
    again.stop()


def test_two_installations_of_one_name_are_told_apart_by_nobody(tmp_path: Path) -> None:
    with railway(tmp_path, HQ) as [hq]:
        other = App(config_of(tmp_path / "elsewhere", HQ), Clock())
        other.prepare()
        with pytest.raises(ConfigError, match="both installations are named hq"):
            replicate(other, line_to(hq))
        parcel = Side(other).parcel(Wanted("hq/hq", 0))
        assert "two installations have one name" in Side(hq).take(parcel, "x").refused
        other.stop()


def test_logs_of_one_name_stand_side_by_side(tmp_path: Path) -> None:
    apps = [App(config_of(tmp_path, name, "main"), Clock()) for name in (HQ, NORTH)]
    for app in apps:
        app.prepare()
    hq, north = apps
    trust_keys(hq, [key_of(north)], [])
    trust_keys(north, [key_of(hq)], [])
    fill(north, 3)
    assert replicate(north, line_to(hq)).is_good
    assert [head.log for head in hq.trace.heads()] == ["main", "main@north"]
    assert [head.log for head in north.trace.heads()] == ["main", "main@hq"]
    assert content(hq) == content(north)
    for app in apps:
        app.catch_up()
        assert verify_installation(app, jobs=1).is_whole
        app.stop()


def parcels(north: App, count: int) -> Parcel:
    fill(north, count)
    return Side(north).parcel(Wanted("north/north", 0))


def test_one_changed_leaf_spoils_its_parcel_and_nothing_of_it_is_kept(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    parcel = parcels(north, 5)
    for index in range(len(parcel.leaves)):
        changed = list(parcel.leaves)
        changed[index] = changed[index].replace(b"worker-1", b"worker-2").replace(b"rail", b"RAIL")
        told = Side(hq).take(msgspec.structs.replace(parcel, leaves=tuple(changed)), "x")
        assert "do not give the root signed" in told.refused
    fewer = msgspec.structs.replace(parcel, leaves=parcel.leaves[:-1])
    assert Side(hq).take(fewer, "x").refused
    assert [head.log for head in hq.trace.heads()] == ["hq"]
    assert Side(hq).take(parcel, "x").size == 7


def test_a_checkpoint_signed_by_a_stranger_is_refused(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    parcel = parcels(north, 5)
    told = Checkpoint.parse(parcel.note)
    forged = replace(told, signatures=()).signed(Signer.generate("north/north"))
    answer = Side(hq).take(msgspec.structs.replace(parcel, note=str(forged)), "x")
    assert "is not signed by a trusted key" in answer.refused
    assert answer.size == 0


def test_a_replaced_key_comes_with_the_log_itself(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    fill(north, 3)
    replicate(north, line_to(hq))
    fill(north, 3, 3)
    replace_key(north, "admin")
    fill(north, 300, 6)
    assert refusals(north, hq) == []
    assert content(hq)["north/north"] == content(north)["north/north"]
    assert verify_installation(hq, jobs=1).is_whole
    replace_key(hq, "admin")
    assert refusals(north, hq) == []


def test_what_a_compromised_key_signed_is_refused(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    fill(north, 3)
    replicate(north, line_to(hq))
    since = NOW - timedelta(days=1)
    mark_compromised(hq, key_of(north), since, None, "the disk was stolen", "admin")
    fill(north, 3, 3)
    [told] = refusals(north, hq)
    assert "compromised" in told


def test_a_restored_log_goes_on_in_its_new_epoch(tmp_path: Path) -> None:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        fill(north, 5)
        replicate(north, line_to(hq))
        again = restored(tmp_path, north)
        fill(again, 5, 5)
        assert refusals(again, hq) == []
        [known] = [head for head in heads_known(hq) if not head.own]
        assert known.origin.startswith("north/north/epoch-2-")
        assert content(hq)["north/north"] == content(again)["north/north"]
        assert verify_installation(hq, jobs=1).is_whole
        # What headquarters wrote is not taken for a log of the restored installation.
        assert [head.log for head in again.trace.heads() if not head.foreign] == ["north"]
        again.stop()


def test_a_restore_that_lost_what_was_replicated_is_named(tmp_path: Path) -> None:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        fill(north, 5)
        backup = back_up(north, tmp_path / "backups")
        fill(north, 5, 5)
        replicate(north, line_to(hq))
        before = content(hq)
        again = restored(tmp_path, north, backup)
        [told] = refusals(again, hq)
        assert "north went back in a restore" in told
        assert content(hq) == before
        again.stop()


def restored(folder: Path, app: App, backup: Path | None = None) -> App:
    backup = backup or back_up(app, folder / "backups")
    config = msgspec.structs.replace(app.config, data=str(folder / "restored"))
    restore(config, backup.parent, clock=Clock(NOW + timedelta(hours=2)))
    require_format(config.data_folder)
    again = App(config, Clock(NOW + timedelta(hours=3)))
    again.prepare()
    return again


def test_a_line_that_stays_cut_ends_the_call_and_says_how_to_go_on(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    with pytest.raises(RailtraceError, match="cut 3 times in a row"):
        replicate(north, line_to(hq, ["lost"] * 3, tries=3))


def test_other_releases_are_told(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    line = line_to(hq)
    told = Side(hq).greeting()
    line._transport = lambda door, body: pack(msgspec.structs.replace(told, protocol=2))
    with pytest.raises(ConfigError, match="speaks replication 2, this program 1"):
        replicate(north, line)


def test_a_third_holder_trusts_by_the_trust_file_of_headquarters(tmp_path: Path) -> None:
    from railtrace.operating.trust import export_trust

    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        replicate(north, line_to(hq))
        export_trust(hq, tmp_path / "trust.json")
        south = App(config_of(tmp_path, SOUTH), Clock())
        south.prepare()
        assert trust_keys(south, [], [tmp_path / "trust.json"]) == ["north/north", "hq/hq"]
        trust_keys(hq, [key_of(south)], [])
        assert refusals(south, hq) == []
        assert content(south) == content(hq)
        south.stop()
