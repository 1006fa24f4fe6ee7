"""Files by content: written whole, checked at reading, deleted only when nothing holds them."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railtrace.errors import BadOperation, NotFound, ProofFailed, StoreFull
from railtrace.store.evidence import GRACE, EvidenceStore, Named, named_in
from railtrace.trace import leaf as leaves
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Corrected
from tests.trace.operations import measured

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=400)


@pytest.fixture
def files(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path, keep_free_bytes=0, retention_days={"photo": 365, "curve": 30})


def age(files: EvidenceStore, sha: str, when: datetime = OLD) -> None:
    os.utime(files.path(sha), (when.timestamp(), when.timestamp()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.binary(max_size=5000))
def test_what_is_put_comes_back(files: EvidenceStore, content: bytes) -> None:
    named = files.put(content, "a.pdf", "application/pdf", "photo")
    assert (named.sha256, named.size) == (sha256(content).hexdigest(), len(content))
    assert (named.name, named.evidence_class) == ("a.pdf", "photo")
    assert files.read(named.sha256) == content == files.open(named.sha256).read()
    assert files.state(named.sha256) == "kept"


def test_a_stream_is_kept_like_bytes_and_once(files: EvidenceStore) -> None:
    content = os.urandom(3_000_000)
    assert files.put(BytesIO(content)).sha256 == files.put(content).sha256
    assert list(files.files()) == [sha256(content).hexdigest()]
    assert not list((files.folder / "incoming").iterdir())


def test_a_changed_file_is_not_handed_out_and_is_mended_by_putting_it_again(
    files: EvidenceStore,
) -> None:
    sha = files.put(b"content").sha256
    files.path(sha).write_bytes(b"Content")
    with pytest.raises(ProofFailed, match=sha):
        files.open(sha)
    assert files.state(sha) == "changed"
    files.put(b"content")
    assert files.read(sha) == b"content"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64, "g" * 64, "/" * 64])
def test_only_a_hash_names_a_file(files: EvidenceStore, name: str) -> None:
    with pytest.raises(NotFound):
        files.open(name)
    assert files.state(name) == "missing"


def test_missing_files_are_told(files: EvidenceStore) -> None:
    sha, other = files.put(b"x").sha256, "0" * 64
    assert files.missing([sha, other]) == [other]
    with pytest.raises(NotFound):
        files.open(other)


def test_too_long_a_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    files = EvidenceStore(tmp_path, keep_free_bytes=0, max_bytes=10)
    files.put(b"x" * 10)
    with pytest.raises(BadOperation, match="longer"):
        files.put(b"x" * 11)
    assert len(list(files.files())) == 1
    assert not list((tmp_path / "incoming").iterdir())


class _Usage(NamedTuple):
    free: int


def test_a_full_disk_refuses_files_and_reading_goes_on(
    files: EvidenceStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sha = files.put(b"before").sha256
    strict = EvidenceStore(tmp_path, keep_free_bytes=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Usage(999))
    with pytest.raises(StoreFull, match="full"):
        strict.put(b"after")
    assert strict.read(sha) == b"before"


# --- sweeping -----------------------------------------------------------------------------


def test_a_file_nothing_names_goes_after_its_grace(files: EvidenceStore) -> None:
    young, old = files.put(b"young").sha256, files.put(b"old").sha256
    age(files, young, NOW - GRACE + timedelta(minutes=1))
    age(files, old, NOW - GRACE - timedelta(minutes=1))
    assert files.sweep({}, NOW) == [old]
    assert files.state(young) == "kept"
    assert files.state(old) == "missing"


def test_a_file_put_again_waits_anew(files: EvidenceStore) -> None:
    sha = files.put(b"again").sha256
    age(files, sha)
    files.put(b"again")
    assert files.sweep({}, datetime.now(UTC)) == []


@pytest.mark.parametrize(
    ("classes", "days", "goes"),
    [
        ({"photo"}, 364, False),
        ({"photo"}, 366, True),
        ({"curve"}, 31, True),
        ({"curve", "photo"}, 31, False),
        ({"curve", "document"}, 9999, False),
        ({"catalogue"}, 9999, False),
    ],
)
def test_a_named_file_goes_only_after_the_longest_retention_of_its_classes(
    files: EvidenceStore, classes: set[str], days: int, goes: bool
) -> None:
    sha = files.put(b"named").sha256
    age(files, sha)
    recorded_us = microseconds(NOW - timedelta(days=days))
    gone = files.sweep({sha: Named(frozenset(classes), recorded_us)}, NOW)
    assert gone == ([sha] if goes else [])
    assert files.state(sha) == ("expired" if goes else "kept")


def test_an_expired_file_that_is_put_again_is_kept_again(files: EvidenceStore) -> None:
    sha = files.put(b"named").sha256
    files.sweep({sha: Named(frozenset({"curve"}), 0)}, NOW)
    files.put(b"named")
    assert files.state(sha) == "kept"
    assert list(files.files()) == [sha]


def test_what_the_trace_names_is_found_wherever_it_stands() -> None:
    shas = [f"{i:064x}" for i in range(4)]
    replacement = measured("r", evidence=[{"sha256": shas[1], "evidence_class": "photo"}])
    operations = [
        measured("m", evidence=[{"sha256": shas[0]}]),
        Corrected(
            id="c", happened_at=NOW, target="m", action="replace", reason="r",
            replacement=replacement,  # type: ignore[arg-type]
        ),
        measured(
            "k", kind="CatalogueAdopted", readings=[], catalogue=shas[2],
            valid_from="2026-01-01T00:00:00Z",
        ),
        measured("n", evidence=[{"sha256": shas[0], "evidence_class": "curve"}]),
    ]  # fmt: skip
    texts = [
        leaves.encode(operation, NOW + timedelta(days=i), "w", "t")
        for i, operation in enumerate(operations)
    ]
    unknown = texts[0].replace(b'"Measured"', b'"Teleported"').replace(b"0" * 64, b"3" * 64)
    found = named_in(leaves.read(text, "a", i) for i, text in enumerate([*texts, unknown]))
    assert {sha: sorted(named.classes) for sha, named in found.items()} == {
        shas[0]: ["curve", "document"],
        shas[1]: ["photo"],
        shas[2]: ["catalogue"],
        "3" * 64: ["document"],
    }
    assert found[shas[0]].recorded_us == microseconds(NOW + timedelta(days=3))
