"""kill -9 while the views are being kept: they go on, and are what a rebuild gives."""

import random
import sys
from pathlib import Path

import pytest

from tests.store.crash_follower import BATCH
from tests.store.test_kill_during_recording import run_and_kill
from tests.store.test_views import everything, new_store


def kill_many_times(folder: Path, times: int) -> None:
    chance, told = random.Random(times), set[int]()
    command = [sys.executable, "-m", "tests.store.crash_follower", str(folder)]
    for _ in range(times):
        told |= set(run_and_kill(command, chance.uniform(0, 0.3)))
    views = new_store(folder)
    left = views.lag()
    assert views.catch_up() == left
    assert max(told) < views.trace.head("north").size // BATCH, "an acknowledged batch is lost"
    followed = everything(views)
    views.rebuild()
    assert everything(views) == followed


def test_views_killed_at_some_moments_go_on(tmp_path: Path) -> None:
    kill_many_times(tmp_path, 3)


@pytest.mark.nightly
def test_views_killed_at_two_hundred_moments_go_on(tmp_path: Path) -> None:
    kill_many_times(tmp_path, 200)
