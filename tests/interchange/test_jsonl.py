"""JSON lines: streamed, every refusal named by its line."""

import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import BadOperation
from railtrace.interchange.jsonl import LONGEST_LINE, Summary, record_jsonl
from railtrace.interchange.sent import explain, read_array, read_operation
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import Operation
from tests.trace.operations import operations


def _line(id_: str, **changes: object) -> bytes:
    operation = {"kind": "Washed", "id": id_, "happened_at": "2026-01-01T08:00:00+05:00",
                 "units": ["u-1"]}  # fmt: skip
    return json.dumps(operation | changes).encode() + b"\n"


def test_lines_are_recorded_and_each_refusal_names_its_line(tmp_path: Path) -> None:
    app = App(Config(data=str(tmp_path)))
    app.prepare()
    lines = [b"\xef\xbb\xbf" + _line("w-1"), b"\n", _line("w-2", happened_at="2026-01-01T08:00:00"),
             b"{broken\n", _line("w-3"), _line("w-3"), b'{"id": "w-4", "x": "\xff"}\n',
             b'"' + b"x" * (2 * LONGEST_LINE) + b'"\n', _line("w-5").strip()]  # fmt: skip
    seen: list[int] = []
    summary = record_jsonl(
        app, io.BytesIO(b"".join(lines)), "p-1", progress=lambda s: seen.append(s.accepted)
    )
    app.stop()
    assert (summary.accepted, summary.duplicates, summary.refused) == (3, 1, 4)
    assert [line.number for line in summary.refused_lines] == [3, 4, 7, 8]
    assert summary.refused_lines[0].id == "w-2"
    assert "has no offset" in str(summary.refused_lines[0].refusal)
    assert "longer than 1 MB" in str(summary.refused_lines[3].refusal)
    assert seen == [3]


def test_a_file_sent_again_is_known(tmp_path: Path) -> None:
    app = App(Config(data=str(tmp_path)))
    app.prepare()
    text = b"".join(_line(f"w-{n}") for n in range(2500))
    first = record_jsonl(app, io.BytesIO(text), "p-1")
    again = record_jsonl(app, io.BytesIO(text), "p-1")
    app.stop()
    assert (first.accepted, again.accepted, again.duplicates) == (2500, 0, 2500)
    assert isinstance(first, Summary)


def test_what_an_installation_writes_about_itself_cannot_be_sent() -> None:
    opened = _line("x", kind="LogOpened", origin="a/b", units=[])
    assert "LogOpened is written by the installation itself" in str(read_operation(opened))
    corrected = _line("x", kind="Corrected", target="y", action="replace", reason="z", units=[],
                      replacement=json.loads(opened))  # fmt: skip
    assert "cannot be sent" in str(read_operation(corrected))


_NEVER = b'{"kind":"Flown","id":"x"}'


@given(st.lists(operations(), max_size=4), st.sampled_from([b"", _NEVER, b"5", b"{", b'"\xff"']))
def test_an_array_read_at_one_stroke_is_what_reading_each_alone_gives(
    given_: list[Operation], odd: bytes
) -> None:
    texts = [encode_operation(operation) for operation in given_] + [odd] * bool(odd)
    read = read_array(b"[" + b", ".join(texts) + b"]")
    if odd:
        assert read is None
        return
    assert read is not None
    alone = [read_operation(text) for text in texts]
    assert [_told(item) for item in read] == [_told(item) for item in alone]


def _told(item: Operation | BadOperation) -> object:
    return item if isinstance(item, Operation) else str(item)


def test_a_complaint_names_the_field_by_its_path() -> None:
    said = explain("Invalid enum value 'furlong' - at `$.readings[0].unit`")
    assert (said.field, str(said)) == (
        "readings[0].unit", "readings[0].unit: 'furlong' is not one of the words allowed there",
    )  # fmt: skip
    missing = explain("Object missing required field `value` - at `$.readings[1]`")
    assert missing.field == "readings[1].value"


def test_a_nested_bomb_is_refused_in_words() -> None:
    bomb = b'{"kind":"Corrected","replacement":' * 100_000
    assert "nested too deep" in str(read_operation(bomb)) or "not JSON" in str(read_operation(bomb))
