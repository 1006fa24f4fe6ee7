"""What arrives with the logs: files piece by piece, cosignatures, ages, kinds of later programs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from railtrace import check
from railtrace.app import App
from railtrace.errors import RailtraceError
from railtrace.operating.backup import back_up
from railtrace.operating.replicate import heads_known, in_words, replicate
from railtrace.operating.restore import restore
from railtrace.operating.side import Side
from railtrace.operating.trust import export_trust
from railtrace.operating.verify import verify_installation
from railtrace.store.export import export
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.cosignature import (
    cosign,
    cosigned_at,
    cosigned_by,
    cosigned_text,
    verifier_key,
)
from railtrace.trace.ledger import Row
from railtrace.trace.merkle import leaf_hash
from railtrace.trace.operation import CatalogueAdopted, Corrected, Evidence, Inspected
from railtrace.trace.replicate import Wanted
from tests.operating.depot import NOW, Clock
from tests.replication.railway import (
    HQ,
    NORTH,
    SOUTH,
    content,
    fill,
    line_to,
    railway,
    ran,
    record,
)


@pytest.fixture
def hq_and_north(tmp_path: Path) -> Iterator[tuple[App, App]]:
    with railway(tmp_path, HQ, NORTH) as [hq, north]:
        yield hq, north


def kilometres(app: App, unit: str = "u-1") -> int:
    app.catch_up()
    [(km,)] = app.views.database.query("SELECT km_milli FROM usage WHERE unit = ?", (unit,))
    return int(km) // 1000


def inspected(app: App, name: str, *files: Evidence) -> None:
    record(app, Inspected(id=name, happened_at=NOW, units=("u-1",), evidence=files))


# --- one id in two logs ---------------------------------------------------------------------


@pytest.mark.parametrize("caught_up", [True, False])
def test_the_same_operation_sent_to_two_installations_counts_once(
    hq_and_north: tuple[App, App], caught_up: bool
) -> None:
    hq, north = hq_and_north
    for app in (hq, north):
        record(app, ran("same", km="70"), ran(f"{app.config.name}-own", km="1"))
        if caught_up:
            app.catch_up()
    assert replicate(north, line_to(hq)).is_good
    assert content(hq) == content(north)
    assert [kilometres(app) for app in (hq, north)] == [72, 72]
    for app in (hq, north):
        report = verify_installation(app, jobs=1)
        assert report.is_whole
        assert [f.name for f in report.findings if f.name.startswith("id-")] == ["id-elsewhere"]
        app.views.rebuild()
        assert kilometres(app) == 72
        [receipt] = app.record([ran("same", km="70")], "w", "test")
        assert (receipt.duplicate, receipt.log) == (True, "hq")  # type: ignore[union-attr]


def test_one_id_on_two_operations_loses_neither_and_is_named(
    hq_and_north: tuple[App, App], tmp_path: Path
) -> None:
    hq, north = hq_and_north
    record(hq, ran("twin", km="70"))
    record(north, ran("twin", km="5"))
    replicate(north, line_to(hq))
    assert [kilometres(app) for app in (hq, north)] == [75, 75]
    report = verify_installation(hq, jobs=1)
    [finding] = [f for f in report.findings if f.name == "id-elsewhere"]
    assert "another installation recorded id twin too" in str(finding)
    assert report.is_whole
    hq.sign_heads()
    export(hq.trace, tmp_path / "export", export_trust(hq, tmp_path / "trust.json"))
    told = checked(tmp_path / "export")
    assert "note id-elsewhere: north 2: another installation recorded id twin too" in told
    back_up(hq, tmp_path / "backups")


def checked(folder: Path) -> str:
    """Run the checker that shares no code with the program."""
    done = subprocess.run(
        [sys.executable, "-I", check.__file__, str(folder)], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_correction_reaches_an_operation_of_another_installation(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    record(north, ran("wrong", km="700"), ran("right", km="7"))
    replicate(north, line_to(hq))
    hq.catch_up()
    void = Corrected(id="c-1", happened_at=NOW, target="wrong", action="void", reason="wrong unit")
    record(hq, void)
    replicate(north, line_to(hq))
    assert [kilometres(app) for app in (hq, north)] == [7, 7]


# --- later programs -------------------------------------------------------------------------


def append_leaf(app: App, log: str, leaf: bytes, id_: str, kind: str) -> None:
    """Write a leaf as a later program would."""
    with app.trace.writing(log) as writer:
        frontier, kept = writer.head.frontier.append([leaf_hash(leaf)])
        row = Row(writer.head.size, id_, kind, leaf, leaf_hash(leaf))
        writer.append([row], replace(writer.head, frontier=frontier), kept)


def test_a_kind_of_a_later_program_is_kept_carried_and_shown(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    operation = {
        "happened_at": "2026-11-22T10:00:00Z", "id": "later", "kind": "Levitated", "shape": 7,
        "units": ["u-1"], "height": {"mm": 12},
    }  # fmt: skip
    body = {
        "channel": "api", "format": 1, "operation": operation,
        "recorded_at": "2026-11-22T12:00:00Z", "submitter": "w",
    }  # fmt: skip
    leaf = msgspec.json.encode(body, order="sorted")
    append_leaf(north, "north", leaf, "later", "Levitated")
    record(north, ran("after"))
    assert replicate(north, line_to(hq)).is_good
    found = hq.trace.find(["later"])["later"]
    assert found == ("north", 2, leaf)
    hq.catch_up()
    entry = hq.entry("later")
    assert (entry.kind, entry.units) == ("Levitated", ("u-1",))
    states = hq.views.states_now(["u-1"])
    assert any(state.unreadable for state in states.values())
    record(hq, ran("elsewhere", unit="u-2"))
    hq.catch_up()
    named = {unit: [g.name for g in hq.knowledge().gates(unit)] for unit in ("u-1", "u-2")}
    assert "no_decision" in named["u-1"]
    assert "no_decision" not in named["u-2"]
    assert verify_installation(hq, jobs=1).is_whole


LATER_SHAPES = {
    "Inspected": {"units": ["u-1"], "outcome": "glowing"},
    "Installed": {"units": ["u-9"], "carrier": "u-1", "bolts": 8},
    "Formed": {"units": ["u-9"], "parts": [{"unit": "u-1", "torque": "12"}]},
    "PartStored": {"units": ["u-1"], "shelf": {"row": 2}},
    "Corrected": {"target": "ran", "replacement": {"kind": "Ran", "units": ["u-1"], "wind": 3}},
}  # fmt: skip


@pytest.mark.parametrize("kind", LATER_SHAPES)
def test_a_later_shape_of_a_known_kind_leaves_its_units_without_a_decision(
    hq_and_north: tuple[App, App], kind: str
) -> None:
    hq, north = hq_and_north
    operation = {"happened_at": "2026-11-22T10:00:00Z", "id": "later", "kind": kind, "shape": 2}
    body = {
        "channel": "api", "format": 1, "operation": operation | LATER_SHAPES[kind],
        "recorded_at": "2026-11-22T12:00:00Z", "submitter": "w",
    }  # fmt: skip
    append_leaf(north, "north", msgspec.json.encode(body, order="sorted"), "later", kind)
    record(north, ran("after"), ran("elsewhere", unit="u-2"))
    assert replicate(north, line_to(hq)).is_good
    hq.catch_up()
    assert hq.entry("later").kind == kind
    for _ in range(2):
        named = {unit: [g.name for g in hq.knowledge().gates(unit)] for unit in ("u-1", "u-2")}
        assert "no_decision" in named["u-1"]
        assert "no_decision" not in named["u-2"]
        hq.views.rebuild()


def test_another_installation_s_catalogue_is_kept_and_does_not_judge_here(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    mine = hq.catalogue().hash
    unknown = "ab" * 32
    later = NOW + timedelta(minutes=1)
    north.clock.go(timedelta(hours=1))  # type: ignore[attr-defined]
    record(north, CatalogueAdopted(id="c-9", happened_at=later, catalogue=unknown, valid_from=NOW))
    fill(north, 3)
    assert replicate(north, line_to(hq)).is_good
    hq.clock.go(timedelta(hours=2))  # type: ignore[attr-defined]
    hq.catch_up()
    assert hq.catalogue().hash == mine
    hq.adopt_catalogue()
    assert hq.trace.head("hq").size == 2


# --- files ----------------------------------------------------------------------------------


def test_a_file_comes_by_pieces_and_goes_on_where_it_was_cut(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    photograph = bytes(range(256)) * 4000
    file = north.evidence.put(photograph, evidence_class="photo")
    inspected(north, "i-1", file)
    faults = ["", "", "", "", "", "", "no answer", "lost", "twice"]
    line = line_to(hq, faults)
    line.most_bytes = 40_000
    call = replicate(north, line)
    assert (call.files_sent, call.files_awaited, call.cuts) == (1, 0, 2)
    assert hq.evidence.read(file.sha256) == photograph
    assert not list((hq.evidence.folder / "incoming").iterdir())


def test_a_file_begun_in_one_call_is_finished_in_the_next(hq_and_north: tuple[App, App]) -> None:
    hq, north = hq_and_north
    file = north.evidence.put(bytes(range(256)) * 400, evidence_class="photo")
    inspected(north, "i-1", file)
    # Greeting, two parcels, one set of marks, the list of files, two pieces; then nothing more.
    line = line_to(hq, [*[""] * 7, *["lost"] * 3], tries=3)
    line.most_bytes = 500
    with pytest.raises(RailtraceError, match="cut 3 times"):
        replicate(north, line)
    begun = hq.evidence.received(file.sha256)
    assert 0 < begun < 102_400
    [finding] = [f for f in verify_installation(hq, jobs=1).findings if "evidence" in f.name]
    assert (finding.name, finding.is_fault) == ("evidence-awaited", False)
    assert replicate(north, line_to(hq)).files_sent == 1
    assert hq.evidence.state(file.sha256) == "kept"


def test_a_backup_taken_while_files_are_to_come_is_whole_and_restores(
    hq_and_north: tuple[App, App], tmp_path: Path
) -> None:
    hq, north = hq_and_north
    file = north.evidence.put(b"photograph", evidence_class="photo")
    inspected(north, "i-1", file)
    parcel = Side(north).parcel(Wanted("north/north", 0))
    assert Side(hq).take(parcel, "north").size == 3
    backup = back_up(hq, tmp_path / "backups")
    config = msgspec.structs.replace(hq.config, data=str(tmp_path / "restored"))
    epochs = restore(config, backup, clock=Clock(NOW + timedelta(hours=1)))
    assert [epoch.log for epoch in epochs] == ["hq"]
    again = App(config, Clock(NOW + timedelta(hours=2)))
    again.prepare()
    assert replicate(north, line_to(again)).files_sent == 1
    assert again.evidence.read(file.sha256) == b"photograph"
    again.stop()
    hq.sign_heads()
    export(hq.trace, tmp_path / "e", export_trust(hq, tmp_path / "t.json"), evidence=hq.evidence)
    assert "note evidence-awaited" in checked(tmp_path / "e")


def test_a_file_its_holder_deleted_after_its_retention_is_not_waited_for(
    hq_and_north: tuple[App, App],
) -> None:
    hq, north = hq_and_north
    file = north.evidence.put(b"old", evidence_class="photo")
    inspected(north, "i-1", file)
    path = north.evidence.path(file.sha256)
    path.unlink()
    path.with_name(f"{path.name}.expired").write_text("x")
    call = replicate(north, line_to(hq))
    assert (call.files_sent, call.files_awaited) == (1, 0)
    assert hq.evidence.state(file.sha256) == "expired"


# --- cosignatures ---------------------------------------------------------------------------


def test_headquarters_cosigns_and_the_cosigned_checkpoint_travels_back(
    hq_and_north: tuple[App, App], tmp_path: Path
) -> None:
    hq, north = hq_and_north
    fill(north, 5)
    replicate(north, line_to(hq))
    signed = north.checkpoint("north")
    key = hq.signer.named(HQ).verifier
    assert cosigned_at(signed, key) == NOW
    assert signed.require([north.signer.named("north/north").verifier]).size == 7
    assert Checkpoint.parse(str(signed)) == signed == hq.checkpoint("north")
    assert cosigned_at(hq.checkpoint("hq"), north.signer.named(NORTH).verifier) == NOW
    assert len(north.trace.checkpoints("north")) == 1
    assert verify_installation(north, jobs=1).is_whole
    export(north.trace, tmp_path / "e", export_trust(north, tmp_path / "t.json"))
    assert "nothing is wrong" in checked(tmp_path / "e")


def test_a_cosignature_is_laid_out_as_the_standard_says() -> None:
    signer = Signer("witness.example.com/w1", bytes(range(32)))
    plain = Checkpoint("example.com/log", 7, bytes(32))
    signed = cosign(plain, signer, NOW)
    [(name, hashed, mark)] = signed.signatures
    at_s = int(NOW.timestamp())
    assert cosigned_text(plain, at_s) == f"cosignature/v1\ntime {at_s}\n".encode() + plain.body
    assert (int.from_bytes(mark[:8], "big"), len(mark)) == (at_s, 72)
    assert verifier_key(signer.verifier).split("+")[:2] == [name, hashed.hex()]
    # The line of the standard's own example: the same name and time, its key is not published.
    example = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNi"
        "IDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    _, (name, _, mark) = Checkpoint.parse(example).signatures
    assert (name, int.from_bytes(mark[:8], "big")) == (signer.name, 1679315147)
    assert len(mark) == 72


@pytest.mark.parametrize("change", ["time", "signature", "stranger", "other head"])
def test_a_forged_cosignature_is_not_kept(hq_and_north: tuple[App, App], change: str) -> None:
    hq, north = hq_and_north
    fill(north, 5)
    mine = north.checkpoint("north")
    good = cosign(mine, hq.signer.named(HQ), NOW)
    name, hashed, mark = good.signatures[-1]
    if change == "time":
        mark = bytes(7) + b"\x01" + mark[8:]
    if change == "signature":
        mark = mark[:-1] + bytes([mark[-1] ^ 1])
    if change == "stranger":
        name, hashed, mark = cosign(mine, Signer.generate(HQ), NOW).signatures[-1]
    if change == "other head":
        other = Checkpoint(mine.origin, mine.size, bytes(32))
        mark = cosign(other, hq.signer.named(HQ), NOW).signatures[-1][2]
    forged = Checkpoint(
        mine.origin, mine.size, mine.root, (), (*mine.signatures, (name, hashed, mark))
    )
    side = Side(north)
    assert side.take_marks(str(forged)) == []
    assert north.checkpoint("north") == mine
    assert side.take_marks(str(good)) == [HQ]
    assert list(cosigned_by(north.checkpoint("north"), side.trust("hq/hq"))) == [HQ]


# --- how old knowledge is -------------------------------------------------------------------


def test_each_log_shows_how_old_what_is_known_of_it_is(tmp_path: Path) -> None:
    with railway(tmp_path, HQ, NORTH, SOUTH) as [hq, north, south]:
        replicate(north, line_to(hq))
        for app in (hq, south):
            app.clock.go(timedelta(days=9))  # type: ignore[attr-defined]
        replicate(south, line_to(hq))
        known = {head.log: head for head in heads_known(south)}
        assert [head.own for head in heads_known(south)] == [True, False, False]
        assert known["north"].as_of == NOW
        assert known["north"].received_at == NOW + timedelta(days=9)
        assert known["hq"].as_of == NOW + timedelta(days=9)
        assert known["north"].sender == HQ
        now = south.clock()
        assert in_words(known["north"], now).startswith("north (of north): 2 entries, 9 days old")
        assert in_words(known["hq"], now).startswith("hq (of hq): 2 entries, 0 min old")
        assert json.loads(msgspec.json.encode(heads_known(south)))[0]["own"] is True
