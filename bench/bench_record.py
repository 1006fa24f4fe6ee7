"""Recording: batches and single posts over HTTP beside bare databases and an in-process peer.

The floors write the same stored bytes, prepared beforehand; they know no HTTP, no reading, no
checks and no hashing. The bar was set beside a table of events that pages could read: ten columns,
a unique id, two indexes more. The bare columns of our ledger, which leaves the rest to the views,
are the stricter floor, shown beside it. Ours and the floors run in
turn, each when the views have taken what was recorded, so that no floor is measured beside a
follower that still works on the round before. Each round's measurements are later than those
before, as a gauge sends them.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from bench.clients import post_all
from bench.serving import Served, serving
from bench.table import Row, at_least, seconds
from railtrace.trace.leaf import encode
from railtrace.trace.merkle import leaf_hash
from railtrace.trace.operation import decode
from tests.postgres import running_postgres

BATCH, BATCHES, CONNECTIONS, ROUNDS = 500, 40, 2, 5
SINGLE_CONNECTIONS, SINGLES = 16, 1600
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_TABLE = (
    "CREATE TABLE operations (key {key} PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " leaf {blob} NOT NULL, hash {blob} NOT NULL)"
)

Stored = list[tuple[int, str, str, bytes, bytes]]


class Wheelset(Aggregate):
    """What the peer keeps: one event a measurement."""

    @event("Measured")
    def measure(self, fields: dict[str, object]) -> None:
        """Take a measurement."""
        self.last = fields


def operation(mark: str, number: int, since: int = 0) -> dict[str, object]:
    """Return a wheel measurement as a gauge sends it, `since` minutes later."""
    readings = [
        {"quantity": quantity, "place": place, "value": f"{29 + number % 400 / 100:.2f}",
         "unit": "mm", "uncertainty": "0.20"}
        for quantity in ("flange_thickness", "tread_wear") for place in ("left", "right")
    ]  # fmt: skip
    return {
        "kind": "Measured", "id": f"{mark}-{number:07}", "units": [f"u-{number % 1000:04}"],
        "happened_at": (FIRST + timedelta(minutes=since + number)).isoformat(),
        "site": "depot", "device": "d-gauge-0417", "performed_by": ["p-0123"],
        "work_order": f"{number % 500}", "step": "profile", "readings": readings,
    }  # fmt: skip


def stored(mark: str, count: int) -> Stored:
    """Return the rows our recorder would write."""

    now = datetime(2026, 11, 1, tzinfo=UTC)
    rows: Stored = []
    for number in range(count):
        fields = operation(mark, number)
        leaf = encode(decode(json.dumps(fields)), now, "bench", "rest")
        rows.append((number, str(fields["id"]), "Measured", leaf, leaf_hash(leaf)))
    return rows


def bodies(mark: str, count: int, since: int = 0) -> list[bytes]:
    """Return request bodies of one batch each."""
    operations = [operation(mark, number, since) for number in range(count * BATCH)]
    return [
        json.dumps(operations[i : i + BATCH], separators=(",", ":")).encode()
        for i in range(0, len(operations), BATCH)
    ]


def post_batches(served: Served, round_: int) -> tuple[float, float]:
    """Return (operations a second, how long the views need afterwards [s])."""
    waiting = bodies(f"b{round_}", BATCHES, round_ * BATCH * BATCHES)
    shares = [waiting[i::CONNECTIONS] for i in range(CONNECTIONS)]
    wanted = b'"accepted":%d,' % BATCH
    taken = seconds(lambda: post_all(served, shares, wanted))
    return BATCH * BATCHES / taken, _lag(served)


_EVENT_TABLE = (
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " unit TEXT NOT NULL, happened_at TEXT NOT NULL, recorded_at TEXT NOT NULL, site TEXT NOT NULL,"
    " submitter TEXT NOT NULL, leaf BLOB NOT NULL, hash BLOB NOT NULL)",
    "CREATE INDEX events_unit ON events (unit, happened_at)",
    "CREATE INDEX events_kind ON events (kind, happened_at)",
)


def bare_event_table(folder: Path, rows: Stored) -> float:
    """Return rows a second of executemany into a table that pages could read: two indexes more."""
    database = _synced(folder)
    for statement in _EVENT_TABLE:
        database.execute(statement)
    return _executemany(database, "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?)", _wide(rows))


def _wide(rows: Stored) -> list[tuple[object, ...]]:
    return [
        (key, id_, kind, f"u-{key % 1000:04}", f"2026-03-01T{key % 24:02}:{key % 60:02}", "now",
         "depot", "bench", leaf, hashed)
        for key, id_, kind, leaf, hashed in rows
    ]  # fmt: skip


def bare_sqlite(folder: Path, rows: Stored) -> float:
    """Return rows a second of executemany into our own columns, each batch synced in full."""
    database = _synced(folder)
    database.execute(_TABLE.format(key="INTEGER", blob="BLOB"))
    return _executemany(database, "INSERT INTO operations VALUES (?,?,?,?,?)", rows)


def _synced(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / f"floor-{time.monotonic_ns()}.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    return database


def _executemany(database: sqlite3.Connection, insert: str, rows: Sequence[tuple]) -> float:
    def write() -> None:
        for start in range(0, len(rows), BATCH):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(insert, rows[start : start + BATCH])
            database.execute("COMMIT")

    taken = seconds(write)
    database.close()
    return len(rows) / taken


def bare_copy(dsn: str, rows: Stored) -> float:
    """Return rows a second of binary COPY into our own columns, a commit a batch."""
    table = _TABLE.format(key="BIGINT", blob="BYTEA").replace("operations", "floor_operations")
    return _copy(dsn, (table,), "floor_operations", rows)


def bare_event_copy(dsn: str, rows: Stored) -> float:
    """Return rows a second of binary COPY into a table that pages could read."""
    tables = tuple(t.replace("BLOB", "BYTEA").replace("INTEGER", "BIGINT") for t in _EVENT_TABLE)
    return _copy(dsn, tables, "events", _wide(rows))


def _copy(
    dsn: str, statements: tuple[str, ...], table: str, rows: Sequence[tuple[object, ...]]
) -> float:
    of_type = {int: "int8", str: "text", bytes: "bytea"}
    types = [of_type[type(value)] for value in rows[0]]
    with psycopg.connect(dsn, autocommit=True) as database:
        for statement in (f"DROP TABLE IF EXISTS {table}", *statements):
            database.execute(statement.encode())

        def write() -> None:
            for start in range(0, len(rows), BATCH):
                with (
                    database.transaction(),
                    database.cursor() as cursor,
                    cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()) as copy,
                ):
                    copy.set_types(types)
                    for row in rows[start : start + BATCH]:
                        copy.write_row(row)

        return len(rows) / seconds(write)


def peer_eventsourcing(folder: Path, count: int) -> float:
    """Return events a second of the library's Application.save, in process, batches of 500."""
    os.environ["PERSISTENCE_MODULE"] = "eventsourcing.sqlite"
    os.environ["SQLITE_DBNAME"] = str(folder / f"peer-{time.monotonic_ns()}.db")
    application: Application = Application()
    aggregates = []
    for start in range(0, count, BATCH):
        wheelset = Wheelset()
        for number in range(start, start + BATCH - 1):
            wheelset.measure(operation("peer", number))
        aggregates.append(wheelset)
    taken = seconds(lambda: [application.save(aggregate) for aggregate in aggregates])
    application.close()
    return count / taken


