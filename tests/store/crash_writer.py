"""A process that records until it is killed; what it was told is durable goes to its output.

python -m tests.store.crash_writer sqlite PATH | postgres DSN
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from railtrace.trace.ledger import Receipt, Submission, record
from tests.store.conftest import open_postgres, open_sqlite
from tests.trace.operations import measured

BATCH = 40


def main(kind: str, place: str) -> None:
    """Record batch after batch; number them from the head, as a restarted sender would."""
    store = open_sqlite(Path(place)) if kind == "sqlite" else open_postgres(place)
    number = store.open_log("a", "tests/a").size // BATCH
    while True:
        operations = [measured(f"{number}-{i}", note="x" * 300) for i in range(BATCH)]
        batch = [Submission(operation, "worker-1", "test") for operation in operations]
        results = record(store, "a", batch, datetime.now(UTC))
        assert all(isinstance(result, Receipt) for result in results)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
