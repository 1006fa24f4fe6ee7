"""Every attack on a store is found and named."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from railtrace.check import main as exported_check
from railtrace.errors import ProofFailed
from railtrace.store.evidence import EvidenceStore
from railtrace.store.export import export
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.epochs import next_origin, opening
from railtrace.trace.findings import REMARKS, TEXTS
from railtrace.trace.ledger import Submission, record, sign_head
from railtrace.trace.merkle import leaf_hash
from railtrace.trace.operation import LogOpened
from railtrace.trace.verify import Plan, Report, verify_store
from tests.store.conftest import Opener, open_sqlite
from tests.store.ledgers import (
    NOW,
    SIGNER,
    TRUST,
    append,
    cut,
    flip,
    key,
    leaf_at,
    rewrite,
    run,
    set_leaf,
    signed_log,
    trust_of,
)
from tests.trace.operations import measured


def check(open_store: Opener, plan: Plan | None = None) -> Report:
    return verify_store(open_store, plan or Plan(TRUST))


def named(report: Report) -> list[tuple[str, int | None]]:
    for finding in report.findings:
        assert finding.log in str(finding)
    return [(finding.name, finding.position) for finding in report.findings]


def test_a_whole_store_has_no_findings(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    report = check(open_store)
    assert named(report) == []
    assert report.is_whole
    assert report.entries == {"a": 700}


@pytest.mark.parametrize("position", [0, 255, 256, 299, 300, 650, 699])
def test_a_flipped_byte_is_named_by_log_position_and_id(
    open_store: Opener, store: DatabaseTraceStore, position: int
) -> None:
    signed_log(store)
    flip(store, position)
    [finding] = check(open_store).findings
    assert (finding.name, finding.position) == ("entry-changed", position)
    assert f"a-{position}" in str(finding)


def test_several_faults_are_each_named(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    flip(store, 3)
    flip(store, 500)
    run(store, "UPDATE operations SET hash = ? WHERE key = ?", bytes(32), key(310))
    run(store, "UPDATE operations SET kind = 'Ran' WHERE key = ?", key(699))
    # Between 300 and 600 both an entry and a hash were changed: neither gives the checkpoint.
    assert set(named(check(open_store))) == {
        ("entry-changed", 3),
        ("rewritten", 300),
        ("entry-changed", 310),
        ("entry-changed", 500),
        ("column-changed", 699),
        ("unsigned", 300),
    }


def test_a_changed_hash_is_told_from_a_changed_entry(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    run(store, "UPDATE operations SET hash = ? WHERE key = ?", bytes(32), key(310))
    assert named(check(open_store)) == [("hash-changed", 310)]


@pytest.mark.parametrize(("position", "count"), [(0, 1), (299, 1), (400, 7), (698, 1)])
def test_a_removed_operation_is_named_by_position(
    open_store: Opener, store: DatabaseTraceStore, position: int, count: int
) -> None:
    signed_log(store)
    run(
        store,
        "DELETE FROM operations WHERE key >= ? AND key < ?",
        key(position),
        key(position + count),
    )
    report = check(open_store)
    assert ("entry-removed", position) in named(report)
    [removed] = [f for f in report.findings if f.name == "entry-removed"]
    assert removed.values["count"] == count


def test_a_flip_after_a_removal_is_still_named(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    run(store, "DELETE FROM operations WHERE key = ?", key(10))
    flip(store, 690)
    faults = {name for name in named(check(open_store)) if name[0] in TEXTS}
    assert faults == {("entry-removed", 10), ("entry-changed", 690)}


@pytest.mark.parametrize("size", [650, 600, 257, 0])
def test_a_tail_cut_off_is_found_against_an_earlier_checkpoint(
    open_store: Opener, store: DatabaseTraceStore, size: int
) -> None:
    *_, last = signed_log(store)
    cut(store, size)
    assert check(open_store).is_whole  # the cut is perfect: only what was kept elsewhere tells
    [fault] = [f for f in check(open_store, Plan(TRUST, {"a": [str(last)]})).findings if f.is_fault]
    assert (fault.name, fault.position, fault.values["size"]) == ("cut-off", size, 700)


def test_rows_lost_at_the_end_are_a_tail_cut_off(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    run(store, "DELETE FROM operations WHERE key >= ?", key(690))
    faults = [f for f in check(open_store).findings if f.is_fault]
    assert [(f.name, f.position) for f in faults] == [("cut-off", 690)]


def test_a_tail_cut_off_without_mending_the_head_is_found_and_nothing_is_built_on_it(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    run(store, "DELETE FROM operations WHERE key >= ?", key(600))
    run(store, "UPDATE logs SET size = ?", 600)
    faults = {f.name for f in check(open_store).findings if f.is_fault}
    assert "cut-off" in faults
    with pytest.raises(ProofFailed, match="cannot have this frontier"):
        sign_head(store, "a", SIGNER, NOW)
    with pytest.raises(ProofFailed, match="cannot have this frontier"):
        record(store, "a", [Submission(measured("late"), "worker-1", "test")], NOW)


def test_a_log_that_is_gone_altogether_is_found(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    *_, last = signed_log(store)
    run(store, "DELETE FROM operations")
    run(store, "DELETE FROM logs")
    report = check(open_store, Plan(TRUST, {"a": [str(last)]}))
    assert named(report) == [("cut-off", 0)]


def test_a_full_rewrite_with_new_hashes_is_found_and_narrowed(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    rewrite(store, lambda texts: [*texts[:450], texts[450].replace(b"31.5", b"33.0"), *texts[451:]])
    faults = [f for f in check(open_store).findings if f.is_fault]
    assert [(f.name, f.position, f.values["last"]) for f in faults] == [("rewritten", 300, 599)]


def test_a_full_rewrite_is_found_when_the_store_keeps_no_checkpoint(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    first, *_ = signed_log(store)
    rewrite(store, lambda texts: [texts[0].replace(b"31.5", b"33.0"), *texts[1:]])
    run(store, "DELETE FROM checkpoints")
    assert named(check(open_store)) == [("unsigned", 0)]
    report = check(open_store, Plan(TRUST, {"a": [str(first)]}))
    assert ("rewritten", 0) in named(report)


def test_a_swap_of_two_entries_is_found(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    rewrite(
        store,
        lambda texts: [*texts[:10], texts[20], *texts[11:20], texts[10], *texts[21:]],
    )
    assert ("rewritten", 0) in named(check(open_store))


def test_entries_swapped_without_their_hashes_are_named_with_their_places(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    one, other = leaf_at(store, 10), leaf_at(store, 290)
    set_leaf(store, 10, other)
    set_leaf(store, 290, one)
    report = check(open_store)
    assert [(f.name, f.position, f.values["proper"]) for f in report.findings] == [
        ("entry-moved", 10, 290),
        ("entry-moved", 290, 10),
    ]


def test_a_rewrite_that_forgets_the_kept_hashes_is_narrowed_to_their_block(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store, (700,))
    text = leaf_at(store, 300).replace(b"31.5", b"33.0")
    set_leaf(store, 300, text)
    run(store, "UPDATE operations SET hash = ? WHERE key = ?", leaf_hash(text), key(300))
    [fault] = [f for f in check(open_store).findings if f.is_fault]
    assert (fault.name, fault.position, fault.values["last"]) == ("rewritten", 256, 511)


def test_a_kept_hash_is_checked(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    run(store, "UPDATE subtrees SET hash = ? WHERE idx = 1", bytes(32))
    assert named(check(open_store)) == [("subtree-changed", 256)]
    run(store, "DELETE FROM subtrees WHERE idx = 1")
    assert named(check(open_store)) == [("subtree-missing", 256)]


def test_the_stored_head_is_checked(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    wrong = store.head("a").frontier.to_bytes()[::-1]
    run(store, "UPDATE logs SET frontier = ?", wrong)
    assert named(check(open_store)) == [("head-changed", 700)]


def test_an_entry_beyond_the_head_is_found(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store)
    with store.database.write() as writer:
        writer.insert(
            "operations",
            ("key", "id", "kind", "leaf", "hash"),
            [(key(705), "ghost", "Ran", b"{}", bytes(32))],
        )
    assert named(check(open_store)) == [("entry-added", 705)]


@pytest.mark.parametrize("column", ["id", "kind"])
def test_columns_that_differ_from_the_leaf_are_named(
    open_store: Opener, store: DatabaseTraceStore, column: str
) -> None:
    signed_log(store)
    run(store, f"UPDATE operations SET {column} = 'other' WHERE key = ?", key(7))
    [finding] = check(open_store).findings
    assert (finding.name, finding.position) == ("column-changed", 7)
    assert finding.values["column"] == column


def test_time_that_goes_back_is_named(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store, (5,))
    early = leaves.encode(measured("a-2"), NOW - timedelta(days=9), "worker-1", "test")
    rewrite(store, lambda texts: [*texts[:2], early, *texts[3:]])
    run(store, "DELETE FROM checkpoints")
    sign_head(store, "a", SIGNER, NOW)
    assert named(check(open_store)) == [("time-backwards", 2)]


def test_an_id_that_stands_twice_is_named(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store, (5,))
    index = "operations_id_key" if store.database.dialect == "postgres" else None
    if index is None:
        _forget_uniqueness(store)
    else:
        run(store, f"ALTER TABLE operations DROP CONSTRAINT {index}")
    twin = leaves.encode(measured("a-1"), NOW, "worker-1", "test")
    rewrite(store, lambda texts: [*texts[:3], twin, *texts[4:]])
    run(store, "UPDATE operations SET id = 'a-1' WHERE key = ?", key(3))
    run(store, "DELETE FROM checkpoints")
    sign_head(store, "a", SIGNER, NOW)
    assert named(check(open_store)) == [("id-twice", 3)]


def _forget_uniqueness(store: DatabaseTraceStore) -> None:
    run(
        store,
        "CREATE TABLE loose (key INTEGER PRIMARY KEY, id TEXT, kind TEXT, leaf BLOB, hash BLOB)",
    )
    run(store, "INSERT INTO loose SELECT key, id, kind, leaf, hash FROM operations")
    run(store, "DROP TABLE operations")
    run(store, "ALTER TABLE loose RENAME TO operations")


def test_something_that_is_no_leaf_is_named(open_store: Opener, store: DatabaseTraceStore) -> None:
    signed_log(store, (5,))
    rewrite(store, lambda texts: [*texts[:2], b"\xff not json", *texts[3:]])
    run(store, "DELETE FROM checkpoints")
    sign_head(store, "a", SIGNER, NOW)
    assert named(check(open_store)) == [("entry-unreadable", 2)]


def test_a_checkpoint_of_another_key_is_named(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store, (5,))
    run(store, "DELETE FROM checkpoints")
    sign_head(store, "a", Signer("tests", b"x" * 32), NOW)
    report = check(open_store)
    assert set(named(report)) == {("signature", None), ("unsigned", 0)}
    assert not report.is_whole


def test_a_changed_checkpoint_is_named(open_store: Opener, store: DatabaseTraceStore) -> None:
    first, *_ = signed_log(store)
    for note, name in (
        (str(first).replace("\n300\n", "\n301\n"), "signature"),
        ("not a note", "checkpoint-unreadable"),
        (str(sign_foreign(store)), "checkpoint-foreign"),
    ):
        run(store, "UPDATE checkpoints SET note = ? WHERE size = 300", note)
        assert named(check(open_store)) == [(name, None)]


def sign_foreign(store: DatabaseTraceStore) -> object:
    store.open_log("zz", "tests/zz")
    checkpoint = sign_head(store, "zz", SIGNER, NOW)
    run(store, "DELETE FROM checkpoints WHERE log = 'zz'")
    run(store, "DELETE FROM logs WHERE log = 'zz'")
    return checkpoint


def test_without_a_trusted_key_the_report_says_so(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store, (5,))
    assert named(check(open_store, Plan(trust_of("other")))) == [("no-key", None)]


def test_entries_after_the_last_checkpoint_are_remarked(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store, (5,))
    append(store, "a", measured("late"))
    report = check(open_store)
    assert named(report) == [("unsigned", 5)]
    assert report.is_whole


# --- beginning from a trusted checkpoint --------------------------------------------------


def test_a_check_begun_at_a_checkpoint_reads_only_what_follows(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    first, second, _ = signed_log(store)
    flip(store, 5)
    flip(store, 650)
    plan = Plan(TRUST, since={"a": str(second)})
    seen: list[int] = []
    report = verify_store(open_store, plan, progress=lambda log, done, total: seen.append(done))
    assert named(report) == [("not-read-again", 600), ("entry-changed", 650)]
    assert seen == [700]
    begun_earlier = check(open_store, Plan(TRUST, since={"a": str(first)}))
    assert named(begun_earlier) == [("not-read-again", 300), ("entry-changed", 650)]


def test_a_check_begins_at_the_start_when_the_stored_hashes_do_not_give_the_checkpoint(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    _, second, _ = signed_log(store)
    rewrite(store, lambda texts: [texts[0].replace(b"31.5", b"33.0"), *texts[1:]])
    report = check(open_store, Plan(TRUST, since={"a": str(second)}))
    assert ("rewritten", 0) in named(report)
    assert "not-read-again" not in {name for name, _ in named(report)}


def test_a_check_is_not_begun_at_a_checkpoint_nobody_trusts(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    signed_log(store)
    forged = sign_head(store, "a", Signer("tests", b"x" * 32), NOW + timedelta(days=9))
    with pytest.raises(ProofFailed, match="not signed by a trusted key"):
        check(open_store, Plan(TRUST, since={"a": str(forged)}))


# --- several logs, evidence ---------------------------------------------------------------


def test_logs_are_checked_in_processes_with_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("railtrace.trace.verify.SMALL", 0)
    open_store = partial(open_sqlite, tmp_path / "trace.db")
    store = open_store()
    for log in "abc":
        signed_log(store, log=log)
    run(store, "UPDATE operations SET leaf = ? WHERE id = 'b-7'", b"{}")
    seen: dict[str, int] = {}
    report = verify_store(
        open_store,
        Plan(trust_of("a", "b", "c")),
        workers=2,
        progress=lambda log, done, total: seen.update({log: done}),
    )
    assert [(f.log, f.name, f.position) for f in report.findings] == [("b", "entry-changed", 7)]
    assert seen == {"a": 700, "b": 700, "c": 700}


def test_evidence_that_is_missing_changed_or_expired_is_named(
    open_store: Opener, store: DatabaseTraceStore, tmp_path: Path
) -> None:
    files = EvidenceStore(tmp_path / "evidence", keep_free_bytes=0)
    kept = [files.put(f"file {i}".encode()) for i in range(4)]
    store.open_log("a", "tests/a")
    append(
        store,
        "a",
        *(measured(f"a-{i}", evidence=[{"sha256": f.sha256}]) for i, f in enumerate(kept)),
    )
    sign_head(store, "a", SIGNER, NOW)
    files.path(kept[1].sha256).unlink()
    files.path(kept[2].sha256).write_bytes(b"file x")
    files.path(kept[3].sha256).rename(files.path(kept[3].sha256).with_suffix(".expired"))
    report = check(open_store, Plan(TRUST, file_state=files.state))
    assert named(report) == [
        ("evidence-missing", 1),
        ("evidence-changed", 2),
        ("evidence-expired", 3),
    ]
    assert check(open_store).findings == ()


def test_no_name_is_both_a_fault_and_a_remark() -> None:
    assert not TEXTS.keys() & REMARKS.keys()


# --- epochs -------------------------------------------------------------------------------


def restored(store: DatabaseTraceStore, last: Checkpoint, signer: Signer | None) -> str:
    """Cut the log to 650 entries and go on in a second epoch, signed or not."""
    cut(store, 650)
    origin = next_origin("tests/a", 2, NOW)
    append(store, "a", opening(origin, 2, 650, last, NOW), day=8)
    run(store, "UPDATE logs SET origin = ? WHERE log = 'a'", origin)
    if signer is not None:
        sign_head(store, "a", signer, NOW + timedelta(days=9))
    return origin


def opened(store: DatabaseTraceStore) -> Checkpoint:
    """Sign a log that begins, as all do, with its opening."""
    store.open_log("a", "tests/a")
    append(store, "a", LogOpened(id="log:tests/a:1", happened_at=NOW, origin="tests/a"))
    append(store, "a", *(measured(f"a-{i}") for i in range(1, 700)))
    return sign_head(store, "a", SIGNER, NOW)


def test_a_restore_that_names_what_it_lost_is_a_remark(
    open_store: Opener, store: DatabaseTraceStore
) -> None:
    last = opened(store)
    restored(store, last, SIGNER)
    report = check(open_store, Plan(TRUST, {"a": [str(last)]}))
    assert named(report) == [("lost", 650)]


def test_nobody_without_the_key_passes_a_cut_off_tail_for_a_restore(
    open_store: Opener, store: DatabaseTraceStore, tmp_path: Path
) -> None:
    last = opened(store)
    restored(store, last, None)
    report = check(open_store, Plan(TRUST, {"a": [str(last)]}))
    assert ("cut-off", 650) in named(report)
    assert not report.is_whole
    (tmp_path / "kept").write_text(str(last))
    export(store, tmp_path / "out", TRUST)
    key_text = str(SIGNER.named("tests/a").verifier)
    arguments = [str(tmp_path / "out"), "--key", key_text, "--checkpoint", str(tmp_path / "kept")]
    assert exported_check(arguments) == 1
    sign_head(store, "a", SIGNER, NOW + timedelta(days=9))
    export(store, tmp_path / "signed", TRUST)
    assert exported_check([str(tmp_path / "signed"), *arguments[1:]]) == 0
