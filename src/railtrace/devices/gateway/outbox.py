"""The outbox: what came of machines, on disk until the trace has given its receipt, and longer.

One SQLite file, synced in full at every commit. A row is *waiting* to be sent, *held* for a
person, *sent* (its receipt is kept with it) or set *aside* by a person with a reason. Nothing
else deletes a result than its age after the receipt.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from railtrace.devices.message import File, Message
from railtrace.errors import RailtraceError, StoreFull

RowState = Literal["waiting", "held", "sent", "aside"]
Kept = Literal["new", "repeat", "held"]
FORMAT = 1
TRY_HELD_AGAIN = timedelta(hours=1)
_MOST_TAGS = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, device TEXT NOT NULL,
  result_id TEXT NOT NULL, channel TEXT NOT NULL, fingerprint TEXT NOT NULL,
  received_at TEXT NOT NULL, state TEXT NOT NULL, body BLOB, message BLOB NOT NULL,
  template TEXT NOT NULL DEFAULT '', said TEXT NOT NULL DEFAULT '{}',
  tries INTEGER NOT NULL DEFAULT 0, tried_at TEXT, receipt TEXT, receipt_at TEXT,
  acknowledged INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS rows_state ON rows (state, seq);
CREATE INDEX IF NOT EXISTS rows_receipt ON rows (receipt_at);
CREATE TABLE IF NOT EXISTS files (
  sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
  content BLOB NOT NULL, sent INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS row_files (seq INTEGER NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (seq, sha256)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (at TEXT NOT NULL, device TEXT NOT NULL, body BLOB NOT NULL);
"""


class Draft(Struct, frozen=True, kw_only=True):
    """A result on its way into the outbox; without `body` it could not be read at all."""

    key: str
    device: str
    fingerprint: str
    result_id: str = ""
    channel: str = ""
    received_at: datetime
    body: bytes | None
    message: Message
    files: tuple[File, ...] = ()
    problem: RailtraceError | None = None


class Row(Struct, frozen=True, kw_only=True):
    """A row as it stands."""

    seq: int
    key: str
    device: str
    result_id: str
    channel: str
    received_at: datetime
    state: RowState
    body: bytes | None
    template: str
    said: dict[str, str]
    tries: int
    receipt: dict[str, Any] | None

    @property
    def why(self) -> str:
        """Why it is held, in English."""
        return self.template.format(**self.said) if self.template else ""


_ROW = "seq, key, device, result_id, channel, received_at, state, body, template, said, tries, receipt"  # noqa: E501


def _row(found: Sequence[Any]) -> Row:
    names = _ROW.split(", ")
    told = dict(zip(names, found, strict=True))
    return Row(**told | {
        "received_at": datetime.fromisoformat(told["received_at"]),
        "said": json.loads(told["said"]),
        "receipt": json.loads(told["receipt"]) if told["receipt"] else None,
    })  # fmt: skip


