"""Signed ledgers to attack, and the attacks themselves, in the SQL both stores share."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.checkpoint import Checkpoint, Signer
from railtrace.trace.ledger import Submission, record, sign_head
from railtrace.trace.merkle import Frontier, leaf_hash
from railtrace.trace.operation import Operation
from railtrace.trace.trust import Trust, trust_one
from tests.trace.operations import measured

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SIGNER = Signer("tests", bytes(range(32)))
TRUST = trust_one("tests/a", SIGNER.named("tests/a").verifier)
_KEY = 1 << 40


def append(store: DatabaseTraceStore, log: str, *operations: Operation, day: int = 0) -> None:
    """Record operations on a day."""
    batch = [Submission(operation, "worker-1", "test") for operation in operations]
    record(store, log, batch, NOW + timedelta(days=day))


def signed_log(
    store: DatabaseTraceStore, sizes: tuple[int, ...] = (300, 600, 700), log: str = "a"
) -> list[Checkpoint]:
    """Record a log day by day and sign it at each size."""
    store.open_log(log, f"tests/{log}")
    done, checkpoints = 0, []
    for day, size in enumerate(sizes):
        operations = [measured(f"{log}-{i}", note=f"entry {i}") for i in range(done, size)]
        append(store, log, *operations, day=day)
        checkpoints.append(sign_head(store, log, SIGNER, NOW + timedelta(days=day, hours=1)))
        done = size
    return checkpoints


def run(store: DatabaseTraceStore, sql: str, *parameters: object) -> None:
    """Change the database behind the program's back."""
    with store.database.write() as writer:
        writer.query(sql, parameters)


def key(position: int) -> int:
    """Return the row key of a position in the first log."""
    return _KEY + position


def set_leaf(store: DatabaseTraceStore, position: int, leaf: bytes) -> None:
    """Put other bytes into an entry; its stored hash stays."""
    run(store, "UPDATE operations SET leaf = ? WHERE key = ?", leaf, key(position))


def leaf_at(store: DatabaseTraceStore, position: int) -> bytes:
    """Return an entry's bytes."""
    return store.leaves_at([("a", position)])["a", position]


def flip(store: DatabaseTraceStore, position: int) -> None:
    """Change one byte of an entry."""
    leaf = bytearray(leaf_at(store, position))
    place = leaf.index(b"31.5")
    leaf[place] ^= 1
    set_leaf(store, position, bytes(leaf))


def cut(store: DatabaseTraceStore, size: int) -> None:
    """Cut off the tail as an expert would: entries, head, kept hashes and later checkpoints."""
    frontier = Frontier().append(store.hashes("a", 0, size))[0]
    run(store, "DELETE FROM operations WHERE key >= ?", key(size))
    run(store, "DELETE FROM subtrees WHERE (idx + 1) * 256 > ?", size)
    run(store, "DELETE FROM checkpoints WHERE size > ?", size)
    run(
        store,
        "UPDATE logs SET size = ?, frontier = ? WHERE log = 'a'",
        size,
        frontier.to_bytes(),
    )


def rewrite(store: DatabaseTraceStore, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Replace the whole log, with every hash computed anew; only checkpoints cannot be signed."""
    rows = list(store.rows("a", 0))
    texts = change([row[3] for row in rows])
    by_leaf = {row[3]: row[1:3] for row in rows}
    hashes = [leaf_hash(text) for text in texts]
    frontier, kept = Frontier().append(hashes)
    head = replace(store.head("a"), frontier=frontier)
    run(store, "DELETE FROM operations")
    run(store, "DELETE FROM subtrees")
    with store.database.write() as writer:
        writer.insert(
            "operations",
            ("key", "id", "kind", "leaf", "hash"),
            [
                (key(i), *by_leaf.get(text, rows[i][1:3]), text, hashed)
                for i, (text, hashed) in enumerate(zip(texts, hashes, strict=True))
            ],
        )
        writer.insert(
            "subtrees",
            ("log", "height", "idx", "hash"),
            [(1, height, index, root) for (height, index), root in kept.items()],
        )
        writer.query(
            "UPDATE logs SET size = ?, frontier = ? WHERE log = 'a'",
            (head.size, frontier.to_bytes()),
        )


def trust_of(*logs: str) -> Trust:
    """Return the trust in several logs of the one key."""
    keys = [trust_one(f"tests/{log}", SIGNER.named(f"tests/{log}").verifier) for log in logs]
    return Trust(keys=tuple(row for one in keys for row in one.keys))
