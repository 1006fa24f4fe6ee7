"""Does the demo work: serve it on a free port, visit the main pages as a person would."""

import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import NamedTuple

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import RailtraceError
from railtrace.operating.verify import verify_installation

START_LIMIT_S = 60.0
_VEHICLE = "SELECT unit FROM units WHERE vehicle_class <> '' ORDER BY unit DESC LIMIT 1"
_PART = "SELECT unit FROM installations ORDER BY unit DESC LIMIT 1"


class Probe(NamedTuple):
    """One thing tried: whether it was as it should be, how long it took, what it told."""

    what: str
    good: bool
    ms: float
    text: str


class Visitor:
    """A browser's manners: it keeps cookies, follows redirects and sends forms with their token."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        # A proxy set for the machine must not stand between it and itself.
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})
        )

    def get(self, path: str, token: str = "") -> tuple[int, str, str]:
        """Return (status, address come to, text)."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._open(urllib.request.Request(self.address + path, headers=headers))

    def send(self, path: str, body: bytes, kind: str, token: str = "") -> tuple[int, str, str]:
        """Post a body."""
        headers = {"Content-Type": kind, "Referer": self.address + path}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        return self._open(urllib.request.Request(self.address + path, body, headers))

    def log_in(self, name: str, password: str) -> tuple[int, str, str]:
        """Fill in the log-in form."""
        _, _, page = self.get("/account/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {"username": name, "password": password}
        form |= {"csrfmiddlewaretoken": token[1]} if token else {}
        kind = "application/x-www-form-urlencoded"
        return self.send("/account/login", urllib.parse.urlencode(form).encode(), kind)

    def _open(self, request: urllib.request.Request) -> tuple[int, str, str]:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.url, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.url or "", error.read().decode("utf-8", "replace")


def free_port() -> int:
    """Return a loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(config: Config, port: int) -> Iterator[str]:
    """Serve in a process of its own; give the address and end it by SIGTERM after."""
    environment = os.environ | {"PORT": str(port), "RAILTRACE_HOST": "127.0.0.1"}
    environment["RAILTRACE_CONFIG"] = str(config.data_folder / "railtrace.toml")
    environment.pop("RAILTRACE_TLS", None)
    command = [sys.executable, "-m", "railtrace.cli", "serve"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_served(server, address)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _wait_until_served(server: "subprocess.Popen[bytes]", address: str) -> None:
    visitor, give_up_at = Visitor(address), time.monotonic() + START_LIMIT_S
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            visitor.get("/health")
            return
        except OSError:
            time.sleep(0.1)
    raise RailtraceError("the demo was not served at {address}", address=address)


def check_demo(config: Config, logins: Sequence[tuple[str, str, str]]) -> list[Probe]:
    """Visit a served demo, then verify its store."""
    token, _ = import_module("railtrace.web.console").create_token("demo check", ["read"], 1)
    app = App(config)
    try:
        with serving(config, free_port()) as address:
            probes = list(_visit(address, app, logins, token))
        return [*probes, _try("the store proves what it holds", partial(_verified, app))]
    finally:
        app.stop()


def _try(what: str, look: Callable[[], tuple[bool, str]]) -> Probe:
    began = time.monotonic()
    try:
        good, text = look()
    except Exception as error:
        good, text = False, f"{type(error).__name__}: {error}"
    return Probe(what, good, (time.monotonic() - began) * 1000, text)


def _verified(app: App) -> tuple[bool, str]:
    report = verify_installation(app)
    faults = [str(finding) for finding in report.findings if finding.is_fault]
    return report.is_whole, faults[0] if faults else f"{sum(report.entries.values())} entries"


def _visit(
    address: str, app: App, logins: Sequence[tuple[str, str, str]], token: str
) -> Iterator[Probe]:
    visitor = Visitor(address)
    yield _try("/health", partial(_healthy, visitor))
    yield _try(
        "a stranger is sent to the log-in", partial(_page, Visitor(address), "/fleet/", "/login")
    )
    for role, name, password in logins:
        yield _try(f"log in as {role}", partial(_logged_in, visitor, name, password))
    for path, word in _pages(app):
        yield _try(path, partial(_page, visitor, path, word))
    for path in ("/api/openapi.json", "/api/logs", "/api/units?q=2"):
        yield _try(path, partial(_json, visitor, path, token))
    yield _try("the API refuses who has no scope", partial(_refused, Visitor(address), token))


def _pages(app: App) -> Iterator[tuple[str, str]]:
    """Yield pages with what their last address or their text must hold."""
    for path in ("/", "/fleet/", "/recalls/", "/trace/", "/trace/contradictions", "/account/"):
        yield path, "<html"
    for query in (_VEHICLE, _PART):
        for (unit,) in app.views.database.query(query):
            yield f"/units/{urllib.parse.quote(unit)}", unit
            yield f"/search?q={urllib.parse.quote(unit)}", unit
    for path in ("", "chief/", "chief/demo-319", "demo-329/trip", "demo-319/handover",
                 "hands/demo-train:329:1", "scoreboard", "accidents/",
                 "accidents/demo-1"):  # fmt: skip
        yield f"/trains/{path}", "<html"
    for (consist,) in app.views.database.query("SELECT consist FROM consists ORDER BY consist"):
        yield f"/trains/{urllib.parse.quote(consist)}", consist
    for recall, operation in _examples(app):
        yield f"/recalls/{recall}", recall
        yield f"/operations/{operation}", operation
        yield f"/proof/{operation}", "railtrace proof"


def _examples(app: App) -> Iterator[tuple[str, str]]:
    operations = app.views.database.query("SELECT id FROM unit_ops WHERE kind = 'Measured' LIMIT 1")
    recalls = app.views.database.query("SELECT unit FROM states WHERE view = 'recall' LIMIT 1")
    for (unit,), (operation,) in zip(recalls, operations, strict=False):
        yield urllib.parse.quote(unit.removeprefix("recall:")), urllib.parse.quote(operation)


def _healthy(visitor: Visitor) -> tuple[bool, str]:
    status, _, text = visitor.get("/health")
    told = json.loads(text)
    return status == 200 and told["store_writable"], f"{status} {told['status']}"


def _logged_in(visitor: Visitor, name: str, password: str) -> tuple[bool, str]:
    visitor.cookies.clear()
    status, came_to, _ = visitor.log_in(name, password)
    return status == 200 and "/login" not in came_to, f"{status} {came_to}"


def _page(visitor: Visitor, path: str, word: str) -> tuple[bool, str]:
    status, came_to, text = visitor.get(path)
    return status == 200 and word in came_to + text, f"{status}, {len(text):,} characters"


def _json(visitor: Visitor, path: str, token: str) -> tuple[bool, str]:
    status, _, text = visitor.get(path, token)
    return status == 200 and bool(json.loads(text)), f"{status}, {len(text):,} characters"


def _refused(visitor: Visitor, token: str) -> tuple[bool, str]:
    status, _, _ = visitor.send("/api/operations", b"[]", "application/json", token)
    return status in (401, 403), str(status)
