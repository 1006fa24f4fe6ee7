"""Group commit: shared commits, and nobody pays for a neighbour's mistake."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.errors import Contended, IdTaken, NotFound, RailtraceError, StoreFull
from railtrace.recorder import Recorder
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.ledger import Receipt, Submission
from railtrace.trace.operation import Inspected, Operation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def inspected(id_: str, scope: str = "ТО-1") -> Operation:
    return Inspected(id=id_, happened_at=NOW, units=("u-1",), scope=scope)


def batch(*ids: str) -> list[Submission]:
    return [Submission(inspected(id_), "worker-1", "test") for id_ in ids]


UNWRITABLE = Submission(inspected("unwritable"), object(), "test")  # type: ignore[arg-type]
"""Passes every check and cannot be encoded: a fault of the program, not of the sender."""


class Gate(DatabaseTraceStore):
    """A store whose commits wait, are counted, and fail when they are told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(Sqlite(path))
        self.open_ = threading.Event()
        self.open_.set()
        self.commits = 0
        self.fails: list[Exception] = []

    @contextmanager
    def writing(self, log: str) -> Iterator[Any]:
        self.open_.wait()
        self.commits += 1
        if self.fails:
            raise self.fails.pop(0)
        with super().writing(log) as writer:
            yield writer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Gate]:
    store = Gate(tmp_path / "trace.db")
    store.open_log("a", "tests/a")
    store.open_log("b", "tests/b")
    yield store
    store.close()


@pytest.fixture
def recorder(store: Gate) -> Iterator[Recorder]:
    recorder = Recorder(store, lambda: NOW)
    yield recorder
    store.open_.set()
    recorder.stop()


def places(results: list[Any]) -> list[tuple[str, int]]:
    assert all(isinstance(result, Receipt) for result in results), results
    return [(result.id, result.position) for result in results]


def test_results_come_in_the_order_of_the_batch_under_sixteen_threads(
    recorder: Recorder, store: Gate
) -> None:
    def send(thread: int) -> list[list[Any]]:
        batches = [[f"{thread}-{i}-{j}" for j in range(3)] for i in range(20)]
        return [[ids, recorder.submit("a", batch(*ids)).result(30)] for ids in batches]

    with ThreadPoolExecutor(16) as threads:
        everything = [pair for sent in threads.map(send, range(16)) for pair in sent]
    positions = []
    for ids, results in everything:
        assert [id_ for id_, _ in places(results)] == ids
        positions += [position for _, position in places(results)]
    assert sorted(positions) == list(range(16 * 20 * 3))
    assert store.head("a").size == len(positions)


def test_what_waits_while_a_commit_is_under_way_shares_the_next(
    recorder: Recorder, store: Gate
) -> None:
    store.open_.clear()
    first = recorder.submit("a", batch("first"))
    while recorder._queue.qsize():
        pass
    waiting = [recorder.submit("a", batch(f"op-{i}")) for i in range(50)]
    store.open_.set()
    assert places(first.result(30)) == [("first", 0)]
    assert [future.result(30)[0].position for future in waiting] == list(range(1, 51))
    assert store.commits == 2


def test_a_batch_that_cannot_be_written_does_not_spoil_those_of_its_commit(
    recorder: Recorder, store: Gate
) -> None:
    store.open_.clear()
    held = recorder.submit("a", batch("held"))
    while recorder._queue.qsize():
        pass
    good = [recorder.submit("a", batch(f"before-{i}")) for i in range(3)]
    bad = recorder.submit("a", [*batch("beside"), UNWRITABLE])
    good += [recorder.submit("a", batch(f"after-{i}")) for i in range(3)]
    store.open_.set()
    assert held.result(30)
    with pytest.raises(TypeError):
        bad.result(30)
    assert [places(future.result(30))[0][0] for future in good] == [
        "before-0", "before-1", "before-2", "after-0", "after-1", "after-2",
    ]  # fmt: skip
    assert not store.find(["beside", "unwritable"])
    assert store.head("a").size == 7


