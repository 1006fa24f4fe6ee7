"""docs/trace-format.md and its vectors say what the program does, and what the standards say."""

import json
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785

from railtrace import check
from railtrace.errors import ProofFailed
from railtrace.store.keys import read_recovery_copy
from railtrace.trace.checkpoint import Checkpoint, Signer, VerifierKey
from railtrace.trace.findings import REMARKS, TEXTS
from railtrace.trace.merkle import check_consistency
from railtrace.trace.operation import KINDS
from tests.trace.format_tables import tables
from tests.trace.test_merkle_laws import defined_root
from tests.trace.vectors import FOLDER, SEED, VECTORS

PAGE = (Path(__file__).parents[2] / "docs" / "trace-format.md").read_text()


def vectors(name: str) -> dict:  # type: ignore[type-arg]
    return json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_the_program_computes_the_published_vectors(name: str) -> None:
    assert VECTORS[name]() == vectors(name)


def test_the_page_describes_every_field_as_it_is() -> None:
    written = PAGE.split("<!-- tables -->\n\n")[1].split("\n<!-- end of tables -->")[0]
    assert written == tables(), "paste the output of: python -m tests.trace.format_tables"


def test_the_page_says_everything_once() -> None:
    prose = re.sub("<!-- tables -->.*<!-- end of tables -->", "", PAGE, flags=re.DOTALL)
    headings = re.findall("^#+ .*$", prose, flags=re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert PAGE.count("<!-- end of tables -->") == 1


def test_the_page_explains_every_finding() -> None:
    missing = [name for name in [*TEXTS, *REMARKS, "proof-wrong"] if f"`{name}`" not in PAGE]
    assert missing == []


def test_every_kind_has_a_vector_with_all_its_fields() -> None:
    sent = {row["sent"]["kind"]: row["sent"] for row in vectors("leaves")["leaves"][: len(KINDS)]}
    for name, kind in KINDS.items():
        assert set(sent[name]) == {*kind.__struct_fields__, "kind"}


def test_the_leaf_vectors_follow_from_rfc_8785_and_rfc_9162_alone() -> None:
    for row in vectors("leaves")["leaves"]:
        leaf = row["leaf"].encode()
        assert rfc8785.dumps(json.loads(leaf)) == leaf
        assert sha256(b"\0" + leaf).hexdigest() == row["leaf_hash"] == check.leaf_hash(leaf).hex()
        assert not re.search(r"[:,\[][0-9]+\.[0-9]", re.sub(r'"[^"]*"', '""', row["leaf"]))


def test_the_tree_vectors_follow_from_the_definitions() -> None:
    tree = vectors("tree")
    texts = [f"leaf {i}".encode() for i in range(257)]
    roots = {int(size): bytes.fromhex(root) for size, root in tree["roots"].items()}
    assert sorted(roots) == [*range(21), 255, 256, 257]
    assert all(root == defined_root(texts[:size]) for size, root in roots.items())
    for proof in tree["inclusion"]:
        path = [bytes.fromhex(part) for part in proof["path"]]
        leaf = check.leaf_hash(texts[proof["position"]])
        assert leaf.hex() == proof["leaf_hash"]
        root = check.root_from_path(leaf, proof["position"], proof["size"], path)
        assert root == defined_root(texts[: proof["size"]])
    for growth in tree["consistency"]:
        ends = [defined_root(texts[: growth[name]]) for name in ("old", "new")]
        path = [bytes.fromhex(part) for part in growth["path"]]
        check_consistency(growth["old"], growth["new"], *ends, path)


def test_the_key_vectors_are_checked_by_both_programs() -> None:
    keys = vectors("keys")
    note, key = keys["checkpoint"], keys["verifier_key"]
    Checkpoint.parse(note).require([VerifierKey.parse(key)])
    parsed = check.read_note(note)
    assert parsed is not None
    assert check.signed_by(parsed, key)
    assert parsed.root.hex() == vectors("tree")["roots"]["257"]
    for mark in keys["signatures"]:
        public = check.read_key(mark["verifier_key"]).public
        statement = keys["key_statement"].encode()
        assert check.ed25519_verify(public, statement, b64decode(mark["signature"]))
    copy = read_recovery_copy("\n".join(keys["recovery_copy"]))
    assert copy == Signer("example.org/depot", SEED)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n257\n", "\n0257\n"),
        lambda note: note.replace("\n257\n", "\n-1\n"),
        lambda note: note.replace("\n257\n", "\n２57\n"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\u2014", "-"),
        lambda note: note.replace("example.org/depot\n257", "\n257"),
        lambda note: note.split("\n\n")[0] + "\n\n",
        lambda note: "",
    ],
)
def test_what_is_not_a_checkpoint_is_refused_by_both_programs(change) -> None:  # type: ignore[no-untyped-def]
    note = change(vectors("keys")["checkpoint"])
    assert check.read_note(note) is None
    with pytest.raises(ProofFailed, match="not a signed checkpoint"):
        Checkpoint.parse(note)