def post_singles(served: Served, round_: int) -> tuple[float, float]:
    """Return (posts a second, p99 [ms]) of single operations from sixteen connections."""
    since = ROUNDS * BATCH * BATCHES + (round_ + 1) * SINGLES
    texts = [json.dumps(operation(f"s{round_}", n, since)).encode() for n in range(SINGLES)]
    shares = [texts[i::SINGLE_CONNECTIONS] for i in range(SINGLE_CONNECTIONS)]
    times: list[float] = []
    taken = seconds(lambda: times.extend(post_all(served, shares, b'"accepted":1,')))
    _lag(served)
    return SINGLES / taken, _p99_ms(times)


def floor_singles(folder: Path, rows: Stored, clients: int) -> tuple[float, float]:
    """Return (synced commits a second, p99 [ms]) of bare single inserts."""
    path = folder / f"singles-{time.monotonic_ns()}.db"
    first = sqlite3.connect(path)
    first.execute("PRAGMA journal_mode=WAL")
    first.execute(_TABLE.format(key="INTEGER", blob="BLOB"))
    first.commit()

    def writer() -> Callable[[tuple[object, ...]], object]:
        database = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        database.execute("PRAGMA synchronous=FULL")

        def write(row: tuple[object, ...]) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO operations VALUES (?,?,?,?,?)", row)
            database.execute("COMMIT")

        return write

    return _clients(writer, rows, clients)


