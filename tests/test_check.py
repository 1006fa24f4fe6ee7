"""The exported checker finds and names the same attacks, and knows nothing of the writer."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace import check
from railtrace.errors import ConfigError, NotFound
from railtrace.store.evidence import EvidenceStore
from railtrace.store.export import export, proof_of
from railtrace.store.keys import save_trust
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import findings
from railtrace.trace.checkpoint import Checkpoint, Signer, VerifierKey
from railtrace.trace.ledger import sign_head
from railtrace.trace.merkle import leaf_hash
from tests.store.ledgers import NOW, SIGNER, TRUST, append, signed_log, trust_of
from tests.trace.operations import measured

KEY = str(SIGNER.named("tests/a").verifier)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DatabaseTraceStore]:
    opened = DatabaseTraceStore(Sqlite(tmp_path / "trace.db"))
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence", keep_free_bytes=0)


@pytest.fixture
def exported(store: DatabaseTraceStore, tmp_path: Path) -> Path:
    signed_log(store)
    export(store, tmp_path / "out", TRUST)
    return tmp_path / "out"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    def call(*arguments: object) -> tuple[int, list[str]]:
        code = check.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, (printed.out + printed.err).splitlines()

    return call


Run = Callable[..., tuple[int, list[str]]]


def faults(lines: list[str]) -> list[str]:
    return [line.removeprefix("FAULT ") for line in lines if line.startswith("FAULT")]


def lines_of(exported: Path) -> list[bytes]:
    return (exported / "logs/a/leaves.jsonl").read_bytes().splitlines(keepends=True)


def write(exported: Path, lines: list[bytes], hashes: bool = False) -> None:
    (exported / "logs/a/leaves.jsonl").write_bytes(b"".join(lines))
    if hashes:
        (exported / "logs/a/hashes").write_bytes(
            b"".join(leaf_hash(line.rstrip(b"\n")) for line in lines)
        )


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(Path(check.__file__).read_text())
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else name.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_it_names_faults_as_the_store_check_does() -> None:
    shared = findings.TEXTS.keys() & check.FAULTS.keys()
    assert {name: check.FAULTS[name] for name in shared} == {
        name: findings.TEXTS[name] for name in shared
    }
    assert check.FAULTS.keys() - shared == {"proof-wrong"}
    of_stores_only = {
        "column-changed", "head-changed", "subtree-changed", "subtree-missing"
    }  # fmt: skip
    assert findings.TEXTS.keys() - shared == of_stores_only
    of_certificates = {
        "promise", "nothing-found", "counted", "heard", "server-key", "signed-on-paper", "passkey",
        "key-unnamed",
    }  # fmt: skip
    assert check.REMARKS.keys() - findings.REMARKS.keys() == of_certificates
    shared_remarks = check.REMARKS.keys() - of_certificates
    assert all(check.REMARKS[name] == findings.REMARKS[name] for name in shared_remarks)


def test_a_whole_export_is_proven_by_the_key_alone(exported: Path, run: Run) -> None:
    code, lines = run(exported, "--key", KEY)
    assert (code, lines[-1]) == (0, "nothing is wrong")
    assert lines[0] == "a: 700 entries, 700 under a trusted checkpoint"


def test_the_copy_inside_the_export_runs_by_itself(exported: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "check.py", ".", "--key", KEY],
        cwd=exported, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "nothing is wrong"), done.stderr


def test_a_zip_is_checked_as_it_is(store: DatabaseTraceStore, tmp_path: Path, run: Run) -> None:
    signed_log(store)
    export(store, tmp_path / "out.zip", TRUST)
    assert run(tmp_path / "out.zip", "--key", KEY)[0] == 0


def test_without_a_key_it_says_what_is_not_shown(exported: Path, run: Run) -> None:
    code, lines = run(exported)
    assert code == 0
    assert "not who made them" in lines[0]


@pytest.mark.parametrize("position", [0, 299, 300, 699])
def test_a_flipped_byte_is_named(exported: Path, run: Run, position: int) -> None:
    lines = lines_of(exported)
    lines[position] = lines[position].replace(b"31.5", b"31.4")
    write(exported, lines)
    code, said = run(exported, "--key", KEY)
    assert code == 1
    assert faults(said) == [
        f"entry-changed: a {position} (a-{position}): the entry was changed after it was recorded"
    ]


@pytest.mark.parametrize(("position", "count"), [(0, 1), (299, 1), (400, 7)])
def test_a_removed_operation_is_named(exported: Path, run: Run, position: int, count: int) -> None:
    lines = lines_of(exported)
    del lines[position : position + count]
    write(exported, lines)
    code, said = run(exported, "--key", KEY)
    assert code == 1
    assert faults(said) == [f"entry-removed: a {position}: {count} entries were removed here"]


def test_an_added_entry_is_named(exported: Path, run: Run) -> None:
    lines = lines_of(exported)
    lines.insert(5, lines[4].replace(b"a-4", b"b-4"))
    write(exported, lines)
    assert faults(run(exported, "--key", KEY)[1]) == [
        "entry-added: a 5: an entry was added that the log does not hold"
    ]


def test_swapped_entries_are_named_with_their_places(exported: Path, run: Run) -> None:
    lines = lines_of(exported)
    lines[10], lines[500] = lines[500], lines[10]
    write(exported, lines)
    assert [line.split(":")[1:] for line in faults(run(exported, "--key", KEY)[1])] == [
        [" a 10 (a-500)", " the entry belongs at position 500"],
        [" a 500 (a-10)", " the entry belongs at position 10"],
    ]


def test_several_faults_are_each_named(exported: Path, run: Run) -> None:
    lines = lines_of(exported)
    lines[600] = lines[600].replace(b"31.5", b"31.4")
    del lines[300]
    del lines[690:]
    write(exported, lines)
    said = faults(run(exported, "--key", KEY)[1])
    assert [line.split(":")[0] for line in said] == ["entry-removed", "entry-changed", "cut-off"]
    assert "a 691" in said[2]


@pytest.mark.parametrize("size", [650, 600, 1, 0])
def test_a_tail_cut_off_is_found(exported: Path, run: Run, size: int) -> None:
    write(exported, lines_of(exported)[:size])
    code, said = run(exported, "--key", KEY)
    assert code == 1
    assert faults(said) == [
        f"cut-off: a {size}: the log ends here, 700 entries were signed: its tail is gone"
    ]


def test_a_tail_cut_off_with_its_traces_is_found_against_an_earlier_checkpoint(
    exported: Path, run: Run, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    shutil.copy(exported / "logs/a/checkpoint", kept)
    write(exported, lines_of(exported)[:600], hashes=True)
    notes = (exported / "logs/a/checkpoints.jsonl").read_text().splitlines()
    (exported / "logs/a/checkpoints.jsonl").write_text("\n".join(notes[:2]))
    (exported / "logs/a/checkpoint").write_text(json.loads(notes[1]))
    assert run(exported, "--key", KEY)[0] == 0
    code, said = run(exported, "--key", KEY, "--checkpoint", kept)
    assert code == 1
    assert faults(said)[0].startswith("cut-off: a 600")


def test_a_full_rewrite_with_new_hashes_is_found(exported: Path, run: Run) -> None:
    lines = [line.replace(b"31.5", b"33.0") for line in lines_of(exported)]
    write(exported, lines_of(exported)[:300] + lines[300:], hashes=True)
    code, said = run(exported, "--key", KEY)
    assert code == 1
    assert faults(said)[0].startswith("rewritten: a 300: entries 300 to 599")


def test_a_rewrite_signed_by_another_key_is_found(exported: Path, run: Run, tmp_path: Path) -> None:
    forger = Signer("tests/a", b"f" * 32)
    note = Checkpoint.parse((exported / "logs/a/checkpoint").read_text())
    forged = Checkpoint(note.origin, note.size, note.root).signed(forger)
    (exported / "logs/a/checkpoint").write_text(str(forged))
    assert [line.split(":")[0] for line in faults(run(exported, "--key", KEY)[1])] == ["signature"]
    # With the forger's key slipped into the export, only the key one holds oneself tells.
    (exported / "logs/a/checkpoints.jsonl").write_text("")
    trust = json.loads((exported / "trust.json").read_text())
    trust["keys"][0]["verifier_key"] = str(forger.verifier)
    (exported / "trust.json").write_text(json.dumps(trust))
    assert run(exported)[0] == 0
    assert run(exported, "--key", KEY)[0] == 1
    save_trust(tmp_path / "trust.json", TRUST)
    assert run(exported, "--trust", tmp_path / "trust.json")[0] == 1


def test_a_changed_hash_file_is_told_from_changed_entries(exported: Path, run: Run) -> None:
    hashes = bytearray((exported / "logs/a/hashes").read_bytes())
    hashes[32 * 9] ^= 1
    (exported / "logs/a/hashes").write_bytes(hashes)
    assert [line.split(":")[0] for line in faults(run(exported, "--key", KEY)[1])] == [
        "hash-changed"
    ]


def test_an_export_without_its_hash_file_is_still_checked(exported: Path, run: Run) -> None:
    (exported / "logs/a/hashes").unlink()
    assert run(exported, "--key", KEY)[0] == 0
    write(exported, lines_of(exported)[:-1])
    (exported / "logs/a/hashes").unlink(missing_ok=True)
    assert run(exported, "--key", KEY)[0] == 1


def test_an_id_in_two_logs_is_named(store: DatabaseTraceStore, tmp_path: Path, run: Run) -> None:
    signed_log(store, (5,), "a")
    other = DatabaseTraceStore(Sqlite(tmp_path / "other.db"))
    other.open_log("b", "tests/b")
    append(other, "b", measured("a-3"))
    sign_head(other, "b", SIGNER, NOW)
    export(store, tmp_path / "one", trust_of("a", "b"))
    export(other, tmp_path / "two", trust_of("a", "b"))
    other.close()
    shutil.copytree(tmp_path / "two/logs/b", tmp_path / "one/logs/b")
    manifest = json.loads((tmp_path / "one/manifest.json").read_text())
    manifest["logs"] += json.loads((tmp_path / "two/manifest.json").read_text())["logs"]
    (tmp_path / "one/manifest.json").write_text(json.dumps(manifest))
    assert faults(run(tmp_path / "one")[1]) == ["id-twice: b 0: id a-3 is recorded at a 3 too"]


def test_evidence_is_exported_and_checked(
    store: DatabaseTraceStore, files: EvidenceStore, tmp_path: Path, run: Run
) -> None:
    kept = [files.put(f"file {i}".encode()) for i in range(4)]
    store.open_log("a", "tests/a")
    operations = [measured(f"a-{i}", evidence=[{"sha256": f.sha256}]) for i, f in enumerate(kept)]
    append(store, "a", *operations)
    sign_head(store, "a", SIGNER, NOW)
    files.path(kept[3].sha256).rename(files.path(kept[3].sha256).with_suffix(".expired"))
    out = tmp_path / "out"
    export(store, out, TRUST, evidence=files)
    code, said = run(out, "--key", KEY)
    assert (code, said[1].split(":")[0]) == (0, "note evidence-expired")
    one, two = (out / "evidence" / f.sha256[:2] / f.sha256 for f in kept[:2])
    one.unlink()
    two.write_bytes(b"other")
    assert [line.split(":")[0] for line in faults(run(out, "--key", KEY)[1])] == [
        "evidence-missing",
        "evidence-changed",
    ]


def test_garbage_lines_are_named_and_do_not_stop_the_check(exported: Path, run: Run) -> None:
    lines = lines_of(exported)
    lines[3] = b"\xff\x00{[[[\n"
    lines[4] = b'{"operation":7}\n'
    lines[5] = b"[" * 100_000 + b"\n"
    write(exported, lines)
    assert [line.split(":")[1] for line in faults(run(exported, "--key", KEY)[1])] == [
        " a 3 ()", " a 4 ()", " a 5 ()"
    ]  # fmt: skip


def test_what_cannot_be_checked_answers_2(exported: Path, run: Run, tmp_path: Path) -> None:
    other = str(Signer("tests/other", bytes(32)).verifier)
    (tmp_path / "broken.json").write_text("{")
    for arguments in (
        (tmp_path / "nowhere",),
        (tmp_path / "broken.json",),
        (exported, "--key", "nonsense"),
        (exported, "--key", other),
        (exported, "--key", KEY[:-3] + "AAA"),
        (exported, "--key", str(VerifierKey("tests/a", bytes(31)))),
        (exported, "--trust", tmp_path / "broken.json"),
        (exported, "--key", KEY, "--checkpoint", tmp_path / "broken.json"),
    ):
        code, said = run(*arguments)
        assert code == 2, said
        assert said[-1].startswith("cannot check: ")


def test_an_export_goes_only_into_a_new_folder_and_of_known_logs(
    store: DatabaseTraceStore, exported: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="not empty"):
        export(store, exported, TRUST)
    with pytest.raises(NotFound, match="no log zz"):
        export(store, tmp_path / "more", TRUST, logs=["zz"])


# --- the proof of one entry ---------------------------------------------------------------


@pytest.fixture
def proof(store: DatabaseTraceStore) -> dict[str, object]:
    _, second, _ = signed_log(store)
    return proof_of(store, "a-299", second, TRUST)


def test_a_proof_of_one_entry_holds(proof: dict[str, object], tmp_path: Path, run: Run) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof))
    code, said = run(path, "--key", KEY)
    assert code == 0
    assert '"id":"a-299"' in said[0]
    assert run(path)[0] == 0


@pytest.mark.parametrize("part", ["leaf", "position", "path", "checkpoint"])
def test_a_proof_with_any_part_changed_does_not(
    proof: dict[str, object], tmp_path: Path, run: Run, part: str
) -> None:
    path_parts = list(proof["path"])  # type: ignore[call-overload]
    changed: dict[str, object] = {
        "leaf": str(proof["leaf"]).replace("31.5", "31.4"),
        "position": 298,
        "path": [*path_parts[:-1], "00" * 32],
        "checkpoint": str(proof["checkpoint"]).replace("\n600\n", "\n601\n"),
    }
    (tmp_path / "proof.json").write_text(json.dumps(proof | {part: changed[part]}))
    code, said = run(tmp_path / "proof.json", "--key", KEY)
    assert code == 1
    wanted = "signature" if part == "checkpoint" else "proof-wrong"
    assert [line.split(":")[0] for line in faults(said)] == [wanted]


def test_an_entry_without_a_checkpoint_over_it_has_no_proof_yet(
    store: DatabaseTraceStore,
) -> None:
    signed_log(store, (3,))
    append(store, "a", measured("late"))
    assert proof_of(store, "a-2")["position"] == 2
    for id_ in ("late", "nobody"):
        with pytest.raises(NotFound):
            proof_of(store, id_)


# --- Ed25519 ------------------------------------------------------------------------------

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    key, text, mark = (bytes.fromhex(part) for part in (public, message, signature))
    assert check.ed25519_verify(key, text, mark)
    assert not check.ed25519_verify(key, text + b"x", mark)
    assert not check.ed25519_verify(key, text, mark[:32] + bytes(32))


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64), st.integers(0, 511))
def test_signatures_are_judged_as_openssl_judges_them(seed: bytes, text: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, mark = private.public_key().public_bytes_raw(), bytearray(private.sign(text))
    assert check.ed25519_verify(public, text, bytes(mark))
    mark[bit // 8] ^= 1 << bit % 8
    assert not check.ed25519_verify(public, text, bytes(mark))


def test_a_signature_with_a_scalar_beyond_the_order_is_refused() -> None:
    key, text, mark = (bytes.fromhex(part) for part in RFC_8032[0])
    order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(mark[32:], "little") + order
    assert not check.ed25519_verify(key, text, mark[:32] + larger.to_bytes(32, "little"))


def test_the_zip_holds_what_the_folder_holds(
    store: DatabaseTraceStore, exported: Path, tmp_path: Path
) -> None:
    export(store, tmp_path / "out.zip", TRUST)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = set(archive.namelist())
        assert all(archive.read(name) == (exported / name).read_bytes() for name in names)
    assert names == {str(p.relative_to(exported)) for p in exported.rglob("*") if p.is_file()}