def test_a_log_that_does_not_exist_fails_its_own_batch_only(
    recorder: Recorder, store: Gate
) -> None:
    store.open_.clear()
    nowhere = recorder.submit("nowhere", batch("x"))
    somewhere = recorder.submit("b", batch("y"))
    store.open_.set()
    with pytest.raises(NotFound, match="no log nowhere"):
        nowhere.result(30)
    assert places(somewhere.result(30)) == [("y", 0)]


def test_the_same_id_in_two_batches_of_one_commit_is_recorded_once(
    recorder: Recorder, store: Gate
) -> None:
    store.open_.clear()
    recorder.submit("a", batch("held"))
    while recorder._queue.qsize():
        pass
    other = Submission(inspected("same", "other content"), "worker-2", "test")
    futures = [recorder.submit("a", items) for items in (batch("same"), batch("same"), [other])]
    store.open_.set()
    [first], [second], [third] = (future.result(30) for future in futures)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.position == second.position
    assert isinstance(third, IdTaken)


def test_a_full_disk_is_told_to_every_waiting_sender_and_passes(
    recorder: Recorder, store: Gate
) -> None:
    store.open_.clear()
    store.fails = [StoreFull("the disk is full"), StoreFull("the disk is full")]
    held = recorder.submit("a", batch("held"))
    while recorder._queue.qsize():
        pass
    waiting = [recorder.submit("a", batch(f"op-{i}")) for i in range(5)]
    store.open_.set()
    for future in [held, *waiting]:
        with pytest.raises(StoreFull):
            future.result(30)
    assert store.commits == 2
    assert places(recorder.submit("a", batch("later")).result(30)) == [("later", 0)]


def test_a_commit_that_lost_a_race_for_an_id_is_tried_again(
    recorder: Recorder, store: Gate
) -> None:
    store.fails = [Contended("another writer was there first")] * 3
    assert places(recorder.submit("a", batch("x")).result(30)) == [("x", 0)]
    assert store.commits == 4


def test_stopping_writes_everything_handed_in_before(store: Gate) -> None:
    recorder = Recorder(store, lambda: NOW)
    store.open_.clear()
    futures = [recorder.submit("ab"[i % 2], batch(f"op-{i}")) for i in range(200)]
    stopping = threading.Thread(target=recorder.stop)
    stopping.start()
    store.open_.set()
    stopping.join(30)
    assert all(future.done() for future in futures)
    assert store.head("a").size == store.head("b").size == 100


def test_what_comes_after_the_stop_is_refused_and_waits_for_nothing(store: Gate) -> None:
    recorder = Recorder(store, lambda: NOW)
    recorder.stop()
    with pytest.raises(RailtraceError, match="send it again"):
        recorder.submit("a", batch("late"))


def test_the_follower_hears_of_every_commit(store: Gate) -> None:
    heard = threading.Event()
    recorder = Recorder(store, lambda: NOW, heard.set)
    recorder.submit("a", batch("x")).result(30)
    assert heard.wait(30)
    recorder.stop()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 12), min_size=1, max_size=5)),
        max_size=25,
    )
)
def test_any_batches_give_what_recording_them_one_after_another_gives(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[str, list[int]]]
) -> None:
    store = Gate(tmp_path_factory.mktemp("law") / "trace.db")
    for log in "ab":
        store.open_log(log, f"tests/{log}")
    recorder = Recorder(store, lambda: NOW)
    futures = [
        (log, numbers, recorder.submit(log, batch(*(f"op-{n}" for n in numbers))))
        for log, numbers in sent
    ]
    taken: dict[str, set[int]] = defaultdict(set)
    for _, numbers, future in futures:
        for number, result in zip(numbers, future.result(30), strict=True):
            assert isinstance(result, Receipt)
            assert result.id == f"op-{number}"
            taken[result.log].add(result.position)
    for log, positions in taken.items():
        assert positions == set(range(store.head(log).size))
    assert sum(map(len, taken.values())) == len({n for _, numbers in sent for n in numbers})
    recorder.stop()
    store.close()
