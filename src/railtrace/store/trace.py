"""The trace store: logs, entries, kept subtree roots and checkpoints, in one database.

An entry's key is `log number << 40 | position`, so a log is one run of the primary key.

What this installation records stands in `operations`, where an id is unique. What others recorded
and replication brought stands in `replicated`, at its position, whatever its id: their logs have
numbers from `FOREIGN` on.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from railtrace.errors import Contended, NotFound
from railtrace.store.database import Database, Writer, chunks, marks
from railtrace.trace import leaf as leaves
from railtrace.trace.ledger import LogHead, Row
from railtrace.trace.merkle import Frontier

FOREIGN = 1 << 20
"""The first number of the logs that other installations write."""
_POSITIONS = 1 << 40
_TABLES = ("operations", "replicated")
# Alternatives, not a list: SQLite would build the list anew for every row that it writes.
_ABOUT_KEYS = "(kind = 'KeyReplaced' OR kind = 'KeyCompromised' OR kind = 'LogOpened')"
_HEAD = "SELECT log, origin, size, frontier, recorded_us, number FROM logs"
_HEAD_AND_REPLICAS = _HEAD.replace(
    " FROM", f", EXISTS (SELECT 1 FROM logs WHERE number >= {FOREIGN}) FROM"
)


def _bytes(value: bytes | memoryview | str) -> bytes:
    """Whoever alters a SQLite row may leave text where bytes were: that too is to be read."""
    return value.encode() if isinstance(value, str) else bytes(value)


def _head(row: tuple[Any, ...]) -> LogHead:
    frontier = Frontier.from_bytes(row[2], _bytes(row[3]))
    return LogHead(row[0], row[1], frontier, row[4], row[5] >= FOREIGN)


def _table(key: int) -> str:
    return _TABLES[key >= FOREIGN * _POSITIONS]


class _LogWriter:
    def __init__(self, writer: Writer, row: tuple[Any, ...]) -> None:
        self.transaction = writer
        self._first_key = row[5] * _POSITIONS
        self._number = row[5]
        self.head = _head(row)
        # Beside the logs of others an id may stand twice, and only a look at both tables tells.
        self.refuses_repeats = not row[6]

    def find(self, ids: Sequence[str]) -> dict[str, tuple[str, int, bytes]]:
        """Return (log, position, leaf) of the ids that are in the ledger."""
        return _find(self.transaction, ids)

    def append(
        self, rows: Sequence[Row], head: LogHead, kept: dict[tuple[int, int], bytes]
    ) -> None:
        """Write entries, the new head and the kept subtree roots."""
        first = self._first_key
        self.transaction.insert(
            _table(first),
            ("key", "id", "kind", "leaf", "hash"),
            [(first + at, id_, kind, leaf, hash_) for at, id_, kind, leaf, hash_ in rows],
        )
        if kept:
            self.transaction.insert(
                "subtrees",
                ("log", "height", "idx", "hash"),
                [(self._number, height, index, root) for (height, index), root in kept.items()],
            )
        self.transaction.query(
            "UPDATE logs SET size = ?, frontier = ?, recorded_us = ?, origin = ? WHERE log = ?",
            (head.size, head.frontier.to_bytes(), head.recorded_us, head.origin, head.log),
        )
        self.head = head


Place = tuple[str, int, bytes]
"""(log, position, leaf)."""


def _holds_replicas(source: Database | Writer) -> bool:
    return bool(source.query("SELECT 1 FROM logs WHERE number >= ? LIMIT 1", (FOREIGN,)))


def _find(source: Database | Writer, ids: Sequence[str]) -> dict[str, Place]:
    """Return where ids stand; of one that stands in several logs, where it was recorded first."""
    return {id_: places[0] for id_, places in _places(source, ids).items()}


def _places(source: Database | Writer, ids: Sequence[str]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    replicas = _holds_replicas(source)
    for some in chunks(ids):
        for table in _TABLES if replicas else _TABLES[:1]:
            rows = source.query(
                f"SELECT o.id, o.key, o.leaf, l.log FROM {table} o "
                f"JOIN logs l ON l.number = o.key / {_POSITIONS} "
                f"WHERE o.id IN ({marks(len(some))})",
                list(some),
            )
            for id_, key, leaf, log in rows:
                found.setdefault(id_, []).append((log, key % _POSITIONS, _bytes(leaf)))
    for places in found.values():
        if len(places) > 1:
            places.sort(key=_recorded)
    return found


def _recorded(place: Place) -> tuple[int, str, int]:
    log, position, leaf = place
    return leaves.read(leaf, log, position).recorded_us, log, position


class DatabaseTraceStore:
    """A `TraceStore` in SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers: dict[str, int] = {}
        blob = database.blob
        big_key = "INTEGER" if database.dialect == "sqlite" else "BIGINT"
        database.create(
            "CREATE TABLE IF NOT EXISTS logs (log TEXT PRIMARY KEY, origin TEXT NOT NULL UNIQUE,"
            f" size BIGINT NOT NULL, frontier {blob} NOT NULL, recorded_us BIGINT NOT NULL,"
            " number BIGINT NOT NULL UNIQUE)",
            f"CREATE TABLE IF NOT EXISTS operations (key {big_key} PRIMARY KEY, id TEXT NOT NULL"
            f" UNIQUE, kind TEXT NOT NULL, leaf {blob} NOT NULL, hash {blob} NOT NULL)",
            f"CREATE TABLE IF NOT EXISTS replicated (key {big_key} PRIMARY KEY, id TEXT NOT NULL,"
            f" kind TEXT NOT NULL, leaf {blob} NOT NULL, hash {blob} NOT NULL)",
            "CREATE INDEX IF NOT EXISTS replicated_id ON replicated (id)",
            *(
                f"CREATE INDEX IF NOT EXISTS {name}_of_keys ON {name} (key) WHERE {_ABOUT_KEYS}"
                for name in _TABLES
            ),
            *(f"DROP INDEX IF EXISTS {name}_about_keys" for name in _TABLES),
            "CREATE TABLE IF NOT EXISTS subtrees (log BIGINT NOT NULL, height BIGINT NOT NULL,"
            f" idx BIGINT NOT NULL, hash {blob} NOT NULL, PRIMARY KEY (log, height, idx))",
            "CREATE TABLE IF NOT EXISTS checkpoints (log TEXT NOT NULL, size BIGINT NOT NULL,"
            " signed_us BIGINT NOT NULL, note TEXT NOT NULL,"
            " PRIMARY KEY (log, size, signed_us))",
            # Beside the entries that replication brings: store/replicas.py.
            "CREATE TABLE IF NOT EXISTS awaited (sha256 TEXT PRIMARY KEY, log TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS heard (log TEXT PRIMARY KEY, sender TEXT NOT NULL,"
            " received_us BIGINT NOT NULL, as_of_us BIGINT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS heard_then (log TEXT NOT NULL,"
            " received_us BIGINT NOT NULL, as_of_us BIGINT NOT NULL,"
            " PRIMARY KEY (log, as_of_us))",
            "CREATE TABLE IF NOT EXISTS forks (log TEXT NOT NULL, received_us BIGINT NOT NULL,"
            " why TEXT NOT NULL, ours TEXT NOT NULL, theirs TEXT NOT NULL,"
            f" parcel {blob} NOT NULL)",
        )

    def _first_key(self, log: str) -> int:
        if log not in self._numbers:
            rows = self.database.query("SELECT number FROM logs WHERE log = ?", (log,))
            if not rows:
                raise NotFound("there is no log {log}", log=log)
            self._numbers[log] = rows[0][0]
        return self._numbers[log] * _POSITIONS

    def open_log(self, log: str, origin: str, foreign: bool = False) -> LogHead:
        """Return the log's head, making the log when it is not there."""
        # Looked up without a write, so that a full disk stops nobody from reading.
        if self.database.query("SELECT 1 FROM logs WHERE log = ?", (log,)):
            return self.head(log)
        try:
            self._make_log(log, origin, foreign)
        except Contended:
            self._make_log(log, origin, foreign)
        return self.head(log)

    def _make_log(self, log: str, origin: str, foreign: bool) -> None:
        least, most = (FOREIGN, 2 * FOREIGN) if foreign else (1, FOREIGN)
        with self.database.write() as writer:
            if not writer.query("SELECT 1 FROM logs WHERE log = ?", (log,)):
                [(number,)] = writer.query(
                    "SELECT COALESCE(MAX(number) + 1, ?) FROM logs WHERE number BETWEEN ? AND ?",
                    (least, least, most - 1),
                )
                writer.insert(
                    "logs",
                    ("log", "origin", "size", "frontier", "recorded_us", "number"),
                    [(log, origin, 0, b"", 0, number)],
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
            rows = writer.lock(_HEAD_AND_REPLICAS + " WHERE log = ?", (log,))
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

    def places(self, ids: Sequence[str]) -> dict[str, list[Place]]:
        """Return every place where ids stand, in the order of recording."""
        return _places(self.database, ids)

    def leaves(
        self, log: str, start: int, stop: int, kinds: Sequence[str] = ()
    ) -> Iterator[tuple[int, bytes]]:
        """Stream (position, leaf) of [start, stop), of some kinds only when they are named."""
        first = self._first_key(log)
        only = f" AND kind IN ({marks(len(kinds))})" if kinds else ""
        rows = self.database.stream(
            f"SELECT key, leaf FROM {_table(first)} WHERE key >= ? AND key < ?{only}"
            " ORDER BY key",
            (first + start, first + stop, *kinds),
        )
        return ((key - first, _bytes(leaf)) for key, leaf in rows)

    def about_keys(self, log: str, start: int, stop: int) -> list[tuple[int, bytes]]:
        """Return (position, leaf) of the entries in [start, stop) that tell whose keys count."""
        first = self._first_key(log)
        rows = self.database.query(
            f"SELECT key, leaf FROM {_table(first)} WHERE key >= ? AND key < ? AND {_ABOUT_KEYS}"
            " ORDER BY key",
            (first + start, first + stop),
        )
        return [(key - first, _bytes(leaf)) for key, leaf in rows]

    def leaves_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """Return the leaves at (log, position) places."""
        wanted = {self._first_key(log) + position: (log, position) for log, position in places}
        found: dict[tuple[str, int], bytes] = {}
        for table in _TABLES:
            for some in chunks([key for key in sorted(wanted) if _table(key) == table]):
                rows = self.database.query(
                    f"SELECT key, leaf FROM {table} WHERE key IN ({marks(len(some))})", list(some)
                )
                found.update({wanted[key]: _bytes(leaf) for key, leaf in rows})
        return found

    def hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes of [start, stop)."""
        first = self._first_key(log)
        rows = self.database.query(
            f"SELECT hash FROM {_table(first)} WHERE key >= ? AND key < ? ORDER BY key",
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
            f"SELECT key - {first}, id, kind, leaf, hash FROM {_table(first)}"
            " WHERE key >= ? AND key < ? ORDER BY key",
            (first + start, first + _POSITIONS),
        )

    def repeated_ids(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return the ids that stand more than once, whatever the index says, and where."""
        every = " UNION ALL ".join(f"SELECT '' || id AS id, key FROM {name}" for name in _TABLES)
        repeated = self.database.query(
            f"SELECT id FROM ({every}) AS ids GROUP BY id HAVING COUNT(*) > 1"
        )
        names = {number: log for log, number in self.database.query("SELECT log, number FROM logs")}
        found: dict[str, list[tuple[str, int]]] = {id_: [] for (id_,) in repeated}
        for some in chunks(list(found)):
            for id_, key in self.database.query(
                f"SELECT id, key FROM ({every}) AS ids WHERE id IN ({marks(len(some))})"
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

    def awaits(self, sha256: str) -> bool:
        """Tell whether a file is named by replicated entries and has not come yet."""
        return bool(self.database.query("SELECT 1 FROM awaited WHERE sha256 = ?", (sha256,)))

    def close(self) -> None:
        """Close the database."""
        self.database.close()
