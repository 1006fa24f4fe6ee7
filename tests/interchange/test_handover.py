"""A round trip of a handover loses nothing, and nobody changes a byte of it unseen."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.errors import BadOperation, ProofFailed
from railtrace.interchange.handover import (
    File,
    Packet,
    content_of,
    made_return,
    operations_of,
    read_packet,
    read_return,
    written,
)
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import Evidence, Operation
from tests.projections.railway import op

SEED = bytes(range(32))
PACKET = Packet("C-1", "329", "test", 1, "c-1", ("v-1", "v-2"),
                {"v-1": ("v-1", "w-1"), "v-2": ("v-2",)}, {"main": 7},
                {"ru": {"coaches": []}})  # fmt: skip
CONTENT = written(PACKET)

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)
units = st.sampled_from(["v-1", "v-2", "w-1"])


@st.composite
def work(draw: st.DrawFn, n: int) -> Operation:
    kind = draw(st.sampled_from(["DefectFound", "Repaired", "Inspected", "LocationReported"]))
    said = draw(texts)
    field = {"DefectFound": "code", "Repaired": "work", "Inspected": "scope",
             "LocationReported": "place"}[kind]  # fmt: skip
    return op(kind, f"k-{n}", draw(st.integers(1, 60)), units=(draw(units),), note=draw(texts),
              **{field: said})  # fmt: skip


def file_of(content: bytes) -> tuple[str, File]:
    return hashlib.sha256(content).hexdigest(), File(
        "x.jpg", "image/jpeg", "photo", b64encode(content).decode())  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_was_done_comes_back_byte_for_byte_with_its_files(data: st.DataObject) -> None:
    done = [data.draw(work(n)) for n in range(data.draw(st.integers(0, 12)))]
    files = dict(file_of(c) for c in data.draw(st.lists(st.binary(max_size=60), max_size=3)))
    found = read_return(made_return(CONTENT, "ПТО", done, files, SEED))
    back = operations_of(found, read_packet(CONTENT))
    assert [encode_operation(o) for o in back] == [encode_operation(o) for o in done]
    assert back == done
    assert {sha: content_of(f) for sha, f in found.files.items()} == {
        sha: content_of(f) for sha, f in files.items()}  # fmt: skip


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    whole = made_return(CONTENT, "ПТО", [data.draw(work(0))], dict([file_of(b"p")]), SEED)
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(1, 255))
    changed = whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :]
    try:
        found = read_return(changed)
    except (BadOperation, ProofFailed):
        return
    # A byte may be written otherwise and mean the same; then nothing at all is different.
    assert found == read_return(whole)


def test_a_packet_is_read_as_it_was_written() -> None:
    assert read_packet(CONTENT) == PACKET
    assert written(read_packet(CONTENT)) == CONTENT
    with pytest.raises(BadOperation, match="no handover packet"):
        read_packet(b"{}")


def test_what_may_not_come_back_is_refused_by_name() -> None:
    for operation, said in (
        (op("WrittenOff", "k", 3, units=("v-1",), reason="x"), "WrittenOff does not come back"),
        (op("Released", "k", 3, units=("v-1",), decision="d", scope="unit"), "Released"),
        (op("Repaired", "k", 3, units=("v-9",), work="x"), "v-9, which is not in the packet"),
    ):
        with pytest.raises(BadOperation, match=said):
            made_return(CONTENT, "ПТО", [operation], {}, SEED)


def test_a_part_that_was_put_on_abroad_is_taken() -> None:
    lent = [op("Installed", "k-1", 3, units=("w-lent",), carrier="v-1", position="bogie.1"),
            op("Measured", "k-2", 4, units=("w-lent",), readings=())]  # fmt: skip
    found = read_return(made_return(CONTENT, "ПТО", lent, {}, SEED))
    assert operations_of(found, PACKET) == lent


def test_the_command_signs_and_prints_the_fingerprint(tmp_path: Path) -> None:
    packet, lines, photo = tmp_path / "p.json", tmp_path / "w.jsonl", tmp_path / "x.jpg"
    packet.write_bytes(CONTENT)
    photo.write_bytes(b"picture")
    proof = Evidence(sha256=hashlib.sha256(b"picture").hexdigest(), name="x.jpg")
    done = op("Repaired", "k-1", 3, units=("v-1",), work="замена", evidence=(proof,))
    lines.write_bytes(encode_operation(done) + b"\n")
    arguments = ["handover-return", str(packet), str(lines), str(tmp_path / "r.json"), "--depot",
                 "ПТО", "--key", str(tmp_path / "key.json"), "--file", str(photo)]  # fmt: skip
    said = CliRunner().invoke(cli, arguments)
    assert said.exit_code == 0, said.output
    found = read_return((tmp_path / "r.json").read_bytes())
    assert found.fingerprint in said.output
    assert operations_of(found, PACKET) == [done]
    again = CliRunner().invoke(cli, arguments)
    assert found.fingerprint in again.output, "the key stays the same"
    lines.write_text(json.dumps({"kind": "Repaired", "id": "k"}))
    assert CliRunner().invoke(cli, arguments).exit_code == 1
    assert msgspec.json.decode((tmp_path / "key.json").read_bytes())["seed"]
