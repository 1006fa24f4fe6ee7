"""The outbox: exactly once in, never lost, discards in the stated order."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from railtrace.devices.gateway.outbox import Draft, Outbox
from railtrace.devices.message import File, Message
from railtrace.errors import RailtraceError, StoreFull

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
RECEIPT = {"id": "x", "log": "depot", "position": 1, "recorded_at": "", "leaf_hash": "00"}


def draft(key: str, content: bytes = b"x", **changes: object) -> Draft:
    told = {
        "key": key, "device": "d-1", "fingerprint": "f", "result_id": key, "received_at": NOW,
        "body": b"[]", "message": Message(content=content, received_at=NOW),
    }  # fmt: skip
    return Draft(**{**told, **changes})


def test_a_result_is_kept_once_and_another_under_its_number_waits(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        assert outbox.put([draft("a"), draft("a"), draft("b")]) == ["new", "repeat", "new"]
        assert outbox.put([draft("a", fingerprint="g")]) == ["held"]
        assert outbox.put([draft("a", fingerprint="g")]) == ["repeat"]
        assert [row.key for row in outbox.waiting()] == ["a", "b"]


def test_what_was_put_stands_after_a_new_start(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a")])
    with Outbox(tmp_path, quota_bytes=1 << 30) as outbox:
        assert outbox.depth() == 1


def test_a_sent_result_is_kept_thirty_days_after_its_receipt_and_no_longer(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a", files=(File("c", b"curve"),)), draft("b")])
        outbox.receipt([(outbox.waiting()[0], RECEIPT)], NOW)
        assert outbox.prune(NOW + timedelta(days=29, hours=23), 30) == 0
        assert outbox.prune(NOW + timedelta(days=30, hours=1), 30) == 1
        assert [row.key for row in outbox.waiting()] == ["b"]
        assert outbox._db.execute("SELECT count(*) FROM files").fetchone() == (0,)


def test_room_is_made_of_live_tags_then_of_what_was_sent_and_never_of_results(
    tmp_path: Path,
) -> None:
    with Outbox(tmp_path, quota_bytes=3 << 20) as outbox:
        outbox.keep_tags(NOW, [("d-1", os.urandom(1 << 20))])
        outbox.put([draft("sent", os.urandom(1 << 20))])
        outbox.receipt([(outbox.waiting()[0], RECEIPT)], NOW)
        outbox.put([draft("w-1", os.urandom(1 << 20)), draft("w-2", os.urandom(100))])
        outbox.put([draft("w-3", os.urandom(1 << 20))])
        assert outbox._db.execute("SELECT count(*) FROM tags").fetchone() == (0,)
        assert outbox.by_key("sent") is not None
        outbox.put([draft("w-4", os.urandom(1 << 20))])
        assert outbox.by_key("sent") is None
        with pytest.raises(StoreFull, match="is full with 4 results"):
            outbox.put([draft("w-5")])
        assert [row.key for row in outbox.waiting()] == ["w-1", "w-2", "w-3", "w-4"]


def test_a_held_result_is_sent_when_a_person_says_so(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a", problem=RailtraceError("{device} is odd", device="d-1"))])
        (row,) = outbox.held()
        assert row.why == "d-1 is odd"
        outbox.send_again(row.seq)
        assert outbox.depth() == 1


def test_what_the_trace_refused_is_tried_again_after_an_hour(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a"), draft("odd", problem=RailtraceError("a person is to look"))])
        outbox.refused(outbox.waiting()[0], RailtraceError("no unit"), NOW)
        assert outbox.try_held_again(NOW + timedelta(minutes=59)) == 0
        assert outbox.try_held_again(NOW + timedelta(minutes=61)) == 1
        assert [row.key for row in outbox.held()] == ["odd"]


def test_an_outbox_of_another_format_is_left_as_it_is(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox._db.execute("PRAGMA user_version=9")
    with pytest.raises(RailtraceError, match="format 9"):
        Outbox(tmp_path)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from railtrace.devices.gateway.outbox import Outbox
from tests.devices.test_outbox import draft
outbox = Outbox(Path({folder!r}))
for number in range(10_000):
    outbox.put([draft(f"r-{{number}}")])
    print(number, flush=True)
"""


def test_what_was_acknowledged_stands_after_a_kill(tmp_path: Path) -> None:
    script = textwrap.dedent(WRITER).format(root=str(Path(__file__).parents[2]),
                                            folder=str(tmp_path))  # fmt: skip
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout.read().split()]
    writer.wait(10)
    with Outbox(tmp_path) as outbox:
        assert all(outbox.by_key(f"r-{number}") for number in said)
