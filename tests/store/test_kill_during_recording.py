"""kill -9 at random moments: nothing acknowledged is lost and no batch is recorded by half."""

import random
import subprocess
import sys
import time

import pytest

from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace import leaf as leaves
from railtrace.trace.trust import Trust
from railtrace.trace.verify import Plan, verify_store
from tests.store.conftest import Opener
from tests.store.crash_writer import BATCH


def writer_of(open_store: Opener) -> list[str]:
    [place] = open_store.args  # type: ignore[attr-defined]
    kind = open_store.func.__name__.removeprefix("open_")  # type: ignore[attr-defined]
    return [sys.executable, "-m", "tests.store.crash_writer", kind, str(place)]


def run_and_kill(command: list[str], after_s: float) -> list[int]:
    """Let the writer acknowledge something, kill it that long afterwards; return what it told."""
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(after_s)
    writer.kill()
    told = [first, *writer.stdout.read().splitlines(keepends=True)]
    writer.wait()
    return [int(line) for line in told if line.endswith(b"\n")]


def check_nothing_is_lost(store: DatabaseTraceStore, told: set[int], since: int) -> int:
    """Check the batches from `since` on; return how many there are in all."""
    head = store.head("a")
    batches, left_over = divmod(head.size, BATCH)
    assert left_over == 0, "a batch is recorded by half"
    rows = store.leaves("a", since * BATCH, head.size)
    ids = [leaves.read(leaf, "a", position).operation.id for position, leaf in rows]
    assert ids == [f"{n}-{i}" for n in range(since, batches) for i in range(BATCH)]
    assert max(told) < batches, "an acknowledged batch is lost"
    return batches


def kill_many_times(open_store: Opener, times: int) -> None:
    chance, told, batches = random.Random(times), set[int](), 0
    for _ in range(times):
        told |= set(run_and_kill(writer_of(open_store), chance.uniform(0, 0.15)))
        store = open_store()
        batches = check_nothing_is_lost(store, told, batches)
        store.close()
    assert len(told) >= times
    assert verify_store(open_store, Plan(Trust())).is_whole


def test_killed_at_some_moments_nothing_is_lost(open_store: Opener) -> None:
    kill_many_times(open_store, 5)


@pytest.mark.nightly
def test_killed_at_two_hundred_moments_nothing_is_lost(open_store: Opener) -> None:
    kill_many_times(open_store, 200)