class Outbox:
    """One file, many threads, one connection under a lock."""

    def __init__(self, folder: Path, quota_bytes: int = 2048 << 20) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self._quota = folder / "outbox.db", quota_bytes
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise RailtraceError(
                "{file} has format {found}, this program writes {known}: it is left as it is",
                file=self.path, found=version, known=FORMAT,
            )  # fmt: skip
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={FORMAT}")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- coming in ---------------------------------------------------------------------------

    def put(self, drafts: Iterable[Draft]) -> list[Kept]:
        """Keep results durably. Raises StoreFull when not even the sent ones leave room."""
        with self._lock:
            self.make_room()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                kept = [self._put(draft) for draft in drafts]
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            return kept

    def _put(self, draft: Draft) -> Kept:
        first = self._db.execute(
            "SELECT fingerprint FROM rows WHERE key = ?", (draft.key,)
        ).fetchone()
        if first is not None and first[0] == draft.fingerprint:
            return "repeat"
        if first is not None:
            return self._put_twin(draft)
        self._insert(draft, draft.problem)
        return "held" if draft.problem else "new"

    def _put_twin(self, draft: Draft) -> Kept:
        """The number came before with other content: two machines, or a counter begun anew."""
        key = f"{draft.key}:{draft.fingerprint[:8]}"
        if self._db.execute("SELECT 1 FROM rows WHERE key = ?", (key,)).fetchone():
            return "repeat"
        problem = RailtraceError(
            "result {result} of {device} came before with other content: two machines have one "
            "serial number, or its counter began anew; send it as a new result or set it aside",
            result=draft.result_id, device=draft.device,
        )  # fmt: skip
        self._insert(msgspec.structs.replace(draft, key=key), problem)
        return "held"

    def _insert(self, draft: Draft, problem: RailtraceError | None) -> None:
        found = self._db.execute(
            "INSERT INTO rows (key, device, result_id, channel, fingerprint, received_at, state,"
            " body, message, template, said) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                draft.key, draft.device, draft.result_id, draft.channel, draft.fingerprint,
                draft.received_at.isoformat(), "held" if problem else "waiting", draft.body,
                msgspec.msgpack.encode(draft.message), *_said(problem),
            ),
        )  # fmt: skip
        for file in draft.files:
            name = sha256(file.content).hexdigest()
            self._db.execute(
                "INSERT OR IGNORE INTO files (sha256, name, media_type, size, content)"
                " VALUES (?,?,?,?,?)",
                (name, file.name, file.media_type, len(file.content), file.content),
            )
            self._db.execute(
                "INSERT OR IGNORE INTO row_files VALUES (?,?)", (found.lastrowid, name)
            )

    # --- going out ---------------------------------------------------------------------------

    def waiting(self, most: int = 200) -> list[Row]:
        """Return the oldest rows that are to be sent."""
        return self._rows("state = 'waiting' ORDER BY seq LIMIT ?", most)

    def held(self, most: int = 500) -> list[Row]:
        """Return what waits for a person, newest first."""
        return self._rows("state = 'held' ORDER BY seq DESC LIMIT ?", most)

    def row(self, seq: int) -> Row | None:
        """Return one row."""
        return next(iter(self._rows("seq = ?", seq)), None)

    def by_key(self, key: str) -> Row | None:
        """Return the row of a result."""
        return next(iter(self._rows("key = ?", key)), None)

    def last_sent(self) -> Row | None:
        """Return the row with the newest receipt."""
        found = self._rows("state = 'sent' ORDER BY receipt_at DESC, seq DESC LIMIT 1")
        return found[0] if found else None

    def unacknowledged(self) -> list[Row]:
        """Return what the trace has and its machine has not been told of."""
        return self._rows("state = 'sent' AND acknowledged = 0 ORDER BY seq")

    def message(self, seq: int) -> Message:
        """Return a row's message as it came."""
        with self._lock:
            (packed,) = self._db.execute("SELECT message FROM rows WHERE seq = ?", (seq,)
                                         ).fetchone()  # fmt: skip
        return msgspec.msgpack.decode(packed, type=Message)

    def unsent_files(self, rows: Iterable[Row]) -> list[tuple[str, str, int]]:
        """Return (sha256, media type, size) of the files that rows need and the trace has not."""
        marks = ",".join(str(row.seq) for row in rows)
        with self._lock:
            return self._db.execute(
                f"SELECT DISTINCT f.sha256, f.media_type, f.size FROM files f JOIN row_files r"
                f" ON r.sha256 = f.sha256 WHERE f.sent = 0 AND r.seq IN ({marks})"
            ).fetchall()

    def piece(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file."""
        with self._lock:
            (part,) = self._db.execute(
                "SELECT substr(content, ?, ?) FROM files WHERE sha256 = ?",
                (start + 1, length, name),
            ).fetchone()
        return bytes(part)

    def file_sent(self, name: str) -> None:
        """Note that the trace holds a file whole."""
        self._write("UPDATE files SET sent = 1 WHERE sha256 = ?", name)

    def receipt(self, rows: Iterable[tuple[Row, dict[str, Any]]], now: datetime) -> None:
        """Note receipts: (row, what the trace answered for its last operation)."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "UPDATE rows SET state = 'sent', receipt = ?, receipt_at = ?, template = '',"
                " said = '{}' WHERE seq = ?",
                [(json.dumps(told), now.isoformat(), row.seq) for row, told in rows],
            )
            self._db.execute("COMMIT")

    def refused(self, row: Row, problem: RailtraceError, now: datetime) -> None:
        """Hold a row that the trace refused, with its reason."""
        self._write(
            "UPDATE rows SET state = 'held', template = ?, said = ?, tries = tries + 1,"
            " tried_at = ? WHERE seq = ?", *_said(problem), now.isoformat(), row.seq,
        )  # fmt: skip

    def acknowledged(self, seq: int) -> None:
        """Note that a machine was told."""
        self._write("UPDATE rows SET acknowledged = 1 WHERE seq = ?", seq)

    # --- by hand -----------------------------------------------------------------------------

    def send_again(self, seq: int, body: bytes | None = None) -> None:
        """Let a held row be sent, with another body if a person mended it."""
        self._write(
            "UPDATE rows SET state = 'waiting', body = coalesce(?, body) WHERE seq = ?"
            " AND state IN ('held', 'aside') AND (body IS NOT NULL OR ? IS NOT NULL)",
            body, seq, body,
        )  # fmt: skip

    def set_aside(self, seq: int, reason: str) -> None:
        """Keep a held row without sending it, for a reason a person gave."""
        problem = RailtraceError("set aside: {reason}", reason=reason)
        self._write(
            "UPDATE rows SET state = 'aside', template = ?, said = ? WHERE seq = ?"
            " AND state = 'held'", *_said(problem), seq,
        )  # fmt: skip

    def remove_unread(self, seq: int) -> None:
        """Remove a row whose message was read at a later try: its results stand as own rows."""
        self._write("DELETE FROM rows WHERE seq = ? AND body IS NULL", seq)

    def try_held_again(self, now: datetime) -> int:
        """Send what the trace refused once more when an hour has passed: its unit may be known."""
        before = (now - TRY_HELD_AGAIN).isoformat()
        return self._write(
            "UPDATE rows SET state = 'waiting' WHERE state = 'held' AND tries > 0"
            " AND body IS NOT NULL AND tried_at < ?", before,
        )  # fmt: skip

    def send_all_again(self, since: datetime | None = None) -> int:
        """Send everything kept once more: to a server that was restored from a backup."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE files SET sent = 0")
            count = self._db.execute(
                "UPDATE rows SET state = 'waiting' WHERE state = 'sent' AND receipt_at >= ?",
                (since.isoformat() if since else "",),
            ).rowcount
            self._db.execute("COMMIT")
        return count

    # --- room --------------------------------------------------------------------------------

    def keep_tags(self, at: datetime, tags: Iterable[tuple[str, bytes]]) -> None:
        """Keep live values of machines for the page; they are the first to go."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO tags VALUES (?,?,?)", [(at.isoformat(), *tag) for tag in tags]
            )
            self._db.execute(
                "DELETE FROM tags WHERE rowid <= (SELECT max(rowid) FROM tags) - ?",
                (_MOST_TAGS * 200,),
            )
            self._db.execute("COMMIT")

    def prune(self, now: datetime, keep_days: int) -> int:
        """Delete what was sent and acknowledged long enough ago; return how many rows."""
        before = (now - timedelta(days=keep_days)).isoformat()
        gone = self._write(
            "DELETE FROM rows WHERE state = 'sent' AND receipt_at < ?", before
        )
        if gone:
            self._drop_files()
        return gone

    def _drop_files(self) -> None:
        self._write("DELETE FROM row_files WHERE seq NOT IN (SELECT seq FROM rows)")
        self._write("DELETE FROM files WHERE sha256 NOT IN (SELECT sha256 FROM row_files)")

    def size(self) -> int:
        """Return the bytes in use."""
        with self._lock:
            pages, free, page = (
                self._db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (int(pages) - int(free)) * int(page)

    def make_room(self) -> None:
        """Discard within the quota: live tags first, then what was sent; results never."""
        if self.size() < self._quota:
            return
        self._write("DELETE FROM tags")
        while self.size() >= self._quota:
            gone = self._write(
                "DELETE FROM rows WHERE seq IN (SELECT seq FROM rows WHERE state = 'sent'"
                " ORDER BY receipt_at LIMIT 500)"
            )
            if not gone:
                raise StoreFull(
                    "the outbox {file} is full with {depth} results that were not sent: nothing "
                    "is taken of machines until the trace answers or quota_mb is raised",
                    file=self.path, depth=self.depth(),
                )  # fmt: skip
            self._drop_files()

    # --- told --------------------------------------------------------------------------------

    def depth(self) -> int:
        """Return how many results wait to be sent."""
        return sum(n for (_, state), n in self.counts().items() if state == "waiting")

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many rows there are by device and state."""
        with self._lock:
            rows = self._db.execute(
                "SELECT device, state, count(*) FROM rows GROUP BY device, state"
            ).fetchall()
        return {(device, state): count for device, state, count in rows}

    def oldest(self) -> dict[str, datetime]:
        """Return by device when the oldest result that still waits came."""
        with self._lock:
            rows = self._db.execute(
                "SELECT device, min(received_at) FROM rows WHERE state = 'waiting'"
                " GROUP BY device"
            ).fetchall()
        return {device: datetime.fromisoformat(at) for device, at in rows}

    def _rows(self, where: str, *values: object) -> list[Row]:
        with self._lock:
            found = self._db.execute(f"SELECT {_ROW} FROM rows WHERE {where}", values).fetchall()
        return [_row(one) for one in found]

    def _write(self, statement: str, *values: object) -> int:
        with self._lock:
            return self._db.execute(statement, values).rowcount


def _said(problem: RailtraceError | None) -> tuple[str, str]:
    if problem is None:
        return "", "{}"
    said = {name: str(value) for name, value in problem.values.items()}
    template = problem.template if said else problem.template.replace("{", "{{").replace("}", "}}")
    return template, json.dumps(said, ensure_ascii=False)
