"""The trace store: logs, entries, kept subtree roots and checkpoints, in one database.

An entry's key is `log number << 40 | position`, so a log is one run of the primary key.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from railtrace.errors import Contended, NotFound
from railtrace.store.database import Database, Writer, chunks, marks
from railtrace.trace.ledger import LogHead, Row
from railtrace.trace.merkle import Frontier

_POSITIONS = 1 << 40
_HEAD = "SELECT log, origin, size, frontier, recorded_us, number FROM logs"


def _bytes(value: bytes | memoryview | str) -> bytes:
    """Whoever alters a SQLite row may leave text where bytes were: that too is to be read."""
    return value.encode() if isinstance(value, str) else bytes(value)


def _head(row: tuple[Any, ...]) -> LogHead:
    return LogHead(row[0], row[1], Frontier.from_bytes(row[2], _bytes(row[3])), row[4])


class _LogWriter:
    def __init__(self, writer: Writer, row: tuple[Any, ...]) -> None:
        self._writer = writer
        self._first_key = row[5] * _POSITIONS
        self._number = row[5]
        self.head = _head(row)

    def find(self, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
        """Return (log, position, leaf) of the ids that are in the ledger."""
        return _find(self._writer, ids)

    def append(
        self, rows: Sequence[Row], head: LogHead, kept: dict[tuple[int, int], bytes]
    ) -> None:
        """Write entries, the new head and the kept subtree roots."""
        self._writer.insert(
            "operations",
            ("key", "id", "kind", "leaf", "hash"),
            [(self._first_key + r.position, r.id, r.kind, r.leaf, r.hash) for r in rows],
        )
        if kept:
            self._writer.insert(
                "subtrees",
                ("log", "height", "idx", "hash"),
                [(self._number, height, index, root) for (height, index), root in kept.items()],
            )
        self._writer.query(
            "UPDATE logs SET size = ?, frontier = ?, recorded_us = ? WHERE log = ?",
            (head.size, head.frontier.to_bytes(), head.recorded_us, head.log),
        )
        self.head = head


def _find(source: Database | Writer, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
    found: dict[str, tuple[str, int, bytes]] = {}
    for some in chunks(ids):
        rows = source.query(
            "SELECT o.id, o.key, o.leaf, l.log FROM operations o "
            f"JOIN logs l ON l.number = o.key / {_POSITIONS} WHERE o.id IN ({marks(len(some))})",
            list(some),
        )
        found.update({id_: (log, key % _POSITIONS, _bytes(leaf)) for id_, key, leaf, log in rows})
    return found


class DatabaseTraceStore:
    """A `TraceStore` in SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers: dict[str, int] = {}
        blob = database.blob
        database.create(
            "CREATE TABLE IF NOT EXISTS logs (log TEXT PRIMARY KEY, origin TEXT NOT NULL UNIQUE,"
            f" size BIGINT NOT NULL, frontier {blob} NOT NULL, recorded_us BIGINT NOT NULL,"
            " number BIGINT NOT NULL UNIQUE)",
            "CREATE TABLE IF NOT EXISTS operations (key BIGINT PRIMARY KEY, id TEXT NOT NULL"
            f" UNIQUE, kind TEXT NOT NULL, leaf {blob} NOT NULL, hash {blob} NOT NULL)"
            if database.dialect != "sqlite"
            else "CREATE TABLE IF NOT EXISTS operations (key INTEGER PRIMARY KEY, id TEXT NOT NULL"
            " UNIQUE, kind TEXT NOT NULL, leaf BLOB NOT NULL, hash BLOB NOT NULL)",
            "CREATE TABLE IF NOT EXISTS subtrees (log BIGINT NOT NULL, height BIGINT NOT NULL,"
            f" idx BIGINT NOT NULL, hash {blob} NOT NULL, PRIMARY KEY (log, height, idx))",
            "CREATE TABLE IF NOT EXISTS checkpoints (log TEXT NOT NULL, size BIGINT NOT NULL,"
            " signed_us BIGINT NOT NULL, note TEXT NOT NULL,"
            " PRIMARY KEY (log, size, signed_us))",
        )

    def _first_key(self, log: str) -> int:
        if log not in self._numbers:
            rows = self.database.query("SELECT number FROM logs WHERE log = ?", (log,))
            if not rows:
                raise NotFound("there is no log {log}", log=log)
            self._numbers[log] = rows[0][0]
        return self._numbers[log] * _POSITIONS

    def open_log(self, log: str, origin: str) -> LogHead:
        """Return the log's head, making the log when it is not there."""
        try:
            self._make_log(log, origin)
        except Contended:
            self._make_log(log, origin)
        return self.head(log)

    def _make_log(self, log: str, origin: str) -> None:
        with self.database.write() as writer:
            if not writer.query("SELECT 1 FROM logs WHERE log = ?", (log,)):
                [(last,)] = writer.query("SELECT COALESCE(MAX(number), 0) FROM logs")
                writer.insert(
                    "logs",
                    ("log", "origin", "size", "frontier", "recorded_us", "number"),
                    [(log, origin, 0, b"", 0, last + 1)],
                )

    def heads(self) -> list[LogHead]:
        """Return the heads of all logs by name."""
        return [_head(row) for row in self.database.query(_HEAD + " ORDER BY log")]

    def head(self, log: str) -> LogHead:
        """Return one head. Raises NotFound."""
        rows = self.database.query(_HEAD + " WHERE log = ?", (log,))
        if not rows:
            raise NotFound("there is no log {log}", log=log)
        return _head(rows[0])

    @contextmanager
    def writing(self, log: str) -> Iterator[_LogWriter]:
        """Lock a log and write to it in one transaction."""
        with self.database.write() as writer:
            rows = writer.lock(_HEAD + " WHERE log = ?", (log,))
            if not rows:
                raise NotFound("there is no log {log}", log=log)
            yield _LogWriter(writer, rows[0])

    def rename_origin(self, log: str, origin: str) -> None:
        """Let a log sign under the origin of its new epoch."""
        with self.database.write() as writer:
            writer.query("UPDATE logs SET origin = ? WHERE log = ?", (origin, log))

    def find(self, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
        """Return (log, position, leaf) of the ids that are in the ledger."""
        return _find(self.database, ids)

    def leaves(
        self, log: str, start: int, stop: int, kinds: Sequence[str] = ()
    ) -> Iterator[tuple[int, bytes]]:
        """Stream (position, leaf) of [start, stop), of some kinds only when they are named."""
        first = self._first_key(log)
        only = f" AND kind IN ({marks(len(kinds))})" if kinds else ""
        rows = self.database.stream(
            f"SELECT key, leaf FROM operations WHERE key >= ? AND key < ?{only} ORDER BY key",
            (first + start, first + stop, *kinds),
        )
        return ((key - first, _bytes(leaf)) for key, leaf in rows)

    def leaves_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """Return the leaves at (log, position) places."""
        wanted = {self._first_key(log) + position: (log, position) for log, position in places}
        found: dict[tuple[str, int], bytes] = {}
        for some in chunks(sorted(wanted)):
            rows = self.database.query(
                f"SELECT key, leaf FROM operations WHERE key IN ({marks(len(some))})", list(some)
            )
            found.update({wanted[key]: _bytes(leaf) for key, leaf in rows})
        return found

    def hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes of [start, stop)."""
        first = self._first_key(log)
        rows = self.database.query(
            "SELECT hash FROM operations WHERE key >= ? AND key < ? ORDER BY key",
            (first + start, first + stop),
        )
        return [_bytes(row[0]) for row in rows]

    def subtrees(self, log: str, height: int, start: int, stop: int) -> list[bytes]:
        """Return the kept subtree roots of one height, indexes [start, stop)."""
        number = self._first_key(log) // _POSITIONS
        rows = self.database.query(
            "SELECT hash FROM subtrees WHERE log = ? AND height = ? AND idx >= ? AND idx < ?"
            " ORDER BY idx",
            (number, height, start, stop),
        )
        return [_bytes(row[0]) for row in rows]

    def rows(self, log: str, start: int) -> Iterator[tuple[int, str, str, bytes, bytes]]:
        """Stream (position, id, kind, leaf, hash) as they stand, from a position to the end."""
        first = self._first_key(log)
        # The driver's own tuples: a re-check reads millions of them.
        return self.database.stream(
            f"SELECT key - {first}, id, kind, leaf, hash FROM operations"
            " WHERE key >= ? AND key < ? ORDER BY key",
            (first + start, first + _POSITIONS),
        )

    def repeated_ids(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return the ids that stand more than once, whatever the index says, and where."""
        repeated = self.database.query(
            "SELECT id FROM (SELECT '' || id AS id FROM operations) AS ids"
            " GROUP BY id HAVING COUNT(*) > 1"
        )
        names = {number: log for log, number in self.database.query("SELECT log, number FROM logs")}
        found: dict[str, list[tuple[str, int]]] = {id_: [] for (id_,) in repeated}
        for some in chunks(list(found)):
            for id_, key in self.database.query(
                f"SELECT id, key FROM operations WHERE '' || id IN ({marks(len(some))})"
                " ORDER BY key",
                list(some),
            ):
                found[id_].append((names.get(key // _POSITIONS, ""), key % _POSITIONS))
        return list(found.items())

    def add_checkpoint(self, log: str, size: int, note: str, signed_us: int) -> None:
        """Keep a signed checkpoint."""
        with self.database.write() as writer:
            writer.insert(
                "checkpoints", ("log", "size", "signed_us", "note"), [(log, size, signed_us, note)]
            )

    def checkpoints(self, log: str) -> list[tuple[int, str]]:
        """Return (size, note) of the kept checkpoints, oldest first."""
        return [
            (size, note)
            for size, note in self.database.query(
                "SELECT size, note FROM checkpoints WHERE log = ? ORDER BY signed_us, size", (log,)
            )
        ]

    def last_checkpoint(self, log: str) -> tuple[int, str] | None:
        """Return (size, note) of the newest kept checkpoint."""
        rows = self.database.query(
            "SELECT size, note FROM checkpoints WHERE log = ?"
            " ORDER BY size DESC, signed_us DESC LIMIT 1",
            (log,),
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def close(self) -> None:
        """Close the database."""
        self.database.close()
