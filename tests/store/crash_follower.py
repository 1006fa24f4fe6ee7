"""A process that records and takes what it recorded into the views until it is killed.

python -m tests.store.crash_follower FOLDER
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from railtrace.trace.ledger import Submission, record
from railtrace.trace.operation import Installed, Operation, Ran, Removed
from tests.store.test_views import new_store

BATCH, TAKEN_AT_ONCE = 12, 5
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def batch(number: int) -> list[Operation]:
    """Let a wheelset go from wagon to wagon, each of which runs."""
    here, before = f"v-{number % 7}", f"v-{(number - 1) % 7}"
    name, place = f"b{number}", "bogie.1/wheelset.1"
    moves: list[Operation] = [
        Removed(id=f"{name}-off", happened_at=_WHEN, units=("w-1",), carrier=before),
        Installed(id=f"{name}-on", happened_at=_WHEN, units=("w-1",), carrier=here, position=place),
    ]
    runs = [
        Ran(id=f"{name}-{i}", happened_at=_WHEN, units=(here,), distance_km="12.5")
        for i in range(BATCH - len(moves))
    ]
    return [*moves, *runs]


def main(folder: str) -> None:
    """Record a batch, take it in small bites, tell its number."""
    views = new_store(Path(folder))
    number = views.trace.head("north").size // BATCH
    while True:
        sent = [Submission(operation, "worker-1", "test") for operation in batch(number)]
        record(views.trace, "north", sent, datetime.now(UTC))
        print(number, flush=True)
        views.catch_up(batch=TAKEN_AT_ONCE)
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