def _clients(
    make: Callable[[], Callable[..., object]], items: list, clients: int = SINGLE_CONNECTIONS
) -> tuple[float, float]:
    times: list[float] = []
    guard = threading.Lock()

    def run(mine: list) -> None:
        act = make()
        own = [seconds(lambda item=item: act(item)) for item in mine]
        with guard:
            times.extend(own)

    with ThreadPoolExecutor(clients) as pool:
        shares = [items[i::clients] for i in range(clients)]
        taken = seconds(lambda: list(pool.map(run, shares)))
    return len(items) / taken, _p99_ms(times)


def _p99_ms(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98] * 1000


def rows() -> list[Row]:
    """Measure recording on SQLite and PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="railtrace-bench-") as name:
        folder = Path(name)
        rows_ = stored("floor", BATCH * BATCHES)
        found = _on_sqlite(folder, rows_)
        with running_postgres() as dsn:
            found += _on_postgres(folder, dsn, rows_)
        return found


def _on_sqlite(folder: Path, prepared: Stored) -> list[Row]:
    with serving(folder / "sqlite") as served:
        post_batches(served, 0)
        batches = [
            (*post_batches(served, n + 1), bare_sqlite(folder, prepared),
             peer_eventsourcing(folder, len(prepared)), bare_event_table(folder, prepared))
            for n in range(ROUNDS)
        ]  # fmt: skip
        singles = [
            (post_singles(served, n), floor_singles(folder, prepared[:SINGLES], 1),
             floor_singles(folder, prepared[:SINGLES], SINGLE_CONNECTIONS))
            for n in range(ROUNDS)
        ]  # fmt: skip
    ours, lag_s, floor, peer, wide = (statistics.median(b[i] for b in batches) for i in range(5))
    ratio, peer_ratio, wide_ratio = (
        statistics.median(b[0] / b[i] for b in batches) for i in (2, 3, 4)
    )
    found = [
        at_least(
            "500-operation batches over HTTP, SQLite synced in full "
            f"(after {BATCH * BATCHES:,} of them the views are {lag_s:.1f} s behind)",
            f"{ours:,.0f}/s", f"executemany, ten columns {wide:,.0f}/s", wide_ratio, 0.35),
        at_least("the same beside the bare columns of our ledger",
                 f"{ours:,.0f}/s", f"executemany {floor:,.0f}/s", ratio, 0.35),
        at_least("the same beside eventsourcing's Application.save in process",
                 f"{ours:,.0f}/s", f"{peer:,.0f}/s",
                 peer_ratio, 1.0),
    ]  # fmt: skip
    rate_ = statistics.median(s[0][0] for s in singles)
    one = statistics.median(s[1][0] for s in singles)
    p99, floor_p99 = (statistics.median(s[i][1] for s in singles) for i in (0, 2))
    p99_ratio = statistics.median(s[0][1] / s[2][1] for s in singles)
    return [
        *found,
        at_least("single posts, 16 connections, SQLite", f"{rate_:,.0f}/s",
                 f"one connection {one:,.0f}/s",
                 statistics.median(s[0][0] / s[1][0] for s in singles), 0.25),
        Row("p99 of single posts beside 16 bare clients", f"{p99:.1f} ms", f"{floor_p99:.1f} ms",
            f"{p99_ratio:.2f}", "≤ 3", p99_ratio <= 3),
    ]  # fmt: skip


def _lag(served: Served) -> float:
    """Return how long the views need after the last receipt [s]."""
    connection = served.connect()

    def behind() -> bool:
        connection.request("GET", "/health")
        return json.loads(connection.getresponse().read()).get("views_lag", 0) > 0

    begin = time.perf_counter()
    while behind() and time.perf_counter() - begin < 300:
        time.sleep(0.05)
    return time.perf_counter() - begin


def _on_postgres(folder: Path, dsn: str, prepared: Stored) -> list[Row]:
    with serving(folder / "postgres", dsn) as served:
        post_batches(served, 0)
        batches = [
            (*post_batches(served, n + 1), bare_copy(dsn, prepared), bare_event_copy(dsn, prepared))
            for n in range(ROUNDS)
        ]
    ours, lag_s, floor, wide = (statistics.median(b[i] for b in batches) for i in range(4))
    ratio, wide_ratio = (statistics.median(b[0] / b[i] for b in batches) for i in (2, 3))
    return [
        at_least(f"500-operation batches over HTTP, PostgreSQL (views {lag_s:.1f} s behind)",
                 f"{ours:,.0f}/s", f"binary COPY, ten columns {wide:,.0f}/s", wide_ratio, 0.30),
        at_least("the same beside the bare columns of our ledger",
                 f"{ours:,.0f}/s", f"binary COPY {floor:,.0f}/s", ratio, 0.30),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in rows():
        print(row)
