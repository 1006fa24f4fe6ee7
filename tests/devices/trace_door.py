"""A stand-in for the trace's REST door, for tests of what a gateway does with its answers.

It answers as `web/api/record.py` does; tests/e2e/ speak with the real one.
"""

import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class TraceDoor:
    """Records operations in memory; may be shut, may lose what it has, may refuse a part."""

    def __init__(self, port: int = 0) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.order: list[str] = []
        self.files: dict[str, bytes] = {}
        self.live: list[dict[str, Any]] = []
        self.unknown_parts: set[str] = set()
        self.away = False
        self.cut_pieces = 0
        self.pieces = 0
        self._lock = threading.Lock()
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(*door.post(self.path, body))

            def do_GET(self) -> None:
                self._answer(*door.get(self.path))

            def _answer(self, status: int, told: Any) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [self.entries[id_] for id_ in self.order if self.entries[id_]["kind"] == kind]

    def get(self, path: str) -> tuple[int, Any]:
        return 200, self._received(path.split("/")[3])

    def _received(self, name: str, size: int = -1) -> dict[str, Any]:
        held = self.files.get(name, b"")
        return {"received": len(held), "whole": sha256(held).hexdigest() == name}

    def post(self, path: str, body: bytes) -> tuple[int, Any]:
        with self._lock:
            if self.away:
                return 503, {}
            if path == "/api/operations":
                return 200, {"results": [self._record(one) for one in json.loads(body)]}
            if path == "/api/machines/live":
                self.live += json.loads(body)
                return 200, {}
            return self._piece(path, body)

    def _piece(self, path: str, body: bytes) -> tuple[int, Any]:
        name, start = path.split("/")[3], int(parse_qs(urlsplit(path).query)["start"][0])
        held = self.files.setdefault(name, b"")
        self.pieces += 1
        if len(held) == start:
            self.files[name] = held + body
        if self.cut_pieces:
            self.cut_pieces -= 1
            return 503, {}
        return 200, self._received(name)

    def _record(self, operation: dict[str, Any]) -> dict[str, Any]:
        id_ = operation["id"]
        if set(operation.get("marks", ())) & self.unknown_parts:
            return {"id": id_, "status": "refused", "reason": "no unit bears the number"}
        status = "duplicate" if id_ in self.entries else "accepted"
        if status == "accepted":
            self.entries[id_] = operation
            self.order.append(id_)
        elif self.entries[id_] != operation:
            return {"id": id_, "status": "refused", "reason": "the id is taken"}
        position = self.order.index(id_)
        return {
            "id": id_, "status": status, "log": "depot", "position": position,
            "recorded_at": "2026-11-21T00:00:00+00:00",
            "leaf_hash": sha256(json.dumps(operation).encode()).hexdigest(),
        }  # fmt: skip
