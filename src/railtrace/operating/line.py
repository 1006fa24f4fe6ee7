"""A weak line: one message at a time over HTTP, tried again and again, as long as it can carry."""

import http.client
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from railtrace.errors import ConfigError, ProofFailed, RailtraceError
from railtrace.trace.replicate import MOST_BYTES, pack, unpack

_S = TypeVar("_S")


class Cut(Exception):
    """The line was cut before the answer came; whether the message arrived is not known."""


class Transport(Protocol):
    """One message over the line and its answer."""

    def __call__(self, door: str, body: bytes) -> bytes:
        """Return the answer. Raises Cut, or RailtraceError for what no repetition mends."""


class Http:
    """Messages over HTTP or HTTPS with an API token."""

    def __init__(
        self, url: str, token: str, authority: Path | None = None, timeout_s: float = 30
    ) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("{url} is no address: give one like https://headquarters", url=url)
        self._path = f"{parts.path}/api/replicate/"
        self._place, self._timeout_s = (parts.hostname, parts.port), timeout_s
        self._headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream",
        }  # fmt: skip
        self._secure = ssl.create_default_context(cafile=authority) if (
            parts.scheme == "https"
        ) else None  # fmt: skip
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, door: str, body: bytes) -> bytes:
        """Return the answer. Raises Cut, or RailtraceError for what no repetition mends."""
        try:
            connection = self._connection = self._connection or self._connect()
            connection.request("POST", self._path + door, body, self._headers)
            response = connection.getresponse()
            content = response.read()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise ConfigError(
                "{url} shows a certificate that is not trusted here ({problem}): give its "
                "authority with --authority",
                url=self.url, problem=error.verify_message,
            ) from error  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Cut(str(error)) from error
        if response.status == 200:
            return content
        self.close()
        if response.status >= 500 or response.status in (400, 408, 429):
            raise Cut(f"{response.status} {response.reason}")
        raise RailtraceError(
            "{url} refuses: {detail}", url=self.url, detail=_detail(content, response.status)
        )

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._place
        if self._secure is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            host, port, timeout=self._timeout_s, context=self._secure
        )

    def close(self) -> None:
        """Let go of the connection; the next message opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _detail(content: bytes, status: int) -> str:
    try:
        return str(msgspec.json.decode(content)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return str(status)


class Line:
    """A transport that is tried again and again, with messages as long as it can carry."""

    LEAST_BYTES = 4 << 10
    FIRST_BYTES = 128 << 10
    LONGEST_WAIT_S = 60.0

    def __init__(
        self, transport: Transport, tries: int = 10, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport, self._tries, self._wait = transport, tries, wait
        self.most_bytes = self.FIRST_BYTES
        self.cuts = 0

    def ask(self, door: str, message: Callable[[int], object], shape: type[_S]) -> _S:
        """Return the answer; a message is made anew, and shorter, after every cut."""
        for attempt in range(self._tries):
            try:
                told = unpack(self._transport(door, pack(message(self.most_bytes))), shape)
            except (Cut, ProofFailed) as cut:
                self.cuts += 1
                self.most_bytes = max(self.LEAST_BYTES, self.most_bytes // 4)
                if attempt + 1 == self._tries:
                    raise RailtraceError(
                        "the line was cut {tries} times in a row ({problem}); what went over is "
                        "kept: run it again to go on from there",
                        tries=self._tries, problem=cut,
                    ) from cut  # fmt: skip
                self._wait(min(self.LONGEST_WAIT_S, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1))
            else:
                self.most_bytes = min(MOST_BYTES, self.most_bytes * 2)
                return told
        raise AssertionError("a line is tried at least once")
