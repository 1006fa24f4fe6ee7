"""The trace's REST door as a gateway sees it: operations, files in pieces, live states."""

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

import msgspec

from railtrace.errors import ConfigError, RailtraceError

PIECE = 256 * 1024


class Away(Exception):
    """The trace did not answer; whether it took what was sent is not known."""


class Shut(RailtraceError):
    """The trace answers and does not let us in, or does not take what is sent at all."""


class TooLong(Exception):
    """The trace wants smaller batches."""


class Door:
    """One kept connection; not to be used by two threads at a time."""

    def __init__(
        self, server: str, token: str, language: str = "ru", authority: str = "",
        timeout_s: float = 20,
    ) -> None:  # fmt: skip
        parts = urlsplit(server)
        self.server, self._host, self._port = server, parts.hostname or "", parts.port
        self._root, self._timeout_s = parts.path.rstrip("/"), timeout_s
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        self._secure = None
        if parts.scheme == "https":
            try:
                self._secure = ssl.create_default_context(cafile=authority or None)
            except OSError as error:
                raise ConfigError("authority {file}: {problem}", file=authority, problem=error
                                  ) from error  # fmt: skip
        self._connection: http.client.HTTPConnection | None = None

    def record(self, bodies: list[bytes]) -> list[dict[str, Any]]:
        """Record operations; return each one's answer. Raises Away, Shut, TooLong."""
        body = b"[" + b",".join(bodies) + b"]"
        told: dict[str, Any] = msgspec.json.decode(
            self._ask("POST", "/api/operations", body, "application/json")
        )
        results: list[dict[str, Any]] = told["results"]
        return results

    def received(self, sha256: str) -> tuple[int, bool]:
        """Return how many bytes of a file have arrived, and whether it is whole."""
        told = msgspec.json.decode(self._ask("GET", f"/api/evidence/{sha256}/pieces"))
        return int(told["received"]), bool(told["whole"])

    def send_piece(self, sha256: str, start: int, size: int, content: bytes) -> tuple[int, bool]:
        """Send the next piece of a file; return as `received`."""
        path = f"/api/evidence/{sha256}/pieces?start={start}&size={size}"
        told = msgspec.json.decode(self._ask("POST", path, content, "application/octet-stream"))
        return int(told["received"]), bool(told["whole"])

    def tell_live(self, states: list[dict[str, Any]]) -> None:
        """Tell what machines are doing."""
        self._ask("POST", "/api/machines/live", msgspec.json.encode(states), "application/json")

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        try:
            connection = self._connection = self._connection or self._connect()
            connection.request(method, self._root + path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise Shut(
                "{url} shows a certificate that is not trusted here ({problem}): name its "
                "authority in the settings",
                url=self.server, problem=error.verify_message,
            ) from error  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Away(str(error) or type(error).__name__) from error
        return self._checked(answer.status, answer.reason, content)

    def _checked(self, status: int, reason: str, content: bytes) -> bytes:
        if status < 300:
            return content
        self.close()
        if status == 413:
            raise TooLong
        if status >= 500 or status in (408, 429):
            raise Away(f"{status} {reason}")
        raise Shut("{url} refuses: {detail}", url=self.server, detail=_detail(content, status))

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout_s, context=self._secure
        )


def _detail(content: bytes, status: int) -> str:
    try:
        return f"{status} {msgspec.json.decode(content)['detail']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return str(status)
